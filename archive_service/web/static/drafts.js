// Keeps long texts that somebody is typing in this browser until they are sent, so that a closed page or a lost line costs nothing.

const PREFIX = "archive-draft:";
const SENT = "archive-sent";

/** Bring back what was typed before, and keep what is typed from now on; forgotten when its form is sent or somebody logs out. */
export function keepDrafts() {
  const owner = document.body.dataset.person;
  if (!owner) {
    forget(() => true);
    return;
  }
  forgetSent();
  forget((key) => !key.startsWith(`${PREFIX}${owner}:`));
  for (const field of document.querySelectorAll("main textarea[id]")) {
    const key = keyOf(owner, field);
    const kept = localStorage.getItem(key);
    if (!kept || field.value) continue;
    field.value = kept;
    tellBack(field);
  }
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("main textarea[id]")) return;
    if (target.value) localStorage.setItem(keyOf(owner, target), target.value);
    else localStorage.removeItem(keyOf(owner, target));
  });
  const noteSent = ({ target, defaultPrevented }) => {
    if (defaultPrevented) return;
    const sent = [...target.querySelectorAll("textarea[id]")].map((field) => keyOf(owner, field));
    if (sent.length) sessionStorage.setItem(SENT, JSON.stringify(sent));
  };
  for (const kind of ["submit", "archive:sending"]) document.addEventListener(kind, noteSent);
}

/** A text that was sent is forgotten once the service has answered: a line that is cut while sending costs nothing either. */
function forgetSent() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "[]");
  sessionStorage.removeItem(SENT);
  // a refused form comes back with its text in it, and stays a draft
  if (!document.querySelector("main .problem[role=alert]:not([hidden])")) for (const key of sent) localStorage.removeItem(key);
}

function tellBack(field) {
  const note = document.createElement("small");
  note.setAttribute("role", "status");
  note.textContent = document.body.dataset.draft ?? "";
  field.after(note);
}

function keyOf(owner, field) {
  return `${PREFIX}${owner}:${location.pathname}#${field.id}`;
}

function forget(isOver) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && isOver(key)) localStorage.removeItem(key);
}
