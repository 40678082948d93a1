// A bundle's evidence, parsed: events by stream, definitions, openings, proofs, checkpoint, keys. What cannot be read is a discrepancy.

const EVENT_LIMIT_BYTES = 65_535;
const PAYLOAD_LIMIT_BYTES = 8_192;
const FIRST_PREV = "0".repeat(64);
const EVENT_MEMBERS = ["v", "origin", "id", "stream", "seq", "prev", "type", "actor", "on_behalf_of", "at", "claimed_at", "payload"];
const PERSON_MEMBERS = ["kind", "person", "user", "role", "work_unit", "assignment", "head"];
const ID_PATTERN = /^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/;
const HASH_PATTERN = /^[0-9a-f]{64}$/;
const KEY_PATTERN = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const ORIGIN_PATTERN = /^[a-z0-9][a-z0-9./:_-]{0,199}$/;
const TIME_PATTERN = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/;

/** One disagreement: a stable code, where it is, and what else there is to say about it. */
function discrepancy(code, place, text = "", severity = "error") {
  return { code, place, text, severity };
}

function matches(value, pattern) {
  return typeof value === "string" && pattern.test(value);
}

function isWholeFrom(value, low) {
  return Number.isSafeInteger(value) && value >= low;
}

function isTime(value) {
  const found = typeof value === "string" ? TIME_PATTERN.exec(value) : null;
  if (!found) return false;
  const [year, month, day] = found.slice(1, 4).map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year >= 1 && days !== undefined && day >= 1 && day <= days;
}

function orNull(value, is) {
  return value === null || is(value);
}

function isActor(actor) {
  if (isObject(actor) && actor.kind === "service") {
    return hasExactly(actor, ["kind", "name"]) && matches(actor.name, KEY_PATTERN);
  }
  return (
    hasExactly(actor, PERSON_MEMBERS) && actor.kind === "person" &&
    matches(actor.person, ID_PATTERN) && matches(actor.user, ID_PATTERN) && matches(actor.head, HASH_PATTERN) &&
    orNull(actor.role, (v) => matches(v, KEY_PATTERN)) && orNull(actor.work_unit, (v) => matches(v, ID_PATTERN)) &&
    orNull(actor.assignment, (v) => matches(v, HASH_PATTERN))
  );
}

function streamKind(stream) {
  if (stream === "service") return "service";
  const [kind, key, ...rest] = stream.split(":");
  const isKind = ["dossier", "after", "person", "user", "unit"].includes(kind);
  return isKind && rest.length === 0 && matches(key, ID_PATTERN) ? kind : null;
}

/** What is wrong with an event's value, or null. The members of each type's payload are the full verifier's to check. */
function problemOf(value) {
  if (!hasExactly(value, EVENT_MEMBERS)) return "fields: an event has other members";
  if (value.v !== 1) return "version: this format knows v = 1 alone";
  if (!matches(value.origin, ORIGIN_PATTERN)) return "origin: origin is not the name of a log";
  const kind = typeof value.stream === "string" ? streamKind(value.stream) : null;
  if (kind === null) return "stream: stream is not the name of a stream";
  if (typeof value.type !== "string" || !Object.hasOwn(FACTS.eventTypes, value.type)) return "type: type is unknown";
  if (!FACTS.eventTypes[value.type].includes(kind)) return `stream: a ${value.type} event does not belong into a ${kind} stream`;
  const wrong = [
    ["id", matches(value.id, ID_PATTERN)],
    ["seq", isWholeFrom(value.seq, 0)],
    ["prev", matches(value.prev, HASH_PATTERN)],
    ["at", isTime(value.at)],
    ["claimed_at", orNull(value.claimed_at, isTime)],
    ["on_behalf_of", orNull(value.on_behalf_of, (v) => matches(v, ID_PATTERN))],
    ["actor", isActor(value.actor)],
    ["payload", isObject(value.payload)],
  ].find(([, isRight]) => !isRight);
  if (wrong) return `schema: ${wrong[0]} does not have its form`;
  if ((value.seq === 0) !== (value.prev === FIRST_PREV)) return "chain: prev is 64 zeros at seq 0 and nowhere else";
  if (utf8(encodeCanonical(value.payload)).length > PAYLOAD_LIMIT_BYTES) return "payload_size: the payload is too large";
  return null;
}

/** RFC 6962 section 2.1: SHA-256(0x00 ‖ data), in hex. */
function leafHash(data) {
  return hex(sha256(concat(new Uint8Array([0]), data)));
}

