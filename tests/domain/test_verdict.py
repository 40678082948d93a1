"""Time verdicts and the statement built on them."""

from __future__ import annotations

import tomllib

import pytest

from archive_service.domain import statement, verdict
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.working_time import Calendar
from tests.domain.story import DATA, HASH, Story, shipped_sop

START = "2026-03-13T03:00:00.000000Z"


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    text = (DATA / "calendars" / "id-government.toml").read_text(encoding="utf-8")
    return parse_calendar(tomllib.loads(text))


def test_the_known_case_is_late_by_three_hundred_minutes(calendar: Calendar) -> None:
    judged = verdict.judge_time(shipped_sop(), "4", calendar, HASH, START, "2026-03-25T03:00:00.000000Z")
    assert (judged["used_seconds"], judged["limit_seconds"], judged["result"]) == (1200 * 60, 900 * 60, "late")
    assert judged["policy"] == "working_minutes" and judged["day_minutes"] == 450


@pytest.mark.parametrize(("seconds", "result"), [("00", "on_time"), ("01", "late")])
def test_late_means_used_more_than_the_norm_and_not_as_much(calendar: Calendar, seconds: str, result: str) -> None:
    finished = f"2026-03-13T03:15:{seconds}.000000Z"
    judged = verdict.judge_time(shipped_sop(), "2", calendar, HASH, START, finished)
    assert judged["result"] == result and judged["due_at"] == "2026-03-13T03:15:00.000000Z"


def test_times_are_written_as_they_are_read() -> None:
    assert verdict.format_time(verdict.parse_time(START)) == START
    with pytest.raises(ValueError, match="without a zone"):
        verdict.format_time(verdict.parse_time(START).replace(tzinfo=None))
    assert verdict.local_date("2026-03-12T17:00:00.000000Z", 420) == "2026-03-13"


def test_the_statement_is_the_same_before_and_after_the_seal(calendar: Calendar) -> None:
    story = Story()
    story.play("11")
    story.judge_all()
    closing = statement.Closing("11", story.at(), "a" * 32)
    before = statement.build_statement(story.dossier, {HASH: calendar}, [], closing, "archive.test/log")
    story.seal()
    assert statement.build_statement(story.dossier, {HASH: calendar}, [], closing, "archive.test/log") == before
    assert before["required"] == sum(len(s["requirements"]) for s in before["steps"]) == before["present"]
    assert [s["step"] for s in before["steps"]] == list(story.sop.order)


def test_a_statement_about_a_running_step_cannot_be_made(calendar: Calendar) -> None:
    story = Story()
    story.play("5")
    with pytest.raises(ValueError, match="still runs"):
        statement.build_statement(
            story.dossier, {HASH: calendar}, [], statement.Closing("11", START, "a" * 32), "a.b/log"
        )
