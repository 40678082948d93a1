// What can be known of a file in the browser: how it begins, its digest, and whether this dossier has it already.

const MIB = 1024 * 1024;
const WHOLE_LIMIT_BYTES = 256 * MIB;
const BEGINNINGS = {
  ".pdf": [0x25, 0x50, 0x44, 0x46],
  ".png": [0x89, 0x50, 0x4e, 0x47],
  ".jpg": [0xff, 0xd8, 0xff],
  ".jpeg": [0xff, 0xd8, 0xff],
  ".docx": [0x50, 0x4b],
  ".xlsx": [0x50, 0x4b],
};

/** Whether a file begins as its suffix says; true where that is not known. A PDF may have some bytes before its mark. */
export async function startsAs(file) {
  const suffix = file.name.toLowerCase().match(/\.[a-z]+$/)?.[0];
  const wanted = BEGINNINGS[suffix];
  if (!wanted) return true;
  const head = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  const places = suffix === ".pdf" ? head.length : 1;
  for (let at = 0; at < places; at += 1) if (wanted.every((byte, i) => head[at + i] === byte)) return true;
  return false;
}

/** 64 hex digits that tell a file from others, by its size, its first and its last MiB: enough to find what was begun. */
export async function fingerprintOf(file) {
  const name = new TextEncoder().encode(`${file.size}:`);
  return digest(new Blob([name, file.slice(0, MIB), file.slice(Math.max(0, file.size - MIB))]), `${file.lastModified}:${file.size}:${file.name}`);
}

/** The name under which this page lists the same bytes already, or nothing. */
export async function findDuplicate(file) {
  const known = [...document.querySelectorAll("[data-digest]")];
  if (!known.length || file.size > WHOLE_LIMIT_BYTES || !window.isSecureContext) return "";
  const own = await digest(file, "");
  return known.find((one) => one.dataset.digest === own)?.dataset.name ?? "";
}

async function digest(blob, otherwise) {
  // browsers hash over TLS and on this machine alone
  if (!window.isSecureContext) return otherwise.slice(0, 64);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
