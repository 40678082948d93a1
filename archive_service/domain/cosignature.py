"""Cosignatures (C2SP tlog-cosignature, Ed25519): who saw a checkpoint of an honest log, and when.

A cosigner states: as of this time, the largest consistent tree that I have seen of this log has this root.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Iterable, List, Optional

from archive_service.domain.note import COSIGNATURE, Note, NoteError, NoteSignature, VerifierKey, Verify

SIGNATURE_BYTES = 64
STAMPED_BYTES = 8 + SIGNATURE_BYTES
TIME_LIMIT = 253_402_300_800
"""The first second of the year 10000: no cosignature is as late, and a date can be made of every earlier one."""


@dataclass(frozen=True)
class Cosignature:
    """A cosigner's signature at a time, in seconds since 1970."""

    name: str
    key_id: bytes
    time: int
    signature: bytes


def cosigned_message(text: str, time: int) -> bytes:
    """What a cosigner signs over a checkpoint's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def pack_cosignature(key: VerifierKey, time: int, signature: bytes) -> NoteSignature:
    """The note signature that carries a cosignature."""
    if key.algorithm != COSIGNATURE:
        raise NoteError(f"{key.name} is no cosigner's key")
    return NoteSignature(key.name, key.key_id, struct.pack(">Q", time) + signature)


def has_stamp(signature: NoteSignature) -> bool:
    """Whether a note's signature has the length of a cosignature, whoever made it."""
    return len(signature.signature) == STAMPED_BYTES


def unpack_cosignature(signature: NoteSignature) -> Cosignature:
    """The time and the signature in a note's signature; NoteError when it cannot be one."""
    if not has_stamp(signature):
        raise NoteError(f"the line by {signature.name} is no cosignature")
    (time,) = struct.unpack(">Q", signature.signature[:8])
    if not 0 < time < TIME_LIMIT:
        raise NoteError(f"the cosignature by {signature.name} has no time")
    return Cosignature(signature.name, signature.key_id, time, signature.signature[8:])


def require_cosignature(text: str, signature: NoteSignature, key: VerifierKey, verify: Verify) -> Cosignature:
    """The cosignature over a checkpoint's text, when this key made it; NoteError otherwise."""
    if key.algorithm != COSIGNATURE or (signature.name, signature.key_id) != (key.name, key.key_id):
        raise NoteError(f"the cosignature is not by {key.name}")
    found = unpack_cosignature(signature)
    if not verify(key.public_key, cosigned_message(text, found.time), found.signature):
        raise NoteError(f"the cosignature by {key.name} is wrong")
    return found


def find_cosignature(note: Note, key: VerifierKey, verify: Verify) -> Optional[Cosignature]:
    """The key's earliest cosignature on a note, or None; NoteError when a line under its name and id is wrong.

    A witness that signed more than once counts once.
    """
    mine = [s for s in note.signatures if (s.name, s.key_id) == (key.name, key.key_id)]
    found = [require_cosignature(note.text, signature, key, verify) for signature in mine]
    return min(found, key=lambda cosignature: cosignature.time) if found else None


def without_keys(note: Note, keys: Iterable[VerifierKey]) -> List[NoteSignature]:
    """The signatures of a note by none of these keys."""
    known = {(key.name, key.key_id) for key in keys}
    return [s for s in note.signatures if (s.name, s.key_id) not in known]
