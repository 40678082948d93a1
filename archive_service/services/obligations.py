"""What work units owe each period: set for all at once; a period without a dossier is a deviation that somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.db.models import DossierRow, ObligationRow, UnitDeviationRow, WorkUnitRow
from archive_service.domain import deviation as deviations
from archive_service.domain import permissions, statement, states
from archive_service.domain.deviation import NOT_STARTED, Deviation
from archive_service.domain.sop import Sop
from archive_service.domain.unit import Period, Unit, fold
from archive_service.domain.verdict import format_time
from archive_service.errors import ArchiveError, Conflict, InvalidInput, NotFound
from archive_service.services import reading
from archive_service.services.actor import RULES, WIB, Actor, Assignment, choose_responsible, list_reached
from archive_service.services.dossiers import CALENDAR_KEY
from archive_service.services.fields import clean_text, optional_text, require_date, require_id, require_key
from archive_service.services.notices import notify
from archive_service.services.units import UnitWork, hold_unit, read_unit_events
from archive_service.services.work import error_of, unit_calendar

LOG = structlog.get_logger("archive")
LOOKED_AT_ONCE = 500
BASES = ("letter", "calendar")


def set_obligations(
    archive: Archive,
    actor: Actor,
    *,
    sop: str,
    year: int,
    quarter: int,
    due_on: str,
    basis: str = "calendar",
    letter: str | None = None,
    work_units: Sequence[str] | None = None,
) -> int:
    """Have work units (all, where none are named) carry out a procedure in a quarter until the end of a day; how many were set now.

    Asked again it adds only what is missing. ``basis``: the request letter (with its number) or the calendar says so.
    """
    assignment = actor.require("obligation.manage")
    sop, day = require_key("sop", sop), require_date("due_on", due_on)
    letter = optional_text("letter", letter, limit=100)
    if basis not in BASES:
        raise InvalidInput("basis_unknown", f"The basis is one of: {', '.join(BASES)}.", field="basis")
    if isinstance(year, bool) or not 2000 <= year <= 9999:
        raise InvalidInput("year_out_of_range", "year is a number from 2000 to 9999.", field="year")
    if isinstance(quarter, bool) or quarter not in (1, 2, 3, 4):
        raise InvalidInput("quarter_out_of_range", "quarter is 1, 2, 3 or 4.", field="quarter")
    # the last instant of that day in the office's zone
    due = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1) - WIB - timedelta(microseconds=1)
    if due < archive.log.clock():
        raise InvalidInput("due_in_past", "That day is over; give one to come.", field="due_on")
    period = Period(sop, year, quarter)
    with archive.db.read() as session:
        archive.catalog.newest(session, "sop", sop)
        known = session.execute(select(WorkUnitRow.id).order_by(WorkUnitRow.id)).scalars().all()
    wanted = known if work_units is None else sorted({require_id("work_units", unit) for unit in work_units})
    if set(wanted) - set(known):
        raise NotFound("work_unit_unknown", "One of the work units that you name does not exist.")
    made = 0
    for unit in wanted:
        # one transaction a unit: a quarter is opened for forty of them, and none waits for another's
        with archive.db.write() as session:
            work = hold_unit(archive, session, unit, actor)
            if work.unit.standing(period) is not None:
                continue
            payload = {
                "obligation": work.writer.make_id(),
                "sop": sop,
                "year": year,
                "quarter": quarter,
                "due_at": format_time(due),
                "basis": basis,
            }
            work.act(actor, assignment, "obligation.set", payload, {"letter": letter})
            made += 1
    return made


def read_quarter(archive: Archive, actor: Actor, *, year: int, quarter: int) -> dict[str, Any]:
    """A quarter as a table: every work unit and every SOP, and the obligation that stands where they meet, with what became of it.

    ``standing``: those that are neither met nor due, which may still be withdrawn.
    """
    actor.require("obligation.manage")
    owed = {(o["work_unit"], o["sop"]): o for o in list_obligations(archive, actor, year=year, quarter=quarter)}
    sops = [sop for sop in reading.list_sops(archive, actor) if sop["is_newest"]]
    return {
        "sops": sops,
        "units": [
            {**unit, "cells": [(sop, owed.get((unit["work_unit"], sop["key"]))) for sop in sops]}
            for unit in reading.list_work_units(archive, actor)
        ],
        "standing": [o for o in owed.values() if o["state"] == "open"],
    }


def set_quarter(
    archive: Archive,
    actor: Actor,
    *,
    cells: Sequence[tuple[str, str]],
    year: int,
    quarter: int,
    due_on: str,
    letter: str | None = None,
) -> tuple[int, int]:
    """Set the obligations of these (work unit, SOP) in a quarter; how many were set now, and how many stood already."""
    actor.require("obligation.manage")
    if not cells:
        raise InvalidInput("nothing_chosen", "Choose at least one work unit and procedure.", field="cells")
    wanted: dict[str, list[str]] = {}
    for unit, sop in cells:
        wanted.setdefault(sop, []).append(unit)
    made = 0
    for sop, units in sorted(wanted.items()):
        made += set_obligations(
            archive,
            actor,
            sop=sop,
            year=year,
            quarter=quarter,
            due_on=due_on,
            basis="letter" if letter else "calendar",
            letter=letter,
            work_units=units,
        )
    return made, len(set(cells)) - made


def withdraw_obligation(archive: Archive, actor: Actor, *, obligation: str, reason: str) -> None:
    """Say that a unit does not owe this after all; what was recorded of it stays."""
    assignment = actor.require("obligation.manage")
    reason = clean_text("reason", reason, lines=True)
    with archive.db.read() as session:
        row = session.get(ObligationRow, require_id("obligation", obligation))
        if row is None:
            raise NotFound("obligation_unknown", "There is no such obligation.")
        unit = row.work_unit_id
    with archive.db.write() as session:
        work = hold_unit(archive, session, unit, actor)
        owed = work.unit.obligations[obligation]
        if owed.withdrawn_at is not None:
            raise InvalidInput("obligation_withdrawn", "This obligation was withdrawn already.")
        if owed.due_at < work.writer.at:
            raise Conflict(
                "obligation_due", "Its time has passed: what was not carried out is explained, not withdrawn."
            )
        work.act(actor, assignment, "obligation.withdrawn", {"obligation": obligation}, {"reason": reason})
        session.execute(update(ObligationRow).where(ObligationRow.id == obligation).values(is_watched=False))


def list_obligations(archive: Archive, actor: Actor, *, year: int, quarter: int) -> list[dict[str, Any]]:
    """What the units of the actor's reach owe in a quarter, and what became of it: ``met``, ``open`` or ``not_started``."""
    actor.require("obligation.read")
    held = actor.holds("obligation.read")
    is_all = any(permissions.is_office(a.role) for a in held)
    with archive.db.read() as session:
        where = [] if is_all else [ObligationRow.work_unit_id.in_({a.work_unit for a in held})]
        rows = session.execute(
            select(ObligationRow, WorkUnitRow.name)
            .join(WorkUnitRow, WorkUnitRow.id == ObligationRow.work_unit_id)
            .where(ObligationRow.year == year, ObligationRow.quarter == quarter, *where)
            .where(ObligationRow.withdrawn_at.is_(None))
            .order_by(WorkUnitRow.name, ObligationRow.sop)
        ).all()
        units = {row.work_unit_id for row, _ in rows}
        dossiers = _dossiers_of(archive, session, units, year, quarter)
        missed = {
            obligation: (deviation, state)
            for obligation, deviation, state in session.execute(
                select(UnitDeviationRow.obligation_id, UnitDeviationRow.id, UnitDeviationRow.state)
                .join(ObligationRow, ObligationRow.id == UnitDeviationRow.obligation_id)
                .where(ObligationRow.year == year, ObligationRow.quarter == quarter, *where)
            )
        }
    found = []
    for row, name in rows:
        dossier = dossiers.get((row.work_unit_id, row.sop))
        deviation, state = missed.get(row.id, (None, None))
        found.append(
            {
                "obligation": row.id,
                "work_unit": row.work_unit_id,
                "work_unit_name": name,
                "sop": row.sop,
                "year": row.year,
                "quarter": row.quarter,
                "due_at": format_time(row.due_at),
                "basis": row.basis,
                "dossier": dossier,
                "state": "met" if dossier is not None else "open" if deviation is None else NOT_STARTED,
                "deviation": deviation,
                "deviation_state": state,
            }
        )
    return found


