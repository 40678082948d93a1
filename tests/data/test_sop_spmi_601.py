"""SOP-SPMI-601 as shipped: its text's own words, all of them, and every guess marked as one."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archive_service
from archive_service.domain.sop import FILE_EVIDENCE, Sop, parse_sop

SOPS = Path(archive_service.__file__).parent / "data" / "sops"
DEFINITION: dict[str, Any] = tomllib.loads((SOPS / "sop-spmi-601.toml").read_text(encoding="utf-8"))
SOURCE = (SOPS / "source" / "sop-spmi-601.txt").read_bytes()

MONTHS = {6: "Juni", 7: "Juli"}
PDF, JPG, PNG = "application/pdf", "image/jpeg", "image/png"
OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX, XLSX = f"{OFFICE}.wordprocessingml.document", f"{OFFICE}.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def sop() -> Sop:
    return parse_sop(DEFINITION)


def squeeze(text: str) -> str:
    """One space for all white space between words; the source breaks lines where its page did."""
    return " ".join(text.split())


def write_date(day: Any) -> str:
    """The day as the SOP writes it."""
    return f"{day.day} {MONTHS[day.month]} {day.year}"


def list_stated() -> Iterator[tuple[str, str]]:
    """Place and words of all that the definition gives as the SOP's own text: what no entry of ``inferred`` names."""
    for name in ("number", "title", "institution", "owner", "recording"):
        yield name, DEFINITION[name]
    for name in ("name", "title", "nip"):
        yield f"approved_by.{name}", DEFINITION["approved_by"][name]
    for name in ("made_on", "effective_on"):
        yield name, write_date(DEFINITION[name])
    for line in DEFINITION["document_address"].splitlines():
        yield "document_address", line
    for name in ("legal_bases", "qualifications", "related", "equipment", "warnings"):
        for i, entry in enumerate(DEFINITION[name]):
            yield f"{name}[{i}]", entry if isinstance(entry, str) else entry["text"]
    yield from ((f"roles[{i}].title", role["title"]) for i, role in enumerate(DEFINITION["roles"]))
    for i, step in enumerate(DEFINITION["steps"]):
        fields = {"activity": step["activity"], "norm.text": step["norm"]["text"]}
        for direction in ("inputs", "outputs"):
            fields |= {f"{direction}[{j}].title": rule["title"] for j, rule in enumerate(step[direction])}
        inferred = [each["field"] for each in step["inferred"]]
        yield from (
            (f"steps[{i}].{field}", text)
            for field, text in fields.items()
            if not any(field == guess or field.startswith((f"{guess}.", f"{guess}[")) for guess in inferred)
        )


STATED = list(list_stated())


def test_source_text_is_the_one_that_the_definition_names() -> None:
    assert hashlib.sha256(SOURCE).hexdigest() == DEFINITION["source"]["sha256"]
    assert (SOPS / DEFINITION["source"]["file"]).read_bytes() == SOURCE


@pytest.mark.parametrize(("place", "words"), STATED, ids=[place for place, _ in STATED])
def test_what_is_given_as_stated_stands_in_the_source(place: str, words: str) -> None:
    text = squeeze(SOURCE.decode("utf-8"))
    if place == "owner":  # The source has it in capitals alone, broken over lines.
        words, text = words.casefold(), text.casefold()
    assert squeeze(words) in text


def test_nothing_of_the_source_is_left_out() -> None:
    headings = (
        *("STANDAR PROSEDUR OPERASIONAL", "SPO PENGUKURAN DATA KINERJA SATUAN KERJA", "2022", "<", ">", "-"),
        *("Nomor POS", "Tanggal Pembuatan", "Tanggal Revisi", "Tanggal Efektif", "Disahkan oleh", "Nama POS"),
        *("NIP", "Dasar Hukum", "Kualifikasi Pelaksana", "Keterkaitan", "Peralatan/Perlengkapan", "Peringatan"),
        *("Pencatatan dan Pendataan", "Langkah Kegiatan", "Pelaksana", "Standar Mutu", "Keterangan"),
        *("Kelengkapan", "Waktu", "Keluaran (Output)", "No", '<ol style="list-style-type: none">'),
    )
    rest = squeeze(SOURCE.decode("utf-8")).casefold()
    for words in sorted((*headings, *(text for _, text in STATED)), key=len, reverse=True):
        rest = rest.replace(squeeze(words).casefold(), "\n")
    # What remains are the numbers of list entries and steps, and the marks of lists and of bold type.
    assert re.sub(r"[\d\s.:;,*]", "", rest) == ""
    assert {int(number) for number in re.findall(r"\d+", rest)} == set(range(1, 12))


