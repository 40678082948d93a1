"""What lists and pages read. Every query about dossiers takes a ReadScope first, without a default."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from archive_service.db.models import (
    ApiTokenRow,
    AssignmentRow,
    BundleRow,
    DecisionRow,
    DefinitionRow,
    DeviationRow,
    DossierRow,
    EventRow,
    JobRow,
    LocationRow,
    OpeningRow,
    PersonRow,
    StepRunRow,
    UserRow,
    WorkUnitRow,
)
from archive_service.db.paging import comes_after


@dataclass(frozen=True)
class ReadScope:
    """Whose dossiers may be read: all of them, or those of some work units."""

    is_all: bool
    work_units: frozenset[str] = frozenset()

    def holds(self, work_unit: str) -> bool:
        """Whether dossiers of this unit are within the scope."""
        return self.is_all or work_unit in self.work_units

    def condition(self) -> ColumnElement[bool]:
        """The scope as a condition on the dossier table."""
        return true() if self.is_all else DossierRow.work_unit_id.in_(self.work_units)


def list_dossiers(
    scope: ReadScope, session: Session, limit: int = 200, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """The newest dossiers in the scope, with the steps that run now; ``where`` narrows them further."""
    rows = session.execute(
        select(DossierRow, WorkUnitRow.name, OpeningRow.value, DefinitionRow.key)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .join(DefinitionRow, DefinitionRow.digest == DossierRow.sop_digest)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
        .where(scope.condition(), *where)
        .order_by(DossierRow.opened_at.desc(), DossierRow.id.desc())
        .limit(limit)
    ).all()
    running = running_steps(session, {row[0].id for row in rows})
    return [
        {
            "dossier": row.id,
            "sop": sop,
            "title": title,
            "work_unit": unit,
            "year": row.year,
            "quarter": row.quarter,
            "status": row.status,
            "opened_at": row.opened_at,
            "ended_at": row.ended_at,
            "running": running.get(row.id, []),
        }
        for row, unit, title, sop in rows
    ]


def running_steps(session: Session, dossiers: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Dossier → the steps that run now, of dossiers that the caller may read."""
    running: dict[str, list[dict[str, Any]]] = {}
    if not dossiers:
        return running
    runs = session.execute(
        select(StepRunRow)
        .where(StepRunRow.dossier_id.in_(dossiers), StepRunRow.state == "running")
        .order_by(StepRunRow.dossier_id, StepRunRow.started_at, StepRunRow.step)
    ).scalars()
    for run in runs:
        running.setdefault(run.dossier_id, []).append(
            {
                "step": run.step,
                "iteration": run.iteration,
                "responsible": run.responsible,
                "due_at": run.due_at,
                "late_at": run.late_at,
            }
        )
    return running


