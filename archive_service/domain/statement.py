"""The completeness statement: what the SOP required, what satisfied it, how long each step took; frozen when a dossier is sealed.

And the deviations that follow by rule from verdicts. Both are pure functions of the dossier's events and the pinned definitions, so
a verifier computes them again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from archive_service.domain import completeness, deviation, indicator, verdict, working_time
from archive_service.domain.completeness import Requirement
from archive_service.domain.deviation import DueDeviation
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import Event
from archive_service.domain.parts import PaperOriginal, Run, Version
from archive_service.domain.sop import Sop

NOT_CHECKED = "not_checked"
"""Of an equipment item that is no document, and of an iteration that never finished: nobody looked, so nothing is said."""


class Closing(NamedTuple):
    """The act that seals a dossier: the archive step, the instant (event time) and the person."""

    step: str
    at: str
    person: str


def judgement(
    dossier: Dossier,
    run: Run,
    calendar: working_time.Calendar,
    requirements: Sequence[Requirement],
    damaged: Sequence[str],
    finished_at: str,
) -> Dict[str, Any]:
    """The payload of the ``step.judged`` event for a finished iteration."""
    return {
        "step": run.step,
        "iteration": run.iteration,
        "number": len(run.judgements) + 1,
        "time": verdict.judge_time(
            dossier.sop,
            run.step,
            calendar,
            dossier.calendar_digest,
            run.started_at,
            finished_at,
            run.excluded(finished_at),
        ),
        "completeness": completeness.judge(requirements, damaged),
    }


def deviations_of_judgement(
    run: Run, requirements: Sequence[Requirement], judged: Dict[str, Any], evidence: str
) -> List[DueDeviation]:
    """The deviations that a judgement of this iteration shows, ``evidence`` being the leaf hash of the event that shows them."""
    found: List[Tuple[str, Optional[str]]] = []
    if judged["time"]["result"] == verdict.LATE:
        found.append((deviation.NORM_PASSED, None))
    marked = completeness.with_damage(requirements, set(judged["completeness"]["damaged"]))
    found.extend(completeness.gap_deviations(marked))
    return [
        DueDeviation(code, run.step, run.iteration, subject, run.role, run.responsible, (evidence,))
        for code, subject in found
    ]


def overdue(dossier: Dossier, run: Run, calendar: working_time.Calendar, at: str) -> bool:
    """Whether a running iteration has used more than its norm at the instant ``at``."""
    used = verdict.used_time(calendar, run.started_at, at, run.excluded(at))
    norm = dossier.sop.step(run.step).norm
    return used.seconds > verdict.limit_from(dossier.sop, norm, calendar, run.started_at)


def due_time(dossier: Dossier, run: Run, calendar: working_time.Calendar, beyond_seconds: int = 0) -> Optional[str]:
    """Until when an iteration is on time; None while a pause without an end holds it.

    ``beyond_seconds``: when so many working seconds more than the norm are used.
    """
    if run.is_held:
        return None
    norm = dossier.sop.step(run.step).norm
    until = run.finished_at if run.finished_at is not None else run.started_at
    return verdict.due_time(dossier.sop, norm, calendar, run.started_at, run.excluded(until), beyond_seconds)


def explain_by(sop: Sop, calendar: working_time.Calendar, at: str) -> Optional[str]:
    """Until when a deviation that is recorded at the event time ``at`` is to be explained; None where the calendar ends before."""
    try:
        return verdict.due_time(sop, sop.explain_within, calendar, at)
    except working_time.OutOfCalendar:
        return None


def deviations_of_act(dossier: Dossier, event: Event) -> List[DueDeviation]:
    """What follows at once from an act that was just taken into the dossier, whatever its verdict will be.

    A decision without any document; something entered later that is said to have happened before its step began; an exception from
    the separation of duties, which whoever made it answers for.
    """
    p = event.payload
    run = dossier.find_run(p.get("step"), p.get("iteration"))
    if run is None:
        return []
    found: List[Tuple[str, Optional[str], Optional[str]]] = []
    if event.type == "decision.made" and p["documents"] == 0:
        found.append((deviation.DECISION_WITHOUT_DOCUMENT, None, run.responsible))
    is_finish = event.type in ("step.submitted", "decision.made")
    if is_finish and event.claimed_at is not None and event.claimed_at < run.started_at:
        found.append((deviation.WRONG_ORDER, None, run.responsible))
    if event.type == "duty.excepted":
        found.append((deviation.DUTY_EXCEPTION, p["person"], event.person))
    return [
        DueDeviation(
            code,
            run.step,
            run.iteration,
            subject,
            str(event.actor["role"]) if event.type == "duty.excepted" else run.role,
            responsible,
            (event.leaf_hash,),
        )
        for code, subject, responsible in found
    ]


def change_deviation(dossier: Dossier, registered: Event) -> Optional[DueDeviation]:
    """The deviation of an open dossier whose SOP got a newer version meanwhile, or None when that event registers no such thing.

    Whoever answers for the step that runs then answers for going on by the older one.
    """
    p = registered.payload
    is_newer = registered.type == "definition.registered" and (p["definition_kind"], p["key"]) == (
        "sop",
        dossier.sop.key,
    )
    if not is_newer or p["version"] <= dossier.sop.version or registered.at <= dossier.opened_at:
        return None
    run = next((r for key in dossier.sop.order for r in [dossier.running(key)] if r is not None), None)
    return DueDeviation(
        deviation.SOP_CHANGED,
        None,
        None,
        p["digest"],
        run.role if run is not None else None,
        run.responsible if run is not None else None,
        (registered.leaf_hash,),
    )


def closing_requirements(dossier: Dossier, closing: Closing) -> List[Requirement]:
    """The requirements of the archive step as the seal finds them."""
    return completeness.required_inputs(dossier, closing.step) + completeness.required_outputs(
        dossier, closing.step, is_sealing=True
    )


def digest_of(data: bytes) -> str:
    """The hex SHA-256 by which the seal names the statement's bytes."""
    return sha256(data).hexdigest()


