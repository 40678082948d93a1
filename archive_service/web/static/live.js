// Keeps an open dossier fresh: asks whether anything changed, shows what did, and leaves alone what somebody is typing or sending.

const OFTEN_MS = 5_000;
const SELDOM_MS = 30_000;
const IDLE_MS = 10 * 60_000;

/** Watch the dossier of this page, if it shows one. */
export function watchDossier() {
  const place = document.querySelector("[data-pulse]");
  if (!place) return;
  let touched = Date.now();
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (touched = Date.now()), { passive: true });
  const next = () => setTimeout(look, Date.now() - touched > IDLE_MS || document.hidden ? SELDOM_MS : OFTEN_MS);
  const look = async () => {
    if (!document.hidden) await ask(place);
    next();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask(place);
  });
  window.addEventListener("online", () => ask(place));
  window.addEventListener("offline", () => tellOffline(place));
  next();
}

function tellOffline(place) {
  place.classList.add("offline");
  place.textContent = place.dataset.offline;
}

async function ask(place) {
  let response;
  try {
    const address = `${place.dataset.pulse}?${new URLSearchParams({ seen: place.dataset.token })}`;
    response = await fetch(address, { headers: { Accept: "application/json" } });
  } catch {
    tellOffline(place);
    return;
  }
  if (place.classList.contains("offline")) {
    place.classList.remove("offline");
    place.textContent = "";
  }
  if (response.redirected || response.status === 401) location.reload();
  if (response.status !== 200) return;
  const { token, news } = await response.json();
  place.dataset.token = token;
  if (news.length) place.textContent = news.join(" ");
  await refresh();
}

/** Replace what may have changed by the server's newest words; what somebody is typing or sending stays as it is. */
export async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) {
    location.reload();
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const waiting = document.getElementById("waiting");
  if (waiting && !isInUse(waiting)) waiting.replaceWith(document.adoptNode(fresh.getElementById("waiting")));
  for (const old of document.querySelectorAll("[data-fresh]")) {
    const now = fresh.getElementById(old.id);
    if (!now || now.outerHTML === old.outerHTML || old.contains(document.activeElement)) continue;
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
  return [...place.querySelectorAll("input, textarea, select")].some((field) => {
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((o) => o.selected !== o.defaultSelected) && field.value !== field.options[0]?.value;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  });
}
