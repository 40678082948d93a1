"""Commands that talk to a running service over HTTP: dossiers, events, jobs, definitions, people, tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from archive_service.cli.connection import connect
from archive_service.errors import InvalidInput, NotFound

AS_JSON = click.option("--json", "is_json", is_flag=True, help="The answer as JSON.")
GAPS = click.option("--accept-gaps", is_flag=True, help="Go on although required inputs are missing.")


def register(main: click.Group) -> None:
    """Add the groups to the command line."""
    for group in (dossier, event, job, definition, person, token):
        main.add_command(group)


def _show(rows: Iterable[dict[str, Any]], columns: Sequence[str], is_json: bool) -> None:
    """Rows as aligned columns with a heading, or as JSON."""
    listed = list(rows)
    if is_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = [tuple(columns), *(tuple(_cell(row[name]) for name in columns) for row in listed)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return "–" if value is None else " ".join(str(value).split())


def _path(dossier: str, rest: str = "") -> str:
    if not dossier.isalnum() or not dossier.isascii():
        raise InvalidInput("id_expected", "A dossier is named by its id of 32 hex digits; `dossier list` shows them.")
    return f"/api/v1/dossiers/{dossier}{rest}"


# dossiers --------------------------------------------------------------------------------------------------------


@click.group()
def dossier() -> None:
    """Dossiers of a running service (ARCHIVE_URL, ARCHIVE_TOKEN)."""


@dossier.command("list")
@click.option("--status", type=click.Choice(["open", "sealed", "cancelled"]))
@click.option("--year", type=int)
@click.option("--quarter", type=click.IntRange(1, 4))
@AS_JSON
def list_dossiers(status: str | None, year: int | None, quarter: int | None, is_json: bool) -> None:
    """The dossiers that you may read, newest first."""
    found = connect().rows("/api/v1/dossiers", "dossiers", status=status, year=year, quarter=quarter)
    _show(found, ("dossier", "status", "year", "quarter", "work_unit", "title"), is_json)


@dossier.command("show")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def show_dossier(dossier_id: str, is_json: bool) -> None:
    """One dossier: its steps, who holds them until when, its documents and deviations."""
    found = connect().call("GET", _path(dossier_id))
    if is_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{_cell(found['title'])} [{found['status']}]")
    click.echo(f"{found['work_unit']['name']}, {found['year']}, quarter {found['quarter']}\n")
    steps = []
    for step in found["steps"]:
        run = step["iterations"][-1] if step["iterations"] else {}
        held = {"by": run.get("responsible_name"), "until": run.get("due_at"), "time": run.get("time")}
        steps.append({**step, **held})
    _show(steps, ("step", "state", "by", "until", "time", "activity"), False)
    for name, columns in (
        ("documents", ("version", "step", "kind", "number", "size", "file_name", "withdrawn_at")),
        ("deviations", ("deviation", "code", "step", "responsible_name", "explained_at")),
    ):
        if found[name]:
            click.echo()
            _show(found[name], columns, False)


@dossier.command("upload")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", required=True, help="The kind of document, as the step's checklist names it.")
@click.option("--name", help="The file's name, if it should be another.")
@click.option("--document", help="The document that this is a new version of.")
@click.option("--application", help="Receipt of an upload elsewhere: the application,")
@click.option("--address", help="its address,")
@click.option("--number", help="and the number that it gave.")
@click.option("--receipt", "receipt", type=click.Path(path_type=Path), help="Keep the signed receipt in this file.")
def upload_document(
    dossier_id: str, step: str, file: Path, kind: str, name: str | None, receipt: Path | None, **more: str | None
) -> None:
    """Send a file into a step, with its digest; nothing is kept of one that changed on the way."""
    query = {"kind": kind, "name": name or file.name, **{k: v for k, v in more.items() if v is not None}}
    received = connect().upload(_path(dossier_id, f"/steps/{step}/documents"), file, query)
    if receipt is not None:
        try:
            receipt.write_text(received["receipt"], encoding="utf-8")
        except OSError as exc:
            raise NotFound("cannot_write", f"Received, but the receipt cannot be kept: {exc.strerror}.") from exc
    click.echo(f"{received['version']}  {received['size']} bytes  sha256 {received['digest']}")


@dossier.command("submit")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@GAPS
def submit_step(dossier_id: str, step: str, accept_gaps: bool) -> None:
    """Finish a step with its documents."""
    connect().change(_path(dossier_id, f"/steps/{step}/submission"), {"accepts_gaps": accept_gaps})
    click.echo(f"Step {step} is submitted.")


@dossier.command("decide")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("decision", type=click.Choice(["approve", "return"]))
@click.option("--version", "versions", multiple=True, required=True, help="A version that you looked at; repeat it.")
@click.option("--reason", help="Why it goes back.")
@click.option("--to", "returns_to", help="The step that it goes back to.")
@GAPS
def decide_step(
    dossier_id: str,
    step: str,
    decision: str,
    versions: tuple[str, ...],
    reason: str | None,
    returns_to: str | None,
    accept_gaps: bool,
) -> None:
    """Approve a step or return it, on exactly the versions that you looked at."""
    body = {
        "decision": decision,
        "versions": list(versions),
        "reason": reason,
        "returns_to": returns_to,
        "accepts_gaps": accept_gaps,
    }
    connect().change(_path(dossier_id, f"/steps/{step}/decision"), body)
    click.echo(f"Step {step}: {decision}.")


@dossier.command("withdraw")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("version")
@click.option("--reason", required=True)
def withdraw_document(dossier_id: str, version: str, reason: str) -> None:
    """Withdraw a document version before its step is submitted."""
    connect().change(_path(dossier_id, f"/documents/{version}/withdrawal"), {"reason": reason})
    click.echo(f"Version {version} is withdrawn.")


@dossier.command("explain")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("deviation")
@click.argument("explanation")
def explain_deviation(dossier_id: str, deviation: str, explanation: str) -> None:
    """Account for a deviation that you answer for."""
    connect().change(_path(dossier_id, f"/deviations/{deviation}/explanation"), {"explanation": explanation})
    click.echo(f"Deviation {deviation} is explained.")


@dossier.command("archive")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@GAPS
def archive_dossier(dossier_id: str, step: str, accept_gaps: bool) -> None:
    """Seal a dossier as the performer of its last step; its bundle is built afterwards."""
    sealed = connect().change(_path(dossier_id, f"/steps/{step}/archiving"), {"accepts_gaps": accept_gaps})
    click.echo(f"Sealed. Statement sha256 {sealed['statement']}")


@dossier.command("bundle")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("file", type=click.Path(path_type=Path))
def fetch_bundle(dossier_id: str, file: Path) -> None:
    """Save the bundle of a sealed dossier."""
    digest = connect().download(_path(dossier_id, "/bundle"), file)
    click.echo(f"{file}  sha256 {digest}")


# the rest --------------------------------------------------------------------------------------------------------


@click.group()
def event() -> None:
    """Events of a dossier, and proofs that they are in the log."""


@event.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_events(dossier_id: str, is_json: bool) -> None:
    """The events of a dossier; with --json their exact bytes too, in base64."""
    found = connect().rows(_path(dossier_id, "/events"), "events")
    _show(found, ("seq", "at", "type", "leaf_index", "leaf_hash"), is_json)


@event.command("proof")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("seq", type=click.IntRange(0))
@click.option("--checkpoint", type=click.IntRange(1), help="The size of the checkpoint to prove against.")
def prove_event(dossier_id: str, seq: int, checkpoint: int | None) -> None:
    """The inclusion proof of one event against a signed checkpoint, as JSON."""
    query = {} if checkpoint is None else {"checkpoint": checkpoint}
    found = connect().call("GET", _path(dossier_id, f"/events/{seq}/proof"), params=query)
    click.echo(json.dumps(found, indent=2))


@click.group()
def job() -> None:
    """What the service does for a dossier afterwards."""


@job.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_jobs(dossier_id: str, is_json: bool) -> None:
    """The jobs of a dossier and how far they are, in per cent."""
    found = connect().rows(_path(dossier_id, "/jobs"), "jobs")
    _show(found, ("job", "name", "state", "progress", "attempts", "error"), is_json)


@click.group()
def definition() -> None:
    """SOPs and calendars of a running service."""


@definition.command("list")
@AS_JSON
def list_definitions(is_json: bool) -> None:
    """Every registered version."""
    _show(connect().rows("/api/v1/definitions", "definitions"), ("kind", "key", "version", "digest"), is_json)


@definition.command("register")
@click.argument("file", type=click.Path(path_type=Path))
def register_definition(file: Path) -> None:
    """Register a TOML file as a new version; `sop check FILE` looks at it first, without a service."""
    try:
        text = file.read_bytes()
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc
    headers = {"Content-Type": "application/toml"}
    made = connect().call("POST", "/api/v1/definitions", content=text, headers=headers)
    click.echo(f"{made['key']} version {made['version']}  sha256 {made['digest']}")


@click.group()
def person() -> None:
    """People, for administrators and auditors."""


@person.command("list")
@AS_JSON
def list_people(is_json: bool) -> None:
    """All persons with log-ins and the roles in force."""
    found = list(connect().rows("/api/v1/people", "people"))
    if not is_json:
        for row in found:
            row["logins"] = ", ".join(u["login"] for u in row["users"])
            row["roles"] = ", ".join(a["role"] for a in row["assignments"] if a["ended_at"] is None)
    _show(found, ("person", "name", "logins", "roles"), is_json)


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("login")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True)
@click.option("--scope", "scopes", multiple=True, help="Narrow what it may do, such as dossier or events.read.")
@click.password_option(confirmation_prompt=False, help="Asked for when left out.")
def create_token(login: str, name: str, days: int, scopes: tuple[str, ...], password: str) -> None:
    """Make a token with log-in and password; its secret is printed this once: export ARCHIVE_TOKEN=$(…)."""
    body = {"login": login, "password": password, "name": name, "days": days, "scopes": list(scopes)}
    made = connect(with_token=False).call("POST", "/api/v1/tokens", json=body)
    click.echo(f"valid until {made['expires_at']}", err=True)
    click.echo(made["token"])
