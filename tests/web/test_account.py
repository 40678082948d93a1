from __future__ import annotations

import json
import re
from html import unescape

import pyotp
import pytest
from flask import Flask

from archive_service.db.event_log import read_stream
from archive_service.services import resets, second_factor, sessions, users
from archive_service.web import wording
from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office, register_passkey
from tests.web.conftest import ORIGIN, Browser

FACTOR = "/akun/faktor-kedua"


def set_up(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app set up on the pages, and the recovery codes that they show."""
    begun = browser.send(FACTOR, password=PASSWORD)
    assert (begun.status_code, begun.headers["Location"]) == (303, FACTOR)
    page = browser.page(FACTOR)
    assert "<svg" in page and 'stroke="#000"' in page
    secret = re.sub(r"\s", "", re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', page)[0])
    totp = pyotp.TOTP(secret)
    wrong = browser.send(f"{FACTOR}/konfirmasi", code="00")
    assert wrong.status_code == 422 and "Kode salah" in wrong.get_data(as_text=True)
    done = browser.send(f"{FACTOR}/konfirmasi", code=totp.at(browser.office.archive.timer()))
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code>", done.get_data(as_text=True))
    assert done.status_code == 200 and len(codes) == 10
    return totp, codes


def test_an_app_is_set_up_used_and_removed_without_any_script(browser: Browser) -> None:
    browser.settle("maya")
    wrong = browser.send(FACTOR, password="bukan itu")
    assert wrong.status_code == 422 and "Kata sandi tidak benar" in wrong.get_data(as_text=True)
    _, codes = set_up(browser)
    assert codes[0] not in browser.page(FACTOR), "shown once"
    browser.send("/logout")
    half = browser.send("/login", form="/login", login="maya", password=PASSWORD, next="/notices")
    assert (half.status_code, half.headers["Location"]) == (303, "/login/kode?next=/notices")
    pending = browser.client.get_cookie("archive_login", path="/login")
    assert pending is not None and pending.http_only and pending.same_site == "Strict"
    page = browser.page("/login/kode?next=/notices")
    assert 'autocomplete="one-time-code"' in page and "kunci sandi" not in page.lower()
    wrong = browser.send("/login/kode", form="/login/kode", code="000000", next="/notices")
    assert wrong.status_code == 422 and 'value="/notices"' in wrong.get_data(as_text=True)
    done = browser.send("/login/kode", form="/login/kode", code=codes[0], next="/notices")
    assert (done.status_code, done.headers["Location"]) == (303, "/notices")
    assert browser.client.get_cookie("archive_login", path="/login") is None
    assert browser.get("/login/kode").headers["Location"] == "/"
    account = browser.page("/akun")
    assert "kata sandi + kode pemulihan" in account and "Tersisa 9 kode" in account
    made = browser.send(f"{FACTOR}/kode", password=PASSWORD).get_data(as_text=True)
    assert len(re.findall(r"<li><code>", made)) == 10
    assert browser.send(f"{FACTOR}/kode", password="x").status_code == 422
    assert browser.send(f"{FACTOR}/hapus", password="x").status_code == 422
    gone = browser.send(f"{FACTOR}/hapus", password=PASSWORD)
    assert "sudah dilepas" in browser.page(str(gone.headers["Location"]))


def test_a_browser_between_the_factors_can_do_nothing_else(browser: Browser, app: Flask) -> None:
    browser.settle("maya")
    set_up(browser)
    browser.send("/logout")
    browser.send("/login", form="/login", login="maya", password=PASSWORD)
    pending = browser.client.get_cookie("archive_login", path="/login")
    assert pending is not None
    # also where its secret is shown as if it were a session's
    browser.client.set_cookie("archive_session", pending.value)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("web_") and "GET" in (rule.methods or ()) and not rule.arguments:
            answer = browser.get(rule.rule)
            is_ours = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
            assert is_ours or rule.endpoint in OPEN, (rule.rule, answer.status_code)
    refused = browser.client.post("/akun/surel", data={"mail": "x@y.example"}, headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers["Location"]) == (303, "/login")


OPEN = {
    "web_sessions.login",
    "web_sessions.second_step",
    "web_oidc.come_back",
    "web_resets.ask",
    "web_verifier.program",
    "web_verifier.digest",
    "web_proof_page.page",
    "web_proof_page.digest",
    "web_guides.list_guides",
    "web_guides.show_guide",
    "web_guides.picture",
}


def test_a_role_that_needs_a_second_factor_sets_one_before_anything_else(browser: Browser) -> None:
    browser.office.archive.settings.second_factor_roles = "administrator"
    browser.settle("admin")
    for path in ("/", "/audits", "/akun"):
        assert browser.get(path).headers["Location"] == FACTOR
    refused = browser.send("/audits")
    assert refused.status_code == 403 and "second_factor_due" in refused.get_data(as_text=True)
    assert "Peran Anda memerlukan faktor kedua" in browser.page(FACTOR)
    assert browser.get("/settings/passkeys").status_code == 200, "a passkey will do"
    set_up(browser)
    assert browser.get("/audits").status_code == 200
    browser.send("/logout")
    assert browser.log_in("maya").headers["Location"] == "/", "others do not"


def passkey_login(browser: Browser, key: SoftAuthenticator, path: str, form: str = "/login", **fields: str) -> int:
    """The status of a log-in with a passkey as the page's script sends it."""
    prepared = browser.send("/login/kunci/persiapan", form=form).get_json()
    credential = json.dumps(key.assert_(prepared["options"]))
    sent = browser.send(path, form=form, preparation=prepared["preparation"], credential=credential, **fields)
    return sent.status_code


def test_a_passkey_logs_in_by_itself_or_as_the_second_factor(browser: Browser) -> None:
    office, key = browser.office, SoftAuthenticator()
    register_passkey(office, "sari", key)
    office.settle("sari")
    page = browser.page("/login")
    assert 'data-passkey="/login/kunci/persiapan"' in page and "Gunakan kunci sandi" in page
    assert passkey_login(browser, SoftAuthenticator(seed=9), "/login/kunci") == 401
    assert passkey_login(browser, key, "/login/kunci", next="/notices") == 303
    assert "kunci sandi" in browser.page("/akun")
    without_script = browser.send("/logout") and browser.send("/login/kunci", form="/login")
    assert without_script.status_code == 401 and "memerlukan JavaScript" in without_script.get_data(as_text=True)
    sari = office.actor("sari")
    totp = pyotp.TOTP(second_factor.begin_totp(office.archive, sari, password=PASSWORD).secret)
    second_factor.confirm_totp(office.archive, sari, code=totp.at(office.archive.timer()))
    assert browser.log_in("sari").headers["Location"] == "/login/kode"
    assert passkey_login(browser, SoftAuthenticator(seed=9), "/login/kode/kunci", "/login/kode") == 422
    assert passkey_login(browser, key, "/login/kode/kunci", "/login/kode") == 303
    assert browser.get("/notices").status_code == 200


def test_sessions_tokens_and_the_last_day_are_on_ones_own_page(browser: Browser, app: Flask, office: Office) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36"
    other = Browser(app, office)
    other.client.environ_base["HTTP_USER_AGENT"] = agent
    other.settle("maya")
    browser.settle("maya")
    maya = office.actor("maya")
    users.set_validity(office.archive, office.actor("admin"), user=maya.user, until_on="2026-06-30")
    token = users.create_token(office.archive, maya, name="Laporan <bulanan>", days=30)
    page = browser.page("/akun")
    assert "Chrome di Windows" in page and "peramban ini" in page and "127.0.0.1" in page
    assert "Laporan &lt;bulanan&gt;" in page and token.secret not in page and token.secret[:12] in page
    assert "Akses Anda berakhir pada Selasa, 30 Juni 2026" in page
    (session,) = re.findall(r"/akun/sesi/([0-9a-f]{32})/akhiri", page)
    assert browser.send(f"/akun/sesi/{session}/akhiri").headers["Location"] == "/akun?done=session_ended"
    assert other.get("/akun").headers["Location"].startswith("/login")
    other.settle("maya")
    assert browser.send("/akun/sesi/akhiri").status_code == 303
    assert other.get("/akun").status_code == 303 and browser.get("/akun").status_code == 200
    assert browser.send(f"/akun/token/{token.id}/cabut").status_code == 303
    assert "Tidak ada program yang bekerja atas nama Anda" in browser.page("/akun")
    for path in (f"/akun/sesi/{'0' * 32}/akhiri", f"/akun/token/{'0' * 32}/cabut"):
        assert browser.send(path).status_code == 404


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "unknown browser"),
        (None, "unknown browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(app: Flask, agent: str | None, words: str) -> None:
    with app.test_request_context("/?lang=en"):
        assert wording.device_words(agent) == words


def test_a_link_of_the_administrator_is_looked_at_without_using_it_up(browser: Browser, office: Office) -> None:
    link = resets.make_reset_link(office.archive, office.actor("admin"), user=office.actor("maya").user)
    path, own = f"/sandi-baru/{link.secret}", "kata sandi saya sendiri"
    for _ in range(2):
        assert "Untuk nama masuk maya" in browser.page(path)
    differs = browser.send(path, form=path, password=own, repeated=own + "x")
    assert differs.status_code == 422 and "diketik berbeda" in differs.get_data(as_text=True)
    done = browser.send(path, form=path, password=own, repeated=own)
    assert done.headers["Location"] == "/login?done=password_chosen"
    assert "Kata sandi baru Anda sudah dipasang" in browser.page("/login?done=password_chosen")
    assert browser.get(path).status_code == 409
    used = browser.send(path, form="/login", password=own, repeated=own)
    assert used.status_code == 409 and "sudah dipakai" in used.get_data(as_text=True)
    assert browser.log_in("maya", own).headers["Location"] == "/", "chosen by its owner: not due"


def test_who_forgot_a_password_reads_the_same_whoever_they_are(browser: Browser, office: Office) -> None:
    assert "Mintalah tautan kepada administrator" in unescape(browser.page("/lupa-sandi"))
    settings = office.archive.settings
    settings.smtp_host, settings.mail_from, settings.public_url = "smtp.example", "a@b.example", ORIGIN
    said = set()
    for login in ("maya", "tidak-ada", ""):
        answer = browser.send("/lupa-sandi", form="/lupa-sandi", login=login)
        text = re.sub(r'nonce="[^"]+"|name="csrf" value="[^"]+"', "", answer.get_data(as_text=True))
        said.add((answer.status_code, text))
    assert len(said) == 1 and "tautan sedang dikirim" in next(iter(said))[1]


def test_an_address_is_verified_with_one_press(browser: Browser, office: Office) -> None:
    settings = office.archive.settings
    settings.smtp_host, settings.mail_from, settings.public_url = "smtp.example", "a@b.example", ORIGIN
    browser.settle("maya")
    assert browser.send("/akun/surel/tautan").status_code == 422
    browser.send("/akun/surel", mail="maya@polman.example")
    assert "belum terverifikasi" in browser.page("/akun")
    assert browser.send("/akun/surel/tautan").status_code == 303
    maya = office.actor("maya")
    with office.archive.db.write() as session:
        (event,) = [e for e in read_stream(session, f"user:{maya.user}") if e.type == "user.mail_set"]
        link, _ = resets._add(session, office.archive, maya.user, resets.VERIFY, resets.TO_VERIFY, event.leaf_hash)
    browser.send("/logout")
    path = f"/surel/{link.secret}"
    assert "maya@polman.example" in browser.page(path)
    done = browser.send(path, form=path)
    assert done.headers["Location"] == "/akun?done=mail_verified"
    assert browser.send(path, form="/login").status_code == 409
    browser.settle("maya")
    assert "Alamat ini terverifikasi" in browser.page("/akun")
    assert browser.send("/akun/surel/tautan").status_code == 409


def test_the_token_of_forms_is_another_in_every_response_and_all_of_them_hold(browser: Browser) -> None:
    browser.settle("maya")
    seen = {browser.token() for _ in range(5)}
    assert len(seen) == 5
    for token in seen:
        answer = browser.client.post("/akun/sesi/akhiri", data={"csrf": token}, headers={"Origin": ORIGIN})
        assert answer.status_code == 303
    one = bytes.fromhex(next(iter(seen)))
    damaged = [bytes([one[0] ^ 1]) + one[1:], one[:16] * 2, one[:31], b"", one + b"\0"]
    for token in [*(d.hex() for d in damaged), "zz" * 32, "é"]:
        answer = browser.client.post("/akun/sesi/akhiri", data={"csrf": token}, headers={"Origin": ORIGIN})
        assert answer.status_code == 403, token


def test_a_session_is_touched_by_any_request(browser: Browser, office: Office) -> None:
    browser.settle("maya")
    cookie = browser.client.get_cookie("archive_session")
    assert cookie is not None and sessions.find_session_actor(office.archive, cookie.value) is not None
