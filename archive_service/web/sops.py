"""Pages of the SOPs: every version, its cover sheet as issued, its flowchart, and what was inferred."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date
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


def _as_printed(day: str | None) -> str:
    """A date as the cover sheet has it, in the sheet's language whatever the page's is."""
    if day is None:
        return "-"
    return str(format_date(date.fromisoformat(day), "d MMMM yyyy", locale="id"))


@blueprint.get("/<digest>")
def sop(digest: str) -> ResponseReturnValue:
    """One version: the cover sheet in its own words, the customary flowchart, the steps with what was inferred of them."""
    found = reading.read_sop(get_archive(), require_actor(), digest=digest)
    return render_template(
        "sop.html",
        sop=found,
        digest=digest,
        flowchart=draw_flowchart(found),
        dates={
            "made": _as_printed(found.made_on),
            "revised": _as_printed(found.revised_on),
            "effective": _as_printed(found.effective_on),
        },
        guesses=sum(len(step.inferred) for step in found.steps),
        done=None,
    )
