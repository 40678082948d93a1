"""Proof files (C2SP tlog-proof): index, audit path and signed checkpoint of one entry, as a text of its own."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

from archive_service.domain.merkle import HASH_BYTES
from archive_service.domain.note import NOTE_LIMIT_BYTES, NoteError, decode_base64

HEADER = "c2sp.org/tlog-proof@v1"
PATH_LIMIT = 63
PROOF_LIMIT_BYTES = NOTE_LIMIT_BYTES + 128 * 1024
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")


class LogProofError(ValueError):
    """The bytes are no proof file."""


@dataclass(frozen=True)
class LogProof:
    """A leaf's place and path under a signed checkpoint; ``entry`` is the event's bytes, which the file carries as its extra data."""

    index: int
    path: Tuple[bytes, ...]
    checkpoint: bytes
    entry: Optional[bytes] = None


def format_log_proof(proof: LogProof) -> bytes:
    """The bytes of the proof file."""
    lines = [HEADER]
    if proof.entry is not None:
        lines.append("extra " + base64.b64encode(proof.entry).decode("ascii"))
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(value).decode("ascii") for value in proof.path]
    return ("\n".join(lines) + "\n\n").encode("ascii") + proof.checkpoint


def parse_log_proof(data: bytes) -> LogProof:
    """The proof in these bytes; LogProofError unless they are exactly what ``format_log_proof`` writes. The checkpoint is not looked at."""
    if len(data) > PROOF_LIMIT_BYTES:
        raise LogProofError("the file is too large for a proof")
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise LogProofError("a proof is written in ASCII") from exc
    if not blank or lines.pop(0) != HEADER:
        raise LogProofError(f"a proof begins with the line {HEADER}")
    entry: Optional[bytes] = None
    if lines and lines[0].startswith("extra "):
        entry = _decode(lines.pop(0)[6:])
    matched = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if matched is None:
        raise LogProofError("there is no line that says: index, and a number")
    path: List[bytes] = [_decode(line) for line in lines]
    if len(path) > PATH_LIMIT or any(len(value) != HASH_BYTES for value in path):
        raise LogProofError("the path is not made of hashes of 32 bytes")
    return LogProof(int(matched.group(1)), tuple(path), checkpoint, entry)


def _decode(text: str) -> bytes:
    try:
        return decode_base64(text)
    except NoteError as exc:
        raise LogProofError(str(exc)) from exc
