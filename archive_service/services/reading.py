"""Reading: within one's scope, and recorded where an auditor reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import open_streams, read_openings, read_stream, stream_head
from archive_service.db.models import DocumentVersionRow, LocationRow, LogLeafRow, PersonRow
from archive_service.db.queries import ReadScope
from archive_service.domain import completeness, permissions, statement, verdict, working_time
from archive_service.domain.action import AFTER_TYPES
from archive_service.domain.dossier import Dossier, fold
from archive_service.domain.event import Event
from archive_service.domain.parts import PaperOriginal, Run
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.domain.sop import Sop
from archive_service.domain.states import RUNNING
from archive_service.errors import Conflict, NotFound
from archive_service.services.actor import Actor, event_actor
from archive_service.services.levels import read_level
from archive_service.services.work import calendars_of, load_dossier, read_dossier_events
from archive_service.storage.base import READ_CHUNK_BYTES

PAUSED = "paused"
"""How a running iteration stands while a pause covers now."""


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


def _require_version_readable(session: Session, actor: Actor, dossier: str, version: str) -> None:
    """Within one's scope, or one's own upload: contributors read what they sent and nothing else."""
    if not actor.may("document.read") and actor.may("document.read_own"):
        _require_readable(session, actor, dossier, "document.read_own")
        sender = select(DocumentVersionRow.person_id).where(
            DocumentVersionRow.id == version, DocumentVersionRow.dossier_id == dossier
        )
        if session.execute(sender).scalar_one_or_none() != actor.person:
            raise NotFound("version_unknown", "This dossier has no such version, or it is not yours.")
        return
    _require_readable(session, actor, dossier, "document.read")


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
    archive: Archive,
    actor: Actor,
    what: str,
    dossier: str | None = None,
    digest: str | None = None,
    query: str | None = None,
) -> None:
    """Record what an auditor reads (and what they searched for), in the log-in's own stream, before it is handed over."""
    audits = next((a for a in actor.assignments if a.role == permissions.AUDITOR), None)
    if audits is None:
        return
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        payload = {"dossier": dossier, "what": what, "digest": digest}
        writer.append(stream, "record.read", event_actor(session, actor, audits), payload, personal={"query": query})


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
    now = archive.log.clock()
    for dossier in found:
        for key in ("opened_at", "ended_at"):
            dossier[key] = None if dossier[key] is None else dossier[key].isoformat()
        for run in dossier["running"]:
            run["responsible_name"] = names.get(run["responsible"])
            run["due_at"] = None if run["due_at"] is None else run["due_at"].isoformat()
            late_at = run.pop("late_at")
            run["is_late"] = late_at is not None and late_at <= now
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
        _require_version_readable(session, actor, dossier, version)
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


def content_of(data: bytes, media_type: str, name: str) -> Content:
    """Bytes that were made just now, as a download."""

    def read_range(offset: int, length: int) -> Iterator[bytes]:
        yield data[offset : offset + length]

    return Content(iter([data]), len(data), sha256(data).hexdigest(), media_type, name, read_range)


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
        _require_version_readable(session, actor, dossier, version)
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


