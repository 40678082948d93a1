"""Working calendars: new versions by edits of dated days, who made them and why, and intervals explained by them.

A correction is a new version. It holds for what is judged with it from then on, and rewrites no verdict that was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.catalog import Catalog, Definition, define
from archive_service.db import queries
from archive_service.db.event_log import open_streams, read_events, read_openings
from archive_service.db.models import DefinitionRow, WorkUnitRow
from archive_service.domain import calendars, canonical
from archive_service.domain.calendars import Change
from archive_service.domain.working_time import WORKING_MINUTES, Calendar
from archive_service.errors import Conflict, NotFound
from archive_service.services.actor import Actor, event_actor
from archive_service.services.definitions import append_definition
from archive_service.services.fields import clean_text

DEFAULT_KEY = "id-government"


def edit_calendar(
    archive: Archive, actor: Actor, *, key: str, changes: Sequence[Change], reason: str, based_on: str
) -> Definition:
    """The new version of a calendar: the newest one, whose digest is ``based_on``, with dated days set or removed.

    Conflict ``calendar_changed`` when another version is the newest by now; InvalidInput names the change that cannot be
    made, NotFound ``work_unit_unknown`` the unit that there is not.
    """
    assignment = actor.require("calendar.edit")
    reason = clean_text("reason", reason, lines=True)
    with archive.db.write() as session:
        # the stream's lock first: of two who edit at once, the second one sees the first one's version
        writer = open_streams(session, archive.log, ["service"], acting=[actor.person])
        newest = archive.catalog.newest(session, "calendar", key)
        if newest.digest != based_on:
            raise Conflict(
                "calendar_changed",
                f"The calendar has been changed in the meantime: version {newest.version} is the newest. Look at it, and"
                " make your change again.",
                version=newest.version,
                digest=newest.digest,
            )
        definition = define(calendars.edit_definition(canonical.decode(newest.data), changes))
        _require_units(session, changes)
        append_definition(
            session,
            writer,
            event_actor(session, actor, assignment),
            definition,
            previous=newest.digest,
            reason=reason,
        )
    return definition


def _require_units(session: Session, changes: Sequence[Change]) -> None:
    for index, change in enumerate(changes):
        unit = change.entry.get("unit")
        if change.action == calendars.SET and unit is not None and session.get(WorkUnitRow, unit) is None:
            raise NotFound(
                "work_unit_unknown",
                f"changes[{index}].unit: there is no such work unit; `archive-service work-unit list` shows them.",
                place=f"changes[{index}].unit",
            )


def list_calendars(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """The newest version of each calendar, by key: what it is called, what it covers, how many versions there are."""
    with archive.db.read() as session:
        rows = session.execute(
            select(DefinitionRow.key, DefinitionRow.digest)
            .where(DefinitionRow.kind == "calendar")
            .order_by(DefinitionRow.key, DefinitionRow.version)
        ).all()
        newest = {row.key: row.digest for row in rows}
        return [
            {
                **_plain(archive.catalog.calendar(session, digest), digest),
                "versions": sum(row.key == key for row in rows),
            }
            for key, digest in newest.items()
        ]


def list_calendar(archive: Archive, actor: Actor, *, key: str) -> list[dict[str, Any]]:
    """The versions of a calendar, newest first: when, by whom and why, and what each says otherwise than the one before."""
    with archive.db.read() as session:
        rows = (
            session.execute(
                select(DefinitionRow)
                .where(DefinitionRow.kind == "calendar", DefinitionRow.key == key)
                .order_by(DefinitionRow.version)
            )
            .scalars()
            .all()
        )
        if not rows:
            raise _unknown(key)
        hashes = [row.event_hash for row in rows]
        events = read_events(session, hashes)
        reasons = {found: value for (found, _), (value, _) in read_openings(session, hashes).items()}
        names = queries.names_of(session, {event.person for event in events if event.person})
        found = []
        before: dict[str, Any] | None = None
        for row, event in zip(rows, events, strict=True):
            mapping = canonical.decode(archive.catalog.get(session, row.digest).data)
            found.append(
                {
                    "version": row.version,
                    "digest": row.digest,
                    "previous": event.payload["previous"],
                    "at": event.at,
                    "event": event.leaf_hash,
                    "person": event.person,
                    "person_name": names.get(event.person or ""),
                    "role": event.actor.get("role"),
                    "reason": reasons.get(event.leaf_hash),
                    "changes": [] if before is None else calendars.difference(before, mapping),
                }
            )
            before = mapping
    return found[::-1]


def compare_versions(archive: Archive, actor: Actor, *, key: str, before: int, after: int) -> list[dict[str, Any]]:
    """What one version of a calendar says otherwise than another."""
    with archive.db.read() as session:
        old, new = (
            canonical.decode(archive.catalog.version(session, "calendar", key, version).data)
            for version in (before, after)
        )
    return calendars.difference(old, new)


def read_calendar(archive: Archive, actor: Actor, *, key: str, version: int | None = None) -> dict[str, Any]:
    """A version of a calendar (the newest without one): its digest, and its definition as it was registered."""
    with archive.db.read() as session:
        definition = find_version(archive.catalog, session, key, version)
    mapping: dict[str, Any] = canonical.decode(definition.data)
    return {**definition.plain(), "title": mapping["title"], "definition": mapping}


def read_days(
    archive: Archive,
    actor: Actor,
    *,
    key: str,
    first: date,
    last: date,
    version: int | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    """The dates from one to the other that a calendar covers, each with its hours and the rule behind them."""
    with archive.db.read() as session:
        plain, calendar = _find(archive, session, key, version, unit)
    return {**plain, "days": calendars.explain_days(calendar, first, last)}


def explain_used(
    archive: Archive,
    actor: Actor,
    *,
    key: str,
    started_at: str,
    finished_at: str,
    version: int | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    """The working time between two times (WIB when they name no zone), day by day."""
    with archive.db.read() as session:
        plain, calendar = _find(archive, session, key, version, unit)
    start, finish = _times(calendar, started_at, finished_at)
    return {**plain, **calendars.explain_used(calendar, start, finish)}


def explain_due(
    archive: Archive,
    actor: Actor,
    *,
    key: str,
    started_at: str,
    limit: str,
    policy: str = WORKING_MINUTES,
    day_minutes: int = calendars.DAY_MINUTES,
    version: int | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    """When a norm such as ``2h`` or ``1d`` that starts then is reached, and the days until then."""
    with archive.db.read() as session:
        plain, calendar = _find(archive, session, key, version, unit)
    amount, of_unit = calendars.parse_limit(limit)
    (start,) = _times(calendar, started_at)
    return {**plain, **calendars.explain_due(calendar, start, amount, of_unit, policy, day_minutes)}


def find_version(catalog: Catalog, session: Session, key: str, version: int | None) -> Definition:
    """That version of a calendar, or the newest; NotFound without one."""
    if version is not None:
        return catalog.version(session, "calendar", key, version)
    return catalog.newest(session, "calendar", key)


def find_unit(session: Session, unit: str) -> str:
    """The id of the work unit that is named by its id or its code; NotFound ``work_unit_unknown``."""
    found = session.execute(
        select(WorkUnitRow.id).where((WorkUnitRow.id == unit) | (WorkUnitRow.code == unit))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("work_unit_unknown", "There is no such work unit; name its id or its code.")
    return found


def _find(
    archive: Archive, session: Session, key: str, version: int | None, unit: str | None
) -> tuple[dict[str, Any], Calendar]:
    digest = find_version(archive.catalog, session, key, version).digest
    work_unit = None if unit is None else find_unit(session, unit)
    calendar = archive.catalog.calendar(session, digest, work_unit)
    return {**_plain(calendar, digest), "work_unit": work_unit}, calendar


def _plain(calendar: Calendar, digest: str) -> dict[str, Any]:
    return {
        "key": calendar.key,
        "version": calendar.version,
        "digest": digest,
        "title": calendar.title,
        "covers_from": calendar.covers_from.isoformat(),
        "covers_to": calendar.covers_to.isoformat(),
    }


def _times(calendar: Calendar, *texts: str) -> list[datetime]:
    return [calendars.parse_local_time(text, calendar.utc_offset_minutes) for text in texts]


def _unknown(key: str) -> NotFound:
    return NotFound("definition_unknown", f"No calendar with the key {key} is registered.")
