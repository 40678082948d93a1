"""Work units, persons and their assignments: who is who, and who may do what from when to when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import StreamWriter, open_streams, read_stream, stream_head
from archive_service.db.models import AssignmentRow, DefinitionRow, PersonRow, WorkUnitRow
from archive_service.db.projection import rows_of_stream, save_changes
from archive_service.domain import permissions
from archive_service.domain.delegation import ASSIGNMENT_CHANGED
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services.actor import Actor, event_actor, office_date
from archive_service.services.fields import clean_text, require_date, require_id, require_key
from archive_service.services.flags import tell_person
from archive_service.services.work import require_seen


def save_stream_rows(session: Session, archive: Archive, stream: str, extra: dict[str, object] | None = None) -> None:
    """Bring the rows that one stream makes up to its newest event; called by whoever just appended to it."""
    events = read_stream(session, stream)
    save_changes(session, rows_of_stream(events[:-1]), rows_of_stream(events), extra)


def create_work_unit(archive: Archive, actor: Actor, *, code: str, name: str, parent: str | None = None) -> str:
    """A new work unit's id."""
    assignment = actor.require("work_unit.manage")
    code, name = require_key("code", code), clean_text("name", name, limit=200)
    with archive.db.write() as session:
        if session.execute(select(WorkUnitRow.id).where(WorkUnitRow.code == code)).first() is not None:
            raise Conflict("work_unit_exists", f"A work unit has the code {code} already.")
        if parent is not None and session.get(WorkUnitRow, require_id("parent", parent)) is None:
            raise NotFound("work_unit_unknown", "The parent unit does not exist.")
        unit = archive.log.make_id()
        writer = open_streams(session, archive.log, [f"unit:{unit}"], acting=[actor.person])
        payload = {"work_unit": unit, "code": code, "name": name, "parent": parent}
        writer.append(f"unit:{unit}", "work_unit.created", event_actor(session, actor, assignment), payload)
        save_stream_rows(session, archive, f"unit:{unit}")
    return unit


def append_person(
    session: Session, archive: Archive, writer: StreamWriter, actor: dict[str, object], person: str, name: str
) -> None:
    """Write the registration of a person whose stream the writer holds."""
    stream = f"person:{person}"
    writer.append(stream, "person.registered", actor, {"person": person}, personal={"name": name})
    save_stream_rows(session, archive, stream)


def append_assignment(
    session: Session,
    archive: Archive,
    writer: StreamWriter,
    actor: dict[str, object],
    *,
    person: str,
    role: str,
    work_unit: str,
    from_on: str,
    to_on: str | None,
    lead: bool,
    acting: dict[str, object] | None = None,
) -> str:
    """Write an assignment of a person whose stream the writer holds; its id. ``acting``: for whom, for a substitute's."""
    assignment = writer.make_id()
    writer.append(
        f"person:{person}",
        "assignment.made",
        actor,
        {
            "assignment": assignment,
            "role": role,
            "work_unit": work_unit,
            "from_on": from_on,
            "to_on": to_on,
            "lead": lead,
            "acting": acting,
        },
    )
    save_stream_rows(session, archive, f"person:{person}")
    return assignment


def require_compatible(
    session: Session, person: str, role: str, from_on: str, to_on: str | None
) -> list[AssignmentRow]:
    """The person's assignments of that time; Conflict ``roles_exclude`` when one of them excludes the role."""
    held = session.execute(
        select(AssignmentRow).where(AssignmentRow.person_id == person, AssignmentRow.ended_at.is_(None))
    ).scalars()
    overlapping = [
        other
        for other in held
        if (other.to_on is None or other.to_on >= from_on) and (to_on is None or other.from_on <= to_on)
    ]
    if any(permissions.excludes(role, other.role) for other in overlapping):
        raise Conflict(
            "roles_exclude", "An administrator holds no role of an SOP: end the one before giving the other."
        )
    return overlapping


def register_person(archive: Archive, actor: Actor, *, name: str) -> str:
    """A new person's id. The name stays out of the chain: the event holds a commitment to it."""
    assignment = actor.require("people.manage")
    name = clean_text("name", name, limit=200)
    with archive.db.write() as session:
        person = archive.log.make_id()
        writer = open_streams(session, archive.log, [f"person:{person}"], acting=[actor.person])
        append_person(session, archive, writer, event_actor(session, actor, assignment), person, name)
    return person


