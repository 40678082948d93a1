"""The only writer of events: lock the streams late, write the event last, in the transaction of the change that it records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from archive_service.db.models import EventRow, LogPendingRow, OpeningRow, StreamRow, table_of
from archive_service.db.search_index import index_event
from archive_service.db.session import insert_unless_there
from archive_service.domain.event import FIRST_PREV, Event, build_event, commitment, parse_event
from archive_service.domain.verdict import format_time
from archive_service.errors import Unavailable

CLOCK_SLACK = timedelta(seconds=5)


@dataclass(frozen=True)
class LogContext:
    """What every event needs from outside: the log's origin, the clock, and randomness."""

    origin: str
    clock: Callable[[], datetime]
    make_id: Callable[[], str]
    make_salt: Callable[[], bytes]


@dataclass
class _Stream:
    """A locked stream: where its next event goes."""

    next_seq: int
    head: str
    last_at: datetime | None


# tables, not mapped classes: an act writes several events, and the unit of work would take longer than the database
_EVENT, _PENDING = table_of(EventRow), table_of(LogPendingRow)
_OPENING, _STREAM = table_of(OpeningRow), table_of(StreamRow)


class StreamWriter:
    """Appends to streams whose rows this transaction holds locked; all its events carry one time, ``at``."""

    def __init__(self, session: Session, context: LogContext, streams: dict[str, _Stream], at: datetime) -> None:
        self._session = session
        self._context = context
        self._streams = streams
        self.moment = at
        self.at = format_time(at)

    def make_id(self) -> str:
        """A new id."""
        return self._context.make_id()

    def append(
        self,
        stream: str,
        type: str,
        actor: Mapping[str, Any],
        payload: Mapping[str, Any],
        *,
        personal: Mapping[str, str | None] | None = None,
        salts: Mapping[str, bytes] | None = None,
        on_behalf_of: str | None = None,
        claimed_at: str | None = None,
    ) -> Event:
        """Write the stream's next event and give it back.

        ``personal`` maps (dotted) field names to values that must not enter the chain: each becomes ``<field>_commitment`` in the
        payload, its value and salt an opening. None stays null. ``salts`` holds those that were made before, where the commitment was
        signed already. EventError when the event does not fit its schema.
        """
        place = self._streams[stream]
        whole = deepcopy(dict(payload))
        openings: list[tuple[str, str, bytes]] = []
        for field, value in (personal or {}).items():
            *path, name = field.split(".")
            part = whole
            for step in path:
                part = part[step]
            if value is None:
                part[f"{name}_commitment"] = None
                continue
            salt = (salts or {}).get(field) or self._context.make_salt()
            part[f"{name}_commitment"] = commitment(field, value, salt)
            openings.append((field, value, salt))
        event = build_event(
            origin=self._context.origin,
            id=self._context.make_id(),
            stream=stream,
            seq=place.next_seq,
            prev=place.head,
            type=type,
            actor=actor,
            at=self.at,
            payload=whole,
            on_behalf_of=on_behalf_of,
            claimed_at=claimed_at,
        )
        connection = self._session.connection()
        if openings:
            connection.execute(
                insert(_OPENING),
                [
                    {"event_hash": event.leaf_hash, "field": field, "value": value, "salt": salt}
                    for field, value, salt in openings
                ],
            )
        connection.execute(
            insert(_EVENT),
            {
                "id": event.id,
                "stream": stream,
                "seq": event.seq,
                "type": type,
                "at": self.moment,
                "leaf_hash": event.leaf_hash,
                "data": event.data,
            },
        )
        if openings:
            index_event(connection, event, [(field, value) for field, value, _ in openings])
        # one row an event, at once: log_pending is numbered in the order of the chain
        connection.execute(insert(_PENDING).inline(), {"leaf_hash": event.leaf_hash})
        place.next_seq, place.head, place.last_at = event.seq + 1, event.leaf_hash, self.moment
        connection.execute(
            update(_STREAM)
            .where(_STREAM.c.name == bindparam("stream_name"))
            .values(next_seq=bindparam("new_seq"), head=bindparam("new_head"), last_at=bindparam("new_at")),
            {
                "stream_name": stream,
                "new_seq": place.next_seq,
                "new_head": place.head,
                "new_at": place.last_at,
            },
        )
        return event


