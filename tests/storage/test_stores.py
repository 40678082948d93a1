"""What every ObjectStore keeps to, over the folder and over a real S3 server."""

from __future__ import annotations

import errno
import gc
import os
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from archive_service.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from archive_service.storage.base import ObjectStore, RangedReader, ReceivedObject
from archive_service.storage.folder import INCOMING, LOCKS, FolderStore
from tests.s3 import ON_S3, make_store, real_now

NOW = datetime(2026, 3, 13, tzinfo=UTC)


class Clock:
    """A clock that the test sets; with ``is_real`` it can only be waited for."""

    def __init__(self, is_real: bool) -> None:
        self.is_real = is_real
        self.now = NOW

    def __call__(self) -> datetime:
        return real_now() if self.is_real else self.now

    def wait_until(self, moment: datetime) -> None:
        """Let the time pass."""
        while self.is_real and real_now() < moment:
            time.sleep(0.1)
        self.now = moment


def make_folder(request: pytest.FixtureRequest, clock: Clock) -> ObjectStore:
    path: Path = request.getfixturevalue("tmp_path")
    return FolderStore(path / "store", clock)


def make_s3(request: pytest.FixtureRequest, clock: Clock) -> ObjectStore:
    return make_store(request.getfixturevalue("s3_server"), clock=clock)


STORES: dict[str, Callable[[pytest.FixtureRequest, Clock], ObjectStore]] = {"folder": make_folder, "s3": make_s3}


@pytest.fixture(params=["folder", pytest.param("s3", marks=ON_S3)])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def clock(kind: str) -> Clock:
    return Clock(is_real=kind == "s3")


@pytest.fixture
def store(request: pytest.FixtureRequest, kind: str, clock: Clock) -> ObjectStore:
    return STORES[kind](request, clock)


def put(store: ObjectStore, key: str, data: bytes, limit_bytes: int = 10**6) -> ReceivedObject:
    with store.begin(key, limit_bytes=limit_bytes) as upload:
        for start in range(0, len(data), 1000):
            upload.append(data[start : start + 1000])
        return upload.finish()


def test_what_went_in_comes_out_with_its_digests(store: ObjectStore) -> None:
    data = bytes(range(256)) * 50
    received = put(store, "objects/a", data)
    assert (received.size, received.digest_hex, received.crc32) == (
        len(data),
        sha256(data).hexdigest(),
        zlib.crc32(data),
    )
    assert b"".join(store.read("objects/a", received.version_id, chunk_bytes=999)) == data
    assert store.read_range("objects/a", received.version_id, 250, 12) == data[250:262]
    assert store.read_range("objects/a", received.version_id, len(data) - 3, 12) == data[-3:]
    assert store.read_range("objects/a", received.version_id, len(data), 12) == b""
    assert store.read_range("objects/a", received.version_id, 5, 0) == b""
    assert store.stat("objects/a", received.version_id).size == len(data)


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    received = put(store, "objects/a", b"")
    assert received.size == 0
    assert b"".join(store.read("objects/a", received.version_id)) == b""
    assert store.read_range("objects/a", received.version_id, 0, 10) == b""


def test_nothing_is_overwritten(store: ObjectStore) -> None:
    first = store.begin("objects/a", limit_bytes=10)
    kept = put(store, "objects/a", b"one")
    first.append(b"two")
    with pytest.raises(Conflict) as caught:
        first.finish()
    assert caught.value.code == "object_exists"
    with pytest.raises(Conflict):
        put(store, "objects/a", b"three")
    assert [o.version_id for o in store.list_objects("objects/a")] == [kept.version_id]
    assert b"".join(store.read("objects/a", kept.version_id)) == b"one"


def test_an_object_appears_only_when_it_is_finished(store: ObjectStore) -> None:
    upload = store.begin("objects/a", limit_bytes=10)
    upload.append(b"half")
    assert list(store.list_objects("")) == []
    upload.abort()
    upload.abort()
    assert list(store.list_objects("")) == []
    with pytest.raises(RuntimeError):
        upload.append(b"more")


def test_leaving_the_block_without_finishing_leaves_nothing(store: ObjectStore) -> None:
    with pytest.raises(ZeroDivisionError), store.begin("objects/a", limit_bytes=10) as upload:
        upload.append(b"half")
        raise ZeroDivisionError
    assert list(store.list_objects("")) == []
    with pytest.raises(NotFound):
        store.stat("objects/a", "1")


