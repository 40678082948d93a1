"""Documents come in: streamed to the store, inspected, then claimed by an event in one transaction; the answer is a signed receipt."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import LocationRow
from archive_service.domain.action import Action
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.domain.sop import OutputRule
from archive_service.domain.states import CANCELLED, SEALED
from archive_service.domain.verdict import format_time
from archive_service.errors import DocumentRefused, InvalidInput, NotFound, TooLarge
from archive_service.inspection import Inspection, inspect_document, require_file_name
from archive_service.services.actor import Actor
from archive_service.services.fields import clean_text, require_id
from archive_service.services.places import (
    AttachmentPlace,
    StepPlace,
    choose_assignment,
    place_at_deviation,
    place_at_step,
)
from archive_service.services.work import hold_dossier, load_dossier
from archive_service.storage.base import RangedReader, ReceivedObject

Claim = Callable[[Session, Mapping[str, Any]], None]

SPOOL_BYTES = 1024 * 1024
"""Documents up to this size are inspected in memory, larger ones by ranged reads of the stored object."""


@dataclass(frozen=True)
class SubmissionReceipt:
    """What a receipt of an upload elsewhere (bukti unggah) says: the application, its address, the number it gave."""

    application: str
    address: str
    number: str


@dataclass(frozen=True)
class Received:
    """What became of an upload: ids, and the receipt note that the uploader keeps."""

    document: str
    version: str
    number: int
    digest: str
    size: int
    media_type: str
    event_hash: str
    receipt_note: bytes


def receive_document(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    kind: str,
    file_name: str,
    chunks: Iterable[bytes],
    document: str | None = None,
    submission: SubmissionReceipt | None = None,
    indicator: str | None = None,
    claim: Claim | None = None,
) -> Received:
    """Take a document into a step, as a new document or as a new version of ``document``; the signed receipt.

    ``indicator``: the code of the listed indicator that it is evidence for; a contributor sends for their own alone.
    ``claim``: called with the facts of the event in its transaction, so that what it writes is there exactly when the document is.

    Nothing is kept unless everything holds: a refused file's object is deleted and the refusal is an event (DocumentRefused, TooLarge);
    an error while the bytes arrive leaves no trace at all.
    """
    begun_at = archive.log.clock()
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    place = place_at_step(state, actor, step=step, kind=kind, document=document, indicator=indicator)
    personal = _personal(state.sop.step(step).output(kind), submission)
    return _receive(archive, actor, replace(place, personal=personal), dossier, file_name, chunks, begun_at, claim)


def receive_attachment(
    archive: Archive, actor: Actor, *, dossier: str, deviation: str, file_name: str, chunks: Iterable[bytes]
) -> Received:
    """Take a document for the explanation of a deviation, from the person who answers for it; the signed receipt.

    It belongs to the explanation that is given next (``deviations.explain_deviation``), and comes before it. Conflict
    ``dossier_sealed`` once the dossier is sealed: explanations in words alone follow the seal.
    """
    begun_at = archive.log.clock()
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    place = place_at_deviation(state, actor, deviation)
    return _receive(archive, actor, place, dossier, file_name, chunks, begun_at)


def _receive(
    archive: Archive,
    actor: Actor,
    place: StepPlace | AttachmentPlace,
    dossier: str,
    file_name: str,
    chunks: Iterable[bytes],
    begun_at: datetime,
    claim: Claim | None = None,
) -> Received:
    """Stream, inspect, claim; whatever stands in the way leaves no object behind."""
    try:
        name = require_file_name(file_name)
    except DocumentRefused as exc:
        _note_refusal(archive, actor, dossier, place.step, place.kind, exc.code, None, None)
        raise
    try:
        received, spool = _store(archive, chunks)
    except TooLarge as exc:
        _note_refusal(archive, actor, dossier, place.step, place.kind, exc.code, None, name)
        raise
    try:
        found = _inspect(archive, received, spool, name, place.media)
        with archive.db.write() as session:
            work = hold_dossier(archive, session, dossier, actor)
            assignment = place.require(work.dossier)
            document_id = place.document or work.writer.make_id()
            payload: dict[str, Any] = {
                "document": document_id,
                "version": work.writer.make_id(),
                "number": len(work.dossier.versions_of(document_id)) + 1,
                "kind": place.kind,
                "digest": received.digest_hex,
                "crc32": f"{received.crc32:08x}",
                "size": received.size,
                "media_type": found.media_type,
                "puid": found.puid,
                "begun_at": min(format_time(begun_at), work.writer.at),
                **place.facts(work.dossier),
            }
            event = work.act(actor, assignment, "document.received", payload, {"file_name": name, **place.personal})
            session.add(
                LocationRow(
                    key=received.key,
                    version_id=received.version_id,
                    digest=received.digest_hex,
                    dossier_id=dossier,
                    claimed_at=archive.timer(),
                )
            )
            if claim is not None:
                claim(session, payload)
            work.enqueue(
                "lock_object", f"lock:{received.key}", {"key": received.key, "version_id": received.version_id}
            )
    except DocumentRefused as exc:
        archive.store.delete(received.key, received.version_id)
        _note_refusal(archive, actor, dossier, place.step, place.kind, exc.code, received, name)
        raise
    except BaseException:
        archive.store.delete(received.key, received.version_id)
        raise
    receipt = Receipt(
        origin=event.origin,
        stream=event.stream,
        seq=event.seq,
        event_hash=event.leaf_hash,
        digest=received.digest_hex,
        size=received.size,
        at=event.at,
    )
    return Received(
        document_id,
        payload["version"],
        payload["number"],
        received.digest_hex,
        received.size,
        found.media_type,
        event.leaf_hash,
        archive.receipt_key.sign(format_receipt(receipt)),
    )


def note_too_large(archive: Archive, actor: Actor, *, dossier: str, step: str, kind: str) -> None:
    """Record that a document was refused by its announced size, before a byte of it was read."""
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    StepPlace(actor, step, kind, None, None).require(state)
    _note_refusal(archive, actor, dossier, step, kind, "file_too_large", None, None)


def note_large_attachment(archive: Archive, actor: Actor, *, dossier: str, deviation: str) -> None:
    """Record that an attachment was refused by its announced size, before a byte of it was read."""
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    place = place_at_deviation(state, actor, deviation)
    _note_refusal(archive, actor, dossier, place.step, place.kind, "file_too_large", None, None)


def withdraw_document(
    archive: Archive, actor: Actor, *, dossier: str, version: str, reason: str, seen: Collection[str] | None = None
) -> None:
    """Withdraw a version before its step is submitted, with a reason; its bytes and its record stay."""
    reason = clean_text("reason", reason, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        known = work.dossier.find_version(require_id("version", version))
        step = known.step if known else ""
        is_tagged = known is not None and known.indicator is not None
        assignment = choose_assignment(work.dossier, actor, step, "document.withdraw", is_tagged=is_tagged)
        if known is None:
            raise NotFound("version_unknown", "This dossier has no such version.")
        work.require(
            Action(
                "withdraw",
                actor.person,
                assignment.role,
                assignment.work_unit,
                step=step,
                document=known.document,
                version=version,
                has_reason=True,
            )
        )
        payload = {"document": known.document, "version": version}
        work.act(actor, assignment, "document.withdrawn", {**payload, "step": step}, {"reason": reason})


def _personal(rule: OutputRule, submission: SubmissionReceipt | None) -> dict[str, str | None]:
    if rule.evidence != "receipt":
        if submission is not None:
            raise InvalidInput(
                "receipt_not_taken", "application, address and number belong to the receipt of an upload."
            )
        return {}
    if submission is None:
        raise InvalidInput(
            "receipt_fields_missing", "Say which application the report went to: application, address and number."
        )
    return {
        "receipt.application": clean_text("application", submission.application, limit=200),
        "receipt.address": clean_text("address", submission.address, limit=500),
        "receipt.number": clean_text("number", submission.number, limit=200),
    }


def _store(archive: Archive, chunks: Iterable[bytes]) -> tuple[ReceivedObject, io.BytesIO | None]:
    """The stored object, and its bytes too where they are few."""
    limit = archive.settings.document_limit_bytes
    spool: io.BytesIO | None = io.BytesIO()
    with archive.store.begin(f"objects/{archive.log.make_id()}", limit_bytes=limit) as upload:
        for chunk in chunks:
            upload.append(chunk)
            if spool is not None:
                spool = None if spool.tell() + len(chunk) > SPOOL_BYTES else spool
            if spool is not None:
                spool.write(chunk)
        return upload.finish(), spool


def _inspect(
    archive: Archive, received: ReceivedObject, spool: io.BytesIO | None, name: str, media: Sequence[str]
) -> Inspection:
    if spool is not None:
        # the bytes that were hashed and stored: asking the store for them again, range by range, takes longer than the upload
        spool.seek(0)
        return inspect_document(spool, size=received.size, file_name=name, accepted=media)
    with RangedReader(archive.store, received.key, received.version_id, received.size) as source:
        return inspect_document(cast(BinaryIO, source), size=received.size, file_name=name, accepted=media)


def _note_refusal(
    archive: Archive,
    actor: Actor,
    dossier: str,
    step: str | None,
    kind: str,
    code: str,
    received: ReceivedObject | None,
    name: str | None,
) -> None:
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor)
        if work.dossier.status in (SEALED, CANCELLED):
            # the stream has ended while the bytes came in: there is no place for the note, and the caller is told anyway
            return
        payload = {
            "step": step,
            "kind": kind,
            "code": code,
            "size": received.size if received else None,
            "digest": received.digest_hex if received else None,
        }
        work.act(
            actor, choose_assignment(work.dossier, actor, step or ""), "document.refused", payload, {"file_name": name}
        )
