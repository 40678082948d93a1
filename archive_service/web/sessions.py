"""Logging in and out, and one's own password."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput, Unauthenticated
from archive_service.services import logins, oidc, sessions, users
from archive_service.services.passkeys import find_relying_party
from archive_service.web.auth import (
    COOKIE,
    PENDING_COOKIE,
    device,
    drop_cookie,
    find_actor,
    get_archive,
    require_actor,
    set_cookie,
)
from archive_service.web.passkeys import read_credential
from archive_service.web.problems import sentence_for

THROTTLE = "20 per minute; 200 per hour"
THROTTLE_SECONDS = 60
THROTTLED = (
    "web_sessions.start_session",
    "web_sessions.finish_login",
    "web_sessions.prepare_login",
    "web_sessions.finish_with_passkey",
    "web_sessions.log_in_with_passkey",
    "web_oidc.begin",
    "web_oidc.come_back",
    "web_resets.request_link",
    "web_resets.choose_password",
)
"""What a visitor may not try again and again."""
PENDING_PATH = "/login"

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
    for name in THROTTLED:
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


def place_after(place: str | None) -> str:
    """Where to go after the log-in: the page that was asked for, else the start page."""
    return place if place is not None and _is_ours(place) else url_for("web_home.home")


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The log-in form; for whoever is logged in already the page that they asked for."""
    wanted = request.args.get("next")
    if find_actor() is not None:
        return redirect(place_after(wanted), HTTPStatus.SEE_OTHER)
    return login_page(None, wanted=wanted)


