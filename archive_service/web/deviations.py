"""Deviations: whoever answers for one explains it; whom the SOP names accepts the explanation or asks again."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from archive_service.services import deviations, uploads
from archive_service.services.live import EXPLAINING
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, back_to, refuse, require_fresh
from archive_service.web.uploads import file_chunks, upload_slot

blueprint = Blueprint("web_deviations", __name__, url_prefix="/dossiers/<dossier>/deviations")


@blueprint.post("/<deviation>/explanation")
def explain_deviation(dossier: str, deviation: str) -> ResponseReturnValue:
    """Take the files that came with an explanation, and record it; it is never edited."""
    sent = [file for file in request.files.getlist("file") if file.filename]
    try:
        require_fresh(dossier, types=EXPLAINING, deviation=deviation)
        # an explanation without words is refused before its files are kept
        for file in sent if request.form.get("explanation", "").strip() else []:
            with upload_slot():
                uploads.receive_attachment(
                    get_archive(),
                    require_actor(),
                    dossier=dossier,
                    deviation=deviation,
                    file_name=str(file.filename),
                    chunks=file_chunks(file.stream),
                )
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
        require_fresh(dossier, types=EXPLAINING, deviation=deviation)
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
