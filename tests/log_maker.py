"""A log of many events, made through the service's own event format, rows and sequencer, without an act behind each."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import insert

from archive_service.archive import Archive
from archive_service.db.models import EventRow, LogPendingRow, StreamRow, table_of
from archive_service.domain.event import FIRST_PREV, Event, build_event, service_actor
from archive_service.domain.ids import make_id
from archive_service.domain.verdict import format_time
from archive_service.services import log

STREAMS = 1000
EACH = 5000


def make_events(origin: str, count: int, start: datetime, *, streams: int = STREAMS) -> list[Event]:
    """So many events over so many streams, each a chain; the same ones for the same arguments."""
    names = [make_id(start, sha256(f"stream {n}".encode()).digest()[:10]) for n in range(streams)]
    heads: dict[str, tuple[int, str]] = {}
    made: list[Event] = []
    for number in range(count):
        moment = start + timedelta(milliseconds=number)
        dossier = names[number % streams]
        seq, prev = heads.get(dossier, (0, FIRST_PREV))
        event = build_event(
            origin=origin,
            id=make_id(moment, sha256(f"event {number}".encode()).digest()[:10]),
            stream=f"after:{dossier}",
            seq=seq,
            prev=prev,
            type="fixity.checked",
            actor=service_actor("rules"),
            at=format_time(moment),
            payload={"dossier": dossier, "result": "intact", "documents": number % 7, "failed": []},
        )
        heads[dossier] = (seq + 1, event.leaf_hash)
        made.append(event)
    return made


def append_many(archive: Archive, count: int, start: datetime, *, streams: int = STREAMS) -> None:
    """Write so many events and number them; nothing is signed."""
    events = make_events(archive.log.origin, count, start, streams=streams)
    for first in range(0, count, EACH):
        part = events[first : first + EACH]
        with archive.db.write() as session:
            connection = session.connection()
            connection.execute(
                insert(table_of(EventRow)),
                [
                    {
                        "id": e.id,
                        "stream": e.stream,
                        "seq": e.seq,
                        "type": e.type,
                        "at": datetime.fromisoformat(e.at),
                        "leaf_hash": e.leaf_hash,
                        "data": e.data,
                    }
                    for e in part
                ],
            )
            connection.execute(insert(table_of(LogPendingRow)), [{"leaf_hash": e.leaf_hash} for e in part])
    last = {e.stream: e for e in events}
    with archive.db.write() as session:
        session.connection().execute(
            insert(table_of(StreamRow)),
            [
                {"name": e.stream, "next_seq": e.seq + 1, "head": e.leaf_hash, "last_at": datetime.fromisoformat(e.at)}
                for e in last.values()
            ],
        )
    while log.sequence_pending(archive):
        pass
