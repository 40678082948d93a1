"""Findings of audits: proposed, classified, followed up to a checked effect; each step an event."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Id
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, is_moment, page_answer, page_request
from archive_service.services import findings
from archive_service.services.findings import FindingFilter, Reference

blueprint = APIBlueprint("api_findings", __name__, url_prefix="/api/v1/findings", tag="findings")


class ReferenceBody(Body):
    """A dossier of the unit, and what of it: a step, a document by its SHA-256, an event by its leaf hash."""

    dossier: str
    step: str | None = None
    document: str | None = None
    event: str | None = None


class ProposalBody(Body):
    """A candidate finding: what it rests on, in a work unit."""

    work_unit: str
    deviations: list[str] = Field(default_factory=list)
    text: str
    evidence: list[ReferenceBody] = Field(default_factory=list)


class ClassificationBody(Body):
    """What it is, with problem, location, objective evidence and reference."""

    classification: Literal["kts_major", "kts_minor", "observation", "positive", "rejected"]
    problem: str
    location: str | None = None
    evidence: str | None = None
    reference: str | None = None


class CauseBody(Body):
    """The root cause."""

    cause: str


class ActionBody(Body):
    """The corrective action, who is in charge of it and until when."""

    action: str
    pic: str
    due_on: str


class NoteBody(Body):
    """What was done."""

    note: str


class EffectBody(Body):
    """Whether the action worked."""

    is_effective: bool
    note: str


class FindingsQuery(PageQuery):
    """Which findings."""

    work_unit: Id | None = None
    state: Literal["candidate", "classified", "caused", "planned", "done", "ineffective", "closed"] | None = None
    classification: Literal["kts_major", "kts_minor", "observation", "positive", "rejected"] | None = None


class MadeFinding(Answer):
    """The id of a new finding."""

    finding: str


class ListedFinding(Answer):
    """A finding, as far as it has come."""

    finding: str
    work_unit: str
    work_unit_name: str
    state: str
    classification: str | None
    proposed_by_name: str | None
    proposed_at: str
    pic: str | None
    pic_name: str | None
    due_on: str | None
    latest: str


class ListedFindings(PageAnswer):
    """A page of findings, newest first."""

    findings: list[ListedFinding]


class NamedReference(Answer):
    """A piece of evidence: a dossier, and what of it."""

    dossier: str
    step: str | None
    document: str | None
    event: str | None


class NamedDeviation(Answer):
    """A deviation of a dossier, or of the unit itself."""

    dossier: str | None
    deviation: str


class FindingStep(Answer):
    """One step of a finding, in the words of whoever took it."""

    type: str
    at: str
    person_name: str | None
    event: str
    texts: dict[str, str]
    is_effective: bool | None


class ReadFinding(ListedFinding):
    """A finding with all its steps; ``acts`` are the event types that the reader may add now."""

    deviations: list[NamedDeviation]
    evidence: list[NamedReference]
    steps: list[FindingStep]
    acts: list[str]


@blueprint.get("")
@operation(answer=ListedFindings, query=FindingsQuery)
def list_findings(query: FindingsQuery) -> ResponseReturnValue:
    """The findings that one may read, newest first."""
    page = findings.page_findings(
        get_archive(),
        require_actor(),
        wanted=FindingFilter(query.work_unit, query.state, query.classification),
        page=page_request(query, "findings", is_moment, is_id),
    )
    return page_answer("findings", page)


@blueprint.get("/<id:finding>")
@operation(answer=ReadFinding)
def read_finding(finding: str) -> ResponseReturnValue:
    """One finding with its steps."""
    found = findings.read_finding(get_archive(), require_actor(), finding=finding)
    return with_state(found["latest"], jsonify(found))


@blueprint.post("")
@operation(answer=MadeFinding, status=201, body=ProposalBody, takes_key=True, refuses=[404])
def propose_finding(body: ProposalBody) -> ResponseReturnValue:
    """Propose a finding; classifying it is an auditor's."""
    facts = body.model_dump()
    evidence = [Reference(**each) for each in facts.pop("evidence")]
    made = findings.propose_finding(get_archive(), require_actor(), evidence=evidence, **facts)
    return jsonify({"finding": made}), 201, {"Location": f"/api/v1/findings/{made}"}


@blueprint.post("/<id:finding>/classification")
@operation(status=204, body=ClassificationBody, takes_key=True, takes_match=True)
def classify_finding(finding: str, body: ClassificationBody) -> ResponseReturnValue:
    """Say what it is."""
    findings.classify_finding(get_archive(), require_actor(), finding=finding, seen=seen_states(), **body.model_dump())
    return "", 204


@blueprint.post("/<id:finding>/cause")
@operation(status=204, body=CauseBody, takes_key=True, takes_match=True)
def state_cause(finding: str, body: CauseBody) -> ResponseReturnValue:
    """State the root cause."""
    findings.state_cause(get_archive(), require_actor(), finding=finding, cause=body.cause, seen=seen_states())
    return "", 204


@blueprint.post("/<id:finding>/action")
@operation(status=204, body=ActionBody, takes_key=True, takes_match=True)
def set_action(finding: str, body: ActionBody) -> ResponseReturnValue:
    """Set the corrective action."""
    findings.set_action(get_archive(), require_actor(), finding=finding, seen=seen_states(), **body.model_dump())
    return "", 204


@blueprint.post("/<id:finding>/done")
@operation(status=204, body=NoteBody, takes_key=True, takes_match=True)
def finish_action(finding: str, body: NoteBody) -> ResponseReturnValue:
    """Say that the action is done."""
    findings.finish_action(get_archive(), require_actor(), finding=finding, note=body.note, seen=seen_states())
    return "", 204


@blueprint.post("/<id:finding>/effect")
@operation(status=204, body=EffectBody, takes_key=True, takes_match=True)
def check_effect(finding: str, body: EffectBody) -> ResponseReturnValue:
    """Say whether it worked."""
    findings.check_effect(get_archive(), require_actor(), finding=finding, seen=seen_states(), **body.model_dump())
    return "", 204
