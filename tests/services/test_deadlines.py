"""The deadline sweep: what is late is recorded once, and one dossier that fails stops no other."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update

from archive_service.db.models import EventRow, StepRunRow
from archive_service.db.quality import QualityFilter
from archive_service.services import audit, compliance, quality
from archive_service.services.work import load_dossier
from tests.office import Office


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def watched(office: Office) -> list[str]:
    with office.archive.db.read() as session:
        return list(
            session.execute(select(StepRunRow.step).where(StepRunRow.is_watched).order_by(StepRunRow.step)).scalars()
        )


def test_due_at_the_end_of_the_day_is_late_on_the_next_morning(office: Office) -> None:
    office.at("2026-03-26T15:31")
    office.open(received_at="2026-03-26T15:30")
    for moment, late in (("16:00", 0), ("16:00:01", 0), ("23:00", 0)):
        office.at(f"2026-03-26T{moment}")
        assert compliance.sweep_deadlines(office.archive) == late
    office.at("2026-03-27T07:30")
    with office.archive.db.read() as session:
        run = session.execute(select(StepRunRow)).scalar_one()
    assert run.due_at is not None and run.due_at.isoformat() == "2026-03-26T09:00:00+00:00"
    assert run.late_at is not None and run.late_at.isoformat() == "2026-03-27T00:30:01+00:00"
    assert compliance.sweep_deadlines(office.archive) == 0
    office.at("2026-03-27T07:30:01")
    assert compliance.sweep_deadlines(office.archive) == 1
    assert compliance.sweep_deadlines(office.archive) == 0


def test_a_step_is_watched_while_it_runs_unrecorded_in_an_open_dossier(office: Office) -> None:
    dossier = office.play("2")
    assert watched(office) == ["3"]
    office.at("2026-03-25T10:00")
    compliance.sweep_deadlines(office.archive)
    assert watched(office) == []
    office.submit(dossier, "hendra", "3")
    assert watched(office) == ["4"]


def test_a_paused_step_is_not_looked_at_and_is_late_by_as_much_later(office: Office) -> None:
    dossier = office.play("3")
    office.at("2026-03-16T08:00")
    pause = compliance.grant_pause(
        office.archive,
        office.actor("hendra"),
        dossier=dossier,
        step="4",
        cause="outside_party",
        reason="Menunggu data.",
    )
    office.at("2026-03-25T08:00")
    assert compliance.sweep_deadlines(office.archive) == 0, "nothing is due while a pause without an end stands"
    compliance.end_pause(office.archive, office.actor("hendra"), dossier=dossier, pause=pause)
    # 270 minutes on the Friday before the pause: 630 are left from Wednesday 08.00
    for moment, late in (("2026-03-26T11:00:00", 0), ("2026-03-26T11:00:01", 1), ("2026-03-26T11:00:02", 0)):
        office.at(moment)
        assert compliance.sweep_deadlines(office.archive) == late, moment
    (row,) = quality.read_summary(office.archive, office.actor("nuraini"), wanted=QualityFilter(step="4"), by=())
    assert (row["running"], row["overdue"], row["unexplained"]) == (1, 1, 1)
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_damaged_dossier_is_logged_and_tried_later_and_the_others_are_swept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = [office.play("1") for _ in range(3)]
    with office.forced() as connection:
        row = connection.execute(
            select(EventRow.id, EventRow.data).where(EventRow.stream == f"dossier:{bad}", EventRow.seq == 1)
        ).one()
        connection.execute(update(EventRow).where(EventRow.id == row.id).values(data=b"{" + row.data))
    office.at("2026-03-16T10:00")
    told: list[dict[str, object]] = []
    monkeypatch.setattr(compliance.LOG, "error", lambda event, **facts: told.append({"event": event, **facts}))
    assert compliance.sweep_deadlines(office.archive) == 2
    assert [(t["event"], t["dossier"]) for t in told] == [("deadlines.dossier_failed", bad)]
    with office.archive.db.read() as session:
        assert all(load_dossier(office.archive, session, dossier).deviations for dossier in good)
    assert compliance.sweep_deadlines(office.archive) == 0 and len(told) == 1, "not again at once"
    with office.forced() as connection:
        connection.execute(text("update step_run set look_again_at = '2020-01-01 00:00:00.000000'"))
        connection.execute(update(EventRow).where(EventRow.id == row.id).values(data=row.data))
    assert compliance.sweep_deadlines(office.archive) == 1
    assert compliance.sweep_deadlines(office.archive) == 0


def test_a_turn_takes_so_many_and_the_next_one_the_rest(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compliance, "SWEPT_IN_ONE_READ", 2)
    for _ in range(5):
        office.play("1")
    office.at("2026-03-16T10:00")
    assert [compliance.sweep_deadlines(office.archive, limit=3) for _ in range(3)] == [3, 2, 0]
