"""The log: its newest checkpoint and its verifier keys, for everyone."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.errors import NotFound
from archive_service.services import log, vouching

blueprint = APIBlueprint("api_log", __name__, tag="log")


class LogLevel(Answer):
    """Who vouches for the log beside the service: ``size`` is that of the checkpoint that was looked at, null when nobody has."""

    is_signed: bool
    witnesses: int
    witnesses_of: int
    witness_names: list[str]
    has_quorum: bool
    time_stamps: int
    size: int | None


class Voucher(Answer):
    """A witness or time-stamp authority, and how asking it went."""

    kind: str
    name: str
    answered_at: str | None
    failures: int
    error: str | None


class LogStatus(Answer):
    """The log's newest checkpoint and the level that it has reached."""

    origin: str
    size: int
    signed_at: str | None
    level: LogLevel
    vouchers: list[Voucher]


@blueprint.get("/api/v1/log/status")
@operation(answer=LogStatus)
def read_log_status() -> ResponseReturnValue:
    """Which level the log has reached: signed, witnesses k of n, time-stamps; and how asking for them goes."""
    require_actor()
    return jsonify(vouching.read_status(get_archive()))


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
