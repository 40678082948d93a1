"""The one-file verifier and its SHA-256, for everybody: who verifies must not need an account with whom he verifies."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from archive_service.verifier.onefile import FILE_NAME, build_verifier, own_digest

blueprint = Blueprint("web_verifier", __name__)


@blueprint.get(f"/{FILE_NAME}")
def program() -> ResponseReturnValue:
    """The program, as a download."""
    response = Response(build_verifier(), mimetype="text/x-python")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return _kept(response)


@blueprint.get(f"/{FILE_NAME}.sha256")
def digest() -> ResponseReturnValue:
    """Its SHA-256 as ``sha256sum -c`` reads it; worth something only beside one published elsewhere."""
    return _kept(Response(f"{own_digest()}  {FILE_NAME}\n", mimetype="text/plain"))


def _kept(response: Response) -> Response:
    """Asked for again each time, and sent again only by another version of the service."""
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(own_digest())
    response.make_conditional(request)
    return response
