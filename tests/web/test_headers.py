"""The headers of every response: every route is asked, by a visitor and by somebody logged in, with and without TLS."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from archive_service.web.headers import ALWAYS, HSTS
from tests.web.conftest import Browser

KEPT = {
    # assets under their digest, programs and what is published may be kept or asked for again; nothing that is anybody's
    "web_static.file",
    "web_proof_page.page",
    "web_proof_page.digest",
    "web_verifier.program",
    "web_verifier.digest",
}
SOME = {"id": "0" * 32, "digest": "0" * 64, "path": "style.css", "int": "0", "seq": "0", "checkpoint": "0" * 20}
SOME |= {"tile": "0/000", "key": "x"}


def address_of(rule: str) -> str:
    return re.sub(r"<(?:(\w+):)?\w+>", lambda m: SOME.get(m[1] or "id", "0" * 32), rule)


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_every_route_carries_every_header(app: Flask, browser: Browser, is_logged_in: bool) -> None:
    if is_logged_in:
        browser.settle("admin")
    asked = 0
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            # a refused change is a response like any other
            response = browser.client.open(address_of(rule.rule), method=method, buffered=True)
            place = (method, rule.rule, response.status_code)
            for name, value in ALWAYS.items():
                if name != "Cache-Control" or not (rule.endpoint in KEPT or rule.rule.startswith("/log/")):
                    assert response.headers.get(name) == value, (*place, name)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, place
            assert "unsafe-eval" not in policy and ("unsafe-inline" not in policy), place
            assert "Strict-Transport-Security" not in response.headers, place
            response.close()
            asked += 1
    assert asked > 200


def test_over_tls_browsers_are_told_to_stay_there(browser: Browser) -> None:
    for path in ("/login", "/livez", "/api/v1/me", "/tidak-ada", "/log/checkpoint"):
        response = browser.get(path, base_url="https://localhost")
        assert response.headers["Strict-Transport-Security"] == HSTS, path


def test_an_answer_that_nobody_foresaw_carries_them_too(browser: Browser) -> None:
    for path, method in (("/tidak-ada", "GET"), ("/login", "PUT"), ("/api/v1/tidak-ada", "GET")):
        headers = browser.client.open(path, method=method).headers
        assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, path
