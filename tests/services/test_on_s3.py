"""The whole service with its objects in S3: what the folder hides, versions and locks, must not change the outcome."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archive_service.db.models import LocationRow
from archive_service.errors import ArchiveError, Conflict, DocumentRefused, Unavailable
from archive_service.runner import Runner
from archive_service.services import audit, fixity, reading, uploads
from archive_service.services.log import CHECKPOINT_PREFIX
from archive_service.storage.s3 import S3Store
from archive_service.verifier.verify import verify_file
from servers.s3 import S3Access
from tests.office import Office, open_office
from tests.s3 import ON_S3, make_store, new_bucket

pytestmark = [ON_S3, pytest.mark.slow]


def settings_of(access: S3Access, bucket: str) -> dict[str, Any]:
    return {
        "s3_endpoint": access.endpoint,
        "s3_bucket": bucket,
        "s3_access_key": access.access_key,
        "s3_secret_key": access.secret_key,
    }


@pytest.fixture
def office(s3_server: S3Access, office_template: Path, tmp_path: Path) -> Iterator[Office]:
    # the template's database only: nothing is in its store yet
    shutil.copytree(office_template, tmp_path / "var")
    settings = settings_of(s3_server, make_store(s3_server).bucket)
    made = open_office(tmp_path / "var", "2026-03-12T09:00", **settings)
    assert isinstance(made.archive.store, S3Store)
    yield made
    made.archive.store.close()
    made.archive.db.close()


def settle(office: Office, dossier: str) -> bytes:
    """The bundle, once every job and the log have caught up."""
    runner = Runner(office.archive)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        runner.turn()
        try:
            content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
            return b"".join(content.chunks)
        except ArchiveError:
            time.sleep(0.05)
    raise AssertionError("no bundle came")


def test_a_dossier_on_s3_ends_in_a_valid_bundle(office: Office, tmp_path: Path) -> None:
    dossier = office.play("11")
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(settle(office, dossier))
    text, code = verify_file(str(bundle), office.archive.log_key.vkey, "en", False)
    assert code == 0, text
    office.turn()
    assert audit.check_archive(office.archive, with_objects=True).discrepancies == []
    # all of it is claimed, in S3 alone, and locked
    store = office.archive.store
    with office.archive.db.read() as session:
        claimed = {(row.key, row.version_id) for row in session.execute(select(LocationRow)).scalars()}
    stored = {(o.key, o.version_id) for o in store.list_objects("") if not o.key.startswith("log/")}
    assert claimed == stored and len(stored) > 10
    assert not any((tmp_path / "var" / "store").rglob("*"))
    for key, version_id in stored:
        assert store.stat(key, version_id).locked_until is not None
        with pytest.raises(Conflict):
            store.delete(key, version_id)
    checkpoints = list(store.list_objects(CHECKPOINT_PREFIX))
    assert checkpoints and all(store.stat(o.key, o.version_id).locked_until is not None for o in checkpoints)
    tiles = list(store.list_objects("log/tile/"))
    assert tiles and all((store.stat(o.key, o.version_id).locked_until is None) == (".p/" in o.key) for o in tiles)


def test_a_refused_document_leaves_no_version_behind(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    with pytest.raises(DocumentRefused):
        uploads.receive_document(
            office.archive,
            office.actor("ratna"),
            dossier=dossier,
            step="1",
            kind="request_letter",
            file_name="surat.pdf",
            chunks=[b"MZ this is no PDF"],
        )
    assert list(office.archive.store.list_objects("objects/")) == []


def test_an_archive_does_not_start_on_a_bucket_that_is_not_fit(s3_server: S3Access, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        open_office(tmp_path / "var", **settings_of(s3_server, new_bucket()))
    assert caught.value.code == "bucket_unfit"


def test_unclaimed_versions_are_swept_and_claimed_ones_stay(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.play("1")
    with office.archive.store.begin("objects/orphan", limit_bytes=10) as upload:
        upload.append(b"x")
        upload.finish()
    assert fixity.sweep_unclaimed(office.archive) == 0
    # a negative age, as servers tell whole seconds
    monkeypatch.setattr(fixity, "UNCLAIMED_AFTER", timedelta(seconds=-5))
    assert fixity.sweep_unclaimed(office.archive) == 1
    keys = [o.key for o in office.archive.store.list_objects("objects/")]
    assert len(keys) == 1 and "objects/orphan" not in keys


def test_a_newer_version_over_a_recorded_one_is_found_and_never_read(office: Office) -> None:
    dossier = office.play("1")
    with office.archive.db.read() as session:
        place = session.execute(select(LocationRow).order_by(LocationRow.key)).scalars().first()
    assert place is not None and audit.check_archive(office.archive, with_objects=True).discrepancies == []
    store = office.archive.store
    assert isinstance(store, S3Store)
    shadow = b"something else"
    store._client.put_object(store.bucket, place.key, io.BytesIO(shadow), len(shadow))
    found = audit.check_archive(office.archive, with_objects=True).discrepancies
    assert [(d.code, d.place) for d in found] == [("object_shadowed", place.key)]
    assert fixity.find_damaged(office.archive, dossier, [place.digest]) == set(), "the recorded version is what is read"
