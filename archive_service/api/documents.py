"""Documents of a dossier: list, read, download, withdraw. How they come in is in uploads.py."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.content import send_content
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.db.paging import cut_grown
from archive_service.errors import NotFound
from archive_service.services import papers, reading, uploads

blueprint = APIBlueprint(
    "api_documents", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/documents", tag="documents"
)


class WithdrawalBody(Body):
    """Why a document is withdrawn."""

    reason: str


class PaperBody(Body):
    """Whether a document has an original on paper, and where it lies: ruang, rak, boks, folder."""

    exists: bool
    room: str | None = None
    shelf: str | None = None
    box: str | None = None
    folder: str | None = None


class ReadPaper(Answer):
    """What was recorded last of a document's original on paper."""

    exists: bool
    room: str | None
    shelf: str | None
    box: str | None
    folder: str | None
    person: str
    person_name: str | None
    at: str


class ListedDocument(Answer):
    """One received version of a document; ``digest`` is its SHA-256.

    ``deviation``: it is an attachment of that deviation's explanation. ``paper``: null means that nothing was recorded, not that there is
    no original on paper.
    """

    document: str
    version: str
    number: int
    step: str
    iteration: int
    kind: str
    digest: str
    size: int
    media_type: str
    file_name: str | None
    person: str | None
    begun_at: str
    received_at: str
    withdrawn_at: str | None
    deviation: str | None
    indicator: str | None
    paper: ReadPaper | None


class DocumentPage(PageAnswer):
    """A page of a dossier's document versions, in the order of their arrival."""

    documents: list[ListedDocument]


@blueprint.get("")
@operation(answer=DocumentPage, query=PageQuery)
def list_documents(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """All document versions of a dossier, in the order of their arrival."""
    page = page_request(query, "documents", is_count)
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    return with_state(found["history"][-1]["event"], page_answer("documents", cut_grown(found["documents"], page)))


@blueprint.get("/<id:version>")
@operation(answer=ListedDocument)
def read_document(dossier: str, version: str) -> ResponseReturnValue:
    """What is known of one version."""
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    one = next((v for v in found["documents"] if v["version"] == version), None)
    if one is None:
        raise NotFound("version_unknown", "This dossier has no such version.")
    return with_state(found["history"][-1]["event"], jsonify(one))


@blueprint.get("/<id:version>/content")
@operation(answer=("*/*",), is_download=True)
def download_document(dossier: str, version: str) -> ResponseReturnValue:
    """The bytes of one version, as an attachment; one Range is served."""
    return send_content(reading.read_document(get_archive(), require_actor(), dossier=dossier, version=version))


@blueprint.put("/<id:document>/paper")
@operation(status=204, body=PaperBody, takes_match=True)
def record_paper(dossier: str, document: str, body: PaperBody) -> ResponseReturnValue:
    """Record where a document's original on paper lies, or that it has none; at any time, after the seal too."""
    papers.record_paper(
        get_archive(),
        require_actor(),
        dossier=dossier,
        document=document,
        exists=body.exists,
        room=body.room,
        shelf=body.shelf,
        box=body.box,
        folder=body.folder,
        seen=seen_states(),
    )
    return "", 204


@blueprint.post("/<id:version>/withdrawal")
@operation(status=204, body=WithdrawalBody, takes_key=True, takes_match=True)
def withdraw_document(dossier: str, version: str, body: WithdrawalBody) -> ResponseReturnValue:
    """Withdraw a version before its step is submitted."""
    uploads.withdraw_document(
        get_archive(), require_actor(), dossier=dossier, version=version, reason=body.reason, seen=seen_states()
    )
    return "", 204
