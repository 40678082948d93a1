"""What is read of notices: a person's own, and those that wait for the mail of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from archive_service.db.models import DossierRow, NoticeRow, OpeningRow, StepRunRow, UserRow, WorkUnitRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.db.queries import ReadScope
from archive_service.domain.states import OPEN, RUNNING


def of_run() -> ColumnElement[bool]:
    """Joins a notice to the iteration of the step that it is about."""
    return and_(
        StepRunRow.dossier_id == NoticeRow.dossier_id,
        StepRunRow.step == NoticeRow.step,
        StepRunRow.iteration == NoticeRow.iteration,
    )


def is_held() -> ColumnElement[bool]:
    """Whether the iteration runs in an open dossier and the person of the notice answers for it."""
    return and_(StepRunRow.state == RUNNING, DossierRow.status == OPEN, StepRunRow.responsible == NoticeRow.person_id)


def due_reminders(now: datetime, limit: int) -> Select[StepRunRow, DossierRow]:
    """The iterations whose reminder is due, with their dossiers, the longest due first: the sweep's own, of all units."""
    return (
        select(StepRunRow, DossierRow)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .where(StepRunRow.remind_at <= now)
        .order_by(StepRunRow.remind_at)
        .limit(limit)
    )


def page_notices(
    scope: ReadScope, session: Session, person: str, page: PageRequest, is_unread: bool | None
) -> Page[dict[str, Any]]:
    """A page of a person's notices, newest first; what they say of a dossier only while it is within the scope."""
    wanted = [] if is_unread is None else [NoticeRow.read_at.is_(None) == is_unread]
    found = session.execute(
        _select_facts(scope)
        .where(
            NoticeRow.person_id == person,
            *wanted,
            *comes_after((NoticeRow.id,), page.after, descending=True),
        )
        .order_by(NoticeRow.id.desc())
        .limit(page.limit + 1)
    ).all()
    return cut_page([_plain(*row) for row in found], page, lambda row: (row["notice"],))


def list_for_mail(session: Session, person: str, notices: Sequence[str]) -> list[dict[str, Any]]:
    """These notices of a person with what a mail says of them, oldest first: what they tell of the person was given to know."""
    found = session.execute(
        _select_facts(ReadScope(True))
        .where(NoticeRow.person_id == person, NoticeRow.id.in_(notices))
        .order_by(NoticeRow.id)
    ).all()
    return [_plain(*row) for row in found]


def _select_facts(scope: ReadScope) -> Select[*tuple[Any, ...]]:
    return (
        select(
            NoticeRow,
            DossierRow.sop_digest,
            OpeningRow.value,
            WorkUnitRow.name,
            StepRunRow.due_at,
            StepRunRow.state,
        )
        .outerjoin(DossierRow, (DossierRow.id == NoticeRow.dossier_id) & scope.condition())
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
        .outerjoin(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .outerjoin(StepRunRow, of_run())
    )


def _plain(
    notice: NoticeRow,
    sop: str | None,
    title: str | None,
    unit: str | None,
    due_at: datetime | None,
    state: str | None,
) -> dict[str, Any]:
    def iso(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "notice": notice.id,
        "kind": notice.kind,
        "dossier": notice.dossier_id,
        "title": title,
        "work_unit_name": unit,
        "step": notice.step,
        "iteration": notice.iteration,
        "subject": notice.subject,
        "due_at": iso(due_at),
        "step_state": state,
        "created_at": notice.created_at.isoformat(),
        "is_urgent": notice.is_urgent,
        "read_at": iso(notice.read_at),
        "mailed_at": iso(notice.mailed_at),
        "mail_error": notice.mail_error,
        "sop": sop,
    }


def count_unread(session: Session, person: str) -> int:
    """How many notices a person has not read."""
    return session.execute(
        select(func.count()).select_from(NoticeRow).where(NoticeRow.person_id == person, NoticeRow.read_at.is_(None))
    ).scalar_one()


def list_waiting_persons(session: Session, since: datetime, limit: int) -> list[str]:
    """The persons with an address among those for whom the oldest ``limit`` notices since then wait for the mail of the day."""
    rows = session.execute(
        select(NoticeRow.person_id)
        .join(UserRow, UserRow.person_id == NoticeRow.person_id)
        .where(NoticeRow.is_waiting, NoticeRow.created_at >= since, UserRow.mail.is_not(None))
        # not distinct: a database might walk through all notices of all persons for it
        .order_by(NoticeRow.created_at)
        .limit(limit)
    )
    return list(dict.fromkeys(rows.scalars()))


def find_mail_address(session: Session, person: str) -> str | None:
    """Where a person's mail goes: the address of the oldest of their log-ins that has one."""
    return session.execute(
        select(UserRow.mail).where(UserRow.person_id == person, UserRow.mail.is_not(None)).order_by(UserRow.id).limit(1)
    ).scalar_one_or_none()
