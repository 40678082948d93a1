from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from archive_service.app import create_app
from archive_service.services import compliance, people, users
from archive_service.services.work import load_dossier
from tests.office import Office
from tests.web.conftest import Browser

OPENING = {
    "sop": "sop-spmi-601",
    "year": "2026",
    "quarter": "1",
    "title": "Pengukuran triwulan I",
    "number": "0412/B1/TU/2026",
    "sender": "Sekretariat",
    "agenda_number": "SM-178",
    "dated_on": "2026-03-12",
    "received_at": "2026-03-12T08:30",
    "reply_due_on": "2026-04-10",
}


def test_my_work_says_what_is_missing_who_holds_it_until_when(browser: Browser) -> None:
    browser.office.play("3")
    browser.settle("agus")
    page = browser.page("/")
    assert "Langkah 4" in page and "Hasil pengukuran dan pengumpulan data capaian kinerja" in page
    assert "Sari" in page and "17 Mar 2026 12.00 WIB" in page
    assert "sisa 2 hari kerja<" in re.sub(r"\s*\n\s*", "", page), "of two days, all the time is left at the start"
    assert "Apa yang belum ada" in page


def test_others_see_who_holds_the_step_and_an_empty_desk_says_so(browser: Browser) -> None:
    browser.office.play("3")
    page = browser.settle("maya").page("/")
    assert "Tidak ada yang menunggu Anda" in page
    mine, others = page.split("Pada orang lain")
    assert "Langkah 4" not in mine and "Sari" in others and "17 Mar 2026" in others


