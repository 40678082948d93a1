"""Others vouch for the log: each fresh checkpoint goes to the witnesses and, when it is due, to the time-stamp authorities.

Nothing waits for them. Only a checkpoint that was just signed is sent, so that what they attest lies close to what it covers: their
times then bound the times of the events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import (
    CheckpointRow,
    CosignatureRow,
    EventRow,
    LogPendingRow,
    TimeStampRow,
    VoucherRow,
)
from archive_service.domain import note
from archive_service.domain.policy import POLICY_LIMIT_BYTES, Witness
from archive_service.services.actor import Actor
from archive_service.services.levels import read_level
from archive_service.services.time_stamps import ask_authority, authorities_of, is_token_due
from archive_service.services.vouchers import NotVouched, may_ask, note_answer
from archive_service.services.witnesses import ask_witness

FRESH = timedelta(seconds=60)
"""How old a checkpoint may be when it is sent; an event that waits longer to be numbered keeps all from being sent."""
THREADS = 8

LOG = structlog.get_logger("archive")


@dataclass(frozen=True)
class _Due:
    """Somebody to be asked: the key of the voucher row, and the asking."""

    key: str
    ask: Callable[[], None]


def witnesses_of(archive: Archive) -> list[Witness]:
    """The witnesses of the policy that can be asked: those with an address."""
    return [] if archive.policy is None else [w for w in archive.policy.witnesses if w.url is not None]


def vouchers_of(archive: Archive) -> list[str]:
    """The keys of everybody who is asked: witnesses' verifier keys, authorities' addresses."""
    return [note.format_vkey(w.key) for w in witnesses_of(archive)] + [a.url for a in authorities_of(archive)]


def ask_vouchers(archive: Archive) -> int:
    """Ask everybody who has not vouched for the newest checkpoint, if it is fresh; how many vouched now.

    All are asked at once, each within its own time; a failure is noted and that one left alone for a while.
    """
    if not vouchers_of(archive):
        return 0
    with archive.db.read() as session:
        checkpoint = fresh_checkpoint(session, archive.timer())
        due = [] if checkpoint is None else _list_due(archive, session, checkpoint)
    if not due:
        return 0
    with ThreadPoolExecutor(max_workers=min(THREADS, len(due)), thread_name_prefix="archive-voucher") as pool:
        return sum(pool.map(lambda each: _ask(archive, each), due))


def fresh_checkpoint(session: Session, now: datetime) -> CheckpointRow | None:
    """The newest checkpoint, if it was signed just now and nothing that is older still waits for its number."""
    row = session.execute(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one_or_none()
    if row is None or now - row.signed_at >= FRESH:
        return None
    waiting = session.execute(
        select(func.min(EventRow.at)).join(LogPendingRow, LogPendingRow.leaf_hash == EventRow.leaf_hash)
    ).scalar_one_or_none()
    return None if waiting is not None and waiting < row.signed_at - FRESH else row


def _list_due(archive: Archive, session: Session, checkpoint: CheckpointRow) -> list[_Due]:
    now = archive.timer()
    due: list[_Due] = []
    for witness in witnesses_of(archive):
        key = note.format_vkey(witness.key)
        if session.get(CosignatureRow, (checkpoint.size, key)) is None and may_ask(session, key, now):
            due.append(_Due(key, lambda witness=witness: ask_witness(archive, witness, checkpoint)))  # type: ignore[misc]
    for authority in authorities_of(archive):
        key = authority.url
        is_asked = is_token_due(session, authority, checkpoint) and may_ask(session, key, now)
        if is_asked and session.get(TimeStampRow, (checkpoint.size, key)) is None:
            due.append(_Due(key, lambda authority=authority: ask_authority(archive, authority, checkpoint)))  # type: ignore[misc]
    return due


def _ask(archive: Archive, due: _Due) -> bool:
    error: str | None = None
    try:
        due.ask()
    except NotVouched as exc:
        error = str(exc)
        LOG.warning("voucher.refused", voucher=due.key, error=error)
    except Exception as exc:
        # the edge of a thread: whatever one of them answers must not keep the others from being noted
        error = f"{type(exc).__name__}: {exc}"
        LOG.exception("voucher.crashed", voucher=due.key)
    with archive.db.write() as session:
        note_answer(session, due.key, archive.timer(), error)
    return error is None


# what there is ----------------------------------------------------------------------------------------------------


def attested_sizes(session: Session) -> list[int]:
    """The sizes of all checkpoints that somebody vouched for, in order."""
    cosigned = select(CosignatureRow.size)
    return sorted(set(session.execute(cosigned.union(select(TimeStampRow.size))).scalars()))


def tokens_of(session: Session, size: int) -> list[bytes]:
    """The time-stamp responses over a checkpoint, in the order of their authorities."""
    rows = select(TimeStampRow.token).where(TimeStampRow.size == size).order_by(TimeStampRow.authority)
    return list(session.execute(rows).scalars())


def has_all_vouchers(archive: Archive, session: Session, size: int) -> bool:
    """Whether everybody who is asked has vouched for a checkpoint of at least this size."""
    cosigned = select(CosignatureRow.vkey).where(CosignatureRow.size >= size)
    stamped = select(TimeStampRow.authority).where(TimeStampRow.size >= size)
    found = {*session.execute(cosigned).scalars(), *session.execute(stamped).scalars()}
    return found.issuperset(vouchers_of(archive))


def read_status(archive: Archive) -> dict[str, Any]:
    """The log's newest checkpoint, the level that it has reached, and how asking those who vouch goes."""
    with archive.db.read() as session:
        newest = session.execute(
            select(CheckpointRow.size, CheckpointRow.signed_at).order_by(CheckpointRow.size.desc()).limit(1)
        ).first()
        return {
            "origin": archive.log.origin,
            "size": 0 if newest is None else newest.size,
            "signed_at": None if newest is None else newest.signed_at.isoformat(),
            "level": read_level(archive, session),
            "vouchers": list_vouchers(archive, session),
        }


