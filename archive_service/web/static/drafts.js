// Keeps long texts that somebody is typing in this browser until they are sent, so that a closed page or a lost line costs nothing.

const PREFIX = "archive-draft:";

/** Bring back what was typed before, and keep what is typed from now on; forgotten when its form is sent or somebody logs out. */
export function keepDrafts() {
  const owner = document.body.dataset.person;
  if (!owner) {
    forget(() => true);
    return;
  }
  forget((key) => !key.startsWith(`${PREFIX}${owner}:`));
  for (const field of document.querySelectorAll("main textarea[id]")) {
    const key = keyOf(owner, field);
    const kept = localStorage.getItem(key);
    if (kept && !field.value) field.value = kept;
  }
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("main textarea[id]")) return;
    if (target.value) localStorage.setItem(keyOf(owner, target), target.value);
    else localStorage.removeItem(keyOf(owner, target));
  });
  document.addEventListener("submit", ({ target }) => {
    for (const field of target.querySelectorAll("textarea[id]")) localStorage.removeItem(keyOf(owner, field));
  });
}

function keyOf(owner, field) {
  return `${PREFIX}${owner}:${location.pathname}#${field.id}`;
}

function forget(isOver) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && isOver(key)) localStorage.removeItem(key);
}
