"""What only a store on a server has: versions, parts, buckets, addresses to download from, and ways to be out of reach."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.error import S3Error
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from archive_service.errors import Conflict, InvalidInput, NotFound, Unavailable
from archive_service.storage import s3
from archive_service.storage.base import ReceivedObject
from archive_service.storage.s3 import MIB, PART_BYTES, S3Store
from servers.s3 import S3Access
from tests.s3 import ON_S3, make_store, new_bucket, plain_client, real_now

pytestmark = ON_S3
UNKNOWN = "6715656fb42f4a7bbeb84e160f17ec3b"


@pytest.fixture
def store(s3_server: S3Access) -> Iterator[S3Store]:
    made = make_store(s3_server)
    yield made
    made.close()


@pytest.fixture
def client(s3_server: S3Access) -> Minio:
    return plain_client(s3_server)


def put(store: S3Store, key: str, *chunks: bytes) -> ReceivedObject:
    with store.begin(key, limit_bytes=10**9) as upload:
        for chunk in chunks:
            upload.append(chunk)
        return upload.finish()


def pending(client: Minio, store: S3Store) -> list[str]:
    return [upload.object_name for upload in client._list_multipart_uploads(store.bucket).uploads]


def everything(client: Minio, store: S3Store) -> list[tuple[str, bool]]:
    """Keys of all versions and delete markers, and which of them are markers."""
    listed = client.list_objects(store.bucket, recursive=True, include_version=True)
    return [(str(found.object_name), found.is_delete_marker) for found in listed]


# versions and locks ------------------------------------------------------------------------------------------------


def test_the_version_id_is_the_servers_own(store: S3Store, client: Minio) -> None:
    received = put(store, "objects/a", b"x")
    assert [o.version_id for o in store.list_objects("")] == [received.version_id]
    assert client.stat_object(store.bucket, "objects/a").version_id == received.version_id


def test_deleting_leaves_neither_a_version_nor_a_delete_marker(store: S3Store, client: Minio) -> None:
    received = put(store, "objects/a", b"x")
    store.delete("objects/a", UNKNOWN)
    with pytest.raises(NotFound):
        store.delete("objects/a", "")
    assert everything(client, store) == [("objects/a", False)]
    store.delete("objects/a", received.version_id)
    assert everything(client, store) == []


def test_an_object_hidden_by_a_delete_marker_is_still_read_and_keeps_its_key(store: S3Store, client: Minio) -> None:
    received = put(store, "objects/a", b"x")
    client.remove_object(store.bucket, "objects/a")
    assert everything(client, store) == [("objects/a", False), ("objects/a", True)]
    assert [o.version_id for o in store.list_objects("")] == [received.version_id]
    assert b"".join(store.read("objects/a", received.version_id)) == b"x"
    with pytest.raises(Conflict):
        store.begin("objects/a", limit_bytes=1)


def test_an_object_is_free_until_its_lock_is_set(store: S3Store, client: Minio) -> None:
    received = put(store, "objects/a", b"x" * PART_BYTES, b"y")
    assert store.stat("objects/a", received.version_id).locked_until is None
    store.lock("objects/a", received.version_id, real_now() + timedelta(days=1))
    with pytest.raises(S3Error):
        client.remove_object(store.bucket, "objects/a", version_id=received.version_id)
    with pytest.raises(Conflict) as caught:
        store.delete("objects/a", received.version_id)
    assert caught.value.code == "object_locked" and "locked until" in caught.value.detail


def test_a_compliance_lock_of_somebody_else_is_extended_as_such(store: S3Store, client: Minio) -> None:
    version_id = put(store, "objects/a", b"x").version_id
    client.set_object_retention(
        store.bucket, "objects/a", Retention(COMPLIANCE, real_now() + timedelta(seconds=5)), version_id=version_id
    )
    end = (real_now() + timedelta(seconds=20)).replace(microsecond=0)
    store.lock("objects/a", version_id, end)
    headers = client.stat_object(store.bucket, "objects/a", version_id=version_id).metadata
    assert headers is not None and headers["x-amz-object-lock-mode"] == COMPLIANCE
    assert store.stat("objects/a", version_id).locked_until == end


def test_a_lock_that_another_extends_meanwhile_stands(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    version_id = put(store, "objects/a", b"x").version_id
    set_retention = store._client.set_object_retention

    def outpaced(bucket: str, key: str, config: Retention, version_id: str) -> None:
        longer = Retention(config.mode, config.retain_until_date + timedelta(days=7))
        set_retention(bucket, key, longer, version_id=version_id)
        set_retention(bucket, key, config, version_id=version_id)

    monkeypatch.setattr(store._client, "set_object_retention", outpaced)
    until = real_now() + timedelta(days=1)
    store.lock("objects/a", version_id, until)
    locked_until = store.stat("objects/a", version_id).locked_until
    assert locked_until is not None and locked_until >= until + timedelta(days=7)


# uploads -----------------------------------------------------------------------------------------------------------


def test_forty_mebibytes_go_in_five_parts_with_two_in_memory(store: S3Store, client: Minio) -> None:
    chunks = [bytes([number]) * MIB for number in range(40)]
    digest = sha256(b"".join(chunks)).hexdigest()
    tracemalloc.start()
    try:
        received = put(store, "objects/a", *chunks)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        seen = sha256()
        for chunk in store.read("objects/a", received.version_id):
            seen.update(chunk)
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (received.size, received.digest_hex, seen.hexdigest()) == (40 * MIB, digest, digest)
    assert str(client.stat_object(store.bucket, "objects/a").etag).endswith("-5")
    assert written < 2 * PART_BYTES + 6 * MIB and read < 6 * MIB
    assert store.read_range("objects/a", received.version_id, PART_BYTES - 1, 2) == bytes([7, 8])


@pytest.mark.parametrize(("size", "parts"), [(PART_BYTES, 0), (PART_BYTES + 1, 2), (2 * PART_BYTES, 2)])
def test_what_fits_into_one_part_goes_without_parts(store: S3Store, client: Minio, size: int, parts: int) -> None:
    received = put(store, "objects/a", b"x" * (size - 1), b"y")
    _, _, count = str(client.stat_object(store.bucket, "objects/a").etag).partition("-")
    assert int(count or 0) == parts
    assert store.stat("objects/a", received.version_id).size == size


def test_parts_grow_with_the_limit_so_that_ten_thousand_are_enough(store: S3Store) -> None:
    for limit_bytes, part_bytes in ((1, 8 * MIB), (10_000 * 8 * MIB, 8 * MIB), (10_000 * 8 * MIB + 1, 9 * MIB)):
        assert s3._MultipartSink(store, "objects/a", limit_bytes)._part_bytes == part_bytes


def test_an_aborted_upload_leaves_no_parts(store: S3Store, client: Minio) -> None:
    upload = store.begin("objects/a", limit_bytes=10**9)
    upload.append(b"x" * (PART_BYTES + 1))
    assert pending(client, store) == ["objects/a"]
    upload.abort()
    assert pending(client, store) == [] and everything(client, store) == []


def test_a_large_object_does_not_take_a_key_either(store: S3Store, client: Minio) -> None:
    slow = store.begin("objects/a", limit_bytes=10**9)
    slow.append(b"x" * (PART_BYTES + 1))
    kept = put(store, "objects/a", b"first")
    with pytest.raises(Conflict) as caught:
        slow.finish()
    assert caught.value.code == "object_exists"
    assert pending(client, store) == []
    assert [o.version_id for o in store.list_objects("")] == [kept.version_id]


@pytest.mark.parametrize("size", [5, PART_BYTES + 1])
def test_nothing_is_overwritten_where_the_server_heeds_no_precondition(
    store: S3Store, client: Minio, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    execute = store._client._execute

    def heedless(*arguments: Any, **named: Any) -> Any:
        (named.get("headers") or {}).pop("If-None-Match", None)
        return execute(*arguments, **named)

    monkeypatch.setattr(store._client, "_execute", heedless)
    slow = store.begin("objects/a", limit_bytes=10**9)
    slow.append(b"x" * size)
    kept = put(store, "objects/a", b"first")
    with pytest.raises(Conflict) as caught:
        slow.finish()
    assert caught.value.code == "object_exists"
    assert [o.version_id for o in store.list_objects("")] == [kept.version_id]
    assert pending(client, store) == [] and everything(client, store) == [("objects/a", False)]


def corrupting(store: S3Store) -> Callable[..., Any]:
    put_object = store._client._put_object

    def corrupt(bucket: str, key: str, data: bytes, headers: dict[str, Any], query: Any = None) -> Any:
        damaged = b"?" + bytes(data[1:])
        return put_object(bucket, key, damaged, {k: v for k, v in headers.items() if k != "Content-MD5"}, query)

    return corrupt


@pytest.mark.parametrize("size", [5, PART_BYTES + 1])
def test_bytes_that_change_on_the_way_are_refused_and_leave_nothing(
    store: S3Store, client: Minio, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(store._client, "_put_object", corrupting(store))
    with pytest.raises(Unavailable) as caught:
        put(store, "objects/a", b"x" * size)
    assert caught.value.code == "store_unavailable"
    assert pending(client, store) == [] and everything(client, store) == []


def test_a_part_is_sent_again_after_a_reset_and_a_whole_object_is_not(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_object = store._client._put_object
    calls = 0

    def flaky(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise urllib3.exceptions.ProtocolError("reset")
        return put_object(*arguments)

    monkeypatch.setattr(store._client, "_put_object", flaky)
    data = b"x" * (PART_BYTES + 1)
    assert put(store, "objects/large", data).digest_hex == sha256(data).hexdigest() and calls == 3
    calls = 0
    with pytest.raises(Unavailable):
        put(store, "objects/small", b"x")
    assert calls == 1


def test_uploads_that_broke_off_are_swept_when_old(store: S3Store, client: Minio) -> None:
    kept = put(store, "objects/kept", b"x")
    for key in ("objects/a", "objects/b", "bundles/c"):
        broken = store.begin(key, limit_bytes=10**9)
        broken.append(b"x" * (PART_BYTES + 1))
    assert store.sweep_incoming(real_now() - timedelta(hours=1)) == 0
    assert store.sweep_incoming(real_now() + timedelta(hours=1)) == 3
    assert store.sweep_incoming(real_now() + timedelta(hours=1)) == 0
    assert pending(client, store) == []
    assert [o.version_id for o in store.list_objects("")] == [kept.version_id]
    with pytest.raises(Unavailable):
        broken.finish()


def test_the_sweep_goes_through_every_page(store: S3Store, client: Minio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "UPLOADS_PER_PAGE", 2)
    for number in range(5):
        client._create_multipart_upload(store.bucket, f"objects/{number}", {})
    assert store.sweep_incoming(real_now() - timedelta(hours=1)) == 0
    assert store.sweep_incoming(real_now() + timedelta(hours=1)) == 5
    assert pending(client, store) == []


@pytest.mark.slow
def test_a_listing_goes_on_behind_the_first_thousand(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: put(store, f"objects/{number:04}", b"x"), range(1005)))
    assert [o.key for o in store.list_objects("objects/")] == [f"objects/{number:04}" for number in range(1005)]


# connections -------------------------------------------------------------------------------------------------------


def idle_connections(store: S3Store) -> list[object]:
    pool = store._pool.connection_from_url(store.endpoint)
    assert pool.pool is not None
    return [connection for connection in pool.pool.queue if connection is not None]


def test_a_read_that_stops_early_gives_its_connection_back(store: S3Store) -> None:
    received = put(store, "objects/a", b"x" * 8 * MIB)
    for _ in range(3):
        chunks = store.read("objects/a", received.version_id, chunk_bytes=1000)
        assert len(next(chunks)) == 1000
        assert isinstance(chunks, Iterator)
        del chunks
    pool = store._pool.connection_from_url(store.endpoint)
    assert pool.pool is not None and pool.pool.qsize() == s3.CONNECTIONS
    # one after another they took the same place
    assert len(idle_connections(store)) == 1
    assert b"".join(store.read("objects/a", received.version_id)) == b"x" * 8 * MIB


def test_a_read_to_the_end_keeps_its_connection_open(store: S3Store) -> None:
    received = put(store, "objects/a", b"x" * MIB)
    pool = store._pool.connection_from_url(store.endpoint)
    assert isinstance(pool, urllib3.HTTPConnectionPool)
    made = pool.num_connections
    for _ in range(5):
        assert sum(map(len, store.read("objects/a", received.version_id))) == MIB
        assert store.read_range("objects/a", received.version_id, 10, 20) == b"x" * 20
    assert pool.num_connections == made


def test_many_threads_share_a_store(store: S3Store) -> None:
    def round_trip(number: int) -> bool:
        data = str(number).encode() * 10_000
        received = put(store, f"objects/{number}", data)
        return b"".join(store.read(received.key, received.version_id)) == data

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(round_trip, range(64)))


# buckets -----------------------------------------------------------------------------------------------------------


def test_a_bucket_is_set_up_once_and_is_fit_then(s3_server: S3Access) -> None:
    store = make_store(s3_server, bucket=new_bucket())
    assert store.set_up_bucket() is True
    assert store.set_up_bucket() is False
    received = put(store, "objects/a", b"x")
    store.require_ready()
    assert store.stat("objects/a", received.version_id).locked_until is None


def test_a_missing_bucket_is_refused_with_the_command_that_makes_it(s3_server: S3Access) -> None:
    store = make_store(s3_server, bucket=new_bucket())
    with pytest.raises(Unavailable) as caught:
        store.require_ready()
    assert caught.value.code == "bucket_unfit"
    assert store.bucket in caught.value.detail and "`archive-service store setup`" in caught.value.detail


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_bucket_without_object_lock_is_refused_and_left_as_it_is(
    s3_server: S3Access, client: Minio, is_versioned: bool
) -> None:
    store = make_store(s3_server, bucket=new_bucket())
    client.make_bucket(store.bucket)
    if is_versioned:
        client.set_bucket_versioning(store.bucket, VersioningConfig(ENABLED))
    for attempt in (store.require_ready, store.set_up_bucket):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.code == "bucket_unfit" and "Object Lock" in caught.value.detail
    assert (client.get_bucket_versioning(store.bucket).status == ENABLED) is is_versioned


def test_a_bucket_with_versioning_off_is_refused(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # no server that is tried here suspends versions under Object Lock; what a faulty one would say is said for it
    monkeypatch.setattr(store._client, "get_bucket_versioning", lambda bucket: VersioningConfig("Suspended"))
    with pytest.raises(Unavailable) as caught:
        store.require_ready()
    assert caught.value.code == "bucket_unfit" and "versioning" in caught.value.detail


def test_a_bucket_that_locks_whatever_comes_in_is_refused(store: S3Store, client: Minio) -> None:
    client.set_object_lock_config(store.bucket, ObjectLockConfig(COMPLIANCE, 1, DAYS))
    with pytest.raises(Unavailable) as caught:
        store.require_ready()
    assert caught.value.code == "bucket_unfit" and "COMPLIANCE, 1 Days" in caught.value.detail


def test_an_object_of_a_bucket_that_is_gone_is_not_called_missing(s3_server: S3Access) -> None:
    store = make_store(s3_server, bucket=new_bucket())
    for attempt in (store.stat, store.read, store.delete):
        with pytest.raises(Unavailable) as caught:
            attempt("objects/a", UNKNOWN)
        assert caught.value.code == "store_unavailable" and store.bucket in caught.value.detail


@pytest.mark.parametrize(
    "changed", [{"bucket": "Not_A_Bucket"}, {"bucket": "a", "region": "no region"}, {"bucket": "a/b"}]
)
def test_settings_that_name_nothing_are_refused_at_once(s3_server: S3Access, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_store(s3_server, **changed)
    assert caught.value.code == "bad_settings"


# downloads ---------------------------------------------------------------------------------------------------------


def test_a_presigned_address_downloads_the_version_under_its_name(store: S3Store) -> None:
    received = put(store, "objects/a", b"isi laporan")
    name = 'Laporan "Triwulan I" – é.pdf'
    url = store.presign("objects/a", received.version_id, timedelta(minutes=5), name, "application/pdf")
    assert url is not None and url.startswith(store.endpoint)
    answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, answer.content) == (200, b"isi laporan")
    assert answer.headers["content-type"] == "application/pdf"
    header = answer.headers["content-disposition"]
    assert header.startswith('attachment; filename="Laporan _Triwulan I_ _ _.pdf"; ')
    assert unquote(header.partition("filename*=UTF-8''")[2]) == name


def test_a_presigned_address_ends_with_its_time_and_takes_no_other_key(s3_server: S3Access, store: S3Store) -> None:
    received = put(store, "objects/a", b"x")
    put(store, "objects/b", b"y")
    earlier = make_store(s3_server, bucket=store.bucket, clock=lambda: real_now() - timedelta(minutes=10))
    arguments = ("objects/a", received.version_id, timedelta(minutes=5), "a.pdf", "application/pdf")
    expired, valid = earlier.presign(*arguments), store.presign(*arguments)
    assert expired is not None and valid is not None
    assert httpx.get(valid, trust_env=False).status_code == 200
    assert httpx.get(expired, trust_env=False).status_code == 403
    assert httpx.get(valid.replace("objects/a", "objects/b"), trust_env=False).status_code == 403
    with pytest.raises(ValueError, match="7 days"):
        store.presign("objects/a", received.version_id, timedelta(days=8), "a.pdf", "application/pdf")


# out of reach ------------------------------------------------------------------------------------------------------


def every_use(store: S3Store) -> dict[str, Callable[[], object]]:
    later = real_now() + timedelta(days=1)
    return {
        "begin": lambda: store.begin("objects/a", limit_bytes=1),
        "read": lambda: store.read("objects/a", UNKNOWN),
        "read_range": lambda: store.read_range("objects/a", UNKNOWN, 0, 1),
        "stat": lambda: store.stat("objects/a", UNKNOWN),
        "delete": lambda: store.delete("objects/a", UNKNOWN),
        "list": lambda: list(store.list_objects("")),
        "lock": lambda: store.lock("objects/a", UNKNOWN, later),
        "hold": lambda: store.hold("objects/a", UNKNOWN, True),
        "sweep": lambda: store.sweep_incoming(later),
        "ready": store.require_ready,
    }


USES = ("begin", "read", "read_range", "stat", "delete", "list", "lock", "hold", "sweep", "ready")


@pytest.mark.parametrize("use", USES)
def test_a_server_that_is_gone_is_said_plainly(s3_server: S3Access, use: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        store = make_store(s3_server, bucket=new_bucket(), endpoint=endpoint)
        with pytest.raises(Unavailable) as caught:
            every_use(store)[use]()
    assert (caught.value.code, caught.value.params) == ("store_unavailable", {"retry_after_seconds": 60})
    assert endpoint in caught.value.detail


@pytest.mark.parametrize("wrong", [{"access_key": "nobody-here"}, {"secret_key": "not-the-secret"}])
@pytest.mark.parametrize("use", USES)
def test_wrong_credentials_are_said_plainly(
    s3_server: S3Access, store: S3Store, use: str, wrong: dict[str, Any]
) -> None:
    stranger = make_store(s3_server, bucket=store.bucket, **wrong)
    with pytest.raises(Unavailable) as caught:
        every_use(stranger)[use]()
    assert caught.value.code == "store_unavailable" and "ARCHIVE_S3_SECRET_KEY" in caught.value.detail
    assert "not-the-secret" not in caught.value.detail


def test_an_upload_whose_server_goes_ends_in_a_sentence(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = store.begin("objects/a", limit_bytes=10**9)
    upload.append(b"x" * (PART_BYTES + 1))

    def unreachable(*arguments: object, **rest: object) -> None:
        raise urllib3.exceptions.ProtocolError("reset")

    monkeypatch.setattr(store._pool, "urlopen", unreachable)
    with pytest.raises(Unavailable) as caught:
        upload.finish()
    assert caught.value.code == "store_unavailable"
    upload.abort()


def test_an_answer_that_breaks_off_is_no_end_of_the_object(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    received = put(store, "objects/a", b"x" * 4 * MIB)
    chunks = store.read("objects/a", received.version_id, chunk_bytes=MIB)
    next(chunks)

    def broken(*arguments: object, **rest: object) -> bytes:
        raise urllib3.exceptions.IncompleteRead(MIB, 3 * MIB)

    monkeypatch.setattr(urllib3.HTTPResponse, "read", broken)
    with pytest.raises(Unavailable):
        next(chunks)
