"""Retention schedules (JRA): versions, what each says, a new one checked and registered."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.domain import canonical
from archive_service.domain.retention import KIND, parse_schedule
from archive_service.errors import ArchiveError, Conflict, InvalidDefinition, InvalidInput
from archive_service.services import retention, sops
from archive_service.web.admin.page import show
from archive_service.web.admin.sops import sent_text
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_retention", __name__, url_prefix="/admin/retensi")


@blueprint.get("")
def list_schedules() -> ResponseReturnValue:
    """Every version of every schedule."""
    found = retention.list_schedules(get_archive(), require_actor())
    return show("retention.html", url_for("web_admin_retention.list_schedules"), schedules=found)


@blueprint.get("/<digest>")
def schedule(digest: str) -> ResponseReturnValue:
    """One version: every entry of it."""
    found = retention.read_schedule(get_archive(), require_actor(), digest=digest)
    at = url_for("web_admin_retention.schedule", digest=digest)
    return show("retention_schedule.html", at, s=found, digest=digest)


def _check_page(error: ArchiveError | None = None, text: str = "", checked: sops.Checked | None = None) -> Response:
    require_actor().require("definition.manage")
    definition = None if checked is None else checked.definition
    found = None if definition is None else parse_schedule(canonical.decode(definition.data))
    at = url_for("web_admin_retention.check_form")
    page = show("retention_check.html", at, error, text=text, checked=checked, s=found)
    if error is None and checked is not None and definition is None:
        page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return page


@blueprint.get("/periksa")
def check_form() -> ResponseReturnValue:
    """The form that takes a new version; begun from a registered one with ``dari``."""
    digest = request.args.get("dari")
    text = "" if digest is None else sops.read_text(get_archive(), require_actor(), digest=digest)
    return _check_page(text=text)


@blueprint.post("/periksa")
def check() -> ResponseReturnValue:
    """Check a text and show what it says; nothing is kept."""
    require_actor().require("definition.manage")
    try:
        text = sent_text()
    except InvalidInput as exc:
        return _check_page(exc, request.form.get("text", ""))
    return _check_page(None, text, sops.check_text(get_archive(), require_actor(), text=text, kind=KIND))


@blueprint.post("")
def register() -> ResponseReturnValue:
    """Register the text that was looked at as a new version."""
    archive, actor = get_archive(), require_actor()
    actor.require("definition.manage")
    text = ""
    try:
        text = sent_text()
        sops.register_text(archive, actor, text=text, kind=KIND)
    except InvalidDefinition:
        return _check_page(None, text, sops.check_text(archive, actor, text=text, kind=KIND))
    except (InvalidInput, Conflict) as exc:
        return _check_page(exc, text)
    to = url_for("web_admin_retention.list_schedules", done="schedule_registered")
    return make_response(redirect(to, HTTPStatus.SEE_OTHER))
