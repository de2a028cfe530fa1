// An order as it was previewed: what it means, and a button that has to be pressed twice.
const host = new Host((answer, failed) => (failed ? showFailure(answer) : showTicket(answer)));

function showTicket(draft) {
  const said = element("div", { role: "status" });
  const place = element("button", { class: "main", disabled: draft.draft_id === undefined }, `Place ${(draft.mode ?? "").toUpperCase()} order`);
  let agreed = false;
  place.addEventListener("click", async () => {
    if (!agreed) {
      agreed = true;
      place.textContent = `Yes: ${draft.side} for at most ${dollars(draft.worst_cost)}`;
      return;
    }
    place.disabled = true;
    await order(draft, said);
  });
  show(
    banner(draft),
    element("h1", {}, `${draft.side} ${price(draft.shares)} shares of ${draft.outcome}`),
    element("p", {}, draft.question),
    figures([
      ["Leaves the account at most", dollars(draft.worst_cost)],
      ["Expected price", price(draft.expected_price ?? draft.limit_price)],
      ["Expected fee", dollars(draft.expected_fee)],
      ["Pays if right", dollars(draft.pays_if_right)],
    ]),
    element("p", { class: "faint" }, `At ${price(draft.limit_price)} or better. ${manner(draft)}`),
    (draft.adjustments ?? []).map((each) => element("p", { class: "faint" }, `Adjusted: ${each}`)),
    draft.consent ? element("p", { class: "faint" }, `Consent: ${draft.consent}`) : null,
    element("p", { class: "faint" }, `Book as of ${draft.book_as_of}${draft.draft_expires ? `; this draft holds until ${draft.draft_expires}` : ""}.`),
    element("div", { class: "actions" }, place),
    said,
  );
}

function manner(draft) {
  if (draft.rests) return `What does not fill at once rests in the book (${draft.time_in_force}).`;
  return draft.time_in_force === "FOK" ? "All of it at once, or nothing." : "What is there at once; the rest is dropped.";
}

async function order(draft, said) {
  said.replaceChildren(element("p", { class: "faint" }, "Placing …"));
  try {
    const placed = await host.call("polymarket_place_order", { draft_id: draft.draft_id });
    const code = placed.approval_code ? ` Code ${placed.approval_code}.` : "";
    said.replaceChildren(
      element("p", { class: "said" }, `${placed.status}: ${price(placed.filled)} shares filled.${code} ${placed.next ?? ""}`),
    );
  } catch (error) {
    const known = error instanceof Refused && error.sent !== "unknown";
    const advice = known ? "" : " It is not known whether it was placed: look at the orders before placing another.";
    said.replaceChildren(element("p", { class: "said failed" }, `${error.message}${advice}`));
  }
}

host.connect();
