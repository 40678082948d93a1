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


TECHNICAL = {"Accept", "Content-Type", "Enter", "Escape", "Files", "Location"}
"""Headers and names that browsers give: the only single words with a capital."""
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
SELECTS = re.compile(r"(?:querySelector(?:All)?|matches|closest)(?:\?\.)?\($")
SHOWS = re.compile(
    r"(?:(?:textContent|innerText|innerHTML|outerHTML|title|placeholder|alt|ariaLabel|setCustomValidity)\s*(?:=|\()"
    r"|(?:alert|confirm|prompt|tell|fail|Error|said|insertAdjacentHTML|insertAdjacentText)\()\s*$"
)


def words_of_its_own(script: str) -> list[str]:
    """The literals of a script that somebody would read: a sentence, a capitalised word, letters that go straight to the page."""
    script = COMMENT.sub(" ", script)
    found = []
    for literal in LITERAL.finditer(script):
        before = script[max(0, literal.start() - 40) : literal.start()].rstrip(" ")
        text = re.sub(r"\$\{[^}]*\}", " ", next(g for g in literal.groups() if g is not None))
        if SELECTS.search(before) or re.search(r"(?:from|import\()\s*$", before):
            continue
        is_sentence = re.search(r"[^\W\d_]{2,}[,.:;!?…]?\s+[^\W\d_]{2,}", text) and not re.search(r"[\[#>]", text)
        is_word = re.fullmatch(r"[A-Z][a-z-]+[.…!?]?", text.strip()) and text.strip() not in TECHNICAL
        is_shown = SHOWS.search(before) and re.search(r"[^\W\d_]", text)
        if is_sentence or is_word or is_shown:
            found.append(text)
    return found


@pytest.mark.parametrize(
    "script",
    [
        'throw new Error("gagal");',
        "status.textContent = `${name} diterima`;",
        'const labels = ["Unggah"];',
        'button.title = "hapus";',
        "const a = 'Sambungan terputus.';",
    ],
)
def test_words_in_a_script_are_found(script: str) -> None:
    assert words_of_its_own(script) != []


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.js")))
def test_a_script_has_no_words_of_its_own(name: str) -> None:
    """All that people read comes from the page and its catalogues, in the language of the page."""
    assert words_of_its_own((FOLDER / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.js")))
def test_a_script_shows_no_words_of_the_browser(name: str) -> None:
    """What a browser says of a failure is English and helps nobody: only what was said on purpose, ``error.sentence``, is shown."""
    assert re.findall(r".*\.message\b.*", (FOLDER / name).read_text(encoding="utf-8")) == []
