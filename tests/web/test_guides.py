"""The guides: they lead to pages that there are, and name words that stand on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound

from archive_service.web.guides import FOLDER, GUIDES, read_guide
from tests.office import Office
from tests.web.conftest import Browser

CATALOGUE = Path(__file__).parents[2] / "archive_service" / "translations" / "id" / "LC_MESSAGES" / "messages.po"


@pytest.mark.parametrize("name", GUIDES)
def test_every_link_of_a_guide_leads_somewhere(app: Flask, name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links
    adapter = app.url_map.bind("localhost")
    for link in links:
        if link.startswith("gambar/"):
            assert (FOLDER / link).is_file(), link
            continue
        try:
            adapter.match(link, method="GET")
        except (NotFound, MethodNotAllowed) as exc:
            raise AssertionError(f"{name}.md: {link} leads nowhere") from exc


@pytest.mark.parametrize("name", GUIDES)
def test_the_words_that_a_guide_names_stand_on_the_pages(name: str) -> None:
    with CATALOGUE.open("rb") as file:
        known = {m.string for m in read_po(file, locale="id") if isinstance(m.string, str)}
    named = re.findall(r"\*\*([^*]+)\*\*", (FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    assert [words for words in named if words not in known] == []


def test_the_guide_of_ones_own_role_comes_first(office: Office, browser: Browser) -> None:
    visitors = browser.page("/bantuan")
    assert [visitors.index(read_guide(name).title) for name in GUIDES]
    browser.settle("wahyu")
    assert browser.page("/bantuan").split('<ul class="rows"')[1].split('href="/bantuan/')[1].startswith("auditor")
    page = browser.page("/bantuan/auditor")
    assert '<h2 id="menulis-temuan">' in page and 'href="#menulis-temuan"' in page
    assert browser.get("/bantuan/tidak-ada").status_code == 404
    assert browser.get("/bantuan/gambar/tidak-ada.png").status_code == 404


def test_markup_in_a_guide_stays_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spmi.md").write_text("# T\n\nKalimat.\n\n## B\n\n<script>x</script> [a](javascript:x)\n")
    monkeypatch.setattr("archive_service.web.guides.FOLDER", tmp_path)
    read_guide.cache_clear()
    body = read_guide("spmi").body
    read_guide.cache_clear()
    assert "<script>" not in body and "javascript:" not in body.split("[a]")[0] and "<a " not in body
