"""Lists that come in pages: each query takes the page last, and reads one row more to know whether another page follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from archive_service.db import queries
from archive_service.db.models import (
    ApiTokenRow,
    AssignmentRow,
    DefinitionRow,
    DeviationRow,
    DossierRow,
    EventRow,
    ExplanationRow,
    JobRow,
    LocationRow,
    OpeningRow,
    PersonRow,
    StepRunRow,
    UserRow,
    VerdictRow,
    WorkUnitRow,
)
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.db.queries import ReadScope


@dataclass(frozen=True)
class DossierFilter:
    """Which dossiers; None takes all."""

    dossier: str | None = None
    status: str | None = None
    work_unit: str | None = None
    year: int | None = None
    quarter: int | None = None
    late_at: datetime | None = None
    """Those with a step that runs and is late at this time."""
    text: str | None = None
    """Those with this text in their title, whatever the case of its letters."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the dossier table."""
        wanted = {
            DossierRow.id: self.dossier,
            DossierRow.status: self.status,
            DossierRow.work_unit_id: self.work_unit,
            DossierRow.year: self.year,
            DossierRow.quarter: self.quarter,
        }
        found: list[ColumnElement[bool]] = [column == value for column, value in wanted.items() if value is not None]
        if self.late_at is not None:
            found.append(
                select(StepRunRow.dossier_id)
                .where(
                    StepRunRow.dossier_id == DossierRow.id,
                    StepRunRow.state == "running",
                    StepRunRow.late_at <= self.late_at,
                )
                .exists()
            )
        if self.text is not None:
            title = aliased(OpeningRow)
            found.append(
                select(title.event_hash)
                .where(
                    title.event_hash == DossierRow.opened_hash,
                    title.field == "title",
                    title.value.icontains(self.text, autoescape=True),
                )
                .exists()
            )
        return found


@dataclass(frozen=True)
class DeviationFilter:
    """Which deviations; None takes all."""

    deviation: str | None = None
    code: str | None = None
    step: str | None = None
    responsible: str | None = None
    is_explained: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the deviation table."""
        wanted = {
            DeviationRow.id: self.deviation,
            DeviationRow.code: self.code,
            DeviationRow.step: self.step,
            DeviationRow.responsible: self.responsible,
        }
        found = [column == value for column, value in wanted.items() if value is not None]
        if self.is_explained is not None:
            found.append(DeviationRow.explained_at.is_not(None) == self.is_explained)
        return found


def dossiers_after(page: PageRequest) -> list[ColumnElement[bool]]:
    """The condition that a dossier comes after the page's key, newest first."""
    if page.after is None:
        return []
    opened_at, dossier = page.after
    values = (datetime.fromisoformat(str(opened_at)), dossier)
    return comes_after((DossierRow.opened_at, DossierRow.id), values, descending=True)


