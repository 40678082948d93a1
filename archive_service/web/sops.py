"""SOPs: what is registered, and one version with its head, its steps and its flowchart."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from archive_service.flowchart import draw_flowchart
from archive_service.services import reading
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_sops", __name__, url_prefix="/sops")


@blueprint.get("")
def list_sops() -> ResponseReturnValue:
    """Every registered version of every SOP, the newest of each first."""
    return render_template("sops.html", sops=reading.list_sops(get_archive(), require_actor()), done=None)


@blueprint.get("/<digest>")
def sop(digest: str) -> ResponseReturnValue:
    """One version: who performs what, with which norms; the customary flowchart."""
    found = reading.read_sop(get_archive(), require_actor(), digest=digest)
    return render_template("sop.html", sop=found, digest=digest, flowchart=draw_flowchart(found), done=None)
