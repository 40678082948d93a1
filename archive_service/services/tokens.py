"""Everybody's API tokens, for administrators: whose, what they reach, when they were last used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.models import ApiTokenRow, OpeningRow, UserRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.services.actor import Actor

NOTED_EVERY = timedelta(minutes=1)
"""How exactly a token's last use is known: a program that calls often must not write for each call."""


def note_use(archive: Archive, *, token: str, used_at: datetime | None) -> None:
    """Remember that a token was used now, unless that was noted just before."""
    now = archive.timer()
    if used_at is None or now - used_at > NOTED_EVERY:
        with archive.db.write() as session:
            session.execute(update(ApiTokenRow).where(ApiTokenRow.id == token).values(used_at=now))


def page_all_tokens(
    archive: Archive, actor: Actor, *, page: PageRequest, with_ended: bool = False
) -> Page[dict[str, Any]]:
    """A page of all tokens, newest first: those that still open something, and the others too with ``with_ended``."""
    actor.require("people.manage")
    now = archive.log.clock()
    alive = [] if with_ended else [ApiTokenRow.revoked_at.is_(None), ApiTokenRow.expires_at > now]
    with archive.db.read() as session:
        rows = session.execute(
            select(ApiTokenRow, UserRow, OpeningRow.value)
            .join(UserRow, UserRow.id == ApiTokenRow.user_id)
            .outerjoin(OpeningRow, (OpeningRow.event_hash == ApiTokenRow.created_hash) & (OpeningRow.field == "name"))
            .where(*alive, *comes_after((ApiTokenRow.id,), page.after, descending=True))
            .order_by(ApiTokenRow.id.desc())
            .limit(page.limit + 1)
        ).all()
        cut = cut_page(rows, page, lambda row: (row[0].id,))
        names = queries.names_of(session, {user.person_id for _, user, _ in cut.rows})
    return Page(
        [
            {
                "id": token.id,
                "name": name,
                "prefix": token.prefix,
                "scopes": token.scopes.split(),
                "person": user.person_id,
                "person_name": names.get(user.person_id),
                "login": user.login,
                "used_at": None if token.used_at is None else token.used_at.isoformat(),
                "expires_at": token.expires_at.isoformat(),
                "revoked_at": None if token.revoked_at is None else token.revoked_at.isoformat(),
                "is_alive": token.revoked_at is None and token.expires_at > now,
            }
            for token, user, name in cut.rows
        ],
        cut.next,
    )
