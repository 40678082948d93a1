// One function a step, in the words and the order of the full verifier; each gives discrepancies.

const TAG_FILES = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt"];
const COSIGNATURE_BYTES = 8 + 64;
const TAG_MANIFEST = "tagmanifest-sha256.txt";

/** Where an event stands, for people: its stream and number. */
function placeOf(event) {
  return `${event.stream} #${event.seq}`;
}

function manifestText(container, paths) {
  return [...paths].sort().map((path) => `${container.digests.get(path)}  ${path}\n`).join("");
}

/** Every file is hashed, the bag's own files are what follows from that, and all stand in their order. */
async function checkBag(container, work) {
  const found = [];
  for (const [path, entry] of container.entries) {
    const seen = await hashPart(container.file, entry.dataOffset, entry.dataOffset + entry.size, work);
    container.digests.set(path, seen.digest);
    if (seen.crc32 !== entry.crc32 || seen.length !== entry.size) found.push(discrepancy("file_damaged", path));
  }
  const order = [...TAG_FILES, TAG_MANIFEST, ...[...container.payload].sort()];
  if (order.join("\n") !== container.order.join("\n")) found.push(discrepancy("bag_order", container.folder));
  const texts = [
    ["bagit.txt", FACTS.texts.bagit],
    ["manifest-sha256.txt", manifestText(container, container.payload)],
    [TAG_MANIFEST, manifestText(container, TAG_FILES.filter((path) => container.digests.has(path)))],
    [FACTS.paths.readme, FACTS.texts.readme],
  ];
  for (const [path, text] of texts) {
    if (!container.entries.has(path)) found.push(discrepancy("bag_file_missing", path));
    else if (!container.isText(path, text)) found.push(discrepancy("bag_file_differs", path));
  }
  return found;
}

/** Each stream is one unbroken chain from its beginning; ids are unique; time never goes backwards; one origin. */
function checkChains(evidence, dossierId) {
  const found = [];
  const chains = [[`dossier:${dossierId}`, FACTS.paths.events, evidence.events]];
  for (const person of [...evidence.persons.keys()].sort()) {
    chains.push([`person:${person}`, `${FACTS.paths.persons}${person}.jsonl`, evidence.persons.get(person)]);
  }
  for (const [stream, path, events] of chains) {
    if (!events.length) found.push(discrepancy("stream_empty", path));
    let [prev, at] = [FIRST_PREV, ""];
    for (const [i, event] of events.entries()) {
      const place = `${path} line ${i + 1}`;
      if (event.stream !== stream) found.push(discrepancy("wrong_stream", place, event.stream));
      if (event.seq !== i) found.push(discrepancy("seq_differs", place, `${event.seq} ≠ ${i}`));
      if (event.prev !== prev) found.push(discrepancy("chain_broken", place));
      if (event.at < at) found.push(discrepancy("time_backwards", place, `${event.at} < ${at}`));
      [prev, at] = [event.leafHash, event.at];
    }
  }
  const ids = new Set();
  const seats = new Set();
  for (const event of evidence.all) {
    const place = placeOf(event);
    if (ids.has(event.id)) found.push(discrepancy("id_twice", place, event.id));
    if (seats.has(place)) found.push(discrepancy("seq_twice", place));
    if (event.type === "fixity.checked" && event.payload.dossier !== dossierId) {
      found.push(discrepancy("wrong_stream", place, String(event.payload.dossier)));
    }
    if (event.claimed_at !== null && event.claimed_at > event.at) {
      found.push(discrepancy("claimed_in_future", place, `${event.claimed_at} > ${event.at}`));
    }
    if (evidence.events.length && event.origin !== evidence.events[0].origin) {
      found.push(discrepancy("origin_differs", place, event.origin));
    }
    ids.add(event.id);
    seats.add(place);
  }
  return found;
}

/** The seal is the last event and counts all of them; its statement is the one in the bundle. */
function checkClosing(evidence) {
  const last = evidence.events.at(-1);
  if (last?.type !== "dossier.sealed") return [discrepancy("not_sealed", FACTS.paths.events)];
  const found = [];
  const { count, head, statement_digest: digest, statement_size: size } = last.payload;
  if (count !== evidence.events.length || head !== last.prev) {
    found.push(discrepancy("closing_count", placeOf(last), `${count} ≠ ${evidence.events.length}`));
  }
  if (digest !== hex(sha256(evidence.statement)) || size !== evidence.statement.length) {
    found.push(discrepancy("statement_digest", FACTS.paths.statement));
  }
  return found;
}

