from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from archive_service import jobs, runner
from archive_service.db.event_log import read_stream
from archive_service.db.models import BundleRow, JobRow, LocationRow, VerdictRow
from archive_service.errors import LogIntegrityError
from archive_service.services import bundles, compliance, fixity, log
from archive_service.services.work import load_dossier, read_dossier_events
from tests.office import SAMPLES, Office

NOW = datetime(2026, 3, 13, tzinfo=UTC)


def add(office: Office, key: str = "k") -> None:
    with office.archive.db.write() as session:
        jobs.enqueue(
            session, office.archive.log.make_id, NOW, "lock_object", key=key, args={"key": "a", "version_id": "1"}
        )


def take(office: Office, at: datetime = NOW) -> jobs.Lease | None:
    with office.archive.db.write() as session:
        return jobs.take(session, office.archive.log.make_id, at)


def the_job(office: Office) -> JobRow:
    with office.archive.db.read() as session:
        return session.execute(select(JobRow)).scalar_one()


def leased(office: Office, name: str) -> jobs.Lease:
    """The lease on the next job of this name, every other one done on the way."""
    for _ in range(50):
        found = take(office, datetime.now(UTC))
        assert found is not None, f"no {name} job is due"
        if found.name == name:
            return found
        runner.run_job(office.archive, found)
    raise AssertionError(f"no {name} job came")


def settle_log(office: Office) -> None:
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()


def test_a_job_is_added_once_for_its_key(office: Office) -> None:
    add(office)
    add(office)
    assert the_job(office).state == "ready"


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(office: Office) -> None:
    add(office)
    first = take(office)
    assert first is not None and take(office) is None
    second = take(office, NOW + jobs.LEASE + timedelta(seconds=1))
    assert second is not None and second.token != first.token and second.attempts == 2
    with pytest.raises(jobs.LeaseLost), office.archive.db.write() as session:
        jobs.finish(session, first, NOW)
    with office.archive.db.write() as session:
        jobs.finish(session, second, NOW)
    assert the_job(office).state == "done"


def test_waiting_is_no_attempt_and_failing_is(office: Office) -> None:
    add(office)
    lease = take(office)
    assert lease is not None
    with office.archive.db.write() as session:
        jobs.postpone(session, lease, NOW + timedelta(seconds=5))
    assert (the_job(office).state, the_job(office).attempts) == ("waiting", 0)
    assert take(office) is None
    at = NOW + timedelta(seconds=6)
    for attempt in range(1, jobs.ATTEMPT_LIMIT + 1):
        lease = take(office, at)
        assert lease is not None and lease.attempts == attempt
        with office.archive.db.write() as session:
            jobs.fail(session, lease, at, "no luck")
        at += timedelta(hours=1)
    assert (the_job(office).state, the_job(office).error) == ("failed", "no luck")


def test_judging_twice_gives_one_verdict(office: Office) -> None:
    dossier = office.play("1")
    lease = leased(office, "judge_step")
    compliance.judge_step(office.archive, lease, **lease.args)
    with pytest.raises(jobs.LeaseLost):
        compliance.judge_step(office.archive, lease, **lease.args)
    with office.archive.db.read() as session:
        assert len(session.execute(select(VerdictRow)).scalars().all()) == 1
        assert [e.type for e in read_dossier_events(office.archive, session, dossier)].count("step.judged") == 1


def test_the_sweep_records_a_passed_norm_once_and_the_verdict_does_not_repeat_it(office: Office) -> None:
    dossier = office.play("3")
    office.at("2026-03-25T09:00")
    assert compliance.sweep_deadlines(office.archive) == 1
    assert compliance.sweep_deadlines(office.archive) == 0
    office.at("2026-03-25T10:00")
    office.submit(dossier, "sari", "4")
    office.turn()
    with office.archive.db.read() as session:
        found = load_dossier(office.archive, session, dossier).deviations
    assert [(d.code, d.step, d.responsible) for d in found] == [("time_norm_passed", "4", office.persons["sari"])]


def test_a_step_on_time_is_no_deviation_for_the_sweep(office: Office) -> None:
    office.play("3")
    office.at("2026-03-16T14:00")
    assert compliance.sweep_deadlines(office.archive) == 0


def test_a_bundle_waits_for_its_checkpoint(office: Office) -> None:
    office.play()
    lease = leased(office, "build_bundle")
    with pytest.raises(jobs.NotYet):
        bundles.build_bundle(office.archive, lease, **lease.args)


