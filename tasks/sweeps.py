"""What is tidied up again and again."""

from __future__ import annotations

from archive_service.services import fixity, idempotency, logins, partial_uploads, passkeys, quality, users, vouching
from tasks.app import app, get_archive


@app.task
def fold_counts() -> None:
    """Fold the numbers that changed."""
    quality.fold_counts(get_archive())


@app.task
def write_unknown_logins() -> None:
    """Put the counts of unknown log-ins into the log."""
    users.write_unknown_logins(get_archive())


@app.task
def sweep_unclaimed() -> None:
    """Delete what crashed uploads left in the store."""
    fixity.sweep_unclaimed(get_archive())


@app.task
def sweep_partial_uploads() -> None:
    """Forget uploads that nobody went on with."""
    partial_uploads.sweep_partial_uploads(get_archive())


@app.task
def sweep_prepared() -> None:
    """Forget what was prepared and not signed in time."""
    passkeys.sweep_prepared(get_archive())


@app.task
def sweep_logins() -> None:
    """Forget log-ins that were not finished, and end access that is over."""
    logins.sweep_logins(get_archive())


@app.task
def sweep_idempotency() -> None:
    """Forget the answers to requests of more than a day ago."""
    idempotency.sweep_idempotency(get_archive())


@app.task
def ask_vouchers() -> None:
    """Have witnesses and time-stamp authorities vouch for the newest checkpoint."""
    vouching.ask_vouchers(get_archive())
