"""Logging in: the password or another first factor, then the second one where it is asked for, or a passkey alone, which is both.

Between the factors a browser holds the secret of a ``pending_login``, which is no session: nothing else can be done with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import webauthn
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn.helpers import options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import UserVerificationRequirement

from archive_service.archive import Archive
from archive_service.db.event_log import read_events
from archive_service.db.models import (
    OidcLoginRow,
    OneTimeLinkRow,
    PasskeyRow,
    PendingLoginRow,
    PreparedLoginRow,
    UserRow,
)
from archive_service.errors import Conflict, Forbidden, InvalidInput, Unauthenticated
from archive_service.services import second_factor, sessions, users
from archive_service.services.actor import Actor
from archive_service.services.fields import require_id
from archive_service.services.passkeys import TIMEOUT_MS, require_assertion, require_relying_party
from archive_service.services.sessions import UNKNOWN_DEVICE, Device
from archive_service.services.users import hash_secret, make_secret

PENDING_FOR = timedelta(minutes=10)
TRIES = 5
"""How many wrong codes a log-in takes before it begins anew; the log-in's own lock (users.py) counts them too."""
PASSKEY_REFUSED = "This passkey cannot log you in. Use one that you registered here, or your password."


@dataclass(frozen=True)
class Begun:
    """What a first factor led to: the cookie of a session, or the secret of what waits for one of the ``asked`` second factors."""

    cookie: str | None
    pending: str | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """A log-in that waits for its second factor."""

    actor: Actor
    method: str
    asked: tuple[str, ...]


def log_in(archive: Archive, *, login: str, password: str, device: Device = UNKNOWN_DEVICE) -> Begun:
    """What log-in name and password lead to; Unauthenticated in the same words and time whichever of them is wrong."""
    return begin(archive, users.match_password(archive, login=login, password=password), "password", device)


def begin(archive: Archive, actor: Actor, method: str, device: Device) -> Begun:
    """What a first factor of this actor leads to."""
    asked = second_factor.read_status(archive, actor).asked
    if not asked:
        return Begun(sessions.start_session(archive, actor, method=method, device=device))
    pending = make_secret(archive)
    with archive.db.write() as session:
        session.add(
            PendingLoginRow(
                cookie_hash=hash_secret(pending),
                user_id=actor.user,
                method=method,
                tries=0,
                expires_at=archive.timer() + PENDING_FOR,
            )
        )
    return Begun(None, pending, asked)


def find_pending(archive: Archive, pending: str) -> Pending | None:
    """What waits for its second factor under this secret; None when nothing does any more."""
    with archive.db.read() as session:
        row = session.get(PendingLoginRow, hash_secret(pending))
        if row is None or row.expires_at <= archive.timer() or row.tries >= TRIES:
            return None
        user = session.get_one(UserRow, row.user_id)
        now = archive.log.clock()
        is_locked = user.locked_until is not None and user.locked_until > now
        if is_locked or not users.is_valid(user, now):
            return None
        actor = users.make_actor(session, user.id, user.person_id, now)
        return Pending(actor, row.method, second_factor.status_of(archive, session, actor).asked)


def require_pending(archive: Archive, pending: str) -> Pending:
    """What waits for its second factor; Unauthenticated ``login_expired`` when nothing does any more."""
    found = find_pending(archive, pending)
    if found is None:
        raise Unauthenticated("login_expired", "This took too long or too many tries; log in again.")
    return found


def finish_with_code(archive: Archive, *, pending: str, code: str, device: Device = UNKNOWN_DEVICE) -> str:
    """The cookie of a session for a code of the app or a recovery code; InvalidInput ``code_refused`` for a wrong one."""
    found = require_pending(archive, pending)
    with archive.db.write() as session:
        # counted before it is looked at: many tries at once are many tries
        session.execute(
            update(PendingLoginRow)
            .where(PendingLoginRow.cookie_hash == hash_secret(pending))
            .values(tries=PendingLoginRow.tries + 1)
            .execution_options(synchronize_session=False)
        )
    second = second_factor.take_code(archive, found.actor.user, code)
    if second is None:
        users.note_failure(archive, found.actor.user, "wrong_code")
        raise InvalidInput("code_refused", "The code is not right. Wait for the next one and type it.", field="code")
    return _finish(archive, pending, found, second, device)