def test_a_returned_step_shows_the_reason_where_it_is_done_again(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("7")
    office.at("2026-03-27T14:00")
    office.decide(dossier, "hendra", "8", "return", "Angka IKU 2 keliru.")
    browser.settle("bima")
    for page in (browser.page("/"), browser.page(f"/dossiers/{dossier}")):
        assert "Angka IKU 2 keliru." in page and "Dikembalikan oleh Hendra pada langkah 8" in page


def test_a_deviation_waits_on_the_desk_of_whoever_answers_for_it(browser: Browser, app: Flask) -> None:
    office = browser.office
    dossier = office.play("4")
    office.turn()
    browser.settle("sari")
    assert "Menunggu penjelasan Anda" in browser.page("/")
    assert "Menunggu penjelasan Anda" not in Browser(app, office).settle("maya").page("/")
    (path,) = re.findall(r'action="(/dossiers/\w+/deviations/\w+/explanation)"', browser.page(f"/dossiers/{dossier}"))
    empty = browser.send(path, explanation="  ")
    assert empty.status_code == 422 and "Ada isian yang kosong" in empty.get_data(as_text=True)
    done = browser.send(path, explanation="Libur Nyepi dan Idulfitri.")
    assert done.headers["Location"] == f"/dossiers/{dossier}?done=explained#deviations"
    page = browser.page(f"/dossiers/{dossier}?done=explained")
    assert "Penjelasan Anda sudah dicatat" in page and "Libur Nyepi dan Idulfitri." in page
    assert "Menunggu penjelasan Anda" not in browser.page("/")


def test_nobody_else_is_offered_the_explanation_nor_may_give_it(browser: Browser) -> None:
    dossier = browser.office.play("4")
    browser.office.turn()
    browser.settle("agus")
    page = browser.page(f"/dossiers/{dossier}")
    assert "waktu baku terlampaui" in page and "/explanation" not in page
    with browser.office.archive.db.read() as session:
        (deviation,) = load_dossier(browser.office.archive, session, dossier).deviations
    response = browser.send(f"/dossiers/{dossier}/deviations/{deviation.id}/explanation", explanation="x")
    assert response.status_code == 403 and "dijelaskan oleh orang yang bertanggung jawab" in response.get_data(
        as_text=True
    )


@pytest.mark.parametrize("login", ["wahyu", "nuraini"])
def test_auditors_and_quality_checkers_get_the_list_and_no_form(browser: Browser, login: str) -> None:
    dossier = browser.office.play("3")
    browser.settle(login)
    assert "Pengukuran data kinerja triwulan I" in browser.page("/dossiers")
    page = browser.page(f"/dossiers/{dossier}")
    assert "Menunggu Sari" in page and "/submission" not in page and 'type="file"' not in page
    refused = browser.send(f"/dossiers/{dossier}/steps/4/submission")
    assert refused.status_code == 403 and "peran Anda" in refused.get_data(as_text=True)


def test_an_administrator_reads_no_dossier(browser: Browser) -> None:
    dossier = browser.office.play("1")
    users.set_password(
        browser.office.archive,
        browser.office.actor("admin"),
        user=browser.office.actor("admin").user,
        password="kata sandi panjang",
    )
    browser.log_in("admin", "kata sandi panjang")
    assert browser.get("/").headers["Location"] == "/admin"
    assert browser.get(f"/dossiers/{dossier}").status_code == 403
    assert browser.get("/dossiers").status_code == 403


def test_another_units_people_learn_not_even_that_a_dossier_exists(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("3")
    admin = office.actor("admin")
    unit = people.create_work_unit(office.archive, admin, code="jurusan", name="Jurusan")
    stranger = people.register_person(office.archive, admin, name="Orang Lain")
    users.create_user(office.archive, admin, person=stranger, login="lain", password="kata sandi untuk uji")
    people.assign_role(
        office.archive, admin, person=stranger, role="sakip_team", work_unit=unit, from_on="2026-01-01", lead=True
    )
    browser.settle("lain")
    unknown = browser.get(f"/dossiers/{'0' * 32}")
    for path in ("", "/bundle", "/bundle/progress"):
        hidden = browser.get(f"/dossiers/{dossier}{path}")
        assert hidden.status_code == 404 and "atau Anda tidak berwenang" in hidden.get_data(as_text=True)
    assert unknown.status_code == 404
    assert dossier not in browser.page("/dossiers") and dossier not in browser.page("/")
    with office.archive.db.read() as session:
        version = load_dossier(office.archive, session, dossier).versions[0].id
    for path in (f"/documents/{version}", f"/documents/{version}/receipt"):
        assert browser.get(f"/dossiers/{dossier}{path}").status_code == 404


def test_a_dossier_is_opened_by_a_form(browser: Browser) -> None:
    browser.settle("maya")
    response = browser.send("/dossiers", form="/dossiers/new", work_unit=browser.office.unit, **OPENING)
    assert response.status_code == 303, response.get_data(as_text=True)
    page = browser.page(response.headers["Location"].partition("#")[0])
    assert "langkah 1 berjalan" in page and "0412/B1/TU/2026" in page and "12 Mar 2026 08.30 WIB" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", " ", "Ada isian yang kosong"),
        ("year", "dua ribu", "Tahun harus berupa angka"),
        ("received_at", "", "Tanggal dan jam penerimaan belum diisi"),
        ("received_at", "2027-01-01T08:00", "tidak mungkin diterima setelah saat ini"),
        ("dated_on", "kemarin", "Ada tanggal yang kosong"),
    ],
)
def test_a_bad_field_is_named_and_what_was_typed_stays(browser: Browser, field: str, value: str, words: str) -> None:
    browser.settle("maya")
    fields = {**OPENING, "work_unit": browser.office.unit, field: value}
    response = browser.send("/dossiers", form="/dossiers/new", **fields)
    page = response.get_data(as_text=True)
    assert response.status_code == 422 and words in page
    kept = {**OPENING, field: value.strip()}
    assert f'value="{kept["sender"]}"' in page and f'value="{kept["number"]}"' in page
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page)


