"""A table as CSV or XLSX, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES: Mapping[str, str] = {"csv": CSV, "xlsx": XLSX}

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet calculate, or move to another cell, when a text begins with it; the wide forms do so in some programs."""

Cell = str | int | float | None


def safe_text(text: str) -> str:
    """The text, behind an apostrophe when a spreadsheet would take it for a formula, even behind spaces."""
    return "'" + text if text.startswith(FORMULA_SIGNS) or text.lstrip(" ").startswith(FORMULA_SIGNS) else text


def write_table(
    kind: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, title: str, made_at: datetime
) -> bytes:
    """The bytes of a table: ``kind`` is csv or xlsx. Texts are texts and numbers numbers; nothing is a formula."""
    return _csv(headings, rows) if kind == "csv" else _xlsx(headings, rows, title, made_at)


def _csv(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in (headings, *rows):
        writer.writerow([safe_text(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    # Excel takes a file without the mark for one in the system's own code page, and spoils every name in it
    return text.getvalue().encode("utf-8-sig")


def _xlsx(headings: Sequence[str], rows: Sequence[Sequence[Cell]], title: str, made_at: datetime) -> bytes:
    data = io.BytesIO()
    options: dict[str, Any] = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(data, options) as book:
        book.set_properties({"title": safe_text(title), "created": made_at.replace(tzinfo=None)})
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, safe_text(heading), bold)
            sheet.set_column(column, column, max(10, min(40, len(heading) + 2)))
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, safe_text(cell))
                elif cell is not None:
                    sheet.write_number(number, column, cell)
        sheet.freeze_panes(1, 0)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(headings) - 1)
    return data.getvalue()