def open_streams(
    session: Session, context: LogContext, names: Iterable[str], *, acting: Iterable[str] = ()
) -> StreamWriter:
    """A writer for these streams, locked in sorted order so that two transactions never wait for each other in a ring.

    ``acting`` are the ids of the persons whose authority the events will name: their streams are held against change until the
    transaction ends (shared with others who act on the same authority), so that no authority changes between ``at`` and its event.
    The time is read after the locks. Up to five seconds behind a stream's last event it takes that event's time; further behind,
    Unavailable ``clock_behind``: the machine's clock needs repair before anything is recorded.
    """
    written = set(names)
    named = {f"person:{person}" for person in acting}
    streams: dict[str, _Stream] = {}
    for name in sorted(written | named):
        if name in written:
            streams[name] = _lock_stream(session, name)
        else:
            session.execute(select(StreamRow.next_seq).where(StreamRow.name == name).with_for_update(read=True))
    at = context.clock()
    latest = max((place.last_at for place in streams.values() if place.last_at is not None), default=at)
    if latest > at:
        if latest - at > CLOCK_SLACK:
            raise Unavailable(
                "clock_behind",
                "The server's clock stands behind the last recorded event; set the clock before going on.",
                retry_after_seconds=60,
            )
        at = latest
    return StreamWriter(session, context, streams, at)


def _lock_stream(session: Session, name: str) -> _Stream:
    wanted = select(StreamRow.next_seq, StreamRow.head, StreamRow.last_at).where(StreamRow.name == name)
    row = session.execute(wanted.with_for_update()).one_or_none()
    if row is None:
        insert_unless_there(session, StreamRow, {"name": name, "next_seq": 0, "head": FIRST_PREV, "last_at": None})
        row = session.execute(wanted.with_for_update()).one()
    return _Stream(row.next_seq, row.head, row.last_at)


def stream_head(session: Session, name: str) -> str:
    """The leaf hash of a stream's last event; 64 zeros for a stream without one."""
    head = session.execute(select(StreamRow.head).where(StreamRow.name == name)).scalar_one_or_none()
    return FIRST_PREV if head is None else head


# an event's bytes never change their meaning, and a dossier is read whole at each act: parsing is most of that
_parse = lru_cache(maxsize=4096)(parse_event)


def read_stream(session: Session, name: str) -> list[Event]:
    """All events of a stream in their order, parsed from the stored bytes."""
    rows = session.execute(select(EventRow.data).where(EventRow.stream == name).order_by(EventRow.seq))
    return [_parse(data) for data in rows.scalars()]


def read_streams(session: Session, names: Iterable[str]) -> dict[str, list[Event]]:
    """All events of several streams, each in its order; a stream without events is not there."""
    rows = session.execute(
        select(EventRow.stream, EventRow.data)
        .where(EventRow.stream.in_(list(names)))
        .order_by(EventRow.stream, EventRow.seq)
    )
    found: dict[str, list[Event]] = {}
    for name, data in rows:
        found.setdefault(name, []).append(_parse(data))
    return found


def read_events(session: Session, leaf_hashes: Iterable[str]) -> list[Event]:
    """The events with these leaf hashes, in the order asked for; KeyError for one that is not there."""
    wanted = list(leaf_hashes)
    rows = session.execute(select(EventRow.leaf_hash, EventRow.data).where(EventRow.leaf_hash.in_(wanted)))
    found = dict(rows.all())
    return [_parse(found[leaf_hash]) for leaf_hash in wanted]


def read_openings(session: Session, leaf_hashes: Iterable[str]) -> dict[tuple[str, str], tuple[str, bytes]]:
    """(event hash, field) → (value, salt) for what was not erased of these events."""
    rows = session.execute(select(OpeningRow).where(OpeningRow.event_hash.in_(list(leaf_hashes)))).scalars()
    return {(row.event_hash, row.field): (row.value, row.salt) for row in rows}
