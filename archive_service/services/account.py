"""What somebody sees of their own log-in: name, mail, how long it is valid, tokens."""

from __future__ import annotations

from typing import Any

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.models import ApiTokenRow, UserRow
from archive_service.services.actor import Actor

TOKENS_LISTED = 100


def read_account(archive: Archive, actor: Actor) -> dict[str, Any]:
    """The actor's own log-in with its API tokens that still work, newest first."""
    works = (ApiTokenRow.revoked_at.is_(None), ApiTokenRow.expires_at > archive.log.clock())
    with archive.db.read() as session:
        row = session.get_one(UserRow, actor.user)
        return {
            "login": row.login,
            "mail": row.mail,
            "mail_verified": row.mail_verified_at is not None,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
            "tokens": queries.list_tokens(session, actor.user, TOKENS_LISTED, works),
        }


def find_last_day(archive: Archive, actor: Actor) -> str | None:
    """The last day on which the actor's log-in may be used; None when it is open."""
    with archive.db.read() as session:
        return session.get_one(UserRow, actor.user).valid_until
