from __future__ import annotations

import re

import pytest
from flask import Flask

from archive_service.app import create_app
from archive_service.db.event_log import read_stream
from archive_service.services import sessions as sessions_of_browsers
from archive_service.services import users
from archive_service.web import sessions
from tests.office import PASSWORD, Office
from tests.web.conftest import ORIGIN, Browser

OWN = "kata sandi saya sendiri"


def test_a_visitor_is_sent_to_the_log_in(browser: Browser) -> None:
    response = browser.get("/")
    assert (response.status_code, response.headers["Location"]) == (303, "/login")
    assert "Kata sandi" in browser.page("/login")
    assert "Password" in browser.page("/login?lang=en")


def test_the_chosen_language_stays(browser: Browser) -> None:
    assert "Log in" in browser.page("/login?lang=en")
    assert "Log in" in browser.page("/login")
    assert "Masuk" in browser.page("/login?lang=id")


def test_a_wrong_password_and_an_unknown_log_in_get_the_same_page(browser: Browser) -> None:
    wrong = browser.log_in("maya", "salah sama sekali")
    unknown = browser.log_in("nobody", "salah sama sekali")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "Nama masuk atau kata sandi salah" in wrong.get_data(as_text=True)
    nonce = re.compile(r'nonce="[^"]+"|name="csrf" value="[^"]+"')
    first, second = (nonce.sub("", r.get_data(as_text=True)).replace("nobody", "maya") for r in (wrong, unknown))
    assert first == second


def test_a_log_in_too_many_from_one_address_is_told_to_wait(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "THROTTLE", "3 per minute")
    browser = Browser(create_app(office.archive), office)
    answers = [browser.log_in(f"nobody{n}", "x") for n in range(4)]
    assert [a.status_code for a in answers] == [401, 401, 401, 429]
    assert "Terlalu banyak percobaan" in answers[-1].get_data(as_text=True)
    assert answers[-1].headers["Retry-After"] == "60"
    data = {"login": "maya", "password": PASSWORD, "csrf": browser.token("/login")}
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    response = browser.client.post("/login", data=data, headers={"Origin": ORIGIN}, environ_base=elsewhere)
    assert response.status_code == 303, "another address is not held up"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused_though_it_has_the_token(browser: Browser, headers: dict[str, str]) -> None:
    data = {"login": "maya", "password": PASSWORD, "csrf": browser.token("/login")}
    response = browser.client.post("/login", data=data, headers=headers)
    assert response.status_code == 403 and "foreign_form" in response.get_data(as_text=True)


def test_the_log_in_needs_the_token_of_its_own_page(browser: Browser, app: Flask, office: Office) -> None:
    data = {"login": "maya", "password": PASSWORD}
    for token in ("", "0" * 64, Browser(app, office).token("/login")):
        browser.get("/login")
        response = browser.client.post("/login", data={**data, "csrf": token}, headers={"Origin": ORIGIN})
        assert response.status_code == 403 and "form_expired" in response.get_data(as_text=True)


def test_a_token_is_worth_nothing_in_another_session(browser: Browser, app: Flask, office: Office) -> None:
    other = Browser(app, office).settle("sari")
    browser.settle("maya")
    answers = [
        browser.client.post("/logout", data={"csrf": token}, headers={"Origin": ORIGIN})
        for token in ("", other.token(), browser.token())
    ]
    assert [a.status_code for a in answers] == [403, 403, 303]


def test_a_second_press_of_the_log_in_button_is_no_error(browser: Browser, office: Office) -> None:
    token = browser.token("/login")
    data = {"login": "maya", "password": PASSWORD, "csrf": token}
    for _ in range(2):
        assert browser.client.post("/login", data=data, headers={"Origin": ORIGIN}).status_code == 303


