"""The log's newest checkpoint for everybody at the desk: who vouches for it, a sheet to print and keep, and one that was kept held against it."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from archive_service.errors import NotFound
from archive_service.services import comparing, publication, vouching
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


@blueprint.get("/segel/bandingkan")
def ask_comparison() -> ResponseReturnValue:
    """The form for a checkpoint or receipt that was kept elsewhere."""
    return render_template("compare.html", found=None, note="")


@blueprint.post("/segel/bandingkan")
def compare() -> ResponseReturnValue:
    """What the log is now to a note that somebody kept."""
    sent = request.files.get("file")
    data = sent.read(comparing.NOTE_BYTES + 1) if sent is not None and sent.filename else b""
    data = data or request.form.get("note", "").encode()
    found = comparing.compare_note(get_archive(), data)
    text = data[: comparing.NOTE_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    return render_template("compare.html", found=found, note=text)
