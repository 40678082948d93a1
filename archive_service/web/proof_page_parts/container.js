// The ZIP container: every byte outside the files is computed again from names, sizes and CRCs, and compared. Sizes and offsets are
// read as 64-bit numbers and believed only below 2^53, within the file.

const CHUNK_BYTES = 1024 * 1024;
const ENTRY_LIMIT = 100_000;
const CENTRAL_LIMIT_BYTES = 64 * 1024 * 1024;
const COMMENT_LIMIT_BYTES = 65_535;
const END_RECORD_BYTES = 22;
const LOCAL_BYTES = 30 + 20;
const CENTRAL_BYTES = 46;
const CENTRAL_EXTRA_BYTES = 28;
const END_BYTES = 56 + 20 + 22;
const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;

/** Whoever checks has pressed "cancel". */
class Cancelled extends Error {}

/** The file could not be read: moved, changed or not ours to read. */
class Unreadable extends Error {}

/** The bytes of a file from one place to before another. */
async function readBytes(file, from, to) {
  try {
    return new Uint8Array(await file.slice(from, to).arrayBuffer());
  } catch (error) {
    throw new Unreadable(error.message);
  }
}

function areEqual(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Bytes from fields: [2, value] and [4, value] little-endian numbers, [8, value] a whole number below 2^53, or a byte run. */
function packFields(...fields) {
  return concat(...fields.map((field) => {
    if (field instanceof Uint8Array) return field;
    const [size, value] = field;
    const view = new DataView(new ArrayBuffer(size));
    if (size === 2) view.setUint16(0, value, true);
    else if (size === 4) view.setUint32(0, value, true);
    else view.setBigUint64(0, BigInt(value), true);
    return new Uint8Array(view.buffer);
  }));
}

const LOCAL_SIGNATURE = utf8("PK\x03\x04");
const END_SIGNATURE = utf8("PK\x05\x06");
const VERSION = 45; // ZIP64 needs 4.5
const UTF8_FLAG = 0x0800;
const DOS_DATE = 0x0021;
const MAX16 = 0xffff;
const MAX32 = 0xffffffff;

function localHeader(entry) {
  const name = utf8(entry.name);
  return packFields(
    LOCAL_SIGNATURE, [2, VERSION], [2, UTF8_FLAG], [2, 0], [2, 0], [2, DOS_DATE], [4, entry.crc32], [4, MAX32], [4, MAX32],
    [2, name.length], [2, 20], name, [2, 1], [2, 16], [8, entry.size], [8, entry.size],
  );
}

function centralHeader(entry) {
  const name = utf8(entry.name);
  return packFields(
    utf8("PK\x01\x02"), [2, VERSION | (3 << 8)], [2, VERSION], [2, UTF8_FLAG], [2, 0], [2, 0], [2, DOS_DATE], [4, entry.crc32],
    [4, MAX32], [4, MAX32], [2, name.length], [2, CENTRAL_EXTRA_BYTES], [2, 0], [2, 0], [2, 0], [4, 0o100644 * 65536], [4, MAX32],
    name, [2, 1], [2, 24], [8, entry.size], [8, entry.size], [8, entry.offset],
  );
}

function endRecords(count, centralSize, centralOffset) {
  return packFields(
    utf8("PK\x06\x06"), [8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0], [8, count], [8, count], [8, centralSize],
    [8, centralOffset], utf8("PK\x06\x07"), [4, 0], [8, centralOffset + centralSize], [4, 1], END_SIGNATURE,
    [2, MAX16], [2, MAX16], [2, MAX16], [2, MAX16], [4, MAX32], [4, MAX32], [2, 0],
  );
}

/** A 64-bit number at a place; FormError when it is not below 2^53, where a number of JavaScript is exact. */
function readWhole(view, at) {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormError("a size or offset is larger than any file");
  return Number(value);
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether neither the first local header nor an end record is there: this was never a bundle. */
async function isNoBundle(file) {
  if (areEqual(await readBytes(file, 0, 4), LOCAL_SIGNATURE)) return false;
  const tail = await readBytes(file, Math.max(0, file.size - END_RECORD_BYTES - COMMENT_LIMIT_BYTES), file.size);
  for (let at = 0; at + 4 <= tail.length; at += 1) if (areEqual(tail.subarray(at, at + 4), END_SIGNATURE)) return false;
  return true;
}

async function readEndRecords(file) {
  if (file.size < END_BYTES) throw new FormError("the file is too short for a bundle");
  const tail = await readBytes(file, file.size - END_BYTES, file.size);
  const view = viewOf(tail);
  const [count, centralSize, centralOffset] = [24, 40, 48].map((at) => readWhole(view, at));
  const isWithin = centralOffset + centralSize <= file.size && count <= file.size;
  if (!isWithin || !areEqual(tail, endRecords(count, centralSize, centralOffset))) {
    throw new FormError("the end records have other bytes than follow from the entries");
  }
  if (centralOffset + centralSize + END_BYTES !== file.size) {
    throw new FormError("the central directory does not lie right before the end records");
  }
  if (count > ENTRY_LIMIT || centralSize > CENTRAL_LIMIT_BYTES) throw new FormError("the bundle names more files than it may");
  return { count, centralSize, centralOffset };
}

function readCentralEntry(central, at) {
  if (central.length - at < CENTRAL_BYTES) throw new FormError("the central directory ends in the middle of a record");
  const view = viewOf(central);
  const nameLength = view.getUint16(at + 28, true);
  const extra = at + CENTRAL_BYTES + nameLength;
  const after = extra + CENTRAL_EXTRA_BYTES;
  if (central.length < after) throw new FormError("the central directory ends in the middle of a record");
  const name = String.fromCharCode(...central.subarray(at + CENTRAL_BYTES, extra));
  if (name.length > 300 || !NAME_PATTERN.test(name)) throw new FormError(`${JSON.stringify(name)} is no name of a file in a bundle`);
  const entry = {
    name,
    size: readWhole(view, extra + 4),
    crc32: view.getUint32(at + 16, true),
    offset: readWhole(view, extra + 20),
  };
  if (!areEqual(central.subarray(at, after), centralHeader(entry))) {
    throw new FormError(`the record of ${name} has other bytes than follow from name, size and CRC`);
  }
  entry.dataOffset = entry.offset + LOCAL_BYTES + name.length;
  return [entry, after];
}

/** The files of a bundle by their path below its folder; `digests` is filled when they are hashed. */
class Container {
  constructor(file, folder, entries) {
    this.file = file;
    this.folder = folder;
    this.entries = new Map(entries.map((entry) => [entry.name.slice(folder.length + 1), entry]));
    this.order = [...this.entries.keys()];
    this.payload = this.order.filter((path) => path.startsWith("data/"));
    this.digests = new Map();
  }

  /** Whether a file that was hashed holds exactly this text. */
  isText(path, text) {
    return this.digests.get(path) === hex(sha256(utf8(text)));
  }

  /** All bytes of an evidence file; FormError when it is not there or larger than evidence may be. */
  async read(path) {
    const entry = this.entries.get(path);
    if (!entry) throw new FormError(`${path} is not in the bundle`);
    if (entry.size > FACTS.limits.evidence) throw new FormError(`${path} is larger than evidence may be`);
    return readBytes(this.file, entry.dataOffset, entry.dataOffset + entry.size);
  }
}

/** The container in a file; FormError names the first byte run that is not as the service writes it. */
async function openContainer(file, work) {
  const { count, centralSize, centralOffset } = await readEndRecords(file);
  const central = await readBytes(file, centralOffset, centralOffset + centralSize);
  const found = [];
  let offset = 0;
  for (let at = 0; at < central.length; ) {
    const [entry, after] = readCentralEntry(central, at);
    if (entry.offset !== offset) throw new FormError(`${entry.name} does not begin where the file before it ends`);
    offset = entry.dataOffset + entry.size;
    if (offset > centralOffset) throw new FormError(`${entry.name} is longer than the container`);
    found.push(entry);
    at = after;
    await work.breathe();
  }
  if (found.length !== count || offset !== centralOffset) {
    throw new FormError("the files do not fill the container from its beginning to the central directory");
  }
  const folders = new Set(found.map((entry) => entry.name.split("/")[0]));
  if (folders.size !== 1 || new Set(found.map((entry) => entry.name.toLowerCase())).size !== found.length) {
    throw new FormError("a bundle has one folder and no name twice");
  }
  for (const entry of found) {
    const expected = localHeader(entry);
    if (!areEqual(await readBytes(file, entry.offset, entry.offset + expected.length), expected)) {
      throw new FormError(`the header of ${entry.name} has other bytes than follow from name, size and CRC`);
    }
    await work.breathe();
  }
  return new Container(file, [...folders][0], found);
}

/** SHA-256 and CRC-32 of a part of a file, read in pieces: constant memory, and the page stays alive. */
async function hashPart(file, from, to, work) {
  const seen = new Sha256();
  let [crc, length] = [0, 0];
  for (let at = from; at < to; at += CHUNK_BYTES) {
    const chunk = await readBytes(file, at, Math.min(at + CHUNK_BYTES, to));
    seen.update(chunk);
    crc = crc32(chunk, crc);
    length += chunk.length;
    work.advance(chunk.length);
    await work.breathe();
  }
  return { digest: hex(seen.digest()), crc32: crc, length };
}

/** The lines of a file in which every line ends in one newline; FormError otherwise, or when there are too many. */
function splitLines(bytes) {
  if (bytes.length && bytes[bytes.length - 1] !== 10) throw new FormError("the last line does not end");
  const lines = [];
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(10, from);
    lines.push(bytes.subarray(from, to));
    if (lines.length > FACTS.limits.events) throw new FormError(`there are more than ${FACTS.limits.events} lines`);
    from = to + 1;
  }
  return lines;
}
