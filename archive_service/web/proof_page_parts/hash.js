// Hashes, written here so that nothing but this page is needed to check evidence: SHA-256 over a stream of any length, SHA-512 over
// short messages (FIPS 180-4), HMAC-SHA256 (RFC 2104), CRC-32 (ISO 3309, as ZIP has it).

const encoder = new TextEncoder();

/** The bytes of a text in UTF-8. */
function utf8(text) {
  return encoder.encode(text);
}

/** Bytes as lower-case hex. */
function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of lower-case hex, which the caller has checked. */
function unhex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Byte runs one after the other. */
function concat(...runs) {
  const whole = new Uint8Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}

// The constants of both hashes are the first bits of the fractions of roots of the first primes: they are computed, not copied.

/** The largest whole number whose power is at most the value (Newton's method, from above). */
function wholeRoot(value, power) {
  let root = 1n << (BigInt(value.toString(2).length) / power + 1n);
  for (;;) {
    const next = ((power - 1n) * root + value / root ** (power - 1n)) / power;
    if (next >= root) return root;
    root = next;
  }
}

function firstPrimes(count) {
  const primes = [];
  for (let n = 2n; primes.length < count; n += 1n) if (primes.every((p) => n % p)) primes.push(n);
  return primes;
}

const PRIMES = firstPrimes(80);
const ROUND_CONSTANTS = PRIMES.map((p) => BigInt.asUintN(64, wholeRoot(p << 192n, 3n)));
const START = PRIMES.slice(0, 8).map((p) => BigInt.asUintN(64, wholeRoot(p << 128n, 2n)));

const K = Int32Array.from(ROUND_CONSTANTS.slice(0, 64), (value) => Number(value >> 32n));
const START_256 = Int32Array.from(START, (value) => Number(value >> 32n));

/** SHA-256 of whatever is handed to `update`, however it is cut. */
class Sha256 {
  constructor() {
    this.state = START_256.slice();
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(64);
    this.restLength = 0;
    this.length = 0;
  }

  update(bytes) {
    let at = 0;
    this.length += bytes.length;
    if (this.restLength) {
      at = Math.min(64 - this.restLength, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.restLength);
      this.restLength += at;
      if (this.restLength < 64) return this;
      this.compress(this.rest, 0);
      this.restLength = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.compress(bytes, at);
    this.rest.set(bytes.subarray(at));
    this.restLength = bytes.length - at;
    return this;
  }

  digest() {
    const tail = new Uint8Array(this.restLength < 56 ? 64 - this.restLength : 128 - this.restLength);
    const view = new DataView(tail.buffer);
    tail[0] = 0x80;
    // the length in bits has 64 bits; a file's length in bytes is below 2^53
    view.setUint32(tail.length - 8, Math.floor(this.length / 0x20000000));
    view.setUint32(tail.length - 4, (this.length % 0x20000000) * 8);
    this.update(tail);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, i) => out.setInt32(4 * i, word));
    return new Uint8Array(out.buffer);
  }

  compress(bytes, at) {
    const w = this.words;
    for (let i = 0, p = at; i < 16; i += 1, p += 4) {
      w[i] = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const s = this.state;
    let a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;
  }
}

/** SHA-256 of bytes that are at hand. */
function sha256(bytes) {
  return new Sha256().update(bytes).digest();
}

/** HMAC-SHA256 (RFC 2104) with a key of at most 64 bytes. */
function hmacSha256(key, message) {
  const padded = new Uint8Array(64);
  padded.set(key);
  const inner = sha256(concat(padded.map((byte) => byte ^ 0x36), message));
  return sha256(concat(padded.map((byte) => byte ^ 0x5c), inner));
}

/** SHA-512 of a short message: signatures need it, so clearness counts here and not speed. */
function sha512(message) {
  const word = (value) => BigInt.asUintN(64, value);
  const turn = (value, by) => word((value >> by) | (value << (64n - by)));
  const length = Math.ceil((message.length + 17) / 128) * 128;
  const padded = new Uint8Array(length);
  const view = new DataView(padded.buffer);
  padded.set(message);
  padded[message.length] = 0x80;
  view.setBigUint64(length - 8, BigInt(message.length) * 8n);
  let state = START;
  for (let at = 0; at < length; at += 128) {
    const w = [];
    for (let i = 0; i < 16; i += 1) w.push(view.getBigUint64(at + 8 * i));
    for (let i = 16; i < 80; i += 1) {
      const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
      const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
      w.push(word(w[i - 16] + s0 + w[i - 7] + s1));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i += 1) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
      const t1 = word(h + s1 + ((e & f) ^ (word(~e) & g)) + ROUND_CONSTANTS[i] + w[i]);
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
      const t2 = word(s0 + ((a & b) ^ (a & c) ^ (b & c)));
      [a, b, c, d, e, f, g, h] = [word(t1 + t2), a, b, c, word(d + t1), e, f, g];
    }
    state = [a, b, c, d, e, f, g, h].map((value, i) => word(value + state[i]));
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((value, i) => out.setBigUint64(8 * i, value));
  return new Uint8Array(out.buffer);
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The CRC-32 over what gave `crc` followed by these bytes; begin with 0. */
function crc32(bytes, crc) {
  let value = ~crc;
  for (let i = 0; i < bytes.length; i += 1) value = CRC_TABLE[(value ^ bytes[i]) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}
