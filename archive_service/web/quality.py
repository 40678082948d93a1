"""Quality across dossiers: steps by work units for a quarter, the trend, who is overdue, and what is behind a number."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from archive_service.charts import Cell, heat_map
from archive_service.db.paging import PageRequest
from archive_service.db.quality import BEHIND, QualityFilter
from archive_service.services import quality
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.wording import column_word

WIB = timedelta(hours=7)
SHOWN = 50

blueprint = Blueprint("web_quality", __name__, template_folder="templates")


def _number(name: str, least: int, greatest: int) -> int | None:
    text = request.args.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    return number if least <= number <= greatest else None


def _period() -> tuple[int | None, int | None]:
    return _number("year", 2000, 9999), _number("quarter", 1, 4)


def _wanted() -> QualityFilter:
    args = request.args
    return QualityFilter(
        args.get("sop") or None,
        args.get("step") or None,
        args.get("work_unit") or None,
        *_period(),
    )


@blueprint.get("/quality")
def overview() -> ResponseReturnValue:
    """Steps by work units in a quarter (this one, unless another is chosen), and the quarters before."""
    archive, actor = get_archive(), require_actor()
    today = archive.log.clock() + WIB
    chosen = _period()
    year, quarter = chosen[0] or today.year, chosen[1] or (today.month + 2) // 3
    cells = quality.read_summary(
        archive, actor, wanted=QualityFilter(year=year, quarter=quarter), by=("sop", "work_unit", "step")
    )
    measure = "complete" if request.args.get("measure") == "complete" else "on_time"
    tables = _tables(cells)
    for number, table in enumerate(tables, 1):
        table["map"] = _draw_map(f"map-{number}", table, measure, year, quarter)
    trend = quality.read_summary(archive, actor, wanted=QualityFilter(), by=("year", "quarter"))
    overdue = quality.page_overdue(archive, actor, wanted=QualityFilter(), page=PageRequest(SHOWN))
    owed = quality.page_unexplained(archive, actor, wanted=QualityFilter(), page=PageRequest(SHOWN))
    return render_template(
        "quality.html",
        year=year,
        quarter=quarter,
        tables=tables,
        measure=measure,
        trend=trend,
        overdue=overdue.rows,
        owed=owed.rows,
        more=overdue.next is not None or owed.next is not None,
    )


def _tables(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One table for each SOP: its steps, its units, and the cell of each pair."""
    tables: dict[str, dict[str, Any]] = {}
    for cell in cells:
        table = tables.setdefault(cell["sop"], {"sop": cell["sop"], "steps": [], "units": {}, "cells": {}})
        table["units"][cell["work_unit"]] = cell["work_unit_name"] or cell["work_unit"]
        if cell["step"] is None:
            table["cells"][cell["work_unit"], None] = cell
            continue
        if cell["step"] not in table["steps"]:
            table["steps"].append(cell["step"])
        table["cells"][cell["work_unit"], cell["step"]] = cell
    for table in tables.values():
        table["steps"].sort(key=lambda step: (not step.isdigit(), int(step) if step.isdigit() else 0, step))
    return list(tables.values())


def _draw_map(name: str, table: dict[str, Any], measure: str, year: int, quarter: int) -> Markup:
    """The heat map of a table; a cell leads to the iterations it counts, or to those that failed when none is good."""
    against = {"on_time": "late", "complete": "incomplete"}[measure]
    cells = {}
    for (unit, step), cell in table["cells"].items():
        if step is None:
            continue
        behind = url_for(
            "web_quality.runs",
            measure=measure if cell[measure] else against,
            work_unit=unit,
            step=step,
            sop=table["sop"],
            year=year,
            quarter=quarter,
        )
        cells[unit, step] = Cell(cell[measure], cell[measure] + cell[against], behind)
    title = f"{table['sop'].upper()}: {column_word(measure)}"
    rows = list(table["units"].items())
    drawn = heat_map(rows, table["steps"], cells, name=name, title=title, description=column_word("step"))
    return Markup(drawn)


@blueprint.get("/quality/runs")
def runs() -> ResponseReturnValue:
    """The iterations behind a number of the table, with links to their dossiers."""
    measure = request.args.get("measure", "runs")
    measure = measure if measure in BEHIND else "runs"
    wanted = _wanted()
    page = quality.page_runs(get_archive(), require_actor(), wanted=wanted, measure=measure, page=PageRequest())
    return render_template(
        "quality_runs.html", measure=measure, wanted=wanted, runs=page.rows, more=page.next is not None
    )


@blueprint.get("/quality/export")
def export() -> ResponseReturnValue:
    """The numbers of a quarter, or all of them, as a spreadsheet with headings in the page's language."""
    content = quality.export_summary(
        get_archive(),
        require_actor(),
        wanted=_wanted(),
        by=("sop", "year", "quarter", "work_unit", "step"),
        kind="csv" if request.args.get("format") == "csv" else "xlsx",
        heading=column_word,
    )
    headers = {
        "Content-Length": str(content.size),
        "Content-Disposition": f'attachment; filename="{content.file_name}"',
    }
    return Response(content.chunks, mimetype=content.media_type, headers=headers)