def list_vouchers(archive: Archive, session: Session) -> list[dict[str, Any]]:
    """Everybody who is asked, by kind and name, and how it went."""
    asked: Sequence[tuple[str, str, str]] = [
        *(("witness", w.name, note.format_vkey(w.key)) for w in witnesses_of(archive)),
        *(("authority", a.url, a.url) for a in authorities_of(archive)),
    ]
    return [{"kind": kind, "name": name, **_told(session.get(VoucherRow, key))} for kind, name, key in asked]


def _told(row: VoucherRow | None) -> dict[str, Any]:
    answered = None if row is None or row.answered_at is None else row.answered_at.isoformat()
    return {
        "answered_at": answered,
        "failures": 0 if row is None else row.failures,
        "error": None if row is None else row.error,
    }


def read_vouchers(archive: Archive, actor: Actor) -> dict[str, Any]:
    """Everybody who vouches, with keys, what they gave last and how asking them went; the policy's text; for administrators.

    Who is asked stands in files and settings of the machine, not in the database: whoever may write there must not be able to choose
    who vouches for it.
    """
    actor.require("service.manage")
    path = archive.settings.witness_policy
    with archive.db.read() as session:
        found = []
        for witness in [] if archive.policy is None else archive.policy.witnesses:
            key = note.format_vkey(witness.key)
            newest = session.execute(select(func.max(CosignatureRow.size)).where(CosignatureRow.vkey == key)).scalar()
            found.append(
                {"kind": "witness", "name": witness.name, "url": witness.url, "key": key, "size": newest}
                | _asked(session.get(VoucherRow, key))
            )
        for authority in authorities_of(archive):
            newest = session.execute(
                select(func.max(TimeStampRow.size)).where(TimeStampRow.authority == authority.url)
            ).scalar()
            ca = None if authority.ca_file is None else authority.ca_file.name
            found.append(
                {"kind": "authority", "name": authority.url, "url": authority.url, "key": ca, "size": newest}
                | _asked(session.get(VoucherRow, authority.url))
            )
        return {
            "level": read_level(archive, session),
            "vouchers": found,
            "policy": None if path is None else _policy_text(path),
            "policy_file": None if path is None else str(path),
        }


def _policy_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")[:POLICY_LIMIT_BYTES]
    except (OSError, UnicodeDecodeError):
        return None


def _asked(row: VoucherRow | None) -> dict[str, Any]:
    asked = None if row is None else row.asked_at.isoformat()
    again = None if row is None or row.failures == 0 else row.ask_after.isoformat()
    return {**_told(row), "asked_at": asked, "ask_after": again}
