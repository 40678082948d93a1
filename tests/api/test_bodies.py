"""Hostile input ends in a 4xx that names what is wrong, never in a 500."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Client
from tests.office import Office


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r'{"name": "a\u0000b"}', "name"),
        (r'{"name": "\ud800"}', "name"),
        (r'{"name": "a", "login": "\udfff", "password": "0123456789abcdef"}', "login"),
        (r'{"name": "a", "\u0000": 1}', r".\x00"),
        (r'{"name": ["a\u0000"]}', "name.0"),
    ],
)
def test_texts_that_cannot_be_stored_are_refused_by_name(office: Office, call: Client, text: str, place: str) -> None:
    status, problem = call("admin").send("POST", "/api/v1/people", data=text, content_type="application/json")
    assert (status, problem["code"]) == (422, "body_invalid")
    assert place.lstrip(".").split("\\")[0] in problem["errors"][0]["place"]  # type: ignore[index]


def test_every_wrong_member_is_named(office: Office, call: Client) -> None:
    body = {"work_unit": 5, "year": "2026", "quarter": 1, "letter": {"number": "a"}, "extra": None}
    status, problem = call("maya").send("POST", "/api/v1/dossiers", json=body)
    assert status == 422
    places = {e["place"] for e in problem["errors"]}  # type: ignore[attr-defined]
    assert {"work_unit", "year", "title", "extra", "letter.sender", "letter.received_at"} <= places


def test_half_a_login_registers_nobody(office: Office, call: Client) -> None:
    admin = call("admin")
    before = admin.get("/api/v1/people")[1]
    for half in ({"login": "baru"}, {"password": "0123456789abcdef"}):
        assert admin.send("POST", "/api/v1/people", json={"name": "Baru", **half})[1]["code"] == "login_incomplete"
    assert admin.get("/api/v1/people")[1] == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/dossiers/x",
        f"/api/v1/dossiers/{'A' * 32}",
        f"/api/v1/dossiers/{'0' * 31}%00",
        f"/api/v1/dossiers/{'0' * 32}/steps/%00",
        f"/api/v1/dossiers/{'0' * 32}/documents/..%2f..%2fetc",
        f"/api/v1/dossiers/{'0' * 32}/events/-1",
        f"/api/v1/jobs/{'0' * 33}",
        f"/api/v1/definitions/{'0' * 32}",
        "/api/v1/people/%ff",
        f"/api/v1/users/{'0' * 32}%20",
    ],
)
def test_a_malformed_id_is_a_404(office: Office, call: Client, path: str) -> None:
    response = call("nuraini").ask("GET", path)
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize("query", ["?x=1", "?work_unit=0", "?year=1999", "?quarter=5", "?status=gone", "?after=%00"])
def test_a_query_that_does_not_fit_is_refused(office: Office, call: Client, query: str) -> None:
    status, problem = call("nuraini").get(f"/api/v1/dossiers{query}")
    assert (status, problem["code"]) == (422, "query_invalid")
    assert call("nuraini").get("/api/v1/me?x=1")[0] == 422


@pytest.mark.parametrize("secret", ["", "\xff", "ars_" + "x" * 5000, "ars_ ars_"])
def test_a_strange_token_is_a_401(office: Office, call: Client, secret: str) -> None:
    caller = call("maya")
    caller.headers = {"Authorization": f"Bearer {secret}"}
    assert caller.get("/api/v1/me")[0] == 401


@pytest.mark.parametrize("content_type", ["application/json", "image/png"])
def test_a_definition_is_text(office: Office, call: Client, content_type: str) -> None:
    admin = call("admin")
    status, problem = admin.send("POST", "/api/v1/definitions", data=b"x = 1", content_type=content_type)
    assert (status, problem["code"]) == (415, "unsupported_media_type")
    assert admin.send("POST", "/api/v1/definitions", data=b"\xff")[1]["code"] == "not_utf8"
    assert admin.send("POST", "/api/v1/definitions", data=b"x = 1")[1]["code"] == "invalid_definition"
    assert call("maya").send("POST", "/api/v1/definitions", data=b"x = 1")[0] == 403


def test_a_flowchart_is_an_sops_own_picture(office: Office, call: Client) -> None:
    maya = call("maya")
    listed = maya.get("/api/v1/definitions")[1]["definitions"]
    digests = {d["kind"]: d["digest"] for d in listed}  # type: ignore[attr-defined]
    drawn = maya.ask("GET", f"/api/v1/definitions/{digests['sop']}/flowchart")
    assert (drawn.status_code, drawn.mimetype) == (200, "image/svg+xml")
    assert drawn.get_data(as_text=True).startswith("<svg ") and 'data-step="11"' in drawn.get_data(as_text=True)
    status, problem = maya.send("GET", f"/api/v1/definitions/{digests['calendar']}/flowchart")
    assert (status, problem["code"]) == (404, "definition_unknown")


def test_a_definition_reads_as_the_bytes_of_its_digest(office: Office, call: Client) -> None:
    from hashlib import sha256

    maya = call("maya")
    for listed in maya.get("/api/v1/definitions")[1]["definitions"]:  # type: ignore[attr-defined]
        data = maya.ask("GET", f"/api/v1/definitions/{listed['digest']}").data
        assert sha256(data).hexdigest() == listed["digest"] and json.loads(data)["key"] == listed["key"]