/** The checkpoint is signed for this log and size: by the pinned key, or else, unconfirmed, by the bundle's own. */
function checkCheckpoint(evidence, pinned) {
  const { checkpoint: place, keys, proofs } = FACTS.paths;
  const { logKeys } = evidence;
  const key = pinned ?? logKeys[0];
  if (!key) return [discrepancy("no_key", keys)];
  const found = [];
  const isKnown = logKeys.some((other) => other.text === key.text);
  if (logKeys.length && !isKnown) found.push(discrepancy("other_key", keys, logKeys[0].text));
  let note, checkpoint, isSigned, signer;
  try {
    note = parseNote(evidence.checkpoint);
    checkpoint = parseCheckpoint(note.text);
    isSigned = isSignedBy(note, key);
    [signer] = logKeys.filter((other) => isSignedBy(note, other));
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return [...found, discrepancy("checkpoint_invalid", place, error.message)];
  }
  // the same log, before or after it changed its key: whoever checks needs the other key, from where it is published
  if (!isSigned && signer && isKnown) found.push(discrepancy("signed_by_other_key", place, signer.text));
  else if (!isSigned) found.push(discrepancy("checkpoint_unsigned", place, key.name));
  // cosignatures may follow: whose they are is for a policy to say; anything else is by nobody who signs this log
  const stray = note.signatures.find((each) => {
    return each.signature.length !== COSIGNATURE_BYTES && ![key, ...logKeys].some((k) => k.name === each.name && k.keyId === each.keyId);
  });
  if (stray) found.push(discrepancy("checkpoint_invalid", place, `a signature by ${stray.name}`));
  if (checkpoint.origin !== (evidence.events[0]?.origin ?? "") || key.name !== checkpoint.origin) {
    found.push(discrepancy("origin_differs", place, checkpoint.origin));
  }
  if (checkpoint.size !== evidence.proofs.size) {
    found.push(discrepancy("tree_size_differs", proofs, `${evidence.proofs.size} ≠ ${checkpoint.size}`));
  }
  return found;
}

