"""Calendars: their versions and days, intervals explained by them, and edits of dated days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Count, Digits, Query
from archive_service.api.operation import operation
from archive_service.domain import calendars as domain
from archive_service.domain.calendars import Change
from archive_service.errors import InvalidInput
from archive_service.services import calendars
from archive_service.services.fields import require_date

blueprint = APIBlueprint("api_calendars", __name__, url_prefix="/api/v1/calendars", tag="calendars")

DAYS_LIMIT = 366

Day = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Time = Annotated[
    str, Field(max_length=40, description="A time such as 2026-03-13T10:00, in the calendar's zone when it names none.")
]
Unit = Annotated[str, Field(max_length=64, description="A work unit's id or code: with its own days and shifts.")]


class ListedCalendar(Answer):
    """The newest version of a calendar, and how many versions there are."""

    key: str
    version: int
    digest: str
    title: str
    covers_from: str
    covers_to: str
    versions: int


class CalendarList(Answer):
    """Every calendar by key."""

    calendars: list[ListedCalendar]


class ReadCalendar(Answer):
    """A version of a calendar; ``digest`` is the SHA-256 of the definition's canonical bytes."""

    key: str
    version: int
    digest: str
    title: str
    definition: dict[str, Any]


class CalendarDifference(Answer):
    """What a version says otherwise: an entry of a table, or of the table null a field."""

    what: Literal["added", "removed", "changed"]
    table: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class CalendarVersion(Answer):
    """A version: who registered it, when and why, and what it says otherwise than the one before."""

    version: int
    digest: str
    previous: str | None
    at: str
    event: str
    person: str | None
    person_name: str | None
    role: str | None
    reason: str | None
    changes: list[CalendarDifference]


class CalendarVersions(Answer):
    """The versions of a calendar, newest first."""

    versions: list[CalendarVersion]


class DayRule(Answer):
    """What the hours of a date follow from."""

    kind: str
    title: str
    decree: str
    status: str
    profile: str | None


class CalendarDay(Answer):
    """A date: its sessions, its working seconds, and the rule behind them."""

    on: str
    hours: list[list[str]]
    day_seconds: int
    rule: DayRule


class CountedDay(CalendarDay):
    """A date of an interval: the seconds that count, or why none do."""

    seconds: int
    reason: str | None


class CalendarView(Answer):
    """The version that answered, for a work unit or for none."""

    key: str
    version: int
    digest: str
    title: str
    covers_from: str
    covers_to: str
    work_unit: str | None


class CalendarDays(CalendarView):
    """Dates in order."""

    days: list[CalendarDay]


class UsedTime(CalendarView):
    """The working time of an interval, in whole seconds, by day and with the reasons."""

    seconds: int
    by_day: dict[str, int]
    days: list[CountedDay]


class DueTime(UsedTime):
    """When a limit is reached."""

    due_at: str
    limit_seconds: int
    policy: str


class VersionQuery(Query):
    """Which version."""

    version: Annotated[Count | None, Field(description="The newest when left out.")] = None


class ViewQuery(VersionQuery):
    """Which version, for which unit."""

    unit: Unit | None = None


class DaysQuery(ViewQuery):
    """Which dates."""

    first: Annotated[Day, Field(alias="from", description="The first date.")]
    last: Annotated[Day, Field(alias="to", description="The last date, at most a year later.")]


class UsedQuery(ViewQuery):
    """Which interval."""

    start: Annotated[Time, Field(alias="from")]
    finish: Annotated[Time, Field(alias="to")]


class DueQuery(ViewQuery):
    """Which norm, from when."""

    start: Annotated[Time, Field(alias="from")]
    limit: Annotated[str, Field(max_length=8, description="Minutes, hours or days: 30m, 2h, 1d, 1200m.")]
    policy: Literal["working_minutes", "own_day_minutes", "end_of_next_working_day"] = "working_minutes"
    day_minutes: Annotated[int, Field(ge=1, le=1440, description="What a day is under working_minutes."), Digits] = (
        domain.DAY_MINUTES
    )


