"""The log's tree: number the pending events, keep the tiles, sign checkpoints, refuse to fork."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.models import (
    CheckpointRow,
    JobRow,
    LogLeafRow,
    LogPendingRow,
    LogTileRow,
    SequencerRow,
    table_of,
)
from archive_service.db.session import insert_unless_there
from archive_service.domain import merkle, note, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from archive_service.errors import LogIntegrityError
from archive_service.services import keys
from archive_service.services.publication import publish_tree, put_object, stored_tile
from archive_service.verifier import ed25519

BATCH = 4096
CHECKPOINT_PREFIX = "log/checkpoints/"


def log_size(session: Session) -> int:
    """How many leaves the tree has."""
    newest = session.execute(select(func.max(LogLeafRow.leaf_index))).scalar_one_or_none()
    return 0 if newest is None else newest + 1


def tile_reader(session: Session) -> merkle.NodeReader:
    """A reader of tree nodes over the stored tiles; LogIntegrityError when a tile is missing."""
    known: dict[tuple[int, int], bytes] = {}

    def read_tile(level: int, index: int) -> bytes:
        if (level, index) not in known:
            known[(level, index)] = stored_tile(session, level, index)
        return known[(level, index)]

    return tiles.node_reader(read_tile)


def sequence_pending(archive: Archive) -> int:
    """Number the next batch of pending events as leaves of the tree; how many."""
    with archive.db.read() as session:
        if session.execute(select(LogPendingRow.id).limit(1)).first() is None:
            return 0
    with archive.db.write() as session:
        _take_turn(session, archive.timer())
        oldest = select(LogPendingRow.id).order_by(LogPendingRow.id).limit(BATCH)
        taken = session.execute(
            delete(LogPendingRow)
            .where(LogPendingRow.id.in_(oldest.scalar_subquery()))
            .returning(LogPendingRow.id, LogPendingRow.leaf_hash)
            .execution_options(synchronize_session=False)
        ).all()
        if not taken:
            return 0
        # no database promises an order of what it deletes
        rows = sorted(taken)
        size = log_size(session)
        hashes = [bytes.fromhex(row.leaf_hash) for row in rows]
        changed = tiles.append_leaves(size, hashes, lambda level, index: stored_tile(session, level, index))
        session.connection().execute(
            insert(table_of(LogLeafRow)),
            [{"leaf_index": size + i, "leaf_hash": row.leaf_hash} for i, row in enumerate(rows)],
        )
        for (level, index), content in changed.items():
            known = session.execute(
                update(LogTileRow)
                .where(LogTileRow.level == level, LogTileRow.tile_index == index)
                .values(hashes=content)
                .execution_options(synchronize_session=False)
            )
            if known.rowcount == 0:  # type: ignore[attr-defined]
                session.execute(insert(LogTileRow).values(level=level, tile_index=index, hashes=content))
    return len(rows)


def is_awaited(archive: Archive) -> bool:
    """Whether a bundle waits for a checkpoint that covers its seal."""
    waiting = select(JobRow.id).where(JobRow.state == jobs.WAITING, JobRow.name == "build_bundle").limit(1)
    with archive.db.read() as session:
        return session.execute(waiting).first() is not None


@dataclass(frozen=True)
class LogStop:
    """Why the log signs nothing more, and since when."""

    code: str
    detail: str
    stopped_at: datetime


def find_stop(session: Session) -> LogStop | None:
    """Why the log signs nothing more, as its process has said; None while it signs."""
    row = session.get(SequencerRow, 1)
    if row is None or row.stop_code is None or row.stopped_at is None:
        return None
    return LogStop(row.stop_code, row.stop_detail or "", row.stopped_at)


def record_stop(archive: Archive, error: LogIntegrityError | None) -> None:
    """Say to every process why the log signs nothing more; with None, that it signs again."""
    with archive.db.write() as session:
        insert_unless_there(session, SequencerRow, {"id": 1, "turned_at": None})
        row = session.execute(select(SequencerRow).where(SequencerRow.id == 1).with_for_update()).scalar_one()
        if error is None:
            row.stop_code = row.stop_detail = row.stopped_at = None
        elif row.stop_code != error.code:
            row.stop_code, row.stop_detail, row.stopped_at = error.code, error.detail, archive.timer()


def _take_turn(session: Session, now: datetime) -> None:
    """Lock the sequencer's row: a second sequencer waits here, and then sees what the first one numbered."""
    turn = select(SequencerRow).where(SequencerRow.id == 1).with_for_update()
    row = session.execute(turn).scalar_one_or_none()
    if row is None:
        insert_unless_there(session, SequencerRow, {"id": 1, "turned_at": None})
        row = session.execute(turn).scalar_one()
    row.turned_at = now


