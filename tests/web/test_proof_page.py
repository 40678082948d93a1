"""The page for proof as it is served: the same file as on disk, under a policy that lets it reach nothing."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from hashlib import sha256
from html import unescape

from archive_service.verifier.messages import DISCREPANCIES, DOCUMENT_STEPS, STEPS
from archive_service.web.proof_page import FOLDER, SCRIPTS, build_page, collect_facts
from archive_service.web.proof_page_words import WORDS
from tests.web.conftest import Browser


def digest_of(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def test_a_visitor_gets_the_file_and_its_digest(browser: Browser) -> None:
    response = browser.get("/periksa")
    assert response.data == build_page().data and response.mimetype == "text/html"
    line = browser.get("/periksa.sha256").get_data(as_text=True)
    assert line == f"{sha256(response.data).hexdigest()}  periksa.html\n"
    again = browser.get("/periksa", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert 'href="/periksa"' in browser.page("/login")


def test_the_policy_names_the_one_script_and_style_and_nothing_else(browser: Browser) -> None:
    response = browser.get("/periksa")
    text, policy = response.get_data(as_text=True), response.headers["Content-Security-Policy"]
    assert policy == f"{build_page().policy}; frame-ancestors 'none'"
    (carried,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert unescape(carried) == build_page().policy
    (script,), (style,) = (
        re.findall(r"<script>(.*?)</script>", text, re.S),
        re.findall(r"<style>(.*?)</style>", text, re.S),
    )
    assert f"script-src '{digest_of(script)}';" in policy and f"style-src '{digest_of(style)}';" in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    # the policy must come before anything that it is to rule
    assert "{{" not in text.replace(script, "").replace(style, "")
    assert text.index("http-equiv") < text.index("<style>")
    assert re.findall(r"<[^>]*\s(?:style|on[a-z]+)=", text.replace(script, "").replace(style, "")) == []


def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    text = build_page().data.decode()
    assert (
        re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|import|eval)\s*\(", text)
        == []
    )
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text) == []
    assert re.findall(r"""(?:src|href)=["'](?!#|data:,"|periksa")""", text) == []
    assert re.findall(r"url\(|@import|@font-face", text) == []
    assert sorted(p.name for p in FOLDER.iterdir()) == sorted([*SCRIPTS, "base.css", "page.css", "page.html"])


def test_the_same_parts_give_the_same_file_in_another_process() -> None:
    program = "from archive_service.web.proof_page import build_page; print(build_page().digest_hex)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == build_page().digest_hex


def test_every_sentence_of_the_verifier_is_in_the_page_and_every_word_in_both_languages() -> None:
    facts = collect_facts()
    assert [(each["id"], each["texts"]) for each in facts["steps"]] == list(STEPS.items())
    assert [(each["id"], each["texts"]) for each in facts["documentSteps"]] == list(DOCUMENT_STEPS.items())
    assert facts["discrepancies"] == DISCREPANCIES
    assert all(len(texts) == 2 and all(texts) for texts in WORDS.values())
    source = "".join((FOLDER / name).read_text() for name in [*SCRIPTS, "page.html"])
    used = set(re.findall(r'discrepancy\(\s*"(\w+)"', source)) | set(re.findall(r'orElse\(found, "(\w+)"', source))
    assert len(used) >= 30 and used <= DISCREPANCIES.keys()
    quoted = set(re.findall(r"[\"'](\w[\w-]*)[\"']|\{\{ \w+:([\w-]+)|^  (\w+): \[", source, re.M))
    named = {part.replace("-", "_") for parts in quoted for part in parts if part}
    implied = {"passed", "failed", "skipped", "elsewhere", "choose", "receipt_hint"}
    assert WORDS.keys() - named - implied == set()
