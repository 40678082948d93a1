"""Completeness and time: verdicts on finished iterations, deviations of running ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.models import StepRunRow
from archive_service.domain import completeness, statement
from archive_service.domain import dossier as states
from archive_service.errors import ArchiveError, Unavailable
from archive_service.services.fixity import find_damaged
from archive_service.services.work import hold_dossier, load_dossier

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
                key = (statement.NORM_PASSED, run.step, run.iteration, None)
                work.record(statement.DueDeviation(*key, run.role, run.responsible, (run.start_hash,)))
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
