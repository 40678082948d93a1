"""Completeness and time: verdicts on finished iterations, deviations of running ones."""

from __future__ import annotations

from sqlalchemy import select

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.models import DossierRow, StepRunRow
from archive_service.domain import completeness, statement
from archive_service.domain import dossier as states
from archive_service.services.fixity import find_damaged
from archive_service.services.work import hold_dossier, load_dossier


def judge_step(archive: Archive, lease: jobs.Lease, *, dossier: str, step: str, iteration: int) -> None:
    """Judge a finished iteration once: its documents are hashed again, then verdict and deviations are written."""
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    run = next((r for r in state.runs if (r.step, r.iteration) == (step, iteration)), None)
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


def sweep_deadlines(archive: Archive) -> int:
    """Record a deviation for every running step whose norm has passed; how many were recorded now."""
    now = archive.log.clock()
    with archive.db.read() as session:
        due = session.execute(
            select(StepRunRow.dossier_id, StepRunRow.step)
            .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
            .where(StepRunRow.state == states.RUNNING, StepRunRow.due_at < now, DossierRow.status == states.OPEN)
        ).all()
    recorded = 0
    for dossier, step in due:
        with archive.db.write() as session:
            work = hold_dossier(archive, session, dossier)
            run = work.dossier.running(step)
            if work.dossier.status != states.OPEN or run is None or not work.is_overdue(step):
                continue
            before = len(work.dossier.deviations)
            work.record(
                statement.DueDeviation(
                    statement.NORM_PASSED, step, run.iteration, None, run.role, run.responsible, (run.start_hash,)
                )
            )
            recorded += len(work.dossier.deviations) - before
    return recorded
