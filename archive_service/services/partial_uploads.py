"""Uploads that survive a cut line, a closed lid and a restarted server: bytes are appended to a file and received when all are there.

A partial upload belongs to one person, step and kind. Asked for the same file again (size and fingerprint) the same upload goes on.
What its file holds is what has arrived: the file's length is the offset, and a piece counts when it is on the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import PartialUploadRow
from archive_service.errors import (
    ArchiveError,
    Conflict,
    DocumentRefused,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)
from archive_service.inspection import require_file_name
from archive_service.services import reading, uploads
from archive_service.services.actor import Actor
from archive_service.services.fields import clean_text
from archive_service.services.places import place_at_step
from archive_service.services.work import load_dossier

KEPT = timedelta(days=3)
ANSWERED_KEPT = timedelta(hours=1)
UNDER_WAY_LIMIT = 50
"""So many unfinished uploads a person has in one dossier."""
EVERYWHERE_LIMIT = 200
EVERYWHERE_BYTES = 20 * 1024**3
"""So many, and of so many announced bytes, in all dossiers together: nobody fills the disk by beginning."""
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Wish:
    """What an upload is to become: the facts that ``uploads.receive_document`` is given."""

    step: str
    kind: str
    file_name: str
    size: int
    fingerprint: str
    document: str | None = None
    indicator: str | None = None
    submission: tuple[str, str, str] | None = None


def begin_upload(archive: Archive, actor: Actor, *, dossier: str, wish: Wish) -> str:
    """The id to send bytes to: a new one, or that of the same file of the same person, which goes on where it was cut.

    Refused before a byte flows: a step that takes no such document, a file that is empty or too large, a name that cannot be kept.
    """
    limit = archive.settings.document_limit_bytes
    if wish.size > limit:
        uploads.note_too_large(archive, actor, dossier=dossier, step=wish.step, kind=wish.kind)
        raise TooLarge("file_too_large", f"A document has at most {limit} bytes.", limit_bytes=limit)
    if wish.size < 1:
        raise InvalidInput("file_empty", "The file is empty; choose the right one.")
    require_file_name(wish.file_name)
    clean_text("fingerprint", wish.fingerprint, limit=64)
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    place_at_step(state, actor, step=wish.step, kind=wish.kind, document=wish.document, indicator=wish.indicator)
    now = archive.timer()
    fields = json.dumps({"document": wish.document, "indicator": wish.indicator, "submission": wish.submission})
    with archive.db.write() as session:
        mine = _open_of(session, actor, dossier)
        for row in mine:
            if (row.step, row.kind, row.size, row.fingerprint) == (wish.step, wish.kind, wish.size, wish.fingerprint):
                row.fields, row.file_name, row.expires_at = fields, wish.file_name, now + KEPT
                return row.id
        if len(mine) >= UNDER_WAY_LIMIT:
            raise Conflict(
                "uploads_too_many", "Many uploads are unfinished here; finish or discard some of them first."
            )
        count, announced = session.execute(
            select(func.count(), func.coalesce(func.sum(PartialUploadRow.size), 0)).where(
                PartialUploadRow.person_id == actor.person, PartialUploadRow.answer.is_(None)
            )
        ).one()
        if count >= EVERYWHERE_LIMIT or announced + wish.size > EVERYWHERE_BYTES:
            raise Conflict(
                "uploads_too_many_everywhere",
                "Your unfinished uploads in all dossiers are too many or too large together; finish some of them first.",
            )
        upload = archive.log.make_id()
        session.add(
            PartialUploadRow(
                id=upload,
                person_id=actor.person,
                dossier_id=dossier,
                step=wish.step,
                kind=wish.kind,
                fields=fields,
                file_name=wish.file_name,
                size=wish.size,
                fingerprint=wish.fingerprint,
                begun_at=now,
                expires_at=now + KEPT,
                answer=None,
            )
        )
    return upload


def list_unfinished(archive: Archive, actor: Actor, *, dossier: str) -> list[dict[str, Any]]:
    """This person's uploads to a dossier that were begun and not finished, the oldest first."""
    reading.require_readable(archive, actor, dossier=dossier, action="document.upload")
    with archive.db.read() as session:
        rows = _open_of(session, actor, dossier)
        return [_plain(archive, row) for row in rows if row.answer is None]


