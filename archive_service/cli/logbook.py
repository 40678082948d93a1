"""``archive-service log``: keep it, audit it, publish its keys."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import click

from archive_service import runner, wiring
from archive_service.cli.options import data_option, read_settings, require_archive
from archive_service.errors import InvalidInput
from archive_service.logs import set_up_logging
from archive_service.services import audit, vouching


@click.group()
def log() -> None:
    """The audit log."""


@log.command("run")
def run_log() -> None:
    """Keep the log: number what is recorded, sign checkpoints. The one process that has the log's private key."""
    set_up_logging()
    archive = wiring.build(read_settings())
    if archive.log_key.private_key is None:
        raise InvalidInput("key_absent", "This process signs the log: name its private key with ARCHIVE_LOG_KEY_FILE.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    click.echo(f"Keeping the log {archive.log.origin}.")
    try:
        runner.keep_log(archive, stop)
    finally:
        archive.db.close()


@log.command("audit")
@data_option
@click.option("--objects", is_flag=True, help="Hash every stored object too.")
@click.option("--json", "is_json", is_flag=True, help="The findings as JSON.")
@click.pass_context
def audit_log(ctx: click.Context, data_dir: Path | None, objects: bool, is_json: bool) -> None:
    """Compute every evidenced column again from the events: exit 0 when all agree, 1 with discrepancies."""
    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    try:
        report = audit.check_archive(archive, with_objects=objects)
    finally:
        archive.db.close()
    if is_json:
        click.echo(json.dumps(report.plain(), indent=2))
    else:
        for line in report.lines():
            click.echo(line)
    ctx.exit(1 if report.discrepancies else 0)


@log.command("vkey")
@data_option
def show_vkey(data_dir: Path | None) -> None:
    """Print the verifier keys of the log and of receipts, to publish them elsewhere."""
    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    archive.db.close()
    click.echo(archive.log_key.vkey)
    click.echo(archive.receipt_key.vkey)


@log.command("status")
@data_option
@click.option("--json", "is_json", is_flag=True, help="As JSON.")
def show_status(data_dir: Path | None, is_json: bool) -> None:
    """Which level the log has reached: signed, witnesses k of n, time stamps; and how asking for them goes."""
    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    try:
        status = vouching.read_status(archive)
    finally:
        archive.db.close()
    if is_json:
        click.echo(json.dumps(status, indent=2, ensure_ascii=False))
        return
    level = status["level"]
    click.echo(f"{status['origin']}: {status['size']} events signed at {status['signed_at'] or 'no time yet'}")
    click.echo(
        f"Level: {'signed' if level['is_signed'] else 'not signed'}; witnesses {level['witnesses']} of {level['witnesses_of']}; "
        f"time stamps {level['time_stamps']}" + ("" if level["size"] is None else f" (at {level['size']} events)")
    )
    for each in status["vouchers"]:
        words = "never asked" if each["answered_at"] is None else f"answered {each['answered_at']}"
        failed = "" if each["error"] is None else f"; failed {each['failures']} times: {each['error']}"
        click.echo(f"{each['kind']} {each['name']}: {words}{failed}")
