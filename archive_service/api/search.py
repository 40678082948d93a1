"""Search over dossiers, documents, events and people."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Id
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.services import search

blueprint = APIBlueprint("api_search", __name__, url_prefix="/api/v1/search", tag="search")


class SearchQuery(PageQuery):
    """What is searched; of one kind alone for the pages that follow."""

    q: str = Field(max_length=200, description="Words, an id or digest (its beginning), `#` and a leaf index.")
    work_unit: Id | None = None


class KindQuery(SearchQuery):
    """The same within one kind."""

    kind: Literal["dossier", "document", "event", "person"]


class Hit(Answer):
    """Something that was found; ``subject`` is its id, or its leaf hash for an event."""

    kind: str
    subject: str
    dossier: str | None
    title: str | None
    at: str | None
    work_unit_name: str | None
    person_name: str | None
    step: str | None
    digest: str | None
    state: str | None
    seq: int | None
    details: dict[str, str]


class HitGroup(Answer):
    """The newest of a kind; ``is_more``: there are more than ``count``."""

    kind: str
    count: int
    is_more: bool
    hits: list[Hit]


class SearchAnswer(Answer):
    """What was found, by kind; ``identified``: what the query names by an id, a digest or a number."""

    terms: list[str]
    identified: list[Hit]
    groups: list[HitGroup]


class HitPage(PageAnswer):
    """A page of what was found of one kind."""

    hits: list[Hit]


@blueprint.get("")
@operation(answer=SearchAnswer, query=SearchQuery)
def search_everything(query: SearchQuery) -> ResponseReturnValue:
    """What begins with every word, by kind, the newest first, within what one may read."""
    found = search.find(
        get_archive(),
        require_actor(),
        query=query.q,
        work_unit=query.work_unit,
        page=page_request(query, "hits", is_count),
    )
    groups = [{"kind": g.kind, "count": g.count, "is_more": g.is_more, "hits": g.page.rows} for g in found.groups]
    return jsonify({"terms": list(found.terms), "identified": found.identified, "groups": groups})


@blueprint.get("/hits")
@operation(answer=HitPage, query=KindQuery)
def search_kind(query: KindQuery) -> ResponseReturnValue:
    """What was found of one kind, page by page."""
    found = search.find(
        get_archive(),
        require_actor(),
        query=query.q,
        kind=query.kind,
        work_unit=query.work_unit,
        page=page_request(query, "hits", is_count),
    )
    if not found.groups:
        return jsonify({"hits": [], "next": None})
    return page_answer("hits", found.groups[0].page)
