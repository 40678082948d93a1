"""To whom a running step goes while its responsible person is represented (Plh./Plt.), and back from the substitute."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.db.event_log import read_stream
from archive_service.db.models import AssignmentRow
from archive_service.domain.dossier import Dossier
from archive_service.domain.parts import Run
from archive_service.services.actor import (
    Assignment,
    assignments_in_force,
    choose_responsible,
    in_force,
    office_date,
    sops_of,
)


class Move(NamedTuple):
    """To whom a step goes, and the leaf hash of the event in the substitute's stream that says why."""

    responsible: str
    because: str
    is_back: bool


def find_move(session: Session, dossier: Dossier, run: Run, moment: datetime) -> Move | None:
    """Where a running step belongs now, or None when it is in the right hands.

    A step that a substitute has goes nowhere else by rule until that delegation is over: what was handed on is not handed on again.
    """
    if run.acting is not None:
        return _back(session, dossier, run, run.acting, moment)
    if run.responsible is None:
        return None
    rows = session.execute(
        select(AssignmentRow)
        .where(
            AssignmentRow.acting_absent == run.responsible,
            AssignmentRow.role == run.role,
            AssignmentRow.work_unit_id == dossier.work_unit,
            *in_force(moment),
        )
        .order_by(AssignmentRow.from_on, AssignmentRow.id)
    ).scalars()
    for row in rows:
        if not sops_of(row) or dossier.sop.key in sops_of(row):
            return Move(row.person_id, row.made_hash, False)
    held = _held(session, dossier, run, run.responsible, moment)
    if held and all(a.acting_for is not None for a in held):
        # chosen as a substitute from the start, as for an office without a holder: said so that it goes back one day
        return Move(run.responsible, held[0].made_hash, False)
    return None


def _back(session: Session, dossier: Dossier, run: Run, acting: str, moment: datetime) -> Move | None:
    # projections are written past the session: what it knows of the row may be older
    wanted = select(AssignmentRow).where(AssignmentRow.made_hash == acting)
    row = session.execute(wanted, execution_options={"populate_existing": True}).scalar_one()
    is_past = row.to_on is not None and row.to_on < office_date(moment)
    if row.ended_at is None and not is_past:
        return None
    absent = str(row.acting_absent)
    is_holder = any(a.acting_for is None for a in _held(session, dossier, run, absent, moment))
    to = absent if is_holder else choose_responsible(session, run.role, dossier.work_unit, moment, dossier.sop.key)
    # nobody to give it back to: it stays, and is looked at again by the next sweep
    return None if to is None else Move(to, row.made_hash if row.ended_at is None else _end_of(session, row), True)


def _held(session: Session, dossier: Dossier, run: Run, person: str, moment: datetime) -> list[Assignment]:
    return [
        a
        for a in assignments_in_force(session, person, moment)
        if (a.role, a.work_unit) == (run.role, dossier.work_unit) and a.covers(dossier.sop.key)
    ]


def _end_of(session: Session, row: AssignmentRow) -> str:
    chain = read_stream(session, f"person:{row.person_id}")
    return next(e.leaf_hash for e in chain if e.type == "assignment.ended" and e.payload["assignment"] == row.id)
