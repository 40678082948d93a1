"""The log's newest checkpoint for everybody at the desk: who vouches for it, and a sheet to print, sign and keep."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from archive_service.errors import NotFound
from archive_service.services import publication, vouching
from archive_service.verifier.onefile import own_digest
from archive_service.web.auth import get_archive

blueprint = Blueprint("web_checkpoint", __name__, template_folder="templates")


@blueprint.get("/segel")
def show_checkpoint() -> ResponseReturnValue:
    """The checkpoint, its level, the keys; printed, it is a sheet with a place for a signature."""
    archive = get_archive()
    try:
        checkpoint = publication.read_checkpoint(archive)
    except NotFound:
        checkpoint = None
    return render_template(
        "checkpoint.html",
        status=vouching.read_status(archive),
        checkpoint=None if checkpoint is None else checkpoint.decode(),
        digest=None if checkpoint is None else sha256(checkpoint).hexdigest(),
        keys=publication.verifier_keys(archive).decode().splitlines(),
        verifier_digest=own_digest(),
    )
