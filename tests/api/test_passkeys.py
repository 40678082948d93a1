"""Passkeys over HTTP: make one, sign a decision, revoke it; every answer fits the model that its route declares."""

from __future__ import annotations

from typing import Any

import pytest

from archive_service.services.work import load_dossier
from tests.api.conftest import Client
from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office


@pytest.fixture
def database_kind() -> str:
    """The services' own tests run on both."""
    return "sqlite"


def test_a_decision_is_prepared_signed_and_shown(office: Office, call: Client) -> None:
    dossier, key, sari = office.play("6"), SoftAuthenticator(), call("sari")
    wrong, problem = sari.send("POST", "/api/v1/passkeys/preparations", json={"password": "something else"})
    assert (wrong, problem["code"]) == (422, "password_refused")
    status, prepared = sari.send("POST", "/api/v1/passkeys/preparations", json={"password": PASSWORD})
    assert status == 201
    body = {"preparation": prepared["preparation"], "name": "Laptop", "credential": key.register(options(prepared))}
    status, made = sari.send("POST", "/api/v1/passkeys", json=body, headers={"Idempotency-Key": "one"})
    again, same = sari.send("POST", "/api/v1/passkeys", json=body, headers={"Idempotency-Key": "one"})
    assert (status, again) == (201, 201) and made == same
    assert sari.send("POST", "/api/v1/passkeys", json=body)[0] == 409

    place = f"/api/v1/dossiers/{dossier}/steps/7/decision"
    with office.archive.db.read() as session:
        seen = [v.id for v in load_dossier(office.archive, session, dossier).documents_to_decide("7")]
    wish = {"decision": "approve", "versions": seen, "reason": "Sudah sesuai."}
    status, problem = sari.send("POST", place, json=wish)
    assert (status, problem["code"]) == (409, "passkey_needed")
    state = str(sari.ask("GET", f"/api/v1/dossiers/{dossier}/steps/7").headers["ETag"])
    stale = sari.send("POST", f"{place}/preparation", json=wish, headers={"If-Match": f'"{"0" * 64}"'})
    assert stale[0] == 412
    status, prepared = sari.send("POST", f"{place}/preparation", json=wish, headers={"If-Match": state})
    assert status == 201
    bad = {"preparation": prepared["preparation"], "credential": SoftAuthenticator(seed=2).assert_(options(prepared))}
    status, problem = sari.send("POST", f"{place}/signature", json=bad)
    assert (status, problem["code"]) == (422, "assertion_refused")
    good = {**bad, "credential": key.assert_(options(prepared))}
    assert sari.send("POST", f"{place}/signature", json=good, headers={"If-Match": state})[0] == 204
    (decision,) = list_of(sari.get(f"/api/v1/dossiers/{dossier}/decisions"), "decisions")
    assert (decision["passkey"], decision["reason"]) == (made["passkey"], "Sudah sesuai.")

    place = f"/api/v1/passkeys/{made['passkey']}/revocation"
    assert call("bima").send("POST", place, json={"password": PASSWORD})[0] == 404
    assert sari.send("POST", place, json={"password": PASSWORD})[0] == 204
    (listed,) = list_of(sari.get("/api/v1/passkeys"), "passkeys")
    assert listed["revoked_at"] is not None and listed["public_key"] == key.public_key.hex()
    assert list_of(call("bima").get("/api/v1/passkeys"), "passkeys") == []

    theirs = f"/api/v1/people/{office.persons['sari']}/passkeys"
    assert list_of(call("wahyu").get(theirs), "passkeys") == [listed]
    assert call("bima").get(theirs)[0] == 403
    assert call("wahyu").get(f"/api/v1/people/{'0' * 32}/passkeys")[0] == 404


def options(prepared: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = prepared["options"]
    return found


def list_of(answer: tuple[int, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    assert answer[0] == 200
    found: list[dict[str, Any]] = answer[1][name]
    return found
