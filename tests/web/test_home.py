"""My work: what waits for whom, what came back, and one click to it."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from archive_service.db import queries
from archive_service.services import desk, deviations
from archive_service.services.work import load_dossier
from tests.office import Office
from tests.web.conftest import Browser


def section(page: str, name: str) -> str:
    """The part of a page under the heading with this id; nothing when there is none."""
    found = re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', page, re.S)
    return found[0] if found else ""


def test_every_step_that_waits_has_one_button_that_leads_to_it(browser: Browser) -> None:
    dossier = browser.office.play("4")
    mine = section(browser.settle("sari").page("/"), "mine")
    (button,) = re.findall(r'<a class="button" href="([^"]+)"', mine)
    assert button == f"/dossiers/{dossier}/steps/5" and "Lengkapi" in mine
    assert browser.get(button).headers["Location"].startswith(f"/dossiers/{dossier}")


def test_who_returned_a_step_sees_it_with_the_reason_until_it_is_back(browser: Browser, app: Flask) -> None:
    office = browser.office
    dossier = office.play("7")
    office.at("2026-03-27T14:00")
    office.decide(dossier, "hendra", "8", "return", "Angka IKU 2 keliru.")
    returned = section(browser.settle("hendra").page("/"), "returned")
    assert "Angka IKU 2 keliru." in returned and "dari langkah 8 ke langkah 6" in returned
    assert "sekarang di langkah 6, pada Bima" in returned
    assert section(Browser(app, office).settle("bima").page("/"), "returned") == "", "it is on their own desk"
    office.upload(dossier, "bima", "6", round=2)
    office.submit(dossier, "bima", "6", round=2)
    office.decide(dossier, "sari", "7", "approve")
    assert section(browser.page("/"), "returned") == ""
    assert f"/dossiers/{dossier}/steps/8" in section(browser.page("/"), "mine")


def test_an_explanation_waits_for_whoever_the_sop_names_and_nobody_else(browser: Browser, app: Flask) -> None:
    office = browser.office
    dossier = office.play("4")
    office.turn()
    explain(browser.settle("sari"), dossier)
    answering = section(Browser(app, office).settle("hendra").page("/"), "answers")
    assert "Sari" in answering and f"/dossiers/{dossier}#deviation-" in answering and "Baca dan jawab" in answering
    for other in ("sari", "bima"):
        assert section(Browser(app, office).settle(other).page("/"), "answers") == ""


def test_what_others_hold_pushes_nothing_off_a_persons_desk(
    browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = browser.office
    monkeypatch.setattr(desk, "OTHERS_SHOWN", 1)
    for _ in range(2):
        office.play("3")
    office.at("2026-03-20T08:00")
    dossier = office.open(received_at="2026-03-20T07:50")
    page = browser.settle("ratna").page("/")
    assert f"/dossiers/{dossier}/steps/1" in section(page, "mine"), "two steps of others are due before"
    assert "1 langkah lagi" in section(page, "others")
    monkeypatch.setattr(desk, "MINE_SHOWN", 1)
    sari = section(Browser(app, office).settle("sari").page("/"), "mine")
    assert sari.count("<article") == 1 and "1 langkah lagi" in sari and 'href="/?all=1#mine"' in sari
    assert section(app_page(app, office, "sari", "/?all=1"), "mine").count("<article") == 2


def app_page(app: Flask, office: Office, login: str, path: str) -> str:
    """A page as somebody sees it in a browser of their own."""
    return Browser(app, office).settle(login).page(path)


def test_explanations_that_others_answer_push_nothing_out(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    office = browser.office
    late = office.play("4")
    office.turn()
    first = office.play("2")
    office.at("2026-03-25T10:00")
    office.submit(first, "hendra", "3")
    office.turn()
    whole = queries.list_unanswered
    monkeypatch.setattr(queries, "list_unanswered", lambda *args, **kwargs: whole(*args, **kwargs, limit=1))
    for login, dossier in (("hendra", first), ("sari", late)):
        with office.archive.db.read() as session:
            own = [
                d
                for d in load_dossier(office.archive, session, dossier).deviations
                if d.responsible == office.persons[login]
            ]
        office.at("2026-03-25T11:00" if login == "hendra" else "2026-03-25T12:00")
        deviations.explain_deviation(
            office.archive, office.actor(login), dossier=dossier, deviation=own[0].id, explanation="Cuti bersama."
        )
    assert f"/dossiers/{late}#deviation-" in section(browser.settle("hendra").page("/"), "answers")


def explain(browser: Browser, dossier: str) -> None:
    """Explain the one deviation that the page asks this person about."""
    (path,) = re.findall(r'action="(/dossiers/\w+/deviations/\w+/explanation)"', browser.page(f"/dossiers/{dossier}"))
    assert browser.send(path, explanation="Libur panjang.").status_code == 303


def test_when_something_is_due_is_said_as_people_say_it(browser: Browser) -> None:
    office: Office = browser.office
    office.play("8")
    browser.settle("sari")
    shown = section(browser.page("/"), "others")
    assert re.search(r"(hari ini|besok|kemarin) \d\d\.\d\d WIB", shown) or re.search(r"\d+ Mar 2026", shown)
    assert "waktu kerja" in shown or "hari kerja" in shown


def test_offices_begin_where_their_work_lies(browser: Browser, app: Flask) -> None:
    places = {"wahyu": "/audit", "nuraini": "/quality", "admin": "/admin"}
    seen = {login: Browser(app, browser.office).settle(login).get("/").headers["Location"] for login in places}
    assert seen == places
    assert browser.settle("wahyu").get("/?done=password_changed").status_code == 200


def test_a_constant_word_of_a_template_is_in_the_language_of_each_reader(browser: Browser) -> None:
    browser.settle("sari")
    needed = "Kunci sandi (passkey) memerlukan JavaScript.", "A passkey needs JavaScript."
    for lang, own, other in (("id", *needed), ("en", *reversed(needed)), ("id", *needed)):
        page = browser.page(f"/settings/passkeys?lang={lang}")
        assert own in page and other not in page
