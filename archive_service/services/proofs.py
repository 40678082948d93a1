"""A dossier's events as they were hashed, their places in the log's tree, and the proofs that they are in it."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import listing
from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow
from archive_service.db.paging import Page, PageRequest
from archive_service.domain import merkle
from archive_service.domain.log_proof import LogProof, format_log_proof
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, NotFound
from archive_service.services import log, publication, reading
from archive_service.services.actor import Actor


def page_events(archive: Archive, actor: Actor, *, dossier: str, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the dossier's events: the exact bytes of each, its leaf hash, and its leaf index once it is numbered."""
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    reading.record_read(archive, actor, "events", dossier)
    with archive.db.read() as session:
        found = listing.page_events(session, f"dossier:{dossier}", page)
        places = _places(session, [row.leaf_hash for row in found.rows])
        return Page([_event(row, places.get(row.leaf_hash)) for row in found.rows], found.next)


def read_event(archive: Archive, actor: Actor, *, dossier: str, seq: int) -> dict[str, Any]:
    """One event of a dossier."""
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    reading.record_read(archive, actor, "events", dossier)
    with archive.db.read() as session:
        row = _require_event(session, dossier, seq)
        return _event(row, _places(session, [row.leaf_hash]).get(row.leaf_hash))


def prove_event(
    archive: Archive, actor: Actor, *, dossier: str, seq: int, checkpoint: int | None = None
) -> dict[str, Any]:
    """The proof that an event is in the tree of a signed checkpoint: of the one of that size, or of the first that covers it.

    Conflict ``not_yet_covered`` while no checkpoint covers the event, or when the named one does not.
    """
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    reading.record_read(archive, actor, "events", dossier)
    with archive.db.read() as session:
        row = _require_event(session, dossier, seq)
        index = _places(session, [row.leaf_hash]).get(row.leaf_hash)
        if checkpoint is None:
            found = None if index is None else log.covering_checkpoint(session, index)
        else:
            found = session.get(CheckpointRow, checkpoint)
            if found is None:
                raise NotFound("checkpoint_unknown", "No signed checkpoint has this size.")
        if index is None or found is None or index >= found.size:
            raise Conflict(
                "not_yet_covered",
                "No signed checkpoint covers this event yet; try again in a moment."
                if checkpoint is None
                else "The event is younger than this checkpoint; name a later one.",
                retry_after_seconds=1,
            )
        path = merkle.inclusion_proof(index, found.size, log.tile_reader(session))
        return {
            **_event(row, index),
            "proof": [_base64(step) for step in path],
            "checkpoint": _checkpoint(found),
        }


def prove_consistency(archive: Archive, *, old: int, new: int | None = None) -> dict[str, Any]:
    """The proof that the log under the signed checkpoint of size ``old`` is the beginning of that under ``new`` (or the newest).

    Hashes and checkpoints say nothing of what happened: they are for everybody.
    """
    with archive.db.read() as session:
        newer = _newest_checkpoint(session) if new is None else session.get(CheckpointRow, new)
        older = session.get(CheckpointRow, old)
        if older is None or newer is None or older.size > newer.size:
            raise NotFound("checkpoint_unknown", "There are no signed checkpoints of these sizes, the older one first.")
        path = merkle.consistency_proof(older.size, newer.size, log.tile_reader(session))
    return {"old": _checkpoint(older), "new": _checkpoint(newer), "proof": [_base64(step) for step in path]}


def write_proof(archive: Archive, actor: Actor, *, dossier: str, seq: int, checkpoint: int | None = None) -> bytes:
    """The proof of one event as a file of its own (C2SP tlog-proof), which carries the event's bytes."""
    found = prove_event(archive, actor, dossier=dossier, seq=seq, checkpoint=checkpoint)
    return format_log_proof(
        LogProof(
            found["leaf_index"],
            tuple(base64.b64decode(step) for step in found["proof"]),
            found["checkpoint"]["note"].encode(),
            base64.b64decode(found["data"]),
        )
    )


def write_proofs(archive: Archive, actor: Actor, *, dossier: str) -> bytes:
    """The proofs of all events of a dossier under one checkpoint: a ZIP of tlog-proof files, the checkpoint and the verifier keys.

    Conflict ``not_yet_covered`` while no checkpoint covers the last of them.
    """
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    reading.record_read(archive, actor, "events", dossier)
    with archive.db.read() as session:
        events = session.execute(
            select(EventRow).where(EventRow.stream == f"dossier:{dossier}").order_by(EventRow.seq)
        ).scalars()
        rows = list(events)
        places = _places(session, [row.leaf_hash for row in rows])
        found = log.covering_checkpoint(session, max(places.values(), default=0))
        if found is None or len(places) < len(rows):
            raise Conflict(
                "not_yet_covered",
                "No signed checkpoint covers all events of this dossier yet; try again in a moment.",
                retry_after_seconds=1,
            )
        node = log.tile_reader(session)
        files = {"checkpoint": found.note, "vkey": publication.verifier_keys(archive)}
        for row in rows:
            index = places[row.leaf_hash]
            path = merkle.inclusion_proof(index, found.size, node)
            proof = LogProof(index, tuple(path), found.note, row.data)
            files[f"{row.seq:06d}.tlog-proof"] = format_log_proof(proof)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(f"proofs-{dossier}/{name}"), data)
    return buffer.getvalue()


def _newest_checkpoint(session: Session) -> CheckpointRow | None:
    return session.execute(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one_or_none()


def _checkpoint(row: CheckpointRow) -> dict[str, Any]:
    return {"size": row.size, "root": row.root, "note": row.note.decode()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _require_event(session: Session, dossier: str, seq: int) -> EventRow:
    row = session.execute(
        select(EventRow).where(EventRow.stream == f"dossier:{dossier}", EventRow.seq == seq)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound("event_unknown", "This dossier has no such event.")
    return row


def _places(session: Session, leaf_hashes: list[str]) -> dict[str, int]:
    rows = session.execute(
        select(LogLeafRow.leaf_hash, LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash.in_(leaf_hashes))
    )
    return dict(rows.all())


def _event(row: EventRow, index: int | None) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "type": row.type,
        "at": format_time(row.at),
        "data": _base64(row.data),
        "leaf_hash": row.leaf_hash,
        "leaf_index": index,
    }
