"""Who may do what: one table of role × action, used by the services to refuse and by the verifier to find a breach."""

from __future__ import annotations

from typing import Dict, FrozenSet, Optional

AUDITOR = "auditor"
QUALITY_CHECKER = "quality_checker"
ADMINISTRATOR = "administrator"
PERFORMER = "performer"
"""The class of every role that an SOP names; the step's own data says which of them performs it."""
CONTRIBUTOR = "contributor"
"""Whoever is in charge of an indicator and performs no step: sends the evidence for it, and sees nothing else of a dossier."""

OFFICE_ROLES: FrozenSet[str] = frozenset([AUDITOR, QUALITY_CHECKER, ADMINISTRATOR])

ALLOWED: Dict[str, FrozenSet[str]] = {
    PERFORMER: frozenset(
        [
            "dossier.open",
            "dossier.read",
            "dossier.cancel",
            "dossier.archive",
            "document.read",
            "document.upload",
            "document.withdraw",
            "document.paper",
            "step.submit",
            "step.decide",
            "step.reassign",
            "deviation.explain",
            "explanation.judge",
            "pause.grant",
            "duty.except",
            "delegation.manage",
            "attestation.make",
            "events.read",
            "bundle.read",
            "indicator.manage",
            "indicator.read",
            "finding.act",
            "finding.read",
            "obligation.read",
        ]
    ),
    CONTRIBUTOR: frozenset(["indicator.read", "document.upload", "document.withdraw", "document.read_own"]),
    AUDITOR: frozenset(
        [
            "dossier.read",
            "document.read",
            "events.read",
            "bundle.read",
            "people.read",
            "indicator.read",
            "finding.propose",
            "finding.judge",
            "finding.act",
            "finding.read",
            "obligation.read",
            "delegation.read",
            "attestation.read",
            "log.audit",
            "sample.draw",
            "sample.read",
            "audit.work",
        ]
    ),
    QUALITY_CHECKER: frozenset(
        [
            "dossier.read",
            "document.read",
            "events.read",
            "bundle.read",
            "explanation.judge",
            "pause.grant",
            "verdict.judge_again",
            "indicator.read",
            "calendar.edit",
            "finding.propose",
            "finding.read",
            "obligation.manage",
            "obligation.read",
            "delegation.read",
            "attestation.read",
        ]
    ),
    ADMINISTRATOR: frozenset(
        [
            "people.manage",
            "people.read",
            "definition.manage",
            "work_unit.manage",
            "calendar.edit",
            "webhook.manage",
            "obligation.manage",
            "obligation.read",
            "delegation.manage",
            "delegation.read",
            "attestation.read",
            "log.audit",
            "service.manage",
        ]
    ),
}
"""Class of role → actions. What is not listed is refused."""

ACTIONS: FrozenSet[str] = frozenset(action for actions in ALLOWED.values() for action in actions)

ACTION_OF_EVENT: Dict[str, str] = {
    "dossier.opened": "dossier.open",
    "document.received": "document.upload",
    "document.refused": "document.upload",
    "document.withdrawn": "document.withdraw",
    "document.paper_recorded": "document.paper",
    "step.submitted": "step.submit",
    "step.reassigned": "step.reassign",
    "decision.made": "step.decide",
    "deviation.explained": "deviation.explain",
    "explanation.accepted": "explanation.judge",
    "explanation.returned": "explanation.judge",
    "pause.granted": "pause.grant",
    "pause.ended": "pause.grant",
    "duty.excepted": "duty.except",
    "calendar.adopted": "verdict.judge_again",
    "dossier.judged_again": "verdict.judge_again",
    "dossier.cancellation_requested": "dossier.cancel",
    "dossier.cancelled": "dossier.cancel",
    "dossier.sealed": "dossier.archive",
    "indicator.set": "indicator.manage",
    "indicator.removed": "indicator.manage",
    "indicator.result_recorded": "indicator.manage",
    "recommendation.answered": "indicator.manage",
}
"""Event types of a dossier's stream that only a person with the action's permission may cause."""

SERVICE_EVENTS: FrozenSet[str] = frozenset(
    [
        "step.started",
        "step.moved",
        "step.skipped",
        "step.judged",
        "decision.flagged",
        "deviation.recorded",
        "deviation.escalated",
        "fixity.checked",
        "recommendation.carried",
    ]
)
"""Event types of a dossier's stream that follow from rules: the service itself is their actor."""


def role_class(role: str) -> str:
    """The row of the table that a role belongs to: office roles and contributors are their own, every SOP role is a performer."""
    return role if role in OFFICE_ROLES or role == CONTRIBUTOR else PERFORMER


def is_office(role: Optional[str]) -> bool:
    """Whether the role reaches the dossiers of all units; the others reach those of the unit that they are held in."""
    return role in OFFICE_ROLES


def is_allowed(role: Optional[str], action: str) -> bool:
    """Whether a holder of ``role`` may do ``action`` at all; the step's own rules come on top."""
    return role is not None and action in ALLOWED[role_class(role)]


def excludes(role: str, other: str) -> bool:
    """Whether one person may not hold both roles at once: an administrator holds no SOP role and contributes nothing."""
    classes = {role_class(role), role_class(other)}
    return ADMINISTRATOR in classes and bool(classes & {PERFORMER, CONTRIBUTOR})
