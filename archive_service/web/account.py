"""One's own log-in: mail, second factor, sessions, API tokens, accounts elsewhere; passkeys and password have pages of their own."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, Conflict, InvalidInput, NotFound, Unavailable
from archive_service.services import account, oidc, resets, second_factor, sessions, users
from archive_service.web.auth import COOKIE, get_archive, require_actor
from archive_service.web.oidc import to_provider
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_account", __name__, template_folder="templates")


@blueprint.get("/settings")
def former_address() -> ResponseReturnValue:
    """Where this page was before: mails lead there."""
    return redirect(url_for("web_account.show_account"), HTTPStatus.SEE_OTHER)


@blueprint.get("/akun")
def show_account() -> ResponseReturnValue:
    """Everything about one's own log-in."""
    code = request.args.get("problem")
    # of a code that was put into the address by somebody else only our own sentence is shown
    is_ours = code in ("account_linked",)
    return _page("account" if is_ours else None, Conflict(str(code), "") if is_ours else None)


@blueprint.post("/akun/surel")
def set_mail() -> ResponseReturnValue:
    """Set one's mail address, or take it away; a link that verifies it is mailed there."""
    actor, typed, archive = require_actor(), request.form.get("mail", ""), get_archive()
    try:
        users.set_mail(archive, actor, user=actor.user, mail=typed)
    except InvalidInput as exc:
        return _page("mail", exc, typed[:254])
    if (
        archive.settings.smtp_host is not None
        and typed.strip()
        and not account.read_account(archive, actor)["mail_verified"]
    ):
        resets.request_verification(archive, actor)
    return _done("mail_set")


@blueprint.post("/akun/surel/tautan")
def send_verification() -> ResponseReturnValue:
    """Mail the link that verifies one's address once more."""
    try:
        resets.request_verification(get_archive(), require_actor())
    except (Conflict, InvalidInput) as exc:
        return _page("mail", exc)
    return _done("verification_sent")


@blueprint.post("/akun/sesi/<session>/akhiri")
def end_session(session: str) -> ResponseReturnValue:
    """End one session of one's own."""
    try:
        sessions.end_own_session(get_archive(), require_actor(), session=session)
    except (NotFound, InvalidInput) as exc:
        return _page("sessions", exc)
    return _done("session_ended")


@blueprint.post("/akun/sesi/akhiri")
def end_other_sessions() -> ResponseReturnValue:
    """End every session of one's own but this one."""
    actor = require_actor()
    sessions.end_sessions(get_archive(), actor, user=actor.user, keep=request.cookies.get(COOKIE, ""))
    return _done("sessions_ended")


@blueprint.post("/akun/token/<token>/cabut")
def revoke_token(token: str) -> ResponseReturnValue:
    """End an API token of one's own."""
    try:
        users.revoke_token(get_archive(), require_actor(), token=token)
    except (NotFound, InvalidInput) as exc:
        return _page("tokens", exc)
    return _done("token_revoked")


@blueprint.post("/akun/akun-lembaga")
def link_account() -> ResponseReturnValue:
    """Go to the provider to link an account of one's own."""
    if not oidc.is_configured(get_archive().settings):
        raise NotFound("not_found", "There is no such page.")
    try:
        url, state = oidc.begin_oidc(
            get_archive(),
            place=url_for("web_account.show_account", done="account_linked"),
            actor=require_actor(),
            password=request.form.get("password", ""),
        )
    except (InvalidInput, Unavailable) as exc:
        return _page("account", exc)
    return to_provider(url, state)


@blueprint.post("/akun/akun-lembaga/<identity>/lepas")
def unlink_account(identity: str) -> ResponseReturnValue:
    """Take the link to an account away."""
    try:
        oidc.unlink_account(get_archive(), require_actor(), identity=identity)
    except NotFound as exc:
        return _page("account", exc)
    return _done("account_unlinked")


def _done(code: str) -> Response:
    return make_response(redirect(url_for("web_account.show_account", done=code), HTTPStatus.SEE_OTHER))


