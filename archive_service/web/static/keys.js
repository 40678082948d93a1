// Approve and return by keyboard on the review screen: Alt with a letter, so that typing never decides; can be switched off.

const SWITCH = "archive-keys-off";

/** Listen for the keys of the form that has them, and show how they work. */
export function useKeys() {
  const form = document.querySelector("form[data-keys]");
  const help = document.querySelector("details.keys");
  if (!form || !help) return;
  const box = help.querySelector("[data-keys-switch]");
  help.hidden = false;
  box.checked = localStorage.getItem(SWITCH) === null;
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "yes");
  });
  document.addEventListener("keydown", (event) => {
    if (!box.checked || !event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const button = form.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!button) return;
    event.preventDefault();
    const reason = form.elements.reason;
    if (button.value === "return" && !reason.value.trim()) reason.focus();
    else form.requestSubmit(button);
  });
  // the reason is what a return needs: sending from within it returns, and never approves by a slip
  form.elements.reason.addEventListener("keydown", (event) => {
    const button = form.querySelector('button[value="return"]');
    if (!box.checked || !button || event.key !== "Enter" || !event.ctrlKey || event.repeat) return;
    event.preventDefault();
    if (event.target.value.trim()) form.requestSubmit(button);
  });
}
