from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pyotp
import pytest
from flask import Flask

from archive_service.config import load_settings
from archive_service.db.event_log import read_stream
from archive_service.errors import ArchiveError, InvalidInput
from archive_service.services import audit, oidc, second_factor
from tests.office import PASSWORD, Office
from tests.oidc_provider import CLIENT, SECRET, Provider
from tests.web.conftest import ORIGIN, Browser

BACK = "/login/oidc/kembali"


@pytest.fixture
def provider(office: Office) -> Iterator[Provider]:
    with Provider(lambda: office.archive.timer().timestamp()) as running:
        settings = office.archive.settings
        settings.oidc_issuer, settings.oidc_client_id, settings.public_url = running.issuer, CLIENT, ORIGIN
        object.__setattr__(
            settings,
            "oidc_client_secret",
            load_settings(
                oidc_issuer=running.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, public_url=ORIGIN
            ).oidc_client_secret,
        )
        yield running


def go(browser: Browser, path: str = "/login/oidc", form: str = "/login", **fields: str) -> str:
    """Send the form that leads to the provider, log in there, and give the address (path and query) that it leads back to."""
    sent = browser.send(path, form=form, **fields)
    assert sent.status_code == 200, sent.get_data(as_text=True)
    found = re.search(r'content="0; url=([^"]+)"', sent.get_data(as_text=True))
    assert found is not None
    url = unescape(found[1])
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 302
    return str(answer.headers["Location"]).removeprefix(ORIGIN)


def come_back(browser: Browser, place: str) -> Any:
    return browser.get(place, headers={"Sec-Fetch-Site": "cross-site"})


def link(browser: Browser) -> None:
    """Link the provider's account to the log-in that the browser is logged in under."""
    place = go(browser, "/akun/akun-lembaga", "/password", password=PASSWORD)
    assert come_back(browser, place).status_code == 200


def test_an_account_that_its_owner_linked_logs_them_in(browser: Browser, provider: Provider) -> None:
    stranger = come_back(browser, go(browser))
    assert stranger.status_code == 401 and "belum tertaut" in stranger.get_data(as_text=True)
    browser.settle("maya")
    wrong = browser.send("/akun/akun-lembaga", password="bukan itu")
    assert wrong.status_code == 422
    link(browser)
    assert "tertaut" in browser.page("/akun?done=account_linked")
    browser.send("/logout")
    place = go(browser, next="/notices")
    back = come_back(browser, place)
    assert back.status_code == 200 and 'content="0; url=/notices"' in back.get_data(as_text=True)
    assert browser.get("/notices").status_code == 200
    assert "akun lembaga" in browser.page("/akun")
    again = come_back(browser, place)
    assert again.status_code == 401, "an answer counts once"
    with browser.office.archive.db.read() as session:
        events = read_stream(session, f"user:{browser.office.actor('maya').user}")
    assert [e.payload["method"] for e in events if e.type == "session.started"][-1] == "oidc"
    assert b"orang-1" not in b"".join(e.data for e in events), "the subject is a person's"
    identity = oidc.list_accounts(browser.office.archive, browser.office.actor("maya"))[0]["identity"]
    assert browser.send(f"/akun/akun-lembaga/{identity}/lepas").status_code == 303
    browser.send("/logout")
    assert come_back(browser, go(browser)).status_code == 401
    assert audit.check_archive(browser.office.archive).discrepancies == []


def test_the_provider_is_one_factor_and_the_second_is_asked_for(browser: Browser, provider: Provider) -> None:
    office = browser.office
    browser.settle("maya")
    link(browser)
    browser.send("/logout")
    maya = office.actor("maya")
    totp = pyotp.TOTP(second_factor.begin_totp(office.archive, maya, password=PASSWORD).secret)
    codes = second_factor.confirm_totp(office.archive, maya, code=totp.at(office.archive.timer()))
    back = come_back(browser, go(browser)).get_data(as_text=True)
    assert "/login/kode" in back and browser.get("/notices").status_code == 303
    done = browser.send("/login/kode", form="/login/kode", code=codes[0])
    assert done.status_code == 303 and browser.get("/notices").status_code == 200


FAULTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"nonce": "lain"}, {}),
    ({"nonce": None}, {}),
    ({"aud": "layanan-lain"}, {}),
    ({"aud": [CLIENT, "layanan-lain"]}, {}),
    ({"iss": "https://jahat.example"}, {}),
    ({"exp": 1}, {}),
    ({"iat": None}, {}),
    ({"sub": None}, {}),
    ({"sub": ""}, {}),
    ({"sub": 7}, {}),
    ({}, {"alg": "none"}),
    ({}, {"alg": "HS256"}),
    ({}, {"kid": "2"}),
]


def test_an_id_token_that_does_not_hold_logs_nobody_in(browser: Browser, provider: Provider) -> None:
    browser.settle("maya")
    link(browser)
    browser.send("/logout")
    for claims, header in FAULTS:
        provider.claims, provider.header = claims, header
        answer = come_back(browser, go(browser))
        assert answer.status_code == 401 and "tidak berhasil" in answer.get_data(as_text=True), (claims, header)
    assert browser.get("/notices").status_code == 303


def test_a_forged_token_another_browsers_answer_and_a_refusal_log_nobody_in(
    browser: Browser, app: Flask, provider: Provider
) -> None:
    browser.settle("maya")
    link(browser)
    browser.send("/logout")
    provider.is_forged = True
    assert come_back(browser, go(browser)).status_code == 401
    provider.is_forged = False
    place = go(Browser(app, browser.office))
    assert come_back(browser, place).status_code == 401, "begun in another browser"
    place = go(browser)
    assert come_back(browser, re.sub("state=[^&]+", "state=x", place)).status_code == 401
    go(browser)
    state = browser.client.get_cookie("archive_oidc", path="/login/oidc")
    assert state is not None and state.same_site == "Lax" and state.http_only
    assert come_back(browser, f"{BACK}?state={state.value}&error=access_denied").status_code == 401
    place = go(browser)
    assert come_back(browser, re.sub("iss=[^&]+", "iss=https%3A%2F%2Fjahat.example", place)).status_code == 401


def test_a_provider_that_is_away_is_said(browser: Browser, provider: Provider) -> None:
    browser.get("/login")
    provider.is_down = True
    oidc._METADATA.clear()
    refused = browser.send("/login/oidc", form="/login")
    assert refused.status_code == 503 and "tidak menjawab" in refused.get_data(as_text=True)
    provider.is_down = False
    place = go(browser)
    provider.is_down = True
    assert come_back(browser, place).status_code in (401, 503)


def test_an_administrator_links_by_subject_and_no_account_is_two_peoples(browser: Browser, provider: Provider) -> None:
    office = browser.office
    admin, maya, sari = office.actor("admin"), office.actor("maya"), office.actor("sari")
    made = oidc.link_account(office.archive, admin, user=maya.user, subject="orang-1")
    for who, user, code in (
        (admin, sari.user, "account_linked"),
        (admin, "0" * 32, "user_unknown"),
        (sari, sari.user, "role_forbidden"),
    ):
        with pytest.raises(ArchiveError) as caught:
            oidc.link_account(office.archive, who, user=user, subject="orang-1")
        assert caught.value.code == code
    assert come_back(browser, go(browser)).status_code == 200
    browser.send("/logout")
    browser.settle("sari")
    taken = come_back(browser, go(browser, "/akun/akun-lembaga", "/password", password=PASSWORD))
    assert "/akun?problem=account_linked" in taken.get_data(as_text=True)
    shown = browser.get("/akun?problem=account_linked")
    assert shown.status_code == 409 and "sudah tertaut" in shown.get_data(as_text=True)
    with pytest.raises(ArchiveError):
        oidc.unlink_account(office.archive, sari, identity=made)
    oidc.unlink_account(office.archive, admin, identity=made)
    oidc.unlink_account(office.archive, admin, identity=made)
    oidc.link_account(office.archive, admin, user=sari.user, subject="orang-1")
    assert audit.check_archive(office.archive).discrepancies == []


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "https://sso.example"},
        {"oidc_issuer": "http://sso.example", "oidc_client_id": "x", "oidc_client_secret": "y"},
        {"oidc_issuer": "https://sso.example", "oidc_client_id": "x", "public_url": ORIGIN},
        {"oidc_client_id": "x"},
        {"second_factor_roles": "Kepala Satker"},
        {"session_idle_minutes": 1},
    ],
)
def test_settings_that_fit_together_in_no_way_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        load_settings(**settings)
