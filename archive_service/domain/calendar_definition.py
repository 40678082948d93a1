"""How the definition of a calendar is read: every field with its place, every problem at once.

A definition is plain JSON-like data (data/calendars/README.md explains its fields); ``working_time`` counts by what comes of it. Bytes
that were registered once are parsed again for decades: a rule may be relaxed here, and never be made stricter for ``schema = 1``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import NamedTuple, Optional

from archive_service.domain.event import KEY
from archive_service.domain.working_time import (
    CLOSED_KINDS,
    DAY_SECONDS,
    STATUSES,
    WEEKDAYS,
    Calendar,
    ClosedDay,
    Profile,
    Session,
    SpecialPeriod,
    UnitDay,
    UnitShift,
    lay_out,
    quote,
)
from archive_service.errors import InvalidDefinition, Problem

YEAR_RANGE = (1900, 2999)
COVER_DAYS_LIMIT = 36_525
VERSION_LIMIT = 10**6

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
    views[None] = lay_out(calendar, None)
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
                self.refuse(place, f"has a key that is no ASCII text: {quote(name)}")
            elif name not in known:
                self.refuse(_join(place, quote(name)[1:-1]), f"is unknown here; known are {', '.join(known)}")
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
        self.refuse(_join(place, name), f"must be one of {', '.join(map(quote, words))}, not {quote(value)}")
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
            self.refuse(place, f"must be a day of the calendar, YYYY-MM-DD, not {quote(value)}")
        elif not YEAR_RANGE[0] <= found.year <= YEAR_RANGE[1]:
            self.refuse(place, f"must have a year from {YEAR_RANGE[0]} to {YEAR_RANGE[1]}")
            found = None
        return found

    def time(self, value: object, place: str, *, is_end: bool) -> Optional[int]:
        """The seconds since midnight of ``HH:MM``."""
        found = _TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.refuse(place, f"must be a time of the day, HH:MM, not {quote(value)}")
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
            read.refuse(f"{place}.profile", f"must be the key of a profile; there is no {quote(draft.profile)}")
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
