"""The life of a dossier around its steps: open, hand a step over, except a person from separate duties, cancel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import WorkUnitRow
from archive_service.domain.action import Action
from archive_service.domain.dossier import Dossier
from archive_service.domain.refusal import answers_refusal
from archive_service.domain.sop import OPENING
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services.actor import (
    Actor,
    assignments_in_force,
    event_actor,
    list_holders,
    require_covering,
)
from archive_service.services.fields import clean_text, require_date, require_id, require_key, require_moment
from archive_service.services.indicators import carry_recommendations
from archive_service.services.notices import announce_step
from archive_service.services.units import look_again
from archive_service.services.work import DossierWork, error_of, hold_dossier, unit_calendar

CALENDAR_KEY = "id-government"


@dataclass(frozen=True)
class RequestLetter:
    """What is known of the letter that asks for the report; ``received_at`` is claimed and starts step 1's clock."""

    number: str
    sender: str
    agenda_number: str
    dated_on: str
    received_at: str | datetime
    reply_due_on: str | None = None


def open_dossier(
    archive: Archive,
    actor: Actor,
    *,
    sop: str,
    work_unit: str,
    year: int,
    quarter: int,
    title: str,
    letter: RequestLetter,
    calendar: str = CALENDAR_KEY,
    answers: Mapping[str, str] | None = None,
) -> str:
    """A new dossier's id; its SOP and calendar are pinned in their newest versions.

    ``answers``: question → choice, for what the SOP asks at the opening.
    """
    work_unit, sop, calendar = (
        require_id("work_unit", work_unit),
        require_key("sop", sop),
        require_key("calendar", calendar),
    )
    assignment = actor.require("dossier.open", work_unit)
    title = clean_text("title", title, limit=200)
    if isinstance(year, bool) or not isinstance(year, int) or not 2000 <= year <= 9999:
        raise InvalidInput("year_out_of_range", "year is a number from 2000 to 9999.", field="year")
    if isinstance(quarter, bool) or quarter not in (1, 2, 3, 4):
        raise InvalidInput("quarter_out_of_range", "quarter is 1, 2, 3 or 4.", field="quarter")
    personal = {
        "title": title,
        "letter.number": clean_text("letter.number", letter.number, limit=100),
        "letter.sender": clean_text("letter.sender", letter.sender, limit=200),
        "letter.agenda_number": clean_text("letter.agenda_number", letter.agenda_number, limit=100),
    }
    received_at = require_moment("letter.received_at", letter.received_at)
    dates = {
        "dated_on": require_date("letter.dated_on", letter.dated_on),
        "reply_due_on": None
        if letter.reply_due_on is None
        else require_date("letter.reply_due_on", letter.reply_due_on),
    }
    with archive.db.write() as session:
        if session.get(WorkUnitRow, work_unit) is None:
            raise NotFound("work_unit_unknown", "There is no such work unit.")
        sop_definition = archive.catalog.newest(session, "sop", sop)
        calendar_definition = archive.catalog.newest(session, "calendar", calendar)
        rules = archive.catalog.sop(session, sop_definition.digest)
        given = sorted((answers or {}).items())
        refusal = answers_refusal(rules, OPENING, given)
        if refusal is not None:
            raise error_of(refusal)
        dossier_id = archive.log.make_id()
        writer = open_streams(session, archive.log, [f"dossier:{dossier_id}"], acting=[actor.person])
        if received_at > writer.moment:
            raise InvalidInput(
                "received_in_future", "The letter cannot have been received later than now.", field="letter.received_at"
            )
        own = unit_calendar(archive, session, calendar_definition.digest, work_unit)
        work = DossierWork(archive, session, writer, Dossier(rules), {calendar_definition.digest: own})
        work.append(
            "dossier.opened",
            event_actor(session, actor, require_covering(actor, assignment, rules.key)),
            {
                "dossier": dossier_id,
                "sop": sop_definition.digest,
                "calendar": calendar_definition.digest,
                "work_unit": work_unit,
                "year": year,
                "quarter": quarter,
                "letter": {**dates, "received_at": format_time(received_at)},
                "answers": [{"question": question, "answer": answer} for question, answer in given],
            },
            personal,
            claimed_at=format_time(received_at),
        )
        carry_recommendations(work)
        work.start_due_steps()
    return dossier_id


