from __future__ import annotations

import io
import re
from urllib.parse import urlencode

import pytest

from archive_service.services.work import load_dossier
from tests.office import SAMPLES
from tests.web.conftest import ORIGIN, Browser

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
RECEIPT = (SAMPLES / "10-bukti-unggah.png").read_bytes()


@pytest.fixture
def dossier(browser: Browser) -> str:
    browser.office.at("2026-03-13T09:10")
    return browser.office.open()


def address(dossier: str, step: str = "1", **query: str) -> str:
    return f"/dossiers/{dossier}/steps/{step}/documents?{urlencode(query)}"


def names_in(browser: Browser, dossier: str) -> list[str]:
    return re.findall(r"/documents/\w+\" download>([^<]+)</a><br>", browser.page(f"/dossiers/{dossier}"))


def test_a_raw_upload_is_streamed_in_and_its_receipt_can_be_saved_again(browser: Browser, dossier: str) -> None:
    browser.settle("ratna")
    response = browser.upload(address(dossier, kind="request_letter", name="surat.pdf"), LETTER)
    assert response.status_code == 201
    received = response.get_json()
    with browser.office.archive.db.read() as session:
        (version,) = load_dossier(browser.office.archive, session, dossier).versions
    assert (received["version"], received["digest"]) == (version.id, version.digest)
    note = browser.get(received["receipt"])
    assert f"event {version.event_hash}\n" in note.get_data(as_text=True)
    assert "attachment" in note.headers["Content-Disposition"]
    content = browser.get(f"/dossiers/{dossier}/documents/{version.id}")
    assert content.data == LETTER and content.mimetype == "application/pdf"
    assert names_in(browser, dossier) == ["surat.pdf"]


def test_the_saved_receipt_has_the_bytes_that_the_uploader_was_given(browser: Browser, dossier: str) -> None:
    (given,) = browser.office.upload(dossier, "ratna", "1")
    note = browser.settle("ratna").get(f"/dossiers/{dossier}/documents/{given.version}/receipt")
    assert note.data == given.receipt_note


@pytest.mark.parametrize(
    ("name", "body", "code", "words"),
    [
        ("surat.pdf", b"", "file_empty", "File kosong"),
        ("surat.pdf", b"MZ" + b"\0" * 500, "executable", "berisi program"),
        ("surat.pdf", LETTER[:3000], "pdf_broken", "PDF rusak"),
        ("surat.png", LETTER, "extension_mismatch", "Akhiran nama file"),
        ("surat/..pdf", LETTER, "file_name_refused", "Nama file tidak dapat disimpan"),
    ],
)
def test_a_refused_file_is_a_plain_sentence_for_the_script(
    browser: Browser, dossier: str, name: str, body: bytes, code: str, words: str
) -> None:
    browser.settle("ratna")
    response = browser.upload(address(dossier, kind="request_letter", name=name), body)
    assert response.status_code == 422
    assert response.get_json()["code"] == code and words in response.get_json()["sentence"]
    assert names_in(browser, dossier) == []


