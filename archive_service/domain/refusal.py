"""Whether an action may be done as a dossier stands, and why not: asked before an act is recorded, and of every recorded act again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Sequence, Tuple

from archive_service.domain import completeness, deviation, indicator, permissions
from archive_service.domain.action import ACTIONS, AFTER_ACTIONS, STEP_ACTIONS, Action
from archive_service.domain.deviation import Refusal
from archive_service.domain.parts import Run, documents_digest
from archive_service.domain.sop import Sop, Step
from archive_service.domain.states import CANCELLED, OPEN, SEALED

if TYPE_CHECKING:
    from archive_service.domain.dossier import Dossier

ATTACHMENTS_LIMIT = 32
PAPER_RECORDS_LIMIT = 2_000
"""How often an open dossier takes where papers lie: its bundle holds each record."""

_PERMISSION: Dict[str, str] = {
    "upload": "document.upload",
    "withdraw": "document.withdraw",
    "record_paper": "document.paper",
    "submit": "step.submit",
    "approve": "step.decide",
    "return": "step.decide",
    "archive": "dossier.archive",
    "reassign": "step.reassign",
    "request_cancellation": "dossier.cancel",
    "confirm_cancellation": "dossier.cancel",
    "explain": "deviation.explain",
    "attach": "deviation.explain",
    "accept_explanation": "explanation.judge",
    "return_explanation": "explanation.judge",
    "pause": "pause.grant",
    "resume": "pause.grant",
    "except_duty": "duty.except",
    "adopt_calendar": "verdict.judge_again",
    "list_indicator": "indicator.manage",
    "remove_indicator": "indicator.manage",
    "record_result": "indicator.manage",
    "answer_recommendation": "indicator.manage",
}
_FINISHING = ("submit", "approve", "return", "archive")
_KINDS_OF: Dict[str, Tuple[str, ...]] = {
    "submit": ("receive", "submit"),
    "approve": ("review", "approve"),
    "return": ("review", "approve"),
    "archive": ("archive",),
}


def answers_refusal(sop: Sop, place: str, answers: Sequence[Tuple[str, str]]) -> Optional[Refusal]:
    """Why these answers are not what is asked at a place (a step, or the opening), or None when they are."""
    asked = {question.key: question for question in sop.questions_at(place)}
    given = [question for question, _ in answers]
    for question, answer in answers:
        if question not in asked or given.count(question) > 1:
            return Refusal("answer_unknown", f"The question {question} is not asked here.")
        if answer not in asked[question].choices:
            choices = ", ".join(asked[question].choices)
            return Refusal("answer_not_a_choice", f"Answer {question} with one of: {choices}.")
    missing = [question for question in asked if question not in given]
    if missing:
        return Refusal("answer_missing", f"Answer this first: {asked[missing[0]].title} ({missing[0]}).")
    return None


def find_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    """Why the action is refused as the dossier stands, or None when it may be done."""
    if action.name not in ACTIONS:
        raise ValueError(f"unknown action {action.name}")
    if not permissions.is_allowed(action.role, _PERMISSION[action.name]):
        return Refusal(
            "role_forbidden", f"The role {action.role or 'none'} may not do this; ask a performer of the step."
        )
    if action.work_unit != dossier.work_unit and not permissions.is_office(action.role):
        return Refusal("other_work_unit", "The dossier belongs to another work unit than your role.")
    if dossier.status == SEALED and action.name == "attach":
        return Refusal("dossier_sealed", "The dossier is sealed: it takes explanations in words alone, no attachments.")
    if dossier.status == SEALED and action.name not in AFTER_ACTIONS:
        return Refusal("dossier_sealed", "The dossier is sealed: nothing in it changes any more.")
    if dossier.status == CANCELLED:
        return Refusal("dossier_cancelled", "The dossier was cancelled: nothing in it changes any more.")
    if action.name in STEP_ACTIONS:
        return _step_refusal(dossier, action)
    return _dossier_refusal(dossier, action)


def _dossier_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    if action.name == "request_cancellation":
        if dossier.cancellation is not None:
            return Refusal(
                "cancellation_requested", "Somebody has asked for this already; a second person confirms it."
            )
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a cancellation needs a reason.")
        return None
    if action.name == "confirm_cancellation":
        if dossier.cancellation is None:
            return Refusal("no_cancellation_requested", "Nobody has asked to cancel this dossier.")
        if dossier.cancellation[1] == action.person:
            return Refusal("second_person_needed", "Another person than the one who asked confirms a cancellation.")
        return None
    if action.name == "adopt_calendar":
        return None if action.has_reason else Refusal("reason_missing", "Say why: judging again needs a reason.")
    if action.name == "record_paper":
        if action.document is None or not dossier.versions_of(action.document):
            return Refusal("document_unknown", "This dossier has no such document.")
        if dossier.status == OPEN and dossier.paper_records >= PAPER_RECORDS_LIMIT:
            return Refusal("papers_full", "This dossier takes no more records of papers until it is sealed.")
        return None
    if action.name in indicator.ACTIONS:
        duties = [(step.key, step.indicators) for step in dossier.sop.steps if step.indicators is not None]
        return indicator.find_refusal(
            dossier.indicators,
            action.name,
            code=action.indicator,
            recommendation=action.recommendation,
            has_reason=action.has_reason,
            is_asked=bool(duties),
            is_frozen=any(duty == indicator.RESULTS and dossier.is_settled(key) for key, duty in duties),
        )
    about = dossier.ledger.find(action.deviation)
    if action.name == "attach":
        refusal = deviation.find_refusal(about, "explain", action.person, action.role, "")
        if refusal is None and about is not None and len(dossier.attachments_of(about.id)) >= ATTACHMENTS_LIMIT:
            return Refusal("too_many_documents", f"An explanation has at most {ATTACHMENTS_LIMIT} attachments.")
        return refusal
    return deviation.find_refusal(
        about,
        action.name,
        action.person,
        action.role,
        "" if about is None else dossier.acceptor_of(about),
        number=action.number,
        has_reason=action.has_reason,
    )


def _step_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    if action.step not in dossier.sop.order or action.step is None:
        return Refusal("step_unknown", "The SOP has no such step.")
    step = dossier.sop.step(action.step)
    if action.name in ("pause", "resume"):
        return _pause_refusal(dossier, action, step)
    if action.name == "except_duty":
        return _exception_refusal(dossier, action, step)
    if action.name == "reassign":
        leaders = dossier.sop.leaders()
        run = dossier.running(step.key)
        is_theirs = run is not None and run.responsible == action.person
        if action.role not in leaders and not is_theirs:
            return Refusal(
                "not_performer", "The responsible person hands a step over, or a leader who approves in this SOP."
            )
    elif action.role == permissions.CONTRIBUTOR:
        refusal = _contribution_refusal(dossier, action, step)
        if refusal is not None:
            return refusal
    elif action.role != step.performer:
        return Refusal("not_performer", f"Step {step.key} is performed by {step.performer}.")
    if action.name in _KINDS_OF and step.kind not in _KINDS_OF[action.name]:
        return Refusal("wrong_kind_of_step", f"Step {step.key} is a {step.kind} step: it does not take this action.")
    run = dossier.running(step.key)
    if run is None:
        return _not_running(dossier, step)
    if action.name == "reassign":
        return None if action.has_reason else Refusal("reason_missing", "Say why: handing a step over needs a reason.")
    conflict = dossier.duty_conflict(step.key, action.person)
    if conflict is not None:
        return Refusal("duty_conflict", f"You performed step {conflict}; another person performs step {step.key}.")
    if action.name == "upload":
        return _upload_refusal(dossier, action)
    if action.name == "withdraw":
        return _withdrawal_refusal(dossier, action, run)
    if action.name == "record_result":
        return indicator.result_refusal(dossier.indicators, step.indicators, action.indicator)
    return _finish_refusal(dossier, action)


def _not_running(dossier: Dossier, step: Step) -> Refusal:
    if dossier.is_settled(step.key):
        return Refusal("step_finished", f"Step {step.key} is finished.")
    return Refusal("step_waiting", f"Step {step.key} has not started: the steps before it are not finished.")


def _pause_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    if action.role != step.pauses_granted_by:
        return Refusal("not_pause_granter", f"A pause of step {step.key} is granted by {step.pauses_granted_by}.")
    run = dossier.running(step.key)
    if run is None:
        return _not_running(dossier, step)
    if action.person == run.responsible or action.person in dossier.persons_of(step.key):
        return Refusal("own_pause", "Nobody stops the clock of their own step: another person does.")
    at = str(action.at)
    if action.name == "pause":
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a pause needs a reason.")
        if run.is_held:
            return Refusal("pause_open", "This step is paused already: end that pause first.")
        if action.from_at is None or not run.started_at <= action.from_at <= at:
            return Refusal("pause_outside", "A pause begins after the step did, and not later than now.")
        if action.to_at is not None and action.to_at <= action.from_at:
            return Refusal("pause_backwards", "A pause ends after it began.")
        return None
    pause = next((p for p in run.pauses if p.id == action.pause), None)
    if pause is None:
        return Refusal("pause_unknown", "This step has no such pause.")
    if pause.to_at is not None and pause.to_at <= at:
        return Refusal("pause_over", "This pause is over already.")
    if action.to_at is None or not pause.from_at < action.to_at <= at:
        return Refusal("pause_outside", "A pause ends after it began, and not later than now.")
    return None


def _exception_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    if action.role not in dossier.sop.leaders():
        return Refusal("not_leader", "An exception from the separation of duties is made by the head who approves.")
    if dossier.running(step.key) is None:
        return _not_running(dossier, step)
    if action.subject is None or dossier.duty_conflict(step.key, action.subject) is None:
        return Refusal("no_duty_conflict", "That person may perform this step: no exception is needed.")
    return None if action.has_reason else Refusal("reason_missing", "Say why: an exception needs a reason.")


def _contribution_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    """Contributors perform no step: they send documents for the indicators that they are in charge of, and withdraw their own."""
    if step.indicators != indicator.EVIDENCE:
        return Refusal("not_performer", f"Step {step.key} is performed by {step.performer}.")
    if action.name == "withdraw":
        version = dossier.find_version(action.version) if action.version is not None else None
        is_own = version is not None and version.person == action.person
        return None if is_own else Refusal("not_contributor", "You withdraw only what you sent yourself.")
    if action.name != "upload" or not dossier.indicators.is_in_charge(action.indicator, action.person):
        return Refusal("not_contributor", "You send documents for the indicators that you are in charge of alone.")
    if any(v.person != action.person for v in dossier.versions_of(action.document or "")):
        return Refusal("not_contributor", "That document is somebody else's: send yours as a new document.")
    return None


def _upload_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    assert action.step is not None
    refusal = indicator.tag_refusal(dossier.indicators, dossier.sop.step(action.step).indicators, action.indicator)
    if refusal is not None:
        return refusal
    rule = next((r for r in dossier.sop.step(action.step).file_outputs if r.kind == action.kind), None)
    if rule is None:
        return Refusal("kind_not_taken", f"Step {action.step} takes no document of the kind {action.kind}.")
    standing = {v.document for v in dossier.current_versions(action.step, rule.kind)}
    known = dossier.versions_of(action.document) if action.document is not None else []
    if known:
        if known[0].step != action.step or known[0].kind != rule.kind:
            return Refusal("document_elsewhere", "That document belongs to another step or kind.")
        if action.document in standing:
            return None
    if len(standing) >= rule.maximum:
        return Refusal(
            "too_many_documents",
            f"Step {action.step} takes at most {rule.maximum} documents of this kind: send a new version.",
        )
    return None


def _withdrawal_refusal(dossier: Dossier, action: Action, run: Run) -> Optional[Refusal]:
    version = dossier.find_version(action.version) if action.version is not None else None
    if version is None or version.step != action.step or version.document != action.document:
        return Refusal("version_unknown", "This step has no such version of that document.")
    if version.withdrawn_at is not None:
        return Refusal("version_withdrawn", "This version was withdrawn already.")
    if version.deviation is not None:
        about = dossier.ledger.find(version.deviation)
        given = [h for each in (about.explanations if about is not None else ()) for h in each.attachments]
        if version.event_hash in given or version.person != action.person:
            return Refusal(
                "attachment_stays",
                "An attachment stays when its explanation is given; before that, whoever sent it withdraws it.",
            )
    if version.iteration != run.iteration:
        return Refusal(
            "version_submitted", "This version was submitted in an earlier iteration and stays; send a new version."
        )
    return None if action.has_reason else Refusal("reason_missing", "Say why: a withdrawal needs a reason.")


def _finish_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    assert action.step is not None
    step = dossier.sop.step(action.step)
    if action.name == "return":
        if step.returns_to is None:
            return Refusal("no_return", f"Step {step.key} does not send anything back.")
        if action.returns_to != step.returns_to:
            return Refusal("wrong_return", f"Step {step.key} returns to step {step.returns_to}.")
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a return needs a reason.")
    elif action.returns_to is not None:
        return Refusal("wrong_return", "Only a return names a step to go back to.")
    if action.name != "return":
        refusal = answers_refusal(dossier.sop, step.key, action.answers)
        if refusal is not None:
            return refusal
    elif action.answers:
        return Refusal("answer_unknown", "A return answers no questions.")
    if not step.is_decision and step.kind != "archive":
        missing = [r.kind for r in completeness.required_outputs(dossier, step.key) if r.state == completeness.MISSING]
        if missing:
            return Refusal("outputs_missing", f"Step {step.key} still lacks its output: {', '.join(missing)}.")
    gaps = [r.kind for r in completeness.required_inputs(dossier, step.key) if r.state == completeness.MISSING]
    if gaps and not action.accepts_gaps:
        return Refusal(
            "inputs_missing", f"Step {step.key} lacks its input: {', '.join(gaps)}. Go on with a gap only knowingly."
        )
    if step.kind != "archive" and action.documents_digest != documents_digest(dossier.bound_documents(step.key)):
        return Refusal("documents_changed", "The documents have changed since you looked: look again, then decide.")
    return None
