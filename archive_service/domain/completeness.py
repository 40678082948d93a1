"""Completeness: every requirement of a step with what satisfied it, or the named gap.

A requirement is an input (kelengkapan) or an output (keluaran) of a step in the pinned SOP. It is judged as things stood when
the iteration of the step finished, so that anybody who replays the events reaches the same list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from archive_service.domain import canonical, indicator

if TYPE_CHECKING:
    from archive_service.domain.dossier import Dossier
    from archive_service.domain.parts import Version

PRESENT = "present"
MISSING = "missing"
DAMAGED = "damaged"
NOT_APPLICABLE = "not_applicable"
"""The state of an input that a skipped step would have put out: nothing is missing, and nothing was there."""
OPTIONAL = "optional"
"""The state of an output that may stay away and did: it is not required, and nothing was there."""
DAMAGED_LISTED = 64
UNCOUNTED = (NOT_APPLICABLE, OPTIONAL)
"""States of what is not required: they count neither as present nor as missing."""
COMPLETE = "complete"
GAPS = "gaps"
NOTHING_REQUIRED = "nothing_required"
"""The result where nothing was required, so that nothing was checked: not the same as complete."""


@dataclass(frozen=True)
class Requirement:
    """One thing that a step needs or leaves, its state, and the evidence that satisfied it.

    ``minimum`` counts documents of the accepted ``media``; a decision, a seal or a result is one.
    """

    direction: str
    kind: str
    title: str
    source: Optional[str]
    evidence: str
    state: str
    satisfied_by: Tuple[Dict[str, Any], ...]
    minimum: int = 1
    media: Tuple[str, ...] = ()

    def plain(self) -> Dict[str, Any]:
        """The requirement as canonical-JSON-able data."""
        return {
            "direction": self.direction,
            "kind": self.kind,
            "title": self.title,
            "from": self.source,
            "evidence": self.evidence,
            "state": self.state,
            "minimum": self.minimum,
            "media": list(self.media),
            "satisfied_by": [dict(item) for item in self.satisfied_by],
        }


def count_of(satisfied_by: Sequence[Mapping[str, Any]], evidence: str) -> int:
    """How many of what a requirement counts stand for it: documents, or the one act; the form of a decision counts for none."""
    is_act = evidence in ("decision", "seal", "result")
    return sum(1 for item in satisfied_by if (item["type"] != "document") == is_act)


def _documents(versions: Sequence["Version"]) -> Tuple[Dict[str, Any], ...]:
    return tuple(
        {"type": "document", "version": v.id, "digest": v.digest, "media_type": v.media_type} for v in versions
    )


def required_inputs(dossier: "Dossier", step_key: str) -> List[Requirement]:
    """The step's inputs as the dossier stands now, and what it owes each indicator of the dossier's list."""
    found: List[Requirement] = []
    for rule in dossier.sop.step(step_key).inputs:
        output = dossier.sop.step(step_key if rule.source == "outside" else rule.source).output(rule.kind)
        evidence, minimum = output.evidence, max(1, output.minimum)
        satisfied: Tuple[Dict[str, Any], ...] = ()
        is_skipped = False
        if rule.source == "outside":
            satisfied = _documents(dossier.current_versions(step_key, rule.kind))
        else:
            is_skipped = rule.source in dossier.skipped
            if dossier.is_settled(rule.source):
                if evidence == "decision":
                    decision = dossier.approval_of(rule.source)
                    if decision is not None:
                        satisfied = (
                            {
                                "type": "decision",
                                "event": decision.event_hash,
                                "decision": "approve",
                                "person": decision.person,
                            },
                            *_form_of(dossier, rule.source, rule.kind),
                        )
                else:
                    satisfied = _documents(dossier.current_versions(rule.source, rule.kind))
        is_enough = count_of(satisfied, evidence) >= minimum
        state = NOT_APPLICABLE if is_skipped else PRESENT if is_enough else MISSING
        found.append(
            Requirement("input", rule.kind, rule.title, rule.source, evidence, state, satisfied, minimum, output.media)
        )
    return found + required_of_indicators(dossier, step_key)


def _form_of(dossier: "Dossier", step_key: str, kind: str) -> Tuple[Dict[str, Any], ...]:
    """The filled-in form of a decision, where the newest iteration of its step has one."""
    run = dossier.last_run(step_key)
    standing = dossier.current_versions(step_key, kind)
    return _documents([v for v in standing if run is not None and v.iteration == run.iteration])


def required_of_indicators(dossier: "Dossier", step_key: str) -> List[Requirement]:
    """What the step owes each listed indicator as the dossier stands now: a standing document of its own, or its result.

    Direction ``indicator`` or ``indicator_result``, the indicator's code as kind. Without a list there is nothing: the statement says
    how many are listed.
    """
    duty = dossier.sop.step(step_key).indicators
    ledger = dossier.indicators
    found: List[Requirement] = []
    if duty == indicator.EVIDENCE:
        tagged: Dict[str, List["Version"]] = {}
        for version in dossier.standing_outputs(step_key) if ledger.listed else []:
            if version.indicator is not None:
                tagged.setdefault(version.indicator, []).append(version)
        for each in ledger.listed.values():
            satisfied = _documents(tagged.get(each.code, []))
            state = PRESENT if satisfied else MISSING
            found.append(Requirement("indicator", each.code, each.title, None, "document", state, satisfied))
    if duty == indicator.RESULTS:
        for each in ledger.listed.values():
            result = ledger.standing_result(step_key, each.code)
            results: Tuple[Dict[str, Any], ...] = ()
            if result is not None:
                results = ({"type": "result", "event": result.event_hash, "person": result.person},)
            state = PRESENT if results else MISSING
            found.append(Requirement("indicator_result", each.code, each.title, None, "result", state, results))
    return found


def required_outputs(
    dossier: "Dossier", step_key: str, *, decision: Optional[Dict[str, Any]] = None, is_sealing: bool = False
) -> List[Requirement]:
    """The step's outputs as the dossier stands now.

    ``decision`` is the decision that is being made with this evaluation; ``is_sealing`` says that the seal is. A document output
    is present when enough documents stand and at least one version came in this iteration; one that need not be there, when any stands.
    """
    found: List[Requirement] = []
    run = dossier.last_run(step_key)
    for rule in dossier.sop.step(step_key).outputs:
        satisfied: Tuple[Dict[str, Any], ...] = ()
        state = MISSING
        if rule.evidence == "decision":
            if decision is not None:
                satisfied, state = (decision, *_form_of(dossier, step_key, rule.kind)), PRESENT
        elif rule.evidence == "seal":
            if is_sealing:
                satisfied, state = ({"type": "seal"},), PRESENT
        else:
            versions = dossier.current_versions(step_key, rule.kind)
            satisfied = _documents(versions)
            is_fresh = run is not None and any(v.iteration == run.iteration for v in versions)
            if rule.minimum == 0:
                state = PRESENT if versions else OPTIONAL
            elif len(versions) >= rule.minimum and is_fresh:
                state = PRESENT
        minimum = rule.minimum if rule.evidence not in ("decision", "seal") else 1
        found.append(
            Requirement("output", rule.kind, rule.title, None, rule.evidence, state, satisfied, minimum, rule.media)
        )
    return found


def with_damage(requirements: Sequence[Requirement], damaged: Collection[str]) -> List[Requirement]:
    """The same requirements, each one that rests on a damaged document marked so."""
    return [
        replace(r, state=DAMAGED)
        if r.state == PRESENT and any(item.get("digest") in damaged for item in r.satisfied_by)
        else r
        for r in requirements
    ]


def digests_of(requirements: Sequence[Requirement]) -> List[str]:
    """The digests of all documents that these requirements rest on, each once, in order."""
    seen: Dict[str, None] = {}
    for requirement in requirements:
        for item in requirement.satisfied_by:
            if item["type"] == "document":
                seen[item["digest"]] = None
    return list(seen)


def result_of(requirements: Sequence[Requirement]) -> str:
    """``complete``, ``gaps``, or ``nothing_required`` where nothing was due."""
    due = [r for r in requirements if r.state not in UNCOUNTED]
    if not due:
        return NOTHING_REQUIRED
    return COMPLETE if all(r.state == PRESENT for r in due) else GAPS


def judge(requirements: Sequence[Requirement], damaged: Sequence[str]) -> Dict[str, Any]:
    """The completeness part of a ``step.judged`` event for the requirements of one iteration.

    ``damaged`` are digests of documents whose stored bytes no longer hash to them.
    """
    judged = with_damage(requirements, set(damaged))
    plain = [r.plain() for r in judged]
    due = [r for r in judged if r.state not in UNCOUNTED]
    return {
        "result": result_of(judged),
        "required": len(due),
        "present": sum(1 for r in due if r.state == PRESENT),
        "missing": sum(1 for r in judged if r.state == MISSING),
        "damaged": sorted(set(damaged)),
        "requirements_digest": sha256(canonical.encode(plain)).hexdigest(),
    }


def gap_deviations(requirements: Sequence[Requirement]) -> List[Tuple[str, str]]:
    """The (code, subject) of the deviation that each gap is."""
    found: List[Tuple[str, str]] = []
    for r in requirements:
        if r.state == DAMAGED:
            found.append(("document_damaged", f"{r.direction}:{r.kind}"))
        elif r.state == MISSING:
            found.append((f"{r.direction}_missing", r.kind))
    return found
