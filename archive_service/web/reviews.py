"""The review screen: documents and decision together, for whoever decides a step, at a desk or on a phone."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.services import desk
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import Refused, dossier_facts, dossier_page

blueprint = Blueprint("web_reviews", __name__, template_folder="templates")


@blueprint.get("/dossiers/<dossier>/steps/<step>/review")
def review(dossier: str, step: str) -> ResponseReturnValue:
    """The screen of a step that one may decide now; the dossier's page for everybody else, and when it is decided."""
    return review_page(dossier, step, None)


@blueprint.get("/dossiers/<dossier>/steps/<step>")
def show_step(dossier: str, step: str) -> ResponseReturnValue:
    """Lead to where a step is done: the review screen or its place on the dossier's page. Mails name this address: unlike one with
    a fragment, it survives the log-in before it."""
    if desk.may_decide(get_archive(), require_actor(), dossier=dossier, step=step):
        return redirect(url_for("web_reviews.review", dossier=dossier, step=step), HTTPStatus.SEE_OTHER)
    return _to_dossier(dossier, step)


def review_page(dossier: str, step: str, refused: Refused | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The screen, with a refused decision's sentence in it; where nothing is to be decided any more, the dossier's page says so."""
    g.shown_at = url_for("web_reviews.review", dossier=dossier, step=step)
    facts = dossier_facts(dossier)
    found = next((s for s in facts["d"]["steps"] if s["step"] == step and desk.DECIDE in s["acts"]), None)
    if found is None:
        return _to_dossier(dossier, step) if refused is None else dossier_page(dossier, refused, status)
    page = render_template("review.html", s=found, refused=refused, typed=request.form if refused else {}, **facts)
    return make_response(page, status)


def _to_dossier(dossier: str, step: str) -> Response:
    place = url_for("web_dossiers.dossier", dossier=dossier, _anchor=f"step-{step}")
    return make_response(redirect(place, HTTPStatus.SEE_OTHER))
