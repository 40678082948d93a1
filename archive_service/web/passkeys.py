"""One's own passkeys: made by the browser, named, revoked."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, Conflict, InvalidInput
from archive_service.services import passkeys
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_passkeys", __name__, url_prefix="/settings/passkeys", template_folder="templates")


@blueprint.get("")
def show_passkeys() -> ResponseReturnValue:
    """The passkeys as they are, and the form for another."""
    return _page(None, None, HTTPStatus.OK)


@blueprint.post("/preparation")
def prepare_passkey() -> ResponseReturnValue:
    """What the script needs to make a passkey, as JSON."""
    return jsonify(passkeys.prepare_passkey(get_archive(), require_actor(), password=request.form.get("password", "")))


@blueprint.post("")
def register_passkey() -> ResponseReturnValue:
    """Register what the browser made."""
    try:
        passkeys.register_passkey(
            get_archive(),
            require_actor(),
            preparation=request.form.get("preparation", ""),
            name=request.form.get("name", ""),
            credential=read_credential(),
        )
    except (InvalidInput, Conflict) as exc:
        return _refuse("register", exc)
    return redirect(url_for("web_passkeys.show_passkeys", done="passkey_registered"), HTTPStatus.SEE_OTHER)


@blueprint.post("/<passkey>/revocation")
def revoke_passkey(passkey: str) -> ResponseReturnValue:
    """Revoke a passkey."""
    try:
        passkeys.revoke_passkey(
            get_archive(), require_actor(), passkey=passkey, password=request.form.get("password", "")
        )
    except InvalidInput as exc:
        return _refuse(passkey, exc)
    return redirect(url_for("web_passkeys.show_passkeys", done="passkey_revoked"), HTTPStatus.SEE_OTHER)


def read_credential() -> dict[str, Any]:
    """What the browser's authenticator gave; InvalidInput ``script_needed`` where no script filled it in."""
    try:
        found = json.loads(request.form.get("credential", ""))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(
            "script_needed",
            "A passkey needs JavaScript: allow it for this page, or use another browser.",
            field="credential",
        )
    return found


def _refuse(form: str, error: ArchiveError) -> Response:
    status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(form, sentence_for(error.code, error.detail), status)


def _page(form: str | None, problem: str | None, status: HTTPStatus) -> Response:
    g.shown_at = url_for("web_passkeys.show_passkeys")
    archive = get_archive()
    party = passkeys.find_relying_party(archive.settings)
    page = render_template(
        "passkeys.html",
        passkeys=passkeys.list_passkeys(archive, require_actor()),
        party=party,
        is_elsewhere=party is not None and request.host_url.rstrip("/") != party.origin,
        form=form,
        problem=problem,
        typed=request.form.get("name", "")[:100],
        done=request.args.get("done"),
    )
    return make_response(page, status)
