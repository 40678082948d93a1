"""Numbers across dossiers, and what is behind them: every query takes a ReadScope first, and has an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from archive_service.db import queries
from archive_service.db.models import (
    DefinitionRow,
    DeviationRow,
    DossierRow,
    OpeningRow,
    QualityCountRow,
    StepRunRow,
    VerdictRow,
    WorkUnitRow,
    table_of,
)
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.db.queries import ReadScope
from archive_service.db.tally import ALL_STEPS, MEASURES, OWED
from archive_service.domain import deviation, states, verdict

GROUPS = ("sop", "step", "work_unit", "year", "quarter")
"""What numbers can be told apart by."""

_COUNT = table_of(QualityCountRow)
_COLUMN = {name: _COUNT.c["work_unit_id" if name == "work_unit" else name] for name in GROUPS}


@dataclass(frozen=True)
class QualityFilter:
    """Which cells; None takes all."""

    sop: str | None = None
    step: str | None = None
    work_unit: str | None = None
    year: int | None = None
    quarter: int | None = None

    def on_counts(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the counts."""
        return [_COLUMN[name] == value for name, value in self.__dict__.items() if value is not None]

    def on_dossiers(self) -> list[ColumnElement[bool]]:
        """The filter, but for the step, as conditions on the dossier table."""
        wanted = {
            DossierRow.work_unit_id: self.work_unit,
            DossierRow.year: self.year,
            DossierRow.quarter: self.quarter,
        }
        found: list[ColumnElement[bool]] = [column == value for column, value in wanted.items() if value is not None]
        if self.sop is not None:
            versions = select(DefinitionRow.digest).where(DefinitionRow.kind == "sop", DefinitionRow.key == self.sop)
            found.append(DossierRow.sop_digest.in_(versions))
        return found


