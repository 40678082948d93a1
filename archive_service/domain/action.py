"""What people do with a dossier: the words for it, who asks in which role, and the action that an event records."""

from __future__ import annotations

from typing import FrozenSet, NamedTuple, Optional, Tuple

from archive_service.domain import deviation, indicator
from archive_service.domain.event import Event

STEP_ACTIONS: FrozenSet[str] = frozenset(
    [
        "upload",
        "withdraw",
        "submit",
        "approve",
        "return",
        "archive",
        "reassign",
        "pause",
        "resume",
        "except_duty",
        "record_result",
    ]
)
AFTER_ACTIONS: FrozenSet[str] = frozenset(["explain", "accept_explanation", "return_explanation", "record_paper"])
"""What may still be done when the dossier is sealed: it goes to the stream ``after:<dossier>``."""
DOSSIER_ACTIONS: FrozenSet[str] = AFTER_ACTIONS | frozenset(
    [*indicator.ACTIONS, "request_cancellation", "confirm_cancellation", "attach", "adopt_calendar"]
)
ACTIONS: FrozenSet[str] = STEP_ACTIONS | DOSSIER_ACTIONS
AFTER_TYPES: FrozenSet[str] = deviation.EVENT_TYPES | {"dossier.judged_again", "document.paper_recorded"}
"""The events of ``after:<dossier>`` that belong to what people do with a sealed dossier."""


class Action(NamedTuple):
    """What somebody wants to do: the words of ``ACTIONS``, who asks in which role, and the action's own facts."""

    name: str
    person: str
    role: Optional[str]
    work_unit: Optional[str]
    step: Optional[str] = None
    kind: Optional[str] = None
    document: Optional[str] = None
    version: Optional[str] = None
    documents_digest: Optional[str] = None
    accepts_gaps: bool = False
    has_reason: bool = False
    returns_to: Optional[str] = None
    deviation: Optional[str] = None
    number: Optional[int] = None
    answers: Tuple[Tuple[str, str], ...] = ()
    subject: Optional[str] = None
    pause: Optional[str] = None
    from_at: Optional[str] = None
    to_at: Optional[str] = None
    at: Optional[str] = None
    indicator: Optional[str] = None
    recommendation: Optional[str] = None


def action_of(event: Event) -> Optional[Action]:
    """The action of the state machine that an event records, or None for one that people do not take."""
    p = event.payload
    name = {
        "document.received": "upload",
        "document.withdrawn": "withdraw",
        "document.paper_recorded": "record_paper",
        "step.submitted": "submit",
        "step.reassigned": "reassign",
        "dossier.sealed": "archive",
        "dossier.cancellation_requested": "request_cancellation",
        "dossier.cancelled": "confirm_cancellation",
        "deviation.explained": "explain",
        "explanation.accepted": "accept_explanation",
        "explanation.returned": "return_explanation",
        "pause.granted": "pause",
        "pause.ended": "resume",
        "duty.excepted": "except_duty",
        "calendar.adopted": "adopt_calendar",
        "indicator.set": "list_indicator",
        "indicator.removed": "remove_indicator",
        "indicator.result_recorded": "record_result",
        "recommendation.answered": "answer_recommendation",
    }.get(event.type)
    if event.type == "document.received" and p["deviation"] is not None:
        name = "attach"
    if event.type == "decision.made":
        name = str(p["decision"])
    if name is None:
        return None
    return Action(
        name=name,
        person=str(event.person),
        role=event.actor.get("role"),
        work_unit=event.actor.get("work_unit"),
        step=p.get("step"),
        kind=p.get("kind"),
        document=p.get("document"),
        version=p.get("version"),
        documents_digest=p.get("documents_digest"),
        accepts_gaps=True,
        has_reason=p.get("reason_commitment") is not None,
        returns_to=p.get("returns_to"),
        deviation=p.get("deviation"),
        number=p.get("number") if name != "upload" else None,
        answers=tuple((each["question"], each["answer"]) for each in p.get("answers", ())),
        subject=p.get("person"),
        pause=p.get("pause"),
        from_at=p.get("from_at"),
        to_at=p.get("to_at"),
        at=event.at,
        indicator=p.get("indicator") if event.type == "document.received" else p.get("code"),
        recommendation=p.get("carried"),
    )
