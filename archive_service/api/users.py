"""Users: the log-ins of persons; a new one, and a new password."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import listing, users

blueprint = APIBlueprint("api_users", __name__, url_prefix="/api/v1/users", tag="people")


class UserBody(Body):
    """A new log-in for a person."""

    person: str
    login: str
    password: str
    mail: str | None = None


class MailBody(Body):
    """A mail address; null takes it away."""

    mail: str | None


class PasswordBody(Body):
    """A new password."""

    password: str


class CreatedUser(Answer):
    """The id of a new log-in."""

    user: str


class ReadUser(Answer):
    """A log-in; ``locked_until`` is set after too many wrong passwords."""

    user: str
    person: str
    login: str
    locked_until: str | None
    mail: str | None = Field(description="Null where there is none, and for whoever may not set it.")


class UserPage(PageAnswer):
    """A page of log-ins in the order in which they were made."""

    users: list[ReadUser]


@blueprint.get("")
@operation(answer=UserPage, query=PageQuery)
def list_users(query: PageQuery) -> ResponseReturnValue:
    """All log-ins."""
    page = page_request(query, "users", is_id)
    return page_answer("users", listing.page_users(get_archive(), require_actor(), page=page))


@blueprint.get("/<id:user>")
@operation(answer=ReadUser)
def read_user(user: str) -> ResponseReturnValue:
    """One log-in: one's own, or any as who may read people."""
    found, state = listing.read_user(get_archive(), require_actor(), user=user)
    return with_state(state, jsonify(found))


@blueprint.post("")
@operation(answer=CreatedUser, status=201, body=UserBody, takes_key=True, refuses=[404])
def create_user(body: UserBody) -> ResponseReturnValue:
    """A new log-in for a person."""
    user = users.create_user(
        get_archive(), require_actor(), person=body.person, login=body.login, password=body.password, mail=body.mail
    )
    return jsonify({"user": user}), 201, {"Location": f"/api/v1/users/{user}"}


@blueprint.put("/<id:user>/password")
@operation(status=204, body=PasswordBody, takes_match=True)
def set_password(user: str, body: PasswordBody) -> ResponseReturnValue:
    """A new password for a log-in."""
    users.set_password(get_archive(), require_actor(), user=user, password=body.password, seen=seen_states())
    return "", 204


@blueprint.put("/<id:user>/mail")
@operation(status=204, body=MailBody)
def set_mail(user: str, body: MailBody) -> ResponseReturnValue:
    """A mail address for a log-in, one's own or as an administrator; the former one is erased."""
    users.set_mail(get_archive(), require_actor(), user=user, mail=body.mail)
    return "", 204
