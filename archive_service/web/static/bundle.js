// Waits for a bundle that is being built: moves its bar, and loads the page again when there is something new to show.

const PAUSE_MS = 1000;

/** Watch the bundle that this page waits for, if it waits for one. */
export function watchBundle() {
  const place = document.querySelector("[data-progress]");
  const bar = place?.querySelector("progress");
  if (bar) ask(place.dataset.progress, bar);
}

async function ask(address, bar) {
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    const found = response.ok ? await response.json() : { is_ready: response.status < 500, state: null };
    if (found.is_ready || found.state === "failed") {
      location.reload();
      return;
    }
    if (found.progress) bar.value = found.progress;
  } catch {
    // the line is gone for a moment: ask again
  }
  setTimeout(ask, PAUSE_MS, address, bar);
}
