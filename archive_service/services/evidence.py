"""The evidence of one step of a dossier beside the step: its records with who acted by what authority, and when that is attested."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.db.models import CosignatureRow, EventRow, LogLeafRow, TimeStampRow
from archive_service.domain.event import Event, parse_event
from archive_service.services import reading
from archive_service.services.actor import Actor
from archive_service.services.work import read_dossier_events


def read_evidence(archive: Archive, actor: Actor, *, dossier: str, step: str | None = None) -> dict[str, Any]:
    """The dossier as ``reading.read_dossier`` tells it, the chosen step (else the first that was begun), and that step's records.

    A record has who acted by which assignment, what was said, its place in the log, and between which attested times it was recorded.
    """
    actor.require("audit.work")
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    found = reading.read_dossier(archive, actor, dossier=dossier)
    known = [each["step"] for each in found["steps"]]
    begun = [each["step"] for each in found["steps"] if each["iterations"]]
    chosen = step if step is not None and step in known else (begun or known)[0]
    with archive.db.read() as session:
        events = read_dossier_events(archive, session, dossier)
        mine = [event for event in events if step_of(event, chosen)]
        records = _records(session, mine)
    return {
        **found,
        "chosen": next(each for each in found["steps"] if each["step"] == chosen),
        "records": records,
        "step_documents": [v for v in found["documents"] if v["step"] == chosen],
        "step_decisions": [d for d in found["decisions"] if d["step"] == chosen],
        "step_deviations": [d for d in found["deviations"] if d["step"] == chosen],
    }


def step_of(event: Event, step: str) -> bool:
    """Whether an event belongs to a step: it names it, or decides where it goes back to."""
    return event.payload.get("step") == step or event.payload.get("returns_to") == step


def _records(session: Session, events: list[Event]) -> list[dict[str, Any]]:
    hashes = [event.leaf_hash for event in events]
    places = dict(
        session.execute(
            select(LogLeafRow.leaf_hash, LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash.in_(hashes))
        ).all()
    )
    texts: dict[str, dict[str, str]] = {}
    for (leaf, name), (value, _) in sorted(read_openings(session, hashes).items()):
        texts.setdefault(leaf, {})[name] = value
    bounds = attested_bounds(session)
    authority = _authority(session, {str(e.actor["assignment"]) for e in events if e.actor.get("assignment")})
    persons = {e.person for e in events if e.person} | {a["made_by"] for a in authority.values() if a["made_by"]}
    names = queries.names_of(session, persons)
    units = {unit["work_unit"]: unit["name"] for unit in queries.list_work_units(session)}
    found = []
    for event in events:
        index = places.get(event.leaf_hash)
        held = authority.get(str(event.actor.get("assignment")))
        after, before = (None, None) if index is None else interval_of(bounds, index)
        found.append(
            {
                "seq": event.seq,
                "type": event.type,
                "at": event.at,
                "claimed_at": event.claimed_at,
                "event": event.leaf_hash,
                "leaf_index": index,
                "person_name": names.get(event.person or ""),
                "role": event.actor.get("role"),
                "work_unit_name": units.get(str(event.actor.get("work_unit"))),
                "authority": None
                if held is None
                else {**held, "made_by_name": names.get(held["made_by"] or ""), "head": event.actor.get("head")},
                "attested_after": after,
                "attested_before": before,
                "texts": texts.get(event.leaf_hash, {}),
                "digest": event.payload.get("digest"),
            }
        )
    return found


def _authority(session: Session, hashes: set[str]) -> dict[str, dict[str, Any]]:
    """Leaf hash → the assignment that it made: from when to when, by whom, since when it is recorded."""
    rows = session.execute(select(EventRow.data).where(EventRow.leaf_hash.in_(hashes))).scalars()
    found = {}
    for event in map(parse_event, rows):
        p = event.payload
        told = {name: p.get(name) for name in ("from_on", "to_on", "lead")}
        acting = p.get("acting")
        found[event.leaf_hash] = {
            **told,
            "mode": None if acting is None else acting["mode"],
            "event": event.leaf_hash,
            "recorded_at": event.at,
            "made_by": event.person,
        }
    return found


def attested_bounds(session: Session) -> list[tuple[int, datetime]]:
    """(size, time) of every outside word about the log, by size: cosignatures of witnesses and time-stamps that were verified."""
    cosigned = session.execute(select(CosignatureRow.size, CosignatureRow.cosigned_at)).all()
    stamped = session.execute(select(TimeStampRow.size, TimeStampRow.stamped_at).where(TimeStampRow.is_verified)).all()
    return sorted((size, at) for size, at in _pairs([*cosigned, *stamped]))


def _pairs(rows: Iterable[Any]) -> Iterable[tuple[int, datetime]]:
    return ((row[0], row[1]) for row in rows)


def interval_of(bounds: list[tuple[int, datetime]], leaf_index: int) -> tuple[str | None, str | None]:
    """Between which attested times a leaf came into the log: (not before, at the latest); None where nobody outside says so."""
    place = bisect_right(bounds, leaf_index, key=lambda bound: bound[0])
    # a statement over a tree without the leaf was made before it, one over a tree with it after
    without, within = [at for _, at in bounds[:place]], [at for _, at in bounds[place:]]
    after = max(without).isoformat() if without else None
    before = min(within).isoformat() if within else None
    return after, before
