"""The job table: a job is a row of the caller's transaction, so that no work is lost and none is done for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from archive_service.db.models import JobRow
from archive_service.db.session import insert_unless_there

READY = "ready"
RUNNING = "running"
WAITING = "waiting"
DONE = "done"
FAILED = "failed"

LEASE = timedelta(minutes=5)
ATTEMPT_LIMIT = 8


@dataclass(frozen=True)
class Lease:
    """The right to run one job until ``until``; a result counts only while the token stands in the row."""

    job_id: str
    name: str
    args: Mapping[str, Any]
    token: str
    attempts: int
    length: timedelta


def enqueue(
    session: Session,
    make_id: Callable[[], str],
    now: datetime,
    name: str,
    *,
    key: str,
    args: Mapping[str, Any],
    run_after: datetime | None = None,
) -> bool:
    """Add a job unless one with this idempotency key exists; whether it was added. ``now`` and ``run_after`` are real time."""
    values = {
        "id": make_id(),
        "name": name,
        "args": json.dumps(dict(args), sort_keys=True),
        "idempotency_key": key,
        "dossier_id": args.get("dossier"),
        "state": READY,
        "run_after": run_after or now,
        "attempts": 0,
        "progress": 0,
        "created_at": now,
    }
    return insert_unless_there(session, JobRow, values)


def _due(now: datetime) -> ColumnElement[bool]:
    is_due = JobRow.state.in_([READY, WAITING]) & (JobRow.run_after <= now)
    return or_(is_due, (JobRow.state == RUNNING) & (JobRow.lease_until < now))


@dataclass(frozen=True)
class DueJob:
    """A job that ``take`` would find."""

    id: str
    name: str


def list_due(session: Session, now: datetime, limit: int) -> list[DueJob]:
    """The jobs that ``take`` would find now, the longest due first."""
    rows = session.execute(select(JobRow.id, JobRow.name).where(_due(now)).order_by(JobRow.run_after).limit(limit))
    return [DueJob(row.id, row.name) for row in rows]


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the longest due job has been due; None when none is."""
    return session.execute(select(func.min(JobRow.run_after)).where(_due(now))).scalar_one_or_none()


def take(
    session: Session,
    make_id: Callable[[], str],
    now: datetime,
    *,
    length: timedelta = LEASE,
    job_id: str | None = None,
) -> Lease | None:
    """Lease the next job that is due (or whose lease ran out), or this one if it is; None when there is nothing to do."""
    wanted = select(JobRow).where(_due(now))
    if job_id is not None:
        wanted = wanted.where(JobRow.id == job_id)
    row = session.execute(
        wanted.order_by(JobRow.run_after).limit(1).with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    row.state, row.lease_token, row.lease_until = RUNNING, make_id(), now + length
    row.attempts += 1
    session.flush()
    return Lease(row.id, row.name, json.loads(row.args), row.lease_token, row.attempts, length)


def require_lease(session: Session, lease: Lease) -> None:
    """Raise LeaseLost unless this lease still stands; called inside the transaction that commits the job's result."""
    found = session.execute(
        select(JobRow.id)
        .where(JobRow.id == lease.job_id, JobRow.lease_token == lease.token, JobRow.state == RUNNING)
        .with_for_update()
    ).first()
    if found is None:
        raise LeaseLost(lease.job_id)


def extend(session: Session, lease: Lease, now: datetime, progress: int) -> None:
    """Keep the lease for a while longer and note the progress in per cent."""
    require_lease(session, lease)
    session.execute(
        update(JobRow).where(JobRow.id == lease.job_id).values(lease_until=now + lease.length, progress=progress)
    )


def finish(session: Session, lease: Lease, now: datetime) -> None:
    """Mark the job done; LeaseLost when somebody else has it."""
    require_lease(session, lease)
    session.execute(
        update(JobRow)
        .where(JobRow.id == lease.job_id)
        .values(state=DONE, finished_at=now, progress=100, lease_token=None, lease_until=None, error=None)
    )


def postpone(session: Session, lease: Lease, run_after: datetime) -> None:
    """Give the job back until then: what it waits for is not there yet. This is no failed attempt."""
    require_lease(session, lease)
    session.execute(
        update(JobRow)
        .where(JobRow.id == lease.job_id)
        .values(state=WAITING, run_after=run_after, lease_token=None, lease_until=None, attempts=JobRow.attempts - 1)
    )


def fail(
    session: Session,
    lease: Lease,
    now: datetime,
    error: str,
    *,
    is_final: bool = False,
    pause: timedelta | None = None,
) -> None:
    """Note the error; try again later, doubling the pause, or give up after the attempts that a job has.

    ``pause``: try again after that time; who names it counts the attempts.
    """
    require_lease(session, lease)
    is_over = is_final or (pause is None and lease.attempts >= ATTEMPT_LIMIT)
    session.execute(
        update(JobRow)
        .where(JobRow.id == lease.job_id)
        .values(
            state=FAILED if is_over else READY,
            run_after=now + (pause or timedelta(seconds=2**lease.attempts)),
            lease_token=None,
            lease_until=None,
            error=error[:2000],
            finished_at=now if is_over else None,
        )
    )


class LeaseLost(Exception):
    """Another worker has this job now: throw the result away."""


class NotYet(Exception):
    """What the job waits for is not there; run it again in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class AttemptFailed(Exception):
    """The job failed in a way that it knows: its error's code, and the pause before the next attempt; None gives up for good."""

    def __init__(self, error: str, pause: timedelta | None) -> None:
        super().__init__(error)
        self.pause = pause
