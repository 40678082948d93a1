"""From the job table to Celery: the relay sends a hint for every job that is due; a hint runs its job, if it still is."""

from __future__ import annotations

from archive_service import jobs
from archive_service.runner import run_job_by_id
from tasks.app import app, get_archive

RELAY_LIMIT = 100
HINT_EXPIRES_SECONDS = 30

JOB_TASKS = {
    "judge_step": "tasks.compliance.judge_step",
    "build_bundle": "tasks.bundles.build_bundle",
    "check_fixity": "tasks.fixity.check_fixity",
    "lock_object": "tasks.fixity.lock_object",
    "audit_log": "tasks.fixity.audit_log",
    "send_mail": "tasks.notices.send_mail",
    "send_digest": "tasks.notices.send_digest",
    "send_checkpoint": "tasks.notices.send_checkpoint",
    "mail_reset": "tasks.notices.mail_reset",
    "mail_verification": "tasks.notices.mail_verification",
    "deliver_webhook": "tasks.notices.deliver_webhook",
    "note_sop_change": "tasks.compliance.note_sop_change",
}
"""The task behind each of the runner's jobs."""


@app.task
def relay() -> int:
    """Hint at what is due, the longest due first; how many hints were sent. A job that nobody takes is hinted at again."""
    archive = get_archive()
    with archive.db.read() as session:
        due = jobs.list_due(session, archive.timer(), RELAY_LIMIT)
    for job in due:
        app.send_task(JOB_TASKS[job.name], args=[job.id], expires=HINT_EXPIRES_SECONDS)
    return len(due)


def run_hinted(job_id: str) -> bool:
    """Run the job unless somebody else has it or did it; whether it was run."""
    return run_job_by_id(get_archive(), job_id)
