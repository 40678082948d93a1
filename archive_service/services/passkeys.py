"""Passkeys of persons: register and revoke them, and take the assertions that they sign decisions with (W3C Web Authentication).

Whoever registers or revokes one types the password again: a browser left open, or a token that leaked, is not enough.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session
from webauthn.helpers import (
    decode_credential_public_key,
    encode_cbor,
    options_to_json_dict,
    parse_authentication_credential_json,
)
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from archive_service.archive import Archive
from archive_service.config import Settings
from archive_service.db.event_log import open_streams
from archive_service.db.models import PasskeyRow, PersonRow, PreparedDecisionRow, PreparedPasskeyRow, UserRow
from archive_service.domain.event import ASSERTION, RP_ID
from archive_service.domain.passkey import EDDSA, ES256, REGISTERED, REVOKED
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import reading, users
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import clean_text, require_id
from archive_service.services.flags import tell_auditors_of_person, tell_person
from archive_service.services.people import save_stream_rows
from archive_service.verifier.assertions import find_problem

VALID_FOR = timedelta(minutes=10)
"""How long what was prepared may wait for its signature."""
TIMEOUT_MS = 300_000
LIMIT = 10
"""How many active passkeys one person may have."""
REGISTERED_KIND = "passkey_registered"
REVOKED_KIND = "passkey_revoked"
"""Kinds of notices, to the person and to auditors."""
_ALGORITHMS = [COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.EDDSA]
_BROKEN = (WebAuthnException, ValueError, KeyError, IndexError, TypeError, AttributeError)
"""What the library raises for what it cannot read: its own errors, and what Python raises under them."""


class RelyingParty(NamedTuple):
    """The name that passkeys are bound to, and the origin of the pages that may use them."""

    id: str
    origin: str


def find_relying_party(settings: Settings) -> RelyingParty | None:
    """Where passkeys work: at ARCHIVE_PUBLIC_URL, or at ``localhost`` where none is set; None at an address that browsers refuse.

    Browsers want a name (no IP address, not even 127.0.0.1) and https; plain http is for ``localhost`` alone.
    """
    parts = urlsplit((settings.public_url or f"http://localhost:{settings.port}").lower())
    host, usual = parts.hostname or "", {"https": 443, "http": 80}[parts.scheme]
    is_safe = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    if not is_safe or RP_ID(host, "host") is not None:
        return None
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


def require_relying_party(archive: Archive) -> RelyingParty:
    """Where passkeys work; Conflict ``passkeys_unavailable`` when they cannot at this service's address."""
    party = find_relying_party(archive.settings)
    if party is None:
        raise Conflict(
            "passkeys_unavailable",
            "Passkeys need https and a name: ask for ARCHIVE_PUBLIC_URL to be an address such as https://archive.example.ac.id.",
        )
    return party


# registration ----------------------------------------------------------------------------------------------------


def prepare_passkey(archive: Archive, actor: Actor, *, password: str) -> dict[str, Any]:
    """What a browser needs to make a passkey (``options`` for ``navigator.credentials.create``), and the id to hand it in with."""
    party = require_relying_party(archive)
    _require_self(archive, actor, password)
    challenge, now = archive.make_secret(32), archive.timer()
    with archive.db.write() as session:
        _forget_expired(session, now)
        login = session.get_one(UserRow, actor.user).login
        known = [row.credential_id for row in active_rows(session, actor.person)]
        preparation, expires_at = archive.log.make_id(), now + VALID_FOR
        session.add(
            PreparedPasskeyRow(id=preparation, person_id=actor.person, challenge=challenge.hex(), expires_at=expires_at)
        )
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name="Arsip dokumen",
        user_id=bytes.fromhex(actor.person),
        user_name=login,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=_unpacked(each)) for each in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return {"preparation": preparation, "expires_at": expires_at.isoformat(), "options": options_to_json_dict(options)}


