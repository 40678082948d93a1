"""Findings of the internal quality audit (temuan AMI): proposed from deviations, classified, followed up; each step an event.

Software may propose; what a finding is, its cause and whether an action worked are the auditor's own to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Optional, Tuple

from archive_service.domain.deviation import IllegalEvent, Refusal
from archive_service.domain.event import Event

CANDIDATE = "candidate"
CLASSIFIED = "classified"
CAUSED = "caused"
PLANNED = "planned"
DONE = "done"
INEFFECTIVE = "ineffective"
CLOSED = "closed"

REJECTED = "rejected"
CLASSES = ("kts_major", "kts_minor", "observation", "positive", REJECTED)
"""Ketidaksesuaian mayor and minor, observasi, positive; or no finding at all."""
_FINAL = ("positive", REJECTED)

MOVES_FROM: Dict[str, FrozenSet[str]] = {
    "finding.classified": frozenset([CANDIDATE]),
    "finding.cause_stated": frozenset([CLASSIFIED, CAUSED]),
    "finding.action_set": frozenset([CAUSED, INEFFECTIVE]),
    "finding.action_done": frozenset([PLANNED]),
    "finding.effect_checked": frozenset([DONE]),
}
"""Event type → the states in which it is a legal move."""

EVENT_TYPES = frozenset([*MOVES_FROM, "finding.proposed"])


@dataclass(frozen=True)
class Finding:
    """A finding as its events tell it; ``concerned`` are the persons who answer for its deviations."""

    id: str
    proposed_by: str
    proposed_role: str
    proposed_at: str
    deviations: Tuple[Tuple[Optional[str], str], ...]
    concerned: FrozenSet[str]
    latest: str
    state: str = CANDIDATE
    classification: Optional[str] = None
    pic: Optional[str] = None
    due_on: Optional[str] = None
    actions: int = 0

    def moved(self, event: Event) -> "Finding":
        """The finding after this event."""
        p = event.payload
        facts = replace(self, latest=event.leaf_hash)
        if event.type == "finding.classified":
            state = CLOSED if p["classification"] in _FINAL else CLASSIFIED
            return replace(facts, state=state, classification=p["classification"])
        if event.type == "finding.cause_stated":
            return replace(facts, state=CAUSED)
        if event.type == "finding.action_set":
            return replace(facts, state=PLANNED, pic=p["pic"], due_on=p["due_on"], actions=self.actions + 1)
        if event.type == "finding.action_done":
            return replace(facts, state=DONE)
        return replace(facts, state=CLOSED if p["is_effective"] else INEFFECTIVE)


def begin(event: Event) -> Finding:
    """The finding that a ``finding.proposed`` begins."""
    p = event.payload
    return Finding(
        p["finding"],
        str(event.person),
        str(event.actor.get("role")),
        event.at,
        tuple((d["dossier"], d["deviation"]) for d in p["deviations"]),
        frozenset(d["responsible"] for d in p["deviations"] if d["responsible"] is not None),
        event.leaf_hash,
    )


def find_refusal(finding: Optional[Finding], type: str, person: str, *, is_auditor: bool) -> Optional[Refusal]:
    """Why a person may not take this step (an event type) of a finding now, or None when they may."""
    if finding is None:
        return Refusal("finding_unknown", "This unit has no such finding.")
    if finding.state not in MOVES_FROM[type]:
        return Refusal("finding_elsewhere", f"The finding is {finding.state}: this step does not follow from there.")
    if type == "finding.action_done":
        if not is_auditor and person != finding.pic:
            return Refusal("not_pic", "The person in charge of the action, or an auditor, says that it is done.")
        return None
    if not is_auditor:
        return Refusal("auditors_own", "This is the auditor's own to say.")
    if type == "finding.classified" and person == finding.proposed_by and finding.proposed_role != "auditor":
        return Refusal("own_finding", "Who proposed a candidate as quality checker does not classify it too.")
    if type == "finding.effect_checked" and person == finding.pic:
        return Refusal("own_finding", "Who was in charge of the action does not check its effect.")
    if person in finding.concerned:
        return Refusal("own_finding", "An auditor who answers for one of its deviations does not judge a finding.")
    return None


def require_legal(finding: Optional[Finding], event: Event) -> None:
    """IllegalEvent unless the event was a legal move of the finding before it."""
    is_auditor = event.actor.get("role") == "auditor"
    refusal = find_refusal(finding, event.type, str(event.person), is_auditor=is_auditor)
    if refusal is not None:
        raise IllegalEvent(refusal.code, refusal.text)
