// Elements from plain values. Text only ever becomes text: markup in a market's title is shown, never run.
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}

export const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const empty = (text) => el("li", { class: "empty" }, text);

export const emptyRow = (columns, text) => el("tr", { class: "empty" }, el("td", { colspan: columns }, text));

const shown = new WeakMap();

/** Replace the content of an element where what it shows has changed; others keep their focus and scrolling. */
export function show(element, data, make) {
  const key = JSON.stringify(data ?? null);
  if (shown.get(element) === key) return;
  shown.set(element, key);
  element.replaceChildren(...make());
}
