"""Who vouches for the log besides the service, and how asking them goes."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.services import vouching

blueprint = APIBlueprint("api_vouching", __name__, url_prefix="/api/v1/log", tag="log")


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


@blueprint.get("/status")
@operation(answer=LogStatus)
def read_log_status() -> ResponseReturnValue:
    """Which level the log has reached: signed, witnesses k of n, time-stamps; and how asking for them goes."""
    return jsonify(vouching.read_status(get_archive()))
