"""The page of audits: asked for, and what they found, in both languages."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from archive_service.app import create_app
from archive_service.db.models import PersonRow
from tests.office import Office
from tests.web.conftest import Browser


@pytest.fixture
def app(lite: Office) -> Flask:
    return create_app(lite.archive)


@pytest.fixture
def office(lite: Office) -> Office:
    return lite


def test_an_auditor_starts_an_audit_and_reads_what_it_found(browser: Browser, office: Office) -> None:
    browser.settle("wahyu")
    assert "Pemeriksaan" in browser.page("/audit")
    done = browser.send("/audits", with_objects="yes")
    assert (done.status_code, done.headers["Location"]) == (303, "/audits?done=audit")
    assert "sudah diantrekan" in browser.page("/audits?done=audit")
    office.turn()
    assert "Tidak ada ketidaksesuaian" in browser.page("/audits")
    with office.forced() as connection:
        connection.execute(update(PersonRow).values(registered_hash="0" * 64))
    browser.send("/audits")
    office.turn()
    page = browser.page("/audits")
    assert "ketidaksesuaian</strong>" in page and "<code>column_differs</code>" in page
    assert "Pemeriksaan arsip menemukan ketidaksesuaian" in browser.page("/notices")
    assert "discrepancies</strong>" in browser.page("/audits?lang=en")
