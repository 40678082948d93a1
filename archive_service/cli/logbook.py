"""``archive-service log``: keep it, audit it, publish its keys."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from archive_service.cli.options import data_option, read_settings, require_archive
from archive_service.clock import system_now
from archive_service.domain.policy import PolicyError
from archive_service.errors import InvalidInput, NotFound
from archive_service.verifier import log_directory, verify

PROGRESS_SECONDS = 2.0


@click.group()
def log() -> None:
    """The audit log."""


def progress_line(word: str) -> Callable[[int, int], None]:
    """A function that tells how far a long work is: on one line of a terminal, else on a line of its own now and then."""
    started = time.monotonic()
    last = started

    def tell(done: int, size: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < size and now - last < (0.2 if sys.stderr.isatty() else PROGRESS_SECONDS):
            return
        last = now
        if now - started < PROGRESS_SECONDS:
            return
        line = f"{word} {done} of {size} ({done * 100 // max(size, 1)} %), {done / (now - started):.0f}/s"
        click.echo(f"\r{line}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty() or done >= size)

    return tell


@log.command("run")
def run_log() -> None:
    """Keep the log: number what is recorded, sign checkpoints. The one process that has the log's private key."""
    from archive_service import runner, wiring
    from archive_service.logs import set_up_logging

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
    from archive_service import wiring
    from archive_service.services import audit

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
    from archive_service import wiring

    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    archive.db.close()
    click.echo(archive.log_key.vkey)
    click.echo(archive.receipt_key.vkey)


@log.command("status")
@data_option
@click.option("--json", "is_json", is_flag=True, help="As JSON.")
def show_status(data_dir: Path | None, is_json: bool) -> None:
    """Which level the log has reached: signed, witnesses k of n, time stamps; and how asking for them goes."""
    from archive_service import wiring
    from archive_service.services import vouching

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


@log.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@data_option
def export_log(folder: Path, data_dir: Path | None) -> None:
    """Write the published log into DIR as static files (C2SP tlog-tiles); later only what is new."""
    from archive_service import wiring
    from archive_service.services import publication

    archive = wiring.build_for_audit(require_archive(read_settings(data_dir=data_dir)))
    try:
        made = publication.export_log(archive, folder=folder, progress=progress_line("exported"))
    finally:
        archive.db.close()
    click.echo(f"{folder}: {made.size} entries, {made.size - made.before} of them new, {made.files} files written.")


@log.command("verify")
@click.argument("place", metavar="DIR|URL")
@click.option("--key", help="The log's verifier key, or a file that holds it. Get it from where it is published.")
@click.option(
    "--since",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An older checkpoint that was kept elsewhere: this log must continue it.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Whose cosignatures on the newest checkpoint count: a policy file. Its logs are pinned where no --key is given.",
)
@click.option("--tree-only", is_flag=True, help="Hash the entries and leave their content out.")
@click.option("--lang", type=click.Choice(["id", "en"]), default="id", show_default=True)
@click.option("--json", "is_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def verify_log(
    ctx: click.Context,
    place: str,
    key: str | None,
    since: Path | None,
    policy: Path | None,
    tree_only: bool,
    lang: str,
    is_json: bool,
) -> None:
    """Verify a whole published log from its files alone: exit 0 valid, 1 discrepancies, 2 unreadable, 3 issuer not confirmed.

    Reads a folder that `log export` wrote, or an address such as https://archive.example.ac.id/log (with ARCHIVE_TOKEN where it is restricted).
    """
    token = os.environ.get("ARCHIVE_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        keys = () if key is None else (verify.read_key(key),)
        older = None if since is None else since.read_bytes()
        trusted = None if policy is None else verify.read_policy(str(policy))
        reader = log_directory.open_log(place, headers)
        report = log_directory.check_log(
            reader,
            keys,
            since=older,
            policy=trusted,
            now=system_now(),
            is_tree_only=tree_only,
            progress=progress_line("verified"),
        )
    except PolicyError as exc:
        raise InvalidInput("bad_policy", f"The policy cannot be used: {exc}.") from exc
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {exc.filename}: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput("bad_vkey", f"The verifier key cannot be used: {exc}.") from exc
    except log_directory.LogUnreadable as exc:
        raise NotFound("log_unreadable", f"The log at {place} cannot be read: {exc}.") from exc
    click.echo(json.dumps(report.plain(), indent=2) if is_json else "\n".join(report.lines(lang)))
    ctx.exit(report.exit_code)


@log.command("consistency")
@click.argument("old", type=click.IntRange(1))
@click.argument("new", type=click.IntRange(1), required=False)
def prove_consistency(old: int, new: int | None) -> None:
    """The proof that a running service's log under the checkpoint of size NEW (or the newest) continues that of size OLD, as JSON."""
    from archive_service.cli.connection import connect

    query = {"old": old} if new is None else {"old": old, "new": new}
    found = connect(with_token=False).call("GET", "/api/v1/log/consistency", params=query)
    click.echo(json.dumps(found, indent=2))


@log.command("new-origin")
@click.argument("origin")
@click.option(
    "--checkpoint",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The last good checkpoint of the old log.",
)
@click.option("--key", "old_key", required=True, help="The old log's verifier key, or a file that holds it.")
@click.option("--reason", type=click.Choice(["fork", "loss", "key", "other"]), required=True, help="Why it ends.")
@data_option
def begin_new_origin(origin: str, checkpoint: Path, old_key: str, reason: str, data_dir: Path | None) -> None:
    """Begin a new log named ORIGIN in an empty archive; its first leaf carries the old log's last good checkpoint.

    The old log stays as it is: export it before (`log export`), and keep its database. docs/deployment.md says when and how.
    """
    from archive_service import wiring
    from archive_service.domain import note
    from archive_service.services import new_origin

    try:
        data = checkpoint.read_bytes()
        vkey = note.format_vkey(verify.read_key(old_key))
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {exc.filename}: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput("bad_vkey", f"The verifier key cannot be used: {exc}.") from exc
    archive = wiring.build(read_settings(data_dir=data_dir, log_origin=origin))
    try:
        event = new_origin.begin_new_origin(archive, checkpoint=data, vkey=vkey, reason=reason)
    finally:
        archive.db.close()
    click.echo(f"The log {archive.log.origin} begins with event {event.id}: it continues {event.payload['origin']}")
    click.echo(f"at size {event.payload['size']}, root {event.payload['root']}.")
    click.echo(f"Set ARCHIVE_LOG_ORIGIN={archive.log.origin}, then start the service on this archive.")
    click.echo("Publish its keys outside of this system, beside those of the old log:")
    click.echo(f"{archive.log_key.vkey}\n{archive.receipt_key.vkey}")
