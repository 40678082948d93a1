"""Indicators: the list of a dossier and its import, results at the step that formulates them, recommendations carried over."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Query
from archive_service.api.operation import Text, operation, seen_states, with_state
from archive_service.inspection.tables import TABLE_LIMIT_BYTES, XLSX
from archive_service.services import indicator_reading, indicator_tables, indicators
from archive_service.services.indicator_tables import CSV

blueprint = APIBlueprint("api_indicators", __name__, url_prefix="/api/v1", tag="indicators")

OF_DOSSIER = "/dossiers/<id:dossier>/indicators"
RECOMMENDATIONS = "/dossiers/<id:dossier>/recommendations"
TABLE = Text((CSV, XLSX, "application/octet-stream"), TABLE_LIMIT_BYTES)


class IndicatorBody(Body):
    """An indicator of the list; ``person`` is a log-in, the name of one person, or an id."""

    code: str
    title: str
    target: str
    unit: str | None = None
    achievement: str | None = None
    person: str | None = None


class IndicatorsBody(Body):
    """Indicators to list, or to change where their codes are listed."""

    indicators: list[IndicatorBody] = Field(max_length=200)


class RemovalBody(Body):
    """Which indicator is taken off the list, and why."""

    code: str
    reason: str


class ResultBody(Body):
    """What is recorded of an indicator, or of the dossier as a whole where the code is null."""

    code: str | None = None
    achievement: str | None = None
    recommendation: str | None = None
    obstacle: str | None = None
    follow_up: str | None = None


class ResultsBody(Body):
    """Results to record."""

    results: list[ResultBody] = Field(max_length=201)


class RecommendationAnswerBody(Body):
    """What became of a recommendation."""

    state: Literal["done", "ongoing", "dropped"]
    note: str


class TableQuery(Query):
    """The file that the table came in."""

    name: str = Field("tabel.csv", max_length=1000, description="The file's name.")


class ListChanged(Answer):
    """How many indicators were listed or changed, and how many stood so already."""

    changed: int
    unchanged: int


class ResultsRecorded(Answer):
    """How many results differ from what stood."""

    recorded: int


class ReadResult(Answer):
    """A result; null where a text is not there or was erased."""

    step: str
    iteration: int
    code: str | None
    achievement: str | None
    recommendation: str | None
    obstacle: str | None
    follow_up: str | None
    person_name: str | None
    at: str
    event: str


class ReadIndicator(Answer):
    """An indicator with the versions that are evidence for it and its newest result at each step."""

    code: str
    title: str
    unit: str | None
    target: str
    achievement: str | None
    person: str | None
    person_name: str | None
    at: str
    event: str
    documents: list[str]
    results: list[ReadResult]


class IndicatorList(Answer):
    """A dossier's list: ``asked`` is false where the SOP asks for none; ``without`` names those that lack evidence."""

    dossier: str
    asked: bool
    listed: int
    with_evidence: int
    without: list[str]
    without_result: list[str]
    indicators: list[ReadIndicator]
    overall: list[ReadResult]


class ReadRecommendation(Answer):
    """A recommendation of the period before, and what became of it."""

    recommendation: str
    from_dossier: str
    from_event: str
    code: str | None
    text: str | None
    at: str
    state: str | None
    note: str | None
    answered_by_name: str | None
    answered_at: str | None


class Recommendations(Answer):
    """The recommendations that a dossier began with."""

    recommendations: list[ReadRecommendation]


class OwnDocument(Answer):
    """A document that one sent for an indicator."""

    version: str
    document: str
    number: int
    step: str
    kind: str
    file_name: str | None
    size: int
    digest: str
    received_at: str
    withdrawn_at: str | None


class OwnIndicator(Answer):
    """An indicator that one is in charge of; ``may_send``: the steps that take evidence from a contributor now."""

    code: str
    title: str
    unit: str | None
    target: str
    has_evidence: bool
    may_send: list[str]
    documents: list[OwnDocument]


class TakenKind(Answer):
    """A kind of document that a step takes."""

    kind: str
    title: str
    media: list[str]


class EvidenceStep(Answer):
    """A running step that takes evidence."""

    step: str
    activity: str
    due_at: str | None
    takes: list[TakenKind]


class OwnDossier(Answer):
    """An open dossier in which one is in charge of indicators."""

    dossier: str
    title: str | None
    work_unit: str
    year: int
    quarter: int
    steps: list[EvidenceStep]
    indicators: list[OwnIndicator]


class OwnIndicators(Answer):
    """What one is in charge of, the newest dossier first."""

    dossiers: list[OwnDossier]


