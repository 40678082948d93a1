"""A forgotten password, and a mail address that is verified: pages for whoever holds a link that works once."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, Conflict, InvalidInput
from archive_service.services import resets, users
from archive_service.web.auth import get_archive
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_resets", __name__, template_folder="templates")


@blueprint.get("/lupa-sandi")
def ask() -> ResponseReturnValue:
    """Ask for a link by mail; where no mail is sent, who helps."""
    return _ask_page(False)


@blueprint.post("/lupa-sandi")
def request_link() -> ResponseReturnValue:
    """Ask for a link: the answer is the same for every name that is typed."""
    if get_archive().settings.smtp_host is not None:
        resets.request_reset(get_archive(), login=request.form.get("login", ""))
    return _ask_page(True)


def _ask_page(is_asked: bool) -> Response:
    has_mail = get_archive().settings.smtp_host is not None
    return make_response(render_template("forgotten.html", has_mail=has_mail, is_asked=is_asked))


@blueprint.get("/sandi-baru/<secret>")
def show_link(secret: str) -> ResponseReturnValue:
    """The form of a link: looking at it uses nothing up."""
    return _link_page(secret, None)


@blueprint.post("/sandi-baru/<secret>")
def choose_password(secret: str) -> ResponseReturnValue:
    """Choose the new password; the link is used up."""
    wanted = request.form.get("password", "")
    try:
        if wanted != request.form.get("repeated", ""):
            raise InvalidInput("password_differs", "The new password was typed in two ways.", field="repeated")
        resets.use_reset_link(get_archive(), secret=secret, password=wanted)
    except InvalidInput as exc:
        return _link_page(secret, exc)
    except Conflict as exc:
        return _dead_page(exc)
    return redirect(url_for("web_sessions.login", done="password_chosen"), HTTPStatus.SEE_OTHER)


def _link_page(secret: str, error: ArchiveError | None) -> Response:
    try:
        login = resets.require_reset_link(get_archive(), secret=secret)
    except Conflict as exc:
        return _dead_page(exc)
    problem = None if error is None else sentence_for(error.code, error.detail)
    page = render_template("new_password.html", login=login, problem=problem, length=users.PASSWORD_LENGTH)
    return make_response(page, HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY)


def _dead_page(error: Conflict) -> Response:
    page = render_template(
        "forgotten.html",
        has_mail=get_archive().settings.smtp_host is not None,
        is_asked=False,
        problem=sentence_for(error.code, error.detail),
    )
    return make_response(page, HTTPStatus.CONFLICT)


@blueprint.get("/surel/<secret>")
def show_address(secret: str) -> ResponseReturnValue:
    """The button of a link that verifies an address: programs that look at mails press none."""
    try:
        address = resets.require_verification_link(get_archive(), secret=secret)
    except Conflict as exc:
        return _verify_page(None, exc)
    return _verify_page(address, None)


@blueprint.post("/surel/<secret>")
def verify_address(secret: str) -> ResponseReturnValue:
    """Verify the address; the link is used up."""
    try:
        resets.verify_mail(get_archive(), secret=secret)
    except Conflict as exc:
        return _verify_page(None, exc)
    return redirect(url_for("web_account.show_account", done="mail_verified"), HTTPStatus.SEE_OTHER)


def _verify_page(address: str | None, error: Conflict | None) -> Response:
    problem = None if error is None else sentence_for(error.code, error.detail)
    page = render_template("verify_mail.html", address=address, problem=problem)
    return make_response(page, HTTPStatus.OK if error is None else HTTPStatus.CONFLICT)
