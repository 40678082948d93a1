// The menu: folded behind its button on a narrow page, one group open at a time, closed by Escape or by a click elsewhere.

/** Take over the menu; without this script it stands open. */
export function foldMenu() {
  document.documentElement.classList.add("js");
  const button = document.querySelector(".unfold");
  const menu = document.getElementById("menu");
  button?.addEventListener("click", () => {
    button.setAttribute("aria-expanded", String(menu.classList.toggle("open")));
  });
  const open = () => document.querySelectorAll(".top details[open]");
  document.addEventListener("click", (event) => {
    for (const one of open()) if (!one.contains(event.target)) one.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const one of open()) {
      const hadFocus = one.contains(document.activeElement);
      one.open = false;
      if (hadFocus) one.querySelector("summary").focus();
    }
  });
}
