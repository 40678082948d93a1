"""Finishing a step: submit, approve, return, archive; each bound to the exact document versions that were seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db.models import DocumentVersionRow, StatementRow
from archive_service.domain import canonical, completeness, statement
from archive_service.domain.dossier import Action, documents_digest
from archive_service.errors import Conflict, NotFound
from archive_service.services.actor import Actor, Assignment
from archive_service.services.fields import optional_text
from archive_service.services.fixity import find_damaged
from archive_service.services.work import DossierWork, hold_dossier


def _acting(work: DossierWork, actor: Actor, permission: str, step: str) -> Assignment:
    """The assignment to act under at a step: the one of its performer's role where the person holds it."""
    first = actor.require(permission, work.dossier.work_unit)
    if step not in work.dossier.sop.order:
        return first
    performer = work.dossier.sop.step(step).performer
    for assignment in actor.holds(permission):
        if (assignment.role, assignment.work_unit) == (performer, work.dossier.work_unit):
            return assignment
    return first


def _seen(work: DossierWork, step: str, versions: Sequence[str] | None) -> str:
    """The digest of the versions that the person saw: the listed ones, or what stands now when none are listed."""
    if versions is None:
        if step not in work.dossier.sop.order:
            return ""
        return documents_digest(work.dossier.bound_documents(step))
    seen = [work.dossier.find_version(version) for version in versions]
    if None in seen:
        raise NotFound("version_unknown", "One of the versions that you name is not in this dossier; look again.")
    return documents_digest([v for v in seen if v is not None])


def _facts(work: DossierWork, step: str, digest: str) -> dict[str, object]:
    run = work.dossier.running(step)
    assert run is not None
    gaps = [r for r in completeness.required_inputs(work.dossier, step) if r.state == completeness.MISSING]
    return {
        "step": step,
        "iteration": run.iteration,
        "documents": len(work.dossier.bound_documents(step)),
        "documents_digest": digest,
        "gaps": len(gaps),
    }


def submit_step(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    versions: Sequence[str] | None = None,
    accepts_gaps: bool = False,
    seen: Collection[str] | None = None,
) -> None:
    """Finish a receive or submit step with its documents; the next steps start.

    A missing output blocks (Conflict ``outputs_missing``); a missing input is refused (``inputs_missing``) until ``accepts_gaps`` says
    that the person goes on knowingly, and is a deviation then.
    """
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = _acting(work, actor, "step.submit", step)
        digest = _seen(work, step, versions)
        work.require(
            Action(
                "submit",
                actor.person,
                assignment.role,
                assignment.work_unit,
                step=step,
                documents_digest=digest,
                accepts_gaps=accepts_gaps,
            )
        )
        work.act(actor, assignment, "step.submitted", _facts(work, step, digest))
        work.start_due_steps()
        work.enqueue_judging()


def decide_step(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    decision: str,
    versions: Sequence[str],
    reason: str | None = None,
    returns_to: str | None = None,
    accepts_gaps: bool = False,
    seen: Collection[str] | None = None,
) -> None:
    """Approve a review or approve step, or return it with a reason; ``versions`` are the ids that the person looked at.

    Conflict ``documents_changed`` when others stand by now: nobody approves what they have not seen.
    """
    reason = optional_text("reason", reason, limit=10_000, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = _acting(work, actor, "step.decide", step)
        if decision == "return" and returns_to is None and step in work.dossier.sop.order:
            returns_to = work.dossier.sop.step(step).returns_to
        digest = _seen(work, step, versions)
        work.require(
            Action(
                decision if decision in ("approve", "return") else "approve",
                actor.person,
                assignment.role,
                assignment.work_unit,
                step=step,
                documents_digest=digest,
                accepts_gaps=accepts_gaps,
                has_reason=reason is not None,
                returns_to=returns_to,
            )
        )
        facts = _facts(work, step, digest)
        work.act(
            actor,
            assignment,
            "decision.made",
            {**facts, "decision": decision, "returns_to": returns_to},
            {"reason": reason},
        )
        work.start_due_steps()
        work.enqueue_judging()


def archive_dossier(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    accepts_gaps: bool = False,
    seen: Collection[str] | None = None,
) -> str:
    """Seal a dossier as the performer of its last step; the digest of the frozen completeness statement.

    All documents are hashed again first, outside the transaction. Conflict ``documents_damaged`` when one no longer matches: restore
    it from a backup, then archive.
    """
    with archive.db.read() as session:
        digests = session.execute(
            select(DocumentVersionRow.digest).where(DocumentVersionRow.dossier_id == dossier)
        ).scalars()
        known = set(digests)
    damaged = find_damaged(archive, dossier, known)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = _acting(work, actor, "dossier.archive", step)
        work.require(
            Action("archive", actor.person, assignment.role, assignment.work_unit, step=step, accepts_gaps=accepts_gaps)
        )
        if damaged or {v.digest for v in work.dossier.versions} != known:
            raise Conflict(
                "documents_damaged" if damaged else "documents_changed",
                "A stored document no longer matches its digest; restore it from a backup, then archive."
                if damaged
                else "A document arrived just now; try again.",
                damaged=sorted(damaged),
            )
        for run in work.dossier.unjudged_runs():
            work.judge_run(run.step, run.iteration, [])
        closing = statement.Closing(step, work.writer.at, actor.person)
        _record_closing_deviations(work, closing)
        definitions = {
            "sop": archive.catalog.get(session, work.dossier.sop_digest).plain(),
            "calendar": archive.catalog.get(session, work.dossier.calendar_digest).plain(),
        }
        data = canonical.encode(
            statement.build_statement(work.dossier, work.calendar, definitions, closing, archive.log.origin)
        )
        digest = statement.digest_of(data)
        run_now = work.dossier.running(step)
        assert run_now is not None
        work.act(
            actor,
            assignment,
            "dossier.sealed",
            {
                "step": step,
                "iteration": run_now.iteration,
                "count": work.dossier.count + 1,
                "head": work.dossier.head,
                "statement_digest": digest,
                "statement_size": len(data),
            },
        )
        session.add(StatementRow(dossier_id=dossier, digest=digest, data=data))
        work.enqueue("build_bundle", f"bundle:{dossier}", {"dossier": dossier})
    return digest


def _record_closing_deviations(work: DossierWork, closing: statement.Closing) -> None:
    run = work.dossier.running(closing.step)
    assert run is not None
    requirements = statement.closing_requirements(work.dossier, closing)
    judged = statement.judgement(work.dossier, run, work.calendar, requirements, [], closing.at)
    for deviation in statement.deviations_of_judgement(run, requirements, judged, run.start_hash):
        work.record(deviation)
    open_now = work.dossier.open_deviations()
    if open_now:
        work.record(
            statement.DueDeviation(
                statement.SEALED_WITH_OPEN,
                None,
                None,
                None,
                run.role,
                closing.person,
                tuple(d.event_hash for d in open_now[:32]),
            )
        )
