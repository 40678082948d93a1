"""Uploads: a document comes in as the raw body of a request, streamed and checked against what was announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from apiflask import APIBlueprint
from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Id, Query, read_chunks
from archive_service.api.digests import check_chunks
from archive_service.api.operation import Stream, operation
from archive_service.errors import TooLarge, Unavailable
from archive_service.services import uploads

blueprint = APIBlueprint(
    "api_uploads", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/steps/<key:step>/documents", tag="documents"
)


class UploadQuery(Query):
    """What a document is. The last three belong to the receipt of an upload elsewhere."""

    kind: str = Field(max_length=64, description="The kind of document, as the step's checklist names it.")
    name: str = Field(max_length=1000, description="The file's name.")
    document: Id | None = Field(None, description="The document that this is a new version of.")
    indicator: str | None = Field(
        None, max_length=64, description="The code of the listed indicator that it is evidence for."
    )
    application: str | None = Field(None, max_length=1000, description="Where the report was uploaded.")
    address: str | None = Field(None, max_length=1000, description="That application's address.")
    number: str | None = Field(None, max_length=1000, description="The number that it gave.")


class Receipt(Answer):
    """What became of an upload; keep ``receipt``, the note that the service signed."""

    document: str
    version: str
    number: int
    digest: str
    size: int
    media_type: str
    event: str
    receipt: str


@contextmanager
def upload_slot() -> Iterator[None]:
    """One of the places for uploads, shared with the pages; Unavailable when all are taken, so that reads keep their threads."""
    slots: BoundedSemaphore = current_app.extensions.setdefault(
        "upload_slots", BoundedSemaphore(get_archive().settings.upload_slots)
    )
    if not slots.acquire(blocking=False):
        raise Unavailable("uploads_busy", "Many uploads are under way; try again in a moment.", retry_after_seconds=5)
    try:
        yield
    finally:
        slots.release()


def require_announced_size(note: Callable[[], None]) -> None:
    """Raise TooLarge for a body that is announced as larger than documents may be, once ``note`` has recorded the refusal."""
    limit = get_archive().settings.document_limit_bytes
    if request.content_length is not None and request.content_length > limit:
        note()
        raise TooLarge("file_too_large", f"A document has at most {limit} bytes.", limit_bytes=limit)


def receipt_answer(dossier: str, received: uploads.Received) -> ResponseReturnValue:
    """What the uploader is told, and where the version is."""
    answer = {
        "document": received.document,
        "version": received.version,
        "number": received.number,
        "digest": received.digest,
        "size": received.size,
        "media_type": received.media_type,
        "event": received.event_hash,
        "receipt": received.receipt_note.decode(),
    }
    return jsonify(answer), 201, {"Location": f"/api/v1/dossiers/{dossier}/documents/{received.version}"}


@blueprint.post("")
@operation(answer=Receipt, status=201, body=Stream(), query=UploadQuery, takes_key=True)
def receive_document(
    dossier: str, step: str, query: UploadQuery, digests: frozenset[tuple[str, bytes]]
) -> ResponseReturnValue:
    """Take the raw body as a document: ``?kind=…&name=…``, with ``document=`` for a new version of one.

    With Content-Digest or Repr-Digest (RFC 9530) nothing is kept unless the bytes are those announced. The answer is a signed receipt.
    """
    actor, archive = require_actor(), get_archive()
    require_announced_size(lambda: uploads.note_too_large(archive, actor, dossier=dossier, step=step, kind=query.kind))
    submission = None
    if any(value is not None for value in (query.application, query.address, query.number)):
        submission = uploads.SubmissionReceipt(query.application or "", query.address or "", query.number or "")
    with upload_slot():
        received = uploads.receive_document(
            archive,
            actor,
            dossier=dossier,
            step=step,
            kind=query.kind,
            file_name=query.name,
            chunks=check_chunks(read_chunks(), digests),
            document=query.document,
            submission=submission,
            indicator=query.indicator,
        )
    return receipt_answer(dossier, received)