def find_upload(archive: Archive, actor: Actor, *, dossier: str, upload: str) -> dict[str, Any]:
    """How an upload stands: ``offset`` of ``size`` bytes, and ``answer`` once it was received or refused; NotFound for another's."""
    with archive.db.read() as session:
        return _plain(archive, _require_own(archive, session, actor, dossier, upload))


def append_bytes(
    archive: Archive, actor: Actor, *, dossier: str, upload: str, offset: int, chunks: Iterable[bytes]
) -> dict[str, Any]:
    """Append what arrives to an upload at its offset, and receive the document when that was its last byte; how it stands then.

    What arrived before the line was cut is kept. Conflict when the offset is not the upload's, or when another request sends to it.
    """
    with archive.db.read() as session:
        _require_own(archive, session, actor, dossier, upload)
    with _held(archive, upload) as file:
        # under the lock: another request may just have sent the last byte
        with archive.db.read() as session:
            row = _require_own(archive, session, actor, dossier, upload)
            found = _plain(archive, row)
        if found["answer"] is not None:
            _path(archive, upload).unlink(missing_ok=True)
            if "code" in found["answer"]:
                raise DocumentRefused(found["answer"]["code"], found["answer"]["detail"])
            return found
        here = file.seek(0, os.SEEK_END)
        if offset != here:
            raise Conflict(
                "offset_wrong", "The upload stands elsewhere; ask where it stands and go on there.", offset=here
            )
        try:
            for chunk in chunks:
                here += len(chunk)
                if here > row.size:
                    file.truncate(here - len(chunk))
                    raise InvalidInput("more_than_announced", "More bytes came than were announced; begin again.")
                file.write(chunk)
        finally:
            file.flush()
            os.fsync(file.fileno())
        if here == row.size:
            _receive(archive, actor, row, file)
        else:
            _keep_alive(archive, upload)
    return find_upload(archive, actor, dossier=dossier, upload=upload)


def discard_upload(archive: Archive, actor: Actor, *, dossier: str, upload: str) -> None:
    """Forget an upload and what arrived of it; Conflict while a request sends to it, which may just make a document of it."""
    with archive.db.read() as session:
        _require_own(archive, session, actor, dossier, upload)
    with _held(archive, upload):
        with archive.db.write() as session:
            session.execute(delete(PartialUploadRow).where(PartialUploadRow.id == upload))
        _path(archive, upload).unlink(missing_ok=True)


def sweep_partial_uploads(archive: Archive) -> int:
    """Forget what was not gone on with for three days, and answers of yesterday; how many uploads these were.

    One that a request sends to at this moment is left for the next sweep. A file that no upload belongs to goes with them, once it is as old.
    """
    overdue = PartialUploadRow.expires_at <= archive.timer()
    with archive.db.read() as session:
        found = list(session.execute(select(PartialUploadRow.id).where(overdue)).scalars())
    swept = 0
    for upload in found:
        with suppress(Conflict), _held(archive, upload):
            with archive.db.write() as session:
                # asked again under the lock: the one who sends it may just have gone on
                gone = session.execute(
                    delete(PartialUploadRow)
                    .where(PartialUploadRow.id == upload, overdue)
                    .returning(PartialUploadRow.id)
                ).scalar()
            if gone:
                _path(archive, upload).unlink(missing_ok=True)
                swept += 1
    _remove_strays(archive)
    return swept


def _remove_strays(archive: Archive) -> None:
    """Remove files without an upload, which a process left that was killed between the two."""
    oldest = (archive.timer() - KEPT).timestamp()
    with suppress(FileNotFoundError):
        old = {
            path.stem: path for path in archive.settings.partial_folder.glob("*.part") if path.stat().st_mtime < oldest
        }
        with archive.db.read() as session:
            for start in range(0, len(old), 500):
                some = list(old)[start : start + 500]
                known = (
                    session.execute(select(PartialUploadRow.id).where(PartialUploadRow.id.in_(some))).scalars().all()
                )
                for stray in set(some) - set(known):
                    old[stray].unlink(missing_ok=True)


