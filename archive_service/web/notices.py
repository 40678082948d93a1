"""Notices: what one is told, marked as read."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.db.paging import PageRequest
from archive_service.services import notices
from archive_service.web.auth import get_archive, require_actor

LISTED = 100

blueprint = Blueprint("web_notices", __name__, template_folder="templates")


@blueprint.get("/notices")
def list_notices() -> ResponseReturnValue:
    """One's newest notices, read ones too."""
    found = notices.page_notices(get_archive(), require_actor(), page=PageRequest(LISTED)).rows
    return render_template("notices.html", notices=found, done=request.args.get("done"))


@blueprint.post("/notices/read")
def mark_read() -> ResponseReturnValue:
    """Mark the notices that a page showed as read."""
    notices.mark_read(get_archive(), require_actor(), notices=request.form.getlist("notice"))
    place = "web_home.home" if request.form.get("from") == "home" else "web_notices.list_notices"
    return redirect(url_for(place), HTTPStatus.SEE_OTHER)
