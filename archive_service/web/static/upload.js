// Sends the files of a form one after another with a bar for each; large ones in pieces that go on after a cut line or a closed browser.
import { fingerprintOf, findDuplicate, startsAs } from "./files.js";
import { refresh } from "./live.js";

const SMALL_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 4 * 1024 * 1024;
const PAUSES_MS = [500, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000];
const FIELDS = ["kind", "document", "indicator", "application", "address", "number"];


/** Take over every form that has data-upload; without this script the same forms send themselves. */
export function showUploads() {
  prepare();
  document.addEventListener("archive:fresh", prepare);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-upload]")) return;
    event.preventDefault();
    if (!form.dataset.busy) send(form);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, drag);
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-busy]")) event.preventDefault();
  });
}

function prepare() {
  for (const form of document.querySelectorAll("form[data-upload]")) {
    if ("many" in form.dataset) form.elements.file.multiple = true;
  }
}

function drag(event) {
  const form = event.target.closest?.("form[data-upload]");
  if (!form || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.toggle("dropping", event.type === "dragover");
  if (event.type !== "drop" || form.dataset.busy) return;
  form.elements.file.files = event.dataTransfer.files;
  if (form.reportValidity()) form.requestSubmit();
}

async function send(form) {
  const parts = {
    button: form.querySelector(".actions button"),
    bar: form.querySelector("progress"),
    status: form.querySelector(".status"),
    percent: form.querySelector(".percent"),
    problem: form.querySelector(".problem"),
    pause: form.querySelector("[data-pause]"),
  };
  const files = [...form.elements.file.files, ...(form.elements.photo?.files ?? [])];
  form.dataset.busy = "yes";
  parts.problem.hidden = true;
  parts.button.disabled = true;
  parts.bar.hidden = false;
  let received = 0;
  try {
    if (!files.length) throw said(form.dataset.choose);
    for (const file of files) {
      const name = files.length > 1 ? `${file.name}: ` : "";
      const refusal = await refusalOf(form, file);
      if (refusal) throw said(name + refusal);
      if (await isUnwanted(form, file)) continue;
      await (file.size > SMALL_BYTES ? sendInPieces : sendWhole)(form, file, parts, name);
      received += 1;
    }
    form.elements.file.value = "";
    if (form.elements.photo) form.elements.photo.value = "";
    parts.status.textContent = received ? form.dataset.received : "";
    parts.status.focus();
  } catch (error) {
    parts.status.textContent = "";
    parts.problem.textContent = error.sentence ?? form.dataset.cutOff;
    parts.problem.hidden = false;
  }
  parts.bar.hidden = true;
  parts.pause.hidden = true;
  parts.percent.textContent = "";
  parts.button.disabled = false;
  delete form.dataset.busy;
  if (received) await refresh();
}

/** What is wrong with a file as far as the browser can tell, before a byte flows; nothing when it may be sent. */
async function refusalOf(form, file) {
  if (!file.size) return form.dataset.empty;
  if (file.size > Number(form.dataset.limit)) return form.dataset.tooLarge;
  const wanted = form.elements.file.accept.split(",").filter((one) => one.startsWith("."));
  if (wanted.length && !wanted.some((suffix) => file.name.toLowerCase().endsWith(suffix))) return form.dataset.wrongType;
  return (await startsAs(file)) ? "" : form.dataset.wrongType;
}

/** Whether the file is in this dossier already and whoever sends it thinks better of it. */
async function isUnwanted(form, file) {
  const there = await findDuplicate(file);
  return Boolean(there) && !window.confirm(form.dataset.duplicate.replace("{name}", there));
}

function show(form, { bar, percent, status }, name, sent, total) {
  bar.value = (100 * sent) / total;
  percent.textContent = `${Math.floor(bar.value)} %`;
  // the status is read aloud: it says what happens, and not each per cent of it
  if (sent === total) status.textContent = name + form.dataset.checking;
}

function fieldsOf(form) {
  return Object.fromEntries(FIELDS.filter((f) => form.elements[f]?.value).map((f) => [f, form.elements[f].value]));
}

function sendWhole(form, file, parts, name) {
  const fields = new URLSearchParams({ name: file.name, ...fieldsOf(form) });
  return new Promise((resolve, reject) => {
    const fail = (sentence) => reject(said(name + sentence));
    const request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.upload}?${fields}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) show(form, parts, name, event.loaded, event.total);
    };
    request.onload = () => {
      if (request.status === 201) resolve();
      else fail(sentenceOf(request.responseText, form.dataset.cutOff));
    };
    request.onerror = () => fail(form.dataset.cutOff);
    parts.bar.value = 0;
    parts.status.textContent = name + form.dataset.sending;
    request.send(file);
  });
}

