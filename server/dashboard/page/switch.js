// The kill switch: it asks, halts, and says what became of it.
import { byId, el } from "./dom.js";
import { clock } from "./format.js";

let overview;
let refusal = "The desk has not been heard of yet.";

export function setUpSwitch() {
  const dialog = byId("halt");
  byId("kill").addEventListener("click", () => ask(dialog));
  byId("halt-no").addEventListener("click", () => dialog.close());
  byId("halt-yes").addEventListener("click", () => halt());
}

export function allowSwitch(reason) {
  refusal = reason;
  update();
}

/** What the switch would stop; nothing where the server cannot be reached, which could not be told to stop. */
export function showSwitch(shown) {
  overview = shown;
  update();
}

function update() {
  const button = byId("kill");
  const halted = overview?.halt !== undefined;
  button.disabled = !overview || halted || Boolean(refusal);
  button.title = halted ? "Trading is halted." : overview ? refusal ?? "" : "The server cannot be reached.";
  button.textContent = halted ? "Halted" : "Halt trading";
}

function ask(dialog) {
  const orders = overview.open_orders_total;
  const running = overview.runs.filter((run) => run.status === "running").length;
  byId("halt-text").replaceChildren(
    el("p", {}, `This stops the ${overview.mode} desk at once: every new order is refused, `
      + `${orders ? `the ${orders} open ${orders === 1 ? "order is" : "orders are"} cancelled` : "open orders, of which there are none now, would be cancelled"}`
      + `${running ? `, and ${running} ${running === 1 ? "run stops" : "runs stop"}` : ""}. Positions stay.`),
    el("p", {}, "Only a person at a terminal can lift it: ", el("code", {}, `polydesk resume --mode ${overview.mode}`)));
  result("");
  byId("halt-yes").hidden = false;
  byId("halt-yes").disabled = false;
  byId("halt-no").textContent = "Keep trading";
  dialog.showModal();
}

async function halt() {
  byId("halt-yes").disabled = true;
  result("Halting …");
  try {
    const answer = await fetch("/dashboard/halt", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Polydesk": "dashboard" },
      body: "{}",
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    const canceled = told.canceled?.length ?? 0;
    result(`Halted at ${clock(told.since)} UTC. ${canceled} ${canceled === 1 ? "order" : "orders"} cancelled.`
      + (told.problem ? ` ${told.problem}` : ""), Boolean(told.problem));
    byId("halt-yes").hidden = true;
    byId("halt-no").textContent = "Close";
    byId("halt-no").focus();
  } catch (error) {
    result(`It is not known to be halted: ${error.message}. Try again, or send SIGUSR1 to the desk's process.`, true);
    byId("halt-yes").disabled = false;
  }
}

function result(text, bad = false) {
  byId("halt-result").textContent = text;
  byId("halt-result").className = bad ? "problem" : "";
}
