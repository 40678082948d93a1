"""Who acts: a person through one of their log-ins, with the assignments in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from archive_service.db.event_log import stream_head
from archive_service.db.models import AssignmentRow
from archive_service.domain import permissions
from archive_service.domain.event import person_actor, service_actor
from archive_service.errors import Forbidden

WIB = timedelta(hours=7)


@dataclass(frozen=True)
class Assignment:
    """A role of a person in a work unit that is in force."""

    id: str
    role: str
    work_unit: str
    lead: bool
    made_hash: str
    acting_for: str | None = None
    sops: frozenset[str] = frozenset()

    def covers(self, sop: str) -> bool:
        """Whether the assignment reaches dossiers of the SOP with this key: a substitute's may be limited to some."""
        return not self.sops or sop in self.sops

    @property
    def is_office(self) -> bool:
        """Whether the role is an office role, which reaches the dossiers of all units."""
        return self.role in permissions.OFFICE_ROLES


@dataclass(frozen=True)
class Actor:
    """A person behind a log-in. ``scopes`` narrows what an API token may do; None narrows nothing."""

    person: str
    user: str
    assignments: tuple[Assignment, ...]
    scopes: frozenset[str] | None = None

    def holds(self, action: str) -> list[Assignment]:
        """The assignments whose role may do the action."""
        return [a for a in self.assignments if permissions.is_allowed(a.role, action)]

    def may(self, action: str) -> bool:
        """Whether any role allows the action, within the token's scopes."""
        return self._in_scope(action) and bool(self.holds(action))

    def require_reach(self, action: str) -> None:
        """Raise Forbidden when the token's scopes leave the action out; who may act at all is for the caller to ask."""
        if not self._in_scope(action):
            raise Forbidden("scope_missing", f"This token does not reach {action}; use one with that scope.")

    def _in_scope(self, action: str) -> bool:
        return self.scopes is None or action in self.scopes or action.partition(".")[0] in self.scopes

    def require(self, action: str, work_unit: str | None = None) -> Assignment:
        """The assignment that allows the action (in that unit, where one is given); Forbidden without one."""
        self.require_reach(action)
        for assignment in self.holds(action):
            if work_unit is None or assignment.work_unit == work_unit:
                return assignment
        raise Forbidden("role_forbidden", f"None of your roles may do this ({action}).")


def office_date(moment: datetime) -> str:
    """The date (``YYYY-MM-DD``) in the office's zone, WIB, on which assignments are reckoned."""
    return (moment + WIB).strftime("%Y-%m-%d")


def in_force(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions that an assignment holds at this moment."""
    day = office_date(moment)
    return (
        AssignmentRow.ended_at.is_(None),
        AssignmentRow.from_on <= day,
        (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
    )


def assignments_in_force(session: Session, person: str, moment: datetime) -> tuple[Assignment, ...]:
    """The person's assignments that hold at this moment: their own before those as a substitute, oldest first.

    Whoever looks for one that allows an act takes the first, and so acts as a substitute only where nothing else allows it.
    """
    rows = session.execute(
        select(AssignmentRow)
        .where(AssignmentRow.person_id == person, *in_force(moment))
        .order_by(AssignmentRow.from_on, AssignmentRow.id)
    ).scalars()
    held = [
        Assignment(r.id, r.role, r.work_unit_id, r.lead, r.made_hash, r.acting_absent, frozenset(sops_of(r)))
        for r in rows
    ]
    return tuple(sorted(held, key=lambda a: (a.acting_for is not None, bool(a.sops))))


def sops_of(row: AssignmentRow) -> list[str]:
    """The keys of the SOPs that an assignment is limited to; none for one that is not."""
    return (row.acting_sops or "").split()


def require_covering(actor: Actor, assignment: Assignment, sop: str) -> Assignment:
    """The assignment, or another of the same role and unit, that reaches dossiers of this SOP; Forbidden without one."""
    same = [a for a in actor.assignments if (a.role, a.work_unit) == (assignment.role, assignment.work_unit)]
    for candidate in (assignment, *same):
        if candidate.covers(sop):
            return candidate
    raise Forbidden(
        "assignment_out_of_scope",
        "You act for somebody in other procedures than this one; ask for a delegation that names it.",
    )


def event_actor(session: Session, actor: Actor, assignment: Assignment | None) -> dict[str, Any]:
    """The actor member of an event that this person causes now, under this assignment.

    Forbidden when the assignment ended between log-in and now: authority is read in the transaction of the act.
    """
    if assignment is not None:
        row = session.get(AssignmentRow, assignment.id)
        if row is None or row.ended_at is not None:
            raise Forbidden("assignment_ended", "Your role has ended in the meantime; log in again.")
    return person_actor(
        person=actor.person,
        user=actor.user,
        role=assignment.role if assignment else None,
        work_unit=assignment.work_unit if assignment else None,
        assignment=assignment.made_hash if assignment else None,
        head=stream_head(session, f"person:{actor.person}"),
    )


def choose_responsible(
    session: Session, role: str, work_unit: str, moment: datetime, sop: str | None = None
) -> str | None:
    """The person who answers for a step from its start: the team's lead, else whoever holds the role longest; None when nobody does.

    A substitute only where nobody holds the role in their own right, as for a vacant office: an absent person's steps are moved to the
    substitute right after they start (``delegations.find_move``), so that the record shows both.
    """
    rows = _holders(session, role, work_unit, moment, sop)
    own = [row for row in rows if row.acting_absent is None]
    return next((row.person_id for row in own or rows), None)


def list_holders(session: Session, role: str, work_unit: str, moment: datetime, sop: str | None = None) -> list[str]:
    """The persons who hold a role in a unit at this moment (for this SOP, where one is named), each once."""
    return sorted({row.person_id for row in _holders(session, role, work_unit, moment, sop)})


def list_reached(session: Session, role: str, work_unit: str, moment: datetime) -> list[str]:
    """The persons who hold a role that reaches this unit at this moment: an SOP role there, an office role anywhere; each once."""
    where = [] if role in permissions.OFFICE_ROLES else [AssignmentRow.work_unit_id == work_unit]
    rows = session.execute(
        select(AssignmentRow.person_id).where(AssignmentRow.role == role, *where, *in_force(moment)).distinct()
    ).scalars()
    return sorted(rows.all())


def _holders(session: Session, role: str, work_unit: str, moment: datetime, sop: str | None) -> list[AssignmentRow]:
    rows = session.execute(
        select(AssignmentRow)
        .where(AssignmentRow.role == role, AssignmentRow.work_unit_id == work_unit, *in_force(moment))
        .order_by(AssignmentRow.lead.desc(), AssignmentRow.from_on, AssignmentRow.id)
    ).scalars()
    return [row for row in rows if sop is None or not sops_of(row) or sop in sops_of(row)]


SETUP = service_actor("setup")
RULES = service_actor("rules")
"""The actor of what follows by rule from somebody's act: the service itself."""
