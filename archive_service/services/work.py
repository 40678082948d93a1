"""A dossier under its lock: read its events, check the action, append, follow the rules, save the rows that changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import StreamWriter, open_streams, read_stream
from archive_service.db.models import DossierRow
from archive_service.db.projection import Rows, reminders_of, rows_of_dossier, save_changes
from archive_service.db.tally import save_tally_changes
from archive_service.domain import statement
from archive_service.domain.action import Action
from archive_service.domain.deviation import NO_PERFORMER, DueDeviation, Refusal
from archive_service.domain.dossier import Dossier, fold
from archive_service.domain.event import Event
from archive_service.domain.refusal import find_refusal
from archive_service.domain.states import SEALED
from archive_service.domain.working_time import Calendar, for_unit
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput, NotFound, Stale
from archive_service.services.actor import (
    RULES,
    Actor,
    Assignment,
    choose_responsible,
    event_actor,
    require_covering,
)
from archive_service.services.notices import announce_deviation, announce_step
from archive_service.services.substitutes import find_move

_CLASS_OF_CODE: dict[str, type[ArchiveError]] = {
    "role_forbidden": Forbidden,
    "other_work_unit": Forbidden,
    "not_performer": Forbidden,
    "not_responsible": Forbidden,
    "duty_conflict": Forbidden,
    "second_person_needed": Forbidden,
    "not_acceptor": Forbidden,
    "own_explanation": Forbidden,
    "not_pause_granter": Forbidden,
    "own_pause": Forbidden,
    "not_leader": Forbidden,
    "not_contributor": Forbidden,
    "recommendation_unknown": NotFound,
    "indicator_unknown": InvalidInput,
    "indicator_not_taken": InvalidInput,
    "results_not_taken": InvalidInput,
    "step_unknown": NotFound,
    "version_unknown": NotFound,
    "document_unknown": NotFound,
    "deviation_unknown": NotFound,
    "pause_unknown": NotFound,
    "finding_unknown": NotFound,
    "auditors_own": Forbidden,
    "own_finding": Forbidden,
    "not_pic": Forbidden,
    "reason_missing": InvalidInput,
    "wrong_return": InvalidInput,
    "kind_not_taken": InvalidInput,
    "document_elsewhere": InvalidInput,
    "answer_missing": InvalidInput,
    "answer_unknown": InvalidInput,
    "answer_not_a_choice": InvalidInput,
    "pause_outside": InvalidInput,
    "pause_backwards": InvalidInput,
}
"""What a refusal is for whoever asked; every other code is a Conflict with the dossier's state."""


def error_of(refusal: Refusal) -> ArchiveError:
    """The error that tells a caller of this refusal."""
    return _CLASS_OF_CODE.get(refusal.code, Conflict)(refusal.code, refusal.text)


def require_seen(head: str, seen: Collection[str] | None) -> None:
    """Raise Stale unless the head is one of those that the caller saw; None asks for nothing."""
    if seen is not None and head not in seen:
        raise Stale("precondition_failed", "This has changed since you read it; read it again and decide anew.")


def read_dossier_events(archive: Archive, session: Session, dossier_id: str) -> list[Event]:
    """The events of a dossier's stream; NotFound when there is none."""
    events = read_stream(session, f"dossier:{dossier_id}")
    if not events:
        raise NotFound("dossier_unknown", "There is no such dossier.")
    return events


def load_dossier(archive: Archive, session: Session, dossier_id: str) -> Dossier:
    """The dossier as its events tell it now, without a lock; NotFound when there is none."""
    events = read_dossier_events(archive, session, dossier_id)
    return fold_dossier(archive, session, events)


def fold_dossier(archive: Archive, session: Session, events: list[Event]) -> Dossier:
    """The dossier that the events of its stream tell, with what came after its seal."""
    after = read_stream(session, f"after:{events[0].payload['dossier']}") if events[-1].type == "dossier.sealed" else []
    return fold(archive.catalog.sop(session, events[0].payload["sop"]), events, after)


def calendars_of(archive: Archive, session: Session, dossier: Dossier) -> dict[str, Calendar]:
    """Each calendar that the dossier's verdicts are given by, as its work unit keeps it, by digest."""
    return {d: unit_calendar(archive, session, d, dossier.work_unit) for d in dossier.calendars}


