"""SOP-SPMI-601 from the letter to the verified bundle, by clicking and typing alone."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from archive_service.cli.demo import LATE_REASON, PASSWORD, RETURN_REASON, Sample, load_samples
from archive_service.verifier.verify import verify_file
from tests.browser.conftest import DemoOffice, Production

WITHIN_MS = 15_000
WATCH_BARS = """
window.barsSeen = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.matches("form[data-upload] progress") && !target.hidden) barsSeen.push(target.value);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["value", "hidden"] });
"""
WATCH_POLICY = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} on ${event.documentURI}`);
});
"""


class Desk:
    """Everybody's browser: acts by what is seen on the page, and notes everything that goes wrong."""

    def __init__(self, chromium: Browser, service: DemoOffice) -> None:
        self.service = service
        self.chromium = chromium
        self.samples = load_samples(None)
        self.troubles: list[str] = []
        self.seats: dict[str, Page] = {}
        self.page: Page
        self.dossier = ""

    def _open(self, width: int) -> Page:
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, locale="id-ID")
        context.set_default_timeout(WITHIN_MS)
        context.add_init_script(WATCH_BARS)
        context.add_init_script(WATCH_POLICY)
        page = context.new_page()
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("requestfailed", self._note_failure)
        page.on("response", self._note_response)
        return page

    def _note_message(self, message: ConsoleMessage) -> None:
        # a page may just have asked what is new when somebody logs out
        if message.type in ("error", "warning") and "/pulse" not in str(message.location.get("url")):
            self.troubles.append(f"console: {message.text}")

    def _note_failure(self, request: Request) -> None:
        # what the browser itself gives up when a page is left, and a download that leaves its page, are no failures
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"request: {request.url} {request.failure}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400 and not (response.status == 401 and "/pulse" in response.url):
            self.troubles.append(f"response: {response.url} {response.status}")

    def sit_down(self, login: str, width: int = 1280) -> None:
        """Go to this person's browser, logging in the first time, and open the dossier from the start page."""
        if login in self.seats:
            self.page = self.seats[login]
            self.page.get_by_role("link", name="Arsip dokumen").click()
        else:
            self.page = self.seats[login] = self._open(width)
            self.page.goto(f"{self.service.url}/login")
            self.page.get_by_label("Nama masuk").fill(login)
            self.page.get_by_label("Kata sandi", exact=True).fill(PASSWORD)
            self.page.get_by_role("button", name="Masuk", exact=True).click()
            expect(self.page.locator("header .person summary")).to_be_visible()
        if self.dossier:
            self.page.locator(f'main a[href*="{self.dossier}"]').first.click()
            # whoever decides is led to the review, everybody else to the dossier
            expect(self.page.locator("h1")).to_have_text(
                re.compile("^(Pengukuran data kinerja triwulan I 2026|Langkah )")
            )

    def leave(self, login: str) -> None:
        """Log out and close this person's browser; the log-in form must be there again, also when going back."""
        page = self.seats.pop(login)
        page.locator("header .person summary").click()
        page.get_by_role("button", name="Keluar").click()
        expect(page.get_by_label("Kata sandi", exact=True)).to_be_visible()
        page.goto(f"{self.service.url}/dossiers/{self.dossier}")
        expect(page.get_by_label("Kata sandi", exact=True)).to_be_visible()
        page.context.close()

    def upload(self, step: str, round: int = 1) -> None:
        """Choose the samples of a step in its forms and send them; the bar must be seen to reach its end."""
        chosen: dict[str, list[Sample]] = {}
        for sample in self.samples:
            if (sample.step, sample.round) == (step, round):
                chosen.setdefault(sample.kind, []).append(sample)
        for kind, samples in chosen.items():
            form = self.page.locator(f"#upload-{step}-{kind}")
            for name, value in samples[0].receipt.items():
                form.locator(f'[name="{name}"]').fill(value)
            form.locator('input[name="file"]').set_input_files([s.path for s in samples])
            self.page.evaluate("barsSeen.length = 0")
            form.get_by_role("button", name="Unggah").click()
            expect(form.get_by_role("status")).to_have_text("Dokumen sudah diterima. Simpan tanda terimanya.")
            expect(form.locator("progress")).to_be_hidden()
            assert max(self.page.evaluate("barsSeen")) == 100
            for sample in samples:
                expect(form.get_by_role("listitem").filter(has_text=sample.path.name)).to_be_visible()
                expect(self.page.locator("#document-list").get_by_text(sample.path.name).first).to_be_visible()

    def submit(self, step: str) -> None:
        """Press the step's button."""
        self.page.get_by_role("button", name=f"Kirim langkah {step}", exact=True).click()
        self.expect_done("Langkah sudah dikirim.")

    def perform(self, login: str, at: str, step: str, round: int = 1) -> None:
        """One person uploads and submits a step."""
        self.service.at(at)
        self.sit_down(login)
        self.upload(step, round)
        self.submit(step)

    def decide(self, login: str, at: str, button: str, reason: str, said: str) -> None:
        """One person looks at the documents and decides."""
        self.service.at(at)
        self.sit_down(login)
        expect(self.page.get_by_role("heading", name="06-rumusan-capaian-kinerja")).to_be_visible()
        form = self.page.locator("form.decide")
        form.get_by_label("Alasan").fill(reason)
        form.get_by_role("button", name=button).click()
        if button == "Setujui":
            self.page.get_by_role("button", name="Ya, setujui").click()
        self.expect_done(said)

    def expect_done(self, sentence: str) -> None:
        """The page must say so."""
        expect(self.page.locator(".done")).to_have_text(sentence)

    def check_phone(self, login: str) -> None:
        """Home and dossier on a narrow phone: nothing may stick out sideways."""
        self.sit_down(login, width=360)
        for address in ("/", f"/dossiers/{self.dossier}"):
            self.page.goto(self.service.url + address)
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{address} sticks out by {wide} px"
        self.leave(login)


