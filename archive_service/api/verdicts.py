"""Verdicts: the judgement of each finished iteration of a step, completeness and time."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.api.steps import ReadRequirement
from archive_service.services import compliance, listing

blueprint = APIBlueprint("api_verdicts", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/verdicts", tag="verdicts")


class GivenVerdict(Answer):
    """A judgement of one iteration; of several the one with the highest number counts."""

    step: str
    iteration: int
    number: int
    calendar: str
    excluded_seconds: int
    time: str
    used_seconds: int
    limit_seconds: int
    used_by_day: dict[str, int]
    completeness: str
    requirements: list[ReadRequirement]
    at: str
    event: str


class JudgingBody(Body):
    """By which calendar to judge again (a digest; the newest version of the dossier's own when left out), and why."""

    reason: str
    calendar: str | None = None


class JudgedAgain(Answer):
    """The calendar that the new verdicts were given by."""

    calendar: str


class VerdictPage(PageAnswer):
    """A page of a dossier's verdicts, in the order in which they were given."""

    verdicts: list[GivenVerdict]


@blueprint.get("")
@operation(answer=VerdictPage, query=PageQuery)
def list_verdicts(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The verdicts of a dossier, in the order in which they were given."""
    page = page_request(query, "verdicts", is_count)
    return page_answer("verdicts", listing.page_verdicts(get_archive(), require_actor(), dossier=dossier, page=page))


@blueprint.post("/again")
@operation(answer=JudgedAgain, status=201, body=JudgingBody, takes_key=True, takes_match=True)
def judge_again(dossier: str, body: JudgingBody) -> ResponseReturnValue:
    """Judge by another version of the calendar; the verdicts that were given stay beside the new ones."""
    digest = compliance.judge_again(
        get_archive(),
        require_actor(),
        dossier=dossier,
        reason=body.reason,
        calendar=body.calendar,
        seen=seen_states(),
    )
    return jsonify({"calendar": digest}), 201
