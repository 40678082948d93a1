"""Lists of indicators as tables: XLSX and CSV read with every problem named by row and column; empty ones to fill in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Font

from archive_service.domain.indicator import LISTED_LIMIT
from archive_service.errors import InvalidInput
from archive_service.inspection.tables import read_rows

CSV = "text/csv"
ROWS_READ = 2_000
COLUMNS_READ = 40

HEADERS: dict[str, str] = {
    "code": "Kode",
    "title": "Indikator",
    "unit": "Satuan",
    "target": "Target",
    "achievement": "Capaian",
    "person": "Penanggung jawab",
}
"""Field → the heading of its column."""
_ALSO: dict[str, str] = {
    "kode indikator": "code",
    "indikator kinerja": "title",
    "nama indikator": "title",
    "penanggungjawab": "person",
    "pic": "person",
}
_IGNORED = frozenset(["", "no", "no.", "nomor", "keterangan"])
_NEEDED = ("code", "title", "target")


class TableRow(NamedTuple):
    """One row of a table: its number as the sheet counts, and the text of each field that has a column."""

    number: int
    fields: dict[str, str]


class Problem(NamedTuple):
    """What is wrong at one place of a table or list: the row, the column's name, a code and a sentence."""

    row: int
    column: str
    code: str
    message: str


def problems_error(problems: Sequence[Problem], what: str) -> InvalidInput:
    """The error that tells all of it; nothing was taken."""
    return InvalidInput(
        "indicators_invalid",
        f"The {what} has {len(problems)} problem(s), and nothing of it was taken: mend them and send it again.",
        problems=[
            {**problem._asdict(), "place": f"row {problem.row}, {problem.column}"}
            for problem in problems[:LISTED_LIMIT]
        ],
    )


def read_table(data: bytes, file_name: str) -> list[TableRow]:
    """The rows under the heading; InvalidInput with every problem of the heading, TooLarge, DocumentRefused for an unsound file."""
    filled = [(number, cells) for number, cells in read_rows(data) if any(cells)]
    if not filled:
        raise InvalidInput("table_empty", "The table is empty; fill in the template and send that.")
    (heading, names), rows = filled[0], filled[1:]
    fields, problems = _read_heading(heading, names)
    if problems:
        raise problems_error(problems, "table")
    if not rows:
        raise InvalidInput("table_empty", "The table has a heading and no row; fill it in and send it again.")
    if len(rows) > LISTED_LIMIT:
        raise InvalidInput("too_many_indicators", f"A dossier lists at most {LISTED_LIMIT} indicators.")
    return [
        TableRow(number, {field: cells[i] if i < len(cells) else "" for i, field in fields.items()})
        for number, cells in rows
    ]


def _read_heading(number: int, names: list[str]) -> tuple[dict[int, str], list[Problem]]:
    known = {heading.casefold(): field for field, heading in HEADERS.items()} | _ALSO
    fields: dict[int, str] = {}
    problems: list[Problem] = []
    for index, name in enumerate(names):
        word = " ".join(name.split()).rstrip(":").casefold()
        field = known.get(word)
        if field is None:
            if word not in _IGNORED:
                problems.append(
                    Problem(number, name[:100], "column_unknown", "There is no such column; see the template.")
                )
        elif field in fields.values():
            problems.append(Problem(number, name[:100], "column_twice", "This column is there twice; keep one."))
        else:
            fields[index] = field
    problems.extend(
        Problem(number, HEADERS[field], "column_missing", "This column is missing; see the template.")
        for field in _NEEDED
        if field not in fields.values()
    )
    return fields, problems


def make_template(kind: str) -> bytes:
    """An empty table with its heading: ``csv`` (UTF-8 with BOM, semicolons) or ``xlsx`` with a sheet of hints."""
    if kind == "csv":
        return ("\ufeff" + ";".join(HEADERS.values()) + "\r\n").encode("utf-8")
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Indikator"
    sheet.append(list(HEADERS.values()))
    for cell, width in zip(sheet[1], (14, 60, 14, 14, 14, 30), strict=True):
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    hints = book.create_sheet("Petunjuk")
    for line in (
        ("Kode", "Huruf besar, angka, titik, garis; misalnya IKU-1.2. Kode yang sudah ada akan diganti isinya."),
        ("Indikator", "Nama indikator kinerja, paling panjang 300 huruf."),
        ("Satuan", "Boleh kosong; misalnya %, dokumen, orang."),
        ("Target", "Target periode ini."),
        ("Capaian", "Boleh kosong; capaian yang sudah terukur."),
        ("Penanggung jawab", "Boleh kosong; nama pengguna atau nama orang, persis seperti terdaftar."),
    ):
        hints.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
