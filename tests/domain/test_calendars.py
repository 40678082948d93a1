"""Intervals explained and calendars edited, as far as the services' tests do not say it already."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archive_service
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.calendars import (
    Change,
    difference,
    edit_definition,
    explain_day,
    explain_days,
    explain_due,
    explain_used,
    parse_limit,
    parse_local_time,
)
from archive_service.domain.definition import plain
from archive_service.domain.working_time import due_at, used_between
from archive_service.errors import InvalidInput

SEED_FILE = Path(archive_service.__file__).parent / "data" / "calendars" / "id-government.toml"
SEED: dict[str, Any] = plain(tomllib.loads(SEED_FILE.read_text(encoding="utf-8")))
CALENDAR = parse_calendar(SEED)
WIB = timezone(timedelta(hours=7))
CLOSED = {"on": "2026-07-13", "title": "Dies", "kind": "institution", "decree": "SK 1", "status": "decreed"}


def wib(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=WIB)


@given(st.integers(0, 30 * 86_400), st.integers(0, 20 * 86_400))
def test_explained_time_is_the_counted_time(start: int, length: int) -> None:
    begin = wib(3, 1) + timedelta(seconds=start)
    end = begin + timedelta(seconds=length)
    explained = explain_used(CALENDAR, begin, end)
    used = used_between(CALENDAR, begin, end)
    assert (explained["seconds"], explained["by_day"]) == (used.seconds, dict(used.by_day))
    assert [day["on"] for day in explained["days"]] == [
        (begin.date() + timedelta(days=n)).isoformat() for n in range((end.date() - begin.date()).days + 1)
    ]
    assert {day["on"]: day["seconds"] for day in explained["days"] if day["seconds"]} == explained["by_day"]
    assert all((day["reason"] is None) == (day["seconds"] > 0) for day in explained["days"])


def test_day_is_explained_by_its_hours_and_its_rule() -> None:
    assert explain_day(CALENDAR, date(2026, 3, 13)) == {
        "on": "2026-03-13",
        "hours": [["08:00", "11:30"], ["12:30", "15:30"]],
        "day_seconds": 390 * 60,
        "rule": {
            "kind": "special_period",
            "title": "Ramadan 1447 Hijriah",
            "decree": "Sidang isbat Kementerian Agama 17 Februari 2026 dan 19 Maret 2026",
            "status": "decreed",
            "profile": "ramadan",
        },
    }
    assert [d["on"] for d in explain_days(CALENDAR, date(2027, 12, 30), date(2028, 1, 5))] == [
        "2027-12-30",
        "2027-12-31",
    ]
    assert explain_days(CALENDAR, date(2028, 1, 1), date(2028, 1, 5)) == []


def test_pauses_are_left_out_of_what_is_explained() -> None:
    pause = (wib(7, 13, 8), wib(7, 13, 12))
    found = explain_used(CALENDAR, wib(7, 13, 8), wib(7, 13, 11), [pause])
    assert (found["seconds"], found["days"][0]["reason"]) == (0, "outside_hours")
    due = explain_due(CALENDAR, wib(7, 13, 8), 1, "hour", "working_minutes", 450, iter([pause]))
    assert due["due_at"] == "2026-07-13T14:00:00+07:00"
    assert due["seconds"] == due["limit_seconds"] == 3600


def test_due_time_of_nothing_is_the_start_itself() -> None:
    start = wib(7, 13, 8) + timedelta(microseconds=5)
    found = explain_due(CALENDAR, start, 0, "minute", "working_minutes")
    assert (found["due_at"], found["seconds"]) == ("2026-07-13T08:00:00+07:00", 0)
    assert due_at(CALENDAR, start, 0) == wib(7, 13, 8)


def test_interval_of_more_than_ten_years_is_refused() -> None:
    begin = wib(1, 1)
    with pytest.raises(InvalidInput) as caught:
        explain_used(CALENDAR, begin, begin + timedelta(days=3_701))
    assert caught.value.code == "interval_too_long"
    with pytest.raises(InvalidInput) as reversed_:
        explain_used(CALENDAR, begin, begin - timedelta(microseconds=1))
    assert reversed_.value.code == "interval_reversed"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-13T10:00", wib(3, 13, 10)),
        ("2026-03-13 10:00:00", wib(3, 13, 10)),
        ("2026-03-13T03:00Z", wib(3, 13, 10)),
        ("2026-03-13T12:30+09:30", wib(3, 13, 10)),
        ("2026-03-12T22:00-05:00", wib(3, 13, 10)),
        ("2026-03-13T10:00:00.999999", wib(3, 13, 10)),
    ],
)
def test_local_time_is_in_the_calendars_zone_when_it_names_none(text: str, moment: datetime) -> None:
    assert parse_local_time(text, 420) == moment
    assert parse_local_time("2026-03-13T03:00", 0) == datetime(2026, 3, 13, 3, tzinfo=UTC)


def test_limits_are_minutes_hours_or_days() -> None:
    assert [parse_limit(text) for text in ("30m", "2h", "1d", "0m")] == [
        (30, "minute"),
        (2, "hour"),
        (1, "day"),
        (0, "minute"),
    ]
    for text in ("", "m", "-1m", "1.5h", "1 d", "1M", "1234567m", "1d "):
        with pytest.raises(InvalidInput):
            parse_limit(text)


def test_edit_raises_the_version_and_touches_nothing_else() -> None:
    edited = edit_definition(SEED, [Change("set", "closed_days", CLOSED)])
    assert edited["version"] == SEED["version"] + 1
    assert {k: v for k, v in edited.items() if k not in ("version", "closed_days")} == {
        k: v for k, v in SEED.items() if k not in ("version", "closed_days")
    }
    assert [d["on"] for d in edited["closed_days"]] == sorted(d["on"] for d in edited["closed_days"])
    assert difference(SEED, edited) == [{"what": "added", "table": "closed_days", "before": None, "after": CLOSED}]
    back = edit_definition(edited, [Change("remove", "closed_days", {"on": "2026-07-13"})])
    assert difference(SEED, back) == []
    assert SEED["version"] == 1


def test_setting_a_day_that_is_there_mends_it() -> None:
    known = next(day for day in SEED["closed_days"] if day["on"] == "2027-01-01")
    mended = {**known, "status": "decreed", "decree": "SKB 1/2026, 2/2026, 3/2026"}
    edited = edit_definition(SEED, [Change("set", "closed_days", mended)])
    assert difference(SEED, edited) == [{"what": "changed", "table": "closed_days", "before": known, "after": mended}]
    assert len(edited["closed_days"]) == len(SEED["closed_days"])


def test_difference_names_fields_and_profiles() -> None:
    later = {**SEED, "version": 9, "title": "Lain", "profiles": SEED["profiles"][:-1]}
    found = difference(SEED, later)
    assert found[0]["what"] == "removed" and found[0]["table"] == "profiles"
    assert found[1] == {
        "what": "changed",
        "table": None,
        "before": {"title": SEED["title"]},
        "after": {"title": "Lain"},
    }
    assert len(found) == 2