def test_a_worker_that_lost_its_lease_changes_nothing(office: Office) -> None:
    dossier = office.play()
    settle_log(office)
    slow = leased(office, "build_bundle")
    fast = take(office, datetime.now(UTC) + jobs.LEASE + timedelta(seconds=1))
    while fast is not None and fast.name != "build_bundle":
        fast = take(office, datetime.now(UTC) + jobs.LEASE + timedelta(seconds=1))
    assert fast is not None
    bundles.build_bundle(office.archive, fast, **fast.args)
    with pytest.raises(jobs.LeaseLost):
        bundles.build_bundle(office.archive, slow, **slow.args)
    with office.archive.db.read() as session:
        stored = [e for e in read_stream(session, f"after:{dossier}") if e.type == "bundle.stored"]
        row = session.get_one(BundleRow, dossier)
    assert len(stored) == 1 and row.digest == stored[0].payload["digest"]


def test_the_same_plan_gives_the_same_bytes_however_often(office: Office) -> None:
    from hashlib import sha256

    from archive_service.bundling.writer import write_bundle

    dossier = office.play()
    settle_log(office)
    lease = leased(office, "build_bundle")
    bundles.build_bundle(office.archive, lease, **lease.args)
    with office.archive.db.read() as session:
        row = session.get_one(BundleRow, dossier)
    again = sha256()
    for chunk in write_bundle(row.plan, lambda digest: bundles.open_object(office.archive, dossier, digest)):
        again.update(chunk)
    assert again.hexdigest() == row.digest


def test_a_damaged_document_aborts_the_bundle_with_an_event(office: Office) -> None:
    dossier = office.play()
    settle_log(office)
    with office.archive.db.read() as session:
        location = session.execute(select(LocationRow).order_by(LocationRow.key)).scalars().first()
    assert location is not None
    path = office.archive.settings.data_dir / "store" / location.key
    path.chmod(0o600)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    lease = leased(office, "build_bundle")
    with pytest.raises(LogIntegrityError) as caught:
        bundles.build_bundle(office.archive, lease, **lease.args)
    assert caught.value.code == "object_damaged"
    with office.archive.db.read() as session:
        last = read_stream(session, f"after:{dossier}")[-1]
    assert (last.type, last.payload["subject"]) == ("bundle.failed", location.digest)
    assert list(office.archive.store.list_objects("bundles/")) == []


def test_a_failed_job_keeps_its_error_and_is_tried_again(office: Office) -> None:
    add(office)
    lease = take(office)
    assert lease is not None
    runner.run_job(office.archive, lease)
    job = the_job(office)
    assert job.state == "ready" and job.error is not None and "object_unknown" in job.error


def test_fixity_finds_a_damaged_document_of_an_open_dossier(office: Office) -> None:
    dossier = office.play("2")
    with office.archive.db.write() as session:
        jobs.enqueue(session, office.archive.log.make_id, NOW, "check_fixity", key="f", args={"dossier": dossier})
    path = next((office.archive.settings.data_dir / "store" / "objects").iterdir())
    path.chmod(0o600)
    path.write_bytes(b"gone")
    lease = leased(office, "check_fixity")
    fixity.check_fixity(office.archive, lease, **lease.args)
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
        checked = [e for e in read_dossier_events(office.archive, session, dossier) if e.type == "fixity.checked"]
    assert checked[-1].payload["result"] == "damaged"
    assert [d.code for d in state.deviations] == ["document_damaged"]


def test_unclaimed_objects_go_after_a_day_and_claimed_ones_stay(office: Office) -> None:
    import os

    office.play("1")
    with office.archive.store.begin("objects/orphan", limit_bytes=10) as upload:
        upload.append(b"x")
        upload.finish()
    assert fixity.sweep_unclaimed(office.archive) == 0
    for path in (office.archive.settings.data_dir / "store" / "objects").iterdir():
        os.utime(path, (0, 0))
    assert fixity.sweep_unclaimed(office.archive) == 1
    keys = [o.key for o in office.archive.store.list_objects("objects/")]
    assert len(keys) == 1 and "objects/orphan" not in keys


def test_an_object_that_came_in_from_an_interrupted_upload_is_swept(office: Office) -> None:
    leftover = office.archive.settings.data_dir / "store" / ".incoming" / "tmpabc"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_bytes((SAMPLES / "samples.toml").read_bytes())
    import os

    os.utime(leftover, (0, 0))
    assert fixity.sweep_unclaimed(office.archive) == 1


def test_a_lock_that_is_half_over_is_set_again(office: Office) -> None:
    office.play("1")
    office.turn()
    with office.archive.db.write() as session:
        row = session.execute(select(LocationRow).limit(1)).scalars().one()
        first = office.archive.store.stat(row.key, row.version_id).locked_until
        assert row.locked_at is not None and first is not None
        row.locked_at -= fixity.LOCK_WHILE_OPEN / 2
        key = row.key
    assert fixity.plan_locks(office.archive) == 1
    assert fixity.plan_locks(office.archive) == 0, "its job is queued already"
    office.turn()
    with office.archive.db.read() as session:
        row = session.execute(select(LocationRow).where(LocationRow.key == key)).scalar_one()
        again = office.archive.store.stat(row.key, row.version_id).locked_until
    assert again is not None and again > first
    assert fixity.plan_locks(office.archive) == 0
