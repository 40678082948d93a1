"""On the dossier's page: a form filled in, files beside an explanation, where papers lie."""

from __future__ import annotations

import io
import re

import pytest

from archive_service.services import reading
from tests.office import SAMPLES
from tests.web.conftest import ORIGIN, Browser

PDF = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
SHEET = {"field-nature": "Segera", "field-forwarded_to": "Kabag", "field-instruction": "Siapkan <data>."}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def test_a_form_is_filled_in_and_its_pdf_shows(browser: Browser) -> None:
    dossier = browser.office.play("1")
    browser.settle("ratna")
    page = browser.page(f"/dossiers/{dossier}")
    assert "Lembar Disposisi" in page and "Isi sebagai formulir" in page
    path = f"/dossiers/{dossier}/steps/2/forms/disposition"
    refused = browser.send(path, **{**SHEET, "field-nature": ""})
    assert refused.status_code == 422
    text = refused.get_data(as_text=True)
    assert 'id="problem-form-2-disposition"' in text and "Siapkan &lt;data&gt;." in text
    done = browser.send(path, **SHEET)
    assert done.status_code == 303 and "filled_in" in done.headers["Location"]
    page = browser.page(f"/dossiers/{dossier}")
    assert page.count("lembar-disposisi-langkah-2.pdf") >= 2
    assert "1 dari sedikitnya 1" in page


def test_an_approvals_form_stands_among_what_is_decided(browser: Browser) -> None:
    dossier = browser.office.play("7", with_return=False)
    browser.settle("hendra")
    assert "keputusan Anda terikat padanya" in browser.page(f"/dossiers/{dossier}")
    sent = browser.send(f"/dossiers/{dossier}/steps/8/forms/section_approval", **{"field-statement": "Setuju."})
    assert sent.status_code == 303
    page = browser.page(f"/dossiers/{dossier}")
    seen = re.findall(r'name="version" value="([0-9a-f]{32})"', page)
    assert len(seen) == 2
    decided = browser.send(f"/dossiers/{dossier}/steps/8/decision", decision="approve", version=seen)
    assert decided.status_code == 303, decided.get_data(as_text=True)


def test_files_beside_an_explanation_are_its_attachments(browser: Browser) -> None:
    dossier = browser.office.play("4")
    browser.office.turn()
    late = browser.office.find_deviation(dossier, "time_norm_passed").id
    browser.settle("sari")
    assert 'enctype="multipart/form-data"' in browser.page(f"/dossiers/{dossier}")
    path = f"/dossiers/{dossier}/deviations/{late}/explanation"
    data = {
        "csrf": browser.token(),
        "explanation": "Lihat lampiran.",
        "file": [(io.BytesIO(PDF), "satu.pdf"), (io.BytesIO(PDF), "dua.pdf")],
    }
    sent = browser.client.post(path, data=data, headers={"Origin": ORIGIN}, content_type="multipart/form-data")
    assert sent.status_code == 303
    found = reading.read_dossier(browser.office.archive, browser.office.actor("sari"), dossier=dossier)
    told = next(d for d in found["deviations"] if d["deviation"] == late)
    assert len(told["explanations"][0]["attachments"]) == 2
    page = browser.page(f"/dossiers/{dossier}")
    assert "satu.pdf" in page and "lampiran penjelasan" in page
    version = told["explanations"][0]["attachments"][0]
    assert browser.get(f"/dossiers/{dossier}/documents/{version}").data == PDF


def test_where_a_paper_lies_is_recorded_beside_its_document(browser: Browser) -> None:
    dossier = browser.office.play("1")
    browser.settle("maya")
    found = reading.read_dossier(browser.office.archive, browser.office.actor("maya"), dossier=dossier)
    path = f"/dossiers/{dossier}/documents/{found['documents'][0]['document']}/paper"
    assert "Asli kertas: tidak dicatat" in browser.page(f"/dossiers/{dossier}")
    for fields in ({}, {"exists": "no", "room": "Arsip"}):
        refused = browser.send(path, **fields)
        assert refused.status_code == 422 and "problem-paper-" in refused.get_data(as_text=True)
    assert browser.send(path, exists="yes", room="Arsip <1>", box="7").status_code == 303
    page = browser.page(f"/dossiers/{dossier}")
    assert "Asli kertas: Ruang Arsip &lt;1&gt;, Boks 7" in page
    assert "bukan dokumen, tidak diperiksa" in page
