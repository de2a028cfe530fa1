// Puts what the stream tells onto the page.
import { equityChart } from "./chart.js";
import { connect } from "./connection.js";
import { byId, el, show } from "./dom.js";
import { clock, day, dollars, profit, short, tone } from "./format.js";
import { ladders } from "./ladders.js";
import { showAlerts, showPanels } from "./panels.js";
import { allowSwitch, setUpSwitch, showSwitch } from "./switch.js";
import { showTables } from "./tables.js";

const BANNERS = {
  live: "LIVE — real money. Every order on this desk spends it.",
  paper: "PAPER — play money, filled at the real venue's prices.",
  sandbox: "SANDBOX — play money on recorded markets.",
};

let latest;

function showOverview(overview) {
  latest = overview;
  document.body.className = overview.mode;
  document.body.classList.toggle("is-halted", overview.halt !== undefined);
  document.title = `${overview.halt ? "HALTED · " : ""}${overview.mode} · polydesk`;
  byId("offline").hidden = true;
  byId("connection").textContent = `Connected · ${day(overview.as_of)} ${clock(overview.as_of)} UTC`;
  byId("connection").className = "connection on";
  byId("mode").hidden = false;
  byId("mode").textContent = overview.mode;
  byId("account").textContent = overview.account ? short(overview.account) : "no wallet";
  byId("account").title = overview.account ?? "";
  byId("banner").hidden = false;
  byId("banner").textContent = [BANNERS[overview.mode], overview.warning].filter(Boolean).join(" ");
  byId("halted").hidden = overview.halt === undefined;
  if (overview.halt) {
    byId("halted").textContent = `Trading is halted since ${clock(overview.halt.since)} UTC: ${overview.halt.reason}. `
      + `A person lifts it with: ${overview.halt.lifted_by}`;
  }
  const notices = [
    ...Object.entries(overview.problems ?? {}).map(([part, why]) => `${part} cannot be told: ${why}`),
    ...(overview.warnings ?? []),
  ];
  byId("notices").hidden = !notices.length;
  show(byId("notices"), notices, () => notices.map((notice) => el("li", {}, notice)));
  show(byId("figures"), [overview.money, overview.worst_case, overview.problems], () => figures(overview));
  showEquity(overview);
  show(byId("books"), [overview.books, Math.floor(Date.parse(overview.as_of) / 10000)], () => ladders(overview.books, overview.as_of));
  showTables(overview);
  showAlerts(overview);
  showPanels(overview);
  showSwitch(overview);
  byId("footer").textContent = `${overview.source} · trading ${overview.trading} · running since `
    + `${day(overview.health.running_since)} ${clock(overview.health.running_since)} UTC`;
}

function showEquity(overview) {
  const box = byId("equity");
  const paidIn = overview.statement?.paid_in;
  const width = box.clientWidth || 900;
  show(box, [overview.equity, paidIn, width], () => equityChart(overview.equity, paidIn, width));
}

function figures(overview) {
  const { money } = overview;
  if (!money) {
    return [figure("Account", overview.account ? "not readable" : "no wallet", overview.account ? "see the notice above" : "markets can be read, not traded")];
  }
  return [
    figure("Equity", dollars(money.equity), `settled ${dollars(money.settled_equity)}`),
    figure("Profit, settled", profit(money.settled_profit),
      money.provisional_profit === undefined ? "not readable now" : `with pending fills ${profit(money.provisional_profit)}`, tone(money.settled_profit)),
    figure("Realized", profit(money.realized), `unrealized ${profit(money.unrealized)}`, tone(money.realized)),
    figure("Free cash", dollars(money.free_cash), `${dollars(money.reserved_for_orders)} reserved for orders`),
    figure("Positions", dollars(money.positions_value), money.fees === undefined ? "" : `fees paid ${dollars(money.fees)}`),
    figure("Worst case", `\u2212${dollars(overview.worst_case ?? 0)}`, "if everything ends badly"),
  ];
}

function figure(name, value, under, kind = "") {
  return el("div", {}, el("dt", {}, name), el("dd", { class: kind }, value), el("dd", { class: "under" }, under));
}

function showLost(since) {
  showSwitch(undefined);
  document.body.classList.add("stale");
  byId("connection").textContent = "Not connected";
  byId("connection").className = "connection off";
  byId("offline").hidden = false;
  byId("offline").textContent = `Not connected since ${new Date(since).toISOString().slice(11, 19)} UTC. `
    + "What is shown is old; the connection is being made again.";
}

function setUpTheme() {
  const names = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  const button = byId("theme");
  const tell = () => { button.textContent = names[document.documentElement.dataset.theme] ?? names.auto; };
  button.addEventListener("click", () => {
    const order = ["auto", "light", "dark"];
    const next = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It lasts as long as the page.
    }
    tell();
  });
  tell();
}

byId("sign-out").addEventListener("click", async () => {
  await fetch("/dashboard/session", { method: "DELETE", headers: { "X-Polydesk": "dashboard" } });
  location.replace("/dashboard/login");
});
addEventListener("resize", () => latest && showEquity(latest));
setUpTheme();
setUpSwitch();
connect({
  session(session) {
    byId("sign-out").hidden = session.holder === null;
    allowSwitch(session.no_kill_switch);
  },
  overview: showOverview,
  trouble(message) {
    document.body.classList.add("stale");
    byId("connection").textContent = "No desk";
    byId("connection").className = "connection off";
    byId("offline").hidden = false;
    byId("offline").textContent = `The desk cannot be read: ${message}`;
  },
  lost: showLost,
});