/** The event that these bytes hold, with its leaf hash; FormError unless they are canonical and have an event's form. */
function parseEvent(bytes) {
  if (bytes.length > EVENT_LIMIT_BYTES) throw new FormError(`event_size: an event has at most ${EVENT_LIMIT_BYTES} bytes`);
  let value;
  try {
    value = decodeCanonical(bytes);
  } catch (error) {
    if (error instanceof FormError) throw new FormError(`not_canonical: ${error.message}`);
    throw error;
  }
  const problem = problemOf(value);
  if (problem) throw new FormError(problem);
  return { ...value, leafHash: leafHash(bytes) };
}

/** Runs `read`; a FormError becomes a discrepancy of this code and place, and the fallback is the answer. */
async function orElse(found, code, place, fallback, read) {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    found.push(discrepancy(code, place, error.message));
    return fallback;
  }
}

async function readEvents(container, path, found, work) {
  const events = [];
  const lines = await orElse(found, "evidence_unreadable", path, [], async () => splitLines(await container.read(path)));
  for (const [i, line] of lines.entries()) {
    const event = await orElse(found, "event_invalid", `${path} line ${i + 1}`, null, () => parseEvent(line));
    if (event) events.push(event);
    await work.breathe();
  }
  return events;
}

function compare(one, other) {
  // by code points, as Python compares: UTF-16 units order characters beyond U+FFFF otherwise
  const [a, b] = [[...one], [...other]];
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    if (a[i] !== b[i]) return a[i].codePointAt(0) - b[i].codePointAt(0);
  }
  return a.length - b.length;
}

/** The key of a field of an event in a map: a hash has no space. */
function openingKey(event, field) {
  return `${event} ${field}`;
}

function readOpenings(value, found) {
  const path = FACTS.paths.openings;
  const openings = new Map();
  let last = null;
  let isOrdered = Array.isArray(value);
  for (const item of isOrdered ? value : []) {
    const isRight =
      hasExactly(item, ["event", "field", "value", "salt"]) && Object.values(item).every((part) => typeof part === "string") &&
      HASH_PATTERN.test(item.event) && HASH_PATTERN.test(item.salt);
    if (!isRight) {
      found.push(discrepancy("opening_invalid", path, "an opening has event, field, value and salt"));
      break;
    }
    isOrdered &&= last === null || (compare(last.event, item.event) || compare(last.field, item.field)) < 0;
    last = item;
    openings.set(openingKey(item.event, item.field), item);
  }
  if (!isOrdered) found.push(discrepancy("opening_invalid", path, "openings are a list in order, none twice"));
  return openings;
}

function readProofs(value, found) {
  const path = FACTS.paths.proofs;
  const leaves = new Map();
  if (!hasExactly(value, ["size", "leaves"]) || !Array.isArray(value.leaves) || typeof value.size !== "number") {
    found.push(discrepancy("proof_invalid", path, "proofs have a size and leaves"));
    return { size: 0, leaves };
  }
  let last = -1;
  for (const item of value.leaves) {
    const isLeaf =
      hasExactly(item, ["event", "index", "path"]) && matches(item.event, HASH_PATTERN) && typeof item.index === "number" &&
      item.index > last && Array.isArray(item.path) && item.path.length <= 64 &&
      item.path.every((each) => matches(each, HASH_PATTERN)) && !leaves.has(item.event);
    if (!isLeaf) {
      found.push(discrepancy("proof_invalid", path, "a leaf has event, index and path, in order, none twice"));
      break;
    }
    last = item.index;
    leaves.set(item.event, { index: item.index, path: item.path });
  }
  return { size: value.size, leaves };
}

/** The files that the attested checkpoints are due to have: a note each, and its time-stamps. What they say is the full verifier's. */
async function readAttested(container, value, found) {
  const { consistency, checkpoints } = FACTS.paths;
  const due = [];
  if (!isObject(value) || Object.keys(value).length > FACTS.limits.attested) {
    found.push(discrepancy("consistency_invalid", consistency, "an object of proofs"));
    return due;
  }
  const sizes = Object.keys(value).sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
  for (const size of sizes) {
    const path = value[size];
    const isPath = Array.isArray(path) && path.length <= 64 && path.every((each) => matches(each, HASH_PATTERN));
    if (!/^[1-9][0-9]{0,15}$/.test(size) || !isPath) {
      found.push(discrepancy("consistency_invalid", consistency, "a size has a list of hashes"));
      break;
    }
    const stem = `${checkpoints}${size.padStart(20, "0")}`;
    const names = [`${stem}.txt`];
    while (names.length <= FACTS.limits.tokens && container.entries.has(`${stem}.${names.length}.tsr`)) names.push(`${stem}.${names.length}.tsr`);
    const data = await orElse(found, "evidence_unreadable", names[0], null, () => Promise.all(names.map((name) => container.read(name))));
    if (!data) break;
    due.push(...names);
  }
  return due;
}

