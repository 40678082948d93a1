"""A page that stays open while colleagues work, with a line that comes and goes; and a decision from a mail's address on a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from archive_service.app import create_app
from archive_service.services import users
from archive_service.services.work import load_dossier
from tests.cli.test_commands import free_port
from tests.office import PASSWORD, Office

WITHIN_MS = 15_000
FAST = "window.setTimeout = ((real) => (act, ms, ...rest) => real(act, Math.min(ms, 300), ...rest))(window.setTimeout);"
"""Pages ask every few seconds; a test does not wait that long."""


@pytest.fixture
def address(lite: Office) -> Iterator[str]:
    """The office behind a real server."""
    port = free_port()
    lite.archive.settings.port = port
    server = make_server("127.0.0.1", port, create_app(lite.archive), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


def open_page(chromium: Browser, office: Office, login: str, address: str, width: int) -> Page:
    """Somebody's browser, at the log-in that stands before this address."""
    actor = office.actor(login)
    users.set_password(office.archive, actor, user=actor.user, password=PASSWORD)
    context = chromium.new_context(locale="id-ID", viewport={"width": width, "height": 740})
    context.set_default_timeout(WITHIN_MS)
    context.add_init_script(FAST)
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Nama masuk").fill(login)
    page.get_by_label("Kata sandi", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Masuk", exact=True).click()
    expect(page.locator("header .person summary")).to_be_attached()
    return page


@pytest.mark.browser
@pytest.mark.slow
def test_from_a_mails_address_a_phone_decides_in_two_taps_after_the_log_in(
    chromium: Browser, address: str, lite: Office
) -> None:
    dossier = lite.play("7")
    page = open_page(chromium, lite, "hendra", f"{address}/dossiers/{dossier}/steps/8", 360)
    expect(page).to_have_url(f"{address}/dossiers/{dossier}/steps/8/review")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the review sticks out by {wide} px"
    button = page.get_by_role("button", name="Setujui", exact=True)
    # the bar lies at the bottom of the screen wherever one reads
    page.locator("form.decide").scroll_into_view_if_needed()
    expect(button).to_be_in_viewport()
    taps = 1  # the address in the mail
    button.click()
    taps += 1
    page.get_by_role("button", name="Ya, setujui").click()
    taps += 1
    expect(page.locator(".done")).to_have_text("Disetujui. Langkah berikutnya sudah dimulai.")
    assert taps <= 4
    with lite.archive.db.read() as session:
        assert load_dossier(lite.archive, session, dossier).step_state("8") == "finished"
    page.context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_an_open_page_shows_what_a_colleague_does_and_keeps_what_is_typed(
    chromium: Browser, address: str, lite: Office
) -> None:
    dossier = lite.play("4")
    lite.turn()
    page = open_page(chromium, lite, "sari", f"{address}/dossiers/{dossier}", 1280)
    typed = page.locator("#deviation-list textarea").first
    typed.fill("Libur Nyepi dan Idul")
    lite.upload(dossier, "agus", "5")
    expect(page.locator("#live")).to_contain_text("Agus mengunggah")
    expect(page.locator("#waiting .upload li").first).to_be_visible()
    expect(typed).to_have_value("Libur Nyepi dan Idul")

    page.context.set_offline(True)
    expect(page.locator("#live.offline")).to_contain_text("Sambungan")
    page.context.set_offline(False)
    expect(page.locator("#live.offline")).to_have_count(0)

    # a closed page costs nothing: the draft is there again, and goes when it was sent
    page.reload()
    expect(typed).to_have_value("Libur Nyepi dan Idul")
    page.get_by_role("button", name="Beri penjelasan").click()
    expect(page.locator(".done")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('archive-draft:'))") == []
    page.context.close()
