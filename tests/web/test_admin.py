from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from archive_service.app import create_app
from tests.office import Office, make_office
from tests.web.conftest import Browser


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Office]:
    office = make_office(tmp_path / "var")
    yield office
    office.archive.db.close()


@pytest.fixture
def pages(house: Office) -> Flask:
    return create_app(house.archive)


def test_every_page_of_administration_answers(house: Office, pages: Flask) -> None:
    browser = Browser(pages, house).settle("admin")
    for path in (
        "",
        "/unit",
        "/orang",
        "/akun",
        "/sop",
        "/sop/periksa",
        "/kewajiban",
        "/retensi",
        "/retensi/periksa",
        "/token",
        "/webhook",
        "/saksi",
    ):
        page = browser.page(f"/admin{path}")
        assert "<h1" in page, path
