"""Reading who acts for whom: performers see the delegations of their units and their own, office roles all of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings, stream_head
from archive_service.db.models import AssignmentRow, DelegationRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.domain import permissions
from archive_service.errors import NotFound
from archive_service.services import delegations, reading
from archive_service.services.actor import Actor, in_force, office_date

CONFIRM, DECLINE, WITHDRAW, END = "confirm", "decline", "withdraw", "end"


def page_delegations(
    archive: Archive, actor: Actor, *, page: PageRequest, state: str | None = None
) -> Page[dict[str, Any]]:
    """A page of the delegations that one may read, newest first."""
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        rows = session.execute(
            select(DelegationRow)
            .where(visible_to(actor), *([] if state is None else [DelegationRow.state == state]))
            .where(*comes_after((DelegationRow.id,), page.after, descending=True))
            .order_by(DelegationRow.id.desc())
            .limit(page.limit + 1)
        ).scalars()
        cut = cut_page(rows.all(), page, lambda row: (row.id,))
        return Page(_plain(archive, session, actor, cut.rows), cut.next)


def read_delegation(archive: Archive, actor: Actor, *, delegation: str) -> tuple[dict[str, Any], str]:
    """One delegation, and the head of the substitute's stream; NotFound for one that one may not read."""
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        row = session.execute(
            select(DelegationRow).where(DelegationRow.id == delegation, visible_to(actor))
        ).scalar_one_or_none()
        if row is None:
            raise NotFound("delegation_unknown", "There is no such delegation.")
        return _plain(archive, session, actor, [row])[0], stream_head(session, f"person:{row.substitute}")


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition that the actor may read a delegation."""
    if actor.may("delegation.read"):
        return true()
    return or_(
        DelegationRow.work_unit_id.in_({a.work_unit for a in actor.assignments}),
        DelegationRow.substitute.in_([actor.person]),
        DelegationRow.absent.in_([actor.person]),
        DelegationRow.proposed_by.in_([actor.person]),
    )


def list_choices(archive: Archive, actor: Actor) -> dict[str, Any]:
    """What the actor may propose: whose assignments, the possible substitutes in their units, and the SOPs.

    ``assignments`` is empty for who may propose nothing. An administrator has every performing assignment and every person to choose from.
    """
    with archive.db.read() as session:
        is_administrator = any(a.role == permissions.ADMINISTRATOR for a in actor.assignments)
        sops = delegations.newest_sops(archive, session)
        titles = {role.key: role.title for sop in sops for role in sop.roles}
        above = {role: delegations.superiors_of(archive, session, role) for role in titles}
        rows = (
            session.execute(
                select(AssignmentRow)
                .where(
                    AssignmentRow.acting_absent.is_(None),
                    AssignmentRow.role.in_(titles),
                    *in_force(archive.log.clock()),
                )
                .order_by(AssignmentRow.role, AssignmentRow.id)
            )
            .scalars()
            .all()
        )
        held = {(a.role, a.work_unit) for a in actor.assignments if a.acting_for is None}
        mine = [
            row
            for row in rows
            if is_administrator
            or row.person_id == actor.person
            or any((role, row.work_unit_id) in held for role in above[row.role])
        ]
        units = {row.work_unit_id for row in mine}
        people = {row.person_id for row in rows if row.work_unit_id in units}
        names = queries.names_of(session, people)
        unit_names = {unit["work_unit"]: unit["name"] for unit in queries.list_work_units(session)}
    return {
        "assignments": [
            {
                "assignment": row.id,
                "person": row.person_id,
                "person_name": names.get(row.person_id),
                "role_title": titles[row.role],
                "work_unit_name": unit_names.get(row.work_unit_id),
            }
            for row in mine
        ],
        "people": sorted(({"person": p, "name": names.get(p)} for p in people), key=lambda p: str(p["name"])),
        "sops": [{"sop": sop.key, "number": sop.number, "title": sop.title} for sop in sops],
    }


def _plain(archive: Archive, session: Session, actor: Actor, rows: list[DelegationRow]) -> list[dict[str, Any]]:
    names = queries.names_of(
        session, {p for r in rows for p in (r.substitute, r.absent, r.proposed_by, r.answered_by) if p is not None}
    )
    letters = read_openings(session, [row.proposal_hash for row in rows])
    titles = {role.key: role.title for sop in delegations.newest_sops(archive, session) for role in sop.roles}
    units = {unit["work_unit"]: unit["name"] for unit in queries.list_work_units(session)}
    made = {
        row.id: row
        for row in session.execute(
            select(AssignmentRow).where(AssignmentRow.id.in_([r.assignment_id for r in rows if r.assignment_id]))
        ).scalars()
    }
    day = office_date(archive.log.clock())
    found = []
    for row in rows:
        acting = made.get(row.assignment_id or "")
        is_over = row.to_on is not None and row.to_on < day
        letter = letters.get((row.proposal_hash, "letter"))
        found.append(
            {
                "delegation": row.id,
                "mode": row.mode,
                "substitute": row.substitute,
                "substitute_name": names.get(row.substitute),
                "absent": row.absent,
                "absent_name": names.get(row.absent),
                "role": row.role,
                "role_title": titles.get(row.role),
                "work_unit": row.work_unit_id,
                "work_unit_name": units.get(row.work_unit_id),
                "from_on": row.from_on,
                "to_on": row.to_on,
                "sops": row.sops.split(),
                "letter": None if letter is None else letter[0],
                "letter_on": row.letter_on,
                "state": row.state,
                "proposed_by": row.proposed_by,
                "proposed_by_name": names.get(row.proposed_by),
                "proposed_at": row.proposed_at.isoformat(),
                "answered_by": row.answered_by,
                "answered_by_name": names.get(row.answered_by or ""),
                "answered_at": None if row.answered_at is None else row.answered_at.isoformat(),
                "assignment": row.assignment_id,
                "ended_at": None if acting is None or acting.ended_at is None else acting.ended_at.isoformat(),
                "is_in_force": acting is not None and acting.ended_at is None and row.from_on <= day and not is_over,
                "event": row.proposal_hash,
                "may": _acts(archive, session, actor, row, acting, is_over),
            }
        )
    return found


def _acts(
    archive: Archive,
    session: Session,
    actor: Actor,
    row: DelegationRow,
    acting: AssignmentRow | None,
    is_over: bool,
) -> list[str]:
    """What the actor may do with a delegation now."""
    if row.state == "proposed":
        acts = [CONFIRM, DECLINE] if delegations.may_answer(archive, session, actor, row) else []
        is_theirs = row.proposed_by == actor.person
        is_administrator = any(a.role == permissions.ADMINISTRATOR for a in actor.assignments)
        return [*acts, *([WITHDRAW] if is_theirs or is_administrator else [])]
    if acting is None or acting.ended_at is not None or is_over:
        return []
    return [END] if delegations.may_end(archive, session, actor, row) else []