def list_sops(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """Every registered version of every SOP by number, the newest of each first: procedures are known to everyone in the house."""
    with archive.db.read() as session:
        found = [d for d in queries.list_definitions(session) if d["kind"] == "sop"]
        newest = {d["key"]: max(o["version"] for o in found if o["key"] == d["key"]) for d in found}
        rows = [(d, archive.catalog.sop(session, d["digest"])) for d in found]
    rows.sort(key=lambda row: (row[1].number, row[0]["key"], -row[0]["version"]))
    return [
        {
            "digest": d["digest"],
            "key": d["key"],
            "version": d["version"],
            "number": sop.number,
            "title": sop.title,
            "is_newest": d["version"] == newest[d["key"]],
        }
        for d, sop in rows
    ]


def read_sop(archive: Archive, actor: Actor, *, digest: str) -> Sop:
    """One registered version of an SOP; NotFound when that digest is none."""
    with archive.db.read() as session:
        if archive.catalog.get(session, digest).kind != "sop":
            raise NotFound("definition_unknown", "No SOP has that digest.")
        return archive.catalog.sop(session, digest)


def list_work_units(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """All work units: their names are known to everyone in the house."""
    with archive.db.read() as session:
        return queries.list_work_units(session)


class Whole(NamedTuple):
    """A dossier that was read: as plain data, and what that was told from, so that one page reads and folds it once."""

    found: dict[str, Any]
    state: Dossier
    events: list[Event]
    """Those of its stream, and those after its seal."""
    openings: dict[tuple[str, str], str]
    names: dict[str, str]


def read_dossier(archive: Archive, actor: Actor, *, dossier: str) -> dict[str, Any]:
    """Everything about a dossier as plain data: steps with clock and checklist, documents, decisions, deviations, bundle."""
    return read_whole(archive, actor, dossier=dossier).found


def read_whole(archive: Archive, actor: Actor, *, dossier: str) -> Whole:
    """``read_dossier`` with the folded state and the events behind it."""
    with archive.db.read() as session:
        _require_readable(session, actor, dossier, "dossier.read")
    record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        events = read_dossier_events(archive, session, dossier)
        after = read_stream(session, f"after:{dossier}")
        state = fold(archive.catalog.sop(session, events[0].payload["sop"]), events, after)
        calendars = calendars_of(archive, session, state)
        openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in [*events, *after]]).items()}
        persons = {e.person for e in [*events, *after] if e.person} | {
            r.responsible for r in state.runs if r.responsible
        }
        names = queries.names_of(session, persons)
        bundle = queries.find_bundle(session, dossier)
        job = queries.find_bundle_job(session, dossier)
        unit = queries.name_of_work_unit(session, state.work_unit)
        level = _level(archive, session, events[-1].leaf_hash) if events[-1].type == "dossier.sealed" else None
    now = verdict.format_time(archive.log.clock())
    found = {
        "dossier": state.id,
        "status": state.status,
        "sop": {"digest": state.sop_digest, "number": state.sop.number, "title": state.sop.title},
        "calendar": state.calendar_digest,
        "calendars": list(state.calendars),
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
        "answers": dict(state.answers),
        "questions": [
            {"key": q.key, "title": q.title, "choices": list(q.choices), "asked_at": q.asked_at}
            for q in state.sop.questions
        ],
        "steps": [_step(state, key, calendars, names, openings, now) for key in state.sop.order],
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
                "begun_at": v.begun_at,
                "received_at": v.received_at,
                "withdrawn_at": v.withdrawn_at,
                "deviation": v.deviation,
                "indicator": v.indicator,
                "paper": None if v.document not in state.papers else _paper(state.papers[v.document], names),
            }
            for v in state.versions
        ],
        "equipment": statement.equipment_of(state),
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
                "passkey": d.passkey,
                "flags": [reason for f in state.flags if f.decision == d.event_hash for reason in f.reasons],
            }
            for d in state.decisions
        ],
        "flags": [
            {
                "step": f.step,
                "iteration": f.iteration,
                "person": f.person,
                "person_name": names.get(f.person),
                "decision": f.decision,
                "reasons": list(f.reasons),
                "event": f.event_hash,
            }
            for f in state.flags
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
                "evidence": list(d.evidence),
                "state": d.state,
                "is_open": d.is_open,
                "explain_by": d.explain_by,
                "explained_at": d.explained_at,
                "escalated_at": d.escalated_at,
                "escalated_to": d.escalated_to,
                "accepted_by_role": state.acceptor_of(d),
                "explanations": [
                    {
                        "number": e.number,
                        "person": e.person,
                        "person_name": names.get(e.person),
                        "at": e.at,
                        "event": e.event_hash,
                        "explanation": openings.get((e.event_hash, "explanation")),
                        "attachments": [v.id for v in state.versions if v.event_hash in e.attachments],
                        "answer": e.answer,
                        "answered_by_name": names.get(e.answered_by or ""),
                        "answered_at": e.answered_at,
                        "reason": _answer_reason([*events, *after], openings, d.id, e.number),
                    }
                    for e in d.explanations
                ],
            }
            for d in state.deviations
        ],
        "history": [
            {"seq": e.seq, "type": e.type, "at": e.at, "person": names.get(e.person or ""), "event": e.leaf_hash}
            for e in [*events, *(e for e in after if e.type in AFTER_TYPES)]
        ],
        "bundle": {
            "job": job,
            "digest": bundle.digest if bundle else None,
            "size": bundle.size if bundle else None,
            "level": level,
        },
    }
    return Whole(found, state, [*events, *after], openings, names)


