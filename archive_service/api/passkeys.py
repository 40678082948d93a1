"""Passkeys: one's own, registered and revoked with the password typed again. A browser makes them; no token alone can."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.db.paging import cut_grown
from archive_service.services import passkeys

blueprint = APIBlueprint("api_passkeys", __name__, url_prefix="/api/v1", tag="people")


class PasswordAgainBody(Body):
    """The password of one's log-in, typed again."""

    password: str


class PasskeyBody(Body):
    """A new passkey: ``credential`` is what the browser made, as ``PublicKeyCredential.toJSON()`` writes it."""

    preparation: str
    name: str
    credential: dict[str, Any]


class PreparedPasskey(Answer):
    """What a browser needs to make a passkey: ``options`` for ``navigator.credentials.create`` (``parseCreationOptionsFromJSON``)."""

    preparation: str
    expires_at: str
    options: dict[str, Any]


class RegisteredPasskey(Answer):
    """The name of a new passkey: the leaf hash of the event that registers it."""

    passkey: str


class ListedPasskey(Answer):
    """A passkey; ``public_key`` is 04, x and y of P-256 (ES256) or 32 bytes of Ed25519 (EdDSA), in hex."""

    passkey: str
    name: str
    algorithm: str
    public_key: str
    aaguid: str | None
    rp_id: str
    registered_at: str
    revoked_at: str | None


class PasskeyPage(PageAnswer):
    """A page of a person's passkeys, in the order of their registration."""

    passkeys: list[ListedPasskey]


@blueprint.get("/passkeys")
@operation(answer=PasskeyPage, query=PageQuery)
def list_passkeys(query: PageQuery) -> ResponseReturnValue:
    """One's own passkeys, revoked ones too."""
    page = page_request(query, "passkeys", is_count)
    return page_answer("passkeys", cut_grown(passkeys.list_passkeys(get_archive(), require_actor()), page))


@blueprint.get("/people/<id:person>/passkeys")
@operation(answer=PasskeyPage, query=PageQuery)
def list_passkeys_of(person: str, query: PageQuery) -> ResponseReturnValue:
    """A person's passkeys: to be compared with what the person says is theirs."""
    page = page_request(query, "passkeys", is_count)
    found = passkeys.list_passkeys_of(get_archive(), require_actor(), person=person)
    return page_answer("passkeys", cut_grown(found, page))


@blueprint.post("/passkeys/preparations")
@operation(answer=PreparedPasskey, status=201, body=PasswordAgainBody, refuses=[409])
def prepare_passkey(body: PasswordAgainBody) -> ResponseReturnValue:
    """What a browser needs, for ten minutes, to make a passkey for oneself."""
    return jsonify(passkeys.prepare_passkey(get_archive(), require_actor(), password=body.password)), 201


@blueprint.post("/passkeys")
@operation(answer=RegisteredPasskey, status=201, body=PasskeyBody, takes_key=True, refuses=[409])
def register_passkey(body: PasskeyBody) -> ResponseReturnValue:
    """Register the passkey that a browser made; from then on one signs decisions with it."""
    registered = passkeys.register_passkey(
        get_archive(), require_actor(), preparation=body.preparation, name=body.name, credential=body.credential
    )
    return jsonify({"passkey": registered}), 201


@blueprint.post("/passkeys/<digest:passkey>/revocation")
@operation(status=204, body=PasswordAgainBody)
def revoke_passkey(passkey: str, body: PasswordAgainBody) -> ResponseReturnValue:
    """Revoke one of one's own passkeys; a second time changes nothing."""
    passkeys.revoke_passkey(get_archive(), require_actor(), passkey=passkey, password=body.password)
    return "", 204
