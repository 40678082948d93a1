"""Deviations: who answers for one explains it, who the SOP names accepts the explanation or asks again, the overdue ones escalate."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from sqlalchemy import select

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import read_events
from archive_service.db.models import DefinitionRow, DeviationRow, DossierRow
from archive_service.domain import deviation as deviations
from archive_service.domain import statement
from archive_service.domain.action import Action
from archive_service.domain.deviation import Deviation
from archive_service.domain.states import CANCELLED, OPEN
from archive_service.errors import ArchiveError
from archive_service.services.actor import RULES, Actor, list_reached
from archive_service.services.fields import clean_text, require_id
from archive_service.services.notices import notify
from archive_service.services.work import DossierWork, acting_as, hold_dossier

LOG = structlog.get_logger("archive")
ESCALATED_AT_ONCE = 500


def explain_deviation(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    deviation: str,
    explanation: str,
    seen: Collection[str] | None = None,
) -> int:
    """Record the explanation (pertanggungjawaban) of the person who answers for a deviation; its number.

    It is never edited: asked again, the person adds another one. Attachments that were uploaded for the deviation and belong to no
    earlier explanation belong to this one. A sealed dossier takes explanations too, after its seal.
    """
    explanation = clean_text("explanation", explanation, limit=10_000, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen, with_after=True)
        assignment = acting_as(work, actor, "deviation.explain")
        work.require(Action("explain", actor.person, assignment.role, assignment.work_unit, deviation=deviation))
        about = work.dossier.ledger.find(deviation)
        assert about is not None
        number = len(about.explanations) + 1
        attached = {event_hash for each in about.explanations for event_hash in each.attachments}
        payload = {
            "deviation": deviation,
            "number": number,
            "attachments": [
                v.event_hash for v in work.dossier.attachments_of(deviation) if v.event_hash not in attached
            ],
        }
        event = work.act(actor, assignment, "deviation.explained", payload, {"explanation": explanation})
        _tell(work, about, "explanation_given", event.leaf_hash, work.dossier.acceptor_of(about))
    return number


def _tell(work: DossierWork, about: Deviation, kind: str, occasion: str, role: str | None = None) -> None:
    """Tell the holders of a role, or whoever answers for the deviation, what became of it in this transaction."""
    unit, moment = work.dossier.work_unit, work.writer.moment
    persons = [about.responsible] if role is None else list_reached(work.session, role, unit, moment)
    for person in persons:
        if person is not None:
            notify(
                work.archive,
                work.session,
                person=person,
                kind=kind,
                key=f"{kind}:{occasion[:32]}:{person}",
                dossier=work.dossier.id,
                step=about.step,
                iteration=about.iteration,
                subject=about.code,
            )


def answer_explanation(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    deviation: str,
    number: int,
    is_accepted: bool,
    reason: str | None = None,
    seen: Collection[str] | None = None,
) -> None:
    """Accept an explanation as the role that the SOP names, or ask again with a reason; ``number`` is the one that was read."""
    text = None if is_accepted else clean_text("reason", reason or "", lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen, with_after=True)
        about = work.dossier.ledger.find(require_id("deviation", deviation))
        accepts = None if about is None else work.dossier.acceptor_of(about)
        assignment = acting_as(work, actor, "explanation.judge", accepts)
        work.require(
            Action(
                "accept_explanation" if is_accepted else "return_explanation",
                actor.person,
                assignment.role,
                assignment.work_unit,
                deviation=deviation,
                number=number,
                has_reason=text is not None,
            )
        )
        payload = {"deviation": deviation, "number": number}
        if is_accepted:
            work.act(actor, assignment, "explanation.accepted", payload)
        else:
            event = work.act(actor, assignment, "explanation.returned", payload, {"reason": text})
            if about is not None:
                _tell(work, about, "explanation_returned", event.leaf_hash)


def escalate_deviations(archive: Archive) -> int:
    """Escalate every deviation whose explanation is overdue, once, to the role that its SOP names; how many were escalated now."""
    with archive.db.read() as session:
        due = session.execute(
            select(DeviationRow.dossier_id, DeviationRow.id)
            .where(DeviationRow.owed_until < archive.log.clock())
            .order_by(DeviationRow.owed_until)
            .limit(ESCALATED_AT_ONCE)
        ).all()
    return sum(_escalate(archive, dossier, deviation) for dossier, deviation in due)


def _escalate(archive: Archive, dossier: str, deviation: str) -> bool:
    try:
        with archive.db.write() as session:
            work = hold_dossier(archive, session, dossier, with_after=True)
            about = work.dossier.ledger.find(deviation)
            is_due = about is not None and about.escalated_at is None and deviations.is_overdue(about, work.writer.at)
            if work.dossier.status == CANCELLED or not is_due:
                return False
            payload = {"deviation": deviation, "role": work.dossier.sop.escalates_to}
            event = work.append("deviation.escalated", RULES, payload)
            if about is not None:
                _tell(work, about, "explanation_due", event.leaf_hash)
                _tell(work, about, "deviation_escalated", event.leaf_hash, work.dossier.sop.escalates_to)
    except ArchiveError as exc:
        # one dossier that cannot be told must not keep the others' explanations from being asked for
        LOG.error("escalation.failed", dossier=dossier, code=exc.code, detail=exc.detail)
        return False
    return True


def note_sop_change(archive: Archive, lease: jobs.Lease, *, digest: str) -> None:
    """Record in every open dossier of an SOP that a newer version of it, the definition ``digest``, was registered meanwhile."""
    with archive.db.read() as session:
        row = session.get_one(DefinitionRow, digest)
        older = select(DefinitionRow.digest).where(
            DefinitionRow.kind == "sop", DefinitionRow.key == row.key, DefinitionRow.version < row.version
        )
        dossiers = session.execute(
            select(DossierRow.id).where(DossierRow.status == OPEN, DossierRow.sop_digest.in_(older))
        ).scalars()
        concerned = dossiers.all()
    for dossier in concerned:
        with archive.db.write() as session:
            work = hold_dossier(archive, session, dossier)
            if work.dossier.status == OPEN:
                record_sop_change(work, row.event_hash)
    with archive.db.write() as session:
        jobs.finish(session, lease, archive.timer())


def record_sop_change(work: DossierWork, registered: str) -> None:
    """Record the deviation that a registration, named by its leaf hash, makes of an open dossier, if it makes one."""
    (event,) = read_events(work.session, [registered])
    due = statement.change_deviation(work.dossier, event)
    if due is not None:
        work.record(due)
