"""Log-ins: passwords (argon2id), when they are valid, API tokens. Logging in is in logins.py, browser sessions in sessions.py."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.config import MAIL_ADDRESS
from archive_service.db import queries
from archive_service.db.event_log import StreamWriter, open_streams, read_stream
from archive_service.db.models import (
    ApiTokenRow,
    OneTimeLinkRow,
    OpeningRow,
    PendingLoginRow,
    PersonRow,
    SessionRow,
    UnknownLoginRow,
    UserRow,
)
from archive_service.db.session import insert_unless_there
from archive_service.domain import permissions
from archive_service.domain.delegation import PASSWORD_RESET
from archive_service.domain.event import parse_event
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from archive_service.services.actor import RULES, SETUP, Actor, assignments_in_force, event_actor, office_date
from archive_service.services.fields import clean_text, require_date, require_id
from archive_service.services.flags import tell_person
from archive_service.services.people import append_person, save_stream_rows
from archive_service.services.tokens import note_use
from archive_service.services.work import require_seen

TOKEN_PREFIX = "ars_"
PASSWORD_LENGTH = 12
REFUSED_AFTER_SECONDS = 0.4
"""How long every refused log-in takes, whatever was wrong: longer than the hashing and the writing."""
LOCK_AFTER = 10
LOCK_FOR = timedelta(minutes=15)
TOKEN_DAYS_LIMIT = 366
SCOPES = frozenset(action.partition(".")[0] for action in permissions.ACTIONS) | permissions.ACTIONS

PROFILE = RFC_9106_LOW_MEMORY
"""How passwords are hashed: argon2id, 64 MiB, three passes."""
_hasher = PasswordHasher.from_parameters(PROFILE)
_UNKNOWN = _hasher.hash("nobody has this password")
_REFUSED = "The log-in or the password is wrong. Check both; after ten wrong tries a log-in rests for 15 minutes."


@dataclass(frozen=True)
class NewToken:
    """A token as it is shown once: id, secret and when it ends."""

    id: str
    secret: str
    expires_at: datetime


def make_secret(archive: Archive) -> str:
    """256 random bits as URL-safe text."""
    return base64.urlsafe_b64encode(archive.make_secret(32)).rstrip(b"=").decode()


def hash_secret(secret: str) -> str:
    """What is kept of a secret that this service made."""
    # a random 256-bit secret needs no slow hash
    return sha256(secret.encode()).hexdigest()


def _clean_login(login: object) -> str:
    return clean_text("login", login, limit=100).lower()


def _require_password(password: object) -> str:
    if not isinstance(password, str) or not PASSWORD_LENGTH <= len(password) <= 200:
        raise InvalidInput("password_length", f"A password has {PASSWORD_LENGTH} to 200 characters.", field="password")
    return password


def _clean_mail(mail: object) -> str | None:
    """A mail address as it is kept, None for none; InvalidInput ``mail_malformed`` for what could be no address or more than one."""
    if mail is None or (isinstance(mail, str) and not mail.strip()):
        return None
    address = clean_text("mail", mail, limit=254)
    if not MAIL_ADDRESS.fullmatch(address):
        raise InvalidInput("mail_malformed", "mail is one address such as nama@example.ac.id.", field="mail")
    return address


def create_user(
    archive: Archive, actor: Actor, *, person: str, login: str, password: str, mail: str | None = None
) -> str:
    """A new log-in's id for a person, with a mail address when one is given; Conflict when the log-in is taken."""
    assignment = actor.require("people.manage")
    login, password, mail = _clean_login(login), _require_password(password), _clean_mail(mail)
    with archive.db.write() as session:
        if session.get(PersonRow, require_id("person", person)) is None:
            raise NotFound("person_unknown", "There is no such person.")
        # the administrator's authority holds until the new stream's event is written
        open_streams(session, archive.log, [], acting=[actor.person])
        by = event_actor(session, actor, assignment)
        return add_user(archive, session, by, person, login, password, "administrator", mail)


