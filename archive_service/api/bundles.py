"""Bundles: the archived package of a sealed dossier."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.services import reading

blueprint = Blueprint("api_bundles", __name__, url_prefix="/api/v1/dossiers/<dossier>/bundle")


@blueprint.get("")
def read_bundle(dossier: str) -> ResponseReturnValue:
    """The bundle's bytes; Conflict ``bundle_not_ready`` while it is being built."""
    content = reading.read_bundle(get_archive(), require_actor(), dossier=dossier)
    return Response(
        content.chunks,
        mimetype="application/zip",
        headers={
            "Content-Length": str(content.size),
            "Content-Disposition": f'attachment; filename="{content.file_name}"',
            "ETag": f'"{content.digest}"',
        },
    )
