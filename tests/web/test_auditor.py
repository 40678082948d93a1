"""The auditor's pages: home, own record, evidence beside the step, verifying here, search, samples."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import update

from archive_service.db.models import OpeningRow
from archive_service.db.paging import PageRequest
from archive_service.domain.log_proof import parse_log_proof
from archive_service.services import findings, samples, users
from tests.office import Office
from tests.web.conftest import Browser


def test_the_home_of_an_auditor_tells_what_is_open_and_that_reading_is_recorded(office: Office, app: Flask) -> None:
    dossier = office.play("11")
    office.turn()
    findings.propose_finding(
        office.archive, office.actor("wahyu"), work_unit=office.unit, deviations=[], text="Di lapangan."
    )
    browser = Browser(app, office).settle("wahyu")
    page = browser.page("/audit")
    assert "Pengukuran data kinerja" in page and "Polman Babel" in page and "Semua yang Anda baca dicatat" in page
    assert "Tidak ada hari terakhirnya" in page
    for login in ("maya", "nuraini", "admin"):
        other = Browser(app, office).settle(login)
        assert other.get("/audit").status_code == other.get("/audit/dibaca").status_code == 403
        assert other.get(f"/audit/dossiers/{dossier}").status_code == 403


def test_an_auditor_sees_their_own_record_with_proofs_and_no_one_elses(office: Office, app: Flask) -> None:
    dossier = office.play("2")
    browser = Browser(app, office).settle("wahyu")
    browser.page(f"/audit/dossiers/{dossier}?step=2")
    browser.page("/cari?q=kinerja+rahasia")
    office.turn()
    page = browser.page("/audit/dibaca")
    assert "kinerja rahasia" in page and "Pelaksanaan POS dibaca" in page and "Pengukuran data kinerja" in page
    seq = re.findall(r"/audit/dibaca/(\d+)", page)[0]
    proof = parse_log_proof(browser.get(f"/audit/dibaca/{seq}").data)
    assert proof.entry is not None and b"record.read" in proof.entry
    assert browser.get("/audit/dibaca/0").status_code == 404
    assert browser.get("/audit/dibaca/999").status_code == 404


def test_the_evidence_stands_beside_the_step(office: Office, app: Flask) -> None:
    dossier = office.play("4")
    office.turn()
    browser = Browser(app, office).settle("wahyu")
    page = browser.page(f"/audit/dossiers/{dossier}?step=4")
    assert "Bukti langkah 4" in page and "Waktu kerja per hari" in page and "waktu baku terlampaui" in page
    assert re.search(r"SHA-256 <code>[0-9a-f]{64}", page) and f"/dossiers/{dossier}/proofs/" in page
    assert "belum ada pihak luar" in page.lower() and "Temuan" in page
    assert f"/audit/dossiers/{dossier}" in browser.page(f"/dossiers/{dossier}")
    assert f"/audit/dossiers/{dossier}" not in Browser(app, office).settle("maya").page(f"/dossiers/{dossier}")
    # a step that is not there shows the first that was begun
    assert "Bukti langkah 1" in browser.page(f"/audit/dossiers/{dossier}?step=99")
    assert browser.get(f"/audit/dossiers/{office.unit}").status_code == 404


def test_the_server_says_about_itself_whether_an_open_dossier_holds(office: Office, app: Flask) -> None:
    dossier = office.play("4")
    browser = Browser(app, office).settle("wahyu")
    assert "menunggu segel berikutnya" in browser.page(f"/audit/dossiers/{dossier}/periksa")
    office.turn()
    page = browser.page(f"/audit/dossiers/{dossier}/periksa")
    assert "(intact)" in page and "server menyatakan ini tentang dirinya sendiri" in page
    assert "verify.py" in page and "/periksa" in page
    with office.forced() as connection:
        connection.execute(update(OpeningRow).where(OpeningRow.field == "title").values(value="Lain"))
    page = browser.page(f"/audit/dossiers/{dossier}/periksa")
    assert "(broken)" in page and "#0 title" in page


def test_the_server_runs_the_verifier_over_the_bundle(office: Office, app: Flask) -> None:
    dossier = office.play("11")
    office.turn()
    page = Browser(app, office).settle("wahyu").page(f"/audit/dossiers/{dossier}/periksa")
    assert "(VALID)" in page and f"/dossiers/{dossier}/bundle" in page


def test_search_shows_groups_marks_words_and_escapes_the_rest(office: Office, app: Flask) -> None:
    office.play("4")
    browser = Browser(app, office).settle("maya")
    page = browser.page("/cari?q=pengukuran")
    assert "<mark>Pengukuran</mark> data kinerja" in page and "dicatat" not in page
    assert "&lt;script&gt;" in browser.page("/cari?q=%3Cscript%3E") and "<script>alert" not in page
    assert browser.get("/cari?q=a+b+c+d+e+f+g+h+i").status_code == 422
    assert "<mark>" in browser.page("/cari?q=pdf&jenis=document")
    assert "Yang dapat dicari" in browser.page("/cari")
    assert "Tidak ada" in browser.page("/cari?q=tidakadaapapun")
    assert "Orang" in Browser(app, office).settle("admin").page("/cari?q=maya")


def test_a_sample_is_drawn_looked_through_and_saved_on_pages(office: Office, app: Flask) -> None:
    office.at("2026-03-13T09:10")
    dossiers = [office.open() for _ in range(3)]
    browser = Browser(app, office).settle("wahyu")
    assert "Belum ada sampel" in browser.page("/sampel")
    assert browser.send("/sampel", size="nol").status_code == 422
    sent = browser.send("/sampel", size="2", seed="dadu-1", period="2026-1", unit=office.unit, status="open")
    assert sent.status_code == 303
    path = sent.headers["Location"]
    page = browser.page(path)
    assert "dadu-1" in page and "2 dari 3 pelaksanaan POS" in page and page.count('<tr id="d-') == 2
    first, second = re.findall(r'<tr id="d-([0-9a-f]{32})"', page)
    assert browser.send(f"{path}/{first}", result="fine", note="Lengkap.").status_code == 303
    assert browser.send(f"{path}/{first}", result="bagus").status_code == 422
    form = {"dossier": second, "sample": path.rpartition("/")[2], "work_unit": office.unit}
    assert browser.send("/findings", text="Tanpa paraf.", **form).status_code == 303
    page = browser.page(path)
    assert "Lengkap." in page and "2 dari 2, 1 dengan temuan" in page and "/findings/" in page
    assert browser.get(f"{path}/population.txt").data.decode().split() == sorted(dossiers)
    assert b"Lengkap." in browser.get(f"{path}/export?format=csv").data
    assert browser.get(f"{path}/export").data[:2] == b"PK"
    assert len(samples.page_samples(office.archive, office.actor("wahyu"), page=PageRequest()).rows) == 1


def test_the_home_says_until_when_one_may_look(office: Office, app: Flask) -> None:
    users.set_validity(
        office.archive,
        office.actor("admin"),
        user=office.actor("wahyu").user,
        from_on=None,
        until_on="2026-03-31",
    )
    page = Browser(app, office).settle("wahyu").page("/audit")
    assert "Sampai akhir hari Selasa, 31 Maret 2026" in page
