"""The page of the working calendar: read by everybody, kept by those with the right, without JavaScript."""

from __future__ import annotations

import re

from archive_service.services import calendars
from tests.office import Office
from tests.web.conftest import Browser

PATH = "/calendars/id-government/edits"
DAY = {
    "action": "set",
    "on": "2026-07-13",
    "title": "Dies natalis",
    "kind": "institution",
    "decree": "SK Direktur 12/2026",
    "status": "decreed",
    "unit": "",
    "hours": "",
    "reason": "Surat edaran direktur.",
}


def newest(office: Office) -> tuple[int, str]:
    found = calendars.read_calendar(office.archive, office.actor("nuraini"), key="id-government")
    return found["version"], found["digest"]


def test_everybody_reads_the_days_of_a_year_and_few_may_change_them(browser: Browser) -> None:
    browser.settle("maya")
    page = browser.page("/calendars?year=2026")
    assert "Kamis, 19 Maret 2026" in page and "Hari Suci Nyepi" in page and "cuti bersama" in page
    assert "Ramadan 1447 Hijriah" in page and "<form" not in page.split("<main", 1)[1]
    assert "Tahun Baru 2024 Masehi" in browser.page("/calendars?year=2024")
    assert 'aria-current="page">2026<' in browser.page("/calendars?year=x")
    refused = browser.send(PATH, **DAY, based_on=newest(browser.office)[1])
    assert refused.status_code == 403
    assert browser.get("/calendars?calendar=mars").status_code == 404


def test_a_day_is_set_and_removed_with_a_reason(browser: Browser) -> None:
    office = browser.office
    browser.settle("nuraini")
    shown = browser.page("/calendars")
    (seen,) = set(re.findall(r'name="based_on" value="(\w+)"', shown))
    done = browser.send(PATH, **DAY, based_on=seen)
    assert (done.status_code, done.headers["Location"]) == (
        303,
        "/calendars?calendar=id-government&year=2026&done=calendar_edited",
    )
    page = browser.page(done.headers["Location"])
    assert "Kalender kini mempunyai versi baru" in page and "Senin, 13 Juli 2026" in page
    assert "Surat edaran direktur." in page and "SK Direktur 12/2026" in page
    version, digest = newest(office)
    assert version == 2
    removal = {"action": "remove", "table": "closed_days", "on": "2026-07-13", "title": "Dies natalis"}
    again = browser.send(PATH, **removal, reason="Batal.", based_on=digest)
    assert again.status_code == 303 and newest(office)[0] == 3
    assert "dihapus: hari tutup" in browser.page("/calendars")


def test_a_unit_gets_a_day_and_other_hours(browser: Browser) -> None:
    office = browser.office
    browser.settle("admin")
    own = {**DAY, "unit": office.unit, "hours": "08.00–10.00, 13:00-14:00"}
    assert browser.send(PATH, **own, based_on=newest(office)[1]).status_code == 303
    period = {"from": "2026-07-20", "to": "2026-07-21", "profile": "ramadan", "unit": office.unit}
    more = {name: DAY[name] for name in ("action", "title", "decree", "status", "reason")}
    assert browser.send(PATH, **more, **period, based_on=newest(office)[1]).status_code == 303
    page = browser.page("/calendars?year=2026")
    assert "08:00–10:00 13:00–14:00" in page and "jam kerja: ramadan" in page and "Polman Babel" in page
    found = calendars.explain_used(
        office.archive,
        office.actor("admin"),
        key="id-government",
        started_at="2026-07-13T00:00",
        finished_at="2026-07-20T23:00",
        unit=office.unit,
    )
    assert (found["by_day"]["2026-07-13"], found["by_day"]["2026-07-20"]) == (3 * 3600, 390 * 60)
    removal = {"action": "remove", "table": "unit_shifts", "from": "2026-07-20", "unit": office.unit}
    assert browser.send(PATH, **removal, reason="Batal.", based_on=newest(office)[1]).status_code == 303


def test_what_cannot_be_set_keeps_what_was_typed(browser: Browser) -> None:
    office = browser.office
    browser.settle("nuraini")
    version, digest = newest(office)
    for fields, status, words in [
        ({"decree": ""}, 422, "Sebutkan keputusan atau surat"),
        ({"title": " "}, 422, "tidak cocok satu sama lain"),
        ({"reason": ""}, 422, "Ada isian yang kosong"),
        ({"on": "2030-01-01"}, 422, "di luar tahun-tahun"),
        ({"hours": "08:00-10:00"}, 422, "Pilih unitnya"),
        ({"unit": office.unit, "hours": "pagi"}, 422, "tidak cocok satu sama lain"),
        ({"based_on": "0" * 64}, 409, "sudah diubah orang lain"),
    ]:
        answer = browser.send(PATH, **{**DAY, "based_on": digest, **fields})
        text = answer.get_data(as_text=True)
        assert (answer.status_code, words in text) == (status, True), (fields, text[-3000:])
        assert 'value="SK Direktur 12/2026"' in text or "decree" in fields
    assert newest(office)[0] == version


def test_the_page_is_in_english_too(browser: Browser) -> None:
    browser.settle("admin")
    page = browser.page("/calendars?lang=en")
    assert "Working calendar" in page and "joint leave" in page and "Set a day" in page
