"""Rows for people, or for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

AS_JSON = click.option("--json", "is_json", is_flag=True, help="The answer as JSON.")


def show_rows(rows: Iterable[dict[str, Any]], columns: Sequence[str], is_json: bool) -> None:
    """Rows as aligned columns with a heading, or as JSON."""
    listed = list(rows)
    if is_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = [tuple(columns), *(tuple(cell_text(row[name]) for name in columns) for row in listed)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def cell_text(value: Any) -> str:
    """A value on one line; a dash for none."""
    return "–" if value is None else " ".join(str(value).split())
