"""One search box over dossiers, documents, events and people, within what one may read."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from archive_service.db.paging import PageRequest
from archive_service.db.search_index import KINDS
from archive_service.domain import words
from archive_service.errors import ArchiveError, InvalidInput
from archive_service.services import reading, search
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.cursors import asked_page, is_count, next_url
from archive_service.web.problems import sentence_for

FIRST_OF_EACH = 5

blueprint = Blueprint("web_search", __name__, template_folder="templates")


@blueprint.app_template_filter("marked")
def marked(text: str | None, terms: tuple[str, ...] = ()) -> Markup:
    """The text with the words that were looked for marked; everything of it is escaped."""
    pieces = words.mark(text or "", terms)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if is_hit else escape(piece) for piece, is_hit in pieces
    )


@blueprint.get("/cari")
def find() -> ResponseReturnValue:
    """The search box, and what was found: the newest of each kind, or a page of one kind."""
    archive, actor = get_archive(), require_actor()
    query, kind = request.args.get("q", "").strip(), request.args.get("jenis") or None
    kind = kind if kind in KINDS else None
    unit = request.args.get("unit") or None
    found, problem = None, None
    if query:
        page = asked_page(is_count) if kind else PageRequest(FIRST_OF_EACH)
        try:
            found = search.find(archive, actor, query=query, kind=kind, work_unit=unit, page=page)
        except InvalidInput as exc:
            problem = exc
    page_text = render_template(
        "search.html",
        query=query,
        kind=kind,
        unit=unit,
        found=found,
        next=next_url(found.groups[0].page) if found and kind and found.groups else None,
        units=reading.list_work_units(archive, actor) if actor.may("dossier.read") else [],
        reaches=search.reach_of(actor),
        is_recorded=actor.may("audit.work"),
        problem=_sentence(problem),
    )
    return make_response(page_text, HTTPStatus.OK if problem is None else HTTPStatus.UNPROCESSABLE_ENTITY)


def _sentence(problem: ArchiveError | None) -> str | None:
    return None if problem is None else sentence_for(problem.code, problem.detail)
