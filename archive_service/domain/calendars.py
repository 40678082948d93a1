"""What people ask of a calendar and change in it: intervals explained day by day, edits of dated days, differences.

``working_time`` counts; this says why. Staff argue about days: every day of an interval is named with the rule that gave
it its hours, also those that gave nothing.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.working_time import Calendar, Pauses, due_at, limit_of, rule_on, sessions_on, used_between
from archive_service.errors import InvalidInput

DAY_MINUTES = 450
"""What "1 hari" is under ``working_minutes`` where no SOP says so: the 7 h 30 min of an ordinary day."""

DATED_TABLES: Dict[str, Tuple[str, ...]] = {
    "closed_days": ("on", "title"),
    "special_periods": ("from",),
    "unit_days": ("unit", "on"),
    "unit_shifts": ("unit", "from"),
}
"""The tables of a calendar that people edit → the fields that tell one entry of it from another."""

ENTRY_FIELDS: Dict[str, Tuple[str, ...]] = {
    "closed_days": ("on", "title", "kind", "decree", "status"),
    "special_periods": ("from", "to", "title", "profile", "decree", "status"),
    "unit_days": ("unit", "on", "title", "decree", "status", "sessions"),
    "unit_shifts": ("unit", "from", "to", "title", "profile", "decree", "status"),
}

SET = "set"
REMOVE = "remove"

EXPLAINED_DAYS_LIMIT = 3_700
"""Days that one explanation may have: ten years."""

WEEKEND = "weekend"
OUTSIDE_HOURS = "outside_hours"
"""Why a day counts nothing, besides the kinds of rule: its profile has no hours on it, or the interval misses them."""

_LOCAL_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_LIMIT = re.compile(r"([0-9]{1,6})(m|h|d)")
_UNITS = {"m": "minute", "h": "hour", "d": "day"}


def parse_local_time(text: str, utc_offset_minutes: int) -> datetime:
    """The aware instant of ``2026-03-13T10:00``, in the calendar's own zone when it names none; InvalidInput otherwise."""
    found = _LOCAL_TIME.fullmatch(text)
    try:
        if found is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
            zone = _zone(found.group(7), utc_offset_minutes)
            return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        pass
    raise InvalidInput(
        "time_expected",
        f"{_short(text)} is no time. Write it as 2026-03-13T10:00, or with its zone behind it (+08:00).",
    )


def _zone(text: Optional[str], utc_offset_minutes: int) -> timezone:
    if text is None:
        return timezone(timedelta(minutes=utc_offset_minutes))
    if text == "Z":
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    if int(text[4:]) > 59:
        raise ValueError("minutes of a zone")
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:])))


def parse_limit(text: str) -> Tuple[int, str]:
    """Amount and unit of a norm such as ``30m``, ``2h`` or ``1d``; InvalidInput otherwise."""
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise InvalidInput(
            "limit_expected", f"{_short(text)} is no norm. Write minutes, hours or days: 30m, 2h, 1d, 1200m."
        )
    return int(found.group(1)), _UNITS[found.group(2)]


def _short(text: str) -> str:
    return '"' + (text if len(text) <= 40 else text[:37] + "...") + '"'


# ---- an interval, explained


def explain_day(calendar: Calendar, day: date) -> Dict[str, Any]:
    """A local date: its sessions as ``[["07:30", "12:00"], …]``, its working seconds, and the rule that they follow from."""
    sessions = sessions_on(calendar, day)
    rule = rule_on(calendar, day)
    return {
        "on": day.isoformat(),
        "hours": [[_clock(s.start_seconds), _clock(s.end_seconds)] for s in sessions],
        "day_seconds": sum(s.seconds for s in sessions),
        "rule": rule._asdict(),
    }


def explain_days(calendar: Calendar, first: date, last: date) -> List[Dict[str, Any]]:
    """``explain_day`` of each date from one to the other, both included, as far as the calendar covers them."""
    begin = max(first, calendar.covers_from).toordinal()
    end = min(last, calendar.covers_to).toordinal()
    return [explain_day(calendar, date.fromordinal(ordinal)) for ordinal in range(begin, end + 1)]


