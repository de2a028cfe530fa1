// Positions, open orders and fills.
import { byId, el, emptyRow, show } from "./dom.js";
import { ago, clock, day, dollars, price, profit, shares, tone, words } from "./format.js";

const market = (line) => el("th", { scope: "row", class: "market", title: line.question },
  el("span", {}, line.question));
const side = (line) => el("td", {},
  el("span", { class: `side ${line.side.toLowerCase()}` }, line.side), ` ${line.outcome}`);
const number = (text, kind) => el("td", { class: kind ? `n ${kind}` : "n" }, text);
const run = (line) => el("td", { class: "spare" }, line.by ?? "");

const seen = new Set();
let first = true;

export function showTables(overview) {
  const now = overview.as_of;
  count("positions", overview.positions.length, overview.positions_total);
  count("orders", overview.open_orders.length, overview.open_orders_total);
  byId("fills-count").textContent = overview.fills.length ? "newest first" : "";

  show(byId("positions"), overview.positions, () => overview.positions.length
    ? overview.positions.map((line) => el("tr", { class: line.stale_since ? "old" : undefined },
      market(line), el("td", {}, line.outcome), number(shares(line.shares)), number(price(line.average_price), "spare"),
      number(line.stale_since ? `${price(line.price)} (old)` : price(line.price), "spare"), number(dollars(line.value)),
      number(profit(line.profit), tone(line.profit))))
    : [emptyRow(7, "No positions. What the account holds appears here, at the price it could be sold for.")]);

  const orders = overview.open_orders.map((line) => ({ ...line, age: ago(line.since, now) }));
  show(byId("orders"), orders, () => orders.length
    ? orders.map((line) => el("tr", {},
      market(line), side(line), number(price(line.price)), number(shares(line.filled), "spare"), number(shares(line.shares)),
      el("td", { class: "spare" }, el("span", { class: `status ${line.status}` }, words(line.status))), run(line),
      number(line.age)))
    : [emptyRow(8, "No open orders. What rests at the venue, or is on its way there, appears here.")]);

  const fresh = new Set(overview.fills.map((line) => line.trade_id).filter((id) => !seen.has(id)));
  show(byId("fills"), overview.fills, () => overview.fills.length
    ? overview.fills.map((line) => el("tr", { class: !first && fresh.has(line.trade_id) ? "fresh" : undefined },
      el("td", { title: `${day(line.at)} ${clock(line.at)} UTC` }, clock(line.at)), market(line), side(line),
      number(price(line.price)), number(shares(line.shares)), number(line.fee === undefined ? "–" : price(line.fee), "spare"),
      el("td", {}, el("span", { class: `status ${line.settlement}` }, line.settlement)), run(line)))
    : [emptyRow(8, "No fills yet. Each trade of the account appears here as it happens, and again as it settles.")]);
  for (const id of fresh) seen.add(id);
  first = false;
}

function count(id, listed, total) {
  byId(`${id}-count`).textContent = total > listed ? `${listed} of ${total}` : total ? String(total) : "";
}
