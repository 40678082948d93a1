"""A first draft of an SOP's definition from a table with the usual columns: what it says is taken, what it cannot tell is named.

The columns are those of SOP AP (PermenPANRB 35/2012): No, Kegiatan, Pelaksana (one column, or a column for each performer with a
symbol in it), and under "Mutu baku" Kelengkapan, Waktu, Keluaran (Output); Keterangan may follow.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import tomli_w

from archive_service.domain.sop import OUTSIDE, PDF
from archive_service.errors import InvalidInput

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("no", "no.", "nomor", "langkah"),
    "activity": ("kegiatan", "uraian kegiatan", "uraian prosedur", "aktivitas", "langkah kegiatan", "prosedur"),
    "performer": ("pelaksana", "pelaku", "penanggung jawab", "unit pelaksana"),
    "inputs": ("kelengkapan", "persyaratan/kelengkapan", "persyaratan", "persyaratan / kelengkapan", "syarat"),
    "norm": ("waktu", "norma waktu", "waktu penyelesaian"),
    "outputs": ("output", "keluaran", "keluaran (output)", "output/keluaran", "hasil"),
    "remarks": ("keterangan", "ket", "ket."),
}
_GROUPS = frozenset(["mutu baku", "standar mutu", "mutu", "baku"])
_NEEDED = ("activity", "norm", "outputs")
_HEADING_ROWS = 4
_UNITS = {"menit": "minute", "mnt": "minute", "jam": "hour", "hari": "day", "minggu": "day", "hk": "day"}
_WORDS = {"satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "sepuluh": 10, "setengah": 0}
_DECIDING = ("menyetujui", "mengesahkan", "menandatangani", "approve")
_REVIEWING = ("memeriksa", "memverifikasi", "meneliti", "mereviu", "mengoreksi", "mengecek")
_RECEIVING = ("menerima", "menerima dan mencatat")
_ARCHIVING = ("mengarsipkan", "menyimpan", "mendokumentasikan", "arsip")
_MEDIA = [
    PDF,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "image/jpeg",
    "image/png",
]


class Doubt(NamedTuple):
    """Something that the table does not tell: the sheet's row (None for all of it), the column's name, and a sentence."""

    row: int | None
    column: str
    text: str


@dataclass
class Draft:
    """A definition as TOML text, and everything that somebody must look at before it is registered."""

    toml: str
    doubts: list[Doubt] = field(default_factory=list)


class _Row(NamedTuple):
    number: int
    cells: dict[str, str]
    performers: tuple[str, ...]


def draft_sop(rows: list[tuple[int, list[str]]], *, key: str, title: str, source: str, digest: str) -> Draft:
    """The draft of the procedure that a table's rows tell (row number, texts of its cells).

    ``source`` and ``digest`` name the file that it was read from. InvalidInput ``table_columns`` when it has not the usual columns, or
    no step under them.
    """
    doubts: list[Doubt] = []
    steps = _steps_of(rows, doubts)
    if not steps:
        raise InvalidInput(
            "table_columns", "There is no step under the heading: each needs its Kegiatan in a row of its own."
        )
    roles: dict[str, str] = {}
    drafts = [_draft_step(index, step, steps, roles, doubts) for index, step in enumerate(steps)]
    _link(drafts, steps, doubts)
    for name in ("number", "institution", "owner", "approved_by", "made_on", "effective_on", "legal_bases"):
        doubts.append(Doubt(None, name, f"The table does not say it: fill in `{name}`."))
    made = date(2000, 1, 1)
    mapping: dict[str, Any] = {
        "schema": 1,
        "kind": "sop",
        "key": key,
        "version": 1,
        "number": "ISI NOMOR POS",
        "title": title,
        "institution": "ISI NAMA INSTANSI",
        "owner": "ISI UNIT PEMILIK",
        "made_on": made,
        "effective_on": made,
        "legal_bases": [],
        "qualifications": [],
        "related": [],
        "equipment": [],
        "warnings": [],
        "recording": "Disimpan sebagai data elektronik dan manual",
        "approved_by": {"name": "ISI NAMA", "title": "ISI JABATAN", "nip": "0" * 18},
        "source": {"file": source, "sha256": digest},
        "time": {
            "timezone": "Asia/Jakarta",
            "day_policy": "working_minutes",
            "day_minutes": 450,
            "provenance": "inferred",
            "confidence": 50,
        },
        "roles": [
            {"key": role, "title": words, "team": "tim" in words.casefold().split()} for words, role in roles.items()
        ],
        "steps": drafts,
    }
    doubts.append(
        Doubt(None, "time", 'What "1 hari" means is taken to be 450 working minutes: look at `time.day_policy`.')
    )
    return Draft(_HEAD.format(source=source) + tomli_w.dumps(mapping, multiline_strings=False), doubts)


_HEAD = """# A draft, made from {source}. Look at every entry of `inferred`, fill in what begins with ISI, then run
# `archive-service sop check` on this file. Nothing here is the procedure's own word until somebody has read it.
"""


# ---- the heading


def _plain(text: str) -> str:
    """A heading for comparing: without accents, in lower case, with single spaces."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(bare.replace("\n", " ").split()).rstrip(":").casefold()


