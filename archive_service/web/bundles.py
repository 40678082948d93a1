"""Bundles: how their building stands, and the download."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from archive_service.services import reading
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_bundles", __name__, url_prefix="/dossiers/<dossier>/bundle")


@blueprint.get("")
def bundle(dossier: str) -> ResponseReturnValue:
    """The bundle, as a download."""
    content = reading.read_bundle(get_archive(), require_actor(), dossier=dossier)
    headers = {
        "Content-Length": str(content.size),
        "Content-Disposition": f'attachment; filename="{content.file_name}"',
    }
    return Response(content.chunks, mimetype=content.media_type, headers=headers)


@blueprint.get("/progress")
def progress(dossier: str) -> ResponseReturnValue:
    """How the work on the bundle stands, for the script that waits for it."""
    return jsonify(reading.read_bundle_progress(get_archive(), require_actor(), dossier=dossier))
