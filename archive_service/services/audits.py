"""The audit as a job: every week by itself, and whenever an administrator or auditor asks; its outcome is an event.

The event keeps codes and places of the first discrepancies, so that what was found stays told though somebody mends the rows. Auditors and
administrators get a notice, and the service's health says so until an audit finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import AssignmentRow, CheckpointRow, EventRow, JobRow
from archive_service.domain.event import Event, parse_event
from archive_service.domain.permissions import ADMINISTRATOR, AUDITOR
from archive_service.services.actor import RULES, Actor, in_force
from archive_service.services.audit import check_archive
from archive_service.services.notices import notify

EVERY = timedelta(days=7)
FOUND = "audit_found"
LISTED = 24
PLACE_CHARACTERS = 120
SHOWN = 20
JOB = "audit_log"


def plan_audit(archive: Archive) -> int:
    """Queue the audit of this week unless it was; how many were queued. Objects have a schedule of their own, which hashes them.

    Weeks are counted from the log's first checkpoint, in real time.
    """
    now = archive.timer()
    with archive.db.read() as session:
        first = session.execute(select(func.min(CheckpointRow.signed_at))).scalar_one_or_none()
    if first is None or now - first < EVERY:
        return 0
    with archive.db.write() as session:
        args = {"with_objects": False, "person": None}
        key = f"audit:week:{(now - first) // EVERY}"
        return int(jobs.enqueue(session, archive.log.make_id, now, JOB, key=key, args=args))


def request_audit(archive: Archive, actor: Actor, *, with_objects: bool) -> None:
    """Queue an audit now; what is queued already is not queued twice."""
    actor.require("log.audit")
    now = archive.timer()
    with archive.db.write() as session:
        waiting = select(JobRow.id).where(JobRow.name == JOB, JobRow.state.in_([jobs.READY, jobs.WAITING]))
        if session.execute(waiting.where(JobRow.args.contains(f'"with_objects": {str(with_objects).lower()}'))).first():
            return
        args = {"with_objects": with_objects, "person": actor.person}
        jobs.enqueue(session, archive.log.make_id, now, JOB, key=f"audit:{archive.log.make_id()}", args=args)


def audit_log(archive: Archive, lease: jobs.Lease, *, with_objects: bool, person: str | None) -> None:
    """Audit, record the outcome as ``log.audited``, and tell auditors and administrators when there are discrepancies."""
    report = check_archive(archive, with_objects=with_objects, tick=_lease_keeper(archive, lease))
    listed = [{"code": d.code, "place": d.place[:PLACE_CHARACTERS] or "-"} for d in report.discrepancies[:LISTED]]
    facts = {
        "requested_by": person,
        "events": report.events,
        "rows": report.rows,
        "objects": report.objects,
        "discrepancies": len(report.discrepancies),
        "listed": listed,
    }
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
        event = open_streams(session, archive.log, ["service"]).append("service", "log.audited", RULES, facts)
        if report.discrepancies:
            for holder in _holders(archive, session):
                key = f"{FOUND}:{event.id}:{holder}"
                notify(archive, session, person=holder, kind=FOUND, key=key, subject=listed[0]["code"], is_urgent=True)
        jobs.finish(session, lease, archive.timer())


def _lease_keeper(archive: Archive, lease: jobs.Lease) -> Callable[[], None]:
    """A function that extends the lease well before it ends; LeaseLost stops a worker that was overtaken."""
    last = archive.timer()

    def tick() -> None:
        nonlocal last
        now = archive.timer()
        if now - last < lease.length / 4:
            return
        with archive.db.write() as session:
            jobs.extend(session, lease, now, progress=0)
        last = now

    return tick


def list_audits(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """The outcomes of the newest audits, the newest first."""
    actor.require("log.audit")
    with archive.db.read() as session:
        return [_outcome(event) for event in _audits(session, SHOWN)]


def find_last_audit(session: Session) -> dict[str, Any] | None:
    """The outcome of the newest audit; None before the first."""
    return next((_outcome(event) for event in _audits(session, 1)), None)


def _audits(session: Session, limit: int) -> list[Event]:
    rows = session.execute(
        select(EventRow.data)
        .where(EventRow.type == "log.audited", EventRow.stream == "service")
        .order_by(EventRow.seq.desc())
        .limit(limit)
    )
    return [parse_event(data) for data in rows.scalars()]


def _outcome(event: Event) -> dict[str, Any]:
    return {"at": event.at, "event": event.leaf_hash, **event.payload}


def _holders(archive: Archive, session: Session) -> list[str]:
    holders = session.execute(
        select(AssignmentRow.person_id)
        .where(AssignmentRow.role.in_([ADMINISTRATOR, AUDITOR]), *in_force(archive.log.clock()))
        .distinct()
        .order_by(AssignmentRow.person_id)
    )
    return list(holders.scalars())
