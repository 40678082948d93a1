"""The embedded store: a folder. An object appears whole or not at all, is never overwritten, and survives a power cut."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from threading import Lock

from archive_service.errors import Conflict, NotFound, Unavailable
from archive_service.storage.base import READ_CHUNK_BYTES, ObjectUpload, StoredObject, require_object_key

VERSION_ID = "1"
INCOMING = ".incoming"
LOCKS = ".locks"
HOLDS = ".holds"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
        raise NotFound("object_unknown", "There is no such object in the store.") from exc
    except FileExistsError as exc:
        raise Conflict("object_exists", "There is an object with this key already.") from exc
    except OSError as exc:
        raise Unavailable(
            "store_unavailable",
            f"The store does not take or give data ({exc.strerror}); nothing was kept. Tell the administrator.",
            retry_after_seconds=60,
        ) from exc


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, durably: a name is on disk once its own folder is synchronised."""
    if not folder.exists():
        _make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


class _FileSink:
    """Bytes go to a nameless-looking file beside the objects; a hard link gives it its key, which fails when the key is taken."""

    def __init__(self, root: Path, target: Path) -> None:
        self._target = target
        self._path = root / INCOMING / secrets.token_hex(16)
        with _translated():
            # made anew each time: whoever emptied the folder by hand must not stop uploads
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb")

    def write(self, chunk: bytes) -> None:
        with _translated():
            self._file.write(chunk)

    def commit(self) -> str:
        with _translated():
            self._file.flush()
            os.fchmod(self._file.fileno(), 0o444)
            os.fsync(self._file.fileno())
            self._file.close()
            _make_folders(self._target.parent)
            os.link(self._path, self._target)
            self._path.unlink()
            _sync_folder(self._target.parent)
        return VERSION_ID

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


class FolderStore:
    """Objects as read-only files below ``root``; locks as small files in ``.locks``, legal holds as empty ones in ``.holds``."""

    name = "folder"

    def __init__(self, root: Path, clock: Callable[[], datetime]) -> None:
        self._root = root
        self._clock = clock
        # between reading a lock and unlinking its object nobody may lock it
        self._guard = Lock()

    def _path(self, key: str, version_id: str = VERSION_ID) -> Path:
        require_object_key(key)
        if version_id != VERSION_ID:
            raise NotFound("object_unknown", "There is no such version of this object in the store.")
        return self._root / key

    def begin(self, key: str, *, limit_bytes: int) -> ObjectUpload:
        """Start an upload; Conflict ``object_exists`` at once when the key is taken already."""
        target = self._path(key)
        with _translated():
            is_taken = target.exists()
        if is_taken:
            raise Conflict("object_exists", "There is an object with this key already.")
        return ObjectUpload(_FileSink(self._root, target), key, limit_bytes)

    def read(self, key: str, version_id: str, *, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes in pieces."""
        self.stat(key, version_id)

        def chunks() -> Iterator[bytes]:
            # opened with the first piece: an iterator that nobody begins leaves no file open
            with _translated(), self._path(key, version_id).open("rb") as file:
                while chunk := file.read(chunk_bytes):
                    yield chunk

        return chunks()

    def read_range(self, key: str, version_id: str, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` on."""
        with _translated(), self._path(key, version_id).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def stat(self, key: str, version_id: str) -> StoredObject:
        """What is known of an object."""
        with _translated():
            found = self._path(key, version_id).stat()
            if not S_ISREG(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, "Is a directory")
        modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
        return StoredObject(key, VERSION_ID, found.st_size, modified_at, self._locked_until(key), self._is_held(key))

    def delete(self, key: str, version_id: str) -> None:
        """Delete for good, unless locked."""
        path = self._path(key, version_id)
        with self._guard, _translated():
            locked_until = self._locked_until(key)
            if locked_until is not None and locked_until > self._clock():
                raise Conflict("object_locked", f"The object is locked until {locked_until.isoformat()}.")
            if self._is_held(key):
                raise Conflict("object_locked", "A legal hold keeps the object.")
            if path.exists():
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
            self._lock_path(key).unlink(missing_ok=True)

    def list_objects(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins so, in order of key."""
        # nothing outside of the prefix's own folder can begin so
        folder = self._root / prefix.rpartition("/")[0]
        keys = sorted(
            path.relative_to(self._root).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.relative_to(self._root).parts[0].startswith(".")
        )
        for key in keys:
            if key.startswith(prefix) and key > after:
                # gone between listing and looking: somebody deleted it
                with contextlib.suppress(NotFound):
                    yield self.stat(key, VERSION_ID)

    def lock(self, key: str, version_id: str, until: datetime) -> None:
        """Keep the object from being deleted until then; an earlier time than the lock's own changes nothing."""
        if until.utcoffset() is None:
            raise ValueError("the end of a lock is an aware time")
        self.stat(key, version_id)
        path = self._lock_path(key)
        fresh = self._root / INCOMING / secrets.token_hex(16)
        with self._guard, _translated():
            known = self._locked_until(key)
            if known is not None and known >= until:
                return
            fresh.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("x", encoding="ascii") as file:
                file.write(until.astimezone(UTC).isoformat())
                file.flush()
                os.fsync(file.fileno())
            _make_folders(path.parent)
            os.replace(fresh, path)
            _sync_folder(path.parent)

    def hold(self, key: str, version_id: str, is_on: bool) -> None:
        """Put a legal hold on the object, or lift it."""
        self.stat(key, version_id)
        path = self._root / HOLDS / key
        with self._guard, _translated():
            if is_on == path.exists():
                return
            if is_on:
                _make_folders(path.parent)
                path.touch()
            else:
                path.unlink()
            _sync_folder(path.parent)

    def presign(self, key: str, version_id: str, expires: timedelta, file_name: str, media_type: str) -> str | None:
        """None: nobody but the service reaches a folder."""
        return None

    def sweep_incoming(self, older_than: datetime) -> int:
        """Remove what broken uploads left behind before that time; how many there were."""
        swept = 0
        folder = self._root / INCOMING
        for path in list(folder.iterdir()) if folder.exists() else []:
            with contextlib.suppress(FileNotFoundError):
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < older_than:
                    path.unlink()
                    swept += 1
        return swept

    def _lock_path(self, key: str) -> Path:
        return self._root / LOCKS / key

    def _is_held(self, key: str) -> bool:
        return (self._root / HOLDS / key).is_file()

    def _locked_until(self, key: str) -> datetime | None:
        try:
            return datetime.fromisoformat(self._lock_path(key).read_text())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except ValueError as exc:
            # a damaged lock taken for none would let the object be deleted
            raise Unavailable(
                "store_unavailable",
                f"The lock file {LOCKS}/{key} is damaged; write the time at which the lock ends into it.",
                retry_after_seconds=60,
            ) from exc
