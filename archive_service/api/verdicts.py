"""Verdicts: the judgement of each finished iteration of a step, completeness and time."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.api.steps import ReadRequirement
from archive_service.services import listing

blueprint = APIBlueprint("api_verdicts", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/verdicts", tag="verdicts")


class GivenVerdict(Answer):
    """The judgement of one iteration."""

    step: str
    iteration: int
    time: str
    used_seconds: int
    limit_seconds: int
    used_by_day: dict[str, int]
    completeness: str
    requirements: list[ReadRequirement]
    at: str
    event: str


class VerdictPage(PageAnswer):
    """A page of a dossier's verdicts, in the order in which they were given."""

    verdicts: list[GivenVerdict]


@blueprint.get("")
@operation(answer=VerdictPage, query=PageQuery)
def list_verdicts(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The verdicts of a dossier, in the order in which they were given."""
    page = page_request(query, "verdicts", is_count)
    return page_answer("verdicts", listing.page_verdicts(get_archive(), require_actor(), dossier=dossier, page=page))