def register_passkey(
    archive: Archive, actor: Actor, *, preparation: str, name: str, credential: Mapping[str, Any]
) -> str:
    """The leaf hash of a new passkey's registration. ``credential`` is what the browser made (``PublicKeyCredential.toJSON()``)."""
    party, name = require_relying_party(archive), clean_text("name", name, limit=100)
    _require_unscoped(actor)
    stream = f"person:{actor.person}"
    with archive.db.write() as session:
        challenge = session.execute(
            delete(PreparedPasskeyRow)
            .where(
                PreparedPasskeyRow.id == require_id("preparation", preparation),
                PreparedPasskeyRow.person_id == actor.person,
                PreparedPasskeyRow.expires_at > archive.timer(),
            )
            .returning(PreparedPasskeyRow.challenge)
        ).scalar_one_or_none()
        if challenge is None:
            raise _expired()
        try:
            made = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=bytes.fromhex(challenge),
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
            algorithm, public_key = _read_key(made.credential_public_key)
        except _BROKEN as exc:
            raise InvalidInput(
                "passkey_refused", f"The passkey cannot be taken: {exc}. Begin again.", field="credential"
            ) from exc
        aaguid = made.aaguid.replace("-", "")
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        payload = {
            "credential": sha256(made.credential_id).hexdigest(),
            "algorithm": algorithm,
            "public_key": public_key.hex(),
            "aaguid": None if aaguid == "0" * 32 else aaguid,
            "rp_id": party.id,
        }
        _require_new(session, actor.person, payload)
        event = writer.append(stream, REGISTERED, event_actor(session, actor, None), payload)
        save_stream_rows(session, archive, stream, {"credential_id": _packed(made.credential_id), "name": name})
        _tell(archive, session, actor.person, REGISTERED_KIND, event.leaf_hash, writer.moment)
    return event.leaf_hash


def _require_new(session: Session, person: str, payload: Mapping[str, Any]) -> None:
    same = or_(PasskeyRow.credential == payload["credential"], PasskeyRow.public_key == payload["public_key"])
    if session.execute(select(PasskeyRow.event_hash).where(same)).first() is not None:
        raise Conflict(
            "passkey_known", "This passkey is registered already, here or with another person; make a new one."
        )
    if len(active_rows(session, person)) >= LIMIT:
        raise Conflict(
            "too_many_passkeys", f"You have {LIMIT} passkeys; revoke one that you do not use any more first."
        )


def revoke_passkey(archive: Archive, actor: Actor, *, passkey: str, password: str) -> None:
    """End one of one's own passkeys; a second time changes nothing."""
    _require_self(archive, actor, password)
    stream = f"person:{actor.person}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get(PasskeyRow, passkey)
        if row is None or row.person_id != actor.person:
            raise NotFound("passkey_unknown", "You have no such passkey.")
        if row.revoked_at is not None:
            return
        event = writer.append(stream, REVOKED, event_actor(session, actor, None), {"passkey": passkey})
        save_stream_rows(session, archive, stream)
        _tell(archive, session, actor.person, REVOKED_KIND, event.leaf_hash, writer.moment)


