"""Deviations: list them with filters, read one, explain it."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Id, Quarter, Year
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, is_moment, page_answer, page_request
from archive_service.db.listing import DeviationFilter, DossierFilter
from archive_service.services import deviations, listing

blueprint = APIBlueprint("api_deviations", __name__, url_prefix="/api/v1", tag="deviations")

OF_DOSSIER = "/dossiers/<id:dossier>/deviations"


class ExplanationBody(Body):
    """An explanation of a deviation."""

    explanation: str


class AnswerBody(Body):
    """The answer to an explanation: accepted, or asked again with a reason."""

    is_accepted: bool
    reason: str | None = None


class RecordedExplanation(Answer):
    """The number of an explanation: it is answered by it."""

    number: int


class OneDossierQuery(PageQuery):
    """Which deviations of a dossier."""

    code: str | None = Field(None, max_length=64)
    step: str | None = Field(None, max_length=64)
    responsible: Id | None = None
    explained: Literal["true", "false"] | None = None

    def wanted(self) -> DeviationFilter:
        """The filter for the query."""
        is_explained = None if self.explained is None else self.explained == "true"
        return DeviationFilter(None, self.code, self.step, self.responsible, is_explained)


class DeviationsQuery(OneDossierQuery):
    """Which deviations of all dossiers."""

    work_unit: Id | None = None
    year: Year | None = None
    quarter: Quarter | None = None


class ReadDeviation(Answer):
    """A departure from the SOP's norms, and its explanation."""

    deviation: str
    dossier: str
    work_unit: str
    year: int
    quarter: int
    code: str
    step: str | None
    iteration: int | None
    subject: str | None
    role: str | None
    responsible: str | None
    responsible_name: str | None
    at: str
    event: str
    state: str
    explain_by: str | None
    escalated_at: str | None
    explained_at: str | None
    explained_by: str | None
    explained_by_name: str | None
    explanation: str | None


class DeviationPage(PageAnswer):
    """A page of deviations, newest first."""

    deviations: list[ReadDeviation]


@blueprint.get("/deviations")
@operation(answer=DeviationPage, query=DeviationsQuery)
def list_deviations(query: DeviationsQuery) -> ResponseReturnValue:
    """The deviations of all dossiers that one may read, newest first."""
    page = listing.page_deviations(
        get_archive(),
        require_actor(),
        dossiers=DossierFilter(None, None, query.work_unit, query.year, query.quarter),
        wanted=query.wanted(),
        page=page_request(query, "deviations", is_moment, is_id),
    )
    return page_answer("deviations", page)


@blueprint.get(OF_DOSSIER)
@operation(answer=DeviationPage, query=OneDossierQuery)
def list_deviations_of_dossier(dossier: str, query: OneDossierQuery) -> ResponseReturnValue:
    """The deviations of one dossier, newest first."""
    page = listing.page_deviations_of(
        get_archive(),
        require_actor(),
        dossier=dossier,
        wanted=query.wanted(),
        page=page_request(query, "deviations", is_moment, is_id),
    )
    return page_answer("deviations", page)


@blueprint.get(f"{OF_DOSSIER}/<id:deviation>")
@operation(answer=ReadDeviation)
def read_deviation(dossier: str, deviation: str) -> ResponseReturnValue:
    """One deviation with its explanation."""
    found, head = listing.read_deviation(get_archive(), require_actor(), dossier=dossier, deviation=deviation)
    return with_state(head, jsonify(found))


@blueprint.post(f"{OF_DOSSIER}/<id:deviation>/explanations")
@operation(answer=RecordedExplanation, status=201, body=ExplanationBody, takes_key=True, takes_match=True)
def explain_deviation(dossier: str, deviation: str, body: ExplanationBody) -> ResponseReturnValue:
    """The explanation of whoever answers for a deviation."""
    number = deviations.explain_deviation(
        get_archive(),
        require_actor(),
        dossier=dossier,
        deviation=deviation,
        explanation=body.explanation,
        seen=seen_states(),
    )
    return jsonify({"number": number}), 201


@blueprint.post(f"{OF_DOSSIER}/<id:deviation>/explanations/<seq:number>/answer")
@operation(status=204, body=AnswerBody, takes_key=True, takes_match=True)
def answer_explanation(dossier: str, deviation: str, number: int, body: AnswerBody) -> ResponseReturnValue:
    """Accept an explanation as the role that the SOP names, or ask again."""
    deviations.answer_explanation(
        get_archive(),
        require_actor(),
        dossier=dossier,
        deviation=deviation,
        number=number,
        is_accepted=body.is_accepted,
        reason=body.reason,
        seen=seen_states(),
    )
    return "", 204
