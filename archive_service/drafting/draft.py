"""From the rows of a table to a definition: kinds by their verbs, inputs by the names of earlier outputs, every guess marked as one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import tomli_w

from archive_service.domain import permissions
from archive_service.domain.event import KEY
from archive_service.domain.sop import OUTSIDE, PDF, parse_sop
from archive_service.drafting.norms import DAY_MINUTES, read_norm
from archive_service.drafting.table import COLUMNS, Doubt, Line, Table, clean, plain, read_procedure
from archive_service.errors import InvalidDefinition, InvalidInput

STEP_LIMIT = 200
NO_KINDS = frozenset(["attachment"])
"""Kinds of documents that belong to no step."""
LISTED_LIMIT = 16
TITLE_LIMIT = 500
TEXT_LIMIT = 2000
_OFFICE = "application/vnd.openxmlformats-officedocument"
_MEDIA = [PDF, f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet", "image/jpeg", "image/png"]
_VERBS = {
    "approve": "menyetujui mengesahkan menandatangani menetapkan persetujuan pengesahan penandatanganan penetapan",
    "review": "memeriksa memverifikasi memvalidasi meneliti mereviu mereview mengoreksi mengecek memaraf pemeriksaan "
    "verifikasi validasi penelitian reviu review koreksi",
    "receive": "menerima penerimaan",
    "archive": "mengarsipkan menyimpan mendokumentasikan pengarsipan penyimpanan arsip",
}
_KIND_OF = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
_BACK = re.compile(
    r"(?i)\bkembali\w*\s+ke\s+(?:(?:langkah|no(?:mor)?|kegiatan|tahap|butir|poin)\b\.?\s*)?([0-9]+[a-z]?)\b"
)
_CONDITION = re.compile(r"(?i)\b(jika|bila|apabila|kalau|dalam hal)\b")
_TEAMS = frozenset(["tim", "panitia", "komite", "pokja", "kelompok"])
_HEAD = """# A draft, made from {source}. Look at every entry of `inferred`, fill in what begins with ISI, then run
# `archive-service sop check` on this file. Nothing here is the procedure's own word until somebody has read it.
"""


@dataclass
class Draft:
    """A definition as TOML text, and everything that somebody must look at before it is registered."""

    toml: str
    doubts: list[Doubt] = field(default_factory=list)


@dataclass
class _Drafting:
    """The steps so far, with what was doubtful on the way."""

    table: Table
    doubts: list[Doubt]
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def doubt(self, line: Line, column: str, text: str) -> None:
        """Note what the row does not tell."""
        self.doubts.append(Doubt(line.number, COLUMNS[column], text))

    def earlier(self, key: str) -> list[dict[str, Any]]:
        """The steps that end before this one, the last of them first."""
        return [step for step in reversed(self.steps) if step["key"] in self.before[key]]


def draft_sop(rows: list[tuple[int, list[str]]], *, key: str, title: str | None, source: str, digest: str) -> Draft:
    """The draft of the procedure that a table's rows tell (row number, texts of its cells).

    ``title`` None takes the one above the table. ``source`` and ``digest`` name the file that it was read from. InvalidInput
    ``table_columns`` when it has not the usual columns or no step under them, ``too_many_steps`` for more than 200.
    """
    if KEY(key, "key") is not None:
        raise InvalidInput("key_malformed", "A key has a-z, 0-9, '_', '-' and '.', at most 64 of them.", field="key")
    table = read_procedure(rows)
    if len(table.lines) > STEP_LIMIT:
        raise InvalidInput("too_many_steps", f"A procedure has at most {STEP_LIMIT} steps; split the table.")
    made = _Drafting(table, table.doubts)
    for index, line in enumerate(table.lines):
        _draft_step(made, index, line)
    file = re.sub(r"[^A-Za-z0-9._-]+", "-", source).strip("-._")[:100] or "tabel"
    mapping = _whole(made, key, title or table.head.get("title") or "ISI NAMA POS", file, digest)
    for name in ("institution", "owner", "approved_by", "made_on", "effective_on", "legal_bases", "qualifications"):
        made.doubts.append(Doubt(None, name, f"The table does not say it: fill in `{name}`."))
    for name, told in (("number", "number" in table.head), ("title", mapping["title"] != "ISI NAMA POS")):
        if not told:
            made.doubts.append(Doubt(None, name, f"The table does not say it: fill in `{name}`."))
    text = f'What "1 hari" means is taken to be {DAY_MINUTES} working minutes: look at `time.day_policy`.'
    made.doubts.append(Doubt(None, "time", text))
    try:
        parse_sop(mapping)
    except InvalidDefinition as exc:
        made.doubts += [Doubt(None, p.place, f"The check will refuse this: it {p.message}.") for p in exc.problems]
    doubts = sorted(made.doubts, key=lambda d: (d.row is None, d.row or 0))
    return Draft(_HEAD.format(source=file) + tomli_w.dumps(mapping, multiline_strings=False), doubts)


def _whole(made: _Drafting, key: str, title: str, file: str, digest: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "sop",
        "key": key,
        "version": 1,
        "number": made.table.head.get("number") or "ISI NOMOR POS",
        "title": " ".join(clean(title).split())[:TITLE_LIMIT],
        "institution": "ISI NAMA INSTANSI",
        "owner": "ISI UNIT PEMILIK",
        "made_on": date(2000, 1, 1),
        "effective_on": date(2000, 1, 1),
        "legal_bases": [],
        "qualifications": [],
        "related": [],
        "equipment": [],
        "warnings": [],
        "recording": "Disimpan sebagai data elektronik dan manual",
        "approved_by": {"name": "ISI NAMA", "title": "ISI JABATAN", "nip": "0" * 18},
        "source": {"file": file, "sha256": digest},
        "time": {
            "timezone": "Asia/Jakarta",
            "day_policy": "working_minutes",
            "day_minutes": DAY_MINUTES,
            "provenance": "inferred",
            "confidence": 50,
        },
        "roles": [
            {"key": role, "title": words, "team": bool(_TEAMS & set(plain(words).split()))}
            for role, words in made.roles.values()
        ],
        "steps": made.steps,
    }


# ---- a step


def _draft_step(made: _Drafting, index: int, line: Line) -> None:
    key = _step_key(made, index, line)
    after = _after(made, index, line)
    made.before[key] = set(after).union(*(made.before[other] for other in after))
    kind = _kind_of(made, index, line)
    inferred = [_guess("kind", 60, "From the verb that the activity begins with; the last step archives.")]
    step: dict[str, Any] = {
        "key": key,
        "activity": _bounded(made, line, "activity", TEXT_LIMIT),
        "performer": _role_of(made, line, inferred),
        "kind": kind,
        "after": after,
        "norm": _norm_of(made, line, inferred),
        "separate_from": [],
        "explanations_accepted_by": permissions.QUALITY_CHECKER,
        "pauses_granted_by": permissions.QUALITY_CHECKER,
    }
    if line.cells.get("remarks"):
        step["remarks"] = _bounded(made, line, "remarks", TEXT_LIMIT)
    if after:
        why = "The numbers tell it." if _letter(line) else "The order of the rows; a table holds no arrows."
        inferred.append(_guess("after", 70, why))
    inferred.append(_guess("explanations_accepted_by", 30, "The table does not say who stands above the performer."))
    inferred.append(_guess("pauses_granted_by", 30, "The table does not say who may stop the clock."))
    step["inputs"], step["inferred"], step["outputs"] = [], inferred, _outputs_of(made, line, index, kind, inferred)
    made.steps.append(step)
    _take_inputs(made, line, step)
    _lead_back(made, line, step)


def _guess(place: str, confidence: int, why: str) -> dict[str, Any]:
    return {"field": place, "confidence": confidence, "why": why}


def _bounded(made: _Drafting, line: Line, column: str, limit: int) -> str:
    text = " ".join(line.cells.get(column, "").split())
    if len(text) > limit:
        made.doubt(line, column, f"The text has more than {limit} characters: what is longer is left out.")
    return text[:limit].strip()


def _key_of(text: str, taken: Iterable[str], fallback: str) -> str:
    base = "_".join(re.findall(r"[a-z0-9]+", plain(text)))[:48].strip("_") or fallback
    found, count, known = base, 2, set(taken)
    while found in known:
        found, count = f"{base}_{count}", count + 1
    return found


def _step_key(made: _Drafting, index: int, line: Line) -> str:
    number = line.cells.get("number", "").strip(" .()").casefold()
    is_key = KEY(number, "key") is None and len(number) <= 20 and number != OUTSIDE
    known = [step["key"] for step in made.steps]
    if is_key and number in known:
        made.doubt(line, "number", f"The number {number} is there twice.")
    elif number and not is_key:
        made.doubt(line, "number", f"{number[:60]!r} can be no key: the row's place is taken.")
    return (
        _key_of(number, known, "")
        if is_key and number in known
        else number
        if is_key
        else _key_of(f"{index + 1}", known, "")
    )


def _letter(line: Line) -> str | None:
    """The number before a letter, as in 3a and 3b; None for other numbers."""
    found = re.fullmatch(r"([0-9]+)\s*[.-]?\s*[a-z]", line.cells.get("number", "").strip(" .()").casefold())
    return found[1] if found else None


def _after(made: _Drafting, index: int, line: Line) -> list[str]:
    """The step before; rows numbered 3a, 3b, … run side by side, and the next row waits for all of them."""
    lines, keys = made.table.lines, [step["key"] for step in made.steps]
    last = index - 1
    is_beside = _letter(line) is not None and index < len(lines) - 1
    while is_beside and last >= 0 and _letter(lines[last]) == _letter(line):
        last -= 1
    if last < index - 1:
        made.doubt(line, "number", "Taken to run side by side with the row before, by its number.")
    return _group(lines, keys, last)


def _group(lines: list[Line], keys: list[str], last: int) -> list[str]:
    """The keys of the rows that end together with this one."""
    if last < 0:
        return []
    first = last
    while first > 0 and _letter(lines[last]) is not None and _letter(lines[first - 1]) == _letter(lines[last]):
        first -= 1
    return keys[first : last + 1]


def _kind_of(made: _Drafting, index: int, line: Line) -> str:
    words = plain(line.cells["activity"]).split()
    verb = next((word for word in words[:8] if word.startswith("me") and len(word) > 5), words[0] if words else "")
    kind = _KIND_OF.get(words[0] if words else "") or _KIND_OF.get(verb) or ("review" if line.is_diamond else "submit")
    if index == len(made.table.lines) - 1:
        if kind != "archive":
            made.doubt(line, "activity", "The last step is taken to archive, which its words do not say.")
        return "archive"
    if kind == "archive":
        made.doubt(line, "activity", "It says that something is archived, and more follows: taken as a submission.")
        return "submit"
    if kind in ("review", "approve") and index == 0:
        made.doubt(line, "activity", "The first step is taken to receive: there is nothing yet to decide on.")
        return "receive"
    return kind


def _role_of(made: _Drafting, line: Line, inferred: list[dict[str, Any]]) -> str:
    if not line.performers:
        inferred.append(_guess("performer", 1, "The table marks nobody."))
    words = " ".join((line.performers or ["ISI PELAKSANA"])[0].split())[:TITLE_LIMIT].strip()
    name = plain(words) or words
    if name not in made.roles:
        taken = {key for key, _ in made.roles.values()} | permissions.OFFICE_ROLES
        made.roles[name] = (_key_of(words, taken, f"role_{len(made.roles) + 1}"), words)
    return made.roles[name][0]


def _norm_of(made: _Drafting, line: Line, inferred: list[dict[str, Any]]) -> dict[str, Any]:
    text = _bounded(made, line, "norm", TITLE_LIMIT)
    told = read_norm(text, made.table.norm_unit)
    if told is None:
        said = f"{text[:60]!r} is no time that can be told" if text else "There is no time"
        made.doubt(line, "norm", f"{said}; 1 hari stands in its place.")
        inferred.append(_guess("norm.amount", 1, "The table gives no time that can be told."))
        inferred.append(_guess("norm.unit", 1, "The table gives no time that can be told."))
        return {"amount": 1, "unit": "day", "text": text or "1 hari"}
    if told.doubt:
        made.doubt(line, "norm", told.doubt)
        inferred.append(_guess("norm.amount", 50, told.doubt[:TEXT_LIMIT]))
    return {"amount": told.amount, "unit": told.unit, "text": text}


# ---- what goes in and out


def _items(text: str) -> list[str]:
    """The documents that a cell lists: by numbers, bullets or semicolons, else by lines that begin anew."""
    if re.search(r"(?m)(?:^|\s)(?:[0-9]{1,2}[.)]|[-•▪–])\s", text):
        parts = re.split(r"(?m)(?:^|\s)(?:[0-9]{1,2}[.)]|[-•▪–])\s+|;", text)
    elif ";" in text:
        parts = text.split(";")
    else:
        parts = re.split(r"\n(?=[^a-z(&/])", text)
    cleaned = (" ".join(part.split()).strip(" ;,") for part in parts)
    return [part.removesuffix(".") for part in dict.fromkeys(cleaned) if part]


def _outputs_of(
    made: _Drafting, line: Line, index: int, kind: str, inferred: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    titles = _items(line.cells.get("outputs", ""))
    if not titles:
        made.doubt(line, "outputs", "The step leaves nothing: say what it does.")
        titles = ["ISI KELUARAN"]
    if len(titles) > LISTED_LIMIT:
        made.doubt(line, "outputs", f"More than {LISTED_LIMIT} are listed: the others are left out.")
    evidence = {"review": "decision", "approve": "decision", "archive": "seal"}.get(kind, "document")
    outputs: list[dict[str, Any]] = []
    for title in titles[:LISTED_LIMIT]:
        if outputs and evidence != "document":
            made.doubt(line, "outputs", f"{title[:60]!r} beside a decision or the archiving is left out.")
            continue
        if len(title) > TITLE_LIMIT:
            made.doubt(line, "outputs", f"The text has more than {TITLE_LIMIT} characters: what is longer is left out.")
        _add_output(outputs, title[:TITLE_LIMIT].strip(), evidence, f"output_{index + 1}", inferred)
    return outputs


def _add_output(
    outputs: list[dict[str, Any]], title: str, evidence: str, fallback: str, inferred: list[dict[str, Any]]
) -> str:
    files, place = evidence == "document", len(outputs)
    kind = _key_of(title, NO_KINDS | {o["kind"] for o in outputs}, fallback)
    outputs.append(
        {
            "kind": kind,
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
    return kind


def _take_inputs(made: _Drafting, line: Line, step: dict[str, Any]) -> None:
    titles = _items(line.cells.get("inputs", ""))
    if len(titles) > LISTED_LIMIT:
        made.doubt(line, "inputs", f"More than {LISTED_LIMIT} are listed: the others are left out.")
    for title in (title[:TITLE_LIMIT].strip() for title in titles[:LISTED_LIMIT]):
        taken = {rule["kind"] for rule in step["inputs"]}
        giver = next(
            (
                (other["key"], output["kind"], 80, "An earlier output has that name.")
                for other in made.earlier(step["key"])
                for output in other["outputs"]
                if _same(output["title"]) == _same(title)
            ),
            None,
        ) or _from_outside(made, line, step, title)
        if giver is None or giver[1] in taken:
            continue
        source, kind, confidence, why = giver
        step["inferred"].append(_guess(f"inputs[{len(step['inputs'])}].from", confidence, why))
        step["inputs"].append({"kind": kind, "title": title, "from": source})
    if not step["inputs"]:
        made.doubt(line, "inputs", "The step needs nothing: is that so?")


def _same(title: str) -> str:
    return " ".join(word for word in plain(title.replace("&", " dan ")).split() if word not in ("dan", "atau"))


def _from_outside(made: _Drafting, line: Line, step: dict[str, Any], title: str) -> tuple[str, str, int, str] | None:
    """A document that comes from outside arrives as a file of the step that needs it: there is no other way in."""
    for output in step["outputs"]:
        if output["evidence"] == "document" and _same(output["title"]) == _same(title):
            return OUTSIDE, output["kind"], 60, "No earlier output has that name: it comes from outside."
    if not step["after"] and step["outputs"][0]["evidence"] == "document" and len(step["outputs"]) < LISTED_LIMIT:
        kind = _add_output(step["outputs"], title, "document", "input", step["inferred"])
        place = len(step["outputs"]) - 1
        step["inferred"].append(
            _guess(f"outputs[{place}]", 50, "Not in the table: what the first step needs arrives with it.")
        )
        made.doubt(line, "inputs", f"{title[:60]!r} is taken to come from outside, and to be kept with this step.")
        return OUTSIDE, kind, 60, "Nothing comes before the first step."
    made.doubt(line, "inputs", f"No earlier step puts out {title[:60]!r}: left out. Is it another name?")
    return None


def _lead_back(made: _Drafting, line: Line, step: dict[str, Any]) -> None:
    """Where a rejection goes: to the step that the words name, else to the last one before that made something."""
    words = f"{line.cells['activity']} {line.cells.get('remarks', '')}"
    named = _BACK.search(words)
    decides = step["kind"] in ("review", "approve")
    if _CONDITION.search(words) and not (named and decides):
        made.doubt(line, "activity", "This sounds as if it depended on something: see `when` and `[[questions]]`.")
    if not decides:
        if named:
            text = f"A way back to {named[1]} is named, but the step is taken to decide nothing: look at its `kind`."
            made.doubt(line, "activity", text)
        return
    before = made.earlier(step["key"])
    target = next((other for other in before if named and other["key"] == named[1].casefold()), None)
    confidence, why = 85, "The table's words name it."
    if target is None:
        target = next((other for other in before if other["kind"] in ("submit", "receive")), None)
        confidence, why = 50, "The last step before that made something."
        if target is not None:
            made.doubt(line, "activity", f"A rejection is taken to go back to step {target['key']}.")
    if target is None:
        return
    step["returns_to"] = target["key"]
    step["inferred"].append(_guess("returns_to", confidence, why))
    if target["kind"] in ("submit", "receive"):
        step["separate_from"] = [target["key"]]
        step["inferred"].append(_guess("separate_from", 50, "A check of one's own work is none."))
