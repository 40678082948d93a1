"""Commands that ask a running service about quality across dossiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows

BY = click.option(
    "--by", default="step", show_default=True, help="sop, step, work_unit, year, quarter, with commas between."
)
SHOWN = ("runs", "on_time_rate", "complete_rate", "late", "overdue", "returns", "deviations", "unexplained")


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--step"),
        click.option("--quarter", type=click.IntRange(1, 4)),
        click.option("--year", type=int),
        click.option("--unit", "work_unit", help="The work unit's id; `work-unit list` shows them."),
        click.option("--sop", help="The SOP's key."),
    ):
        command = option(command)
    return command


@click.group()
def quality() -> None:
    """Quality across dossiers: on time, complete, overdue, unexplained."""


@quality.command("summary")
@BY
@_filtered
@AS_JSON
def show_summary(by: str, is_json: bool, **wanted: Any) -> None:
    """Rates and counts for each step, work unit, quarter or year."""
    query = {"by": by, **{k: v for k, v in wanted.items() if v is not None}}
    rows = connect().call("GET", "/api/v1/quality/summary", params=query)["rows"]
    groups = ["work_unit_name" if name == "work_unit" else name for name in by.split(",")]
    show_rows(rows, (*groups, *SHOWN), is_json)


@quality.command("overdue")
@_filtered
@AS_JSON
def show_overdue(is_json: bool, **wanted: Any) -> None:
    """Who is overdue now, the longest due first."""
    rows = connect().rows("/api/v1/quality/overdue", "runs", **wanted)
    show_rows(rows, ("dossier", "work_unit_name", "step", "iteration", "responsible_name", "due_at"), is_json)


@quality.command("unexplained")
@_filtered
@AS_JSON
def show_unexplained(is_json: bool, **wanted: Any) -> None:
    """The deviations that an explanation is owed for, oldest first."""
    rows = connect().rows("/api/v1/quality/unexplained", "deviations", **wanted)
    show_rows(rows, ("dossier", "work_unit_name", "step", "code", "responsible_name", "at"), is_json)


@quality.command("runs")
@click.argument("measure")
@_filtered
@AS_JSON
def show_runs(measure: str, is_json: bool, **wanted: Any) -> None:
    """The iterations behind a number of the summary, such as late or incomplete."""
    rows = connect().rows("/api/v1/quality/runs", "runs", measure=measure, **wanted)
    show_rows(rows, ("dossier", "work_unit_name", "step", "iteration", "state", "outcome", "due_at"), is_json)


@quality.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@BY
@_filtered
def export_summary(file: Path, by: str, **wanted: Any) -> None:
    """The summary as a spreadsheet: FILE ends in .csv or .xlsx."""
    kind = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    query = {"format": kind, "by": by, **{k: v for k, v in wanted.items() if v is not None}}
    digest = connect().download(f"/api/v1/quality/export?{urlencode(query)}", file)
    click.echo(f"{file}: sha256:{digest}")
