"""Finishing a step: submit, approve, return, archive; each bound to the exact document versions that were seen."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from archive_service.archive import Archive
from archive_service.db.models import DefinitionRow, DocumentVersionRow, PreparedDecisionRow, StatementRow
from archive_service.domain import canonical, completeness, statement
from archive_service.domain.action import Action
from archive_service.domain.event import commitment
from archive_service.domain.parts import documents_digest
from archive_service.domain.passkey import decision_challenge
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services.actor import Actor, Assignment, office_date, require_covering
from archive_service.services.deviations import record_sop_change
from archive_service.services.fields import optional_text, require_id, require_moment
from archive_service.services.fixity import enqueue_kept_locks, find_damaged
from archive_service.services.flags import flag_decision
from archive_service.services.passkeys import VALID_FOR, active_rows, assertion_options, require_assertion
from archive_service.services.retention import find_schedule, read_stated
from archive_service.services.work import DossierWork, hold_dossier, require_seen


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


class _Wish(NamedTuple):
    """A decision as its maker asks for it."""

    step: str
    decision: str
    versions: list[str]
    reason: str | None
    returns_to: str | None
    accepts_gaps: bool
    answers: dict[str, str]
    happened_at: str | None


class _Weighed(NamedTuple):
    """A decision that may be made now: under which assignment, what is recorded of it, and when it is said to have happened."""

    assignment: Assignment
    facts: dict[str, Any]
    claimed_at: str | None


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

    Conflict ``documents_changed`` when others stand by now: nobody approves what they have not seen. Conflict ``passkey_needed`` for
    whoever has a passkey: they sign (``prepare_decision``, then ``sign_decision``).
    """
    wish = _wish_of(step, decision, versions, reason, returns_to, accepts_gaps, answers, happened_at)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        weighed = _weigh(work, actor, wish)
        if active_rows(session, actor.person):
            raise Conflict("passkey_needed", "You have a passkey: sign the decision with it, or revoke it first.")
        _decide(work, actor, wish, weighed, None, {})


def prepare_decision(
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
) -> dict[str, Any]:
    """What a browser needs to sign a decision (``options`` for ``navigator.credentials.get``), and the id to hand the signature in with.

    The challenge covers all that will be recorded, the salted commitment to the reason included (domain/passkey.py). Conflict
    ``passkey_missing`` for whoever has none: they decide without.
    """
    wish = _wish_of(step, decision, versions, reason, returns_to, accepts_gaps, answers, happened_at)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        weighed = _weigh(work, actor, wish)
        require_seen(work.held_head, seen)
        if not active_rows(session, actor.person):
            raise Conflict("passkey_missing", "You have no passkey: register one, or decide without.")
        salt = archive.log.make_salt()
        challenge = _challenge(work, actor, wish, weighed, salt)
        expires_at = archive.timer() + VALID_FOR
        row = PreparedDecisionRow(
            id=archive.log.make_id(),
            person_id=actor.person,
            dossier_id=dossier,
            wish=json.dumps(wish._asdict()),
            salt=salt,
            challenge=challenge.hex(),
            expires_at=expires_at,
        )
        session.add(row)
        return {
            "preparation": row.id,
            "expires_at": expires_at.isoformat(),
            "options": assertion_options(session, archive, actor.person, challenge),
        }


def sign_decision(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    preparation: str,
    credential: Mapping[str, Any],
    seen: Collection[str] | None = None,
) -> None:
    """Make a prepared decision with its maker's signature; ``credential`` is what the browser gave (``PublicKeyCredential.toJSON()``).

    Conflict ``preparation_expired`` after ten minutes or a second time, ``decision_changed`` when something other than what was signed
    would be recorded by now.
    """
    preparation = require_id("preparation", preparation)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        row = session.execute(
            delete(PreparedDecisionRow)
            .where(
                PreparedDecisionRow.id == preparation,
                PreparedDecisionRow.person_id == actor.person,
                PreparedDecisionRow.dossier_id == dossier,
                PreparedDecisionRow.expires_at > archive.timer(),
            )
            .returning(PreparedDecisionRow.wish, PreparedDecisionRow.salt, PreparedDecisionRow.challenge)
        ).one_or_none()
        wish = None if row is None else _Wish(**json.loads(row.wish))
        if row is None or wish is None or wish.step != step:
            _acting(work, actor, "step.decide", step)
            raise Conflict("preparation_expired", "This waited too long, or was used already; begin again.")
        weighed = _weigh(work, actor, wish)
        challenge = _challenge(work, actor, wish, weighed, row.salt)
        if challenge.hex() != row.challenge:
            raise Conflict(
                "decision_changed", "What you signed is not what would be recorded by now; look again, and sign anew."
            )
        assertion = require_assertion(session, archive, actor.person, challenge, credential)
        _decide(work, actor, wish, weighed, assertion, {"reason": row.salt})