def register_with_login(
    archive: Archive, actor: Actor, *, name: str, login: str, password: str, mail: str | None = None
) -> tuple[str, str]:
    """The ids of a new person and of their log-in, both or neither; Conflict when the log-in is taken."""
    assignment = actor.require("people.manage")
    name, login, password = clean_text("name", name, limit=200), _clean_login(login), _require_password(password)
    mail = _clean_mail(mail)
    with archive.db.write() as session:
        person = archive.log.make_id()
        writer = open_streams(session, archive.log, [f"person:{person}"], acting=[actor.person])
        by = event_actor(session, actor, assignment)
        append_person(session, archive, writer, by, person, name)
        return person, add_user(archive, session, by, person, login, password, "administrator", mail)


def add_user(
    archive: Archive,
    session: Session,
    actor: dict[str, object],
    person: str,
    login: str,
    password: str,
    by: str,
    mail: str | None = None,
) -> str:
    """A new log-in's id; Conflict when the log-in is taken."""
    if session.execute(select(UserRow.id).where(UserRow.login == login)).first() is not None:
        raise Conflict("login_taken", "This log-in is taken; choose another.")
    user = archive.log.make_id()
    stream = f"user:{user}"
    writer = open_streams(session, archive.log, [stream])
    writer.append(stream, "user.created", actor, {"user": user, "person": person}, personal={"login": login})
    save_stream_rows(
        session, archive, stream, {"login": login, "password_hash": _hasher.hash(password), "failed_logins": 0}
    )
    writer.append(stream, "user.password_set", actor, {"user": user, "by": by})
    if mail is not None:
        writer.append(stream, "user.mail_set", actor, {"user": user, "by": by}, personal={"mail": mail})
        session.execute(update(UserRow).where(UserRow.id == user).values(mail=mail))
    return user


def set_mail(archive: Archive, actor: Actor, *, user: str, mail: str | None) -> None:
    """Give a log-in a mail address, one's own or as an administrator, or take it away with None; the former one is erased."""
    mail = _clean_mail(mail)
    is_own = user == actor.user
    assignment = None if is_own else actor.require("people.manage")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        stream = f"user:{user}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get_one(UserRow, user)
        if row.mail == mail:
            return
        before = [e.leaf_hash for e in read_stream(session, stream) if e.type == "user.mail_set"]
        session.execute(delete(OpeningRow).where(OpeningRow.event_hash.in_(before), OpeningRow.field == "mail"))
        payload = {"user": user, "by": "self" if is_own else "administrator"}
        writer.append(
            stream, "user.mail_set", event_actor(session, actor, assignment), payload, personal={"mail": mail}
        )
        save_stream_rows(session, archive, stream)
        session.execute(update(UserRow).where(UserRow.id == user).values(mail=mail))
        # a link that was mailed to the address before leads nowhere any more
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == user, OneTimeLinkRow.purpose != "reset"))


def find_mail(archive: Archive, actor: Actor) -> str | None:
    """The mail address of one's own log-in, or None."""
    with archive.db.read() as session:
        return session.get_one(UserRow, actor.user).mail


def set_password(
    archive: Archive, actor: Actor, *, user: str, password: str, seen: Collection[str] | None = None
) -> None:
    """Give a log-in a new password, one's own or as an administrator; every session of that log-in ends.

    An administrator's ends its API tokens too: who made them is not known any more.
    """
    password = _require_password(password)
    is_own = user == actor.user
    assignment = None if is_own else actor.require("people.manage")
    if is_own and actor.scopes is not None:
        # whoever finds such a token would else have the whole log-in
        raise Forbidden("scope_missing", "A token that reaches only some things sets no password.")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        stream = f"user:{user}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get_one(UserRow, user)
        require_seen(queries.password_event_of(session, user) or "", seen)
        by = event_actor(session, actor, assignment)
        set_by = "self" if is_own else "administrator"
        event = writer.append(stream, "user.password_set", by, {"user": user, "by": set_by})
        if not is_own:
            tell_person(archive, session, person=row.person_id, kind=PASSWORD_RESET, key=event.leaf_hash)
        row.password_hash, row.failed_logins, row.locked_until = _hasher.hash(password), 0, None
        if is_own:
            end_open_sessions(session, archive, writer, by, user)
        else:
            _end_access(session, archive, writer, by, user)


def put_password(
    session: Session, archive: Archive, writer: StreamWriter, by: dict[str, object], user: str, password: str
) -> None:
    """Set the password that the holder of a one-time link chose, under the log-in's stream; every session and API token of it ends."""
    writer.append(f"user:{user}", "user.password_set", by, {"user": user, "by": "link"})
    row = session.get_one(UserRow, user)
    row.password_hash, row.failed_logins, row.locked_until = _hasher.hash(_require_password(password)), 0, None
    # whoever had the log-in meanwhile may have made some
    _end_access(session, archive, writer, by, user)


