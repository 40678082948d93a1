// The page itself: takes files by drop or choice, runs the checks, shows what they found. Everything that comes from a file is put in as
// text, never as markup.

const SHOWN = 3;
const SHOWN_ON_REQUEST = 200;
const TEXT_LIMIT = 400;
const RECEIPT_LIMIT_BYTES = NOTE_LIMIT_BYTES;
const MARKS = { [PASSED]: "✓", [FAILED]: "✗", [SKIPPED]: "–", [ELSEWHERE]: "○" };
const VERDICTS = {
  INTACT: ["good", "verdict_intact", "about_intact"],
  "INTACT WITH REDACTIONS": ["good", "verdict_redacted", "about_intact"],
  "RECEIPT CONFIRMED": ["good", "verdict_receipt", null],
  "CONSISTENT, ISSUER NOT CONFIRMED": ["wait", "verdict_unconfirmed", "about_unconfirmed"],
  INVALID: ["bad", "verdict_invalid", "about_invalid"],
  "NO BUNDLE": ["bad", "verdict_no_bundle", "about_no_bundle"],
};

const $ = (id) => document.getElementById(id);
const page = { language: 0, report: null, file: null, keys: null, status: null, running: null };

/** One of a pair of texts, in the language of the page. */
function inLanguage(texts) {
  return texts[page.language];
}

