"""Who acts: a person through one of their log-ins, with the assignments in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
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

    def _in_scope(self, action: str) -> bool:
        return self.scopes is None or action in self.scopes or action.partition(".")[0] in self.scopes

    def require(self, action: str, work_unit: str | None = None) -> Assignment:
        """The assignment that allows the action (in that unit, where one is given); Forbidden without one."""
        if not self._in_scope(action):
            raise Forbidden("scope_missing", f"This token does not reach {action}; use one with that scope.")
        for assignment in self.holds(action):
            if work_unit is None or assignment.work_unit == work_unit:
                return assignment
        raise Forbidden("role_forbidden", f"None of your roles may do this ({action}).")


def office_date(moment: datetime) -> str:
    """The date (``YYYY-MM-DD``) in the office's zone, WIB, on which assignments are reckoned."""
    return (moment + WIB).strftime("%Y-%m-%d")


def assignments_in_force(session: Session, person: str, moment: datetime) -> tuple[Assignment, ...]:
    """The person's assignments that hold at this moment, oldest first."""
    day = office_date(moment)
    rows = session.execute(
        select(AssignmentRow)
        .where(
            AssignmentRow.person_id == person,
            AssignmentRow.ended_at.is_(None),
            AssignmentRow.from_on <= day,
            (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
        )
        .order_by(AssignmentRow.from_on, AssignmentRow.id)
    ).scalars()
    return tuple(Assignment(r.id, r.role, r.work_unit_id, r.lead, r.made_hash) for r in rows)


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


def choose_responsible(session: Session, role: str, work_unit: str, moment: datetime) -> str | None:
    """The person who answers for a step from its start: the team's lead, else whoever holds the role longest; None when nobody does."""
    day = office_date(moment)
    row = session.execute(
        select(AssignmentRow.person_id)
        .where(
            AssignmentRow.role == role,
            AssignmentRow.work_unit_id == work_unit,
            AssignmentRow.ended_at.is_(None),
            AssignmentRow.from_on <= day,
            (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
        )
        .order_by(AssignmentRow.lead.desc(), AssignmentRow.from_on, AssignmentRow.id)
        .limit(1)
    ).scalar_one_or_none()
    return row


def list_holders(session: Session, role: str, work_unit: str, moment: datetime) -> list[str]:
    """The persons who hold a role in a unit at this moment, each once."""
    day = office_date(moment)
    rows = session.execute(
        select(AssignmentRow.person_id)
        .where(
            AssignmentRow.role == role,
            AssignmentRow.work_unit_id == work_unit,
            AssignmentRow.ended_at.is_(None),
            AssignmentRow.from_on <= day,
            (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
        )
        .distinct()
        .order_by(AssignmentRow.person_id)
    ).scalars()
    return list(rows.all())


SETUP = service_actor("setup")
RULES = service_actor("rules")
"""The actor of what follows by rule from somebody's act: the service itself."""
