from __future__ import annotations

import re
from html import unescape

from archive_service.app import create_app
from archive_service.catalog import parse_definition
from archive_service.services import definitions
from tests.office import Office
from tests.sop_player import SOPS
from tests.web.conftest import Browser


def test_an_sop_shows_its_flowchart_and_what_was_inferred(office: Office, browser: Browser) -> None:
    browser.settle("sari")
    page = browser.get("/sops").get_data(as_text=True)
    assert "SOP-SPMI-601" in page
    digest = page.split('href="/sops/')[1].split('"')[0]
    one = browser.get(f"/sops/{digest}").get_data(as_text=True)
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in one and 'data-step="11"' in one and "Diagram alir" in one
    assert "&lt;svg" not in one and "The weakest guess" in one
    assert "kembali ke langkah 6" in one and "POS Pemrosesan Surat Masuk" in one


def test_the_cover_sheet_says_what_the_issued_one_says(lite: Office) -> None:
    browser = Browser(create_app(lite.archive), lite)
    browser.settle("sari")
    digest = browser.page("/sops").split('href="/sops/')[1].split('"')[0]
    cover = browser.page(f"/sops/{digest}?lang=en").split('<section class="cover"')[1].split("</section>")[0]
    shown = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cover)))
    for label, text in (
        ("Nomor POS", "SOP-SPMI-601"),
        ("Tanggal Pembuatan", "7 Juni 2022"),
        ("Tanggal Revisi", "-"),
        ("Tanggal Efektif", "1 Juli 2022"),
        ("Disahkan oleh", "Direktur I Made Andik Setiawan, M.Eng., Ph.D. NIP. 197307032012121003"),
        ("Nama POS", "Pengukuran Data Kinerja Satuan Kerja"),
    ):
        assert f"{label} {text}" in shown, label
    source = (SOPS / "source" / "sop-spmi-601.txt").read_text(encoding="utf-8")
    for heading in ("Dasar Hukum:", "Kualifikasi Pelaksana:", "Keterkaitan:", "Peralatan/Perlengkapan:", "Peringatan:"):
        assert heading in shown and heading in source
    # every entry of the issued sheet's lists stands on ours
    entries = re.findall(r"\d\. ?((?:(?!\d\. ?[A-Z]|</?ol|\t).)+)", "".join(re.findall(r"<ol[^>]*>.*", source)))
    assert len(entries) >= 15
    for entry in entries:
        assert entry.rstrip(";. ") in shown, entry
    assert browser.get("/sops/" + "0" * 64).status_code == 404


def test_texts_of_a_procedure_cannot_become_markup(office: Office, browser: Browser) -> None:
    text = (SOPS / "examples" / "pos-izin-penelitian.toml").read_text(encoding="utf-8")
    hostile = text.replace('"Menelaah permohonan"', '"<script>alert(1)</script>"').replace(
        '"Penelaah"', '"<b onclick=x>"'
    )
    definition = parse_definition(hostile)
    definitions.register_definition(office.archive, office.actor("admin"), definition=definition)
    browser.settle("sari")
    page = browser.get(f"/sops/{definition.digest}").get_data(as_text=True)
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "<b onclick" not in page
    assert "hanya untuk jawaban ini:" in page and "Apakah penelitian melibatkan manusia? Ya" in page


def test_a_calendar_is_no_sop(office: Office, browser: Browser) -> None:
    browser.settle("wahyu")
    with office.archive.db.read() as session:
        digest = office.archive.catalog.newest(session, "calendar", "id-government").digest
    assert browser.get(f"/sops/{digest}").status_code == 404
