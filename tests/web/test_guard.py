"""What holds for every page and every form, those of tomorrow too: the routes themselves are asked."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.routing import Rule

from archive_service.web.auth import OPEN_ENDPOINTS
from tests.office import PASSWORD
from tests.web.conftest import ORIGIN, Browser

SOME_ID = "0" * 32
OPEN_ANSWERS = {
    # nothing waits for a second factor, no provider is configured, nobody made such a link
    "web_sessions.second_step": (303, "/login"),
    "web_oidc.come_back": (404, None),
    "web_resets.show_link": (409, None),
    "web_resets.show_address": (409, None),
    "web_guides.show_guide": (404, None),
    "web_guides.picture": (404, None),
}
"""What a visitor may ask for and does not get."""


def list_routes(app: Flask, method: str) -> list[tuple[Rule, str]]:
    """The pages' routes that take a method, with an address of each."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("web_") and method in (rule.methods or ()):
            path = rule.rule
            for name in rule.arguments:
                path = (
                    path.replace(f"<path:{name}>", "style.css")
                    .replace(f"<int:{name}>", "0")
                    .replace(f"<{name}>", SOME_ID)
                )
            found.append((rule, path))
    return found


def test_a_visitor_reaches_the_log_in_and_nothing_else(app: Flask, browser: Browser) -> None:
    routes = list_routes(app, "GET")
    assert len(routes) >= 10
    for rule, path in routes:
        response = browser.get(path)
        if rule.endpoint in OPEN_ENDPOINTS:
            assert (response.status_code, response.headers.get("Location")) == OPEN_ANSWERS.get(
                rule.endpoint, (200, None)
            ), path
        else:
            place = urlsplit(response.headers["Location"])
            assert (response.status_code, place.path) == (303, "/login"), path
            # and from there back to what was asked for
            assert parse_qs(place.query) == ({} if path == "/" else {"next": [path]}), path


@pytest.mark.parametrize(
    "place", ["//evil.example/", "/\\evil.example", "https://evil.example/", "/a\nb", "/" + "x" * 600, ""]
)
def test_the_log_in_leads_to_no_other_site(browser: Browser, place: str) -> None:
    browser.settle("maya")
    assert browser.get("/login", query_string={"next": place}).headers["Location"] == "/"


def test_whoever_comes_by_a_link_lands_where_it_leads(browser: Browser) -> None:
    link = f"/dossiers/{SOME_ID}/steps/4"
    # a mail read in a web page: the browser keeps the session's cookie back until the request comes from our own site
    arriving = browser.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert arriving.status_code == 200 and f'content="0; url={link}"' in arriving.get_data(as_text=True)
    form = browser.get(link).headers["Location"]
    assert f'name="next" value="{link}"' in browser.page(form)
    browser.settle("maya")
    browser.send("/logout")
    response = browser.send("/login", form="/login", login="maya", password=PASSWORD, next=link)
    assert (response.status_code, response.headers["Location"]) == (303, link)
    assert browser.get(link).headers["Location"] == f"/dossiers/{SOME_ID}#step-4"
    wrong = browser.send("/logout") and browser.send("/login", form="/login", login="maya", password="x", next=link)
    assert f'name="next" value="{link}"' in wrong.get_data(as_text=True)


@pytest.mark.parametrize("is_logged_in", [False, True])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "foreign_form"),
        ({"Origin": "https://evil.example"}, "foreign_form"),
        ({"Origin": ORIGIN}, "form_expired"),
        ({"Origin": ORIGIN, "X-CSRF-Token": "0" * 64}, "form_expired"),
    ],
)
def test_nothing_changes_without_our_origin_and_the_sessions_token(
    app: Flask, browser: Browser, headers: dict[str, str], code: str, is_logged_in: bool
) -> None:
    if is_logged_in:
        browser.settle("maya")
    routes = list_routes(app, "POST")
    assert len(routes) >= 11
    for rule, path in routes:
        response = browser.client.post(path, data={"login": "maya"}, headers=headers)
        if is_logged_in or rule.endpoint in OPEN_ENDPOINTS or code == "foreign_form":
            assert response.status_code == 403 and code in response.get_data(as_text=True), path
        else:
            assert (response.status_code, response.headers["Location"]) == (303, "/login"), path


def test_the_pages_take_no_other_method_but_for_uploads_in_pieces(app: Flask) -> None:
    rules = [r for r in app.url_map.iter_rules() if r.endpoint.startswith("web_")]
    methods = {m for r in rules if not r.endpoint.startswith("web_tus.") for m in r.methods or ()}
    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}
    pieces = {m for r in rules if r.endpoint.startswith("web_tus.") for m in r.methods or ()}
    assert pieces - methods == {"PATCH", "DELETE"}
