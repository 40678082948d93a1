"""Sessions of browsers: begun with a new secret at each log-in, listed, ended; idle and absolute limits are settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import SessionRow, UserRow
from archive_service.errors import NotFound
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import require_id
from archive_service.services.people import save_stream_rows
from archive_service.services.users import end_open_sessions, hash_secret, is_valid, make_actor, make_secret

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used; an upload that asks again and again keeps it alive."""
TRACES_KEPT = timedelta(days=30)
"""How long it is kept from where and by which browser an ended session was used."""


@dataclass(frozen=True)
class Device:
    """What a browser says of itself, and the address that it came from."""

    agent: str | None = None
    address: str | None = None


UNKNOWN_DEVICE = Device()


def start_session(
    archive: Archive, actor: Actor, *, method: str, second: str | None = None, device: Device = UNKNOWN_DEVICE
) -> str:
    """The secret of a new session's cookie, for whoever has shown all that is asked."""
    cookie = make_secret(archive)
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        payload = {"session": writer.make_id(), "method": method, "second": second}
        writer.append(stream, "session.started", event_actor(session, actor, None), payload)
        agent = None if device.agent is None else device.agent[:300]
        operational = {
            "cookie_hash": hash_secret(cookie),
            "seen_at": archive.timer(),
            "agent": agent,
            "address": device.address,
        }
        save_stream_rows(session, archive, stream, operational)
        session.execute(update(UserRow).where(UserRow.id == actor.user).values(failed_logins=0, locked_until=None))
    return cookie


def find_session_actor(archive: Archive, cookie: str, *, is_use: bool = True) -> Actor | None:
    """The actor behind a browser's cookie, or None when its session ended, idled out or grew too old."""
    now = archive.timer()
    with archive.db.read() as session:
        row = session.execute(
            select(SessionRow).where(SessionRow.cookie_hash == hash_secret(cookie))
        ).scalar_one_or_none()
        if row is None or not _is_alive(archive, row, now):
            return None
        user = session.get_one(UserRow, row.user_id)
        if not is_valid(user, archive.log.clock()):
            return None
        actor = make_actor(session, user.id, user.person_id, archive.log.clock())
        seen_at, session_id = row.seen_at, row.id
    # what an open page asks by itself is no use of the session: it must idle out behind it
    if is_use and now - seen_at > SEEN_EVERY:
        with archive.db.write() as session:
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))
    return actor


def _is_alive(archive: Archive, row: SessionRow, now: datetime) -> bool:
    settings = archive.settings
    if row.ended_at is not None or now - row.seen_at > timedelta(minutes=settings.session_idle_minutes):
        return False
    # the demo's clock leaps over days
    return settings.demo or archive.log.clock() - row.started_at <= timedelta(hours=settings.session_hours)


def find_session(archive: Archive, cookie: str) -> str | None:
    """The id of the session behind a cookie, or None."""
    with archive.db.read() as session:
        return _id_of(session, cookie)


def _id_of(session: Session, cookie: str) -> str | None:
    wanted = select(SessionRow.id).where(SessionRow.cookie_hash == hash_secret(cookie))
    return session.execute(wanted).scalar_one_or_none()


def list_sessions(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """One's own sessions that may still be used, the one used last first."""
    now = archive.timer()
    with archive.db.read() as session:
        rows = session.execute(
            select(SessionRow)
            .where(SessionRow.user_id == actor.user, SessionRow.ended_at.is_(None))
            .order_by(SessionRow.seen_at.desc(), SessionRow.id)
        ).scalars()
        return [
            {
                "session": row.id,
                "started_at": row.started_at.isoformat(),
                "seen_at": row.seen_at.isoformat(),
                "method": row.method,
                "second": row.second,
                "agent": row.agent,
                "address": row.address,
            }
            for row in rows
            if _is_alive(archive, row, now)
        ]


def end_session(archive: Archive, *, cookie: str) -> None:
    """Log a browser out; the cookie is worth nothing afterwards."""
    with archive.db.write() as session:
        found = session.execute(
            select(SessionRow.id, UserRow.id, UserRow.person_id)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(SessionRow.cookie_hash == hash_secret(cookie))
        ).one_or_none()
        if found is not None:
            session_id, user, person = found
            _end(session, archive, Actor(person, user, ()), session_id, "logout")


def end_own_session(archive: Archive, actor: Actor, *, session: str) -> None:
    """End one of one's own sessions, wherever it is open; a second time changes nothing."""
    session_id = require_id("session", session)
    with archive.db.write() as db:
        owner = db.execute(select(SessionRow.user_id).where(SessionRow.id == session_id)).scalar_one_or_none()
        if owner is None or owner != actor.user:
            raise NotFound("session_unknown", "You have no such session; list them again.")
        _end(db, archive, actor, session_id, "revoked")


def _end(session: Session, archive: Archive, actor: Actor, session_id: str, reason: str) -> None:
    stream = f"user:{actor.user}"
    writer = open_streams(session, archive.log, [stream], acting=[actor.person])
    if session.get_one(SessionRow, session_id).ended_at is None:
        by = event_actor(session, actor, None)
        writer.append(stream, "session.ended", by, {"session": session_id, "reason": reason})
        save_stream_rows(session, archive, stream)


def end_sessions(archive: Archive, actor: Actor, *, user: str, keep: str | None = None) -> int:
    """End every session of a log-in, one's own (but the one of the cookie ``keep``) or as an administrator; how many ended."""
    assignment = None if user == actor.user else actor.require("people.manage")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        writer = open_streams(session, archive.log, [f"user:{user}"], acting=[actor.person])
        but = None if keep is None else _id_of(session, keep)
        return end_open_sessions(session, archive, writer, event_actor(session, actor, assignment), user, but=but)


def forget_traces(archive: Archive) -> int:
    """Erase from where sessions were used once they are long over; how many these were."""
    limit = archive.timer() - TRACES_KEPT
    has_trace = SessionRow.agent.is_not(None) | SessionRow.address.is_not(None)
    with archive.db.write() as session:
        ids = session.execute(select(SessionRow.id).where(has_trace, SessionRow.seen_at < limit).limit(1000)).scalars()
        gone = list(ids.all())
        session.execute(update(SessionRow).where(SessionRow.id.in_(gone)).values(agent=None, address=None))
    return len(gone)