async function sendInPieces(form, file, parts, name) {
  await import("./vendor/tus.min.js");
  const headers = { "X-CSRF-Token": form.elements.csrf.value, Accept: "application/json" };
  const place = await begin(form, file, headers, name);
  await new Promise((resolve, reject) => {
    const upload = new window.tus.Upload(file, {
      uploadUrl: place.url,
      headers,
      chunkSize: PIECE_BYTES,
      retryDelays: PAUSES_MS,
      storeFingerprintForResuming: false,
      onProgress: (sent, total) => {
        if (parts.status.textContent === name + form.dataset.waiting) parts.status.textContent = name + form.dataset.sending;
        show(form, parts, name, sent, total);
      },
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const isPassing = status === 0 || status === 409 || status === 423 || status >= 500;
        if (isPassing) parts.status.textContent = name + form.dataset.waiting;
        return isPassing;
      },
      onSuccess: resolve,
      onError: (error) => reject(said(name + sentenceOf(error.originalResponse?.getBody(), form.dataset.goesOn))),
    });
    parts.bar.value = 0;
    parts.status.textContent = name + (place.offset ? form.dataset.resuming : form.dataset.sending);
    parts.pause.hidden = false;
    let isPaused = false;
    const label = () => (parts.pause.textContent = isPaused ? form.dataset.resume : form.dataset.pause);
    label();
    parts.pause.onclick = async () => {
      isPaused = !isPaused;
      label();
      parts.status.textContent = name + (isPaused ? form.dataset.paused : form.dataset.sending);
      await (isPaused ? upload.abort() : upload.start());
    };
    upload.start();
  });
  await confirmReceived(form, file, headers, place.url, name);
}

/** Where to send a file: asked with its size and fingerprint, so that the service finds what was begun before. */
async function begin(form, file, headers, name) {
  const facts = { filename: file.name, fingerprint: await fingerprintOf(file), ...fieldsOf(form) };
  const coded = Object.entries(facts).map(([key, value]) => `${key} ${base64(value)}`).join(",");
  const told = { "Tus-Resumable": "1.0.0", "Upload-Length": String(file.size), "Upload-Metadata": coded };
  const answer = await fetch(form.dataset.tus, { method: "POST", headers: { ...headers, ...told } }).catch(() => null);
  if (!answer?.ok) throw said(name + sentenceOf(await answer?.text(), form.dataset.cutOff));
  return { url: answer.headers.get("Location"), offset: Number(answer.headers.get("Upload-Offset")) };
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** All bytes are there: only what the service says of the document counts. Where it could not finish, it is asked to once more. */
async function confirmReceived(form, file, headers, url, name) {
  for (const pause of [0, ...PAUSES_MS]) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const answer = await fetch(url, { headers }).catch(() => null);
    const found = answer?.ok ? await answer.json() : {};
    if (found.version) return;
    if (found.sentence) throw said(name + found.sentence);
    const last = { "Tus-Resumable": "1.0.0", "Upload-Offset": String(file.size), "Content-Type": "application/offset+octet-stream" };
    await fetch(url, { method: "PATCH", headers: { ...headers, ...last } }).catch(() => null);
  }
  throw said(name + form.dataset.goesOn);
}

function sentenceOf(text, otherwise) {
  try {
    return JSON.parse(text).sentence || otherwise;
  } catch {
    return otherwise;
  }
}

/** A failure in the page's own words; what a browser says of its own is English, and is not shown. */
function said(sentence) {
  return Object.assign(new Error(sentence), { sentence });
}
