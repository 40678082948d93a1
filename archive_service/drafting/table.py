"""The usual table of a procedure (SOP AP, PermenPANRB 35/2012): its heading, and a row for each step.

The columns are No, Kegiatan, Pelaksana (one column, or a lane for each performer with a symbol in it), and under "Mutu baku" Kelengkapan,
Waktu and Keluaran; Keterangan may follow. Headings are told by their words: offices name and merge them in many ways.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from archive_service.drafting.norms import UNITS
from archive_service.errors import InvalidInput

WORDS: dict[str, frozenset[str]] = {
    "outputs": frozenset(["output", "outputs", "keluaran", "luaran", "hasil"]),
    "norm": frozenset(["waktu", "durasi", "lama"]),
    "inputs": frozenset(["kelengkapan", "perlengkapan", "persyaratan", "syarat", "input", "masukan", "bahan"]),
    "remarks": frozenset(["keterangan", "ket", "catatan"]),
    "performer": frozenset(["pelaksana", "pelaku", "aktor", "penanggung", "petugas"]),
    "activity": frozenset(["kegiatan", "aktivitas", "aktifitas", "prosedur", "tahapan", "uraian", "langkah"]),
    "number": frozenset(["no", "nomor", "nr"]),
    "group": frozenset(["mutu", "baku", "standar", "standard"]),
}
"""Field → a word of its heading tells it, the first field that has one; a heading has few words."""
COLUMNS = {
    "number": "No",
    "activity": "Kegiatan",
    "performer": "Pelaksana",
    "inputs": "Kelengkapan",
    "norm": "Waktu",
    "outputs": "Output",
    "remarks": "Keterangan",
}
_HEADING_WORDS = 6
_HEADING_DEPTH = 3
_SEARCHED_ROWS = 60
_HEAD = re.compile(r"(?i)^(nomor|nama|judul)\s+(?:sop|pos|spo)\b[\s:]*(.*)$")
_BREAKS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_DIAMONDS = frozenset("◇◆◊⬦⬥♢♦⋄")


class Doubt(NamedTuple):
    """Something that the table does not tell: the sheet's row (None for all of it), the column's name, and a sentence."""

    row: int | None
    column: str
    text: str


@dataclass
class Line:
    """A step's row: its number in the sheet, the texts of its fields, who performs it, whether a diamond marks it."""

    number: int
    cells: dict[str, str]
    performers: list[str]
    is_diamond: bool


@dataclass
class Table:
    """What the heading and the rows say."""

    lines: list[Line] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)
    norm_unit: str | None = None
    doubts: list[Doubt] = field(default_factory=list)


@dataclass
class _Heading:
    last: int
    fields: dict[str, int]
    lanes: dict[int, str]
    norm_unit: str | None


