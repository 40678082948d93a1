"""Working time as an office counts it: a calendar read from a definition, seconds used, when a limit is reached.

``calendar_definition.parse_calendar`` lays a definition out once as a table of days with a running total, so that everything
asked later is two look-ups and, at most, a walk over the days between.

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
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple, Optional

from archive_service.errors import InvalidInput

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
        view = lay_out(calendar, work_unit) if work_unit in units else calendar.views[None]
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
            "policy_unknown", f"A policy is one of {', '.join(DAY_POLICIES)}, not {quote(policy)}.", policy=policy
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
        raise InvalidInput("unit_unknown", f"A norm has the unit minute, hour or day, not {quote(unit)}.", unit=unit)
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


def lay_out(calendar: Calendar, work_unit: Optional[str]) -> Calendar:
    """The calendar laid out as a table of days with a running total, with the rules of that unit or of none."""
    day_sessions = _sessions_of_days(calendar, work_unit)
    seconds_before = [0]
    for sessions in day_sessions:
        seconds_before.append(seconds_before[-1] + sum(s.seconds for s in sessions))
    return replace(
        calendar, work_unit=work_unit, day_sessions=tuple(day_sessions), seconds_before=tuple(seconds_before)
    )


def _ordinary(profiles: Sequence[Profile], periods: Sequence[SpecialPeriod]) -> list[Profile]:
    """The profiles that apply where nothing names one."""
    special = {period.profile for period in periods}
    return [profile for profile in profiles if not profile.named_only and profile.key not in special]


def _sessions_of_days(calendar: Calendar, work_unit: Optional[str]) -> list[tuple[Session, ...]]:
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


def quote(value: object) -> str:
    """A value that was refused, as a message shows it: short, and never anything but one line."""
    text = value if isinstance(value, str) else type(value).__name__
    return json.dumps(text if len(text) <= 60 else text[:57] + "...")
