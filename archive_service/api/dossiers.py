"""Dossiers: open, list, read, cancel."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Id, Quarter, Year
from archive_service.api.decisions import MadeDecision
from archive_service.api.documents import ListedDocument
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, is_moment, page_answer, page_request
from archive_service.api.steps import ReadStep
from archive_service.api.vouching import LogLevel
from archive_service.db.listing import DossierFilter
from archive_service.services import dossiers, listing, reading

blueprint = APIBlueprint("api_dossiers", __name__, url_prefix="/api/v1/dossiers", tag="dossiers")


class LetterBody(Body):
    """The letter that asks for the report."""

    number: str
    sender: str
    agenda_number: str
    dated_on: str
    received_at: str
    reply_due_on: str | None = None


class DossierBody(Body):
    """A dossier to open."""

    sop: str = "sop-spmi-601"
    work_unit: str
    year: int
    quarter: int
    title: str
    letter: LetterBody
    answers: dict[str, str] = Field(default_factory=dict)


class CancellationBody(Body):
    """Why a dossier should end unfinished."""

    reason: str


class DossiersQuery(PageQuery):
    """Which dossiers."""

    status: Literal["open", "cancelled", "sealed"] | None = None
    work_unit: Id | None = None
    year: Year | None = None
    quarter: Quarter | None = None


class RunningStep(Answer):
    """A step that runs now, and who holds it until when."""

    step: str
    iteration: int
    responsible: str | None
    responsible_name: str | None
    due_at: str | None
    is_late: bool


class ListedDossier(Answer):
    """A dossier in a list."""

    dossier: str
    sop: str
    title: str | None
    work_unit: str
    year: int
    quarter: int
    status: str
    opened_at: str
    ended_at: str | None
    running: list[RunningStep]


class DossierPage(PageAnswer):
    """A page of dossiers, newest first."""

    dossiers: list[ListedDossier]


class OpenedDossier(Answer):
    """The id of a new dossier."""

    dossier: str


class PinnedSop(Answer):
    """The SOP version that a dossier runs under."""

    digest: str
    number: str
    title: str


class UnitName(Answer):
    """A work unit by id and name."""

    id: str
    name: str


class ReadLetter(Answer):
    """The letter that asked for the report; null where a value was erased."""

    number: str | None
    sender: str | None
    agenda_number: str | None
    dated_on: str
    received_at: str
    reply_due_on: str | None


class GivenExplanation(Answer):
    """One explanation of a deviation, its attachments as version ids, and what was answered to it."""

    number: int
    person: str
    person_name: str | None
    at: str
    event: str
    explanation: str | None
    attachments: list[str]
    answer: str | None
    answered_by_name: str | None
    answered_at: str | None
    reason: str | None


class AskedQuestion(Answer):
    """Something that the SOP asks once: ``asked_at`` is a step, or ``opening``."""

    key: str
    title: str
    choices: list[str]
    asked_at: str


class ReadEquipment(Answer):
    """An item of the SOP's equipment: ``present``, ``missing``, ``not_applicable``, or ``not_checked`` for one that is no document."""

    text: str
    kinds: list[str]
    steps: list[str]
    state: str
    digests: list[str]


class DossierDeviation(Answer):
    """A deviation, as a dossier shows it."""

    deviation: str
    code: str
    step: str | None
    iteration: int | None
    subject: str | None
    role: str | None
    responsible: str | None
    responsible_name: str | None
    at: str
    evidence: list[str]
    state: str
    is_open: bool
    explain_by: str | None
    explained_at: str | None
    escalated_at: str | None
    escalated_to: str | None
    accepted_by_role: str
    explanations: list[GivenExplanation]


class FlaggedDecision(Answer):
    """A flag on a decision, or on the seal where ``decision`` is null."""

    step: str
    iteration: int
    person: str
    person_name: str | None
    decision: str | None
    reasons: list[str]
    event: str


class HistoryEntry(Answer):
    """One event of a dossier, in short."""

    seq: int
    type: str
    at: str
    person: str | None
    event: str


class JobState(Answer):
    """How the work on a bundle stands."""

    state: str
    progress: int
    error: str | None


class BundleState(Answer):
    """The bundle of a dossier; nulls before there is one. ``level``: who vouches by now for the log that holds its seal."""

    level: LogLevel | None

    job: JobState | None
    digest: str | None
    size: int | None


class ReadDossier(Answer):
    """Everything about a dossier."""

    dossier: str
    status: str
    sop: PinnedSop
    calendar: str
    calendars: list[str]
    answers: dict[str, str]
    questions: list[AskedQuestion]
    work_unit: UnitName
    year: int
    quarter: int
    title: str | None
    letter: ReadLetter
    opened_at: str
    ended_at: str | None
    events: int
    steps: list[ReadStep]
    documents: list[ListedDocument]
    equipment: list[ReadEquipment]
    decisions: list[MadeDecision]
    flags: list[FlaggedDecision]
    deviations: list[DossierDeviation]
    history: list[HistoryEntry]
    bundle: BundleState


@blueprint.get("")
@operation(answer=DossierPage, query=DossiersQuery)
def list_dossiers(query: DossiersQuery) -> ResponseReturnValue:
    """The dossiers that one may read, newest first."""
    page = listing.page_dossiers(
        get_archive(),
        require_actor(),
        wanted=DossierFilter(None, query.status, query.work_unit, query.year, query.quarter),
        page=page_request(query, "dossiers", is_moment, is_id),
    )
    return page_answer("dossiers", page)


@blueprint.post("")
@operation(answer=OpenedDossier, status=201, body=DossierBody, takes_key=True, refuses=[404])
def open_dossier(body: DossierBody) -> ResponseReturnValue:
    """A new dossier; step 1's clock starts when the letter was received."""
    letter = dossiers.RequestLetter(**body.letter.model_dump())
    dossier = dossiers.open_dossier(
        get_archive(),
        require_actor(),
        sop=body.sop,
        work_unit=body.work_unit,
        year=body.year,
        quarter=body.quarter,
        title=body.title,
        letter=letter,
        answers=body.answers,
    )
    return jsonify({"dossier": dossier}), 201, {"Location": f"/api/v1/dossiers/{dossier}"}


@blueprint.get("/<id:dossier>")
@operation(answer=ReadDossier)
def read_dossier(dossier: str) -> ResponseReturnValue:
    """Everything about one dossier: steps, documents, decisions, deviations, history, bundle."""
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    return with_state(found["history"][-1]["event"], jsonify(found))


@blueprint.post("/<id:dossier>/cancellation")
@operation(status=204, body=CancellationBody, takes_key=True, takes_match=True)
def request_cancellation(dossier: str, body: CancellationBody) -> ResponseReturnValue:
    """Ask to cancel a dossier."""
    dossiers.request_cancellation(
        get_archive(), require_actor(), dossier=dossier, reason=body.reason, seen=seen_states()
    )
    return "", 204


@blueprint.post("/<id:dossier>/cancellation/confirmation")
@operation(status=204, takes_key=True, takes_match=True)
def confirm_cancellation(dossier: str) -> ResponseReturnValue:
    """Confirm, as a second person, that a dossier is cancelled."""
    dossiers.confirm_cancellation(get_archive(), require_actor(), dossier=dossier, seen=seen_states())
    return "", 204
