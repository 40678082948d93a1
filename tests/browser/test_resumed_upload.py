"""A large upload that is cut: by a lost line it goes on by itself, by a closed browser when the same file is chosen again."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from archive_service.cli.demo import PASSWORD, load_samples
from tests.browser.conftest import DemoOffice, Production

MIB = 1024 * 1024


def large_pdf(folder: Path) -> Path:
    """A sound PDF of 14 MiB: a sample with an attached stream of bytes that nothing compresses."""
    import os

    import pikepdf

    sample = next(s for s in load_samples(None) if s.step == "1")
    path = folder / "surat-besar.pdf"
    with pikepdf.open(sample.path) as pdf:
        pdf.Root.Lampiran = pikepdf.Stream(pdf, os.urandom(14 * MIB))
        pdf.save(path)
    return path


def log_in(page: Page, service: DemoOffice, login: str) -> None:
    page.goto(f"{service.url}/login")
    page.get_by_label("Nama masuk").fill(login)
    page.get_by_label("Kata sandi", exact=True).fill(PASSWORD)
    page.locator("main form").first.get_by_role("button", name="Masuk", exact=True).click()
    expect(page.locator("header .person summary")).to_be_visible()


def open_dossier(page: Page, service: DemoOffice) -> str:
    page.goto(f"{service.url}/dossiers/new")
    for label, text in (
        ("Tahun", "2026"),
        ("Judul", "Unggahan besar"),
        ("Nomor surat", "0412/B1/TU/2026"),
        ("Pengirim", "Sekretariat"),
        ("Nomor agenda", "SM-1"),
        ("Tanggal surat", "2026-03-12"),
        ("Diterima pada", "2026-03-13T09:00"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Buka pelaksanaan POS").click()
    expect(page.locator(".done")).to_be_visible()
    return page.url.split("?")[0]


@pytest.mark.browser
@pytest.mark.slow
def test_an_upload_cut_in_the_middle_goes_on_and_arrives_whole(
    chromium: Browser, service: DemoOffice, production: Production | None, tmp_path: Path
) -> None:
    path = large_pdf(tmp_path)
    service.at("2026-03-13T09:10")
    clerk = chromium.new_context(locale="id-ID").new_page()
    log_in(clerk, service, "maya")
    place = open_dossier(clerk, service)
    clerk.context.close()

    context = chromium.new_context(locale="id-ID")
    page = context.new_page()
    log_in(page, service, "ratna")
    page.goto(place)
    offsets: list[int] = []

    def cut(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
            if len(offsets) > 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/uploads/*", cut)
    form = page.locator("#upload-1-request_letter")
    form.locator('input[name="file"]').set_input_files(path)
    form.get_by_role("button", name="Unggah").click()
    expect(form.get_by_role("status")).to_have_text("Sambungan terputus; dilanjutkan sendiri …")
    assert offsets[:3] == [0, 4 * MIB, 8 * MIB]
    page.close(run_before_unload=False)

    page = context.new_page()
    page.goto(place)
    expect(page.locator("#unfinished-1")).to_contain_text("surat-besar.pdf")
    resumed: list[int] = []
    page.on("request", lambda r: resumed.append(int(r.headers["upload-offset"])) if r.method == "PATCH" else None)
    form = page.locator("#upload-1-request_letter")
    form.locator('input[name="file"]').set_input_files(path)
    form.get_by_role("button", name="Unggah").click()
    expect(form.get_by_role("status")).to_have_text("Dokumen sudah diterima. Simpan tanda terimanya.", timeout=30_000)
    assert resumed[0] == 8 * MIB, "what had arrived was not sent again"
    expect(page.locator("#unfinished-1")).not_to_contain_text("surat-besar.pdf")
    digest = sha256(path.read_bytes()).hexdigest()
    expect(page.locator(f'#document-list [title="{digest}"]').first).to_be_attached()
    page.once("dialog", lambda dialog: dialog.dismiss())
    form.locator('input[name="file"]').set_input_files(path)
    form.get_by_role("button", name="Unggah").click()
    expect(form.locator("progress")).to_be_hidden()
    assert page.locator(f'#document-list [data-digest="{digest}"]').count() == 1, (
        "a duplicate is warned of and not sent"
    )
    form.locator('input[name="file"]').set_input_files(
        {"name": "surat.pdf", "mimeType": "application/pdf", "buffer": b"MZ" + b"\0" * 2000}
    )
    form.get_by_role("button", name="Unggah").click()
    expect(form.locator(".problem").first).to_contain_text("Langkah ini tidak menerima file seperti itu")
    context.close()
    if production is not None:
        production.require_used(service)
