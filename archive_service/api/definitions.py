"""Definitions: which SOPs and calendars there are; a new version from its TOML text."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.catalog import parse_definition
from archive_service.db import queries
from archive_service.errors import InvalidDefinition, InvalidInput, TooLarge
from archive_service.services import definitions

blueprint = Blueprint("api_definitions", __name__, url_prefix="/api/v1/definitions")
LIMIT_BYTES = 1024 * 1024


@blueprint.get("")
def list_definitions() -> ResponseReturnValue:
    """Every registered version of every SOP and calendar."""
    require_actor()
    archive = get_archive()
    with archive.db.read() as session:
        return jsonify({"definitions": queries.list_definitions(session)})


@blueprint.get("/<digest>")
def read_definition(digest: str) -> ResponseReturnValue:
    """The canonical bytes of one version; they hash to the digest."""
    require_actor()
    archive = get_archive()
    with archive.db.read() as session:
        return Response(archive.catalog.get(session, digest).data, mimetype="application/json")


@blueprint.post("")
def register_definition() -> ResponseReturnValue:
    """Register the TOML text in the body; every problem in it is named at once."""
    actor = require_actor()
    data = request.stream.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise TooLarge("body_too_large", f"A definition has at most {LIMIT_BYTES} bytes.")
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("not_utf8", "A definition is UTF-8 text.") from exc
    try:
        definition = parse_definition(text)
    except InvalidDefinition as exc:
        exc.params["problems"] = [problem._asdict() for problem in exc.problems]
        raise
    definitions.register_definition(get_archive(), actor, definition=definition)
    return jsonify({"digest": definition.digest, "key": definition.key, "version": definition.version}), 201