def test_an_upload_needs_the_token_in_its_header_and_our_origin(browser: Browser, dossier: str) -> None:
    browser.settle("ratna")
    path = address(dossier, kind="request_letter", name="surat.pdf")
    for headers in ({"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"Origin": "https://evil.example"}):
        response = browser.upload(path, LETTER, **headers)
        assert response.status_code == 403 and response.get_json()["sentence"]
    bare = browser.client.post(path, data=LETTER, headers={"Origin": ORIGIN})
    assert bare.status_code == 403 and names_in(browser, dossier) == []


def test_a_visitors_upload_is_told_to_log_in(browser: Browser, dossier: str) -> None:
    browser.client.get("/login")
    headers = {"Origin": ORIGIN, "Accept": "application/json"}
    response = browser.client.post(address(dossier, kind="request_letter", name="a.pdf"), data=LETTER, headers=headers)
    assert response.status_code == 401 and "Sesi Anda sudah berakhir" in response.get_json()["sentence"]


def test_an_announced_size_over_the_limit_is_refused_unread(browser: Browser, dossier: str) -> None:
    object.__setattr__(browser.office.archive.settings, "document_limit_bytes", 1000)
    browser.settle("ratna")
    response = browser.upload(address(dossier, kind="request_letter", name="surat.pdf"), LETTER)
    assert response.status_code == 413 and "File terlalu besar" in response.get_json()["sentence"]
    assert "Berkas Ratna untuk langkah 1 ditolak" in browser.page(f"/dossiers/{dossier}")


def test_no_free_place_is_a_sentence_and_a_place_comes_back_after_each_upload(browser: Browser, dossier: str) -> None:
    browser.settle("ratna")
    path = address(dossier, kind="request_letter", name="surat.pdf")
    assert browser.upload(path, b"").status_code == 422
    slots = browser.client.application.extensions["upload_slots"]
    taken = 0
    while slots.acquire(blocking=False):
        taken += 1
    assert taken == browser.office.archive.settings.upload_slots
    busy = browser.upload(path, LETTER)
    assert busy.status_code == 503 and "Banyak unggahan" in busy.get_json()["sentence"]
    slots.release()
    assert browser.upload(path, LETTER).status_code == 201


def test_without_a_script_the_form_itself_takes_the_file(browser: Browser, dossier: str) -> None:
    browser.settle("ratna")
    path = f"/dossiers/{dossier}/steps/1/documents/form"
    done = browser.send(path, kind="request_letter", file=(io.BytesIO(LETTER), "surat.pdf"))
    assert done.headers["Location"] == f"/dossiers/{dossier}?done=received#step-1"
    assert "Simpan tanda terimanya" in browser.page(f"/dossiers/{dossier}?done=received")
    refused = browser.send(path, kind="request_letter", file=(io.BytesIO(b"MZ" * 300), "surat.pdf"))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "berisi program" in page.split('id="upload-1-request_letter"')[1].split("</form>")[0]
    empty = browser.send(path, kind="request_letter", file=(io.BytesIO(b""), ""))
    assert empty.status_code == 422 and "Pilih file terlebih dahulu" in empty.get_data(as_text=True)
    unsigned = browser.client.post(
        path, data={"kind": "request_letter", "file": (io.BytesIO(LETTER), "b.pdf")}, headers={"Origin": ORIGIN}
    )
    assert unsigned.status_code == 403


def test_a_form_that_is_too_large_is_cut_off_before_it_fills_the_disk(
    browser: Browser, dossier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_service.web import auth

    monkeypatch.setitem(auth.FORM_LIMITS_BYTES, "web_uploads.receive_form", 10_000)
    browser.settle("ratna")
    path = f"/dossiers/{dossier}/steps/1/documents/form"
    response = browser.send(path, kind="request_letter", file=(io.BytesIO(LETTER), "surat.pdf"))
    assert response.status_code == 413 and "melebihi batas formulir" in response.get_data(as_text=True)


def test_the_receipt_of_an_upload_elsewhere_names_application_address_and_number(browser: Browser) -> None:
    dossier = browser.office.play("9")
    browser.office.at("2026-03-31T10:00")
    browser.settle("maya")
    query = {"kind": "submission_receipt", "name": "bukti.png"}
    bare = browser.upload(address(dossier, "10", **query), RECEIPT)
    assert bare.status_code == 422 and "aplikasi, alamat, dan nomor" in bare.get_json()["sentence"]
    fields = {"application": "e-Kinerja", "address": "https://e-kinerja.example", "number": "EK-17"}
    assert browser.upload(address(dossier, "10", **query, **fields), RECEIPT).status_code == 201
    page = browser.page(f"/dossiers/{dossier}")
    assert "e-Kinerja · https://e-kinerja.example · EK-17" in page


def test_a_new_version_of_a_document_is_sent_as_one(browser: Browser) -> None:
    dossier = browser.office.play("3")
    browser.office.upload(dossier, "agus", "4")
    browser.settle("agus")
    page = browser.page(f"/dossiers/{dossier}")
    document = re.findall(r'<option value="(\w+)">versi baru dari 04-data-dukung-iku-1.pdf', page)[0]
    path = address(dossier, "4", kind="measurement_data", name="perbaikan.pdf", document=document)
    response = browser.upload(path, LETTER)
    assert (response.status_code, response.get_json()["number"]) == (201, 2)


def test_a_version_is_withdrawn_with_a_reason_and_its_record_stays(browser: Browser) -> None:
    dossier = browser.office.play("3")
    sent = browser.office.upload(dossier, "agus", "4")[0]
    browser.settle("agus")
    path = f"/dossiers/{dossier}/documents/{sent.version}/withdrawal"
    refused = browser.send(path, reason="")
    assert refused.status_code == 422 and f'id="problem-withdraw-{sent.version}"' in refused.get_data(as_text=True)
    assert browser.send(path, reason="Salah lampiran").status_code == 303
    page = browser.page(f"/dossiers/{dossier}")
    assert "Salah lampiran" in page and path not in page
    submitted = browser.office.play("1")
    assert "/withdrawal" not in browser.page(f"/dossiers/{submitted}")
