"""``archive-service calendar``: what a calendar counts, offline, and its versions and edits at a running service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click

from archive_service.cli.listing import AS_JSON, cell_text, show_rows
from archive_service.cli.options import data_option, read_settings, require_archive
from archive_service.domain import calendars
from archive_service.domain.working_time import (
    CLOSED_DAY,
    DAY_POLICIES,
    STATUSES,
    UNIT_DAY,
    WORKING_MINUTES,
    Calendar,
    for_unit,
)
from archive_service.errors import InvalidInput, NotFound

DEFAULT_KEY = "id-government"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OFFICE_ZONE = timezone(timedelta(hours=7))
CLOSED_KINDS = ("national", "joint_leave", "institution")

KEY = click.option("--calendar", "key", default=DEFAULT_KEY, show_default=True, help="The calendar's key.")
VERSION = click.option("--version", type=click.IntRange(1), help="That version instead of the newest.")
REASON = click.option("--reason", required=True, help="Why; it is kept with the new version.")
BASED_ON = click.option("--based-on", help="Digest of the version that you looked at; the newest when left out.")
STATUS = click.option("--status", type=click.Choice(STATUSES), default="decreed", show_default=True)


@click.group()
def calendar() -> None:
    """Working calendars: what an interval counts, when a limit is due, which days are closed."""


# counting, without a service --------------------------------------------------------------------------------------


def _counting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        AS_JSON,
        data_option,
        click.option(
            "--version", type=click.IntRange(1), help="That version in the archive; its newest when left out."
        ),
        click.option(
            "--calendar", "source", metavar="FILE|KEY", help=f"A calendar file, or a key; {DEFAULT_KEY} when left out."
        ),
        click.option("--unit", help="Count as this work unit: its id, or its code in an archive."),
    ):
        command = option(command)
    return command


@calendar.command("used")
@click.argument("started_at", metavar="FROM")
@click.argument("finished_at", metavar="TO")
@_counting_options
def show_used(
    started_at: str,
    finished_at: str,
    unit: str | None,
    source: str | None,
    version: int | None,
    data_dir: Path | None,
    is_json: bool,
) -> None:
    """The working time between two times such as 2026-03-13T10:00, day by day with the reasons.

    Times are in the calendar's zone (WIB) when they name none. Counts with the newest version in the archive that --data or the
    settings (ARCHIVE_DATA_DIR, ARCHIVE_DATABASE) point to, and with the calendar that the program ships when there is none.
    """
    found, plain = _find_calendar(source, version, unit, data_dir)
    offset = found.utc_offset_minutes
    start = calendars.parse_local_time(started_at, offset)
    finish = calendars.parse_local_time(finished_at, offset)
    explained = {**plain, **calendars.explain_used(found, start, finish)}
    if is_json:
        click.echo(json.dumps(explained, indent=2, ensure_ascii=False))
        return
    _show_explained(explained)
    click.echo(f"\nWorking time: {_duration(explained['seconds'])}{_in_minutes(explained['seconds'])}")


@calendar.command("due")
@click.argument("started_at", metavar="FROM")
@click.argument("limit", metavar="LIMIT")
@click.option("--policy", type=click.Choice(DAY_POLICIES), default=WORKING_MINUTES, show_default=True)
@click.option("--day-minutes", type=click.IntRange(1, 1440), default=calendars.DAY_MINUTES, show_default=True)
@_counting_options
def show_due(
    started_at: str,
    limit: str,
    policy: str,
    day_minutes: int,
    unit: str | None,
    source: str | None,
    version: int | None,
    data_dir: Path | None,
    is_json: bool,
) -> None:
    """When a limit such as 30m, 2h, 1d or 1200m that starts at FROM is reached; --policy says what a day (1d) is.

    The calendar is found as `calendar used` finds it.
    """
    found, plain = _find_calendar(source, version, unit, data_dir)
    start = calendars.parse_local_time(started_at, found.utc_offset_minutes)
    amount, of_unit = calendars.parse_limit(limit)
    explained = {**plain, **calendars.explain_due(found, start, amount, of_unit, policy, day_minutes)}
    if is_json:
        click.echo(json.dumps(explained, indent=2, ensure_ascii=False))
        return
    _show_explained(explained)
    limit_seconds = explained["limit_seconds"]
    click.echo(f"\nLimit: {_duration(limit_seconds)}{_in_minutes(limit_seconds)}\nDue:   {explained['due_at']}")


def _find_calendar(
    source: str | None, version: int | None, unit: str | None, data_dir: Path | None
) -> tuple[Calendar, dict[str, Any]]:
    """The calendar to count with, and what to say of it."""
    # the catalogue needs the database's library, which the help does not
    from archive_service.catalog import Catalog, load_definition, seed_definitions
    from archive_service.db import schema
    from archive_service.db.session import Database
    from archive_service.domain import canonical
    from archive_service.domain.calendar_definition import parse_calendar
    from archive_service.services.calendars import find_unit, find_version

    key = source or DEFAULT_KEY
    if "/" in key or key.endswith(".toml") or Path(key).is_file():
        definition = load_definition(Path(key))
        if version is not None:
            raise InvalidInput("version_unfit", "A file holds one version; leave --version out.")
        if definition.kind != "calendar":
            raise InvalidInput("not_a_calendar", f"{key} is a definition of another kind: {definition.kind}.")
        return _of_definition(parse_calendar(canonical.decode(definition.data)), unit, definition.digest, key)
    settings = read_settings(data_dir=data_dir)
    if data_dir is not None:
        require_archive(settings)
    if settings.database is not None or (settings.data_dir / "archive.db").exists():
        db, catalog = Database(settings.database_url), Catalog()
        try:
            with db.read() as session:
                if schema.current_version(session.connection()) is not None:
                    definition = find_version(catalog, session, key, version)
                    work_unit = None if unit is None else find_unit(session, unit)
                    found = catalog.calendar(session, definition.digest, work_unit)
                    return found, _plain(found, work_unit, definition.digest, "archive")
        finally:
            db.close()
    for definition in seed_definitions():
        if (definition.kind, definition.key) == ("calendar", key) and version in (None, definition.version):
            return _of_definition(
                parse_calendar(canonical.decode(definition.data)), unit, definition.digest, "shipped with the program"
            )
    raise NotFound(
        "definition_unknown",
        f"The program ships no calendar {key}{'' if version is None else f', version {version}'}, and there is no archive"
        " here; name a file, or an archive's folder with --data.",
    )


def _of_definition(found: Calendar, unit: str | None, digest: str, source: str) -> tuple[Calendar, dict[str, Any]]:
    if unit is None:
        return found, _plain(found, None, digest, source)
    if not re.fullmatch("[0-9a-f]{32}", unit):
        raise InvalidInput("unit_expected", "Without an archive a work unit is named by its id of 32 hex digits.")
    return for_unit(found, unit), _plain(found, unit, digest, source)


def _plain(found: Calendar, unit: str | None, digest: str, source: str) -> dict[str, Any]:
    return {
        "calendar": found.key,
        "version": found.version,
        "digest": digest,
        "source": source,
        "work_unit": unit,
    }


def _show_explained(explained: dict[str, Any]) -> None:
    unit = "" if explained["work_unit"] is None else f", work unit {explained['work_unit']}"
    click.echo(f"{explained['calendar']} version {explained['version']} ({explained['source']}){unit}\n")
    _show_days(explained["days"], with_counted=True)


def _show_days(days: list[dict[str, Any]], *, with_counted: bool = False) -> None:
    rows = []
    for day in days:
        counted = _duration(day["seconds"]) if with_counted and day["seconds"] else None
        hours = " ".join("–".join(session) for session in day["hours"]) or None
        rows.append(
            {
                "date": day["on"],
                "day": WEEKDAYS[date.fromisoformat(day["on"]).weekday()],
                "counted": counted,
                "hours": hours,
                "why": _why(day),
            }
        )
    columns = ("date", "day", "counted", "hours", "why") if with_counted else ("date", "day", "hours", "why")
    show_rows(rows, columns, False)


def _why(day: dict[str, Any]) -> str:
    """In words: what gave a date its hours, or why it has none, or why none of them count."""
    rule = day["rule"]
    title = f"{rule['title']} ({rule['decree']}{', estimated' if rule['status'] == 'estimated' else ''})"
    if not day["hours"]:
        return title if rule["kind"] in (CLOSED_DAY, UNIT_DAY) else "weekend"
    return f"outside the hours; {title}" if day.get("reason") == calendars.OUTSIDE_HOURS else title


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
    return f"{text} {rest} s" if rest else text


def _in_minutes(seconds: int) -> str:
    return f" ({seconds // 60} minutes)" if seconds >= 3600 else ""


# at a running service ---------------------------------------------------------------------------------------------


def _path(key: str, rest: str = "") -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", key):
        raise InvalidInput("key_expected", "A calendar is named by its key; `calendar list` shows them.")
    return f"/api/v1/calendars/{key}{rest}"


def _call(method: str, path: str, **kwargs: Any) -> Any:
    # counting needs no HTTP library
    from archive_service.cli.connection import connect

    return connect().call(method, path, **kwargs)


@calendar.command("list")
@AS_JSON
def list_calendars(is_json: bool) -> None:
    """The calendars of a running service."""
    found = _call("GET", "/api/v1/calendars")["calendars"]
    show_rows(found, ("key", "version", "covers_from", "covers_to", "title", "digest"), is_json)


@calendar.command("show")
@KEY
@click.option("--month", help="That month, YYYY-MM; this one when left out.")
@click.option("--unit", help="With the days and shifts of this work unit: its id or code.")
@VERSION
@AS_JSON
def show_calendar(key: str, month: str | None, unit: str | None, version: int | None, is_json: bool) -> None:
    """The days of a month at a running service: their hours, and why they have them."""
    first = _first_of(month)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    query = {"from": first.isoformat(), "to": last.isoformat(), "unit": unit, "version": version}
    found = _call("GET", _path(key, "/days"), params={k: v for k, v in query.items() if v is not None})
    if is_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{cell_text(found['title'])}, version {found['version']}\n")
    _show_days(found["days"])


def _first_of(month: str | None) -> date:
    if month is None:
        return datetime.now(OFFICE_ZONE).date().replace(day=1)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}", month):
            return date.fromisoformat(f"{month}-01")
    except ValueError:
        pass
    raise InvalidInput("month_expected", "Name a month as 2026-03.")


@calendar.command("definition")
@KEY
@VERSION
def show_definition(key: str, version: int | None) -> None:
    """A version as it was registered, as JSON, with its digest."""
    found = _call("GET", _path(key), params={} if version is None else {"version": version})
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@calendar.command("versions")
@KEY
@AS_JSON
def list_versions(key: str, is_json: bool) -> None:
    """Every version, newest first: when, by whom, why, and what it changed."""
    found = _call("GET", _path(key, "/versions"))["versions"]
    if is_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for row in found:
        who = row["person_name"] or "set-up"
        click.echo(f"version {row['version']}  {row['at']}  {cell_text(who)}  sha256 {row['digest']}")
        if row["reason"] is not None:
            click.echo(f"  reason: {cell_text(row['reason'])}")
        for change in row["changes"]:
            click.echo(f"  {change['what']}: {_change_text(change)}")


def _change_text(change: dict[str, Any]) -> str:
    entry = change["after"] or change["before"]
    if change["table"] is None:
        return ", ".join(f"{name} {cell_text(value)}" for name, value in entry.items())
    when = entry.get("on") or entry.get("from") or entry.get("valid_from")
    until = f" to {entry['to']}" if "to" in entry else ""
    unit = f", unit {entry['unit']}" if "unit" in entry else ""
    return f"{change['table']} {when}{until}: {cell_text(entry['title'])} ({cell_text(entry['decree'])}){unit}"


@calendar.command("set-day")
@click.argument("day", metavar="DATE")
@click.option("--title", required=True, help="What the day is.")
@click.option("--decree", required=True, help="The decree or letter that orders it.")
@click.option("--kind", type=click.Choice(CLOSED_KINDS), help="Of a closed day for all units; national when left out.")
@click.option("--unit", help="A day of this work unit alone, by its id.")
@click.option("--hours", multiple=True, metavar="HH:MM-HH:MM", help="The unit works then; repeat it. Closed without.")
@STATUS
@REASON
@KEY
@BASED_ON
def set_day(
    day: str,
    title: str,
    decree: str,
    kind: str | None,
    unit: str | None,
    hours: tuple[str, ...],
    status: str,
    reason: str,
    key: str,
    based_on: str | None,
) -> None:
    """Close a day for all, or give a work unit a day of its own, in a new version of the calendar."""
    entry: dict[str, Any] = {"on": day, "title": title, "decree": decree, "status": status}
    if unit is None:
        if hours:
            raise InvalidInput("unit_expected", "Hours are those of one work unit; name it with --unit.")
        _edit(key, {"action": "set", "table": "closed_days", **entry, "kind": kind or "national"}, reason, based_on)
        return
    if kind is not None:
        raise InvalidInput("kind_unfit", "A unit's own day has no --kind; leave it out.")
    sessions = [text.split("-", 1) for text in hours]
    _edit(key, {"action": "set", "table": "unit_days", **entry, "unit": unit, "sessions": sessions}, reason, based_on)


@calendar.command("remove-day")
@click.argument("day", metavar="DATE")
@click.option("--title", help="Which one, when the date has several.")
@click.option("--unit", help="The day of this work unit, by its id.")
@REASON
@KEY
@BASED_ON
def remove_day(day: str, title: str | None, unit: str | None, reason: str, key: str, based_on: str | None) -> None:
    """Take a closed day, or a unit's own day, out of the calendar, in a new version."""
    change: dict[str, Any] = {"action": "remove", "table": "closed_days" if unit is None else "unit_days", "on": day}
    more = {"title": title, "unit": unit}
    _edit(key, {**change, **{name: value for name, value in more.items() if value is not None}}, reason, based_on)


