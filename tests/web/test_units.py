from __future__ import annotations

from flask import Flask

from archive_service.services import obligations
from tests.office import Office
from tests.web.conftest import Browser

PERIOD = {"year": "2026", "quarter": "1"}


def test_a_quarter_is_opened_missed_explained_and_accepted_on_pages(office: Office, app: Flask) -> None:
    browser = Browser(app, office).settle("nuraini")
    form = {"sop": "sop-spmi-601", "due_on": "2026-03-31", **PERIOD}
    assert browser.send("/obligations", **{**form, "due_on": "besok"}).status_code == 422
    assert browser.send("/obligations", **form).status_code == 303
    assert "Polman Babel" in browser.page("/obligations?year=2026&quarter=1")
    office.at("2026-04-01T08:00")
    obligations.sweep_obligations(office.archive)
    (missed,) = obligations.list_unit_deviations(office.archive, office.actor("ratna"), work_unit=office.unit)
    path = f"/obligations/{office.unit}/{missed['deviation']}"
    browser = Browser(app, office).settle("ratna")
    assert "tidak dilaksanakan" in browser.page("/obligations?year=2026&quarter=1")
    assert browser.send(f"{path}/explanation", explanation="Audit BPK.", **PERIOD).status_code == 303
    browser = Browser(app, office).settle("nuraini")
    assert "Audit BPK." in browser.page("/obligations?year=2026&quarter=1")
    assert browser.send(f"{path}/answer", number="1", answer="accept", **PERIOD).status_code == 303
    assert "diterima" in browser.page("/obligations?year=2026&quarter=1")
