// The stream of overviews: it is taken up again after every end, and nothing old ever passes for new.
const SILENT_MS = 16000;
const LONGEST_WAIT_MS = 15000;

/** Calls `on.session`, `on.overview`, `on.trouble`, and `on.lost` with the moment from which on nothing was heard. */
export function connect(on) {
  let source;
  let heardAt = Date.now();
  let lost = false;
  let waitMs = 1000;
  let silence;

  function heard() {
    heardAt = Date.now();
    clearTimeout(silence);
    silence = setTimeout(() => again("silent"), SILENT_MS);
  }

  function open() {
    source = new EventSource("/dashboard/events");
    silence = setTimeout(() => again("silent"), SILENT_MS);
    source.addEventListener("session", (event) => on.session(JSON.parse(event.data)));
    source.addEventListener("overview", (event) => {
      heard();
      lost = false;
      waitMs = 1000;
      on.overview(JSON.parse(event.data));
    });
    source.addEventListener("trouble", (event) => {
      heard();
      on.trouble(JSON.parse(event.data).message);
    });
    source.addEventListener("error", () => again("ended"));
  }

  async function again() {
    source.close();
    clearTimeout(silence);
    if (!lost) {
      lost = true;
      on.lost(heardAt);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.75 + Math.random() / 2)));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    if (await signedOut()) location.replace("/dashboard/login");
    else open();
  }

  open();
}

/** A stream does not say why it was refused; a plain request does. */
async function signedOut() {
  try {
    const answer = await fetch("/dashboard/session");
    return answer.status === 401 || answer.status === 403;
  } catch {
    return false;
  }
}
