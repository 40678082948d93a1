"""Signed notes (C2SP signed-note): a text and signatures over it, with keys known by name and id."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Callable, List, Sequence, Tuple

ED25519 = 0x01
COSIGNATURE = 0x04
"""How a key is used: it signs the note itself, or a timestamped statement about it (C2SP tlog-cosignature)."""
NOTE_LIMIT_BYTES = 64 * 1024
SIGNATURE_LIMIT = 64
KEY_ID_BYTES = 4
_MARK = "\u2014 "
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f-\x9f]{1,200}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_KEY_ID = re.compile(r"[0-9a-f]{8}")

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) → whether the signature is right."""


class NoteError(ValueError):
    """The bytes are no signed note, or a signature by the asked key is wrong."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key under its name: what a verifier pins."""

    name: str
    key_id: bytes
    algorithm: int
    public_key: bytes


@dataclass(frozen=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A text, which ends in a newline, and the signatures over it."""

    text: str
    signatures: Tuple[NoteSignature, ...]


def decode_base64(text: str) -> bytes:
    """The bytes of canonical base64 (RFC 4648 section 4): padded, no stray bits; NoteError otherwise."""
    # asked first: Python's versions disagree about padding that is too long
    if not _BASE64.fullmatch(text):
        raise NoteError("no base64")
    data = base64.b64decode(text)
    if base64.b64encode(data).decode("ascii") != text:
        raise NoteError("no canonical base64")
    return data


def compute_key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The first four bytes of SHA-256(name ‖ newline ‖ algorithm ‖ public key)."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:KEY_ID_BYTES]


def make_vkey(name: str, public_key: bytes, algorithm: int = ED25519) -> VerifierKey:
    """The verifier key of an Ed25519 public key: of one that signs notes, or of a cosigner's."""
    if not _NAME.fullmatch(name) or len(public_key) != 32:
        raise NoteError("a key has a name without spaces or '+', and 32 bytes")
    return VerifierKey(name, compute_key_id(name, algorithm, public_key), algorithm, public_key)


def format_vkey(key: VerifierKey) -> str:
    """``name+keyid+base64(algorithm ‖ public key)``."""
    encoded = base64.b64encode(bytes([key.algorithm]) + key.public_key).decode("ascii")
    return f"{key.name}+{key.key_id.hex()}+{encoded}"


def parse_vkey(text: str, algorithm: int = ED25519) -> VerifierKey:
    """The Ed25519 verifier key in a text; NoteError unless name, id and key agree and it is used as ``algorithm`` says.

    A key that signs notes (0x01) is never taken for a cosigner's (0x04), nor the other way: what one of them signs says something else.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not _NAME.fullmatch(name) or not _KEY_ID.fullmatch(key_id):
        raise NoteError("no verifier key: it reads name+keyid+key")
    data = decode_base64(encoded)
    if len(data) != 33 or data[0] != algorithm:
        raise NoteError(f"the verifier key is of another type than Ed25519 (0x{algorithm:02x})")
    key = make_vkey(name, data[1:], algorithm)
    if key.key_id.hex() != key_id:
        raise NoteError("the verifier key's id does not belong to it")
    return key


def format_signature_line(signature: NoteSignature) -> str:
    """The line of a signature, with its newline."""
    encoded = base64.b64encode(signature.key_id + signature.signature).decode("ascii")
    return f"{_MARK}{signature.name} {encoded}\n"


def parse_signature_line(line: str) -> NoteSignature:
    """The signature in a line without its newline; NoteError for any other text."""
    name, space, encoded = line[len(_MARK) :].partition(" ")
    if not line.startswith(_MARK) or not space or not _NAME.fullmatch(name):
        raise NoteError("a signature line reads \u2014 name base64")
    blob = decode_base64(encoded)
    if len(blob) <= KEY_ID_BYTES:
        raise NoteError("a signature is too short")
    return NoteSignature(name, blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def format_note(text: str, signatures: Sequence[NoteSignature]) -> bytes:
    """The bytes of a note."""
    if not text.endswith("\n"):
        raise NoteError("a note's text ends in a newline")
    return (text + "\n" + "".join(map(format_signature_line, signatures))).encode("utf-8")


def parse_note(data: bytes) -> Note:
    """The note in these bytes; NoteError for anything that the format does not allow."""
    if len(data) > NOTE_LIMIT_BYTES:
        raise NoteError("a note has at most 64 KiB")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NoteError("a note is UTF-8") from exc
    if any(ord(c) < 0x20 and c != "\n" for c in whole):
        raise NoteError("a note holds no control characters but newlines")
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n"):
        raise NoteError("a note is a text, an empty line and signatures")
    text, tail = whole[: split + 1], whole[split + 2 :]
    signatures: List[NoteSignature] = []
    for line in tail.split("\n")[:-1]:
        signatures.append(parse_signature_line(line))
    if not 1 <= len(signatures) <= SIGNATURE_LIMIT:
        raise NoteError(f"a note has 1 to {SIGNATURE_LIMIT} signatures")
    return Note(text, tuple(signatures))


def signed_by(note: Note, key: VerifierKey, verify: Verify) -> bool:
    """Whether a signature by this key is there; NoteError when there is one under its name and id that is wrong.

    Signatures by other keys, also of the same name, are passed over, as the format says.
    """
    found = False
    for signature in note.signatures:
        if (signature.name, signature.key_id) != (key.name, key.key_id):
            continue
        if key.algorithm != ED25519 or not verify(key.public_key, note.text.encode("utf-8"), signature.signature):
            raise NoteError(f"the signature by {key.name} is wrong")
        if found:
            raise NoteError(f"the note is signed by {key.name} twice")
        found = True
    return found
