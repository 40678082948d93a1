"""Forms, attachments and paper originals over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api.conftest import Client
from tests.office import SAMPLES, Office

PDF = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def test_a_form_is_asked_for_filled_in_and_downloaded(office: Office, call: Client) -> None:
    dossier = office.play("1")
    ratna = call("ratna")
    path = f"/api/v1/dossiers/{dossier}/steps/2/forms/disposition"
    asked = ratna.ask("GET", path).get_json()
    assert (asked["title"], [f["key"] for f in asked["fields"] if f["required"]]) == (
        "Lembar Disposisi",
        ["nature", "forwarded_to", "instruction"],
    )
    fields = {"nature": "Segera", "forwarded_to": "Kabag", "instruction": "Siapkan data."}
    refused = ratna.ask("POST", path, json={"fields": {"nature": "Segera"}})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "form_field_missing")
    made = ratna.ask("POST", path, json={"fields": fields})
    assert made.status_code == 201 and made.get_json()["media_type"] == "application/pdf"
    content = ratna.ask("GET", f"{made.headers['Location']}/content")
    assert content.data.startswith(b"%PDF-1.7") and len(content.data) == made.get_json()["size"]
    assert ratna.ask("GET", path.replace("disposition", "letter")).status_code == 404


def test_an_attachment_is_sent_listed_and_too_large_ones_are_refused(office: Office, call: Client) -> None:
    dossier = office.play("4")
    office.turn()
    late = office.find_deviation(dossier, "time_norm_passed").id
    sari = call("sari")
    path = f"/api/v1/dossiers/{dossier}/deviations/{late}"
    sent = sari.ask("POST", f"{path}/attachments?name={quote('surat.pdf')}", data=PDF)
    assert sent.status_code == 201
    assert sari.send("POST", f"{path}/explanations", json={"explanation": "Terlampir."})[0] == 201
    found = sari.ask("GET", f"/api/v1/dossiers/{dossier}").get_json()
    told = next(d for d in found["deviations"] if d["deviation"] == late)
    assert told["explanations"][0]["attachments"] == [sent.get_json()["version"]]
    listed = sari.ask("GET", sent.headers["Location"]).get_json()
    assert (listed["deviation"], listed["kind"], listed["paper"]) == (late, "attachment", None)
    again = sari.ask("POST", f"{path}/attachments?name=b.pdf", data=PDF)
    assert (again.status_code, again.get_json()["code"]) == (409, "deviation_explained")


def test_a_paper_is_recorded_and_read(office: Office, call: Client) -> None:
    dossier = office.play("1")
    maya = call("maya")
    path = f"/api/v1/dossiers/{dossier}/documents"
    (listed,) = maya.ask("GET", path).get_json()["documents"]
    place = {"room": "Arsip", "shelf": "2", "box": "7", "folder": None}
    assert maya.ask("PUT", f"{path}/{listed['document']}/paper", json={"exists": True, **place}).status_code == 204
    paper = maya.ask("GET", f"{path}/{listed['version']}").get_json()["paper"]
    assert {name: paper[name] for name in place} == place and paper["person_name"] == "Maya"
    refused = maya.ask("PUT", f"{path}/{listed['document']}/paper", json={"exists": False, **place})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "paper_place_of_nothing")
    equipment = maya.ask("GET", f"/api/v1/dossiers/{dossier}").get_json()["equipment"]
    assert {e["state"] for e in equipment} == {"present", "missing", "not_checked"}
