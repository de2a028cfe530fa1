// Books as ladders: asks above bids, shares as bars, own shares beside their level.
import { el } from "./dom.js";
import { ago, compact, price, shares, words } from "./format.js";

const OLD_S = 30;
const NEAR = 7;
const WHY = { order: "own orders", position: "held", run: "strategy", read: "read lately" };

export function ladders(books, now) {
  if (!books.length) {
    return [el("p", { class: "empty" }, "Books appear here for what is held, ordered, traded by a strategy or read by the agent.")];
  }
  return books.map((book) => ladder(book, now));
}

function ladder(book, now) {
  const old = (new Date(now) - new Date(book.as_of)) / 1000 > OLD_S;
  const largest = Math.max(1, ...book.asks.map((level) => level[1]), ...book.bids.map((level) => level[1]));
  const digits = Math.max(2, ...[...book.asks, ...book.bids].map(([at]) => decimals(at)));
  const rows = (levels, side) => levels.map((level, index) => row(level, side, largest, digits, index === NEAR));
  const name = `${book.question} — ${book.outcome}`;
  return el("article", { class: old ? "ladder old" : "ladder" },
    el("h3", { title: name }, book.question),
    el("p", { class: "under" },
      el("span", { class: "outcome" }, book.outcome),
      el("span", { class: `why ${book.why}` }, WHY[book.why] ?? book.why),
      el("span", { class: "age" }, old ? `${ago(book.as_of, now)} old` : ""),
    ),
    el("table", {},
      el("caption", { class: "unseen" }, `Order book of ${name}`),
      el("thead", {}, el("tr", {},
        el("th", { scope: "col", class: "n" }, "Own"),
        el("th", { scope: "col", class: "n" }, "Price"),
        el("th", { scope: "col", class: "n" }, "Shares"),
      )),
      el("tbody", { class: "asks" }, rows(book.asks, "ask").reverse()),
      el("tbody", { class: "middle" }, el("tr", {},
        el("td", { colspan: 3 },
          book.midpoint === undefined ? "no two sides" : `mid ${price(book.midpoint)} · spread ${price(book.spread)}`),
      )),
      el("tbody", { class: "bids" }, rows(book.bids, "bid")),
    ),
  );
}

/** `further` marks the first level that is shown for own shares alone: levels before it are left out. */
function row([at, size, own], side, largest, digits, further) {
  return el("tr", { class: `${side}${own ? " own" : ""}${further ? " further" : ""}` },
    el("td", { class: "n mine" }, own ? `${shares(own)} \u25c0` : ""),
    el("td", { class: "n" }, at.toFixed(digits)),
    el("td", { class: "n depth", "--depth": `${((size / largest) * 100).toFixed(1)}%`, title: `${shares(size)} ${words(side)}` },
      compact(size)),
  );
}

function decimals(at) {
  return (String(at).split(".")[1] ?? "").length;
}
