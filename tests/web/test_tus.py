"""Resumable uploads by the tus protocol: begun, cut, gone on with, received once, refused in plain words, forgotten."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete
from werkzeug.test import TestResponse

from archive_service.db.models import PartialUploadRow
from archive_service.errors import Unavailable
from archive_service.services import partial_uploads, uploads
from archive_service.services.work import load_dossier
from tests.office import SAMPLES, Office
from tests.web.conftest import ORIGIN, Browser

LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
HALF = len(LETTER) // 2


class Sender:
    """A browser that speaks tus."""

    def __init__(self, browser: Browser, dossier: str) -> None:
        self.browser = browser
        self.dossier = dossier
        self.token = browser.token()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> TestResponse:
        """The answer to one request, headers with ``_`` for ``-``."""
        sent = {"Origin": ORIGIN, "X-CSRF-Token": self.token, "Tus-Resumable": "1.0.0", "Accept": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.client.open(path, method=method, data=body, headers=sent, buffered=True)

    def begin(self, size: int = len(LETTER), step: str = "1", **told: str) -> TestResponse:
        """The answer to the creation of an upload."""
        facts = {"kind": "request_letter", "filename": "surat.pdf", "fingerprint": "a" * 64, **told}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
        path = f"/dossiers/{self.dossier}/steps/{step}/uploads"
        return self.ask("POST", path, Upload_Length=str(size), Upload_Metadata=metadata)

    def piece(self, place: str, offset: int, body: bytes) -> TestResponse:
        """The answer to a piece."""
        headers = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"}
        return self.ask("PATCH", place, body, **headers)


@pytest.fixture
def sender(browser: Browser) -> Sender:
    browser.office.at("2026-03-13T09:10")
    return Sender(browser.settle("ratna"), browser.office.open())


def versions(office: Office, dossier: str) -> int:
    with office.archive.db.read() as session:
        return len(load_dossier(office.archive, session, dossier).versions)


def test_an_upload_goes_on_where_it_was_cut_and_is_received_once(sender: Sender) -> None:
    office = sender.browser.office
    begun = sender.begin()
    assert begun.status_code == 201 and begun.headers["Tus-Resumable"] == "1.0.0" and "Upload-Expires" in begun.headers
    place = begun.headers["Location"]
    first = sender.piece(place, 0, LETTER[:HALF])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(HALF))
    again = sender.begin()
    assert again.headers["Location"] == place and again.headers["Upload-Offset"] == str(HALF), "the same file goes on"
    (unfinished,) = sender.ask("GET", f"/dossiers/{sender.dossier}/uploads").get_json()["uploads"]
    assert (unfinished["offset"], unfinished["size"], unfinished["url"]) == (HALF, len(LETTER), place)
    stands = sender.ask("HEAD", place)
    assert (stands.headers["Upload-Offset"], stands.headers["Upload-Length"]) == (str(HALF), str(len(LETTER)))
    assert versions(office, sender.dossier) == 0
    last = sender.piece(place, HALF, LETTER[HALF:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(LETTER)))
    told = sender.ask("GET", place).get_json()
    with office.archive.db.read() as session:
        (version,) = load_dossier(office.archive, session, sender.dossier).versions
    assert (told["version"], told["digest"]) == (version.id, version.digest)
    assert sender.browser.get(told["receipt"]).status_code == 200
    assert sender.piece(place, len(LETTER), b"").status_code == 204, "asked again after a cut line: received already"
    assert versions(office, sender.dossier) == 1
    assert sender.ask("GET", f"/dossiers/{sender.dossier}/uploads").get_json() == {"uploads": []}
    assert list(office.archive.settings.partial_folder.iterdir()) == []


def test_a_line_cut_in_the_middle_of_a_piece_keeps_what_arrived(sender: Sender) -> None:
    office = sender.browser.office
    place = sender.begin().headers["Location"]
    upload = place.rsplit("/", 1)[1]

    def cut() -> Iterator[bytes]:
        yield LETTER[:1000]
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        partial_uploads.append_bytes(
            office.archive, office.actor("ratna"), dossier=sender.dossier, upload=upload, offset=0, chunks=cut()
        )
    assert sender.ask("HEAD", place).headers["Upload-Offset"] == "1000"
    assert sender.piece(place, 1000, LETTER[1000:]).status_code == 204
    assert versions(office, sender.dossier) == 1


def test_a_file_that_is_refused_says_why_and_leaves_nothing(sender: Sender) -> None:
    office = sender.browser.office
    program = b"MZ" + b"\0" * 500
    place = sender.begin(size=len(program)).headers["Location"]
    refused = sender.piece(place, 0, program)
    assert refused.status_code == 422 and "berisi program" in refused.get_json()["sentence"]
    assert "berisi program" in sender.ask("GET", place).get_json()["sentence"], "asked again after a cut line"
    assert sender.piece(place, len(program), b"").status_code == 422, "and refused again"
    assert versions(office, sender.dossier) == 0 and list(office.archive.settings.partial_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"size": 0}, 422, "File kosong"),
        ({"size": 6 * 2**30}, 413, "File terlalu besar"),
        ({"kind": "minutes"}, 422, ""),
        ({"filename": "../surat.pdf"}, 422, "Nama file"),
        ({"step": "4"}, 409, ""),
    ],
)
def test_what_cannot_be_taken_is_refused_before_a_byte_flows(
    sender: Sender, change: dict[str, str], status: int, words: str
) -> None:
    answer = sender.begin(**change)  # type: ignore[arg-type]
    assert answer.status_code in (status, 403) and words in answer.get_json()["sentence"]
    assert sender.ask("GET", f"/dossiers/{sender.dossier}/uploads").get_json() == {"uploads": []}


def test_the_protocol_is_kept(sender: Sender) -> None:
    place = sender.begin().headers["Location"]
    wrong = sender.piece(place, 5, LETTER)
    assert wrong.status_code == 409 and "berlanjut" in wrong.get_json()["sentence"]
    assert sender.ask("PATCH", place, LETTER, Upload_Offset="0").status_code == 422, "of another media type"
    typed = {"Upload_Offset": "x", "Content_Type": "application/offset+octet-stream"}
    assert sender.ask("PATCH", place, LETTER, **typed).status_code == 422
    assert sender.piece(place, 0, LETTER + b"more").status_code == 422, "more than was announced"
    assert sender.ask("HEAD", place).headers["Upload-Offset"] == "0"
    assert sender.ask("POST", f"/dossiers/{sender.dossier}/steps/1/uploads", Tus_Resumable="0.2").status_code == 422
    place_of_new = f"/dossiers/{sender.dossier}/steps/1/uploads"
    assert sender.ask("POST", place_of_new, Upload_Length="5", Upload_Metadata="filename %%%").status_code == 422
    assert sender.ask("DELETE", place).status_code == 204 and sender.ask("HEAD", place).status_code == 404
    assert list(sender.browser.office.archive.settings.partial_folder.iterdir()) == []


def test_nobody_sees_or_sends_to_anothers_upload_and_two_requests_do_not_mix(sender: Sender, app: Flask) -> None:
    office = sender.browser.office
    place = sender.begin().headers["Location"]
    upload = place.rsplit("/", 1)[1]
    other = Sender(Browser(app, office).settle("maya"), sender.dossier)
    assert other.ask("HEAD", place).status_code == 404
    assert other.piece(place, 0, LETTER).status_code == 404 and other.ask("DELETE", place).status_code == 404
    with partial_uploads._held(office.archive, upload):
        for busy in (sender.piece(place, 0, LETTER), sender.ask("DELETE", place)):
            assert busy.status_code == 409 and "jendela lain" in busy.get_json()["sentence"]
    assert sender.ask("HEAD", place).status_code == 200


def test_an_upload_that_nobody_goes_on_with_is_forgotten(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    office = sender.browser.office
    place = sender.begin().headers["Location"]
    sender.piece(place, 0, LETTER[:HALF])
    assert partial_uploads.sweep_partial_uploads(office.archive) == 0
    later = office.archive.timer() + timedelta(days=4)
    monkeypatch.setattr(office, "now", lambda: later, raising=False)
    object.__setattr__(office.archive, "timer", lambda: later)
    with partial_uploads._held(office.archive, place.rsplit("/", 1)[1]):
        assert partial_uploads.sweep_partial_uploads(office.archive) == 0, "somebody sends to it"
    assert partial_uploads.sweep_partial_uploads(office.archive) == 1
    assert list(office.archive.settings.partial_folder.iterdir()) == []


def test_an_upload_that_is_gone_when_its_last_byte_came_makes_no_document(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no lock holds it back: the web process and the sweep on two machines with a disk that does not lock."""
    office = sender.browser.office
    place = sender.begin().headers["Location"]
    whole = uploads.receive_document

    def forget_first(*args: Any, **kwargs: Any) -> object:
        with office.archive.db.write() as session:
            session.execute(delete(PartialUploadRow))
        return whole(*args, **kwargs)

    monkeypatch.setattr(uploads, "receive_document", forget_first)
    answer = sender.piece(place, 0, LETTER)
    assert answer.status_code == 409 and "dihapus" in answer.get_json()["sentence"]
    assert versions(office, sender.dossier) == 0
    assert list(office.archive.settings.partial_folder.iterdir()) == []