def sum_counts(
    scope: ReadScope, session: Session, wanted: QualityFilter, by: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """The sums of every measure for each combination of ``by``, in its order; at most so many.

    A ``step`` of None is what is said of whole dossiers. Exact at once: folded or not, each row is part of its sum.
    """
    groups = [_COLUMN[name] for name in by]
    within = true() if scope.is_all else _COUNT.c.work_unit_id.in_(scope.work_units)
    rows = session.execute(
        select(*groups, *(func.coalesce(func.sum(_COUNT.c[m]), 0).label(m) for m in MEASURES))
        .where(within, *wanted.on_counts())
        .group_by(*groups)
        .order_by(*groups)
        .limit(limit)
    )
    found = []
    for row in rows:
        dimensions = dict(zip(by, row, strict=False))
        if dimensions.get("step") == ALL_STEPS:
            dimensions["step"] = None
        found.append({**dimensions, **{m: int(row._mapping[m]) for m in MEASURES}})
    return found


def _run_columns() -> Select[StepRunRow, DossierRow, str, str]:
    return (
        select(StepRunRow, DossierRow, WorkUnitRow.name, OpeningRow.value)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .outerjoin(OpeningRow, (OpeningRow.event_hash == DossierRow.opened_hash) & (OpeningRow.field == "title"))
    )


def _run(run: StepRunRow, dossier: DossierRow, unit: str, title: str | None, names: dict[str, str]) -> dict[str, Any]:
    return {
        "dossier": run.dossier_id,
        "title": title,
        "work_unit": dossier.work_unit_id,
        "work_unit_name": unit,
        "year": dossier.year,
        "quarter": dossier.quarter,
        "step": run.step,
        "iteration": run.iteration,
        "state": run.state,
        "outcome": run.outcome,
        "role": run.role,
        "responsible": run.responsible,
        "responsible_name": names.get(run.responsible or ""),
        "started_at": run.started_at.isoformat(),
        "due_at": None if run.due_at is None else run.due_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
    }


def _told(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    names = queries.names_of(session, {row[0].responsible for row in rows if row[0].responsible})
    return [_run(run, dossier, unit, title, names) for run, dossier, unit, title in rows]


def page_overdue(
    scope: ReadScope, session: Session, now: datetime, wanted: QualityFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """The steps that are late now, recorded or not, the longest due first."""
    key = (StepRunRow.due_at, StepRunRow.dossier_id, StepRunRow.step)
    after = None if page.after is None else (datetime.fromisoformat(str(page.after[0])), *page.after[1:])
    rows = session.execute(
        _run_columns()
        .where(
            StepRunRow.state == states.RUNNING,
            StepRunRow.due_at <= now,
            StepRunRow.late_at <= now,
            DossierRow.status == states.OPEN,
            scope.condition(),
            *wanted.on_dossiers(),
            *([StepRunRow.step == wanted.step] if wanted.step is not None else []),
            *comes_after(key, after),
        )
        .order_by(*key)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (str(_moment(row[0].due_at)), row[0].dossier_id, row[0].step))
    return Page(_told(session, cut.rows), cut.next)


def page_unexplained(
    scope: ReadScope, session: Session, wanted: QualityFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """The deviations that an explanation is owed for, oldest first."""
    key = (DeviationRow.at, DeviationRow.id)
    after = None if page.after is None else (datetime.fromisoformat(str(page.after[0])), page.after[1])
    rows = session.execute(
        select(DeviationRow, DossierRow, WorkUnitRow.name)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .where(
            # without bounds, so that a database sees that the index holds all of them
            DeviationRow.explained_at.is_(None),
            DeviationRow.state.in_(OWED),
            DossierRow.status != states.CANCELLED,
            scope.condition(),
            *wanted.on_dossiers(),
            *([DeviationRow.step == wanted.step] if wanted.step is not None else []),
            *comes_after(key, after),
        )
        .order_by(*key)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (str(_moment(row[0].at)), row[0].id))
    names = queries.names_of(session, {row[0].responsible for row in cut.rows if row[0].responsible})
    return Page([_deviation(*row, names) for row in cut.rows], cut.next)


def count_by_age(
    scope: ReadScope, session: Session, wanted: QualityFilter, bounds: Sequence[datetime]
) -> list[tuple[int, int]]:
    """For each age, youngest first: (deviations not settled, of these the ones that an explanation is owed for).

    ``bounds``: the instants between the ages, the latest first; one more age than bounds comes back.
    """
    age = case(*((DeviationRow.at > bound, number) for number, bound in enumerate(bounds)), else_=len(bounds))
    rows = session.execute(
        select(age, func.count(), func.sum(case((DeviationRow.state.in_(OWED), 1), else_=0)))
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .where(*_not_settled(scope, wanted))
        .group_by(age)
    ).all()
    found = {number: (count, int(owed or 0)) for number, count, owed in rows}
    return [found.get(number, (0, 0)) for number in range(len(bounds) + 1)]


def page_not_settled(
    scope: ReadScope,
    session: Session,
    wanted: QualityFilter,
    page: PageRequest,
    newest: datetime | None,
    oldest: datetime | None,
    is_owed: bool,
) -> Page[dict[str, Any]]:
    """The deviations that are not settled, between two instants (``oldest`` < at <= ``newest``), oldest first."""
    key = (DeviationRow.at, DeviationRow.id)
    after = None if page.after is None else (datetime.fromisoformat(str(page.after[0])), page.after[1])
    rows = session.execute(
        select(DeviationRow, DossierRow, WorkUnitRow.name)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .where(
            *_not_settled(scope, wanted),
            *([DeviationRow.at <= newest] if newest is not None else []),
            *([DeviationRow.at > oldest] if oldest is not None else []),
            *([DeviationRow.state.in_(OWED)] if is_owed else []),
            *comes_after(key, after),
        )
        .order_by(*key)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (str(_moment(row[0].at)), row[0].id))
    names = queries.names_of(session, {row[0].responsible for row in cut.rows if row[0].responsible})
    return Page([{**_deviation(*row, names), "state": row[0].state} for row in cut.rows], cut.next)


def _not_settled(scope: ReadScope, wanted: QualityFilter) -> list[ColumnElement[bool]]:
    return [
        DeviationRow.state.in_(("unexplained", "asked_again", "explained")),
        DossierRow.status != states.CANCELLED,
        scope.condition(),
        *wanted.on_dossiers(),
        *([DeviationRow.step == wanted.step] if wanted.step is not None else []),
    ]


def _deviation(d: DeviationRow, dossier: DossierRow, unit: str, names: dict[str, str]) -> dict[str, Any]:
    return {
        "deviation": d.id,
        "dossier": d.dossier_id,
        "work_unit": dossier.work_unit_id,
        "work_unit_name": unit,
        "year": dossier.year,
        "quarter": dossier.quarter,
        "code": d.code,
        "step": d.step,
        "iteration": d.iteration,
        "subject": d.subject,
        "responsible": d.responsible,
        "responsible_name": names.get(d.responsible or ""),
        "at": d.at.isoformat(),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _deviating(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    of_run = (
        (DeviationRow.dossier_id == StepRunRow.dossier_id)
        & (DeviationRow.step == StepRunRow.step)
        & (DeviationRow.iteration == StepRunRow.iteration)
    )
    return exists(select(DeviationRow.id).where(of_run, *conditions))


def _is_judged(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    of_run = (
        (VerdictRow.dossier_id == StepRunRow.dossier_id)
        & (VerdictRow.step == StepRunRow.step)
        & (VerdictRow.iteration == StepRunRow.iteration)
    )
    later = aliased(VerdictRow)
    is_newest = ~exists(
        select(later.event_hash).where(
            later.dossier_id == VerdictRow.dossier_id,
            later.step == VerdictRow.step,
            later.iteration == VerdictRow.iteration,
            later.number > VerdictRow.number,
        )
    )
    return exists(select(VerdictRow.event_hash).where(of_run, is_newest, *conditions))


def _ended_late(is_late: bool) -> ColumnElement[bool]:
    result = verdict.LATE if is_late else verdict.ON_TIME
    passed = and_(StepRunRow.late_at.is_not(None), StepRunRow.finished_at >= StepRunRow.late_at)
    at_seal = and_(StepRunRow.outcome == "archived", ~_is_judged(), passed if is_late else ~passed)
    return or_(_is_judged(VerdictRow.time_result == result), at_seal)


def _is_running() -> ColumnElement[bool]:
    return and_(StepRunRow.state == states.RUNNING, DossierRow.status == states.OPEN)


def _has_run() -> ColumnElement[bool]:
    return StepRunRow.iteration >= 1


_BEHIND: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    "runs": _has_run,
    "running": _is_running,
    "overdue": lambda: and_(
        _is_running(), _deviating(DeviationRow.code == deviation.NORM_PASSED, DeviationRow.state != deviation.RELIEVED)
    ),
    "on_time": lambda: _ended_late(False),
    "late": lambda: _ended_late(True),
    "complete": lambda: _is_judged(VerdictRow.completeness_result == "complete"),
    "incomplete": lambda: _is_judged(VerdictRow.completeness_result == "gaps"),
    "returns": lambda: StepRunRow.outcome == "returned",
    "deviations": _deviating,
    "unexplained": lambda: and_(_deviating(DeviationRow.state.in_(OWED)), DossierRow.status != states.CANCELLED),
}
BEHIND = tuple(_BEHIND)
"""Measures whose iterations can be listed."""


def page_runs(
    scope: ReadScope, session: Session, wanted: QualityFilter, measure: str, page: PageRequest
) -> Page[dict[str, Any]]:
    """The iterations behind a number, by dossier: ``measure`` is one of ``BEHIND``."""
    key = (StepRunRow.dossier_id, StepRunRow.step, StepRunRow.iteration)
    rows = session.execute(
        _run_columns()
        .where(
            scope.condition(),
            *wanted.on_dossiers(),
            *([StepRunRow.step == wanted.step] if wanted.step is not None else []),
            _BEHIND[measure](),
            *comes_after(key, page.after),
        )
        .order_by(*key)
        .limit(page.limit + 1)
    ).all()
    cut = cut_page(rows, page, lambda row: (row[0].dossier_id, row[0].step, row[0].iteration))
    return Page(_told(session, cut.rows), cut.next)