def explain_used(
    calendar: Calendar, started_at: datetime, finished_at: datetime, without: Pauses = ()
) -> Dict[str, Any]:
    """The working time of an interval: ``seconds``, ``by_day`` (dates that count), and ``days``: each date with its reason.

    A day's ``reason`` is None where it counts something, else the kind of its rule, ``weekend`` or ``outside_hours``.
    Raises what ``used_between`` raises, InvalidInput when the interval ends before it begins or takes ten years.
    """
    if finished_at < started_at:
        raise InvalidInput("interval_reversed", "The end is before the start; give them the other way round.")
    if (finished_at - started_at).days > EXPLAINED_DAYS_LIMIT:
        raise InvalidInput("interval_too_long", f"At most {EXPLAINED_DAYS_LIMIT} days are explained at once.")
    used = used_between(calendar, started_at, finished_at, without)
    by_day = dict(used.by_day)
    zone = timezone(timedelta(minutes=calendar.utc_offset_minutes))
    days = []
    for entry in explain_days(calendar, started_at.astimezone(zone).date(), finished_at.astimezone(zone).date()):
        seconds = by_day.get(entry["on"], 0)
        days.append({**entry, "seconds": seconds, "reason": None if seconds else _reason(entry)})
    return {"seconds": used.seconds, "by_day": by_day, "days": days}


def explain_due(
    calendar: Calendar,
    started_at: datetime,
    amount: int,
    unit: str,
    policy: str,
    day_minutes: int = DAY_MINUTES,
    without: Pauses = (),
) -> Dict[str, Any]:
    """When a norm that starts then is reached: ``due_at``, ``limit_seconds``, and the interval until then as explained.

    ``due_at`` is in the calendar's own zone. Raises what ``limit_of`` and ``due_at`` raise.
    """
    pauses = tuple(without)
    limit = limit_of(calendar, started_at, amount, unit, policy, day_minutes)
    due = due_at(calendar, started_at, limit, pauses)
    zone = timezone(timedelta(minutes=calendar.utc_offset_minutes))
    # A start within a second is counted from the second, which is where a limit of 0 is due.
    explained = explain_used(calendar, min(started_at, due), due, pauses)
    return {"due_at": due.astimezone(zone).isoformat(), "limit_seconds": limit, "policy": policy, **explained}


def _reason(entry: Mapping[str, Any]) -> str:
    if entry["hours"]:
        return OUTSIDE_HOURS
    rule = entry["rule"]
    # A rule that has a profile gives a day without hours where the profile has none: at a weekend, as a rule.
    return str(rule["kind"]) if rule["profile"] is None else WEEKEND


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


# ---- edits


class Change(NamedTuple):
    """One dated day or period to set or to remove: ``entry`` has the fields of its table, to remove those that tell it."""

    action: str
    table: str
    entry: Mapping[str, Any]


def edit_definition(mapping: Mapping[str, Any], changes: Sequence[Change]) -> Dict[str, Any]:
    """The next version of a calendar's definition, with the changes made and nothing else; its tables in order.

    Setting an entry that is there mends it. Raises InvalidInput for the first change that cannot be made, with its
    place (``changes[0].decree``), and InvalidDefinition when what comes out is no sound calendar all the same.
    """
    if not changes:
        raise InvalidInput("nothing_changed", "Name at least one day to set or to remove.")
    covered = str(mapping["covers_from"]), str(mapping["covers_to"])
    tables = {name: [dict(entry) for entry in mapping.get(name, [])] for name in DATED_TABLES}
    seen: Dict[Tuple[str, ...], int] = {}
    for index, change in enumerate(changes):
        entry = _checked_entry(change, f"changes[{index}]", covered)
        table = tables[change.table]
        names = DATED_TABLES[change.table]
        same = [i for i, known in enumerate(table) if all(known[n] == entry[n] for n in names if n in entry)]
        if change.action == REMOVE:
            if len(same) != 1:
                raise _unfit_removal(f"changes[{index}]", change.table, entry, len(same))
            entry = {**entry, **{name: table[same[0]][name] for name in names}}
        identity = (change.table, *(str(entry[name]) for name in names))
        if seen.setdefault(identity, index) != index:
            raise InvalidInput(
                "date_twice",
                f"changes[{index}] is about the same day as changes[{seen[identity]}]; keep one of them.",
                place=f"changes[{index}]",
            )
        if change.action == REMOVE:
            del table[same[0]]
        elif same:
            table[same[0]] = entry
        else:
            table.append(entry)
    edited = {**mapping, "version": mapping["version"] + 1}
    for name, entries in tables.items():
        if entries or name in mapping:
            edited[name] = sorted(
                entries, key=lambda e: tuple(str(e.get(n, "")) for n in ("on", "from", "unit", "title"))
            )
    if not difference(mapping, edited):
        raise InvalidInput("nothing_changed", "The calendar says all of this already; nothing was changed.")
    parse_calendar(edited)
    return edited


