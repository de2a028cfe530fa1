// Markets: what each outcome costs, and the book of the one that is asked for.
const LEVELS = 6;
const host = new Host((answer, failed) => (failed ? showFailure(answer) : showMarkets(answer)));

function showMarkets(answer) {
  show(
    banner(answer),
    answer.event ? element("h1", {}, answer.event) : null,
    (answer.markets ?? []).map((market) => {
      const book = element("div", { "aria-live": "polite" });
      return element(
        "section",
        {},
        element("h1", {}, market.question),
        element("p", { class: "faint" }, `${market.state}${market.ends ? `, ends ${market.ends}` : ""}, fee rate ${price(market.fee_rate)}`),
        table(
          ["Outcome", "Probability", "Bid", "Ask"],
          market.outcomes.map((each) => [
            element("div", {}, each.label, chance(each.price)),
            each.price === undefined ? "–" : `${(100 * each.price).toFixed(1)} %`,
            price(each.bid),
            price(each.ask),
          ]),
        ),
        element(
          "div",
          { class: "actions" },
          market.outcomes.map((each) =>
            element("button", { onclick: () => showBook(book, market.market, each.label) }, `Book of ${each.label}`),
          ),
        ),
        book,
      );
    }),
    element("p", { class: "faint" }, `As of ${answer.as_of}`),
  );
}

function chance(value) {
  const filled = element("i");
  filled.style.width = `${100 * (value ?? 0)}%`;
  return element("div", { class: "bar", "aria-hidden": "true" }, filled);
}

async function showBook(place, market, outcome) {
  place.replaceChildren(element("p", { class: "faint" }, "Reading …"));
  try {
    const book = await host.call("polymarket_get_order_book", { market_id: market, outcome, depth: LEVELS });
    const rows = Array.from({ length: Math.max(book.bids.length, book.asks.length) }, (_, index) => {
      const bid = book.bids[index];
      const ask = book.asks[index];
      return [price(bid?.size), element("span", { class: "gain" }, price(bid?.price)), element("span", { class: "loss" }, price(ask?.price)), price(ask?.size)];
    });
    place.replaceChildren(
      element("h2", {}, `${book.outcome}, ${book.age_s} s old`),
      table(["Shares bid", "Bid", "Ask", "Shares offered"], rows),
    );
  } catch (error) {
    place.replaceChildren(element("p", { class: "said failed" }, error.message));
  }
}

host.connect();
