"""The log as everybody may read it (C2SP tlog-tiles): put into the store before a checkpoint is signed, served, exported.

Full tiles, full bundles of entries and every signed checkpoint lie in the store under Object Lock. The rightmost ones, not full yet, lie beside
them without a lock and go when the full one is there, so that the store alone holds the whole signed log.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow, LogTileRow
from archive_service.domain import merkle, note, permissions, tiles
from archive_service.domain.checkpoint import Checkpoint, parse_checkpoint
from archive_service.domain.event import parse_event
from archive_service.errors import Conflict, Forbidden, InvalidInput, LogIntegrityError, NotFound
from archive_service.services.actor import Actor
from archive_service.services.keys import log_keys_of
from archive_service.services.reading import record_read
from archive_service.services.vouchers import attested_note

PREFIX = "log/"
CHECKPOINTS = "checkpoints/"
KEEP = timedelta(days=3653)
SLICE = 16 * tiles.TILE_WIDTH
"""So many entries are held in memory at once."""

READ_EVERY = timedelta(hours=1)

Progress = Callable[[int, int], None]
"""(entries done, entries in all)."""


# into the store --------------------------------------------------------------------------------------------------


def publish_tree(archive: Archive, *, since: int, size: int) -> None:
    """Put everything into the store that a tree of ``size`` leaves has and one of ``since`` had not.

    Every event is read back and hashed, every tile computed again from that: LogIntegrityError ``leaf_differs``, ``leaf_missing`` or
    ``tile_differs`` when what the database holds is not what follows from the events. Run again it changes nothing.
    """
    partial: dict[int, tuple[int, bytes]] = {}
    start = since // tiles.TILE_WIDTH * tiles.TILE_WIDTH
    for begin in range(start, size, SLICE):
        end = min(begin + SLICE, size)
        with archive.db.read() as session:
            entries = read_entries(session, begin, end)
            changed = _require_tiles(session, begin, entries)
        for (level, index), content in changed.items():
            if len(content) == tiles.TILE_WIDTH * merkle.HASH_BYTES:
                _put_full(archive, tiles.tile_path(level, index, tiles.TILE_WIDTH), content, since >> 8 * level, index)
                partial.pop(level, None)
            else:
                partial[level] = index, content
        for first in range(0, len(entries), tiles.TILE_WIDTH):
            part = entries[first : first + tiles.TILE_WIDTH]
            index = (begin + first) // tiles.TILE_WIDTH
            data = tiles.format_entries(part)
            if len(part) == tiles.TILE_WIDTH:
                _put_full(archive, tiles.bundle_path(index, tiles.TILE_WIDTH), data, since, index)
            else:
                put_object(archive, PREFIX + tiles.bundle_path(index, len(part)), data)
    for level, (index, content) in partial.items():
        path = tiles.tile_path(level, index, len(content) // merkle.HASH_BYTES)
        put_object(archive, PREFIX + path, content)


def _require_tiles(session: Session, begin: int, entries: list[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles that follow from these entries behind ``begin``, once they are found to be the stored ones."""
    stored: dict[tuple[int, int], bytes] = {}

    def read_tile(level: int, index: int) -> bytes:
        if (level, index) not in stored:
            stored[(level, index)] = stored_tile(session, level, index)
        return stored[(level, index)]

    changed = tiles.append_leaves(begin, [merkle.leaf_hash(entry) for entry in entries], read_tile)
    for (level, index), content in changed.items():
        if read_tile(level, index)[: len(content)] != content:
            raise LogIntegrityError(
                "tile_differs",
                f"Tile {level}/{index} of the log is not what follows from its events. Nothing is signed.",
            )
    return changed


def _put_full(archive: Archive, path: str, data: bytes, since: int, index: int) -> None:
    """Put a full tile or bundle under lock, and take away its partial ones where the tree of before had any."""
    put_object(archive, PREFIX + path, data, is_locked=True)
    if since > index * tiles.TILE_WIDTH:
        for old in list(archive.store.list_objects(f"{PREFIX}{path}.p/")):
            archive.store.delete(old.key, old.version_id)


def put_object(archive: Archive, key: str, data: bytes, *, is_locked: bool = False) -> None:
    """Put bytes under a key, and lock them; LogIntegrityError ``published_differs`` when other bytes lie there.

    What a crash left is taken as it is, when it is the same: the same tree gives the same bytes.
    """
    store = archive.store
    try:
        with store.begin(key, limit_bytes=len(data)) as upload:
            upload.append(data)
            version_id = upload.finish().version_id
    except Conflict:
        there = next(o for o in store.list_objects(key) if o.key == key)
        version_id = there.version_id
        if b"".join(store.read(key, version_id)) != data:
            raise LogIntegrityError(
                "published_differs", f"The store holds something else under {key}. Nothing is signed."
            ) from None
    if is_locked:
        store.lock(key, version_id, archive.timer() + KEEP)