def closing_deviations(
    dossier: Dossier, closing: Closing, calendar: working_time.Calendar, claimed_at: Optional[str] = None
) -> List[DueDeviation]:
    """What the archive step's own verdict shows right before the seal."""
    run = dossier.running(closing.step)
    if run is None:
        return []
    requirements = closing_requirements(dossier, closing)
    judged = judgement(dossier, run, calendar, requirements, [], closing.at)
    due = deviations_of_judgement(run, requirements, judged, run.start_hash)
    if claimed_at is not None and claimed_at < run.started_at:
        due.append(
            DueDeviation(
                deviation.WRONG_ORDER, run.step, run.iteration, None, run.role, run.responsible, (run.start_hash,)
            )
        )
    return due


def owed_at_seal(dossier: Dossier, closing: Closing) -> Optional[DueDeviation]:
    """That a dossier is sealed while explanations are owed, those of its last step included; None when none is."""
    run = dossier.running(closing.step)
    owed = [d.event_hash for d in dossier.open_deviations() if d.code != deviation.SEALED_WITH_OPEN]
    if run is None or not owed:
        return None
    return DueDeviation(deviation.SEALED_WITH_OPEN, None, None, None, run.role, closing.person, tuple(owed[:32]))


def build_statement(
    dossier: Dossier,
    calendars: Mapping[str, working_time.Calendar],
    definitions: Sequence[Mapping[str, Any]],
    closing: Closing,
    origin: str,
    calendar: Optional[str] = None,
    retention: Optional[Mapping[str, Any]] = None,
) -> Dict[str, Any]:
    """The statement as canonical-JSON-able data, the same before and after the seal is written.

    ``definitions`` are kind, key, version and digest of the SOP, of each calendar that verdicts were given by, and of the retention
    schedule that the seal names; ``retention`` is what that schedule says of the SOP (``retention.stated``). ``calendars`` are the
    unit's own, by digest. Times are event times, durations whole working seconds with the share of each local day. ``calendar``: judge
    all times by that one instead of the dossier's.
    """
    steps: List[Dict[str, Any]] = []
    totals: Dict[str, Dict[str, Any]] = {}
    counts = {
        completeness.PRESENT: 0,
        completeness.MISSING: 0,
        completeness.DAMAGED: 0,
        completeness.NOT_APPLICABLE: 0,
        completeness.OPTIONAL: 0,
    }
    digest = calendar if calendar is not None else dossier.calendar_digest
    counted = calendars[digest]
    last_of: Dict[str, int] = {run.step: run.iteration for run in dossier.runs}
    for run in dossier.runs:
        is_closing = run.step == closing.step and run.iteration == last_of[run.step]
        finished_at = closing.at if is_closing else run.finished_at
        requirements: Sequence[Requirement] = closing_requirements(dossier, closing) if is_closing else run.requirements
        if finished_at is None:
            raise ValueError(f"step {run.step} still runs: nothing can be stated about it")
        if run.judged is not None:
            requirements = completeness.with_damage(requirements, set(run.judged["completeness"]["damaged"]))
        excluded = run.excluded(finished_at)
        time = verdict.judge_time(dossier.sop, run.step, counted, digest, run.started_at, finished_at, excluded)
        used = verdict.used_time(counted, run.started_at, finished_at, excluded)
        for requirement in requirements:
            counts[requirement.state] += 1
        steps.append(
            {
                "step": run.step,
                "iteration": run.iteration,
                "activity": dossier.sop.step(run.step).activity,
                "role": run.role,
                "responsible": run.responsible,
                "performed_by": closing.person if is_closing else run.performed_by,
                "outcome": "archived" if is_closing else (run.outcome or "superseded"),
                "time": time,
                "used_by_day": [[day, seconds] for day, seconds in used.by_day],
                "pauses": [
                    {"pause": p.id, "cause": p.cause, "from_at": p.from_at, "to_at": p.to_at or finished_at}
                    for p in run.pauses
                ],
                "transfer": None if run.transfer is None else list(run.transfer),
                "verdicts": [{"event": j.event_hash, "time": dict(j.payload["time"])} for j in run.judgements],
                # an iteration that was overtaken by a return was never finished: nothing of it was checked
                "completeness": completeness.result_of(requirements) if is_closing or run.outcome else NOT_CHECKED,
                "requirements": [r.plain() for r in requirements],
            }
        )
        total = totals.setdefault(
            run.step,
            {"step": run.step, "iterations": 0, "used_seconds": 0, "limit_seconds": time["limit_seconds"]},
        )
        total["iterations"] += 1
        total["used_seconds"] += used.seconds
    for total in totals.values():
        total["result"] = verdict.LATE if total["used_seconds"] > total["limit_seconds"] else verdict.ON_TIME
    return {
        "v": 1,
        "origin": origin,
        "dossier": dossier.id,
        "work_unit": dossier.work_unit,
        "year": dossier.year,
        "quarter": dossier.quarter,
        "definitions": [dict(each) for each in definitions],
        "calendar": digest,
        "sealed_at": closing.at,
        "required": sum(n for state, n in counts.items() if state not in completeness.UNCOUNTED),
        "present": counts[completeness.PRESENT],
        "missing": counts[completeness.MISSING],
        "damaged": counts[completeness.DAMAGED],
        "not_applicable": counts[completeness.NOT_APPLICABLE],
        "optional": counts[completeness.OPTIONAL],
        "late": sum(1 for s in steps if s["time"]["result"] == verdict.LATE),
        "returns": sum(1 for s in steps if s["outcome"] == "returned"),
        "steps": steps,
        "skipped": [key for key in dossier.sop.order if key in dossier.skipped],
        "answers": dict(sorted(dossier.answers.items())),
        "totals": [totals[key] for key in dossier.sop.order if key in totals],
        "equipment": equipment_of(dossier),
        "documents": _documents(dossier),
        "indicators": indicator_summary(dossier),
        "retention": None if retention is None else dict(retention),
        "deviations": [
            {
                "deviation": d.id,
                "code": d.code,
                "step": d.step,
                "iteration": d.iteration,
                "subject": d.subject,
                "responsible": d.responsible,
                "state": d.state,
                "explain_by": d.explain_by,
            }
            for d in dossier.deviations
        ],
    }


