"""``archive-service run | demo``: the whole service in one process tree, and the play that shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archive_service.cli import demo as playing
from archive_service.cli import serve as serving
from archive_service.cli.options import data_option, read_settings


@click.command()
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


@click.command()
@click.option("--exit", "is_exit", is_flag=True, help="End after the verification; status 0 only if all held.")
@click.option(
    "--documents",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Play these files instead of the samples.",
)
@click.option(
    "--year/--no-year",
    "has_year",
    default=None,
    help="Begin with a sample year of six units (the default without --exit).",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--data", "data_dir", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--lang", type=click.Choice(["id", "en"]), default="id", show_default=True)
@click.pass_context
def demo(
    ctx: click.Context,
    is_exit: bool,
    documents: Path | None,
    has_year: bool | None,
    port: int | None,
    data_dir: Path,
    lang: str,
) -> None:
    """Play a whole SOP-SPMI-601 dossier over HTTP, verify its bundle, show how a changed byte is refused."""
    has_year = not is_exit if has_year is None else has_year
    ctx.exit(
        playing.play(data_dir=data_dir, port=port, documents=documents, is_exit=is_exit, lang=lang, has_year=has_year)
    )


@click.command(hidden=True)
def serve_demo() -> None:
    """The service of the demo: started by ``demo`` with its settings in the environment."""
    serving.serve(read_settings())
