"""Reading: within one's scope, and recorded where an auditor reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import open_streams, read_openings, stream_head
from archive_service.db.models import LocationRow, PersonRow
from archive_service.db.queries import ReadScope
from archive_service.domain import completeness, permissions, verdict, working_time
from archive_service.domain.dossier import RUNNING, Dossier, Run, fold
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.errors import Conflict, NotFound
from archive_service.services.actor import Actor, event_actor
from archive_service.services.work import load_dossier, read_dossier_events
from archive_service.storage.base import READ_CHUNK_BYTES


@dataclass(frozen=True)
class Content:
    """The bytes of a stored object, to be streamed."""

    chunks: Iterator[bytes]
    size: int
    digest: str
    media_type: str
    file_name: str
    read_range: Callable[[int, int], Iterator[bytes]]
    """(first byte, length) → those bytes in pieces."""


def scope_of(actor: Actor, action: str = "dossier.read") -> ReadScope:
    """What the actor may read: auditors and quality checkers everything, performers the dossiers of their units."""
    actor.require(action)
    held = actor.holds(action)
    return ReadScope(any(a.role in permissions.OFFICE_ROLES for a in held), frozenset(a.work_unit for a in held))


def _require_readable(session: Session, actor: Actor, dossier: str, action: str) -> str:
    unit = queries.find_work_unit_of(session, dossier)
    if unit is None or not scope_of(actor, action).holds(unit):
        # the same words for both: who may not read a dossier learns not even that it exists
        raise NotFound("dossier_unknown", "There is no such dossier.")
    return unit


def find_readable(archive: Archive, actor: Actor, *, dossier: str, action: str = "dossier.read") -> str | None:
    """The work unit of a dossier that the actor may read, or None; Forbidden for who reads no dossiers at all."""
    scope = scope_of(actor, action)
    with archive.db.read() as session:
        unit = queries.find_work_unit_of(session, dossier)
    return unit if unit is not None and scope.holds(unit) else None


def require_readable(archive: Archive, actor: Actor, *, dossier: str, action: str = "dossier.read") -> str:
    """The work unit of a dossier that the actor may read; NotFound, in the same words, when there is none or another's."""
    with archive.db.read() as session:
        return _require_readable(session, actor, dossier, action)


def record_read(
    archive: Archive, actor: Actor, what: str, dossier: str | None = None, digest: str | None = None
) -> None:
    """Record what an auditor reads, in the log-in's own stream, before it is handed over."""
    audits = next((a for a in actor.assignments if a.role == permissions.AUDITOR), None)
    if audits is None:
        return
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        payload = {"dossier": dossier, "what": what, "digest": digest}
        writer.append(stream, "record.read", event_actor(session, actor, audits), payload)