def _wish_of(
    step: str,
    decision: str,
    versions: Sequence[str],
    reason: str | None,
    returns_to: str | None,
    accepts_gaps: bool,
    answers: Mapping[str, str] | None,
    happened_at: str | datetime | None,
) -> _Wish:
    return _Wish(
        step,
        decision if decision in ("approve", "return") else "approve",
        list(versions),
        optional_text("reason", reason, limit=10_000, lines=True),
        returns_to,
        accepts_gaps,
        dict(answers or {}),
        None if happened_at is None else require_moment("happened_at", happened_at).isoformat(),
    )


def _weigh(work: DossierWork, actor: Actor, wish: _Wish) -> _Weighed:
    """What would be recorded of the decision now; the refusal's error when it may not be made."""
    step, returns_to = wish.step, wish.returns_to
    assignment = _acting(work, actor, "step.decide", step)
    if wish.decision == "return" and returns_to is None and step in work.dossier.sop.order:
        returns_to = work.dossier.sop.step(step).returns_to
    digest = _seen(work, step, wish.versions)
    work.require(
        Action(
            wish.decision,
            actor.person,
            assignment.role,
            assignment.work_unit,
            step=step,
            documents_digest=digest,
            accepts_gaps=wish.accepts_gaps,
            has_reason=wish.reason is not None,
            returns_to=returns_to,
            answers=tuple(sorted(wish.answers.items())),
        )
    )
    facts = {
        **_facts(work, step, digest),
        "decision": wish.decision,
        "returns_to": returns_to,
        "answers": _listed(wish.answers),
    }
    covering = require_covering(actor, assignment, work.dossier.sop.key)
    return _Weighed(covering, facts, _claimed(work, wish.happened_at))


def _challenge(work: DossierWork, actor: Actor, wish: _Wish, weighed: _Weighed, salt: bytes) -> bytes:
    promised = None if wish.reason is None else commitment("reason", wish.reason, salt)
    return decision_challenge(
        origin=work.archive.log.origin,
        stream=work.stream,
        type="decision.made",
        person=actor.person,
        assignment=weighed.assignment.made_hash,
        claimed_at=weighed.claimed_at,
        payload={**weighed.facts, "reason_commitment": promised},
    )


def _decide(
    work: DossierWork,
    actor: Actor,
    wish: _Wish,
    weighed: _Weighed,
    assertion: dict[str, Any] | None,
    salts: Mapping[str, bytes],
) -> None:
    made = work.act(
        actor,
        weighed.assignment,
        "decision.made",
        {**weighed.facts, "assertion": assertion},
        {"reason": wish.reason},
        weighed.claimed_at,
        salts,
    )
    flag_decision(work, actor, weighed.assignment, wish.step, made.leaf_hash)
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
        schedule = find_schedule(archive, session, work.dossier.sop.key, office_date(work.writer.moment))
        covering = None if schedule is None else schedule.digest
        data = canonical.encode(
            statement.build_statement(
                work.dossier,
                work.calendars,
                list_definitions(archive, work, covering),
                closing,
                archive.log.origin,
                retention=read_stated(archive, session, covering, work.dossier.sop.key),
            )
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
                "retention": covering,
            },
            claimed_at=claimed_at,
        )
        session.add(StatementRow(dossier_id=dossier, digest=digest, data=data))
        if covering is not None:
            session.flush()
            enqueue_kept_locks(archive, session, dossier)
        work.enqueue("build_bundle", f"bundle:{dossier}", {"dossier": dossier})
    return digest


def list_definitions(archive: Archive, work: DossierWork, schedule: str | None) -> list[dict[str, object]]:
    """The SOP, every calendar and the retention schedule of a dossier as its statement names them: kind, key, version, digest."""
    digests = [work.dossier.sop_digest, *work.dossier.calendars, *([] if schedule is None else [schedule])]
    found = [archive.catalog.get(work.session, digest) for digest in digests]
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
