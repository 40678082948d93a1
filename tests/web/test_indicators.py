"""Indicators on the pages: the list and its table, evidence, results, recommendations, and what a contributor sees."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from archive_service.services import decisions, dossiers, indicators
from archive_service.services.indicators import ListedIndicator
from tests.office import SAMPLES, Office
from tests.services.test_indicators import add_contributor, sheet
from tests.web.conftest import Browser

EVIDENCE = SAMPLES / "04-data-dukung-iku-1.pdf"
HEADING = ["Kode", "Indikator", "Satuan", "Target", "Capaian", "Penanggung jawab"]


@pytest.fixture
def dossier(office: Office) -> str:
    """A dossier at step 4, and somebody in charge of an indicator."""
    add_contributor(office)
    made = office.play("3")
    office.at("2026-03-16T09:00")
    return made


def import_table(browser: Browser, dossier: str, data: bytes, name: str = "iku.xlsx") -> TestResponse:
    return browser.send(f"/dossiers/{dossier}/indicators/import", file=(io.BytesIO(data), name))


def test_a_table_is_taken_and_evidence_is_sent_for_what_it_lists(app: Flask, office: Office, dossier: str) -> None:
    sari = Browser(app, office).settle("sari")
    page = sari.page(f"/dossiers/{dossier}")
    assert "Tidak ada indikator yang didaftarkan" in page and "indikator saya" not in page.lower()
    rows = [["IKU-1", "Lulusan bekerja", "%", "80", None, "citra"], ["IKU-2", "Di luar kampus", "%", "30", None, None]]
    assert import_table(sari, dossier, sheet(HEADING, *rows)).status_code == 303
    page = sari.page(f"/dossiers/{dossier}?done=indicators_listed")
    for text in ("Lulusan bekerja", "0 dari 2 indikator memiliki bukti dukung.", "Tanpa bukti dukung: IKU-1, IKU-2."):
        assert text in page
    assert "Indikator sudah didaftarkan." in page and '<option value="IKU-2">' in page
    sent = sari.upload(
        f"/dossiers/{dossier}/steps/4/documents?kind=measurement_data&indicator=IKU-2&name=bukti.pdf",
        EVIDENCE.read_bytes(),
    )
    assert sent.status_code == 201
    assert "Tanpa bukti dukung: IKU-1." in sari.page(f"/dossiers/{dossier}")
    reader = Browser(app, office).settle("wahyu").page(f"/dossiers/{dossier}")
    assert "Lulusan bekerja" in reader and "/indicators/import" not in reader


def test_problems_of_a_table_stand_beside_its_form(app: Flask, office: Office, dossier: str) -> None:
    sari = Browser(app, office).settle("sari")
    answer = import_table(sari, dossier, b"Kode;Indikator;Target\nIKU-1;;1\nIKU-1;T;2\n", "iku.csv")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Baris 2, Indikator: " in page and "Baris 3, Kode: Kode ini ada juga di baris lain." in page
    refused = import_table(sari, dossier, b"", "")
    assert refused.status_code == 422 and "Pilih file terlebih dahulu." in refused.get_data(as_text=True)


def test_one_indicator_is_listed_changed_and_taken_off(app: Flask, office: Office, dossier: str) -> None:
    sari = Browser(app, office).settle("sari")
    path = f"/dossiers/{dossier}/indicators"
    fields = {"code": "iku-7", "title": "Dosen praktisi", "target": "5", "unit": "orang", "person": "Sari"}
    assert sari.send(path, **fields).status_code == 303
    wrong = sari.send(path, **{**fields, "person": "siapa"})
    assert wrong.status_code == 422 and "Tidak ada orang dengan nama itu" in wrong.get_data(as_text=True)
    assert sari.send(f"{path}/removal", code="IKU-7", reason="").status_code == 422
    assert sari.send(f"{path}/removal", code="IKU-7", reason="Bukan tahun ini.").status_code == 303
    assert "Dosen praktisi" not in sari.page(f"/dossiers/{dossier}").partition("Jejak audit")[0]


@pytest.mark.parametrize(("kind", "start"), [("csv", "\ufeffKode;Indikator".encode()), ("xlsx", b"PK")])
def test_templates_are_downloads(browser: Browser, kind: str, start: bytes) -> None:
    browser.settle("sari")
    answer = browser.get(f"/indicators/template/{kind}")
    assert answer.status_code == 200 and answer.data.startswith(start)
    assert browser.get("/indicators/template/exe").status_code == 404


def test_a_contributor_sends_and_withdraws_evidence_on_a_page_of_their_own(
    app: Flask, office: Office, dossier: str
) -> None:
    listed = [ListedIndicator("IKU-1", "Lulusan bekerja", "80", "%", None, "citra")]
    listed.append(ListedIndicator("IKU-2", "Rahasia orang lain", "30"))
    indicators.set_indicators(office.archive, office.actor("sari"), dossier=dossier, indicators=listed)
    citra = Browser(app, office).settle("citra")
    assert citra.get("/").headers["Location"] == "/indicators"
    page = citra.page("/indicators")
    assert "Lulusan bekerja" in page and "Rahasia orang lain" not in page and "Indikator saya" in page
    assert citra.get(f"/dossiers/{dossier}").status_code == 403
    path = f"/indicators/{dossier}/documents"
    fields = {"step": "4", "kind": "measurement_data", "indicator": "IKU-1"}
    data = EVIDENCE.read_bytes()
    assert citra.send(path, **fields, file=(io.BytesIO(data), EVIDENCE.name)).status_code == 303
    page = citra.page("/indicators?done=received")
    assert EVIDENCE.name in page
    version = page.partition(f"/dossiers/{dossier}/documents/")[2][:32]
    assert citra.get(f"/dossiers/{dossier}/documents/{version}").data == data
    assert citra.get(f"/dossiers/{dossier}/documents/{version}/receipt").status_code == 200
    other = citra.send(path, **{**fields, "indicator": "IKU-2"}, file=(io.BytesIO(data), EVIDENCE.name))
    assert other.status_code == 403 and "yang menjadi tanggung jawab Anda" in other.get_data(as_text=True)
    assert citra.send(path, **fields).status_code == 422
    assert citra.send(f"{path}/{version}/withdrawal", reason="Salah berkas.").status_code == 303
    assert "ditarik" in citra.page("/indicators")


def test_results_are_recorded_one_by_one_and_the_next_dossier_answers_for_recommendations(
    app: Flask, office: Office, dossier: str
) -> None:
    listed = [ListedIndicator("IKU-1", "Lulusan bekerja", "80")]
    indicators.set_indicators(office.archive, office.actor("sari"), dossier=dossier, indicators=listed)
    office.upload(dossier, "sari", "4")
    decisions.submit_step(office.archive, office.actor("sari"), dossier=dossier, step="4", accepts_gaps=True)
    office.submit(dossier, "sari", "5")
    bima = Browser(app, office).settle("bima")
    path = f"/dossiers/{dossier}/steps/6/results"
    assert bima.send(path, code="IKU-1", achievement=" ", recommendation="R").status_code == 422
    fields = {"achievement": "79 %", "recommendation": "Perbanyak magang.", "obstacle": "", "follow_up": "Rapat."}
    assert bima.send(path, code="IKU-1", **fields).status_code == 303
    assert bima.send(path, code="", recommendation="Rapat tiap bulan.").status_code == 303
    page = bima.page(f"/dossiers/{dossier}")
    for words in ("79 %", "Perbanyak magang.", "Rapat tiap bulan."):
        assert words in page
    following = dossiers.open_dossier(
        office.archive,
        office.actor("maya"),
        sop="sop-spmi-601",
        work_unit=office.unit,
        year=2026,
        quarter=2,
        title="Triwulan II",
        letter=dossiers.RequestLetter("1", "S", "2", "2026-03-15", "2026-03-16T09:00:00+07:00"),
    )
    page = bima.page(f"/dossiers/{following}")
    assert "Rekomendasi periode lalu" in page and "belum ditanggapi" in page
    answer = page.partition(f"/dossiers/{following}/recommendations/")[2][:64]
    path = f"/dossiers/{following}/recommendations/{answer}/answer"
    assert bima.send(path, state="done", note=" ").status_code == 422
    assert bima.send(path, state="done", note="Magang 40 orang.").status_code == 303
    assert "Magang 40 orang." in bima.page(f"/dossiers/{following}")