/** What is wrong with the proof that a leaf stands at an index of the tree with this root (RFC 9162 section 2.1.3.2), or null. */
function inclusionProblem(index, size, leaf, path, root) {
  if (!(index >= 0 && index < size)) return `leaf ${index} is not in a tree of ${size}`;
  // divisions, not shifts: those of JavaScript cut numbers to 32 bits
  const half = (n) => Math.floor(n / 2);
  let [fn, sn, value] = [index, size - 1, unhex(leaf)];
  for (const sibling of path) {
    if (sn === 0) return "the proof is too long";
    const isRight = fn % 2 === 1 || fn === sn;
    const [left, right] = isRight ? [unhex(sibling), value] : [value, unhex(sibling)];
    value = sha256(concat(new Uint8Array([1]), left, right));
    while (isRight && fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) return "the proof is too short";
  return hex(value) === root ? null : "the proof leads to another root";
}

/** Every event is a leaf of the signed tree, once, in the order of its stream; nothing else is claimed to be. */
async function checkMembership(evidence, work) {
  const found = [];
  let root;
  try {
    root = parseCheckpoint(parseNote(evidence.checkpoint).text).root;
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return [discrepancy("checkpoint_invalid", FACTS.paths.checkpoint, error.message)];
  }
  const last = new Map();
  const known = new Set();
  for (const event of evidence.all) {
    const place = placeOf(event);
    const leaf = evidence.proofs.leaves.get(event.leafHash);
    known.add(event.leafHash);
    if (!leaf) {
      found.push(discrepancy("proof_missing", place, event.leafHash));
      continue;
    }
    const problem = inclusionProblem(leaf.index, evidence.proofs.size, event.leafHash, leaf.path, root);
    if (problem) found.push(discrepancy("not_in_log", place, problem));
    const before = last.get(event.stream) ?? { index: -1, seq: -1, at: "" };
    if (leaf.index <= before.index || event.seq <= before.seq || event.at < before.at) found.push(discrepancy("leaf_order", place));
    last.set(event.stream, { index: leaf.index, seq: event.seq, at: event.at });
    await work.breathe();
  }
  for (const hash of [...evidence.proofs.leaves.keys()].sort()) {
    if (!known.has(hash)) found.push(discrepancy("proof_extra", FACTS.paths.proofs, hash));
  }
  if (known.size !== evidence.all.length) found.push(discrepancy("event_twice", FACTS.paths.evidence));
  return found;
}

/** Every (field, commitment) of a payload, nested ones by dotted field name. */
function commitmentsIn(payload, prefix = "") {
  return Object.entries(payload).flatMap(([name, value]) => {
    if (isObject(value)) return commitmentsIn(value, `${prefix}${name}.`);
    const isOne = name.endsWith("_commitment") && typeof value === "string";
    return isOne ? [[prefix + name.slice(0, -"_commitment".length), value]] : [];
  });
}

/** Every opening opens a commitment of an event in the bundle; commitments without one were redacted. */
async function checkOpenings(evidence, work) {
  const found = [];
  const promised = new Map();
  for (const event of evidence.all) {
    for (const [field, value] of commitmentsIn(event.payload)) promised.set(openingKey(event.leafHash, field), value);
  }
  const place = (key) => `${FACTS.paths.openings} ${key.slice(0, 16)}…${key.slice(64)}`;
  for (const [key, { field, value, salt }] of evidence.openings) {
    if (!promised.has(key)) found.push(discrepancy("opening_extra", place(key)));
    else if (hex(hmacSha256(unhex(salt), utf8(`${field}\0${value}`))) !== promised.get(key)) {
      found.push(discrepancy("opening_differs", place(key)));
    }
    await work.breathe();
  }
  for (const key of [...promised.keys()].sort()) {
    if (!evidence.openings.has(key)) found.push(discrepancy("redacted", place(key), "", "redaction"));
  }
  return found;
}

/** Received version → path of its file in the bundle. */
function documentNames(received) {
  const order = new Map();
  return received.map((v) => {
    const kind = `${v.step} ${v.kind}`;
    const documents = order.get(kind) ?? order.set(kind, []).get(kind);
    if (!documents.includes(v.document)) documents.push(v.document);
    const number = String(documents.indexOf(v.document) + 1).padStart(2, "0");
    const extension = Object.hasOwn(FACTS.extensions, v.media_type) ? FACTS.extensions[v.media_type] : "bin";
    return `${FACTS.paths.documents}s${v.step}-i${v.iteration}-${v.kind}-${number}-v${v.number}.${extension}`;
  });
}

/** The institution that the pinned procedure names; null where the procedure cannot be read. */
function findInstitution(evidence) {
  const sop = evidence.definitions.get(evidence.events[0]?.payload.sop);
  if (!sop) return null;
  try {
    return decodeCanonical(sop).institution ?? null;
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    return null;
  }
}

/** Every file is one that the evidence asks for, none is missing; each received version is there as it was recorded. */
function checkDocuments(container, evidence) {
  const paths = FACTS.paths;
  const received = evidence.events.filter((event) => event.type === "document.received").map((event) => event.payload);
  const names = documentNames(received);
  const due = new Set([...FACTS.alwaysThere, ...names, ...evidence.attested]);
  for (const person of evidence.persons.keys()) due.add(`${paths.persons}${person}.jsonl`);
  for (const digest of evidence.definitions.keys()) due.add(`${paths.definitions}${digest}.json`);
  const there = new Set(container.payload);
  const found = [];
  for (const path of [...there].sort()) if (!due.has(path)) found.push(discrepancy("file_extra", path));
  for (const path of [...due].sort()) if (!there.has(path)) found.push(discrepancy("file_missing", path));
  const institution = findInstitution(evidence);
  const sizes = container.payload.map((path) => container.entries.get(path).size);
  const info =
    `Bag-Software-Agent: ${FACTS.texts.format}\nBagging-Date: ${evidence.events.at(-1)?.at.slice(0, 10)}\n` +
    `External-Identifier: ${evidence.events[0]?.payload.dossier}\nPayload-Oxum: ${sizes.reduce((sum, size) => sum + size, 0)}.${sizes.length}\n` +
    `Source-Organization: ${institution}\n`;
  if (institution === null || !container.isText("bag-info.txt", info)) found.push(discrepancy("bag_file_differs", "bag-info.txt"));
  for (const [i, v] of received.entries()) {
    const entry = container.entries.get(names[i]);
    if (!entry) found.push(discrepancy("document_missing", names[i]));
    else if (entry.size !== v.size || entry.crc32 !== Number.parseInt(v.crc32, 16) || container.digests.get(names[i]) !== v.digest) {
      found.push(discrepancy("document_damaged", names[i]));
    }
  }
  return found;
}
