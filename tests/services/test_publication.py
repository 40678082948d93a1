"""The published log: in the store before it is signed, in a folder, and stopped where it would fork."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from archive_service.db.models import CheckpointRow, EventRow, LogTileRow
from archive_service.domain import tiles
from archive_service.errors import ArchiveError, Conflict, InvalidInput, LogIntegrityError, NotFound, Unavailable
from archive_service.runner import LogKeeper, Runner
from archive_service.services import audit, health, log, metrics, new_origin, publication
from archive_service.storage.base import ObjectUpload
from archive_service.verifier.log_directory import DirectoryReader, LogReport, check_log
from tests.log_maker import append_many
from tests.office import Office, open_office, wib


def grow(office: Office, count: int, day: int, signer: log.CheckpointSigner | None = None) -> None:
    append_many(office.archive, count, wib(f"2026-04-{day:02}T08:00"), streams=7)
    assert (signer or log.CheckpointSigner(office.archive)).sign() is not None


def stored(office: Office) -> set[str]:
    return {o.key.removeprefix("log/") for o in office.archive.store.list_objects("log/tile/")}


def size_of(office: Office) -> int:
    with office.archive.db.read() as session:
        return log.log_size(session)


def verify(office: Office, folder: Path, **kwargs: Any) -> LogReport:
    return check_log(DirectoryReader(str(folder)), [office.archive.log_key.verifier_key], **kwargs)


def test_the_store_holds_what_a_checkpoint_needs_locked_where_it_is_full(office: Office) -> None:
    signer = log.CheckpointSigner(office.archive)
    grow(office, 100, 1, signer)
    first = size_of(office)
    assert stored(office) == {f"tile/0/000.p/{first}", f"tile/entries/000.p/{first}"}
    grow(office, 500, 2, signer)
    size = size_of(office)
    names = {tiles.tile_path(*tile) for tile in tiles.tile_widths(0, size)}
    names |= {tiles.bundle_path(n, min(256, size - n * 256)) for n in range(-(-size // 256))}
    assert stored(office) == names
    store = office.archive.store
    for found in store.list_objects("log/tile/"):
        is_full = ".p/" not in found.key
        assert (store.stat(found.key, found.version_id).locked_until is not None) == is_full
        if is_full:
            with pytest.raises(Conflict):
                store.delete(found.key, found.version_id)
    assert {d.code for d in audit.check_archive(office.archive).discrepancies} == set()


def test_the_store_alone_holds_the_whole_signed_log(lite: Office) -> None:
    signer = log.CheckpointSigner(lite.archive)
    for day in (1, 2):
        grow(lite, 300, day, signer)
    keys = [lite.archive.log_key.verifier_key]
    report = check_log(publication.StoreReader(lite.archive), keys)
    assert report.verdict == "VALID", report.lines("en")
    assert (report.events, report.kept_checkpoints) == (size_of(lite), 2)
    tile = lite.archive.settings.data_dir / "store" / "log" / "tile" / "entries" / "000"
    tile.chmod(0o644)
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    found = check_log(publication.StoreReader(lite.archive), keys)
    assert {"entry_differs", "root_differs"} <= {d.code for d in found.discrepancies}


def test_nothing_is_signed_while_the_store_takes_nothing(lite: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    append_many(lite.archive, 300, wib("2026-04-01T08:00"), streams=3)
    store = lite.archive.store
    real = store.begin
    taken: list[str] = []

    def begin(key: str, *, limit_bytes: int) -> ObjectUpload:
        if len(taken) == 2:
            raise Unavailable("store_unavailable", "The store is away.")
        taken.append(key)
        return real(key, limit_bytes=limit_bytes)

    monkeypatch.setattr(store, "begin", begin)
    signer = log.CheckpointSigner(lite.archive)
    with pytest.raises(Unavailable):
        signer.sign()
    with lite.archive.db.read() as session:
        assert session.execute(select(CheckpointRow.size)).first() is None
    assert list(store.list_objects(log.CHECKPOINT_PREFIX)) == []
    # sequencing goes on meanwhile, and the same tiles are taken when the store is back
    monkeypatch.undo()
    assert signer.sign() is not None
    assert set(taken) <= {f"log/{name}" for name in stored(lite)}


def test_other_bytes_in_the_store_stop_the_log(lite: Office) -> None:
    append_many(lite.archive, 300, wib("2026-04-01T08:00"), streams=3)
    publication.put_object(lite.archive, "log/tile/0/000", b"another tile")
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(lite.archive).sign()
    assert caught.value.code == "published_differs"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update log_tile set hashes = zeroblob(length(hashes)) where level = 1", "tile_differs"),
        ("update event set data = data || ' ' where id = (select max(id) from event)", "leaf_differs"),
        ("delete from log_leaf where leaf_index = (select max(leaf_index) from log_leaf) - 3", "leaf_differs"),
        ("delete from log_tile where level = 1", "tile_missing"),
    ],
)
def test_what_was_damaged_before_it_was_signed_stops_the_log(lite: Office, damage: str, code: str) -> None:
    append_many(lite.archive, 300, wib("2026-04-01T08:00"), streams=3)
    with lite.forced() as connection:
        connection.execute(text(damage))
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(lite.archive).sign()
    assert caught.value.code == code


def test_a_log_signs_on_after_a_start_and_a_restored_database_is_noticed_without_reading_every_checkpoint(
    lite: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = log.CheckpointSigner(lite.archive)
    for day in (1, 2, 3):
        grow(lite, 20, day, signer)
    backup = tmp_path / "backup.db"
    lite.archive.db.close()
    shutil.copy(lite.archive.settings.data_dir / "archive.db", backup)
    listed: list[str] = []
    store = lite.archive.store
    real = store.list_objects

    def list_objects(prefix: str, *, after: str = "") -> Any:
        for found in real(prefix, after=after):
            listed.append(found.key)
            yield found

    monkeypatch.setattr(store, "list_objects", list_objects)
    grow(lite, 20, 4)
    assert len([key for key in listed if key.startswith(log.CHECKPOINT_PREFIX)]) == 1
    lite.archive.db.close()
    for name in ("archive.db-wal", "archive.db-shm"):
        (lite.archive.settings.data_dir / name).unlink(missing_ok=True)
    shutil.copy(backup, lite.archive.settings.data_dir / "archive.db")
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(lite.archive).sign()
    assert caught.value.code == "log_shrunk"


def test_a_stop_is_said_to_every_process_and_taken_back_once_it_is_mended(office: Office) -> None:
    office.turn()
    with office.forced() as connection:
        first = (LogTileRow.level == 0) & (LogTileRow.tile_index == 0)
        tile = connection.execute(select(LogTileRow.hashes).where(first)).scalar_one()
        connection.execute(update(LogTileRow).where(first).values(hashes=b"\0" * 32 + tile[32:]))
    office.at("2026-03-13T09:10")
    office.open()
    keeper = LogKeeper(office.archive)
    keeper.turn()
    assert keeper.error is not None and keeper.error.startswith("log_forked: ")
    with office.archive.db.read() as session:
        stop = log.find_stop(session)
    assert stop is not None and stop.code == "log_forked"
    check = next(c for c in health.check_health(office.archive) if c.name == "log")
    assert (check.is_ok, check.detail) == (False, "signs nothing: log_forked")
    assert "\narchive_log_stopped 1\n" in metrics.render_metrics(office.archive)
    with office.forced() as connection:
        now = connection.execute(select(LogTileRow.hashes).where(first)).scalar_one()
        connection.execute(update(LogTileRow).where(first).values(hashes=tile[:32] + now[32:]))
    # this process has stopped for good; the next one looks again
    assert keeper.turn() is False
    LogKeeper(office.archive).turn()
    with office.archive.db.read() as session:
        assert log.find_stop(session) is None
    assert "\narchive_log_stopped 0\n" in metrics.render_metrics(office.archive)


def test_figures_follow_the_log(lite: Office) -> None:
    def value(name: str) -> float:
        line = next(s for s in metrics.render_metrics(lite.archive).splitlines() if s.startswith(f"{name} "))
        return float(line.split()[1])

    before = value("archive_log_pending")
    assert before > 0 and value("archive_log_size") == value("archive_log_checkpoint_size") == 0
    lite.turn()
    assert value("archive_log_pending") == 0
    assert value("archive_log_size") == value("archive_log_checkpoint_size") >= before
    assert value("archive_log_lag_seconds") == 0 <= value("archive_log_checkpoint_age_seconds") < 60


def test_a_bundle_that_waits_has_its_checkpoint_at_once_and_others_in_time(lite: Office) -> None:
    runner = Runner(lite.archive)
    lite.turn(runner)
    lite.play("2")
    for _ in range(5):
        runner.turn()
    with lite.archive.db.read() as session:
        newest = publication._newest(session)
        assert newest is not None and newest.size < log.log_size(session)
    dossier = lite.play("11")
    for _ in range(200):
        runner.turn()
        if not log.is_awaited(lite.archive):
            break
    from archive_service.services import reading

    until = 100
    while until:
        runner.turn()
        try:
            reading.read_bundle(lite.archive, lite.actor("maya"), dossier=dossier)
            break
        except ArchiveError:
            until -= 1
    assert until


# a folder --------------------------------------------------------------------------------------------------------


def test_an_export_is_valid_and_goes_on_with_what_is_new(office: Office, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        publication.export_log(office.archive, folder=tmp_path / "log")
    assert caught.value.code == "no_checkpoint"
    folder = tmp_path / "log"
    sizes = []
    for day, count in enumerate((50, 300, 200), 1):
        grow(office, count, day)
        made = publication.export_log(office.archive, folder=folder)
        sizes.append(made.size)
        assert verify(office, folder).verdict == "VALID", verify(office, folder).lines("en")
    # since the last export: two bundles, three tiles, checkpoint twice
    assert made.before == sizes[1] and made.files <= 8
    assert publication.export_log(office.archive, folder=folder).files == 0
    assert verify(office, folder).kept_checkpoints == 3
    fresh = tmp_path / "fresh"
    publication.export_log(office.archive, folder=fresh)
    assert verify(office, fresh, since=(folder / "checkpoint").read_bytes()).verdict == "VALID"


def test_an_export_that_broke_off_goes_on(lite: Office, tmp_path: Path) -> None:
    grow(lite, 600, 1)
    folder = tmp_path / "log"
    whole = publication.export_log(lite.archive, folder=folder).files
    (folder / "checkpoint").unlink()
    (folder / "tile" / "entries" / "001").write_bytes(b"half")
    assert publication.export_log(lite.archive, folder=folder).files == 2 < whole
    assert verify(lite, folder).verdict == "VALID"


def test_a_folder_of_another_log_is_left_alone(lite: Office, tmp_path: Path) -> None:
    grow(lite, 30, 1)
    folder = tmp_path / "log"
    publication.export_log(lite.archive, folder=folder)
    head = (folder / "checkpoint").read_bytes()

    def refused() -> str:
        with pytest.raises(ArchiveError) as caught:
            publication.export_log(lite.archive, folder=folder)
        return caught.value.code

    foreign: list[Callable[[bytes], bytes]] = [
        lambda data: data.replace(b"archive.test/log", b"archive.test/old"),
        lambda data: b"a text",
        lambda data: data.replace(b"\n", b"\nAAAA", 2).replace(b"AAAA", b"", 1),
    ]
    for change in foreign:
        (folder / "checkpoint").write_bytes(change(head))
        assert refused() == "export_differs"
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(InvalidInput) as caught:
        publication.export_log(lite.archive, folder=blocked / "log")
    assert caught.value.code == "folder_unusable"


# another origin --------------------------------------------------------------------------------------------------


@pytest.fixture
def old_head(lite: Office) -> bytes:
    grow(lite, 30, 1)
    return publication.read_checkpoint(lite.archive)


def begin(folder: Path, origin: str, lite: Office, head: bytes, **changes: Any) -> Any:
    from archive_service import wiring
    from archive_service.config import load_settings

    archive = wiring.build(load_settings(data_dir=folder, log_origin=origin), evidence_clock=lite.clock.now)
    try:
        facts = {"checkpoint": head, "vkey": lite.archive.log_key.vkey, "reason": "fork", **changes}
        return new_origin.begin_new_origin(archive, **facts)
    finally:
        archive.db.close()


def test_a_new_origin_begins_with_the_old_checkpoint_and_works_like_any_archive(
    lite: Office, old_head: bytes, tmp_path: Path
) -> None:
    event = begin(tmp_path / "new", "archive.test/log2", lite, old_head)
    assert (event.seq, event.stream, event.origin) == (0, "service", "archive.test/log2")
    made = open_office(tmp_path / "new", "2026-05-01T09:00", log_origin="archive.test/log2")
    try:
        made.turn()
        with made.archive.db.read() as session:
            assert publication.read_entries(session, 0, 1) == [event.data]
        publication.export_log(made.archive, folder=tmp_path / "log")
        report = verify(made, tmp_path / "log")
        assert report.verdict == "VALID", report.lines("en")
        assert report.continued is not None and report.continued["origin"] == "archive.test/log"
        assert audit.check_archive(made.archive).discrepancies == []
        # a second time there is something there
        with pytest.raises(Conflict) as caught:
            new_origin.begin_new_origin(
                made.archive, checkpoint=old_head, vkey=lite.archive.log_key.vkey, reason="fork"
            )
        assert caught.value.code == "store_in_use"
    finally:
        made.archive.db.close()


def test_a_new_origin_takes_only_a_checkpoint_that_the_old_key_signed(
    lite: Office, old_head: bytes, tmp_path: Path
) -> None:
    def code(origin: str = "archive.test/log2", **changes: Any) -> str:
        with pytest.raises(ArchiveError) as caught:
            begin(tmp_path / origin.replace("/", "-"), origin, lite, old_head, **changes)
        return caught.value.code

    assert code("archive.test/log") == "same_origin"
    assert code(vkey=lite.archive.receipt_key.vkey) == "bad_checkpoint"
    assert code(vkey="no key") == "bad_checkpoint"
    assert code(checkpoint=old_head.replace(b"\n", b"\n1", 1)) == "bad_checkpoint"
    assert code(checkpoint=b"nothing") == "bad_checkpoint"
    begin(tmp_path / "new", "archive.test/log3", lite, old_head)
    with pytest.raises(Conflict) as caught:
        begin(tmp_path / "new", "archive.test/log3", lite, old_head)
    assert caught.value.code == "archive_begun"


def test_reading_the_log_is_recorded_once_an_hour(lite: Office) -> None:
    auditor = lite.actor("wahyu")

    def records() -> int:
        with lite.archive.db.read() as session:
            found = session.execute(select(EventRow.data).where(EventRow.type == "record.read")).scalars()
            return sum(b'"what":"log"' in data for data in found)

    for _ in range(3):
        publication.require_log_readable(lite.archive, auditor)
    assert records() == 1
    lite.clock.moment += timedelta(hours=1, seconds=1)
    publication.require_log_readable(lite.archive, auditor)
    assert records() == 2
    for login in ("maya", "nuraini"):
        with pytest.raises(ArchiveError) as caught:
            publication.require_log_readable(lite.archive, lite.actor(login))
        assert caught.value.code == "role_forbidden"
    narrow = replace(auditor, scopes=frozenset(["dossier.read"]))
    with pytest.raises(ArchiveError) as caught:
        publication.require_log_readable(lite.archive, narrow)
    assert caught.value.code == "scope_missing"
