"""The audit as a job: once a week, and when it is asked for; what it found is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from archive_service import jobs
from archive_service.db.models import DocumentVersionRow, JobRow
from archive_service.errors import Forbidden
from archive_service.runner import Runner
from archive_service.services import audits, health, metrics, notices
from tests.office import Office, make_office


@pytest.fixture
def lite(tmp_path: Path) -> Office:
    office = make_office(tmp_path / "var")
    office.play("2")
    office.turn()
    return office


class SteppingTimer:
    """A timer that goes ten seconds on at each look."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=10)
        return self.now


def jobs_of(office: Office) -> list[dict[str, object]]:
    with office.archive.db.read() as session:
        rows = session.execute(select(JobRow.args).where(JobRow.name == audits.JOB).order_by(JobRow.id)).scalars()
        return [json.loads(args) for args in rows]


def check_of(office: Office) -> health.Check:
    return next(check for check in health.check_health(office.archive) if check.name == "audit")


def test_an_auditor_has_the_archive_audited_and_reads_what_was_found(lite: Office) -> None:
    auditor = lite.actor("wahyu")
    assert audits.list_audits(lite.archive, auditor) == []
    assert (check_of(lite).is_ok, check_of(lite).detail) == (True, "none so far")
    for _ in range(2):
        audits.request_audit(lite.archive, auditor, with_objects=True)
    for login in ("sari", "nuraini"):
        with pytest.raises(Forbidden):
            audits.request_audit(lite.archive, lite.actor(login), with_objects=False)
        with pytest.raises(Forbidden):
            audits.list_audits(lite.archive, lite.actor(login))
    assert jobs_of(lite) == [{"with_objects": True, "person": auditor.person}], "what waits is not queued twice"
    lite.turn()
    (outcome,) = audits.list_audits(lite.archive, lite.actor("admin"))
    assert (outcome["discrepancies"], outcome["listed"], outcome["requested_by"]) == (0, [], auditor.person)
    assert outcome["objects"] >= 1 and outcome["events"] > 20
    assert check_of(lite).detail is None
    assert notices.count_unread(lite.archive, auditor) == 0


def test_discrepancies_are_told_to_auditors_and_administrators_until_none_is_left(lite: Office) -> None:
    with lite.forced() as connection:
        digest = connection.execute(select(DocumentVersionRow.digest)).scalars().first()
        connection.execute(update(DocumentVersionRow).values(size=7))
    admin = lite.actor("admin")
    audits.request_audit(lite.archive, admin, with_objects=False)
    lite.turn()
    (outcome,) = audits.list_audits(lite.archive, admin)
    assert outcome["discrepancies"] >= 1 and outcome["objects"] is None and digest
    assert {found["code"] for found in outcome["listed"]} == {"column_differs"}
    for login, count in (("admin", 1), ("wahyu", 1), ("sari", 0)):
        told = [n for n in notices.list_notices(lite.archive, lite.actor(login)) if n["kind"] == audits.FOUND]
        assert len(told) == count, login
    assert check_of(lite).detail == f"{outcome['discrepancies']} discrepancies"
    assert f"archive_audit_discrepancies {outcome['discrepancies']}" in metrics.render_metrics(lite.archive)


def test_the_archive_is_audited_each_week_from_its_first_checkpoint_on(
    lite: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lite.archive.timer
    days = 0

    def timer() -> datetime:
        return real() + timedelta(days=days)

    object.__setattr__(lite.archive, "timer", timer)
    counts = []
    for days in (0, 6, 8, 9, 15):  # noqa: B007
        audits.plan_audit(lite.archive)
        counts.append(len(jobs_of(lite)))
    assert counts == [0, 0, 1, 1, 2]
    extended: list[object] = []
    extend = jobs.extend
    monkeypatch.setattr(jobs, "extend", lambda *args, **kwargs: extended.append(extend(*args, **kwargs)))
    Runner(replace(lite.archive, timer=SteppingTimer(lite.archive.timer()))).turn()
    assert extended, "a long audit keeps its lease"
    assert len(audits.list_audits(lite.archive, lite.actor("wahyu"))) == 2
