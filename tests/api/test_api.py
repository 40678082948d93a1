from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archive_service.app import STATUS
from archive_service.errors import ArchiveError
from tests.api.conftest import Client
from tests.office import PASSWORD, SAMPLES, Office

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
PUBLIC = {
    "/livez",
    "/readyz",
    "/api/v1/openapi.json",
    "/log/checkpoint",
    "/log/vkey",
    "/log/checkpoints/<checkpoint:size>",
    "/api/v1/log/consistency",
    "/metrics",
    "/api/v1/tokens",
    "/api/v1/own-password",
    "/login",
    "/login/kode",
    "/login/kode/kunci",
    "/login/kunci",
    "/login/kunci/persiapan",
    "/login/oidc",
    "/login/oidc/kembali",
    "/lupa-sandi",
    "/sandi-baru/<secret>",
    "/surel/<secret>",
    "/logout",
    "/periksa",
    "/periksa.sha256",
    "/verify.py",
    "/verify.py.sha256",
    "/bantuan",
    "/bantuan/<guide>",
    "/bantuan/gambar/<name>",
    "/static/<digest>/<path:name>",
}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def subclasses(of: type[ArchiveError]) -> set[type[ArchiveError]]:
    return {c for s in of.__subclasses__() for c in {s, *subclasses(s)}}


def test_every_error_class_has_a_status() -> None:
    assert all(any(c in STATUS for c in error.__mro__) for error in subclasses(ArchiveError))
    assert len(STATUS) >= 10


def test_every_route_but_the_public_ones_wants_a_person(app: Flask, client: FlaskClient) -> None:
    tried = 0
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = rule.rule
            if path in PUBLIC and not (path == "/api/v1/tokens" and method == "GET"):
                continue
            path = path.replace("<tile:tile>", "0/000")
            for name in rule.arguments:
                path = re.sub(
                    f"<(?:\\w+:)?{name}>",
                    "0"
                    * (
                        64
                        if name in ("digest", "recommendation", "passkey", "identity")
                        else 1
                        if name in ("seq", "number")
                        else 32
                    ),
                    path,
                )
            response = client.open(path, method=method, json={}, headers={"Origin": "http://localhost"})
            expected = 303 if not path.startswith(("/api/", "/log/")) else 401
            assert response.status_code == expected, (method, rule.rule, response.status_code)
            tried += 1
    assert tried >= 25


def test_the_demo_clock_has_no_route_outside_the_demo(client: FlaskClient) -> None:
    assert client.put("/demo/clock", json={"let_go": True}).status_code == 404


def test_login_and_password_give_a_token_that_works(client: FlaskClient, office: Office) -> None:
    office.settle("maya")
    made = client.post("/api/v1/tokens", json={"login": "maya", "password": PASSWORD, "name": "uji"})
    assert made.status_code == 201
    secret = made.get_json()["token"]
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert [r["role"] for r in me.get_json()["roles"]] == ["data_officer"]
    listed = client.get("/api/v1/tokens", headers={"Authorization": f"Bearer {secret}"}).get_json()["tokens"]
    assert [t["name"] for t in listed] == ["uji"] and secret not in json.dumps(listed)