def reassign_step(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    person: str,
    reason: str,
    seen: Collection[str] | None = None,
) -> None:
    """Make another holder of the step's role answer for it from now on."""
    reason, person = clean_text("reason", reason, lines=True), require_id("person", person)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = actor.require("step.reassign", work.dossier.work_unit)
        # a leader may hold the step's own role too: the role that allows most is tried first
        for candidate in actor.holds("step.reassign"):
            if candidate.work_unit == work.dossier.work_unit and candidate.role in work.dossier.sop.leaders():
                assignment = candidate
        work.require(
            Action("reassign", actor.person, assignment.role, assignment.work_unit, step=step, has_reason=True)
        )
        run = work.dossier.running(step)
        assert run is not None
        held = assignments_in_force(session, person, work.writer.moment)
        place, sop = (run.role, work.dossier.work_unit), work.dossier.sop.key
        if not any((a.role, a.work_unit) == place and a.covers(sop) for a in held):
            raise InvalidInput(
                "not_performer", f"That person does not hold the role {run.role} in this unit.", field="person"
            )
        payload = {"step": step, "iteration": run.iteration, "responsible": person}
        work.act(actor, assignment, "step.reassigned", payload, {"reason": reason})
        announce_step(archive, session, work.dossier, run, is_handed_over=True)


def except_duty(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    person: str,
    reason: str,
    seen: Collection[str] | None = None,
) -> None:
    """Let a person perform a step that the separation of duties bars them from, because nobody else may; it is a deviation.

    Conflict ``others_may`` while another holder of the step's role has no such conflict.
    """
    reason, person = clean_text("reason", reason, lines=True), require_id("person", person)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = actor.require("duty.except", work.dossier.work_unit)
        for candidate in actor.holds("duty.except"):
            if candidate.work_unit == work.dossier.work_unit and candidate.role in work.dossier.sop.leaders():
                assignment = candidate
        action = Action(
            "except_duty",
            actor.person,
            assignment.role,
            assignment.work_unit,
            step=step,
            subject=person,
            has_reason=True,
        )
        work.require(action)
        run = work.dossier.running(step)
        assert run is not None
        holders = list_holders(session, run.role, work.dossier.work_unit, work.writer.moment, work.dossier.sop.key)
        if person not in holders:
            raise InvalidInput(
                "not_performer", f"That person does not hold the role {run.role} in this unit.", field="person"
            )
        if any(work.dossier.duty_conflict(step, other) is None for other in holders):
            raise Conflict(
                "others_may", "Another person with this role has no conflict of duties: hand the step over to them."
            )
        work.act(
            actor,
            assignment,
            "duty.excepted",
            {
                "step": step,
                "iteration": run.iteration,
                "person": person,
                "conflict": work.dossier.duty_conflict(step, person),
            },
            {"reason": reason},
        )


def request_cancellation(
    archive: Archive, actor: Actor, *, dossier: str, reason: str, seen: Collection[str] | None = None
) -> None:
    """Ask to end a dossier unfinished; a second person confirms."""
    reason = clean_text("reason", reason, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = actor.require("dossier.cancel", work.dossier.work_unit)
        work.require(
            Action("request_cancellation", actor.person, assignment.role, assignment.work_unit, has_reason=True)
        )
        work.act(actor, assignment, "dossier.cancellation_requested", {}, {"reason": reason})


def confirm_cancellation(archive: Archive, actor: Actor, *, dossier: str, seen: Collection[str] | None = None) -> None:
    """End a dossier that somebody else asked to cancel."""
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = actor.require("dossier.cancel", work.dossier.work_unit)
        work.require(Action("confirm_cancellation", actor.person, assignment.role, assignment.work_unit))
        assert work.dossier.cancellation is not None
        work.act(actor, assignment, "dossier.cancelled", {"request": work.dossier.cancellation[0]})
        look_again(session, work.dossier.work_unit, work.dossier.year, work.dossier.quarter)
