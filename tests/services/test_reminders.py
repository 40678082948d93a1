"""Notices of steps and reminders: once each, on the working calendar, to whom they concern."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select, text

from archive_service.db.models import NoticeRow, StepRunRow
from archive_service.errors import NotFound
from archive_service.runner import Runner
from archive_service.services import audit, compliance, dossiers, notices, reminders
from tests.db.test_races import all_at_once
from tests.office import ORIGIN, Office, wib


def told(office: Office) -> list[tuple[str, str, str | None, bool]]:
    """Who was told what of which step, and whether at once, in the order of being told."""
    names = {person: login for login, person in office.persons.items()}
    with office.archive.db.read() as session:
        rows = session.execute(select(NoticeRow).order_by(NoticeRow.created_at)).scalars()
        return [(names[row.person_id], row.kind, row.step, row.is_urgent) for row in rows]


def remind_at(office: Office, step: str) -> str | None:
    with office.archive.db.read() as session:
        row = session.execute(
            select(StepRunRow.remind_at).where(StepRunRow.step == step).order_by(StepRunRow.iteration.desc())
        ).scalars()
        moment = row.first()
    return None if moment is None else (moment.astimezone(wib("2026-01-01T00:00").tzinfo)).isoformat()


def test_whoever_gets_a_step_is_told_and_at_once_when_it_is_short_or_returned(office: Office) -> None:
    office.play("8", with_return=True)
    assert told(office) == [
        ("ratna", "step_yours", "1", True),
        ("ratna", "step_yours", "2", True),
        ("hendra", "step_yours", "3", False),
        ("sari", "step_yours", "4", False),
        ("sari", "step_yours", "5", False),
        ("bima", "step_yours", "6", False),
        ("sari", "step_yours", "7", False),
        ("hendra", "step_yours", "8", False),
        ("bima", "step_returned", "6", True),
        ("sari", "step_yours", "7", False),
        ("hendra", "step_yours", "8", False),
        ("ratna", "step_yours", "9", True),
    ]
    assert audit.check_archive(office.archive).discrepancies == []


def test_reminders_come_once_before_and_once_after_the_norm_on_the_working_calendar(office: Office) -> None:
    office.play("3")
    # step 4 has two days, 900 minutes: 270 on Friday 13, 390 on Monday 16 in Ramadan, the last 240 on Tuesday 17
    before = len(told(office))
    for moment in ("2026-03-13T23:00", "2026-03-16T15:00", "2026-03-17T08:00"):
        office.at(moment)
        assert reminders.sweep_reminders(office.archive) == 0, moment
    assert remind_at(office, "4") == "2026-03-17T01:15:00+00:00", "225 minutes before it is due: a quarter"
    office.at("2026-03-17T08:20")
    assert [reminders.sweep_reminders(office.archive) for _ in range(3)] == [1, 0, 0]
    assert told(office)[before:] == [("sari", "due_soon", "4", True)], "due today, before the next mail of the day"
    assert remind_at(office, "4") == "2026-03-17T05:30:01+00:00"
    office.at("2026-03-17T12:31")
    assert [reminders.sweep_reminders(office.archive) for _ in range(3)] == [2, 0, 0]
    assert told(office)[before + 1 :] == [("sari", "overdue", "4", False), ("hendra", "others_overdue", "4", False)]
    assert remind_at(office, "4") is None


def test_nothing_is_reminded_of_on_days_without_work(lite: Office) -> None:
    lite.at("2026-03-17T14:00")
    lite.open(received_at="2026-03-17T13:55")
    lite.at("2026-03-17T14:05")
    (dossier,) = dossier_ids(lite)
    lite.submit(dossier, "ratna", "1")
    lite.submit(dossier, "ratna", "2")
    # step 3 has 450 minutes: 55 on Tuesday 17, then joint leave, Nyepi, Idulfitri and a weekend until Wednesday 25
    before = len(told(lite))
    for day in range(18, 25):
        for hour in (8, 12, 16):
            lite.at(f"2026-03-{day}T{hour:02}:00")
            assert reminders.sweep_reminders(lite.archive) == 0, (day, hour)
    lite.at("2026-03-25T16:30")
    assert reminders.sweep_reminders(lite.archive) >= 1
    assert {kind for _, kind, _, _ in told(lite)[before:]} <= {"due_soon", "overdue", "others_overdue"}


def dossier_ids(office: Office) -> list[str]:
    with office.archive.db.read() as session:
        return list(session.execute(text("select id from dossier")).scalars())


def test_a_short_step_has_no_reminder_before_but_one_after(lite: Office) -> None:
    lite.play("1")
    assert remind_at(lite, "2") == "2026-03-13T02:35:01+00:00"
    lite.at("2026-03-13T09:36")
    before = len(told(lite))
    assert reminders.sweep_reminders(lite.archive) >= 1
    assert told(lite)[before:][0] == ("ratna", "overdue", "2", True)


def test_a_finished_step_is_not_reminded_of(lite: Office) -> None:
    lite.play("4")
    assert remind_at(lite, "4") is None
    lite.at("2026-03-25T10:00")
    assert reminders.sweep_reminders(lite.archive) == 0


def test_a_paused_step_is_reminded_of_when_its_clock_runs_again(lite: Office) -> None:
    dossier = lite.play("3")
    lite.at("2026-03-16T08:00")
    pause = compliance.grant_pause(
        lite.archive,
        lite.actor("hendra"),
        dossier=dossier,
        step="4",
        cause="outside_party",
        reason="Menunggu data unit lain.",
    )
    assert remind_at(lite, "4") is None
    lite.at("2026-03-25T08:00")
    assert reminders.sweep_reminders(lite.archive) == 0
    compliance.end_pause(lite.archive, lite.actor("hendra"), dossier=dossier, pause=pause)
    assert remind_at(lite, "4") is not None


def test_a_handed_over_step_is_told_to_the_new_holder_and_reminded_of_once(lite: Office) -> None:
    dossier = lite.play("3")
    lite.at("2026-03-17T08:20")
    assert reminders.sweep_reminders(lite.archive) == 1
    dossiers.reassign_step(
        lite.archive, lite.actor("ratna"), dossier=dossier, step="4", person=lite.persons["agus"], reason="Sakit."
    )
    assert told(lite)[-1] == ("agus", "step_yours", "4", False)
    assert reminders.sweep_reminders(lite.archive) == 0, "once for each iteration"
    lite.at("2026-03-17T12:31")
    reminders.sweep_reminders(lite.archive)
    assert ("agus", "overdue", "4", False) in told(lite)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_sweeps_at_the_same_moment_remind_once(office: Office) -> None:
    for _ in range(6):
        office.play("3")
    before = len(told(office))
    office.at("2026-03-17T08:20")
    acts: list[Callable[[], object]] = [partial(reminders.sweep_reminders, office.archive) for _ in range(4)]
    made = all_at_once(acts)
    assert sum(n for n in made if isinstance(n, int)) + reminders.sweep_reminders(office.archive) == 6
    assert [kind for _, kind, _, _ in told(office)[before:]] == ["due_soon"] * 6


def test_a_sop_that_cannot_be_read_keeps_back_no_other_dossiers_reminder(
    lite: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = lite.play("3"), lite.play("3")
    real = reminders._remind_soon

    def fail(archive: object, session: object, run: StepRunRow, *rest: object) -> int:
        if run.dossier_id == bad:
            raise NotFound("definition_unknown", "No definition has that digest.")
        return real(archive, session, run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reminders, "_remind_soon", fail)
    lite.at("2026-03-17T08:20")
    assert reminders.sweep_reminders(lite.archive) == 1
    with lite.archive.db.read() as session:
        found = session.execute(select(NoticeRow.dossier_id).where(NoticeRow.kind == "due_soon")).scalars()
        assert found.all() == [good]
    assert reminders.sweep_reminders(lite.archive) == 0, "not again at once"


def test_a_notice_is_made_once_for_its_key_and_read_by_its_owner_alone(lite: Office) -> None:
    sari, bima = lite.persons["sari"], lite.actor("bima")
    for expected in (True, False):
        with lite.archive.db.write() as session:
            made = notices.notify(lite.archive, session, person=sari, kind="decision_flagged", key="flag:1")
        assert made is expected
    assert notices.count_unread(lite.archive, lite.actor("sari")) == 1
    (notice,) = notices.list_notices(lite.archive, lite.actor("sari"))
    assert (notice["kind"], notice["dossier"], notice["mailed_at"]) == ("decision_flagged", None, None)
    with pytest.raises(NotFound) as caught:
        notices.mark_read(lite.archive, bima, notices=[notice["notice"]])
    assert caught.value.code == "notice_unknown"
    assert [notices.mark_read(lite.archive, lite.actor("sari")) for _ in range(2)] == [1, 0]
    assert notices.list_notices(lite.archive, lite.actor("sari")) == []
    with lite.archive.db.write() as session, pytest.raises(ValueError, match="200"):
        notices.notify(lite.archive, session, person=sari, kind="x", key="k" * 201)


def test_old_notices_are_put_away(lite: Office) -> None:
    lite.play("3")
    assert notices.count_unread(lite.archive, lite.actor("ratna")) == 2
    assert reminders.tidy_notices(lite.archive) == 3, "of steps 1, 2 and 3, which are done"
    assert [notices.count_unread(lite.archive, lite.actor(who)) for who in ("ratna", "hendra", "sari")] == [0, 0, 1]
    lite.at("2027-04-01T10:00")
    assert reminders.tidy_notices(lite.archive) == 3
    assert [row[0] for row in told(lite)] == ["sari"]


def test_without_mail_everything_runs_and_no_mail_job_is_made(lite: Office) -> None:
    lite.play("3")
    lite.at("2026-03-17T12:31")
    lite.turn(Runner(lite.archive))
    with lite.archive.db.read() as session:
        names = set(session.execute(text("select name from job")).scalars())
        waiting = session.execute(text("select count(*) from notice where is_waiting")).scalar_one()
    assert names & {"send_mail", "send_digest", "deliver_webhook"} == set() and waiting == 0
    # the step, its reminder after the norm, and the deviation
    assert notices.count_unread(lite.archive, lite.actor("sari")) == 3


PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from archive_service import wiring
from archive_service.config import load_settings
from archive_service.services import reminders
moment = datetime(2026, 3, 17, 1, 20, tzinfo=UTC)
archive = wiring.build(load_settings(data_dir=Path(sys.argv[1]), log_origin=sys.argv[2]), evidence_clock=lambda: moment)
print("ready", flush=True)
sys.stdin.readline()
print(sum(reminders.sweep_reminders(archive) for _ in range(5)))
"""


@pytest.mark.slow
def test_two_processes_remind_once_between_them(lite: Office) -> None:
    for _ in range(4):
        lite.play("3")
    folder = str(lite.archive.settings.data_dir)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, folder, ORIGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    made = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(made) == 4
    assert [kind for _, kind, _, _ in told(lite)].count("due_soon") == 4
