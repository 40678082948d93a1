"""Working time: the seed calendar against its sources, the counting rules as properties, and what is refused."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import holidays
import pytest
import workclock
from hypothesis import given
from hypothesis import strategies as st

import archive_service
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.sop import DAY_POLICIES as SOP_DAY_POLICIES
from archive_service.domain.working_time import (
    DAY_POLICIES,
    Calendar,
    OutOfCalendar,
    Rule,
    Session,
    SpecialPeriod,
    UnitDay,
    UnitShift,
    Used,
    day_seconds,
    due_at,
    for_unit,
    is_covered,
    limit_of,
    limit_seconds,
    rule_on,
    sessions_on,
    used_between,
)
from archive_service.errors import InvalidDefinition, InvalidInput, Problem

SEED_FILE = Path(archive_service.__file__).parent / "data" / "calendars" / "id-government.toml"
SEED: dict[str, Any] = tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))
CALENDAR = parse_calendar(SEED)
WIB = timezone(timedelta(hours=7))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECOND = timedelta(seconds=1)


def wib(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=WIB)


def floored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


# ---- calendars and instants to try


def small_calendar(**changes: Any) -> dict[str, Any]:
    """A calendar of one month, sound in itself; the days as text, as canonical bytes have them."""
    return {
        "schema": 1,
        "kind": "calendar",
        "key": "small",
        "version": 1,
        "title": "Kecil",
        "utc_offset_minutes": 420,
        "covers_from": "2026-06-01",
        "covers_to": "2026-06-30",
        "profiles": [
            {
                "key": "normal",
                "title": "Biasa",
                "valid_from": "2026-01-01",
                "decree": "A",
                "days": {name: [["08:00", "12:00"], ["13:00", "17:00"]] for name in WEEKDAYS[:5]},
            },
            {
                "key": "short",
                "title": "Pendek",
                "valid_from": "2026-01-01",
                "valid_to": "2026-12-31",
                "decree": "B",
                "days": {name: [["09:00", "12:00"]] for name in WEEKDAYS[:5]},
            },
        ],
        "special_periods": [
            {
                "title": "Pekan pendek",
                "from": "2026-06-15",
                "to": "2026-06-19",
                "profile": "short",
                "decree": "C",
                "status": "decreed",
            }
        ],
        "closed_days": [
            {"on": "2026-06-01", "title": "Pancasila", "kind": "national", "decree": "D", "status": "decreed"},
            {"on": "2026-06-16", "title": "Muharam", "kind": "national", "decree": "D", "status": "decreed"},
        ],
        **changes,
    }


UNIT, OTHER_UNIT = "0190a0b0c0d07000800000000000000a", "0190a0b0c0d07000800000000000000b"


def unit_calendar() -> dict[str, Any]:
    """The small calendar with days and a shift of two units, on a holiday and in the special period among others."""
    own = {"unit": UNIT, "title": "Piket", "decree": "E", "status": "decreed"}
    return small_calendar(
        unit_days=[
            {**own, "on": "2026-06-16", "sessions": [["10:00", "11:00"]]},
            {**own, "on": "2026-06-10", "title": "Wisuda", "sessions": []},
            {**own, "on": "2026-06-20", "sessions": [["08:00", "10:00"], ["10:00", "12:30"]]},
            {**own, "on": "2026-06-10", "unit": OTHER_UNIT, "sessions": [["08:00", "09:00"]]},
        ],
        unit_shifts=[
            {**own, "title": "Sore", "from": "2026-06-17", "to": "2026-06-18", "profile": "normal"},
            {
                **own,
                "title": "Pagi",
                "from": "2026-06-01",
                "to": "2026-06-02",
                "profile": "early",
                "status": "estimated",
            },
            {**own, "unit": OTHER_UNIT, "from": "2026-06-18", "to": "2026-06-18", "profile": "early"},
        ],
        profiles=[*small_calendar()["profiles"], early_profile()],
    )


def early_profile() -> dict[str, Any]:
    """Hours that only a period or a shift brings in."""
    return {
        "key": "early",
        "title": "Pagi",
        "valid_from": "2026-01-01",
        "decree": "F",
        "named_only": True,
        "days": {name: [["06:00", "10:00"]] for name in WEEKDAYS},
    }


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[list[str]]]:
    """Sessions of some weekdays, by the minute, touching ones and ends at 24:00 among them."""
    days: dict[str, list[list[str]]] = {}
    for name in sorted(draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))):
        edges = sorted(draw(st.sets(st.sampled_from([0, 1440]) | st.integers(0, 1440), min_size=2, max_size=6)))
        touching, apart = pairwise(edges), zip(edges[::2], edges[1::2], strict=False)
        pairs = list(touching if draw(st.booleans()) else apart)
        days[name] = [[clock(start), clock(end)] for start, end in pairs]
    return days


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Sound calendars of one month with random hours, a special period and closed days."""
    mapping = small_calendar(utc_offset_minutes=draw(st.integers(-720, 840)))
    for profile in mapping["profiles"]:
        profile["days"] = draw(weeks())
    first, last = sorted(draw(st.tuples(st.integers(1, 30), st.integers(1, 30))))
    mapping["special_periods"][0].update({"from": f"2026-06-{first:02}", "to": f"2026-06-{last:02}"})
    closed = mapping["closed_days"][0]
    mapping["closed_days"] = [
        {**closed, "on": f"2026-06-{day:02}"} for day in sorted(draw(st.sets(st.integers(1, 30), max_size=8)))
    ]
    return mapping


def bounds(calendar: Calendar) -> tuple[datetime, datetime]:
    """The first and the last instant that the calendar answers for."""
    zone = timezone(timedelta(minutes=calendar.utc_offset_minutes))
    first = datetime.combine(calendar.covers_from, time(), zone)
    return first, datetime.combine(calendar.covers_to, time(), zone) + timedelta(days=1)


