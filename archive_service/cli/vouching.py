"""``archive-service witness | keys``: a witness for other people's logs, and the service's own keys."""

from __future__ import annotations

import os
import re
import time
from hashlib import sha256
from pathlib import Path

import click

from archive_service import signing, wiring
from archive_service.archive import Archive
from archive_service.cli.options import data_option, read_settings, require_archive
from archive_service.config import Settings, require_log_origin
from archive_service.domain.note import NoteError
from archive_service.errors import Conflict, InvalidInput, Unavailable
from archive_service.services import keys as keeping
from archive_service.witness import WitnessServer, make_witness

PURPOSES = click.Choice([keeping.LOG, keeping.RECEIPT])
OVERLAP_DAYS = 30


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, dir_okay=False), required=True, help="What it remembers (SQLite)."
)
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Its key; made when missing."
)
@click.option("--listen", default="127.0.0.1:8602", show_default=True, help="HOST:PORT")
@click.option(
    "--name", help="The witness's name in its key, such as witness.example.ac.id; made of its key if left out."
)
@click.option(
    "--log", "logs", multiple=True, metavar="VKEY", help="A log that it follows: its verifier key; several times."
)
def witness(data: Path, key: Path, listen: str, name: str | None, logs: tuple[str, ...]) -> None:
    """Follow logs and cosign what continues what was seen before (C2SP tlog-witness), for another institution or an auditor."""
    host, _, port = listen.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise InvalidInput("bad_listen", "--listen takes HOST:PORT, such as 127.0.0.1:8602.")
    if not logs:
        raise InvalidInput("no_log", "Name the log that the witness follows with --log and its verifier key.")
    try:
        public = signing.load_or_create(key).public_key().public_bytes_raw()
        made = make_witness(data, key, name or f"witness.local/{sha256(public).hexdigest()[:8]}", logs, time.time)
    except NoteError as exc:
        raise InvalidInput("bad_vkey", f"A key or the name is not usable: {exc}.") from exc
    except OSError as exc:
        raise Unavailable("folder_unusable", f"Cannot write {exc.filename}: {exc.strerror}.") from exc
    try:
        server = WitnessServer((host.strip("[]"), int(port)), made)
    except OSError as exc:
        raise Unavailable(
            "port_in_use", f"Cannot listen on {listen}: {exc.strerror}. Choose another with --listen."
        ) from exc
    click.echo(f"Witness of {', '.join(made.origins())} at http://{listen}/add-checkpoint")
    click.echo(f"Its verifier key, for policies: {made.vkey}")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.")


@click.group()
def keys() -> None:
    """The keys of log and receipts: made, listed, changed."""


@keys.command("make")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--origin", required=True, help="The log's name, such as archive.example.ac.id/log.")
@click.option("--purpose", type=PURPOSES, default=keeping.LOG, show_default=True)
def make_key(file: Path, origin: str, purpose: str) -> None:
    """Make a key in FILE (never over another one) and print its verifier key."""
    name = require_log_origin(origin) if purpose == keeping.LOG else f"{require_log_origin(origin)}/receipt"
    if file.exists():
        raise Conflict("key_exists", f"{file} is there already, and keys are never replaced. Name another file.")
    try:
        made = signing.named(signing.load_or_create(file), name)
    except OSError as exc:
        raise Unavailable("folder_unusable", f"Cannot write {file}: {exc.strerror}.") from exc
    click.echo(made.vkey)


@keys.command("list")
@data_option
def list_keys(data_dir: Path | None) -> None:
    """The keys as the log's own events name them; publish the lines that are in force."""
    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    try:
        with archive.db.read() as session:
            found = keeping.list_keys(session)
    finally:
        archive.db.close()
    for key in found:
        state = (
            "in force"
            if key.overlap_until is None
            else f"retired, signs beside its successor until {key.overlap_until}"
        )
        click.echo(f"{key.purpose}: {key.vkey} (registered {key.registered_at}, {state})")


@keys.command("rotate")
@click.argument("purpose", type=PURPOSES)
@click.option("--overlap", "days", type=click.IntRange(0, 3660), default=OVERLAP_DAYS, show_default=True, help="Days.")
@data_option
def rotate(purpose: str, days: int, data_dir: Path | None) -> None:
    """Change a key: an event retires the one in force, and for the overlap checkpoints are signed with both."""
    settings = require_archive(read_settings(data_dir=data_dir))
    if settings.log_vkey is None:
        retired, vkey = _rotate_embedded(settings, purpose, days)
    else:
        # the operator has put the new key's file and verifier key into the settings before
        archive = wiring.build(settings)
        try:
            vkey = (archive.log_key if purpose == keeping.LOG else archive.receipt_key).vkey
            retired = keeping.rotate_key(archive, purpose=purpose, vkey=vkey, overlap_days=days)
        finally:
            archive.db.close()
    click.echo(f"Retired:  {retired.vkey}")
    click.echo(f"In force: {vkey}")
    click.echo(
        f"Publish the new line beside the old one; both count until {retired.overlap_until}. Restart the service now."
    )


def _rotate_embedded(settings: Settings, purpose: str, days: int) -> tuple[keeping.RegisteredKey, str]:
    """Make the next key, register it, then put its file in the place of the one in force."""
    folder = settings.data_dir / "keys"
    archive = wiring.build_for_audit(settings)
    try:
        name = archive.log.origin if purpose == keeping.LOG else f"{archive.log.origin}/receipt"
        following = signing.named(signing.load_or_create(folder / f"{purpose}-next.pem"), name)
        retired = _find_retired(archive, following.vkey)
        if retired is None:
            retired = keeping.rotate_key(archive, purpose=purpose, vkey=following.vkey, overlap_days=days)
    finally:
        archive.db.close()
    # a log without a configured name was named after its first key: from now on the name stands in a file
    (folder / wiring.ORIGIN_FILE).write_text(archive.log.origin + "\n", encoding="ascii")
    os.replace(folder / f"{purpose}.pem", folder / f"{purpose}-former.pem")
    os.replace(folder / f"{purpose}-next.pem", folder / f"{purpose}.pem")
    return retired, following.vkey


def _find_retired(archive: Archive, vkey: str) -> keeping.RegisteredKey | None:
    """The key that this one followed, when a rotation was cut short between its event and its files."""
    with archive.db.read() as session:
        return next((key for key in keeping.list_keys(session) if key.successor == vkey), None)
