"""What is recorded of an auditor's own reading: their log-in's events, shown to them and to nobody else here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from archive_service.archive import Archive
from archive_service.db.event_log import read_openings
from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow, OpeningRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.domain import merkle
from archive_service.domain.event import parse_event
from archive_service.domain.log_proof import LogProof, format_log_proof
from archive_service.errors import Conflict, NotFound
from archive_service.services import log
from archive_service.services.actor import Actor

SHOWN_TYPES = ("record.read", "sample.drawn", "sample.item_judged")


def page_reads(archive: Archive, actor: Actor, *, page: PageRequest) -> Page[dict[str, Any]]:
    """The actor's own recorded reads, the newest first, with the dossier's title, what was searched, and the place in the log.

    Looking at one's own record is not recorded: it would never end.
    """
    actor.require("audit.work")
    event = EventRow
    with archive.db.read() as session:
        rows = session.execute(
            select(event)
            .where(event.stream == f"user:{actor.user}", event.type.in_(SHOWN_TYPES))
            .where(*comes_after((event.seq,), page.after, descending=True))
            .order_by(event.seq.desc())
            .limit(page.limit + 1)
        ).scalars()
        cut = cut_page(rows.all(), page, lambda row: (row.seq,))
        events = [parse_event(row.data) for row in cut.rows]
        hashes = [e.leaf_hash for e in events]
        queries = {
            leaf: value for (leaf, name), (value, _) in read_openings(session, hashes).items() if name == "query"
        }
        titles = _titles(session, {e.payload["dossier"] for e in events if e.payload.get("dossier")})
        places = dict(
            session.execute(
                select(LogLeafRow.leaf_hash, LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash.in_(hashes))
            ).all()
        )
        covered = session.execute(select(func.max(CheckpointRow.size))).scalar_one_or_none() or 0
    return Page(
        [
            {
                "seq": e.seq,
                "type": e.type,
                "at": e.at,
                "what": e.payload.get("what"),
                "dossier": e.payload.get("dossier"),
                "title": titles.get(e.payload.get("dossier") or ""),
                "digest": e.payload.get("digest"),
                "query": queries.get(e.leaf_hash),
                "sample": e.payload.get("sample"),
                "event": e.leaf_hash,
                "is_proved": e.leaf_hash in places and places[e.leaf_hash] < covered,
                "leaf_index": places.get(e.leaf_hash),
            }
            for e in events
        ],
        cut.next,
    )


def _titles(session: Any, dossiers: set[str]) -> dict[str, str]:
    rows = session.execute(
        select(EventRow.stream, OpeningRow.value)
        .join(OpeningRow, (OpeningRow.event_hash == EventRow.leaf_hash) & (OpeningRow.field == "title"))
        .where(EventRow.stream.in_([f"dossier:{id}" for id in dossiers]), EventRow.seq == 0)
    )
    return {stream.partition(":")[2]: title for stream, title in rows}


def count_reads(archive: Archive, actor: Actor) -> int:
    """How many reads are recorded of this log-in."""
    actor.require("audit.work")
    with archive.db.read() as session:
        return session.execute(
            select(func.count())
            .select_from(EventRow)
            .where(EventRow.stream == f"user:{actor.user}", EventRow.type == "record.read")
        ).scalar_one()


def write_own_proof(archive: Archive, actor: Actor, *, seq: int) -> bytes:
    """The proof (C2SP tlog-proof) that one of the actor's own recorded reads is in the log; Conflict ``not_yet_covered`` until it is."""
    actor.require("audit.work")
    with archive.db.read() as session:
        row = session.execute(
            select(EventRow).where(
                EventRow.stream == f"user:{actor.user}", EventRow.seq == seq, EventRow.type.in_(SHOWN_TYPES)
            )
        ).scalar_one_or_none()
        if row is None:
            raise NotFound("event_unknown", "Nothing of this number is recorded of your reading.")
        index = session.execute(
            select(LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash == row.leaf_hash)
        ).scalar_one_or_none()
        found = None if index is None else log.covering_checkpoint(session, index)
        if index is None or found is None:
            raise Conflict(
                "not_yet_covered", "No signed checkpoint covers this yet; try again in a moment.", retry_after_seconds=1
            )
        path = merkle.inclusion_proof(index, found.size, log.tile_reader(session))
        return format_log_proof(LogProof(index, tuple(path), found.note, row.data))
