// Keeps an open dossier fresh: asks whether anything changed, shows what did, and leaves alone what somebody is typing or sending.

const SOON_MS = 1_000;
const OFTEN_MS = 5_000;
const SELDOM_MS = 30_000;
const IDLE_MS = 10 * 60_000;
const LEAVING_MS = 10_000;

let asking = new AbortController();
let leavingUntil = 0;

/** Watch the dossier of this page, if it shows one. */
export function watchDossier() {
  const place = document.querySelector("[data-pulse]");
  if (!place) return;
  let touched = Date.now();
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (touched = Date.now()), { passive: true });
  let failed = 0;
  const pause = () => {
    if (Date.now() - touched > IDLE_MS || document.hidden) return SELDOM_MS;
    if (failed) return Math.min(OFTEN_MS * 2 ** failed, SELDOM_MS);
    // a bundle that is being built moves its bar every second
    return document.querySelector("[data-progress] progress") ? SOON_MS : OFTEN_MS;
  };
  // many pages that were opened by the same bell would ask in step
  const next = () => setTimeout(look, pause() * (0.9 + Math.random() * 0.2));
  const look = async () => {
    if (!document.hidden) failed = (await ask(place)) ? 0 : Math.min(failed + 1, 3);
    next();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask(place);
  });
  window.addEventListener("online", () => ask(place));
  window.addEventListener("offline", () => tellOffline(place));
  // whoever logs out is not told that the session ended
  document.addEventListener("submit", (event) => {
    if (!event.target.closest("header")) return;
    leavingUntil = Date.now() + LEAVING_MS;
    asking.abort();
  });
  next();
}

function tellOffline(place) {
  place.classList.add("offline");
  tell(place, place.dataset.offline);
}

async function ask(place) {
  if (Date.now() < leavingUntil) return true;
  let response;
  try {
    asking = new AbortController();
    const address = `${place.dataset.pulse}?${new URLSearchParams({ seen: place.dataset.token })}`;
    response = await fetch(address, { headers: { Accept: "application/json" }, signal: asking.signal });
  } catch {
    if (Date.now() >= leavingUntil) tellOffline(place);
    return false;
  }
  if (place.classList.contains("offline")) {
    place.classList.remove("offline");
    place.textContent = "";
  }
  if (response.redirected || response.status === 401) {
    tell(place, place.dataset.ended);
    return false;
  }
  if (response.status !== 200) return response.ok;
  try {
    const { token, news } = await response.json();
    // a bundle that grows moves its bar; everything else is the page's to tell anew
    if (token.split("-")[0] === place.dataset.token.split("-")[0]) {
      const bar = document.querySelector("[data-progress] progress");
      if (bar) bar.value = Number(token.split("-")[1]);
    } else await refresh();
    place.dataset.token = token;
    if (news.length) tell(place, news.join(" "));
  } catch {
    tellOffline(place);
    return false;
  }
  return true;
}

function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Replace what may have changed by the server's newest words; what somebody is typing or sending stays as it is. */
export async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  // a page that leads elsewhere by now, or a session that ended: what is typed here stays
  if (!response.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const waiting = document.getElementById("waiting");
  if (waiting && !isInUse(waiting)) waiting.replaceWith(document.adoptNode(fresh.getElementById("waiting")));
  for (const old of document.querySelectorAll("[data-fresh]")) {
    const now = fresh.getElementById(old.id);
    if (!now || now.outerHTML === old.outerHTML || isInUse(old)) continue;
    keepOpen(old, now);
    old.replaceWith(document.adoptNode(now));
  }
  document.dispatchEvent(new CustomEvent("archive:fresh"));
}

/** What was unfolded stays unfolded. */
function keepOpen(old, now) {
  const before = old.querySelectorAll("details");
  now.querySelectorAll("details").forEach((one, at) => {
    if (before[at]?.open) one.open = true;
  });
}

function isInUse(place) {
  if (place.contains(document.activeElement) && document.activeElement !== document.body) return true;
  if (place.querySelector("form[data-busy]")) return true;
  // what was just said of a form, such as that its files were received, is read before it goes
  if ([...place.querySelectorAll("form .status")].some((status) => status.textContent)) return true;
  return [...place.querySelectorAll("input, textarea, select")].some((field) => {
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((o) => o.selected !== o.defaultSelected) && field.value !== field.options[0]?.value;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  });
}
