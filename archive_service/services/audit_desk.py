"""An auditor's home: what is new, what failed, what is open, and until when they may look."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.models import AssignmentRow, DeviationRow, DossierRow, EventRow, UserRow
from archive_service.db.paging import PageRequest
from archive_service.domain.event import parse_event
from archive_service.domain.permissions import AUDITOR
from archive_service.domain.states import SEALED
from archive_service.services import audits, findings, log, own_record, reading, samples
from archive_service.services.actor import Actor
from archive_service.services.findings import FindingFilter

SHOWN = 8
FAILED = "fixity.checked"


def read_audit_desk(archive: Archive, actor: Actor) -> dict[str, Any]:
    """Dossiers sealed lately, checks that failed, open findings, samples and their progress, when access ends, how much is recorded.

    It leads to what is read, and is not recorded itself: an auditor sees it dozens of times a day.
    """
    actor.require("audit.work")
    scope = reading.scope_of(actor)
    found = findings.peek_findings(archive, actor, wanted=FindingFilter(is_settled=False), page=PageRequest(SHOWN))
    drawn = samples.page_samples(archive, actor, page=PageRequest(SHOWN))
    with archive.db.read() as session:
        sealed = queries.list_dossiers(scope, session, SHOWN, [DossierRow.status == SEALED])
        counts = {
            "sealed": session.execute(
                select(func.count()).select_from(DossierRow).where(scope.condition(), DossierRow.status == SEALED)
            ).scalar_one(),
            "unexplained": session.execute(
                select(func.count())
                .select_from(DeviationRow)
                .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
                .where(scope.condition(), DeviationRow.explained_at.is_(None))
            ).scalar_one(),
        }
        failed = _failed_checks(session)
        last_audit = audits.find_last_audit(session)
        stop = log.find_stop(session)
        ends = access_ends(session, actor)
    return {
        "sealed": [{**each, "ended_at": each["ended_at"] and each["ended_at"].isoformat()} for each in sealed],
        "findings": found.rows,
        "samples": drawn.rows,
        "failed_checks": failed,
        "last_audit": last_audit,
        "log_stop": stop,
        "access_ends": ends,
        "counts": {
            **counts,
            "findings": findings.count_open(archive, actor),
            "reads": own_record.count_reads(archive, actor),
        },
    }


def _failed_checks(session: Session) -> list[dict[str, Any]]:
    """The newest checks of documents in which one was damaged or unreadable."""
    rows = session.execute(
        select(EventRow.data).where(EventRow.type == FAILED).order_by(EventRow.at.desc(), EventRow.id.desc()).limit(500)
    ).scalars()
    found = []
    for event in map(parse_event, rows):
        if event.payload["result"] != "intact":
            facts = {name: event.payload[name] for name in ("dossier", "result", "failed")}
            found.append({**facts, "at": event.at, "event": event.leaf_hash})
        if len(found) == SHOWN:
            break
    return found


def access_ends(session: Session, actor: Actor) -> str | None:
    """The last day of the actor's access as auditor: of the log-in or of the assignment, whichever comes first; None without one."""
    held = [a.id for a in actor.assignments if a.role == AUDITOR]
    days = session.execute(select(AssignmentRow.to_on).where(AssignmentRow.id.in_(held))).scalars().all()
    # several assignments: the one that lasts longest counts, and one without an end outlasts all
    last = None if None in days else max((day for day in days if day is not None), default=None)
    ends = [day for day in (last, session.get_one(UserRow, actor.user).valid_until) if day is not None]
    return min(ends, default=None)
