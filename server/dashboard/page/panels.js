// The column of what works, what is at stake and how everything does.
import { byId, el, empty, show } from "./dom.js";
import { ago, clock, dollars, minute, price, profit, shares, tone, words } from "./format.js";

export function showPanels(overview) {
  const now = overview.as_of;
  const largest = Math.max(1e-9, ...overview.exposure.map((line) => line.worst));
  show(byId("exposure"), overview.exposure, () => overview.exposure.length
    ? overview.exposure.map((line) => bar(line.event, `\u2212${dollars(line.worst)}`, line.worst / largest, "loss",
      `worth ${dollars(line.value)}, cost ${dollars(line.cost)}${line.resting ? `, ${dollars(line.resting)} in open orders` : ""}`))
    : [empty("Nothing is at stake. Each event shows the most that can be lost in it, whatever happens.")]);

  show(byId("limits"), overview.limits, () => overview.limits.length
    ? overview.limits.map(limit)
    : [empty("Without a wallet nothing can be ordered, so no limit is used.")]);

  byId("waiting-panel").hidden = !overview.waiting.length;
  show(byId("waiting"), overview.waiting, () => overview.waiting.map((line) => el("li", { class: "strong" },
    el("p", {}, line.what), el("p", { class: "under" }, "Answer at a terminal: ",
      el("code", {}, `polydesk approve ${line.code} --mode ${overview.mode}`)))));

  const runs = overview.runs.map((run) => ({ ...run, now: minute(now) }));
  show(byId("runs"), runs, () => runs.length
    ? runs.map((run) => runLine(run, now))
    : [empty("No strategy runs. polymarket_run_strategy starts one; what it earns and meets appears here.")]);

  const signals = overview.signals.map((line) => ({ ...line, age: ago(line.at, now) }));
  show(byId("signals"), signals, () => signals.length
    ? signals.map((line) => el("li", {},
      el("p", {}, el("span", { class: `verdict ${line.verdict}` }, words(line.verdict)),
        line.outcome ? ` ${line.outcome}` : "", line.price ? ` at ${price(line.price)}` : "",
        line.size ? `, ${shares(line.size)} shares` : "", el("span", { class: "age" }, line.age)),
      el("p", { class: "under" }, `${line.strategy} · ${line.market}`),
      el("p", { class: "why-text" }, line.why)))
    : [empty("No signals. What running strategies see, and why they act or do not, appears here.")]);

  const news = overview.news.map((line) => ({ ...line, age: ago(line.at, now) }));
  show(byId("news"), news, () => news.length
    ? news.map((line) => el("li", {},
      el("p", {}, line.title_by_stranger, el("span", { class: "age" }, line.age)),
      el("p", { class: "under" },
        el("span", { class: `stance ${line.stance ?? "none"}` }, stance(line)),
        ` ${line.source ? `${line.source} · ` : ""}${line.question}`)))
    : [empty("No news about what is held or traded. Items that the desk has read appear here with their stance.")]);

  show(byId("health"), overview.health, () => health(overview.health));
}

export function showAlerts(overview) {
  const alerts = overview.alerts.map((line) => ({ ...line, age: ago(line.at, overview.as_of) }));
  byId("alerts-count").textContent = `${overview.alert_rules} ${overview.alert_rules === 1 ? "rule watches" : "rules watch"}`;
  show(byId("alerts"), alerts, () => alerts.length
    ? alerts.map((line) => el("li", { class: line.acknowledged ? undefined : "strong" },
      el("p", {}, line.text, el("span", { class: "age" }, line.age)),
      el("p", { class: "under" }, [line.rule_id, line.acknowledged ? "acknowledged" : "",
        ...Object.entries(line.delivered ?? {}).map(([channel, state]) => `${channel}: ${words(state)}`),
      ].filter(Boolean).join(" · "))))
    : [empty("No alerts. What a rule tells appears here; polymarket_manage_alerts makes rules.")]);
}

function bar(name, figure, part, kind, under) {
  return el("li", {},
    el("p", { class: "row" }, el("span", { class: "name", title: name }, name), el("span", { class: "n" }, figure)),
    part === null ? null : el("div", { class: `track ${kind}`, "--part": `${Math.min(100, part * 100).toFixed(1)}%` }),
    under ? el("p", { class: "under" }, under) : null);
}

