"""The completeness statement: what the SOP required, what satisfied it, how long each step took; frozen when a dossier is sealed.

And the deviations that follow by rule from verdicts. Both are pure functions of the dossier's events and the pinned definitions, so
a verifier computes them again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from archive_service.domain import completeness, verdict, working_time
from archive_service.domain.completeness import Requirement
from archive_service.domain.dossier import Dossier, Run

NORM_PASSED = "time_norm_passed"
NO_PERFORMER = "no_performer"
DOCUMENT_DAMAGED = "document_damaged"
SEALED_WITH_OPEN = "sealed_with_open_deviations"


class Closing(NamedTuple):
    """The act that seals a dossier: the archive step, the instant (event time) and the person."""

    step: str
    at: str
    person: str


class DueDeviation(NamedTuple):
    """A deviation that follows by rule: its key, who answers for it and the events that show it."""

    code: str
    step: Optional[str]
    iteration: Optional[int]
    subject: Optional[str]
    role: Optional[str]
    responsible: Optional[str]
    evidence: Tuple[str, ...]

    @property
    def key(self) -> Tuple[str, Optional[str], Optional[int], Optional[str]]:
        """What makes two deviations the same one."""
        return self.code, self.step, self.iteration, self.subject


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
        "time": verdict.judge_time(
            dossier.sop, run.step, calendar, dossier.calendar_digest, run.started_at, finished_at
        ),
        "completeness": completeness.judge(requirements, damaged),
    }


def deviations_of_judgement(
    run: Run, requirements: Sequence[Requirement], judged: Dict[str, Any], evidence: str
) -> List[DueDeviation]:
    """The deviations that a judgement of this iteration shows, ``evidence`` being the leaf hash of the event that shows them."""
    found: List[Tuple[str, Optional[str]]] = []
    if judged["time"]["result"] == verdict.LATE:
        found.append((NORM_PASSED, None))
    marked = completeness.with_damage(requirements, set(judged["completeness"]["damaged"]))
    found.extend(completeness.gap_deviations(marked))
    return [
        DueDeviation(code, run.step, run.iteration, subject, run.role, run.responsible, (evidence,))
        for code, subject in found
    ]


def overdue(dossier: Dossier, run: Run, calendar: working_time.Calendar, at: str) -> bool:
    """Whether a running iteration has used more than its norm at the instant ``at``."""
    used = working_time.used_between(calendar, verdict.parse_time(run.started_at), verdict.parse_time(at))
    return used.seconds > verdict.norm_seconds(dossier.sop, run.step)


def closing_requirements(dossier: Dossier, closing: Closing) -> List[Requirement]:
    """The requirements of the archive step as the seal finds them."""
    return completeness.required_inputs(dossier, closing.step) + completeness.required_outputs(
        dossier, closing.step, is_sealing=True
    )


def digest_of(data: bytes) -> str:
    """The hex SHA-256 by which the seal names the statement's bytes."""
    return sha256(data).hexdigest()


def build_statement(
    dossier: Dossier,
    calendar: working_time.Calendar,
    definitions: Dict[str, Dict[str, Any]],
    closing: Closing,
    origin: str,
) -> Dict[str, Any]:
    """The statement as canonical-JSON-able data, the same before and after the seal is written.

    ``definitions`` maps ``sop`` and ``calendar`` to their key, version and digest. Times are event times, durations whole working
    seconds with the share of each local day.
    """
    steps: List[Dict[str, Any]] = []
    totals: Dict[str, Dict[str, Any]] = {}
    counts = {completeness.PRESENT: 0, completeness.MISSING: 0, completeness.DAMAGED: 0}
    last_of: Dict[str, int] = {run.step: run.iteration for run in dossier.runs}
    for run in dossier.runs:
        is_closing = run.step == closing.step and run.iteration == last_of[run.step]
        finished_at = closing.at if is_closing else run.finished_at
        requirements: Sequence[Requirement] = closing_requirements(dossier, closing) if is_closing else run.requirements
        if finished_at is None:
            raise ValueError(f"step {run.step} still runs: nothing can be stated about it")
        if run.judged is not None:
            requirements = completeness.with_damage(requirements, set(run.judged["completeness"]["damaged"]))
        time = verdict.judge_time(dossier.sop, run.step, calendar, dossier.calendar_digest, run.started_at, finished_at)
        used = working_time.used_between(calendar, verdict.parse_time(run.started_at), verdict.parse_time(finished_at))
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
                "requirements": [r.plain() for r in requirements],
            }
        )
        total = totals.setdefault(run.step, {"step": run.step, "iterations": 0, "used_seconds": 0})
        total["iterations"] += 1
        total["used_seconds"] += used.seconds
    return {
        "v": 1,
        "origin": origin,
        "dossier": dossier.id,
        "work_unit": dossier.work_unit,
        "year": dossier.year,
        "quarter": dossier.quarter,
        "definitions": definitions,
        "sealed_at": closing.at,
        "required": sum(counts.values()),
        "present": counts[completeness.PRESENT],
        "missing": counts[completeness.MISSING],
        "damaged": counts[completeness.DAMAGED],
        "late": sum(1 for s in steps if s["time"]["result"] == verdict.LATE),
        "returns": sum(1 for s in steps if s["outcome"] == "returned"),
        "steps": steps,
        "totals": [totals[key] for key in dossier.sop.order if key in totals],
        "deviations": [
            {
                "deviation": d.id,
                "code": d.code,
                "step": d.step,
                "iteration": d.iteration,
                "subject": d.subject,
                "responsible": d.responsible,
                "explained": d.explained_at is not None,
            }
            for d in dossier.deviations
        ],
    }