def unit_calendar(archive: Archive, session: Session, digest: str, work_unit: str) -> Calendar:
    """A registered calendar with the work unit's own days laid over it."""
    return for_unit(archive.catalog.calendar(session, digest), work_unit)


@dataclass
class DossierWork:
    """One transaction's hold on a dossier."""

    archive: Archive
    session: Session
    writer: StreamWriter
    dossier: Dossier
    calendars: dict[str, Calendar]
    held_head: str = ""
    seen: Collection[str] | None = None
    rows: Rows = field(default_factory=dict)
    """What the last event left in the tables: the next one's rows are compared with these."""

    @property
    def stream(self) -> str:
        """The name of the stream that takes what happens now: the dossier's own, or what follows its seal."""
        return f"{'after' if self.dossier.status == SEALED else 'dossier'}:{self.dossier.id}"

    @property
    def calendar(self) -> Calendar:
        """The calendar that verdicts are given by now, as the dossier's unit keeps it."""
        return self.calendars[self.dossier.calendar_digest]

    def require(self, action: Action) -> None:
        """Raise the refusal's error unless the action may be done now."""
        refusal = find_refusal(self.dossier, action)
        if refusal is not None:
            raise error_of(refusal)

    def act(
        self,
        actor: Actor,
        assignment: Assignment,
        type: str,
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
        claimed_at: str | None = None,
        salts: Mapping[str, bytes] | None = None,
    ) -> Event:
        """Append what a person did, with the deviations that follow from it at once, and take it into the dossier.

        Stale when the dossier is not the one that the person saw. Asked last: who may not act is told so, and not how the dossier
        stands (RFC 9110 section 13.2.1).
        """
        require_seen(self.held_head, self.seen)
        by = event_actor(self.session, actor, require_covering(actor, assignment, self.dossier.sop.key))
        event = self.append(type, by, payload, personal, claimed_at, salts)
        if self.dossier.status != SEALED:
            for deviation in statement.deviations_of_act(self.dossier, event):
                self.record(deviation)
        return event

    def append(
        self,
        type: str,
        by: Mapping[str, Any],
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
        claimed_at: str | None = None,
        salts: Mapping[str, bytes] | None = None,
    ) -> Event:
        """Append an event, take it into the dossier, and save the rows that it changes."""
        before = self.rows or rows_of_dossier(self.dossier, self.calendars)
        stream = f"dossier:{payload['dossier']}" if type == "dossier.opened" else self.stream
        event = self.writer.append(stream, type, by, payload, personal=personal, salts=salts, claimed_at=claimed_at)
        if self.dossier.status == SEALED:
            self.dossier.apply_after(event)
        else:
            self.dossier.apply(event)
        self.rows = rows_of_dossier(self.dossier, self.calendars)
        save_changes(self.session, before, self.rows, beside=reminders_of(self.dossier, self.calendar))
        save_tally_changes(self.session, self.dossier.sop.key, before, self.rows)
        return event

    def start_due_steps(self) -> None:
        """Start every step that became due, each with the person who answers for it; skip those whose condition does not hold."""
        while self.dossier.pending_skips:
            key = next(key for key in self.dossier.sop.order if key in self.dossier.pending_skips)
            when = self.dossier.sop.step(key).when
            assert when is not None
            answer = self.dossier.answer_to(when.field)
            self.append("step.skipped", RULES, {"step": key, "question": when.field, "answer": answer})
        for key in [key for key in self.dossier.sop.order if key in self.dossier.pending_starts]:
            role = self.dossier.sop.step(key).performer
            previous = self.dossier.last_run(key)
            responsible = choose_responsible(
                self.session, role, self.dossier.work_unit, self.writer.moment, self.dossier.sop.key
            )
            event = self.append(
                "step.started",
                RULES,
                {
                    "step": key,
                    "iteration": 1 if previous is None else previous.iteration + 1,
                    "started_at": self.dossier.pending_starts[key],
                    "role": role,
                    "responsible": responsible,
                },
            )
            run = self.dossier.last_run(key)
            assert run is not None
            if responsible is None:
                self.record(DueDeviation(NO_PERFORMER, key, run.iteration, None, role, None, (event.leaf_hash,)))
            self.move_step(key)
            announce_step(self.archive, self.session, self.dossier, run)

    def move_step(self, step: str) -> bool:
        """Move a running step to a substitute, or back from one, where it belongs there now; whether it was moved."""
        run = self.dossier.running(step)
        move = None if run is None else find_move(self.session, self.dossier, run, self.writer.moment)
        if run is None or move is None:
            return False
        self.append("step.moved", RULES, {"step": step, "iteration": run.iteration, **move._asdict()})
        return True

    def record(self, deviation: DueDeviation) -> bool:
        """Record a deviation unless it is recorded already; whether it was recorded now."""
        if self.dossier.ledger.has(deviation.key):
            return False
        self.append(
            "deviation.recorded",
            RULES,
            {
                "deviation": self.writer.make_id(),
                "code": deviation.code,
                "step": deviation.step,
                "iteration": deviation.iteration,
                "subject": deviation.subject,
                "role": deviation.role,
                "responsible": deviation.responsible,
                "evidence": list(deviation.evidence),
                "explain_by": statement.explain_by(self.dossier.sop, self.calendar, self.writer.at),
            },
        )
        announce_deviation(self.archive, self.session, self.dossier, self.dossier.deviations[-1])
        return True

    def judge_run(self, step: str, iteration: int, damaged: list[str]) -> None:
        """Give the verdict of a finished iteration, and record the deviations that it shows."""
        run = next(r for r in self.dossier.runs if (r.step, r.iteration) == (step, iteration))
        assert run.finished_at is not None
        judged = statement.judgement(self.dossier, run, self.calendar, run.requirements, damaged, run.finished_at)
        event = self.append("step.judged", RULES, judged)
        for deviation in statement.deviations_of_judgement(run, run.requirements, judged, event.leaf_hash):
            self.record(deviation)

    def enqueue(self, name: str, key: str, args: Mapping[str, Any]) -> None:
        """Add a job to this transaction."""
        jobs.enqueue(self.session, self.archive.log.make_id, self.archive.timer(), name, key=key, args=args)

    def enqueue_judging(self) -> None:
        """Have every finished iteration judged that is not judged yet."""
        for run in self.dossier.unjudged_runs():
            self.enqueue(
                "judge_step",
                f"judge:{self.dossier.id}:{run.step}:{run.iteration}",
                {"dossier": self.dossier.id, "step": run.step, "iteration": run.iteration},
            )

    def is_overdue(self, step: str) -> bool:
        """Whether a running step has passed its norm by now."""
        run = self.dossier.running(step)
        return run is not None and statement.overdue(self.dossier, run, self.calendar, self.writer.at)


