"""Attachments of explanations: a document comes in for a deviation, before it is explained."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Query, read_chunks
from archive_service.api.digests import check_chunks
from archive_service.api.operation import Stream, operation
from archive_service.api.uploads import Receipt, receipt_answer, require_announced_size, upload_slot
from archive_service.services import uploads

blueprint = APIBlueprint(
    "api_attachments",
    __name__,
    url_prefix="/api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/attachments",
    tag="deviations",
)


class AttachmentQuery(Query):
    """What an attachment is called."""

    name: str = Field(max_length=1000, description="The file's name.")


@blueprint.post("")
@operation(answer=Receipt, status=201, body=Stream(), query=AttachmentQuery, takes_key=True)
def receive_attachment(
    dossier: str, deviation: str, query: AttachmentQuery, digests: frozenset[tuple[str, bytes]]
) -> ResponseReturnValue:
    """Take the raw body as an attachment of the explanation that is given next: PDF, JPG, PNG, DOCX or XLSX.

    From whoever answers for the deviation, while the dossier is open. The answer is a signed receipt.
    """
    actor, archive = require_actor(), get_archive()
    require_announced_size(lambda: uploads.note_large_attachment(archive, actor, dossier=dossier, deviation=deviation))
    with upload_slot():
        received = uploads.receive_attachment(
            archive,
            actor,
            dossier=dossier,
            deviation=deviation,
            file_name=query.name,
            chunks=check_chunks(read_chunks(), digests),
        )
    return receipt_answer(dossier, received)
