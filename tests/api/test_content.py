"""Downloads: whole, in part, or not again."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.api.conftest import Caller, Client
from tests.office import SAMPLES, Office

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
DIGEST = hashlib.sha256(LETTER).hexdigest()
REPR_DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(LETTER).digest()).decode()}:"
SIZE = len(LETTER)


@pytest.fixture
def place(office: Office, call: Client) -> tuple[Caller, str]:
    office.at("2026-03-13T09:20")
    dossier = office.open()
    version = office.upload(dossier, "ratna", "1")[0].version
    return call("hendra"), f"/api/v1/dossiers/{dossier}/documents/{version}/content"


def test_the_whole_comes_with_digest_and_tag(place: tuple[Caller, str]) -> None:
    reader, path = place
    response = reader.ask("GET", path)
    assert (response.status_code, response.data) == (200, LETTER)
    assert response.headers["ETag"] == f'"{DIGEST}"' and response.headers["Repr-Digest"] == REPR_DIGEST
    assert response.headers["Accept-Ranges"] == "bytes" and response.headers["Content-Length"] == str(SIZE)
    head = reader.ask("HEAD", path)
    assert head.headers["Content-Length"] == str(SIZE) and head.data == b""


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, SIZE), ("bytes=-7", SIZE - 7, SIZE), (f"bytes=9-{SIZE * 2}", 9, SIZE)],
)
def test_one_range_is_served(place: tuple[Caller, str], wanted: str, start: int, end: int) -> None:
    reader, path = place
    response = reader.ask("GET", path, headers={"Range": wanted})
    assert (response.status_code, response.data) == (206, LETTER[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response.headers["Content-Length"] == str(end - start)
    assert response.headers["Repr-Digest"] == REPR_DIGEST


def test_a_range_behind_the_end_is_a_416_that_says_where_the_end_is(place: tuple[Caller, str]) -> None:
    reader, path = place
    response = reader.ask("GET", path, headers={"Range": f"bytes={SIZE}-"})
    assert (response.status_code, response.mimetype) == (416, "application/problem+json")
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "lines=0-1", "bytes=9-2", "bytes", "bytes=a-b"])
def test_what_is_no_single_range_gets_the_whole(place: tuple[Caller, str], wanted: str) -> None:
    reader, path = place
    response = reader.ask("GET", path, headers={"Range": wanted})
    assert (response.status_code, response.data) == (200, LETTER)


def test_a_range_of_other_bytes_gets_the_whole(place: tuple[Caller, str]) -> None:
    reader, path = place
    for tag, status in ((f'"{DIGEST}"', 206), ('"other"', 200)):
        response = reader.ask("GET", path, headers={"Range": "bytes=0-9", "If-Range": tag})
        assert response.status_code == status


def test_what_one_has_is_not_sent_again(place: tuple[Caller, str]) -> None:
    reader, path = place
    response = reader.ask("GET", path, headers={"If-None-Match": f'"x", "{DIGEST}"'})
    assert (response.status_code, response.data) == (304, b"")


@pytest.mark.slow
def test_a_bundle_is_served_in_ranges_and_described(office: Office, call: Client) -> None:
    dossier = office.play()
    office.turn()
    reader = call("wahyu")
    path = f"/api/v1/dossiers/{dossier}/bundle"
    whole = reader.ask("GET", path).data
    status, about = reader.get(f"{path}/metadata")
    assert (status, about["digest"], about["size"]) == (200, hashlib.sha256(whole).hexdigest(), len(whole))
    parts = [
        reader.ask("GET", path, headers={"Range": f"bytes={i}-{i + 99_999}"}) for i in range(0, len(whole), 100_000)
    ]
    assert {p.status_code for p in parts} == {206} and b"".join(p.data for p in parts) == whole
