"""How the service stands, for its administrators: each part that it needs, its work, and the room that its documents take."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import archive_service
from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.models import (
    BundleRow,
    CheckpointRow,
    DocumentVersionRow,
    DossierRow,
    JobRow,
    LocationRow,
    LogPendingRow,
    NoticeRow,
    WorkUnitRow,
)
from archive_service.errors import Conflict, NotFound
from archive_service.services import audits, health, log, vouching
from archive_service.services.actor import Actor
from archive_service.services.fields import require_id

FAILED_SHOWN = 50


def read_overview(archive: Archive, actor: Actor) -> dict[str, Any]:
    """Health, jobs, log, store, mail, room by unit and year, version and the settings that matter; never a secret."""
    actor.require("service.manage")
    checks = health.check_health(archive)
    with archive.db.read() as session:
        return {
            "checks": [
                {"name": c.name, "is_ok": c.is_ok, "detail": c.detail, "age_seconds": c.age_seconds} for c in checks
            ],
            "is_well": all(check.is_ok for check in checks),
            "jobs": _jobs(archive, session),
            "log": _log(archive, session),
            "store": _store(archive, session),
            "mail": _mail(archive, session),
            "room": _room(session),
            "settings": _settings(archive),
            "version": archive_service.__version__,
        }


def _jobs(archive: Archive, session: Session) -> dict[str, Any]:
    counts = dict(session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).all())
    failed = session.execute(
        select(JobRow).where(JobRow.state == jobs.FAILED).order_by(JobRow.finished_at.desc()).limit(FAILED_SHOWN)
    ).scalars()
    since = jobs.oldest_due(session, archive.timer())
    return {
        "states": [
            {"state": state, "count": counts.get(state, 0)}
            for state in (jobs.READY, jobs.WAITING, jobs.RUNNING, jobs.FAILED, jobs.DONE)
        ],
        "due_since": None if since is None else since.isoformat(),
        "failed": [
            {
                "job": row.id,
                "name": row.name,
                "dossier": row.dossier_id or json.loads(row.args).get("dossier"),
                "attempts": row.attempts,
                "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
                "error": row.error,
            }
            for row in failed
        ],
    }


def _log(archive: Archive, session: Session) -> dict[str, Any]:
    newest = session.execute(
        select(CheckpointRow.size, CheckpointRow.signed_at).order_by(CheckpointRow.size.desc()).limit(1)
    ).first()
    stop = log.find_stop(session)
    audited = audits.find_last_audit(session)
    return {
        "origin": archive.log.origin,
        "size": log.log_size(session),
        "pending": session.execute(select(func.count()).select_from(LogPendingRow)).scalar_one(),
        "checkpoint_size": None if newest is None else newest.size,
        "signed_at": None if newest is None else newest.signed_at.isoformat(),
        "lag_seconds": round(health.log_lag_seconds(archive)),
        "stop": None
        if stop is None
        else {"code": stop.code, "detail": stop.detail, "stopped_at": stop.stopped_at.isoformat()},
        "audited_at": None if audited is None else audited["at"],
        "discrepancies": None if audited is None else audited["discrepancies"],
        "vouchers": vouching.list_vouchers(archive, session),
    }


def _store(archive: Archive, session: Session) -> dict[str, Any]:
    count, unlocked, unchecked = session.execute(
        select(
            func.count(),
            func.count().filter(LocationRow.locked_at.is_(None)),
            func.count().filter(LocationRow.checked_at.is_(None)),
        ).select_from(LocationRow)
    ).one()
    oldest = session.execute(select(func.min(LocationRow.checked_at))).scalar_one_or_none()
    return {
        "name": archive.store.name,
        "has_locks": archive.settings.s3_endpoint is not None,
        "objects": count,
        "unlocked": unlocked,
        "unchecked": unchecked,
        "checked_at": None if oldest is None else oldest.isoformat(),
    }


def _mail(archive: Archive, session: Session) -> dict[str, Any]:
    waiting = session.execute(select(func.count()).where(NoticeRow.is_waiting)).scalar_one()
    refused = session.execute(select(func.count()).where(NoticeRow.mail_error.is_not(None))).scalar_one()
    last = session.execute(select(func.max(NoticeRow.mailed_at))).scalar_one_or_none()
    return {
        "is_on": archive.settings.smtp_host is not None,
        "host": archive.settings.smtp_host,
        "sender": archive.settings.mail_from,
        "waiting": waiting,
        "refused": refused,
        "mailed_at": None if last is None else last.isoformat(),
    }


def _room(session: Session) -> dict[str, Any]:
    """Documents and bundles by work unit and year, from what the rows say of their sizes; the store itself is not listed."""
    documents = (
        select(
            DossierRow.work_unit_id.label("unit"),
            DossierRow.year.label("year"),
            func.count().label("documents"),
            func.coalesce(func.sum(DocumentVersionRow.size), 0).label("document_bytes"),
        )
        .join(DossierRow, DossierRow.id == DocumentVersionRow.dossier_id)
        .group_by(DossierRow.work_unit_id, DossierRow.year)
    )
    bundles = (
        select(
            DossierRow.work_unit_id.label("unit"),
            DossierRow.year.label("year"),
            func.count(BundleRow.digest).label("bundles"),
            func.coalesce(func.sum(BundleRow.size), 0).label("bundle_bytes"),
        )
        .join(DossierRow, DossierRow.id == BundleRow.dossier_id)
        .group_by(DossierRow.work_unit_id, DossierRow.year)
    )
    names = dict(session.execute(select(WorkUnitRow.id, WorkUnitRow.name)).all())
    cells: dict[tuple[str, int], dict[str, Any]] = {}
    for statement in (documents, bundles):
        for row in session.execute(statement).mappings():
            cell = cells.setdefault(
                (row["unit"], row["year"]), {"documents": 0, "document_bytes": 0, "bundles": 0, "bundle_bytes": 0}
            )
            cell.update({name: int(row[name]) for name in row if name not in ("unit", "year")})
    rows = [
        {"work_unit": unit, "work_unit_name": names.get(unit, unit), "year": year, **cell}
        for (unit, year), cell in cells.items()
    ]
    rows.sort(key=lambda row: (-row["year"], row["work_unit_name"]))
    totals = {
        name: sum(row[name] for row in rows) for name in ("documents", "document_bytes", "bundles", "bundle_bytes")
    }
    return {"rows": rows, **totals}


def _settings(archive: Archive) -> list[tuple[str, str]]:
    """The settings that somebody looks for when something is not as it should be, by the name of their variable."""
    s = archive.settings
    database = "PostgreSQL" if s.database is not None else "SQLite"
    shown: list[tuple[str, object]] = [
        ("ARCHIVE_DATABASE", database),
        ("ARCHIVE_S3_ENDPOINT", s.s3_endpoint),
        ("ARCHIVE_S3_BUCKET", s.s3_bucket if s.s3_endpoint is not None else None),
        ("ARCHIVE_LOG_ORIGIN", archive.log.origin),
        ("ARCHIVE_LOG_ACCESS", s.log_access),
        ("ARCHIVE_CHECKPOINT_SECONDS", s.checkpoint_seconds),
        ("ARCHIVE_DOCUMENT_LIMIT_BYTES", s.document_limit_bytes),
        ("ARCHIVE_UPLOAD_SLOTS", s.upload_slots),
        ("ARCHIVE_THREADS", s.threads),
        ("ARCHIVE_PUBLIC_URL", s.public_url),
        ("ARCHIVE_LANGUAGE", s.language),
        ("ARCHIVE_WITNESS_POLICY", s.witness_policy),
        ("ARCHIVE_WEBHOOK_ALLOW_PRIVATE", s.webhook_allow_private),
        ("ARCHIVE_DEMO", s.demo),
    ]
    return [(name, "" if value is None else str(value)) for name, value in shown]


def retry_job(archive: Archive, actor: Actor, *, job: str) -> None:
    """Let a job that was given up be tried again from its first attempt; Conflict when it is not given up."""
    actor.require("service.manage")
    with archive.db.write() as session:
        row = session.get(JobRow, require_id("job", job), with_for_update=True)
        if row is None:
            raise NotFound("job_unknown", "There is no such job.")
        if row.state != jobs.FAILED:
            raise Conflict("job_not_failed", "This job was not given up: it is done, or will be tried by itself.")
        row.state, row.attempts, row.run_after, row.finished_at = jobs.READY, 0, archive.timer(), None
        row.lease_token, row.lease_until = None, None
