"""The production store: a versioned S3 bucket with Object Lock, through the MinIO client.

What servers do differently is dealt with here and nowhere else, each with its reason where it is done. Tried on SeaweedFS 4.48 and
Ceph RGW 16.2; what is said of AWS S3 and of MinIO (and Silo, its fork) is from their documents and sources.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import takewhile
from typing import TYPE_CHECKING, NoReturn, cast
from urllib.parse import quote
from xml.etree import ElementTree

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, GOVERNANCE
from minio.datatypes import Object
from minio.error import MinioException, S3Error, ServerError
from minio.helpers import MAX_MULTIPART_COUNT, ObjectWriteResult, check_bucket_name
from minio.retention import Retention

from archive_service.errors import ArchiveError, Conflict, InvalidInput, NotFound, Unavailable
from archive_service.storage.base import READ_CHUNK_BYTES, ObjectUpload, StoredObject, require_object_key

if TYPE_CHECKING:
    from minio.helpers import DictType
    from urllib3.response import BaseHTTPResponse

MIB = 1024 * 1024
PART_BYTES = 8 * MIB
PART_ATTEMPTS = 3
CONNECTIONS = 32
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
UPLOADS_PER_PAGE = 1000
ABSENT = frozenset(["NoSuchKey", "NoSuchVersion"])
# 409 is AWS's word when another conditional write of the key is still under way
TAKEN = frozenset(["PreconditionFailed", "ConditionalRequestConflict"])
REFUSED = frozenset(
    ["AccessDenied", "AuthorizationHeaderMalformed", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"]
)
_PLAIN_MD5 = re.compile(r"[0-9a-f]{32}")


class S3Store:
    """Objects as versions in one bucket. Safe for many threads; after a fork each process makes connections of its own."""

    name = "S3"

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        region: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Talks to nobody yet. InvalidInput ``bad_settings`` for an endpoint, region or bucket that can be none."""
        scheme, _, address = endpoint.rstrip("/").partition("://")
        self.endpoint = endpoint.rstrip("/")
        self.bucket = bucket
        self._clock = clock
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            # a PUT that is sent again after its answer was lost would make a second version: parts have their own way
            retries=urllib3.Retry(
                connect=2,
                read=2,
                status=2,
                redirect=0,
                backoff_factor=0.2,
                status_forcelist=[500, 502, 503, 504],
                allowed_methods=["GET", "HEAD"],
                raise_on_status=False,
            ),
        )
        try:
            check_bucket_name(bucket, strict=True)
            self._client = Minio(
                address, access_key, secret_key, secure=scheme == "https", region=region, http_client=self._pool
            )
        except ValueError as exc:
            raise InvalidInput("bad_settings", f"The settings of the object store are not usable: {exc}.") from exc

    # ---- the bucket

    def require_ready(self) -> None:
        """Return when the bucket keeps what it is given; Unavailable ``bucket_unfit`` says what is wrong with it and what to do."""
        with self._translated():
            try:
                is_versioned = self._client.get_bucket_versioning(self.bucket).status == ENABLED
            except S3Error as exc:
                if exc.code != "NoSuchBucket":
                    raise
                self._refuse_bucket("does not exist. `archive-service store setup` makes it.", exc)
            try:
                default = self._client.get_object_lock_config(self.bucket)
            except S3Error as exc:
                if exc.response.status != 404:
                    raise
                self._refuse_bucket(
                    "was made without Object Lock, so nothing in it is safe from deletion. Name a new one with "
                    "ARCHIVE_S3_BUCKET and make it with `archive-service store setup`.",
                    exc,
                )
        if not is_versioned:
            self._refuse_bucket(
                "has versioning turned off. Turn it on, or name a new bucket with ARCHIVE_S3_BUCKET and make it with "
                "`archive-service store setup`."
            )
        if default.mode is not None:
            self._refuse_bucket(
                f"locks whatever comes in ({default.mode}, {default.duration} {default.duration_unit}), also what is "
                "refused. The service sets each lock itself: remove the default retention, or name a new bucket with "
                "ARCHIVE_S3_BUCKET and make it with `archive-service store setup`."
            )
        # a process that forks from here must not share a connection with its children
        self._pool.clear()

    def set_up_bucket(self) -> bool:
        """Make the bucket, with versions and Object Lock; whether it was made now. One that is there is checked, never changed."""
        with self._translated():
            # asked first: Ceph answers 200 when a bucket is made again
            is_new = not self._client.bucket_exists(self.bucket)
            if is_new:
                self._client.make_bucket(self.bucket, object_lock=True)
        self.require_ready()
        return is_new

    def _refuse_bucket(self, what: str, cause: Exception | None = None) -> NoReturn:
        raise Unavailable(
            "bucket_unfit", f"The bucket {self.bucket} at {self.endpoint} {what}", retry_after_seconds=60
        ) from cause

    def close(self) -> None:
        """Close the connections that are idle; the next request makes new ones."""
        self._pool.clear()

    # ---- objects

    def begin(self, key: str, *, limit_bytes: int) -> ObjectUpload:
        """Start an upload; Conflict ``object_exists`` at once when the key is taken already."""
        require_object_key(key)
        if self._versions_of(key):
            raise _taken()
        return ObjectUpload(_MultipartSink(self, key, limit_bytes), key, limit_bytes)

    def read(self, key: str, version_id: str, *, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes in pieces."""
        self.stat(key, version_id)

        def chunks() -> Iterator[bytes]:
            # asked for with the first piece: an iterator that nobody begins holds no connection
            with self._translated(), self._opened(key, version_id) as response:
                while chunk := response.read(chunk_bytes, decode_content=False):
                    yield chunk

        return chunks()

    def read_range(self, key: str, version_id: str, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` on."""
        if length <= 0:
            self.stat(key, version_id)
            return b""
        require_object_key(key)
        with self._translated():
            try:
                with self._opened(key, version_id, offset, length) as response:
                    if response.status != 206:
                        raise ServerError("the range was not heeded", response.status)
                    return response.read(decode_content=False)
            except S3Error as exc:
                if exc.code == "InvalidRange":
                    # nothing is left from there on, or the object is empty
                    return b""
                raise

    def stat(self, key: str, version_id: str) -> StoredObject:
        """What is known of an object."""
        found = self._head(key, version_id)
        headers = found.metadata or {}
        # None for a server that tells no time: such an object is never old enough to be swept
        modified_at = found.last_modified or datetime.max.replace(tzinfo=UTC)
        is_held = headers.get("x-amz-object-lock-legal-hold", "").upper() == "ON"
        return StoredObject(key, version_id, found.size or 0, modified_at, self._locked_until(found), is_held)

    def delete(self, key: str, version_id: str) -> None:
        """Delete this version for good, unless locked or held."""
        require_object_key(key)
        self._require_version_id(version_id)
        with self._translated():
            try:
                self._client.remove_object(self.bucket, key, version_id=version_id)
            except S3Error as exc:
                if exc.code in ABSENT or _is_no_version_id(exc):
                    return
                if exc.response.status < 500:
                    # locked is AccessDenied on AWS, SeaweedFS and Ceph, InvalidRequest on MinIO: only the object tells
                    self._require_deletable(key, version_id, exc)
                raise

    def list_objects(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """Every version whose key begins so, in order of key, the newest first of each; delete markers are none."""
        with self._translated():
            for found in self._versions(prefix, after):
                # servers differ in whether the versions of the marker itself come too
                if after and str(found.object_name) <= after:
                    continue
                modified_at = found.last_modified or datetime.max.replace(tzinfo=UTC)
                yield StoredObject(str(found.object_name), str(found.version_id), found.size or 0, modified_at)

    def lock(self, key: str, version_id: str, until: datetime) -> None:
        """Keep the version from being deleted until then (GOVERNANCE); an earlier time than the lock's own changes nothing."""
        if until.utcoffset() is None:
            raise ValueError("the end of a lock is an aware time")
        found = self._head(key, version_id)
        known = self._locked_until(found)
        # SeaweedFS cuts the fraction of a second off: a lock must not end before its time
        end = until.astimezone(UTC)
        if end.microsecond:
            end = end.replace(microsecond=0) + timedelta(seconds=1)
        # a lock that has ended keeps nothing, and S3 refuses to set one
        if (known is not None and known >= until) or end <= self._clock():
            return
        # COMPLIANCE, set by somebody else, may be extended and never loosened
        mode = (found.metadata or {}).get("x-amz-object-lock-mode") or GOVERNANCE
        with self._translated():
            try:
                self._client.set_object_retention(self.bucket, key, Retention(mode, end), version_id=version_id)
            except S3Error as exc:
                if exc.code != "AccessDenied":
                    raise
                # somebody may have locked it for longer meanwhile, and servers refuse to shorten
                known = self._locked_until(self._head(key, version_id))
                if known is None or known < until:
                    raise

    def hold(self, key: str, version_id: str, is_on: bool) -> None:
        """Put a legal hold on the version, or lift it."""
        require_object_key(key)
        self._require_version_id(version_id)
        change = self._client.enable_object_legal_hold if is_on else self._client.disable_object_legal_hold
        with self._translated():
            change(self.bucket, key, version_id=version_id)

    def presign(self, key: str, version_id: str, expires: timedelta, file_name: str, media_type: str) -> str | None:
        """A URL at the store's own endpoint; signed here, so the store is not asked and the object not looked for."""
        require_object_key(key)
        self._require_version_id(version_id)
        # RFC 6266: every browser knows filename*, the plain one is for simple tools
        plain = re.sub(r"[^\w. ()-]", "_", file_name, flags=re.ASCII)
        disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
        url: str = self._client.get_presigned_url(
            "GET",
            self.bucket,
            key,
            expires,
            response_headers={"response-content-disposition": disposition, "response-content-type": media_type},
            request_date=self._clock().astimezone(UTC),
            version_id=version_id,
        )
        return url

    def sweep_incoming(self, older_than: datetime) -> int:
        """Abort the multipart uploads that began before that time; how many there were."""
        swept = 0
        key_marker: str | None = None
        upload_marker: str | None = None
        with self._translated():
            while True:
                page = self._client._list_multipart_uploads(
                    self.bucket, key_marker=key_marker, upload_id_marker=upload_marker, max_uploads=UPLOADS_PER_PAGE
                )
                swept_before = swept
                for upload in page.uploads:
                    if upload.initiated_time is not None and upload.initiated_time < older_than:
                        self._abort(upload.object_name, str(upload.upload_id))
                        swept += 1
                if not page.is_truncated:
                    return swept
                key_marker, upload_marker = page.next_key_marker, page.next_upload_id_marker
                if key_marker is None and swept == swept_before:
                    # SeaweedFS cuts a page off without a marker and loses uploads behind one's own: from the beginning
                    # again while that helps; what stays behind a full page of young ones is for the next sweep
                    return swept

    # ---- requests

    def _versions(self, prefix: str, after: str = "") -> Iterator[Object]:
        listed = self._client.list_objects(
            self.bucket, prefix=prefix, recursive=True, include_version=True, start_after=after or None
        )
        return (found for found in listed if not found.is_delete_marker)

    def _versions_of(self, key: str) -> list[Object]:
        """All versions of one key, the newest first."""
        with self._translated():
            # the key itself sorts before all that it is a prefix of
            return list(takewhile(lambda found: found.object_name == key, self._versions(key)))

    def _head(self, key: str, version_id: str) -> Object:
        require_object_key(key)
        self._require_version_id(version_id)
        with self._translated():
            try:
                return self._client.stat_object(self.bucket, key, version_id=version_id)
            except S3Error as exc:
                if exc.response.status not in (400, 404):
                    raise
                # answers to HEAD have no body: whether the object or its bucket is gone, or the version id is none
                # at all (400 on AWS and MinIO), only the error of a GET tells
                with self._opened(key, version_id, 0, 1):
                    raise

    @contextmanager
    def _opened(
        self, key: str, version_id: str, offset: int = 0, length: int = 0
    ) -> Iterator[urllib3.response.BaseHTTPResponse]:
        response = self._client.get_object(self.bucket, key, offset, length, version_id=version_id)
        try:
            yield response
        finally:
            # read to the end, its connection is in the pool already; else it is closed, and its place goes back
            response.close()
            response.release_conn()

    def _locked_until(self, found: Object) -> datetime | None:
        # not get_object_retention(): Ceph writes nanoseconds, on which minio-py fails, and an object that was never
        # locked is an error of another name on each server
        text = (found.metadata or {}).get("x-amz-object-lock-retain-until-date")
        if not text:
            return None
        try:
            until = datetime.fromisoformat(text)
        except ValueError as exc:
            # taken for none it would let the object be deleted
            raise Unavailable(
                "store_unavailable",
                f"The object store at {self.endpoint} gives {text!r} as the end of a lock, which is no time.",
                retry_after_seconds=60,
            ) from exc
        return until if until.tzinfo is not None else until.replace(tzinfo=UTC)

    def _require_deletable(self, key: str, version_id: str, cause: Exception) -> None:
        with suppress(NotFound):
            known = self.stat(key, version_id)
            if known.is_held:
                raise Conflict("object_locked", "A legal hold keeps the object.") from cause
            if known.locked_until is not None and known.locked_until > self._clock():
                raise Conflict(
                    "object_locked", f"The object is locked until {known.locked_until.isoformat()}."
                ) from cause

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._client._abort_multipart_upload(self.bucket, key, upload_id)
        except S3Error as exc:
            # gone already: Ceph and AWS say so, SeaweedFS does not
            if exc.code != "NoSuchUpload":
                raise

    @staticmethod
    def _require_version_id(version_id: str) -> None:
        if not version_id:
            # S3 would take the newest version, and deleting would leave a delete marker
            raise NotFound("object_unknown", "There is no such version of this object in the store.")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except S3Error as exc:
            raise self._error_of(exc) from exc
        # ValueError is minio-py's word for an answer that lacks what S3's has
        except (MinioException, urllib3.exceptions.HTTPError, ElementTree.ParseError, ValueError) as exc:
            reason = exc.reason if isinstance(exc, urllib3.exceptions.MaxRetryError) and exc.reason else exc
            raise Unavailable(
                "store_unavailable",
                f"The object store at {self.endpoint} cannot be reached or gives no sensible answer "
                f"({type(reason).__name__}); try again in a minute. If it stays so, look whether it runs.",
                retry_after_seconds=60,
            ) from exc

    def _error_of(self, exc: S3Error) -> ArchiveError:
        if exc.code in ABSENT or _is_no_version_id(exc):
            return NotFound("object_unknown", "There is no such object in the store.")
        if exc.code in TAKEN:
            return _taken()
        if exc.code == "NoSuchBucket":
            advice = f"has no bucket {self.bucket} any more; `archive-service store check` tells."
        elif exc.code in REFUSED:
            advice = (
                f"refuses the request ({exc.code}): ARCHIVE_S3_ACCESS_KEY and ARCHIVE_S3_SECRET_KEY must belong to "
                f"somebody who may read, write, list, lock and delete in the bucket {self.bucket}."
            )
        elif exc.code == "RequestTimeTooSkewed":
            advice = "has another time than this machine: set both clocks right."
        else:
            advice = f"answers with an error ({exc.code}); try again in a minute. If it stays so, look at its log."
        return Unavailable("store_unavailable", f"The object store at {self.endpoint} {advice}", retry_after_seconds=60)


class _MultipartSink:
    """Bytes go out in parts of 8 MiB: while one is sent, the next fills. What fits into one goes as one object without parts."""

    def __init__(self, store: S3Store, key: str, limit_bytes: int) -> None:
        self._store = store
        self._client = store._client
        self._bucket = store.bucket
        self._key = key
        # an upload has at most 10,000 parts
        self._part_bytes = max(PART_BYTES, -(-limit_bytes // MAX_MULTIPART_COUNT // MIB) * MIB)
        self._part = bytearray()
        self._filled = 0
        self._spare = bytearray()
        self._size = 0
        self._upload_id: str | None = None
        self._etags: list[str] = []
        self._version_id: str | None = None
        self._sender: ThreadPoolExecutor | None = None
        self._sending: Future[None] | None = None

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            if self._filled == self._part_bytes:
                # sent when more comes, not when it is full: an object of exactly one part needs no parts
                self._hand_over()
            taken = rest[: self._part_bytes - self._filled]
            # two buffers, used again and again: new ones for each part leave the process larger than both together
            self._part[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            self._size += len(taken)
            rest = rest[len(taken) :]

    def commit(self) -> str:
        if self._upload_id is None:
            with self._store._translated():
                self._version_id = self._put(memoryview(self._part), {"If-None-Match": "*"}).version_id
        else:
            self._hand_over()
            self._end_sending()
            self._complete(self._upload_id)
        return self._require_kept()

    def discard(self) -> None:
        with suppress(ArchiveError):
            # a part on its way when the upload is aborted would stay for ever
            self._end_sending()
        with suppress(ArchiveError), self._store._translated():
            if self._version_id is not None:
                self._client.remove_object(self._bucket, self._key, version_id=self._version_id)
            elif self._upload_id is not None:
                self._store._abort(self._key, self._upload_id)

    def _hand_over(self) -> None:
        """Have the full part sent once the one before it is; its errors are raised here, one part later."""
        if self._upload_id is None:
            with self._store._translated():
                self._upload_id = self._client._create_multipart_upload(self._bucket, self._key, {})
            self._sender = ThreadPoolExecutor(1, thread_name_prefix="archive-part")
        self._await_part()
        assert self._sender is not None
        part = memoryview(self._part)[: self._filled]
        self._part, self._spare, self._filled = self._spare, self._part, 0
        self._sending = self._sender.submit(self._send_part, self._upload_id, part)

    def _await_part(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.result()

    def _end_sending(self) -> None:
        try:
            self._await_part()
        finally:
            if self._sender is not None:
                self._sender.shutdown()
                self._sender = None

    def _send_part(self, upload_id: str, part: memoryview) -> None:
        with self._store._translated():
            query = {"partNumber": str(len(self._etags) + 1), "uploadId": upload_id}
            for attempt in range(1, PART_ATTEMPTS + 1):
                try:
                    self._etags.append(self._put(part, {}, query).etag or "")
                    break
                except (MinioException, urllib3.exceptions.HTTPError) as exc:
                    # the same part again takes the place of what came of it before: gigabytes are not lost for one reset
                    if attempt == PART_ATTEMPTS or (isinstance(exc, S3Error) and exc.response.status < 500):
                        raise

    def _put(self, data: memoryview, headers: DictType, query: dict[str, str] | None = None) -> ObjectWriteResult:
        digest = md5(data, usedforsecurity=False)
        result = self._client._put_object(
            self._bucket,
            self._key,
            cast(bytes, data),
            {
                **headers,
                "Content-Type": "application/octet-stream",
                # over https nothing else covers the body, and SeaweedFS looks at no x-amz-content-sha256
                "Content-MD5": b64encode(digest.digest()).decode(),
            },
            cast("DictType | None", query),
        )
        if query is None:
            self._version_id = result.version_id
        # an object that the server encrypts may have another ETag
        is_encrypted = "x-amz-server-side-encryption" in (result.http_headers or {})
        etag = result.etag or ""
        if _PLAIN_MD5.fullmatch(etag) and not is_encrypted and etag != digest.hexdigest():
            raise ServerError("the server stored other bytes than were sent", 200)
        return result

    def _complete(self, upload_id: str) -> None:
        # not minio-py's own: it takes no If-None-Match, and takes an error that comes with status 200 (AWS) for success
        root = ElementTree.Element("CompleteMultipartUpload", xmlns="http://s3.amazonaws.com/doc/2006-03-01/")
        for number, etag in enumerate(self._etags, 1):
            part = ElementTree.SubElement(root, "Part")
            ElementTree.SubElement(part, "PartNumber").text = str(number)
            ElementTree.SubElement(part, "ETag").text = f'"{etag}"'
        with self._store._translated():
            response: BaseHTTPResponse = self._client._execute(
                "POST",
                self._bucket,
                self._key,
                body=ElementTree.tostring(root),
                headers={"Content-Type": "application/xml", "If-None-Match": "*"},
                query_params={"uploadId": upload_id},
            )
            # AWS sends blanks while it works
            if ElementTree.fromstring(response.data.strip()).tag.endswith("Error"):
                raise S3Error.fromxml(response)
        self._version_id = response.headers.get("x-amz-version-id")

    def _require_kept(self) -> str:
        """The version id, when the store lists it with the right size and as the only one; else it is discarded by the caller."""
        versions = self._store._versions_of(self._key)
        own = next((found for found in versions if found.version_id == self._version_id), None)
        if self._version_id is None or own is None or own.size != self._size:
            raise Unavailable(
                "store_unavailable",
                f"The object store at {self._store.endpoint} did not keep what was sent; "
                "send it again, and run `archive-service store check` if it stays so.",
                retry_after_seconds=60,
            )
        if versions[-1] is not own:
            # Ceph 16 heeds no If-None-Match: of two at the same time, the older version keeps the key
            raise _taken()
        return self._version_id


def _taken() -> Conflict:
    return Conflict("object_exists", "There is an object with this key already.")


def _is_no_version_id(exc: S3Error) -> bool:
    # AWS and MinIO refuse text that could not be one of their ids, where others say that there is none
    return exc.code == "InvalidArgument" and "version id" in (exc.message or "").lower()
