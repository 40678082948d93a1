"""Search, samples and findings over HTTP: pages, cursors, and a finding that somebody else moved on."""

from __future__ import annotations

from flask.testing import FlaskClient

from archive_service.app import create_app
from archive_service.services import findings, users
from tests.office import Office


def client_of(office: Office, login: str) -> tuple[FlaskClient, dict[str, str]]:
    secret = users.create_token(office.archive, office.actor(login), name="uji", days=1).secret
    return create_app(office.archive).test_client(), {"Authorization": f"Bearer {secret}"}


def test_search_and_samples_are_pages_of_an_api(office: Office) -> None:
    office.play("4")
    client, headers = client_of(office, "wahyu")
    found = client.get("/api/v1/search?q=pdf", headers=headers).get_json()
    counts = {group["kind"]: group["count"] for group in found["groups"]}
    assert counts["document"] > 1 and found["terms"] == ["pdf"]
    first = client.get("/api/v1/search/hits?q=pdf&kind=document&limit=1", headers=headers).get_json()
    second = client.get(
        f"/api/v1/search/hits?q=pdf&kind=document&limit=1&after={first['next']}", headers=headers
    ).get_json()
    assert first["hits"][0]["subject"] != second["hits"][0]["subject"]
    assert client.get("/api/v1/search?q=%20", headers=headers).status_code == 422
    made = client.post("/api/v1/samples", json={"size": 1, "seed": "dadu"}, headers=headers)
    sample = made.get_json()["sample"]
    assert made.status_code == 201 and made.headers["Location"] == f"/api/v1/samples/{sample}"
    (item,) = client.get(f"/api/v1/samples/{sample}", headers=headers).get_json()["items"]
    listed = client.get(f"/api/v1/samples/{sample}/population", headers=headers)
    assert listed.data.decode().split() == [item["dossier"]]
    body = {"dossier": item["dossier"], "result": "fine"}
    assert client.post(f"/api/v1/samples/{sample}/results", json=body, headers=headers).status_code == 204
    (row,) = client.get("/api/v1/samples", headers=headers).get_json()["samples"]
    assert (row["fine"], row["seed"]) == (1, "dadu")


def test_a_finding_that_moved_on_is_not_judged_by_an_old_look(office: Office) -> None:
    wahyu = office.actor("wahyu")
    finding = findings.propose_finding(office.archive, wahyu, work_unit=office.unit, deviations=[], text="Di lapangan.")
    client, headers = client_of(office, "wahyu")
    path = f"/api/v1/findings/{finding}"
    tag = client.get(path, headers=headers).headers["ETag"]
    body = {"classification": "kts_minor", "problem": "a", "location": "b", "evidence": "c", "reference": "d"}
    assert client.post(f"{path}/classification", json=body, headers=headers).status_code == 204
    late = client.post(f"{path}/cause", json={"cause": "x"}, headers={**headers, "If-Match": tag})
    assert (late.status_code, late.get_json()["code"]) == (412, "precondition_failed")
    tag = client.get(path, headers=headers).headers["ETag"]
    assert client.post(f"{path}/cause", json={"cause": "x"}, headers={**headers, "If-Match": tag}).status_code == 204
    page = client.get("/api/v1/findings?limit=1&state=caused", headers=headers).get_json()
    assert [f["finding"] for f in page["findings"]] == [finding] and page["next"] is None