function limit(line) {
  const amount = (value) => (line.unit === "$" ? dollars(value) : shares(value));
  if (line.limit === undefined) return bar(line.name, `${amount(line.used)} · no limit`, null, "", "");
  const part = line.limit ? line.used / line.limit : 1;
  const kind = part >= 1 ? "full" : part >= 0.8 ? "near" : "";
  const item = bar(line.name, `${amount(line.used)} of ${amount(line.limit)}`, part, kind, kind === "full" ? "used up" : "");
  const track = item.querySelector(".track");
  for (const [name, value] of Object.entries({
    role: "meter", "aria-label": line.name, "aria-valuemin": 0, "aria-valuemax": line.limit,
    "aria-valuenow": Math.min(line.used, line.limit),
  })) track.setAttribute(name, value);
  return item;
}

function runLine(run, now) {
  const head = (name, figure) => el("p", { class: "row" },
    el("span", {}, el("span", { class: `status ${run.status}` }, words(run.status)), ` ${name}`), figure);
  if (run.strategy) {
    const { strategy } = run;
    return el("li", {},
      head(strategy.name, el("span", { class: `n ${tone(strategy.profit.total)}` }, profit(strategy.profit.total))),
      el("p", { class: "under" }, `${run.run_id} · ${strategy.markets} ${strategy.markets === 1 ? "market" : "markets"} · `
        + `${strategy.looks} looks, ${strategy.signals} signals, ${strategy.fills} fills · `
        + `at most ${dollars(strategy.max_loss_usd)} lost · until ${minute(strategy.until)}`),
      refused(strategy), run.cause ? el("p", { class: "under" }, run.cause) : null);
  }
  if (run.sliced_order) {
    const order = run.sliced_order;
    return el("li", {},
      head(`${order.side} ${order.outcome} in slices`, el("span", { class: "n" }, `${shares(order.filled)} of ${shares(order.size)}`)),
      el("p", { class: "under" }, `${run.run_id} · ${order.market} · slice ${order.slices_placed} of ${order.slices}`
        + (order.next_slice_at ? ` · next in ${ago(now, order.next_slice_at)}` : "")),
      run.cause ? el("p", { class: "under" }, run.cause) : null);
  }
  const test = run.backtest;
  return el("li", {},
    head(`backtest of ${test?.strategy ?? "?"}`, el("span", { class: "n" }, `${Math.round((test?.done ?? 0) * 100)} %`)),
    el("p", { class: "under" }, run.run_id), run.cause ? el("p", { class: "under" }, run.cause) : null);
}

function refused(strategy) {
  const met = { ...strategy.refused, ...strategy.problems };
  const told = Object.entries(met).map(([code, count]) => `${words(code)} ×${count}`);
  return told.length ? el("p", { class: "under" }, `met: ${told.join(", ")}`) : null;
}

function stance(line) {
  if (line.judged_by === undefined) return "not judged yet";
  if (line.stance === undefined) return "no stance";
  const side = { supports: "for", opposes: "against", neutral: "neutral to" }[line.stance];
  return `${side} ${line.outcome}${line.moves ? "" : " (moves nothing)"}`;
}

function health(told) {
  const { venue, stream, pool, desk } = told;
  const errors = told.routes.reduce((sum, route) => sum + route.errors, 0);
  const slowest = told.routes.reduce((most, route) => Math.max(most, route.p95_ms ?? 0), 0);
  return [
    ...pair("Venue", venue.condition === "normal" ? "takes orders" : `${words(venue.condition)} since ${clock(venue.since)}`,
      venue.condition === "normal" ? "good" : "bad"),
    ...(venue.left_alone ? pair("Left alone", venue.left_alone.join(", "), "bad") : []),
    ...(venue.scarce_requests ? pair("Requests left", Object.entries(venue.scarce_requests).map(([name, left]) => `${name} ${left}`).join(", "), "warn") : []),
    ...(stream ? pair("Books", `${stream.fresh} of ${stream.followed} fresh${stream.age_s === undefined ? "" : `, last news ${Math.round(stream.age_s)} s ago`}`,
      stream.followed && !stream.fresh ? "warn" : "good") : []),
    ...(stream?.gaps ? pair("Stream gaps", `${stream.gaps} mended${stream.dropped ? `, ${stream.dropped} events dropped` : ""}`, "warn") : []),
    ...pair("Requests", `slowest p95 ${shares(slowest)} ms${errors ? `, ${errors} errors` : ", no errors"}`, errors ? "warn" : "good"),
    ...pair("Workers", pool.problem ?? `${pool.backend}: ${pool.running} running, ${pool.queued} waiting`, pool.problem ? "warn" : "good"),
    ...pair("Dead letters", String(told.dead_letters), told.dead_letters ? "bad" : "good"),
    ...pair("Desk", `process ${desk.pid}, ${desk.doors} ${desk.doors === 1 ? "door" : "doors"}${desk.survives_host_exit ? ", in the background" : ""}`, "good"),
  ];
}

function pair(name, text, kind) {
  return [el("dt", {}, name), el("dd", { class: kind }, text)];
}
