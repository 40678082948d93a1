"""Working time as an office counts it: a calendar read from a definition, seconds used, when a limit is reached.

A calendar is plain JSON-like data (data/calendars/README.md explains its fields). ``parse_calendar`` lays it out once
as a table of days with a running total, so that everything asked later is two look-ups and, at most, a walk over the
days between. Bytes that were registered once are parsed again for decades: a rule may be relaxed here, and never be
made stricter for ``schema = 1``.

How time is counted, the same for all functions:

- An instant is floored to its whole UTC second before anything else. So used time is a whole number of seconds, and
  it is additive: for a <= b <= c, used(a, b) + used(b, c) = used(a, c), whatever the microseconds.
- Intervals are half-open. Work from 10.00 to 10.00 is nothing; a session's last instant is not part of it.
- Local time is UTC plus a fixed offset (WIB is 420 minutes): Indonesia has no daylight saving.
- What wins on a date, from the most specific rule down: what a work unit's own day says, also on a national holiday;
  a closed day; the profile of the unit's own shift; the profile of a special period (Ramadan); the one ordinary
  profile that is valid then. ``for_unit`` gives the calendar of one unit; without it the units' rules do not count.
- Time that a pause takes away does not count, however often it is named: ``without``.
- A calendar answers for the instants from the first midnight of ``covers_from`` to the last one of ``covers_to``,
  both included; for any other it raises OutOfCalendar, never a guess.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple, Optional

from archive_service.domain.event import KEY
from archive_service.errors import InvalidDefinition, InvalidInput, Problem

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED_KINDS = ("national", "joint_leave", "institution")
STATUSES = ("decreed", "estimated")

WORKING_MINUTES = "working_minutes"
OWN_DAY_MINUTES = "own_day_minutes"
END_OF_NEXT_WORKING_DAY = "end_of_next_working_day"
DAY_POLICIES = (WORKING_MINUTES, OWN_DAY_MINUTES, END_OF_NEXT_WORKING_DAY)
"""What "1 hari" means: see ``limit_of``."""

# What the hours of a date follow from: see ``rule_on``.
UNIT_DAY = "unit_day"
CLOSED_DAY = "closed_day"
UNIT_SHIFT = "unit_shift"
SPECIAL_PERIOD = "special_period"
ORDINARY = "ordinary"

DAY_SECONDS = 86_400
YEAR_RANGE = (1900, 2999)
COVER_DAYS_LIMIT = 36_525
VERSION_LIMIT = 10**6

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Session(NamedTuple):
    """A stretch of work without a break, as seconds since local midnight, the end not included."""

    start_seconds: int
    end_seconds: int

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True)
class Profile:
    """The working hours of a week: ``week`` has the sessions of Monday to Sunday, none where the office is closed."""

    key: str
    title: str
    valid_from: date
    valid_to: Optional[date]
    decree: str
    week: tuple[tuple[Session, ...], ...]
    named_only: bool = False


@dataclass(frozen=True)
class SpecialPeriod:
    """Days, both ends included, on which another profile applies, such as Ramadan."""

    title: str
    first_on: date
    last_on: date
    profile: str
    decree: str
    status: str


@dataclass(frozen=True)
class ClosedDay:
    """A national holiday, joint leave (cuti bersama) or a day on which the institution closes for all of its units."""

    on: date
    title: str
    kind: str
    decree: str
    status: str


@dataclass(frozen=True)
class UnitDay:
    """The hours of one work unit on one date, none when it is closed; stronger than a national holiday."""

    unit: str
    on: date
    title: str
    decree: str
    status: str
    sessions: tuple[Session, ...]


@dataclass(frozen=True)
class UnitShift:
    """Days, both ends included, on which another profile applies to one work unit."""

    unit: str
    title: str
    first_on: date
    last_on: date
    profile: str
    decree: str
    status: str


@dataclass(frozen=True)
class Calendar:
    """One version of an office's working days and hours, from ``parse_calendar`` and ``for_unit`` alone.

    ``work_unit`` is the unit whose own rules count in it, None when those of no unit do.
    """

    key: str
    version: int
    title: str
    utc_offset_minutes: int
    covers_from: date
    covers_to: date
    profiles: tuple[Profile, ...] = field(repr=False)
    special_periods: tuple[SpecialPeriod, ...] = field(repr=False)
    closed_days: tuple[ClosedDay, ...] = field(repr=False)
    unit_days: tuple[UnitDay, ...] = field(repr=False)
    unit_shifts: tuple[UnitShift, ...] = field(repr=False)
    work_unit: Optional[str]
    # Of each covered day, in order, what the rules above come to; and the working seconds before it, with one entry
    # more for the end.
    day_sessions: tuple[tuple[Session, ...], ...] = field(repr=False, compare=False)
    seconds_before: tuple[int, ...] = field(repr=False, compare=False)
    # The calendars of the units that were asked for, and under None that of no unit; one and the same for all of them.
    views: dict[Optional[str], Calendar] = field(repr=False, compare=False)


class Used(NamedTuple):
    """Working time spent: its whole seconds, and the share of each local date on which there was any, in order."""

    seconds: int
    by_day: tuple[tuple[str, int], ...]


class Rule(NamedTuple):
    """What the hours of a date follow from: the kind of rule, its words, and the profile that has the hours, if one has.

    ``kind`` is one of UNIT_DAY, CLOSED_DAY, UNIT_SHIFT, SPECIAL_PERIOD and ORDINARY. A date can have several closed
    days: then their titles and decrees are joined with "; ", and the status is that of the first.
    """

    kind: str
    title: str
    decree: str
    status: str
    profile: Optional[str]


class OutOfCalendar(InvalidInput):
    """A calendar is asked about a time that it does not cover."""

    def __init__(self, calendar: Calendar, what: str) -> None:
        super().__init__(
            "outside_calendar",
            f"{what} is outside the calendar {calendar.key}, version {calendar.version}, which covers"
            f" {calendar.covers_from} to {calendar.covers_to}. Use a version of it that covers that time.",
            calendar=calendar.key,
            version=calendar.version,
            covers_from=calendar.covers_from.isoformat(),
            covers_to=calendar.covers_to.isoformat(),
        )


# ---- what is asked of a calendar


def for_unit(calendar: Calendar, work_unit: str) -> Calendar:
    """The calendar with a work unit's own days and shifts laid over it; without any, the calendar of no unit itself.

    Made once for each unit and kept, so asking again costs a look-up.
    """
    view = calendar.views.get(work_unit)
    if view is None:
        units = {*(own.unit for own in calendar.unit_days), *(shift.unit for shift in calendar.unit_shifts)}
        # Two threads may both make it: the same, so the last one may stay.
        view = _for_unit(calendar, work_unit) if work_unit in units else calendar.views[None]
        calendar.views[work_unit] = view
    return view


Pauses = Iterable[tuple[datetime, datetime]]
"""Stretches of time, as pairs of aware instants, the end not included. They may overlap, stand in any order, lie outside
what is asked for and even outside the calendar; one whose end is not after its start takes nothing away."""


def used_between(calendar: Calendar, started_at: datetime, finished_at: datetime, without: Pauses = ()) -> Used:
    """The working time from one aware instant to another, less the pauses; none when the second is not after the first.

    Raises OutOfCalendar when either instant is not covered, InvalidInput when one, or one of a pause, has no zone.
    """
    start, end = _position(calendar, started_at), _position(calendar, finished_at)
    if end <= start:
        return Used(0, ())
    by_day: dict[int, int] = {}
    for low, high in _stretches(start, end, _merged(calendar, without)):
        _add_days(calendar, low, high, by_day)
    first_ordinal = calendar.covers_from.toordinal()
    days = tuple((date.fromordinal(first_ordinal + index).isoformat(), seconds) for index, seconds in by_day.items())
    return Used(sum(by_day.values()), days)


def due_at(calendar: Calendar, started_at: datetime, limit_seconds: int, without: Pauses = ()) -> datetime:
    """The smallest instant (aware UTC) at which the used time reaches the limit; for 0 the floored start itself.

    A step that finishes within that second is on time, since late means used > limit. Raises OutOfCalendar when the
    start is not covered or the calendar ends before the limit is reached, InvalidInput for a limit below 0.
    """
    if limit_seconds < 0:
        raise InvalidInput("limit_negative", "A limit is 0 or more seconds.", limit_seconds=limit_seconds)
    start = _position(calendar, started_at)
    if limit_seconds == 0:
        return _instant(calendar, start)
    missing = limit_seconds
    for low, high in _stretches(start, len(calendar.day_sessions) * DAY_SECONDS, _merged(calendar, without)):
        worked = _worked_before(calendar, low)
        target = worked + missing
        missing -= _worked_before(calendar, high) - worked
        if missing <= 0:
            return _instant(calendar, _reached(calendar, target))
    raise OutOfCalendar(calendar, f"The end of {limit_seconds} working seconds after {started_at.isoformat()}")


def limit_of(calendar: Calendar, started_at: datetime, amount: int, unit: str, policy: str, day_minutes: int) -> int:
    """The working seconds that a norm gives a step that starts then, in the calendar of its own work unit.

    Minutes and hours are those worked, under every policy. What n days are is the policy's:

    - ``working_minutes``: n times ``day_minutes``, whichever days they are.
    - ``own_day_minutes``: the seconds that the first n working days have of their own (390 minutes in Ramadan),
      counted from the start's date when there is still work on it after the start, else from the next working day.
    - ``end_of_next_working_day``: what is worked from the start to the end of the n-th working day after the start's
      date; nothing for 0 days.

    Raises InvalidInput for another policy, unit or an amount below 0, OutOfCalendar when the days are not all covered.
    """
    if policy not in DAY_POLICIES:
        raise InvalidInput(
            "policy_unknown", f"A policy is one of {', '.join(DAY_POLICIES)}, not {_quote(policy)}.", policy=policy
        )
    limit = limit_seconds(amount, unit, day_minutes)
    if unit != "day" or policy == WORKING_MINUTES or amount == 0:
        return limit
    start = _position(calendar, started_at)
    before = calendar.seconds_before
    worked = _worked_before(calendar, start)
    if policy == END_OF_NEXT_WORKING_DAY:
        # At the very end of the calendar the start's date is not in the table, and no day comes after it.
        today = min(start // DAY_SECONDS + 1, len(calendar.day_sessions))
        return before[_nth_working_day(calendar, before[today], amount) + 1] - worked
    # The last one first: it is the one that may not be covered.
    last, first = _nth_working_day(calendar, worked, amount), _nth_working_day(calendar, worked, 1)
    return before[last + 1] - before[first]


def rule_on(calendar: Calendar, day: date) -> Rule:
    """Why a local date has the hours that it has; OutOfCalendar when it is not covered."""
    _day_index(calendar, day)
    for own in calendar.unit_days:
        if own.unit == calendar.work_unit and own.on == day:
            return Rule(UNIT_DAY, own.title, own.decree, own.status, None)
    closed = [each for each in calendar.closed_days if each.on == day]
    if closed:
        decrees = "; ".join(dict.fromkeys(each.decree for each in closed))
        return Rule(CLOSED_DAY, "; ".join(each.title for each in closed), decrees, closed[0].status, None)
    for shift in calendar.unit_shifts:
        if shift.unit == calendar.work_unit and shift.first_on <= day <= shift.last_on:
            return Rule(UNIT_SHIFT, shift.title, shift.decree, shift.status, shift.profile)
    for period in calendar.special_periods:
        if period.first_on <= day <= period.last_on:
            return Rule(SPECIAL_PERIOD, period.title, period.decree, period.status, period.profile)
    (profile,) = (
        each
        for each in _ordinary(calendar.profiles, calendar.special_periods)
        if each.valid_from <= day <= (each.valid_to or day)
    )
    return Rule(ORDINARY, profile.title, profile.decree, "decreed", profile.key)


def sessions_on(calendar: Calendar, day: date) -> tuple[Session, ...]:
    """The sessions of a local date, in order, none when the office is closed; OutOfCalendar when it is not covered."""
    return calendar.day_sessions[_day_index(calendar, day)]


def day_seconds(calendar: Calendar, day: date) -> int:
    """The working seconds of a local date; OutOfCalendar when it is not covered."""
    index = _day_index(calendar, day)
    return calendar.seconds_before[index + 1] - calendar.seconds_before[index]


def is_covered(calendar: Calendar, started_at: datetime, finished_at: datetime) -> bool:
    """Whether the calendar answers for both instants, and so for all between; InvalidInput when one has no zone."""
    last = len(calendar.day_sessions) * DAY_SECONDS
    return all(0 <= _offset(calendar, moment) <= last for moment in (started_at, finished_at))


def limit_seconds(amount: int, unit: str, day_minutes: int) -> int:
    """The working seconds of a norm under the policy ``working_minutes``: a "day" is ``day_minutes``, whichever it is.

    Raises InvalidInput for a unit other than "minute", "hour" and "day", and for an amount below 0.
    """
    minutes = {"minute": 1, "hour": 60, "day": day_minutes}
    if unit not in minutes:
        raise InvalidInput("unit_unknown", f"A norm has the unit minute, hour or day, not {_quote(unit)}.", unit=unit)
    if amount < 0 or day_minutes < 0:
        raise InvalidInput(
            "limit_negative", "A norm and its day are 0 or more.", amount=amount, day_minutes=day_minutes
        )
    return amount * minutes[unit] * 60


def _offset(calendar: Calendar, moment: datetime) -> int:
    """Whole seconds from the first local midnight that the calendar covers to an instant; below 0 before it."""
    if moment.utcoffset() is None:
        raise InvalidInput("time_without_zone", "A time without its zone could be any of several. Give it a zone.")
    # Subtracting works at both ends of datetime's range, where astimezone() overflows; days and seconds are floored.
    since = moment - _EPOCH
    local = since.days * DAY_SECONDS + since.seconds + calendar.utc_offset_minutes * 60
    return local - (calendar.covers_from.toordinal() - _EPOCH_ORDINAL) * DAY_SECONDS


def _position(calendar: Calendar, moment: datetime) -> int:
    position = _offset(calendar, moment)
    # The last midnight is included: a session may end there, and so may a due time.
    if not 0 <= position <= len(calendar.day_sessions) * DAY_SECONDS:
        raise OutOfCalendar(calendar, moment.isoformat())
    return position


def _instant(calendar: Calendar, position: int) -> datetime:
    """The aware UTC instant at a position; the inverse of ``_position``."""
    days = calendar.covers_from.toordinal() - _EPOCH_ORDINAL
    return _EPOCH + timedelta(days=days, minutes=-calendar.utc_offset_minutes, seconds=position)


def _day_index(calendar: Calendar, day: date) -> int:
    index = day.toordinal() - calendar.covers_from.toordinal()
    if not 0 <= index < len(calendar.day_sessions):
        raise OutOfCalendar(calendar, day.isoformat())
    return index


def _overlap(sessions: Sequence[Session], low: int, high: int) -> int:
    return sum(max(0, min(s.end_seconds, high) - max(s.start_seconds, low)) for s in sessions)


def _worked_before(calendar: Calendar, position: int) -> int:
    """The working seconds from the calendar's begin to a position."""
    index, second = divmod(position, DAY_SECONDS)
    sessions = calendar.day_sessions[index] if second else ()
    return calendar.seconds_before[index] + _overlap(sessions, 0, second)


