"""What must hold of the conduct that the events tell: one function a rule, each giving discrepancies."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from archive_service.domain import canonical, completeness, manifest, statement, verdict, working_time
from archive_service.domain.discrepancy import REDACTION, Discrepancy
from archive_service.domain.dossier import SEALED, Dossier, IllegalEvent, Run
from archive_service.domain.event import Event, commitment, commitments_in
from archive_service.domain.sop import Sop
from archive_service.domain.statement import DueDeviation
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.proofs import Found, place_of

RUN_DAYS_LIMIT = 200_000
"""Days that all iterations of a dossier may last together: what a verifier reckons through day by day."""


def tell_dossier(sop: Sop, events: Sequence[Event]) -> Tuple[Dossier, Found]:
    """The dossier that the events tell, up to the first that is no legal move."""
    dossier = Dossier(sop)
    for event in events:
        try:
            dossier.apply(event)
        except IllegalEvent as exc:
            return dossier, [
                Discrepancy("illegal_move", place_of(event), f"{exc.code}: {exc}", params={"move": exc.code})
            ]
    if dossier.status != SEALED:
        return dossier, [Discrepancy("not_sealed", manifest.EVENTS)]
    return dossier, []


# duties ------------------------------------------------------------------------------------------------------------


def check_duties(sop: Sop, events: Sequence[Event]) -> Found:
    """Duties are separated by person, reckoned from the events alone: who performed what, over all iterations."""
    persons: Dict[str, Dict[str, str]] = {}
    for event in events:
        if event.type in ("document.received", "step.submitted", "decision.made", "dossier.sealed") and event.person:
            persons.setdefault(event.payload["step"], {}).setdefault(event.person, place_of(event))
    found: Found = []
    for step in sop.steps:
        for other in step.separate_from:
            for person in sorted(persons.get(step.key, {}).keys() & persons.get(other, {}).keys()):
                found.append(Discrepancy("duty_conflict", persons[step.key][person], f"{other}, {step.key}"))
    return found


# verdicts ----------------------------------------------------------------------------------------------------------


def check_extent(dossier: Dossier) -> Found:
    """The iterations last no longer together than can be reckoned through."""
    days = 0
    for run in dossier.runs:
        if run.finished_at is not None:
            days += max(0, (verdict.parse_time(run.finished_at) - verdict.parse_time(run.started_at)).days)
    return [Discrepancy("too_much", manifest.EVENTS, f"{days} > {RUN_DAYS_LIMIT}")] if days > RUN_DAYS_LIMIT else []


def check_times(dossier: Dossier, calendar: working_time.Calendar) -> Found:
    """Every time verdict follows from start, finish, norm and calendar."""
    found: Found = []
    for run in dossier.runs:
        if run.judged is None or run.finished_at is None:
            continue
        expected = verdict.judge_time(
            dossier.sop, run.step, calendar, dossier.calendar_digest, run.started_at, run.finished_at
        )
        if run.judged["time"] != expected:
            text = f"{run.judged['time']['used_seconds']} s, {expected['used_seconds']} s"
            found.append(Discrepancy("time_verdict_differs", _of(run), text, params={"expected": expected}))
    return found


def check_completeness(dossier: Dossier) -> Found:
    """Every finished iteration has a completeness verdict that follows from what stood when it finished."""
    found: Found = []
    for run in dossier.runs:
        if run.judged is None:
            if run.outcome not in (None, "archived"):
                found.append(Discrepancy("verdict_missing", _of(run)))
            continue
        damaged = run.judged["completeness"]["damaged"]
        is_same = run.judged["completeness"] == completeness.judge(run.requirements, damaged)
        if not is_same or not set(damaged) <= set(completeness.digests_of(run.requirements)):
            found.append(Discrepancy("completeness_verdict_differs", _of(run)))
    return found


def _of(run: Run) -> str:
    return f"step {run.step} iteration {run.iteration}"


# deviations --------------------------------------------------------------------------------------------------------

Key = Tuple[str, Optional[str], Optional[int], Optional[str]]


def check_deviations(sop: Sop, events: Sequence[Event], calendar: working_time.Calendar) -> Found:
    """Every recorded deviation follows by rule from the events before it, and every one that follows is recorded.

    The events are told again, since who answers for a step and which documents stand changes on the way.
    """
    found: Found = []
    dossier = Dossier(sop)
    due: Dict[Key, DueDeviation] = {}
    recorded: Dict[Key, Tuple[str, DueDeviation]] = {}
    for event in events:
        if event.type == "dossier.sealed":
            for closing in _closing_deviations(dossier, event, calendar):
                due.setdefault(closing.key, closing)
        if event.type == "deviation.recorded":
            stated = _stated(event)
            early = _early_lateness(dossier, stated, event.at, calendar)
            if early is not None:
                due.setdefault(early.key, early)
            recorded[stated.key] = (place_of(event), stated)
        dossier.apply(event)
        for follows in _deviations_of(dossier, event):
            due.setdefault(follows.key, follows)
    for key in sorted(due.keys() - recorded.keys(), key=str):
        found.append(Discrepancy("deviation_missing", manifest.EVENTS, _key_text(key)))
    for key, (place, stated) in recorded.items():
        expected = due.get(key)
        if expected is None:
            found.append(Discrepancy("deviation_unfounded", place, _key_text(key)))
        elif expected != stated:
            names = ("role", "responsible", "evidence")
            text = ", ".join(name for name in names if getattr(expected, name) != getattr(stated, name))
            found.append(Discrepancy("deviation_differs", place, f"{_key_text(key)}: {text}"))
    return found


def _key_text(key: Key) -> str:
    return " ".join("–" if part is None else str(part) for part in key)


def _stated(event: Event) -> DueDeviation:
    p = event.payload
    return DueDeviation(
        p["code"], p["step"], p["iteration"], p["subject"], p["role"], p["responsible"], tuple(p["evidence"])
    )


def _run_of(dossier: Dossier, step: Optional[str], iteration: Optional[int]) -> Optional[Run]:
    return next((r for r in dossier.runs if (r.step, r.iteration) == (step, iteration)), None)


def _deviations_of(dossier: Dossier, event: Event) -> List[DueDeviation]:
    """What follows at once from an event that was just told."""
    p = event.payload
    if event.type == "step.started" and p["responsible"] is None:
        key = (statement.NO_PERFORMER, p["step"], p["iteration"], None)
        return [DueDeviation(*key, p["role"], None, (event.leaf_hash,))]
    if event.type == "step.judged":
        run = _run_of(dossier, p["step"], p["iteration"])
        if run is not None:
            return statement.deviations_of_judgement(run, run.requirements, dict(p), event.leaf_hash)
    if event.type == "fixity.checked" and p["failed"]:
        failed = set(p["failed"])
        due = []
        for v in dossier.versions:
            run = _run_of(dossier, v.step, v.iteration) if v.digest in failed and v.withdrawn_at is None else None
            if run is not None:
                damage = (statement.DOCUMENT_DAMAGED, v.step, v.iteration, v.digest)
                due.append(DueDeviation(*damage, run.role, run.responsible, (event.leaf_hash,)))
        return due
    return []


def _early_lateness(
    dossier: Dossier, stated: DueDeviation, at: str, calendar: working_time.Calendar
) -> Optional[DueDeviation]:
    """The lateness of an iteration that still runs at ``at``, when its norm has passed by then."""
    if stated.code != statement.NORM_PASSED or stated.step is None:
        return None
    run = dossier.running(stated.step)
    if run is None or run.iteration != stated.iteration or not statement.overdue(dossier, run, calendar, at):
        return None
    return DueDeviation(
        statement.NORM_PASSED, run.step, run.iteration, None, run.role, run.responsible, (run.start_hash,)
    )


def _closing_deviations(dossier: Dossier, seal: Event, calendar: working_time.Calendar) -> List[DueDeviation]:
    """What the archive step's own verdict shows right before the seal, and that something is unexplained then."""
    run = dossier.running(seal.payload["step"])
    if run is None:
        return []
    closing = statement.Closing(run.step, seal.at, str(seal.person))
    requirements = statement.closing_requirements(dossier, closing)
    judged = statement.judgement(dossier, run, calendar, requirements, [], closing.at)
    due = statement.deviations_of_judgement(run, requirements, judged, run.start_hash)
    unexplained = [d.event_hash for d in dossier.open_deviations() if d.code != statement.SEALED_WITH_OPEN]
    if unexplained:
        key = (statement.SEALED_WITH_OPEN, None, None, None)
        due.append(DueDeviation(*key, run.role, closing.person, tuple(unexplained[:32])))
    return due


