"""``archive-service init | db migrate | setup | web``: the parts of an installation on PostgreSQL, S3 and Redis."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from archive_service import signing
from archive_service.cli import serve as serving
from archive_service.cli.options import read_settings
from archive_service.config import Settings, require_log_origin
from archive_service.db import schema
from archive_service.db.session import Database
from archive_service.errors import Conflict, InvalidInput, Unavailable

IMAGE_USER = 10001
"""The user of the image (Dockerfile), who must be able to read the key files."""


@dataclass(frozen=True)
class Keys:
    """Two private key files and their verifier keys."""

    log_file: Path
    receipt_file: Path
    log_vkey: str
    receipt_vkey: str


def make_keys(folder: Path, origin: str) -> Keys:
    """New keys for a log of this name; files that are there already are used, never replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_file, receipt_file = folder / "log.pem", folder / "receipt.pem"
    log_key = signing.named(signing.load_or_create(log_file), origin)
    receipt_key = signing.named(signing.load_or_create(receipt_file), f"{origin}/receipt")
    return Keys(log_file, receipt_file, log_key.vkey, receipt_key.vkey)


def migrate(settings: Settings) -> str:
    """Bring the schema up to date and give the service's role its rights; the role's name."""
    if settings.migration_database is None or settings.database is None:
        raise InvalidInput(
            "bad_settings",
            "Name the database twice: ARCHIVE_MIGRATION_DATABASE with the role that owns the tables, ARCHIVE_DATABASE with the service's own. "
            "The embedded database needs no migrating by hand.",
        )
    owner = Database(settings.migration_database)
    try:
        schema.upgrade(owner)
        return schema.set_up_role(owner, settings.database)
    finally:
        owner.close()


@click.group()
def db() -> None:
    """The database."""


@db.command("migrate")
def migrate_database() -> None:
    """Make or update the tables (ARCHIVE_MIGRATION_DATABASE) and the service's role (ARCHIVE_DATABASE)."""
    role = migrate(read_settings())
    click.echo(f"The schema is {schema.newest_version()}; the role {role} reads and adds evidence, and changes none.")


@click.command()
@click.option("--unit-code", default=serving.UNIT_CODE, show_default=True, help="Code of the top work unit.")
@click.option("--unit-name", default=serving.UNIT_NAME, show_default=True, help="Its name.")
def setup(unit_code: str, unit_name: str) -> None:
    """Begin the archive: keys, definitions, the top work unit and one administrator; a second time changes nothing."""
    password = serving.prepare(read_settings(), unit_code=unit_code, unit_name=unit_name)
    if password is None:
        click.echo("The archive was begun before; nothing was changed.")
        return
    click.echo("The archive begins. The administrator's password is shown once; change it after logging in.")
    click.echo(f"  log-in:   admin\n  password: {password}")


@click.command()
def web() -> None:
    """Serve pages and API alone; jobs and log have processes of their own."""
    serving.serve(read_settings(), is_whole=False)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--origin", required=True, help="The log's name for ever, such as archive.example.ac.id/log.")
def init(folder: Path, origin: str) -> None:
    """Make the secrets of a new installation in FOLDER: .env for docker compose, and the two key files."""
    require_log_origin(origin)
    target = folder / ".env"
    if target.exists():
        raise Conflict("env_exists", f"{target} is there already, and secrets are never replaced. Name another folder.")
    try:
        keys = make_keys(folder / "secrets", origin)
        # the processes in the image run as whoever made the secrets, and never as root
        uid, gid = os.getuid(), os.getgid()
        if uid == 0:
            uid = gid = IMAGE_USER
            for path in (folder / "secrets", keys.log_file, keys.receipt_file):
                os.chown(path, uid, gid)
        values = {
            "ARCHIVE_UID": str(uid),
            "ARCHIVE_GID": str(gid),
            "ARCHIVE_HTTP_PORT": "8080",
            "ARCHIVE_LOG_ORIGIN": origin,
            "ARCHIVE_LOG_VKEY": keys.log_vkey,
            "ARCHIVE_RECEIPT_VKEY": keys.receipt_vkey,
            **{name: secrets.token_hex(24) for name in ("OWNER_PASSWORD", "SERVICE_PASSWORD", "REDIS_PASSWORD")},
            "ARCHIVE_S3_ACCESS_KEY": secrets.token_hex(10),
            "ARCHIVE_S3_SECRET_KEY": secrets.token_hex(20),
        }
        _write_secret(target, values)
    except OSError as exc:
        raise Unavailable("folder_unusable", f"Cannot write to {folder}: {exc.strerror}.") from exc
    click.echo(
        f"Made {target}, {keys.log_file} and {keys.receipt_file}. Keep a copy of all three where nobody else reads them."
    )
    click.echo("Publish these two lines outside of this system, so that anyone can verify what it signs:")
    click.echo(f"{keys.log_vkey}\n{keys.receipt_vkey}")


def _write_secret(path: Path, values: Mapping[str, str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
