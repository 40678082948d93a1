"""Logging in and out, and one's own password."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from archive_service.errors import InvalidInput, Unauthenticated
from archive_service.services import users
from archive_service.web.auth import (
    COOKIE,
    find_actor,
    get_archive,
    keep_visitor,
    require_actor,
    set_cookie,
)
from archive_service.web.problems import sentence_for

THROTTLE = "20 per minute; 200 per hour"
THROTTLE_SECONDS = 60

blueprint = Blueprint("web_sessions", __name__, template_folder="templates")


def throttle(app: Flask, redis_url: str | None) -> None:
    """Bound how often one address may try to log in; a log-in's own lock (services/users.py) comes on top.

    Counted in Redis where there is one, so that replicas count together; in memory when there is none or it is gone.
    """
    storage = "memory://" if redis_url is None else redis_url
    for short, whole in (("redis+socket://", "redis+unix://"), ("unix://", "redis+unix://")):
        if storage.startswith(short):
            storage = storage.replace(short, whole, 1)
    limiter = Limiter(
        get_remote_address,
        storage_uri=storage,
        key_prefix="archive-pages",
        in_memory_fallback_enabled=redis_url is not None,
    )
    limiter.init_app(app)
    name = f"{blueprint.name}.{start_session.__name__}"
    app.view_functions[name] = cast(Any, limiter.limit(THROTTLE)(app.view_functions[name]))


def ask_to_log_in() -> Response:
    """Lead a visitor to the log-in, and from there back to the page that they asked for.

    Browsers keep our cookie back from whoever comes by a link on another site, such as a mail in a web page: such a request is sent
    once more from a page of ours, before anybody is asked to log in a second time.
    """
    if request.method != "GET" or request.path == "/":
        return make_response(redirect(url_for("web_sessions.login"), HTTPStatus.SEE_OTHER))
    wanted = request.full_path.rstrip("?")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and _is_ours(wanted):
        return make_response(render_template("arriving.html", wanted=wanted))
    return make_response(redirect(url_for("web_sessions.login", next=wanted), HTTPStatus.SEE_OTHER))


def _is_ours(place: str) -> bool:
    """Whether an address is a path of this site: ``//elsewhere`` and ``/\\elsewhere`` lead to others."""
    is_path = place.startswith("/") and not place.startswith(("//", "/\\"))
    return is_path and place.isprintable() and "\\" not in place and len(place) <= 500


def _wanted(place: str | None) -> str:
    """Where to go after the log-in: the page that was asked for, else the start page."""
    return place if place is not None and _is_ours(place) else url_for("web_home.home")


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The log-in form; for whoever is logged in already the page that they asked for."""
    wanted = request.args.get("next")
    if find_actor() is not None:
        return redirect(_wanted(wanted), HTTPStatus.SEE_OTHER)
    return keep_visitor(make_response(render_template("login.html", problem=None, typed="", wanted=wanted)))


@blueprint.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in."""
    typed = request.form.get("login", "")
    try:
        cookie = users.start_session(get_archive(), login=typed, password=request.form.get("password", ""))
    except Unauthenticated as exc:
        wanted = request.form.get("next")
        problem = sentence_for(exc.code, exc.detail)
        page = render_template("login.html", problem=problem, typed=typed[:100], wanted=wanted)
        return keep_visitor(make_response(page, HTTPStatus.UNAUTHORIZED))
    return _with_session(cookie, _wanted(request.form.get("next")))


@blueprint.post("/logout")
def end_session() -> ResponseReturnValue:
    """Log out; the session's cookie is worth nothing afterwards."""
    users.end_session(get_archive(), cookie=request.cookies.get(COOKIE, ""))
    response = make_response(redirect(url_for("web_sessions.login"), HTTPStatus.SEE_OTHER))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=request.is_secure)
    return response


@blueprint.get("/password")
def password() -> ResponseReturnValue:
    """The form to change one's password."""
    return _password_page(None, HTTPStatus.OK)


@blueprint.post("/password")
def change_password() -> ResponseReturnValue:
    """Change one's password: every session of the log-in ends, and this browser gets a new one."""
    wanted = request.form.get("password", "")
    try:
        if wanted != request.form.get("repeated", ""):
            raise InvalidInput("password_differs", "The new password was typed in two ways.", field="repeated")
        cookie = users.change_password(
            get_archive(), require_actor(), current=request.form.get("current", ""), password=wanted
        )
    except Unauthenticated:
        return _password_page("password_wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
    except InvalidInput as exc:
        return _password_page(exc.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _with_session(cookie, url_for("web_home.home", done="password_changed"))


def _password_page(code: str | None, status: HTTPStatus) -> Response:
    page = render_template(
        "password.html",
        problem=None if code is None else sentence_for(code, ""),
        is_due=users.is_password_due(get_archive(), require_actor().user),
        length=users.PASSWORD_LENGTH,
    )
    return make_response(page, status)


def _with_session(cookie: str, place: str) -> Response:
    response = current_app.make_response(redirect(place, HTTPStatus.SEE_OTHER))
    set_cookie(response, COOKIE, cookie)
    return response
