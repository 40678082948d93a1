"""Logging in by an OpenID Connect provider (Core 1.0, authorization code with PKCE), where one is configured.

An account is known by issuer and ``sub``, never by its mail address: providers let people change that, and some verify none. It is
linked to a log-in by its owner, logged in and with the password typed again, or by an administrator. Nobody gets a log-in by
having an account. The provider is a first factor: a second one that the log-in has is asked for all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.config import Settings
from archive_service.db.event_log import open_streams
from archive_service.db.models import IdentityRow, OidcLoginRow, UserRow
from archive_service.errors import Conflict, NotFound, Unauthenticated, Unavailable
from archive_service.services import logins, users
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import clean_text, require_id
from archive_service.services.people import save_stream_rows
from archive_service.services.sessions import UNKNOWN_DEVICE, Device
from archive_service.services.users import hash_secret, make_secret, require_own_password

VALID_FOR = timedelta(minutes=10)
WAIT_SECONDS = 10
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
"""How an ID token may be signed: by a key that the provider publishes, never by a shared secret or not at all."""
LEEWAY_SECONDS = 60
CALLBACK = "/login/oidc/kembali"
_METADATA: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Returned:
    """Where somebody goes who came back: logged in (``begun``), or with an account linked to their log-in (``begun`` is None)."""

    place: str
    begun: logins.Begun | None


@dataclass(frozen=True)
class _Account:
    issuer: str
    subject: str

    @property
    def digest(self) -> str:
        return sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()


def is_configured(settings: Settings) -> bool:
    """Whether there is a provider to log in by."""
    return settings.oidc_issuer is not None


def begin_oidc(
    archive: Archive, *, place: str, actor: Actor | None = None, password: str | None = None
) -> tuple[str, str]:
    """The provider's address to go to, and the state that a cookie keeps meanwhile. With an actor: to link an account of theirs."""
    if actor is not None:
        require_own_password(archive, actor, password or "")
    metadata = _metadata(archive.settings)
    state, nonce, verifier = make_secret(archive), make_secret(archive), make_secret(archive)
    with archive.db.write() as session:
        session.add(
            OidcLoginRow(
                state_hash=hash_secret(state),
                nonce=nonce,
                code_verifier=verifier,
                place=place[:500],
                user_id=None if actor is None else actor.user,
                expires_at=archive.timer() + VALID_FOR,
            )
        )
    url, _ = _client(archive.settings).create_authorization_url(
        metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
    )
    return str(url), state


def finish_oidc(archive: Archive, *, kept: str, answer: Mapping[str, str], device: Device = UNKNOWN_DEVICE) -> Returned:
    """What came of it. ``kept`` is the state of this browser's cookie, ``answer`` what the provider sent along.

    Unauthenticated ``oidc_refused`` for whatever does not hold, ``oidc_unknown`` for an account that is linked to nobody.
    """
    if not kept or answer.get("state") != kept:
        raise _refused("the answer belongs to another browser or log-in")
    with archive.db.write() as session:
        found = session.execute(
            delete(OidcLoginRow)
            .where(OidcLoginRow.state_hash == hash_secret(kept), OidcLoginRow.expires_at > archive.timer())
            .returning(OidcLoginRow.nonce, OidcLoginRow.code_verifier, OidcLoginRow.place, OidcLoginRow.user_id)
        ).one_or_none()
    if found is None:
        raise _refused("it took too long or was used before")
    nonce, verifier, place, linking = found
    if "error" in answer or "code" not in answer:
        raise _refused(f"the provider says {answer.get('error', 'nothing')[:60]}")
    # RFC 9207: an answer that names its issuer names ours
    if answer.get("iss", archive.settings.oidc_issuer) != archive.settings.oidc_issuer:
        raise _refused("another provider answered")
    account = _exchange(archive, answer["code"], nonce, verifier)
    if linking is not None:
        _link_own(archive, linking, account)
        return Returned(place, None)
    actor = _actor_of(archive, account)
    return Returned(place, logins.begin(archive, actor, "oidc", device))


