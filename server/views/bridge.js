// Speaks with the host that shows this page: JSON-RPC by postMessage, as the MCP Apps extension defines it.
"use strict";

const PROTOCOL_VERSION = "2026-01-26";

/** The desk's own words for why it did not do something, and whether anything was sent. */
class Refused extends Error {
  constructor(answer) {
    super(answer.message ?? "The desk could not answer.");
    this.sent = answer.anything_sent;
  }
}

class Host {
  #waiting = new Map();
  #number = 0;
  #onAnswer;

  constructor(onAnswer) {
    this.#onAnswer = onAnswer;
    window.addEventListener("message", (event) => {
      if (event.source === window.parent) this.#received(event.data);
    });
  }

  async connect() {
    const met = await this.#request("ui/initialize", {
      protocolVersion: PROTOCOL_VERSION,
      appInfo: { name: "polydesk", version: "1" },
      appCapabilities: {},
    });
    this.#dress(met.hostContext);
    this.#notify("ui/notifications/initialized", {});
    new ResizeObserver(() => this.#tellSize()).observe(document.body);
  }

  /** A tool's answer as an object. Throws Refused where the desk said no, and another error where no answer came. */
  async call(name, args) {
    const result = await this.#request("tools/call", { name, arguments: args });
    const answer = contentOf(result);
    if (result.isError) throw new Refused(answer);
    return answer;
  }

  #request(method, params) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  #notify(method, params) {
    this.#send({ method, params });
  }

  #send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #received(message) {
    if (message?.jsonrpc !== "2.0") return;
    const waiting = message.method === undefined && this.#waiting.get(message.id);
    if (waiting) {
      this.#waiting.delete(message.id);
      if (message.error) waiting.reject(new Error(message.error.message));
      else waiting.resolve(message.result);
      return;
    }
    switch (message.method) {
      case "ui/notifications/tool-result":
        this.#onAnswer(contentOf(message.params), Boolean(message.params.isError));
        break;
      case "ui/notifications/host-context-changed":
        this.#dress(message.params);
        break;
      case "ui/resource-teardown":
      case "ping":
        this.#send({ id: message.id, result: {} });
        break;
    }
  }

  #dress(context) {
    if (context?.theme) document.documentElement.style.colorScheme = context.theme;
    for (const [name, value] of Object.entries(context?.styles?.variables ?? {})) {
      if (value) document.documentElement.style.setProperty(name, value);
    }
  }

  #tellSize() {
    const { width, height } = document.documentElement.getBoundingClientRect();
    this.#notify("ui/notifications/size-changed", { width: Math.ceil(width), height: Math.ceil(height) });
  }
}

/** What a tool said: its structure, or the same as text where a host hands on no structure. */
function contentOf(result) {
  if (result?.structuredContent) return result.structuredContent;
  const text = (result?.content ?? []).find((each) => each.type === "text")?.text ?? "{}";
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

/** An element with children. Texts of strangers become text nodes and nothing else. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((each) => each !== undefined && each !== null));
  return made;
}

function dollars(amount) {
  return amount === undefined ? "–" : amount.toLocaleString("en", { style: "currency", currency: "USD" });
}

function signed(amount) {
  if (amount === undefined) return element("span", {}, "–");
  const text = `${amount > 0 ? "+" : ""}${dollars(amount)}`;
  return element("span", { class: amount > 0 ? "gain" : amount < 0 ? "loss" : "" }, text);
}

function price(value) {
  return value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: 4 });
}

function figures(pairs) {
  return element(
    "dl",
    { class: "figures" },
    pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function table(heads, rows) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, heads.map((each) => element("th", { scope: "col" }, each)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell))))),
  );
}

/** Which money this is; real money stands out. */
function banner(answer) {
  const mode = answer.mode ?? (answer.recorded_on ? "sandbox" : undefined);
  if (mode === undefined) return null;
  const recorded = answer.recorded_on ? `, recorded on ${answer.recorded_on}: not current prices` : "";
  const words = { live: "LIVE: real money", paper: "PAPER: play money", sandbox: "SANDBOX: play money" };
  return element("p", { class: `banner ${mode}` }, `${words[mode] ?? mode}${recorded}`);
}

function show(...children) {
  document.getElementById("view").replaceChildren(...children.flat().filter(Boolean));
}

function showFailure(answer) {
  show(element("p", { class: "said failed" }, answer.message ?? "The desk could not answer."));
}
