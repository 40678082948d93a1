"""``Idempotency-Key``: a request that is sent again gets the answer of the first time, and nothing is done twice.

A row is put down before the work begins, so that of two requests at once one does the work and the other is told to wait. Only answers
of success are kept: after an error the same key may try again. Neither the key nor the request is stored readably: the row holds
the key's hash and an HMAC of the request under the key, because a request may hold a password.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, select, update

from archive_service.archive import Archive
from archive_service.db.models import IdempotencyRow
from archive_service.db.session import insert_unless_there
from archive_service.errors import Conflict, InvalidInput, Malformed

KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(hours=6)
"""When a request that never ended is taken for lost with its process; longer than the slowest upload."""
KEY_LENGTH = 200


@dataclass(frozen=True)
class Answer:
    """An answer as it was given the first time."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Claim:
    """The right to do the work behind one key; ended by ``keep_answer`` or ``release``."""

    user: str
    key_hash: str
    begun_at: datetime

    @property
    def row(self) -> ColumnElement[bool]:
        """Its row; not the row of whoever took the key over since."""
        return (
            (IdempotencyRow.user_id == self.user)
            & (IdempotencyRow.key == self.key_hash)
            & (IdempotencyRow.created_at == self.begun_at)
        )


def begin_request(archive: Archive, *, user: str, key: str, request: bytes) -> Claim | Answer:
    """The claim to do the work now, or the answer that the same request got before.

    InvalidInput ``idempotency_key_reused`` when the key came with another request; Conflict ``request_running`` while the first one
    is not done.
    """
    if not 1 <= len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Malformed(
            "idempotency_key_malformed", f"Idempotency-Key is 1 to {KEY_LENGTH} printable ASCII characters."
        )
    key_hash = sha256(key.encode()).hexdigest()
    digest = hmac.new(key.encode(), request, sha256).hexdigest()
    now = archive.timer()
    values = {"user_id": user, "key": key_hash, "request_digest": digest, "created_at": now}
    with archive.db.write() as session:
        # an old row under this key would answer for a request of another day
        session.execute(
            delete(IdempotencyRow).where(
                IdempotencyRow.user_id == user,
                IdempotencyRow.key == key_hash,
                (IdempotencyRow.created_at < now - KEPT_FOR)
                | (IdempotencyRow.status.is_(None) & (IdempotencyRow.created_at < now - ABANDONED_AFTER)),
            )
        )
        is_claimed = insert_unless_there(session, IdempotencyRow, values)
    return Claim(user, key_hash, now) if is_claimed else _find_answer(archive, user, key_hash, digest)


def _find_answer(archive: Archive, user: str, key_hash: str, digest: str) -> Answer:
    with archive.db.read() as session:
        row = session.get(IdempotencyRow, (user, key_hash))
    if row is not None and not hmac.compare_digest(row.request_digest, digest):
        raise InvalidInput(
            "idempotency_key_reused", "This Idempotency-Key came with another request before; use a new one for this."
        )
    if row is None or row.status is None:
        # no row: the first request has just failed and let go of the key
        raise Conflict(
            "request_running",
            "The first request with this key is not done; try again in a moment.",
            retry_after_seconds=2,
        )
    return Answer(row.status, json.loads(row.headers or "{}"), row.body or b"")


def keep_answer(archive: Archive, claim: Claim, answer: Answer) -> None:
    """Keep the answer for whoever sends the request again."""
    with archive.db.write() as session:
        session.execute(
            update(IdempotencyRow)
            .where(claim.row)
            .values(status=answer.status, headers=json.dumps(dict(answer.headers)), body=answer.body)
        )


def release(archive: Archive, claim: Claim) -> None:
    """Give the key back: the request failed and may be tried again."""
    with archive.db.write() as session:
        session.execute(delete(IdempotencyRow).where(claim.row))


def sweep_idempotency(archive: Archive) -> int:
    """Delete the answers that were kept long enough; how many."""
    edge = archive.timer() - KEPT_FOR
    with archive.db.read() as session:
        if session.execute(select(IdempotencyRow.key).where(IdempotencyRow.created_at < edge).limit(1)).first() is None:
            return 0
    with archive.db.write() as session:
        done = session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < edge))
        return int(done.rowcount)  # type: ignore[attr-defined]
