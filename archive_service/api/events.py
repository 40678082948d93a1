"""Events of a dossier: the exact bytes that were hashed, and the proofs that they are in the signed log."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Count, Query
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.services import proofs, reading

blueprint = APIBlueprint("api_events", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/events", tag="events")

ZIP = "application/zip"
LINES = "application/jsonl"
JSON = "application/json"


class ReadEvent(Answer):
    """An event: ``data`` is its exact bytes in base64; ``leaf_index`` is null until the log has numbered it."""

    seq: int
    type: str
    at: str
    data: str
    leaf_hash: str
    leaf_index: int | None


class EventPage(PageAnswer):
    """A page of a dossier's events in their order."""

    events: list[ReadEvent]


class SignedCheckpoint(Answer):
    """A signed tree head: ``note`` is the text that was signed, with its signature (C2SP tlog-checkpoint)."""

    size: int
    root: str
    note: str


class EventProof(Answer):
    """The inclusion proof (RFC 6962 section 2.1.1) of an event: hashes in base64, nearest sibling first."""

    seq: int
    type: str
    at: str
    data: str
    leaf_hash: str
    leaf_index: int
    proof: list[str]
    checkpoint: SignedCheckpoint


class ProofQuery(Query):
    """Against which checkpoint."""

    checkpoint: Count | None = Field(
        None,
        description="The size of a signed checkpoint; the first that covers the event if left out.",
    )


@blueprint.get("")
@operation(answer=EventPage, query=PageQuery, also=(LINES,))
def list_events(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The dossier's events: a page of them as JSON, or all of them as JSON lines, each line the exact bytes of an event.

    JSON when Accept prefers it; lines otherwise, and then limit and after say nothing.
    """
    page = page_request(query, "events", is_count)
    if request.accept_mimetypes.best_match([LINES, JSON]) == JSON:
        return page_answer("events", proofs.page_events(get_archive(), require_actor(), dossier=dossier, page=page))
    lines = reading.read_events(get_archive(), require_actor(), dossier=dossier)
    return Response(b"".join(line + b"\n" for line in lines), mimetype=LINES)


@blueprint.get("/<seq:seq>")
@operation(answer=ReadEvent)
def read_event(dossier: str, seq: int) -> ResponseReturnValue:
    """One event of a dossier."""
    return jsonify(proofs.read_event(get_archive(), require_actor(), dossier=dossier, seq=seq))


@blueprint.get("/<seq:seq>/proof")
@operation(answer=EventProof, query=ProofQuery, refuses=[409])
def prove_event(dossier: str, seq: int, query: ProofQuery) -> ResponseReturnValue:
    """The proof that one event is in the tree of a signed checkpoint; 409 ``not_yet_covered`` while none covers it."""
    found = proofs.prove_event(get_archive(), require_actor(), dossier=dossier, seq=seq, checkpoint=query.checkpoint)
    return jsonify(found)


@blueprint.get("/<seq:seq>/tlog-proof")
@operation(answer=("text/plain",), query=ProofQuery, refuses=[409])
def write_proof(dossier: str, seq: int, query: ProofQuery) -> ResponseReturnValue:
    """The same proof as a file of its own (C2SP tlog-proof), with the event's bytes in its line ``extra``."""
    data = proofs.write_proof(get_archive(), require_actor(), dossier=dossier, seq=seq, checkpoint=query.checkpoint)
    return Response(data, content_type="text/plain; charset=utf-8")


@blueprint.get("/proofs")
@operation(answer=(ZIP,), refuses=[409])
def write_proofs(dossier: str) -> ResponseReturnValue:
    """The proofs of all events of a dossier under one checkpoint, as a ZIP of tlog-proof files."""
    return Response(proofs.write_proofs(get_archive(), require_actor(), dossier=dossier), mimetype=ZIP)
