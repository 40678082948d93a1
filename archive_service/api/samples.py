"""Random samples of dossiers, for auditors: drawn with a recorded seed from a frozen list."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.content import send_content
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import reading, samples
from archive_service.services.samples import PopulationFilter

blueprint = APIBlueprint("api_samples", __name__, url_prefix="/api/v1/samples", tag="samples")


class DrawBody(Body):
    """The population, and how many are drawn; without a seed the service makes one."""

    size: int = Field(ge=1, le=150)
    seed: str | None = Field(None, description="1 to 64 of A-Z a-z 0-9 . _ - such as the numbers that somebody rolled.")
    sop: str | None = None
    status: Literal["open", "sealed", "cancelled"] | None = None
    step: str | None = Field(None, description="Dossiers in which this step was begun.")
    work_units: list[str] = Field(default_factory=list)
    periods: list[str] = Field(default_factory=list, description="Quarters such as 2026-1.")


class JudgedBody(Body):
    """How one dossier of a sample was."""

    dossier: str
    result: Literal["looked", "fine", "finding"]
    finding: str | None = None
    note: str | None = None


class Population(Answer):
    """What a sample was drawn from."""

    sop: str | None
    status: str | None
    step: str | None
    work_units: list[str]
    periods: list[str]


class ListedSample(Answer):
    """A sample, and how far it is looked through; ``event`` is the leaf hash of the draw."""

    sample: str
    person_name: str | None
    is_own: bool
    seed: str
    size: int
    of: int
    population_digest: str
    filter: Population
    drawn_at: str
    event: str
    drawn: int
    looked_at: int
    fine: int
    findings: int


class SamplePage(PageAnswer):
    """A page of samples, newest first."""

    samples: list[ListedSample]


class SampleItem(Answer):
    """One dossier of a sample, at its place in the draw; ``is_opened`` since, as the drawer's recorded reads tell."""

    place: int
    dossier: str
    title: str | None
    work_unit: str
    work_unit_name: str
    year: int
    quarter: int
    status: str
    is_opened: bool
    result: str | None
    finding: str | None
    note: str | None
    judged_at: str | None


class ReadSample(ListedSample):
    """A sample with its dossiers in the order of the draw."""

    items: list[SampleItem]


class DrawnSample(Answer):
    """The id of a new sample."""

    sample: str


@blueprint.get("")
@operation(answer=SamplePage, query=PageQuery)
def list_samples(query: PageQuery) -> ResponseReturnValue:
    """The samples that auditors drew."""
    page = samples.page_samples(get_archive(), require_actor(), page=page_request(query, "samples", is_id))
    return page_answer("samples", page)


@blueprint.post("")
@operation(answer=DrawnSample, status=201, body=DrawBody, takes_key=True)
def draw_sample(body: DrawBody) -> ResponseReturnValue:
    """Draw a sample: list, seed and result are one event before anybody sees the result."""
    wanted = PopulationFilter(body.sop, body.status, body.step, tuple(body.work_units), tuple(body.periods))
    made = samples.draw_sample(get_archive(), require_actor(), wanted=wanted, size=body.size, seed=body.seed)
    return jsonify({"sample": made}), 201, {"Location": f"/api/v1/samples/{made}"}


@blueprint.get("/<id:sample>")
@operation(answer=ReadSample)
def read_sample(sample: str) -> ResponseReturnValue:
    """One sample with its dossiers."""
    return jsonify(samples.read_sample(get_archive(), require_actor(), sample=sample))


@blueprint.get("/<id:sample>/population")
@operation(answer=("text/plain",), is_download=True)
def read_population(sample: str) -> ResponseReturnValue:
    """The frozen list that the sample was drawn from: ids, one a line."""
    data = samples.read_population(get_archive(), require_actor(), sample=sample)
    return send_content(reading.content_of(data, "text/plain", f"population-{sample}.txt"))


@blueprint.post("/<id:sample>/results")
@operation(status=204, body=JudgedBody, takes_key=True, refuses=[404, 409])
def judge_item(sample: str, body: JudgedBody) -> ResponseReturnValue:
    """Say how one dossier of one's own sample was."""
    samples.judge_item(get_archive(), require_actor(), sample=sample, **body.model_dump())
    return "", 204
