"""Who uses the pages, and whether what they send came from our own page: one guard in front of every route."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, redirect, request, url_for

from archive_service.archive import Archive
from archive_service.errors import Forbidden, Unauthenticated
from archive_service.services import second_factor, sessions, users
from archive_service.services.actor import Actor
from archive_service.services.sessions import Device

COOKIE = "archive_session"
VISITOR_COOKIE = "archive_visitor"
PENDING_COOKIE = "archive_login"
"""What a browser holds whose password was right and whose second factor is awaited: no session."""
OIDC_COOKIE = "archive_oidc"
TOKEN_BYTES = 16
FORM_LIMIT_BYTES = 128 * 1024
FORM_LIMITS_BYTES = {
    "web_uploads.receive_form": 64 * 1024 * 1024,
    "web_deviations.explain_deviation": 64 * 1024 * 1024,
    "web_forms.fill_form": 2 * 1024 * 1024,
    "web_indicators.send_evidence": 64 * 1024 * 1024,
    "web_indicators.import_indicators": 3 * 1024 * 1024,
    # a definition of 400 KiB as a field; where it comes encoded every sign may take three
    "web_admin_sops.check": 2 * 1024 * 1024,
    "web_admin_sops.register": 2 * 1024 * 1024,
    "web_admin_retention.check": 2 * 1024 * 1024,
    "web_admin_retention.register": 2 * 1024 * 1024,
}
"""A form with a file is written to disk before it is read: larger files go the script's way, as a raw body, or the API's."""
TOKEN_FIELD = "csrf"
TOKEN_HEADER = "X-CSRF-Token"

OPEN_ENDPOINTS = frozenset(
    [
        "web_sessions.login",
        "web_sessions.start_session",
        "web_sessions.second_step",
        "web_sessions.finish_login",
        "web_sessions.prepare_login",
        "web_sessions.finish_with_passkey",
        "web_sessions.log_in_with_passkey",
        "web_oidc.begin",
        "web_oidc.come_back",
        "web_resets.ask",
        "web_resets.request_link",
        "web_resets.show_link",
        "web_resets.choose_password",
        "web_resets.show_address",
        "web_resets.verify_address",
        "web_static.file",
        "web_verifier.program",
        "web_verifier.digest",
        "web_proof_page.page",
        "web_proof_page.digest",
        "web_guides.list_guides",
        "web_guides.show_guide",
        "web_guides.picture",
    ]
)
"""What a visitor may ask for."""
LOGIN_ENDPOINTS = frozenset(
    [
        "web_sessions.login",
        "web_sessions.start_session",
        "web_sessions.second_step",
        "web_sessions.finish_login",
        "web_sessions.prepare_login",
        "web_sessions.finish_with_passkey",
        "web_sessions.log_in_with_passkey",
        "web_oidc.begin",
    ]
)
"""Where the visitor's token counts, though the form be sent twice and the first one has begun a session."""
DUE_ENDPOINTS = frozenset(["web_sessions.password", "web_sessions.change_password", "web_sessions.end_session"])
"""What somebody may ask for who has not chosen a password of their own yet."""
FACTOR_ENDPOINTS = DUE_ENDPOINTS | {
    "web_account.show_second_factor",
    "web_account.begin_totp",
    "web_account.confirm_totp",
    "web_passkeys.show_passkeys",
    "web_passkeys.prepare_passkey",
    "web_passkeys.register_passkey",
}
"""What somebody may ask for whose role needs a second factor and who has none yet."""


def get_archive() -> Archive:
    """The archive of the running application."""
    archive: Archive = current_app.extensions["archive"]
    return archive


def find_actor() -> Actor | None:
    """The person behind the request's session, or None; looked up once a request."""
    if "web_actor" not in g:
        g.web_actor = sessions.find_session_actor(get_archive(), request.cookies.get(COOKIE, ""))
    actor: Actor | None = g.web_actor
    return actor


def forget_actor() -> None:
    """Show the rest of this request to a visitor: a page that tells of a broken database asks it nothing more."""
    g.web_actor = None


def require_actor() -> Actor:
    """The person behind the request's session; Unauthenticated without one."""
    actor = find_actor()
    if actor is None:
        raise Unauthenticated("not_logged_in", "Log in first.")
    return actor


