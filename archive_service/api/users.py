"""Users: the log-ins of persons; a new one, and a new password."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.errors import Forbidden
from archive_service.services import listing, oidc, resets, second_factor, sessions, users

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


class ValidityBody(Body):
    """The first and the last day of a log-in, in WIB; null is open."""

    from_on: str | None
    until_on: str | None


class AccountBody(Body):
    """An account of the configured OpenID Connect provider, by its ``sub``."""

    subject: str


class ResetLink(Answer):
    """A link to choose a new password; shown this once, good for one use."""

    link: str
    expires_at: str


class EndedSessions(Answer):
    """How many sessions ended."""

    ended: int


class LinkedAccount(Answer):
    """The name of a link: the leaf hash of its event."""

    identity: str


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
    mail_is_verified: bool
    has_totp: bool
    valid_from: str | None
    valid_until: str | None


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


@blueprint.put("/<id:user>/validity")
@operation(status=204, body=ValidityBody, refuses=[409])
def set_validity(user: str, body: ValidityBody) -> ResponseReturnValue:
    """The days that a log-in may be used on; outside them its sessions and tokens end."""
    users.set_validity(get_archive(), require_actor(), user=user, from_on=body.from_on, until_on=body.until_on)
    return "", 204


@blueprint.delete("/<id:user>/sessions")
@operation(answer=EndedSessions)
def end_sessions(user: str) -> ResponseReturnValue:
    """End every browser's session of a log-in, one's own or as an administrator."""
    return jsonify({"ended": sessions.end_sessions(get_archive(), require_actor(), user=user)})


@blueprint.post("/<id:user>/reset-links")
@operation(answer=ResetLink, status=201)
def make_reset_link(user: str) -> ResponseReturnValue:
    """A link by which its holder chooses a new password, once, within a day; to be handed over by the administrator who asked."""
    archive = get_archive()
    link = resets.make_reset_link(archive, require_actor(), user=user)
    place = (archive.settings.public_url or request.host_url.rstrip("/")) + f"/sandi-baru/{link.secret}"
    return jsonify({"link": place, "expires_at": link.expires_at.isoformat()}), 201


@blueprint.delete("/<id:user>/authenticator")
@operation(status=204, refuses=[409])
def remove_totp(user: str) -> ResponseReturnValue:
    """Take the authenticator app of somebody who has lost it away, as an administrator."""
    actor = require_actor()
    if user == actor.user:
        raise Forbidden("own_second_factor", "Take your own app away on the page, with your password.")
    second_factor.remove_totp(get_archive(), actor, user=user)
    return "", 204


@blueprint.post("/<id:user>/accounts")
@operation(answer=LinkedAccount, status=201, body=AccountBody, takes_key=True, refuses=[409])
def link_account(user: str, body: AccountBody) -> ResponseReturnValue:
    """Link an account of the institution's log-in to a log-in here, as an administrator."""
    made = oidc.link_account(get_archive(), require_actor(), user=user, subject=body.subject)
    return jsonify({"identity": made}), 201


@blueprint.delete("/<id:user>/accounts/<digest:identity>")
@operation(status=204)
def unlink_account(user: str, identity: str) -> ResponseReturnValue:
    """Take the link to an account away, one's own or as an administrator."""
    oidc.unlink_account(get_archive(), require_actor(), user=user, identity=identity)
    return "", 204
