"""Real connections at the same moment: no fork, no gap, no lost update, no deadlock, on both databases."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from archive_service import jobs
from archive_service.db.event_log import open_streams, read_stream
from archive_service.db.models import CheckpointRow, EventRow, JobRow, LocationRow, LogLeafRow, LogPendingRow
from archive_service.domain.event import FIRST_PREV
from archive_service.errors import ArchiveError, Conflict, DocumentRefused, Forbidden
from archive_service.runner import Runner, run_next_job
from archive_service.services import audit, decisions, fixity, log, people, uploads, users
from archive_service.services.actor import RULES, Actor
from archive_service.services.work import load_dossier
from tests.office import PASSWORD, Office, chunks_of


def all_at_once(acts: Sequence[Callable[[], object]]) -> list[object]:
    """What each act gave, or the ArchiveError that it raised; any other error fails the test."""
    barrier = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = acts[index]()
        except ArchiveError as exc:
            results[index] = exc
        except BaseException as exc:  # noqa: BLE001 - it belongs to the main thread, which fails on it
            results[index] = exc

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "somebody waits for ever"
    crashed = [r for r in results if isinstance(r, BaseException) and not isinstance(r, ArchiveError)]
    assert crashed == []
    return results


def append(office: Office, streams: Sequence[str]) -> None:
    with office.archive.db.write() as session:
        writer = open_streams(session, office.archive.log, streams)
        for stream in streams:
            facts = {"dossier": stream.partition(":")[2], "result": "intact", "documents": 0, "failed": []}
            writer.append(stream, "fixity.checked", RULES, facts)


def append_often(office: Office, stream: str, count: int) -> None:
    for _ in range(count):
        append(office, [stream])


def require_chain(office: Office, stream: str, count: int) -> None:
    with office.archive.db.read() as session:
        events = read_stream(session, stream)
    assert [e.seq for e in events] == list(range(count))
    assert events[0].prev == FIRST_PREV
    assert all(e.prev == before.leaf_hash for before, e in pairwise(events))
    assert [e.at for e in events] == sorted(e.at for e in events)


def names(office: Office, count: int) -> list[str]:
    return [f"after:{office.archive.log.make_id()}" for _ in range(count)]


def test_sixteen_writers_on_many_streams_make_whole_chains(office: Office) -> None:
    streams = names(office, 16)
    all_at_once([partial(append_often, office, s, 5) for s in streams])
    for stream in streams:
        require_chain(office, stream, 5)


def test_writers_of_overlapping_streams_never_wait_in_a_ring(office: Office) -> None:
    streams = names(office, 4)
    shuffled = random.Random(601)

    def write() -> None:
        for _ in range(5):
            append(office, shuffled.sample(streams, 3))

    all_at_once([write] * 8)
    with office.archive.db.read() as session:
        counts = [len(read_stream(session, stream)) for stream in streams]
    assert sum(counts) == 8 * 5 * 3
    for stream, count in zip(streams, counts, strict=True):
        require_chain(office, stream, count)


def test_the_first_event_of_a_stream_is_written_once(office: Office) -> None:
    for stream in names(office, 5):
        all_at_once([partial(append, office, [stream])] * 8)
        require_chain(office, stream, 8)


def test_two_sequencers_number_every_event_once_while_sixteen_write(office: Office) -> None:
    streams = names(office, 16)
    is_over = threading.Event()

    def sequence() -> int:
        numbered = 0
        while True:
            was_over = is_over.is_set()
            count = log.sequence_pending(office.archive)
            numbered += count
            if was_over and count == 0:
                return numbered

    def write_all() -> None:
        try:
            all_at_once([partial(append_often, office, s, 6) for s in streams])
        finally:
            is_over.set()

    _, first, second = all_at_once([write_all, sequence, sequence])
    with office.archive.db.read() as session:
        leaves = session.execute(select(LogLeafRow.leaf_index, LogLeafRow.leaf_hash).order_by(LogLeafRow.leaf_index))
        order = {row.leaf_hash: row.leaf_index for row in leaves}
        events = session.execute(select(EventRow.stream, EventRow.seq, EventRow.leaf_hash)).all()
        pending = session.execute(select(func.count()).select_from(LogPendingRow)).scalar_one()
    assert isinstance(first, int) and isinstance(second, int)
    assert pending == 0 and first + second == len(events) == len(order)
    assert sorted(order.values()) == list(range(len(events))), "the tree has no gap"
    for stream in streams:
        chain = [order[e.leaf_hash] for e in sorted((e for e in events if e.stream == stream), key=lambda e: e.seq)]
        assert chain == sorted(chain), "the tree agrees with every chain"
    assert log.CheckpointSigner(office.archive).sign() is not None


def test_two_signers_sign_one_checkpoint(office: Office) -> None:
    while log.sequence_pending(office.archive):
        pass
    signers = [log.CheckpointSigner(office.archive) for _ in range(4)]
    all_at_once([signer.sign for signer in signers])
    with office.archive.db.read() as session:
        sizes = session.execute(select(CheckpointRow.size)).scalars().all()
    assert len(sizes) == 1
    assert [o.key for o in office.archive.store.list_objects("log/checkpoints/")] == [
        f"log/checkpoints/{sizes[0]:020d}"
    ]


def test_of_two_people_deciding_at_once_one_wins_and_the_other_is_told(office: Office) -> None:
    for _ in range(3):
        dossier = office.play("6")
        office.at("2026-03-27T09:00")
        with office.archive.db.read() as session:
            seen = [v.id for v in load_dossier(office.archive, session, dossier).documents_to_decide("7")]

        def decide(login: str, decision: str, dossier: str = dossier, seen: list[str] = seen) -> None:
            decisions.decide_step(
                office.archive,
                office.actor(login),
                dossier=dossier,
                step="7",
                decision=decision,
                versions=seen,
                reason="Belum lengkap." if decision == "return" else None,
            )

        results = all_at_once([partial(decide, "sari", "approve"), partial(decide, "agus", "return")])
        lost = [r for r in results if r is not None]
        assert len(lost) == 1 and isinstance(lost[0], Conflict)
        with office.archive.db.read() as session:
            kinds = Counter(e.type for e in read_stream(session, f"dossier:{dossier}"))
        assert kinds["decision.made"] == 1


def test_nothing_follows_the_seal_whoever_writes_at_that_moment(office: Office) -> None:
    for _ in range(3):
        dossier = office.play("10")
        office.turn()
        office.at("2026-03-31T10:12")

        def refused_upload(dossier: str = dossier) -> object:
            return uploads.receive_document(
                office.archive,
                office.actor("maya"),
                dossier=dossier,
                step="11",
                kind="report",
                file_name="a.pdf",
                chunks=chunks_of(b"%PDF-1.7 not a whole file"),
            )

        def check(dossier: str = dossier) -> object:
            with office.archive.db.write() as session:
                jobs.enqueue(
                    session,
                    office.archive.log.make_id,
                    office.archive.timer(),
                    "check_fixity",
                    key=f"fixity:{dossier}:race",
                    args={"dossier": dossier},
                )
            while run_next_job(office.archive):
                pass
            return None

        results = all_at_once([partial(office.seal, dossier), refused_upload, check])
        assert isinstance(results[0], str)
        assert isinstance(results[1], ArchiveError)
        with office.archive.db.read() as session:
            events = read_stream(session, f"dossier:{dossier}")
        assert events[-1].type == "dossier.sealed"
        require_chain(office, f"dossier:{dossier}", len(events))


def test_an_upload_that_meets_a_submission_is_in_it_or_refused(office: Office) -> None:
    for _ in range(3):
        dossier = office.play("3")
        office.at("2026-03-16T10:00")
        office.upload(dossier, "sari", "4")

        def submit(dossier: str = dossier) -> None:
            decisions.submit_step(office.archive, office.actor("sari"), dossier=dossier, step="4")

        def upload(dossier: str = dossier) -> object:
            return office.upload(dossier, "agus", "4")

        submitted, uploaded = all_at_once([submit, upload])
        assert submitted is None
        with office.archive.db.read() as session:
            events = read_stream(session, f"dossier:{dossier}")
            claimed = session.execute(
                select(func.count()).select_from(LocationRow).where(LocationRow.dossier_id == dossier)
            ).scalar_one()
        submission = next(i for i, e in enumerate(events) if (e.type, e.payload.get("step")) == ("step.submitted", "4"))
        after = [e.type for e in events[submission:]]
        assert not isinstance(uploaded, DocumentRefused)
        received = [e for e in events if e.type == "document.received"]
        assert claimed == len(received), "every stored document has its event and every event its document"
        assert isinstance(uploaded, Conflict | Forbidden | list)
        if isinstance(uploaded, list):
            assert "document.received" not in after


def test_two_administrators_who_change_each_other_do_not_lock_up(office: Office) -> None:
    admin = office.actor("admin")
    second = people.register_person(office.archive, admin, name="Admin kedua")
    users.create_user(office.archive, admin, person=second, login="admin2", password=PASSWORD)
    people.assign_role(
        office.archive, admin, person=second, role="administrator", work_unit=office.unit, from_on="2026-01-01"
    )
    other = office.actor("admin2")

    def change(acting: Actor, person: str, first_year: int) -> None:
        for year in range(first_year, first_year + 5):
            made = people.assign_role(
                office.archive,
                acting,
                person=person,
                role="quality_checker" if first_year < 2050 else "auditor",
                work_unit=office.unit,
                from_on=f"{year}-01-01",
                to_on=f"{year}-12-31",
            )
            people.end_assignment(office.archive, acting, assignment=made)

    pairs = [(admin, second), (other, admin.person)]
    results = all_at_once([partial(change, *pair, year) for pair in pairs for year in (2031, 2061)])
    assert [r for r in results if r is not None and getattr(r, "code", "") != "roles_exclude"] == []
    assert audit.check_archive(office.archive).discrepancies == []


def test_one_job_for_one_key_and_one_worker_for_one_job(office: Office) -> None:
    archive = office.archive
    now = archive.timer()

    def add() -> int:
        with archive.db.write() as session:
            return sum(
                jobs.enqueue(session, archive.log.make_id, now, "lock_object", key=f"k{n}", args={"key": "a"})
                for n in range(10)
            )

    assert sum(r for r in all_at_once([add] * 6) if isinstance(r, int)) == 10

    def take() -> list[str]:
        taken = []
        for _ in range(10):
            with archive.db.write() as session:
                lease = jobs.take(session, archive.log.make_id, now + timedelta(seconds=1))
            if lease is not None:
                taken.append(lease.job_id)
        return taken

    leased = [job for r in all_at_once([take] * 6) if isinstance(r, list) for job in r]
    with archive.db.read() as session:
        known = session.execute(select(JobRow.id)).scalars().all()
    assert sorted(leased) == sorted(known)


def test_two_beats_plan_each_check_once(office: Office) -> None:
    for _ in range(3):
        office.play("4")
    with office.archive.db.write() as session:
        for row in session.execute(select(LocationRow)).scalars():
            row.claimed_at -= fixity.CHECK_EVERY * 2
    counts = all_at_once([lambda: fixity.plan_fixity(office.archive)] * 4)
    assert sum(c for c in counts if isinstance(c, int)) == 3


def test_unknown_logins_are_counted_and_written_once(office: Office) -> None:
    def knock() -> None:
        with pytest.raises(ArchiveError):
            users.check_password(office.archive, login="nobody", password=PASSWORD)

    all_at_once([knock] * 6)
    office.clock.moment += timedelta(minutes=2)
    all_at_once([lambda: users.write_unknown_logins(office.archive)] * 4)
    with office.archive.db.read() as session:
        counted = [e.payload["count"] for e in read_stream(session, "service") if e.type == "login.unknown_counted"]
    assert counted == [6]


def test_four_runners_build_one_bundle(office: Office) -> None:
    office.at("2026-03-31T10:12")
    dossier = office.play("11")

    def work() -> None:
        runner = Runner(office.archive)
        for _ in range(40):
            runner.turn()

    all_at_once([work] * 4)
    with office.archive.db.read() as session:
        kinds = Counter(e.type for e in read_stream(session, f"after:{dossier}"))
    assert kinds == {"bundle.stored": 1}
    assert audit.check_archive(office.archive).discrepancies == []
