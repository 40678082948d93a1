"""Reminders of steps: once before the norm is used up, once after, on the working calendar; and what becomes of old notices.

What is due is found by an index (``step_run.remind_at``, written with the row): the cost follows what is due now, not what exists.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import notices as rows
from archive_service.db.models import AssignmentRow, DossierRow, NoticeRow, StepRunRow
from archive_service.domain import permissions, working_time
from archive_service.domain.states import OPEN, RUNNING
from archive_service.errors import ArchiveError
from archive_service.services.actor import choose_responsible, office_date
from archive_service.services.dossiers import CALENDAR_KEY
from archive_service.services.notices import (
    DUE_SOON,
    OF_RUNNING_STEP,
    OTHERS_OVERDUE,
    OVERDUE,
    is_short,
    notify,
)
from archive_service.services.work import unit_calendar

REMINDED_TOGETHER = 50
"""In one transaction: whoever finishes one of these steps waits for no longer than that takes."""
REMINDED_AT_ONCE = 5000
LOOK_AGAIN = timedelta(hours=1)
KEPT_FOR = timedelta(days=365)
TIDIED_AT_ONCE = 5000

NextMails = dict[str, datetime | None]
"""Work unit → when its people get the next mail of the day."""

LOG = structlog.get_logger("archive")


def sweep_reminders(archive: Archive, *, limit: int = REMINDED_AT_ONCE) -> int:
    """Remind of every running step whose reminder is due, the longest due first; how many notices were made now."""
    now = archive.log.clock()
    made = looked_at = 0
    next_mails: NextMails = {}
    while looked_at < limit:
        with archive.db.read() as session:
            # no write transaction, where there is nothing to write
            if not session.execute(rows.due_reminders(now, 1)).first():
                break
        with archive.db.write() as session:
            wanted = rows.due_reminders(now, min(REMINDED_TOGETHER, limit - looked_at))
            # what somebody works on just now is looked at in the next turn
            due = session.execute(wanted.with_for_update(of=StepRunRow, skip_locked=True)).all()
            # the rows' next moments go to the database together, at the end
            with session.no_autoflush:
                for run, dossier in due:
                    made += _remind(archive, session, run, dossier, now, next_mails)
        if not due:
            break
        looked_at += len(due)
    return made


def _remind(
    archive: Archive, session: Session, run: StepRunRow, dossier: DossierRow, now: datetime, next_mails: NextMails
) -> int:
    """Write the notices that are due for an iteration, and when it is to be looked at next; how many were new."""
    if run.state != RUNNING or dossier.status != OPEN or run.due_at is None:
        run.remind_at = None
        return 0
    try:
        if run.late_at is not None and run.late_at <= now:
            made = _remind_late(archive, session, run, dossier, now)
            run.remind_at = None
        else:
            made = _remind_soon(archive, session, run, dossier, now, next_mails)
            run.remind_at = run.late_at
    except ArchiveError as exc:
        LOG.error("reminders.step_failed", dossier=dossier.id, step=run.step, code=exc.code, detail=exc.detail)
        run.remind_at = now + LOOK_AGAIN
        return 0
    return made


def _remind_soon(
    archive: Archive, session: Session, run: StepRunRow, dossier: DossierRow, now: datetime, next_mails: NextMails
) -> int:
    if run.responsible is None or run.due_at is None:
        return 0
    unit = dossier.work_unit_id
    if unit not in next_mails:
        next_mails[unit] = next_office_start(office_calendar(archive, session, unit), now)
    next_mail = next_mails[unit]
    # a reminder that comes after the fact is none: what is due before the next mail of the day is not left to it
    is_urgent = _is_short(archive, session, run, dossier) or next_mail is None or run.due_at <= next_mail
    return _notify(archive, session, run, run.responsible, DUE_SOON, is_urgent)


def _remind_late(archive: Archive, session: Session, run: StepRunRow, dossier: DossierRow, now: datetime) -> int:
    is_urgent = _is_short(archive, session, run, dossier)
    made = 0
    if run.responsible is not None:
        made += _notify(archive, session, run, run.responsible, OVERDUE, is_urgent)
    step = archive.catalog.sop(session, dossier.sop_digest).step(run.step)
    for person in _holders(session, step.explanations_accepted_by, dossier.work_unit_id, now):
        if person != run.responsible:
            made += _notify(archive, session, run, person, OTHERS_OVERDUE, False)
    return made


def _is_short(archive: Archive, session: Session, run: StepRunRow, dossier: DossierRow) -> bool:
    return is_short(archive.catalog.sop(session, dossier.sop_digest), run.step)


def _notify(archive: Archive, session: Session, run: StepRunRow, person: str, kind: str, is_urgent: bool) -> int:
    whose = f":{person}" if kind == OTHERS_OVERDUE else ""
    return notify(
        archive,
        session,
        person=person,
        kind=kind,
        key=f"{kind}:{run.dossier_id}:{run.step}:{run.iteration}{whose}",
        dossier=run.dossier_id,
        step=run.step,
        iteration=run.iteration,
        subject=run.responsible if kind == OTHERS_OVERDUE else None,
        is_urgent=is_urgent,
    )


def _holders(session: Session, role: str, work_unit: str, moment: datetime) -> list[str]:
    """Who is told for a role: the person who would answer for its steps; of an office role, which has no unit, everyone who holds it."""
    if not permissions.is_office(role):
        chosen = choose_responsible(session, role, work_unit, moment)
        return [] if chosen is None else [chosen]
    day = office_date(moment)
    holders = session.execute(
        select(AssignmentRow.person_id)
        .where(
            AssignmentRow.role == role,
            AssignmentRow.ended_at.is_(None),
            AssignmentRow.from_on <= day,
            (AssignmentRow.to_on.is_(None)) | (AssignmentRow.to_on >= day),
        )
        .distinct()
        .order_by(AssignmentRow.person_id)
    )
    return list(holders.scalars())


def office_calendar(archive: Archive, session: Session, work_unit: str) -> working_time.Calendar:
    """The calendar that a work unit lives by now: the newest one, with the unit's own days."""
    return unit_calendar(archive, session, archive.catalog.newest(session, "calendar", CALENDAR_KEY).digest, work_unit)


