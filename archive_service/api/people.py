"""People: who there is, with log-ins and roles; register somebody."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.errors import InvalidInput
from archive_service.services import listing, people, users

blueprint = APIBlueprint("api_people", __name__, url_prefix="/api/v1/people", tag="people")


class PersonBody(Body):
    """A new person, with a log-in when one is given."""

    name: str
    login: str | None = None
    password: str | None = None
    mail: str | None = None


class RegisteredPerson(Answer):
    """The ids of a new person and, when one was asked for, of their log-in."""

    person: str
    user: str | None


class PersonUser(Answer):
    """A log-in of a person."""

    user: str
    login: str


class PersonAssignment(Answer):
    """A role of a person; ``acting_for`` is whom a substitute (Plh./Plt.) represents, in ``sops`` where it names any."""

    assignment: str
    role: str
    work_unit: str
    from_on: str
    to_on: str | None
    lead: bool
    ended_at: str | None
    acting_for: str | None
    sops: list[str]


class ReadPerson(Answer):
    """A person; the name is null once it was erased."""

    person: str
    name: str | None
    users: list[PersonUser]
    assignments: list[PersonAssignment]


class PersonPage(PageAnswer):
    """A page of persons in the order of their registration."""

    people: list[ReadPerson]


@blueprint.get("")
@operation(answer=PersonPage, query=PageQuery)
def list_people(query: PageQuery) -> ResponseReturnValue:
    """All persons with the roles that they hold or held."""
    page = page_request(query, "people", is_id)
    return page_answer("people", listing.page_people(get_archive(), require_actor(), page=page))


@blueprint.get("/<id:person>")
@operation(answer=ReadPerson)
def read_person(person: str) -> ResponseReturnValue:
    """One person with log-ins and roles."""
    found, head = listing.read_person(get_archive(), require_actor(), person=person)
    return with_state(head, jsonify(found))


@blueprint.post("")
@operation(answer=RegisteredPerson, status=201, body=PersonBody, takes_key=True)
def register_person(body: PersonBody) -> ResponseReturnValue:
    """A new person, and a log-in for them when login and password are given."""
    archive, actor = get_archive(), require_actor()
    if (body.login is None) != (body.password is None) or (body.mail is not None and body.login is None):
        raise InvalidInput("login_incomplete", "login and password are given together, or neither; mail with a login.")
    user = None
    if body.login is not None and body.password is not None:
        person, user = users.register_with_login(
            archive, actor, name=body.name, login=body.login, password=body.password, mail=body.mail
        )
    else:
        person = people.register_person(archive, actor, name=body.name)
    return jsonify({"person": person, "user": user}), 201, {"Location": f"/api/v1/people/{person}"}
