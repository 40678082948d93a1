"""Commands about documents of a running service: forms that are filled in, attachments of explanations, originals on paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows
from archive_service.errors import InvalidInput, NotFound

RECEIPT = click.option("--receipt", type=click.Path(path_type=Path), help="Keep the signed receipt in this file.")


def _path(dossier: str, rest: str) -> str:
    if not dossier.isalnum() or not dossier.isascii():
        raise InvalidInput("id_expected", "A dossier is named by its id of 32 hex digits; `dossier list` shows them.")
    return f"/api/v1/dossiers/{dossier}/{rest}"


def _tell(received: Any, receipt: Path | None) -> None:
    if receipt is not None:
        try:
            receipt.write_text(received["receipt"], encoding="utf-8")
        except OSError as exc:
            raise NotFound("cannot_write", f"Received, but the receipt cannot be kept: {exc.strerror}.") from exc
    click.echo(f"{received['version']}  {received['size']} bytes  sha256 {received['digest']}")


@click.group()
def form() -> None:
    """Forms that the service makes a PDF of."""


@form.command("show")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("kind")
@AS_JSON
def show_form(dossier_id: str, step: str, kind: str, is_json: bool) -> None:
    """What a form asks: the keys to fill in, and in the SOP's words what they mean."""
    found = connect().call("GET", _path(dossier_id, f"steps/{step}/forms/{kind}"))
    show_rows(found["fields"], ("key", "required", "lines", "title"), is_json)


@form.command("fill")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("kind")
@click.option("--field", "fields", type=(str, str), multiple=True, metavar="KEY TEXT", help="One field; repeat it.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="The fields as a JSON object in a file.")
@click.option("--document", help="The document that this is a new version of.")
@RECEIPT
def fill_form(
    dossier_id: str,
    step: str,
    kind: str,
    fields: tuple[tuple[str, str], ...],
    file: Path | None,
    document: str | None,
    receipt: Path | None,
) -> None:
    """Fill in a form: the service makes the PDF and takes it in like an upload."""
    given = {**({} if file is None else read_object(file)), **dict(fields)}
    body = {"fields": given, "document": document}
    _tell(connect().change(_path(dossier_id, f"steps/{step}/forms/{kind}"), body), receipt)


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file; a sentence for one that holds none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc
    except ValueError as exc:
        raise InvalidInput("not_json", f"{file} holds no JSON.") from exc
    if not isinstance(found, dict):
        raise InvalidInput("not_json", f"{file} must hold a JSON object.")
    return found


@click.group()
def attachment() -> None:
    """Attachments of explanations."""


@attachment.command("send")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("deviation")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="The file's name, if it should be another.")
@RECEIPT
def send_attachment(dossier_id: str, deviation: str, file: Path, name: str | None, receipt: Path | None) -> None:
    """Send a file for the explanation that you give next with `dossier explain`."""
    path = _path(dossier_id, f"deviations/{deviation}/attachments")
    _tell(connect().upload(path, file, {"name": name or file.name}), receipt)


@click.group()
def paper() -> None:
    """Originals on paper: whether there are any, and where they lie."""


@paper.command("record")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("document")
@click.option("--none", "is_none", is_flag=True, help="There is no original on paper.")
@click.option("--room", help="Where it lies: the room (ruang),")
@click.option("--shelf", help="the shelf (rak),")
@click.option("--box", help="the box (boks),")
@click.option("--folder", help="the folder.")
def record_paper(dossier_id: str, document: str, is_none: bool, **place: str | None) -> None:
    """Record where a document's original on paper lies, or that it has none; `paper list` shows the documents."""
    body = {"exists": not is_none, **place}
    connect().call("PUT", _path(dossier_id, f"documents/{document}/paper"), json=body)
    click.echo("Recorded.")


@paper.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_papers(dossier_id: str, is_json: bool) -> None:
    """Each document with what is recorded of its original; a dash where nothing is."""
    newest: dict[str, dict[str, Any]] = {}
    for row in connect().rows(_path(dossier_id, "documents"), "documents"):
        known = row["paper"]
        place = dict.fromkeys(("room", "shelf", "box", "folder")) if known is None else known
        newest[row["document"]] = {**row, **place, "paper": None if known is None else known["exists"]}
    columns = ("document", "step", "kind", "file_name", "paper", "room", "shelf", "box", "folder")
    show_rows(newest.values(), columns, is_json)