def _reached(calendar: Calendar, target: int) -> int:
    """The smallest position before which so many seconds (1 or more) are worked since the calendar's begin."""
    # The last day before which less than the target was worked is the one that reaches it.
    index = bisect_left(calendar.seconds_before, target) - 1
    missing = target - calendar.seconds_before[index]
    sessions = iter(calendar.day_sessions[index])
    session = next(sessions)
    while missing > session.seconds:
        missing -= session.seconds
        session = next(sessions)
    return index * DAY_SECONDS + session.start_seconds + missing


def _nth_working_day(calendar: Calendar, worked: int, count: int) -> int:
    """The index of the n-th (1 or more) working day, the first being that of the next second worked after so many."""
    index = -1
    for _ in range(count):
        # The last day before which no more was worked: its own work comes next, and the table's end has none.
        index = bisect_right(calendar.seconds_before, worked) - 1
        if index == len(calendar.day_sessions):
            raise OutOfCalendar(calendar, f"The end of {count} working days")
        worked = calendar.seconds_before[index + 1]
    return index


def _merged(calendar: Calendar, pauses: Pauses) -> list[tuple[int, int]]:
    """Pauses as stretches of positions, in order, none touching the next; they may lie outside the calendar."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted((_offset(calendar, begin), _offset(calendar, end)) for begin, end in pauses):
        if high <= low:
            continue
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _stretches(start: int, end: int, pauses: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What is left of the time from one position to another, in order, when the merged pauses are taken out."""
    for low, high in pauses:
        before = min(low, end)
        if start < before:
            yield start, before
        start = max(start, high)
    if start < end:
        yield start, end


