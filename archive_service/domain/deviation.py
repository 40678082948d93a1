"""Deviations and who answers for them: recorded by rule, explained by a person, accepted or asked again, escalated; never edited.

One ledger serves every stream that deviations are recorded in: a dossier's, what follows a sealed one, a work unit's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from archive_service.domain.event import Event

UNEXPLAINED = "unexplained"
EXPLAINED = "explained"
ASKED_AGAIN = "asked_again"
ACCEPTED = "accepted"
RELIEVED = "relieved"
"""What a deviation's explanation has come to; relieved means that a later verdict no longer shows the deviation."""

NORM_PASSED = "time_norm_passed"
NO_PERFORMER = "no_performer"
DOCUMENT_DAMAGED = "document_damaged"
WRONG_ORDER = "wrong_order"
DECISION_WITHOUT_DOCUMENT = "decision_without_document"
DUTY_EXCEPTION = "duty_exception"
SOP_CHANGED = "sop_changed"
NOT_STARTED = "not_started"
SEALED_WITH_OPEN = "sealed_with_open_deviations"

Key = Tuple[str, Optional[str], Optional[int], Optional[str]]


@dataclass(frozen=True)
class Explanation:
    """One explanation (pertanggungjawaban) with what was answered to it: ``accepted``, ``returned`` or nothing yet."""

    number: int
    person: str
    at: str
    event_hash: str
    attachments: Tuple[str, ...] = ()
    answer: Optional[str] = None
    answered_by: Optional[str] = None
    answered_at: Optional[str] = None


@dataclass(frozen=True)
class Deviation:
    """A departure from the SOP's norms that somebody answers for; ``explain_by`` is until when."""

    id: str
    code: str
    step: Optional[str]
    iteration: Optional[int]
    subject: Optional[str]
    role: Optional[str]
    responsible: Optional[str]
    evidence: Tuple[str, ...]
    at: str
    event_hash: str
    explain_by: Optional[str] = None
    explanations: Tuple[Explanation, ...] = ()
    escalated_at: Optional[str] = None
    escalated_to: Optional[str] = None
    is_relieved: bool = False

    @property
    def key(self) -> Key:
        """What makes two deviations the same one: code, step, iteration, subject."""
        return self.code, self.step, self.iteration, self.subject

    @property
    def standing(self) -> Optional[Explanation]:
        """The newest explanation unless it was asked for again."""
        last = self.explanations[-1] if self.explanations else None
        return None if last is None or last.answer == "returned" else last

    @property
    def state(self) -> str:
        """``unexplained``, ``explained``, ``asked_again``, ``accepted`` or ``relieved``."""
        if self.explanations and self.explanations[-1].answer == "accepted":
            return ACCEPTED
        if self.is_relieved:
            return RELIEVED
        if not self.explanations:
            return UNEXPLAINED
        return EXPLAINED if self.standing is not None else ASKED_AGAIN

    @property
    def is_open(self) -> bool:
        """Whether an explanation is owed."""
        return self.state in (UNEXPLAINED, ASKED_AGAIN)

    @property
    def explained_at(self) -> Optional[str]:
        """When the standing explanation was given."""
        return self.standing.at if self.standing is not None else None

    @property
    def explained_by(self) -> Optional[str]:
        """Who gave the standing explanation."""
        return self.standing.person if self.standing is not None else None


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
    def key(self) -> Key:
        """What makes two deviations the same one."""
        return self.code, self.step, self.iteration, self.subject


class Refusal(NamedTuple):
    """Why an action is refused now: a stable code and a sentence that says what to do."""

    code: str
    text: str


