"""``archive-service``: run, demo, verify and look after the archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from archive_service import __version__
from archive_service.catalog import load_definition
from archive_service.cli import client
from archive_service.cli import demo as demo_command
from archive_service.cli import serve as serving
from archive_service.cli.logbook import log
from archive_service.cli.options import data_option, read_settings
from archive_service.cli.production import db, health, init, setup, web
from archive_service.cli.stores import store
from archive_service.errors import ArchiveError, InvalidDefinition
from archive_service.verifier import verify as verifying


class Commands(click.Group):
    """Errors of the service become one sentence and exit code 2; bugs keep their traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InvalidDefinition as exc:
            for problem in exc.problems:
                click.echo(f"{problem.place}: {problem.message}", err=True)
            click.echo(f"{len(exc.problems)} problem(s) found; nothing was changed.", err=True)
            ctx.exit(2)
        except ArchiveError as exc:
            click.echo(f"{exc.detail} [{exc.code}]", err=True)
            ctx.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Archive and audit service for documents of public procedures."""


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on the loopback address (ARCHIVE_PORT).")
@data_option
def run(port: int | None, data_dir: Path | None) -> None:
    """Start the whole service in one process tree; by default on SQLite and a folder."""
    settings = read_settings(port=port, data_dir=data_dir)
    serving.require_free_port(settings.host, settings.port)
    password = serving.prepare(settings)
    if password is not None:
        click.echo(
            "First start: an administrator was created. This password is shown once; change it after logging in."
        )
        click.echo(f"  log-in:   admin\n  password: {password}")
    click.echo(
        f"Archive service at http://{settings.host}:{settings.port}/  (data in {settings.data_dir}; Ctrl-C stops it)"
    )
    sys.stdout.flush()
    serving.serve(settings)


@main.command()
@click.option("--exit", "is_exit", is_flag=True, help="End after the verification; status 0 only if all held.")
@click.option(
    "--documents",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Play these files instead of the samples.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--data", "data_dir", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--lang", type=click.Choice(["id", "en"]), default="id", show_default=True)
@click.pass_context
def demo(
    ctx: click.Context, is_exit: bool, documents: Path | None, port: int | None, data_dir: Path, lang: str
) -> None:
    """Play a whole SOP-SPMI-601 dossier over HTTP, verify its bundle, show how a changed byte is refused."""
    ctx.exit(demo_command.play(data_dir=data_dir, port=port, documents=documents, is_exit=is_exit, lang=lang))


@main.command(hidden=True)
def serve_demo() -> None:
    """The service of the demo: started by ``demo`` with its settings in the environment."""
    settings = read_settings()
    serving.serve(settings)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key",
    help="The log's verifier key, or a file that holds it. Get it from where it is published, not from the bundle.",
)
@click.option("--lang", type=click.Choice(["id", "en"]), default="id", show_default=True)
@click.option("--json", "is_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def verify(ctx: click.Context, file: Path, key: str | None, lang: str, is_json: bool) -> None:
    """Verify a bundle offline: exit 0 valid, 1 discrepancies, 2 no bundle at all, 3 consistent but issuer not confirmed."""
    text, code = verifying.verify_file(str(file), key, lang, is_json)
    click.echo(text)
    ctx.exit(code)


client.register(main)


@main.group()
def sop() -> None:
    """SOPs and calendars as data."""


@sop.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_sop(file: Path) -> None:
    """Check a definition file; every problem is named with its place, exit code 2."""
    definition = load_definition(file)
    click.echo(
        f"{file}: {definition.kind} {definition.key} version {definition.version} is sound. sha256 {definition.digest}"
    )


for command in (log, store, db, setup, web, health, init):
    main.add_command(command)


if __name__ == "__main__":
    main()