def end_open_sessions(
    session: Session,
    archive: Archive,
    writer: StreamWriter,
    by: dict[str, object],
    user: str,
    *,
    but: str | None = None,
    reason: str = "revoked",
) -> int:
    """End every session of a log-in whose stream the writer holds (``but`` one), and what waits for its second factor; how many ended."""
    wanted = [SessionRow.user_id == user, SessionRow.ended_at.is_(None)]
    if but is not None:
        wanted.append(SessionRow.id != but)
    open_ids = session.execute(select(SessionRow.id).where(*wanted)).scalars().all()
    for session_id in open_ids:
        writer.append(f"user:{user}", "session.ended", by, {"session": session_id, "reason": reason})
        save_stream_rows(session, archive, f"user:{user}")
    session.execute(delete(PendingLoginRow).where(PendingLoginRow.user_id == user))
    return len(open_ids)


def is_password_due(archive: Archive, user: str) -> bool:
    """Whether somebody else chose the log-in's password (setup, an administrator), so that its owner must choose one.

    Never in demo mode, whose people have one published password.
    """
    if archive.settings.demo:
        return False
    with archive.db.read() as session:
        data = queries.find_password_event(session, user)
    return data is not None and parse_event(data).payload["by"] not in ("self", "link")


def check_password(archive: Archive, *, login: str, password: str) -> Actor:
    """The actor behind a log-in, whose failures are forgotten; Unauthenticated as ``match_password`` says it."""
    actor = match_password(archive, login=login, password=password)
    forget_failures(archive, actor.user)
    return actor


def require_own_password(archive: Archive, actor: Actor, password: str) -> None:
    """Refuse (InvalidInput) unless the password is that of the actor's log-in: a wrong one counts as a failed log-in."""
    with archive.db.read() as session:
        login = session.get_one(UserRow, actor.user).login
    try:
        check_password(archive, login=login, password=password)
    except Unauthenticated as exc:
        raise InvalidInput("password_refused", "The password is not right; type it again.", field="password") from exc


def forget_failures(archive: Archive, user: str) -> None:
    """Begin to count wrong tries anew: whoever logs in has got through all that was asked."""
    with archive.db.write() as session:
        session.execute(update(UserRow).where(UserRow.id == user).values(failed_logins=0, locked_until=None))


def match_password(archive: Archive, *, login: str, password: str) -> Actor:
    """The actor behind a log-in; Unauthenticated in the same words and time whether the log-in or the password is wrong.

    Forbidden ``access_ended`` or ``access_not_begun`` to whoever knows the password, outside the days that the log-in is valid on.
    """
    begun = time.monotonic()
    try:
        return _match_password(archive, login, password)
    except Unauthenticated:
        # what is written about a known, an unknown and a resting log-in takes some milliseconds more or less: that is not to be measured
        time.sleep(max(0.0, REFUSED_AFTER_SECONDS - (time.monotonic() - begun)))
        raise


def _match_password(archive: Archive, login: str, password: str) -> Actor:
    try:
        login = _clean_login(login)
    except InvalidInput:
        login = ""
    now = archive.log.clock()
    with archive.db.read() as session:
        row = session.execute(select(UserRow).where(UserRow.login == login)).scalar_one_or_none()
    is_locked = row is not None and row.locked_until is not None and row.locked_until > now
    try:
        is_right = _hasher.verify(row.password_hash if row else _UNKNOWN, str(password)[:1000]) and row is not None
    except (VerifyMismatchError, InvalidHashError):
        is_right = False
    if row is None:
        _count_unknown(archive, now)
        raise Unauthenticated("login_refused", _REFUSED)
    if is_locked or not is_right:
        note_failure(archive, row.id, "locked" if is_locked else "wrong_password")
        raise Unauthenticated("login_refused", _REFUSED)
    require_valid(row, now)
    with archive.db.read() as session:
        return make_actor(session, row.id, row.person_id, now)


def is_valid(row: UserRow, moment: datetime) -> bool:
    """Whether a log-in may be used on the day of this moment."""
    day = office_date(moment)
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_until is None or row.valid_until >= day)


