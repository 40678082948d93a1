from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from archive_service.app import create_app
from tests.office import Office


@pytest.fixture
def client(office: Office) -> FlaskClient:
    return create_app(office.archive).test_client()


def checks_of(client: FlaskClient) -> tuple[int, dict[str, dict[str, Any]]]:
    response = client.get("/readyz")
    found = response.get_json()
    assert found["ready"] == (response.status_code == 200)
    return response.status_code, {check["name"]: check for check in found["checks"]}


def test_a_service_whose_parts_answer_is_ready(office: Office, client: FlaskClient) -> None:
    office.play("1")
    office.turn()
    status, checks = checks_of(client)
    assert status == 200 and {name for name, check in checks.items() if check["ok"]} == {
        "database",
        "store",
        "log",
        "jobs",
        "audit",
    }
    assert client.get("/livez").data == b"ok\n"


def test_a_log_that_lags_is_not_ready_and_says_by_how_much(office: Office, client: FlaskClient) -> None:
    office.turn()
    office.at("2026-03-13T09:10")
    office.open()
    assert checks_of(client)[0] == 200
    office.clock.moment += timedelta(minutes=5)
    status, checks = checks_of(client)
    assert (status, checks["log"]["ok"]) == (503, False)
    assert checks["log"]["age_seconds"] >= 300
    office.turn()
    assert checks_of(client)[1]["log"]["age_seconds"] == 0


def test_an_empty_store_behind_a_full_database_is_not_ready(office: Office, client: FlaskClient) -> None:
    office.play("1")
    office.turn()
    folder = office.archive.settings.data_dir / "store" / "objects"
    folder.rename(folder.with_name("gone"))
    status, checks = checks_of(client)
    assert (status, checks["store"]["ok"], checks["store"]["detail"]) == (503, False, "the newest object is not there")


def test_a_database_that_is_gone_is_a_503_without_its_address(office: Office) -> None:
    from archive_service.db.session import Database

    secret = "postgresql+psycopg://archive:hidden@127.0.0.1:1/none"
    client = create_app(replace(office.archive, db=Database(secret))).test_client()
    status, checks = checks_of(client)
    assert status == 503 and not any(check["ok"] for check in checks.values())
    assert b"hidden" not in client.get("/readyz").data
    assert client.get("/livez").status_code == 200
