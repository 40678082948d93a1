"""What is kept beside the events against what they say: the published log, the kept checkpoints, what others vouch, the claimed objects.

The store is listed before the transaction that it is compared with: the log goes on while it is audited, and whatever is published was in the
database before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, CosignatureRow, LocationRow, TimeStampRow
from archive_service.domain import note, tiles
from archive_service.domain.cosignature import require_cosignature
from archive_service.domain.event import Event, stream_kind
from archive_service.domain.merkle import HASH_BYTES
from archive_service.errors import NotFound
from archive_service.services.fixity import find_damaged_objects
from archive_service.services.log import CHECKPOINT_PREFIX
from archive_service.services.publication import PREFIX
from archive_service.services.time_stamps import require_imprint
from archive_service.services.vouchers import NotVouched
from archive_service.verifier import ed25519

SIZE_LIMIT = 2**62
"""No database counts further."""
ROW_FOLLOWS_SECONDS = 2
"""How long the row of a checkpoint may come after its object."""

Add = Callable[[str, str, str], None]
"""Notes a discrepancy: code, place, text."""


@dataclass
class PublishedLog:
    """What lies below ``log/`` in the store: the kept checkpoints as they are, of everything else the SHA-256."""

    kept: list[tuple[str, bytes]] = field(default_factory=list)
    digests: list[tuple[str, bytes]] = field(default_factory=list)

    def size_within(self, limit: int) -> int:
        """The size of the tree that is published whole, going by the names of the kept checkpoints; names over the limit are no sizes."""
        sizes = [size for key, _ in self.kept if (size := _size_of(key)) is not None]
        return max((size for size in sizes if size <= limit), default=0)


def list_published(archive: Archive, tick: Callable[[], None]) -> PublishedLog:
    """Everything that the store holds of the published log, every version of every object.

    A checkpoint is put into the store a moment before its row is written: the row of the newest one is waited for.
    """
    published = PublishedLog()
    # the checkpoints first: whatever they cover was published before them
    for key, version_id in _versions(archive, CHECKPOINT_PREFIX):
        tick()
        published.kept.append((key, b"".join(archive.store.read(key, version_id))))
    for key, version_id in _versions(archive, PREFIX):
        if key.startswith(CHECKPOINT_PREFIX):
            continue
        tick()
        digest = sha256()
        try:
            for chunk in archive.store.read(key, version_id):
                digest.update(chunk)
        except NotFound:
            # a partial tile goes when the full one is there
            continue
        published.digests.append((key, digest.digest()))
    newest = published.size_within(SIZE_LIMIT)
    until = time.monotonic() + ROW_FOLLOWS_SECONDS
    while newest and time.monotonic() < until:
        with archive.db.read() as session:
            if session.get(CheckpointRow, newest) is not None:
                break
        time.sleep(0.1)
    return published


def _versions(archive: Archive, prefix: str) -> Iterator[tuple[str, str]]:
    for stored in archive.store.list_objects(prefix):
        yield stored.key, stored.version_id


def _size_of(key: str) -> int | None:
    digits = key.removeprefix(CHECKPOINT_PREFIX)
    return int(digits) if len(digits) == 20 and digits.isascii() and digits.isdigit() else None


def check_kept_checkpoints(archive: Archive, session: Session, add: Add, published: PublishedLog) -> None:
    """Compare the checkpoints kept in the store with the table, both ways."""
    rows = {row.size: row.note for row in session.execute(select(CheckpointRow)).scalars()}
    sizes = set()
    for key, data in published.kept:
        size = _size_of(key)
        if size is None or rows.get(size) != data:
            add("kept_checkpoint_differs", key, "the checkpoint kept in the store is not in the table")
        sizes.add(size)
    for size in sorted(rows.keys() - sizes):
        key = f"{CHECKPOINT_PREFIX}{size:020d}"
        # what was signed after the store was listed was put there before its row was written
        if not any(stored.key == key for stored in archive.store.list_objects(key)):
            add("kept_checkpoint_missing", f"checkpoint {size}", "the store does not keep it")


def check_published(
    archive: Archive,
    add: Add,
    published: PublishedLog,
    rebuilt: Mapping[tuple[int, int], bytes],
    entries: Sequence[bytes | None],
) -> None:
    """Compare every published tile and bundle of entries with the ones that follow from the events.

    ``rebuilt`` are the whole tiles by level and index, ``entries`` the events' bytes in the order of the leaves (None where there is none).
    """
    there = set()
    for key, digest in published.digests:
        there.add(key)
        name = tiles.parse_tile_path(key.removeprefix(PREFIX))
        want = None if name is None else _content(name, rebuilt, entries)
        if want is None:
            add("published_extra", key, "it is no part of the log")
        elif sha256(want).digest() != digest:
            add("published_differs", key, "the published bytes are not what follows from the events")
    # a checkpoint that claims more than there is was found with the kept ones; it must not make this look for ever
    for whole, path in _needed(published.size_within(len(entries))):
        keys = (PREFIX + path, PREFIX + whole)
        # while the store was listed a partial one may have made room for the full one
        if not there.intersection(keys) and not any(o.key in keys for o in archive.store.list_objects(keys[1])):
            add("published_missing", keys[0], "a signed checkpoint needs it, and the store does not hold it")


def _needed(size: int) -> Iterator[tuple[str, str]]:
    """(path of the full one, path as wide as it is) of every tile and bundle in a tree of that size."""
    for level, index, width in tiles.tile_widths(0, size):
        yield tiles.tile_path(level, index, tiles.TILE_WIDTH), tiles.tile_path(level, index, width)
    for index in range(-(-size // tiles.TILE_WIDTH)):
        width = min(tiles.TILE_WIDTH, size - index * tiles.TILE_WIDTH)
        yield tiles.bundle_path(index, tiles.TILE_WIDTH), tiles.bundle_path(index, width)


def _content(
    name: tiles.TileName, rebuilt: Mapping[tuple[int, int], bytes], entries: Sequence[bytes | None]
) -> bytes | None:
    if name.level is None:
        begin = name.index * tiles.TILE_WIDTH
        part = [entry for entry in entries[begin : begin + name.width] if entry is not None]
        return tiles.format_entries(part) if len(part) == name.width else None
    hashes = rebuilt.get((name.level, name.index), b"")[: name.width * HASH_BYTES]
    return hashes if len(hashes) == name.width * HASH_BYTES else None


def check_locations(session: Session, add: Add, streams: Mapping[str, Sequence[Event]]) -> None:
    """Every digest that an event of a dossier names has a place in the store, and every place an event that names its digest."""
    named = {
        (name.partition(":")[2], event.payload["digest"])
        for name, events in streams.items()
        if stream_kind(name) in ("dossier", "after")
        for event in events
        if event.type in ("document.received", "bundle.stored")
    }
    rows = session.execute(select(LocationRow.dossier_id, LocationRow.digest, LocationRow.key)).all()
    located = {(row.dossier_id, row.digest) for row in rows}
    for dossier, digest in sorted(named - located):
        add(
            "object_unlocated",
            f"dossier {dossier} {digest}",
            "an event names these bytes, and no place in the store does",
        )
    for row in rows:
        if (row.dossier_id, row.digest) not in named:
            add("location_without_event", row.key, "no event of the dossier names these bytes")


def check_objects(archive: Archive, add: Add, tick: Callable[[], None]) -> int:
    """Hash every claimed object again, and look whether a newer version hides it; how many there are."""
    with archive.db.read() as session:
        places = session.execute(select(LocationRow.key, LocationRow.version_id)).all()
    count, damaged = find_damaged_objects(archive, tick)
    for key in damaged:
        add("object_damaged", key, "the stored bytes are gone or no longer hash to the recorded digest")
    newest: dict[str, str] = {}
    for prefix in ("objects/", "bundles/"):
        for key, version_id in _versions(archive, prefix):
            newest.setdefault(key, version_id)
    for key, version_id in places:
        if newest.get(key, version_id) != version_id:
            add("object_shadowed", key, "a newer version lies over the recorded one")
    return count


def check_vouching(session: Session, add: Add) -> int:
    """Every cosignature and every time-stamp is over the checkpoint that it is kept for; how many rows there are."""
    count = 0
    notes = {row.size: row.note for row in session.execute(select(CheckpointRow)).scalars()}
    for row in session.execute(select(CosignatureRow).order_by(CosignatureRow.size)).scalars():
        count += 1
        try:
            key = note.parse_vkey(row.vkey, note.COSIGNATURE)
            signature = note.parse_signature_line(row.line.rstrip("\n"))
            found = require_cosignature(note.parse_note(notes[row.size]).text, signature, key, ed25519.verify)
            is_right = found.time == int(row.cosigned_at.timestamp())
        except (note.NoteError, KeyError):
            is_right = False
        if not is_right:
            add("cosignature_differs", f"cosignature {row.size} {row.vkey}", "it is not over this checkpoint")
    for stamp in session.execute(select(TimeStampRow).order_by(TimeStampRow.size)).scalars():
        count += 1
        try:
            told = require_imprint(stamp.token, note.parse_note(notes[stamp.size]).text.encode())
            is_right = told.at == stamp.stamped_at
        except (NotVouched, note.NoteError, KeyError):
            is_right = False
        if not is_right:
            add("time_stamp_differs", f"time_stamp {stamp.size} {stamp.authority}", "it is not over this checkpoint")
    return count