def stored_tile(session: Session, level: int, index: int) -> bytes:
    """The hashes of a tile in the database; LogIntegrityError when it is missing."""
    row = session.get(LogTileRow, (level, index))
    if row is None:
        raise LogIntegrityError("tile_missing", f"Tile {level}/{index} of the log is missing.")
    return row.hashes


def read_entries(session: Session, begin: int, end: int) -> list[bytes]:
    """The bytes of the events from leaf ``begin`` to before ``end``, each hashed again; LogIntegrityError where one differs or is missing."""
    rows = session.execute(
        select(LogLeafRow.leaf_index, LogLeafRow.leaf_hash, EventRow.data)
        .outerjoin(EventRow, EventRow.leaf_hash == LogLeafRow.leaf_hash)
        .where(LogLeafRow.leaf_index >= begin, LogLeafRow.leaf_index < end)
        .order_by(LogLeafRow.leaf_index)
    )
    entries: list[bytes] = []
    for index, leaf_hash, data in rows:
        expected = begin + len(entries)
        # SQLite gives back a text where somebody put one into a column of bytes
        is_right = index == expected and isinstance(data, bytes) and merkle.leaf_hash(data).hex() == leaf_hash
        if not is_right:
            raise LogIntegrityError(
                "leaf_differs", f"Leaf {expected} of the log does not match its event. Nothing is signed."
            )
        entries.append(data)
    if begin + len(entries) != end:
        raise LogIntegrityError(
            "leaf_missing", f"Leaf {begin + len(entries)} of the log is missing. Nothing is signed."
        )
    return entries


class StoreReader:
    """The published log as it lies in the store alone, for ``verifier.log_directory.check_log``; listed once, when it is made."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._versions: dict[str, str] = {}
        for found in archive.store.list_objects(PREFIX):
            # the newest version of a key comes first: what a reader of the bucket is given
            self._versions.setdefault(found.key, found.version_id)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The bytes of an object; ``checkpoint`` is the newest of the kept ones."""
        if path == "vkey":
            return verifier_keys(self._archive)
        if path == "checkpoint":
            names = self.list_checkpoints()
            path = f"{CHECKPOINTS}{names[-1]}" if names else path
        version_id = self._versions.get(PREFIX + path)
        if version_id is None:
            return None
        try:
            return self._archive.store.read_range(PREFIX + path, version_id, 0, limit_bytes)
        except NotFound:
            return None

    def list_checkpoints(self) -> list[str]:
        """The names of the kept checkpoints, the newest last."""
        start = PREFIX + CHECKPOINTS
        return sorted(key.removeprefix(start) for key in self._versions if key.startswith(start))


# to readers ------------------------------------------------------------------------------------------------------


def require_log_readable(archive: Archive, actor: Actor) -> None:
    """Raise Forbidden unless the actor may read every stream: entries of the log are of all dossiers and of all log-ins.

    That somebody reads the log is recorded once an hour, not for each of its thousands of files.
    """
    actor.require("events.read")
    audits = next((a for a in actor.holds("events.read") if a.role == permissions.AUDITOR), None)
    if audits is None:
        raise Forbidden("role_forbidden", "Only auditors read the whole log.")
    stream = f"user:{actor.user}"
    recent = select(EventRow.data).where(
        EventRow.stream == stream,
        EventRow.type == "record.read",
        EventRow.at > archive.log.clock() - READ_EVERY,
    )
    with archive.db.read() as session:
        is_recorded = any(parse_event(data).payload["what"] == "log" for data in session.execute(recent).scalars())
    if not is_recorded:
        record_read(archive, actor, "log")


def read_checkpoint(archive: Archive) -> bytes:
    """The newest signed checkpoint as it is published; NotFound before the first."""
    with archive.db.read() as session:
        row = _newest(session)
        if row is None:
            raise NotFound("no_checkpoint", "Nothing has been signed yet; wait a few seconds.")
        return published_note(session, row)


def published_note(session: Session, row: CheckpointRow) -> bytes:
    """A signed checkpoint as the mutable resource ``checkpoint`` holds it: with the cosignatures that were gathered for it."""
    return attested_note(session, row)


def read_kept_checkpoint(archive: Archive, *, size: int) -> bytes:
    """The checkpoint of this size exactly as it was signed; NotFound when none was."""
    with archive.db.read() as session:
        row = session.get(CheckpointRow, size)
    if row is None:
        raise NotFound("checkpoint_unknown", "No signed checkpoint has this size.")
    return row.note


def read_tile(archive: Archive, *, path: str) -> bytes:
    """A tile or a bundle of entries by its path; NotFound unless a signed checkpoint covers it whole."""
    name = tiles.parse_tile_path(path)
    with archive.db.read() as session:
        newest = _newest(session)
        if name is None or newest is None or name.needed_size() > newest.size:
            raise NotFound("tile_unknown", "The log has no such tile, or no signed checkpoint needs it yet.")
        if name.level is None:
            begin = name.index * tiles.TILE_WIDTH
            return tiles.format_entries(read_entries(session, begin, begin + name.width))
        return stored_tile(session, name.level, name.index)[: name.width * merkle.HASH_BYTES]


