// What can be used, and what groups other things, without a name that a screen reader could say.
() => [...document.querySelectorAll("button, input, table, section, [role=region], [role=img], [role=meter]")]
  .filter((each) => each.checkVisibility())
  .filter((each) => {
    const by = (each.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
    const own = each.tagName === "BUTTON" ? each.textContent : each.caption?.textContent;
    const around = each.tagName === "TABLE" ? each.closest("[role=region]") : null;
    return !(own || each.getAttribute("aria-label") || by.some((other) => other?.textContent) || each.labels?.length || around);
  }).map((each) => each.outerHTML.slice(0, 80))
