"""The start page: what waits for whom, until when."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.services import attestations, desk, notices, reading
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_home", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """My work for performers; the list of dossiers for those who look at all of them."""
    actor, archive = require_actor(), get_archive()
    done = request.args.get("done")
    if desk.is_performer(actor):
        work = desk.read_work(archive, actor)
        due = attestations.list_due(archive, actor)
        told = notices.list_notices(archive, actor)
        return render_template(
            "home.html", work=work, due=due, notices=told, done=done, may_open=actor.may("dossier.open")
        )
    if not actor.may("dossier.read") and actor.may("indicator.read"):
        return redirect(url_for("web_indicators.list_own"), HTTPStatus.SEE_OTHER)
    if not actor.may("dossier.read"):
        return render_template("nothing.html", done=done)
    return render_template(
        "dossiers.html", dossiers=reading.list_dossiers(archive, actor), done=done, may_open=actor.may("dossier.open")
    )
