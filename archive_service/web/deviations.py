"""Deviations: whoever answers for one explains it; whom the SOP names accepts the explanation or asks again."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from archive_service.services import deviations
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, back_to, refuse

blueprint = Blueprint("web_deviations", __name__, url_prefix="/dossiers/<dossier>/deviations")


@blueprint.post("/<deviation>/explanation")
def explain_deviation(dossier: str, deviation: str) -> ResponseReturnValue:
    """Record an explanation; it is never edited."""
    try:
        deviations.explain_deviation(
            get_archive(),
            require_actor(),
            dossier=dossier,
            deviation=deviation,
            explanation=request.form.get("explanation", ""),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"explain-{deviation}", exc)
    return back_to(dossier, "deviations", done="explained")


@blueprint.post("/<deviation>/answer")
def answer_explanation(dossier: str, deviation: str) -> ResponseReturnValue:
    """Accept the explanation that the page showed, or ask again with a reason."""
    number = request.form.get("number", "")
    is_accepted = request.form.get("answer") == "accept"
    try:
        deviations.answer_explanation(
            get_archive(),
            require_actor(),
            dossier=dossier,
            deviation=deviation,
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0,
            is_accepted=is_accepted,
            reason=request.form.get("reason"),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"answer-{deviation}", exc)
    return back_to(dossier, "deviations", done="accepted" if is_accepted else "asked_again")
