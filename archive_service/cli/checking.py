"""``archive-service verify | sop check``: what needs no running service and no archive."""

from __future__ import annotations

from pathlib import Path

import click

from archive_service.verifier import verify as verifying


@click.command()
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


@click.group()
def sop() -> None:
    """SOPs and calendars as data."""


@sop.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_sop(file: Path) -> None:
    """Check a definition file; every problem is named with its place, exit code 2."""
    # the catalogue needs the database's library, which verifying does not
    from archive_service.catalog import load_definition

    definition = load_definition(file)
    click.echo(
        f"{file}: {definition.kind} {definition.key} version {definition.version} is sound. sha256 {definition.digest}"
    )