@blueprint.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in: to the page that was asked for, or to the second factor."""
    typed, wanted = request.form.get("login", ""), request.form.get("next")
    try:
        begun = logins.log_in(get_archive(), login=typed, password=request.form.get("password", ""), device=device())
    except (Unauthenticated, Forbidden) as exc:
        return login_page(exc, typed=typed, wanted=wanted)
    return lead_on(begun, wanted)


@blueprint.get("/login/kode")
def second_step() -> ResponseReturnValue:
    """The form for the second factor, for a browser whose password was right."""
    wanted = request.args.get("next")
    if find_actor() is not None:
        return redirect(place_after(wanted), HTTPStatus.SEE_OTHER)
    return _second_page(None, wanted)


@blueprint.post("/login/kode")
def finish_login() -> ResponseReturnValue:
    """Log in with a code of the app or a recovery code."""
    wanted = request.form.get("next")
    try:
        cookie = logins.finish_with_code(
            get_archive(),
            pending=request.cookies.get(PENDING_COOKIE, ""),
            code=request.form.get("code", ""),
            device=device(),
        )
    except Unauthenticated as exc:
        return login_page(exc, wanted=wanted)
    except InvalidInput as exc:
        return _second_page(exc, wanted)
    return with_session(cookie, place_after(wanted))


@blueprint.post("/login/kunci/persiapan")
def prepare_login() -> ResponseReturnValue:
    """What the script needs to ask the device for a passkey, as JSON; the same for everybody."""
    return jsonify(logins.prepare_passkey(get_archive()))


@blueprint.post("/login/kode/kunci")
def finish_with_passkey() -> ResponseReturnValue:
    """Log in with a passkey after the password."""
    wanted = request.form.get("next")
    try:
        cookie = logins.finish_with_passkey(
            get_archive(),
            pending=request.cookies.get(PENDING_COOKIE, ""),
            preparation=request.form.get("preparation", ""),
            credential=read_credential(),
            device=device(),
        )
    except Unauthenticated as exc:
        return login_page(exc, wanted=wanted)
    except (InvalidInput, Conflict) as exc:
        return _second_page(exc, wanted)
    return with_session(cookie, place_after(wanted))


@blueprint.post("/login/kunci")
def log_in_with_passkey() -> ResponseReturnValue:
    """Log in with a passkey alone."""
    wanted = request.form.get("next")
    try:
        cookie = logins.log_in_with_passkey(
            get_archive(),
            preparation=request.form.get("preparation", ""),
            credential=read_credential(),
            device=device(),
        )
    except (InvalidInput, Conflict, Forbidden) as exc:
        return login_page(exc, wanted=wanted, is_passkey=True)
    return with_session(cookie, place_after(wanted))


def login_page(
    error: ArchiveError | None, *, typed: str = "", wanted: str | None = None, is_passkey: bool = False
) -> Response:
    """The log-in form with what was wrong."""
    settings = get_archive().settings
    g.shown_at = url_for("web_sessions.login")
    page = render_template(
        "login.html",
        problem=None if error is None else sentence_for(error.code, error.detail),
        typed=typed[:100],
        wanted=wanted,
        is_passkey=is_passkey,
        party=find_relying_party(settings),
        oidc_name=(settings.oidc_name or gettext("account of the institution"))
        if oidc.is_configured(settings)
        else None,
        has_mail=settings.smtp_host is not None,
    )
    return make_response(page, HTTPStatus.OK if error is None else HTTPStatus.UNAUTHORIZED)


def _second_page(error: ArchiveError | None, wanted: str | None) -> Response:
    found = logins.find_pending(get_archive(), request.cookies.get(PENDING_COOKIE, ""))
    if found is None:
        if error is None:
            return make_response(redirect(url_for("web_sessions.login", next=wanted), HTTPStatus.SEE_OTHER))
        return login_page(Unauthenticated("login_expired", "Log in again."), wanted=wanted)
    g.shown_at = url_for("web_sessions.second_step")
    page = render_template(
        "second_step.html",
        asked=found.asked,
        wanted=wanted,
        code_problem=sentence_for(error.code, error.detail)
        if error is not None and error.code == "code_refused"
        else None,
        key_problem=sentence_for(error.code, error.detail)
        if error is not None and error.code != "code_refused"
        else None,
    )
    return make_response(page, HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY)


def lead_on(begun: logins.Begun, wanted: str | None, *, from_elsewhere: bool = False) -> Response:
    """Where a first factor leads: to the page that was asked for, or to the second factor.

    ``from_elsewhere``: by a page of ours, because browsers keep new cookies back along the way from another site.
    """
    if begun.cookie is not None:
        return with_session(begun.cookie, place_after(wanted), from_elsewhere=from_elsewhere)
    place = url_for("web_sessions.second_step", next=wanted if wanted and _is_ours(wanted) else None)
    response = _go(place, from_elsewhere)
    set_cookie(response, PENDING_COOKIE, str(begun.pending), path=PENDING_PATH)
    return response


@blueprint.post("/logout")
def end_session() -> ResponseReturnValue:
    """Log out; the session's cookie is worth nothing afterwards."""
    sessions.end_session(get_archive(), cookie=request.cookies.get(COOKIE, ""))
    response = make_response(redirect(url_for("web_sessions.login"), HTTPStatus.SEE_OTHER))
    drop_cookie(response, COOKIE)
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
        cookie = logins.change_password(
            get_archive(),
            require_actor(),
            cookie=request.cookies.get(COOKIE, ""),
            current=request.form.get("current", ""),
            password=wanted,
            device=device(),
        )
    except InvalidInput as exc:
        code = "password_wrong" if exc.code == "password_refused" else exc.code
        return _password_page(code, HTTPStatus.UNPROCESSABLE_ENTITY)
    return with_session(cookie, url_for("web_home.home", done="password_changed"))


def _password_page(code: str | None, status: HTTPStatus) -> Response:
    page = render_template(
        "password.html",
        problem=None if code is None else sentence_for(code, ""),
        is_due=users.is_password_due(get_archive(), require_actor().user),
        length=users.PASSWORD_LENGTH,
    )
    return make_response(page, status)


def with_session(cookie: str, place: str, *, from_elsewhere: bool = False) -> Response:
    """Lead on to a page with a new session's cookie; what waited for a second factor is over."""
    response = _go(place, from_elsewhere)
    set_cookie(response, COOKIE, cookie)
    drop_cookie(response, PENDING_COOKIE, path=PENDING_PATH)
    return response


def _go(place: str, from_elsewhere: bool) -> Response:
    if from_elsewhere:
        return make_response(render_template("arriving.html", wanted=place))
    return current_app.make_response(redirect(place, HTTPStatus.SEE_OTHER))
