from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from archive_service.db.event_log import open_streams, read_openings, read_stream
from archive_service.db.models import EventRow, LogPendingRow, StreamRow
from archive_service.domain.event import FIRST_PREV, EventError, commitment
from archive_service.errors import Unavailable
from archive_service.services.actor import RULES, SETUP
from tests.office import Office


def make_unit(office: Office, code: str) -> str:
    unit = office.archive.log.make_id()
    stream = f"unit:{unit}"
    with office.archive.db.write() as session:
        writer = open_streams(session, office.archive.log, [stream])
        payload = {"work_unit": unit, "code": code, "name": code, "parent": None}
        writer.append(stream, "work_unit.created", SETUP, payload)
    return stream


def note(office: Office, stream: str, count: int = 1) -> None:
    dossier = stream.partition(":")[2]
    with office.archive.db.write() as session:
        writer = open_streams(session, office.archive.log, [stream])
        for _ in range(count):
            facts = {"dossier": dossier, "result": "intact", "documents": 0, "failed": []}
            writer.append(stream, "fixity.checked", RULES, facts)


def test_a_chain_begins_with_zeros_and_links_each_event_to_the_one_before(office: Office) -> None:
    stream = f"after:{office.archive.log.make_id()}"
    note(office, stream, 3)
    with office.archive.db.read() as session:
        events = read_stream(session, stream)
        row = session.get_one(StreamRow, stream)
    assert [e.seq for e in events] == [0, 1, 2]
    assert [e.prev for e in events] == [FIRST_PREV, events[0].leaf_hash, events[1].leaf_hash]
    assert (row.next_seq, row.head) == (3, events[2].leaf_hash)


def test_sixteen_writers_on_one_stream_make_one_chain(office: Office) -> None:
    stream = f"after:{office.archive.log.make_id()}"

    def write_five() -> None:
        for _ in range(5):
            note(office, stream)

    threads = [threading.Thread(target=write_five) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with office.archive.db.read() as session:
        events = read_stream(session, stream)
    assert [e.seq for e in events] == list(range(80))
    assert all(e.prev == before.leaf_hash for before, e in pairwise(events))
    assert [e.at for e in events] == sorted(e.at for e in events)


def test_a_clock_a_little_behind_takes_the_last_events_time(office: Office) -> None:
    stream = f"after:{office.archive.log.make_id()}"
    note(office, stream)
    office.clock.moment -= timedelta(seconds=4)
    note(office, stream)
    with office.archive.db.read() as session:
        first, second = read_stream(session, stream)
    assert second.at == first.at


def test_a_clock_far_behind_records_nothing(office: Office) -> None:
    stream = f"after:{office.archive.log.make_id()}"
    note(office, stream)
    office.clock.moment -= timedelta(seconds=6)
    with pytest.raises(Unavailable) as caught:
        note(office, stream)
    assert caught.value.code == "clock_behind"
    with office.archive.db.read() as session:
        assert len(read_stream(session, stream)) == 1


def test_personal_data_is_a_commitment_that_its_opening_opens(office: Office) -> None:
    with office.archive.db.read() as session:
        event = read_stream(session, f"person:{office.persons['maya']}")[0]
        value, salt = read_openings(session, [event.leaf_hash])[(event.leaf_hash, "name")]
    assert value == "Maya" and b"Maya" not in event.data
    assert event.payload["name_commitment"] == commitment("name", value, salt)


def test_an_event_that_does_not_fit_leaves_nothing_behind(office: Office) -> None:
    stream = f"after:{office.archive.log.make_id()}"
    with pytest.raises(EventError), office.archive.db.write() as session:
        writer = open_streams(session, office.archive.log, [stream])
        writer.append(stream, "fixity.checked", RULES, {"dossier": "x"})
    with office.archive.db.read() as session:
        assert session.get(StreamRow, stream) is None
        assert read_stream(session, stream) == []


def test_every_event_waits_for_the_sequencer_in_the_transaction_that_wrote_it(office: Office) -> None:
    make_unit(office, "b")
    with office.archive.db.read() as session:
        pending = session.execute(select(LogPendingRow.leaf_hash).order_by(LogPendingRow.id)).scalars().all()
        written = session.execute(select(EventRow.leaf_hash)).scalars().all()
    assert set(pending) == set(written)
