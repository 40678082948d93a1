"""Log-ins: all of them with their state; what is done to one is done on its person's page."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.services import directory
from archive_service.web.admin.page import asked_page, next_url, show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_users", __name__, url_prefix="/admin/akun")


@blueprint.get("")
def list_users() -> ResponseReturnValue:
    """Log-ins by name."""
    text = request.args.get("q", "").strip()[:100]
    found = directory.page_logins(get_archive(), require_actor(), page=asked_page(), text=text or None)
    return show(
        "users.html",
        url_for("web_admin_users.list_users"),
        users=found.rows,
        q=text,
        next=next_url("web_admin_users.list_users", found.next, q=text),
    )
