"""Quality across dossiers: sums, who is overdue, what nobody explained yet, the iterations behind a number, exports."""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Id, Quarter, Query, Year
from archive_service.api.content import send_content
from archive_service.api.operation import operation
from archive_service.api.paging import (
    PageAnswer,
    PageQuery,
    is_count,
    is_id,
    is_key,
    is_moment,
    page_answer,
    page_request,
)
from archive_service.db.quality import QualityFilter
from archive_service.services import quality
from archive_service.services.spreadsheet import CSV, XLSX

blueprint = APIBlueprint("api_quality", __name__, url_prefix="/api/v1/quality", tag="quality")

By = Annotated[
    str,
    Field(
        max_length=100,
        description="What the numbers are told apart by: sop, step, work_unit, year, quarter, with commas between.",
    ),
]


class _Wanted(Query):
    sop: str | None = Field(None, max_length=64)
    step: str | None = Field(None, max_length=64)
    work_unit: Id | None = None
    year: Year | None = None
    quarter: Quarter | None = None

    def wanted(self) -> QualityFilter:
        """The filter for the query."""
        return QualityFilter(self.sop, self.step, self.work_unit, self.year, self.quarter)


class SummaryQuery(_Wanted):
    """Which numbers, told apart by what."""

    by: By = "step"


class ExportQuery(SummaryQuery):
    """Which numbers, as which kind of file."""

    format: Literal["csv", "xlsx"]


class QualityPageQuery(_Wanted, PageQuery):
    """Which page of the dossiers that fit."""


class RunsQuery(QualityPageQuery):
    """Which number's iterations."""

    measure: str = Field(max_length=64, description="The number's name in a summary, such as late or incomplete.")


class QualityRow(Answer):
    """The numbers of one combination; a step of null is what is said of whole dossiers. Null also where it is not told apart by."""

    sop: str | None = None
    step: str | None = None
    work_unit: str | None = None
    work_unit_name: str | None = None
    year: int | None = None
    quarter: int | None = None
    dossiers: int
    sealed: int
    cancelled: int
    runs: int = Field(description="Iterations of steps that began.")
    running: int
    overdue: int = Field(description="Running iterations whose norm has passed, as recorded.")
    on_time: int
    late: int
    used_seconds: int = Field(description="Working time that judged iterations took,")
    limit_seconds: int = Field(description="and were given.")
    complete: int
    incomplete: int
    returns: int = Field(description="Returns decided at the step;")
    sent_back: int = Field(description="returns to the step.")
    deviations: int
    open_deviations: int
    unexplained: int
    on_time_rate: float | None = Field(description="on_time of on_time and late, from 0 to 1.")
    complete_rate: float | None


class Summary(Answer):
    """The numbers, in the order of what they are told apart by."""

    rows: list[QualityRow]


class QualityRun(Answer):
    """An iteration of a step, and its dossier."""

    dossier: str
    title: str | None
    work_unit: str
    work_unit_name: str
    year: int
    quarter: int
    step: str
    iteration: int
    state: str
    outcome: str | None
    role: str
    responsible: str | None
    responsible_name: str | None
    started_at: str
    due_at: str | None
    finished_at: str | None


class QualityRunPage(PageAnswer):
    """A page of iterations."""

    runs: list[QualityRun]


class OwedDeviation(Answer):
    """A deviation that an explanation is owed for."""

    deviation: str
    dossier: str
    work_unit: str
    work_unit_name: str
    year: int
    quarter: int
    code: str
    step: str | None
    iteration: int | None
    subject: str | None
    responsible: str | None
    responsible_name: str | None
    at: str


class OwedDeviationPage(PageAnswer):
    """A page of them, oldest first."""

    deviations: list[OwedDeviation]


@blueprint.get("/summary")
@operation(answer=Summary, query=SummaryQuery)
def read_quality(query: SummaryQuery) -> ResponseReturnValue:
    """On-time and completeness rates, returns and deviations, over all dossiers that one may read."""
    rows = quality.read_summary(get_archive(), require_actor(), wanted=query.wanted(), by=query.by.split(","))
    return jsonify({"rows": rows})


@blueprint.get("/overdue")
@operation(answer=QualityRunPage, query=QualityPageQuery)
def list_overdue(query: QualityPageQuery) -> ResponseReturnValue:
    """The steps that are late now, the longest due first."""
    page = quality.page_overdue(
        get_archive(),
        require_actor(),
        wanted=query.wanted(),
        page=page_request(query, "runs", is_moment, is_id, is_key),
    )
    return page_answer("runs", page)


@blueprint.get("/unexplained")
@operation(answer=OwedDeviationPage, query=QualityPageQuery)
def list_unexplained(query: QualityPageQuery) -> ResponseReturnValue:
    """The deviations that an explanation is owed for, oldest first."""
    page = quality.page_unexplained(
        get_archive(),
        require_actor(),
        wanted=query.wanted(),
        page=page_request(query, "deviations", is_moment, is_id),
    )
    return page_answer("deviations", page)


@blueprint.get("/runs")
@operation(answer=QualityRunPage, query=RunsQuery)
def list_runs(query: RunsQuery) -> ResponseReturnValue:
    """The iterations behind a number."""
    page = quality.page_runs(
        get_archive(),
        require_actor(),
        wanted=query.wanted(),
        measure=query.measure,
        page=page_request(query, "runs", is_id, is_key, is_count),
    )
    return page_answer("runs", page)


@blueprint.get("/export")
@operation(answer=(XLSX, CSV), query=ExportQuery, is_download=True)
def export_quality(query: ExportQuery) -> ResponseReturnValue:
    """The numbers as a spreadsheet: CSV in UTF-8 with a byte order mark, or XLSX; no cell is a formula."""
    return send_content(
        quality.export_summary(
            get_archive(), require_actor(), wanted=query.wanted(), by=query.by.split(","), kind=query.format
        )
    )
