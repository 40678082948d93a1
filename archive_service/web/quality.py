"""Quality across dossiers: steps by work units for a quarter, the trend, who is overdue, and what is behind a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup

from archive_service.charts import Cell, bar_chart, heat_map
from archive_service.db.paging import PageRequest
from archive_service.db.quality import BEHIND, QualityFilter
from archive_service.services import findings, obligations, quality, reading
from archive_service.services.findings import FindingFilter
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.wording import column_word, roman, word_for

WIB = timedelta(hours=7)
SHOWN = 20
QUARTERS_SHOWN = 12
JUDGED_LEAST = 3
"""How often a step was judged before it is called one of the worst."""

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
    """Steps by work units in a quarter (this one, unless another is chosen), and what to look at behind the numbers."""
    archive, actor = get_archive(), require_actor()
    today = archive.log.clock() + WIB
    chosen = _period()
    year, quarter = chosen[0] or today.year, chosen[1] or (today.month + 2) // 3
    asked = _wanted()
    measure = "complete" if request.args.get("measure") == "complete" else "on_time"
    narrowed = QualityFilter(sop=asked.sop, work_unit=asked.work_unit)
    tables, lately = [], []
    for period in _quarters_before(year, quarter):
        wanted = replace(narrowed, year=period[0], quarter=period[1])
        cells = quality.read_summary(archive, actor, wanted=wanted, by=("sop", "work_unit", "step"))
        lately.extend(cells)
        found = _tables(cells)
        for number, table in enumerate(found, 1):
            table["map"] = _draw_map(f"map-{period[0]}-{period[1]}-{number}", table, measure, *period)
        tables.append({"year": period[0], "quarter": period[1], "sops": found})
    trend = quality.read_summary(archive, actor, wanted=narrowed, by=("year", "quarter"))
    overdue = quality.page_overdue(archive, actor, wanted=narrowed, page=PageRequest(SHOWN))
    may_find = actor.may("finding.read")
    due = (
        findings.peek_findings(archive, actor, wanted=FindingFilter(is_settled=False), page=PageRequest(SHOWN))
        if may_find
        else None
    )
    owed = (
        obligations.list_obligations(archive, actor, year=year, quarter=quarter) if actor.may("obligation.read") else []
    )
    return render_template(
        "quality.html",
        year=year,
        quarter=quarter,
        asked=asked,
        units=[u for u in reading.list_work_units(archive, actor) if reading.scope_of(actor).holds(u["work_unit"])],
        sops={d["key"]: d["number"] for d in reading.list_sops(archive, actor)},
        tables=tables,
        measure=measure,
        trend=trend[-QUARTERS_SHOWN:],
        trend_chart=_draw_trend(trend[-QUARTERS_SHOWN:], measure) if trend else "",
        worst=_worst_steps(lately),
        ages=quality.count_by_age(archive, actor, wanted=narrowed),
        missed=[o for o in owed if o["state"] == "not_started" and asked.work_unit in (None, o["work_unit"])],
        findings=sorted(due.rows, key=lambda f: f["due_on"] or "9999") if due else [],
        may_find=may_find,
        today=today.strftime("%Y-%m-%d"),
        overdue=overdue.rows,
        more=overdue.next is not None,
    )


@blueprint.get("/quality/deviations")
def deviations() -> ResponseReturnValue:
    """The deviations behind a number of the overview, oldest first."""
    after = request.args.get("after", "").split("~")
    age, is_owed = request.args.get("age", ""), request.args.get("owed") == "1"
    page = quality.page_not_settled(
        get_archive(),
        require_actor(),
        wanted=_wanted(),
        age=int(age) if len(age) == 1 and age in "0123456789" else None,
        is_owed=is_owed,
        page=PageRequest(100, tuple(after) if len(after) == 2 else None),
    )
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "after"}
    following = (
        None if page.next is None else url_for("web_quality.deviations", **kept, after="~".join(map(str, page.next)))
    )
    return render_template("quality_deviations.html", deviations=page.rows, is_owed=is_owed, next=following)


def _quarters_before(year: int, quarter: int) -> list[tuple[int, int]]:
    """The quarter and the three before it, the newest first."""
    counted = year * 4 + quarter - 1
    return [((counted - back) // 4, (counted - back) % 4 + 1) for back in range(4)]


def _worst_steps(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of these cells that were late the most often, of those that were judged often enough to say so."""
    sums: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        if cell["step"] is not None:
            one = sums.setdefault((cell["sop"], cell["step"]), [0, 0])
            one[0] += cell["late"]
            one[1] += cell["late"] + cell["on_time"]
    ranked: list[dict[str, Any]] = [
        {"sop": sop, "step": step, "late": late, "of": of}
        for (sop, step), (late, of) in sums.items()
        if late and of >= JUDGED_LEAST
    ]
    return sorted(ranked, key=lambda r: (-r["late"] / r["of"], -r["of"], r["sop"], r["step"]))[:5]


def _draw_trend(trend: list[dict[str, Any]], measure: str) -> Markup:
    """The share that was on time, or complete, in each quarter."""
    against = {"on_time": "late", "complete": "incomplete"}[measure]
    bars = [
        (
            f"{roman(row['quarter'])}/{row['year']}",
            Cell(
                row[measure],
                row[measure] + row[against],
                url_for("web_quality.overview", year=row["year"], quarter=row["quarter"], measure=measure),
            ),
        )
        for row in trend
    ]
    title = gettext("Trend by quarter") + ": " + column_word(measure)
    # our own text with its values escaped, see charts.py
    return Markup(
        bar_chart(bars, name="trend-chart", title=title, description=gettext("The table below has the numbers."))
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
    place = {row["dossier"]: at for at, row in reversed(list(enumerate(page.rows)))}
    # step 10 comes after step 9, where their keys as text do not
    in_order = sorted(page.rows, key=lambda r: (place[r["dossier"]], len(r["step"]), r["step"], r["iteration"]))
    return render_template(
        "quality_runs.html", measure=measure, wanted=wanted, runs=in_order, more=page.next is not None
    )


@blueprint.get("/quality/export")
def export() -> ResponseReturnValue:
    """The numbers, the map, open deviations or findings, of a quarter or all of them, as a spreadsheet in the page's language."""
    kind = "csv" if request.args.get("format") == "csv" else "xlsx"
    archive, actor, wanted = get_archive(), require_actor(), _wanted()
    what = request.args.get("what")
    if what == "deviations":
        content = quality.export_deviations(archive, actor, wanted=wanted, kind=kind, heading=column_word)
    elif what == "map":
        measure = "complete" if request.args.get("measure") == "complete" else "on_time"
        content = quality.export_map(archive, actor, wanted=wanted, measure=measure, kind=kind, heading=column_word)
    elif what == "findings":
        found = FindingFilter(work_unit=wanted.work_unit)
        content = findings.export_findings(archive, actor, wanted=found, kind=kind, heading=column_word, word=word_for)
    else:
        by = ("sop", "year", "quarter", "work_unit", "step")
        content = quality.export_summary(archive, actor, wanted=wanted, by=by, kind=kind, heading=column_word)
    headers = {
        "Content-Length": str(content.size),
        "Content-Disposition": f'attachment; filename="{content.file_name}"',
    }
    return Response(content.chunks, mimetype=content.media_type, headers=headers)
