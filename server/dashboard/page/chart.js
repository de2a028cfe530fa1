// The equity curve, drawn by hand: what the account was worth, and what of it is settled.
import { el, svg } from "./dom.js";
import { clock, day, dollars, minute, profit } from "./format.js";

const HEIGHT = 220;
const RIGHT = 76;
const BOTTOM = 22;
const TOP = 10;

/** Round steps of an axis that cover low to high. */
function steps(low, high, most) {
  const rough = (high - low) / most;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * scale).find((each) => each >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(value);
  return found;
}

/** `points` are [unix seconds, equity, settled], `width` pixels. */
export function equityChart(points, paidIn, width) {
  if (points.length < 2) {
    return [el("p", { class: "empty" }, "The curve begins with the second sample: one is taken every minute.")];
  }
  const values = points.flatMap(([, equity, settled]) => [equity, settled]);
  const span = Math.max(...values) - Math.min(...values);
  const nearPaidIn = paidIn !== undefined
    && paidIn > Math.min(...values) - span && paidIn < Math.max(...values) + span;
  if (nearPaidIn) values.push(paidIn);
  const margin = Math.max((Math.max(...values) - Math.min(...values)) * 0.12, 0.05);
  const low = Math.min(...values) - margin;
  const high = Math.max(...values) + margin;
  const first = points[0][0];
  const last = points.at(-1)[0];
  const x = (at) => ((at - first) / Math.max(last - first, 1)) * (width - RIGHT);
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const path = (column) => points.map((point, index) => `${index ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[column]).toFixed(1)}`).join("");

  const drawing = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-labelledby": "equity-words" });
  for (const value of steps(low, high, 5)) {
    drawing.append(
      svg("line", { class: "grid", x1: 0, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "axis", x: width - RIGHT + 8, y: y(value) + 4 }, dollars(value)),
    );
  }
  const moment = last - first > 86400 * 1.5 ? (at) => day(at).slice(5) : last - first > 900 ? minute : clock;
  const parts = width < 500 ? 2 : 4;
  for (let part = 0; part <= parts; part += 1) {
    const at = first + ((last - first) * part) / parts;
    const anchor = part === 0 ? "start" : part === parts ? "end" : "middle";
    drawing.append(svg("text", { class: "axis", x: x(at), y: HEIGHT - 5, "text-anchor": anchor }, moment(at * 1000)));
  }
  if (nearPaidIn) {
    drawing.append(svg("line", { class: "paid-in", x1: 0, x2: width - RIGHT, y1: y(paidIn), y2: y(paidIn) }));
  }
  drawing.append(
    svg("path", { class: "area", d: `${path(1)}L${x(last).toFixed(1)} ${HEIGHT - BOTTOM}L0 ${HEIGHT - BOTTOM}Z` }),
    svg("path", { class: "settled", d: path(2) }),
    svg("path", { class: "equity", d: path(1) }),
    svg("circle", { class: "now", cx: x(last), cy: y(points.at(-1)[1]), r: 3.5 }),
  );
  const lowest = Math.min(...points.map((point) => point[1]));
  const highest = Math.max(...points.map((point) => point[1]));
  const now = points.at(-1)[1];
  const caption = el("figcaption", { id: "equity-words" },
    el("span", { class: "key equity" }, `Equity ${dollars(now)} (${profit(now - points[0][1])} since ${moment(first * 1000)})`),
    el("span", { class: "key settled" }, `settled ${dollars(points.at(-1)[2])}`),
    nearPaidIn ? el("span", { class: "key paid-in" }, `paid in ${dollars(paidIn)}`) : null,
    el("span", {}, `low ${dollars(lowest)}, high ${dollars(highest)}`),
  );
  return [drawing, caption];
}
