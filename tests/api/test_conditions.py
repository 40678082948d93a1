"""ETags: what was read is not sent again, and nobody decides on what they have not seen."""

from __future__ import annotations

import pytest

from archive_service.domain.event import FIRST_PREV
from tests.api.conftest import Caller, Client
from tests.office import PASSWORD, Office

STALE = f'"{FIRST_PREV}.0"'


def test_a_dossier_that_did_not_change_is_a_304(office: Office, call: Client) -> None:
    dossier = office.play("2")
    reader = call("maya")
    for path in ("", "/steps", "/steps/2", "/documents", "/decisions", "/events/0", "/verdicts", "/jobs"):
        first = reader.ask("GET", f"/api/v1/dossiers/{dossier}{path}")
        again = reader.ask("GET", f"/api/v1/dossiers/{dossier}{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.data) == (200, 304, b""), path
    tag = reader.ask("GET", f"/api/v1/dossiers/{dossier}").headers["ETag"]
    office.at("2026-03-13T10:00")
    office.submit(dossier, "hendra", "3")
    assert reader.ask("GET", f"/api/v1/dossiers/{dossier}", headers={"If-None-Match": tag}).status_code == 200


def test_a_clock_that_went_on_is_shown_and_does_not_make_a_decision_stale(office: Office, call: Client) -> None:
    dossier = office.play("2")
    office.at("2026-03-13T09:35")
    hendra = call("hendra")
    office.upload(dossier, "hendra", "3")
    tag = hendra.ask("GET", f"/api/v1/dossiers/{dossier}").headers["ETag"]
    office.at("2026-03-13T09:45")
    assert hendra.ask("GET", f"/api/v1/dossiers/{dossier}", headers={"If-None-Match": tag}).status_code == 200
    path = f"/api/v1/dossiers/{dossier}/steps/3/submission"
    assert hendra.ask("POST", path, json={}, headers={"If-Match": tag}).status_code == 204


def refused_as_stale(caller: Caller, method: str, path: str, body: object) -> bool:
    """Whether the act is refused for its stale tag, and would have been done without."""
    response = caller.ask(method, path, json=body, headers={"If-Match": STALE})
    return (response.status_code, response.get_json()["code"]) == (412, "precondition_failed")


def test_acts_on_a_dossier_are_refused_when_it_is_stale(office: Office, call: Client) -> None:
    dossier = office.play("7")
    office.turn()
    base = f"/api/v1/dossiers/{dossier}"
    hendra, sari = call("hendra"), call("sari")
    found = hendra.get(base)[1]
    deviation = found["deviations"][0]["deviation"]  # type: ignore[index]
    decision = {"decision": "approve", "versions": found["steps"][7]["to_decide"]}  # type: ignore[index]
    handing = {"person": office.persons["hendra"], "reason": "Cuti."}
    assert refused_as_stale(hendra, "POST", f"{base}/steps/8/decision", decision)
    assert refused_as_stale(hendra, "PUT", f"{base}/steps/8/responsible", handing)
    assert refused_as_stale(hendra, "POST", f"{base}/cancellation", {"reason": "Batal."})
    assert refused_as_stale(sari, "POST", f"{base}/deviations/{deviation}/explanations", {"explanation": "Libur."})
    assert hendra.get(base)[1]["events"] == found["events"]
    assert call("maya").send("POST", f"{base}/cancellation", json={"reason": "Batal."})[0] == 204
    assert refused_as_stale(hendra, "POST", f"{base}/cancellation/confirmation", None)


def test_submission_withdrawal_and_archiving_are_refused_when_they_are_stale(office: Office, call: Client) -> None:
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    version = office.upload(dossier, "hendra", "3")[0].version
    base, hendra = f"/api/v1/dossiers/{dossier}", call("hendra")
    assert refused_as_stale(hendra, "POST", f"{base}/documents/{version}/withdrawal", {"reason": "Keliru."})
    assert refused_as_stale(hendra, "POST", f"{base}/steps/3/submission", {})
    ready = office.play("10")
    path = f"/api/v1/dossiers/{ready}/steps/11/archiving"
    assert refused_as_stale(call("maya"), "POST", path, {"accepts_gaps": True})
    assert call("maya").get(f"/api/v1/dossiers/{ready}")[1]["status"] == "open"


def test_who_may_not_act_is_told_so_whatever_tag_they_send(office: Office, call: Client) -> None:
    path = f"/api/v1/dossiers/{office.play('2')}/steps/3/submission"
    assert call("bima").ask("POST", path, json={}, headers={"If-Match": STALE}).status_code == 403


def test_a_decision_on_what_was_read_goes_through_once(office: Office, call: Client) -> None:
    dossier = office.play("7")
    office.at("2026-03-27T14:00")
    hendra = call("hendra")
    read = hendra.ask("GET", f"/api/v1/dossiers/{dossier}/steps/8")
    body = {"decision": "approve", "versions": read.get_json()["to_decide"]}
    path, headers = f"/api/v1/dossiers/{dossier}/steps/8/decision", {"If-Match": read.headers["ETag"]}
    assert hendra.ask("POST", path, json=body, headers=headers).status_code == 204
    assert hendra.ask("POST", path, json=body, headers=headers).status_code == 409


def test_passwords_and_assignments_have_tags_too(office: Office, call: Client) -> None:
    office.settle("agus")
    admin = call("admin")
    user = f"/api/v1/users/{office.actor('agus').user}"
    tag = admin.ask("GET", user).headers["ETag"]
    body = {"password": "kata sandi yang baru"}
    assert admin.ask("PUT", f"{user}/password", json=body, headers={"If-Match": tag}).status_code == 204
    assert admin.ask("PUT", f"{user}/password", json=body, headers={"If-Match": tag}).status_code == 412
    assignment = f"/api/v1/assignments/{office.actor('agus').assignments[0].id}"
    tag = admin.ask("GET", assignment).headers["ETag"]
    assert admin.ask("DELETE", assignment, headers={"If-Match": STALE}).status_code == 412
    assert admin.ask("DELETE", assignment, headers={"If-Match": tag}).status_code == 204


def test_a_login_does_not_make_a_password_stale(office: Office, call: Client) -> None:
    admin = call("admin")
    user = f"/api/v1/users/{office.actor('agus').user}"
    tag = admin.ask("GET", user).headers["ETag"]
    made = admin.send("POST", "/api/v1/tokens", json={"login": "agus", "password": PASSWORD, "name": "x"})
    assert made[0] == 201
    body = {"password": "kata sandi yang baru"}
    assert admin.ask("PUT", f"{user}/password", json=body, headers={"If-Match": tag}).status_code == 204


@pytest.mark.parametrize(("value", "status"), [("*", 204), ("W/*", 400), ("no quotes", 400), ('W/"weak"', 412)])
def test_other_values_of_if_match(office: Office, call: Client, value: str, status: int) -> None:
    dossier = office.play("2")
    path = f"/api/v1/dossiers/{dossier}/cancellation"
    response = call("hendra").ask("POST", path, json={"reason": "Batal."}, headers={"If-Match": value})
    assert response.status_code == status