def _add_days(calendar: Calendar, start: int, end: int, by_day: dict[int, int]) -> None:
    """Add to each day's index what is worked on it from one position to a later one, where that is anything."""
    (first, first_second), (last, last_second) = divmod(start, DAY_SECONDS), divmod(end, DAY_SECONDS)
    before = calendar.seconds_before
    # The very end of the calendar is second 0 of a day that is not in the table.
    for index in range(first, min(last + 1, len(calendar.day_sessions))):
        seconds = before[index + 1] - before[index]
        if seconds and index in (first, last):
            low = first_second if index == first else 0
            high = last_second if index == last else DAY_SECONDS
            seconds = _overlap(calendar.day_sessions[index], low, high)
        if seconds:
            by_day[index] = by_day.get(index, 0) + seconds


def _for_unit(calendar: Calendar, work_unit: Optional[str]) -> Calendar:
    """The calendar laid out again with the rules of that unit."""
    day_sessions = _lay_out(calendar, work_unit)
    seconds_before = [0]
    for sessions in day_sessions:
        seconds_before.append(seconds_before[-1] + sum(s.seconds for s in sessions))
    return replace(
        calendar, work_unit=work_unit, day_sessions=tuple(day_sessions), seconds_before=tuple(seconds_before)
    )


# ---- how a definition becomes a calendar

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
# Controls, line separators, surrogates, and the marks that make a line read other than it is stored.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_CALENDAR_KEYS = (
    "schema",
    "kind",
    "key",
    "version",
    "title",
    "utc_offset_minutes",
    "covers_from",
    "covers_to",
    "profiles",
    "special_periods",
    "closed_days",
    "unit_days",
    "unit_shifts",
)
_PROFILE_KEYS = ("key", "title", "valid_from", "valid_to", "decree", "days", "named_only")
_PERIOD_KEYS = ("title", "from", "to", "profile", "decree", "status")
_CLOSED_KEYS = ("on", "title", "kind", "decree", "status")
_UNIT_DAY_KEYS = ("unit", "on", "title", "decree", "status", "sessions")
_UNIT_SHIFT_KEYS = ("unit", "title", "from", "to", "profile", "decree", "status")
# A work unit's id, as events have it: a UUIDv7 in lower hex.
_UNIT = re.compile(r"[0-9a-f]{32}")


