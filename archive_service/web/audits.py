"""What the audits of the archive found, and a form that starts one; for auditors and administrators."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.services import audits
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_audits", __name__, url_prefix="/audits")


@blueprint.get("")
def list_audits() -> ResponseReturnValue:
    """The newest audits."""
    found = audits.list_audits(get_archive(), require_actor())
    return render_template("audits.html", audits=found, done=request.args.get("done"))


@blueprint.post("")
def request_audit() -> ResponseReturnValue:
    """Have the archive audited now."""
    audits.request_audit(get_archive(), require_actor(), with_objects=request.form.get("with_objects") == "yes")
    return redirect(url_for("web_audits.list_audits", done="audit"), HTTPStatus.SEE_OTHER)
