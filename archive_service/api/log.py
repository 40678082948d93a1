"""The log: its newest checkpoint and its verifier keys, for everyone."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive
from archive_service.api.operation import operation
from archive_service.errors import NotFound
from archive_service.services import log

blueprint = APIBlueprint("api_log", __name__, tag="log")


@blueprint.get("/log/checkpoint")
@operation(answer=("text/plain",), is_open=True, refuses=[404])
def read_checkpoint() -> ResponseReturnValue:
    """The newest signed checkpoint."""
    archive = get_archive()
    with archive.db.read() as session:
        data = log.newest_checkpoint(session)
    if data is None:
        raise NotFound("no_checkpoint", "Nothing has been signed yet; wait a second.")
    return Response(data, mimetype="text/plain")


@blueprint.get("/log/vkey")
@operation(answer=("text/plain",), is_open=True)
def read_vkeys() -> ResponseReturnValue:
    """The verifier keys of log and receipts, a line each; compare them with where they are published."""
    archive = get_archive()
    return Response(f"{archive.log_key.vkey}\n{archive.receipt_key.vkey}\n", mimetype="text/plain")
