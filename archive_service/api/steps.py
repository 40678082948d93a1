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
    """A submission; ``versions`` are the ids that it is meant to hold, all that stand when left out.

    ``answers``: question to choice. ``happened_at``: when it is said to have happened, for an act that is entered later.
    """

    versions: list[str] | None = None
    accepts_gaps: bool = False
    answers: dict[str, str] = Field(default_factory=dict)
    happened_at: str | None = None


class ArchivingBody(Body):
    """The act that seals a dossier."""

    accepts_gaps: bool = False
    happened_at: str | None = None


class ExceptionBody(Body):
    """Whom the separation of duties shall not bar from a step, and why."""

    person: str
    reason: str


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
    """One thing that a step needs or leaves: at least ``minimum`` documents of these ``media``, or one act.

    ``state``: ``present``, ``missing``, ``damaged``, ``not_applicable`` (its step was skipped), ``optional`` (not required, and not there).
    """

    direction: str
    kind: str
    title: str
    source: str | None = Field(alias="from")
    evidence: str
    state: str
    minimum: int
    media: list[str]
    satisfied_by: list[Satisfier]


class ReadPause(Answer):
    """Time that does not count; without ``to_at`` it goes on."""

    pause: str
    cause: str
    from_at: str
    to_at: str | None
    granted_by: str
    granted_by_name: str | None
    reason: str | None


class TimeVerdict(Answer):
    """One verdict on the time of an iteration."""

    event: str
    number: int
    started_at: str
    finished_at: str
    due_at: str
    limit_seconds: int
    used_seconds: int
    excluded_seconds: int
    late_by_seconds: int
    policy: str
    day_minutes: int
    calendar: str
    result: str


class ReadRun(Answer):
    """One iteration of a step, with its clock.

    ``completeness``: ``complete``, ``gaps``, ``nothing_required``; null while nothing was judged.
    """

    iteration: int
    state: str
    responsible: str | None
    responsible_name: str | None
    performed_by: str | None
    performed_by_name: str | None
    started_at: str
    due_at: str | None
    finished_at: str | None
    outcome: str | None
    used_seconds: int
    limit_seconds: int
    excluded_seconds: int
    late_by_seconds: int
    used_by_day: dict[str, int]
    policy: str
    calendar: str
    time: str
    pauses: list[ReadPause]
    transfer: list[str] | None
    verdicts: list[TimeVerdict]
    is_judged: bool
    completeness: str | None
    requirements: list[ReadRequirement]


class InAll(Answer):
    """All iterations of a step together, against the norm of one."""

    iterations: int
    used_seconds: int
    limit_seconds: int


class ReadStep(Answer):
    """A step of a dossier: its checklist while it runs, and all its iterations."""

    step: str
    activity: str
    performer: str
    performer_title: str
    pauses_granted_by: str
    kind: str
    norm: str
    norm_seconds: int
    state: str
    to_decide: list[str]
    checklist: list[ReadRequirement]
    iterations: list[ReadRun]
    in_all: InAll


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
        answers=body.answers,
        happened_at=body.happened_at,
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
        happened_at=body.happened_at,
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


@blueprint.post("/<key:step>/exceptions")
@operation(status=204, body=ExceptionBody, takes_key=True, takes_match=True)
def except_duty(dossier: str, step: str, body: ExceptionBody) -> ResponseReturnValue:
    """Let a person perform a running step that the separation of duties bars them from, where it leaves nobody; a deviation."""
    dossiers.except_duty(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        person=body.person,
        reason=body.reason,
        seen=seen_states(),
    )
    return "", 204