def finish_with_passkey(
    archive: Archive, *, pending: str, preparation: str, credential: Mapping[str, Any], device: Device = UNKNOWN_DEVICE
) -> str:
    """The cookie of a session for a passkey of the person whose first factor was right."""
    found = require_pending(archive, pending)
    actor = _owner_of(archive, preparation, credential, found.actor)
    if actor.person != found.actor.person:
        raise InvalidInput("passkey_login_refused", PASSKEY_REFUSED, field="credential")
    return _finish(archive, pending, found, second_factor.PASSKEY, device)


def _finish(archive: Archive, pending: str, found: Pending, second: str, device: Device) -> str:
    with archive.db.write() as session:
        gone = session.execute(
            delete(PendingLoginRow)
            .where(PendingLoginRow.cookie_hash == hash_secret(pending))
            .returning(PendingLoginRow.cookie_hash)
        ).first()
    if gone is None:
        raise Unauthenticated("login_expired", "This took too long or too many tries; log in again.")
    return sessions.start_session(archive, found.actor, method=found.method, second=second, device=device)


# a passkey -------------------------------------------------------------------------------------------------------


def prepare_passkey(archive: Archive) -> dict[str, Any]:
    """What a browser needs to log in with a passkey, whoever it be: options for ``navigator.credentials.get``, and an id to come back with.

    No credential is named: the device offers those that it holds for this site, and nothing tells who has one.
    """
    party = require_relying_party(archive)
    challenge, now = archive.make_secret(32), archive.timer()
    preparation = archive.log.make_id()
    with archive.db.write() as session:
        session.add(PreparedLoginRow(id=preparation, challenge=challenge.hex(), expires_at=now + PENDING_FOR))
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return {"preparation": preparation, "options": dict(options_to_json_dict(options))}


def log_in_with_passkey(
    archive: Archive, *, preparation: str, credential: Mapping[str, Any], device: Device = UNKNOWN_DEVICE
) -> str:
    """The cookie of a session for a passkey alone: held and unlocked by its person, it is both factors."""
    actor = _owner_of(archive, preparation, credential)
    return sessions.start_session(archive, actor, method="passkey", device=device)


def _owner_of(
    archive: Archive, preparation: str, credential: Mapping[str, Any], expected: Actor | None = None
) -> Actor:
    """Who signed the challenge that was prepared, once; InvalidInput ``passkey_login_refused`` for whatever does not hold."""
    with archive.db.write() as session:
        challenge = session.execute(
            delete(PreparedLoginRow)
            .where(
                PreparedLoginRow.id == require_id("preparation", preparation),
                PreparedLoginRow.expires_at > archive.timer(),
            )
            .returning(PreparedLoginRow.challenge)
        ).scalar_one_or_none()
    if challenge is None:
        raise Conflict("preparation_expired", "This waited too long, or was used already; begin again.")
    try:
        with archive.db.read() as session:
            row = _passkey_of(session, credential)
            require_assertion(session, archive, row.person_id, bytes.fromhex(challenge), credential)
            user = session.get_one(UserRow, _user_of(session, row) if expected is None else expected.user)
            now = archive.log.clock()
            users.require_valid(user, now)
            return users.make_actor(session, user.id, row.person_id, now)
    except (WebAuthnException, ValueError, KeyError, IndexError, TypeError, AttributeError) as exc:
        raise InvalidInput("passkey_login_refused", PASSKEY_REFUSED, field="credential") from exc
    except InvalidInput as exc:
        raise InvalidInput("passkey_login_refused", PASSKEY_REFUSED, field="credential") from exc


