"""Work units: list, read, create."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_key, page_answer, page_request
from archive_service.services import listing, people

blueprint = APIBlueprint("api_work_units", __name__, url_prefix="/api/v1/work-units", tag="people")


class WorkUnitBody(Body):
    """A new work unit."""

    code: str
    name: str
    parent: str | None = None


class CreatedWorkUnit(Answer):
    """The id of a new work unit."""

    work_unit: str


class ReadWorkUnit(Answer):
    """A work unit; ``parent`` is the id of the one that it is within."""

    work_unit: str
    code: str
    name: str
    parent: str | None


class WorkUnitPage(PageAnswer):
    """A page of work units by code."""

    work_units: list[ReadWorkUnit]


@blueprint.get("")
@operation(answer=WorkUnitPage, query=PageQuery)
def list_work_units(query: PageQuery) -> ResponseReturnValue:
    """All work units by code."""
    page = page_request(query, "work_units", is_key)
    return page_answer("work_units", listing.page_work_units(get_archive(), require_actor(), page=page))


@blueprint.get("/<id:work_unit>")
@operation(answer=ReadWorkUnit)
def read_work_unit(work_unit: str) -> ResponseReturnValue:
    """One work unit."""
    return jsonify(listing.read_work_unit(get_archive(), require_actor(), work_unit=work_unit))


@blueprint.post("")
@operation(answer=CreatedWorkUnit, status=201, body=WorkUnitBody, takes_key=True, refuses=[404])
def create_work_unit(body: WorkUnitBody) -> ResponseReturnValue:
    """A new work unit."""
    unit = people.create_work_unit(get_archive(), require_actor(), code=body.code, name=body.name, parent=body.parent)
    return jsonify({"work_unit": unit}), 201, {"Location": f"/api/v1/work-units/{unit}"}
