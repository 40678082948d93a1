"""Verification of one proof file (C2SP tlog-proof), offline."""

from __future__ import annotations

from typing import Optional, Sequence

from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import Checkpoint, parse_checkpoint
from archive_service.domain.event import Event, parse_event
from archive_service.domain.log_proof import LogProof, parse_log_proof
from archive_service.domain.note import VerifierKey
from archive_service.verifier import ed25519


class ProvedEvent:
    """What a proof file proves: this event, at this place of the log, under this signed checkpoint."""

    def __init__(self, event: Event, proof: LogProof, checkpoint: Checkpoint) -> None:
        self.event = event
        self.proof = proof
        self.checkpoint = checkpoint


def require_proved(data: bytes, keys: Sequence[VerifierKey], *, entry: Optional[bytes] = None) -> ProvedEvent:
    """What the file proves; ValueError saying why it proves nothing.

    The event is the file's own, or ``entry`` where one is given. Signed by one of the keys, whose name is the log's origin.
    """
    proof = parse_log_proof(data)
    content = proof.entry if entry is None else entry
    if content is None:
        raise ValueError("the file does not carry the event; name it beside the proof")
    parsed = note.parse_note(proof.checkpoint)
    checkpoint = parse_checkpoint(parsed.text)
    signed = [note.signed_by(parsed, key, ed25519.verify) for key in keys if key.name == checkpoint.origin]
    if not any(signed):
        raise ValueError("the checkpoint is not signed by this key")
    merkle.require_inclusion(proof.index, checkpoint.size, merkle.leaf_hash(content), proof.path, checkpoint.root)
    event = parse_event(content)
    if event.origin != checkpoint.origin:
        raise ValueError("the event is of another log")
    return ProvedEvent(event, proof, checkpoint)
