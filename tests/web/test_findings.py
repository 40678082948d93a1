from __future__ import annotations

from flask import Flask

from archive_service.services import findings
from tests.office import Office
from tests.web.conftest import Browser

PLOR = {"problem": "a", "location": "b", "evidence": "c", "reference": "d"}


def test_a_finding_is_proposed_and_taken_to_its_end_on_pages(office: Office, app: Flask) -> None:
    dossier = office.play("4")
    office.turn()
    deviation = office.find_deviation(dossier, "time_norm_passed").id
    browser = Browser(app, office).settle("nuraini")
    proposal = {"work_unit": office.unit, "deviations": deviation, "text": "Terlambat."}
    assert browser.send("/findings", **{**proposal, "deviations": ""}).status_code == 422
    assert browser.send("/findings", **proposal).status_code == 303
    (made,) = findings.list_findings(office.archive, office.actor("wahyu"))
    path = f"/findings/{made['finding']}"
    browser = Browser(app, office).settle("wahyu")
    steps: list[tuple[str, dict[str, str]]] = [
        ("classification", {"classification": "kts_minor", **PLOR}),
        ("cause", {"cause": "Data terlambat."}),
        ("action", {"action": "Latih.", "pic": office.persons["bima"], "due_on": "2026-05-01"}),
        ("done", {"note": "Sudah."}),
        ("effect", {"note": "Tepat waktu.", "is_effective": "yes"}),
    ]
    for step, form in steps:
        assert f"{path}/{step}" in browser.page(path), step
        assert browser.send(f"{path}/{step}", **form).status_code == 303, step
    assert "badge closed" in browser.page(path)
    assert made["finding"] in browser.page("/findings?state=closed")
    assert made["finding"] not in browser.page("/findings?state=open")
    assert made["finding"] not in browser.page("/findings?classification=kts_major")
    exported = browser.get("/quality/export?what=findings&format=csv").get_data(as_text=True).splitlines()
    assert "Tindakan" in exported[0] and len(exported) == 2
    for told in (
        "Terlambat.",
        "Data terlambat.",
        "Latih.",
        "Sudah.",
        "Tepat waktu.",
        "Bima",
        "2026-05-01",
        made["finding"],
    ):
        assert told in exported[1], told


def test_a_form_that_is_older_than_the_last_step_is_refused_and_keeps_what_was_typed(
    office: Office, app: Flask
) -> None:
    finding = findings.propose_finding(
        office.archive, office.actor("wahyu"), work_unit=office.unit, deviations=[], text="Di lapangan."
    )
    wahyu = office.actor("wahyu")
    before = findings.read_finding(office.archive, wahyu, finding=finding)["latest"]
    findings.classify_finding(office.archive, wahyu, finding=finding, classification="kts_minor", **PLOR)
    seen = findings.read_finding(office.archive, wahyu, finding=finding)["latest"]
    findings.state_cause(office.archive, wahyu, finding=finding, cause="Pertama.")
    browser = Browser(app, office).settle("wahyu")
    path = f"/findings/{finding}/cause"
    late = browser.send(path, cause="Kedua.", seen=seen)
    assert late.status_code == 409 and "Kedua." in late.get_data(as_text=True)
    assert browser.send(path, cause="Kedua.", seen=before).status_code == 409
    assert [s["texts"].get("cause") for s in findings.read_finding(office.archive, wahyu, finding=finding)["steps"]][
        2:
    ] == ["Pertama."]


def test_a_page_of_evidence_fills_the_form_in(office: Office, app: Flask) -> None:
    dossier = office.play("2")
    browser = Browser(app, office).settle("wahyu")
    page = browser.page(f"/findings/new?dossier={dossier}&step=2")
    assert f'value="{office.unit}"' in page and "Polman Babel" in page and 'name="step" value="2"' in page
    form = {"dossier": dossier, "step": "2", "work_unit": office.unit}
    sent = browser.send("/findings", text="Tanpa paraf.", **form)
    assert sent.status_code == 303
    (made,) = findings.list_findings(office.archive, office.actor("wahyu"))
    told = findings.read_finding(office.archive, office.actor("wahyu"), finding=made["finding"])
    assert told["evidence"] == [{"dossier": dossier, "step": "2", "document": None, "event": None}]
    assert f"/audit/dossiers/{dossier}?step=2" in browser.page(f"/findings/{made['finding']}")
    wrong = browser.send("/findings", text="x", **{**form, "event": "0" * 64})
    assert wrong.status_code == 404 and "Unit ini tidak memiliki" in wrong.get_data(as_text=True)
    assert browser.get(f"/findings/new?dossier={office.unit}").status_code == 404
    assert Browser(app, office).settle("maya").get("/findings/new").status_code == 403


def test_findings_come_in_pages(office: Office, app: Flask) -> None:
    for number in range(26):
        findings.propose_finding(
            office.archive, office.actor("wahyu"), work_unit=office.unit, deviations=[], text=f"Temuan {number}."
        )
    browser = Browser(app, office).settle("wahyu")
    first = browser.page("/findings")
    assert first.count('scope="row"') == 25
    (address,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    assert browser.page(address.replace("&amp;", "&")).count('scope="row"') == 1
    assert browser.page("/findings?after=x~y").count('scope="row"') == 25
