"""What an open page asks every few seconds: whether anything on it changed."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from archive_service.services import live
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.narration import narrate

blueprint = Blueprint("web_live", __name__)


@blueprint.get("/dossiers/<dossier>/pulse")
def pulse(dossier: str) -> ResponseReturnValue:
    """Nothing (204) while all is as in ``seen``; else the new state, and what others did in between as sentences."""
    seen = request.args.get("seen", "")
    found = live.read_pulse(get_archive(), require_actor(), dossier=dossier, seen=seen)
    if found.token == seen:
        return "", HTTPStatus.NO_CONTENT
    return jsonify({"token": found.token, "news": [f"{narrate(entry)}." for entry in found.news]})
