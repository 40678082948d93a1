"""Notices on pages: on the start page, counted in the header, marked as read; one's settings; in both languages."""

from __future__ import annotations

import pytest
from flask import Flask

from archive_service.app import create_app
from archive_service.services import notices, reminders, users
from tests.office import Office
from tests.web.conftest import Browser


@pytest.fixture
def office(lite: Office) -> Office:
    lite.play("3")
    lite.at("2026-03-17T12:31")
    reminders.sweep_reminders(lite.archive)
    return lite


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.archive)


def test_without_mail_the_page_shows_every_notice_until_it_is_read(browser: Browser, office: Office) -> None:
    browser.settle("sari")
    page = browser.page("/")
    assert "Waktu baku langkah 4 sudah terlampaui" in page and "Langkah 4 menjadi tugas Anda" in page
    assert 'Pemberitahuan</span> <span class="count">2</span></a>' in page
    assert "The time norm of step 4 has passed" in browser.page("/?lang=en")
    (newest, oldest) = notices.list_notices(office.archive, office.actor("sari"))
    done = browser.send("/notices/read", notice=newest["notice"], **{"from": "home"})
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    browser.get("/?lang=id")
    page = browser.page("/")
    assert 'Pemberitahuan</span> <span class="count">1</span></a>' in page
    assert browser.send("/notices/read", notice=oldest["notice"]).headers["Location"] == "/notices"
    page = browser.page("/notices")
    assert 'class="count"' not in page and page.count("sudah dibaca") == 2
    assert f'href="/dossiers/{oldest["dossier"]}/steps/4"' in page


def test_nobody_reads_anothers_notice(browser: Browser, office: Office) -> None:
    browser.settle("bima")
    (notice, *_) = notices.list_notices(office.archive, office.actor("sari"))
    response = browser.send("/notices/read", notice=notice["notice"])
    assert response.status_code == 404
    assert "Anda tidak mempunyai pemberitahuan itu." in response.get_data(as_text=True)
    assert "Tidak ada pemberitahuan untuk Anda." in browser.page("/notices")


def test_everyone_sets_where_their_mail_goes(browser: Browser, office: Office) -> None:
    browser.settle("sari")
    assert "Layanan ini tidak mengirim surel" in browser.page("/akun")
    refused = browser.send("/akun/surel", mail="sari di polman")
    assert refused.status_code == 422 and "Itu bukan alamat surel." in refused.get_data(as_text=True)
    done = browser.send("/akun/surel", mail="sari@polman.example")
    assert done.headers["Location"] == "/akun?done=mail_set"
    page = browser.page("/akun?done=mail_set")
    assert "Alamat surel Anda sudah disimpan." in page and 'value="sari@polman.example"' in page
    browser.send("/akun/surel", mail="")
    assert users.find_mail(office.archive, office.actor("sari")) is None
