"""A work unit as its stream tells it: what it owes each period, what it did not carry out, what audits found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, FrozenSet, List, NamedTuple, Optional

from archive_service.domain import deviation, finding
from archive_service.domain.deviation import IllegalEvent, Ledger
from archive_service.domain.event import Event
from archive_service.domain.finding import Finding

_ROLES: Dict[str, FrozenSet[str]] = {
    "obligation.set": frozenset(["quality_checker", "administrator"]),
    "obligation.withdrawn": frozenset(["quality_checker", "administrator"]),
    "finding.proposed": frozenset(["quality_checker", "auditor"]),
}
"""Event type → the roles that may cause it."""


class Period(NamedTuple):
    """What is owed once: a procedure in a quarter of a year."""

    sop: str
    year: int
    quarter: int

    @property
    def subject(self) -> str:
        """How a deviation names it."""
        return f"{self.sop}:{self.year}-{self.quarter}"


@dataclass(frozen=True)
class Obligation:
    """That a unit carries out a procedure in a period, by a due time."""

    id: str
    period: Period
    due_at: str
    basis: str
    set_hash: str
    withdrawn_at: Optional[str] = None


@dataclass
class Unit:
    """The state of one work unit's stream so far."""

    id: str = ""
    obligations: Dict[str, Obligation] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    findings: Dict[str, Finding] = field(default_factory=dict)
    obligation_of: Dict[str, str] = field(default_factory=dict)
    head: str = ""

    def standing(self, period: Period) -> Optional[Obligation]:
        """The obligation for a period that was not withdrawn, or None."""
        return next((o for o in self.obligations.values() if o.period == period and o.withdrawn_at is None), None)

    def apply(self, event: Event) -> None:
        """Take the next event; IllegalEvent when it was no legal move."""
        p = event.payload
        roles = _ROLES.get(event.type)
        if roles is not None and event.actor.get("role") not in roles:
            raise IllegalEvent("role_forbidden", f"{event.type} is not for the role {event.actor.get('role')}")
        if event.type == "work_unit.created":
            self.id = p["work_unit"]
        elif event.type == "obligation.set":
            period = Period(p["sop"], p["year"], p["quarter"])
            if p["obligation"] in self.obligations or self.standing(period) is not None:
                raise IllegalEvent("obligation_twice", "a unit owes a procedure once in a period")
            self.obligations[p["obligation"]] = Obligation(
                p["obligation"], period, p["due_at"], p["basis"], event.leaf_hash
            )
        elif event.type == "obligation.withdrawn":
            known = self.obligations.get(p["obligation"])
            if known is None or known.withdrawn_at is not None:
                raise IllegalEvent("obligation_unknown", "only a standing obligation is withdrawn")
            self.obligations[known.id] = replace(known, withdrawn_at=event.at)
        elif event.type in deviation.EVENT_TYPES:
            self._take_deviation(event)
        elif event.type == "finding.proposed":
            if p["finding"] in self.findings:
                raise IllegalEvent("finding_twice", "a finding is proposed once")
            self.findings[p["finding"]] = finding.begin(event)
        elif event.type in finding.EVENT_TYPES:
            known_finding = self.findings.get(p["finding"])
            finding.require_legal(known_finding, event)
            assert known_finding is not None
            self.findings[known_finding.id] = known_finding.moved(event)
        self.head = event.leaf_hash

    def _take_deviation(self, event: Event) -> None:
        p = event.payload
        if event.type in ("deviation.recorded", "deviation.escalated") and event.actor["kind"] != "service":
            raise IllegalEvent("person_acted", f"{event.type} follows by rule, and no person writes it")
        if event.type == "deviation.explained":
            refusal = deviation.find_refusal(
                self.ledger.find(p["deviation"]), "explain", str(event.person), event.actor.get("role"), ""
            )
            if refusal is not None:
                raise IllegalEvent(refusal.code, refusal.text)
        if event.type == "deviation.recorded":
            owed = next((o for o in self.obligations.values() if [o.set_hash] == p["evidence"]), None)
            is_founded = owed is not None and owed.withdrawn_at is None and owed.due_at < event.at
            if owed is None or not is_founded or (p["code"], p["subject"]) != ("not_started", owed.period.subject):
                raise IllegalEvent("not_owed", "a unit's deviation rests on an obligation whose time has passed")
            self.obligation_of[p["deviation"]] = owed.id
        self.ledger.apply(event)


def fold(events: List[Event]) -> Unit:
    """The unit that the events of its stream tell."""
    unit = Unit()
    for event in events:
        unit.apply(event)
    return unit