def indicator_summary(dossier: Dossier) -> Dict[str, Any]:
    """The indicators as things stand: how many are listed, which have evidence and results, and what became of recommendations.

    ``asked`` is false where no step of the SOP asks for indicators; nothing listed and nothing missing never look alike.
    """
    ledger = dossier.indicators
    duties = {
        s.indicators: [t.key for t in dossier.sop.steps if t.indicators == s.indicators] for s in dossier.sop.steps
    }
    evidence: Dict[str, List[str]] = {code: [] for code in ledger.listed}
    for step in duties.get(indicator.EVIDENCE, []):
        for version in dossier.standing_outputs(step):
            if version.indicator in evidence:
                evidence[str(version.indicator)].append(version.digest)
    standing = ledger.standing_results()
    without = [code for code, digests in evidence.items() if not digests]
    recorded = {result.code for result in standing}
    return {
        "asked": any(duty is not None for duty in duties),
        "listed": len(ledger.listed),
        "with_evidence": len(ledger.listed) - len(without),
        "without": without if indicator.EVIDENCE in duties else [],
        "without_result": [code for code in ledger.listed if code not in recorded]
        if indicator.RESULTS in duties
        else [],
        "items": [
            {
                "code": each.code,
                "title": each.title,
                "unit": each.unit,
                "target": each.target,
                "achievement": each.achievement,
                "person": each.person,
                "evidence": evidence[each.code],
            }
            for each in ledger.listed.values()
        ],
        "results": [
            {
                "event": each.event_hash,
                "step": each.step,
                "iteration": each.iteration,
                "code": each.code,
                "achievement": each.achievement,
                "person": each.person,
            }
            for each in standing
        ],
        "recommendations": [
            {
                "event": each.event_hash,
                "from_dossier": each.from_dossier,
                "from_event": each.from_event,
                "code": each.code,
                "state": each.state,
                "answer": each.answer_hash,
            }
            for each in ledger.carried.values()
        ],
    }


