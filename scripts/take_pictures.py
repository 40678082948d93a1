"""Take the pictures of ``docs/pictures/pages``: each page at three widths, light and dark, on one sheet.

Start ``make demo`` first; then: ``ADMIN_PASSWORD=… .venv/bin/python scripts/take_pictures.py http://127.0.0.1:PORT [NAME…]``, with
the password that the demo printed for its administrator. Needs a Chromium.
"""

from __future__ import annotations

import io
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from archive_service.cli.demo import PASSWORD
from tests.browser.conftest import ARGUMENTS, find_chromium

FOLDER = Path(__file__).parents[1] / "docs" / "pictures" / "pages"
WIDTHS = (360, 820, 1280)
HEIGHT_LIMIT = 2200
SCALE = 0.45
GAP = 16


class Shot(NamedTuple):
    """A page: its name, who looks at it, where it lies; ``follow``: the first link whose address has this form."""

    name: str
    login: str | None
    path: str
    follow: str | None = None


SHOTS = (
    Shot("masuk", None, "/login"),
    Shot("pekerjaan", "sari", "/"),
    Shot("pelaksanaan", "sari", "/dossiers"),
    Shot("pelaksanaan-satu", "sari", "/dossiers", r"/dossiers/[0-9a-f]{32}$"),
    Shot("buka-pelaksanaan", "maya", "/dossiers/new"),
    Shot("mutu", "nuraini", "/quality"),
    Shot("audit", "wahyu", "/audit"),
    Shot("cari", "wahyu", "/cari"),
    Shot("sampel", "wahyu", "/sampel"),
    Shot("temuan", "wahyu", "/findings"),
    Shot("segel", "wahyu", "/segel"),
    Shot("pos", "sari", "/sops", r"/sops/[0-9a-f]{64}$"),
    Shot("kalender", "sari", "/calendars"),
    Shot("pelimpahan", "hendra", "/delegations"),
    Shot("akun", "sari", "/akun"),
    Shot("periksa-langkah", "linda.elka", "/", r"/dossiers/[0-9a-f]{32}/steps/8$"),
    Shot("admin-orang", "admin", "/admin/orang"),
    Shot("admin-pos", "admin", "/admin/sop"),
    Shot("admin-retensi", "admin", "/admin/retensi"),
    Shot("admin", "admin", "/admin"),
    Shot("bantuan", "sari", "/bantuan"),
    Shot("periksa", None, "/periksa"),
)


def main(arguments: list[str]) -> int:
    """Write the sheets; 2 without an address."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    url, wanted = arguments[0].rstrip("/"), set(arguments[1:])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for shot in SHOTS:
            if not wanted or shot.name in wanted:
                rows = [[take(browser, url, shot, width, theme) for width in WIDTHS] for theme in ("light", "dark")]
                sheet(rows).save(FOLDER / f"{shot.name}.webp", quality=70, method=6)
                print(shot.name)
        browser.close()
    return 0


def take(browser: Browser, url: str, shot: Shot, width: int, theme: str) -> Image.Image:
    """One page in one width and theme, as seen by whoever it is for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="id-ID")
    context.add_cookies([{"name": "theme", "value": theme, "url": url}])
    if shot.login is not None:
        context.add_cookies([{"name": "archive_session", "value": session_of(browser, url, shot.login), "url": url}])
    page = context.new_page()
    page.goto(url + shot.path)
    if shot.follow is not None:
        found = [href for href in page.eval_on_selector_all("main a", "all => all.map(a => a.href)") if href]
        page.goto(next(href for href in found if re.search(shot.follow, href)))
    page.wait_for_load_state("networkidle")
    image = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    context.close()
    return image.crop((0, 0, image.width, min(image.height, HEIGHT_LIMIT)))


@cache
def session_of(browser: Browser, url: str, login: str) -> str:
    """The cookie of this person, logged in by the form once: the service bounds how often an address may try."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("#login", login)
    page.fill("#password", os.environ.get("ADMIN_PASSWORD", "") if login == "admin" else PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_selector("header .person")
    cookie = next(c["value"] for c in context.cookies() if c["name"] == "archive_session")
    context.close()
    return cookie


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """The pictures of a page beside each other, light above dark."""
    small = [[i.resize((int(i.width * SCALE), int(i.height * SCALE))) for i in row] for row in rows]
    width = max(sum(i.width + GAP for i in row) for row in small) + GAP
    height = sum(max(i.height for i in row) + GAP for row in small) + GAP
    whole = Image.new("RGB", (width, height), "#8b8f8d")
    top = GAP
    for row in small:
        left = GAP
        for image in row:
            whole.paste(image, (left, top))
            left += image.width + GAP
        top += max(i.height for i in row) + GAP
    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