def page_deviations(
    scope: ReadScope, session: Session, dossiers: DossierFilter, wanted: DeviationFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """Deviations of the dossiers in the scope, newest first."""
    key = (DeviationRow.at, DeviationRow.id)
    after = None if page.after is None else (datetime.fromisoformat(str(page.after[0])), page.after[1])
    rows = session.execute(
        select(DeviationRow, DossierRow)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .where(scope.condition(), *dossiers.conditions(), *wanted.conditions())
        .where(*comes_after(key, after, descending=True))
        .order_by(*(column.desc() for column in key))
        .limit(page.limit + 1)
    ).all()
    persons = {r.responsible for r, _ in rows if r.responsible} | {r.explained_by for r, _ in rows if r.explained_by}
    names = queries.names_of(session, persons)
    texts = _explanations(session, [r.id for r, _ in rows if r.explained_at is not None])
    cut = cut_page(rows, page, lambda row: (row[0].at.isoformat(), row[0].id))
    return Page([_deviation(r, d, names, texts) for r, d in cut.rows], cut.next)


def _deviation(
    row: DeviationRow, dossier: DossierRow, names: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "deviation": row.id,
        "dossier": row.dossier_id,
        "work_unit": dossier.work_unit_id,
        "year": dossier.year,
        "quarter": dossier.quarter,
        "code": row.code,
        "step": row.step,
        "iteration": row.iteration,
        "subject": row.subject,
        "role": row.role,
        "responsible": row.responsible,
        "responsible_name": names.get(row.responsible or ""),
        "at": row.at.isoformat(),
        "event": row.event_hash,
        "state": row.state,
        "explain_by": None if row.explain_by is None else row.explain_by.isoformat(),
        "escalated_at": None if row.escalated_at is None else row.escalated_at.isoformat(),
        "explained_at": None if row.explained_at is None else row.explained_at.isoformat(),
        "explained_by": row.explained_by,
        "explained_by_name": names.get(row.explained_by or ""),
        "explanation": texts.get(row.id),
    }


def _explanations(session: Session, deviations: list[str]) -> dict[str, str]:
    """Deviation → its newest explanation, where it was given and not erased."""
    if not deviations:
        return {}
    rows = session.execute(
        select(ExplanationRow.deviation_id, OpeningRow.value)
        .join(OpeningRow, (OpeningRow.event_hash == ExplanationRow.event_hash) & (OpeningRow.field == "explanation"))
        .where(ExplanationRow.deviation_id.in_(deviations))
        .order_by(ExplanationRow.number)
    )
    return dict(rows.all())


def page_verdicts(session: Session, dossier: str, page: PageRequest) -> Page[dict[str, Any]]:
    """The verdicts of a dossier in the order in which they were given."""
    rows = session.execute(
        select(VerdictRow, EventRow.seq, EventRow.at)
        .join(EventRow, EventRow.leaf_hash == VerdictRow.event_hash)
        .where(VerdictRow.dossier_id == dossier, *comes_after((EventRow.seq,), page.after))
        .order_by(EventRow.seq)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (row[1],))
    return Page(
        [
            {
                "step": v.step,
                "iteration": v.iteration,
                "number": v.number,
                "calendar": v.calendar_digest,
                "excluded_seconds": v.excluded_seconds,
                "time": v.time_result,
                "used_seconds": v.used_seconds,
                "limit_seconds": v.limit_seconds,
                "used_by_day": json.loads(v.used_by_day),
                "completeness": v.completeness_result,
                "requirements": json.loads(v.requirements),
                "at": at.isoformat(),
                "event": v.event_hash,
            }
            for v, _, at in cut.rows
        ],
        cut.next,
    )


def page_events(session: Session, stream: str, page: PageRequest) -> Page[EventRow]:
    """The events of a stream in their order."""
    rows = session.execute(
        select(EventRow)
        .where(EventRow.stream == stream, *comes_after((EventRow.seq,), page.after))
        .order_by(EventRow.seq)
        .limit(page.limit + 1)
    ).scalars()
    return cut_page(rows.all(), page, lambda row: (row.seq,))


def _job(row: JobRow) -> dict[str, Any]:
    return {
        "job": row.id,
        "name": row.name,
        "state": row.state,
        "progress": row.progress,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(),
        "run_after": row.run_after.isoformat(),
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
        # a failure's text may quote the inside of the service: the code before the colon says enough to an outsider
        "error": None if row.error is None else row.error.partition(":")[0][:100],
    }


def page_jobs(session: Session, dossier: str, page: PageRequest) -> Page[dict[str, Any]]:
    """The jobs of a dossier, oldest first: verdicts, locks, fixity checks, urgent mails, the bundle."""
    locks = select("lock:" + LocationRow.key).where(LocationRow.dossier_id == dossier)
    of_dossier = or_(
        JobRow.idempotency_key == f"bundle:{dossier}",
        JobRow.idempotency_key.startswith(f"judge:{dossier}:", autoescape=True),
        JobRow.idempotency_key.startswith(f"fixity:{dossier}:", autoescape=True),
        JobRow.idempotency_key.startswith(f"mail:{dossier}:", autoescape=True),
        JobRow.idempotency_key.in_(locks),
    )
    rows = session.execute(
        select(JobRow)
        .where(of_dossier, *comes_after((JobRow.id,), page.after))
        .order_by(JobRow.id)
        .limit(page.limit + 1)
    ).scalars()
    cut = cut_page(rows.all(), page, lambda row: (row.id,))
    return Page([_job(row) for row in cut.rows], cut.next)


def find_job(session: Session, job: str) -> tuple[dict[str, Any], str] | None:
    """A job and the dossier that it works for, or None when there is no such job of a dossier."""
    row = session.get(JobRow, job)
    if row is None:
        return None
    args = json.loads(row.args)
    dossier = args.get("dossier")
    if dossier is None:
        dossier = session.execute(
            select(LocationRow.dossier_id).where(LocationRow.key == str(args.get("key"))).limit(1)
        ).scalar_one_or_none()
    return None if dossier is None else (_job(row), dossier)


def page_people(session: Session, page: PageRequest) -> Page[dict[str, Any]]:
    """Persons with log-ins and assignments, in the order of their registration."""
    rows = queries.list_people(session, page.limit + 1, comes_after((PersonRow.id,), page.after))
    return cut_page(rows, page, lambda row: (row["person"],))


def page_work_units(session: Session, page: PageRequest) -> Page[dict[str, Any]]:
    """Work units by code."""
    rows = queries.list_work_units(session, page.limit + 1, comes_after((WorkUnitRow.code,), page.after))
    return cut_page(rows, page, lambda row: (row["code"],))


def page_definitions(session: Session, page: PageRequest) -> Page[dict[str, Any]]:
    """Definitions by kind, key and version."""
    order = (DefinitionRow.kind, DefinitionRow.key, DefinitionRow.version)
    rows = queries.list_definitions(session, page.limit + 1, comes_after(order, page.after))
    return cut_page(rows, page, lambda row: (row["kind"], row["key"], row["version"]))


def page_tokens(session: Session, user: str, page: PageRequest) -> Page[dict[str, Any]]:
    """A log-in's tokens, newest first."""
    after = comes_after((ApiTokenRow.id,), page.after, descending=True)
    return cut_page(queries.list_tokens(session, user, page.limit + 1, after), page, lambda row: (row["id"],))


def page_users(session: Session, page: PageRequest) -> Page[dict[str, Any]]:
    """Log-ins in the order in which they were made."""
    rows = session.execute(
        select(UserRow).where(*comes_after((UserRow.id,), page.after)).order_by(UserRow.id).limit(page.limit + 1)
    ).scalars()
    cut = cut_page(rows.all(), page, lambda row: (row.id,))
    return Page([_user(row) for row in cut.rows], cut.next)


def find_user(session: Session, user: str) -> dict[str, Any] | None:
    """A log-in, or None."""
    row = session.get(UserRow, user)
    return None if row is None else _user(row)


def _user(row: UserRow) -> dict[str, Any]:
    locked_until = None if row.locked_until is None else row.locked_until.isoformat()
    return {
        "user": row.id,
        "person": row.person_id,
        "login": row.login,
        "locked_until": locked_until,
        "mail": row.mail,
        "mail_is_verified": row.mail_verified_at is not None,
        "has_totp": row.second_factor_at is not None,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
    }


def page_assignments(
    session: Session, page: PageRequest, *, person: str | None, work_unit: str | None, role: str | None
) -> Page[dict[str, Any]]:
    """Assignments in the order in which they were made, ended ones too."""
    wanted = {AssignmentRow.person_id: person, AssignmentRow.work_unit_id: work_unit, AssignmentRow.role: role}
    rows = session.execute(
        select(AssignmentRow)
        .where(*(column == value for column, value in wanted.items() if value is not None))
        .where(*comes_after((AssignmentRow.id,), page.after))
        .order_by(AssignmentRow.id)
        .limit(page.limit + 1)
    ).scalars()
    cut = cut_page(rows.all(), page, lambda row: (row.id,))
    return Page([_assignment(row) for row in cut.rows], cut.next)


def find_assignment(session: Session, assignment: str) -> dict[str, Any] | None:
    """An assignment, or None."""
    row = session.get(AssignmentRow, assignment)
    return None if row is None else _assignment(row)


def _assignment(row: AssignmentRow) -> dict[str, Any]:
    return {
        "assignment": row.id,
        "person": row.person_id,
        "role": row.role,
        "work_unit": row.work_unit_id,
        "from_on": row.from_on,
        "to_on": row.to_on,
        "lead": row.lead,
        "ended_at": None if row.ended_at is None else row.ended_at.isoformat(),
        "acting_for": row.acting_absent,
        "sops": (row.acting_sops or "").split(),
    }