def test_facts_of_the_head_are_those_of_the_source(sop: Sop) -> None:
    assert (sop.number, sop.version, sop.made_on, sop.revised_on, sop.effective_on) == (
        *("SOP-SPMI-601", 1, "2022-06-07"),
        *(None, "2022-07-01"),
    )
    assert re.search(r"Tanggal Revisi\t: -\n", SOURCE.decode("utf-8"))
    lists = (sop.legal_bases, sop.qualifications, sop.related, sop.equipment, sop.warnings)
    assert [len(entries) for entries in lists] == [6, 3, 1, 6, 3]
    assert (sop.approved_by.title, sop.approved_by.nip) == ("Direktur", "197307032012121003")


def test_rows_stand_in_the_source_as_the_steps_give_them(sop: Sop) -> None:
    rows = [line.split("\t") for line in SOURCE.decode("utf-8").splitlines() if re.match(r"\d+\t", line)]
    assert len(rows) == len(sop.steps) == 11
    for row, step in zip(rows, sop.steps, strict=True):
        assert (row[0], row[1]) == (step.key, step.activity)
        assert row[7:10] == [step.inputs[0].title, step.norm.text, step.outputs[0].title]
        assert (len(step.inputs), step.remarks) == (1, row[10] if len(row) > 10 else "")


def test_norms_say_what_their_words_say(sop: Sop) -> None:
    units = {"menit": "minute", "jam": "hour", "hari": "day"}
    for step in sop.steps:
        amount, unit = step.norm.text.split()
        assert (step.norm.amount, step.norm.unit) == (int(amount), units[unit.lower()])


def test_norms_add_up_to_seven_days_two_hours_and_a_quarter(sop: Sop) -> None:
    total = {"minute": 0, "hour": 0, "day": 0}
    for step in sop.steps:
        total[step.norm.unit] += step.norm.amount
    assert (total["day"], total["hour"] * 60 + total["minute"]) == (7, 2 * 60 + 15)
    assert sop.time.day_minutes * 5 == 37 * 60 + 30


def test_steps_follow_each_other_and_take_what_the_reading_says(sop: Sop) -> None:
    assert sop.order == tuple(map(str, range(1, 12)))
    assert sop.first_steps() == ("1",)
    assert all(sop.successors(str(i)) == (str(i + 1),) for i in range(1, 11))
    inputs = {step.key: (step.inputs[0].kind, step.inputs[0].source) for step in sop.steps}
    assert inputs == {
        "1": ("request_letter", "outside"),
        "2": ("request_letter", "1"),
        "3": ("disposition", "2"),
        "4": ("follow_up", "3"),
        "5": ("measurement_data", "4"),
        "6": ("meeting_decision", "5"),
        "7": ("formulation", "6"),
        "8": ("formulation", "6"),
        "9": ("formulation", "6"),
        "10": ("head_approval", "9"),
        "11": ("submitted_report", "10"),
    }


def test_performers_and_kinds_are_inferred_with_the_readings_confidence(sop: Sop) -> None:
    expected = {
        "1": ("satker_head", "receive", 75),
        "2": ("satker_head", "submit", 97),
        "3": ("section_head", "submit", 95),
        "4": ("sakip_team", "submit", 99),
        "5": ("sakip_team", "submit", 60),
        "6": ("planning_officer", "submit", 55),
        "7": ("sakip_team", "review", 45),
        "8": ("section_head", "review", 75),
        "9": ("satker_head", "approve", 95),
        "10": ("data_officer", "submit", 60),
        "11": ("data_officer", "archive", 80),
    }
    for step in sop.steps:
        confidence = {each.field: each.confidence for each in step.inferred}
        assert (step.performer, step.kind, confidence["performer"]) == expected[step.key]
    assert [role.key for role in sop.roles if role.team] == ["sakip_team"]


def test_every_guess_is_marked(sop: Sop) -> None:
    for step in sop.steps:
        guessed = {"performer", "kind", "inputs[0].from", "explanations_accepted_by", "pauses_granted_by"}
        guessed |= {name for name in ("after", "separate_from", "returns_to", "indicators") if getattr(step, name)}
        for i, rule in enumerate(step.outputs):
            fields: tuple[str, ...] = (
                ("evidence", "media", "min", "max") if rule.evidence in FILE_EVIDENCE else ("evidence",)
            )
            fields += ("form",) if rule.form is not None else ()
            guessed |= {f"outputs[{i}].{field}" for field in fields}
        marked = {each.field for each in step.inferred}
        if "outputs[1]" in marked:
            guessed = {field for field in guessed if not field.startswith("outputs[1]")} | {"outputs[1]"}
        assert marked == guessed, step.key


