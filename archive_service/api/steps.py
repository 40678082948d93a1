"""Steps of a dossier: what each needs, who holds it until when; submit one, hand one over, archive."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import ConfigDict, Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.db.paging import cut_grown
from archive_service.errors import NotFound
from archive_service.services import decisions, dossiers, reading

blueprint = APIBlueprint("api_steps", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/steps", tag="steps")


class SubmissionBody(Body):
    """A submission; ``versions`` are the ids that it is meant to hold, all that stand when left out."""

    versions: list[str] | None = None
    accepts_gaps: bool = False


class ArchivingBody(Body):
    """The act that seals a dossier."""

    accepts_gaps: bool = False


class ResponsibleBody(Body):
    """Who answers for a step from now on, and why."""

    person: str
    reason: str


class SealedStatement(Answer):
    """The digest of the completeness statement that sealing froze."""

    statement: str


class Satisfier(Answer):
    """What satisfied a requirement: a document, a decision, a receipt."""

    model_config = ConfigDict(extra="allow")

    type: str


class ReadRequirement(Answer):
    """One thing that a step needs or leaves."""

    direction: str
    kind: str
    title: str
    source: str | None = Field(alias="from")
    evidence: str
    state: str
    satisfied_by: list[Satisfier]


class ReadRun(Answer):
    """One iteration of a step, with its clock."""

    iteration: int
    state: str
    responsible: str | None
    responsible_name: str | None
    performed_by: str | None
    performed_by_name: str | None
    started_at: str
    due_at: str
    finished_at: str | None
    outcome: str | None
    used_seconds: int
    limit_seconds: int
    used_by_day: dict[str, int]
    time: str
    is_judged: bool
    completeness: str | None
    requirements: list[ReadRequirement]


class ReadStep(Answer):
    """A step of a dossier: its checklist while it runs, and all its iterations."""

    step: str
    activity: str
    performer: str
    performer_title: str
    kind: str
    norm: str
    norm_seconds: int
    state: str
    to_decide: list[str]
    checklist: list[ReadRequirement]
    iterations: list[ReadRun]


class StepPage(PageAnswer):
    """A page of a dossier's steps, in the order of the SOP."""

    steps: list[ReadStep]


@blueprint.get("")
@operation(answer=StepPage, query=PageQuery)
def list_steps(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The steps of a dossier with checklist and clock."""
    page = page_request(query, "steps", is_count)
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    return with_state(found["history"][-1]["event"], page_answer("steps", cut_grown(found["steps"], page)))


@blueprint.get("/<key:step>")
@operation(answer=ReadStep)
def read_step(dossier: str, step: str) -> ResponseReturnValue:
    """One step with checklist and clock."""
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    one = next((s for s in found["steps"] if s["step"] == step), None)
    if one is None:
        raise NotFound("step_unknown", "This dossier has no such step.")
    return with_state(found["history"][-1]["event"], jsonify(one))


@blueprint.post("/<key:step>/submission")
@operation(status=204, body=SubmissionBody, takes_key=True, takes_match=True)
def submit_step(dossier: str, step: str, body: SubmissionBody) -> ResponseReturnValue:
    """Finish a step with its documents."""
    decisions.submit_step(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        versions=body.versions,
        accepts_gaps=body.accepts_gaps,
        seen=seen_states(),
    )
    return "", 204


@blueprint.post("/<key:step>/archiving")
@operation(answer=SealedStatement, status=202, body=ArchivingBody, takes_key=True, takes_match=True)
def archive_dossier(dossier: str, step: str, body: ArchivingBody) -> ResponseReturnValue:
    """Seal the dossier; the bundle is built afterwards."""
    digest = decisions.archive_dossier(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        accepts_gaps=body.accepts_gaps,
        seen=seen_states(),
    )
    return jsonify({"statement": digest}), 202


@blueprint.put("/<key:step>/responsible")
@operation(status=204, body=ResponsibleBody, takes_match=True)
def reassign_step(dossier: str, step: str, body: ResponsibleBody) -> ResponseReturnValue:
    """Another person answers for a running step."""
    dossiers.reassign_step(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        person=body.person,
        reason=body.reason,
        seen=seen_states(),
    )
    return "", 204