def verifier_keys(archive: Archive) -> bytes:
    """The resource ``vkey``: the verifier keys a line each: the log's, those that it had before, the receipts'."""
    log_keys = [note.format_vkey(key) for key in log_keys_of(archive)]
    return "".join(f"{vkey}\n" for vkey in [*log_keys, archive.receipt_key.vkey]).encode()


def _newest(session: Session) -> CheckpointRow | None:
    return session.execute(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one_or_none()


# into a folder ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exported:
    """What an export did: the size of the log in the folder before and now, and how many files it wrote."""

    before: int
    size: int
    files: int


def export_log(archive: Archive, *, folder: Path, progress: Progress | None = None) -> Exported:
    """Write the published log as static files; a folder that holds an older export gets what is new.

    Killed anywhere and run again it goes on: the checkpoint is written last, every file whole or not at all. Conflict
    ``export_differs`` when the folder holds another log, or one that this is no continuation of.
    """
    with archive.db.read() as session:
        newest = _newest(session)
        if newest is None:
            raise NotFound("no_checkpoint", "Nothing has been signed yet; there is nothing to export.")
        head, size = published_note(session, newest), newest.size
        before = _exported_size(archive, session, folder, size)
    target = _Folder(folder)
    widths = list(tiles.tile_widths(before, size))
    for start in range(0, len(widths), 64):
        with archive.db.read() as session:
            for level, index, width in widths[start : start + 64]:
                data = stored_tile(session, level, index)[: width * merkle.HASH_BYTES]
                target.put_tile(tiles.tile_path(level, index, width), data, width)
    begin = before // tiles.TILE_WIDTH * tiles.TILE_WIDTH
    for first in range(begin, size, SLICE):
        end = min(first + SLICE, size)
        with archive.db.read() as session:
            entries = read_entries(session, first, end)
        for offset in range(0, len(entries), tiles.TILE_WIDTH):
            part = entries[offset : offset + tiles.TILE_WIDTH]
            path = tiles.bundle_path((first + offset) // tiles.TILE_WIDTH, len(part))
            target.put_tile(path, tiles.format_entries(part), len(part))
        if progress is not None:
            progress(end, size)
    for kept_size, data in _kept_checkpoints(archive, before, size):
        target.put(f"{CHECKPOINTS}{kept_size:020d}", data)
    target.put("vkey", verifier_keys(archive))
    target.put("checkpoint", head)
    return Exported(before, size, target.written)


def _exported_size(archive: Archive, session: Session, folder: Path, size: int) -> int:
    """The size of the log that a folder holds; 0 for a new one, or one whose first export broke off."""
    try:
        known = parse_checkpoint(note.parse_note((folder / "checkpoint").read_bytes()).text)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except (OSError, ValueError) as exc:
        raise Conflict(
            "export_differs", f"{folder} holds something else than a log: {exc}. Name a new folder."
        ) from exc
    if not is_prefix(session, archive.log.origin, known, size):
        raise Conflict(
            "export_differs",
            f"{folder} holds a log of {known.origin} that this one is no continuation of. Keep it: it may be the only proof of what was "
            "there before. Name a new folder for this one.",
        )
    return known.size


def is_prefix(session: Session, origin: str, older: Checkpoint, size: int) -> bool:
    """Whether a checkpoint is of this log and its tree the beginning of the stored one of ``size`` leaves."""
    if older.origin != origin or older.size > size:
        return False
    node = tiles.node_reader(lambda level, index: stored_tile(session, level, index))
    return merkle.root_from_nodes(older.size, node) == older.root


def _kept_checkpoints(archive: Archive, before: int, size: int) -> Iterator[tuple[int, bytes]]:
    """(size, note) of every checkpoint that was signed after ``before``, in pages."""
    while True:
        with archive.db.read() as session:
            rows = session.execute(
                select(CheckpointRow.size, CheckpointRow.note)
                .where(CheckpointRow.size > before, CheckpointRow.size <= size)
                .order_by(CheckpointRow.size)
                .limit(1000)
            ).all()
        if not rows:
            return
        for row in rows:
            yield row.size, row.note
        before = rows[-1].size


class _Folder:
    """Files that appear whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = 0

    def put_tile(self, path: str, data: bytes, width: int) -> None:
        """Write a tile; a full one takes the place of its partial ones."""
        self.put(path, data)
        if width == tiles.TILE_WIDTH:
            shutil.rmtree(self._folder / f"{path}.p", ignore_errors=True)

    def put(self, path: str, data: bytes) -> None:
        """Write a file unless it is there already."""
        target = self._folder / path
        try:
            if target.exists() and target.read_bytes() == data:
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
            fresh.write_bytes(data)
            os.replace(fresh, target)
        except OSError as exc:
            raise InvalidInput("folder_unusable", f"Cannot write {target}: {exc.strerror}.") from exc
        self.written += 1
