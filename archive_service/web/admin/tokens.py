"""API tokens of everybody: who has one, what it reaches, when it was last used; revoke one."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import tokens, users
from archive_service.web.admin.page import act, asked_page, next_url, show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_tokens", __name__, url_prefix="/admin/token")


def _page(error: ArchiveError | None = None) -> Response:
    with_ended = request.args.get("semua") == "1"
    found = tokens.page_all_tokens(get_archive(), require_actor(), page=asked_page(), with_ended=with_ended)
    return show(
        "tokens.html",
        url_for("web_admin_tokens.list_tokens"),
        error,
        tokens=found.rows,
        with_ended=with_ended,
        next=next_url("web_admin_tokens.list_tokens", found.next, semua="1" if with_ended else ""),
    )


@blueprint.get("")
def list_tokens() -> ResponseReturnValue:
    """The tokens that still open something; with ``semua=1`` those that ended too."""
    return _page()


@blueprint.post("/<token>/cabut")
def revoke_token(token: str) -> ResponseReturnValue:
    """End a token."""
    require_actor().require("people.manage")
    return act(
        lambda: users.revoke_token(get_archive(), require_actor(), token=token),
        _page,
        url_for("web_admin_tokens.list_tokens", done="token_revoked"),
    )
