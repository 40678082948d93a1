"""Indicators of a dossier: the list with who is in charge of each, their results, and what became of the last period's recommendations.

What a step of the SOP owes each of them is in its data (``indicators``): documents that support it, or its results in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, FrozenSet, List, Optional, Set, Tuple

from archive_service.domain.deviation import IllegalEvent, Refusal
from archive_service.domain.event import Event

EVIDENCE = "evidence"
RESULTS = "results"
"""What a step may owe each indicator."""

DONE = "done"
ONGOING = "ongoing"
DROPPED = "dropped"
ANSWERS = (DONE, ONGOING, DROPPED)
"""What may have become of a recommendation; one that is ongoing, or that nobody answered, goes on to the next period."""

LISTED_LIMIT = 200
CHANGES_LIMIT = 2_000
RESULTS_LIMIT = 4_000
CARRIED_LIMIT = 200
ANSWERS_LIMIT = 2_000
"""How many indicators, changes of the list, results, recommendations and answers one dossier takes: its bundle must stay readable."""

ACTIONS: FrozenSet[str] = frozenset(["list_indicator", "remove_indicator", "answer_recommendation"])
"""What is done to the list and to recommendations, whichever step runs."""

ResultKey = Tuple[str, int, Optional[str]]


@dataclass(frozen=True)
class Indicator:
    """One performance indicator as it is listed now; ``achievement`` is what was measured when it was listed, if anything."""

    code: str
    title: str
    unit: Optional[str]
    target: str
    achievement: Optional[str]
    person: Optional[str]
    at: str
    event_hash: str


@dataclass(frozen=True)
class Result:
    """What a step recorded of an indicator, or of the dossier as a whole (no code); texts are openings of the event."""

    step: str
    iteration: int
    code: Optional[str]
    achievement: Optional[str]
    has_recommendation: bool
    person: str
    at: str
    event_hash: str


@dataclass(frozen=True)
class Recommendation:
    """A recommendation of the period before, and the newest answer to what became of it."""

    event_hash: str
    from_dossier: str
    from_event: str
    code: Optional[str]
    at: str
    state: Optional[str] = None
    answered_by: Optional[str] = None
    answered_at: Optional[str] = None
    answer_hash: Optional[str] = None

    @property
    def is_closed(self) -> bool:
        """Whether it does not go on to the next period."""
        return self.state in (DONE, DROPPED)


@dataclass
class IndicatorLedger:
    """The list of indicators of one dossier, in the order of listing, with results and recommendations."""

    listed: Dict[str, Indicator] = field(default_factory=dict)
    results: Dict[ResultKey, Result] = field(default_factory=dict)
    carried: Dict[str, Recommendation] = field(default_factory=dict)
    recorders: Dict[str, Set[str]] = field(default_factory=dict)
    counts: Dict[str, int] = field(default_factory=dict)
    _standing: Dict[Tuple[str, Optional[str]], Result] = field(default_factory=dict)

    def standing_result(self, step: str, code: Optional[str]) -> Optional[Result]:
        """The newest result that a step recorded of an indicator, in whichever iteration; None while there is none."""
        return self._standing.get((step, code))

    def standing_results(self) -> List[Result]:
        """The newest result of each indicator at each step, in the order of their first recording."""
        return list(self._standing.values())

    def is_in_charge(self, code: Optional[str], person: str) -> bool:
        """Whether a listed indicator is this person's."""
        found = self.listed.get(code or "")
        return found is not None and found.person == person

    def is_full(self, type: str) -> bool:
        """Whether the dossier takes no more events of a type."""
        limit = _LIMITS.get(type)
        return limit is not None and self.counts.get(_COUNTED.get(type, type), 0) >= limit

    def apply(self, event: Event) -> None:
        """Take an event about indicators; IllegalEvent when it was no legal move. Who may do it is asked before."""
        if self.is_full(event.type):
            raise IllegalEvent("dossier_full", f"a dossier takes no more {event.type} events")
        counted = _COUNTED.get(event.type, event.type)
        self.counts[counted] = self.counts.get(counted, 0) + 1
        _FOLDS[event.type](self, event)

    def _set(self, event: Event) -> None:
        p = event.payload
        self.listed[p["code"]] = Indicator(
            p["code"], p["title"], p["unit"], p["target"], p["achievement"], p["person"], event.at, event.leaf_hash
        )

    def _removed(self, event: Event) -> None:
        del self.listed[event.payload["code"]]

    def _recorded(self, event: Event) -> None:
        p = event.payload
        if p["code"] is not None and p["achievement"] is None:
            raise IllegalEvent("achievement_missing", "the result of an indicator says what was achieved")
        made = Result(
            p["step"],
            p["iteration"],
            p["code"],
            p["achievement"],
            p["recommendation_commitment"] is not None,
            str(event.person),
            event.at,
            event.leaf_hash,
        )
        self.results[(made.step, made.iteration, made.code)] = made
        self._standing[(made.step, made.code)] = made
        self.recorders.setdefault(made.step, set()).add(made.person)

    def _carried(self, event: Event) -> None:
        p = event.payload
        if any(each.from_event == p["from_event"] for each in self.carried.values()):
            raise IllegalEvent("carried_twice", "a recommendation is carried over once")
        self.carried[event.leaf_hash] = Recommendation(
            event.leaf_hash, p["from_dossier"], p["from_event"], p["code"], event.at
        )

    def _answered(self, event: Event) -> None:
        p = event.payload
        self.carried[p["carried"]] = replace(
            self.carried[p["carried"]],
            state=p["state"],
            answered_by=event.person,
            answered_at=event.at,
            answer_hash=event.leaf_hash,
        )


