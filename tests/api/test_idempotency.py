"""A request that is sent again with its Idempotency-Key gets the first answer, and nothing is done twice."""

from __future__ import annotations

import pytest

from archive_service.db.models import IdempotencyRow
from tests.api.conftest import Client
from tests.office import PASSWORD, SAMPLES, Office

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def test_a_repeated_request_gets_the_first_answer(office: Office, call: Client) -> None:
    admin = call("admin")
    body = {"code": "lain", "name": "Unit Lain"}
    first = admin.ask("POST", "/api/v1/work-units", json=body, headers=KEY)
    again = admin.ask("POST", "/api/v1/work-units", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.data, again.headers["Location"]) == (first.data, first.headers["Location"])
    assert again.mimetype == "application/json"
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    assert admin.send("POST", "/api/v1/work-units", json=body)[0] == 409


def test_the_key_of_another_request_is_refused(office: Office, call: Client) -> None:
    admin = call("admin")
    assert admin.ask("POST", "/api/v1/people", json={"name": "Satu"}, headers=KEY).status_code == 201
    for path, body in (("/api/v1/people", {"name": "Dua"}), ("/api/v1/work-units", {"code": "a", "name": "Satu"})):
        response = admin.ask("POST", path, json=body, headers=KEY)
        assert (response.status_code, response.get_json()["code"]) == (422, "idempotency_key_reused")


def test_two_people_may_use_the_same_key(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    path = f"/api/v1/dossiers/{dossier}/cancellation"
    assert call("maya").ask("POST", path, json={"reason": "Ganda."}, headers=KEY).status_code == 204
    second = call("hendra").ask("POST", path, json={"reason": "Ganda."}, headers=KEY)
    assert second.status_code == 409 and second.get_json()["code"] != "request_running"


def test_an_error_is_not_kept(office: Office, call: Client) -> None:
    admin = call("admin")
    body = {"code": "anak", "name": "Anak", "parent": "0" * 32}
    assert admin.ask("POST", "/api/v1/work-units", json=body, headers=KEY).status_code == 404
    body["parent"] = office.unit
    assert admin.ask("POST", "/api/v1/work-units", json=body, headers=KEY).status_code == 201


def test_a_repeated_upload_makes_no_second_version(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    ratna = call("ratna")
    path = f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=surat.pdf"
    first = ratna.ask("POST", path, data=LETTER, headers=KEY)
    again = ratna.ask("POST", path, data=LETTER, headers=KEY)
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert len(ratna.get(f"/api/v1/dossiers/{dossier}/documents")[1]["documents"]) == 1  # type: ignore[arg-type]
    other = ratna.ask("POST", path, data=LETTER + b" ", headers=KEY)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_a_request_under_way_is_told_to_wait(office: Office, call: Client) -> None:
    from archive_service.services import idempotency

    admin = call("admin")
    asked = b"POST\n/api/v1/people\n\n" + b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    user = office.actor("admin").user
    idempotency.begin_request(office.archive, user=user, key=KEY["Idempotency-Key"], request=asked)
    response = admin.ask("POST", "/api/v1/people", data=b"{}", content_type="application/json", headers=KEY)
    # the body of that digest, {}, lacks its members: validation comes before the key is looked at
    assert response.status_code == 422
    claim = idempotency.begin_request(office.archive, user=user, key="k", request=_asked({"name": "Tiga"}))
    assert isinstance(claim, idempotency.Claim)
    busy = admin.ask(
        "POST",
        "/api/v1/people",
        data=b'{"name": "Tiga"}',
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert (busy.status_code, busy.get_json()["code"]) == (409, "request_running")
    assert busy.headers["Retry-After"] == "2"


def _asked(body: dict[str, str]) -> bytes:
    import hashlib
    import json

    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    return b"\n".join([b"POST", b"/api/v1/people", b"", digest.encode()])


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "gänzlich"])
def test_a_key_is_short_printable_ascii(office: Office, call: Client, key: str) -> None:
    response = call("admin").ask("POST", "/api/v1/people", json={"name": "A"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.get_json()["code"]) == (400, "idempotency_key_malformed")


def test_neither_key_nor_password_can_be_read_from_the_table(office: Office, call: Client) -> None:
    admin = call("admin")
    body = {"name": "Baru", "login": "baru", "password": PASSWORD}
    assert admin.ask("POST", "/api/v1/people", json=body, headers=KEY).status_code == 201
    with office.archive.db.read() as session:
        (row,) = session.query(IdempotencyRow).all()
    stored = f"{row.key} {row.headers}".encode() + (row.body or b"")
    assert KEY["Idempotency-Key"].encode() not in stored and PASSWORD.encode() not in stored
