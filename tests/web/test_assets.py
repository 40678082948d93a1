"""What the pages use of other projects: each file is the one in the manifest, and says under which licence."""

from __future__ import annotations

import gzip
import json
import re
from hashlib import sha256

import pytest

from archive_service.web.icons import icon
from archive_service.web.static import FOLDER
from tests.web.conftest import Browser

VENDOR = FOLDER / "vendor"


def test_every_vendored_file_is_the_one_in_the_manifest() -> None:
    manifest = json.loads((VENDOR / "MANIFEST.json").read_text())
    held = {
        path.name: sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "MANIFEST.json"
    }
    assert held == {name: entry["sha256"] for name, entry in manifest.items()}
    licensed = {entry["package"] for name, entry in manifest.items() if name.endswith(".LICENSE")}
    assert {entry["package"] for entry in manifest.values()} == licensed


def test_an_icon_takes_the_colour_of_its_text_and_is_silent() -> None:
    assert re.fullmatch(r'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path .*/></svg>', icon("home"))
    with pytest.raises(KeyError):
        icon("no such drawing")


def test_pages_travel_compressed_and_documents_as_they_are(browser: Browser) -> None:
    asked = {"Accept-Encoding": "gzip, br"}
    login = browser.get("/login", headers=asked)
    assert login.headers["Content-Encoding"] == "gzip" and b"<!doctype html>" in gzip.decompress(login.data)
    (address,) = re.findall(r'href="(/static/[^"]*/bootstrap\.css)"', browser.page("/login"))
    sheet = browser.get(address, headers=asked)
    assert sheet.headers["Content-Encoding"] == "gzip" and len(sheet.data) < 20_000
    again = browser.get(address, headers={**asked, "If-None-Match": sheet.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""
    assert "Content-Encoding" not in browser.get("/verify.py", headers=asked).headers


def test_somebody_chooses_dark_or_light_and_the_browser_keeps_it(browser: Browser) -> None:
    assert "data-theme" not in browser.page("/login")
    assert '<html lang="id" data-theme="dark">' in browser.page("/login?theme=dark")
    assert 'data-theme="dark"' in browser.page("/login")
    assert "data-theme" not in browser.page("/login?theme=auto")
    assert "data-theme" not in browser.page("/login?theme=<script>")