def test_one_byte_too_many_is_refused(store: ObjectStore) -> None:
    assert put(store, "objects/fits", b"x" * 10, limit_bytes=10).size == 10
    with pytest.raises(TooLarge) as caught:
        put(store, "objects/over", b"x" * 11, limit_bytes=10)
    assert (caught.value.code, caught.value.params) == ("file_too_large", {"limit_bytes": 10})
    assert [o.key for o in store.list_objects("objects/")] == ["objects/fits"]


def test_a_listing_is_in_order_and_by_prefix(store: ObjectStore) -> None:
    for key in ("log/b", "log/a", "objects/c"):
        put(store, key, b"x")
    assert [o.key for o in store.list_objects("log/")] == ["log/a", "log/b"]
    assert [o.key for o in store.list_objects("")] == ["log/a", "log/b", "objects/c"]
    assert [o.key for o in store.list_objects("log/", after="log/a")] == ["log/b"]
    assert [o.key for o in store.list_objects("log/", after="log/A")] == ["log/a", "log/b"]
    assert list(store.list_objects("log/", after="log/b")) == []
    assert list(store.list_objects("nothing/")) == []


def test_a_locked_object_is_not_deleted_before_its_time(store: ObjectStore, clock: Clock) -> None:
    received = put(store, "objects/a", b"x")
    assert store.stat("objects/a", received.version_id).locked_until is None
    end = clock().replace(microsecond=0) + timedelta(seconds=3)
    store.lock("objects/a", received.version_id, end)
    store.lock("objects/a", received.version_id, end - timedelta(seconds=1))
    assert store.stat("objects/a", received.version_id).locked_until == end
    with pytest.raises(Conflict) as caught:
        store.delete("objects/a", received.version_id)
    assert caught.value.code == "object_locked"
    clock.wait_until(end + timedelta(seconds=0.5))
    store.delete("objects/a", received.version_id)
    assert list(store.list_objects("")) == []
    store.delete("objects/a", received.version_id)


def test_a_lock_is_extended(store: ObjectStore, clock: Clock) -> None:
    received = put(store, "objects/a", b"x")
    for days in (1, 30, 2):
        store.lock("objects/a", received.version_id, clock() + timedelta(days=days))
    locked_until = store.stat("objects/a", received.version_id).locked_until
    assert locked_until is not None
    assert timedelta(days=30) - timedelta(minutes=1) < locked_until - clock() < timedelta(days=30, seconds=2)


def test_a_lock_never_ends_before_its_time(store: ObjectStore, clock: Clock) -> None:
    received = put(store, "objects/a", b"x")
    until = clock().replace(microsecond=987_654) + timedelta(days=1)
    store.lock("objects/a", received.version_id, until)
    locked_until = store.stat("objects/a", received.version_id).locked_until
    assert locked_until is not None and until <= locked_until <= until + timedelta(seconds=1)


def test_a_lock_that_has_ended_already_keeps_nothing(store: ObjectStore, clock: Clock) -> None:
    received = put(store, "objects/a", b"x")
    store.lock("objects/a", received.version_id, clock() - timedelta(days=1))
    store.delete("objects/a", received.version_id)
    assert list(store.list_objects("")) == []


def test_a_legal_hold_keeps_an_object_until_it_is_lifted(store: ObjectStore) -> None:
    received = put(store, "objects/a", b"x")
    assert not store.stat("objects/a", received.version_id).is_held
    for _ in range(2):
        store.hold("objects/a", received.version_id, True)
    assert store.stat("objects/a", received.version_id).is_held
    with pytest.raises(Conflict) as caught:
        store.delete("objects/a", received.version_id)
    assert caught.value.code == "object_locked"
    for _ in range(2):
        store.hold("objects/a", received.version_id, False)
    assert not store.stat("objects/a", received.version_id).is_held
    store.delete("objects/a", received.version_id)
    assert list(store.list_objects("")) == []


def test_a_key_is_free_again_after_its_object_is_deleted(store: ObjectStore) -> None:
    store.delete("objects/a", put(store, "objects/a", b"one").version_id)
    second = put(store, "objects/a", b"two")
    assert b"".join(store.read("objects/a", second.version_id)) == b"two"


