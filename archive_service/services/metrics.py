"""Figures for a monitoring system in Prometheus' text format (version 0.0.4), computed from the database when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, JobRow, LogPendingRow
from archive_service.services import audits, health, log


@dataclass(frozen=True)
class Gauge:
    """One figure: its name, what it says, its value."""

    name: str
    help: str
    value: float


def measure(archive: Archive) -> list[Gauge]:
    """The figures of the log and of the job table."""
    now = archive.timer()
    with archive.db.read() as session:
        size = log.log_size(session)
        newest = session.execute(
            select(CheckpointRow.size, CheckpointRow.signed_at).order_by(CheckpointRow.size.desc()).limit(1)
        ).first()
        pending = session.execute(select(func.count()).select_from(LogPendingRow)).scalar_one()
        is_stopped = log.find_stop(session) is not None
        audited = audits.find_last_audit(session)
        due_since = jobs.oldest_due(session, now)
        failed = session.execute(
            select(func.count()).select_from(JobRow).where(JobRow.state == jobs.FAILED)
        ).scalar_one()
    signed, age = (0, 0.0) if newest is None else (newest.size, (now - newest.signed_at).total_seconds())
    waited = 0.0 if due_since is None else max(0.0, (now - due_since).total_seconds())
    return [
        Gauge("archive_log_size", "Leaves of the log's tree.", size),
        Gauge("archive_log_pending", "Events that have no place in the tree yet.", pending),
        Gauge("archive_log_checkpoint_size", "Leaves that the newest checkpoint covers.", signed),
        Gauge("archive_log_checkpoint_age_seconds", "How long ago the newest checkpoint was signed.", round(age, 3)),
        Gauge(
            "archive_log_lag_seconds",
            "How long the oldest event has waited for a checkpoint.",
            round(health.log_lag_seconds(archive), 3),
        ),
        Gauge("archive_log_stopped", "1 when the log signs nothing more because it would fork.", int(is_stopped)),
        Gauge(
            "archive_audit_discrepancies",
            "What the newest audit of the archive found.",
            0 if audited is None else audited["discrepancies"],
        ),
        Gauge("archive_jobs_due_seconds", "How long the oldest due job has waited.", round(waited, 3)),
        Gauge("archive_jobs_failed", "Jobs that were given up.", failed),
    ]


def render_metrics(archive: Archive) -> str:
    """The figures as Prometheus reads them."""
    lines = []
    for gauge in measure(archive):
        value = int(gauge.value) if gauge.value == int(gauge.value) else gauge.value
        lines += [f"# HELP {gauge.name} {gauge.help}", f"# TYPE {gauge.name} gauge", f"{gauge.name} {value}"]
    return "\n".join(lines) + "\n"
