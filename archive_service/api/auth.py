"""Who calls the API: a bearer token becomes an Actor."""

from __future__ import annotations

from flask import current_app, g, request

from archive_service.archive import Archive
from archive_service.errors import Unauthenticated
from archive_service.services import users
from archive_service.services.actor import Actor


def get_archive() -> Archive:
    """The archive of the running application."""
    archive: Archive = current_app.extensions["archive"]
    return archive


def require_actor() -> Actor:
    """The person whom ``authenticate`` found behind this request."""
    actor: Actor = g.actor
    return actor


def authenticate() -> None:
    """Find the person behind the request's bearer token, before anything of the request is read; Unauthenticated without a good one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("token_missing", "Send an API token: Authorization: Bearer ars_…")
    g.actor = users.find_token_actor(get_archive(), secret.strip())