@pytest.fixture
def desk(chromium: Browser, service: DemoOffice) -> Desk:
    return Desk(chromium, service)


def open_dossier(desk: Desk) -> None:
    """The data officer opens the dossier from the form."""
    desk.service.at("2026-03-13T09:10")
    desk.sit_down("maya")
    page = desk.page
    expect(page.get_by_text("Tidak ada yang menunggu Anda.")).to_be_visible()
    page.get_by_role("link", name="Buka pelaksanaan POS").click()
    for label, text in (
        ("Tahun", "2026"),
        ("Judul", "Pengukuran data kinerja triwulan I 2026"),
        ("Nomor surat", "0412/B1/TU/2026"),
        ("Pengirim", "Sekretariat Direktorat Jenderal"),
        ("Nomor agenda", "SM-2026-0178"),
        ("Tanggal surat", "2026-03-12"),
        ("Diterima pada", "2026-03-13T09:00"),
        ("Tenggat balasan", "2026-04-10"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Buka pelaksanaan POS").click()
    desk.expect_done("Pelaksanaan POS dibuka; langkah 1 berjalan.")
    desk.dossier = page.url.split("/dossiers/")[1].split("?")[0]


def measure_late_and_explain(desk: Desk) -> None:
    """A member uploads for step 4, the lead submits it late and accounts for it."""
    desk.service.at("2026-03-25T09:40")
    desk.sit_down("agus")
    desk.upload("4")
    desk.service.at("2026-03-25T10:00")
    desk.sit_down("sari")
    page = desk.page
    expect(page.locator("#step-4 .clock")).to_have_text("terlambat 5 jam waktu kerja")
    desk.submit("4")
    deviation = page.locator("#deviation-list > ul > li").filter(has_text="waktu baku terlampaui, langkah 4")
    # the verdict is a job's: the page says that it comes, and shows it when it is loaded again
    for _ in range(50):
        if deviation.is_visible():
            break
        page.wait_for_timeout(100)
        page.goto(f"{desk.service.url}/dossiers/{desk.dossier}")
    deviation.get_by_label("Pertanggungjawaban pelaksana").fill(LATE_REASON)
    deviation.get_by_role("button", name="Beri penjelasan").click()
    desk.expect_done("Penjelasan Anda sudah dicatat.")
    expect(page.get_by_text(LATE_REASON).first).to_be_visible()


def hand_over_by_plh(desk: Desk) -> None:
    """The Kabag goes on leave: he proposes that Agus acts as Plh., Agus confirms, and step 8 waits on Agus's start page."""
    desk.service.at("2026-03-30T15:00")
    desk.sit_down("hendra")
    page = desk.page
    page.goto(f"{desk.service.url}/delegations")
    absent = page.get_by_label("Siapa yang berhalangan")
    absent.select_option(absent.locator("option", has_text="Hendra").get_attribute("value"))
    acting = page.get_by_label("Siapa yang menggantikan")
    acting.select_option(acting.locator("option", has_text="Agus").get_attribute("value"))
    for label, text in (
        ("Hari pertama", "2026-03-31"),
        ("Hari terakhir", "2026-04-02"),
        ("Nomor surat perintah", "ST-12/PL/2026"),
        ("Tanggal surat perintah", "2026-03-30"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Usulkan").click()
    expect(page.locator("[id^=delegation-]")).to_contain_text("Plh. Agus")
    desk.sit_down("agus")
    desk.page.goto(f"{desk.service.url}/delegations")
    desk.page.get_by_role("button", name="Konfirmasi").click()
    expect(desk.page.locator(".done")).to_be_visible()


def audit_and_export(desk: Desk, folder: Path) -> None:
    """An auditor has the bundle verified where it lies and finds that recorded; the quality checker takes the numbers home."""
    desk.sit_down("wahyu")
    page = desk.page
    page.goto(f"{desk.service.url}/audit/dossiers/{desk.dossier}/periksa")
    expect(page.locator("main")).to_contain_text("Paket arsip sah. (VALID)")
    page.goto(f"{desk.service.url}/audit/dibaca")
    assert page.locator("main li, main tbody tr").count() >= 2
    desk.leave("wahyu")
    dossier, desk.dossier = desk.dossier, ""
    desk.sit_down("nuraini")
    page = desk.page
    page.goto(f"{desk.service.url}/quality?year=2026&quarter=1")
    expect(page.locator("svg.chart a", has_text="0/1").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(folder / "mutu.csv")
    rows = list(csv.DictReader((folder / "mutu.csv").read_text(encoding="utf-8-sig").splitlines()))
    (fourth,) = [row for row in rows if row["Langkah"] == "4"]
    assert (fourth["tepat waktu"], fourth["terlambat"]) == ("0", "1")
    desk.dossier = dossier


def archive_and_download(desk: Desk, folder: Path) -> Path:
    """The data officer archives, waits where the page says so, and saves the bundle."""
    desk.service.at("2026-03-31T10:12")
    desk.sit_down("maya")
    page = desk.page
    page.get_by_label("Saya mengerti").check()
    page.get_by_role("button", name="Arsipkan pelaksanaan POS").click()
    with page.expect_download() as download:
        # nobody presses reload: the page itself shows the button when the bundle is ready
        page.get_by_role("link", name="Unduh paket arsip").click()
    bundle = folder / "bundle.zip"
    download.value.save_as(bundle)
    return bundle


def prove_in_the_browser(desk: Desk, bundle: Path) -> None:
    """The archive's own page for proof, without a log-in, finds the bundle whole and signed by the published key."""
    page = desk._open(1280)
    page.goto(f"{desk.service.url}/periksa")
    page.get_by_label("Paket arsip").set_input_files(bundle)
    page.get_by_label("Kunci pemeriksa", exact=True).fill(desk.service.key())
    page.get_by_role("button", name="Periksa").click()
    expect(page.locator("#verdict")).to_contain_text("UTUH, DITANDATANGANI KUNCI INI")
    page.context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_the_whole_sop_is_done_by_clicking_and_its_bundle_is_valid(
    desk: Desk, service: DemoOffice, production: Production | None, tmp_path: Path
) -> None:
    open_dossier(desk)
    desk.perform("ratna", "2026-03-13T09:20", "1")
    desk.perform("ratna", "2026-03-13T09:30", "2")
    desk.perform("hendra", "2026-03-13T10:00", "3")
    measure_late_and_explain(desk)
    desk.perform("sari", "2026-03-26T09:00", "5")
    desk.perform("bima", "2026-03-26T15:00", "6")
    desk.decide("sari", "2026-03-27T09:00", "Setujui", "", "Disetujui. Langkah berikutnya sudah dimulai.")
    desk.decide(
        "hendra", "2026-03-27T14:00", "Kembalikan ke langkah 6", RETURN_REASON, "Dikembalikan dengan alasan Anda."
    )
    desk.perform("bima", "2026-03-30T10:00", "6", round=2)
    desk.decide("sari", "2026-03-30T14:00", "Setujui", "", "Disetujui. Langkah berikutnya sudah dimulai.")
    hand_over_by_plh(desk)
    desk.leave("hendra")
    desk.check_phone("hendra")
    desk.decide("agus", "2026-03-31T09:00", "Setujui", "Sudah sesuai.", "Disetujui. Langkah berikutnya sudah dimulai.")
    desk.decide("ratna", "2026-03-31T09:10", "Setujui", "", "Disetujui. Langkah berikutnya sudah dimulai.")
    desk.perform("maya", "2026-03-31T10:00", "10")
    bundle = archive_and_download(desk, tmp_path)
    audit_and_export(desk, tmp_path)
    for login in list(desk.seats):
        desk.leave(login)
    desk.check_phone("wahyu")
    text, code = verify_file(str(bundle), service.key(), "en", False)
    assert (code, text.splitlines()[-1]) == (0, "VALID"), text
    prove_in_the_browser(desk, bundle)
    assert desk.troubles == []
    if production is not None:
        production.require_used(service)
