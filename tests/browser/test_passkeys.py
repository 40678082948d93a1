"""A passkey of Chromium's virtual authenticator: registered and used by clicking; the bundle with its signature is valid."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from archive_service.app import create_app
from archive_service.errors import ArchiveError
from archive_service.runner import Runner
from archive_service.services import reading, users
from archive_service.services.work import read_dossier_events
from archive_service.verifier.verify import VALID, check_bundle
from tests.cli.test_commands import free_port
from tests.office import PASSWORD, Office

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
WITHIN_MS = 15_000


@pytest.fixture
def address(lite: Office) -> Iterator[str]:
    """The office behind a real server; passkeys work at its name, not at its number."""
    port = free_port()
    lite.archive.settings.port = port
    server = make_server("127.0.0.1", port, create_app(lite.archive), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


def log_in(chromium: Browser, address: str, office: Office, login: str) -> Page:
    actor = office.actor(login)
    users.set_password(office.archive, actor, user=actor.user, password=PASSWORD)
    context = chromium.new_context(locale="id-ID")
    context.set_default_timeout(WITHIN_MS)
    page = context.new_page()
    page.goto(f"{address}/login")
    page.get_by_label("Nama masuk").fill(login)
    page.get_by_label("Kata sandi", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Masuk", exact=True).click()
    expect(page.locator("header .person summary")).to_be_visible()
    return page


def add_authenticator(page: Page) -> tuple[Any, str]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devtools, str(made["authenticatorId"])


@pytest.mark.browser
@pytest.mark.slow
def test_a_passkey_is_registered_and_signs_an_approval_and_the_bundle_is_valid(
    chromium: Browser, address: str, lite: Office
) -> None:
    dossier = lite.play("6")
    page = log_in(chromium, address, lite, "sari")
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    devtools, authenticator = add_authenticator(page)

    page.goto(f"{address}/settings/passkeys")
    form = page.locator("form[data-passkey]")
    form.get_by_label("Nama untuk kunci ini").fill("Laptop kantor")
    form.get_by_label("Kata sandi Anda sekali lagi").fill("bukan kata sandi saya")
    form.get_by_role("button", name="Daftarkan").click()
    expect(form.locator(".problem.script")).to_have_text("Kata sandi tidak benar. Ketik lagi.")
    form.get_by_label("Kata sandi Anda sekali lagi").fill(PASSWORD)
    form.get_by_role("button", name="Daftarkan").click()
    expect(page.locator(".done")).to_contain_text("Kunci sandi (passkey) terdaftar.")
    expect(page.get_by_role("heading", name="Laptop kantor")).to_be_visible()

    page.goto(f"{address}/dossiers/{dossier}")
    decide = page.locator("form.act[data-passkey]")
    # the device refuses: nothing happens, and the page says so
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    decide.get_by_role("button", name="Setujui").click()
    expect(decide.locator(".problem.script")).to_contain_text("Tidak ada yang ditandatangani.")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    decide.get_by_label("Alasan").fill("Sudah sesuai.")
    decide.get_by_role("button", name="Setujui").click()
    expect(page.locator(".done")).to_have_text("Disetujui. Langkah berikutnya sudah dimulai.")
    decided = page.locator("#decision-list")
    expect(decided.get_by_text("ditandatangani dengan kunci sandi (passkey)")).to_be_visible()
    assert troubles == []
    page.context.close()

    with lite.archive.db.read() as session:
        events = read_dossier_events(lite.archive, session, dossier)
    (decision,) = [e for e in events if e.type == "decision.made"]
    assert decision.payload["assertion"] is not None
    check_finished(lite, dossier)


def check_finished(office: Office, dossier: str) -> None:
    """The rest without passkeys; the bundle is valid."""
    office.decide(dossier, "hendra", "8", "approve")
    office.decide(dossier, "ratna", "9", "approve")
    office.submit(dossier, "maya", "10")
    office.turn()
    office.seal(dossier)
    runner, until = Runner(office.archive), time.monotonic() + 20
    while True:
        runner.turn()
        try:
            content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
            break
        except ArchiveError:
            assert time.monotonic() < until
            time.sleep(0.05)
    data = b"".join(content.chunks)
    report = check_bundle(io.BytesIO(data), len(data), office.archive.log_key.verifier_key)
    assert report.verdict == VALID, [d.plain() for d in report.discrepancies]
