"""The start page: what waits for whom, until when."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, gettext, ngettext

from archive_service.services import attestations, awaited, desk, notices
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import dossiers_page

WORKSPACES = (
    ("audit.work", "web_auditor.home"),
    ("verdict.judge_again", "web_quality.overview"),
    ("service.manage", "web_admin_overview.overview"),
)
"""What only one office role may do → where its people begin."""

blueprint = Blueprint("web_home", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """My work for performers; for everybody else the place where their work lies."""
    actor, archive = require_actor(), get_archive()
    done = request.args.get("done")
    if desk.is_performer(actor):
        work = desk.read_work(archive, actor, is_whole="all" in request.args)
        due = attestations.list_due(archive, actor)
        return render_template(
            "home.html",
            work=work,
            summary=_summary(work),
            to_answer=awaited.list_to_answer(archive, actor),
            returned=awaited.list_returned(archive, actor),
            due=due,
            notices=notices.list_notices(archive, actor),
            done=done,
            may_open=actor.may("dossier.open"),
        )
    if not actor.may("dossier.read") and actor.may("indicator.read"):
        return redirect(url_for("web_indicators.list_own"), HTTPStatus.SEE_OTHER)
    workspace = next((place for action, place in WORKSPACES if actor.may(action)), None)
    if workspace is not None and done is None:
        return redirect(url_for(workspace), HTTPStatus.SEE_OTHER)
    if not actor.may("dossier.read"):
        return render_template("nothing.html", done=done)
    return dossiers_page(done)


def _summary(work: dict[str, Any]) -> str:
    """The day and how much waits, in one line."""
    late = sum(
        1 for run in work["mine"] if run["used_seconds"] is not None and run["used_seconds"] > run["limit_seconds"]
    )
    waiting = ngettext("%(num)s step waits for you", "%(num)s steps wait for you", len(work["mine"]))
    parts = [
        str(format_date(work["now"], "EEEE, d MMMM y")),
        waiting if work["mine"] else gettext("nothing waits for you"),
    ]
    if late:
        parts.append(ngettext("%(num)s of them is late", "%(num)s of them are late", late))
    return " · ".join(parts)
