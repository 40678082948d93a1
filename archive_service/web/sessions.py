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


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The log-in form; the start page for whoever is logged in already."""
    if find_actor() is not None:
        return redirect(url_for("web_home.home"), HTTPStatus.SEE_OTHER)
    return keep_visitor(make_response(render_template("login.html", problem=None, typed="")))


@blueprint.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in."""
    typed = request.form.get("login", "")
    try:
        cookie = users.start_session(get_archive(), login=typed, password=request.form.get("password", ""))
    except Unauthenticated as exc:
        page = render_template("login.html", problem=sentence_for(exc.code, exc.detail), typed=typed[:100])
        return keep_visitor(make_response(page, HTTPStatus.UNAUTHORIZED))
    return _with_session(cookie, None)


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
    return _with_session(cookie, "password_changed")


def _password_page(code: str | None, status: HTTPStatus) -> Response:
    page = render_template(
        "password.html",
        problem=None if code is None else sentence_for(code, ""),
        is_due=users.is_password_due(get_archive(), require_actor().user),
        length=users.PASSWORD_LENGTH,
    )
    return make_response(page, status)


def _with_session(cookie: str, done: str | None) -> Response:
    response = current_app.make_response(redirect(url_for("web_home.home", done=done), HTTPStatus.SEE_OTHER))
    set_cookie(response, COOKIE, cookie)
    return response