def list_dossiers(
    archive: Archive, actor: Actor, limit: int = 200, where: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """The dossiers in the actor's scope, newest first, with names of who holds what; ``where`` narrows them further."""
    scope = scope_of(actor)
    record_read(archive, actor, "dossiers")
    with archive.db.read() as session:
        found = queries.list_dossiers(scope, session, limit, where)
        names = queries.names_of(
            session, {run["responsible"] for d in found for run in d["running"] if run["responsible"]}
        )
    for dossier in found:
        for key in ("opened_at", "ended_at"):
            dossier[key] = None if dossier[key] is None else dossier[key].isoformat()
        for run in dossier["running"]:
            run["responsible_name"] = names.get(run["responsible"])
            run["due_at"] = run["due_at"].isoformat()
    return found


def read_events(archive: Archive, actor: Actor, *, dossier: str) -> list[bytes]:
    """The bytes of the dossier's events in order."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "events.read")
    record_read(archive, actor, "events", dossier)
    with archive.db.read() as session:
        return [event.data for event in read_dossier_events(archive, session, dossier)]


def read_document(archive: Archive, actor: Actor, *, dossier: str, version: str) -> Content:
    """The bytes of one version; NotFound when the dossier has no such version."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "document.read")
        found = load_dossier(archive, session, dossier).find_version(version)
        if found is None:
            raise NotFound("version_unknown", "This dossier has no such version.")
        openings = read_openings(session, [found.event_hash])
        location = queries.find_location(session, dossier, found.digest)
    if location is None:
        raise NotFound("object_unknown", "The stored object of this version is not known.")
    record_read(archive, actor, "document", dossier, found.digest)
    name = openings.get((found.event_hash, "file_name"), (f"{found.id}.bin", b""))[0]
    return _content(archive, location, found.size, found.media_type, name)


def read_bundle(archive: Archive, actor: Actor, *, dossier: str) -> Content:
    """The bytes of the bundle; Conflict while there is none."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "bundle.read")
        row = queries.find_bundle(session, dossier)
        if row is None or row.digest is None or row.size is None:
            job = queries.find_bundle_job(session, dossier)
            text = "The dossier is not sealed." if job is None else "The bundle is being built; try again in a moment."
            raise Conflict("bundle_not_ready", text, job=job)
        location = queries.find_location(session, dossier, row.digest)
    if location is None:
        raise NotFound("object_unknown", "The stored object of this bundle is not known.")
    record_read(archive, actor, "bundle", dossier, row.digest)
    return _content(archive, location, row.size, "application/zip", f"dossier-{dossier}.zip")


def _content(archive: Archive, location: LocationRow, size: int, media_type: str, name: str) -> Content:
    def read_range(offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            piece = archive.store.read_range(
                location.key, location.version_id, offset, min(READ_CHUNK_BYTES, end - offset)
            )
            if not piece:
                return
            offset += len(piece)
            yield piece

    chunks = archive.store.read(location.key, location.version_id)
    return Content(chunks, size, location.digest, media_type, name, read_range)


def read_bundle_progress(archive: Archive, actor: Actor, *, dossier: str) -> dict[str, Any]:
    """How the work on the bundle stands: ``state`` (None before the seal), ``progress`` in per cent, whether it is ready.

    Nothing of the dossier is told, so that a page may ask every second without filling an auditor's record.
    """
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "bundle.read")
        row = queries.find_bundle(session, dossier)
        job = queries.find_bundle_job(session, dossier) or {"state": None, "progress": 0}
    return {
        "state": job["state"],
        "progress": job["progress"],
        "is_ready": row is not None and row.digest is not None,
    }


def read_receipt(archive: Archive, actor: Actor, *, dossier: str, version: str) -> bytes:
    """The signed receipt of a version, made again from its event: the same bytes that its uploader was given."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "document.read")
        events = read_dossier_events(archive, session, dossier)
    for event in events:
        if event.type == "document.received" and event.payload["version"] == version:
            p = event.payload
            receipt = Receipt(
                origin=event.origin,
                stream=event.stream,
                seq=event.seq,
                event_hash=event.leaf_hash,
                digest=p["digest"],
                size=p["size"],
                at=event.at,
            )
            return archive.receipt_key.sign(format_receipt(receipt))
    raise NotFound("version_unknown", "This dossier has no such version.")


def list_people(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """All persons; an auditor's look is recorded."""
    actor.require("people.read")
    record_read(archive, actor, "people")
    with archive.db.read() as session:
        return queries.list_people(session)


def find_person(session: Session, person: str) -> tuple[dict[str, Any], str]:
    """A person with log-ins and assignments, and the head of their stream; NotFound when there is none."""
    found = queries.list_people(session, 1, [PersonRow.id == person])
    if not found:
        raise NotFound("person_unknown", "There is no such person.")
    return found[0], stream_head(session, f"person:{person}")


def list_work_units(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """All work units: their names are known to everyone in the house."""
    with archive.db.read() as session:
        return queries.list_work_units(session)


def read_dossier(archive: Archive, actor: Actor, *, dossier: str) -> dict[str, Any]:
    """Everything about a dossier as plain data: steps with clock and checklist, documents, decisions, deviations, bundle."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "dossier.read")
    record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        events = read_dossier_events(archive, session, dossier)
        state = fold(archive.catalog.sop(session, events[0].payload["sop"]), events)
        calendar = archive.catalog.calendar(session, state.calendar_digest)
        openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in events]).items()}
        persons = {e.person for e in events if e.person} | {r.responsible for r in state.runs if r.responsible}
        names = queries.names_of(session, persons)
        bundle = queries.find_bundle(session, dossier)
        job = queries.find_bundle_job(session, dossier)
        unit = queries.name_of_work_unit(session, state.work_unit)
    now = verdict.format_time(archive.log.clock())
    return {
        "dossier": state.id,
        "status": state.status,
        "sop": {"digest": state.sop_digest, "number": state.sop.number, "title": state.sop.title},
        "calendar": state.calendar_digest,
        "work_unit": {"id": state.work_unit, "name": unit},
        "year": state.year,
        "quarter": state.quarter,
        "title": openings.get((state.opened_hash, "title")),
        "letter": {
            **{k: v for k, v in state.letter.items() if not k.endswith("_commitment")},
            **{
                name: openings.get((state.opened_hash, f"letter.{name}"))
                for name in ("number", "sender", "agenda_number")
            },
        },
        "opened_at": state.opened_at,
        "ended_at": state.ended_at,
        "events": state.count,
        "steps": [_step(state, key, calendar, names, now) for key in state.sop.order],
        "documents": [
            {
                "document": v.document,
                "version": v.id,
                "number": v.number,
                "step": v.step,
                "iteration": v.iteration,
                "kind": v.kind,
                "digest": v.digest,
                "size": v.size,
                "media_type": v.media_type,
                "file_name": openings.get((v.event_hash, "file_name")),
                "person": names.get(v.person),
                "received_at": v.received_at,
                "withdrawn_at": v.withdrawn_at,
            }
            for v in state.versions
        ],
        "decisions": [
            {
                "step": d.step,
                "iteration": d.iteration,
                "decision": d.decision,
                "person": names.get(d.person),
                "at": d.at,
                "returns_to": d.returns_to,
                "event": d.event_hash,
                "reason": openings.get((d.event_hash, "reason")),
            }
            for d in state.decisions
        ],
        "deviations": [
            {
                "deviation": d.id,
                "code": d.code,
                "step": d.step,
                "iteration": d.iteration,
                "subject": d.subject,
                "role": d.role,
                "responsible": d.responsible,
                "responsible_name": names.get(d.responsible or ""),
                "at": d.at,
                "explained_at": d.explained_at,
            }
            for d in state.deviations
        ],
        "history": [
            {"seq": e.seq, "type": e.type, "at": e.at, "person": names.get(e.person or ""), "event": e.leaf_hash}
            for e in events
        ],
        "bundle": {
            "job": job,
            "digest": bundle.digest if bundle else None,
            "size": bundle.size if bundle else None,
        },
    }


def _step(state: Dossier, key: str, calendar: working_time.Calendar, names: dict[str, str], now: str) -> dict[str, Any]:
    step = state.sop.step(key)
    run = state.running(key)
    checklist = (
        [] if run is None else completeness.required_inputs(state, key) + completeness.required_outputs(state, key)
    )
    return {
        "step": key,
        "activity": step.activity,
        "performer": step.performer,
        "performer_title": state.sop.role(step.performer).title,
        "kind": step.kind,
        "norm": step.norm.text,
        "norm_seconds": verdict.norm_seconds(state.sop, key),
        "state": state.step_state(key),
        "to_decide": [v.id for v in state.documents_to_decide(key)] if step.is_decision and run is not None else [],
        "checklist": [r.plain() for r in checklist],
        "iterations": [_run(r, state, calendar, names, now) for r in state.runs if r.step == key],
    }


def _run(run: Run, state: Dossier, calendar: working_time.Calendar, names: dict[str, str], now: str) -> dict[str, Any]:
    until = run.finished_at or now
    used = working_time.used_between(calendar, verdict.parse_time(run.started_at), verdict.parse_time(until))
    limit = verdict.norm_seconds(state.sop, run.step)
    return {
        "iteration": run.iteration,
        "state": run.state,
        "responsible": run.responsible,
        "responsible_name": names.get(run.responsible or ""),
        "performed_by": run.performed_by,
        "performed_by_name": names.get(run.performed_by or ""),
        "started_at": run.started_at,
        "due_at": verdict.due_time(state.sop, run.step, calendar, run.started_at),
        "finished_at": run.finished_at,
        "outcome": run.outcome,
        "used_seconds": used.seconds,
        "limit_seconds": limit,
        "used_by_day": dict(used.by_day),
        "time": ("running" if run.state == RUNNING and used.seconds <= limit else None)
        or (verdict.LATE if used.seconds > limit else verdict.ON_TIME),
        "is_judged": run.judged is not None,
        "completeness": None if run.judged is None else run.judged["completeness"]["result"],
        "requirements": [r.plain() for r in run.requirements],
    }
