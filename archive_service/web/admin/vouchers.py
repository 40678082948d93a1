"""Who vouches for the log: witnesses and time-stamp authorities, what each answered last, and the policy as it is set."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from archive_service.services import vouching
from archive_service.web.admin.page import show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_vouchers", __name__, url_prefix="/admin/saksi")


@blueprint.get("")
def list_vouchers() -> ResponseReturnValue:
    """Witnesses and authorities with their last answers and errors."""
    found = vouching.read_vouchers(get_archive(), require_actor())
    return show("vouchers.html", url_for("web_admin_vouchers.list_vouchers"), v=found)