def guard() -> Response | None:
    """Let a request through to its page, or refuse it before anything of its body counts.

    A visitor logs in first; whose password somebody else chose changes it first; what changes something must come from our page.
    """
    is_change = request.method not in ("GET", "HEAD", "OPTIONS")
    if is_change:
        require_same_origin()
    if request.endpoint not in OPEN_ENDPOINTS:
        actor = require_actor()
        if request.endpoint not in DUE_ENDPOINTS and users.is_password_due(get_archive(), actor.user):
            if is_change:
                raise Forbidden("password_change_due", "Change your password first.")
            return make_response(redirect(url_for("web_sessions.password"), HTTPStatus.SEE_OTHER))
        if request.endpoint not in FACTOR_ENDPOINTS and second_factor.is_due(get_archive(), actor):
            if is_change:
                raise Forbidden("second_factor_due", "Your role needs a second factor: set one first.")
            return make_response(redirect(url_for("web_account.show_second_factor"), HTTPStatus.SEE_OTHER))
    if is_change:
        require_token()
    return None


def require_same_origin() -> None:
    """Refuse what another site sent: browsers name the sender in Origin with every POST, and say how it is related to us."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin is None or urlsplit(origin).netloc != request.host or site != "same-origin":
        raise Forbidden("foreign_form", "This form was sent from another page; open the page again and repeat.")


def form_token() -> str:
    """The token that this visitor's forms and scripts send back.

    Derived from the session's secret cookie, so that it is as fresh as the session and nothing is stored; before the log-in from a
    cookie of the visitor's own. Masked anew in every response: pages are compressed, and a token that stays the same could be guessed
    from their lengths (BREACH).
    """
    if "form_token" not in g:
        mask = secrets.token_bytes(TOKEN_BYTES)
        g.form_token = (mask + _xor(mask, _token_bytes())).hex()
    token: str = g.form_token
    return token


def _token_bytes() -> bytes:
    is_logging_in = request.endpoint in LOGIN_ENDPOINTS or find_actor() is None
    secret = visitor_secret() if is_logging_in else request.cookies[COOKIE]
    return hmac.new(secret.encode(), b"archive-service form token v2", sha256).digest()[:TOKEN_BYTES]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def visitor_secret() -> str:
    """The secret of a browser that is not logged in: its cookie's, or a new one that ``keep_visitor`` sets."""
    known = request.cookies.get(VISITOR_COOKIE, "")
    if len(known) >= 32:
        return known
    if "visitor_secret" not in g:
        g.visitor_secret = users.make_secret(get_archive())
    secret: str = g.visitor_secret
    return secret


def keep_visitor(response: Response) -> Response:
    """Set the visitor's cookie when this request made its secret."""
    if "visitor_secret" in g:
        set_cookie(response, VISITOR_COOKIE, g.visitor_secret)
    return response


def set_cookie(response: Response, name: str, value: str, *, path: str = "/", samesite: str = "Strict") -> None:
    """Set a cookie for this site alone, out of reach of scripts, over TLS wherever the page came over TLS."""
    response.set_cookie(name, value, httponly=True, samesite=samesite, secure=request.is_secure, path=path)


def drop_cookie(response: Response, name: str, *, path: str = "/", samesite: str = "Strict") -> None:
    """Take a cookie back that ``set_cookie`` set."""
    response.delete_cookie(name, path=path, httponly=True, samesite=samesite, secure=request.is_secure)


def device() -> Device:
    """What the browser says of itself, and from where it asks."""
    return Device(request.user_agent.string or None, request.remote_addr)


def require_token() -> None:
    """Refuse a change without the token of this session; a raw body's is in the header, so that the body stays unread."""
    sent = request.headers.get(TOKEN_HEADER)
    if sent is None and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        request.max_content_length = FORM_LIMITS_BYTES.get(str(request.endpoint), FORM_LIMIT_BYTES)
        sent = request.form.get(TOKEN_FIELD)
    if sent is None or not _is_token(sent):
        raise Forbidden("form_expired", "This page has grown old; open it again and repeat.")


def _is_token(sent: str) -> bool:
    try:
        data = bytes.fromhex(sent)
    except ValueError:
        return False
    if len(data) != 2 * TOKEN_BYTES:
        return False
    return hmac.compare_digest(_xor(data[:TOKEN_BYTES], data[TOKEN_BYTES:]), _token_bytes())