_FOLDS: Dict[str, Callable[[IndicatorLedger, Event], None]] = {
    "indicator.set": IndicatorLedger._set,
    "indicator.removed": IndicatorLedger._removed,
    "indicator.result_recorded": IndicatorLedger._recorded,
    "recommendation.carried": IndicatorLedger._carried,
    "recommendation.answered": IndicatorLedger._answered,
}
_COUNTED: Dict[str, str] = {"indicator.removed": "indicator.set"}
_LIMITS: Dict[str, int] = {
    "indicator.set": CHANGES_LIMIT,
    "indicator.removed": CHANGES_LIMIT,
    "indicator.result_recorded": RESULTS_LIMIT,
    "recommendation.carried": CARRIED_LIMIT,
    "recommendation.answered": ANSWERS_LIMIT,
}

EVENT_TYPES = frozenset(_FOLDS)
"""The types of the events that a ledger takes."""

_FULL = Refusal("dossier_full", "This dossier takes no more of this; go on with its steps.")


def find_refusal(
    ledger: IndicatorLedger,
    action: str,
    *,
    code: Optional[str],
    recommendation: Optional[str],
    has_reason: bool,
    is_asked: bool,
    is_frozen: bool,
) -> Optional[Refusal]:
    """Why the list may not be changed, or a recommendation not be answered, now.

    ``is_asked``: a step of the SOP asks for indicators; ``is_frozen``: one that records their results is finished.
    """
    if action == "answer_recommendation":
        if recommendation not in ledger.carried:
            return Refusal("recommendation_unknown", "This dossier began with no such recommendation.")
        return _FULL if ledger.is_full("recommendation.answered") else None
    if not is_asked:
        return Refusal("indicators_not_asked", "No step of this SOP asks for indicators: it takes no list of them.")
    if is_frozen:
        return Refusal("indicators_frozen", "The results of the indicators are submitted: the list stays as it is.")
    if ledger.is_full("indicator.set"):
        return _FULL
    if action == "remove_indicator":
        if code not in ledger.listed:
            return Refusal("indicator_unknown", f"The dossier's list has no indicator {code}.")
        return None if has_reason else Refusal("reason_missing", "Say why: taking an indicator out needs a reason.")
    if code not in ledger.listed and len(ledger.listed) >= LISTED_LIMIT:
        return Refusal("too_many_indicators", f"A dossier lists at most {LISTED_LIMIT} indicators.")
    return None


def result_refusal(ledger: IndicatorLedger, duty: Optional[str], code: Optional[str]) -> Optional[Refusal]:
    """Why a step with this duty (``Step.indicators``) takes no result of this indicator, or of the dossier as a whole."""
    if duty != RESULTS:
        return Refusal("results_not_taken", "This step records no results of indicators.")
    if code is not None and code not in ledger.listed:
        return Refusal("indicator_unknown", f"The dossier's list has no indicator {code}: list it first.")
    return _FULL if ledger.is_full("indicator.result_recorded") else None


def tag_refusal(ledger: IndicatorLedger, duty: Optional[str], code: Optional[str]) -> Optional[Refusal]:
    """Why a document that comes in at a step with this duty may not name this indicator; None names none."""
    if code is None:
        return None
    if duty != EVIDENCE:
        return Refusal("indicator_not_taken", "Documents of this step belong to no indicator; leave it out.")
    if code not in ledger.listed:
        return Refusal("indicator_unknown", f"The dossier's list has no indicator {code}: list it first.")
    return None
