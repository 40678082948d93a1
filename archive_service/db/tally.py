"""What is counted across dossiers: the numbers of one dossier's rows, the difference that a change makes, and their folding.

Two dossiers never wait for each other: a change adds rows of its own, in its own transaction. A number is the sum over the rows of a
cell, folded or not, so it is exact at once; folding deletes rows and adds their sum in one transaction, and so changes no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from archive_service.db.models import (
    DecisionRow,
    DeviationRow,
    DossierRow,
    QualityCountRow,
    StepRunRow,
    VerdictRow,
    table_of,
)
from archive_service.db.projection import Rows
from archive_service.domain import completeness, deviation, states, verdict

Cell = tuple[str, str, str, int, int]
"""SOP key, step (empty: the whole dossier), work unit, year, quarter."""
Tally = dict[Cell, dict[str, int]]
"""Cell → measure → number; what is not there is 0."""

CELL = ("sop", "step", "work_unit_id", "year", "quarter")
MEASURES = (
    "dossiers",
    "sealed",
    "cancelled",
    "runs",
    "running",
    "overdue",
    "on_time",
    "late",
    "used_seconds",
    "limit_seconds",
    "complete",
    "incomplete",
    "returns",
    "sent_back",
    "deviations",
    "open_deviations",
    "unexplained",
)
"""Dossiers opened, sealed, cancelled; iterations begun, running, running past their norm (as recorded); iterations that ended on time
and late; working seconds that judged iterations used, and had; judged iterations with everything that they require, and without;
returns decided at the step, and returns to it; deviations, those not settled yet, those that an explanation is owed for."""

ALL_STEPS = ""
OWED = (deviation.UNEXPLAINED, deviation.ASKED_AGAIN)
SETTLED = (deviation.ACCEPTED, deviation.RELIEVED)

_COUNT = table_of(QualityCountRow)
_ZEROS = dict.fromkeys(MEASURES, 0)


def tally_of(rows: Rows, sop: str) -> Tally:
    """The numbers of one dossier's rows, ``sop`` being the key of its SOP."""
    tally: Tally = {}
    found = next((values for (table, _), values in rows.items() if table is DossierRow), None)
    if found is None:
        return tally
    unit, year, quarter = found["work_unit_id"], found["year"], found["quarter"]

    def add(step: str | None, **numbers: int) -> None:
        counted = tally.setdefault((sop, step or ALL_STEPS, unit, year, quarter), {})
        for measure, number in numbers.items():
            if number:
                counted[measure] = counted.get(measure, 0) + number

    is_open = found["status"] == states.OPEN
    status = found["status"]
    add(ALL_STEPS, dossiers=1, sealed=status == states.SEALED, cancelled=status == states.CANCELLED)
    # of several verdicts on an iteration the newest counts
    verdicts: dict[tuple[str, int], Mapping[str, Any]] = {}
    for (table, _), values in rows.items():
        if table is VerdictRow:
            place = (values["step"], values["iteration"])
            if place not in verdicts or values["number"] > verdicts[place]["number"]:
                verdicts[place] = values
    passed = {
        (values["step"], values["iteration"])
        for (table, _), values in rows.items()
        if table is DeviationRow and values["code"] == deviation.NORM_PASSED and values["state"] != deviation.RELIEVED
    }
    for (table, _), values in rows.items():
        if table is StepRunRow:
            is_running = is_open and values["state"] == states.RUNNING
            place = (values["step"], values["iteration"])
            add(values["step"], runs=1, running=is_running, overdue=is_running and place in passed)
            judged = verdicts.get(place)
            if judged is not None:
                is_late = judged["time_result"] == verdict.LATE
                result = judged["completeness_result"]
                add(values["step"], on_time=not is_late, late=is_late)
                add(values["step"], complete=result == completeness.COMPLETE, incomplete=result == completeness.GAPS)
                add(
                    values["step"],
                    used_seconds=judged["used_seconds"],
                    limit_seconds=judged["limit_seconds"],
                )
            elif values["outcome"] == "archived":
                # the seal ends the last step, and nothing is judged after it
                is_late = values["late_at"] is not None and values["finished_at"] >= values["late_at"]
                add(values["step"], on_time=not is_late, late=is_late)
        elif table is DecisionRow and values["decision"] == "return":
            add(values["step"], returns=1)
            add(values["returns_to"], sent_back=1)
        elif table is DeviationRow:
            # nobody owes anything for a dossier that was cancelled
            is_settled = values["state"] in SETTLED or status == states.CANCELLED
            is_owed = values["state"] in OWED and not is_settled
            add(values["step"], deviations=1, open_deviations=not is_settled, unexplained=is_owed)
    return tally


