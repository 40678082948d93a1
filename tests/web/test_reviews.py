"""The review screen, and documents shown in the page."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from tests.office import Office
from tests.web.conftest import Browser


def test_a_mails_address_leads_whoever_decides_to_the_screen_and_others_to_the_page(
    browser: Browser, app: Flask
) -> None:
    office: Office = browser.office
    dossier = office.play("7")
    address = f"/dossiers/{dossier}/steps/8"
    assert browser.settle("hendra").get(address).headers["Location"] == f"{address}/review"
    for other in ("bima", "wahyu"):
        seen = Browser(app, office).settle(other).get(address).headers["Location"]
        assert seen == f"/dossiers/{dossier}#step-8"
    page = browser.page(f"{address}/review")
    assert "06-rumusan-capaian-kinerja" in page and "Kembalikan ke langkah 6" in page
    shown = re.findall(r'<iframe class="preview"[^>]* src="([^"]+)"', page)
    assert shown and all(
        browser.get(path).mimetype == "application/pdf" for path in (p.partition("#")[0] for p in shown)
    )


def test_a_refused_decision_stays_on_the_screen_with_what_was_typed(browser: Browser) -> None:
    office: Office = browser.office
    dossier = office.play("7")
    path = f"/dossiers/{dossier}/steps/8/decision"
    browser.settle("hendra")
    form: dict[str, Any] = {
        "from": "review",
        "version": re.findall(r'name="version" value="(\w+)"', browser.page(f"/dossiers/{dossier}/steps/8/review")),
    }
    refused = browser.send(path, **form, decision="return", reason=" ")
    text = refused.get_data(as_text=True)
    assert refused.status_code in (409, 422) and 'class="review"' in text and 'id="problem-decide-8"' in text
    assert browser.send(path, **form, decision="approve").status_code == 303
    late = browser.send(path, **form, decision="approve")
    assert late.status_code == 409 and 'class="review"' not in late.get_data(as_text=True)
    assert browser.get(f"/dossiers/{dossier}/steps/8/review").headers["Location"] == f"/dossiers/{dossier}#step-8"


def test_a_preview_shows_pdf_and_images_alone_under_headers_of_its_own(browser: Browser) -> None:
    office: Office = browser.office
    dossier = office.play("4")
    page = browser.settle("sari").page(f"/dossiers/{dossier}")
    versions = set(re.findall(rf"/dossiers/{dossier}/documents/(\w+)/receipt", page))
    found = {}
    for version in versions:
        answer = browser.get(f"/dossiers/{dossier}/documents/{version}/preview")
        found[answer.mimetype if answer.status_code == 200 else "refused"] = answer
    assert set(found) == {"application/pdf", "image/jpeg", "refused"}
    for kind in ("application/pdf", "image/jpeg"):
        headers = found[kind].headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'self'" in policy
        assert headers["X-Frame-Options"] == "SAMEORIGIN" and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("inline; ") and len(found[kind].data) > 1000
    assert "sandbox" in found["image/jpeg"].headers["Content-Security-Policy"]
    assert found["refused"].status_code == 415 and "Unduh" in found["refused"].get_data(as_text=True)


def test_versions_stand_side_by_side_with_what_was_decided_on_each(browser: Browser) -> None:
    office: Office = browser.office
    dossier = office.play("11")
    page = browser.settle("sari").page(f"/dossiers/{dossier}")
    (address,) = set(re.findall(rf'"(/dossiers/{dossier}/documents/\w+/versions)"', page))
    shown = browser.page(address)
    assert "2 versi" in shown and shown.count('<iframe class="preview"') == 2
    assert "langkah 8: kembalikan" in shown and "langkah 9: setujui" in shown
    first, second = shown.index("langkah 8: kembalikan"), shown.index("langkah 9: setujui")
    assert second < first, "what was approved is the newer version, which stands first"
    known = re.findall(r'name="left" value="(\w+)"', shown)
    same = browser.page(f"{address}?left={known[0]}&right={known[0]}")
    assert same.count('<iframe class="preview"') == 1
    assert browser.page(f"{address}?left=nonsense").count('<iframe class="preview"') == 2
    assert browser.get(f"/dossiers/{dossier}/documents/{'0' * 32}/versions").status_code == 404
