"""The final archived bundle of a sealed dossier."""

from __future__ import annotations

from tasks.app import app
from tasks.dispatch import run_hinted


@app.task
def build_bundle(job_id: str) -> None:
    """Build and store a bundle."""
    run_hinted(job_id)
