"""Bundles: the archived package of a sealed dossier."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.content import send_content
from archive_service.api.operation import operation
from archive_service.services import reading

blueprint = APIBlueprint("api_bundles", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/bundle", tag="bundles")


class BundleMetadata(Answer):
    """What a bundle is: ``digest`` is its SHA-256."""

    digest: str
    size: int
    media_type: str
    file_name: str


@blueprint.get("")
@operation(answer=("application/zip",), is_download=True)
def read_bundle(dossier: str) -> ResponseReturnValue:
    """The bundle's bytes, one Range is served; Conflict ``bundle_not_ready`` while it is being built."""
    return send_content(reading.read_bundle(get_archive(), require_actor(), dossier=dossier))


@blueprint.get("/metadata")
@operation(answer=BundleMetadata, refuses=[409])
def read_bundle_metadata(dossier: str) -> ResponseReturnValue:
    """Digest, size and name of the bundle; Conflict ``bundle_not_ready`` while it is being built."""
    content = reading.read_bundle(get_archive(), require_actor(), dossier=dossier)
    return jsonify(
        {
            "digest": content.digest,
            "size": content.size,
            "media_type": content.media_type,
            "file_name": content.file_name,
        }
    )