/** The keys that the log signs or signed with, the newest first; the second line is the receipts' key. */
function readLogKeys(bytes, found) {
  const path = FACTS.paths.keys;
  try {
    const keys = splitLines(bytes).map((line) => parseVkey(decodeUtf8(line)));
    const isCounted = keys.length >= 2 && keys.length <= 1 + FACTS.limits.logKeys;
    const logKeys = keys.filter((_, i) => i !== 1);
    if (!isCounted || new Set(keys.map((key) => key.text)).size !== keys.length) {
      found.push(discrepancy("keys_invalid", path, "there are the log's key, the receipts' key, and those that the log had before"));
    } else if (logKeys.some((key) => key.name !== logKeys[0].name)) {
      found.push(discrepancy("keys_invalid", path, "the keys of one log have one name"));
    } else return logKeys;
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    found.push(discrepancy("keys_invalid", path, error.message));
  }
  return [];
}

/** What there is too much of for one bundle, or null. */
function findExcess(events, persons) {
  const counts = new Map();
  for (const event of events) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  if (events.length > FACTS.limits.events) return `more than ${FACTS.limits.events} events`;
  for (const [type, limit] of Object.entries(FACTS.limits.eventTypes)) {
    if ((counts.get(type) ?? 0) > limit) return `more than ${limit} ${type} events`;
  }
  const limit = FACTS.limits.personEvents;
  return [...persons.values()].some((chain) => chain.length > limit) ? `more than ${limit} events of one person` : null;
}

/** The evidence of a container; discrepancies are added to `found`. */
async function readEvidence(container, found, work) {
  const paths = FACTS.paths;
  const sizes = [...container.entries].filter(([path]) => path.startsWith(paths.evidence)).map(([, entry]) => entry.size);
  if (sizes.reduce((sum, size) => sum + size, 0) > FACTS.limits.evidenceTotal) {
    found.push(discrepancy("too_much", paths.evidence, "the files are larger than evidence may be"));
    return null;
  }
  // counted before any is parsed: what is over the limit costs nothing
  let lines = 0;
  for (const [path, entry] of container.entries) {
    if (!path.startsWith(paths.evidence) || !path.endsWith(".jsonl")) continue;
    const bytes = await readBytes(container.file, entry.dataOffset, entry.dataOffset + entry.size);
    for (const byte of bytes) lines += byte === 10;
  }
  if (lines > FACTS.limits.events) {
    found.push(discrepancy("too_much", paths.evidence, `more than ${FACTS.limits.events} events`));
    return null;
  }
  const read = (path) => orElse(found, "evidence_unreadable", path, null, () => container.read(path));
  const readSparse = (path) =>
    orElse(found, "evidence_unreadable", path, null, async () => {
      const bytes = await container.read(path);
      requireSparse(bytes);
      return bytes;
    });
  const readJson = async (path) => {
    const bytes = await readSparse(path);
    return bytes && orElse(found, "evidence_unreadable", path, null, () => decodeCanonical(bytes));
  };
  const evidence = {
    events: await readEvents(container, paths.events, found, work),
    registrations: await readEvents(container, paths.registrations, found, work),
    persons: new Map(),
    definitions: new Map(),
  };
  for (const path of container.order) {
    if (path.startsWith(paths.persons) && path.endsWith(".jsonl")) {
      const person = path.slice(paths.persons.length, -".jsonl".length);
      evidence.persons.set(person, await readEvents(container, path, found, work));
    } else if (path.startsWith(paths.definitions) && path.endsWith(".json")) {
      const data = await readSparse(path);
      if (data) evidence.definitions.set(path.slice(paths.definitions.length, -".json".length), data);
    }
  }
  evidence.openings = readOpenings(await readJson(paths.openings), found);
  evidence.proofs = readProofs(await readJson(paths.proofs), found);
  evidence.attested = await readAttested(container, await readJson(paths.consistency), found);
  evidence.checkpoint = (await read(paths.checkpoint)) ?? new Uint8Array();
  evidence.statement = (await readSparse(paths.statement)) ?? new Uint8Array();
  const keys = await read(paths.keys);
  evidence.logKeys = keys ? readLogKeys(keys, found) : [];
  evidence.all = [...evidence.events, ...[...evidence.persons.values()].flat(), ...evidence.registrations];
  const excess = findExcess(evidence.all, evidence.persons);
  if (excess) found.push(discrepancy("too_much", paths.evidence, excess));
  return evidence;
}