function word(key, values = {}) {
  return inLanguage(FACTS.words[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A sentence of the Python verifier with its %s and %d filled in. */
function fill(text, ...values) {
  return text.replace(/%[sd]/g, () => String(values.shift()));
}

/** An element with text or elements in it. */
function make(name, attributes, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

/** What a file quotes, on one line: nothing that hides or turns text around. */
function oneLine(text) {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\ufffd");
  return line.length > TEXT_LIMIT ? `${line.slice(0, TEXT_LIMIT)}…` : line;
}

function count(number) {
  return number.toLocaleString(page.language === 0 ? "id-ID" : "en-GB");
}

// showing -------------------------------------------------------------------------------------------------------------

/** Say something below the buttons; a key of a word with values, so that it follows the language. */
function say(key, values) {
  page.status = key ? [key, values] : null;
  $("status").textContent = key ? word(key, values) : "";
}

function showKeyProblem(problem) {
  $("key-problem").hidden = !problem;
  $("key-problem").textContent = problem ?? "";
  $("key").toggleAttribute("aria-invalid", Boolean(problem));
  if (problem) $("key").setAttribute("aria-invalid", "true");
}

function showDiscrepancy({ code, place, text, severity }) {
  const mark = make("span", { "aria-hidden": "true" }, severity === "error" ? "✗ " : "· ");
  return make(
    "li", {},
    make("span", { class: severity }, mark, inLanguage(FACTS.discrepancies[code])),
    make("code", {}, oneLine(`${code}: ${place}${text ? ` (${text})` : ""}`)),
  );
}

function showStep(step, texts) {
  const state = step.id === "receipt_signature" && step.state === SKIPPED && !page.report.isPinned ? "unconfirmed" : step.state;
  const item = make(
    "li", { class: step.state, "data-step": step.id },
    make("span", { class: "number" }, `${step.number}.`),
    make("span", {}, inLanguage(texts)),
    make("span", { class: "state" }, make("span", { "aria-hidden": "true" }, `${MARKS[step.state]} `), word(state)),
  );
  if (step.discrepancies.length) {
    const shown = step.discrepancies.slice(0, SHOWN).map(showDiscrepancy);
    const more = step.discrepancies.slice(SHOWN, SHOWN_ON_REQUEST).map(showDiscrepancy);
    const rest = step.discrepancies.length - SHOWN_ON_REQUEST;
    if (rest > 0) more.push(make("li", {}, fill(inLanguage(FACTS.more), count(rest))));
    if (more.length) {
      const summary = make("summary", {}, word("show_more", { count: count(step.discrepancies.length - SHOWN) }));
      shown.push(make("li", {}, make("details", {}, summary, make("ul", {}, ...more))));
    }
    item.append(make("ul", { class: "found" }, ...shown));
  }
  return item;
}

function showReport() {
  const { report, file } = page;
  $("result").hidden = !report;
  if (!report) return;
  const [kind, title, about] = VERDICTS[report.verdict];
  $("verdict").className = `verdict ${kind}`;
  $("verdict").dataset.verdict = report.verdict;
  // the live region: a screen reader says the word, wherever the focus is
  $("status").textContent = `${word("finished")} ${word(title)}`;
  const sentences = about ? [word(about)] : [];
  const said = report.receipt;
  if (said && report.verdict !== "INVALID") {
    const facts = [said.size, said.digest, said.origin, said.stream, said.seq, said.at];
    sentences.push(fill(word(report.isPinned ? "document_proves" : "document_would_prove"), ...facts));
    sentences.push(fill(word("document_proves_not"), said.eventHash));
  }
  const mark = make("span", { "aria-hidden": "true" }, { good: "✓ ", bad: "✗ ", wait: "! " }[kind]);
  $("verdict").replaceChildren(make("strong", {}, mark, word(title)), ...sentences.map((text) => make("p", {}, oneLine(text))));
  const rows = [["file", `${oneLine(file.name)} (${count(file.size)} ${word("bytes")})`]];
  if (report.signer) rows.push([report.isPinned ? "pinned_key" : "own_key", oneLine(report.signer)]);
  if (report.containedVerifier) rows.push(["contained", report.containedVerifier]);
  if (report.digest) rows.push([null, report.digest]);
  $("about").replaceChildren(...rows.flatMap(([key, text]) => [make("dt", {}, key ? word(key) : "SHA-256"), make("dd", {}, text)]));
  const texts = new Map([...FACTS.steps, ...FACTS.documentSteps].map((step) => [step.id, step.texts]));
  const steps = report.isNoBundle ? [] : report.steps;
  $("steps").replaceChildren(...steps.map((step) => showStep(step, texts.get(step.id))));
  $("steps").hidden = $("steps").previousElementSibling.hidden = !steps.length;
  $("elsewhere").hidden = !steps.some((step) => step.state === ELSEWHERE);
}

function showLanguage(language) {
  page.language = language;
  document.documentElement.lang = ["id", "en"][language];
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === document.documentElement.lang));
  }
  if (page.status) say(...page.status);
  showKeyProblem(null);
  showChosen();
  showReport();
}

/** Say beside each button which file is chosen. */
function showChosen() {
  for (const element of document.querySelectorAll("[data-chosen]")) {
    const file = $(element.dataset.chosen).files[0];
    element.textContent = file ? oneLine(file.name) : word("none_chosen");
    element.classList.toggle("is-set", Boolean(file));
  }
}

/** Take an old result away when what it was about changes. */
function forget() {
  showChosen();
  page.running?.abort();
  showKeyProblem(null);
  if (page.report) say("changed");
  page.report = null;
  showReport();
}

// checking ------------------------------------------------------------------------------------------------------------

/** The verifier keys in the field, one a line; null when it is empty. FormError when one is not right. */
function readKeyField() {
  const lines = $("key").value.trim().split(/\r?\n/).map((line) => line.trim());
  return lines[0] ? lines.map(parseVkey) : null;
}

async function check() {
  const [file, receipt] = [$("subject").files[0], $("receipt").files[0]];
  forget();
  if (!file) {
    say(receipt ? "needs_subject" : "nothing_chosen");
    return;
  }
  if (!file.size) {
    // so a browser shows a file that was moved since it was chosen
    say("empty");
    return;
  }
  let keys;
  try {
    keys = readKeyField();
  } catch {
    showKeyProblem(word("bad_key"));
    say(null);
    $("key").focus();
    return;
  }
  const running = new AbortController();
  page.running = running;
  setRunning(true);
  const work = new Work(file.size, showProgress, running.signal);
  try {
    const report = receipt ? await checkDocument(file, receipt, keys, work) : await checkBundle(file, keys?.[0] ?? null, work);
    if (page.running !== running) return;
    Object.assign(page, { report, file });
    say(null);
    showReport();
    $("result-title").focus();
    $("result").scrollIntoView({ block: "start" });
  } catch (error) {
    if (page.running !== running) return;
    if (error instanceof Cancelled) say("cancelled");
    else {
      page.status = null;
      $("status").textContent = fill(inLanguage(FACTS.badFile), oneLine(file.name), oneLine(error.message));
    }
  } finally {
    if (page.running === running) {
      page.running = null;
      setRunning(false);
    }
  }
}

function setRunning(isRunning) {
  $("check").disabled = isRunning;
  $("cancel").hidden = $("progress").hidden = !isRunning;
  $("form").setAttribute("aria-busy", String(isRunning));
  if (isRunning) showProgress(0, 1);
}

function showProgress(done, total) {
  const percent = Math.min(100, Math.floor((100 * done) / Math.max(total, 1)));
  $("progress").value = percent;
  // read out in steps of ten, so that a screen reader is not flooded
  if (percent % 10 === 0 || !page.status) say("working", { percent });
}

// taking files --------------------------------------------------------------------------------------------------------

/** Put a file into an input, so that the page shows it like a chosen one. */
function put(id, file) {
  const transfer = new DataTransfer();
  if (file) transfer.items.add(file);
  $(id).files = transfer.files;
  showChosen();
}

/** What a dropped file is, by its content: the text of a key, a receipt, or what is to be checked. */
async function recognise(file) {
  if (file.size > RECEIPT_LIMIT_BYTES) return "subject";
  try {
    const bytes = await readBytes(file, 0, file.size);
    const text = decodeUtf8(bytes);
    if (/^\S+ receipt v1\n/.test(text)) return "receipt";
    text.trim().split(/\r?\n/).forEach((line) => parseVkey(line.trim()));
    return "key";
  } catch (error) {
    if (error instanceof FormError) return "subject";
    throw error;
  }
}

async function looksLikeBundle(file) {
  const head = await readBytes(file, 0, 64);
  return String.fromCharCode(...head.subarray(0, 4)) === "PK\x03\x04" && String.fromCharCode(...head.subarray(30, 38)) === "dossier-";
}

/** Sort dropped files into their places, and begin when there is enough to check. */
async function take(files) {
  const found = { subject: [], receipt: [], key: [] };
  try {
    for (const file of files) found[await recognise(file)].push(file);
    forget();
    if (found.key.length) $("key").value = (await found.key[0].text()).trim();
    if (found.subject.length) {
      // a receipt that came first waits for this document; one that belonged to another document does not
      if ($("subject").files.length) put("receipt", null);
      put("subject", found.subject[0]);
    }
    if (found.receipt.length) put("receipt", found.receipt[0]);
    const [file, receipt] = [$("subject").files[0], $("receipt").files[0]];
    if (file && (receipt || (await looksLikeBundle(file)))) await check();
    else if (file) say("needs_receipt");
    else say(receipt ? "needs_subject" : "key_taken");
    if (found.subject.length > 1) say("one_at_a_time");
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    page.status = null;
    $("status").textContent = fill(inLanguage(FACTS.badFile), oneLine(files[0].name), oneLine(error.message));
  }
}

function start() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => showLanguage(button.dataset.language === "id" ? 0 : 1));
  }
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  $("cancel").addEventListener("click", () => page.running?.abort());
  for (const id of ["subject", "receipt", "key"]) $(id).addEventListener(id === "key" ? "input" : "change", forget);
  $("key-file").addEventListener("change", async () => {
    const file = $("key-file").files[0];
    forget();
    if (file && file.size <= RECEIPT_LIMIT_BYTES) $("key").value = (await file.text()).trim();
  });
  // anywhere on the page: a file dropped beside the form would otherwise replace the page
  let depth = 0;
  const over = (change) => {
    depth = change === null ? 0 : depth + change;
    document.body.classList.toggle("is-over", depth > 0);
  };
  addEventListener("dragenter", () => over(1));
  addEventListener("dragleave", () => over(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(null);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
  $("save").hidden = location.protocol === "file:";
  showLanguage(location.hash === "#en" ? 1 : 0);
}

/** For whoever reads this page's code, and for its tests: the checks without the page around them. */
globalThis.archiveProof = Object.freeze({
  checkBundle, checkDocument, decodeCanonical, hashPart, hex, openContainer, parseVkey, sha256, sha512, hmacSha256, unhex, verifyEd25519, Work,
});

start();
