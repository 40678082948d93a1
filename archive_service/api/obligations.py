"""What work units owe each period, and what they did not carry out."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Quarter, Query, Year
from archive_service.api.operation import operation
from archive_service.services import obligations

blueprint = APIBlueprint("api_obligations", __name__, url_prefix="/api/v1", tag="obligations")


class ObligationsBody(Body):
    """A quarter to open: for all work units where none are named."""

    sop: str = "sop-spmi-601"
    year: int
    quarter: int
    due_on: str
    basis: Literal["letter", "calendar"] = "calendar"
    letter: str | None = None
    work_units: list[str] | None = None


class WithdrawalBody(Body):
    """Why a unit does not owe it after all."""

    reason: str


class ExplanationBody(Body):
    """Why a procedure was not carried out."""

    explanation: str


class AnswerBody(Body):
    """The answer to an explanation: accepted, or asked again with a reason."""

    is_accepted: bool
    reason: str | None = None


class PeriodQuery(Query):
    """Which quarter; the current one where none is named."""

    year: Year | None = None
    quarter: Quarter | None = None


class SetObligations(Answer):
    """How many obligations were set now; those that stood already are not counted."""

    made: int


class ListedObligation(Answer):
    """What a unit owes: ``met`` by a dossier, ``open``, or ``not_started`` in time."""

    obligation: str
    work_unit: str
    work_unit_name: str
    sop: str
    year: int
    quarter: int
    due_at: str
    basis: str
    dossier: str | None
    state: str
    deviation: str | None
    deviation_state: str | None


class ListedObligations(Answer):
    """The obligations of a quarter, by work unit."""

    obligations: list[ListedObligation]


class UnitExplanation(Answer):
    """An explanation, and what was answered to it."""

    number: int
    person_name: str | None
    at: str
    explanation: str | None
    answer: str | None


class UnitDeviation(Answer):
    """A procedure that a unit did not carry out."""

    deviation: str
    code: str
    subject: str | None
    role: str | None
    responsible: str | None
    responsible_name: str | None
    at: str
    state: str
    explain_by: str | None
    escalated_at: str | None
    accepted_by_role: str
    explanations: list[UnitExplanation]


class UnitDeviations(Answer):
    """What a work unit did not carry out, oldest first."""

    deviations: list[UnitDeviation]


class NumberedExplanation(Answer):
    """The number of an explanation: it is answered by it."""

    number: int


@blueprint.get("/obligations")
@operation(answer=ListedObligations, query=PeriodQuery)
def list_obligations(query: PeriodQuery) -> ResponseReturnValue:
    """What the units that one may see owe in a quarter."""
    now = get_archive().log.clock()
    found = obligations.list_obligations(
        get_archive(),
        require_actor(),
        year=query.year or now.year,
        quarter=query.quarter or (now.month - 1) // 3 + 1,
    )
    return jsonify({"obligations": found})


@blueprint.post("/obligations")
@operation(answer=SetObligations, status=201, body=ObligationsBody, takes_key=True, refuses=[404])
def set_obligations(body: ObligationsBody) -> ResponseReturnValue:
    """Open a quarter: asked again, only what is missing is added."""
    made = obligations.set_obligations(get_archive(), require_actor(), **body.model_dump())
    return jsonify({"made": made}), 201


@blueprint.post("/obligations/<id:obligation>/withdrawal")
@operation(status=204, body=WithdrawalBody, takes_key=True)
def withdraw_obligation(obligation: str, body: WithdrawalBody) -> ResponseReturnValue:
    """Say that a unit does not owe it after all."""
    obligations.withdraw_obligation(get_archive(), require_actor(), obligation=obligation, reason=body.reason)
    return "", 204


@blueprint.get("/work-units/<id:work_unit>/deviations")
@operation(answer=UnitDeviations)
def list_unit_deviations(work_unit: str) -> ResponseReturnValue:
    """What a work unit did not carry out."""
    found = obligations.list_unit_deviations(get_archive(), require_actor(), work_unit=work_unit)
    return jsonify({"deviations": found})


@blueprint.post("/work-units/<id:work_unit>/deviations/<id:deviation>/explanations")
@operation(answer=NumberedExplanation, status=201, body=ExplanationBody, takes_key=True)
def explain_unit_deviation(work_unit: str, deviation: str, body: ExplanationBody) -> ResponseReturnValue:
    """The explanation of whoever answers for it."""
    number = obligations.explain_unit_deviation(
        get_archive(), require_actor(), work_unit=work_unit, deviation=deviation, explanation=body.explanation
    )
    return jsonify({"number": number}), 201


@blueprint.post("/work-units/<id:work_unit>/deviations/<id:deviation>/explanations/<seq:number>/answer")
@operation(status=204, body=AnswerBody, takes_key=True)
def answer_unit_explanation(work_unit: str, deviation: str, number: int, body: AnswerBody) -> ResponseReturnValue:
    """Accept an explanation, or ask again."""
    obligations.answer_unit_explanation(
        get_archive(),
        require_actor(),
        work_unit=work_unit,
        deviation=deviation,
        number=number,
        is_accepted=body.is_accepted,
        reason=body.reason,
    )
    return "", 204
