"""The directory of people: by name, narrowed by role, unit and what they hold now; and log-ins with their state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from archive_service.db import queries
from archive_service.db.models import AssignmentRow, OpeningRow, PersonRow, SessionRow, TotpRow, UserRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page


@dataclass(frozen=True)
class PeopleFilter:
    """Which people: a part of the name or log-in, a role or unit that they hold on ``day``; None takes all."""

    text: str | None = None
    role: str | None = None
    work_unit: str | None = None


def in_force_on(day: str) -> list[ColumnElement[bool]]:
    """The conditions that an assignment holds on a day."""
    return [
        AssignmentRow.ended_at.is_(None),
        AssignmentRow.from_on <= day,
        or_(AssignmentRow.to_on.is_(None), AssignmentRow.to_on >= day),
    ]


def _escaped(text: str) -> str:
    return "%" + text.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def page_directory(session: Session, page: PageRequest, wanted: PeopleFilter, day: str) -> Page[dict[str, Any]]:
    """People by name with what they hold on that day; whose name was erased comes first, without one."""
    name = func.lower(func.coalesce(OpeningRow.value, ""))
    where: list[ColumnElement[bool]] = []
    if wanted.text:
        pattern = _escaped(wanted.text)
        has_login = exists().where(UserRow.person_id == PersonRow.id, UserRow.login.like(pattern, escape="\\"))
        where.append(or_(name.like(pattern, escape="\\"), has_login))
    if wanted.role or wanted.work_unit:
        held = [AssignmentRow.person_id == PersonRow.id, *in_force_on(day)]
        if wanted.role:
            held.append(AssignmentRow.role == wanted.role)
        if wanted.work_unit:
            held.append(AssignmentRow.work_unit_id == wanted.work_unit)
        where.append(exists().where(*held))
    rows = session.execute(
        select(PersonRow.id, name.label("name"))
        .outerjoin(OpeningRow, (OpeningRow.event_hash == PersonRow.registered_hash) & (OpeningRow.field == "name"))
        .where(*where, *comes_after((name, PersonRow.id), page.after))
        .order_by(name, PersonRow.id)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (row.name, row.id))
    ids = [row.id for row in cut.rows]
    people = {each["person"]: each for each in queries.list_people(session, None, [PersonRow.id.in_(ids)])}
    return Page([people[id] for id in ids], cut.next)


def list_sessions(session: Session, users: list[str], seen_since: datetime) -> dict[str, int]:
    """Log-in → how many browsers are logged in with it and were seen since then."""
    rows = session.execute(
        select(SessionRow.user_id, func.count())
        .where(SessionRow.user_id.in_(users), SessionRow.ended_at.is_(None), SessionRow.seen_at > seen_since)
        .group_by(SessionRow.user_id)
    )
    return dict(rows.all())


def list_with_app(session: Session, users: list[str]) -> set[str]:
    """The log-ins among these that have an authenticator app."""
    found = session.execute(select(TotpRow.user_id).where(TotpRow.user_id.in_(users), TotpRow.is_confirmed)).scalars()
    return set(found.all())


def page_logins(session: Session, page: PageRequest, text: str | None) -> Page[UserRow]:
    """Log-ins by their name."""
    where = [] if not text else [UserRow.login.like(_escaped(text), escape="\\")]
    rows = session.execute(
        select(UserRow)
        .where(*where, *comes_after((UserRow.login,), page.after))
        .order_by(UserRow.login)
        .limit(page.limit + 1)
    ).scalars()
    return cut_page(rows.all(), page, lambda row: (row.login,))


def count_holders(session: Session, day: str) -> dict[str, int]:
    """Work unit → how many people hold a role in it on that day."""
    rows = session.execute(
        select(AssignmentRow.work_unit_id, func.count(AssignmentRow.person_id.distinct()))
        .where(*in_force_on(day))
        .group_by(AssignmentRow.work_unit_id)
    )
    return dict(rows.all())