@calendar.command("set-period")
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option("--profile", required=True, help="The key of the hours that apply then.")
@click.option("--title", required=True)
@click.option("--decree", required=True, help="The decree or letter that orders it.")
@click.option("--unit", help="A shift of this work unit alone, by its id.")
@STATUS
@REASON
@KEY
@BASED_ON
def set_period(
    first: str,
    last: str,
    profile: str,
    title: str,
    decree: str,
    unit: str | None,
    status: str,
    reason: str,
    key: str,
    based_on: str | None,
) -> None:
    """Have other hours apply from one day to another, for all or for one work unit, in a new version."""
    entry = {"from": first, "to": last, "profile": profile, "title": title, "decree": decree, "status": status}
    if unit is None:
        _edit(key, {"action": "set", "table": "special_periods", **entry}, reason, based_on)
    else:
        _edit(key, {"action": "set", "table": "unit_shifts", **entry, "unit": unit}, reason, based_on)


@calendar.command("remove-period")
@click.argument("first", metavar="FROM")
@click.option("--unit", help="The shift of this work unit, by its id.")
@REASON
@KEY
@BASED_ON
def remove_period(first: str, unit: str | None, reason: str, key: str, based_on: str | None) -> None:
    """Take the special period, or the unit's shift, that begins on a day out of the calendar, in a new version."""
    change = {"action": "remove", "table": "special_periods", "from": first}
    if unit is not None:
        change = {**change, "table": "unit_shifts", "unit": unit}
    _edit(key, change, reason, based_on)


def _edit(key: str, change: dict[str, Any], reason: str, based_on: str | None) -> None:
    from archive_service.cli.connection import connect

    service = connect()
    seen = based_on or service.call("GET", _path(key))["digest"]
    body = {"changes": [change], "reason": reason, "based_on": seen}
    made = service.change(_path(key, "/edits"), body)
    click.echo(f"{made['key']} version {made['version']}  sha256 {made['digest']}")
