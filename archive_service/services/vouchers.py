"""Those who vouch for the log: what they gave to a checkpoint, how asking them went, and when each is asked again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.db.models import CheckpointRow, CosignatureRow, VoucherRow
from archive_service.db.session import insert_unless_there

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
ERROR_LIMIT = 500


class NotVouched(Exception):
    """A witness or an authority did not vouch for a checkpoint; the text says why, for operators."""


def attested_note(session: Session, checkpoint: CheckpointRow) -> bytes:
    """A checkpoint as signed, and the cosignatures that were gathered for it, in the order of their keys."""
    lines = session.execute(
        select(CosignatureRow.line).where(CosignatureRow.size == checkpoint.size).order_by(CosignatureRow.vkey)
    ).scalars()
    return checkpoint.note + "".join(lines).encode()


def may_ask(session: Session, key: str, now: datetime) -> bool:
    """Whether it is time to ask: after a failure there is a pause that doubles with each."""
    row = session.get(VoucherRow, key)
    return row is None or row.ask_after <= now


def note_answer(session: Session, key: str, now: datetime, error: str | None) -> None:
    """Remember how asking went; ``error`` is None when it was answered."""
    start = {"key": key, "failures": 0, "error": None, "asked_at": now, "answered_at": None, "ask_after": now}
    if session.get(VoucherRow, key) is None:
        insert_unless_there(session, VoucherRow, start)
    row = session.get_one(VoucherRow, key, with_for_update=True, populate_existing=True)
    row.asked_at = now
    row.error = None if error is None else error[:ERROR_LIMIT]
    if error is None:
        row.failures, row.answered_at, row.ask_after = 0, now, now
        return
    row.failures += 1
    row.ask_after = now + min(FIRST_PAUSE * 2 ** min(row.failures - 1, 10), LONGEST_PAUSE)
