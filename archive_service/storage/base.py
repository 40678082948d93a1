"""What every object store offers: objects written once, streamed and hashed on the way, locked against deletion."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from types import TracebackType
from typing import Protocol, Self

from archive_service.errors import InvalidInput, TooLarge

READ_CHUNK_BYTES = 1024 * 1024
_KEY = re.compile(r"[a-z0-9_-][a-z0-9_.-]*(?:/[a-z0-9_-][a-z0-9_.-]*)*")


@dataclass(frozen=True)
class StoredObject:
    """An object in the store; it can be deleted once ``locked_until`` is past or None and no legal hold ``is_held``."""

    key: str
    version_id: str
    size: int
    modified_at: datetime
    locked_until: datetime | None = None
    is_held: bool = False


@dataclass(frozen=True)
class ReceivedObject:
    """What an upload left: where it lies, its size in bytes, SHA-256 (hex) and CRC-32."""

    key: str
    version_id: str
    size: int
    digest_hex: str
    crc32: int


class ObjectSink(Protocol):
    """The store's own end of an upload."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def commit(self) -> str:
        """Make the object appear, whole and once; its version id. Conflict ``object_exists`` when the key is taken."""

    def discard(self) -> None:
        """Throw away what came so far; never raises."""


class ObjectUpload:
    """One upload: append in pieces, then finish or abort. Left without ``finish``, as a context manager it aborts."""

    def __init__(self, sink: ObjectSink, key: str, limit_bytes: int) -> None:
        self._sink = sink
        self._key = key
        self._limit_bytes = limit_bytes
        self._digest = sha256()
        self._crc32 = 0
        self._size = 0
        self._is_over = False

    def append(self, chunk: bytes) -> None:
        """Hash and write the next bytes; TooLarge ``file_too_large`` before a byte over the limit is written."""
        self._require_open()
        self._size += len(chunk)
        if self._size > self._limit_bytes:
            self.abort()
            raise TooLarge(
                "file_too_large",
                f"A document has at most {self._limit_bytes} bytes; split it or save it smaller.",
                limit_bytes=self._limit_bytes,
            )
        self._digest.update(chunk)
        self._crc32 = zlib.crc32(chunk, self._crc32)
        self._sink.write(chunk)

    def finish(self) -> ReceivedObject:
        """The object, durable; Conflict ``object_exists`` when its key was taken meanwhile."""
        self._require_open()
        try:
            version_id = self._sink.commit()
        except BaseException:
            self.abort()
            raise
        self._is_over = True
        return ReceivedObject(self._key, version_id, self._size, self._digest.hexdigest(), self._crc32)

    def abort(self) -> None:
        """Leave nothing behind; a second time, or after ``finish``, changes nothing."""
        if not self._is_over:
            self._is_over = True
            self._sink.discard()

    def _require_open(self) -> None:
        if self._is_over:
            raise RuntimeError("the upload is over")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class ObjectStore(Protocol):
    """A place for objects. Keys are ``[a-z0-9_.-]`` in parts joined by ``/``; a store without versions gives ``1``."""

    @property
    def name(self) -> str:
        """The kind of store, for people."""

    def begin(self, key: str, *, limit_bytes: int) -> ObjectUpload:
        """Start an upload of at most so many bytes."""

    def read(self, key: str, version_id: str, *, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes in pieces; NotFound ``object_unknown`` before the first when there is no such object."""

    def read_range(self, key: str, version_id: str, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` on; fewer at the end only."""

    def stat(self, key: str, version_id: str) -> StoredObject:
        """What is known of an object; NotFound ``object_unknown`` when there is none."""

    def delete(self, key: str, version_id: str) -> None:
        """Delete for good; Conflict ``object_locked`` while locked or held; nothing happens when there is no such object."""

    def list_objects(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins so and comes after ``after``, in order of key. Locks and holds are ``stat``'s to tell: a listing may lack them."""

    def lock(self, key: str, version_id: str, until: datetime) -> None:
        """Keep the object from being deleted until then; a lock is only ever extended."""

    def hold(self, key: str, version_id: str, is_on: bool) -> None:
        """Put a legal hold on the object, or lift it: while it is on, nothing deletes the object, whatever its lock says."""

    def presign(self, key: str, version_id: str, expires: timedelta, file_name: str, media_type: str) -> str | None:
        """A URL from which anyone downloads the object under this name for so long (1 s to 7 days); None where the store has none."""

    def sweep_incoming(self, older_than: datetime) -> int:
        """Remove what broken uploads left behind before that time; how many there were."""


def require_object_key(key: str) -> str:
    """The key, when it is one; InvalidInput ``object_key`` otherwise."""
    if not _KEY.fullmatch(key) or len(key) > 200:
        raise InvalidInput("object_key", f"{key!r} is no key of an object.")
    return key


class RangedReader(io.RawIOBase):
    """A stored object as a seekable binary file, read in ranges: however large it is, little of it is in memory."""

    def __init__(self, store: ObjectStore, key: str, version_id: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._version_id = version_id
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; ValueError before the beginning."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a file has nothing before its beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the object goes."""
        wanted = max(0, min(len(buffer), self._size - self._position))
        data = self._store.read_range(self._key, self._version_id, self._position, wanted) if wanted else b""
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