@st.composite
def instants(draw: st.DrawFn, calendar: Calendar) -> datetime:
    """A covered instant in UTC, often within a second of where a session begins or ends."""
    first, last = bounds(calendar)
    span = last - first
    if draw(st.booleans()):
        moment = first + timedelta(microseconds=draw(st.integers(0, span // timedelta(microseconds=1))))
    else:
        day = draw(st.integers(0, span.days - 1))
        sessions = calendar.day_sessions[day]
        edges = [0, *(second for session in sessions for second in session)]
        nudge = draw(st.sampled_from([-1_000_000, -1, 0, 1, 999_999, 1_000_000]))
        moment = first + timedelta(days=day, seconds=draw(st.sampled_from(edges)), microseconds=nudge)
    return min(max(moment, first), last).astimezone(UTC)


@st.composite
def cases(draw: st.DrawFn, count: int) -> tuple[Calendar, list[datetime]]:
    """The seed or a random calendar, and some instants in order."""
    calendar = parse_calendar(draw(definitions())) if draw(st.booleans()) else CALENDAR
    return calendar, sorted(draw(instants(calendar)) for _ in range(count))


# ---- the known case, and what a week comes to


def test_known_case_of_a_letter_that_waits_over_idulfitri() -> None:
    used = used_between(CALENDAR, wib(2026, 3, 13, 10), wib(2026, 3, 25, 10))
    assert used.seconds == 1200 * 60
    assert used.by_day == (
        ("2026-03-13", 270 * 60),
        ("2026-03-16", 390 * 60),
        ("2026-03-17", 390 * 60),
        ("2026-03-25", 150 * 60),
    )
    assert due_at(CALENDAR, wib(2026, 3, 13, 10), 1200 * 60) == wib(2026, 3, 25, 10)


def week_minutes(monday: date) -> list[int]:
    return [day_seconds(CALENDAR, monday + timedelta(days=n)) // 60 for n in range(7)]


@pytest.mark.parametrize(
    "monday",
    [
        date(2022, 7, 4),
        date(2023, 2, 27),
        date(2024, 7, 15),
        date(2025, 7, 7),
        date(2026, 2, 2),
        date(2026, 7, 6),
        date(2027, 7, 5),
    ],
)
def test_ordinary_week_has_37_and_a_half_hours(monday: date) -> None:
    assert week_minutes(monday) == [450, 450, 450, 450, 450, 0, 0]
    assert sum(week_minutes(monday)) == 37 * 60 + 30


@pytest.mark.parametrize(
    "monday",
    [
        date(2022, 4, 4),
        date(2023, 3, 27),
        date(2023, 4, 10),
        date(2024, 3, 18),
        date(2025, 3, 3),
        date(2026, 2, 23),
        date(2027, 2, 15),
    ],
)
def test_ramadan_week_has_32_and_a_half_hours(monday: date) -> None:
    assert week_minutes(monday) == [390, 390, 390, 390, 390, 0, 0]
    assert sum(week_minutes(monday)) == 32 * 60 + 30


def test_hours_of_a_day_are_those_of_its_profile() -> None:
    def hours(day: date) -> list[tuple[str, str]]:
        return [(clock(s.start_seconds // 60), clock(s.end_seconds // 60)) for s in sessions_on(CALENDAR, day)]

    assert hours(date(2026, 2, 12)) == [("07:30", "12:00"), ("13:00", "16:00")]
    assert hours(date(2026, 2, 13)) == [("07:30", "11:30"), ("13:00", "16:30")]
    assert hours(date(2026, 2, 19)) == [("08:00", "12:00"), ("12:30", "15:00")]
    assert hours(date(2026, 2, 20)) == [("08:00", "11:30"), ("12:30", "15:30")]
    assert hours(date(2026, 2, 14)) == []
    assert hours(date(2026, 2, 16)) == []


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2022, 4, 3), date(2022, 5, 1)),
        (date(2023, 3, 23), date(2023, 4, 21)),
        (date(2024, 3, 12), date(2024, 4, 9)),
        (date(2025, 3, 1), date(2025, 3, 30)),
        (date(2026, 2, 19), date(2026, 3, 20)),
        (date(2027, 2, 8), date(2027, 3, 9)),
    ],
)
def test_ramadan_hours_hold_from_the_first_to_the_last_day_of_the_month(first: date, last: date) -> None:
    whole_days = [date(first.year, 1, 1) + timedelta(days=n) for n in range(365)]
    short = [day for day in whole_days if day_seconds(CALENDAR, day) == 390 * 60]
    opened = [day for day in whole_days if day_seconds(CALENDAR, day) > 0]
    assert short == [day for day in opened if first <= day <= last]
    assert (last - first).days in (28, 29)


def test_hours_have_the_rule_that_was_in_force_on_their_date() -> None:
    def said(*day: int) -> tuple[str | None, str]:
        rule = rule_on(CALENDAR, date(*day))
        return rule.profile, rule.decree

    assert said(2022, 7, 1) == ("normal-1995", "Keppres 68/1995 pasal 1")
    assert said(2022, 4, 4)[0] == "ramadan-1995"
    assert [said(2023, 4, day)[0] for day in (11, 12)] == ["ramadan-1995", "ramadan"]
    assert said(2023, 4, 26) == ("normal", "Perpres 21/2023 pasal 4")
    assert sessions_on(CALENDAR, date(2023, 4, 11)) == sessions_on(CALENDAR, date(2023, 4, 12))


def test_day_seconds_are_those_of_its_sessions() -> None:
    days = [CALENDAR.covers_from + timedelta(days=n) for n in range(len(CALENDAR.day_sessions))]
    assert days[-1] == CALENDAR.covers_to
    assert [day_seconds(CALENDAR, d) for d in days] == [sum(s.seconds for s in sessions_on(CALENDAR, d)) for d in days]


# ---- the seed against its sources


def closed_in(year: int) -> set[tuple[date, str]]:
    return {(day.on, day.kind) for day in CALENDAR.closed_days if day.on.year == year}


def closed_in_library(year: int) -> set[tuple[date, str]]:
    found = set()
    for category, kind in [("public", "national"), ("government", "joint_leave")]:
        found |= {(day, kind) for day in holidays.country_holidays("ID", years=year, categories=(category,))}
    return found


# Where the seed and the library differ, with the reason; the decree decides.
EXPLAINED_DIFFERENCES: dict[tuple[date, str], str] = {
    (date(2022, 7, 9), "national"): "Iduladha as decreed; a Saturday",
    (date(2022, 7, 10), "national"): "Iduladha as it was kept after the isbat session; a Sunday",
}


@pytest.mark.parametrize("year", [2022, 2023, 2024, 2025, 2026])
def test_decreed_days_agree_with_the_holidays_library(year: int) -> None:
    differences = closed_in(year) ^ closed_in_library(year)
    assert differences == {each for each in EXPLAINED_DIFFERENCES if each[0].year == year}


def test_estimated_days_of_2027_are_the_seed_of_the_holidays_library() -> None:
    assert closed_in(2027) == closed_in_library(2027)


# 2024 has two election days beside the decree's 17.
@pytest.mark.parametrize(
    ("year", "national", "joint_leave"), [(2022, 16, 4), (2023, 16, 11), (2024, 19, 10), (2025, 17, 11), (2026, 17, 8)]
)
def test_number_of_closed_days_is_that_of_the_decree(year: int, national: int, joint_leave: int) -> None:
    kinds = [kind for _, kind in closed_in(year)]
    assert (kinds.count("national"), kinds.count("joint_leave")) == (national, joint_leave)


def test_days_until_2026_name_their_decree_and_those_of_2027_are_estimated() -> None:
    decrees = {day.on: day.decree for day in CALENDAR.closed_days}
    assert decrees[date(2022, 5, 2)] == "SKB 963/2021, 3/2021, 4/2021"
    assert decrees[date(2022, 4, 29)] == "SKB 375/2022, 1/2022, 1/2022"
    assert decrees[date(2023, 1, 23)] == "SKB 1066/2022, 3/2022, 3/2022"
    assert decrees[date(2023, 4, 19)] == "Perubahan SKB 1066/2022, 3/2022, 3/2022 (Maret 2023); Keppres 8/2023"
    assert decrees[date(2023, 6, 30)] == "SKB 624/2023, 2/2023, 2/2023"
    assert (decrees[date(2024, 2, 14)], decrees[date(2024, 11, 27)]) == ("Keppres 10/2024", "Keppres 33/2024")
    for day in CALENDAR.closed_days:
        assert day.status == ("estimated" if day.on.year == 2027 else "decreed")
        if day.on.year == 2024 and day.on not in (date(2024, 2, 14), date(2024, 11, 27)):
            assert day.decree == "SKB 855/2023, 3/2023, 4/2023"
        if day.on == date(2025, 8, 18):
            assert (day.kind, day.decree) == ("joint_leave", "SKB 933/2025, 1/2025, 3/2025")
        elif day.on.year == 2025:
            assert day.decree == "SKB 1017/2024, 2/2024, 2/2024"
        elif day.on.year == 2026:
            assert day.decree == "SKB 1497/2025, 2/2025, 5/2025"
    assert [period.status for period in CALENDAR.special_periods] == ["decreed"] * 6 + ["estimated"]


def test_joint_leave_never_falls_on_a_weekend_in_the_seed() -> None:
    assert [d for d in CALENDAR.closed_days if d.kind == "joint_leave" and d.on.weekday() > 4] == []


def test_seed_is_what_it_says() -> None:
    assert (CALENDAR.key, CALENDAR.version, CALENDAR.utc_offset_minutes) == ("id-government", 1, 420)
    assert (CALENDAR.covers_from, CALENDAR.covers_to) == (date(2022, 1, 1), date(2027, 12, 31))


def test_canonical_text_and_toml_give_the_same_calendar() -> None:
    again = parse_calendar(json.loads(json.dumps(SEED, default=date.isoformat)))
    assert again == CALENDAR
    assert again.day_sessions == CALENDAR.day_sessions


# ---- how time is counted: properties


@given(cases(3))
def test_used_time_is_additive(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (first, middle, last) = case
    whole = used_between(calendar, first, last)
    parts = (used_between(calendar, first, middle), used_between(calendar, middle, last))
    assert parts[0].seconds + parts[1].seconds == whole.seconds
    days: dict[str, int] = {}
    for day, seconds in parts[0].by_day + parts[1].by_day:
        days[day] = days.get(day, 0) + seconds
    assert tuple(days.items()) == whole.by_day


@given(cases(4))
def test_longer_interval_never_uses_less(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (first, second, third, last) = case
    inner, outer = used_between(calendar, second, third), used_between(calendar, first, last)
    assert 0 <= inner.seconds <= outer.seconds
    assert inner.seconds <= (floored(third) - floored(second)) // SECOND


@given(cases(2))
def test_days_sum_to_the_seconds_used(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (first, last) = case
    used = used_between(calendar, first, last)
    assert sum(seconds for _, seconds in used.by_day) == used.seconds
    assert [day for day, _ in used.by_day] == sorted({day for day, _ in used.by_day})
    for day, seconds in used.by_day:
        assert 0 < seconds <= day_seconds(calendar, date.fromisoformat(day))


@given(cases(2), st.data())
def test_due_time_and_used_time_are_inverses(case: tuple[Calendar, list[datetime]], data: st.DataObject) -> None:
    calendar, (start, finish) = case
    available = used_between(calendar, start, bounds(calendar)[1]).seconds
    limit = data.draw(st.integers(0, available))
    due = due_at(calendar, start, limit)
    assert due.tzinfo is UTC
    assert used_between(calendar, start, due).seconds == limit
    if limit:
        assert used_between(calendar, start, due - SECOND).seconds == limit - 1
    else:
        assert due == floored(start)
    # Whatever the finish: the limit is reached if and only if it is not before the due second.
    assert (used_between(calendar, start, finish).seconds >= limit) == (floored(finish) >= due)


@given(cases(2))
def test_due_time_of_the_time_used_is_not_after_the_finish(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (start, finish) = case
    due = due_at(calendar, start, used_between(calendar, start, finish).seconds)
    assert due <= floored(finish)
    assert used_between(calendar, due, finish).seconds == 0


# A machine may lack the time zone database; the offsets below need none.
NAMED_ZONES = {"Asia/Jakarta", "Asia/Jayapura", "America/New_York", "Europe/Berlin"} & available_timezones()
zones = st.one_of(
    st.sampled_from([UTC, *(ZoneInfo(name) for name in sorted(NAMED_ZONES))]),
    st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone),
)


@given(cases(2), zones, zones, st.integers(0, 10**6))
def test_zone_in_which_an_instant_is_given_changes_nothing(
    case: tuple[Calendar, list[datetime]], zone: timezone, other: timezone, limit: int
) -> None:
    calendar, (start, finish) = case
    expected = used_between(calendar, start, finish)
    assert used_between(calendar, start.astimezone(zone), finish.astimezone(other)) == expected
    limit = min(limit, expected.seconds)
    assert due_at(calendar, start.astimezone(zone), limit) == due_at(calendar, start, limit)
    assert is_covered(calendar, start.astimezone(zone), finish.astimezone(other))


@given(cases(2))
def test_microseconds_do_not_count(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (start, finish) = case
    assert used_between(calendar, start, finish) == used_between(calendar, floored(start), floored(finish))


@given(cases(2))
def test_finish_that_is_not_after_the_start_uses_nothing(case: tuple[Calendar, list[datetime]]) -> None:
    calendar, (first, last) = case
    assert used_between(calendar, last, first) == Used(0, ())
    assert used_between(calendar, first, first) == Used(0, ())


# ---- pauses


@st.composite
def pauses(draw: st.DrawFn, calendar: Calendar) -> list[tuple[datetime, datetime]]:
    """Up to five stretches, in any order, overlapping, touching, turned round, or outside the calendar."""
    first, last = bounds(calendar)
    moments = [draw(instants(calendar)) for _ in range(draw(st.integers(0, 4)))]
    moments += draw(st.lists(st.sampled_from([first - timedelta(days=3), last + timedelta(days=3)]), max_size=2))
    return [(draw(st.sampled_from(moments)), draw(st.sampled_from(moments))) for _ in range(min(5, len(moments)))]


def count_between_edges(
    calendar: Calendar, start: datetime, finish: datetime, without: list[tuple[datetime, datetime]]
) -> dict[str, int]:
    """What is worked in those pieces between all edges that no pause covers."""
    start, finish = floored(start), floored(finish)
    stretches = [(floored(begin), floored(end)) for begin, end in without]
    edges = sorted({start, finish, *(e for pair in stretches for e in pair if start < e < finish)})
    days: dict[str, int] = {}
    for low, high in pairwise(edges):
        if not any(begin <= low and high <= end for begin, end in stretches):
            for day, seconds in used_between(calendar, low, high).by_day:
                days[day] = days.get(day, 0) + seconds
    return days


@given(cases(2), st.data())
def test_paused_time_does_not_count_however_often_it_is_named(
    case: tuple[Calendar, list[datetime]], data: st.DataObject
) -> None:
    calendar, (start, finish) = case
    without = data.draw(pauses(calendar))
    used = used_between(calendar, start, finish, without)
    assert dict(used.by_day) == count_between_edges(calendar, start, finish, without)
    assert [day for day, _ in used.by_day] == sorted(dict(used.by_day))
    assert used.seconds == sum(dict(used.by_day).values())
    assert used == used_between(calendar, start, finish, iter([*reversed(without), *without]))
    assert used.seconds <= used_between(calendar, start, finish).seconds


@given(cases(3), st.data())
def test_used_time_with_pauses_is_additive(case: tuple[Calendar, list[datetime]], data: st.DataObject) -> None:
    calendar, (first, middle, last) = case
    without = data.draw(pauses(calendar))
    parts = (used_between(calendar, first, middle, without), used_between(calendar, middle, last, without))
    assert parts[0].seconds + parts[1].seconds == used_between(calendar, first, last, without).seconds


@given(cases(2), st.data())
def test_due_time_with_pauses_is_the_inverse_of_the_used_time(
    case: tuple[Calendar, list[datetime]], data: st.DataObject
) -> None:
    calendar, (start, finish) = case
    without = data.draw(pauses(calendar))
    limit = data.draw(st.integers(0, used_between(calendar, start, bounds(calendar)[1], without).seconds))
    due = due_at(calendar, start, limit, without)
    assert used_between(calendar, start, due, without).seconds == limit
    if limit:
        assert used_between(calendar, start, due - SECOND, without).seconds == limit - 1
    else:
        assert due == floored(start)
    assert due >= due_at(calendar, start, limit)
    assert (used_between(calendar, start, finish, without).seconds >= limit) == (floored(finish) >= due)


def test_pause_takes_its_own_working_time_and_no_more() -> None:
    friday, noon = wib(2026, 7, 10, 8), wib(2026, 7, 10, 13)
    whole = used_between(CALENDAR, friday, wib(2026, 7, 13, 8))
    assert whole.by_day == (("2026-07-10", 7 * 3600), ("2026-07-13", 1800))
    night = (wib(2026, 7, 10, 16, 30), wib(2026, 7, 13, 7, 30))
    assert used_between(CALENDAR, friday, wib(2026, 7, 13, 8), [night]) == whole
    late_friday = (wib(2026, 7, 10, 16, 29, 59), wib(2026, 7, 13, 7, 30, 1))
    assert used_between(CALENDAR, friday, wib(2026, 7, 13, 8), [late_friday]).by_day == (
        ("2026-07-10", 7 * 3600 - 1),
        ("2026-07-13", 1799),
    )
    all_friday = (wib(2026, 7, 9), wib(2026, 7, 11))
    assert used_between(CALENDAR, friday, wib(2026, 7, 13, 8), [all_friday]).by_day == (("2026-07-13", 1800),)
    # Two pauses of one morning: what lies between them counts.
    pair = [(wib(2026, 7, 10, 9), wib(2026, 7, 10, 10)), (wib(2026, 7, 10, 8, 30), wib(2026, 7, 10, 8, 45))]
    assert used_between(CALENDAR, friday, noon, pair).by_day == (("2026-07-10", (210 - 75) * 60),)


def test_due_time_waits_for_the_end_of_a_pause() -> None:
    friday = wib(2026, 7, 10, 8)
    pause = (wib(2026, 7, 10, 9), wib(2026, 7, 10, 10))
    assert due_at(CALENDAR, friday, 3600, [pause]) == wib(2026, 7, 10, 9)
    assert due_at(CALENDAR, friday, 3601, [pause]) == wib(2026, 7, 10, 10, 0, 1)
    assert due_at(CALENDAR, wib(2026, 7, 10, 9, 30), 1, [pause]) == wib(2026, 7, 10, 10, 0, 1)
    assert due_at(CALENDAR, wib(2026, 7, 10, 9, 30), 0, [pause]) == wib(2026, 7, 10, 9, 30)
    for_good = (wib(2026, 7, 10, 9), LAST + timedelta(days=400))
    assert due_at(CALENDAR, friday, 3600, [for_good]) == wib(2026, 7, 10, 9)
    with pytest.raises(OutOfCalendar, match="The end of 3601 working seconds after 2026-07-10T08:00:00"):
        due_at(CALENDAR, friday, 3601, [for_good])


def test_pause_that_ends_before_it_begins_takes_nothing_away() -> None:
    start, finish = wib(2026, 7, 10, 8), wib(2026, 7, 10, 11)
    assert used_between(CALENDAR, start, finish, [(finish, start)]).seconds == 3 * 3600
    assert used_between(CALENDAR, start, finish, [(start, start + SECOND)]).seconds == 3 * 3600 - 1
    assert used_between(CALENDAR, start, finish, [(start, start)]).seconds == 3 * 3600


def test_pause_without_zone_is_refused() -> None:
    naive = datetime(2026, 7, 10, 8)  # noqa: DTZ001
    for pause in [(naive, wib(2026, 7, 11)), (wib(2026, 7, 9), naive)]:
        with pytest.raises(InvalidInput, match="Give it a zone"):
            used_between(CALENDAR, wib(2026, 7, 10), wib(2026, 7, 11), [pause])
        with pytest.raises(InvalidInput, match="Give it a zone"):
            due_at(CALENDAR, wib(2026, 7, 10), 1, [pause])


# ---- what "1 hari" is


@pytest.mark.parametrize("policy", DAY_POLICIES)
def test_minutes_and_hours_are_the_same_under_every_policy(policy: str) -> None:
    start = wib(2026, 3, 13, 10)
    assert limit_of(CALENDAR, start, 30, "minute", policy, 450) == 1800
    assert limit_of(CALENDAR, start, 2, "hour", policy, 450) == 7200
    assert limit_of(CALENDAR, start, 0, "day", policy, 450) == 0


@pytest.mark.parametrize(
    ("start", "amount", "minutes"),
    [
        # Friday 13 March 2026 in Ramadan: 390 a day, then joint leave, Nyepi, Idulfitri until 24 March, then 450.
        (wib(2026, 3, 13), 1, 390),
        (wib(2026, 3, 13, 15, 29, 59), 1, 390),
        (wib(2026, 3, 13, 15, 30), 1, 390),
        (wib(2026, 3, 17, 14, 59, 59), 1, 390),
        (wib(2026, 3, 17, 15), 1, 450),
        (wib(2026, 3, 18, 9), 1, 450),
        (wib(2026, 3, 17, 14, 59, 59), 2, 840),
        (wib(2026, 3, 13, 15, 29), 4, 390 * 3 + 450),
        (wib(2026, 3, 13, 15, 30), 4, 390 * 2 + 900),
        (wib(2026, 3, 14, 9), 3, 390 * 2 + 450),
    ],
)
def test_own_day_minutes_are_those_of_the_days_on_which_work_is_left(
    start: datetime, amount: int, minutes: int
) -> None:
    assert limit_of(CALENDAR, start, amount, "day", "own_day_minutes", 450) == minutes * 60


@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        (wib(2026, 3, 13, 10), 1, wib(2026, 3, 16, 15)),
        (wib(2026, 3, 13), 1, wib(2026, 3, 16, 15)),
        (wib(2026, 3, 13, 23, 59, 59), 1, wib(2026, 3, 16, 15)),
        (wib(2026, 3, 14, 12), 1, wib(2026, 3, 16, 15)),
        (wib(2026, 3, 15, 23, 59, 59), 1, wib(2026, 3, 16, 15)),
        (wib(2026, 3, 16), 1, wib(2026, 3, 17, 15)),
        (wib(2026, 3, 16, 14), 2, wib(2026, 3, 25, 16)),
        (wib(2026, 3, 17, 14), 3, wib(2026, 3, 27, 16, 30)),
    ],
)
def test_end_of_next_working_day_is_where_its_last_session_ends(start: datetime, amount: int, due: datetime) -> None:
    limit = limit_of(CALENDAR, start, amount, "day", "end_of_next_working_day", 450)
    assert limit == used_between(CALENDAR, start, due).seconds
    assert due_at(CALENDAR, start, limit) == due


def test_days_in_working_minutes_are_as_long_as_the_rules_say() -> None:
    assert limit_of(CALENDAR, wib(2026, 3, 13, 10), 2, "day", "working_minutes", 450) == 900 * 60
    # It is no question to the calendar, so one that ends is no matter.
    assert limit_of(CALENDAR, LAST, 2, "day", "working_minutes", 390) == 780 * 60


@given(cases(1), st.integers(1, 4))
def test_limits_in_days_are_as_a_walk_over_the_days_finds_them(
    case: tuple[Calendar, list[datetime]], amount: int
) -> None:
    calendar, (start,) = case
    zone = timezone(timedelta(minutes=calendar.utc_offset_minutes))
    today = floored(start).astimezone(zone).date()
    days = [calendar.covers_from + timedelta(days=n) for n in range(len(calendar.day_sessions))]
    worked = [day for day in days if day_seconds(calendar, day)]
    ends = {
        day: datetime.combine(day, time(), zone) + timedelta(seconds=sessions_on(calendar, day)[-1].end_seconds)
        for day in worked
    }
    own = [day for day in worked if ends[day] > floored(start)][:amount]
    following = [day for day in worked if day > today][:amount]
    for policy, chosen in [("own_day_minutes", own), ("end_of_next_working_day", following)]:
        if len(chosen) < amount:
            with pytest.raises(OutOfCalendar, match=f"The end of {amount} working days"):
                limit_of(calendar, start, amount, "day", policy, 450)
            continue
        limit = limit_of(calendar, start, amount, "day", policy, 450)
        if policy == "own_day_minutes":
            assert limit == sum(day_seconds(calendar, day) for day in chosen)
        else:
            assert limit == used_between(calendar, start, ends[chosen[-1]]).seconds


def test_days_after_the_end_of_the_calendar_are_refused() -> None:
    last_day = wib(2027, 12, 31, 16, 29, 59)
    assert limit_of(CALENDAR, last_day, 1, "day", "own_day_minutes", 450) == 450 * 60
    for start, amount, policy in [
        (last_day, 2, "own_day_minutes"),
        (last_day + SECOND, 1, "own_day_minutes"),
        (last_day, 1, "end_of_next_working_day"),
        (LAST, 1, "own_day_minutes"),
        (LAST, 1, "end_of_next_working_day"),
        (LAST + SECOND, 1, "own_day_minutes"),
    ]:
        with pytest.raises(OutOfCalendar):
            limit_of(CALENDAR, start, amount, "day", policy, 450)


@pytest.mark.parametrize(
    ("amount", "unit", "policy", "code"),
    [
        (1, "day", "calendar_days", "policy_unknown"),
        (1, "minute", "calendar_days", "policy_unknown"),
        (1, "week", "own_day_minutes", "unit_unknown"),
        (-1, "day", "own_day_minutes", "limit_negative"),
        (-1, "hour", "end_of_next_working_day", "limit_negative"),
    ],
)
def test_limit_that_means_nothing_is_refused(amount: int, unit: str, policy: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        limit_of(CALENDAR, wib(2026, 7, 10, 8), amount, unit, policy, 450)
    assert caught.value.code == code
    if code == "policy_unknown":
        assert caught.value.params == {"policy": "calendar_days"}
        assert 'not "calendar_days"' in str(caught.value)
        assert "working_minutes, own_day_minutes, end_of_next_working_day" in str(caught.value)


# ---- the calendar of one work unit


def hours_of(calendar: Calendar, day: int) -> list[str]:
    return [
        f"{clock(s.start_seconds // 60)}-{clock(s.end_seconds // 60)}"
        for s in sessions_on(calendar, date(2026, 6, day))
    ]


def test_rules_of_a_unit_are_laid_over_those_of_all() -> None:
    calendar = parse_calendar(unit_calendar())
    own = for_unit(calendar, UNIT)
    assert hours_of(own, 1) == []  # a national holiday closes a shift
    assert hours_of(own, 2) == ["06:00-10:00"]
    assert hours_of(own, 3) == ["08:00-12:00", "13:00-17:00"]
    assert hours_of(own, 10) == []
    assert hours_of(own, 15) == ["09:00-12:00"]
    assert hours_of(own, 16) == ["10:00-11:00"]  # its own day opens on a national holiday
    assert hours_of(own, 17) == ["08:00-12:00", "13:00-17:00"]  # its shift hides the special period
    assert hours_of(own, 18) == ["08:00-12:00", "13:00-17:00"]
    assert hours_of(own, 19) == ["09:00-12:00"]
    assert hours_of(own, 20) == ["08:00-10:00", "10:00-12:30"]
    other = for_unit(calendar, OTHER_UNIT)
    assert [hours_of(other, day) for day in (2, 10, 16, 18)] == [
        ["08:00-12:00", "13:00-17:00"],
        ["08:00-09:00"],
        [],
        ["06:00-10:00"],
    ]
    without = small_calendar()
    assert calendar.day_sessions == parse_calendar(without).day_sessions
    assert used_between(own, wib(2026, 6, 16), wib(2026, 6, 17)) == Used(3600, (("2026-06-16", 3600),))
    assert used_between(calendar, wib(2026, 6, 16), wib(2026, 6, 17)) == Used(0, ())
    assert own.seconds_before[-1] == sum(s.seconds for sessions in own.day_sessions for s in sessions)
    assert own.seconds_before[0] == 0


def test_calendar_of_a_unit_is_made_once_and_keeps_its_name() -> None:
    calendar = parse_calendar(unit_calendar())
    own = for_unit(calendar, UNIT)
    assert (own.key, own.version, own.work_unit, calendar.work_unit) == ("small", 1, UNIT, None)
    assert own != calendar
    assert for_unit(calendar, UNIT) is own
    assert for_unit(own, UNIT) is own
    assert for_unit(own, OTHER_UNIT) is for_unit(calendar, OTHER_UNIT)
    assert for_unit(own, OTHER_UNIT).work_unit == OTHER_UNIT
    for without in ("f" * 32, ""):
        assert for_unit(calendar, without) is calendar
        assert for_unit(own, without) is calendar
    assert for_unit(CALENDAR, UNIT) is CALENDAR


def test_what_a_definition_says_of_units_is_kept() -> None:
    calendar = parse_calendar(unit_calendar())
    assert calendar.unit_days[1] == UnitDay(UNIT, date(2026, 6, 10), "Wisuda", "E", "decreed", ())
    assert calendar.unit_shifts[1] == UnitShift(
        UNIT, "Pagi", date(2026, 6, 1), date(2026, 6, 2), "early", "E", "estimated"
    )
    assert calendar.special_periods == (
        SpecialPeriod("Pekan pendek", date(2026, 6, 15), date(2026, 6, 19), "short", "C", "decreed"),
    )
    assert [profile.named_only for profile in calendar.profiles] == [False, False, True]


def test_rule_of_a_day_names_what_its_hours_follow_from() -> None:
    calendar = parse_calendar(unit_calendar())
    own = for_unit(calendar, UNIT)
    said = {day: rule_on(own, date(2026, 6, day)) for day in (1, 2, 3, 10, 15, 16, 17, 18, 19, 20, 21)}
    assert said == {
        1: Rule("closed_day", "Pancasila", "D", "decreed", None),
        2: Rule("unit_shift", "Pagi", "E", "estimated", "early"),
        3: Rule("ordinary", "Biasa", "A", "decreed", "normal"),
        10: Rule("unit_day", "Wisuda", "E", "decreed", None),
        15: Rule("special_period", "Pekan pendek", "C", "decreed", "short"),
        16: Rule("unit_day", "Piket", "E", "decreed", None),
        17: Rule("unit_shift", "Sore", "E", "decreed", "normal"),
        18: Rule("unit_shift", "Sore", "E", "decreed", "normal"),
        19: Rule("special_period", "Pekan pendek", "C", "decreed", "short"),
        20: Rule("unit_day", "Piket", "E", "decreed", None),
        21: Rule("ordinary", "Biasa", "A", "decreed", "normal"),
    }
    assert {day: rule_on(calendar, date(2026, 6, day)).kind for day in (2, 10, 16, 17, 20)} == {
        2: "ordinary",
        10: "ordinary",
        16: "closed_day",
        17: "special_period",
        20: "ordinary",
    }
    for day in (date(2026, 5, 31), date(2026, 7, 1)):
        with pytest.raises(OutOfCalendar):
            rule_on(calendar, day)


def test_rule_of_a_day_names_all_its_feasts() -> None:
    mapping = small_calendar()
    mapping["closed_days"].append({**mapping["closed_days"][0], "title": "Waisak", "status": "estimated"})
    mapping["closed_days"].append({**mapping["closed_days"][0], "title": "Cuti", "decree": "E"})
    assert rule_on(parse_calendar(mapping), date(2026, 6, 1)) == Rule(
        "closed_day", "Pancasila; Waisak; Cuti", "D; E", "decreed", None
    )


def test_rule_of_a_day_is_the_profile_that_was_valid() -> None:
    mapping = small_calendar()
    later = {**copy.deepcopy(mapping["profiles"][0]), "key": "later", "valid_from": "2026-06-10"}
    mapping["profiles"][0]["valid_to"] = "2026-06-09"
    mapping["profiles"].append(later)
    calendar = parse_calendar(mapping)
    assert [rule_on(calendar, date(2026, 6, day)).profile for day in (9, 10)] == ["normal", "later"]


@st.composite
def unit_definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Sound calendars with a unit's shift and own days anywhere."""
    mapping = draw(definitions())
    mapping["profiles"].append(early_profile())
    first, last = sorted(draw(st.tuples(st.integers(1, 30), st.integers(1, 30))))
    own = {"unit": UNIT, "title": "x", "decree": "y", "status": "decreed"}
    profile = draw(st.sampled_from(["normal", "short", "early"]))
    mapping["unit_shifts"] = [{**own, "from": f"2026-06-{first:02}", "to": f"2026-06-{last:02}", "profile": profile}]
    mapping["unit_days"] = [
        {**own, "on": f"2026-06-{day:02}", "sessions": draw(st.sampled_from([[], [["10:00", "11:30"]]]))}
        for day in draw(st.sets(st.integers(1, 30), max_size=5))
    ]
    return mapping


@given(unit_definitions())
def test_hours_of_a_unit_are_those_that_the_definition_says(mapping: dict[str, Any]) -> None:
    calendar = for_unit(parse_calendar(mapping), UNIT)
    days = {date.fromisoformat(own["on"]): own["sessions"] for own in mapping["unit_days"]}
    (shift,) = mapping["unit_shifts"]
    weeks_said = {profile["key"]: profile["days"] for profile in mapping["profiles"]}
    for number in range(1, 31):
        day = date(2026, 6, number)
        closed = any(str(each["on"]) == day.isoformat() for each in mapping["closed_days"])
        shifted = not closed and shift["from"] <= day.isoformat() <= shift["to"]
        said = weeks_said[shift["profile"]].get(WEEKDAYS[day.weekday()], []) if shifted else None
        expected = days.get(day, hours_said(mapping, day) if said is None else said)
        assert hours_of(calendar, number) == [f"{begin}-{end}" for begin, end in expected]


# ---- how time is counted: against other ways to count


def hours_said(mapping: dict[str, Any], day: date) -> list[list[str]]:
    """The sessions of a local date, straight from the definition's own words."""
    today = day.isoformat()
    if any(str(closed["on"]) == today for closed in mapping["closed_days"]):
        return []
    periods = mapping["special_periods"]
    named = [p["profile"] for p in periods if str(p["from"]) <= today <= str(p["to"])]
    special = {p["profile"] for p in periods} | {p["key"] for p in mapping["profiles"] if p.get("named_only")}
    (profile,) = [
        p
        for p in mapping["profiles"]
        if str(p["valid_from"]) <= today <= str(p.get("valid_to", today))
        and (p["key"] in named if named else p["key"] not in special)
    ]
    found: list[list[str]] = profile["days"].get(WEEKDAYS[day.weekday()], [])
    return found


def count_minute_by_minute(mapping: dict[str, Any], start: datetime, finish: datetime) -> dict[str, int]:
    """The working seconds of each date, asked minute by minute: sessions begin and end on one."""
    zone = timezone(timedelta(minutes=mapping["utc_offset_minutes"]))
    start, finish = floored(start).astimezone(zone), floored(finish).astimezone(zone)
    days: dict[str, int] = {}
    minute = start.replace(second=0)
    day, hours = minute.date(), hours_said(mapping, minute.date())
    while minute < finish:
        if minute.date() != day:
            day, hours = minute.date(), hours_said(mapping, minute.date())
        now = f"{minute:%H:%M}"
        if any(first <= now < last for first, last in hours):
            seconds = (min(finish, minute + timedelta(minutes=1)) - max(start, minute)) // SECOND
            # Nothing of a minute may be inside, when both ends are in the same second of it.
            if seconds:
                days[day.isoformat()] = days.get(day.isoformat(), 0) + seconds
        minute += timedelta(minutes=1)
    return days


def require_minute_count(mapping: dict[str, Any], calendar: Calendar, start: datetime, seconds: int) -> None:
    finish = min(start + timedelta(seconds=seconds), bounds(calendar)[1])
    used = used_between(calendar, start, finish)
    assert dict(used.by_day) == count_minute_by_minute(mapping, start, finish)


@given(st.data(), st.integers(0, 36 * 3600))
def test_random_calendar_counts_as_minute_by_minute(data: st.DataObject, seconds: int) -> None:
    mapping = data.draw(definitions())
    calendar = parse_calendar(mapping)
    require_minute_count(mapping, calendar, data.draw(instants(calendar)), seconds)


def closed_or_special_dates() -> list[date]:
    edges = [d for period in CALENDAR.special_periods for d in (period.first_on, period.last_on)]
    return sorted({*edges, *(closed.on for closed in CALENDAR.closed_days)})


@given(st.sampled_from(closed_or_special_dates()), st.integers(-86_400, 86_400), st.integers(0, 48 * 3600))
def test_seed_counts_as_minute_by_minute_around_closed_days(near: date, shift_seconds: int, seconds: int) -> None:
    start = datetime.combine(near, time(), WIB) + timedelta(seconds=shift_seconds)
    require_minute_count(SEED, CALENDAR, max(start, bounds(CALENDAR)[0]), seconds)


def oracle() -> workclock.Schedule:
    """The ordinary hours and all closed days; workclock knows no season with other hours, no unit and no pause."""
    long, short = range(4), [4]
    return workclock.Schedule(
        [
            workclock.WorkDay(time(7, 30), time(16), long),
            workclock.Break(time(12), time(13), long),
            workclock.WorkDay(time(7, 30), time(16, 30), short),
            workclock.Break(time(11, 30), time(13), short),
            workclock.Holidays([closed.on for closed in CALENDAR.closed_days]),
        ],
        time_zone="Asia/Jakarta",
    )


ORACLE = oracle()
WITHOUT_RAMADAN = [
    (wib(2022, 1, 1), wib(2022, 4, 3)),
    (wib(2022, 5, 2), wib(2023, 3, 23)),
    (wib(2023, 4, 22), wib(2024, 3, 12)),
    (wib(2024, 4, 10), wib(2025, 3, 1)),
    (wib(2025, 3, 31), wib(2026, 2, 19)),
    (wib(2026, 3, 21), wib(2027, 2, 8)),
    (wib(2027, 3, 10), wib(2028, 1, 1)),
]


@st.composite
def intervals_without_ramadan(draw: st.DrawFn) -> tuple[datetime, datetime]:
    first, last = draw(st.sampled_from(WITHOUT_RAMADAN))
    seconds = st.integers(0, (last - first) // SECOND)
    start, finish = sorted([draw(seconds), draw(seconds)])
    return first + timedelta(seconds=start), first + timedelta(seconds=finish)


@given(intervals_without_ramadan())
def test_workclock_counts_the_same_where_it_applies(interval: tuple[datetime, datetime]) -> None:
    start, finish = interval
    assert used_between(CALENDAR, start, finish).seconds == ORACLE.between(start, finish) // SECOND


@given(intervals_without_ramadan(), st.integers(1, 10**6))
def test_workclock_is_due_at_the_same_instant_where_it_applies(interval: tuple[datetime, datetime], limit: int) -> None:
    start, finish = interval
    limit = min(limit, used_between(CALENDAR, start, finish).seconds)
    if limit:
        assert due_at(CALENDAR, start, limit) == ORACLE.add(start, timedelta(seconds=limit))


# ---- single rules


def test_break_weekend_and_night_do_not_count() -> None:
    friday = wib(2026, 7, 10, 11, 29, 59)
    assert used_between(CALENDAR, friday, wib(2026, 7, 10, 13)).seconds == 1
    assert used_between(CALENDAR, wib(2026, 7, 10, 16, 30), wib(2026, 7, 13, 7, 30)) == Used(0, ())
    assert due_at(CALENDAR, friday, 1) == wib(2026, 7, 10, 11, 30)
    assert due_at(CALENDAR, friday, 2) == wib(2026, 7, 10, 13, 0, 1)


def test_due_time_stays_at_the_end_of_the_session_that_reaches_the_limit() -> None:
    assert due_at(CALENDAR, wib(2026, 7, 10, 15, 30), 3600) == wib(2026, 7, 10, 16, 30)
    assert due_at(CALENDAR, wib(2026, 7, 10, 15, 30), 3601) == wib(2026, 7, 13, 7, 30, 1)


def test_limit_of_zero_is_due_at_the_floored_start() -> None:
    start = wib(2026, 7, 11, 3) + timedelta(microseconds=999_999)
    assert due_at(CALENDAR, start, 0) == wib(2026, 7, 11, 3)


def test_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        due_at(CALENDAR, wib(2026, 7, 10, 8), -1)
    assert caught.value.code == "limit_negative"


def test_session_to_midnight_and_one_from_it_are_one_night_shift() -> None:
    mapping = small_calendar(special_periods=[], closed_days=[])
    mapping["profiles"] = mapping["profiles"][:1]
    mapping["profiles"][0]["days"] = {"tue": [["22:00", "24:00"]], "wed": [["00:00", "06:00"]]}
    calendar = parse_calendar(mapping)
    used = used_between(calendar, wib(2026, 6, 30, 23), wib(2026, 7, 1))
    assert used == Used(3600, (("2026-06-30", 3600),))
    assert due_at(calendar, wib(2026, 6, 30, 12), 2 * 3600) == wib(2026, 7, 1)
    assert due_at(calendar, wib(2026, 6, 3, 0, 0, 1), 1) == wib(2026, 6, 3, 0, 0, 2)
    assert used_between(calendar, wib(2026, 6, 2), wib(2026, 6, 4)).by_day == (
        ("2026-06-02", 2 * 3600),
        ("2026-06-03", 6 * 3600),
    )
    assert sessions_on(calendar, date(2026, 6, 2)) == (Session(22 * 3600, 24 * 3600),)


def test_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 7, 10, 8)  # noqa: DTZ001
    calls: list[Callable[[], object]] = [
        lambda: used_between(CALENDAR, naive, wib(2026, 7, 11)),
        lambda: used_between(CALENDAR, wib(2026, 7, 9), naive),
        lambda: due_at(CALENDAR, naive, 60),
        lambda: is_covered(CALENDAR, naive, naive),
    ]
    for call in calls:
        with pytest.raises(InvalidInput) as caught:
            call()
        assert caught.value.code == "time_without_zone"


FIRST, LAST = bounds(CALENDAR)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    "moment",
    [
        FIRST - MICROSECOND,
        LAST + SECOND,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_instant_outside_the_calendar_is_refused(moment: datetime) -> None:
    covered = wib(2026, 7, 10)
    calls: list[Callable[[], object]] = [
        lambda: used_between(CALENDAR, moment, covered),
        lambda: used_between(CALENDAR, covered, moment),
        lambda: due_at(CALENDAR, moment, 0),
    ]
    for call in calls:
        with pytest.raises(OutOfCalendar) as caught:
            call()
        assert caught.value.code == "outside_calendar"
        assert caught.value.params["covers_to"] == "2027-12-31"
    assert not is_covered(CALENDAR, moment, covered)
    assert not is_covered(CALENDAR, covered, moment)


def test_both_ends_of_the_calendar_are_covered() -> None:
    assert is_covered(CALENDAR, FIRST, LAST)
    whole = used_between(CALENDAR, FIRST, LAST)
    assert whole.seconds == sum(s.seconds for sessions in CALENDAR.day_sessions for s in sessions)
    assert due_at(CALENDAR, FIRST, whole.seconds) == wib(2027, 12, 31, 16, 30)
    assert due_at(CALENDAR, LAST, 0) == LAST


def test_limit_that_the_calendar_does_not_reach_is_refused() -> None:
    with pytest.raises(OutOfCalendar, match="2022-01-01 to 2027-12-31"):
        due_at(CALENDAR, wib(2027, 12, 31, 16), 1801)
    with pytest.raises(OutOfCalendar):
        due_at(CALENDAR, LAST, 1)


def test_date_outside_the_calendar_is_refused() -> None:
    for day in (date(2021, 12, 31), date(2028, 1, 1), date.min, date.max):
        with pytest.raises(OutOfCalendar):
            sessions_on(CALENDAR, day)
        with pytest.raises(OutOfCalendar):
            day_seconds(CALENDAR, day)


@pytest.mark.parametrize(
    ("amount", "unit", "day_minutes", "seconds"),
    [
        (30, "minute", 450, 1800),
        (2, "hour", 450, 7200),
        (1, "day", 450, 27_000),
        (3, "day", 390, 70_200),
        (0, "day", 450, 0),
    ],
)
def test_norm_becomes_seconds(amount: int, unit: str, day_minutes: int, seconds: int) -> None:
    assert limit_seconds(amount, unit, day_minutes) == seconds


@pytest.mark.parametrize(
    ("amount", "unit", "code"), [(1, "week", "unit_unknown"), (1, "", "unit_unknown"), (-1, "day", "limit_negative")]
)
def test_norm_that_means_nothing_is_refused(amount: int, unit: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        limit_seconds(amount, unit, 450)
    assert caught.value.code == code


def test_calendar_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CALENDAR.title = "lain"  # type: ignore[misc]
    assert isinstance(CALENDAR.closed_days, tuple)


# ---- what a definition may say


def test_closed_day_wins_over_a_special_period_and_that_over_the_ordinary_hours() -> None:
    calendar = parse_calendar(small_calendar())
    hours = {day: day_seconds(calendar, date(2026, 6, day)) // 3600 for day in (1, 12, 15, 16, 19, 20, 22)}
    assert hours == {1: 0, 12: 8, 15: 3, 16: 0, 19: 3, 20: 0, 22: 8}


def test_ordinary_profiles_may_follow_one_another() -> None:
    mapping = small_calendar()
    later = {**copy.deepcopy(mapping["profiles"][0]), "key": "later", "valid_from": "2026-06-10"}
    later["days"] = {"thu": [["08:00", "09:00"]]}
    mapping["profiles"][0]["valid_to"] = "2026-06-09"
    mapping["profiles"].append(later)
    calendar = parse_calendar(mapping)
    assert [day_seconds(calendar, date(2026, 6, day)) for day in (9, 10, 11)] == [8 * 3600, 0, 3600]


def test_two_feasts_may_share_a_date() -> None:
    mapping = small_calendar()
    mapping["closed_days"].append({**mapping["closed_days"][0], "title": "Waisak"})
    calendar = parse_calendar(mapping)
    assert [day.title for day in calendar.closed_days if day.on == date(2026, 6, 1)] == ["Pancasila", "Waisak"]
    assert day_seconds(calendar, date(2026, 6, 1)) == 0


def test_sessions_may_touch() -> None:
    mapping = small_calendar()
    mapping["profiles"][0]["days"]["mon"] = [["08:00", "12:00"], ["12:00", "17:00"]]
    assert day_seconds(parse_calendar(mapping), date(2026, 6, 8)) == 9 * 3600


# ---- what is refused, and where


def problems_of(mapping: Any) -> tuple[Problem, ...]:
    with pytest.raises(InvalidDefinition) as caught:
        parse_calendar(mapping)
    return caught.value.problems


def set_at(mapping: dict[str, Any], *path: str | int, value: Any) -> None:
    inner: Any = mapping
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value


def delete_at(mapping: dict[str, Any], *path: str | int) -> None:
    inner: Any = mapping
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]


MON = ("profiles", 0, "days", "mon")

UNIT_SLIPS: dict[str, tuple[tuple[str | int, ...], Any, str, str]] = {
    "unit that is no id": (("unit_days", 0, "unit"), "spmi", "unit_days[0].unit", "the id of a work unit"),
    "unit in capitals": (("unit_days", 0, "unit"), UNIT.upper(), "unit_days[0].unit", "the id of a work unit"),
    "unit that is too long": (("unit_shifts", 0, "unit"), UNIT + "0", "unit_shifts[0].unit", "32 digits"),
    "unit that is no text": (("unit_shifts", 0, "unit"), 5, "unit_shifts[0].unit", "the id of a work unit"),
    "day of a unit that is no table": (("unit_days", 0), "closed", "unit_days[0]", "must be a table"),
    "days of units that are no list": (("unit_days",), {}, "unit_days", "must be a list"),
    "shifts that are no list": (("unit_shifts",), {}, "unit_shifts", "must be a list"),
    "shift that is no table": (("unit_shifts", 0), None, "unit_shifts[0]", "must be a table"),
    "date of a unit twice": (
        ("unit_days", 1, "on"),
        "2026-06-16",
        "unit_days[1]",
        "is the same unit and date as unit_days[0]",
    ),
    "date of a unit before the cover": (
        ("unit_days", 0, "on"),
        "2026-05-31",
        "unit_days[0].on",
        "must lie within what the calendar covers, 2026-06-01 to 2026-06-30",
    ),
    "date of a unit after the cover": (("unit_days", 0, "on"), "2026-07-01", "unit_days[0].on", "must lie within"),
    "status of a unit's day": (("unit_days", 0, "status"), "maybe", "unit_days[0].status", "must be one of"),
    "title of a unit's day": (("unit_days", 0, "title"), "", "unit_days[0].title", "from 1 to 500"),
    "sessions of a unit's day that overlap": (
        ("unit_days", 0, "sessions"),
        [["08:00", "12:00"], ["11:59", "13:00"]],
        "unit_days[0].sessions[1]",
        "must not start before 12:00",
    ),
    "session of a unit's day that is none": (
        ("unit_days", 0, "sessions"),
        [["08:00"]],
        "unit_days[0].sessions[0]",
        "a start and an end",
    ),
    "too many sessions of a unit's day": (
        ("unit_days", 0, "sessions"),
        [[clock(n), clock(n + 1)] for n in range(25)],
        "unit_days[0].sessions",
        "from 0 to 24 entries, not 25",
    ),
    "shift with a profile that is not there": (
        ("unit_shifts", 0, "profile"),
        "late",
        "unit_shifts[0].profile",
        'there is no "late"',
    ),
    "shift that ends before it begins": (("unit_shifts", 0, "to"), "2026-06-16", "unit_shifts[0].to", "before from"),
    "shift outside the cover": (
        ("unit_shifts", 0, "to"),
        "2026-07-01",
        "unit_shifts[0]",
        "must lie within what the calendar covers",
    ),
    "shifts of a unit that overlap": (
        ("unit_shifts", 1, "to"),
        "2026-06-17",
        "unit_shifts[0]",
        "must not overlap unit_shifts[1]",
    ),
    "mark that is no truth": (
        ("profiles", 2, "named_only"),
        1,
        "profiles[2].named_only",
        "must be true or false",
    ),
}


@pytest.mark.parametrize(("path", "value", "place", "words"), UNIT_SLIPS.values(), ids=UNIT_SLIPS)
def test_slip_in_the_rules_of_a_unit_is_found(path: tuple[str | int, ...], value: Any, place: str, words: str) -> None:
    mapping = unit_calendar()
    set_at(mapping, *path, value=value)
    (problem,) = problems_of(mapping)
    assert problem.place == place
    assert words in problem.message


@pytest.mark.parametrize(
    ("path", "place"),
    [
        *((("unit_days", 0, name), f"unit_days[0].{name}") for name in unit_calendar()["unit_days"][0]),
        *((("unit_shifts", 0, name), f"unit_shifts[0].{name}") for name in unit_calendar()["unit_shifts"][0]),
    ],
)
def test_missing_field_of_a_unit_is_refused(path: tuple[str | int, ...], place: str) -> None:
    mapping = unit_calendar()
    delete_at(mapping, *path)
    assert problems_of(mapping) == (Problem(place, "is missing"),)


def test_shift_outside_the_validity_of_its_profile_is_refused() -> None:
    mapping = unit_calendar()
    mapping["profiles"][2].update(valid_to="2026-06-17")
    assert problems_of(mapping) == (
        Problem("unit_shifts[2]", "must lie within the validity of profile early, from 2026-01-01 to 2026-06-17"),
    )


def test_profile_that_stands_beside_another_must_say_so() -> None:
    mapping = unit_calendar()
    mapping["profiles"][2]["named_only"] = False
    (problem,) = problems_of(mapping)
    assert problem.place == "profiles[2]"
    assert "named_only = true" in problem.message


def test_profile_that_must_be_named_leaves_a_gap_where_it_is_not() -> None:
    mapping = small_calendar()
    mapping["profiles"][0]["named_only"] = True
    (problem,) = problems_of(mapping)
    assert problem == Problem(
        "profiles",
        "none is valid from 2026-06-01 to 2026-06-30, which the calendar covers; those that a special period names,"
        " or that say named_only = true, do not count",
    )


# What is put where, and the place and words of the one problem that it makes.
SLIPS: dict[str, tuple[tuple[str | int, ...], Any, str, str]] = {
    "schema of another time": (("schema",), 2, "schema", "must be 1"),
    "schema as a float": (("schema",), 1.0, "schema", "must be 1"),
    "schema as a truth": (("schema",), True, "schema", "must be 1"),
    "kind of another definition": (("kind",), "sop", "kind", '"calendar"'),
    "key with a space": (("key",), "my office", "key", "must be a key"),
    "key that is no text": (("key",), 5, "key", "must be a key"),
    "version 0": (("version",), 0, "version", "from 1 to"),
    "version as a text": (("version",), "1", "version", "whole number"),
    "version as a float": (("version",), 1.0, "version", "whole number"),
    "version as a truth": (("version",), True, "version", "whole number"),
    "empty title": (("title",), "", "title", "from 1 to 500"),
    "title too long": (("title",), "x" * 501, "title", "from 1 to 500"),
    "title with a space before it": (("title",), " x", "title", "white space"),
    "title with a control character": (("title",), "a\nb", "title", "control character"),
    "title not in NFC": (("title",), "e\u0301", "title", "NFC"),
    "title that is no text": (("title",), [], "title", "must be a text"),
    "offset beyond all zones": (("utc_offset_minutes",), 900, "utc_offset_minutes", "from -720 to 840"),
    "no date": (("covers_to",), "30 June", "covers_to", "YYYY-MM-DD"),
    "date of a week": (("covers_to",), "2026-W26-2", "covers_to", "YYYY-MM-DD"),
    "date without hyphens": (("covers_to",), "20260630", "covers_to", "YYYY-MM-DD"),
    "date in other digits": (("covers_to",), "2026-06-3\u0660", "covers_to", "YYYY-MM-DD"),
    "date that does not exist": (("closed_days", 0, "on"), "2026-02-30", "closed_days[0].on", "2026-02-30"),
    "date with a time": (("covers_to",), datetime(2026, 6, 30, tzinfo=UTC), "covers_to", "YYYY-MM-DD"),
    "year far away": (("closed_days", 0, "on"), "0206-06-01", "closed_days[0].on", "from 1900 to 2999"),
    "cover that ends before it begins": (("covers_to",), "2026-05-31", "covers_to", "before covers_from, 2026-06-01"),
    "cover of more than a hundred years": (("covers_to",), "2126-06-02", "covers_to", "a hundred years"),
    "profiles that are no list": (("profiles",), {}, "profiles", "must be a list"),
    "profile that is no table": (("profiles", 0), "normal", "profiles[0]", "must be a table"),
    "key of a profile that a period may mean": (
        ("profiles", 1, "key"),
        "Short",
        "profiles[1].key",
        "must be a key",
    ),
    "validity that ends before it begins": (
        ("profiles", 0, "valid_to"),
        "2025-12-31",
        "profiles[0].valid_to",
        "before valid_from, 2026-01-01",
    ),
    "days that are no table": (("profiles", 0, "days"), [], "profiles[0].days", "must be a table"),
    "week without a working day": (("profiles", 0, "days"), {}, "profiles[0].days", "at least one working day"),
    "weekday of another language": (
        ("profiles", 0, "days", "senin"),
        [["08:00", "12:00"]],
        "profiles[0].days.senin",
        "known are mon, tue",
    ),
    "weekday without sessions": (MON, [], "profiles[0].days.mon", "from 1 to 24 entries, not 0"),
    "weekday with too many sessions": (
        MON,
        [[clock(n), clock(n + 1)] for n in range(25)],
        "profiles[0].days.mon",
        "not 25",
    ),
    "sessions that are no list": (MON, "08:00-12:00", "profiles[0].days.mon", "must be a list"),
    "session with one end": ((*MON, 1), ["13:00"], "profiles[0].days.mon[1]", "a start and an end"),
    "session as a text": ((*MON, 1), "13:00-17:00", "profiles[0].days.mon[1]", "a start and an end"),
    "time with one digit": ((*MON, 0, 0), "8:00", "profiles[0].days.mon[0][0]", "HH:MM"),
    "time with seconds": ((*MON, 0, 0), "08:00:00", "profiles[0].days.mon[0][0]", "HH:MM"),
    "time with a point": ((*MON, 1, 1), "17.00", "profiles[0].days.mon[1][1]", "HH:MM"),
    "hour 25": ((*MON, 1, 1), "25:00", "profiles[0].days.mon[1][1]", "HH:MM"),
    "minute 60": ((*MON, 1, 1), "16:60", "profiles[0].days.mon[1][1]", "HH:MM"),
    "minute after the last": ((*MON, 1, 1), "24:01", "profiles[0].days.mon[1][1]", "HH:MM"),
    "time with a line end": ((*MON, 1, 1), "17:00\n", "profiles[0].days.mon[1][1]", "HH:MM"),
    "time that is a number": ((*MON, 1, 1), 17, "profiles[0].days.mon[1][1]", "HH:MM"),
    "start at the end of the day": ((*MON, 1, 0), "24:00", "profiles[0].days.mon[1][0]", "can only end"),
    "session that ends before it starts": ((*MON, 1), ["17:00", "13:00"], "profiles[0].days.mon[1]", "must end after"),
    "session of no length": ((*MON, 1), ["13:00", "13:00"], "profiles[0].days.mon[1]", "must end after"),
    "sessions that overlap": ((*MON, 1, 0), "11:59", "profiles[0].days.mon[1]", "must not start before 12:00"),
    "sessions out of order": ((*MON, 1), ["06:00", "07:00"], "profiles[0].days.mon[1]", "must not start before 12:00"),
    "gap before a profile": (
        ("profiles", 0, "valid_from"),
        "2026-06-03",
        "profiles",
        "none is valid from 2026-06-01 to 2026-06-02",
    ),
    "gap after a profile": (
        ("profiles", 0, "valid_to"),
        "2026-06-29",
        "profiles",
        "none is valid from 2026-06-30 to 2026-06-30",
    ),
    "profile that is past": (
        ("profiles", 0, "valid_to"),
        "2026-01-02",
        "profiles",
        "none is valid from 2026-06-01 to 2026-06-30",
    ),
    "profile that comes later": (
        ("profiles", 0, "valid_from"),
        "2027-01-01",
        "profiles",
        "none is valid from 2026-06-01 to 2026-06-30",
    ),
    "special profile that no period names": (
        ("special_periods",),
        [],
        "profiles[1]",
        "must not be valid on 2026-01-01",
    ),
    "period of no profile": (("special_periods", 0, "profile"), "long", "special_periods[0].profile", 'no "long"'),
    "period that ends before it begins": (
        ("special_periods", 0, "to"),
        "2026-06-14",
        "special_periods[0].to",
        "before from, 2026-06-15",
    ),
    "period outside the cover": (("special_periods", 0, "to"), "2026-07-01", "special_periods[0]", "2026-06-30"),
    "period outside its profile": (
        ("profiles", 1, "valid_to"),
        "2026-06-18",
        "special_periods[0]",
        "validity of profile short, from 2026-01-01 to 2026-06-18",
    ),
    "status of another word": (("special_periods", 0, "status"), "sure", "special_periods[0].status", '"estimated"'),
    "closed day of another kind": (("closed_days", 0, "kind"), "local", "closed_days[0].kind", '"joint_leave"'),
    "closed day of no known status": (("closed_days", 0, "status"), None, "closed_days[0].status", '"decreed"'),
    "closed day after the cover": (("closed_days", 0, "on"), "2026-07-01", "closed_days[0].on", "2026-06-30"),
    "closed day before the cover": (("closed_days", 0, "on"), "2026-05-31", "closed_days[0].on", "2026-06-01"),
    "unknown key at the top": (("timezone",), "WIB", "timezone", "is unknown here; known are schema"),
    "unknown key in a profile": (("profiles", 0, "days_off"), 1, "profiles[0].days_off", "is unknown here"),
    "unknown key in a period": (("special_periods", 0, "note"), "x", "special_periods[0].note", "is unknown here"),
    "unknown key in a closed day": (("closed_days", 1, "note"), "x", "closed_days[1].note", "is unknown here"),
    "key that is no ASCII": (("closed_days", 1, "catatán"), "x", "closed_days[1]", "no ASCII text"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
def test_slip_is_refused_at_its_place_and_makes_no_other_problem(
    slip: tuple[tuple[str | int, ...], Any, str, str],
) -> None:
    path, value, place, words = slip
    mapping = small_calendar()
    set_at(mapping, *path, value=value)
    (problem,) = problems_of(mapping)
    assert problem.place == place
    assert words in problem.message


@pytest.mark.parametrize(
    ("path", "place"),
    [
        *(((name,), name) for name in small_calendar()),
        *((("profiles", 0, name), f"profiles[0].{name}") for name in ("key", "title", "valid_from", "decree", "days")),
        *(
            (("special_periods", 0, name), f"special_periods[0].{name}")
            for name in small_calendar()["special_periods"][0]
        ),
        *((("closed_days", 1, name), f"closed_days[1].{name}") for name in small_calendar()["closed_days"][1]),
    ],
)
def test_missing_field_is_refused(path: tuple[str | int, ...], place: str) -> None:
    mapping = small_calendar()
    delete_at(mapping, *path)
    assert Problem(place, "is missing") in problems_of(mapping)


def test_no_profile_at_all_is_refused() -> None:
    problems = problems_of(small_calendar(profiles=[], special_periods=[]))
    assert problems == (Problem("profiles", "must have from 1 to 100 entries, not 0"),)


def test_profile_key_that_is_taken_is_refused() -> None:
    mapping = small_calendar()
    mapping["profiles"].append(copy.deepcopy(mapping["profiles"][1]))
    assert problems_of(mapping) == (Problem("profiles[2].key", "is the key of profiles[1] already"),)


@pytest.mark.parametrize("valid_to", [None, "2026-06-10"])
def test_ordinary_profiles_that_overlap_are_refused(valid_to: str | None) -> None:
    mapping = small_calendar()
    mapping["profiles"].append({**mapping["profiles"][0], "key": "later", "valid_from": "2026-06-10"})
    if valid_to:
        mapping["profiles"][0] = {**mapping["profiles"][0], "valid_to": valid_to}
    (problem,) = problems_of(mapping)
    assert problem.place == "profiles[2]"
    assert "must not be valid on 2026-06-10, when profiles[0] is" in problem.message


def test_gap_between_ordinary_profiles_is_refused() -> None:
    mapping = small_calendar()
    mapping["profiles"].append({**mapping["profiles"][0], "key": "later", "valid_from": "2026-06-12"})
    mapping["profiles"][0] = {**mapping["profiles"][0], "valid_to": "2026-06-09"}
    (problem,) = problems_of(mapping)
    assert problem.place == "profiles"
    assert "none is valid from 2026-06-10 to 2026-06-11" in problem.message


def test_special_periods_that_overlap_are_refused() -> None:
    mapping = small_calendar()
    mapping["special_periods"].append({**mapping["special_periods"][0], "from": "2026-06-10", "to": "2026-06-15"})
    assert problems_of(mapping) == (Problem("special_periods[0]", "must not overlap special_periods[1]"),)


def test_closed_day_that_is_there_twice_is_refused() -> None:
    mapping = small_calendar()
    mapping["closed_days"].append({**mapping["closed_days"][0], "decree": "E"})
    assert problems_of(mapping) == (Problem("closed_days[2]", "is closed_days[0] again: the same date and title"),)


@pytest.mark.parametrize("mapping", [None, [], "calendar", 1])
def test_what_is_no_table_is_refused(mapping: object) -> None:
    assert Problem("file", "must be a table") in problems_of(mapping)


def test_all_problems_show_at_once() -> None:
    mapping = small_calendar(version=0, covers_to="2026-06-31", colour="red")
    del mapping["title"]
    mapping["profiles"][0]["days"]["mon"][1] = ["11:00", "17:00"]
    mapping["profiles"][0]["days"]["tue"] = [["8", "12:00"], ["13:00", "12:00"]]
    mapping["special_periods"][0].update(profile="long", status="maybe")
    mapping["closed_days"][1].update(on="2026-02-29", kind="party")
    assert {problem.place for problem in problems_of(mapping)} == {
        "version",
        "covers_to",
        "colour",
        "title",
        "profiles[0].days.mon[1]",
        "profiles[0].days.tue[0][0]",
        "profiles[0].days.tue[1]",
        "special_periods[0].profile",
        "special_periods[0].status",
        "closed_days[1].on",
        "closed_days[1].kind",
    }
    with pytest.raises(InvalidDefinition, match=r"The definition has 11 problem\(s\)"):
        parse_calendar(mapping)


@pytest.mark.parametrize(
    ("name", "low", "limit"),
    [
        ("profiles", 1, 100),
        ("special_periods", 0, 1000),
        ("closed_days", 0, 10_000),
        ("unit_days", 0, 10_000),
        ("unit_shifts", 0, 1000),
    ],
)
def test_tables_have_their_limits(name: str, low: int, limit: int) -> None:
    told = Problem(name, f"must have from {low} to {limit} entries, not {limit + 1}")
    assert told in problems_of({**unit_calendar(), name: [None] * (limit + 1)})
    at_limit = problems_of({**unit_calendar(), name: [None] * limit})
    assert not any(problem.place == name for problem in at_limit)
    assert Problem(f"{name}[{limit - 1}]", "must be a table") in at_limit


@pytest.mark.parametrize(
    ("path", "sound", "unsound"),
    [
        (("version",), [1, 10**6], [0, 10**6 + 1]),
        (("utc_offset_minutes",), [-720, 840], [-721, 841]),
        (("title",), ["x", "x" * 500], ["", "x" * 501]),
        (("profiles", 0, "valid_from"), ["1900-01-01", "2026-06-01"], ["1899-12-31", "2026-06-02"]),
        (("profiles", 0, "valid_to"), ["2999-12-31", "2026-06-30"], ["3000-01-01", "2026-06-29"]),
        (("special_periods", 0, "from"), ["2026-06-01", "2026-06-19"], ["2026-05-31", "2026-06-20"]),
        (("special_periods", 0, "to"), ["2026-06-30", "2026-06-15"], ["2026-07-01", "2026-06-14"]),
        (("closed_days", 0, "on"), ["2026-06-01", "2026-06-30"], ["2026-05-31", "2026-07-01"]),
        (("closed_days", 0, "kind"), ["national", "joint_leave", "institution"], ["National", "holiday"]),
        (("closed_days", 0, "status"), ["decreed", "estimated"], ["Decreed", "known"]),
        (("unit_days", 0, "on"), ["2026-06-01", "2026-06-30"], ["2026-05-31", "2026-07-01"]),
        (("unit_shifts", 0, "from"), ["2026-06-03", "2026-06-18"], ["2026-06-02", "2026-06-19"]),
        (("unit_shifts", 0, "to"), ["2026-06-30", "2026-06-17"], ["2026-07-01", "2026-06-16"]),
        ((*MON, 0, 0), ["00:00", "11:59"], ["24:00", "12:00"]),
        ((*MON, 1, 1), ["13:01", "23:59", "24:00"], ["13:00", "24:01"]),
        ((*MON, 1, 0), ["12:00", "16:59"], ["11:59", "17:00"]),
    ],
)
def test_limits_themselves_are_within(path: tuple[str | int, ...], sound: list[Any], unsound: list[Any]) -> None:
    for value in sound:
        mapping = unit_calendar()
        set_at(mapping, *path, value=value)
        parse_calendar(mapping)
    for value in unsound:
        mapping = unit_calendar()
        set_at(mapping, *path, value=value)
        assert len(problems_of(mapping)) == 1


def test_cover_of_a_hundred_years_is_the_longest() -> None:
    mapping = small_calendar(covers_to="2126-06-01", special_periods=[], closed_days=[])
    mapping["profiles"] = mapping["profiles"][:1]
    assert len(parse_calendar(mapping).day_sessions) == 36_525
    (problem,) = problems_of({**mapping, "covers_to": "2126-06-02"})
    assert problem == Problem("covers_to", "must be at most a hundred years after covers_from")


WORDS_FILE = Path(__file__).parent / "working_time_words.json"


def words_of_all_slips() -> dict[str, list[list[str]]]:
    """Place and words of every problem that the slips above make."""
    found: dict[str, list[list[str]]] = {}
    for make, slips in ((small_calendar, SLIPS), (unit_calendar, UNIT_SLIPS)):
        for name, (path, value, _, _) in slips.items():
            mapping = make()
            set_at(mapping, *path, value=value)
            found[name] = [list(problem) for problem in problems_of(mapping)]
    unreadable: dict[str, Any] = {
        "profile that is past and a period": small_calendar(covers_to="2026-06-31", profiles="none"),
        "key that is no text": {**small_calendar(), 5: "x", "caf\u00e9": "y", "x" * 80: "z"},
        "texts that are too long": small_calendar(key="k" * 65, title=" " + "x" * 500),
    }
    for name, mapping in unreadable.items():
        found[f"{name} (whole)"] = [list(problem) for problem in problems_of(mapping)]
    return found


def test_words_of_problems_are_whole_sentences_that_somebody_read() -> None:
    """The file holds what a person is told; a change of words is made there too, on purpose."""
    assert words_of_all_slips() == json.loads(WORDS_FILE.read_text(encoding="utf-8"))


def test_refusals_of_questions_are_told_exactly() -> None:
    def told(call: Callable[[], object]) -> tuple[str, str, dict[str, object]]:
        with pytest.raises(InvalidInput) as caught:
            call()
        return caught.value.code, str(caught.value), caught.value.params

    friday = wib(2026, 7, 10, 8)
    assert told(lambda: due_at(CALENDAR, friday, -1)) == (
        "limit_negative",
        "A limit is 0 or more seconds.",
        {"limit_seconds": -1},
    )
    assert told(lambda: limit_seconds(1, "week", 450)) == (
        "unit_unknown",
        'A norm has the unit minute, hour or day, not "week".',
        {"unit": "week"},
    )
    for amount, day_minutes in [(-1, 450), (1, -1)]:
        assert told(lambda a=amount, d=day_minutes: limit_seconds(a, "day", d)) == (  # type: ignore[misc]
            "limit_negative",
            "A norm and its day are 0 or more.",
            {"amount": amount, "day_minutes": day_minutes},
        )
    assert told(lambda: limit_of(CALENDAR, friday, 1, "day", "x", 450)) == (
        "policy_unknown",
        'A policy is one of working_minutes, own_day_minutes, end_of_next_working_day, not "x".',
        {"policy": "x"},
    )
    assert told(lambda: used_between(CALENDAR, datetime(2026, 7, 10), friday)) == (  # noqa: DTZ001
        "time_without_zone",
        "A time without its zone could be any of several. Give it a zone.",
        {},
    )
    covered = {
        "calendar": "id-government",
        "version": 1,
        "covers_from": "2022-01-01",
        "covers_to": "2027-12-31",
    }
    rest = (
        " is outside the calendar id-government, version 1, which covers 2022-01-01 to 2027-12-31. Use a version of it"
        " that covers that time."
    )
    late = wib(2027, 12, 31, 16)
    for call, what in [
        (lambda: used_between(CALENDAR, wib(2021, 12, 31), friday), "2021-12-31T00:00:00+07:00"),
        (lambda: day_seconds(CALENDAR, date(2028, 1, 1)), "2028-01-01"),
        (lambda: due_at(CALENDAR, late, 1801), "The end of 1801 working seconds after 2027-12-31T16:00:00+07:00"),
        (lambda: limit_of(CALENDAR, late, 2, "day", "own_day_minutes", 450), "The end of 2 working days"),
    ]:
        assert told(call) == ("outside_calendar", what + rest, covered)
    assert limit_seconds(0, "minute", 0) == 0


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["2026-06-01", "08:00", "normal"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, item in entries for place in places_of(item, (*path, name)))]


@given(st.sampled_from(places_of(unit_calendar())[1:]), json_values)
def test_any_value_anywhere_is_read_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    mapping = copy.deepcopy(unit_calendar())
    set_at(mapping, *path, value=value)
    try:
        calendar = parse_calendar(mapping)
    except InvalidDefinition as refused:
        assert refused.problems
    else:
        assert len(calendar.day_sessions) == (calendar.covers_to - calendar.covers_from).days + 1


def test_policies_of_sops_are_those_that_are_counted() -> None:
    assert set(DAY_POLICIES) == set(SOP_DAY_POLICIES)
    start = wib(2026, 7, 10, 8)
    assert [limit_of(CALENDAR, start, 1, "day", policy, 450) for policy in SOP_DAY_POLICIES] == [
        27_000,
        27_000,
        (420 + 450) * 60,
    ]
