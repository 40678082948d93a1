"""``archive-service indicator``: the indicators of a running service's dossiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows
from archive_service.errors import InvalidInput, NotFound

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _path(dossier_id: str, rest: str) -> str:
    return f"/api/v1/dossiers/{dossier_id}/{rest}"


@click.group()
def indicator() -> None:
    """Indicators of a dossier: the list, results, recommendations."""


@indicator.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_indicators(dossier_id: str, is_json: bool) -> None:
    """The indicators of a dossier, with how many documents support each."""
    found = connect().call("GET", _path(dossier_id, "indicators"))
    rows = [
        {**each, "evidence": len(each["documents"]), "result": ", ".join(r["achievement"] for r in each["results"])}
        for each in found["indicators"]
    ]
    show_rows(rows, ("code", "title", "target", "unit", "achievement", "person_name", "evidence", "result"), is_json)


@indicator.command("mine")
@AS_JSON
def list_own(is_json: bool) -> None:
    """The indicators that you are in charge of in open dossiers."""
    rows = [
        {"dossier": d["dossier"], **each, "evidence": len(each["documents"]), "send_at": " ".join(each["may_send"])}
        for d in connect().call("GET", "/api/v1/indicators")["dossiers"]
        for each in d["indicators"]
    ]
    show_rows(rows, ("dossier", "code", "title", "target", "evidence", "send_at"), is_json)


@indicator.command("set")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("code")
@click.option("--title", required=True)
@click.option("--target", required=True)
@click.option("--unit", help="What it is counted in, such as %.")
@click.option("--achievement", help="What was measured already.")
@click.option("--person", help="Who is in charge: a log-in, a name or an id.")
def set_indicator(dossier_id: str, **fields: str | None) -> None:
    """List an indicator, or change the one with this code."""
    change = connect().change(_path(dossier_id, "indicators"), {"indicators": [fields]})
    _tell(change)


@indicator.command("import")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("file", type=click.Path(path_type=Path))
def import_indicators(dossier_id: str, file: Path) -> None:
    """List the indicators of a CSV or XLSX file; every problem in it is named, and nothing is taken then."""
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc
    headers = {"Content-Type": XLSX if data[:2] == b"PK" else "text/csv"}
    path = _path(dossier_id, "indicators/import")
    _tell(connect().call("POST", path, params={"name": file.name}, content=data, headers=headers))


def _tell(change: Any) -> None:
    click.echo(f"{change['changed']} listed or changed, {change['unchanged']} unchanged.")


@indicator.command("template")
@click.argument("file", type=click.Path(path_type=Path))
def save_template(file: Path) -> None:
    """Save an empty table to fill in; the name ends in .csv or .xlsx."""
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise InvalidInput("template_unknown", "Name the file with .csv or .xlsx at its end.")
    data = connect().read_bytes(f"/api/v1/indicators/template{file.suffix.lower()}")
    try:
        file.write_bytes(data)
    except OSError as exc:
        raise NotFound("cannot_write", f"Cannot write {file}: {exc.strerror}.") from exc
    click.echo(str(file))


@indicator.command("remove")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("code")
@click.option("--reason", required=True)
def remove_indicator(dossier_id: str, code: str, reason: str) -> None:
    """Take an indicator off the list."""
    connect().change(_path(dossier_id, "indicators/removal"), {"code": code, "reason": reason})
    click.echo(f"{code} is off the list.")


@indicator.command("result")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("code", required=False)
@click.option("--achievement")
@click.option("--recommendation")
@click.option("--obstacle")
@click.option("--follow-up")
def record_result(dossier_id: str, step: str, **fields: str | None) -> None:
    """Record the result of an indicator, or of the dossier as a whole without CODE."""
    recorded = connect().change(_path(dossier_id, f"steps/{step}/results"), {"results": [fields]})
    click.echo("Recorded." if recorded["recorded"] else "It stood so already.")


@indicator.command("recommendations")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_recommendations(dossier_id: str, is_json: bool) -> None:
    """The recommendations that a dossier began with, and what became of them."""
    found = connect().call("GET", _path(dossier_id, "recommendations"))["recommendations"]
    show_rows(found, ("recommendation", "code", "text", "state", "note", "answered_at"), is_json)


@indicator.command("answer")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("recommendation")
@click.argument("state", type=click.Choice(["done", "ongoing", "dropped"]))
@click.option("--note", required=True)
def answer_recommendation(dossier_id: str, recommendation: str, state: str, note: str) -> None:
    """Say what became of a recommendation."""
    connect().change(_path(dossier_id, f"recommendations/{recommendation}/answer"), {"state": state, "note": note})
    click.echo(f"Recommendation {recommendation[:12]}: {state}.")
