// Numbers and times as they are read: exact where they are exact, with a real minus sign.
const grouped = (value, least, most) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most })
    .format(Math.abs(value));

const minus = (value, text) => (value < 0 && /[1-9]/.test(text) ? `\u2212${text}` : text);

export const dollars = (value) => (value === undefined ? "–" : minus(value, `$${grouped(value, 2, 2)}`));

export function profit(value) {
  if (value === undefined) return "–";
  const text = `$${grouped(value, 2, 2)}`;
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : minus(value, text);
}

/** The sign as a class: colour repeats what the sign says and never says it alone. */
export const tone = (value) => (value === undefined || Math.abs(value) < 0.005 ? "" : value > 0 ? "up" : "down");

export const price = (value) => (value === undefined ? "–" : grouped(value, 2, 4));

export const shares = (value) => (value === undefined ? "–" : grouped(value, 0, 2));

export const compact = (value) =>
  value >= 100000 ? `${grouped(value / 1000, 0, 0)}k` : grouped(value, 0, value < 100 ? 2 : 0);

export const clock = (moment) => new Date(moment).toISOString().slice(11, 19);

export const minute = (moment) => new Date(moment).toISOString().slice(11, 16);

export const day = (moment) => new Date(moment).toISOString().slice(0, 10);

/** How long ago something was, as of another moment: clocks of recorded markets are not this machine's. */
export function ago(moment, now) {
  const seconds = Math.max(0, Math.round((new Date(now) - new Date(moment)) / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export const short = (address) => (address.length > 14 ? `${address.slice(0, 6)}…${address.slice(-4)}` : address);

export const words = (name) => name.replaceAll("_", " ");