def require_valid(row: UserRow, moment: datetime) -> None:
    """Refuse a log-in before its first day and after its last one (dates in WIB)."""
    day = office_date(moment)
    if row.valid_until is not None and row.valid_until < day:
        raise Forbidden("access_ended", f"Your access ended on {row.valid_until}; ask the administrator for more time.")
    if row.valid_from is not None and row.valid_from > day:
        raise Forbidden("access_not_begun", f"Your access begins on {row.valid_from}; log in from then on.")


def set_validity(
    archive: Archive, actor: Actor, *, user: str, from_on: str | None = None, until_on: str | None = None
) -> None:
    """Say from which day to which day (both included, WIB) a log-in may be used; None is open. Outside it sessions and tokens end."""
    assignment = actor.require("people.manage")
    from_on = None if from_on is None else require_date("from_on", from_on)
    until_on = None if until_on is None else require_date("until_on", until_on)
    if from_on is not None and until_on is not None and until_on < from_on:
        raise InvalidInput("dates_reversed", "until_on lies before from_on.", field="until_on")
    if user == actor.user:
        raise Conflict("own_validity", "Somebody else limits your own log-in: you could lock yourself out.")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        stream = f"user:{user}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get_one(UserRow, user)
        if (row.valid_from, row.valid_until) == (from_on, until_on):
            return
        by = event_actor(session, actor, assignment)
        payload = {"user": user, "from_on": from_on, "until_on": until_on}
        writer.append(stream, "user.validity_set", by, payload)
        save_stream_rows(session, archive, stream)
        session.refresh(row)
        if not is_valid(row, writer.moment):
            _end_access(session, archive, writer, by, user)


def _end_access(
    session: Session, archive: Archive, writer: StreamWriter, by: dict[str, object], user: str, reason: str = "revoked"
) -> None:
    end_open_sessions(session, archive, writer, by, user, reason=reason)
    tokens = session.execute(
        select(ApiTokenRow.id).where(ApiTokenRow.user_id == user, ApiTokenRow.revoked_at.is_(None))
    ).scalars()
    for token in tokens.all():
        writer.append(f"user:{user}", "token.revoked", by, {"token": token})
        save_stream_rows(session, archive, f"user:{user}")


def end_expired_access(archive: Archive) -> int:
    """End sessions and tokens of log-ins whose last day has passed; how many log-ins that were."""
    day = office_date(archive.log.clock())
    is_over = [UserRow.valid_until.is_not(None), UserRow.valid_until < day]
    with archive.db.read() as session:
        has_session = select(SessionRow.id).where(SessionRow.user_id == UserRow.id, SessionRow.ended_at.is_(None))
        has_token = select(ApiTokenRow.id).where(ApiTokenRow.user_id == UserRow.id, ApiTokenRow.revoked_at.is_(None))
        found = session.execute(
            select(UserRow.id).where(*is_over, or_(has_session.exists(), has_token.exists()))
        ).scalars()
        users = found.all()
    for user in users:
        with archive.db.write() as session:
            writer = open_streams(session, archive.log, [f"user:{user}"])
            if not is_valid(session.get_one(UserRow, user), writer.moment):
                _end_access(session, archive, writer, RULES, user, "expired")
    return len(users)


def note_failure(archive: Archive, user: str, reason: str) -> None:
    """Count a wrong password or code, and let the log-in rest after ten of them."""
    stream = f"user:{user}"
    with archive.db.write() as session:
        person = session.execute(select(UserRow.person_id).where(UserRow.id == user)).scalar_one()
        writer = open_streams(session, archive.log, [stream], acting=[person])
        row = session.get_one(UserRow, user)
        by = event_actor(session, Actor(person, user, ()), None)
        if reason != "locked":
            row.failed_logins += 1
            if row.failed_logins >= LOCK_AFTER:
                row.locked_until, row.failed_logins = writer.moment + LOCK_FOR, 0
            writer.append(stream, "login.refused", by, {"reason": reason})


def _count_unknown(archive: Archive, now: datetime) -> None:
    minute = now.replace(second=0, microsecond=0)
    with archive.db.write() as session:
        insert_unless_there(session, UnknownLoginRow, {"minute": minute, "count": 0})
        session.execute(
            update(UnknownLoginRow)
            .where(UnknownLoginRow.minute == minute)
            .values(count=UnknownLoginRow.count + 1)
            .execution_options(synchronize_session=False)
        )