def _page(form: str | None, error: ArchiveError | None, typed: str | None = None) -> Response:
    g.shown_at = url_for("web_account.show_account")
    archive, actor = get_archive(), require_actor()
    found = account.read_account(archive, actor)
    page = render_template(
        "account.html",
        own=found,
        mail=found["mail"] or "" if typed is None else typed,
        factor=second_factor.read_status(archive, actor),
        sessions=sessions.list_sessions(archive, actor),
        this_session=sessions.find_session(archive, request.cookies.get(COOKIE, "")),
        accounts=oidc.list_accounts(archive, actor) if oidc.is_configured(archive.settings) else None,
        oidc_name=archive.settings.oidc_name,
        has_mail=archive.settings.smtp_host is not None,
        form=form,
        problem=None if error is None else sentence_for(error.code, error.detail),
        done=request.args.get("done"),
    )
    return make_response(page, HTTPStatus.OK if error is None else _status(error))


def _status(error: ArchiveError) -> HTTPStatus:
    statuses: dict[type[ArchiveError], HTTPStatus] = {
        NotFound: HTTPStatus.NOT_FOUND,
        Conflict: HTTPStatus.CONFLICT,
        Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    }
    return statuses.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY)


# the second factor -----------------------------------------------------------------------------------------------


@blueprint.get("/akun/faktor-kedua")
def show_second_factor() -> ResponseReturnValue:
    """What there is, and the forms to set, renew and remove it."""
    return _factor_page(None, None)


@blueprint.post("/akun/faktor-kedua")
def begin_totp() -> ResponseReturnValue:
    """Begin with an authenticator app: its secret as a QR code and as text."""
    try:
        second_factor.begin_totp(get_archive(), require_actor(), password=request.form.get("password", ""))
    except (InvalidInput, Conflict) as exc:
        return _factor_page("begin", exc)
    return redirect(url_for("web_account.show_second_factor"), HTTPStatus.SEE_OTHER)


@blueprint.post("/akun/faktor-kedua/konfirmasi")
def confirm_totp() -> ResponseReturnValue:
    """Take the app into use with its first code; the recovery codes are on this answer alone."""
    archive = get_archive()
    keep = sessions.find_session(archive, request.cookies.get(COOKIE, ""))
    try:
        codes = second_factor.confirm_totp(archive, require_actor(), code=request.form.get("code", ""), keep=keep)
    except (InvalidInput, Conflict) as exc:
        return _factor_page("confirm", exc)
    return _codes_page(codes)


@blueprint.post("/akun/faktor-kedua/kode")
def remake_codes() -> ResponseReturnValue:
    """New recovery codes, on this answer alone."""
    try:
        codes = second_factor.remake_codes(get_archive(), require_actor(), password=request.form.get("password", ""))
    except (InvalidInput, Conflict) as exc:
        return _factor_page("codes", exc)
    return _codes_page(codes)


@blueprint.post("/akun/faktor-kedua/hapus")
def remove_totp() -> ResponseReturnValue:
    """Take the authenticator app away."""
    actor = require_actor()
    try:
        second_factor.remove_totp(get_archive(), actor, user=actor.user, password=request.form.get("password", ""))
    except (InvalidInput, Conflict) as exc:
        return _factor_page("remove", exc)
    return redirect(url_for("web_account.show_second_factor", done="totp_removed"), HTTPStatus.SEE_OTHER)


def _codes_page(codes: list[str]) -> Response:
    g.shown_at = url_for("web_account.show_second_factor")
    return make_response(render_template("recovery_codes.html", codes=codes))


def _factor_page(form: str | None, error: ArchiveError | None) -> Response:
    g.shown_at = url_for("web_account.show_second_factor")
    archive, actor = get_archive(), require_actor()
    page = render_template(
        "second_factor.html",
        factor=second_factor.read_status(archive, actor),
        enrolment=second_factor.find_enrolment(archive, actor),
        form=form,
        problem=None if error is None else sentence_for(error.code, error.detail),
        done=request.args.get("done"),
    )
    return make_response(page, HTTPStatus.OK if error is None else _status(error))
