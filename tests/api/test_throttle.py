from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from archive_service.app import create_app
from tests.office import Office

BODY = {"login": "nobody", "password": "wrong", "name": "x"}


def client_of(office: Office, tries: int) -> FlaskClient:
    settings = office.archive.settings.model_copy(update={"token_tries_per_minute": tries})
    return create_app(replace(office.archive, settings=settings)).test_client()


def test_too_many_tries_from_one_address_have_to_wait(office: Office) -> None:
    client = client_of(office, 3)
    assert [client.post("/api/v1/tokens", json=BODY).status_code for _ in range(3)] == [401] * 3
    refused = client.post("/api/v1/tokens", json=BODY)
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert refused.get_json()["code"] == "too_many_requests" and "wait a minute" in refused.get_json()["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    elsewhere = client.post("/api/v1/tokens", json=BODY, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 401
    assert client.get("/livez").status_code == 200


def test_the_throttle_can_be_turned_off(office: Office) -> None:
    client = client_of(office, 0)
    assert {client.post("/api/v1/tokens", json=BODY).status_code for _ in range(8)} == {401}