def _dossiers_of(
    archive: Archive, session: Session, work_units: Collection[str], year: int, quarter: int
) -> dict[tuple[str, str], str]:
    """(work unit, SOP's key) → the first dossier of a quarter that meets an obligation; one that was cancelled meets nothing."""
    rows = session.execute(
        select(DossierRow.id, DossierRow.work_unit_id, DossierRow.sop_digest)
        .where(
            DossierRow.work_unit_id.in_(work_units),
            DossierRow.year == year,
            DossierRow.quarter == quarter,
            DossierRow.status != states.CANCELLED,
        )
        .order_by(DossierRow.opened_at, DossierRow.id)
    ).all()
    keys = {digest: archive.catalog.sop(session, digest).key for digest in {row.sop_digest for row in rows}}
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        found.setdefault((row.work_unit_id, keys[row.sop_digest]), row.id)
    return found


def _find_dossier(archive: Archive, session: Session, work_unit: str, period: Period) -> str | None:
    """A dossier that meets an obligation, or None; one that was cancelled meets nothing."""
    return _dossiers_of(archive, session, {work_unit}, period.year, period.quarter).get((work_unit, period.sop))


def sweep_obligations(archive: Archive) -> int:
    """Record what was not started by its due time, and escalate what nobody explained; how many were recorded or escalated now.

    Each obligation is looked at once when its time has passed: what it costs is what is due now.
    """
    now = archive.log.clock()
    with archive.db.read() as session:
        due = session.execute(
            select(ObligationRow.id, ObligationRow.work_unit_id)
            .where(ObligationRow.is_watched, ObligationRow.due_at < now)
            .order_by(ObligationRow.due_at)
            .limit(LOOKED_AT_ONCE)
        ).all()
        owed = session.execute(
            select(UnitDeviationRow.id, UnitDeviationRow.work_unit_id)
            .where(UnitDeviationRow.owed_until < now)
            .order_by(UnitDeviationRow.owed_until)
            .limit(LOOKED_AT_ONCE)
        ).all()
    done = 0
    for act, rows in ((_look_at, due), (_escalate, owed)):
        for id, unit in rows:
            try:
                with archive.db.write() as session:
                    done += act(hold_unit(archive, session, unit), id)
            except (ArchiveError, ValueError) as exc:
                # one unit's trouble, a stream that cannot be told among them, must not hide what the others owe
                LOG.error("obligation.failed", id=id, unit=unit, error=f"{type(exc).__name__}: {exc}")
    return done