def parse_calendar(mapping: Mapping[str, object]) -> Calendar:
    """The calendar in a definition; InvalidDefinition with every problem in it, each with its place.

    Beyond the shape of each field:

    - A profile that a special period names is special and applies in such periods alone; one that says
      ``named_only = true`` applies where a period or a unit's shift names it. All others are ordinary: no two of them
      may be valid on one day, and each covered day needs one. A unit's shift may name any profile, and makes it no
      less ordinary. A special period and a unit's shift lie within the validity of their profile.
    - Special periods do not overlap, nor do the shifts of one unit; a unit has one day of its own on a date. They and
      the closed days lie within what the calendar covers: outside they could only be slips of the pen.
    - Two closed days may share a date when their titles differ, as two feasts can; the same title twice is a slip.
    - A weekday that is absent is closed; an empty list of sessions is refused, so that there is one way to say it.
      Sessions stand in order, may touch and may not overlap. The last may end at "24:00"; work past midnight is a
      session of the next day.
    """
    read = _Reading()
    top = read.table(mapping, "", _CALENDAR_KEYS, optional=["unit_days", "unit_shifts"])
    # 1.0 and true are equal to 1, and other bytes.
    if "schema" in top and not (type(top["schema"]) is int and top["schema"] == 1):
        read.refuse("schema", "must be 1, the only schema known here")
    if "kind" in top and top["kind"] != "calendar":
        read.refuse("kind", 'must be "calendar"')
    key = read.word(top, "key", "")
    version = read.integer(top, "version", "", 1, VERSION_LIMIT)
    title = read.text(top, "title", "")
    utc_offset_minutes = read.integer(top, "utc_offset_minutes", "", -720, 840)
    covers_from, covers_to = read.day(top, "covers_from", ""), read.day(top, "covers_to", "")
    profiles = [read.profile(item, place) for place, item in read.items(top, "profiles", "", 1, 100)]
    periods = [read.period(item, place) for place, item in read.items(top, "special_periods", "", 0, 1000)]
    closed = [read.closed_day(item, place) for place, item in read.items(top, "closed_days", "", 0, 10_000)]
    unit_days = [read.unit_day(item, place) for place, item in read.items(top, "unit_days", "", 0, 10_000)]
    shifts = [read.unit_shift(item, place) for place, item in read.items(top, "unit_shifts", "", 0, 1000)]

    covered = _require_order(read, "covers_to", "covers_from", covers_from, covers_to)
    if covered is not None and (covered[1] - covered[0]).days >= COVER_DAYS_LIMIT:
        read.refuse("covers_to", "must be at most a hundred years after covers_from")
        covered = None
    _check_profiles(read, profiles, periods, covered)
    _check_periods(read, "special_periods", profiles, periods, covered)
    _check_periods(read, "unit_shifts", profiles, shifts, covered)
    _check_closed_days(read, closed, covered)
    _check_unit_days(read, unit_days, covered)

    if (
        read.problems
        or key is None
        or version is None
        or title is None
        or utc_offset_minutes is None
        or covered is None
    ):
        raise InvalidDefinition(read.problems)
    views: dict[Optional[str], Calendar] = {}
    calendar = Calendar(
        key=key,
        version=version,
        title=title,
        utc_offset_minutes=utc_offset_minutes,
        covers_from=covered[0],
        covers_to=covered[1],
        profiles=tuple(p.whole for p in profiles if p.whole is not None),
        special_periods=tuple(p.whole for p in periods if p.whole is not None),
        closed_days=tuple(c for c in closed if c is not None),
        unit_days=tuple(d for d in unit_days if d is not None),
        unit_shifts=tuple(_shift(p.unit, p.whole) for p in shifts if p.unit is not None and p.whole is not None),
        work_unit=None,
        day_sessions=(),
        seconds_before=(),
        views=views,
    )
    views[None] = _for_unit(calendar, None)
    return views[None]


