"""Forms: the service makes the PDF, and its digest is bound like any other document's."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from archive_service.domain.parts import documents_digest
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput
from archive_service.services import audit, decisions, forms, reading, uploads
from archive_service.services.work import load_dossier
from tests.office import Office, open_office

SHEET = {"nature": "Segera", "forwarded_to": "Kabag Umum", "instruction": "Siapkan data.\r\nTriwulan I."}
APPROVAL = {"statement": "Menyetujui rumusan capaian kinerja triwulan I."}


def fill(office: Office, dossier: str, login: str, step: str, kind: str, fields: dict[str, str]) -> uploads.Received:
    return forms.fill_form(
        office.archive, office.actor(login), dossier=dossier, step=step, kind=kind, fields=fields, document=None
    )


def content(office: Office, dossier: str, version: str) -> bytes:
    return b"".join(
        reading.read_document(office.archive, office.actor("maya"), dossier=dossier, version=version).chunks
    )


def record_of(data: bytes) -> Any:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return json.loads(pdf.attachments["isian.json"].get_file().read_bytes())


def test_a_disposition_is_filled_in_and_submitted_like_an_upload(office: Office) -> None:
    dossier = office.play("1")
    office.at("2026-03-13T09:25")
    received = fill(office, dossier, "ratna", "2", "disposition", SHEET)
    data = content(office, dossier, received.version)
    assert sha256(data).hexdigest() == received.digest and received.media_type == "application/pdf"
    told = record_of(data)
    assert told["format"] == "archive-service form 1" and told["filled_by"]["name"] == "Ratna"
    assert {field["key"]: field["value"] for field in told["fields"]} == {
        "nature": "Segera",
        "forwarded_to": "Kabag Umum",
        "instruction": "Siapkan data.\nTriwulan I.",
        "due": None,
        "note": None,
    }
    assert told["dossier"]["title"] == "Pengukuran data kinerja triwulan I" and told["step"]["iteration"] == 1
    assert told["filled_by"]["role_title"] == "Kepala Satker / Direktur"
    decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="2")
    found = reading.read_dossier(office.archive, office.actor("ratna"), dossier=dossier)
    run = found["steps"][1]["iterations"][0]
    output = next(r for r in run["requirements"] if r["direction"] == "output")
    assert [item["digest"] for item in output["satisfied_by"]] == [received.digest]
    assert found["documents"][-1]["file_name"] == "lembar-disposisi-langkah-2.pdf"
    assert audit.check_archive(office.archive, with_objects=True).discrepancies == []


def test_an_approval_binds_the_form_that_was_filled_in_before_it(lite: Office) -> None:
    dossier = lite.play("7", with_return=False)
    lite.at("2026-03-31T08:50")
    form = fill(lite, dossier, "hendra", "8", "section_approval", APPROVAL)
    with lite.archive.db.read() as session:
        bound = load_dossier(lite.archive, session, dossier).documents_to_decide("8")
    assert [v.kind for v in bound] == ["formulation", "section_approval"]
    with pytest.raises(Conflict) as unseen:
        decisions.decide_step(
            lite.archive,
            lite.actor("hendra"),
            dossier=dossier,
            step="8",
            decision="approve",
            versions=[v.id for v in bound[:1]],
        )
    assert unseen.value.code == "documents_changed"
    lite.decide(dossier, "hendra", "8", "approve")
    with lite.archive.db.read() as session:
        state = load_dossier(lite.archive, session, dossier)
    assert state.decisions[-1].documents_digest == documents_digest(bound)
    found = reading.read_dossier(lite.archive, lite.actor("maya"), dossier=dossier)
    run = found["steps"][7]["iterations"][0]
    assert form.digest in [item.get("digest") for item in run["requirements"][-1]["satisfied_by"]]
    # step 9 without a form is decided as ever
    lite.decide(dossier, "ratna", "9", "approve")


def test_a_second_round_takes_a_new_version_and_leaves_the_old_form_alone(lite: Office) -> None:
    dossier = lite.play("7", with_return=False)
    lite.at("2026-03-27T13:50")
    first = fill(lite, dossier, "hendra", "8", "section_approval", APPROVAL)
    lite.decide(dossier, "hendra", "8", "return", "Angka IKU 2 keliru.")
    lite.at("2026-03-30T10:00")
    lite.submit(dossier, "bima", "6", 2)
    lite.decide(dossier, "sari", "7", "approve")
    with lite.archive.db.read() as session:
        bound = load_dossier(lite.archive, session, dossier).documents_to_decide("8")
    assert [v.kind for v in bound] == ["formulation"]
    second = fill(lite, dossier, "hendra", "8", "section_approval", APPROVAL)
    assert (second.document, second.number) == (first.document, 2)
    assert record_of(content(lite, dossier, second.version))["step"]["iteration"] == 2


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({**SHEET, "colour": "merah"}, "form_field_unknown", "colour"),
        ({"nature": "Segera"}, "form_field_missing", "forwarded_to"),
        ({**SHEET, "nature": "  "}, "form_field_missing", "nature"),
        ({**SHEET, "nature": "x" * 501}, "text_too_long", "nature"),
        ({**SHEET, "instruction": "x" * 10_001}, "text_too_long", "instruction"),
        ({**SHEET, "nature": "dua\nbaris"}, "text_control", "nature"),
        ({**SHEET, "note": "\x07"}, "text_control", "note"),
        ({**SHEET, "due": 5}, "text_expected", "due"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_says_which_field(
    form_stage: tuple[Office, str], fields: dict[str, str], code: str, field: str
) -> None:
    office, dossier = form_stage
    with pytest.raises(InvalidInput) as refused:
        fill(office, dossier, "ratna", "2", "disposition", fields)
    assert (refused.value.code, refused.value.params["field"]) == (code, field)


@pytest.fixture(scope="module")
def form_stage(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, str]]:
    """A dossier at its second step, for refusals, which leave nothing behind."""
    folder = tmp_path_factory.mktemp("forms") / "var"
    shutil.copytree(office_template, folder)
    made = open_office(folder, "2026-03-12T09:00")
    yield made, made.play("1")
    made.archive.db.close()


@pytest.mark.parametrize(
    ("login", "step", "kind", "error", "code"),
    [
        ("maya", "2", "disposition", Forbidden, "not_performer"),
        ("wahyu", "2", "disposition", Forbidden, "role_forbidden"),
        ("ratna", "2", "request_letter", InvalidInput, "kind_not_taken"),
        ("ratna", "1", "request_letter", Conflict, "step_finished"),
        ("hendra", "3", "follow_up", Conflict, "step_waiting"),
    ],
)
def test_who_may_not_upload_may_not_fill_in(
    form_stage: tuple[Office, str], login: str, step: str, kind: str, error: type[ArchiveError], code: str
) -> None:
    office, dossier = form_stage
    with pytest.raises(error) as refused:
        fill(office, dossier, login, step, kind, SHEET)
    assert refused.value.code == code


def test_an_output_without_a_form_takes_uploads_alone(lite: Office) -> None:
    dossier = lite.play("3")
    with pytest.raises(InvalidInput) as refused:
        fill(lite, dossier, "sari", "4", "measurement_data", SHEET)
    assert refused.value.code == "form_unknown"