def write_unknown_logins(archive: Archive) -> int:
    """Put the counts of unknown log-ins of past minutes into the service's stream; how many minutes were written."""
    now = archive.log.clock().replace(second=0, microsecond=0)
    with archive.db.read() as session:
        if session.execute(select(UnknownLoginRow.minute).where(UnknownLoginRow.minute < now)).first() is None:
            return 0
    with archive.db.write() as session:
        # the stream's lock first: of two sweeps at once the second then sees what the first has written
        writer = open_streams(session, archive.log, ["service"])
        rows = session.execute(
            select(UnknownLoginRow).where(UnknownLoginRow.minute < now).order_by(UnknownLoginRow.minute)
        )
        counts = [(row.minute, row.count) for row in rows.scalars()]
        for minute, count in counts:
            payload = {"minute": format_time(minute), "count": count}
            writer.append("service", "login.unknown_counted", SETUP, payload)
        session.execute(delete(UnknownLoginRow).where(UnknownLoginRow.minute < now))
    return len(counts)


def make_actor(
    session: Session, user: str, person: str, moment: datetime, scopes: frozenset[str] | None = None
) -> Actor:
    """The actor behind a log-in at this moment, with the assignments in force."""
    return Actor(person, user, assignments_in_force(session, person, moment), scopes)


def create_token(archive: Archive, actor: Actor, *, name: str, days: int, scopes: Sequence[str] = ()) -> NewToken:
    """A named API token, whose secret is shown once; without scopes it may do all that the person may."""
    name = clean_text("name", name, limit=100)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= TOKEN_DAYS_LIMIT:
        raise InvalidInput("days_out_of_range", f"days is a number from 1 to {TOKEN_DAYS_LIMIT}.", field="days")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or len(scopes) > 16:
        raise InvalidInput("scope_unknown", f"scopes takes up to 16 of: {', '.join(sorted(SCOPES))}.", field="scopes")
    if (actor.scopes is not None and not set(scopes)) or (actor.scopes is not None and not set(scopes) <= actor.scopes):
        raise Forbidden("scope_missing", "A token cannot make one that reaches further than itself.")
    secret = TOKEN_PREFIX + make_secret(archive)
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        token = writer.make_id()
        expires_at = writer.moment + timedelta(days=days)
        writer.append(
            stream,
            "token.created",
            event_actor(session, actor, None),
            {"token": token, "scopes": sorted(set(scopes)), "expires_at": format_time(expires_at)},
            personal={"name": name},
        )
        save_stream_rows(session, archive, stream, {"secret_hash": hash_secret(secret), "prefix": secret[:12]})
    return NewToken(token, secret, expires_at)


def revoke_token(archive: Archive, actor: Actor, *, token: str) -> None:
    """End a token of one's own (or anyone's, as an administrator); a second time changes nothing."""
    with archive.db.write() as session:
        owner = session.execute(
            select(ApiTokenRow.user_id).where(ApiTokenRow.id == require_id("token", token))
        ).scalar_one_or_none()
        if owner is None or (owner != actor.user and not actor.may("people.manage")):
            raise NotFound("token_unknown", "You have no such token.")
        stream = f"user:{owner}"
        assignment = None if owner == actor.user else actor.require("people.manage")
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        if session.get_one(ApiTokenRow, token).revoked_at is not None:
            return
        writer.append(stream, "token.revoked", event_actor(session, actor, assignment), {"token": token})
        save_stream_rows(session, archive, stream)


def find_token_actor(archive: Archive, secret: str) -> Actor:
    """The actor behind an API token; Unauthenticated when it is unknown, expired or revoked."""
    now = archive.log.clock()
    with archive.db.read() as session:
        row = session.execute(
            select(ApiTokenRow).where(ApiTokenRow.secret_hash == hash_secret(secret))
        ).scalar_one_or_none()
        if row is None or row.revoked_at is not None or row.expires_at <= now:
            raise Unauthenticated("token_refused", "This token is unknown, revoked or has expired; make a new one.")
        user = session.get_one(UserRow, row.user_id)
        require_valid(user, now)
        scopes = frozenset(row.scopes.split()) if row.scopes else None
        actor = make_actor(session, user.id, user.person_id, now, scopes)
        token, used_at = row.id, row.used_at
    note_use(archive, token=token, used_at=used_at)
    return actor
