// The checks in their order, and what they come to. The steps and their numbers are the full verifier's; those that this page does not
// compute are listed as such, and the best word here is "intact", never "valid".

const PASSED = "passed";
const FAILED = "failed";
const SKIPPED = "skipped";
const ELSEWHERE = "elsewhere";
const BREATH_MS = 25;

/** What this page computes of a bundle. "assertions" (passkeys, ECDSA P-256) would be added here with a function in steps.js. */
const COMPUTED = ["container", "bag", "events", "chains", "closing", "checkpoint", "membership", "documents", "openings"];

/** How far a check has come; lets the page draw and answer in between, and stops when asked to. */
class Work {
  constructor(total = 0, report = () => {}, signal = null) {
    this.total = total;
    this.done = 0;
    this.report = report;
    this.signal = signal;
    this.since = performance.now();
  }

  advance(bytes) {
    this.done += bytes;
  }

  async breathe() {
    if (this.signal?.aborted) throw new Cancelled();
    if (performance.now() - this.since < BREATH_MS) return;
    this.report(this.done, this.total);
    await new Promise((resolve) => setTimeout(resolve));
    this.since = performance.now();
    if (this.signal?.aborted) throw new Cancelled();
  }
}

/** Numbered steps and the verdict over them. */
class Report {
  constructor(subject, steps, computed, isPinned) {
    this.subject = subject;
    this.isPinned = isPinned;
    this.isNoBundle = false;
    this.signer = null;
    this.receipt = null;
    this.digest = null;
    this.containedVerifier = null;
    this.steps = steps.map(({ id }, i) => {
      return { id, number: i + 1, state: computed.includes(id) ? SKIPPED : ELSEWHERE, discrepancies: [] };
    });
  }

  /** Run one step; whether it passed. Whatever goes wrong on hostile input is a discrepancy, never an error. */
  async run(id, check) {
    const step = this.steps.find((each) => each.id === id);
    try {
      step.discrepancies = await check();
    } catch (error) {
      if (error instanceof Cancelled || error instanceof Unreadable) throw error;
      step.discrepancies = [discrepancy("unreadable", id, `${error.name}: ${String(error.message).slice(0, 300)}`)];
    }
    step.state = step.discrepancies.some((each) => each.severity === "error") ? FAILED : PASSED;
    return step.state === PASSED;
  }

  get verdict() {
    if (this.isNoBundle) return "NO BUNDLE";
    const open = this.steps.filter((step) => step.state !== PASSED && step.state !== ELSEWHERE).map((step) => step.id);
    const unsigned = this.subject === "document" && !this.isPinned ? ["receipt_signature"] : [];
    if (open.some((id) => !unsigned.includes(id))) return "INVALID";
    if (!this.isPinned) return "CONSISTENT, ISSUER NOT CONFIRMED";
    if (this.subject === "document") return "RECEIPT CONFIRMED";
    return this.steps.some((step) => step.discrepancies.length) ? "INTACT WITH REDACTIONS" : "INTACT";
  }
}

/** The report on a bundle, against the log's key where one is pinned. Throws Cancelled and Unreadable alone. */
async function checkBundle(file, pinned, work) {
  const report = new Report("bundle", FACTS.steps, COMPUTED, pinned !== null);
  if (await isNoBundle(file)) {
    report.isNoBundle = true;
    return report;
  }
  let container = null;
  let dossierId = "";
  await report.run("container", async () => {
    let opened;
    try {
      opened = await openContainer(file, work);
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      return [discrepancy("container_damaged", "ZIP", error.message)];
    }
    dossierId = opened.folder.slice(opened.folder.indexOf("-") + 1);
    if (opened.folder !== `dossier-${dossierId}`) return [discrepancy("container_damaged", opened.folder)];
    container = opened;
    return [];
  });
  if (!container) return report;
  await report.run("bag", () => checkBag(container, work));
  report.containedVerifier = container.digests.get(FACTS.paths.verifier) ?? null;
  let evidence = null;
  const isRead = await report.run("events", async () => {
    const found = [];
    evidence = await readEvidence(container, found, work);
    return found;
  });
  if (!isRead) return report;
  await report.run("chains", () => checkChains(evidence, dossierId));
  await report.run("closing", () => checkClosing(evidence));
  await report.run("checkpoint", () => checkCheckpoint(evidence, pinned));
  await report.run("membership", () => checkMembership(evidence, work));
  await report.run("openings", () => checkOpenings(evidence, work));
  await report.run("documents", () => checkDocuments(container, evidence));
  report.signer = (pinned ?? evidence.logKeys[0])?.text ?? null;
  return report;
}

/** The report on a document and its receipt; `keys` are the receipt keys that are trusted, or null. */
async function checkDocument(file, receiptFile, keys, work) {
  const ids = FACTS.documentSteps.map((step) => step.id);
  const report = new Report("document", FACTS.documentSteps, ids, keys !== null);
  const bytes = await readBytes(receiptFile, 0, Math.min(receiptFile.size, NOTE_LIMIT_BYTES + 1));
  let note = null;
  await report.run("receipt_form", () => {
    try {
      note = parseNote(bytes);
      report.receipt = parseReceipt(note.text);
      return [];
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      return [discrepancy("receipt_invalid", "receipt", error.message)];
    }
  });
  const said = report.receipt;
  if (!said) return report;
  if (keys !== null) await report.run("receipt_signature", () => checkReceiptSignature(note, said, keys));
  await report.run("document_size", () => {
    return file.size === said.size ? [] : [discrepancy("document_size", "document", `${file.size} ≠ ${said.size}`)];
  });
  await report.run("document_digest", async () => {
    report.digest = (await hashPart(file, 0, file.size, work)).digest;
    return report.digest === said.digest ? [] : [discrepancy("document_digest", "document", report.digest)];
  });
  return report;
}

function checkReceiptSignature(note, said, keys) {
  let signers;
  try {
    signers = keys.filter((key) => isSignedBy(note, key));
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return [discrepancy("receipt_invalid", "receipt", error.message)];
  }
  if (!signers.length) return [discrepancy("receipt_unsigned", "receipt", note.signatures.map((each) => each.name).join(", "))];
  if (!signers.some((key) => key.name === `${said.origin}/receipt`)) return [discrepancy("origin_differs", "receipt", said.origin)];
  return [];
}
