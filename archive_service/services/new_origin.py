"""A new log that continues another one: after a fork, or a loss that no backup mends.

Events name the log that they are of, so the old ones stay in the old log: exported, frozen, and still verified by its key. The new log begins
in an empty database and an empty store, under a name and a key of its own; its first leaf carries the last good checkpoint of the old one.
"""

from __future__ import annotations

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import EventRow
from archive_service.domain import note
from archive_service.domain.checkpoint import Checkpoint, parse_checkpoint
from archive_service.domain.event import Event
from archive_service.errors import Conflict, InvalidInput
from archive_service.services.actor import SETUP
from archive_service.services.publication import PREFIX
from archive_service.verifier import ed25519


def begin_new_origin(archive: Archive, *, checkpoint: bytes, vkey: str, reason: str) -> Event:
    """The first event of an empty archive: it continues the log whose signed checkpoint this is.

    InvalidInput ``bad_checkpoint`` unless the checkpoint is signed by the old log's key ``vkey``, ``same_origin`` when the names are the same;
    Conflict ``archive_begun`` when the archive holds events, ``store_in_use`` when its store holds a log.
    """
    older = _require_signed(checkpoint, vkey)
    if older.origin == archive.log.origin:
        raise InvalidInput(
            "same_origin",
            f"The new log has the name of the old one, {older.origin}: nobody could tell their events apart. Choose another "
            "(ARCHIVE_LOG_ORIGIN).",
        )
    if next(iter(archive.store.list_objects(PREFIX)), None) is not None:
        raise Conflict(
            "store_in_use",
            "The store holds the tiles or checkpoints of a log. Name an empty bucket (ARCHIVE_S3_BUCKET) or a new data folder: the old log "
            "stays where it is.",
        )
    with archive.db.write() as session:
        if session.execute(select(EventRow.id).limit(1)).first() is not None:
            raise Conflict(
                "archive_begun",
                "This database holds events already. A log that continues another one begins in an empty database (ARCHIVE_DATABASE) or "
                "data folder.",
            )
        writer = open_streams(session, archive.log, ["service"])
        return writer.append(
            "service",
            "log.continued",
            SETUP,
            {
                "origin": older.origin,
                "size": older.size,
                "root": older.root.hex(),
                "vkey": vkey,
                "checkpoint": checkpoint.decode("utf-8"),
                "reason": reason,
            },
        )


def _require_signed(checkpoint: bytes, vkey: str) -> Checkpoint:
    try:
        key = note.parse_vkey(vkey)
        parsed = note.parse_note(checkpoint)
        older = parse_checkpoint(parsed.text)
        is_signed = key.name == older.origin and note.signed_by(parsed, key, ed25519.verify)
    except ValueError as exc:
        raise InvalidInput("bad_checkpoint", f"The checkpoint or its key cannot be used: {exc}.") from exc
    if not is_signed:
        raise InvalidInput("bad_checkpoint", f"The checkpoint of {older.origin} is not signed by this key.")
    return older