class CalendarChange(Body):
    """A dated day or period to set, with the fields of its table, or to remove, with those that tell it."""

    action: Literal["set", "remove"]
    table: Literal["closed_days", "special_periods", "unit_days", "unit_shifts"]
    on: Day | None = None
    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None
    unit: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    title: Annotated[str, Field(max_length=500)] | None = None
    kind: Literal["national", "joint_leave", "institution"] | None = None
    decree: Annotated[str, Field(max_length=500)] | None = None
    status: Literal["decreed", "estimated"] | None = None
    profile: Annotated[str, Field(max_length=64)] | None = None
    sessions: Annotated[
        list[list[Annotated[str, Field(max_length=5)]]] | None,
        Field(max_length=24, description='Such as [["08:00", "12:00"]]; empty: closed.'),
    ] = None


class CalendarEdit(Body):
    """Changes of the newest version, which is named by the digest that one looked at."""

    changes: Annotated[list[CalendarChange], Field(max_length=500)]
    reason: str
    based_on: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class EditedCalendar(Answer):
    """The version that the edit made."""

    key: str
    version: int
    digest: str


@blueprint.get("")
@operation(answer=CalendarList)
def list_calendars() -> ResponseReturnValue:
    """The newest version of every calendar."""
    return jsonify({"calendars": calendars.list_calendars(get_archive(), require_actor())})


@blueprint.get("/<key:calendar>")
@operation(answer=ReadCalendar, query=VersionQuery)
def read_calendar(calendar: str, query: VersionQuery) -> ResponseReturnValue:
    """One version of a calendar as it was registered."""
    return jsonify(calendars.read_calendar(get_archive(), require_actor(), key=calendar, version=query.version))


@blueprint.get("/<key:calendar>/versions")
@operation(answer=CalendarVersions)
def list_calendar_versions(calendar: str) -> ResponseReturnValue:
    """Every version of a calendar, newest first: who, when, why, and what changed."""
    return jsonify({"versions": calendars.list_calendar(get_archive(), require_actor(), key=calendar)})


@blueprint.get("/<key:calendar>/days")
@operation(answer=CalendarDays, query=DaysQuery)
def list_calendar_days(calendar: str, query: DaysQuery) -> ResponseReturnValue:
    """The days of a stretch of up to a year: their hours, and why they have them."""
    first, last = (date.fromisoformat(require_date(n, v)) for n, v in (("from", query.first), ("to", query.last)))
    if (last - first).days >= DAYS_LIMIT:
        raise InvalidInput("interval_too_long", f"At most {DAYS_LIMIT} days are listed at once.")
    found = calendars.read_days(
        get_archive(),
        require_actor(),
        key=calendar,
        first=first,
        last=last,
        version=query.version,
        unit=query.unit,
    )
    return jsonify(found)


@blueprint.get("/<key:calendar>/used")
@operation(answer=UsedTime, query=UsedQuery)
def read_used_time(calendar: str, query: UsedQuery) -> ResponseReturnValue:
    """The working time between two times, day by day with the reasons."""
    found = calendars.explain_used(
        get_archive(),
        require_actor(),
        key=calendar,
        started_at=query.start,
        finished_at=query.finish,
        version=query.version,
        unit=query.unit,
    )
    return jsonify(found)


@blueprint.get("/<key:calendar>/due")
@operation(answer=DueTime, query=DueQuery)
def read_due_time(calendar: str, query: DueQuery) -> ResponseReturnValue:
    """When a norm that starts then is reached, and the days until then."""
    found = calendars.explain_due(
        get_archive(),
        require_actor(),
        key=calendar,
        started_at=query.start,
        limit=query.limit,
        policy=query.policy,
        day_minutes=query.day_minutes,
        version=query.version,
        unit=query.unit,
    )
    return jsonify(found)


@blueprint.post("/<key:calendar>/edits")
@operation(answer=EditedCalendar, status=201, body=CalendarEdit, takes_key=True)
def edit_calendar(calendar: str, body: CalendarEdit) -> ResponseReturnValue:
    """A new version with dated days set or removed: 409 when another version than the one looked at is the newest."""
    changes = []
    for change in body.changes:
        entry = change.model_dump(by_alias=True, exclude_none=True, exclude={"action", "table"})
        changes.append(Change(change.action, change.table, entry))
    made = calendars.edit_calendar(
        get_archive(),
        require_actor(),
        key=calendar,
        changes=changes,
        reason=body.reason,
        based_on=body.based_on,
    )
    answer = {"key": made.key, "version": made.version, "digest": made.digest}
    return jsonify(answer), 201, {"Location": f"/api/v1/definitions/{made.digest}"}
