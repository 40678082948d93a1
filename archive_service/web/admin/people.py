"""People: the list of them, one person's roles and log-ins, and every act of an administrator on either."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, Conflict, InvalidInput, NotFound
from archive_service.services import directory, people, reading, resets, second_factor, sessions, users
from archive_service.services.actor import office_date
from archive_service.web.admin.page import act, asked_page, find_in, next_url, show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_people", __name__, url_prefix="/admin/orang")


def _list(error: ArchiveError | None = None) -> Response:
    archive, actor = get_archive(), require_actor()
    roles, units = directory.list_roles(archive, actor), reading.list_work_units(archive, actor)
    text = request.args.get("q", "").strip()[:100]
    role = find_in(request.args.get("role", ""), {key for key, _ in roles})
    unit = find_in(request.args.get("unit", ""), {u["work_unit"] for u in units})
    found = directory.page_directory(
        archive, actor, page=asked_page(of=2), text=text or None, role=role, work_unit=unit
    )
    return show(
        "people.html",
        url_for("web_admin_people.list_people"),
        error,
        people=found.rows,
        next=next_url("web_admin_people.list_people", found.next, q=text, role=role, unit=unit),
        roles=roles,
        units=units,
        q=text,
        role=role,
        unit=unit,
        may_manage=actor.may("people.manage"),
    )


@blueprint.get("")
def list_people() -> ResponseReturnValue:
    """People by name, with the roles that they hold today."""
    return _list()


@blueprint.post("")
def register_person() -> ResponseReturnValue:
    """A new person, with a log-in when one is given."""
    archive, actor, form = get_archive(), require_actor(), request.form
    made: list[str] = []

    def register() -> None:
        if form.get("login"):
            person, _ = users.register_with_login(
                archive,
                actor,
                name=form.get("name", ""),
                login=form.get("login", ""),
                password=form.get("password", ""),
                mail=form.get("mail") or None,
            )
        else:
            person = people.register_person(archive, actor, name=form.get("name", ""))
        made.append(person)

    refused = act(register, _list, url_for("web_admin_people.list_people", done="person_registered"))
    if made:
        refused.headers["Location"] = url_for("web_admin_people.person", person=made[0], done="person_registered")
    return refused


def _person(
    person: str,
    error: ArchiveError | None = None,
    form: str | None = None,
    link: resets.OneTimeLink | None = None,
) -> Response:
    archive, actor = get_archive(), require_actor()
    return show(
        "person.html",
        url_for("web_admin_people.person", person=person),
        error,
        p=directory.read_entry(archive, actor, person=person),
        roles=directory.list_roles(archive, actor),
        units=reading.list_work_units(archive, actor),
        today=office_date(archive.log.clock()),
        may_manage=actor.may("people.manage"),
        form=form,
        link=link,
        host=archive.settings.public_url or request.host_url.rstrip("/"),
        own=actor.user,
    )


@blueprint.get("/<person>")
def person(person: str) -> ResponseReturnValue:
    """One person: roles with dates, log-ins with their state."""
    return _person(person)


@blueprint.post("/<person>/penugasan")
def assign_role(person: str) -> ResponseReturnValue:
    """Give a person a role in a work unit from a day on."""
    form = request.form
    return act(
        lambda: people.assign_role(
            get_archive(),
            require_actor(),
            person=person,
            role=form.get("role", ""),
            work_unit=form.get("work_unit", ""),
            from_on=form.get("from_on", ""),
            to_on=form.get("to_on") or None,
            lead=form.get("lead") == "yes",
        ),
        lambda error: _person(person, error, "assignment"),
        url_for("web_admin_people.person", person=person, done="role_assigned"),
    )


@blueprint.post("/<person>/penugasan/<assignment>/akhir")
def end_assignment(person: str, assignment: str) -> ResponseReturnValue:
    """End a role now."""
    actor = require_actor()
    actor.require("people.manage")

    def end() -> None:
        if request.form.get("confirm") != "yes":
            raise InvalidInput("not_confirmed", "Tick that the role ends now.", field="confirm")
        people.end_assignment(get_archive(), actor, assignment=assignment)

    return act(
        end,
        lambda error: _person(person, error, "ending"),
        url_for("web_admin_people.person", person=person, done="role_ended"),
    )


@blueprint.post("/<person>/akun")
def create_login(person: str) -> ResponseReturnValue:
    """A log-in for a person."""
    form = request.form
    return act(
        lambda: users.create_user(
            get_archive(),
            require_actor(),
            person=person,
            login=form.get("login", ""),
            password=form.get("password", ""),
            mail=form.get("mail") or None,
        ),
        lambda error: _person(person, error, "login"),
        url_for("web_admin_people.person", person=person, done="login_created"),
    )


def _set_password(user: str) -> None:
    users.set_password(get_archive(), require_actor(), user=user, password=request.form.get("password", ""))


def _set_mail(user: str) -> None:
    users.set_mail(get_archive(), require_actor(), user=user, mail=request.form.get("mail") or None)


def _set_validity(user: str) -> None:
    form = request.form
    users.set_validity(
        get_archive(),
        require_actor(),
        user=user,
        from_on=form.get("from_on") or None,
        until_on=form.get("until_on") or None,
    )


def _end_sessions(user: str) -> None:
    sessions.end_sessions(get_archive(), require_actor(), user=user)


def _remove_app(user: str) -> None:
    actor = require_actor()
    if user == actor.user:
        raise Conflict("own_second_factor", "Take your own app away on the page of your log-in, with your password.")
    second_factor.remove_totp(get_archive(), actor, user=user)


LOGIN_ACTS: dict[str, tuple[Callable[[str], None], str]] = {
    "sandi": (_set_password, "login_password_set"),
    "surel": (_set_mail, "login_mail_set"),
    "masa": (_set_validity, "login_validity_set"),
    "sesi": (_end_sessions, "login_sessions_ended"),
    "aplikasi": (_remove_app, "login_app_removed"),
}
"""Last part of the address → what an administrator does to a log-in, and what the page says then. The one place for new ones: each has
a form in ``admin/person.html`` and a service that refuses whoever may not."""


LINK = "tautan"
"""The act whose answer shows a secret once: there is no way on from it."""


@blueprint.post("/<person>/akun/<user>/<what>")
def change_login(person: str, user: str, what: str) -> ResponseReturnValue:
    """Change a log-in of a person."""
    found = directory.read_entry(get_archive(), require_actor(), person=person)
    require_actor().require("people.manage")
    if what not in (*LOGIN_ACTS, LINK) or user not in {each["user"] for each in found["users"]}:
        raise NotFound("user_unknown", "There is no such log-in.")
    if what == LINK:
        link = resets.make_reset_link(get_archive(), require_actor(), user=user)
        return _person(person, form=user, link=link)
    do, done = LOGIN_ACTS[what]
    return act(
        lambda: do(user),
        lambda error: _person(person, error, user),
        url_for("web_admin_people.person", person=person, done=done),
    )
