"""What happened to a dossier since a page of it was made: cheap to ask, so that many open pages can ask often."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.db.models import DossierRow, EventRow, JobRow, StreamRow
from archive_service.domain.event import Event, parse_event
from archive_service.errors import Conflict, InvalidInput, NotFound
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
EXPLAINING = frozenset(["deviation.explained", "explanation.accepted", "explanation.returned"])
"""What makes a form about the same deviation stale."""
LISTING = frozenset(["indicator.set", "indicator.removed", "indicator.result_recorded"])
"""What makes a form about the same indicator stale."""


@dataclass(frozen=True)
class Pulse:
    """How far a dossier is: ``token`` differs when anything on its page may; ``news`` are the latest of what others did since."""

    token: str
    news: list[dict[str, Any]]


def read_pulse(archive: Archive, actor: Actor, *, dossier: str, seen: str = "") -> Pulse:
    """The state of a dossier in a few bytes, and what others did after ``seen``, the token that a page was made with.

    One indexed query while nothing changed; and since nothing is told then, no read is recorded.
    """
    scope = reading.scope_of(actor)
    own, after = aliased(StreamRow), aliased(StreamRow)
    wanted = (
        select(DossierRow.work_unit_id, own.next_seq, after.next_seq, JobRow.state, JobRow.progress)
        .select_from(DossierRow)
        .outerjoin(own, own.name == f"dossier:{dossier}")
        .outerjoin(after, after.name == f"after:{dossier}")
        .outerjoin(JobRow, JobRow.idempotency_key == f"bundle:{dossier}")
        .where(DossierRow.id == dossier)
    )
    with archive.db.read() as session:
        row = session.execute(wanted).one_or_none()
        if row is None or not scope.holds(row[0]):
            raise NotFound("dossier_unknown", "There is no such dossier.")
        work = "" if row[3] is None else f"{row[3]}-{row[4] or 0}"
        token = f"{row[1] or 0}.{row[2] or 0}.{work}"
        if seen in ("", token):
            return Pulse(token, [])
        events = [e for e in _events_since(session, dossier, seen) if e.person not in (None, actor.person)]
        return Pulse(token, _tell(session, events[-NEWS_LIMIT:]))


def require_fresh(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    seen: str,
    step: str | None = None,
    types: Collection[str] = MATTERS,
    subject: Mapping[str, str | None] | None = None,
) -> None:
    """Raise Conflict when somebody else changed what a form was made from: the documents or state of its step, or of any.

    ``seen``: the token of the page that the form stands on. ``types``: the events that matter, and ``subject``: what they must be about
    (field → value). What the service does by rule, such as a verdict, makes no form stale.
    """
    reading.require_readable(archive, actor, dossier=dossier)
    about = {**(subject or {}), **({} if step is None else {"step": step})}
    with archive.db.read() as session:
        concerning = [
            e
            for e in _events_since(session, dossier, seen)
            if e.type in types
            and e.person not in (None, actor.person)
            and all(e.payload.get(name) == value for name, value in about.items())
        ]
        news = _tell(session, concerning[-NEWS_LIMIT:])
    if news:
        raise Conflict(
            "form_stale",
            "Somebody else changed this meanwhile. Look at what is new, then send it again: what you typed is still there.",
            news=news,
        )


def _events_since(session: Session, dossier: str, seen: str) -> list[Event]:
    found: list[Event] = []
    for stream, count in zip((f"dossier:{dossier}", f"after:{dossier}"), _counts_of(seen), strict=True):
        rows = session.execute(
            select(EventRow.data).where(EventRow.stream == stream, EventRow.seq >= count).order_by(EventRow.seq)
        )
        found += map(parse_event, rows.scalars())
    return found


def _counts_of(token: str) -> tuple[int, int]:
    own, _, rest = token.partition(".")
    after = rest.partition(".")[0]
    if not all(count.isascii() and count.isdigit() and len(count) <= 9 for count in (own, after)):
        raise InvalidInput("token_unknown", "This is no state of a dossier; load the page again.")
    return int(own), int(after)


def _tell(session: Session, events: list[Event]) -> list[dict[str, Any]]:
    openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in events]).items()}
    names = queries.names_of(session, {e.person for e in events if e.person})
    return [_told(event, openings, names) for event in events]


def _told(event: Event, openings: dict[tuple[str, str], str], names: dict[str, str]) -> dict[str, Any]:
    told = {"type": event.type, "at": event.at, "person": names.get(event.person or "")}
    return {**told, **history_facts(event, openings)}