def _steps_of(rows: list[tuple[int, list[str]]], doubts: list[Doubt]) -> list[_Row]:
    filled = [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
    for start in range(len(filled)):
        for depth in (1, 2, 3):
            heading = [cells for _, cells in filled[start : start + depth]]
            columns, swimlanes = _columns_of(heading)
            if all(name in columns.values() for name in _NEEDED) and (swimlanes or "performer" in columns.values()):
                return _read_steps(filled[start + depth :], columns, swimlanes, doubts)
        if start >= _HEADING_ROWS + 20:
            break
    wanted = "No, Kegiatan, Pelaksana, Kelengkapan, Waktu, Output"
    raise InvalidInput("table_columns", f"No row has the usual headings: {wanted}. Name the columns like that.")


def _columns_of(heading: list[list[str]]) -> tuple[dict[int, str], dict[int, str]]:
    """Column → field, and column → performer for those below a "Pelaksana" that spans several."""
    names = {word: name for name, words in COLUMNS.items() for word in words}
    width = max(len(cells) for cells in heading)
    columns: dict[int, str] = {}
    swimlanes: dict[int, str] = {}
    under = ""
    for index in range(width):
        texts = [cells[index].strip() if index < len(cells) else "" for cells in heading]
        top = next((_plain(text) for text in texts if text), "")
        under = _plain(texts[0]) if texts[0].strip() else under
        lowest = next((text for text in reversed(texts) if text), "")
        name = names.get(_plain(lowest)) or (names.get(top) if top not in _GROUPS else None)
        is_lane = names.get(under) == "performer" and len(heading) > 1 and lowest and names.get(_plain(lowest)) is None
        if is_lane:
            swimlanes[index] = " ".join(lowest.split())
        elif name is not None and name not in columns.values():
            columns[index] = name
    return columns, swimlanes


def _read_steps(
    rows: list[tuple[int, list[str]]], columns: dict[int, str], swimlanes: dict[int, str], doubts: list[Doubt]
) -> list[_Row]:
    found: list[_Row] = []
    for number, cells in rows:
        values = {name: cells[index].strip() if index < len(cells) else "" for index, name in columns.items()}
        lanes = tuple(words for index, words in swimlanes.items() if index < len(cells) and cells[index].strip())
        if not values.get("activity"):
            if found and any(values.values()):
                # a cell that goes on in the next row, as merged cells leave it
                for name, text in values.items():
                    if text:
                        found[-1].cells[name] = (found[-1].cells[name] + "; " + text).strip("; ")
            continue
        if _plain(values["activity"]) in COLUMNS["activity"] or re.fullmatch(r"[0-9]+", values["activity"]):
            continue  # the heading again on a new page, or a row that numbers the columns
        if not values.get("performer") and not lanes:
            doubts.append(Doubt(number, "Pelaksana", "No performer is marked in this row."))
        if len(lanes) > 1:
            others = ", ".join(lanes[1:])
            doubts.append(
                Doubt(number, "Pelaksana", f"Several performers are marked; {lanes[0]} is taken, not {others}.")
            )
        found.append(_Row(number, values, lanes or ((values["performer"],) if values.get("performer") else ())))
    return found


# ---- a step


def _key_of(text: str, taken: set[str], fallback: str) -> str:
    words = re.findall(r"[a-z0-9]+", unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold())
    base = "_".join(words)[:48].strip("_") or fallback
    found, count = base, 2
    while found in taken:
        found, count = f"{base}_{count}", count + 1
    taken.add(found)
    return found


def _norm_of(step: _Row, doubts: list[Doubt]) -> tuple[dict[str, Any], bool]:
    text = step.cells.get("norm", "")
    found = re.match(r"\s*(?:±|\+/-)?\s*([0-9]+|[a-z]+)\s*(?:\([^)]*\))?\s*([a-z]+)", text.casefold())
    amount = 0
    if found:
        amount = int(found[1]) if found[1].isdigit() else _WORDS.get(found[1], 0)
    unit = _UNITS.get(found[2]) if found else None
    if not found or unit is None or amount == 0:
        doubts.append(Doubt(step.number, "Waktu", f"{text!r} is no time that can be told; 1 hari stands in its place."))
        return {"amount": 1, "unit": "day", "text": text or "1 hari"}, False
    if found[2] == "minggu":
        amount *= 5
        doubts.append(Doubt(step.number, "Waktu", f"{text!r} is taken as {amount} working days."))
    rest = text[found.end() :].strip(" .")
    if rest and rest.casefold() not in ("kerja",):
        doubts.append(Doubt(step.number, "Waktu", f"{rest!r} after the time is not understood."))
    return {"amount": amount, "unit": unit, "text": text}, True


def _kind_of(step: _Row, index: int, count: int) -> str:
    activity = _plain(step.cells["activity"])
    if index == count - 1:
        return "archive"
    if activity.startswith(_DECIDING):
        return "approve"
    if activity.startswith(_REVIEWING):
        return "review"
    return "receive" if activity.startswith(_RECEIVING) else "submit"


def _items(text: str) -> list[str]:
    """The documents that a cell lists: by lines, semicolons, or the numbers before them."""
    parts = re.split(r"\n|;|(?:(?<=\s)|^)[0-9]+[.)]\s", text)
    return [part for part in (" ".join(p.strip(" -•.").split()) for p in parts) if part]


def _draft_step(
    index: int, step: _Row, steps: list[_Row], roles: dict[str, str], doubts: list[Doubt]
) -> dict[str, Any]:
    number = step.cells.get("number", "").strip(" .") or str(index + 1)
    key = number.casefold() if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,20}", number.casefold()) else str(index + 1)
    words = step.performers[0] if step.performers else "ISI PELAKSANA"
    if words not in roles:
        roles[words] = _key_of(words, set(roles.values()), f"role_{len(roles) + 1}")
    kind = _kind_of(step, index, len(steps))
    norm, is_told = _norm_of(step, doubts)
    inferred: list[dict[str, Any]] = [
        _guess("kind", 60, "From the verb that the activity begins with; the last step archives.")
    ]
    if kind == "archive" and not any(word in _plain(step.cells["activity"]) for word in _ARCHIVING):
        doubts.append(Doubt(step.number, "Kegiatan", "The last step is taken to archive, which its words do not say."))
    if not is_told:
        inferred.append(_guess("norm.amount", 1, "The table gives no time that can be told."))
    if not step.performers:
        inferred.append(_guess("performer", 1, "The table marks nobody."))
    titles = _items(step.cells.get("outputs", ""))
    if not titles:
        doubts.append(Doubt(step.number, "Output", "The step leaves nothing: say what it does."))
        titles = ["ISI KELUARAN"]
    draft: dict[str, Any] = {
        "key": key,
        "activity": " ".join(step.cells["activity"].split()),
        "performer": roles[words],
        "kind": kind,
        "after": [],
        "norm": norm,
        "separate_from": [],
        "explanations_accepted_by": "quality_checker",
        "pauses_granted_by": "quality_checker",
        "inputs": [],
        "inferred": inferred,
        "outputs": [],
    }
    if step.cells.get("remarks"):
        draft["remarks"] = " ".join(step.cells["remarks"].split())
    inferred.append(_guess("explanations_accepted_by", 30, "The table does not say who stands above the performer."))
    inferred.append(_guess("pauses_granted_by", 30, "The table does not say who may stop the clock."))
    taken: set[str] = set()
    for place, title in enumerate(titles):
        evidence = {"review": "decision", "approve": "decision", "archive": "seal"}.get(kind, "document")
        if place > 0 and evidence != "document":
            doubts.append(Doubt(step.number, "Output", f"{title!r} beside a decision or the archiving is left out."))
            break
        files = evidence == "document"
        draft["outputs"].append(
            {
                "kind": _key_of(title, taken, f"output_{index + 1}_{place + 1}"),
                "title": title,
                "evidence": evidence,
                "media": list(_MEDIA) if files else [],
                "min": 1 if files else 0,
                "max": 10 if files else 0,
            }
        )
        inferred.append(_guess(f"outputs[{place}].evidence", 50, "From the kind of the step."))
        if files:
            inferred.append(_guess(f"outputs[{place}].media", 40, "The usual files of an office."))
            inferred.append(_guess(f"outputs[{place}].max", 40, "A document may come with annexes."))
    return draft


