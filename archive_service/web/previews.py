"""Documents shown in the page by the browser's own viewer, under headers of their own: nothing in them runs or loads anything."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from archive_service.services import reading, versions
from archive_service.web.auth import get_archive, require_actor

SHOWN = frozenset(["application/pdf", "image/png", "image/jpeg"])
"""The media types, as inspection identified them, that browsers show without running anything of ours."""
PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
IMAGE_POLICY = "default-src 'none'; img-src 'self'; frame-ancestors 'self'; sandbox"
"""An image needs no more; ``sandbox`` would keep Chromium's viewer from showing a PDF, which therefore has all but that."""

blueprint = Blueprint("web_previews", __name__, template_folder="templates")


@blueprint.get("/dossiers/<dossier>/documents/<document>/versions")
def list_versions(dossier: str, document: str) -> ResponseReturnValue:
    """The versions of a document, two of them side by side: the newest and the one before it, unless others are chosen."""
    found = versions.read_versions(get_archive(), require_actor(), dossier=dossier, document=document)
    known = [v["version"] for v in found["versions"]]
    chosen = [request.args.get(name) for name in ("left", "right")]
    left, right = (
        one if one in known else known[min(at, len(known) - 1)] for one, at in zip(chosen, (1, 0), strict=True)
    )
    by_id = {v["version"]: v for v in found["versions"]}
    sides = [by_id[left]] if left == right else [by_id[left], by_id[right]]
    return render_template("versions.html", dossier=dossier, found=found, sides=sides, left=left, right=right)


@blueprint.get("/dossiers/<dossier>/documents/<version>/preview")
def preview(dossier: str, version: str) -> ResponseReturnValue:
    """One version to look at in the page; a sentence for a kind of file that browsers do not show."""
    content = reading.read_document(get_archive(), require_actor(), dossier=dossier, version=version)
    if content.media_type not in SHOWN:
        page = render_template("no_preview.html", dossier=dossier, version=version, name=content.file_name)
        return make_response(page, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    response = Response(content.chunks, mimetype=content.media_type)
    response.headers["Content-Length"] = str(content.size)
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(content.file_name)}"
    response.headers["Content-Security-Policy"] = (
        PDF_POLICY if content.media_type == "application/pdf" else IMAGE_POLICY
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