def test_outputs_are_files_decisions_and_a_seal(sop: Sop) -> None:
    found = [(step.key, rule) for step in sop.steps for rule in step.outputs]
    assert [(key, rule.kind, rule.evidence) for key, rule in found] == [
        ("1", "request_letter", "document"),
        ("2", "disposition", "form"),
        ("3", "follow_up", "form"),
        ("4", "measurement_data", "document"),
        ("5", "meeting_decision", "document"),
        ("6", "formulation", "document"),
        ("7", "formulation_check", "decision"),
        ("8", "section_approval", "decision"),
        ("9", "head_approval", "decision"),
        ("10", "submitted_report", "document"),
        ("10", "submission_receipt", "receipt"),
        ("11", "archived_report", "seal"),
    ]
    media = {rule.kind: (set(rule.media), rule.minimum, rule.maximum) for _, rule in found if rule.has_files}
    assert media == {
        "request_letter": ({PDF, JPG, PNG}, 1, 10),
        "disposition": ({PDF, JPG, PNG}, 1, 10),
        "follow_up": ({PDF, DOCX, JPG, PNG}, 1, 10),
        "measurement_data": ({XLSX, PDF, DOCX, JPG, PNG}, 1, 200),
        "meeting_decision": ({PDF, DOCX, JPG, PNG}, 1, 50),
        "formulation": ({PDF, DOCX}, 1, 1),
        "section_approval": ({PDF}, 0, 1),
        "head_approval": ({PDF}, 0, 1),
        "submitted_report": ({PDF, XLSX}, 1, 10),
        "submission_receipt": ({PNG, JPG, PDF}, 1, 10),
    }


def test_indicators_are_measured_at_step_4_and_formulated_at_step_6(sop: Sop) -> None:
    assert {step.key: step.indicators for step in sop.steps if step.indicators} == {"4": "evidence", "6": "results"}


def test_disposition_follow_up_and_approvals_may_be_filled_in_as_forms(sop: Sop) -> None:
    forms = {rule.kind: rule.form for step in sop.steps for rule in step.outputs if rule.form is not None}
    assert list(forms) == ["disposition", "follow_up", "section_approval", "head_approval"]
    assert [field.key for field in forms["disposition"].fields if field.required] == [
        *("nature", "forwarded_to", "instruction"),
    ]
    assert [field.key for field in forms["follow_up"].fields if field.required] == ["direction", "division"]


def test_equipment_is_documents_but_for_the_application(sop: Sop) -> None:
    assert [item.kinds for item in sop.equipment] == [
        *(("request_letter",), ("disposition",), ("measurement_data",), ("meeting_decision",), ()),
        ("measurement_data",),
    ]
    assert sop.equipment[4].text == "Aplikasi pelaporan"


def test_decisions_return_to_the_formulation_and_are_made_by_different_people(sop: Sop) -> None:
    deciding = [step.key for step in sop.steps if step.is_decision]
    assert deciding == ["7", "8", "9"]
    assert {step.key: step.returns_to for step in sop.steps if step.returns_to} == dict.fromkeys(deciding, "6")
    assert {step.key: step.separate_from for step in sop.steps if step.separate_from} == {
        "7": ("6",),
        "8": ("6", "7"),
        "9": ("6", "7", "8"),
    }
    assert [sop.between("6", key) for key in deciding] == [("6", "7"), ("6", "7", "8"), ("6", "7", "8", "9")]


def test_superiors_or_the_quality_checker_accept_explanations_and_grant_pauses(sop: Sop) -> None:
    above = {
        "satker_head": "quality_checker",
        "section_head": "satker_head",
        "sakip_team": "section_head",
        "planning_officer": "section_head",
        "data_officer": "section_head",
    }
    for step in sop.steps:
        assert step.explanations_accepted_by == above[step.performer]
        assert step.pauses_granted_by == above[step.performer]


def test_a_day_is_450_working_minutes_by_inference(sop: Sop) -> None:
    assert (sop.time.timezone, sop.time.day_policy, sop.time.day_minutes) == ("Asia/Jakarta", "working_minutes", 450)
    assert sop.time.provenance == "inferred"


PAGE = Path(__file__).resolve().parents[2] / "docs" / "sop-spmi-601.md"


def list_keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from list_keys(item)


def test_page_names_every_key_and_kind_of_the_definition(sop: Sop) -> None:
    words = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`[^`]+`", PAGE.read_text(encoding="utf-8")))))
    explained_in_words = {"field", "confidence", "why"}
    kinds = {rule.kind for step in sop.steps for rule in step.outputs} | {role.key for role in sop.roles if role.team}
    assert set(list_keys(DEFINITION)) - words - explained_in_words == set()
    assert kinds - words == set()


def test_page_gives_the_confidences_of_the_definition(sop: Sop) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for step in sop.steps:
        sure = {each.field: each.confidence for each in step.inferred}
        assert sure["explanations_accepted_by"] == sure["pauses_granted_by"]
        row = (
            f"| {step.key} | `{step.performer}` | {sure['performer']} % | `{step.kind}` | {sure['kind']} % "
            f"| `{step.pauses_granted_by}` | {sure['pauses_granted_by']} % |"
        )
        assert row in page
