"""Completeness and time: verdicts on finished iterations, deviations of running ones, pauses, verdicts by another calendar."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.models import DefinitionRow, StatementAgainRow, StatementRow, StepRunRow
from archive_service.domain import canonical, completeness, statement, states
from archive_service.domain.action import Action
from archive_service.domain.deviation import NORM_PASSED, DueDeviation
from archive_service.domain.verdict import format_time
from archive_service.errors import ArchiveError, Conflict, InvalidInput, NotFound, Unavailable
from archive_service.services.actor import Actor, Assignment
from archive_service.services.decisions import list_definitions
from archive_service.services.fields import clean_text, require_id, require_moment
from archive_service.services.fixity import find_damaged
from archive_service.services.retention import read_stated
from archive_service.services.work import DossierWork, acting_as, hold_dossier, load_dossier, unit_calendar

CAUSES = ("outside_party", "force_majeure", "system_outage", "official_duty", "other")
"""Why a step's clock may be stopped."""

SWEPT_IN_ONE_READ = 500
SWEPT_AT_ONCE = 5000
"""So many dossiers in one turn: what else the runner has to do waits no longer than that takes."""
SWEPT_TOGETHER = 20
"""In one transaction: whoever works on one of these dossiers waits for a tenth of a second at most."""
LOOK_AGAIN = timedelta(hours=1)

LOG = structlog.get_logger("archive")


def judge_step(archive: Archive, lease: jobs.Lease, *, dossier: str, step: str, iteration: int) -> None:
    """Judge a finished iteration once: its documents are hashed again, then verdict and deviations are written."""
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    run = state.find_run(step, iteration)
    damaged: list[str] = []
    if run is not None and run.judged is None:
        # an event lists at most so many; the verdict then speaks of these
        damaged = sorted(find_damaged(archive, dossier, completeness.digests_of(run.requirements)))[
            : completeness.DAMAGED_LISTED
        ]
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier)
        is_open = work.dossier.status == states.OPEN
        if is_open and any((r.step, r.iteration) == (step, iteration) for r in work.dossier.unjudged_runs()):
            work.judge_run(step, iteration, damaged)
        jobs.finish(session, lease, archive.timer())


def sweep_deadlines(archive: Archive, *, limit: int = SWEPT_AT_ONCE) -> int:
    """Record a deviation for every running step whose norm has passed, the longest late first; how many were recorded now.

    What is looked at is what is late and not recorded, by an index; ``limit`` such dossiers in one turn, the others in the next. A
    dossier that fails stops no other: it is logged, and looked at again after an hour.
    """
    now = archive.log.clock()
    recorded = looked_at = 0
    after: tuple[datetime, str] | None = None
    while looked_at < limit:
        with archive.db.read() as session:
            batch = queries.list_late(session, now, archive.timer(), min(SWEPT_IN_ONE_READ, limit - looked_at), after)
        if not batch:
            break
        after = batch[-1]
        found = list(dict.fromkeys(dossier for _, dossier in batch))
        looked_at += len(found)
        for start in range(0, len(found), SWEPT_TOGETHER):
            recorded += _record_late(archive, found[start : start + SWEPT_TOGETHER])
    return recorded


def _record_late(archive: Archive, dossiers: list[str]) -> int:
    """Record what is late in these dossiers, in one transaction unless one of them fails; how many deviations that were."""
    try:
        with archive.db.write() as session:
            # locked in sorted order, as everything is that holds several streams
            return sum(_record_late_steps(archive, session, dossier) for dossier in sorted(dossiers))
    except (ArchiveError, ValueError, KeyError) as exc:
        if isinstance(exc, Unavailable) and exc.code == "database_unavailable":
            raise
        if len(dossiers) > 1:
            return sum(_record_late(archive, [dossier]) for dossier in dossiers)
        code = exc.code if isinstance(exc, ArchiveError) else type(exc).__name__
        LOG.error("deadlines.dossier_failed", dossier=dossiers[0], code=code, detail=str(exc))
    with archive.db.write() as session:
        _look_again(archive, session, dossiers[0])
    return 0


def _record_late_steps(archive: Archive, session: Session, dossier: str) -> int:
    work = hold_dossier(archive, session, dossier)
    before = len(work.dossier.deviations)
    if work.dossier.status == states.OPEN:
        for run in [run for run in work.dossier.runs if work.dossier.running(run.step) is run]:
            if work.is_overdue(run.step):
                key = (NORM_PASSED, run.step, run.iteration, None)
                work.record(DueDeviation(*key, run.role, run.responsible, (run.start_hash,)))
    recorded = len(work.dossier.deviations) - before
    if recorded == 0:
        # another sweep just recorded it, or its rows are not what its events say, and the audit will tell
        _look_again(archive, session, dossier)
    return recorded


def _look_again(archive: Archive, session: Session, dossier: str) -> None:
    session.execute(
        update(StepRunRow)
        .where(StepRunRow.dossier_id == dossier, StepRunRow.is_watched)
        .values(look_again_at=archive.timer() + LOOK_AGAIN)
    )


