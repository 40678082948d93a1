"""Finishing a step: submit, approve, return, archive; each bound to the exact document versions that were seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db.models import DefinitionRow, DocumentVersionRow, StatementRow
from archive_service.domain import canonical, completeness, statement
from archive_service.domain.dossier import Action, documents_digest
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services.actor import Actor, Assignment
from archive_service.services.deviations import record_sop_change
from archive_service.services.fields import optional_text, require_moment
from archive_service.services.fixity import find_damaged
from archive_service.services.flags import flag_decision
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


def _claimed(work: DossierWork, happened_at: str | datetime | None) -> str | None:
    """When a person says that the act happened, for one that is entered later; InvalidInput for a time to come."""
    if happened_at is None:
        return None
    moment = require_moment("happened_at", happened_at)
    if moment > work.writer.moment:
        raise InvalidInput(
            "happened_in_future", "That time is still to come; give one in the past.", field="happened_at"
        )
    return format_time(moment)


def _listed(answers: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"question": question, "answer": answer} for question, answer in sorted((answers or {}).items())]


def submit_step(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    versions: Sequence[str] | None = None,
    accepts_gaps: bool = False,
    answers: Mapping[str, str] | None = None,
    happened_at: str | datetime | None = None,
    seen: Collection[str] | None = None,
) -> None:
    """Finish a receive or submit step with its documents; the next steps start.

    ``answers``: question → choice, for what the SOP asks at this step. ``happened_at``: when it is said to have happened, for an act that
    is entered later (pencatatan susulan); the recorded time counts, and the claimed one stands beside it.
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
                answers=tuple(sorted((answers or {}).items())),
            )
        )
        facts = {**_facts(work, step, digest), "answers": _listed(answers)}
        work.act(actor, assignment, "step.submitted", facts, claimed_at=_claimed(work, happened_at))
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
    answers: Mapping[str, str] | None = None,
    happened_at: str | datetime | None = None,
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
                answers=tuple(sorted((answers or {}).items())),
            )
        )
        facts = _facts(work, step, digest)
        made = work.act(
            actor,
            assignment,
            "decision.made",
            {**facts, "decision": decision, "returns_to": returns_to, "answers": _listed(answers)},
            {"reason": reason},
            _claimed(work, happened_at),
        )
        flag_decision(work, actor, assignment, step, made.leaf_hash)
        work.start_due_steps()
        work.enqueue_judging()


def archive_dossier(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    accepts_gaps: bool = False,
    happened_at: str | datetime | None = None,
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
        claimed_at = _claimed(work, happened_at)
        flag_decision(work, actor, assignment, step, None)
        _record_sop_changes(archive, work)
        for due in statement.closing_deviations(work.dossier, closing, work.calendar, claimed_at):
            work.record(due)
        owed = statement.owed_at_seal(work.dossier, closing)
        if owed is not None:
            work.record(owed)
        definitions = list_definitions(archive, work)
        data = canonical.encode(
            statement.build_statement(work.dossier, work.calendars, definitions, closing, archive.log.origin)
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
            claimed_at=claimed_at,
        )
        session.add(StatementRow(dossier_id=dossier, digest=digest, data=data))
        work.enqueue("build_bundle", f"bundle:{dossier}", {"dossier": dossier})
    return digest


def list_definitions(archive: Archive, work: DossierWork) -> list[dict[str, object]]:
    """The SOP and every calendar of a dossier as its statement names them: kind, key, version, digest."""
    found = [archive.catalog.get(work.session, d) for d in (work.dossier.sop_digest, *work.dossier.calendars)]
    return [{"kind": each.kind, **each.plain()} for each in found]


def _record_sop_changes(archive: Archive, work: DossierWork) -> None:
    """What ``note_sop_change`` would still record: after the seal nothing can be."""
    sop = work.dossier.sop
    newer = work.session.execute(
        select(DefinitionRow.event_hash)
        .where(DefinitionRow.kind == "sop", DefinitionRow.key == sop.key, DefinitionRow.version > sop.version)
        .order_by(DefinitionRow.version)
    ).scalars()
    for event_hash in newer.all():
        record_sop_change(work, event_hash)
