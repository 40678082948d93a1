"""Logging in by the institution's OpenID Connect provider: there, and back."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from archive_service.services import oidc
from archive_service.web.auth import OIDC_COOKIE, device, drop_cookie, get_archive, set_cookie
from archive_service.web.sessions import lead_on, login_page, place_after

blueprint = Blueprint("web_oidc", __name__, template_folder="templates")

PATH = "/login/oidc"


@blueprint.post("/login/oidc")
def begin() -> ResponseReturnValue:
    """Go to the provider."""
    wanted = request.form.get("next")
    _require_provider()
    try:
        url, state = oidc.begin_oidc(get_archive(), place=place_after(wanted))
    except Unavailable as exc:
        return _refused(exc, wanted)
    return to_provider(url, state)


def to_provider(url: str, state: str) -> Response:
    """Send the browser to the provider by a page of ours: our policy lets no form lead to another site."""
    response = make_response(render_template("arriving.html", wanted=url))
    # the provider sends the browser back from another site, which keeps stricter cookies back
    set_cookie(response, OIDC_COOKIE, state, path=PATH, samesite="Lax")
    return response


@blueprint.get("/login/oidc/kembali")
def come_back() -> ResponseReturnValue:
    """Come back from the provider: logged in, at the second factor, or with an account linked."""
    _require_provider()
    kept = request.cookies.get(OIDC_COOKIE, "")
    try:
        returned = oidc.finish_oidc(get_archive(), kept=kept, answer=request.args.to_dict(), device=device())
    except (Unauthenticated, Forbidden, Unavailable) as exc:
        response = _refused(exc, None)
    except Conflict as exc:
        place = url_for("web_account.show_account", problem=exc.code)
        response = make_response(render_template("arriving.html", wanted=place))
    else:
        if returned.begun is None:
            response = make_response(render_template("arriving.html", wanted=returned.place))
        else:
            response = lead_on(returned.begun, returned.place, from_elsewhere=True)
    drop_cookie(response, OIDC_COOKIE, path=PATH, samesite="Lax")
    return response


def _require_provider() -> None:
    if not oidc.is_configured(get_archive().settings):
        raise NotFound("not_found", "There is no such page.")


def _refused(error: Unauthenticated | Forbidden | Unavailable, wanted: str | None) -> Response:
    response = login_page(error, wanted=wanted)
    if isinstance(error, Unavailable):
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return response
