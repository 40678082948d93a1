"""Assignments: which roles a person holds in which unit, from a day to a day."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body, Id
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import listing, people

blueprint = APIBlueprint("api_assignments", __name__, url_prefix="/api/v1", tag="people")


class AssignmentBody(Body):
    """A role for a person."""

    role: str
    work_unit: str
    from_on: str
    to_on: str | None = None
    lead: bool = False


class AssignmentsQuery(PageQuery):
    """Which assignments."""

    person: Id | None = None
    work_unit: Id | None = None
    role: str | None = Field(None, max_length=64)


class MadeAssignment(Answer):
    """The id of a new assignment."""

    assignment: str


class ReadAssignment(Answer):
    """A role of a person in a work unit; ``acting_for`` is whom a substitute (Plh./Plt.) represents, in ``sops`` where it names any."""

    assignment: str
    person: str
    role: str
    work_unit: str
    from_on: str
    to_on: str | None
    lead: bool
    ended_at: str | None
    acting_for: str | None
    sops: list[str]


class AssignmentPage(PageAnswer):
    """A page of assignments in the order in which they were made."""

    assignments: list[ReadAssignment]


@blueprint.get("/assignments")
@operation(answer=AssignmentPage, query=AssignmentsQuery)
def list_assignments(query: AssignmentsQuery) -> ResponseReturnValue:
    """All assignments, ended ones too."""
    page = listing.page_assignments(
        get_archive(),
        require_actor(),
        page=page_request(query, "assignments", is_id),
        person=query.person,
        work_unit=query.work_unit,
        role=query.role,
    )
    return page_answer("assignments", page)


@blueprint.get("/assignments/<id:assignment>")
@operation(answer=ReadAssignment)
def read_assignment(assignment: str) -> ResponseReturnValue:
    """One assignment."""
    found, head = listing.read_assignment(get_archive(), require_actor(), assignment=assignment)
    return with_state(head, jsonify(found))


@blueprint.post("/people/<id:person>/assignments")
@operation(answer=MadeAssignment, status=201, body=AssignmentBody, takes_key=True)
def assign_role(person: str, body: AssignmentBody) -> ResponseReturnValue:
    """A role for a person in a unit, from a day to a day."""
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
    return jsonify({"assignment": assignment}), 201, {"Location": f"/api/v1/assignments/{assignment}"}


@blueprint.delete("/assignments/<id:assignment>")
@operation(status=204, takes_match=True)
def end_assignment(assignment: str) -> ResponseReturnValue:
    """End an assignment now."""
    people.end_assignment(get_archive(), require_actor(), assignment=assignment, seen=seen_states())
    return "", 204