def _guess(place: str, confidence: int, why: str) -> dict[str, Any]:
    return {"field": place, "confidence": confidence, "why": why}


# ---- between the steps


def _link(drafts: list[dict[str, Any]], steps: list[_Row], doubts: list[Doubt]) -> None:
    """The order, the inputs by the name of an earlier output, where a rejection goes, and keys that are there twice."""
    seen: set[str] = set()
    for index, draft in enumerate(drafts):
        if draft["key"] in seen:
            doubts.append(Doubt(steps[index].number, "No", f"The number {draft['key']} is there twice."))
            draft["key"] = _key_of(f"{draft['key']}b", seen, f"step_{index + 1}")
        seen.add(draft["key"])
    for index, (draft, step) in enumerate(zip(drafts, steps, strict=True)):
        before = drafts[:index]
        if before:
            draft["after"] = [before[-1]["key"]]
            draft["inferred"].append(
                _guess("after", 70, "The order of the rows; arrows of a flowchart are not in a table.")
            )
        taken: set[str] = set()
        for title in _items(step.cells.get("inputs", "")):
            giver = _giver_of(title, before)
            place = len(draft["inputs"])
            if giver is not None and giver[1] not in taken:
                draft["inputs"].append({"kind": giver[1], "title": title, "from": giver[0]})
                draft["inferred"].append(_guess(f"inputs[{place}].from", 80, "An earlier output has that name."))
                taken.add(giver[1])
                continue
            _take_from_outside(draft, step, title, taken, doubts)
        if not draft["inputs"] and index:
            doubts.append(Doubt(step.number, "Kelengkapan", "The step needs nothing: is that so?"))
        if draft["kind"] in ("review", "approve") and before:
            target = next((d["key"] for d in reversed(before) if d["kind"] in ("submit", "receive")), None)
            if target is not None:
                draft["returns_to"] = target
                draft["separate_from"] = [target]
                draft["inferred"].append(_guess("returns_to", 50, "The last step before that made something."))
                draft["inferred"].append(_guess("separate_from", 50, "A check of one's own work is none."))
                doubts.append(Doubt(step.number, "Kegiatan", f"A rejection is taken to go back to step {target}."))


def _giver_of(title: str, before: list[dict[str, Any]]) -> tuple[str, str] | None:
    wanted = _same(title)
    for draft in reversed(before):
        for output in draft["outputs"]:
            if _same(output["title"]) == wanted and output["evidence"] != "seal":
                return draft["key"], output["kind"]
    return None


def _same(title: str) -> str:
    return re.sub(r"\b(dan|&)\b|&", " ", _plain(title)).replace("  ", " ").strip(" /")


def _take_from_outside(draft: dict[str, Any], step: _Row, title: str, taken: set[str], doubts: list[Doubt]) -> None:
    own = next((o for o in draft["outputs"] if _same(o["title"]) == _same(title) and o["evidence"] == "document"), None)
    if own is not None and own["kind"] not in taken:
        draft["inputs"].append({"kind": own["kind"], "title": title, "from": OUTSIDE})
        place = len(draft["inputs"]) - 1
        draft["inferred"].append(
            _guess(f"inputs[{place}].from", 60, "No earlier output has that name: it comes from outside.")
        )
        taken.add(own["kind"])
        return
    doubts.append(
        Doubt(step.number, "Kelengkapan", f"No earlier step puts out {title!r}: left out. Is it another name?")
    )