def hold_dossier(
    archive: Archive,
    session: Session,
    dossier_id: str,
    actor: Actor | None = None,
    seen: Collection[str] | None = None,
    *,
    with_after: bool = False,
) -> DossierWork:
    """Lock a dossier's stream, and the authority of whoever acts on it, and read what it tells; NotFound when there is none.

    ``with_after``: lock the stream of what follows the seal too, for acts that a sealed dossier still takes.
    ``seen``: the heads that the caller takes the dossier to have; ``act`` raises Stale when it has another by now.
    """
    acting = [] if actor is None else [actor.person]
    is_sealed = (
        with_after
        and session.execute(select(DossierRow.status).where(DossierRow.id == dossier_id)).scalar_one_or_none() == SEALED
    )
    streams = [f"dossier:{dossier_id}", *([f"after:{dossier_id}"] if is_sealed else [])]
    writer = open_streams(session, archive.log, streams, acting=acting)
    dossier = fold_dossier(archive, session, read_dossier_events(archive, session, dossier_id))
    if with_after and not is_sealed and dossier.status == SEALED:
        raise Conflict("dossier_sealed_now", "The dossier was sealed this moment; try again.")
    return DossierWork(archive, session, writer, dossier, calendars_of(archive, session, dossier), dossier.latest, seen)


def acting_as(work: DossierWork, actor: Actor, permission: str, role: str | None = None) -> Assignment:
    """The assignment to act under: that of ``role`` where the person holds it in the dossier's unit, or as an office role."""
    held = actor.holds(permission)
    for assignment in held:
        is_near = assignment.is_office or assignment.work_unit == work.dossier.work_unit
        if assignment.role == role and is_near:
            return assignment
    if any(assignment.is_office for assignment in held):
        return actor.require(permission)
    return actor.require(permission, work.dossier.work_unit)