Span = tuple[date, date]
"""Two dates in order, both included."""


class _ProfileDraft(NamedTuple):
    """What could be read of a profile: its key alone may be sound."""

    key: Optional[str]
    whole: Optional[Profile]


class _PeriodDraft(NamedTuple):
    """What could be read of a special period or a unit's shift: the name of its profile alone may be sound."""

    profile: Optional[str]
    whole: Optional[SpecialPeriod]
    unit: Optional[str] = None


class _Reading:
    """Reads fields and collects what is wrong with them; a field that is missing or wrong is read as None."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, place: str, message: str) -> None:
        self.problems.append(Problem(place or "file", message))

    def table(self, value: object, place: str, known: Sequence[str], optional: Sequence[str] = ()) -> dict[str, object]:
        """The known fields that are there; a problem for each that is unknown or missing."""
        if not isinstance(value, Mapping):
            self.refuse(place, "must be a table")
            return {}
        for name in value:
            if not isinstance(name, str) or not name.isascii():
                self.refuse(place, f"has a key that is no ASCII text: {_quote(name)}")
            elif name not in known:
                self.refuse(_join(place, _quote(name)[1:-1]), f"is unknown here; known are {', '.join(known)}")
        for name in known:
            if name not in value and name not in optional:
                self.refuse(_join(place, name), "is missing")
        return {name: value[name] for name in known if name in value}

    def items(
        self, table: Mapping[str, object], name: str, place: str, low: int, high: int
    ) -> list[tuple[str, object]]:
        """Place and value of each entry of a list."""
        if name not in table:
            return []
        place, value = _join(place, name), table[name]
        if not isinstance(value, list):
            self.refuse(place, "must be a list")
            return []
        if not low <= len(value) <= high:
            self.refuse(place, f"must have from {low} to {high} entries, not {len(value)}")
        return [(f"{place}[{index}]", item) for index, item in enumerate(value[:high])]

    def text(self, table: Mapping[str, object], name: str, place: str) -> Optional[str]:
        if name not in table:
            return None
        place, value = _join(place, name), table[name]
        if not isinstance(value, str):
            self.refuse(place, "must be a text")
            return None
        wrong = []
        if not 1 <= len(value) <= 500:
            wrong.append("must have from 1 to 500 characters")
        if value != value.strip():
            wrong.append("must not begin or end with white space")
        if unicodedata.normalize("NFC", value) != value:
            wrong.append("must be in Unicode normal form NFC")
        if _HIDDEN.search(value):
            wrong.append("must hold no control character")
        for message in wrong:
            self.refuse(place, message)
        return None if wrong else value

    def word(self, table: Mapping[str, object], name: str, place: str) -> Optional[str]:
        if name not in table:
            return None
        place, value = _join(place, name), table[name]
        # The events' own schema decides: what it refuses could never be recorded.
        if isinstance(value, str) and KEY(value, place) is None:
            return value
        self.refuse(place, "must be a key: a-z, 0-9, '_', '-' and '.', at most 64 characters")
        return None

    def one_of(self, table: Mapping[str, object], name: str, place: str, words: Sequence[str]) -> Optional[str]:
        if name not in table:
            return None
        value = table[name]
        if isinstance(value, str) and value in words:
            return value
        self.refuse(_join(place, name), f"must be one of {', '.join(map(_quote, words))}, not {_quote(value)}")
        return None

    def integer(self, table: Mapping[str, object], name: str, place: str, low: int, high: int) -> Optional[int]:
        if name not in table:
            return None
        value = table[name]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(_join(place, name), f"must be a whole number from {low} to {high}")
        return None

    def day(self, table: Mapping[str, object], name: str, place: str) -> Optional[date]:
        """A date, as TOML has it or as the text of canonical bytes."""
        if name not in table:
            return None
        place, value = _join(place, name), table[name]
        found: Optional[date] = None
        if isinstance(value, date) and not isinstance(value, datetime):
            found = value
        elif isinstance(value, str) and _DATE.fullmatch(value):
            # The pattern first: newer Pythons read "20220607" too, and the bytes must mean the same to all.
            with suppress(ValueError):
                found = date.fromisoformat(value)
        if found is None:
            self.refuse(place, f"must be a day of the calendar, YYYY-MM-DD, not {_quote(value)}")
        elif not YEAR_RANGE[0] <= found.year <= YEAR_RANGE[1]:
            self.refuse(place, f"must have a year from {YEAR_RANGE[0]} to {YEAR_RANGE[1]}")
            found = None
        return found

    def time(self, value: object, place: str, *, is_end: bool) -> Optional[int]:
        """The seconds since midnight of ``HH:MM``."""
        found = _TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.refuse(place, f"must be a time of the day, HH:MM, not {_quote(value)}")
            return None
        if found.group(1) is None:
            if is_end:
                return DAY_SECONDS
            self.refuse(place, 'must be before "24:00", at which a session can only end')
            return None
        return int(found.group(1)) * 3600 + int(found.group(2)) * 60

    def session(self, value: object, place: str) -> Optional[Session]:
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(place, 'must be a start and an end, such as ["07:30", "12:00"]')
            return None
        start = self.time(value[0], f"{place}[0]", is_end=False)
        end = self.time(value[1], f"{place}[1]", is_end=True)
        if start is None or end is None:
            return None
        if end <= start:
            self.refuse(place, f"must end after it starts; {value[1]} is not after {value[0]}")
            return None
        return Session(start, end)

    def sessions(self, table: Mapping[str, object], name: str, place: str, low: int) -> tuple[Session, ...]:
        """The sessions that could be read of a list of at least ``low``; a problem for each that is not in order."""
        sessions: list[Session] = []
        for spot, item in self.items(table, name, place, low, 24):
            session = self.session(item, spot)
            if session is None:
                continue
            if sessions and session.start_seconds < sessions[-1].end_seconds:
                self.refuse(
                    spot, f"must not start before {_clock(sessions[-1].end_seconds)}, the end of the one before"
                )
            sessions.append(session)
        return tuple(sessions)

    def week(self, table: Mapping[str, object], place: str) -> Optional[tuple[tuple[Session, ...], ...]]:
        if "days" not in table:
            return None
        place, count = _join(place, "days"), len(self.problems)
        days = self.table(table["days"], place, WEEKDAYS, optional=WEEKDAYS)
        week = []
        for name in WEEKDAYS:
            week.append(self.sessions(days, name, place, 1))
        if len(self.problems) == count and not any(week):
            self.refuse(place, "must have at least one working day")
        return tuple(week) if len(self.problems) == count else None

    def profile(self, value: object, place: str) -> _ProfileDraft:
        table = self.table(value, place, _PROFILE_KEYS, optional=["valid_to", "named_only"])
        count = len(self.problems)
        key, title, decree = (
            self.word(table, "key", place),
            self.text(table, "title", place),
            self.text(table, "decree", place),
        )
        valid_from, valid_to = self.day(table, "valid_from", place), self.day(table, "valid_to", place)
        _require_order(self, _join(place, "valid_to"), "valid_from", valid_from, valid_to)
        week = self.week(table, place)
        named_only = table.get("named_only", False)
        if not isinstance(named_only, bool):
            self.refuse(_join(place, "named_only"), "must be true or false")
        if (
            len(self.problems) > count
            or key is None
            or title is None
            or decree is None
            or valid_from is None
            or week is None
        ):
            return _ProfileDraft(key, None)
        return _ProfileDraft(key, Profile(key, title, valid_from, valid_to, decree, week, named_only is True))

    def period(self, value: object, place: str) -> _PeriodDraft:
        return self._period(self.table(value, place, _PERIOD_KEYS), place)

    def _period(self, table: Mapping[str, object], place: str) -> _PeriodDraft:
        title, decree = self.text(table, "title", place), self.text(table, "decree", place)
        profile, status = self.word(table, "profile", place), self.one_of(table, "status", place, STATUSES)
        first_on, last_on = self.day(table, "from", place), self.day(table, "to", place)
        span = _require_order(self, _join(place, "to"), "from", first_on, last_on)
        if title is None or decree is None or profile is None or status is None or span is None:
            return _PeriodDraft(profile, None)
        return _PeriodDraft(profile, SpecialPeriod(title, span[0], span[1], profile, decree, status))

    def unit_shift(self, value: object, place: str) -> _PeriodDraft:
        table = self.table(value, place, _UNIT_SHIFT_KEYS)
        unit, draft = self.unit(table, place), self._period(table, place)
        if unit is None or draft.whole is None:
            return _PeriodDraft(draft.profile, None)
        return _PeriodDraft(draft.profile, draft.whole, unit)

    def unit_day(self, value: object, place: str) -> Optional[UnitDay]:
        table = self.table(value, place, _UNIT_DAY_KEYS)
        count = len(self.problems)
        unit, on = self.unit(table, place), self.day(table, "on", place)
        title, decree = self.text(table, "title", place), self.text(table, "decree", place)
        status = self.one_of(table, "status", place, STATUSES)
        sessions = self.sessions(table, "sessions", place, 0)
        if (
            len(self.problems) > count
            or unit is None
            or on is None
            or title is None
            or decree is None
            or status is None
        ):
            return None
        return UnitDay(unit, on, title, decree, status, sessions)

    def unit(self, table: Mapping[str, object], place: str) -> Optional[str]:
        if "unit" not in table:
            return None
        value = table["unit"]
        if isinstance(value, str) and _UNIT.fullmatch(value):
            return value
        self.refuse(_join(place, "unit"), "must be the id of a work unit, 32 digits of 0-9 and a-f")
        return None

    def closed_day(self, value: object, place: str) -> Optional[ClosedDay]:
        table = self.table(value, place, _CLOSED_KEYS)
        on, title = self.day(table, "on", place), self.text(table, "title", place)
        kind, status = (
            self.one_of(table, "kind", place, CLOSED_KINDS),
            self.one_of(table, "status", place, STATUSES),
        )
        decree = self.text(table, "decree", place)
        if on is None or title is None or kind is None or decree is None or status is None:
            return None
        return ClosedDay(on, title, kind, decree, status)


def _shift(unit: str, period: SpecialPeriod) -> UnitShift:
    return UnitShift(unit, period.title, period.first_on, period.last_on, period.profile, period.decree, period.status)


def _quote(value: object) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return json.dumps(text if len(text) <= 60 else text[:57] + "...")


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


def _require_order(
    read: _Reading, place: str, first_name: str, first: Optional[date], last: Optional[date]
) -> Optional[Span]:
    """The span of two dates that were both read, or None; a problem when they are the wrong way round."""
    if first is None or last is None:
        return None
    if last < first:
        read.refuse(place, f"must not be before {first_name}, {first}")
        return None
    return first, last


def _is_within(span: Span, outer: Span) -> bool:
    return outer[0] <= span[0] and span[1] <= outer[1]


def _check_profiles(
    read: _Reading, profiles: Sequence[_ProfileDraft], periods: Sequence[_PeriodDraft], covered: Optional[Span]
) -> None:
    """Keys are unique; ordinary profiles neither overlap nor leave a covered day without one."""
    first_with: dict[str, int] = {}
    for index, draft in enumerate(profiles):
        if draft.key is not None and first_with.setdefault(draft.key, index) != index:
            read.refuse(f"profiles[{index}].key", f"is the key of profiles[{first_with[draft.key]}] already")
    # Half a picture would only show problems that are none.
    if not profiles or any(d.whole is None for d in profiles) or any(d.profile not in first_with for d in periods):
        return
    special = {draft.profile for draft in periods}
    ordinary = sorted(
        (draft.whole.valid_from, draft.whole.valid_to or date.max, index)
        for index, draft in enumerate(profiles)
        if draft.whole is not None and not draft.whole.named_only and draft.key not in special
    )
    for (_, last, index), (next_first, _, next_index) in zip(ordinary, ordinary[1:]):
        if next_first <= last:
            read.refuse(
                f"profiles[{max(index, next_index)}]",
                f"must not be valid on {next_first}, when profiles[{min(index, next_index)}] is; only profiles that a"
                " special period names, or that say named_only = true, may be valid beside another",
            )
    if covered is None:
        return
    # Ordinals, as the day after date.max is no date.
    expected, end = covered[0].toordinal(), covered[1].toordinal()
    for first, last, _ in ordinary:
        _refuse_gap(read, expected, min(first.toordinal() - 1, end))
        expected = max(expected, last.toordinal() + 1)
    _refuse_gap(read, expected, end)


def _refuse_gap(read: _Reading, first: int, last: int) -> None:
    """A problem when there is a day from one ordinal to the other, on which no ordinary profile is valid."""
    if first <= last:
        read.refuse(
            "profiles",
            f"none is valid from {date.fromordinal(first)} to {date.fromordinal(last)}, which the calendar covers;"
            " those that a special period names, or that say named_only = true, do not count",
        )


def _check_periods(
    read: _Reading,
    name: str,
    profiles: Sequence[_ProfileDraft],
    periods: Sequence[_PeriodDraft],
    covered: Optional[Span],
) -> None:
    """Each period or shift names a profile that is valid all the time, and lies in what is covered.

    It overlaps no other of the same unit; special periods are those of no unit.
    """
    keys = {draft.key for draft in profiles}
    by_key = {draft.key: draft.whole for draft in profiles if draft.whole is not None}
    spans: list[tuple[str, Span, int]] = []
    for index, draft in enumerate(periods):
        place, period = f"{name}[{index}]", draft.whole
        # A profile that could not be read may be the one that is meant.
        if draft.profile is not None and keys and None not in keys and draft.profile not in keys:
            read.refuse(f"{place}.profile", f"must be the key of a profile; there is no {_quote(draft.profile)}")
        if period is None:
            continue
        span = (period.first_on, period.last_on)
        spans.append((draft.unit or "", span, index))
        profile = by_key.get(period.profile)
        if profile is not None and not _is_within(span, (profile.valid_from, profile.valid_to or date.max)):
            until = f"to {profile.valid_to}" if profile.valid_to else "on"
            read.refuse(
                place,
                f"must lie within the validity of profile {profile.key}, from {profile.valid_from} {until}",
            )
        if covered is not None and not _is_within(span, covered):
            read.refuse(place, f"must lie within what the calendar covers, {covered[0]} to {covered[1]}")
    spans.sort()
    for (unit, (_, last), index), (next_unit, (next_first, _), next_index) in zip(spans, spans[1:]):
        if unit == next_unit and next_first <= last:
            read.refuse(f"{name}[{next_index}]", f"must not overlap {name}[{index}]")


def _check_closed_days(read: _Reading, closed: Sequence[Optional[ClosedDay]], covered: Optional[Span]) -> None:
    """Closed days lie in what is covered; none is there twice."""
    first_with: dict[tuple[date, str], int] = {}
    for index, day in enumerate(closed):
        if day is None:
            continue
        place, first = f"closed_days[{index}]", first_with.setdefault((day.on, day.title), index)
        if first != index:
            read.refuse(place, f"is closed_days[{first}] again: the same date and title")
        if covered is not None and not covered[0] <= day.on <= covered[1]:
            read.refuse(f"{place}.on", f"must lie within what the calendar covers, {covered[0]} to {covered[1]}")


def _check_unit_days(read: _Reading, days: Sequence[Optional[UnitDay]], covered: Optional[Span]) -> None:
    """The units' own days lie in what is covered; none is there twice."""
    first_with: dict[tuple[str, date], int] = {}
    for index, day in enumerate(days):
        if day is None:
            continue
        place, first = f"unit_days[{index}]", first_with.setdefault((day.unit, day.on), index)
        if first != index:
            read.refuse(place, f"is the same unit and date as unit_days[{first}]")
        if covered is not None and not covered[0] <= day.on <= covered[1]:
            read.refuse(f"{place}.on", f"must lie within what the calendar covers, {covered[0]} to {covered[1]}")