def test_every_log_in_is_a_new_session_and_logging_out_ends_it(browser: Browser) -> None:
    browser.settle("maya")
    first = browser.client.get_cookie("archive_session")
    assert first is not None and first.http_only and first.same_site == "Strict" and not first.secure
    assert browser.send("/logout").status_code == 303
    browser.client.set_cookie("archive_session", first.value)
    assert browser.get("/").status_code == 303
    browser.client.delete_cookie("archive_session")
    browser.settle("maya")
    second = browser.client.get_cookie("archive_session")
    assert second is not None and second.value != first.value


def test_over_tls_the_cookies_never_travel_without_it(browser: Browser, office: Office) -> None:
    response = browser.client.get("/login", base_url="https://localhost")
    assert all("Secure" in line and "HttpOnly" in line for line in response.headers.getlist("Set-Cookie"))
    token = re.findall(r'name="csrf" value="(\w+)"', response.get_data(as_text=True))[0]
    data = {"login": "maya", "password": PASSWORD, "csrf": token}
    response = browser.client.post(
        "/login", data=data, base_url="https://localhost", headers={"Origin": "https://localhost"}
    )
    assert response.status_code == 303
    assert "Secure; HttpOnly" in response.headers["Set-Cookie"]


def test_a_password_that_somebody_else_chose_is_changed_before_anything_else(browser: Browser, office: Office) -> None:
    browser.log_in("maya")
    for path in ("/", "/dossiers", f"/dossiers/{'0' * 32}"):
        response = browser.get(path)
        assert (response.status_code, response.headers["Location"]) == (303, "/password")
    refused = browser.send("/dossiers", title="x")
    assert refused.status_code == 403 and "password_change_due" in refused.get_data(as_text=True)
    assert "Kata sandi Anda sekarang dipilih orang lain" in browser.page("/password")
    before = browser.client.get_cookie("archive_session")
    changed = browser.send("/password", current=PASSWORD, password=OWN, repeated=OWN)
    assert (changed.status_code, changed.headers["Location"]) == (303, "/?done=password_changed")
    after = browser.client.get_cookie("archive_session")
    assert before is not None and after is not None and before.value != after.value
    assert "Kata sandi Anda sudah diganti" in browser.page("/?done=password_changed")
    assert sessions_of_browsers.find_session_actor(office.archive, before.value) is None
    with office.archive.db.read() as session:
        by = [
            e.payload["by"]
            for e in read_stream(session, f"user:{office.actor('maya').user}")
            if e.type == "user.password_set"
        ]
    assert by == ["administrator", "self"]


def test_a_password_reset_by_an_administrator_is_due_again(browser: Browser, office: Office) -> None:
    browser.settle("maya")
    assert browser.get("/").status_code == 200
    users.set_password(office.archive, office.actor("admin"), user=office.actor("maya").user, password=OWN)
    assert browser.get("/").headers["Location"] == "/login"
    browser.log_in("maya", OWN)
    assert browser.get("/").headers["Location"] == "/password"


def test_in_the_demo_nobody_has_to_change_a_password(browser: Browser, office: Office) -> None:
    object.__setattr__(office.archive.settings, "demo", True)
    browser.log_in("maya")
    assert "Contoh" in browser.page("/")


@pytest.mark.parametrize(
    ("current", "wanted", "repeated", "words"),
    [
        ("salah sekali ini", OWN, OWN, "Kata sandi lama tidak benar"),
        (PASSWORD, OWN, OWN + "x", "diketik berbeda"),
        (PASSWORD, PASSWORD, PASSWORD, "selain yang lama"),
        (PASSWORD, "pendek", "pendek", "12 sampai 200"),
    ],
)
def test_a_bad_new_password_is_a_plain_sentence(
    browser: Browser, current: str, wanted: str, repeated: str, words: str
) -> None:
    browser.log_in("maya")
    response = browser.send("/password", current=current, password=wanted, repeated=repeated)
    assert response.status_code == 422 and words in response.get_data(as_text=True)
    assert browser.get("/").headers["Location"] == "/password"
