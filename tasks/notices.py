"""Reminders, and what is sent out of the house: mails and webhooks."""

from __future__ import annotations

from archive_service.services import checkpoint_mail, mail, reminders
from tasks.app import app, get_archive
from tasks.dispatch import run_hinted


@app.task
def send_mail(job_id: str) -> None:
    """Send the mail of one notice."""
    run_hinted(job_id)


@app.task
def send_digest(job_id: str) -> None:
    """Send somebody's mail of the day."""
    run_hinted(job_id)


@app.task
def mail_reset(job_id: str) -> None:
    """Mail a link to choose a new password."""
    run_hinted(job_id)


@app.task
def mail_verification(job_id: str) -> None:
    """Mail a link that verifies an address."""
    run_hinted(job_id)


@app.task
def deliver_webhook(job_id: str) -> None:
    """Tell a webhook of a notice."""
    run_hinted(job_id)


@app.task
def send_checkpoint(job_id: str) -> None:
    """Mail a day's checkpoint."""
    run_hinted(job_id)


@app.task
def plan_checkpoint_mails() -> None:
    """Queue the mails of the last day's checkpoint."""
    checkpoint_mail.plan_checkpoint_mails(get_archive())


@app.task
def sweep_reminders() -> None:
    """Remind of every step whose time is nearly used up or over."""
    reminders.sweep_reminders(get_archive())


@app.task
def plan_digests() -> None:
    """Queue the mails of the day once the office has opened."""
    mail.plan_digests(get_archive())


@app.task
def tidy_notices() -> None:
    """Put away the notices that nobody needs any more."""
    reminders.tidy_notices(get_archive())
