"""Lists of indicators as tables: XLSX and CSV read with every problem named by row and column; empty ones to fill in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from archive_service.domain.indicator import LISTED_LIMIT
from archive_service.errors import DocumentRefused, InvalidInput, TooLarge
from archive_service.inspection import inspect_document

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE_LIMIT_BYTES = 2 * 1024 * 1024
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
    if len(data) > TABLE_LIMIT_BYTES:
        raise TooLarge("table_too_large", f"A table has at most {TABLE_LIMIT_BYTES} bytes.")
    if not data.strip():
        raise InvalidInput("table_empty", "The table is empty; fill in the template and send that.")
    lines = _read_xlsx(data) if data[:2] == b"PK" else _read_csv(data)
    filled = [(number, cells) for number, cells in lines if any(cells)]
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


def _read_csv(data: bytes) -> list[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput("table_encoding", "Save the table as CSV UTF-8 or as XLSX, and send it again.") from exc
    if "\0" in text:
        raise InvalidInput("table_encoding", "Save the table as CSV UTF-8 or as XLSX, and send it again.")
    first = next(line for line in text.splitlines() if line.strip())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") >= first.count(",") else ",")
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if len(found) >= ROWS_READ:
                raise InvalidInput("too_many_indicators", f"A dossier lists at most {LISTED_LIMIT} indicators.")
            found.append((reader.line_num, [cell.strip() for cell in cells[:COLUMNS_READ]]))
    except csv.Error as exc:
        raise InvalidInput("table_unreadable", f"Line {reader.line_num} cannot be read as CSV; save it anew.") from exc
    return found


def _read_xlsx(data: bytes) -> list[tuple[int, list[str]]]:
    try:
        # bombs, macros and locked files are refused by the same rules as documents
        inspect_document(io.BytesIO(data), size=len(data), file_name="tabel.xlsx", accepted=(XLSX,))
    except DocumentRefused as exc:
        raise InvalidInput(exc.code, exc.detail) from exc
    try:
        # what a formula came to when the sheet was saved; nothing is computed here
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            return list(_cells_of(book))
        finally:
            book.close()
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, AttributeError, SyntaxError) as exc:
        # the library meets what it did not expect with whatever happens then; ParseError is a SyntaxError
        raise InvalidInput(
            "table_unreadable", "The table cannot be read; save it as XLSX again and send that."
        ) from exc


def _cells_of(book: Any) -> Iterator[tuple[int, list[str]]]:
    sheet = book.worksheets[0]
    for number, row in enumerate(sheet.iter_rows(max_row=ROWS_READ, max_col=COLUMNS_READ), 1):
        yield number, [_text_of(cell.value, getattr(cell, "number_format", None)) for cell in row]


def _text_of(value: object, number_format: str | None) -> str:
    """A cell as it reads in an Indonesian sheet: 0.95 shown as per cent is 95%, 3.5 is 3,5."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, int | float):
        amount = Decimal(repr(value))
        is_percent = "%" in (number_format or "")
        amount = amount * 100 if is_percent else amount
        text = f"{amount.normalize():f}" if amount else "0"
        return text.replace(".", ",") + ("%" if is_percent else "")
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value).strip()


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
