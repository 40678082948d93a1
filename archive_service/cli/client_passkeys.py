"""Commands about passkeys. A browser or another tool holds the keys: what it made comes in a file (``PublicKeyCredential.toJSON()``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from archive_service.cli.client_documents import read_object
from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows
from archive_service.errors import InvalidInput

PASSKEYS = "/api/v1/passkeys"
PASSWORD = click.option(
    "--password", prompt=True, hide_input=True, help="Your password again; asked for when left out."
)
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def passkey() -> None:
    """Passkeys, which sign decisions."""


@passkey.command("list")
@click.option(
    "--person", help="Another person's, for auditors and administrators: to be compared with what they say is theirs."
)
@AS_JSON
def list_passkeys(person: str | None, is_json: bool) -> None:
    """Your passkeys, revoked ones too."""
    if person is not None and not (person.isalnum() and person.isascii()):
        raise InvalidInput("id_expected", "A person is named by an id of 32 hex digits; `person list` shows them.")
    path = PASSKEYS if person is None else f"/api/v1/people/{person}/passkeys"
    columns = ("passkey", "name", "algorithm", "rp_id", "registered_at", "revoked_at")
    show_rows(connect().rows(path, "passkeys"), columns, is_json)


@passkey.command("prepare")
@PASSWORD
def prepare_passkey(password: str) -> None:
    """Print what a browser or another tool needs to make a passkey for you, as JSON."""
    _show(connect().call("POST", f"{PASSKEYS}/preparations", json={"password": password}))


@passkey.command("register")
@click.argument("preparation")
@FILE
@click.option("--name", required=True, help="What you call it: Laptop, USB key.")
def register_passkey(preparation: str, file: Path, name: str) -> None:
    """Register the passkey that was made; FILE holds the credential as JSON."""
    body = {"preparation": preparation, "name": name, "credential": read_object(file)}
    click.echo(connect().change(PASSKEYS, body)["passkey"])


@passkey.command("revoke")
@click.argument("passkey_hash", metavar="PASSKEY")
@PASSWORD
def revoke_passkey(passkey_hash: str, password: str) -> None:
    """Revoke a passkey of yours; `passkey list` shows them."""
    if len(passkey_hash) != 64 or not passkey_hash.isalnum() or not passkey_hash.isascii():
        raise InvalidInput("id_expected", "A passkey is named by its 64 hex digits; `passkey list` shows them.")
    connect().call("POST", f"{PASSKEYS}/{passkey_hash}/revocation", json={"password": password})
    click.echo("The passkey is revoked.")


def _show(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
