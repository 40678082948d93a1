"""The published log over HTTP, and proofs as files."""

from __future__ import annotations

import base64
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from werkzeug.serving import make_server

from archive_service.app import create_app
from archive_service.domain import merkle, note, tiles
from archive_service.domain.checkpoint import parse_checkpoint
from archive_service.services import log, publication, users
from archive_service.verifier.log_directory import LogUnreadable, UrlReader, check_log
from archive_service.verifier.log_proof import require_proved
from tests.api.conftest import Client
from tests.log_maker import append_many
from tests.office import Office, wib


@pytest.fixture
def app(office: Office) -> APIFlask:
    """The service, whose log has more than one tile and was signed twice."""
    signer = log.CheckpointSigner(office.archive)
    for day in (1, 2):
        append_many(office.archive, 250, wib(f"2026-04-0{day}T08:00"), streams=7)
        assert signer.sign() is not None
    office.clock.moment = wib("2026-04-03T08:00")
    return create_app(office.archive)


def sizes(office: Office) -> list[int]:
    with office.archive.db.read() as session:
        return [size for size, _ in publication._kept_checkpoints(office.archive, 0, log.log_size(session))]


def test_checkpoint_and_keys_are_for_everybody_and_say_how_long_they_hold(office: Office, app: APIFlask) -> None:
    client = app.test_client()
    head = client.get("/log/checkpoint")
    assert head.content_type == "text/plain; charset=utf-8" and head.headers["Cache-Control"] == "no-cache"
    again = client.get("/log/checkpoint", headers={"If-None-Match": head.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    old, new = sizes(office)
    kept = client.get(f"/log/checkpoints/{new:020d}")
    assert kept.data == head.data and "immutable" in kept.headers["Cache-Control"]
    assert parse_checkpoint(note.parse_note(client.get(f"/log/checkpoints/{old:020d}").data).text).size == old
    for path in (f"{new + 1:020d}", f"{new}", "9" * 20):
        assert client.get(f"/log/checkpoints/{path}").status_code == 404
    assert client.get("/log/vkey").get_data(as_text=True).splitlines()[0] == office.archive.log_key.vkey
    append_many(office.archive, 5, wib("2026-04-04T08:00"), streams=2)
    assert log.CheckpointSigner(office.archive).sign() is not None
    fresh = client.get("/log/checkpoint", headers={"If-None-Match": head.headers["ETag"]})
    assert fresh.status_code == 200 and fresh.data != head.data


def test_tiles_are_for_auditors_unless_they_are_published(office: Office, app: APIFlask, call: Client) -> None:
    client, auditor = app.test_client(), call("wahyu")
    assert client.get("/log/tile/0/000").status_code == 401
    assert call("maya").ask("GET", "/log/tile/0/000").status_code == 403
    full = auditor.ask("GET", "/log/tile/0/000")
    assert (full.status_code, len(full.data), full.mimetype) == (200, 8192, "application/octet-stream")
    assert full.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    office.archive.settings.log_access = "public"
    public = client.get("/log/tile/0/000")
    assert public.data == full.data and public.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    entries = client.get("/log/tile/entries/000")
    assert b"".join(merkle.leaf_hash(e) for e in tiles.parse_entries(entries.data, 256)) == full.data
    old, new = sizes(office)
    for size in (old, new):
        for level, index, width in tiles.tile_widths(0, size):
            assert len(client.get(f"/log/{tiles.tile_path(level, index, width)}").data) == width * 32
    for path in ("0/004", f"0/002.p/{new - 511}", "entries/004", "0/x000/000", "7/000", "0/000.p/256", "../checkpoint"):
        assert client.get(f"/log/tile/{path}").status_code == 404, path


def test_a_checkpoint_is_proved_to_continue_an_older_one(office: Office, app: APIFlask) -> None:
    client = app.test_client()
    old, new = sizes(office)
    for query in (f"?old={old}", f"?old={old}&new={new}"):
        found = client.get(f"/api/v1/log/consistency{query}").get_json()
        heads = [parse_checkpoint(note.parse_note(found[name]["note"].encode()).text) for name in ("old", "new")]
        path = [base64.b64decode(step) for step in found["proof"]]
        assert path
        merkle.require_consistency(old, new, path, heads[0].root, heads[1].root)
    for query in ("?old=3", f"?old={new}&new={old}", f"?old={old}&new={new + 1}"):
        answer = client.get(f"/api/v1/log/consistency{query}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "checkpoint_unknown")


def test_proof_files_prove_every_event_of_a_dossier(office: Office, app: APIFlask, call: Client) -> None:
    dossier = office.play("2")
    office.turn()
    office.turn()
    reader = call("maya")
    path = f"/api/v1/dossiers/{dossier}/events"
    key = office.archive.log_key.verifier_key
    one = reader.ask("GET", f"{path}/1/tlog-proof")
    assert one.mimetype == "text/plain"
    proved = require_proved(one.data, [key])
    assert (proved.event.stream, proved.event.seq) == (f"dossier:{dossier}", 1)
    assert require_proved(one.data, [key], entry=proved.event.data).event == proved.event
    answer = reader.ask("GET", f"{path}/proofs")
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        files = {name.partition("/")[2]: made.read(name) for name in made.namelist()}
    assert files.pop("vkey").decode().splitlines()[0] == office.archive.log_key.vkey
    head = files.pop("checkpoint")
    lines = reader.ask("GET", path, headers={"Accept": "*/*"}).data.splitlines()
    assert [require_proved(files[name], [key]).event.data for name in sorted(files)] == lines
    assert all(data.endswith(b"\n\n" + head) for data in files.values())


def test_a_proof_of_something_else_is_refused(office: Office, app: APIFlask, call: Client) -> None:
    dossier = office.play("1")
    office.turn()
    data = call("maya").ask("GET", f"/api/v1/dossiers/{dossier}/events/0/tlog-proof").data
    key = office.archive.log_key.verifier_key
    entry = require_proved(data, [key]).event.data
    lines = data.split(b"\n")
    for changed in (
        data.replace(lines[2], b"index 0"),
        b"\n".join(lines[:3] + lines[4:]),
        b"\n".join(lines[:1] + lines[2:]),
        data.replace(lines[1], b"extra " + base64.b64encode(entry + b" ")),
        data[:-10] + b"AAAAAAAA==",
    ):
        with pytest.raises(ValueError):
            require_proved(changed, [key])
    with pytest.raises(ValueError, match="not signed by this key"):
        require_proved(data, [office.archive.receipt_key.verifier_key])


def test_proofs_wait_for_their_checkpoint(office: Office, app: APIFlask, call: Client) -> None:
    office.turn()
    dossier = office.play("1")
    answer = call("maya").ask("GET", f"/api/v1/dossiers/{dossier}/events/proofs")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_yet_covered")


@pytest.fixture
def url(app: APIFlask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/log"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_log_is_verified_over_http_with_an_auditors_token(office: Office, url: str, tmp_path: Path) -> None:
    token = users.create_token(office.archive, office.actor("wahyu"), name="verify", days=1).secret
    reader = UrlReader(url, {"Authorization": f"Bearer {token}"})
    old = publication.read_kept_checkpoint(office.archive, size=sizes(office)[0])
    report = check_log(reader, [office.archive.log_key.verifier_key], since=old)
    assert report.verdict == "VALID", report.lines("en")
    assert report.events == sizes(office)[1]
    reader.close()
    stranger = UrlReader(url)
    with pytest.raises(LogUnreadable, match="token"):
        check_log(stranger)
    stranger.close()


def test_metrics_are_read_by_prometheus(app: APIFlask) -> None:
    answer = app.test_client().get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.get_data(as_text=True).splitlines()
    assert "archive_log_stopped 0" in lines
    assert all(line.startswith("# ") or len(line.split(" ")) == 2 for line in lines)
