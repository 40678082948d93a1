"""The published log (C2SP tlog-tiles) below ``/log``, and proofs that one checkpoint continues another."""

from __future__ import annotations

from hashlib import sha256

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import authenticate, get_archive, require_actor
from archive_service.api.body import Answer, Count, Query
from archive_service.api.operation import operation
from archive_service.services import metrics, proofs, publication

blueprint = APIBlueprint("api_log", __name__, tag="log")

BYTES = "application/octet-stream"
FOREVER = "max-age=31536000, immutable"


class SignedCheckpoint(Answer):
    """A signed tree head: ``note`` is the text that was signed, with its signatures (C2SP tlog-checkpoint)."""

    size: int
    root: str
    note: str


class ConsistencyProof(Answer):
    """The proof (RFC 6962 section 2.1.2) that the newer tree begins as the older one: hashes in base64."""

    old: SignedCheckpoint
    new: SignedCheckpoint
    proof: list[str]


class ConsistencyQuery(Query):
    """Between which checkpoints, by their sizes."""

    old: Count = Field(description="The size of the older signed checkpoint.")
    new: Count | None = Field(None, description="The size of the newer one; the newest if left out.")


@blueprint.get("/log/checkpoint")
@operation(answer=("text/plain",), is_open=True, refuses=[404])
def read_checkpoint() -> ResponseReturnValue:
    """The newest signed checkpoint."""
    response = _text(publication.read_checkpoint(get_archive()))
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(sha256(response.get_data()).hexdigest()[:32])
    return response.make_conditional(request)


@blueprint.get("/log/checkpoints/<checkpoint:size>")
@operation(answer=("text/plain",), is_open=True, refuses=[404])
def read_kept_checkpoint(size: int) -> ResponseReturnValue:
    """A signed checkpoint by its size in twenty digits, exactly as it was signed."""
    response = _text(publication.read_kept_checkpoint(get_archive(), size=size))
    response.headers["Cache-Control"] = f"public, {FOREVER}"
    return response


@blueprint.get("/log/tile/<tile:tile>")
@operation(answer=(BYTES,), is_open=True, refuses=[401, 403, 404])
def read_tile(tile: str) -> ResponseReturnValue:
    """A tile of the tree's hashes, or (``entries/…``) a bundle of events: for everybody, or for auditors alone (ARCHIVE_LOG_ACCESS)."""
    archive = get_archive()
    reach = "public"
    if archive.settings.log_access != "public":
        authenticate()
        publication.require_log_readable(archive, require_actor())
        reach = "private"
    response = Response(publication.read_tile(archive, path=f"tile/{tile}"), mimetype=BYTES)
    response.headers["Cache-Control"] = f"{reach}, {FOREVER}"
    return response


@blueprint.get("/log/vkey")
@operation(answer=("text/plain",), is_open=True)
def read_vkeys() -> ResponseReturnValue:
    """The verifier keys of log and receipts, a line each; compare them with where they are published."""
    return _text(publication.verifier_keys(get_archive()))


@blueprint.get("/api/v1/log/consistency")
@operation(answer=ConsistencyProof, query=ConsistencyQuery, is_open=True, refuses=[404])
def prove_consistency(query: ConsistencyQuery) -> ResponseReturnValue:
    """The proof that the log under one checkpoint is the beginning of the log under another."""
    return jsonify(proofs.prove_consistency(get_archive(), old=query.old, new=query.new))


@blueprint.get("/metrics")
@operation(answer=("text/plain",), is_open=True)
def read_metrics() -> ResponseReturnValue:
    """Figures for Prometheus, computed from the database as they are asked for."""
    return Response(metrics.render_metrics(get_archive()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _text(data: bytes) -> Response:
    return Response(data, content_type="text/plain; charset=utf-8")
