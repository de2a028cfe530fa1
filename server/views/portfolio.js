// The account: what it is worth, what it holds, what is open.
const host = new Host((answer, failed) => (failed ? showFailure(answer) : showPortfolio(answer)));

function showPortfolio(answer) {
  const positions = answer.positions ?? [];
  const orders = answer.open_orders ?? [];
  const provisional = answer.settling_total
    ? element("p", { class: "faint" }, `Fills not confirmed yet: ${answer.settling_total}. Cash counts what the venue shows.`)
    : null;
  show(
    banner(answer),
    figures([
      ["Equity", dollars(answer.equity)],
      ["Free cash", dollars(answer.free_cash)],
      ["Unrealised, before fees", signed(answer.unrealized_before_fees)],
      ["Realised, before fees", signed(answer.realized_before_fees)],
    ]),
    provisional,
    element("h2", {}, "Positions"),
    positions.length
      ? table(
          ["Outcome", "Shares", "Paid", "Now", "Value", "Unrealised"],
          positions.map((each) => [
            element("span", { title: each.market }, `${each.outcome}: ${each.question}`),
            price(each.shares),
            price(each.average_price),
            price(each.price_now),
            dollars(each.value),
            signed(each.unrealized),
          ]),
        )
      : element("p", { class: "faint" }, "Nothing is held."),
    element("h2", {}, `Open orders (${answer.open_orders_total ?? orders.length})`),
    orders.length
      ? table(
          ["Order", "Price", "Shares left"],
          orders.map((each) => [`${each.side} ${each.outcome}`, price(each.price), price(each.shares_left)]),
        )
      : element("p", { class: "faint" }, "None."),
    element("p", { class: "faint" }, `As of ${answer.as_of}`),
    element("div", { class: "actions" }, element("button", { onclick: refresh }, "Read again")),
  );
}

async function refresh(event) {
  event.target.disabled = true;
  try {
    showPortfolio(await host.call("polymarket_get_portfolio", {}));
  } catch (error) {
    event.target.disabled = false;
    event.target.textContent = `Not read: ${error.message}`;
  }
}

host.connect();
