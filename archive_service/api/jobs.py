"""Jobs: the work that the service does for a dossier afterwards, and how far it is."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import listing

blueprint = APIBlueprint("api_jobs", __name__, url_prefix="/api/v1", tag="jobs")


class ListedJob(Answer):
    """A job; ``error`` is the code of its last failure."""

    job: str
    name: str
    state: str
    progress: int = Field(description="Per cent.")
    attempts: int
    created_at: str
    run_after: str
    finished_at: str | None
    error: str | None


class ReadJob(ListedJob):
    """A job, and the dossier that it works for."""

    dossier: str


class JobPage(PageAnswer):
    """A page of a dossier's jobs, oldest first."""

    jobs: list[ListedJob]


@blueprint.get("/dossiers/<id:dossier>/jobs")
@operation(answer=JobPage, query=PageQuery)
def list_jobs(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The jobs of one dossier, oldest first."""
    page = page_request(query, "jobs", is_id)
    return page_answer("jobs", listing.page_jobs(get_archive(), require_actor(), dossier=dossier, page=page))


@blueprint.get("/jobs/<id:job>")
@operation(answer=ReadJob)
def read_job(job: str) -> ResponseReturnValue:
    """One job of a dossier that one may read."""
    return jsonify(listing.read_job(get_archive(), require_actor(), job=job))