def test_the_history_is_told_in_words(browser: Browser) -> None:
    dossier = browser.office.play("8")
    browser.office.turn()
    page = browser.settle("wahyu").page(f"/dossiers/{dossier}")
    for words in (
        "Sari mengunggah 04-data-capaian-kinerja.xlsx untuk langkah 4",
        "Hendra mengembalikan langkah 8 ke langkah 6",
        "Langkah 4 dinilai (terlambat, lengkap)",
        "Bima mengunggah 06-rumusan-capaian-kinerja-perbaikan.pdf untuk langkah 6 (putaran 2, versi 2)",
        "menurut aturan",
        "Rabu, 25 Maret 2026</h3>",
    ):
        assert words in page
    english = browser.page(f"/dossiers/{dossier}?lang=en")
    assert "Hendra returned step 8 to step 6" in english and 'lang="en"' in english


def test_the_history_is_narrowed_without_a_script(browser: Browser) -> None:
    dossier = browser.office.play("8")
    page = browser.settle("wahyu").page(f"/dossiers/{dossier}?kind=decisions&person=Hendra&step=8")
    trail = page.split('id="history"')[1]
    assert "Hendra mengembalikan langkah 8 ke langkah 6" in trail and "<details open>" in trail
    assert "mengunggah" not in trail and "Sari" not in trail
    nothing = browser.page(f"/dossiers/{dossier}?step=nowhere").split('id="history"')[1]
    assert "Tidak ada catatan seperti itu." in nothing


