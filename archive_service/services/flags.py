"""Decisions that an administrator had a hand in: flagged, and told to the person and to the auditors."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import read_stream
from archive_service.db.models import AssignmentRow, EventRow
from archive_service.domain import permissions
from archive_service.domain.delegation import ASSIGNMENT_CHANGED, PASSWORD_RESET, is_administrators_doing
from archive_service.domain.event import parse_event
from archive_service.services.actor import RULES, Actor, Assignment, in_force, list_reached, require_covering
from archive_service.services.notices import notify
from archive_service.services.work import DossierWork

DECISION_FLAGGED = "decision_flagged"
"""Kinds of notices, besides the reasons of a flag: to the person when an administrator acts, to auditors when a decision is flagged."""


def flag_decision(
    work: DossierWork, actor: Actor, assignment: Assignment, step: str, decision: str | None
) -> tuple[str, ...]:
    """Record why the decision that the person just made (None: the seal that they are about to set) is flagged; the reasons, maybe none.

    Flagged when an administrator alone gave the assignment that it was made under after the dossier was opened, or set a password of the
    log-in that it was made with since then, or made a link to set one with. That the person has chosen another password meanwhile
    changes nothing: whoever is given one must choose another at the first log-in, and so would an administrator who logs in with it.
    """
    reasons = []
    if _is_assignment_changed(work, actor, require_covering(actor, assignment, work.dossier.sop.key)):
        reasons.append(ASSIGNMENT_CHANGED)
    if _is_password_reset(work.session, actor.user, work.dossier.opened_at):
        reasons.append(PASSWORD_RESET)
    run = work.dossier.last_run(step)
    if not reasons or run is None:
        return ()
    event = work.append(
        "decision.flagged",
        RULES,
        {
            "step": step,
            "iteration": run.iteration,
            "person": actor.person,
            "decision": decision,
            "reasons": reasons,
        },
    )
    tell_auditors(work, step, run.iteration, event.leaf_hash)
    return tuple(reasons)


def _is_assignment_changed(work: DossierWork, actor: Actor, assignment: Assignment) -> bool:
    chain = read_stream(work.session, f"person:{actor.person}")
    position = next(index for index, event in enumerate(chain) if event.leaf_hash == assignment.made_hash)
    return chain[position].at > work.dossier.opened_at and is_administrators_doing(chain, position)


def _is_password_reset(session: Session, user: str, since: str) -> bool:
    rows = session.execute(
        select(EventRow.data).where(
            EventRow.stream == f"user:{user}", EventRow.type.in_(["user.password_set", "reset.made"])
        )
    ).scalars()
    events = (parse_event(data) for data in rows)
    return any(e.payload["by"] == "administrator" and e.at > since for e in events)


def tell_person(archive: Archive, session: Session, *, person: str, kind: str, key: str) -> None:
    """Tell a person in this transaction that an administrator set their password or changed a role of theirs."""
    notify(archive, session, person=person, kind=kind, key=f"{kind}:{key}:{person}")


def tell_auditors_of_person(
    archive: Archive, session: Session, *, person: str, kind: str, key: str, moment: datetime
) -> None:
    """Tell every auditor who is in office at this moment that something changed about how a person proves who they are."""
    rows = session.execute(
        select(AssignmentRow.person_id).where(AssignmentRow.role == permissions.AUDITOR, *in_force(moment)).distinct()
    ).scalars()
    for auditor in sorted(set(rows) - {person}):
        notify(archive, session, person=auditor, kind=f"{kind}_of", key=f"{kind}:{key}:{auditor}", subject=person)


def tell_auditors(work: DossierWork, step: str, iteration: int, flag: str) -> None:
    """Tell every auditor in this transaction of a flagged decision, whose flag has this leaf hash."""
    for auditor in list_reached(work.session, permissions.AUDITOR, work.dossier.work_unit, work.writer.moment):
        notify(
            work.archive,
            work.session,
            person=auditor,
            kind=DECISION_FLAGGED,
            key=f"{DECISION_FLAGGED}:{flag}:{auditor}",
            dossier=work.dossier.id,
            step=step,
            iteration=iteration,
        )