def office_hours(calendar: working_time.Calendar, moment: datetime) -> tuple[datetime, datetime] | None:
    """When the office opens and closes on the local date of a moment; None on a closed day, and where the calendar ends."""
    offset = timedelta(minutes=calendar.utc_offset_minutes)
    local = moment + offset
    try:
        sessions = working_time.sessions_on(calendar, local.date())
    except working_time.OutOfCalendar:
        return None
    if not sessions:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) - offset
    return (
        midnight + timedelta(seconds=sessions[0].start_seconds),
        midnight + timedelta(seconds=sessions[-1].end_seconds),
    )


def next_office_start(calendar: working_time.Calendar, moment: datetime) -> datetime | None:
    """When the office opens next after a moment; None when the calendar ends before."""
    for days in range(60):
        hours = office_hours(calendar, moment + timedelta(days=days))
        if hours is not None and hours[0] > moment:
            return hours[0]
    return None


def tidy_notices(archive: Archive) -> int:
    """Put away unread notices of steps that are not the person's any more, and delete what was read a year ago; how many that were."""
    now = archive.log.clock()
    holds = (
        select(StepRunRow.step)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .where(rows.of_run(), rows.is_held())
        .correlate(NoticeRow)
    )
    with archive.db.read() as session:
        stale = session.execute(
            select(NoticeRow.id)
            .where(NoticeRow.read_at.is_(None), NoticeRow.kind.in_(OF_RUNNING_STEP), ~exists(holds))
            .limit(TIDIED_AT_ONCE)
        ).scalars()
        put_away = stale.all()
        old = session.execute(
            select(NoticeRow.id).where(NoticeRow.read_at < now - KEPT_FOR).limit(TIDIED_AT_ONCE)
        ).scalars()
        forgotten = old.all()
    if not put_away and not forgotten:
        return 0
    with archive.db.write() as session:
        session.execute(
            update(NoticeRow)
            .where(NoticeRow.id.in_(put_away), NoticeRow.read_at.is_(None))
            .values(read_at=now, is_waiting=False)
        )
        session.execute(delete(NoticeRow).where(NoticeRow.id.in_(forgotten)))
    return len(put_away) + len(forgotten)