def test_the_page_says_where_a_dossier_stands_and_shows_drafts_as_drafts(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("4")
    page = browser.settle("sari").page(f"/dossiers/{dossier}")
    assert "Langkah 5 pada Sari, tenggat Kam, 26 Mar 2026 10.00 WIB" in page
    assert page.count('class="node ') == 11 and "konsep, belum dikirim" not in page
    office.upload(dossier, "sari", "5")
    assert "konsep, belum dikirim" in browser.page(f"/dossiers/{dossier}")
    office.submit(dossier, "sari", "5")
    assert "konsep, belum dikirim" not in browser.page(f"/dossiers/{dossier}")


def test_an_open_page_learns_what_others_did_and_asks_cheaply(browser: Browser, app: Flask) -> None:
    office = browser.office
    dossier = office.play("4")
    browser.settle("agus")
    (token,) = re.findall(r'data-token="([^"]+)"', browser.page(f"/dossiers/{dossier}"))
    address = f"/dossiers/{dossier}/pulse"
    assert browser.get(address, query_string={"seen": token}).status_code == 204
    office.upload(dossier, "sari", "5")
    told = browser.get(address, query_string={"seen": token}).get_json()
    assert told["token"] != token and len(told["news"]) == len(office.samples[("5", 1)])
    assert told["news"][0].startswith("Sari mengunggah ")
    own = Browser(app, office).settle("sari").get(address, query_string={"seen": token}).get_json()
    assert own["news"] == [], "nobody is told what they did themselves"
    assert browser.get(address, query_string={"seen": "x"}).status_code == 422


def test_a_form_that_somebody_else_overtook_says_so_and_keeps_what_was_typed(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("7")
    page = browser.settle("hendra").page(f"/dossiers/{dossier}")
    (seen,) = set(re.findall(r'name="seen" value="([^"]+)"', page))
    form: dict[str, Any] = {
        "decision": "return",
        "reason": "Angka IKU 2 keliru.",
        "version": re.findall(r'name="version" value="(\w+)"', page),
    }
    compliance.grant_pause(
        office.archive, office.actor("ratna"), dossier=dossier, step="8", cause="other", reason="Banjir.", to_at=None
    )
    stale = browser.send(f"/dossiers/{dossier}/steps/8/decision", **form, seen=seen)
    text = stale.get_data(as_text=True)
    assert stale.status_code == 409 and "Orang lain sudah mengubah ini." in text
    assert "menghentikan waktu langkah 8" in text and "Angka IKU 2 keliru." in text
    (fresh,) = set(re.findall(r'name="seen" value="([^"]+)"', text))
    assert browser.send(f"/dossiers/{dossier}/steps/8/decision", **form, seen=fresh).status_code == 303


def test_an_unknown_page_is_a_sentence(browser: Browser) -> None:
    response = browser.settle("maya").get("/nowhere")
    assert response.status_code == 404 and "Halaman ini tidak ada" in response.get_data(as_text=True)


def test_an_auditors_look_is_recorded_and_the_wait_for_a_bundle_is_not(browser: Browser) -> None:
    from archive_service.db.event_log import read_stream

    office = browser.office
    dossier = office.play("11")
    browser.settle("wahyu")

    def reads(office: Office) -> list[str]:
        with office.archive.db.read() as session:
            events = read_stream(session, f"user:{office.actor('wahyu').user}")
        return [e.payload["what"] for e in events if e.type == "record.read"]

    browser.page(f"/dossiers/{dossier}")
    for _ in range(3):
        browser.get(f"/dossiers/{dossier}/bundle/progress")
    assert reads(office) == ["dossier"]


def test_the_list_is_narrowed_by_its_address_and_comes_in_pages(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = browser.office
    running = office.play("3")
    # their letter was received the day before: nobody submitted step 1 in time
    late = [office.open() for _ in range(2)]
    browser.settle("wahyu")

    def listed(query: str) -> set[str]:
        return set(re.findall(r'href="/dossiers/(\w{32})"', browser.page(f"/dossiers?{query}")))

    assert listed("") == {running, *late} == listed("unit=nobody&quarter=9&state=x&year=x&after=x~y")
    assert listed("late=yes") == set(late)
    assert listed("state=sealed") == set() and "Tidak ada pelaksanaan POS seperti itu." in browser.page(
        "/dossiers?state=sealed"
    )
    assert listed("text=KINERJA+triwulan") == {running, *late} and listed("text=%25") == set()
    assert listed(f"unit={office.unit}&year=2026&quarter=1") == {running, *late} and listed("year=2025") == set()
    monkeypatch.setattr("archive_service.web.dossiers.LISTED", 2)
    first = browser.page("/dossiers?year=2026")
    (further,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "year=2026" in further and listed("year=2026") == set(late)
    assert listed(further.replace("&amp;", "&").partition("?")[2]) == {running}


def test_an_open_page_keeps_no_session_alive(lite: Office) -> None:
    from datetime import timedelta

    browser = Browser(create_app(lite.archive), lite)
    dossier = lite.play("1")
    browser.settle("maya")
    begun = lite.archive.timer()
    for minutes in (50, 100, 130):
        moment = begun + timedelta(minutes=minutes)
        object.__setattr__(lite.archive, "timer", lambda moment=moment: moment)
        last = browser.get(f"/dossiers/{dossier}/pulse")
    assert last.status_code in (303, 401), "asked by a script alone, the session idled out"


def test_a_form_about_a_paper_original_is_held_against_what_a_colleague_recorded(lite: Office) -> None:
    from archive_service.services import papers

    browser = Browser(create_app(lite.archive), lite)
    dossier = lite.play("2")
    page = browser.settle("ratna").page(f"/dossiers/{dossier}")
    (seen,) = set(re.findall(r'name="seen" value="([^"]+)"', page))
    with lite.archive.db.read() as session:
        document = load_dossier(lite.archive, session, dossier).versions[0].document
    papers.record_paper(lite.archive, lite.actor("maya"), dossier=dossier, document=document, exists=True, room="R1")
    path, form = f"/dossiers/{dossier}/documents/{document}/paper", {"exists": "no", "seen": seen}
    stale = browser.send(path, **form)
    assert stale.status_code == 409 and "Orang lain sudah mengubah ini." in stale.get_data(as_text=True)
    assert browser.send(path, **{**form, "seen": ""}).status_code == 303