def _look_at(work: UnitWork, obligation: str) -> bool:
    archive, session, owed = work.archive, work.session, work.unit.obligations[obligation]
    session.execute(update(ObligationRow).where(ObligationRow.id == obligation).values(is_watched=False))
    is_due = owed.withdrawn_at is None and owed.due_at < work.writer.at
    if not is_due or _find_dossier(archive, session, work.unit.id, owed.period) is not None:
        return False
    sop = _newest(archive, session, owed.period.sop)
    role = sop.step(sop.first_steps()[0]).performer
    calendar = unit_calendar(
        archive, session, archive.catalog.newest(session, "calendar", CALENDAR_KEY).digest, work.unit.id
    )
    responsible = choose_responsible(session, role, work.unit.id, work.writer.moment, sop.key)
    payload = {
        "deviation": work.writer.make_id(),
        "code": NOT_STARTED,
        "step": None,
        "iteration": None,
        "subject": owed.period.subject,
        "role": role,
        "responsible": responsible,
        "evidence": [owed.set_hash],
        "explain_by": statement.explain_by(sop, calendar, work.writer.at),
    }
    work.append("deviation.recorded", RULES, payload)
    if responsible is not None:
        key = f"deviation:{payload['deviation']}"
        notify(archive, session, person=responsible, kind="deviation", key=key, subject=NOT_STARTED)
    return True


def _escalate(work: UnitWork, deviation: str) -> bool:
    about = work.unit.ledger.find(deviation)
    if about is None or about.escalated_at is not None or not deviations.is_overdue(about, work.writer.at):
        return False
    role = _sop_of(work.archive, work.session, work.unit, about).escalates_to
    event = work.append("deviation.escalated", RULES, {"deviation": deviation, "role": role})
    for person in list_reached(work.session, role, work.unit.id, work.writer.moment):
        key = f"deviation_escalated:{event.leaf_hash[:32]}:{person}"
        notify(work.archive, work.session, person=person, kind="deviation_escalated", key=key, subject=NOT_STARTED)
    return True


def _newest(archive: Archive, session: Session, key: str) -> Sop:
    return archive.catalog.sop(session, archive.catalog.newest(session, "sop", key).digest)