def _passkey_of(session: Session, credential: Mapping[str, Any]) -> PasskeyRow:
    """The active passkey that an assertion names; ValueError for none, or another person's than the device says."""
    sent = parse_authentication_credential_json(dict(credential))
    row = session.execute(
        select(PasskeyRow).where(
            PasskeyRow.credential == sha256(sent.raw_id).hexdigest(), PasskeyRow.revoked_at.is_(None)
        )
    ).scalar_one_or_none()
    if row is None:
        raise ValueError("no active passkey has this id")
    # a device that keeps no account with the key (an older USB key) names none: the key itself says whose it is
    if sent.response.user_handle is not None and sent.response.user_handle != bytes.fromhex(row.person_id):
        raise ValueError("the device names another account than the key's")
    return row


def _user_of(session: Session, row: PasskeyRow) -> str:
    """The log-in that a passkey was registered with."""
    (registered,) = read_events(session, [row.event_hash])
    return str(registered.actor["user"])


# without pages ---------------------------------------------------------------------------------------------------


def _through(archive: Archive, login: str, password: str, code: str | None) -> Actor:
    """The actor who has shown password and second factor in one request; no passkey can be shown so."""
    actor = users.match_password(archive, login=login, password=password)
    status = second_factor.read_status(archive, actor)
    if status.asked and code is None:
        raise Unauthenticated("code_missing", "This log-in has a second factor: send its code, too.")
    if status.asked and second_factor.take_code(archive, actor.user, code or "") is None:
        users.note_failure(archive, actor.user, "wrong_code")
        raise Unauthenticated("code_refused", "The code is not right. Wait for the next one and send it.")
    users.forget_failures(archive, actor.user)
    return actor


def create_token(
    archive: Archive,
    *,
    login: str,
    password: str,
    code: str | None,
    name: str,
    days: int,
    scopes: Sequence[str] = (),
) -> users.NewToken:
    """A new API token for whoever knows password and code; Forbidden while the password or the second factor is due."""
    actor = _through(archive, login, password, code)
    if users.is_password_due(archive, actor.user):
        raise Forbidden(
            "password_change_due",
            "Somebody else chose this password: change it first, on the page or with `archive-service user own-password`.",
        )
    if second_factor.is_due(archive, actor):
        raise Forbidden(
            "second_factor_due", "Your role needs a second factor: log in on the page and set one, then make the token."
        )
    return users.create_token(archive, actor, name=name, days=days, scopes=scopes)


def replace_password(archive: Archive, *, login: str, password: str, code: str | None, new: str) -> None:
    """Choose one's own password with log-in, the present one and the code; every session of the log-in ends."""
    actor = _through(archive, login, password, code)
    if new == password:
        raise InvalidInput("password_same", "Choose another password than the one before.", field="new_password")
    users.set_password(archive, actor, user=actor.user, password=new)


def change_password(
    archive: Archive, actor: Actor, *, cookie: str, current: str, password: str, device: Device = UNKNOWN_DEVICE
) -> str:
    """Replace one's own password: the cookie of a new session by the same means; every other session of the log-in has ended.

    A wrong current password counts as a failed log-in, so that a browser left open is no way to guess it.
    """
    users.require_own_password(archive, actor, current)
    if password == current:
        raise InvalidInput("password_same", "Choose another password than the one before.", field="password")
    own = sessions.find_session(archive, cookie)
    means = next((s for s in sessions.list_sessions(archive, actor) if s["session"] == own), None)
    users.set_password(archive, actor, user=actor.user, password=password)
    method, second = ("password", None) if means is None else (means["method"], means["second"])
    return sessions.start_session(archive, actor, method=method, second=second, device=device)


def sweep_logins(archive: Archive) -> int:
    """Forget what was begun and not finished in time, links that were not followed, traces of sessions, access that is over."""
    now, gone = archive.timer(), 0
    with archive.db.write() as session:
        for table, key in (
            (PendingLoginRow, PendingLoginRow.cookie_hash),
            (PreparedLoginRow, PreparedLoginRow.id),
            (OidcLoginRow, OidcLoginRow.state_hash),
            (OneTimeLinkRow, OneTimeLinkRow.secret_hash),
        ):
            gone += len(session.execute(delete(table).where(table.expires_at <= now).returning(key)).all())
    return gone + sessions.forget_traces(archive) + users.end_expired_access(archive)