@blueprint.get("/indicators")
@operation(answer=OwnIndicators)
def list_own_indicators() -> ResponseReturnValue:
    """The indicators that one is in charge of in open dossiers, with what one sent for them."""
    return jsonify({"dossiers": indicator_reading.list_own(get_archive(), require_actor())})


@blueprint.get("/indicators/template.csv")
@operation(answer=(CSV,))
def read_csv_template() -> ResponseReturnValue:
    """An empty table for a list of indicators, as CSV."""
    return _template("csv", CSV)


@blueprint.get("/indicators/template.xlsx")
@operation(answer=(XLSX,))
def read_xlsx_template() -> ResponseReturnValue:
    """An empty table for a list of indicators, as XLSX with a sheet of hints."""
    return _template("xlsx", XLSX)


def _template(kind: str, media: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="daftar-indikator.{kind}"'}
    return Response(indicator_tables.make_template(kind), mimetype=media, headers=headers)


@blueprint.get(OF_DOSSIER)
@operation(answer=IndicatorList)
def list_indicators(dossier: str) -> ResponseReturnValue:
    """The indicators of a dossier with their evidence and results; a contributor gets those that are theirs."""
    found, head = indicator_reading.read_indicators(get_archive(), require_actor(), dossier=dossier)
    return with_state(head, jsonify(found))


@blueprint.post(OF_DOSSIER)
@operation(answer=ListChanged, status=201, body=IndicatorsBody, takes_key=True, takes_match=True)
def set_indicators(dossier: str, body: IndicatorsBody) -> ResponseReturnValue:
    """List indicators, or change listed ones; every problem is named, and nothing is taken then."""
    change = indicators.set_indicators(
        get_archive(),
        require_actor(),
        dossier=dossier,
        indicators=[indicators.ListedIndicator(**each.model_dump()) for each in body.indicators],
        seen=seen_states(),
    )
    return jsonify({"changed": change.changed, "unchanged": change.unchanged}), 201


@blueprint.post(f"{OF_DOSSIER}/import")
@operation(answer=ListChanged, status=201, body=TABLE, query=TableQuery, takes_key=True, takes_match=True)
def import_indicators(dossier: str, query: TableQuery, data: bytes) -> ResponseReturnValue:
    """List the indicators of a table, CSV or XLSX as the template has it; every problem is named by row and column."""
    change = indicators.import_indicators(
        get_archive(), require_actor(), dossier=dossier, table=data, file_name=query.name, seen=seen_states()
    )
    return jsonify({"changed": change.changed, "unchanged": change.unchanged}), 201


@blueprint.post(f"{OF_DOSSIER}/removal")
@operation(status=204, body=RemovalBody, takes_key=True, takes_match=True)
def remove_indicator(dossier: str, body: RemovalBody) -> ResponseReturnValue:
    """Take an indicator off the list, with a reason."""
    indicators.remove_indicator(
        get_archive(), require_actor(), dossier=dossier, code=body.code, reason=body.reason, seen=seen_states()
    )
    return "", 204


@blueprint.post("/dossiers/<id:dossier>/steps/<key:step>/results")
@operation(answer=ResultsRecorded, status=201, body=ResultsBody, takes_key=True, takes_match=True)
def record_results(dossier: str, step: str, body: ResultsBody) -> ResponseReturnValue:
    """Record achievement, recommendation, obstacle and follow-up of indicators at the step that formulates them."""
    recorded = indicators.record_results(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        results=[indicators.IndicatorResult(**each.model_dump()) for each in body.results],
        seen=seen_states(),
    )
    return jsonify({"recorded": recorded}), 201


@blueprint.get(RECOMMENDATIONS)
@operation(answer=Recommendations)
def list_recommendations(dossier: str) -> ResponseReturnValue:
    """The recommendations of the period before that a dossier began with, and what became of them."""
    found, head = indicator_reading.read_recommendations(get_archive(), require_actor(), dossier=dossier)
    return with_state(head, jsonify({"recommendations": found}))


@blueprint.post(f"{RECOMMENDATIONS}/<digest:recommendation>/answer")
@operation(status=204, body=RecommendationAnswerBody, takes_key=True, takes_match=True)
def answer_recommendation(dossier: str, recommendation: str, body: RecommendationAnswerBody) -> ResponseReturnValue:
    """Say what became of a recommendation; the newest answer counts, and one that is not closed goes on to the next period."""
    indicators.answer_recommendation(
        get_archive(),
        require_actor(),
        dossier=dossier,
        recommendation=recommendation,
        state=body.state,
        note=body.note,
        seen=seen_states(),
    )
    return "", 204