def grant_pause(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    cause: str,
    reason: str,
    from_at: str | datetime | None = None,
    to_at: str | datetime | None = None,
    seen: Collection[str] | None = None,
) -> str:
    """Stop the clock of a running step from a moment (now, where none is given) to another or until it is ended; the pause's id.

    The role that the SOP names for the step grants it, never who performs it. The time between does not count.
    """
    reason = clean_text("reason", reason, lines=True)
    if cause not in CAUSES:
        raise InvalidInput("cause_unknown", f"The cause of a pause is one of: {', '.join(CAUSES)}.", field="cause")
    start = None if from_at is None else require_moment("from_at", from_at)
    end = None if to_at is None else require_moment("to_at", to_at)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = _granting(work, actor, step)
        begins = work.writer.at if start is None else format_time(start)
        ends = None if end is None else format_time(end)
        work.require(
            Action(
                "pause",
                actor.person,
                assignment.role,
                assignment.work_unit,
                step=step,
                has_reason=True,
                from_at=begins,
                to_at=ends,
                at=work.writer.at,
            )
        )
        run = work.dossier.running(step)
        assert run is not None
        pause = work.writer.make_id()
        payload = {
            "pause": pause,
            "step": step,
            "iteration": run.iteration,
            "cause": cause,
            "from_at": begins,
            "to_at": ends,
        }
        work.act(actor, assignment, "pause.granted", payload, {"reason": reason})
    return pause


def end_pause(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    pause: str,
    to_at: str | datetime | None = None,
    seen: Collection[str] | None = None,
) -> None:
    """Let the clock of a paused step run again, from a moment in the past or from now."""
    end = None if to_at is None else require_moment("to_at", to_at)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        known = work.dossier.find_pause(require_id("pause", pause))
        step = known.step if known is not None else work.dossier.sop.order[0]
        assignment = _granting(work, actor, step)
        if known is None:
            raise NotFound("pause_unknown", "This dossier has no such pause.")
        ends = work.writer.at if end is None else format_time(end)
        work.require(
            Action(
                "resume",
                actor.person,
                assignment.role,
                assignment.work_unit,
                step=step,
                pause=pause,
                to_at=ends,
                at=work.writer.at,
            )
        )
        work.act(actor, assignment, "pause.ended", {"pause": pause, "step": step, "to_at": ends})


def _granting(work: DossierWork, actor: Actor, step: str) -> Assignment:
    role = work.dossier.sop.step(step).pauses_granted_by if step in work.dossier.sop.order else None
    return acting_as(work, actor, "pause.grant", role)


def judge_again(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    reason: str,
    calendar: str | None = None,
    seen: Collection[str] | None = None,
) -> str:
    """Judge every finished iteration of a dossier by another version of its calendar; the digest of that version.

    ``calendar``: its digest; the newest version of the dossier's own where none is given. The verdicts that were given stay beside the
    new ones. An open dossier goes on by that calendar; of a sealed one a second statement is kept, and its bundle stays what it is.
    """
    reason = clean_text("reason", reason, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen, with_after=True)
        assignment = actor.require("verdict.judge_again")
        held = archive.catalog.get(session, work.dossier.calendar_digest)
        if calendar is None:
            digest = archive.catalog.newest(session, "calendar", held.key).digest
        else:
            digest = archive.catalog.get(session, calendar).digest
            kind = session.get_one(DefinitionRow, digest).kind
            if kind != "calendar":
                raise InvalidInput("not_a_calendar", f"That definition is a {kind}, not a calendar.", field="calendar")
        if digest in work.dossier.calendars:
            raise Conflict("calendar_same", "The verdicts of this dossier were given by that calendar already.")
        work.calendars[digest] = unit_calendar(archive, session, digest, work.dossier.work_unit)
        if work.dossier.status == states.SEALED:
            _state_again(archive, work, actor, assignment, digest, reason)
            return digest
        work.require(Action("adopt_calendar", actor.person, assignment.role, assignment.work_unit, has_reason=True))
        work.act(actor, assignment, "calendar.adopted", {"calendar": digest}, {"reason": reason})
        for run in work.dossier.unjudged_runs():
            # an iteration that was never judged waits for its job, which hashes its documents first
            if run.judged is not None:
                work.judge_run(run.step, run.iteration, list(run.judged["completeness"]["damaged"]))
    return digest


def _state_again(
    archive: Archive, work: DossierWork, actor: Actor, assignment: Assignment, digest: str, reason: str
) -> None:
    sealed = canonical.decode(work.session.get_one(StatementRow, work.dossier.id).data)
    (last,) = (run for run in work.dossier.runs if run.outcome == "archived")
    closing = statement.Closing(last.step, sealed["sealed_at"], str(last.performed_by))
    known = work.session.execute(
        select(StatementAgainRow.calendar_digest).where(StatementAgainRow.dossier_id == work.dossier.id)
    ).scalars()
    if digest in known.all():
        raise Conflict("calendar_same", "The verdicts of this dossier were given by that calendar already.")
    schedule = None if work.dossier.sealed is None else work.dossier.sealed["retention"]
    data = canonical.encode(
        statement.build_statement(
            work.dossier,
            work.calendars,
            [
                *list_definitions(archive, work, schedule),
                {"kind": "calendar", **archive.catalog.get(work.session, digest).plain()},
            ],
            closing,
            archive.log.origin,
            digest,
            read_stated(archive, work.session, schedule, work.dossier.sop.key),
        )
    )
    facts = {
        "dossier": work.dossier.id,
        "calendar": digest,
        "statement_digest": statement.digest_of(data),
        "statement_size": len(data),
        "late": canonical.decode(data)["late"],
    }
    event = work.act(actor, assignment, "dossier.judged_again", facts, {"reason": reason})
    work.session.add(
        StatementAgainRow(
            event_hash=event.leaf_hash,
            dossier_id=work.dossier.id,
            calendar_digest=digest,
            digest=facts["statement_digest"],
            data=data,
        )
    )