def list_passkeys(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """One's own passkeys in the order of their registration, revoked ones too."""
    return _list_of(archive, actor.person)


def list_passkeys_of(archive: Archive, actor: Actor, *, person: str) -> list[dict[str, Any]]:
    """A person's passkeys, for auditors and administrators, who can ask the person whether they are theirs."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        if session.get(PersonRow, require_id("person", person)) is None:
            raise NotFound("person_unknown", "There is no such person.")
    return _list_of(archive, person)


def _list_of(archive: Archive, person: str) -> list[dict[str, Any]]:
    with archive.db.read() as session:
        rows = session.execute(
            select(PasskeyRow)
            .where(PasskeyRow.person_id == person)
            .order_by(PasskeyRow.registered_at, PasskeyRow.event_hash)
        ).scalars()
        return [
            {
                "passkey": row.event_hash,
                "name": row.name,
                "algorithm": row.algorithm,
                "public_key": row.public_key,
                "aaguid": row.aaguid,
                "rp_id": row.rp_id,
                "registered_at": row.registered_at.isoformat(),
                "revoked_at": None if row.revoked_at is None else row.revoked_at.isoformat(),
            }
            for row in rows
        ]


def has_passkey(archive: Archive, actor: Actor) -> bool:
    """Whether the person has an active passkey, and so must sign decisions with it."""
    with archive.db.read() as session:
        return bool(active_rows(session, actor.person))


def active_rows(session: Session, person: str) -> list[PasskeyRow]:
    """A person's passkeys that are not revoked."""
    rows = session.execute(
        select(PasskeyRow)
        .where(PasskeyRow.person_id == person, PasskeyRow.revoked_at.is_(None))
        .order_by(PasskeyRow.registered_at, PasskeyRow.event_hash)
    )
    return list(rows.scalars())


def _tell(archive: Archive, session: Session, person: str, kind: str, key: str, moment: datetime) -> None:
    tell_person(archive, session, person=person, kind=kind, key=key)
    tell_auditors_of_person(archive, session, person=person, kind=kind, key=key, moment=moment)


def _require_self(archive: Archive, actor: Actor, password: str) -> None:
    """Refuse unless the password is the log-in's: a wrong one counts as a failed log-in."""
    _require_unscoped(actor)
    users.require_own_password(archive, actor, password)


def _require_unscoped(actor: Actor) -> None:
    if actor.scopes is not None:
        raise Forbidden("scope_missing", "A token that reaches only some things makes and ends no passkeys.")


def _read_key(cose: bytes) -> tuple[str, bytes]:
    """Algorithm and raw public key; ValueError for a key of another kind than the two that are asked for."""
    key = decode_credential_public_key(cose)
    x, y, curve = (getattr(key, name, None) for name in ("x", "y", "crv"))
    if key.alg == COSEAlgorithmIdentifier.ECDSA_SHA_256 and curve == COSECRV.P256 and x and y:
        return ES256, b"\x04" + x.rjust(32, b"\0") + y.rjust(32, b"\0")
    if key.alg == COSEAlgorithmIdentifier.EDDSA and curve == COSECRV.ED25519 and x:
        return EDDSA, bytes(x)
    raise ValueError("its key is neither ES256 on P-256 nor Ed25519")


# assertions ------------------------------------------------------------------------------------------------------


def assertion_options(session: Session, archive: Archive, person: str, challenge: bytes) -> dict[str, Any]:
    """What a browser needs to sign this challenge (``options`` for ``navigator.credentials.get``)."""
    party = require_relying_party(archive)
    usable = [row for row in active_rows(session, person) if row.rp_id == party.id]
    if not usable:
        raise Conflict(
            "passkey_elsewhere",
            "Your passkeys belong to another address of this service; revoke them and register one here.",
        )
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=_unpacked(row.credential_id)) for row in usable],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options_to_json_dict(options))


def require_assertion(
    session: Session, archive: Archive, person: str, challenge: bytes, credential: Mapping[str, Any]
) -> dict[str, Any]:
    """The assertion as a decision records it; InvalidInput ``assertion_refused`` unless a verifier will accept it.

    Checked twice: by the library, and by the code that verifies bundles, so that nothing is recorded that fails there.
    """
    party = require_relying_party(archive)
    try:
        sent = parse_authentication_credential_json(dict(credential))
        row = next(
            (r for r in active_rows(session, person) if r.credential == sha256(sent.raw_id).hexdigest()),
            None,
        )
        if row is None:
            raise ValueError("it was made with none of your active passkeys")
        webauthn.verify_authentication_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=row.rp_id,
            expected_origin=party.origin,
            credential_public_key=_write_key(row.algorithm, bytes.fromhex(row.public_key)),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        assertion = {
            "passkey": row.event_hash,
            "authenticator_data": sent.response.authenticator_data.hex(),
            "client_data": sent.response.client_data_json.decode("utf-8"),
            "signature": sent.response.signature.hex(),
        }
        problem = ASSERTION(assertion, "assertion") or find_problem(
            assertion, {"rp_id": row.rp_id, "algorithm": row.algorithm, "public_key": row.public_key}, challenge
        )
        if problem is not None:
            raise ValueError(problem)
    except _BROKEN as exc:
        raise InvalidInput(
            "assertion_refused", f"The signature cannot be taken: {exc}. Sign again.", field="credential"
        ) from exc
    return assertion


def _write_key(algorithm: str, key: bytes) -> bytes:
    """The COSE form of a raw public key (RFC 9053 section 7)."""
    if algorithm == ES256:
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: key[1:33], -3: key[33:]})
    return encode_cbor({1: 1, 3: -8, -1: 6, -2: key})


# what was prepared and never signed --------------------------------------------------------------------------------


def sweep_prepared(archive: Archive) -> int:
    """Forget what was prepared and not signed in time; how many of these there were."""
    with archive.db.write() as session:
        return _forget_expired(session, archive.timer())


def _forget_expired(session: Session, now: datetime) -> int:
    gone = 0
    for table in (PreparedPasskeyRow, PreparedDecisionRow):
        gone += len(session.execute(delete(table).where(table.expires_at <= now).returning(table.id)).all())
    return gone


def _expired() -> Conflict:
    return Conflict("preparation_expired", "This waited too long, or was used already; begin again.")


def _packed(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
