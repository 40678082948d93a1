"""Styles and scripts, under an address that holds the digest of them all: kept for a year, new at once when one changes."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, send_from_directory, url_for
from flask.typing import ResponseReturnValue

FOLDER = Path(__file__).parent / "static"
YEAR_SECONDS = 365 * 24 * 3600
# a file that is no page loads nothing: the policy of pages on each would cost a first visit two kilobytes
POLICY = "default-src 'none'; frame-ancestors 'none'"

blueprint = Blueprint("web_static", __name__)


@cache
def static_digest() -> str:
    """The first 16 hex digits of one digest over all static files: modules that import each other change together."""
    digest = sha256()
    for path in sorted(p for p in FOLDER.rglob("*") if p.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def static_url(name: str) -> str:
    """The address of a static file as it is now."""
    return url_for("web_static.file", digest=static_digest(), name=name)


@blueprint.get("/static/<digest>/<path:name>")
def file(digest: str, name: str) -> ResponseReturnValue:
    """A static file; what an old page asks for by an old digest is given too, but not kept."""
    response: Response = send_from_directory(FOLDER, name, etag=True)
    # small files: as bytes they can be compressed on the way out
    response.direct_passthrough = False
    response.make_sequence()
    response.headers["Content-Security-Policy"] = POLICY
    if digest == static_digest():
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response