def test_errors_are_problem_json_with_a_stable_code(client: FlaskClient) -> None:
    response = client.get("/api/v1/dossiers")
    assert (response.status_code, response.mimetype) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    problem = response.get_json()
    assert problem["code"] == "token_missing" and problem["type"] == "urn:archive-service:token_missing"
    missing = client.get("/api/v1/nothing")
    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    wrong = client.delete("/api/v1/me")
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{", "application/json", 400, "not_json"),
        (b"[" * 100_000, "application/json", 400, "not_json"),
        (b'{"days": NaN}', "application/json", 400, "not_json"),
        (b'{"login": "a", "login": "b"}', "application/json", 400, "not_json"),
        (b'{"login": 5}', "application/json", 422, "body_invalid"),
        (b'{"login":"a","password":"b","name":"c","extra":1}', "application/json", 422, "body_invalid"),
        (b" " * 300_000, "application/json", 413, "body_too_large"),
    ],
)
def test_bad_bodies_are_refused_with_what_is_wrong(
    client: FlaskClient, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = client.post("/api/v1/tokens", data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_a_document_goes_up_and_comes_down_the_same(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    ratna = call("ratna")
    path = f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=surat.pdf"
    status, received = ratna.send("POST", path, data=LETTER)
    assert status == 201 and str(received["receipt"]).startswith("archive.test/log receipt v1\n")
    content = ratna.client.get(
        f"/api/v1/dossiers/{dossier}/documents/{received['version']}/content", headers=ratna.headers
    )
    assert content.data == LETTER
    assert content.headers["Content-Disposition"] == "attachment; filename*=UTF-8''surat.pdf"
    assert content.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?kind=request_letter", "?kind=request_letter&name=a.pdf&mode=fast"])
def test_an_upload_says_what_its_query_lacks(office: Office, call: Client, query: str) -> None:
    office.at("2026-03-13T09:10")
    status, problem = call("ratna").send(
        "POST", f"/api/v1/dossiers/{office.open()}/steps/1/documents{query}", data=LETTER
    )
    assert (status, problem["code"]) == (422, "query_invalid")


def test_an_upload_that_announces_too_much_is_refused_unread(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    ratna = call("ratna")
    response = ratna.client.post(
        f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=a.pdf",
        headers=ratna.headers,
        environ_overrides={"CONTENT_LENGTH": str(6 * 1024**3)},
    )
    assert (response.status_code, response.get_json()["code"]) == (413, "file_too_large")
    _, found = ratna.get(f"/api/v1/dossiers/{dossier}")
    assert found["history"][-1]["type"] == "document.refused"  # type: ignore[index]


def test_a_stranger_to_the_unit_learns_not_even_that_a_dossier_exists(office: Office, call: Client) -> None:
    from archive_service.services import people, users

    office.at("2026-03-13T09:10")
    dossier = office.open()
    admin = office.actor("admin")
    unit = people.create_work_unit(office.archive, admin, code="lain", name="Unit Lain")
    person = people.register_person(office.archive, admin, name="Orang Lain")
    users.create_user(office.archive, admin, person=person, login="lain", password=PASSWORD)
    people.assign_role(office.archive, admin, person=person, role="data_officer", work_unit=unit, from_on="2026-01-01")
    stranger = call("lain")
    for path in ("", "/events", "/bundle", f"/documents/{'0' * 32}/content"):
        status, problem = stranger.get(f"/api/v1/dossiers/{dossier}{path}")
        assert (status, problem["code"]) == (404, "dossier_unknown"), path
    assert stranger.get("/api/v1/dossiers")[1]["dossiers"] == []


def test_an_administrator_does_not_read_dossiers(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    status, problem = call("admin").get(f"/api/v1/dossiers/{office.open()}")
    assert (status, problem["code"]) == (403, "role_forbidden")


def test_what_an_auditor_reads_is_recorded(office: Office, call: Client) -> None:
    from archive_service.db.event_log import read_stream

    office.at("2026-03-13T09:10")
    dossier = office.open()
    wahyu = call("wahyu")
    for path in ("/api/v1/dossiers", f"/api/v1/dossiers/{dossier}", f"/api/v1/dossiers/{dossier}/events"):
        assert wahyu.client.get(path, headers=wahyu.headers).status_code == 200
    with office.archive.db.read() as session:
        events = read_stream(session, f"user:{office.actor('wahyu').user}")
    reads = [(e.payload["what"], e.payload["dossier"]) for e in events if e.type == "record.read"]
    assert reads == [("dossiers", None), ("dossier", dossier), ("events", dossier)]


def test_the_events_are_served_as_they_were_hashed(office: Office, call: Client) -> None:
    from archive_service.domain.event import FIRST_PREV, parse_event

    dossier = office.play("2")
    nuraini = call("nuraini")
    body = nuraini.client.get(f"/api/v1/dossiers/{dossier}/events", headers=nuraini.headers).data
    prev = FIRST_PREV
    for line in body.splitlines():
        event = parse_event(line)
        assert event.prev == prev
        prev = event.leaf_hash
    assert len(body.splitlines()) > 6


def test_an_administrator_manages_people_and_definitions_over_http(office: Office, call: Client) -> None:
    admin = call("admin")
    status, made = admin.send(
        "POST", "/api/v1/people", json={"name": "Orang Baru", "login": "baru", "password": PASSWORD}
    )
    assert status == 201
    body = {"role": "auditor", "work_unit": office.unit, "from_on": "2026-01-01"}
    status, assigned = admin.send("POST", f"/api/v1/people/{made['person']}/assignments", json=body)
    assert status == 201
    assert call("baru").get("/api/v1/dossiers")[0] == 200
    assert admin.send("DELETE", f"/api/v1/assignments/{assigned['assignment']}")[0] == 204
    assert call("baru").get("/api/v1/dossiers")[0] == 403
    assert admin.send("PUT", f"/api/v1/users/{made['user']}/password", json={"password": "x" * 20})[0] == 204
    status, problem = admin.send("POST", "/api/v1/definitions", data=b'kind = "sop"\nschema = 1\n')
    assert (status, problem["code"]) == (422, "invalid_definition")
    assert len(problem["problems"]) > 5  # type: ignore[arg-type]
    status, listed = admin.get("/api/v1/definitions")
    assert {d["kind"] for d in listed["definitions"]} == {"sop", "calendar", "retention_schedule"}  # type: ignore[attr-defined]


def test_a_bundle_that_is_not_there_yet_is_a_conflict(office: Office, call: Client) -> None:
    status, problem = call("maya").get(f"/api/v1/dossiers/{office.play('2')}/bundle")
    assert (status, problem["code"]) == (409, "bundle_not_ready")


def test_a_bug_is_a_500_that_says_nothing_inside(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from archive_service.services import publication

    def broken(archive: object) -> bytes:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(publication, "read_checkpoint", broken)
    response = client.get("/log/checkpoint")
    assert response.status_code == 500 and b"secret" not in response.data
    assert response.get_json()["code"] == "internal_error"