# what the bundle holds besides the events --------------------------------------------------------------------------


def check_statement(
    dossier: Dossier, evidence: Evidence, calendar: working_time.Calendar, definitions: Mapping[str, Dict[str, Any]]
) -> Found:
    """The completeness statement, built again from the events, has the same bytes."""
    last = evidence.events[-1]
    closing = statement.Closing(last.payload["step"], last.at, str(last.person))
    built = statement.build_statement(dossier, calendar, dict(definitions), closing, last.origin)
    return (
        [] if canonical.encode(built) == evidence.statement else [Discrepancy("statement_differs", manifest.STATEMENT)]
    )


def check_openings(evidence: Evidence) -> Found:
    """Every opening opens a commitment of an event in the bundle; commitments without one were redacted."""
    found: Found = []
    promised = {
        (e.leaf_hash, field): value for e in evidence.all_events() for field, value in commitments_in(e.payload)
    }
    for key, (value, salt) in sorted(evidence.openings.items()):
        place = f"{manifest.OPENINGS} {key[0][:16]}… {key[1]}"
        if key not in promised:
            found.append(Discrepancy("opening_extra", place))
        elif commitment(key[1], value, salt) != promised[key]:
            found.append(Discrepancy("opening_differs", place))
    for key in sorted(promised.keys() - evidence.openings.keys()):
        place = f"{manifest.OPENINGS} {key[0][:16]}… {key[1]}"
        found.append(Discrepancy("redacted", place, severity=REDACTION))
    return found


def check_documents(
    dossier: Dossier, sizes: Mapping[str, int], crcs: Mapping[str, int], digests: Mapping[str, str]
) -> Found:
    """Each received version is there as it was recorded; the mappings are of the bundle's files by path."""
    found: Found = []
    names = manifest.document_names(dossier)
    for v in dossier.versions:
        path = names[v.id]
        if path not in sizes:
            found.append(Discrepancy("document_missing", path))
        elif (sizes[path], crcs[path], digests.get(path)) != (v.size, int(v.crc32, 16), v.digest):
            found.append(Discrepancy("document_damaged", path))
    return found
