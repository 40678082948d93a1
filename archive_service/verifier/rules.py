"""What must hold of the conduct that the events tell: one function a rule, each giving discrepancies."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from archive_service.domain import (
    canonical,
    completeness,
    deviation,
    manifest,
    statement,
    verdict,
    working_time,
)
from archive_service.domain.deviation import DueDeviation, IllegalEvent, Key
from archive_service.domain.discrepancy import REDACTION, Discrepancy
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import Event, commitment, commitments_in
from archive_service.domain.parts import Run
from archive_service.domain.sop import Sop
from archive_service.domain.states import SEALED
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
    """Duties are separated by person, reckoned from the events alone: who performed what, over all iterations.

    An exception that was recorded before a person's act at a step lifts the bar for that step and person from then on.
    """
    persons: Dict[str, Dict[str, List[Event]]] = {}
    excepted: Dict[Tuple[str, str], int] = {}
    for event in events:
        p = event.payload
        if event.type == "duty.excepted":
            excepted.setdefault((p["step"], p["person"]), event.seq)
        is_act = event.type in (
            "document.received",
            "indicator.result_recorded",
            "step.submitted",
            "decision.made",
            "dossier.sealed",
        )
        if is_act and event.person and p.get("deviation") is None:
            persons.setdefault(p["step"], {}).setdefault(event.person, []).append(event)
    found: Found = []
    for step in sop.steps:
        for other in step.separate_from:
            for person in sorted(persons.get(step.key, {}).keys() & persons.get(other, {}).keys()):
                late = _later_acts(persons, step.key, other, person)
                barred = [e for e in late if excepted.get((e.payload["step"], person), len(events)) > e.seq]
                if barred:
                    found.append(Discrepancy("duty_conflict", place_of(barred[0]), f"{other}, {step.key}"))
    return found


def _later_acts(persons: Mapping[str, Mapping[str, List[Event]]], step: str, other: str, person: str) -> List[Event]:
    """The acts of a person at either step that came when they had acted at the other one already."""
    mine, theirs = persons[step][person], persons[other][person]
    return [e for e in mine if e.seq > theirs[0].seq] + [e for e in theirs if e.seq > mine[0].seq]


# verdicts ----------------------------------------------------------------------------------------------------------


def check_extent(dossier: Dossier) -> Found:
    """The iterations last no longer together than can be reckoned through, by each calendar that they were judged by."""
    days = 0
    for run in dossier.runs:
        if run.finished_at is not None:
            lasted = max(0, (verdict.parse_time(run.finished_at) - verdict.parse_time(run.started_at)).days)
            days += lasted * max(1, len(run.judgements)) * (1 + len(run.pauses))
    return [Discrepancy("too_much", manifest.EVENTS, f"{days} > {RUN_DAYS_LIMIT}")] if days > RUN_DAYS_LIMIT else []


def check_times(dossier: Dossier, calendars: Mapping[str, working_time.Calendar]) -> Found:
    """Every time verdict follows from start, finish, pauses, norm and the calendar that it names."""
    found: Found = []
    for run in dossier.runs:
        for judgement in run.judgements:
            stated, finished_at = judgement.payload["time"], str(run.finished_at)
            digest = stated["calendar"]
            expected = verdict.judge_time(
                dossier.sop,
                run.step,
                calendars[digest],
                digest,
                run.started_at,
                finished_at,
                run.excluded(finished_at),
            )
            if stated != expected:
                text = f"{stated['used_seconds']} s, {expected['used_seconds']} s"
                found.append(Discrepancy("time_verdict_differs", _of(run), text, params={"expected": expected}))
    return found


def check_completeness(dossier: Dossier) -> Found:
    """Every finished iteration has a completeness verdict that follows from what stood when it finished."""
    found: Found = []
    for run in dossier.runs:
        if not run.judgements and run.outcome not in (None, "archived"):
            found.append(Discrepancy("verdict_missing", _of(run)))
        for judgement in run.judgements:
            stated = judgement.payload["completeness"]
            damaged = stated["damaged"]
            is_same = stated == completeness.judge(run.requirements, damaged)
            if not is_same or not set(damaged) <= set(completeness.digests_of(run.requirements)):
                found.append(Discrepancy("completeness_verdict_differs", _of(run)))
    return found


def _of(run: Run) -> str:
    return f"step {run.step} iteration {run.iteration}"


# deviations --------------------------------------------------------------------------------------------------------


def check_deviations(sop: Sop, evidence: Evidence, calendars: Mapping[str, working_time.Calendar]) -> Found:
    """Every recorded deviation follows by rule from the events before it, and every one that follows is recorded.

    The events are told again, since who answers for a step and which documents stand changes on the way. That a newer version of the SOP
    was registered meanwhile is checked where it is recorded; a bundle cannot show that none was.
    """
    found: Found = []
    dossier = Dossier(sop)
    due: Dict[Key, DueDeviation] = {}
    recorded: Dict[Key, Tuple[str, DueDeviation]] = {}
    registered = {e.leaf_hash: e for e in evidence.registrations}
    for event in evidence.events:
        calendar = calendars[dossier.calendar_digest] if dossier.calendars else None
        if event.type == "dossier.sealed" and calendar is not None:
            closing = statement.Closing(event.payload["step"], event.at, str(event.person))
            at_seal = statement.closing_deviations(dossier, closing, calendar, event.claimed_at)
            owed = statement.owed_at_seal(dossier, closing)
            for last in at_seal if owed is None else [*at_seal, owed]:
                due.setdefault(last.key, last)
        if event.type == "deviation.recorded" and calendar is not None:
            stated = _stated(event)
            for early in _found_at(dossier, stated, event.at, calendar, registered):
                due.setdefault(early.key, early)
            recorded[stated.key] = (place_of(event), stated)
            if event.payload["explain_by"] != statement.explain_by(sop, calendar, event.at):
                found.append(Discrepancy("deviation_differs", place_of(event), f"{_key_text(stated.key)}: explain_by"))
        dossier.apply(event)
        for follows in [*_deviations_of(dossier, event), *statement.deviations_of_act(dossier, event)]:
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


def _deviations_of(dossier: Dossier, event: Event) -> List[DueDeviation]:
    """What follows at once from what the service did, just told."""
    p = event.payload
    if event.type == "step.started" and p["responsible"] is None:
        key = (deviation.NO_PERFORMER, p["step"], p["iteration"], None)
        return [DueDeviation(*key, p["role"], None, (event.leaf_hash,))]
    if event.type == "step.judged":
        run = dossier.find_run(p["step"], p["iteration"])
        if run is not None:
            return statement.deviations_of_judgement(run, run.requirements, dict(p), event.leaf_hash)
    if event.type == "fixity.checked" and p["failed"]:
        failed = set(p["failed"])
        due = []
        for v in dossier.versions:
            run = dossier.find_run(v.step, v.iteration) if v.digest in failed and v.withdrawn_at is None else None
            if run is not None:
                damage = (deviation.DOCUMENT_DAMAGED, v.step, v.iteration, v.digest)
                due.append(DueDeviation(*damage, run.role, run.responsible, (event.leaf_hash,)))
        return due
    return []


def _found_at(
    dossier: Dossier,
    stated: DueDeviation,
    at: str,
    calendar: working_time.Calendar,
    registered: Mapping[str, Event],
) -> List[DueDeviation]:
    """What a sweep may record at any time: an iteration that still runs past its norm, a newer version of the SOP."""
    if stated.code == deviation.SOP_CHANGED:
        change = registered.get(stated.evidence[0]) if stated.evidence else None
        due = statement.change_deviation(dossier, change) if change is not None and change.at <= at else None
        return [] if due is None else [due]
    if stated.code != deviation.NORM_PASSED or stated.step is None:
        return []
    run = dossier.running(stated.step)
    if run is None or run.iteration != stated.iteration or not statement.overdue(dossier, run, calendar, at):
        return []
    return [
        DueDeviation(deviation.NORM_PASSED, run.step, run.iteration, None, run.role, run.responsible, (run.start_hash,))
    ]


# what the bundle holds besides the events --------------------------------------------------------------------------


def check_statement(
    dossier: Dossier,
    evidence: Evidence,
    calendars: Mapping[str, working_time.Calendar],
    definitions: Sequence[Mapping[str, Any]],
    retention: Optional[Mapping[str, Any]] = None,
) -> Found:
    """The completeness statement, built again from the events, has the same bytes."""
    last = evidence.events[-1]
    closing = statement.Closing(last.payload["step"], last.at, str(last.person))
    built = statement.build_statement(dossier, calendars, definitions, closing, last.origin, retention=retention)
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
