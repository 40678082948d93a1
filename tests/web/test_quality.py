from __future__ import annotations

import re

from flask import Flask

from archive_service.services import compliance, people, users
from tests.office import PASSWORD
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
    assert "tepat waktu 0/1 · 0%" in page and f"/dossiers/{late}" in page and "Sari" in page
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


def test_the_map_goes_out_as_it_is_drawn(browser: Browser) -> None:
    browser.office.play("4")
    browser.office.turn()
    browser.settle("nuraini")
    heads, row = (
        browser.get("/quality/export?what=map&format=csv&year=2026&quarter=1").get_data(as_text=True).splitlines()
    )
    told = dict(zip(heads.removeprefix("\ufeff").split(","), row.split(","), strict=True))
    assert told["Unit kerja"] == "Polman Babel" and [float(told[f"Langkah {n}"]) for n in (1, 2)] == [1, 1]
    assert browser.get("/quality/export?what=map&measure=complete").get_data()[:2] == b"PK"
    assert browser.get("/quality/export?what=findings").get_data()[:2] == b"PK"


def test_every_number_of_the_overview_leads_to_as_many_deviations(browser: Browser) -> None:
    office = browser.office
    office.play("8")
    office.turn()
    browser.settle("nuraini")
    page = browser.page("/quality?year=2026&quarter=1")
    links = re.findall(r'<a(?: class="bad")? href="(/quality/deviations\?[^"]*age=[^"]*)">(\d+)', page)
    assert links, "a step was late and nobody explained it"
    for link, number in links:
        listed = browser.page(link.replace("&amp;", "&"))
        assert listed.count("#deviation-") == int(number), link
    assert browser.get("/quality/deviations?age=9").status_code == 422
    assert "Tidak ada penyimpangan mutu baku seperti itu." in browser.page("/quality/deviations?age=3")


def test_a_unit_sees_nothing_of_another_in_map_lists_and_export(browser: Browser, app: Flask) -> None:
    office = browser.office
    admin = office.actor("admin")
    unit = people.create_work_unit(office.archive, admin, code="lain", name="Unit Lain")
    person = people.register_person(office.archive, admin, name="Orang Lain")
    user = users.create_user(office.archive, admin, person=person, login="lain", password=PASSWORD)
    people.assign_role(office.archive, admin, person=person, role="data_officer", work_unit=unit, from_on="2026-01-01")
    assert user
    office.play("5")
    office.turn()
    other = Browser(app, office).settle("lain")
    page = other.page("/quality?year=2026&quarter=1")
    assert "Polman Babel" not in page and "Tidak ada penyimpangan" in other.page("/quality/deviations")
    own = browser.settle("sari").page("/quality?year=2026&quarter=1")
    assert "Polman Babel" in own and "Unit Lain" not in own
    for asked in ("format=csv", "format=csv&what=deviations", "format=csv&what=map"):
        rows = other.get(f"/quality/export?{asked}").get_data(as_text=True).strip().splitlines()
        assert len(rows) == 1, "the heads alone"
    assert len(browser.get("/quality/export?format=csv&what=deviations").get_data(as_text=True).splitlines()) > 1
