"""Commands for whoever looks for something, and for auditors: search, random samples."""

from __future__ import annotations

from pathlib import Path

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows
from archive_service.cli.options import data_option, read_settings, require_archive

SAMPLES = "/api/v1/samples"
KINDS = ("dossier", "document", "event", "person")
COLUMNS = ("kind", "subject", "title", "work_unit_name", "at", "digest")


@click.group()
def search() -> None:
    """Search dossiers, documents, events and people."""


@search.command("find")
@click.argument("query", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(KINDS), help="Of this kind alone, all of it; else the newest of each.")
@click.option("--unit", "work_unit", help="One work unit's alone.")
@AS_JSON
def find(query: tuple[str, ...], kind: str | None, work_unit: str | None, is_json: bool) -> None:
    """Find what begins with every word of QUERY; an id, a digest (its beginning) or `#` and a leaf index is found too."""
    words = " ".join(query)
    if kind is not None:
        rows = connect().rows("/api/v1/search/hits", "hits", q=words, kind=kind, work_unit=work_unit)
        show_rows(rows, COLUMNS, is_json)
        return
    wanted = {"q": words} if work_unit is None else {"q": words, "work_unit": work_unit}
    found = connect().call("GET", "/api/v1/search", params=wanted)
    hits = [*found["identified"], *(hit for group in found["groups"] for hit in group["hits"])]
    show_rows(hits, COLUMNS, is_json)
    if not is_json:
        counts = [f"{g['kind']} {g['count']}{'+' if g['is_more'] else ''}" for g in found["groups"]]
        click.echo(", ".join(counts))


@search.command("rebuild")
@data_option
def rebuild(data_dir: Path | None) -> None:
    """Throw the words of the search away and make them again from the events, on the machine of the archive."""
    from archive_service import wiring
    from archive_service.cli.logbook import progress_line
    from archive_service.services import search as service

    archive = wiring.build(require_archive(read_settings(data_dir=data_dir)))
    try:
        made = service.rebuild(archive, progress_line("indexed"))
    finally:
        archive.db.close()
    click.echo(f"{made} entries are indexed.")


@click.group()
def sample() -> None:
    """Random samples of dossiers, for auditors."""


@sample.command("list")
@AS_JSON
def list_samples(is_json: bool) -> None:
    """The samples that auditors drew, newest first."""
    rows = connect().rows(SAMPLES, "samples")
    show_rows(rows, ("sample", "person_name", "drawn_at", "seed", "drawn", "of", "looked_at", "findings"), is_json)


@sample.command("draw")
@click.argument("size", type=click.IntRange(1, 150))
@click.option("--seed", help="Given by somebody; made by the service if left out.")
@click.option("--sop", help="The SOP's key.")
@click.option("--status", type=click.Choice(["open", "sealed", "cancelled"]))
@click.option("--step", help="Dossiers in which this step was begun.")
@click.option("--unit", "work_units", multiple=True, help="A work unit's id; repeat it. All if left out.")
@click.option("--period", "periods", multiple=True, help="A quarter such as 2026-1; repeat it. All if left out.")
def draw_sample(
    size: int,
    seed: str | None,
    sop: str | None,
    status: str | None,
    step: str | None,
    work_units: tuple[str, ...],
    periods: tuple[str, ...],
) -> None:
    """Draw SIZE dossiers; list, seed and result are one event before anybody sees the result."""
    lists = {"work_units": list(work_units), "periods": list(periods)}
    body = {"size": size, "seed": seed, "sop": sop, "status": status, "step": step, **lists}
    click.echo(f"Sample {connect().change(SAMPLES, body)['sample']}")


@sample.command("show")
@click.argument("sample_id", metavar="SAMPLE")
@AS_JSON
def show_sample(sample_id: str, is_json: bool) -> None:
    """The dossiers of a sample in the order of the draw."""
    found = connect().call("GET", f"{SAMPLES}/{sample_id}")
    if not is_json:
        click.echo(f"seed {found['seed']}, {found['drawn']} of {found['of']}, list sha256:{found['population_digest']}")
    show_rows(found["items"], ("place", "dossier", "title", "work_unit_name", "status", "result"), is_json)


@sample.command("population")
@click.argument("sample_id", metavar="SAMPLE")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save_population(sample_id: str, file: Path) -> None:
    """Save the frozen list that a sample was drawn from."""
    digest = connect().download(f"{SAMPLES}/{sample_id}/population", file)
    click.echo(f"{file}: sha256:{digest}")


@sample.command("judge")
@click.argument("sample_id", metavar="SAMPLE")
@click.argument("dossier")
@click.argument("result", type=click.Choice(["looked", "fine", "finding"]))
@click.option("--finding", help="The finding's id.")
@click.option("--note")
def judge_item(sample_id: str, dossier: str, result: str, finding: str | None, note: str | None) -> None:
    """Say how one dossier of your own sample was."""
    body = {"dossier": dossier, "result": result, "finding": finding, "note": note}
    connect().change(f"{SAMPLES}/{sample_id}/results", body)
    click.echo(f"{dossier}: {result}.")