def _checked_entry(change: Change, place: str, covered: Tuple[str, str]) -> Dict[str, Any]:
    """The fields of a change that its table has; InvalidInput when one is missing, unknown or out of what is covered."""
    if change.table not in DATED_TABLES:
        raise InvalidInput(
            "table_unknown", f"{place}.table must be one of {', '.join(DATED_TABLES)}.", place=f"{place}.table"
        )
    if change.action not in (SET, REMOVE):
        raise InvalidInput("action_unknown", f"{place}.action must be set or remove.", place=f"{place}.action")
    known = ENTRY_FIELDS[change.table]
    entry = {name: value for name, value in change.entry.items() if value is not None}
    for name in entry:
        if name not in known:
            raise InvalidInput(
                "field_unknown", f"{place}.{name} has no place in {change.table}.", place=f"{place}.{name}"
            )
    wanted = known if change.action == SET else tuple(n for n in DATED_TABLES[change.table] if n != "title")
    for name in wanted:
        if name not in entry or entry[name] == "":
            code = "decree_missing" if name == "decree" else "field_missing"
            text = "say which decree or letter orders it" if name == "decree" else "is missing"
            raise InvalidInput(code, f"{place}.{name}: {text}.", place=f"{place}.{name}")
    for name in ("on", "from", "to"):
        if name in entry:
            entry[name] = _covered_date(entry[name], f"{place}.{name}", covered)
    return (
        entry if change.action == SET else {name: entry[name] for name in DATED_TABLES[change.table] if name in entry}
    )


def _covered_date(value: Any, place: str, covered: Tuple[str, str]) -> str:
    try:
        text = date.fromisoformat(value).isoformat() if isinstance(value, str) and len(value) == 10 else ""
    except ValueError:
        text = ""
    if not text:
        raise InvalidInput("date_expected", f"{place} must be a date such as 2026-03-13.", place=place)
    if not covered[0] <= text <= covered[1]:
        raise InvalidInput(
            "outside_calendar",
            f"{place}: {text} is outside the calendar, which covers {covered[0]} to {covered[1]}; a new year takes a new"
            " file.",
            place=place,
        )
    return text


def _unfit_removal(place: str, table: str, entry: Mapping[str, Any], count: int) -> InvalidInput:
    what = ", ".join(f"{name} {value}" for name, value in entry.items())
    if count == 0:
        return InvalidInput("nothing_to_remove", f"{place}: {table} has no entry with {what}.", place=place)
    return InvalidInput(
        "entry_ambiguous", f"{place}: {table} has {count} entries with {what}; name its title too.", place=place
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """What a later version of a calendar's definition says otherwise: ``what``, ``table``, ``before``, ``after`` of each.

    ``what`` is added, removed or changed. Entries of dated tables and profiles stand one by one; any other field is a
    change of the table None, its values as ``{field: value}``. The version itself is no difference.
    """
    found: List[Dict[str, Any]] = []
    for table, names in {**DATED_TABLES, "profiles": ("key",)}.items():
        old, new = _by_identity(before, table, names), _by_identity(after, table, names)
        for identity in sorted(old.keys() | new.keys()):
            entry, mended = old.get(identity), new.get(identity)
            if entry != mended:
                what = "added" if entry is None else "removed" if mended is None else "changed"
                found.append({"what": what, "table": table, "before": entry, "after": mended})
    skipped = {*DATED_TABLES, "profiles", "version"}
    for name in sorted((before.keys() | after.keys()) - skipped):
        if before.get(name) != after.get(name):
            pair = {"before": {name: before.get(name)}, "after": {name: after.get(name)}}
            found.append({"what": "changed", "table": None, **pair})
    return found


def _by_identity(mapping: Mapping[str, Any], table: str, names: Sequence[str]) -> Dict[Tuple[str, ...], Any]:
    return {tuple(str(entry[name]) for name in names): entry for entry in mapping.get(table, [])}
