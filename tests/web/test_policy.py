from __future__ import annotations

import re

import pytest

from archive_service.web.static import FOLDER, static_url
from tests.web.conftest import Browser


def test_every_response_has_a_nonce_of_its_own_and_scripts_carry_it(browser: Browser) -> None:
    seen = set()
    for _ in range(3):
        response = browser.get("/login")
        policy = response.headers["Content-Security-Policy"]
        (nonce,) = re.findall(r"script-src 'nonce-([\w-]{20,})'$", policy)
        text = response.get_data(as_text=True)
        scripts = re.findall(r"<script[^>]*>", text)
        assert scripts and all(f'nonce="{nonce}"' in tag for tag in scripts)
        seen.add(nonce)
    assert len(seen) == 3


def test_pages_load_nothing_from_elsewhere_and_hold_no_inline_style_or_handler(browser: Browser) -> None:
    dossier = browser.office.play("4")
    browser.settle("sari")
    for path in ("/", "/dossiers", f"/dossiers/{dossier}", "/dossiers/new", "/password"):
        response = browser.get(path)
        text = response.get_data(as_text=True)
        assert response.headers["Referrer-Policy"] == "same-origin", "under no-referrer forms carry Origin: null"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//", text) == []
        assert re.findall(r"<[^>]*\s(?:style|on[a-z]+)=", text) == []
        assert re.findall(r"<form[^>]*method=\"post\"(?:(?!</form>).)*?</form>", text, re.S)
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S):
            assert 'name="csrf"' in form


def test_answers_without_a_page_allow_no_script(browser: Browser) -> None:
    assert "script-src" not in browser.get("/livez").headers["Content-Security-Policy"]


def test_static_files_are_kept_for_a_year_under_an_address_with_their_digest(browser: Browser) -> None:
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.page("/login"))
    assert {a.rsplit("/", 1)[1] for a in addresses} == {
        "icon.svg",
        "style.css",
        "tokens.css",
        "bootstrap.css",
        "source-serif-4-600.woff2",
        "htmx.min.js",
        "pages.js",
    }
    for address in addresses:
        response = browser.get(address)
        assert response.status_code == 200 and "immutable" in response.headers["Cache-Control"]
    old = browser.get("/static/0123456789abcdef/style.css")
    assert old.status_code == 200 and old.headers["Cache-Control"] == "no-cache"
    assert browser.get("/static/x/../__init__.py").status_code == 404
    with browser.client.application.test_request_context():
        assert addresses[0].split("/")[2] == static_url("style.css").split("/")[2]


def test_what_a_page_weighs_stays_small() -> None:
    assert sum(p.stat().st_size for p in FOLDER.iterdir() if p.is_file()) < 90_000


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(scheme: int) -> None:
    light, dark, chosen = re.findall(
        r"color-scheme: (?:light|dark);(.*?)\}", (FOLDER / "tokens.css").read_text(), re.S
    )[:3]
    assert chosen.split() == dark.split(), "dark by choice is not dark by device"
    tokens = dict(re.findall(r"--([a-z0-4-]+): (#[0-9a-f]{6})", [light, dark][scheme]))
    pairs = [(ink, paper) for ink in ("ink", "muted", "link") for paper in ("page", "paper", "tint")]
    pairs += [(name, paper) for name in ("good", "bad", "wait") for paper in ("paper", f"{name}-tint")]
    pairs += [
        ("on-link", "link"),
        ("ink", "wait-tint"),
        ("on-band", "band"),
        ("on-band-muted", "band"),
        ("on-band", "band-tint"),
    ]
    pairs += [(f"on-heat-{n}", f"heat-{n}") for n in range(5)]
    weak = [(a, b, round(contrast(tokens[a], tokens[b]), 2)) for a, b in pairs if contrast(tokens[a], tokens[b]) < 4.5]
    assert weak == []
    edges = [(name, contrast(tokens[name], tokens["paper"])) for name in ("edge", "focus")]
    assert all(value >= 3 for _, value in edges), edges


@pytest.mark.parametrize("path", ["//evil.example/x", "/%5Cevil.example/x", "/%5C/evil.example/x", "/%2Fevil.example"])
def test_the_language_switch_never_leads_to_another_site(browser: Browser, path: str) -> None:
    page = browser.get(path).get_data(as_text=True)
    switches = re.findall(r'href="([^"]*)\?lang=', page)
    assert len(switches) == 2 and all(re.match(r"/[^/\\]", place) for place in switches), switches