def assign_role(
    archive: Archive,
    actor: Actor,
    *,
    person: str,
    role: str,
    work_unit: str,
    from_on: str,
    to_on: str | None = None,
    lead: bool = False,
) -> str:
    """A new assignment's id; Conflict when the person holds a role that excludes it in that time, or the same one already."""
    acting = actor.require("people.manage")
    person, work_unit = require_id("person", person), require_id("work_unit", work_unit)
    role, from_on = require_key("role", role), require_date("from_on", from_on)
    to_on = None if to_on is None else require_date("to_on", to_on)
    if to_on is not None and to_on < from_on:
        raise InvalidInput("dates_reversed", "to_on lies before from_on.", field="to_on")
    with archive.db.write() as session:
        if session.get(PersonRow, person) is None:
            raise NotFound("person_unknown", "There is no such person.")
        if session.get(WorkUnitRow, work_unit) is None:
            raise NotFound("work_unit_unknown", "There is no such work unit.")
        is_known = role in (*permissions.OFFICE_ROLES, permissions.CONTRIBUTOR) or role in known_roles(session, archive)
        if not is_known:
            raise InvalidInput("role_unknown", f"No registered SOP has the role {role}.", field="role")
        writer = open_streams(session, archive.log, [f"person:{person}"], acting=[actor.person])
        for other in require_compatible(session, person, role, from_on, to_on):
            if (other.role, other.work_unit_id, other.acting_absent) == (role, work_unit, None):
                raise Conflict("assignment_exists", "The person holds this role in this unit in that time already.")
        held = session.execute(select(AssignmentRow.id).where(AssignmentRow.person_id == person).limit(1)).first()
        made = append_assignment(
            session,
            archive,
            writer,
            event_actor(session, actor, acting),
            person=person,
            role=role,
            work_unit=work_unit,
            from_on=from_on,
            to_on=to_on,
            lead=lead,
        )
        if held is not None:
            # the first role of a person is what they were registered for, and no change
            tell_person(archive, session, person=person, kind=ASSIGNMENT_CHANGED, key=made)
    return made


def end_assignment(archive: Archive, actor: Actor, *, assignment: str, seen: Collection[str] | None = None) -> None:
    """End an assignment now; Conflict when it has ended already or is the last administrator's."""
    acting = actor.require("people.manage")
    with archive.db.write() as session:
        person = session.execute(
            select(AssignmentRow.person_id).where(AssignmentRow.id == require_id("assignment", assignment))
        ).scalar_one_or_none()
        if person is None:
            raise NotFound("assignment_unknown", "There is no such assignment.")
        writer = open_streams(session, archive.log, [f"person:{person}"], acting=[actor.person])
        row = session.get_one(AssignmentRow, assignment)
        if row.ended_at is not None:
            raise Conflict("assignment_ended", "This assignment has ended already.")
        if row.role == permissions.ADMINISTRATOR and _administrators(session, writer.moment) <= 1:
            raise Conflict("last_administrator", "Give somebody else the role of administrator first.")
        stream = f"person:{person}"
        require_seen(stream_head(session, stream), seen)
        by = event_actor(session, actor, acting)
        event = writer.append(stream, "assignment.ended", by, {"assignment": row.id})
        save_stream_rows(session, archive, stream)
        tell_person(archive, session, person=person, kind=ASSIGNMENT_CHANGED, key=event.leaf_hash)


def _administrators(session: Session, moment: datetime) -> int:
    day = office_date(moment)
    rows = session.execute(
        select(AssignmentRow.person_id).where(
            AssignmentRow.role == permissions.ADMINISTRATOR,
            AssignmentRow.ended_at.is_(None),
            AssignmentRow.from_on <= day,
            (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
        )
    ).scalars()
    return len(set(rows))


def known_roles(session: Session, archive: Archive) -> set[str]:
    """The keys of all roles of all registered SOPs."""
    digests = session.execute(select(DefinitionRow.digest).where(DefinitionRow.kind == "sop")).scalars().all()
    return {role.key for digest in digests for role in archive.catalog.sop(session, digest).roles}
