from __future__ import annotations

import json
from typing import Any

from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office, register_passkey
from tests.web.conftest import Browser
from tests.web.test_decisions import state_of, versions_on

SETTINGS = "/settings/passkeys"


def test_a_passkey_is_registered_and_revoked_on_its_page(browser: Browser) -> None:
    office = browser.office
    office.archive.settings.port = 80
    browser.settle("sari")
    assert SETTINGS in browser.page("/akun")
    page = browser.page(SETTINGS)
    assert "Anda tidak mempunyai kunci sandi" in page and 'data-passkey="/settings/passkeys/preparation"' in page
    assert "<noscript>" in page and "memerlukan JavaScript" in page
    without_script = browser.send(SETTINGS, name="Laptop", password=PASSWORD)
    assert without_script.status_code == 422 and "memerlukan JavaScript" in without_script.get_data(as_text=True)
    wrong = browser.send(f"{SETTINGS}/preparation", password="bukan itu")
    assert wrong.status_code == 422
    prepared = browser.send(f"{SETTINGS}/preparation", password=PASSWORD).get_json()
    fields = {"name": "Laptop", "preparation": prepared["preparation"]}
    foreign = SoftAuthenticator(origin="http://localhost:8601").register(prepared["options"])
    refused = browser.send(SETTINGS, credential=json.dumps(foreign), **fields)
    assert refused.status_code == 422 and "tidak dapat menerima" in refused.get_data(as_text=True)
    made = SoftAuthenticator(origin="http://localhost").register(prepared["options"])
    done = browser.send(SETTINGS, credential=json.dumps(made), **fields)
    assert done.status_code == 303 and "terdaftar. Mulai sekarang" in browser.page(str(done.headers["Location"]))


def test_a_revocation_asks_for_the_password(browser: Browser) -> None:
    passkey = register_passkey(browser.office, "sari", SoftAuthenticator(), "Kunci <USB>")
    browser.settle("sari")
    page = browser.page(SETTINGS)
    assert "Kunci &lt;USB&gt;" in page and "hanya berlaku di http://localhost:8601" in page
    wrong = browser.send(f"{SETTINGS}/{passkey}/revocation", password="bukan itu")
    assert wrong.status_code == 422 and "Kata sandi tidak benar" in wrong.get_data(as_text=True)
    done = browser.send(f"{SETTINGS}/{passkey}/revocation", password=PASSWORD)
    assert done.status_code == 303 and "dicabut" in browser.page(str(done.headers["Location"]))


def test_where_passkeys_cannot_work_the_page_says_why(browser: Browser) -> None:
    browser.office.archive.settings.public_url = "http://192.0.2.7"
    browser.settle("sari")
    page = browser.page(SETTINGS)
    assert "memerlukan alamat aman (https)" in page and "data-passkey" not in page


def test_a_decision_is_signed_by_the_script_and_refused_without_it(browser: Browser) -> None:
    office = browser.office
    dossier, key = office.play("6"), SoftAuthenticator()
    path = f"/dossiers/{dossier}/steps/7/decision"
    browser.settle("sari")
    assert "keputusan dicatat tanpa tanda tangan Anda" in browser.page(f"/dossiers/{dossier}")
    register_passkey(office, "sari", key)
    page = browser.page(f"/dossiers/{dossier}")
    assert f'data-passkey="{path}/preparation"' in page
    wish: dict[str, Any] = {"version": versions_on(page, "decision"), "decision": "approve", "reason": "Sesuai."}
    refused = browser.send(path, **wish)
    assert refused.status_code == 409 and "tanda tangani keputusan dengannya" in refused.get_data(as_text=True)
    prepared = browser.send(f"{path}/preparation", **wish).get_json()
    half = browser.send(path, preparation=prepared["preparation"], credential="no JSON", **wish)
    assert half.status_code == 422 and "memerlukan JavaScript" in half.get_data(as_text=True)
    credential = json.dumps(key.assert_(prepared["options"]))
    done = browser.send(path, preparation=prepared["preparation"], credential=credential, **wish)
    assert (done.status_code, state_of(office, dossier, "7")) == (303, "finished")
    assert "ditandatangani dengan kunci sandi (passkey)" in browser.page(f"/dossiers/{dossier}")


def test_a_script_is_told_in_json_what_is_wrong(browser: Browser, office: Office) -> None:
    dossier = office.play("6")
    browser.settle("sari")
    path = f"/dossiers/{dossier}/steps/7/decision/preparation"
    headers = {"Origin": "http://localhost", "Accept": "application/json", "X-CSRF-Token": browser.token()}
    answer = browser.client.post(path, data={"decision": "approve"}, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "documents_changed")
