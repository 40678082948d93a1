// Signed notes (C2SP signed-note), verifier keys, checkpoints (C2SP tlog-checkpoint) and receipts.

const ED25519_TYPE = 0x01;
const NOTE_LIMIT_BYTES = 64 * 1024;
const SIGNATURE_MARK = "\u2014 ";
const KEY_NAME = /^[^\s\x85\x00-\x1f\x7f-\x9f+]{1,200}$/u;
const RECEIPT_TEXT =
  /^([^\s]+) receipt v1\nstream ([a-z]+:[0-9a-f]{32})\nseq (0|[1-9][0-9]{0,15})\nevent ([0-9a-f]{64})\ndigest sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,15})\nat ([0-9T:.-]{26}Z)\n$/;

/** The bytes of canonical base64 (RFC 4648 section 4); FormError otherwise. */
function decodeBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new FormError("no base64");
  }
  if (btoa(binary) !== text) throw new FormError("no canonical base64");
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The Ed25519 verifier key in a text; FormError unless name, id and key agree. */
function parseVkey(text) {
  const [name, keyId, ...rest] = text.split("+");
  if (!KEY_NAME.test(name) || keyId === undefined || !/^[0-9a-f]{8}$/.test(keyId)) {
    throw new FormError("no verifier key: it reads name+keyid+key");
  }
  const data = decodeBase64(rest.join("+"));
  if (data.length !== 33 || data[0] !== ED25519_TYPE) throw new FormError("the verifier key is of another type than Ed25519");
  if (hex(sha256(concat(utf8(`${name}\n`), data)).slice(0, 4)) !== keyId) {
    throw new FormError("the verifier key's id does not belong to it");
  }
  return { name, keyId, publicKey: data.slice(1), text };
}

/** The note in these bytes: its text and the signatures over it; FormError for anything that the format does not allow. */
function parseNote(bytes) {
  if (bytes.length > NOTE_LIMIT_BYTES) throw new FormError("a note has at most 64 KiB");
  const whole = decodeUtf8(bytes);
  if (/[\x00-\x09\x0b-\x1f]/.test(whole)) throw new FormError("a note holds no control characters but newlines");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n")) throw new FormError("a note is a text, an empty line and signatures");
  const signatures = whole.slice(split + 2).split("\n").slice(0, -1).map((line) => {
    const space = line.indexOf(" ", SIGNATURE_MARK.length);
    const name = line.slice(SIGNATURE_MARK.length, space);
    if (!line.startsWith(SIGNATURE_MARK) || space < 0 || !KEY_NAME.test(name)) {
      throw new FormError("a signature line reads — name base64");
    }
    const blob = decodeBase64(line.slice(space + 1));
    if (blob.length <= 4) throw new FormError("a signature is too short");
    return { name, keyId: hex(blob.slice(0, 4)), signature: blob.slice(4) };
  });
  if (signatures.length < 1 || signatures.length > FACTS.limits.signatures) {
    throw new FormError(`a note has 1 to ${FACTS.limits.signatures} signatures`);
  }
  return { text: whole.slice(0, split + 1), signatures };
}

/** Whether a signature by this key is there; FormError when one under its name and id is wrong, or there are two. */
function isSignedBy(note, key) {
  const mine = note.signatures.filter((each) => each.name === key.name && each.keyId === key.keyId);
  for (const each of mine) {
    if (!verifyEd25519(key.publicKey, utf8(note.text), each.signature)) throw new FormError(`the signature by ${key.name} is wrong`);
  }
  if (mine.length > 1) throw new FormError(`the note is signed by ${key.name} twice`);
  return mine.length === 1;
}

/** The checkpoint in a note's text: origin, size and root. */
function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] || !lines[0]) throw new FormError("a checkpoint has three lines: origin, size, root");
  if (!/^(0|[1-9][0-9]{0,15})$/.test(lines[1]) || !/^[A-Za-z0-9+/]{43}=$/.test(lines[2])) {
    throw new FormError("size or root of the checkpoint cannot be read");
  }
  const size = Number(lines[1]);
  if (!Number.isSafeInteger(size)) throw new FormError("the checkpoint's size is larger than any log");
  return { origin: lines[0], size, root: hex(decodeBase64(lines[2])) };
}

/** The receipt in a note's text: what the service acknowledged. */
function parseReceipt(text) {
  const found = RECEIPT_TEXT.exec(text);
  if (!found) throw new FormError("the text is no receipt");
  const [, origin, stream, seq, eventHash, digest, size, at] = found;
  return { origin, stream, seq: Number(seq), eventHash, digest, size: Number(size), at };
}