def _documents(dossier: Dossier) -> List[Dict[str, Any]]:
    """Each document by its newest version, withdrawn or not, with what is recorded of its original on paper; null: nothing is."""
    newest: Dict[str, Version] = {version.document: version for version in dossier.versions}
    found: List[Dict[str, Any]] = []
    for document, version in newest.items():
        paper = dossier.papers.get(document)
        found.append(
            {
                "document": document,
                "version": version.id,
                "number": version.number,
                "step": version.step,
                "iteration": version.iteration,
                "kind": version.kind,
                "digest": version.digest,
                "media_type": version.media_type,
                "deviation": version.deviation,
                "indicator": version.indicator,
                "is_withdrawn": version.withdrawn_at is not None,
                "paper": None if paper is None else plain_paper(paper),
            }
        )
    return found


def plain_paper(paper: PaperOriginal) -> Dict[str, Any]:
    """What is recorded of an original on paper, as canonical-JSON-able data: ``exists`` and the place."""
    return {
        "exists": paper.exists,
        "room": paper.room,
        "shelf": paper.shelf,
        "box": paper.box,
        "folder": paper.folder,
        "person": paper.person,
        "at": paper.at,
    }


def equipment_of(dossier: Dossier) -> List[Dict[str, Any]]:
    """Each item of the SOP's equipment (peralatan) with the steps that leave it and what stands of it.

    ``state``: ``present``, ``missing``, ``not_applicable`` where every step that leaves it is skipped, ``not_checked`` for an item that is
    no document.
    """
    found: List[Dict[str, Any]] = []
    for item in dossier.sop.equipment:
        places = [(step.key, rule) for step in dossier.sop.steps for rule in step.outputs if rule.kind in item.kinds]
        digests: List[str] = []
        is_there = False
        for key, rule in places:
            standing = [version.digest for version in dossier.current_versions(key, rule.kind)]
            digests += [digest for digest in standing if digest not in digests]
            is_decided = rule.evidence == "decision" and dossier.approval_of(key) is not None
            is_there = is_there or bool(standing) or is_decided
        state = completeness.PRESENT if is_there else completeness.MISSING
        if not item.kinds:
            state = NOT_CHECKED
        elif not is_there and all(key in dossier.skipped for key, _ in places):
            state = completeness.NOT_APPLICABLE
        steps = list(dict.fromkeys(key for key, _ in places))
        found.append({"text": item.text, "kinds": list(item.kinds), "steps": steps, "state": state, "digests": digests})
    return found
