"""The directory of people as administrators keep it, and auditors may read: who there is, what they hold, how their log-ins stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import directory, queries
from archive_service.db.models import DefinitionRow, UserRow
from archive_service.db.paging import Page, PageRequest
from archive_service.domain import permissions
from archive_service.services import reading
from archive_service.services.actor import Actor, office_date
from archive_service.services.users import is_valid


def page_directory(
    archive: Archive,
    actor: Actor,
    *,
    page: PageRequest,
    text: str | None = None,
    role: str | None = None,
    work_unit: str | None = None,
) -> Page[dict[str, Any]]:
    """A page of people by name with the roles that they hold today; narrowed by a part of name or log-in, role, unit."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    today = office_date(archive.log.clock())
    with archive.db.read() as session:
        found = directory.page_directory(session, page, directory.PeopleFilter(text, role, work_unit), today)
        titles = role_titles(archive, session)
        units = unit_names(session)
    for row in found.rows:
        _tell_assignments(row["assignments"], titles, units, today)
    return found


def read_entry(archive: Archive, actor: Actor, *, person: str) -> dict[str, Any]:
    """One person: assignments with dates and whether they hold today, log-ins with their state."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    today = office_date(archive.log.clock())
    with archive.db.read() as session:
        found, head = reading.find_person(session, person)
        absent = {a["acting_for"] for a in found["assignments"] if a["acting_for"]}
        names = queries.names_of(session, absent)
        rows = session.execute(select(UserRow).where(UserRow.person_id == person).order_by(UserRow.login)).scalars()
        logins = _tell_logins(archive, session, actor, rows.all())
        _tell_assignments(found["assignments"], role_titles(archive, session), unit_names(session), today)
    for assignment in found["assignments"]:
        assignment["acting_for_name"] = names.get(assignment["acting_for"] or "")
    return {**found, "users": logins, "head": head}


def page_logins(archive: Archive, actor: Actor, *, page: PageRequest, text: str | None = None) -> Page[dict[str, Any]]:
    """A page of all log-ins by name, each with its person and state."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        found = directory.page_logins(session, page, text)
        return Page(_tell_logins(archive, session, actor, found.rows), found.next)


def _tell_logins(archive: Archive, session: Session, actor: Actor, rows: Sequence[UserRow]) -> list[dict[str, Any]]:
    now = archive.log.clock()
    names = queries.names_of(session, {row.person_id for row in rows})
    users = [row.id for row in rows]
    idle = timedelta(minutes=archive.settings.session_idle_minutes)
    sessions = directory.list_sessions(session, users, archive.timer() - idle)
    apps = directory.list_with_app(session, users)
    sees_mail = actor.may("people.manage")
    return [
        {
            "user": row.id,
            "login": row.login,
            "person": row.person_id,
            "person_name": names.get(row.person_id),
            "mail": row.mail if sees_mail or row.id == actor.user else None,
            "locked_until": None if row.locked_until is None else row.locked_until.isoformat(),
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
            "has_app": row.id in apps,
            "state": "expired"
            if not is_valid(row, now)
            else "locked"
            if row.locked_until is not None and row.locked_until > now
            else "active",
            "sessions": sessions.get(row.id, 0),
        }
        for row in rows
    ]


def _tell_assignments(
    assignments: list[dict[str, Any]], titles: dict[str, str], units: dict[str, str], today: str
) -> None:
    """Say of each whether it holds today, and the words of role and unit; those that hold come first."""
    for each in assignments:
        each["role_title"] = titles.get(each["role"])
        each["work_unit_name"] = units.get(each["work_unit"], each["work_unit"])
        is_over = each["ended_at"] is not None or (each["to_on"] is not None and each["to_on"] < today)
        each["state"] = "over" if is_over else "coming" if each["from_on"] > today else "in_force"
    order = ("in_force", "coming", "over")
    assignments.sort(key=lambda each: (order.index(each["state"]), each["from_on"]))


def role_titles(archive: Archive, session: Session) -> dict[str, str]:
    """Role key → its title in the newest SOP that names it; office roles have none, their words are the catalogue's."""
    found: dict[str, str] = {}
    rows = session.execute(
        select(DefinitionRow.digest).where(DefinitionRow.kind == "sop").order_by(DefinitionRow.version)
    ).scalars()
    for digest in rows.all():
        found.update({role.key: role.title for role in archive.catalog.sop(session, digest).roles})
    return found


def list_roles(archive: Archive, actor: Actor) -> list[tuple[str, str | None]]:
    """Every role that can be assigned: (key, title), the office's first, then those of the registered SOPs."""
    actor.require("people.read")
    with archive.db.read() as session:
        titles = role_titles(archive, session)
    office = [(role, None) for role in sorted(permissions.OFFICE_ROLES)]
    return [*office, (permissions.CONTRIBUTOR, None), *sorted(titles.items(), key=lambda item: item[1])]


def unit_names(session: Session) -> dict[str, str]:
    """Work unit → its name."""
    return {unit["work_unit"]: unit["name"] for unit in queries.list_work_units(session)}


def count_holders(archive: Archive, actor: Actor) -> dict[str, int]:
    """Work unit → how many people hold a role in it today."""
    actor.require("people.read")
    with archive.db.read() as session:
        return directory.count_holders(session, office_date(archive.log.clock()))
