"""Completeness and time: verdicts on finished steps, deadlines that passed, steps that belong to a substitute."""

from __future__ import annotations

from archive_service.services import compliance, delegations, deviations, obligations
from tasks.app import app, get_archive
from tasks.dispatch import run_hinted


@app.task
def judge_step(job_id: str) -> None:
    """Judge the completeness and the time of a finished iteration."""
    run_hinted(job_id)


@app.task
def sweep_deadlines() -> None:
    """Record a deviation for every running step whose norm has passed."""
    compliance.sweep_deadlines(get_archive())


@app.task
def escalate_deviations() -> None:
    """Escalate every deviation whose explanation is overdue."""
    deviations.escalate_deviations(get_archive())


@app.task
def sweep_delegations() -> None:
    """Move steps to the substitutes whose first day has come, and back from those whose time is over."""
    delegations.sweep_delegations(get_archive())


@app.task
def note_sop_change(job_id: str) -> None:
    """Record in open dossiers that their SOP was changed."""
    run_hinted(job_id)


@app.task
def sweep_obligations() -> None:
    """Record what was not started by its due time."""
    obligations.sweep_obligations(get_archive())
