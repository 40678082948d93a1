// Sends the files of a form one after another as raw bodies, with a progress bar, and refreshes what changed on the page.

import { refresh } from "./live.js";

/** Take over every form that has data-upload; without this script the same forms send themselves. */
export function showUploads() {
  for (const form of document.querySelectorAll("form[data-upload]")) {
    if ("many" in form.dataset) form.elements.file.multiple = true;
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-upload]")) return;
    event.preventDefault();
    if (!form.dataset.busy) send(form);
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-busy]")) event.preventDefault();
  });
}

async function send(form) {
  const parts = {
    button: form.querySelector("button"),
    bar: form.querySelector("progress"),
    status: form.querySelector(".status"),
    percent: form.querySelector(".percent"),
    problem: form.querySelector(".problem"),
  };
  const files = [...form.elements.file.files];
  form.dataset.busy = "yes";
  parts.problem.hidden = true;
  parts.button.disabled = true;
  parts.bar.hidden = false;
  let received = 0;
  try {
    if (!files.length) throw new Error(form.dataset.choose);
    for (const file of files) {
      await sendFile(form, file, parts, files.length > 1 ? `${file.name}: ` : "");
      received += 1;
    }
    form.elements.file.value = "";
    parts.status.textContent = form.dataset.received;
    parts.status.focus();
  } catch (error) {
    parts.status.textContent = "";
    parts.problem.textContent = error.message;
    parts.problem.hidden = false;
  }
  parts.bar.hidden = true;
  parts.percent.textContent = "";
  parts.button.disabled = false;
  delete form.dataset.busy;
  if (received) await refresh();
}

function sendFile(form, file, parts, name) {
  const { bar, status, percent } = parts;
  const fields = new URLSearchParams({ name: file.name });
  for (const field of ["kind", "document", "indicator", "application", "address", "number"]) {
    if (form.elements[field]?.value) fields.set(field, form.elements[field].value);
  }
  return new Promise((resolve, reject) => {
    const fail = (sentence) => reject(new Error(name + sentence));
    if (file.size > Number(form.dataset.limit)) {
      fail(form.dataset.tooLarge);
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.upload}?${fields}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bar.value = (100 * event.loaded) / event.total;
      percent.textContent = `${Math.floor(bar.value)} %`;
      // the status is read aloud: it says what happens, and not each per cent of it
      if (event.loaded === event.total) status.textContent = name + form.dataset.checking;
    };
    request.onload = () => {
      if (request.status === 201) resolve();
      else fail(sentenceOf(request, form.dataset.cutOff));
    };
    request.onerror = () => fail(form.dataset.cutOff);
    bar.value = 0;
    status.textContent = name + form.dataset.sending;
    request.send(file);
  });
}

function sentenceOf(request, otherwise) {
  try {
    return JSON.parse(request.responseText).sentence || otherwise;
  } catch {
    return otherwise;
  }
}
