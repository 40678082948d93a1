// Canonical JSON: RFC 8785 restricted to values without floats. Bytes are accepted only when they are the canonical form of the value
// that they hold, so a duplicate key, another order, a space, an escape or a number such as 1.0, -0 or 2^53+1 is refused.

const JSON_DEPTH_LIMIT = 32;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes are not what they must be; the text says in which way. */
class FormError extends Error {}

/** Whether a value is an object of JSON, not an array and not null. */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an object has exactly these members. */
function hasExactly(value, names) {
  return isObject(value) && Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}

/** The text that these bytes are in UTF-8; FormError for other bytes. A byte order mark is a character like any other. */
function decodeUtf8(bytes) {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new FormError("no UTF-8");
  }
}

function hasLoneSurrogate(text) {
  for (const character of text) {
    const point = character.codePointAt(0);
    if (point >= 0xd800 && point <= 0xdfff) return true;
  }
  return false;
}

/** FormError when JSON in these bytes could hold more objects and arrays than there is room for; brackets in texts count too. */
function requireSparse(bytes) {
  let count = 0;
  for (const byte of bytes) if (byte === 0x7b || byte === 0x5b) count += 1;
  if (count > FACTS.limits.values) throw new FormError(`there are more than ${FACTS.limits.values} objects and arrays`);
}

/** The canonical text of a value; FormError when it has none. */
function encodeCanonical(value, depth = 0) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    // JSON.stringify would write it as an escape, which reads back as the same: the comparison of bytes could not tell
    if (hasLoneSurrogate(value)) throw new FormError("a string holds a lone surrogate");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new FormError("a number is no integer within ±(2^53-1)");
    return String(value);
  }
  if (depth >= JSON_DEPTH_LIMIT) throw new FormError(`nested deeper than ${JSON_DEPTH_LIMIT}`);
  if (Array.isArray(value)) return `[${value.map((item) => encodeCanonical(item, depth + 1)).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => {
    if (!/^[\x00-\x7f]*$/.test(key)) throw new FormError("a key is no ASCII text");
    return `${JSON.stringify(key)}:${encodeCanonical(value[key], depth + 1)}`;
  });
  return `{${members.join(",")}}`;
}

/** The value whose canonical bytes are exactly these; FormError for any other bytes. */
function decodeCanonical(bytes) {
  const text = decodeUtf8(bytes);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormError("no JSON");
  }
  // UTF-8 is read strictly, so equal texts are equal bytes
  if (encodeCanonical(value) !== text) throw new FormError("the bytes are not the canonical form of their value");
  return value;
}