def test_what_is_not_there_is_said_so(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.read("objects/a", "1")
    with pytest.raises(NotFound):
        store.read_range("objects/a", "1", 0, 1)
    with pytest.raises(NotFound):
        store.lock("objects/a", "1", NOW)
    with pytest.raises(NotFound):
        store.hold("objects/a", "1", True)
    store.delete("objects/a", "1")
    put(store, "objects/a", b"x")
    with pytest.raises(NotFound):
        store.stat("objects/a", "another-version")


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "A", "a b", ".hidden", "a/.hidden", "a\x00", "x" * 201]
)
def test_keys_play_no_tricks(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInput):
        store.begin(key, limit_bytes=1)


def test_a_ranged_reader_reads_like_a_file(store: ObjectStore) -> None:
    data = bytes(range(256)) * 4
    received = put(store, "objects/a", data)
    with RangedReader(store, "objects/a", received.version_id, received.size) as reader:
        assert reader.seekable() and reader.readable()
        assert reader.read(10) == data[:10] and reader.tell() == 10
        assert reader.seek(-4, os.SEEK_END) == len(data) - 4
        assert reader.read() == data[-4:] and reader.read(5) == b""
        assert reader.seek(3) == 3 and reader.seek(2, os.SEEK_CUR) == 5
        with pytest.raises(ValueError, match="before its beginning"):
            reader.seek(-1)


def test_a_folder_of_objects_is_no_object(store: ObjectStore) -> None:
    put(store, "objects/a", b"x")
    with pytest.raises(NotFound):
        store.stat("objects", "1")
    with pytest.raises(NotFound):
        store.read_range("objects", "1", 0, 1)
    with pytest.raises(NotFound):
        store.stat("objects/a/b", "1")


def test_an_iterator_that_nobody_begins_leaves_no_file_open(store: ObjectStore) -> None:
    version_id = put(store, "objects/a", b"x").version_id
    chunks = store.read("objects/a", version_id)
    del chunks
    gc.collect()
    assert store.stat("objects/a", version_id).size == 1


def test_a_lock_needs_an_aware_time(store: ObjectStore) -> None:
    version_id = put(store, "objects/a", b"x").version_id
    with pytest.raises(ValueError, match="aware"):
        store.lock("objects/a", version_id, NOW.replace(tzinfo=None))


# the folder alone -------------------------------------------------------------------------------------------------


@pytest.fixture
def set_clock() -> Clock:
    return Clock(is_real=False)


def test_a_full_disk_is_said_plainly_and_leaves_nothing(
    tmp_path: Path, set_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path, set_clock)
    upload = store.begin("objects/a", limit_bytes=100)
    upload.append(b"x")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable) as caught:
        upload.finish()
    assert caught.value.code == "store_unavailable" and "No space left" in caught.value.detail
    assert list((tmp_path / INCOMING).iterdir()) == [] and list(store.list_objects("")) == []


def test_finished_objects_are_read_only_files(tmp_path: Path, set_clock: Clock) -> None:
    put(FolderStore(tmp_path, set_clock), "objects/a", b"x")
    assert (tmp_path / "objects" / "a").stat().st_mode & 0o777 == 0o444


def test_leftovers_of_broken_uploads_are_swept_when_old(tmp_path: Path, set_clock: Clock) -> None:
    store = FolderStore(tmp_path, set_clock)
    upload = store.begin("objects/a", limit_bytes=100)
    upload.append(b"x")
    assert store.sweep_incoming(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert store.sweep_incoming(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert store.sweep_incoming(datetime.now(UTC) + timedelta(hours=1)) == 0
    upload.abort()


def test_a_damaged_lock_is_taken_for_a_lock(tmp_path: Path, set_clock: Clock) -> None:
    store = FolderStore(tmp_path, set_clock)
    put(store, "objects/a", b"x")
    store.lock("objects/a", "1", NOW + timedelta(days=1))
    (tmp_path / LOCKS / "objects" / "a").write_text("")
    with pytest.raises(Unavailable) as caught:
        store.delete("objects/a", "1")
    assert caught.value.code == "store_unavailable" and (tmp_path / "objects" / "a").exists()


def test_a_folder_gives_no_address_to_download_from(tmp_path: Path, set_clock: Clock) -> None:
    store = FolderStore(tmp_path, set_clock)
    put(store, "objects/a", b"x")
    assert store.presign("objects/a", "1", timedelta(hours=1), "a.pdf", "application/pdf") is None
