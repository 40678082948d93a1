"""Whether the service can do its work now: each thing that it needs, looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, EventRow, LocationRow, LogLeafRow, LogPendingRow
from archive_service.domain.verdict import parse_time
from archive_service.errors import NotFound
from archive_service.services import audits, log

LAG_LIMIT = timedelta(seconds=60)
"""How long an event may wait for a signed checkpoint before somebody should look."""

JOB_LIMIT = timedelta(minutes=10)
"""How long a job may be due before somebody should look whether workers run."""

LOG = structlog.get_logger("archive")


@dataclass(frozen=True)
class Check:
    """One thing that the service needs: its name, whether it is there, and a number that says how well."""

    name: str
    is_ok: bool
    detail: str | None = None
    age_seconds: float | None = None


def check_health(archive: Archive) -> list[Check]:
    """The state of database, store, log and jobs. A failure's own words go to the service's log: they may name hosts and accounts."""
    return [
        _look("database", lambda: _database(archive)),
        _look("store", lambda: _store(archive)),
        _look("log", lambda: _log(archive)),
        _look("jobs", lambda: _jobs(archive)),
        _look("audit", lambda: _audit(archive)),
    ]


def _look(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception:
        # a probe must answer whatever is broken: every failure of a driver means "not ready"
        LOG.exception("health.failed", check=name)
        return Check(name, False, "does not answer")


def _database(archive: Archive) -> Check:
    with archive.db.read() as session:
        session.execute(select(CheckpointRow.size).limit(1)).first()
    return Check("database", True)


def _store(archive: Archive) -> Check:
    with archive.db.read() as session:
        newest = session.execute(
            select(LocationRow.key, LocationRow.version_id).order_by(LocationRow.claimed_at.desc()).limit(1)
        ).first()
    key, version_id = newest or ("probe/none", "1")
    try:
        archive.store.stat(key, version_id)
    except NotFound:
        if newest is not None:
            # a store that answers and holds nothing is the wrong one, or an empty mount
            return Check("store", False, "the newest object is not there")
    return Check("store", True)


def _log(archive: Archive) -> Check:
    age = log_lag_seconds(archive)
    with archive.db.read() as session:
        stop = log.find_stop(session)
    is_ok = stop is None and age <= LAG_LIMIT.total_seconds()
    return Check("log", is_ok, None if stop is None else f"signs nothing: {stop.code}", round(age, 3))


def log_lag_seconds(archive: Archive) -> float:
    """How long the oldest event has waited for a signed checkpoint; 0 when all are covered."""
    oldest = _oldest_unsigned(archive)
    return max(0.0, (archive.log.clock() - oldest).total_seconds()) if oldest is not None else 0.0


def _audit(archive: Archive) -> Check:
    with archive.db.read() as session:
        last = audits.find_last_audit(session)
    if last is None:
        return Check("audit", True, "none so far")
    age = max(0.0, (archive.log.clock() - parse_time(last["at"])).total_seconds())
    found = last["discrepancies"]
    # whoever is to look needs the service: it goes on, as it does while the log signs nothing more for a reader
    return Check("audit", True, f"{found} discrepancies" if found else None, round(age, 3))


def _jobs(archive: Archive) -> Check:
    now = archive.timer()
    with archive.db.read() as session:
        since = jobs.oldest_due(session, now)
    age = max(0.0, (now - since).total_seconds()) if since is not None else 0.0
    return Check("jobs", age <= JOB_LIMIT.total_seconds(), None, round(age, 3))


def _oldest_unsigned(archive: Archive) -> datetime | None:
    """When the oldest event was recorded that no signed checkpoint covers; None when all are covered."""
    with archive.db.read() as session:
        signed = session.execute(select(func.max(CheckpointRow.size))).scalar_one_or_none() or 0
        numbered = select(EventRow.at).join(LogLeafRow, LogLeafRow.leaf_hash == EventRow.leaf_hash)
        at = session.execute(numbered.where(LogLeafRow.leaf_index == signed)).scalar_one_or_none()
        if at is None:
            pending = select(EventRow.at).join(LogPendingRow, LogPendingRow.leaf_hash == EventRow.leaf_hash)
            at = session.execute(pending.order_by(LogPendingRow.id).limit(1)).scalar_one_or_none()
    return at