def list_running(
    scope: ReadScope,
    session: Session,
    *,
    held: Collection[tuple[str, str]],
    is_held: bool,
    person: str,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    """Steps that run now in open dossiers of the scope, the person's own in front and the one due first; and how many there are.

    ``held``: (role, work unit) of the person's assignments; ``is_held`` asks for the steps of these roles, else for those of others.
    """
    of_role = or_(*(and_(StepRunRow.role == role, DossierRow.work_unit_id == unit) for role, unit in held), false())
    where = (
        scope.condition(),
        DossierRow.status == "open",
        StepRunRow.state == "running",
        of_role if is_held else not_(of_role),
    )
    order = (case((StepRunRow.responsible == person, 0), else_=1), StepRunRow.due_at, DossierRow.id, StepRunRow.step)
    # chosen before titles are looked up: a unit may have thousands, of which a few are shown
    shown = (
        select(StepRunRow.dossier_id, StepRunRow.step, StepRunRow.iteration)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .where(*where)
        .order_by(*order)
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(StepRunRow, DossierRow, WorkUnitRow.name, OpeningRow.value)
        .join(
            shown,
            and_(
                shown.c.dossier_id == StepRunRow.dossier_id,
                shown.c.step == StepRunRow.step,
                shown.c.iteration == StepRunRow.iteration,
            ),
        )
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
        .order_by(*order)
    ).all()
    count = len(rows)
    if count == limit:
        found = select(func.count()).select_from(StepRunRow).join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        count = session.execute(found.where(*where)).scalar_one()
    return [
        {
            "dossier": run.dossier_id,
            "title": title,
            "work_unit": dossier.work_unit_id,
            "work_unit_name": unit,
            "year": dossier.year,
            "quarter": dossier.quarter,
            "sop": dossier.sop_digest,
            "calendar": dossier.calendar_digest,
            "step": run.step,
            "iteration": run.iteration,
            "role": run.role,
            "responsible": run.responsible,
            "started_at": run.started_at,
            "due_at": run.due_at,
        }
        for run, dossier, unit, title in rows
    ], count


def list_late(
    session: Session, now: datetime, look_at: datetime, limit: int, after: tuple[datetime, str] | None
) -> list[tuple[datetime, str]]:
    """(late since, dossier) of running steps that are late and not recorded, the longest late first: the sweep's own, of all units.

    ``look_at``: leaves out those that failed and are to be looked at later.
    """
    rows = session.execute(
        select(StepRunRow.late_at, StepRunRow.dossier_id)
        .where(
            StepRunRow.is_watched,
            StepRunRow.late_at <= now,
            or_(StepRunRow.look_again_at.is_(None), StepRunRow.look_again_at <= look_at),
            *comes_after((StepRunRow.late_at, StepRunRow.dossier_id), after),
        )
        .order_by(StepRunRow.late_at, StepRunRow.dossier_id)
        .limit(limit)
    )
    return [(late_at, dossier) for late_at, dossier in rows if late_at is not None]


def list_unexplained(scope: ReadScope, session: Session, person: str, limit: int = 200) -> list[dict[str, Any]]:
    """The deviations in dossiers of the scope that this person owes an explanation for, oldest first; a seal ends no debt."""
    rows = session.execute(
        select(DeviationRow, OpeningRow.value)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
        .where(
            scope.condition(),
            DossierRow.status != "cancelled",
            DeviationRow.state.in_(("unexplained", "asked_again")),
            DeviationRow.responsible == person,
        )
        .order_by(DeviationRow.at, DeviationRow.id)
        .limit(limit)
    ).all()
    return [
        {
            "dossier": row.dossier_id,
            "title": title,
            "deviation": row.id,
            "code": row.code,
            "step": row.step,
            "iteration": row.iteration,
            "subject": row.subject,
            "at": row.at,
            "explain_by": row.explain_by,
            "state": row.state,
        }
        for row, title in rows
    ]


@dataclass(frozen=True)
class Answerable:
    """Deviations whose explanations somebody answers: at steps of an SOP, in one work unit (None: in all).

    ``known_steps``: where given, also deviations at none of these steps, which belong to the dossier as a whole.
    """

    sop: str
    steps: tuple[str, ...]
    known_steps: tuple[str, ...] | None
    work_unit: str | None

    def condition(self) -> ColumnElement[bool]:
        """This as a condition on the deviation and dossier tables."""
        at_step: ColumnElement[bool] = DeviationRow.step.in_(self.steps)
        if self.known_steps is not None:
            at_step = or_(at_step, DeviationRow.step.is_(None), DeviationRow.step.not_in(self.known_steps))
        of_unit = true() if self.work_unit is None else DossierRow.work_unit_id == self.work_unit
        return and_(DossierRow.sop_digest == self.sop, at_step, of_unit)


def list_unanswered(
    scope: ReadScope, session: Session, *, answerable: Sequence[Answerable], person: str, limit: int = 50
) -> list[dict[str, Any]]:
    """Deviations in dossiers of the scope that another person explained and this one may answer, the longest waiting first."""
    rows = session.execute(
        select(DeviationRow, DossierRow, WorkUnitRow.name, OpeningRow.value)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
        .where(
            scope.condition(),
            DossierRow.status != "cancelled",
            DeviationRow.state == "explained",
            or_(DeviationRow.explained_by.is_(None), DeviationRow.explained_by != person),
            or_(*(each.condition() for each in answerable), false()),
        )
        .order_by(DeviationRow.explained_at, DeviationRow.id)
        .limit(limit)
    ).all()
    return [
        {
            "dossier": row.dossier_id,
            "title": title,
            "sop": dossier.sop_digest,
            "work_unit": dossier.work_unit_id,
            "work_unit_name": unit,
            "deviation": row.id,
            "code": row.code,
            "step": row.step,
            "iteration": row.iteration,
            "explained_at": row.explained_at,
            "explained_by": row.explained_by,
        }
        for row, dossier, unit, title in rows
    ]


def list_returned(scope: ReadScope, session: Session, person: str, limit: int = 50) -> list[dict[str, Any]]:
    """What this person returned in open dossiers of the scope and what did not come back to that step since, the newest first."""
    came_back = (
        select(StepRunRow.dossier_id)
        .where(
            StepRunRow.dossier_id == DecisionRow.dossier_id,
            StepRunRow.step == DecisionRow.step,
            StepRunRow.iteration > DecisionRow.iteration,
        )
        .exists()
    )
    reason, title = aliased(OpeningRow), aliased(OpeningRow)
    order = (DecisionRow.at.desc(), DecisionRow.event_hash)
    shown = (
        select(DecisionRow.event_hash)
        .join(DossierRow, DossierRow.id == DecisionRow.dossier_id)
        .where(
            scope.condition(),
            DossierRow.status == "open",
            DecisionRow.person_id == person,
            DecisionRow.decision == "return",
            ~came_back,
        )
        .order_by(*order)
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(DecisionRow, reason.value, title.value)
        .join(shown, shown.c.event_hash == DecisionRow.event_hash)
        .join(DossierRow, DossierRow.id == DecisionRow.dossier_id)
        .outerjoin(reason, (reason.event_hash == DecisionRow.event_hash) & (reason.field == "reason"))
        .outerjoin(title, (title.event_hash == DossierRow.opened_hash) & (title.field == "title"))
        .order_by(*order)
    ).all()
    return [
        {
            "dossier": decision.dossier_id,
            "title": named,
            "step": decision.step,
            "iteration": decision.iteration,
            "returns_to": decision.returns_to,
            "at": decision.at,
            "reason": why,
        }
        for decision, why, named in rows
    ]


def find_password_event(session: Session, user: str) -> bytes | None:
    """The bytes of the newest event that set this log-in's password, or None."""
    return session.execute(
        select(EventRow.data)
        .where(EventRow.stream == f"user:{user}", EventRow.type == "user.password_set")
        .order_by(EventRow.seq.desc())
        .limit(1)
    ).scalar_one_or_none()


def find_work_unit_of(session: Session, dossier: str) -> str | None:
    """The work unit of a dossier, or None when there is no such dossier."""
    return session.execute(select(DossierRow.work_unit_id).where(DossierRow.id == dossier)).scalar_one_or_none()


def find_location(session: Session, dossier: str, digest: str) -> LocationRow | None:
    """Where an object of a dossier lies, or None."""
    return session.execute(
        select(LocationRow).where(LocationRow.dossier_id == dossier, LocationRow.digest == digest).limit(1)
    ).scalar_one_or_none()


def find_bundle(session: Session, dossier: str) -> BundleRow | None:
    """The bundle's row of a dossier, or None before its plan is frozen."""
    return session.get(BundleRow, dossier)


def find_bundle_job(session: Session, dossier: str) -> dict[str, Any] | None:
    """How the work on a bundle stands, or None before the dossier is sealed."""
    row = session.execute(select(JobRow).where(JobRow.idempotency_key == f"bundle:{dossier}")).scalar_one_or_none()
    return None if row is None else {"state": row.state, "progress": row.progress, "error": row.error}


def names_of(session: Session, persons: set[str]) -> dict[str, str]:
    """Person id → name, for those whose name was not erased."""
    rows = session.execute(
        select(PersonRow.id, OpeningRow.value)
        .join(OpeningRow, (OpeningRow.event_hash == PersonRow.registered_hash) & (OpeningRow.field == "name"))
        .where(PersonRow.id.in_(persons))
    )
    return dict(rows.all())


def name_of_work_unit(session: Session, work_unit: str) -> str:
    """A work unit's name."""
    return session.get_one(WorkUnitRow, work_unit).name


def list_work_units(
    session: Session, limit: int | None = None, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """All work units by code; ``where`` narrows them."""
    rows = session.execute(select(WorkUnitRow).where(*where).order_by(WorkUnitRow.code).limit(limit)).scalars()
    return [{"work_unit": r.id, "code": r.code, "name": r.name, "parent": r.parent_id} for r in rows]


def list_people(
    session: Session, limit: int | None = None, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """All persons with log-ins and assignments; ``where`` narrows them."""
    persons = session.execute(select(PersonRow.id).where(*where).order_by(PersonRow.id).limit(limit)).scalars().all()
    names = names_of(session, set(persons))
    people: dict[str, dict[str, Any]] = {
        person: {"person": person, "name": names.get(person), "users": [], "assignments": []} for person in persons
    }
    for user in session.execute(
        select(UserRow).where(UserRow.person_id.in_(persons)).order_by(UserRow.login)
    ).scalars():
        people[user.person_id]["users"].append({"user": user.id, "login": user.login})
    for row in session.execute(
        select(AssignmentRow).where(AssignmentRow.person_id.in_(persons)).order_by(AssignmentRow.from_on)
    ).scalars():
        people[row.person_id]["assignments"].append(
            {
                "assignment": row.id,
                "role": row.role,
                "work_unit": row.work_unit_id,
                "from_on": row.from_on,
                "to_on": row.to_on,
                "lead": row.lead,
                "ended_at": None if row.ended_at is None else row.ended_at.isoformat(),
                "acting_for": row.acting_absent,
                "sops": (row.acting_sops or "").split(),
            }
        )
    return list(people.values())


def list_tokens(
    session: Session, user: str, limit: int | None = None, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """A log-in's tokens, newest first, without secrets; ``where`` narrows them."""
    rows = session.execute(
        select(ApiTokenRow, OpeningRow.value)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == ApiTokenRow.created_hash) & (OpeningRow.field == "name"))
        .where(ApiTokenRow.user_id == user, *where)
        .order_by(ApiTokenRow.id.desc())
        .limit(limit)
    )
    return [
        {
            "id": token.id,
            "name": name,
            "prefix": token.prefix,
            "scopes": token.scopes.split(),
            "expires_at": token.expires_at.isoformat(),
            "revoked_at": None if token.revoked_at is None else token.revoked_at.isoformat(),
        }
        for token, name in rows
    ]


def find_registrations(session: Session, digests: list[str]) -> list[bytes]:
    """The service events that registered (and retired) keys, and registered these definitions."""
    keys = session.execute(
        select(EventRow.data).where(EventRow.type.in_(["key.registered", "key.retired"])).order_by(EventRow.seq)
    ).scalars()
    hashes = select(DefinitionRow.event_hash).where(DefinitionRow.digest.in_(digests))
    definitions = session.execute(
        select(EventRow.data).where(EventRow.leaf_hash.in_(hashes)).order_by(EventRow.seq)
    ).scalars()
    return [*keys.all(), *definitions.all()]


def count_events(session: Session) -> int:
    """How many events the archive holds."""
    return session.execute(select(func.count()).select_from(EventRow)).scalar_one()


def list_definitions(
    session: Session, limit: int | None = None, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """Every registered definition, by kind, key and version; ``where`` narrows them."""
    order = (DefinitionRow.kind, DefinitionRow.key, DefinitionRow.version)
    rows = session.execute(select(DefinitionRow).where(*where).order_by(*order).limit(limit))
    return [{"kind": r.kind, "key": r.key, "version": r.version, "digest": r.digest} for r in rows.scalars()]


def password_event_of(session: Session, user: str) -> str | None:
    """The leaf hash of the event that set a log-in's password last: what changes when it is set anew, and with nothing else."""
    return session.execute(
        select(EventRow.leaf_hash)
        .where(EventRow.stream == f"user:{user}", EventRow.type == "user.password_set")
        .order_by(EventRow.seq.desc())
        .limit(1)
    ).scalar_one_or_none()