def clean(text: str) -> str:
    """The text as a definition takes it: in NFC, without hidden signs; its lines stay."""
    lines = unicodedata.normalize("NFC", _HIDDEN.sub("", _BREAKS.sub("\n", text))).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def plain(text: str) -> str:
    """The text for comparing: its letters and digits without accents, in lower case, with single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", bare.casefold()))


def read_procedure(rows: list[tuple[int, list[str]]]) -> Table:
    """The steps of the table in these rows (number, texts of the cells); InvalidInput ``table_columns`` when there is none."""
    cleaned = [(number, [clean(cell) for cell in cells]) for number, cells in rows]
    filled = [(number, cells) for number, cells in cleaned if any(cells)]
    heading = _find_heading([cells for _, cells in filled])
    if heading is None:
        wanted = ", ".join(COLUMNS[name] for name in ("number", "activity", "performer", "inputs", "norm", "outputs"))
        raise InvalidInput("table_columns", f"No row has the usual headings: {wanted}. Name the columns like that.")
    table = Table(norm_unit=heading.norm_unit)
    for _, cells in filled[: heading.last]:
        _read_head(cells, table.head)
    for number, cells in filled[heading.last + 1 :]:
        _read_line(number, cells, heading, table)
    if not table.lines:
        raise InvalidInput(
            "table_columns", "There is no step under the heading: each needs its Kegiatan in a row of its own."
        )
    for name in ("norm", "inputs", "outputs"):
        if name not in heading.fields:
            table.doubts.append(Doubt(None, COLUMNS[name], "The table has no such column."))
    return table


def _field_of(text: str) -> str | None:
    words = plain(text).split()
    if not 0 < len(words) <= _HEADING_WORDS:
        return None
    return next((name for name, known in WORDS.items() if known & set(words)), None)


def _find_heading(rows: list[list[str]]) -> _Heading | None:
    for first, cells in enumerate(rows[:_SEARCHED_ROWS]):
        found = [_field_of(cell) for cell in cells]
        if "activity" not in found or not {"number", "performer", "norm", "outputs", "inputs"} & set(found):
            continue
        activity = found.index("activity")
        last = first
        while last + 1 < len(rows) and last + 1 - first < _HEADING_DEPTH and _is_below(rows[last + 1], activity):
            last += 1
        heading = _read_heading(rows[first : last + 1], last)
        if {"activity", "outputs"} <= set(heading.fields) or {"activity", "norm"} <= set(heading.fields):
            return heading
    return None


def _is_below(cells: list[str], activity: int) -> bool:
    """Whether the row goes on with the heading: nothing, or the same word again, stands in the column of activities."""
    here = _at(cells, activity)
    others = [cell for index, cell in enumerate(cells) if cell and index != activity]
    return bool(others) and (not here or _field_of(here) == "activity") and not all(map(_is_number, others))


def _read_heading(rows: list[list[str]], last: int) -> _Heading:
    heading = _Heading(last, {}, {}, None)
    above: str | None = None
    for index in range(max(len(cells) for cells in rows)):
        texts = [_at(cells, index) for cells in rows]
        above = _field_of(texts[0]) if texts[0] else above
        below = [text for text in texts[1:] if text]
        told = [name for text in reversed(texts) if (name := _field_of(text)) not in (None, "group")]
        is_lane = above == "performer" and below and plain(below[-1]) != plain(texts[0])
        if is_lane and _field_of(below[-1]) not in ("inputs", "norm", "outputs", "remarks"):
            heading.lanes[index] = " ".join(below[-1].split())
            continue
        name = told[0] if told else None
        if name is None or name in heading.fields:
            continue
        heading.fields[name] = index
        if name == "norm":
            heading.norm_unit = next((word for text in texts for word in plain(text).split() if word in UNITS), None)
    if heading.lanes:
        heading.fields.pop("performer", None)
    return heading


def _at(cells: list[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\(?[0-9]{1,2}[.)]?", text))


def _read_head(cells: list[str], head: dict[str, str]) -> None:
    """Number and title of the procedure from the lines above the table: in one cell, or in the next one."""
    given = [cell for cell in cells if cell.strip(" :")]
    for index, cell in enumerate(given):
        found = _HEAD.match(" ".join(cell.split()))
        if found:
            value = found[2].strip(" :") or (given[index + 1].strip(" :") if index + 1 < len(given) else "")
            head.setdefault("number" if found[1].casefold() == "nomor" else "title", " ".join(value.split())[:500])


def _read_line(number: int, cells: list[str], heading: _Heading, table: Table) -> None:
    values = {name: _at(cells, index) for name, index in heading.fields.items()}
    marks = {index: _at(cells, index) for index in heading.lanes if _at(cells, index)}
    filled = [cell for cell in cells if cell]
    if all(map(_is_number, filled)) or _is_heading_again(cells, heading):
        return
    if not values["activity"]:
        if table.lines:  # a cell that goes on in the next row, as merged cells and page breaks leave it
            known = table.lines[-1]
            for name, text in values.items():
                if text:
                    known.cells[name] = f"{known.cells[name]}\n{text}".strip()
        elif values.keys() - {"number"} and any(values.values()):
            table.doubts.append(Doubt(number, COLUMNS["activity"], "This row has no activity and is left out."))
        return
    performers = [heading.lanes[index] for index in marks]
    if not heading.lanes:
        performers = [name for name in values.get("performer", "").split("\n") if name]
    if not performers:
        table.doubts.append(Doubt(number, COLUMNS["performer"], "No performer is marked in this row."))
    elif len(performers) > 1:
        others = ", ".join(performers[1:])
        text = f"Several performers are marked; {performers[0]} is taken, not {others}."
        table.doubts.append(Doubt(number, COLUMNS["performer"], text))
    is_diamond = any(set(mark) & _DIAMONDS for mark in marks.values())
    table.lines.append(Line(number, values, performers[:1], is_diamond))


def _is_heading_again(cells: list[str], heading: _Heading) -> bool:
    """Whether the row is the heading on a new page."""
    lanes = {plain(title) for title in heading.lanes.values()}
    filled = [cell for cell in cells if cell]
    told = [cell for cell in filled if _field_of(cell) is not None or plain(cell) in lanes]
    names = {_field_of(cell) for cell in told}
    is_first = "activity" in names and len(names - {None}) > 1
    return len(told) == len(filled) and (is_first or not _at(cells, heading.fields["activity"]))
