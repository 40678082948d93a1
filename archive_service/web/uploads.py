"""Documents: raw bodies from the page's script, a multipart form where no script runs, downloads, receipts, withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import IO
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected

from archive_service.errors import InvalidInput, TooLarge, Unavailable
from archive_service.services import reading, uploads
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, back_to, refuse, require_fresh

CHUNK_BYTES = 1024 * 1024

blueprint = Blueprint("web_uploads", __name__, url_prefix="/dossiers/<dossier>")


@contextmanager
def upload_slot() -> Iterator[None]:
    """One of the places for uploads, shared with the API; Unavailable when all are taken, so that pages keep their threads."""
    slots: BoundedSemaphore = current_app.extensions.setdefault(
        "upload_slots", BoundedSemaphore(get_archive().settings.upload_slots)
    )
    if not slots.acquire(blocking=False):
        raise Unavailable("uploads_busy", "Many uploads are under way; try again in a moment.", retry_after_seconds=5)
    try:
        yield
    finally:
        slots.release()


@blueprint.post("/steps/<step>/documents")
def receive_document(dossier: str, step: str) -> ResponseReturnValue:
    """Take the raw body as a document (``?kind=…&name=…``), streamed; the answer says what was received."""
    actor, archive = require_actor(), get_archive()
    kind, limit = request.args.get("kind", ""), archive.settings.document_limit_bytes
    if request.content_length is not None and request.content_length > limit:
        uploads.note_too_large(archive, actor, dossier=dossier, step=step, kind=kind)
        raise TooLarge("file_too_large", f"A document has at most {limit} bytes.", limit_bytes=limit)
    received = _receive(dossier, step, kind, request.args.get("name", ""), _raw_chunks(), request.args)
    return jsonify(
        {
            "version": received.version,
            "number": received.number,
            "digest": received.digest,
            "size": received.size,
            "receipt": url_for("web_uploads.receipt", dossier=dossier, version=received.version),
        }
    ), 201


@blueprint.post("/steps/<step>/documents/form")
def receive_form(dossier: str, step: str) -> ResponseReturnValue:
    """Take a document from a multipart form, where no script runs."""
    form = f"upload-{step}-{request.form.get('kind', '')}"
    sent = next((request.files[name] for name in ("file", "photo") if request.files.get(name)), None)
    try:
        if sent is None or not sent.filename:
            raise InvalidInput("file_missing", "Choose a file first.")
        _receive(dossier, step, request.form.get("kind", ""), sent.filename, file_chunks(sent.stream), request.form)
    except REFUSALS as exc:
        return refuse(dossier, form, exc)
    return back_to(dossier, f"step-{step}", done="received")


def _receive(
    dossier: str, step: str, kind: str, name: str, chunks: Iterator[bytes], fields: MultiDict[str, str]
) -> uploads.Received:
    submission = None
    if any(field in fields for field in ("application", "address", "number")):
        submission = uploads.SubmissionReceipt(
            fields.get("application", ""), fields.get("address", ""), fields.get("number", "")
        )
    with upload_slot():
        return uploads.receive_document(
            get_archive(),
            require_actor(),
            dossier=dossier,
            step=step,
            kind=kind,
            file_name=name,
            chunks=chunks,
            document=fields.get("document") or None,
            submission=submission,
            indicator=fields.get("indicator") or None,
        )


def _raw_chunks() -> Iterator[bytes]:
    """The request's body in pieces of at most 1 MiB; ClientDisconnected when the line is cut before its end."""
    expected, seen = request.content_length, 0
    while chunk := request.stream.read(CHUNK_BYTES):
        seen += len(chunk)
        yield chunk
    if expected is not None and seen != expected:
        raise ClientDisconnected("The upload was cut off; nothing was kept. Send it again.")


def file_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """A file of a form in pieces of at most 1 MiB."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


@blueprint.get("/documents/<version>")
def document(dossier: str, version: str) -> ResponseReturnValue:
    """The bytes of one version, as an attachment."""
    content = reading.read_document(get_archive(), require_actor(), dossier=dossier, version=version)
    return Response(
        content.chunks,
        mimetype=content.media_type,
        headers={
            "Content-Length": str(content.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(content.file_name)}",
        },
    )


@blueprint.get("/documents/<version>/receipt")
def receipt(dossier: str, version: str) -> ResponseReturnValue:
    """The signed receipt of one version, as a small text file."""
    note = reading.read_receipt(get_archive(), require_actor(), dossier=dossier, version=version)
    headers = {"Content-Disposition": f'attachment; filename="tanda-terima-{version}.txt"'}
    return Response(note, mimetype="text/plain", headers=headers)


@blueprint.post("/documents/<version>/withdrawal")
def withdraw_document(dossier: str, version: str) -> ResponseReturnValue:
    """Withdraw a version before its step is submitted."""
    try:
        require_fresh(dossier)
        uploads.withdraw_document(
            get_archive(), require_actor(), dossier=dossier, version=version, reason=request.form.get("reason", "")
        )
    except REFUSALS as exc:
        return refuse(dossier, f"withdraw-{version}", exc)
    return back_to(dossier, "documents", done="withdrawn")
