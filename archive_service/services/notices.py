"""Notices: what a person is told, once each; on their page, by mail and webhook where an institution has set these up.

``notify`` is called inside the transaction of what it tells of. It writes a row and, for what leaves the house, jobs: no mail server
and no other host is asked anything there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db import notices as rows
from archive_service.db.models import NoticeRow, WebhookRow
from archive_service.db.paging import Page, PageRequest
from archive_service.db.queries import ReadScope
from archive_service.db.session import insert_unless_there
from archive_service.domain import verdict
from archive_service.domain.deviation import Deviation
from archive_service.domain.dossier import Dossier
from archive_service.domain.parts import Run
from archive_service.domain.sop import Sop
from archive_service.errors import NotFound
from archive_service.services.actor import Actor
from archive_service.services.fields import require_id

STEP_YOURS = "step_yours"
STEP_RETURNED = "step_returned"
DUE_SOON = "due_soon"
OVERDUE = "overdue"
OTHERS_OVERDUE = "others_overdue"
OF_RUNNING_STEP = frozenset([STEP_YOURS, STEP_RETURNED, DUE_SOON])
"""What is no news any more once the step is finished or somebody else's."""
KEY_LIMIT = 200


def notify(
    archive: Archive,
    session: Session,
    *,
    person: str,
    kind: str,
    key: str,
    dossier: str | None = None,
    step: str | None = None,
    iteration: int | None = None,
    subject: str | None = None,
    is_urgent: bool = False,
) -> bool:
    """Tell a person something, in the caller's transaction; whether it is new. A second time with the same key does nothing.

    ``kind`` is an open set of keys; ``services/notice_text.py`` has the words of those that it knows. ``key`` (at most 200 characters)
    names the occasion for good, such as ``due_soon:<dossier>:<step>:<iteration>``. ``dossier``, ``step`` and ``iteration`` say where
    it leads; ``subject`` is an id or a code of what it is about (a person, a deviation), never words and no personal data. What is
    ``is_urgent`` is mailed at once, everything else with the mail of the next working day.
    """
    if len(key) > KEY_LIMIT:
        raise ValueError(f"a notice's key has at most {KEY_LIMIT} characters")
    notice = archive.log.make_id()
    has_mail = archive.settings.smtp_host is not None
    values = {
        "id": notice,
        "person_id": person,
        "kind": kind,
        "key": key,
        "dossier_id": dossier,
        "step": step,
        "iteration": iteration,
        "subject": subject,
        "created_at": archive.log.clock(),
        "is_urgent": is_urgent,
        "is_waiting": has_mail and not is_urgent,
    }
    if not insert_unless_there(session, NoticeRow, values):
        return False
    if has_mail and is_urgent:
        args = {"notice": notice, **({} if dossier is None else {"dossier": dossier})}
        _enqueue(archive, session, "send_mail", f"mail:{dossier or '-'}:{notice}", args)
    hooks = session.execute(select(WebhookRow.id, WebhookRow.kinds).where(WebhookRow.is_active))
    for hook, kinds in hooks:
        if not kinds or kind in kinds.split():
            args = {"webhook": hook, "notice": notice}
            _enqueue(archive, session, "deliver_webhook", f"webhook:{hook}:{notice}", args)
    return True


def _enqueue(archive: Archive, session: Session, name: str, key: str, args: dict[str, str]) -> None:
    jobs.enqueue(session, archive.log.make_id, archive.timer(), name, key=key, args=args)


def announce_step(
    archive: Archive, session: Session, dossier: Dossier, run: Run, *, is_handed_over: bool = False
) -> None:
    """Tell whoever answers for a step that it is theirs, or was returned to them; at once when it is short or was returned."""
    if run.responsible is None:
        return
    is_returned = any(d.returns_to == run.step and d.at == run.started_at for d in dossier.decisions)
    kind = STEP_RETURNED if is_returned and not is_handed_over else STEP_YOURS
    notify(
        archive,
        session,
        person=run.responsible,
        kind=kind,
        key=f"{kind}:{dossier.id}:{run.step}:{run.iteration}:{run.responsible}",
        dossier=dossier.id,
        step=run.step,
        iteration=run.iteration,
        is_urgent=is_returned or is_short(dossier.sop, run.step),
    )


def announce_deviation(archive: Archive, session: Session, dossier: Dossier, deviation: Deviation) -> None:
    """Tell whoever answers for a deviation that it was recorded; what concerns no step is told without one."""
    if deviation.responsible is None:
        return
    notify(
        archive,
        session,
        person=deviation.responsible,
        kind="deviation",
        key=f"deviation:{deviation.id}",
        dossier=dossier.id,
        step=deviation.step,
        iteration=deviation.iteration,
        subject=deviation.code,
    )


def is_short(sop: Sop, step: str) -> bool:
    """Whether a step's norm is under one day, as the SOP counts days: a mail of tomorrow would come too late for it."""
    return verdict.norm_seconds(sop, step) < sop.time.day_minutes * 60


def page_notices(
    archive: Archive, actor: Actor, *, page: PageRequest, is_unread: bool | None = None
) -> Page[dict[str, Any]]:
    """A page of one's own notices, newest first; ``is_unread`` takes those that were read, or were not."""
    held = actor.holds("dossier.read")
    scope = ReadScope(any(a.is_office for a in held), frozenset(a.work_unit for a in held))
    with archive.db.read() as session:
        found = rows.page_notices(scope, session, actor.person, page, is_unread)
        for row in found.rows:
            sop = row.pop("sop")
            known = None if sop is None else archive.catalog.sop(session, sop)
            has_step = known is not None and row["step"] in known.order
            row["activity"] = known.step(row["step"]).activity if known is not None and has_step else None
    return found


def list_notices(archive: Archive, actor: Actor, *, limit: int = 20) -> list[dict[str, Any]]:
    """One's own newest notices that were not read yet."""
    return page_notices(archive, actor, page=PageRequest(limit), is_unread=True).rows


def count_unread(archive: Archive, actor: Actor) -> int:
    """How many of one's notices were not read yet."""
    with archive.db.read() as session:
        return rows.count_unread(session, actor.person)


def mark_read(archive: Archive, actor: Actor, *, notices: Sequence[str] | None = None) -> int:
    """Mark these of one's notices as read, or all without a list; how many were unread. NotFound for one that is not one's own."""
    mine = NoticeRow.person_id == actor.person
    with archive.db.write() as session:
        if notices is not None:
            wanted = {require_id("notice", notice) for notice in notices}
            known = session.execute(select(NoticeRow.id).where(mine, NoticeRow.id.in_(wanted))).scalars().all()
            if len(known) != len(wanted):
                raise NotFound("notice_unknown", "You have no such notice.")
            mine = mine & NoticeRow.id.in_(wanted)
        read = session.execute(
            update(NoticeRow)
            .where(mine, NoticeRow.read_at.is_(None))
            .values(read_at=archive.log.clock(), is_waiting=False)
            .returning(NoticeRow.id)
        )
        return len(read.all())
