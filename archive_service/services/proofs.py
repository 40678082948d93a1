"""A dossier's events as they were hashed, their places in the log's tree, and the proofs that they are in it."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import listing
from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow
from archive_service.db.paging import Page, PageRequest
from archive_service.domain import merkle
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, NotFound
from archive_service.services import log, reading
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
            "proof": [base64.b64encode(step).decode("ascii") for step in path],
            "checkpoint": {"size": found.size, "root": found.root, "note": found.note.decode()},
        }


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
        "data": base64.b64encode(row.data).decode("ascii"),
        "leaf_hash": row.leaf_hash,
        "leaf_index": index,
    }
