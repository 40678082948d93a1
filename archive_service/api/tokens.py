"""Tokens: made with log-in and password or with another token, listed and revoked."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, read_json
from archive_service.db import queries
from archive_service.services import users

blueprint = Blueprint("api_tokens", __name__, url_prefix="/api/v1")


class LoginBody(Body):
    """Credentials, and what the token is for."""

    login: str
    password: str
    name: str
    days: int = 1
    scopes: list[str] = Field(default_factory=list)


@blueprint.post("/tokens")
def create_token() -> ResponseReturnValue:
    """A new token for whoever knows log-in and password; its secret is shown this once."""
    body = read_json(LoginBody)
    archive = get_archive()
    actor = users.check_password(archive, login=body.login, password=body.password)
    token = users.create_token(archive, actor, name=body.name, days=body.days, scopes=body.scopes)
    return jsonify({"id": token.id, "token": token.secret, "expires_at": token.expires_at.isoformat()}), 201


@blueprint.get("/tokens")
def list_tokens() -> ResponseReturnValue:
    """One's own tokens, without their secrets."""
    actor, archive = require_actor(), get_archive()
    with archive.db.read() as session:
        return jsonify({"tokens": queries.list_tokens(session, actor.user)})


@blueprint.delete("/tokens/<token>")
def revoke_token(token: str) -> ResponseReturnValue:
    """End a token."""
    users.revoke_token(get_archive(), require_actor(), token=token)
    return "", 204


@blueprint.get("/me")
def me() -> ResponseReturnValue:
    """Who the token belongs to, and the roles in force."""
    actor = require_actor()
    roles = [{"assignment": a.id, "role": a.role, "work_unit": a.work_unit, "lead": a.lead} for a in actor.assignments]
    return jsonify({"person": actor.person, "user": actor.user, "roles": roles})