class CheckpointSigner:
    """Signs the growing tree; remembers the last checkpoint that it saw under lock, so that it lists the store once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: Checkpoint | None = None
        self._has_looked = False

    def sign(self) -> Checkpoint | None:
        """A new signed checkpoint when the tree grew, else None.

        LogIntegrityError when the tree is not an extension of the last checkpoint kept in the store (a database restored from an old
        backup, or edited): nothing is signed then, and an operator must look.
        """
        archive = self._archive
        self._look_once()
        with archive.db.read() as session:
            size = log_size(session)
            signed = session.execute(select(func.max(CheckpointRow.size))).scalar_one_or_none() or 0
            kept = self._kept
            if kept is not None and size < kept.size:
                raise LogIntegrityError(
                    "log_shrunk",
                    f"The database holds {size} events, a signed checkpoint {kept.size}: it was restored from an old backup. "
                    "Bring the newest backup back; nothing is signed until then.",
                )
            if size == 0 or size == signed:
                return None
            node = tile_reader(session)
            if kept is not None and merkle.root_from_nodes(kept.size, node) != kept.root:
                raise LogIntegrityError(
                    "log_forked",
                    f"The first {kept.size} events are not the ones that were signed: stored evidence was changed. Nothing is signed.",
                )
            root = merkle.root_from_nodes(size, node)
        # before the signature: whoever sees the checkpoint finds every tile and entry that it needs
        publish_tree(archive, since=signed, size=size)
        checkpoint = Checkpoint(archive.log.origin, size, root)
        data = _sign(archive, format_checkpoint(checkpoint))
        data = self._keep(checkpoint, data)
        with archive.db.write() as session:
            values = {"size": size, "root": root.hex(), "note": data, "signed_at": archive.timer()}
            # asked first: the guard of SQLite's table refuses even an INSERT that would do nothing
            if session.get(CheckpointRow, size) is None:
                insert_unless_there(session, CheckpointRow, values)
        self._kept = checkpoint
        return checkpoint

    def _keep(self, checkpoint: Checkpoint, data: bytes) -> bytes:
        """Put the signed checkpoint under lock; what is kept, which is of before a crash when that said the same by another key of the log."""
        archive, key = self._archive, f"{CHECKPOINT_PREFIX}{checkpoint.size:020d}"
        try:
            put_object(archive, key, data, is_locked=True)
        except LogIntegrityError:
            # a crash came between the object and its row, and the key was changed before the next start
            kept = _read_kept(archive, key)
            if require_own_checkpoint(archive, kept) != checkpoint:
                raise LogIntegrityError(
                    "log_forked", f"Another checkpoint of size {checkpoint.size} is kept already. Nothing is signed."
                ) from None
            put_object(archive, key, kept, is_locked=True)
            return kept
        return data

    def _look_once(self) -> None:
        if self._has_looked:
            return
        archive = self._archive
        with archive.db.read() as session:
            signed = session.execute(select(func.max(CheckpointRow.size))).scalar_one_or_none() or 0
        # the store may know a newer one than a database that was restored; all older ones are passed over unread
        after = f"{CHECKPOINT_PREFIX}{max(signed - 1, 0):020d}"
        newest = max(archive.store.list_objects(CHECKPOINT_PREFIX, after=after), key=lambda o: o.key, default=None)
        if newest is None and signed:
            # gone from the store: whatever is left is what must be a prefix
            newest = max(archive.store.list_objects(CHECKPOINT_PREFIX), key=lambda o: o.key, default=None)
        if newest is not None:
            data = b"".join(archive.store.read(newest.key, newest.version_id))
            kept = require_own_checkpoint(archive, data)
            if newest.key != f"{CHECKPOINT_PREFIX}{kept.size:020d}":
                # an older one under a later name would hide the newest from a database that was cut back
                raise LogIntegrityError(
                    "checkpoint_misnamed", f"{newest.key} holds a checkpoint of size {kept.size}. Nothing is signed."
                )
            self._kept = kept
        self._has_looked = True


def _read_kept(archive: Archive, key: str) -> bytes:
    kept = next(o for o in archive.store.list_objects(key) if o.key == key)
    return b"".join(archive.store.read(kept.key, kept.version_id))


def _sign(archive: Archive, text: str) -> bytes:
    """The note over a checkpoint: signed with the log's key, and for the overlap after a change with the one before too."""
    signatures = [archive.log_key.make_signature(text)]
    with archive.db.read() as session:
        for key in archive.former_log_keys:
            if key.private_key is not None and keys.is_overlapping(archive, session, key.vkey):
                signatures.append(key.make_signature(text))
    return note.format_note(text, signatures)


def require_own_checkpoint(archive: Archive, data: bytes) -> Checkpoint:
    """The checkpoint in a note that this log's key signed; LogIntegrityError for any other bytes."""
    try:
        parsed = note.parse_note(data)
        checkpoint = parse_checkpoint(parsed.text)
        signers = [key for key in keys.log_keys_of(archive) if note.signed_by(parsed, key, ed25519.verify)]
    except ValueError as exc:
        raise LogIntegrityError("checkpoint_damaged", f"A kept checkpoint is damaged: {exc}") from exc
    if not signers or checkpoint.origin != archive.log.origin:
        raise LogIntegrityError("checkpoint_foreign", "A kept checkpoint was signed by another key or log.")
    return checkpoint


def newest_checkpoint(session: Session) -> bytes | None:
    """The newest signed checkpoint, or None before the first."""
    return session.execute(select(CheckpointRow.note).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one_or_none()


def newest_row(session: Session) -> CheckpointRow | None:
    """The row of the newest signed checkpoint, or None before the first."""
    return session.execute(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one_or_none()


def covering_checkpoint(session: Session, leaf_index: int) -> CheckpointRow | None:
    """The earliest checkpoint that covers a leaf, or None when there is none yet."""
    return session.execute(
        select(CheckpointRow).where(CheckpointRow.size > leaf_index).order_by(CheckpointRow.size).limit(1)
    ).scalar_one_or_none()