def _level(archive: Archive, session: Session, seal: str) -> dict[str, Any] | None:
    """Who vouches for the log that holds a seal by now; None while it waits for its number."""
    index = session.execute(select(LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash == seal)).scalar_one_or_none()
    return None if index is None else read_level(archive, session, covering=index)


def _paper(paper: PaperOriginal, names: dict[str, str]) -> dict[str, Any]:
    """What is recorded of an original on paper, and by whom."""
    return {**statement.plain_paper(paper), "person_name": names.get(paper.person)}


def _answer_reason(
    events: Sequence[Event], openings: dict[tuple[str, str], str], deviation_id: str, number: int
) -> str | None:
    """Why an explanation was asked for again."""
    for event in events:
        p = event.payload
        if event.type == "explanation.returned" and (p["deviation"], p["number"]) == (deviation_id, number):
            return openings.get((event.leaf_hash, "reason"))
    return None


def _step(
    state: Dossier,
    key: str,
    calendars: dict[str, working_time.Calendar],
    names: dict[str, str],
    openings: dict[tuple[str, str], str],
    now: str,
) -> dict[str, Any]:
    step = state.sop.step(key)
    run = state.running(key)
    checklist = (
        [] if run is None else completeness.required_inputs(state, key) + completeness.required_outputs(state, key)
    )
    found = [_run(r, state, calendars, names, openings, now) for r in state.runs if r.step == key]
    return {
        "step": key,
        "activity": step.activity,
        "performer": step.performer,
        "performer_title": state.sop.role(step.performer).title,
        "pauses_granted_by": step.pauses_granted_by,
        "kind": step.kind,
        "norm": step.norm.text,
        "norm_seconds": verdict.norm_seconds(state.sop, key),
        "state": state.step_state(key),
        "to_decide": [v.id for v in state.documents_to_decide(key)] if step.is_decision and run is not None else [],
        "checklist": [r.plain() for r in checklist],
        "iterations": found,
        "in_all": {
            "iterations": len(found),
            "used_seconds": sum(r["used_seconds"] for r in found),
            "limit_seconds": found[0]["limit_seconds"] if found else verdict.norm_seconds(state.sop, key),
        },
    }


def _run(
    run: Run,
    state: Dossier,
    calendars: dict[str, working_time.Calendar],
    names: dict[str, str],
    openings: dict[tuple[str, str], str],
    now: str,
) -> dict[str, Any]:
    until = run.finished_at or now
    calendar = calendars[state.calendar_digest]
    excluded = run.excluded(until)
    used = verdict.used_time(calendar, run.started_at, until, excluded)
    gross = verdict.used_time(calendar, run.started_at, until)
    limit = verdict.limit_from(state.sop, state.sop.step(run.step).norm, calendar, run.started_at)
    is_late = used.seconds > limit
    time = verdict.LATE if is_late else verdict.ON_TIME
    if run.state == RUNNING and not is_late:
        time = PAUSED if run.is_paused(now) else RUNNING
    return {
        "iteration": run.iteration,
        "state": run.state,
        "responsible": run.responsible,
        "responsible_name": names.get(run.responsible or ""),
        "performed_by": run.performed_by,
        "performed_by_name": names.get(run.performed_by or ""),
        "started_at": run.started_at,
        "due_at": statement.due_time(state, run, calendar),
        "finished_at": run.finished_at,
        "outcome": run.outcome,
        "used_seconds": used.seconds,
        "limit_seconds": limit,
        "excluded_seconds": gross.seconds - used.seconds,
        "late_by_seconds": max(0, used.seconds - limit),
        "used_by_day": dict(used.by_day),
        "policy": state.sop.time.day_policy,
        "calendar": state.calendar_digest,
        "time": time,
        "pauses": [
            {
                "pause": p.id,
                "cause": p.cause,
                "from_at": p.from_at,
                "to_at": p.to_at,
                "granted_by": p.granted_by,
                "granted_by_name": names.get(p.granted_by),
                "reason": openings.get((p.event_hash, "reason")),
            }
            for p in run.pauses
        ],
        "transfer": None if run.transfer is None else list(run.transfer),
        "verdicts": [
            {"event": j.event_hash, "number": j.payload["number"], **j.payload["time"]} for j in run.judgements
        ],
        "is_judged": run.judged is not None,
        "completeness": None if run.judged is None else run.judged["completeness"]["result"],
        "requirements": [r.plain() for r in run.requirements],
    }
