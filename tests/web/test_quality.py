from __future__ import annotations

from archive_service.services import compliance
from tests.web.conftest import Browser


def test_the_page_shows_steps_by_units_and_leads_to_the_dossiers_behind_a_number(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("4")
    office.turn()
    late = office.play("3")
    office.at("2026-03-31T11:00")
    compliance.sweep_deadlines(office.archive)
    browser.settle("nuraini")
    page = browser.page("/quality")
    assert "Mutu, triwulan I/2026" in page and "Polman Babel" in page and "Langkah 4" in page
    assert "tepat waktu 0%" in page and f"/dossiers/{late}" in page and "Sari" in page
    assert "Polman Babel, 4: 0/" in page and 'class="heat-0"' in page
    assert "heat-" in browser.page("/quality?measure=complete")
    link = f"/quality/runs?measure=late&amp;work_unit={office.unit}&amp;step=4&amp;sop=sop-spmi-601&amp;year=2026&amp;quarter=1"
    assert link in page
    behind = browser.page(link.replace("&amp;", "&"))
    assert f"/dossiers/{dossier}" in behind and f"/dossiers/{late}" not in behind
    assert "Belum ada yang dihitung" in browser.page("/quality?year=2031&quarter=2")
    assert "Tidak ada yang termasuk" in browser.page("/quality/runs?measure=returns")


def test_the_page_takes_any_nonsense_in_its_address(browser: Browser) -> None:
    browser.settle("nuraini")
    assert browser.get("/quality?year=x&quarter=9").status_code == 200
    assert browser.get("/quality/runs?measure=x&year=2026&quarter=9").status_code == 200


def test_an_export_from_the_page_has_headings_in_its_language(browser: Browser) -> None:
    browser.office.play("2")
    browser.settle("nuraini")
    answer = browser.get("/quality/export?format=csv&year=2026&quarter=1")
    assert answer.status_code == 200 and "Unit kerja" in answer.get_data(as_text=True).splitlines()[0]
    assert browser.get("/quality/export").get_data()[:2] == b"PK"
