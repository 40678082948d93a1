"""Originals on paper: recorded beside each document."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from archive_service.errors import InvalidInput
from archive_service.services import papers
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, back_to, refuse, require_fresh

blueprint = Blueprint("web_papers", __name__, url_prefix="/dossiers/<dossier>/documents")


@blueprint.post("/<document>/paper")
def record_paper(dossier: str, document: str) -> ResponseReturnValue:
    """Record where a document's original on paper lies, or that it has none."""
    typed = request.form
    try:
        require_fresh(dossier, types=("document.paper_recorded",), document=document)
        if typed.get("exists") not in ("yes", "no"):
            raise InvalidInput("paper_choice_missing", "Say whether there is an original on paper.")
        papers.record_paper(
            get_archive(),
            require_actor(),
            dossier=dossier,
            document=document,
            exists=typed["exists"] == "yes",
            room=typed.get("room"),
            shelf=typed.get("shelf"),
            box=typed.get("box"),
            folder=typed.get("folder"),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"paper-{document}", exc)
    return back_to(dossier, "documents", done="paper_recorded")