def _exchange(archive: Archive, code: str, nonce: str, verifier: str) -> _Account:
    settings, metadata = archive.settings, _metadata(archive.settings)
    try:
        with httpx.Client(timeout=WAIT_SECONDS, trust_env=False) as http:
            # client_secret_basic (RFC 6749 section 2.3.1), which every provider must take
            auth = httpx.BasicAuth(str(settings.oidc_client_id), _secret(settings))
            token = _client(settings, http).fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=verifier, auth=auth
            )
            keys = http.get(metadata["jwks_uri"]).raise_for_status().json()
        decoded = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": settings.oidc_issuer},
                "aud": {"essential": True, "value": settings.oidc_client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": settings.oidc_client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(archive.timer().timestamp()), leeway=LEEWAY_SECONDS)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise ValueError("sub is no text of up to 255 characters")
    except httpx.HTTPStatusError as exc:
        raise _unavailable() from exc
    except httpx.HTTPError as exc:
        raise _unavailable() from exc
    except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _refused(f"its answer does not hold ({type(exc).__name__})") from exc
    return _Account(str(settings.oidc_issuer), subject)


def _actor_of(archive: Archive, account: _Account) -> Actor:
    with archive.db.read() as session:
        row = session.execute(
            select(IdentityRow).where(IdentityRow.account_hash == account.digest)
        ).scalar_one_or_none()
        if row is None:
            raise Unauthenticated(
                "oidc_unknown",
                "This account is linked to no log-in here. Log in with your password and link it on your own page, "
                "or ask the administrator.",
            )
        user, now = session.get_one(UserRow, row.user_id), archive.log.clock()
        users.require_valid(user, now)
        return users.make_actor(session, user.id, user.person_id, now)


# links -----------------------------------------------------------------------------------------------------------


def _link_own(archive: Archive, user: str, account: _Account) -> None:
    with archive.db.write() as session:
        person = session.get_one(UserRow, user).person_id
        _link(session, archive, Actor(person, user, ()), user, account, "self")


def link_account(archive: Archive, actor: Actor, *, user: str, subject: str) -> str:
    """Link the provider's account with this ``sub`` to a log-in, as an administrator who has it from the provider; the link's name."""
    actor.require("people.manage")
    subject = clean_text("subject", subject, limit=255)
    if archive.settings.oidc_issuer is None:
        raise Conflict("oidc_missing", "No provider is configured: set ARCHIVE_OIDC_ISSUER.")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        account = _Account(archive.settings.oidc_issuer, subject)
        return _link(session, archive, actor, user, account, "administrator")


def _link(session: Session, archive: Archive, actor: Actor, user: str, account: _Account, by: str) -> str:
    stream = f"user:{user}"
    writer = open_streams(session, archive.log, [stream], acting=[actor.person])
    row = session.execute(select(IdentityRow).where(IdentityRow.account_hash == account.digest)).scalar_one_or_none()
    if row is not None:
        raise Conflict("account_linked", "This account is linked already, to this log-in or to another one.")
    assignment = None if by == "self" else actor.require("people.manage")
    payload = {"user": user, "issuer": account.issuer, "by": by}
    event = writer.append(
        stream,
        "identity.linked",
        event_actor(session, actor, assignment),
        payload,
        personal={"subject": account.subject},
    )
    save_stream_rows(session, archive, stream, {"account_hash": account.digest})
    return event.leaf_hash


def unlink_account(archive: Archive, actor: Actor, *, identity: str, user: str | None = None) -> None:
    """Take a link away, one's own or as an administrator; a second time changes nothing."""
    with archive.db.write() as session:
        row = session.get(IdentityRow, identity)
        is_theirs = row is not None and user in (None, row.user_id)
        if row is None or not is_theirs or (row.user_id != actor.user and not actor.may("people.manage")):
            raise NotFound("identity_unknown", "There is no such link; list them again.")
        user = row.user_id
        assignment = None if user == actor.user else actor.require("people.manage")
        stream = f"user:{user}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        session.refresh(row)
        if row.unlinked_at is not None:
            return
        payload = {"user": user, "identity": identity, "by": "self" if assignment is None else "administrator"}
        writer.append(stream, "identity.unlinked", event_actor(session, actor, assignment), payload)
        row.account_hash = None
        session.flush()
        save_stream_rows(session, archive, stream)


def list_accounts(archive: Archive, actor: Actor, *, user: str | None = None) -> list[dict[str, Any]]:
    """The accounts that are linked to one's own log-in, or to another as who may read people; oldest first."""
    if user is not None and user != actor.user:
        actor.require("people.read")
    with archive.db.read() as session:
        rows = session.execute(
            select(IdentityRow)
            .where(IdentityRow.user_id == (user or actor.user), IdentityRow.unlinked_at.is_(None))
            .order_by(IdentityRow.linked_at)
        ).scalars()
        return [
            {"identity": row.event_hash, "issuer": row.issuer, "linked_at": row.linked_at.isoformat()} for row in rows
        ]


# the provider ----------------------------------------------------------------------------------------------------


def _client(settings: Settings, session: httpx.Client | None = None) -> OAuth2Client:
    return OAuth2Client(
        session,
        client_id=settings.oidc_client_id,
        scope="openid",
        redirect_uri=f"{settings.public_url}{CALLBACK}",
        code_challenge_method="S256",
    )


def _secret(settings: Settings) -> str:
    if settings.oidc_client_secret_file is not None:
        return settings.oidc_client_secret_file.read_text(encoding="utf-8").strip()
    return "" if settings.oidc_client_secret is None else settings.oidc_client_secret.get_secret_value()


def _metadata(settings: Settings) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0); asked for once a process."""
    issuer = settings.oidc_issuer
    if issuer is None:
        raise Conflict("oidc_missing", "No provider is configured: set ARCHIVE_OIDC_ISSUER.")
    if issuer not in _METADATA:
        try:
            answer = httpx.get(
                f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=WAIT_SECONDS, trust_env=False
            ).raise_for_status()
            found = dict(answer.json())
            if found.get("issuer") != issuer:
                raise ValueError("it names another issuer")
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            known = {name: str(found[name]) for name in wanted}
        except (httpx.HTTPError, ValueError, KeyError, TypeError, json.JSONDecodeError) as exc:
            raise _unavailable() from exc
        _METADATA[issuer] = known
    return _METADATA[issuer]


def _unavailable() -> Unavailable:
    return Unavailable(
        "oidc_unavailable",
        "The institution's log-in does not answer. Log in with your password, or try again later.",
        retry_after_seconds=30,
    )


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated("oidc_refused", f"The institution's log-in did not succeed: {why}. Begin again.")