class IllegalEvent(ValueError):
    """An event that is no legal move in the state before it; ``code`` is a refusal's or a fold's stable code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Ledger:
    """The deviations of one stream, in the order in which they were recorded."""

    deviations: List[Deviation] = field(default_factory=list)
    _places: Dict[str, int] = field(default_factory=dict)
    _keys: Dict[Key, str] = field(default_factory=dict)

    def find(self, deviation: Optional[str]) -> Optional[Deviation]:
        """The deviation with this id, or None."""
        place = self._places.get(deviation or "")
        return None if place is None else self.deviations[place]

    def has(self, key: Key) -> bool:
        """Whether this very deviation is recorded."""
        return key in self._keys

    def list_open(self) -> List[Deviation]:
        """The deviations that an explanation is owed for."""
        return [d for d in self.deviations if d.is_open]

    def relieve(self, key: Key, is_relieved: bool) -> None:
        """Say that a later verdict shows a deviation no longer, or shows it again."""
        if key in self._keys:
            self._replace(self._keys[key], is_relieved=is_relieved)

    def apply(self, event: Event) -> None:
        """Take an event about a deviation; IllegalEvent when it was no legal move. Who may do it is asked before."""
        _FOLDS[event.type](self, event)

    def _replace(self, deviation: str, **facts: object) -> None:
        place = self._places[deviation]
        self.deviations[place] = replace(self.deviations[place], **facts)  # type: ignore[arg-type]

    def _recorded(self, event: Event) -> None:
        p = event.payload
        made = Deviation(
            p["deviation"],
            p["code"],
            p["step"],
            p["iteration"],
            p["subject"],
            p["role"],
            p["responsible"],
            tuple(p["evidence"]),
            event.at,
            event.leaf_hash,
            p["explain_by"],
        )
        if made.id in self._places or made.key in self._keys:
            raise IllegalEvent("deviation_twice", "a deviation is recorded once")
        self._places[made.id], self._keys[made.key] = len(self.deviations), made.id
        self.deviations.append(made)

    def _known(self, event: Event) -> Deviation:
        found = self.find(event.payload["deviation"])
        if found is None:
            raise IllegalEvent("deviation_unknown", f"{event.type} names a deviation that is not recorded")
        return found

    def _explained(self, event: Event) -> None:
        d, p = self._known(event), event.payload
        if p["number"] != len(d.explanations) + 1:
            raise IllegalEvent("explanation_number", "explanations are numbered from 1, without a gap")
        made = Explanation(
            p["number"], str(event.person), event.at, event.leaf_hash, attachments=tuple(p["attachments"])
        )
        self._replace(d.id, explanations=(*d.explanations, made))

    def _answered(self, event: Event) -> None:
        d = self._known(event)
        if event.payload["number"] != len(d.explanations):
            raise IllegalEvent("explanation_number", "the newest explanation is the one that is answered")
        answer = "accepted" if event.type == "explanation.accepted" else "returned"
        answered = replace(d.explanations[-1], answer=answer, answered_by=event.person, answered_at=event.at)
        self._replace(d.id, explanations=(*d.explanations[:-1], answered))

    def _escalated(self, event: Event) -> None:
        d = self._known(event)
        if d.escalated_at is not None or not is_overdue(d, event.at):
            raise IllegalEvent("not_to_escalate", "a deviation escalates once, when its explanation is overdue")
        self._replace(d.id, escalated_at=event.at, escalated_to=event.payload["role"])


_FOLDS: Dict[str, Callable[[Ledger, Event], None]] = {
    "deviation.recorded": Ledger._recorded,
    "deviation.explained": Ledger._explained,
    "explanation.accepted": Ledger._answered,
    "explanation.returned": Ledger._answered,
    "deviation.escalated": Ledger._escalated,
}

EVENT_TYPES = frozenset(_FOLDS)
"""The types of the events that a ledger takes."""


def is_overdue(deviation: Deviation, at: str) -> bool:
    """Whether an explanation is owed at the event time ``at`` and its time has passed."""
    return deviation.is_open and deviation.explain_by is not None and deviation.explain_by < at


def find_refusal(
    deviation: Optional[Deviation],
    action: str,
    person: str,
    role: Optional[str],
    accepts: str,
    *,
    number: Optional[int] = None,
    has_reason: bool = False,
) -> Optional[Refusal]:
    """Why a person may not ``explain``, ``accept_explanation`` or ``return_explanation`` now; ``accepts`` is the role that answers."""
    if deviation is None:
        return Refusal("deviation_unknown", "There is no such deviation here.")
    if action == "explain":
        if deviation.state == ACCEPTED:
            return Refusal("explanation_accepted", "The explanation of this deviation was accepted: nothing is added.")
        if deviation.standing is not None:
            return Refusal("deviation_explained", "This deviation was explained already; wait for the answer to it.")
        if deviation.responsible is not None and deviation.responsible != person:
            return Refusal("not_responsible", "The person who answers for this deviation explains it.")
        return None
    if role != accepts:
        return Refusal("not_acceptor", f"Explanations of this deviation are accepted by {accepts}.")
    standing = deviation.standing
    if standing is None:
        return Refusal("nothing_to_accept", "There is no explanation that waits for an answer.")
    if standing.answer is not None:
        return Refusal("explanation_accepted", "This explanation was accepted already.")
    if number is not None and number != standing.number:
        return Refusal("explanation_changed", "There is a newer explanation than the one that you read: read it first.")
    if person in (standing.person, deviation.responsible):
        return Refusal("own_explanation", "Nobody accepts their own explanation: another person does.")
    if action == "return_explanation" and not has_reason:
        return Refusal("reason_missing", "Say what is missing: asking again needs a reason.")
    return None
