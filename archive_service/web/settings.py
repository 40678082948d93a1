"""One's own settings: where mail goes."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import InvalidInput
from archive_service.services import users
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_settings", __name__, url_prefix="/settings", template_folder="templates")


@blueprint.get("")
def show_settings() -> ResponseReturnValue:
    """The settings as they are."""
    return _page(users.find_mail(get_archive(), require_actor()), None, HTTPStatus.OK)


@blueprint.post("")
def set_mail() -> ResponseReturnValue:
    """Set one's mail address, or take it away."""
    actor, typed = require_actor(), request.form.get("mail", "")
    try:
        users.set_mail(get_archive(), actor, user=actor.user, mail=typed)
    except InvalidInput as exc:
        return _page(typed[:254], sentence_for(exc.code, exc.detail), HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(url_for("web_settings.show_settings", done="mail_set"), HTTPStatus.SEE_OTHER)


def _page(mail: str | None, problem: str | None, status: HTTPStatus) -> Response:
    page = render_template(
        "settings.html",
        mail=mail or "",
        problem=problem,
        has_mail=get_archive().settings.smtp_host is not None,
        done=request.args.get("done"),
    )
    return make_response(page, status)
