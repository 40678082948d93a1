"""Work units, people, log-ins and assignments, for administrators."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, read_json
from archive_service.services import people, reading, users

blueprint = Blueprint("api_people", __name__, url_prefix="/api/v1")


class WorkUnitBody(Body):
    """A new work unit."""

    code: str
    name: str
    parent: str | None = None


class PersonBody(Body):
    """A new person, with a log-in when one is given."""

    name: str
    login: str | None = None
    password: str | None = None


class AssignmentBody(Body):
    """A role for a person."""

    role: str
    work_unit: str
    from_on: str
    to_on: str | None = None
    lead: bool = False


class PasswordBody(Body):
    """A new password."""

    password: str


@blueprint.get("/work-units")
def list_work_units() -> ResponseReturnValue:
    """All work units."""
    return jsonify({"work_units": reading.list_work_units(get_archive(), require_actor())})


@blueprint.post("/work-units")
def create_work_unit() -> ResponseReturnValue:
    """A new work unit."""
    body = read_json(WorkUnitBody)
    unit = people.create_work_unit(get_archive(), require_actor(), code=body.code, name=body.name, parent=body.parent)
    return jsonify({"work_unit": unit}), 201


@blueprint.get("/people")
def list_people() -> ResponseReturnValue:
    """All persons with the roles that they hold or held."""
    return jsonify({"people": reading.list_people(get_archive(), require_actor())})


@blueprint.post("/people")
def register_person() -> ResponseReturnValue:
    """A new person, and a log-in for them when login and password are given."""
    body = read_json(PersonBody)
    archive, actor = get_archive(), require_actor()
    person = people.register_person(archive, actor, name=body.name)
    user = None
    if body.login is not None and body.password is not None:
        user = users.create_user(archive, actor, person=person, login=body.login, password=body.password)
    return jsonify({"person": person, "user": user}), 201


@blueprint.post("/people/<person>/assignments")
def assign_role(person: str) -> ResponseReturnValue:
    """A role for a person in a unit, from a day to a day."""
    body = read_json(AssignmentBody)
    assignment = people.assign_role(
        get_archive(),
        require_actor(),
        person=person,
        role=body.role,
        work_unit=body.work_unit,
        from_on=body.from_on,
        to_on=body.to_on,
        lead=body.lead,
    )
    return jsonify({"assignment": assignment}), 201


@blueprint.delete("/assignments/<assignment>")
def end_assignment(assignment: str) -> ResponseReturnValue:
    """End an assignment now."""
    people.end_assignment(get_archive(), require_actor(), assignment=assignment)
    return "", 204


@blueprint.put("/users/<user>/password")
def set_password(user: str) -> ResponseReturnValue:
    """A new password for a log-in."""
    users.set_password(get_archive(), require_actor(), user=user, password=read_json(PasswordBody).password)
    return "", 204
