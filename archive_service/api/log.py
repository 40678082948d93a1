"""The log: its newest checkpoint and its verifier keys, for everyone; and whether the service lives."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive
from archive_service.errors import NotFound
from archive_service.services import log

blueprint = Blueprint("api_log", __name__)


@blueprint.get("/log/checkpoint")
def read_checkpoint() -> ResponseReturnValue:
    """The newest signed checkpoint."""
    archive = get_archive()
    with archive.db.read() as session:
        data = log.newest_checkpoint(session)
    if data is None:
        raise NotFound("no_checkpoint", "Nothing has been signed yet; wait a second.")
    return Response(data, mimetype="text/plain")


@blueprint.get("/log/vkey")
def read_vkeys() -> ResponseReturnValue:
    """The verifier keys of log and receipts, a line each; compare them with where they are published."""
    archive = get_archive()
    return Response(f"{archive.log_key.vkey}\n{archive.receipt_key.vkey}\n", mimetype="text/plain")


@blueprint.get("/livez")
def live() -> ResponseReturnValue:
    """Whether the process answers."""
    return Response("ok\n", mimetype="text/plain")
