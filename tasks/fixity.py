"""Stored bytes: hashed again on schedule, and locked once they are claimed; the audit of the whole archive."""

from __future__ import annotations

from archive_service.services import audits, fixity
from tasks.app import app, get_archive
from tasks.dispatch import run_hinted


@app.task
def check_fixity(job_id: str) -> None:
    """Hash the objects of a dossier again."""
    run_hinted(job_id)


@app.task
def lock_object(job_id: str) -> None:
    """Put the lock on a claimed object."""
    run_hinted(job_id)


@app.task
def plan_fixity() -> None:
    """Queue a check for every dossier whose last one is long ago."""
    fixity.plan_fixity(get_archive())


@app.task
def plan_locks() -> None:
    """Queue the next lock of every object whose last one is half over."""
    fixity.plan_locks(get_archive())


@app.task
def audit_log(job_id: str) -> None:
    """Audit the archive."""
    run_hinted(job_id)


@app.task
def plan_audit() -> None:
    """Queue the audit of the week."""
    audits.plan_audit(get_archive())
