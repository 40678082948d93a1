"""Indicators over the API and from the command line: list, table, evidence, results, recommendations."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from archive_service.app import create_app
from archive_service.services import indicators, users
from archive_service.services.indicators import ListedIndicator
from tests.office import SAMPLES, Office
from tests.services.test_indicators import add_contributor

EVIDENCE = (SAMPLES / "04-data-dukung-iku-1.pdf").read_bytes()
CSV = b"Kode;Indikator;Target;Penanggung jawab\nIKU-1;Lulusan;80;citra\nIKU-2;Dosen;5;\n"


@pytest.fixture
def client(office: Office) -> FlaskClient:
    return create_app(office.archive).test_client()


@pytest.fixture
def dossier(office: Office) -> str:
    add_contributor(office)
    made = office.play("3")
    office.at("2026-03-16T09:00")
    return made


def headers(office: Office, login: str) -> dict[str, str]:
    made = users.create_token(office.archive, office.actor(login), name="indicators", days=60)
    return {"Authorization": f"Bearer {made.secret}"}


def test_a_list_with_its_evidence_over_the_api(office: Office, client: FlaskClient, dossier: str) -> None:
    path, sari, citra = f"/api/v1/dossiers/{dossier}/indicators", headers(office, "sari"), headers(office, "citra")
    made = client.post(f"{path}/import?name=iku.csv", data=CSV, headers={**sari, "Content-Type": "text/csv"})
    assert (made.status_code, made.get_json()) == (201, {"changed": 2, "unchanged": 0})
    body: dict[str, Any] = {"code": "iku-3", "title": "Mitra", "target": "4"}
    made = client.post(path, json={"indicators": [body]}, headers=sari)
    assert made.get_json() == {"changed": 1, "unchanged": 0}
    wrong = client.post(path, json={"indicators": [{**body, "person": "siapa"}]}, headers=sari)
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "indicators_invalid")
    assert wrong.get_json()["problems"][0]["place"] == "row 1, person"
    assert client.post(f"{path}/removal", json={"code": "IKU-3", "reason": "Ganda."}, headers=sari).status_code == 204
    at = f"/api/v1/dossiers/{dossier}/steps/4/documents?kind=measurement_data&name=bukti.pdf"
    assert client.post(f"{at}&indicator=IKU-2", data=EVIDENCE, headers=citra).status_code == 403
    sent = client.post(f"{at}&indicator=IKU-1", data=EVIDENCE, headers=citra).get_json()
    found = client.get(path, headers=sari).get_json()
    assert (found["listed"], found["with_evidence"], found["without"]) == (2, 1, ["IKU-2"])
    assert found["indicators"][0]["documents"] == [sent["version"]]
    assert [i["code"] for i in client.get(path, headers=citra).get_json()["indicators"]] == ["IKU-1"]
    own = client.get("/api/v1/indicators", headers=citra).get_json()["dossiers"][0]
    assert own["indicators"][0]["documents"][0]["version"] == sent["version"]
    content = f"/api/v1/dossiers/{dossier}/documents/{sent['version']}/content"
    assert client.get(content, headers=citra).data == EVIDENCE
    stale = {**sari, "If-Match": f'"{"0" * 64}.0"'}
    assert client.post(path, json={"indicators": [body]}, headers=stale).status_code == 412


@pytest.mark.parametrize(("kind", "media"), [("csv", "text/csv"), ("xlsx", "spreadsheetml")])
def test_templates(office: Office, client: FlaskClient, kind: str, media: str) -> None:
    answer = client.get(f"/api/v1/indicators/template.{kind}", headers=headers(office, "maya"))
    assert media in str(answer.content_type) and answer.status_code == 200


def test_results_and_recommendations_are_refused_before_their_time(
    office: Office, client: FlaskClient, dossier: str
) -> None:
    listed = [ListedIndicator("IKU-1", "Lulusan", "80")]
    indicators.set_indicators(office.archive, office.actor("sari"), dossier=dossier, indicators=listed)
    bima = headers(office, "bima")
    results = {"results": [{"code": "IKU-1", "achievement": "79"}]}
    refused = client.post(f"/api/v1/dossiers/{dossier}/steps/6/results", json=results, headers=bima)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "step_waiting")
    path = f"/api/v1/dossiers/{dossier}/recommendations"
    assert client.get(path, headers=bima).get_json() == {"recommendations": []}
    refused = client.post(f"{path}/{'0' * 64}/answer", json={"state": "done", "note": "x"}, headers=bima)
    assert (refused.status_code, refused.get_json()["code"]) == (404, "recommendation_unknown")
