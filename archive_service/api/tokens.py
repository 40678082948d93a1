"""Tokens: made with log-in and password, listed and revoked."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.db import listing
from archive_service.services import logins, users

blueprint = APIBlueprint("api_tokens", __name__, url_prefix="/api/v1", tag="tokens")


class LoginBody(Body):
    """Credentials, and what the token is for."""

    login: str
    password: str
    name: str
    days: int = 1
    code: str | None = Field(
        default=None, description="Of the authenticator app, or a recovery code, where one is set."
    )
    scopes: list[str] = Field(default_factory=list)


class OwnPasswordBody(Body):
    """Credentials, and the password to have instead."""

    login: str
    password: str
    new_password: str
    code: str | None = None


class NewToken(Answer):
    """A token; its secret is shown this once."""

    id: str
    token: str
    expires_at: str


class ListedToken(Answer):
    """A token without its secret."""

    id: str
    name: str | None
    prefix: str
    scopes: list[str]
    expires_at: str
    revoked_at: str | None


class TokenPage(PageAnswer):
    """A page of one's own tokens, newest first."""

    tokens: list[ListedToken]


class HeldRole(Answer):
    """A role in force."""

    assignment: str
    role: str
    work_unit: str
    lead: bool


class Me(Answer):
    """Who the token belongs to, and the roles in force."""

    person: str
    user: str
    roles: list[HeldRole]


@blueprint.post("/tokens")
@operation(answer=NewToken, status=201, body=LoginBody, is_open=True, refuses=[401, 403, 429])
def create_token(body: LoginBody) -> ResponseReturnValue:
    """A new token for whoever knows log-in and password; its secret is shown this once.

    There is no Idempotency-Key here: to give the same answer again, the service would have to keep the secret.
    """
    token = logins.create_token(
        get_archive(),
        login=body.login,
        password=body.password,
        code=body.code,
        name=body.name,
        days=body.days,
        scopes=body.scopes,
    )
    return jsonify({"id": token.id, "token": token.secret, "expires_at": token.expires_at.isoformat()}), 201


@blueprint.put("/own-password")
@operation(status=204, body=OwnPasswordBody, is_open=True, refuses=[401, 403, 429])
def replace_password(body: OwnPasswordBody) -> ResponseReturnValue:
    """Another password for one's own log-in: whoever was given one by somebody else gets no token before. All its sessions end."""
    logins.replace_password(
        get_archive(), login=body.login, password=body.password, code=body.code, new=body.new_password
    )
    return "", 204


@blueprint.get("/tokens")
@operation(answer=TokenPage, query=PageQuery)
def list_tokens(query: PageQuery) -> ResponseReturnValue:
    """One's own tokens, without their secrets, newest first."""
    page = page_request(query, "tokens", is_id)
    with get_archive().db.read() as session:
        return page_answer("tokens", listing.page_tokens(session, require_actor().user, page))


@blueprint.delete("/tokens/<id:token>")
@operation(status=204)
def revoke_token(token: str) -> ResponseReturnValue:
    """End a token."""
    users.revoke_token(get_archive(), require_actor(), token=token)
    return "", 204


@blueprint.get("/me")
@operation(answer=Me)
def me() -> ResponseReturnValue:
    """Who the token belongs to, and the roles in force."""
    actor = require_actor()
    roles = [{"assignment": a.id, "role": a.role, "work_unit": a.work_unit, "lead": a.lead} for a in actor.assignments]
    return jsonify({"person": actor.person, "user": actor.user, "roles": roles})