def test_so_many_are_under_way_and_no_more(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_uploads, "UNDER_WAY_LIMIT", 1)
    assert sender.begin().status_code == 201
    full = sender.begin(fingerprint="b" * 64)
    assert full.status_code == 409 and "Selesaikan" in full.get_json()["sentence"]


@pytest.mark.parametrize(("name", "limit"), [("EVERYWHERE_LIMIT", 1), ("EVERYWHERE_BYTES", 2 * len(LETTER) - 1)])
def test_so_much_is_under_way_in_all_dossiers_and_no_more(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(partial_uploads, name, limit)
    assert sender.begin().status_code == 201
    sender.dossier = sender.browser.office.open()
    full = sender.begin(fingerprint="b" * 64)
    assert full.status_code == 409 and "semua" in full.get_json()["sentence"]


def test_a_file_that_no_upload_belongs_to_goes_once_it_is_old(sender: Sender) -> None:
    folder = sender.browser.office.archive.settings.partial_folder
    place = sender.begin().headers["Location"]
    sender.piece(place, 0, LETTER[:HALF])
    old, fresh = folder / f"{'a' * 32}.part", folder / f"{'b' * 32}.part"
    for stray in (old, fresh):
        stray.write_bytes(b"x")
    long_ago = datetime.now(UTC).timestamp() - 4 * 86400
    for aged in (old, folder / f"{place.rsplit('/', 1)[1]}.part"):
        os.utime(aged, (long_ago, long_ago))
    partial_uploads.sweep_partial_uploads(sender.browser.office.archive)
    assert not old.exists() and fresh.exists()
    assert sender.ask("HEAD", place).headers["Upload-Offset"] == str(HALF), "an upload's own file stays as long as it"


def test_a_finish_that_could_not_be_is_tried_again_and_nothing_is_called_received(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = sender.browser.office
    place = sender.begin().headers["Location"]

    def busy(*args: object, **kwargs: object) -> None:
        raise Unavailable("database_busy", "Try again.", retry_after_seconds=1)

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "receive_document", busy)
        assert sender.piece(place, 0, LETTER).status_code == 503
    told = sender.ask("GET", place).get_json()
    assert told["offset"] == len(LETTER) and "version" not in told and "sentence" not in told
    assert sender.piece(place, len(LETTER), b"").status_code == 204
    assert "version" in sender.ask("GET", place).get_json() and versions(office, sender.dossier) == 1


def test_a_process_that_dies_after_the_event_receives_the_file_once(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = sender.browser.office
    place = sender.begin().headers["Location"]
    whole = uploads.receive_document

    def die(*args: Any, **kwargs: Any) -> None:
        whole(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(uploads, "receive_document", die)
        sender.piece(place, 0, LETTER)
    assert sender.piece(place, len(LETTER), b"").status_code == 204
    assert versions(office, sender.dossier) == 1 and "version" in sender.ask("GET", place).get_json()
