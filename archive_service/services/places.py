"""Where a document goes: an output of a step, or the explanation of a deviation; who may send it there, and what its event says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archive_service.domain.action import Action
from archive_service.domain.dossier import Dossier
from archive_service.domain.manifest import EVENT_LIMITS, EVENTS_LIMIT
from archive_service.domain.permissions import CONTRIBUTOR
from archive_service.domain.refusal import find_refusal
from archive_service.domain.sop import ATTACHMENT
from archive_service.errors import Conflict, InvalidInput
from archive_service.services.actor import Actor, Assignment, require_covering
from archive_service.services.fields import require_id
from archive_service.services.indicators import clean_code
from archive_service.services.work import error_of

ATTACHMENT_MEDIA = (
    "application/pdf",
    "image/jpeg",
    "image/png",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""What an explanation takes as attachments, whatever the SOP."""


@dataclass(frozen=True)
class StepPlace:
    """An output of a step, for one indicator where ``indicator`` names one."""

    actor: Actor
    step: str
    kind: str
    document: str | None
    indicator: str | None
    media: Sequence[str] = ()
    personal: Mapping[str, str | None] = field(default_factory=dict)

    def require(self, dossier: Dossier) -> Assignment:
        """The assignment under which it is sent; the refusal's error unless the dossier takes it now."""
        assignment = choose_assignment(dossier, self.actor, self.step, is_tagged=self.indicator is not None)
        action = Action(
            "upload",
            self.actor.person,
            assignment.role,
            assignment.work_unit,
            step=self.step,
            kind=self.kind,
            document=self.document,
            indicator=self.indicator,
        )
        _require(dossier, action)
        return assignment

    def facts(self, dossier: Dossier) -> dict[str, Any]:
        """What the event says of the place: step, iteration, deviation, indicator, and whether there is a receipt."""
        run = dossier.running(self.step)
        assert run is not None
        return {
            "step": self.step,
            "iteration": run.iteration,
            "deviation": None,
            "indicator": self.indicator,
            "receipt": {} if self.personal else None,
        }


@dataclass(frozen=True)
class AttachmentPlace:
    """The explanation of a deviation that is still to be given."""

    actor: Actor
    deviation: str
    document: str | None = None
    step: str | None = None
    kind: str = ATTACHMENT
    media: Sequence[str] = ATTACHMENT_MEDIA
    personal: Mapping[str, str | None] = field(default_factory=dict)

    def require(self, dossier: Dossier) -> Assignment:
        """The assignment under which it is sent; the refusal's error unless the dossier takes it now."""
        about = dossier.ledger.find(self.deviation)
        step = about.step if about is not None else None
        assignment = choose_assignment(dossier, self.actor, step or "", "deviation.explain")
        action = Action(
            "attach", self.actor.person, assignment.role, assignment.work_unit, kind=self.kind, deviation=self.deviation
        )
        _require(dossier, action)
        return assignment

    def facts(self, dossier: Dossier) -> dict[str, Any]:
        """What the event says of the place: step, iteration, deviation, indicator, and whether there is a receipt."""
        about = dossier.ledger.find(self.deviation)
        assert about is not None
        return {
            "step": about.step or dossier.sop.order[0],
            "iteration": about.iteration or 1,
            "deviation": self.deviation,
            "indicator": None,
            "receipt": None,
        }


def place_at_step(
    state: Dossier, actor: Actor, *, step: str, kind: str, document: str | None, indicator: str | None = None
) -> StepPlace:
    """Where a document goes at a step as the dossier stands; the refusal's error when the step does not take it from this actor."""
    indicator = None if indicator is None else clean_code(indicator)
    choose_assignment(state, actor, step, is_tagged=indicator is not None)
    require_room(state)
    document = _resolve_document(state, step, kind, document)
    if indicator is None and document is not None:
        # a new version supports what the one before did, unless another indicator is named
        indicator = state.versions_of(document)[-1].indicator
    place = StepPlace(actor, step, kind, document, indicator)
    place.require(state)
    return replace(place, media=state.sop.step(step).output(kind).media)


def place_at_deviation(state: Dossier, actor: Actor, deviation: str) -> AttachmentPlace:
    """Where an attachment goes as the dossier stands; the refusal's error when this actor does not explain the deviation now."""
    about = state.ledger.find(require_id("deviation", deviation))
    place = AttachmentPlace(actor, deviation, step=None if about is None else about.step)
    place.require(state)
    require_room(state)
    return place


def require_room(dossier: Dossier) -> None:
    """Keep a dossier within what its bundle may hold, however many files are refused in it; half of the events are left for the steps."""
    if dossier.count >= EVENTS_LIMIT // 2 or len(dossier.versions) >= EVENT_LIMITS["document.received"]:
        raise Conflict(
            "dossier_full", "This dossier takes no more documents; go on with its steps, or open another one."
        )


def choose_assignment(
    dossier: Dossier, actor: Actor, step: str, permission: str = "document.upload", *, is_tagged: bool = False
) -> Assignment:
    """The assignment to act under at a step: its performer's role where the person holds it; a contributor's for what is ``is_tagged``."""
    first = actor.require(permission, dossier.work_unit)
    performer = dossier.sop.step(step).performer if step in dossier.sop.order else None
    for assignment in actor.holds(permission):
        if (assignment.role, assignment.work_unit) == (performer, dossier.work_unit):
            # asked before a byte is read, and again with the act
            return require_covering(actor, assignment, dossier.sop.key)
    for assignment in actor.holds(permission) if is_tagged else []:
        if (assignment.role, assignment.work_unit) == (CONTRIBUTOR, dossier.work_unit):
            return assignment
    return first


def _require(dossier: Dossier, action: Action) -> None:
    refusal = find_refusal(dossier, action)
    if refusal is not None:
        raise error_of(refusal)


def _resolve_document(dossier: Dossier, step: str, kind: str, document: str | None) -> str | None:
    """The document that gets a new version: the named one; the only one there may be; else none, so a new document begins."""
    if document is not None:
        if not dossier.versions_of(require_id("document", document)):
            raise InvalidInput("document_unknown", "This dossier has no such document; leave it out to send a new one.")
        return document
    if step not in dossier.sop.order:
        return None
    rule = next((r for r in dossier.sop.step(step).file_outputs if r.kind == kind), None)
    standing = dossier.current_versions(step, kind) if rule is not None else []
    return standing[0].document if rule is not None and rule.maximum == 1 and standing else None
