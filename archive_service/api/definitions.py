"""Definitions: which SOPs, calendars and retention schedules there are; a new version from its TOML text."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import Text, operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, is_key, page_answer, page_request
from archive_service.catalog import parse_definition
from archive_service.db import listing
from archive_service.errors import InvalidDefinition, InvalidInput
from archive_service.flowchart import draw_flowchart
from archive_service.services import definitions, reading

blueprint = APIBlueprint("api_definitions", __name__, url_prefix="/api/v1/definitions", tag="definitions")

TOML = Text(("application/toml", "text/plain", "application/octet-stream"), 1024 * 1024)


class ListedDefinition(Answer):
    """One version of an SOP, calendar or retention schedule; ``digest`` is the SHA-256 of its canonical bytes."""

    kind: str
    key: str
    version: int
    digest: str


class DefinitionPage(PageAnswer):
    """A page of definitions by kind, key and version."""

    definitions: list[ListedDefinition]


class RegisteredDefinition(Answer):
    """A version that is registered now."""

    digest: str
    key: str
    version: int


@blueprint.get("")
@operation(answer=DefinitionPage, query=PageQuery)
def list_definitions(query: PageQuery) -> ResponseReturnValue:
    """Every registered version of every SOP, calendar and retention schedule."""
    page = page_request(query, "definitions", is_key, is_key, is_count)
    with get_archive().db.read() as session:
        return page_answer("definitions", listing.page_definitions(session, page))


@blueprint.get("/<digest:digest>")
@operation(answer=("application/json",))
def read_definition(digest: str) -> ResponseReturnValue:
    """The canonical bytes of one version; they hash to the digest."""
    archive = get_archive()
    with archive.db.read() as session:
        return Response(archive.catalog.get(session, digest).data, mimetype="application/json")


@blueprint.get("/<digest:digest>/flowchart")
@operation(answer=("image/svg+xml",))
def draw_definition(digest: str) -> ResponseReturnValue:
    """The flowchart of one version of an SOP in the customary form; a calendar has none."""
    sop = reading.read_sop(get_archive(), require_actor(), digest=digest)
    return Response(draw_flowchart(sop), mimetype="image/svg+xml")


@blueprint.post("")
@operation(answer=RegisteredDefinition, status=201, body=TOML, takes_key=True)
def register_definition(data: bytes) -> ResponseReturnValue:
    """Register the TOML text in the body; every problem in it is named at once."""
    actor = require_actor()
    # before a problem is named: who may not register need not know what is wrong with a text
    actor.require("definition.manage")
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("not_utf8", "A definition is UTF-8 text.") from exc
    try:
        definition = parse_definition(text)
        definitions.require_filled_in(definition)
    except InvalidDefinition as exc:
        exc.params["problems"] = [problem._asdict() for problem in exc.problems]
        raise
    definitions.register_definition(get_archive(), actor, definition=definition)
    answer = {"digest": definition.digest, "key": definition.key, "version": definition.version}
    return jsonify(answer), 201, {"Location": f"/api/v1/definitions/{definition.digest}"}
