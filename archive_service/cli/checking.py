"""``archive-service verify | verifier | sop check``: what needs no running service and no archive."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import click

from archive_service.errors import InvalidInput, NotFound
from archive_service.verifier import command, onefile


@click.command()
@click.argument("file")
@click.option(
    "--key",
    help="The log's verifier key, or a file that holds it. Get it from where it is published, not from the bundle.",
)
@click.option(
    "--policy",
    type=click.Path(dir_okay=False),
    help="Whose cosignatures count: a policy file (log, witness, group, quorum). Its logs are pinned where no --key is given.",
)
@click.option("--receipt", help="The receipt of FILE, which is then a document; --key is the receipt key.")
@click.option("--since", help="Where FILE is a log's folder or address: an older checkpoint that it must contain.")
@click.option("--lang", type=click.Choice(["id", "en"]), default="id", show_default=True)
@click.option("--json", "is_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def verify(
    ctx: click.Context,
    file: str,
    key: str | None,
    policy: str | None,
    receipt: str | None,
    since: str | None,
    lang: str,
    is_json: bool,
) -> None:
    """Verify a bundle offline: exit 0 valid, 1 discrepancies, 2 no bundle at all, 3 consistent but issuer not confirmed.

    With --receipt a document is verified instead; a folder or address is verified as a published log.
    """
    text, code = command.verify_anything(
        file, receipt=receipt, since=since, key=key, policy=policy, lang=lang, is_json=is_json
    )
    command.write_out(text, is_json=is_json)
    ctx.exit(code)


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the file; verify.py if left out.")
def verifier(output: Path | None) -> None:
    """Write the verifier as one file, verify.py, and print its SHA-256: publish that where nobody here can change it."""
    output = output or Path(onefile.FILE_NAME)
    data = onefile.build_verifier()
    try:
        output.write_bytes(data)
    except OSError as exc:
        raise NotFound("cannot_write", f"Cannot write {output}: {exc.strerror}.") from exc
    # as sha256sum prints it, so that the line can be given to sha256sum -c
    click.echo(f"{sha256(data).hexdigest()}  {output}")


@click.group()
def sop() -> None:
    """SOPs and calendars as data."""


@sop.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_sop(file: Path) -> None:
    """Check a definition file; every problem is named with its place, exit code 2."""
    # the catalogue needs the database's library, which verifying does not
    from archive_service.catalog import list_placeholders, load_definition

    definition = load_definition(file)
    click.echo(
        f"{file}: {definition.kind} {definition.key} version {definition.version} is sound. sha256 {definition.digest}"
    )
    for problem in list_placeholders(definition):
        click.echo(f"? {problem.place} {problem.message}; it cannot be registered so")


@sop.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", help="A short name for the procedure: a-z, 0-9, - and _; the file's own name if left out.")
@click.option("--title", help="What the procedure is called; the one above the table if left out.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the draft; KEY.toml if left out.")
def new_sop(file: Path, key: str | None, title: str | None, output: Path | None) -> None:
    """Start a definition from a table (CSV or XLSX) with the usual columns; what it could not tell is listed."""
    from archive_service.drafting import draft_sop
    from archive_service.inspection.tables import read_rows

    key = key or re.sub(r"[^a-z0-9]+", "-", file.stem.casefold()).strip("-")[:64] or "pos"
    output = output or Path(f"{key}.toml")
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc
    draft = draft_sop(read_rows(data), key=key, title=title, source=file.name, digest=sha256(data).hexdigest())
    try:
        with output.open("x", encoding="utf-8") as made:
            made.write(draft.toml)
    except FileExistsError as exc:
        raise InvalidInput("file_exists", f"{output} is there already; name another with --output.") from exc
    except OSError as exc:
        raise NotFound("cannot_write", f"Cannot write {output}: {exc.strerror}.") from exc
    for doubt in draft.doubts:
        place = "" if doubt.row is None else f"row {doubt.row}, "
        click.echo(f"? {place}{doubt.column}: {doubt.text}")
    click.echo(f"{output}: a draft with {len(draft.doubts)} open question(s). Then: archive-service sop check {output}")


@sop.command("flowchart")
@click.argument("file", type=click.Path(path_type=Path))
def draw_sop(file: Path) -> None:
    """Print the flowchart of a definition file as SVG."""
    from archive_service.catalog import load_definition
    from archive_service.domain import canonical
    from archive_service.domain.sop import parse_sop
    from archive_service.flowchart import draw_flowchart

    definition = load_definition(file)
    if definition.kind != "sop":
        raise InvalidInput("not_an_sop", f"{file} is a {definition.kind}: only an SOP has a flowchart.")
    click.echo(draw_flowchart(parse_sop(canonical.decode(definition.data))), nl=False)
