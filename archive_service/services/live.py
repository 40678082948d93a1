"""What happened to a dossier since a page of it was made: cheap to ask, so that many open pages can ask often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.db.models import EventRow, StreamRow
from archive_service.domain.event import Event, parse_event
from archive_service.errors import Conflict, InvalidInput
from archive_service.services import reading
from archive_service.services.actor import Actor
from archive_service.services.desk import history_facts

NEWS_LIMIT = 20
MATTERS = frozenset(
    [
        "document.received",
        "document.withdrawn",
        "step.submitted",
        "decision.made",
        "step.reassigned",
        "step.moved",
        "pause.granted",
        "pause.ended",
    ]
)
"""What makes a form of the same step stale when somebody else does it."""


@dataclass(frozen=True)
class Pulse:
    """How far a dossier is: ``token`` differs when anything on its page may; ``news`` are the latest of what others did since."""

    token: str
    news: list[dict[str, Any]]


def read_pulse(archive: Archive, actor: Actor, *, dossier: str, seen: str = "") -> Pulse:
    """The state of a dossier in a few bytes, and what others did after ``seen``, the token that a page was made with."""
    reading.require_readable(archive, actor, dossier=dossier)
    with archive.db.read() as session:
        counts = dict(
            session.execute(
                select(StreamRow.name, StreamRow.next_seq).where(
                    StreamRow.name.in_((f"dossier:{dossier}", f"after:{dossier}"))
                )
            ).all()
        )
        job = queries.find_bundle_job(session, dossier)
        own, after = (counts.get(f"{kind}:{dossier}", 0) for kind in ("dossier", "after"))
        work = "" if job is None else f"{job['state']}-{job['progress'] or 0}"
        token = f"{own}.{after}.{work}"
        if seen in ("", token):
            return Pulse(token, [])
        since = _count_of(seen)
        rows = session.execute(
            select(EventRow.data)
            .where(EventRow.stream == f"dossier:{dossier}", EventRow.seq >= since)
            .order_by(EventRow.seq.desc())
            .limit(NEWS_LIMIT)
        ).scalars()
        events = [event for event in map(parse_event, rows) if event.person not in (None, actor.person)]
        openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in events]).items()}
        names = queries.names_of(session, {e.person for e in events if e.person})
    return Pulse(token, [_told(event, openings, names) for event in reversed(events)])


def require_fresh(archive: Archive, actor: Actor, *, dossier: str, seen: str, step: str | None = None) -> None:
    """Raise Conflict when somebody else changed what a form was made from: the documents or state of its step, or of any.

    ``seen``: the token of the page that the form stands on. What the service does by rule, such as a verdict, makes no form stale.
    """
    found = read_pulse(archive, actor, dossier=dossier, seen=seen)
    concerning = [n for n in found.news if n["type"] in MATTERS and step in (None, n["step"])]
    if concerning:
        raise Conflict(
            "form_stale",
            "Somebody else changed this meanwhile. Look at what is new, then send it again: what you typed is still there.",
            news=concerning,
        )


def _count_of(token: str) -> int:
    count = token.partition(".")[0]
    if not (count.isascii() and count.isdigit() and len(count) <= 9):
        raise InvalidInput("token_unknown", "This is no state of a dossier; load the page again.")
    return int(count)


def _told(event: Event, openings: dict[tuple[str, str], str], names: dict[str, str]) -> dict[str, Any]:
    told = {"type": event.type, "at": event.at, "person": names.get(event.person or "")}
    return {**told, **history_facts(event, openings)}