def _sop_of(archive: Archive, session: Session, unit: Unit, about: Deviation) -> Sop:
    return _newest(archive, session, unit.obligations[unit.obligation_of[about.id]].period.sop)


def _acceptor(archive: Archive, session: Session, unit: Unit, about: Deviation) -> str:
    sop = _sop_of(archive, session, unit, about)
    return sop.step(sop.first_steps()[0]).explanations_accepted_by


def _acting(actor: Actor, permission: str, unit: str, role: str | None = None) -> Assignment:
    for held in actor.holds(permission):
        if (role is None or held.role == role) and (held.is_office or held.work_unit == unit):
            return held
    return actor.require(permission, unit)


def explain_unit_deviation(archive: Archive, actor: Actor, *, work_unit: str, deviation: str, explanation: str) -> int:
    """Record why a unit did not carry out a procedure, as the person who answers for it; the explanation's number."""
    explanation = clean_text("explanation", explanation, limit=10_000, lines=True)
    with archive.db.write() as session:
        work = hold_unit(archive, session, require_id("work_unit", work_unit), actor)
        assignment = _acting(actor, "deviation.explain", work_unit)
        about = work.unit.ledger.find(require_id("deviation", deviation))
        refusal = deviations.find_refusal(about, "explain", actor.person, assignment.role, "")
        if refusal is not None:
            raise error_of(refusal)
        assert about is not None
        payload = {"deviation": deviation, "number": len(about.explanations) + 1, "attachments": []}
        work.act(actor, assignment, "deviation.explained", payload, {"explanation": explanation})
    return len(about.explanations) + 1


def answer_unit_explanation(
    archive: Archive,
    actor: Actor,
    *,
    work_unit: str,
    deviation: str,
    number: int,
    is_accepted: bool,
    reason: str | None = None,
) -> None:
    """Accept an explanation as the role that the procedure's first step names, or ask again with a reason."""
    text = None if is_accepted else clean_text("reason", reason or "", lines=True)
    with archive.db.write() as session:
        work = hold_unit(archive, session, require_id("work_unit", work_unit), actor)
        about = work.unit.ledger.find(require_id("deviation", deviation))
        accepts = "" if about is None else _acceptor(archive, session, work.unit, about)
        assignment = _acting(actor, "explanation.judge", work_unit, accepts or None)
        refusal = deviations.find_refusal(
            about,
            "accept_explanation" if is_accepted else "return_explanation",
            actor.person,
            assignment.role,
            accepts,
            number=number,
            has_reason=text is not None,
        )
        if refusal is not None:
            raise error_of(refusal)
        payload = {"deviation": deviation, "number": number}
        if is_accepted:
            work.act(actor, assignment, "explanation.accepted", payload)
        else:
            work.act(actor, assignment, "explanation.returned", payload, {"reason": text})


def list_unit_deviations(archive: Archive, actor: Actor, *, work_unit: str) -> list[dict[str, Any]]:
    """What a work unit did not carry out, who answers for it, and every explanation with its answer."""
    actor.require("obligation.read")
    reading.record_read(archive, actor, "findings")
    held = actor.holds("obligation.read")
    if not any(permissions.is_office(a.role) or a.work_unit == work_unit for a in held):
        raise NotFound("work_unit_unknown", "There is no such work unit.")
    with archive.db.read() as session:
        events = read_unit_events(session, require_id("work_unit", work_unit))
        unit = fold(events)
        openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in events]).items()}
        persons = {p for d in unit.ledger.deviations for p in (d.responsible, *(e.person for e in d.explanations))}
        names = queries.names_of(session, {p for p in persons if p})
        return [
            {
                "deviation": d.id,
                "code": d.code,
                "subject": d.subject,
                "role": d.role,
                "responsible": d.responsible,
                "responsible_name": names.get(d.responsible or ""),
                "at": d.at,
                "state": d.state,
                "explain_by": d.explain_by,
                "escalated_at": d.escalated_at,
                "accepted_by_role": _acceptor(archive, session, unit, d),
                "explanations": [
                    {
                        "number": e.number,
                        "person_name": names.get(e.person),
                        "at": e.at,
                        "explanation": openings.get((e.event_hash, "explanation")),
                        "answer": e.answer,
                    }
                    for e in d.explanations
                ],
            }
            for d in unit.ledger.deviations
        ]
