"""What is announced of an upload's bytes is checked, and nothing is kept of one that differs."""

from __future__ import annotations

import base64
import hashlib

import pytest

from archive_service.db.event_log import read_stream
from tests.api.conftest import Caller, Client
from tests.office import SAMPLES, Office

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
QUERY = "?kind=request_letter&name=surat.pdf"


def named(algorithm: str, data: bytes) -> str:
    digest = hashlib.new(algorithm.replace("-", ""), data).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


@pytest.fixture
def ratna(office: Office, call: Client) -> Caller:
    office.at("2026-03-13T09:10")
    return call("ratna")


@pytest.fixture
def dossier(office: Office, ratna: Caller) -> str:
    return office.open()


def path_of(dossier: str) -> str:
    return f"/api/v1/dossiers/{dossier}/steps/1/documents{QUERY}"


def count_events(office: Office, dossier: str) -> int:
    with office.archive.db.read() as session:
        return len(read_stream(session, f"dossier:{dossier}"))


@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_a_digest_that_holds_lets_the_upload_in(ratna: Caller, dossier: str, header: str, algorithm: str) -> None:
    response = ratna.ask("POST", path_of(dossier), data=LETTER, headers={header: named(algorithm, LETTER)})
    assert response.status_code == 201
    assert response.get_json()["digest"] == hashlib.sha256(LETTER).hexdigest()
    assert response.headers["Location"].endswith(f"/documents/{response.get_json()['version']}")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Digest": named("sha-256", b"other")},
        {"Repr-Digest": named("sha-512", b"other")},
        {"Content-Digest": named("sha-256", LETTER), "Repr-Digest": named("sha-256", b"other")},
        {"Content-Digest": f"{named('sha-256', LETTER)}, {named('sha-512', b'other')}"},
    ],
)
def test_bytes_other_than_announced_leave_nothing(
    office: Office, ratna: Caller, dossier: str, headers: dict[str, str]
) -> None:
    before = count_events(office, dossier)
    status, problem = ratna.send("POST", path_of(dossier), data=LETTER, headers=headers)
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert count_events(office, dossier) == before
    assert list(office.archive.store.list_objects("objects/")) == []


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "digest_malformed"),
        ("sha-256=abc", "digest_malformed"),
        ("sha-256=:!:", "digest_malformed"),
        ("sha-256=:YWJj:", "digest_malformed"),
        ("sha-256=:YWJ:", "digest_malformed"),
        ("md5=:XrY7u+Ae7tCTyyK7j1rNww==:", "digest_unknown"),
    ],
)
def test_a_digest_that_cannot_be_checked_is_refused_unread(ratna: Caller, dossier: str, value: str, code: str) -> None:
    status, problem = ratna.send("POST", path_of(dossier), data=LETTER, headers={"Content-Digest": value})
    assert (status, problem["code"]) == (400, code)


def test_an_unknown_digest_beside_a_known_one_is_passed_over(ratna: Caller, dossier: str) -> None:
    headers = {"Content-Digest": f"crc32c=:AAAAAA==:, {named('sha-256', LETTER)}"}
    assert ratna.ask("POST", path_of(dossier), data=LETTER, headers=headers).status_code == 201


@pytest.mark.parametrize("headers", [{"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Encoding": "gzip"}])
def test_a_wrapped_body_is_refused(ratna: Caller, dossier: str, headers: dict[str, str]) -> None:
    status, problem = ratna.send("POST", path_of(dossier), data=LETTER, headers=headers)
    assert (status, problem["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("?kind=a", "name"),
        ("?kind=a&name=b&kind=c", "kind"),
        ("?kind=a&name=%00", "name"),
        ("?kind=a&name=b&document=x", "document"),
        ("?kind=a&name=b&mode=fast", "mode"),
    ],
)
def test_a_wrong_parameter_is_named(ratna: Caller, dossier: str, query: str, place: str) -> None:
    status, problem = ratna.send("POST", f"/api/v1/dossiers/{dossier}/steps/1/documents{query}", data=LETTER)
    assert (status, problem["code"]) == (422, "query_invalid")
    assert [e["place"] for e in problem["errors"]] == [place]  # type: ignore[attr-defined]
