"""Documents come in: streamed to the store, inspected, then claimed by an event in one transaction; the answer is a signed receipt."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from archive_service.archive import Archive
from archive_service.db.models import LocationRow
from archive_service.domain.dossier import CANCELLED, SEALED, Action, Dossier, find_refusal
from archive_service.domain.manifest import EVENT_LIMITS, EVENTS_LIMIT
from archive_service.domain.permissions import CONTRIBUTOR
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.domain.sop import OutputRule
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, DocumentRefused, InvalidInput, NotFound, TooLarge
from archive_service.inspection import Inspection, inspect_document, require_file_name
from archive_service.services.actor import Actor, Assignment, require_covering
from archive_service.services.fields import clean_text, require_id
from archive_service.services.indicators import clean_code
from archive_service.services.work import error_of, hold_dossier, load_dossier
from archive_service.storage.base import RangedReader, ReceivedObject

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
) -> Received:
    """Take a document into a step, as a new document or as a new version of ``document``; the signed receipt.

    ``indicator``: the code of the listed indicator that it is evidence for; a contributor sends for their own alone.

    Nothing is kept unless everything holds: a refused file's object is deleted and the refusal is an event (DocumentRefused, TooLarge);
    an error while the bytes arrive leaves no trace at all.
    """
    begun_at = archive.log.clock()
    indicator = None if indicator is None else clean_code(indicator)
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
    assignment = _assignment(state, actor, step, is_tagged=indicator is not None)
    _require_room(state)
    document = _resolve_document(state, step, kind, document)
    if indicator is None and document is not None:
        # a new version supports what the one before did, unless another indicator is named
        indicator = state.versions_of(document)[-1].indicator
        assignment = _assignment(state, actor, step, is_tagged=indicator is not None)
    _require(state, actor, assignment, step, kind, document, indicator)
    rule = state.sop.step(step).output(kind)
    personal = _personal(rule, submission)
    try:
        name = require_file_name(file_name)
    except DocumentRefused as exc:
        _note_refusal(archive, actor, dossier, step, kind, exc.code, None, None)
        raise
    try:
        received, spool = _store(archive, chunks)
    except TooLarge as exc:
        _note_refusal(archive, actor, dossier, step, kind, exc.code, None, name)
        raise
    try:
        found = _inspect(archive, received, spool, name, rule)
        with archive.db.write() as session:
            work = hold_dossier(archive, session, dossier, actor)
            _require(work.dossier, actor, assignment, step, kind, document, indicator)
            run = work.dossier.running(step)
            assert run is not None
            document_id = document or work.writer.make_id()
            payload: dict[str, Any] = {
                "document": document_id,
                "version": work.writer.make_id(),
                "number": len(work.dossier.versions_of(document_id)) + 1,
                "step": step,
                "iteration": run.iteration,
                "kind": kind,
                "digest": received.digest_hex,
                "crc32": f"{received.crc32:08x}",
                "size": received.size,
                "media_type": found.media_type,
                "puid": found.puid,
                "begun_at": min(format_time(begun_at), work.writer.at),
                "receipt": None if submission is None else {},
                "deviation": None,
                "indicator": indicator,
            }
            event = work.act(actor, assignment, "document.received", payload, {"file_name": name, **personal})
            session.add(
                LocationRow(
                    key=received.key,
                    version_id=received.version_id,
                    digest=received.digest_hex,
                    dossier_id=dossier,
                    claimed_at=archive.timer(),
                )
            )
            work.enqueue(
                "lock_object", f"lock:{received.key}", {"key": received.key, "version_id": received.version_id}
            )
    except DocumentRefused as exc:
        archive.store.delete(received.key, received.version_id)
        _note_refusal(archive, actor, dossier, step, kind, exc.code, received, name)
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
    _require(state, actor, _assignment(state, actor, step), step, kind, None)
    _note_refusal(archive, actor, dossier, step, kind, "file_too_large", None, None)


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
        assignment = _assignment(work.dossier, actor, step, "document.withdraw", is_tagged=is_tagged)
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


def _require_room(dossier: Dossier) -> None:
    """Keep a dossier within what its bundle may hold, however many files are refused in it; half of the events are left for the steps."""
    if dossier.count >= EVENTS_LIMIT // 2 or len(dossier.versions) >= EVENT_LIMITS["document.received"]:
        raise Conflict(
            "dossier_full", "This dossier takes no more documents; go on with its steps, or open another one."
        )


def _assignment(
    dossier: Dossier, actor: Actor, step: str, permission: str = "document.upload", *, is_tagged: bool = False
) -> Assignment:
    first = actor.require(permission, dossier.work_unit)
    performer = dossier.sop.step(step).performer if step in dossier.sop.order else None
    for assignment in actor.holds(permission):
        if (assignment.role, assignment.work_unit) == (performer, dossier.work_unit):
            # asked before a byte is read, and again with the act
            return require_covering(actor, assignment, dossier.sop.key)
    for assignment in actor.holds(permission) if is_tagged else []:
        if (assignment.role, assignment.work_unit) == (CONTRIBUTOR, dossier.work_unit):
            return assignment
    return first


def _require(
    dossier: Dossier,
    actor: Actor,
    assignment: Assignment,
    step: str,
    kind: str,
    document: str | None,
    indicator: str | None = None,
) -> None:
    action = Action(
        "upload",
        actor.person,
        assignment.role,
        assignment.work_unit,
        step=step,
        kind=kind,
        document=document,
        indicator=indicator,
    )
    refusal = find_refusal(dossier, action)
    if refusal is not None:
        raise error_of(refusal)


def _resolve_document(dossier: Dossier, step: str, kind: str, document: str | None) -> str | None:
    """The document that gets a new version: the named one; the only one there may be; else none, so a new document begins."""
    if document is not None:
        if not dossier.versions_of(require_id("document", document)):
            raise InvalidInput("document_unknown", "This dossier has no such document; leave it out to send a new one.")
        return document
    if step not in dossier.sop.order:
        return None
    rule = next((r for r in dossier.sop.step(step).file_outputs if r.kind == kind), None)
    standing = dossier.current_versions(step, kind) if rule is not None else []
    return standing[0].document if rule is not None and rule.maximum == 1 and standing else None


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
    archive: Archive, received: ReceivedObject, spool: io.BytesIO | None, name: str, rule: OutputRule
) -> Inspection:
    if spool is not None:
        # the bytes that were hashed and stored: asking the store for them again, range by range, takes longer than the upload
        spool.seek(0)
        return inspect_document(spool, size=received.size, file_name=name, accepted=rule.media)
    with RangedReader(archive.store, received.key, received.version_id, received.size) as source:
        return inspect_document(cast(BinaryIO, source), size=received.size, file_name=name, accepted=rule.media)


def _note_refusal(
    archive: Archive,
    actor: Actor,
    dossier: str,
    step: str,
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
        work.act(actor, _assignment(work.dossier, actor, step), "document.refused", payload, {"file_name": name})
