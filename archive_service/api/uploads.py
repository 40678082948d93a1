"""Documents: raw-body upload, download, withdrawal."""

from __future__ import annotations

from threading import BoundedSemaphore
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, read_chunks, read_json
from archive_service.errors import InvalidInput, TooLarge, Unavailable
from archive_service.services import reading, uploads

blueprint = Blueprint("api_uploads", __name__, url_prefix="/api/v1/dossiers/<dossier>")


class ReasonBody(Body):
    """A reason."""

    reason: str


def _slots() -> BoundedSemaphore:
    slots: BoundedSemaphore = current_app.extensions.setdefault(
        "upload_slots", BoundedSemaphore(get_archive().settings.upload_slots)
    )
    return slots


@blueprint.post("/steps/<step>/documents")
def receive_document(dossier: str, step: str) -> ResponseReturnValue:
    """Take the raw body as a document: ``?kind=…&name=…``, with ``document=`` for a new version of one.

    The receipt of an upload elsewhere also takes ``application``, ``address`` and ``number``. The answer is a signed receipt.
    """
    actor, archive = require_actor(), get_archive()
    unknown = set(request.args) - {"kind", "name", "document", "application", "address", "number"}
    if unknown or "kind" not in request.args or "name" not in request.args:
        raise InvalidInput(
            "query_invalid", "Name the document's kind and its file name: ?kind=…&name=…", unknown=sorted(unknown)
        )
    limit = archive.settings.document_limit_bytes
    if request.content_length is not None and request.content_length > limit:
        uploads.note_too_large(archive, actor, dossier=dossier, step=step, kind=request.args["kind"])
        raise TooLarge("file_too_large", f"A document has at most {limit} bytes.", limit_bytes=limit)
    submission = None
    if any(name in request.args for name in ("application", "address", "number")):
        submission = uploads.SubmissionReceipt(
            request.args.get("application", ""), request.args.get("address", ""), request.args.get("number", "")
        )
    slots = _slots()
    if not slots.acquire(blocking=False):
        raise Unavailable("uploads_busy", "Many uploads are under way; try again in a moment.", retry_after_seconds=5)
    try:
        received = uploads.receive_document(
            archive,
            actor,
            dossier=dossier,
            step=step,
            kind=request.args["kind"],
            file_name=request.args["name"],
            chunks=read_chunks(),
            document=request.args.get("document"),
            submission=submission,
        )
    finally:
        slots.release()
    return jsonify(
        {
            "document": received.document,
            "version": received.version,
            "number": received.number,
            "digest": received.digest,
            "size": received.size,
            "media_type": received.media_type,
            "event": received.event_hash,
            "receipt": received.receipt_note.decode(),
        }
    ), 201


@blueprint.get("/documents/<version>/content")
def read_document(dossier: str, version: str) -> ResponseReturnValue:
    """The bytes of one version, as an attachment."""
    content = reading.read_document(get_archive(), require_actor(), dossier=dossier, version=version)
    return Response(
        content.chunks,
        mimetype=content.media_type,
        headers={
            "Content-Length": str(content.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(content.file_name)}",
            "ETag": f'"{content.digest}"',
        },
    )


@blueprint.post("/documents/<version>/withdrawal")
def withdraw_document(dossier: str, version: str) -> ResponseReturnValue:
    """Withdraw a version before its step is submitted."""
    reason = read_json(ReasonBody).reason
    uploads.withdraw_document(get_archive(), require_actor(), dossier=dossier, version=version, reason=reason)
    return "", 204