def add_up(tallies: Iterable[Tally]) -> Tally:
    """The sum of several tallies, without cells that hold nothing."""
    total: Tally = {}
    for tally in tallies:
        for cell, numbers in tally.items():
            counted = total.setdefault(cell, {})
            for measure, number in numbers.items():
                counted[measure] = counted.get(measure, 0) + number
    return _without_zeros(total)


def _without_zeros(tally: Tally) -> Tally:
    kept = {cell: {m: n for m, n in numbers.items() if n} for cell, numbers in tally.items()}
    return {cell: numbers for cell, numbers in kept.items() if numbers}


def save_tally_changes(session: Session, sop: str, before: Rows, after: Rows) -> None:
    """Add what a dossier's change makes of the numbers: a row for each step that it concerns, and none where nothing changes."""
    less: Tally = {c: {m: -n for m, n in numbers.items()} for c, numbers in tally_of(before, sop).items()}
    changed = add_up((less, tally_of(after, sop)))
    if changed:
        session.connection().execute(insert(_COUNT).inline(), [_row(c, n, is_folded=False) for c, n in changed.items()])


def _row(cell: Cell, numbers: Mapping[str, int], *, is_folded: bool) -> dict[str, object]:
    return {**dict(zip(CELL, cell, strict=True)), **_ZEROS, **numbers, "is_folded": is_folded}


def fold_tallies(session: Session, limit: int = 2000) -> int:
    """Make one row of all those of a cell, for the cells of the oldest new rows; how many rows went.

    Whatever is deleted is added again as a sum, in the same transaction: of two that fold at once, neither counts twice, and the cell
    that both touched has two folded rows until the next time.
    """
    fresh = session.execute(
        select(*(_COUNT.c[name] for name in CELL)).where(~_COUNT.c.is_folded).order_by(_COUNT.c.id).limit(limit)
    )
    cells = {(r.year, r.quarter, r.work_unit_id) for r in fresh}
    gone = 0
    for year, quarter, unit in sorted(cells):
        of_place = (_COUNT.c.year == year) & (_COUNT.c.quarter == quarter) & (_COUNT.c.work_unit_id == unit)
        # skipped when another process folds them just now
        taken = select(_COUNT.c.id).where(of_place).with_for_update(skip_locked=True)
        rows = session.execute(delete(_COUNT).where(_COUNT.c.id.in_(taken)).returning(*_COUNT.c)).mappings().all()
        gone += len(rows)
        total = add_up(
            {(r["sop"], r["step"], r["work_unit_id"], r["year"], r["quarter"]): {m: r[m] for m in MEASURES}}
            for r in rows
        )
        if total:
            session.connection().execute(
                insert(_COUNT).inline(), [_row(c, n, is_folded=True) for c, n in total.items()]
            )
    return gone


def read_tally(session: Session) -> Tally:
    """The whole table as one tally."""
    rows = session.execute(select(_COUNT)).mappings()
    return add_up(
        {(r["sop"], r["step"], r["work_unit_id"], r["year"], r["quarter"]): {m: r[m] for m in MEASURES}} for r in rows
    )
