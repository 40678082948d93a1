"""Notices, mail addresses and webhooks over the API."""

from __future__ import annotations

from typing import Any

import pytest
from apiflask import APIFlask

from archive_service.app import create_app
from tests.api.conftest import Caller, Client
from tests.office import PASSWORD, Office


@pytest.fixture
def office(lite: Office) -> Office:
    return lite


@pytest.fixture
def app(office: Office) -> APIFlask:
    return create_app(office.archive)


def rows(caller: Caller, path: str, name: str) -> list[dict[str, Any]]:
    """A list of the API."""
    response = caller.ask("GET", path)
    assert response.status_code == 200
    return list(response.get_json()[name])


def test_one_reads_ones_own_notices_and_marks_them(office: Office, call: Client) -> None:
    dossier = office.play("3")
    ratna, sari = call("ratna"), call("sari")
    page = ratna.get("/api/v1/notices?limit=1")[1]
    assert len(rows(ratna, "/api/v1/notices?limit=1", "notices")) == 1 and page["next"] is not None
    (mine,) = rows(sari, "/api/v1/notices?unread=true", "notices")
    assert (mine["kind"], mine["dossier"], mine["step"], mine["step_state"]) == ("step_yours", dossier, "4", "running")
    assert mine["title"] is not None and mine["activity"].startswith("Tim SAKIP") and mine["due_at"] is not None
    place = f"/api/v1/notices/{mine['notice']}/read"
    assert ratna.send("POST", place)[0] == 404
    assert [sari.send("POST", place)[0] for _ in range(2)] == [204, 204]
    assert sari.get("/api/v1/notices?unread=true")[1]["notices"] == []
    assert ratna.send("POST", "/api/v1/notices/read")[1] == {"read": 2}
    assert len(rows(ratna, "/api/v1/notices?unread=false", "notices")) == 2
    assert sari.get("/api/v1/notices?unread=maybe")[0] == 422


def test_a_mail_address_is_seen_by_its_owner_and_who_sets_it(office: Office, call: Client) -> None:
    maya, admin, auditor = call("maya"), call("admin"), call("wahyu")
    place = f"/api/v1/users/{office.actor('maya').user}"
    assert maya.send("PUT", f"{place}/mail", json={"mail": "maya@polman.example"})[0] == 204
    assert [c.get(place)[1]["mail"] for c in (maya, admin, auditor)] == ["maya@polman.example"] * 2 + [None]
    listed = {u["login"]: u["mail"] for u in rows(admin, "/api/v1/users", "users")}
    assert (listed["maya"], listed["sari"]) == ("maya@polman.example", None)
    seen = {u["mail"] for u in rows(auditor, "/api/v1/users", "users")}
    assert seen == {None}
    status, problem = maya.send("PUT", f"{place}/mail", json={"mail": "a@b.example, c@d.example"})
    assert (status, problem["code"]) == (422, "mail_malformed")
    body = {"name": "Baru", "login": "baru", "password": PASSWORD, "mail": "baru@polman.example"}
    made = admin.send("POST", "/api/v1/people", json=body)[1]
    assert admin.get(f"/api/v1/users/{made['user']}")[1]["mail"] == "baru@polman.example"
    assert admin.send("POST", "/api/v1/people", json={"name": "B", "mail": "b@polman.example"})[0] == 422


def test_a_webhooks_secret_is_shown_once(call: Client) -> None:
    admin = call("admin")
    made = admin.send("POST", "/api/v1/webhooks", json={"url": "https://hooks.example/a", "kinds": ["overdue"]})
    assert made[0] == 201 and str(made[1]["secret"]).startswith("whsec_")
    (listed,) = rows(admin, "/api/v1/webhooks", "webhooks")
    assert listed["kinds"] == ["overdue"] and "secret" not in listed
    private = admin.send("POST", "/api/v1/webhooks", json={"url": "https://127.0.0.1/"})
    assert (private[0], private[1]["code"]) == (422, "webhook_private")
    assert admin.send("DELETE", f"/api/v1/webhooks/{made[1]['webhook']}")[0] == 204
    assert admin.get("/api/v1/webhooks")[1] == {"webhooks": []}
