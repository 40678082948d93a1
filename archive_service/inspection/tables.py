"""Tables that people send, CSV or XLSX, as rows of texts: bounded, without macros, and no formula is computed."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from archive_service.errors import DocumentRefused, InvalidInput, TooLarge
from archive_service.inspection.documents import inspect_document

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE_LIMIT_BYTES = 2 * 1024 * 1024
ROWS_READ = 2_000
COLUMNS_READ = 40
ROWS_LOOKED_AT = 50


def read_rows(data: bytes) -> list[tuple[int, list[str]]]:
    """The first sheet's rows: each row's number as the sheet counts, and the texts of its cells.

    InvalidInput for what is no such table, TooLarge for more than 2 MiB.
    """
    if len(data) > TABLE_LIMIT_BYTES:
        raise TooLarge("table_too_large", f"A table has at most {TABLE_LIMIT_BYTES} bytes.")
    if not data.strip():
        raise InvalidInput("table_empty", "The table is empty; fill in the template and send that.")
    return _read_xlsx(data) if data[:2] == b"PK" else _read_csv(data)


def _read_csv(data: bytes) -> list[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput("table_encoding", "Save the table as CSV UTF-8 or as XLSX, and send it again.") from exc
    if "\0" in text:
        raise InvalidInput("table_encoding", "Save the table as CSV UTF-8 or as XLSX, and send it again.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter_of(text))
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if len(found) >= ROWS_READ:
                raise InvalidInput("table_too_long", f"A table has at most {ROWS_READ} rows.")
            found.append((len(found) + 1, [cell.strip() for cell in cells[:COLUMNS_READ]]))
    except csv.Error as exc:
        raise InvalidInput("table_unreadable", f"Line {reader.line_num} cannot be read as CSV; save it anew.") from exc
    return found


def _delimiter_of(text: str) -> str:
    """What separates the cells: semicolon (Indonesian Excel), comma, or tab (copied from a document), whichever makes even rows."""
    scores: dict[str, int] = {}
    for delimiter in (";", ",", "\t"):
        try:
            rows = list(
                itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ROWS_LOOKED_AT)
            )
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows)
        scores[delimiter] = max(((width - 1) * count for width, count in widths.items()), default=0)
    return max(scores, key=lambda delimiter: scores[delimiter], default=";")


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