def _receive(archive: Archive, actor: Actor, row: PartialUploadRow, file: BinaryIO) -> None:
    """Hand the whole file over; the answer is kept for whoever asks after a cut line. What may pass by itself is tried again."""
    fields: Mapping[str, Any] = json.loads(row.fields)
    submission = None if fields["submission"] is None else uploads.SubmissionReceipt(*fields["submission"])
    file.seek(0)
    try:
        uploads.receive_document(
            archive,
            actor,
            dossier=row.dossier_id,
            step=row.step,
            kind=row.kind,
            file_name=row.file_name,
            chunks=iter(lambda: file.read(PIECE_BYTES), b""),
            document=fields["document"],
            submission=submission,
            indicator=fields["indicator"],
            # in the event's own transaction: a process that dies in between receives the file once all the same
            claim=lambda session, facts: _claim(archive, session, row.id, facts),
        )
    except Unavailable:
        raise
    except ArchiveError as exc:
        with archive.db.write() as session:
            _answer(archive, session, row.id, {"code": exc.code, "detail": exc.detail})
        raise
    finally:
        with archive.db.read() as session:
            known = session.get(PartialUploadRow, row.id)
            is_over = known is None or known.answer is not None
        if is_over:
            _path(archive, row.id).unlink(missing_ok=True)


def _claim(archive: Archive, session: Session, upload: str, facts: Mapping[str, Any]) -> None:
    """Note the document that an upload became; Conflict, and no document, where the upload was forgotten meanwhile."""
    if not _answer(archive, session, upload, {n: facts[n] for n in ("document", "version", "number", "digest")}):
        raise Conflict("upload_discarded", "This upload was discarded; choose the file again.")


def _answer(archive: Archive, session: Session, upload: str, answer: dict[str, Any]) -> bool:
    """Keep the answer for whoever asks; whether the upload is still there and had none."""
    kept = session.execute(
        update(PartialUploadRow)
        .where(PartialUploadRow.id == upload, PartialUploadRow.answer.is_(None))
        .values(answer=json.dumps(answer), expires_at=archive.timer() + ANSWERED_KEPT)
        .returning(PartialUploadRow.id)
    )
    return kept.scalar() is not None


def _keep_alive(archive: Archive, upload: str) -> None:
    with archive.db.write() as session:
        session.execute(
            update(PartialUploadRow).where(PartialUploadRow.id == upload).values(expires_at=archive.timer() + KEPT)
        )


@contextmanager
def _held(archive: Archive, upload: str) -> Iterator[BinaryIO]:
    """The upload's file, held by this request alone; the lock goes with the process that holds it."""
    path = _path(archive, upload)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise Conflict("upload_busy", "This upload is being sent already; wait a moment and go on.") from exc
        yield file


def _path(archive: Archive, upload: str) -> Path:
    return archive.settings.partial_folder / f"{upload}.part"


def _open_of(session: Session, actor: Actor, dossier: str) -> list[PartialUploadRow]:
    return list(
        session.execute(
            select(PartialUploadRow)
            .where(
                PartialUploadRow.dossier_id == dossier,
                PartialUploadRow.person_id == actor.person,
                PartialUploadRow.answer.is_(None),
            )
            .order_by(PartialUploadRow.begun_at, PartialUploadRow.id)
        ).scalars()
    )


def _require_own(archive: Archive, session: Session, actor: Actor, dossier: str, upload: str) -> PartialUploadRow:
    row = session.get(PartialUploadRow, upload) if len(upload) == 32 else None
    if row is None or (row.person_id, row.dossier_id) != (actor.person, dossier) or row.expires_at <= archive.timer():
        raise NotFound("upload_unknown", "There is no such upload; choose the file again.")
    return row


def _plain(archive: Archive, row: PartialUploadRow) -> dict[str, Any]:
    path = _path(archive, row.id)
    answer = None if row.answer is None else json.loads(row.answer)
    there = path.stat().st_size if path.exists() else 0
    return {
        "upload": row.id,
        "step": row.step,
        "kind": row.kind,
        "file_name": row.file_name,
        "size": row.size,
        "offset": row.size if answer is not None else min(there, row.size),
        "fingerprint": row.fingerprint,
        "begun_at": row.begun_at,
        "expires_at": row.expires_at,
        "answer": answer,
    }
