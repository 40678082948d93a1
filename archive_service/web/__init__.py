"""Pages: a first look at dossiers for whoever logs in; acting goes through the API for now."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime

from archive_service import i18n
from archive_service.archive import Archive
from archive_service.errors import Forbidden, Unauthenticated
from archive_service.services import reading, users
from archive_service.services.actor import Actor
from archive_service.web.wording import minutes_text, size_text, word_for

COOKIE = "archive_session"
FORM_LIMIT_BYTES = 16 * 1024

blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static")


def register(app: Flask) -> None:
    """Add the pages and their languages."""
    archive: Archive = app.extensions["archive"]
    i18n.register(app, archive.settings.language)
    app.register_blueprint(blueprint)
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(minutes_text, "minutes")
    app.add_template_filter(size_text, "size")
    app.add_template_filter(word_for, "word")


def error_page(status: HTTPStatus, code: str, detail: str) -> Response:
    """A plain sentence for people, with the error's stable code."""
    if status == HTTPStatus.UNAUTHORIZED:
        return make_response(redirect(url_for("web.login"), HTTPStatus.SEE_OTHER))
    return make_response(render_template("error.html", code=code, detail=detail, status=int(status)), int(status))


def _moment(value: str | datetime | None) -> str:
    if value is None:
        return ""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return str(format_datetime(moment, "EEEE, d MMMM y HH.mm")) + " WIB"


def _archive() -> Archive:
    archive: Archive = current_app.extensions["archive"]
    return archive


def _require_actor() -> Actor:
    actor = users.find_session_actor(_archive(), request.cookies.get(COOKIE, ""))
    if actor is None:
        raise Unauthenticated("not_logged_in", "Log in first.")
    return actor


def _require_same_site() -> None:
    """Refuse a form that another site sent: browsers name the sender in Origin with every POST."""
    origin = request.headers.get("Origin")
    if origin is None or urlsplit(origin).netloc != request.host:
        raise Forbidden("foreign_form", "This form was sent from another page; open the page again and repeat.")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The dossiers that one may read."""
    actor = _require_actor()
    if not actor.may("dossier.read"):
        return render_template("home.html", dossiers=[], actor=actor, may_read=False)
    return render_template("home.html", dossiers=reading.list_dossiers(_archive(), actor), actor=actor, may_read=True)


@blueprint.get("/dossiers/<dossier>")
def dossier(dossier: str) -> ResponseReturnValue:
    """One dossier: steps, documents, decisions, deviations, audit records."""
    actor = _require_actor()
    return render_template("dossier.html", d=reading.read_dossier(_archive(), actor, dossier=dossier), actor=actor)


@blueprint.get("/dossiers/<dossier>/bundle")
def bundle(dossier: str) -> ResponseReturnValue:
    """The bundle, as a download."""
    content = reading.read_bundle(_archive(), _require_actor(), dossier=dossier)
    headers = {
        "Content-Length": str(content.size),
        "Content-Disposition": f'attachment; filename="{content.file_name}"',
    }
    return Response(content.chunks, mimetype="application/zip", headers=headers)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The log-in form."""
    return render_template("login.html", actor=None, problem=None)


@blueprint.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in."""
    _require_same_site()
    request.max_content_length = FORM_LIMIT_BYTES
    try:
        cookie = users.start_session(
            _archive(), login=request.form.get("login", ""), password=request.form.get("password", "")
        )
    except Unauthenticated:
        return render_template("login.html", actor=None, problem="login_refused"), HTTPStatus.UNAUTHORIZED
    response = make_response(redirect(url_for("web.home"), HTTPStatus.SEE_OTHER))
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict", secure=request.is_secure, path="/")
    return response


@blueprint.post("/logout")
def end_session() -> ResponseReturnValue:
    """Log out."""
    _require_same_site()
    users.end_session(_archive(), cookie=request.cookies.get(COOKIE, ""))
    response = make_response(redirect(url_for("web.login"), HTTPStatus.SEE_OTHER))
    response.delete_cookie(COOKIE, path="/")
    return response