def _ordinary(profiles: Sequence[Profile], periods: Sequence[SpecialPeriod]) -> list[Profile]:
    """The profiles that apply where nothing names one."""
    special = {period.profile for period in periods}
    return [profile for profile in profiles if not profile.named_only and profile.key not in special]


def _lay_out(calendar: Calendar, work_unit: Optional[str]) -> list[tuple[Session, ...]]:
    """The sessions of each covered day, for a unit or for none; the later layer hides the earlier one."""
    first, last = calendar.covers_from.toordinal(), calendar.covers_to.toordinal()
    days: list[tuple[Session, ...]] = [()] * (last - first + 1)

    def lay(profile: Profile, from_on: date, to_on: date) -> None:
        for ordinal in range(max(first, from_on.toordinal()), min(last, to_on.toordinal()) + 1):
            # Ordinal 1 was a Monday.
            days[ordinal - first] = profile.week[(ordinal - 1) % 7]

    for profile in _ordinary(calendar.profiles, calendar.special_periods):
        lay(profile, profile.valid_from, profile.valid_to or calendar.covers_to)
    by_key = {profile.key: profile for profile in calendar.profiles}
    for period in calendar.special_periods:
        lay(by_key[period.profile], period.first_on, period.last_on)
    for shift in calendar.unit_shifts:
        if shift.unit == work_unit:
            lay(by_key[shift.profile], shift.first_on, shift.last_on)
    for day in calendar.closed_days:
        days[day.on.toordinal() - first] = ()
    for own in calendar.unit_days:
        if own.unit == work_unit:
            days[own.on.toordinal() - first] = own.sessions
    return days
