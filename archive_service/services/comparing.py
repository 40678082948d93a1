"""A checkpoint or receipt that somebody kept elsewhere, held against the log as it is now.

Each outcome has a stable code. ``fork`` and ``shorter`` are what the whole log exists to make visible: two signed statements
of the same log that cannot both be true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import EventRow, LogLeafRow, LogPendingRow
from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from archive_service.domain.receipt import Receipt, ReceiptError, parse_receipt
from archive_service.errors import LogIntegrityError
from archive_service.services import keys, log
from archive_service.verifier import ed25519

UNREADABLE = "unreadable"
OTHER_LOG = "other_log"
NOT_SIGNED = "not_signed"
FORGED = "forged"
SAME = "same"
CONTINUED = "continued"
SHORTER = "shorter"
FORK = "fork"
RECEIPT_KEPT = "receipt_kept"
RECEIPT_WAITING = "receipt_waiting"
RECEIPT_LOST = "receipt_lost"
DAMAGED = "damaged"

NOTE_BYTES = note.NOTE_LIMIT_BYTES

GOOD = frozenset([SAME, CONTINUED, RECEIPT_KEPT])
ALARMING = frozenset([SHORTER, FORK, RECEIPT_LOST, DAMAGED])
"""What must be told to somebody outside at once; everything else says nothing against the log."""


@dataclass(frozen=True)
class Comparison:
    """What a kept note is to the log now. ``proof`` are the hex hashes of the RFC 6962 consistency proof that was checked."""

    outcome: str
    detail: str = ""
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    log_size: int | None = None
    log_root: str | None = None
    proof: tuple[str, ...] = ()
    leaf_index: int | None = None
    event: str | None = None
    dossier: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the log still says what it said then."""
        return self.outcome in GOOD

    @property
    def is_alarming(self) -> bool:
        """Whether the log contradicts what it signed."""
        return self.outcome in ALARMING


def compare_note(archive: Archive, data: bytes) -> Comparison:
    """What the checkpoint or receipt in these bytes is to the log now; every text gets an outcome, none an error."""
    # what is pasted has the line ends of the form that it came through
    data = data.replace(b"\r\n", b"\n").lstrip()
    data = data if data.endswith(b"\n") else data + b"\n"
    try:
        parsed = note.parse_note(data)
    except note.NoteError as exc:
        return Comparison(UNREADABLE, str(exc))
    try:
        return _compare_receipt(archive, parsed, parse_receipt(parsed.text))
    except ReceiptError:
        pass
    try:
        return _compare_checkpoint(archive, parsed, parse_checkpoint(parsed.text))
    except CheckpointError as exc:
        return Comparison(UNREADABLE, str(exc))


def _signature_problem(parsed: note.Note, known: list[note.VerifierKey]) -> Comparison | None:
    try:
        # each one: a wrong signature counts though another one is right
        is_signed = True in [note.signed_by(parsed, key, ed25519.verify) for key in known]
    except note.NoteError as exc:
        return Comparison(FORGED, str(exc))
    return None if is_signed else Comparison(NOT_SIGNED, ", ".join(s.name for s in parsed.signatures))


def _compare_checkpoint(archive: Archive, parsed: note.Note, kept: Checkpoint) -> Comparison:
    facts: dict[str, Any] = {"origin": kept.origin, "size": kept.size, "root": kept.root.hex()}
    if kept.origin != archive.log.origin:
        return Comparison(OTHER_LOG, archive.log.origin, **facts)
    if problem := _signature_problem(parsed, keys.log_keys_of(archive)):
        return Comparison(problem.outcome, problem.detail, **facts)
    try:
        with archive.db.read() as session:
            return _hold(session, kept, facts)
    except LogIntegrityError as exc:
        return Comparison(DAMAGED, f"{exc.code}: {exc.detail}", **facts)


def _hold(session: Session, kept: Checkpoint, facts: dict[str, Any]) -> Comparison:
    newest = log.newest_row(session)
    size = max(log.log_size(session), 0 if newest is None else newest.size)
    node = log.tile_reader(session)
    if kept.size > size:
        told: dict[str, Any] = {} if newest is None else {"log_size": newest.size, "log_root": newest.root}
        return Comparison(SHORTER, **facts, **{"log_size": size, **told})
    root = merkle.root_from_nodes(kept.size, node)
    if root != kept.root:
        return Comparison(FORK, **facts, log_size=kept.size, log_root=root.hex())
    if newest is None or newest.size <= kept.size:
        return Comparison(SAME, **facts, log_size=kept.size, log_root=root.hex())
    facts |= {"log_size": newest.size, "log_root": newest.root}
    path = merkle.consistency_proof(kept.size, newest.size, node)
    try:
        merkle.require_consistency(kept.size, newest.size, path, kept.root, bytes.fromhex(newest.root))
    except ValueError as exc:
        return Comparison(FORK, str(exc), **facts)
    return Comparison(CONTINUED, **facts, proof=tuple(step.hex() for step in path))


def _compare_receipt(archive: Archive, parsed: note.Note, kept: Receipt) -> Comparison:
    facts: dict[str, Any] = {"origin": kept.origin, "event": kept.event_hash}
    if kept.origin != archive.log.origin:
        return Comparison(OTHER_LOG, archive.log.origin, **facts)
    with archive.db.read() as session:
        known = [note.parse_vkey(key.vkey) for key in keys.list_keys(session, keys.RECEIPT)]
        if problem := _signature_problem(parsed, [archive.receipt_key.verifier_key, *known]):
            return Comparison(problem.outcome, problem.detail, **facts)
        place = session.execute(
            select(EventRow.stream, EventRow.seq).where(EventRow.leaf_hash == kept.event_hash)
        ).one_or_none()
        if place is None or (place.stream, place.seq) != (kept.stream, kept.seq):
            return Comparison(RECEIPT_LOST, f"{kept.stream} #{kept.seq}", **facts)
        facts["dossier"] = kept.stream.partition(":")[2]
        index = session.execute(
            select(LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash == kept.event_hash)
        ).scalar_one_or_none()
        newest = log.newest_row(session)
        if index is None:
            waits = session.execute(select(LogPendingRow.id).where(LogPendingRow.leaf_hash == kept.event_hash)).first()
            return Comparison(RECEIPT_LOST if waits is None else RECEIPT_WAITING, **facts)
        if newest is None or newest.size <= index:
            return Comparison(RECEIPT_WAITING, **facts, leaf_index=index)
        try:
            path = merkle.inclusion_proof(index, newest.size, log.tile_reader(session))
            merkle.require_inclusion(
                index, newest.size, bytes.fromhex(kept.event_hash), path, bytes.fromhex(newest.root)
            )
        except (LogIntegrityError, ValueError) as exc:
            return Comparison(DAMAGED, str(exc), **facts)
    told: dict[str, Any] = {"leaf_index": index, "log_size": newest.size, "log_root": newest.root}
    return Comparison(RECEIPT_KEPT, **facts, **told, proof=tuple(step.hex() for step in path))
