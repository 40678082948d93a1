"""Attestations: that a performer meets an SOP's qualifications and knows its first warning."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Id
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import attestations

blueprint = APIBlueprint("api_attestations", __name__, url_prefix="/api/v1/attestations", tag="people")


class AttestationBody(Body):
    """For which of one's assignments, and the key of which SOP."""

    assignment: str
    sop: str


class AttestationsQuery(PageQuery):
    """Whose."""

    person: Id | None = None


class MadeAttestation(Answer):
    """The leaf hash of the event."""

    event: str


class AttestedSop(Answer):
    """One SOP in which the assignment's role performs steps; ``attested_at`` is null while that is missing."""

    sop: str
    digest: str
    attested_at: str | None
    event: str | None


class AttestedAssignment(Answer):
    """A performing assignment in force, with what was attested for it."""

    assignment: str
    person: str
    person_name: str | None
    role: str
    work_unit: str
    sops: list[AttestedSop]


class AttestationPage(PageAnswer):
    """A page of performing assignments in the order in which they were made."""

    attestations: list[AttestedAssignment]


class DueAttestation(Answer):
    """What is still to be attested: the very sentences."""

    assignment: str
    role: str
    role_title: str
    work_unit: str
    work_unit_name: str | None
    sop: str
    digest: str
    sop_number: str
    sop_title: str
    text: list[str]
    text_digest: str


class DueAttestations(Answer):
    """What the reader has still to attest."""

    due: list[DueAttestation]


@blueprint.get("")
@operation(answer=AttestationPage, query=AttestationsQuery)
def list_attestations(query: AttestationsQuery) -> ResponseReturnValue:
    """Who has attested what; performers see their own."""
    page = page_request(query, "attestations", is_id)
    found = attestations.page_attestations(get_archive(), require_actor(), page=page, person=query.person)
    return page_answer("attestations", found)


@blueprint.get("/due")
@operation(answer=DueAttestations)
def list_due_attestations() -> ResponseReturnValue:
    """What one has still to attest."""
    return jsonify({"due": attestations.list_due(get_archive(), require_actor())})


@blueprint.post("")
@operation(answer=MadeAttestation, status=201, body=AttestationBody, takes_key=True, refuses=[404])
def attest(body: AttestationBody) -> ResponseReturnValue:
    """Attest the newest version of an SOP for one of one's assignments."""
    event = attestations.attest(get_archive(), require_actor(), assignment=body.assignment, sop=body.sop)
    return jsonify({"event": event}), 201
