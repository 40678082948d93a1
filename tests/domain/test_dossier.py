"""The state machine, exhaustively: every (state, action, role) either moves or is refused with a stable code."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_service.domain import permissions
from archive_service.domain.action import ACTIONS, STEP_ACTIONS, Action
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.dossier import fold
from archive_service.domain.parts import documents_digest
from archive_service.domain.refusal import find_refusal
from archive_service.domain.states import FINISHED, RUNNING, SEALED, WAITING
from tests.domain.story import HASH, PERSONS, RULES, UNIT, Story, actor_of, make_id, shipped_sop

ROLES = [*PERSONS, "auditor", "quality_checker", "administrator", "contributor", "unheard_of", None]
STEPS = [*shipped_sop().order, "12"]
CODES = {
    "role_forbidden",
    "other_work_unit",
    "dossier_sealed",
    "dossier_cancelled",
    "step_unknown",
    "not_performer",
    "wrong_kind_of_step",
    "step_finished",
    "step_waiting",
    "duty_conflict",
    "kind_not_taken",
    "too_many_documents",
    "document_elsewhere",
    "version_unknown",
    "version_withdrawn",
    "version_submitted",
    "reason_missing",
    "outputs_missing",
    "inputs_missing",
    "documents_changed",
    "no_return",
    "wrong_return",
    "cancellation_requested",
    "no_cancellation_requested",
    "second_person_needed",
    "deviation_unknown",
    "deviation_explained",
    "not_responsible",
    "not_pause_granter",
    "pause_outside",
    "pause_unknown",
    "indicators_frozen",
    "indicator_unknown",
    "recommendation_unknown",
    "results_not_taken",
    "not_contributor",
    "not_leader",
    "no_duty_conflict",
    "document_unknown",
}


def story_at(step: str) -> Story:
    story = Story()
    story.play(step)
    return story


def sealed() -> Story:
    story = story_at("11")
    story.seal()
    return story


def cancelled() -> Story:
    story = story_at("3")
    request = story.tell("dossier.cancellation_requested", actor_of("section_head"), {"reason_commitment": HASH})
    story.tell("dossier.cancelled", actor_of("satker_head"), {"request": request.leaf_hash})
    return story


STATES: dict[str, Callable[[], Story]] = {
    **{f"running_{key}": (lambda key=key: story_at(key)) for key in shipped_sop().order},  # type: ignore[misc]
    "sealed": sealed,
    "cancelled": cancelled,
}


def action_for(story: Story, name: str, role: str | None, step: str) -> Action:
    """The action as a willing person with this role would send it, everything else in order."""
    known = step in story.sop.order
    rule = story.sop.step(step) if known else None
    kind = rule.file_outputs[0].kind if rule is not None and rule.file_outputs else "letter"
    standing = story.dossier.standing_outputs(step) if known else []
    return Action(
        name=name,
        person=make_id(300),
        role=role,
        work_unit=UNIT,
        step=step if name in STEP_ACTIONS else None,
        kind=kind,
        document=standing[0].document if name == "withdraw" and standing else None,
        version=standing[0].id if name == "withdraw" and standing else None,
        documents_digest=documents_digest(story.dossier.bound_documents(step)) if known else None,
        has_reason=True,
        returns_to=rule.returns_to if rule is not None and name == "return" else None,
    )


def expected_step_code(story: Story, name: str, role: str | None, step: str) -> str | None:
    """The slow, plain reading of the rules, written apart from the code under test."""
    checks = {"accept_explanation", "return_explanation", "pause", "resume", "adopt_calendar"}
    is_performer = role in PERSONS or role == "unheard_of"
    sends = role == "contributor" and name in ("upload", "withdraw")
    is_let = (is_performer and name != "adopt_calendar") or (role == "quality_checker" and name in checks)
    if not is_let and not sends:
        return "role_forbidden"
    if story.dossier.status == SEALED:
        explains = {"explain", "accept_explanation", "return_explanation"}
        if name == "record_paper":
            return "document_unknown"
        return "deviation_unknown" if name in explains else "dossier_sealed"
    if story.dossier.status == "cancelled":
        return "dossier_cancelled"
    if name == "request_cancellation":
        return None
    if name == "confirm_cancellation":
        return "no_cancellation_requested"
    if name == "adopt_calendar":
        return None
    if name in ("explain", "attach", "accept_explanation", "return_explanation"):
        return "deviation_unknown"
    if name == "record_paper":
        return "document_unknown"
    if name == "answer_recommendation":
        return "recommendation_unknown"
    if name in ("list_indicator", "remove_indicator"):
        if story.dossier.step_state("6") == FINISHED:
            return "indicators_frozen"
        return None if name == "list_indicator" else "indicator_unknown"
    if step not in story.sop.order:
        return "step_unknown"
    if sends:
        return "not_contributor" if step == "4" else "not_performer"
    rule = story.sop.step(step)
    timing = {FINISHED: "step_finished", WAITING: "step_waiting"}.get(story.dossier.step_state(step))
    if name in ("pause", "resume"):
        if role != rule.pauses_granted_by:
            return "not_pause_granter"
        return timing or {"pause": "pause_outside", "resume": "pause_unknown"}[name]
    if name == "except_duty":
        return "not_leader" if role != "satker_head" else timing or "no_duty_conflict"
    is_leader = name == "reassign" and role == "satker_head"
    if name == "reassign":
        if not is_leader:
            return "not_performer"
    elif role != rule.performer:
        return "not_performer"
    kinds = {
        "submit": {"receive", "submit"},
        "approve": {"review", "approve"},
        "return": {"review", "approve"},
        "archive": {"archive"},
    }
    if name in kinds and rule.kind not in kinds[name]:
        return "wrong_kind_of_step"
    if timing is not None:
        return timing
    if name == "upload":
        # the decisions of 8 and 9 take the PDF of their form
        return None if rule.file_outputs else "kind_not_taken"
    if name == "withdraw":
        return "version_unknown"
    if name == "record_result":
        return None if step == "6" else "results_not_taken"
    if name == "submit":
        return "outputs_missing"
    return None


@pytest.mark.parametrize("state", STATES)
def test_every_action_by_every_role_moves_or_is_refused_with_the_expected_code(state: str) -> None:
    story = STATES[state]()
    seen = 0
    for name in sorted(ACTIONS):
        for role in ROLES:
            for step in STEPS if name in STEP_ACTIONS else STEPS[:1]:
                refusal = find_refusal(story.dossier, action_for(story, name, role, step))
                code = None if refusal is None else refusal.code
                assert code == expected_step_code(story, name, role, step), (name, role, step)
                assert code is None or code in CODES
                seen += 1
    assert seen == len(ROLES) * (len(STEP_ACTIONS) * len(STEPS) + len(ACTIONS - STEP_ACTIONS))


@pytest.mark.parametrize("name", sorted(ACTIONS - {"adopt_calendar"}))
def test_an_action_in_another_work_unit_is_refused(name: str) -> None:
    story = story_at("6")
    action = action_for(story, name, "planning_officer", "6")._replace(work_unit=make_id(2))
    refusal = find_refusal(story.dossier, action)
    assert refusal is not None and refusal.code == "other_work_unit"


def test_an_unknown_action_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="unknown action"):
        find_refusal(story_at("1").dossier, Action("dance", make_id(1), "satker_head", UNIT))


def test_a_return_runs_the_formulation_and_every_check_again() -> None:
    story = story_at("8")
    story.decide("8", "return")
    assert story.dossier.step_state("6") == RUNNING
    assert [story.dossier.step_state(key) for key in ("7", "8", "9")] == [WAITING] * 3
    story.submit("6")
    story.decide("7", "approve")
    story.decide("8", "approve")
    iterations = {key: [r.iteration for r in story.dossier.runs if r.step == key] for key in ("6", "7", "8")}
    assert iterations == {"6": [1, 2], "7": [1, 2], "8": [1, 2]}
    assert [d.decision for d in story.dossier.decisions] == ["approve", "return", "approve", "approve"]
    assert len(story.dossier.current_versions("6", "formulation")) == 1
    assert len([v for v in story.dossier.versions if v.step == "6"]) == 2


@pytest.mark.parametrize("step", ["7", "8", "9"])
def test_each_check_may_return_to_the_formulation_alone(step: str) -> None:
    story = story_at(step)
    facts = story.finish_facts(step)
    wrong = {**facts, "decision": "return", "reason_commitment": HASH, "returns_to": "5", "assertion": None}
    with pytest.raises(IllegalEvent) as caught:
        story.tell("decision.made", actor_of(story.sop.step(step).performer), wrong)
    assert caught.value.code == "wrong_return"
    story.decide(step, "return")
    assert story.dossier.step_state("6") == RUNNING


def test_a_return_without_a_reason_is_refused() -> None:
    story = story_at("7")
    facts = {
        **story.finish_facts("7"),
        "decision": "return",
        "reason_commitment": None,
        "returns_to": "6",
        "assertion": None,
    }
    with pytest.raises(IllegalEvent) as caught:
        story.tell("decision.made", actor_of("sakip_team", make_id(207)), facts)
    assert caught.value.code == "reason_missing"


@pytest.mark.parametrize(
    ("performed", "decides"), [("6", "7"), ("6", "8"), ("6", "9"), ("7", "8"), ("7", "9"), ("8", "9")]
)
def test_duties_are_separated_by_person(performed: str, decides: str) -> None:
    story = story_at(decides)
    culprit = next(iter(story.dossier.persons_of(performed)))
    role = story.sop.step(decides).performer
    with pytest.raises(IllegalEvent) as caught:
        story.decide(decides, "approve", actor_of(role, culprit))
    assert caught.value.code == "duty_conflict"


def test_who_decided_may_not_write_the_next_version() -> None:
    story = story_at("7")
    story.decide("7", "return")
    with pytest.raises(IllegalEvent) as caught:
        story.receive("6", "formulation", actor_of("planning_officer", story.decider("7")))
    assert caught.value.code == "duty_conflict"


def test_a_decision_is_bound_to_the_versions_that_were_seen() -> None:
    story = story_at("7")
    seen = story.finish_facts("7")
    other = {
        **seen,
        "documents_digest": HASH,
        "decision": "approve",
        "reason_commitment": None,
        "returns_to": None,
        "assertion": None,
    }
    with pytest.raises(IllegalEvent) as caught:
        story.tell("decision.made", actor_of("sakip_team", make_id(207)), other)
    assert caught.value.code == "documents_changed"


def test_nothing_follows_the_seal() -> None:
    story = sealed()
    assert story.dossier.status == SEALED
    with pytest.raises(IllegalEvent) as caught:
        story.tell("dossier.cancellation_requested", actor_of("satker_head"), {"reason_commitment": HASH})
    assert caught.value.code == "after_the_end"


@pytest.mark.parametrize(("field", "value"), [("count", 5), ("head", HASH)])
def test_a_seal_that_counts_wrong_is_no_legal_move(field: str, value: object) -> None:
    story = story_at("11")
    story.judge_all()
    payload = {
        "step": "11",
        "iteration": 1,
        "count": story.dossier.count + 1,
        "head": story.dossier.head,
        "statement_digest": HASH,
        "statement_size": 1,
        "retention": None,
        field: value,
    }
    with pytest.raises(IllegalEvent) as caught:
        story.tell("dossier.sealed", actor_of("data_officer"), payload)
    assert caught.value.code == "closing_count"


def test_a_seal_before_every_verdict_is_no_legal_move() -> None:
    story = story_at("11")
    facts = {"step": "11", "iteration": 1, "statement_digest": HASH, "statement_size": 1, "retention": None}
    payload = {**facts, "count": story.dossier.count + 1, "head": story.dossier.head}
    with pytest.raises(IllegalEvent) as caught:
        story.tell("dossier.sealed", actor_of("data_officer"), payload)
    assert caught.value.code == "sealed_too_early"


def test_a_cancellation_takes_two_persons() -> None:
    story = story_at("2")
    request = story.tell("dossier.cancellation_requested", actor_of("section_head"), {"reason_commitment": HASH})
    with pytest.raises(IllegalEvent) as caught:
        story.tell("dossier.cancelled", actor_of("section_head"), {"request": request.leaf_hash})
    assert caught.value.code == "second_person_needed"
    story.tell("dossier.cancelled", actor_of("satker_head"), {"request": request.leaf_hash})
    assert story.dossier.status == "cancelled"


def test_a_withdrawn_version_no_longer_counts_as_output() -> None:
    story = story_at("2")
    version = story.receive("2", "disposition", actor_of("satker_head"))
    document = story.dossier.versions[-1].document
    assert len(story.dossier.standing_outputs("2")) == 1
    payload = {"step": "2", "document": document, "version": version, "reason_commitment": HASH}
    story.tell("document.withdrawn", actor_of("satker_head"), payload)
    assert story.dossier.standing_outputs("2") == []
    with pytest.raises(IllegalEvent) as caught:
        story.tell("step.submitted", actor_of("satker_head"), story.finish_facts("2"))
    assert caught.value.code == "outputs_missing"
    with pytest.raises(IllegalEvent) as again:
        story.tell("document.withdrawn", actor_of("satker_head"), payload)
    assert again.value.code == "version_withdrawn"


def test_a_version_of_an_earlier_round_cannot_be_withdrawn() -> None:
    story = story_at("7")
    version = story.dossier.current_versions("6", "formulation")[0]
    story.decide("7", "return")
    payload = {"step": "6", "document": version.document, "version": version.id, "reason_commitment": HASH}
    with pytest.raises(IllegalEvent) as caught:
        story.tell("document.withdrawn", actor_of("planning_officer"), payload)
    assert caught.value.code == "version_submitted"


def test_an_old_version_alone_does_not_satisfy_a_new_round() -> None:
    story = story_at("7")
    story.decide("7", "return")
    with pytest.raises(IllegalEvent) as caught:
        story.tell("step.submitted", actor_of("planning_officer"), story.finish_facts("6"))
    assert caught.value.code == "outputs_missing"


def test_a_step_starts_only_with_the_facts_that_follow() -> None:
    story = story_at("2")
    payload = {"step": "5", "iteration": 1, "started_at": story.at(), "role": "sakip_team", "responsible": None}
    with pytest.raises(IllegalEvent) as caught:
        story.tell("step.started", RULES, payload)
    assert caught.value.code == "step_not_due"


def test_only_service_rules_follow_without_a_person() -> None:
    assert set(permissions.ACTION_OF_EVENT).isdisjoint(permissions.SERVICE_EVENTS)


@settings(max_examples=60)
@given(choices=st.lists(st.sampled_from(["go", "return", "junk"]), max_size=25))
def test_random_walks_keep_the_invariants(choices: list[str]) -> None:
    story = Story()
    story.open()
    for choice in choices:
        running = [key for key in story.sop.order if story.dossier.running(key) is not None]
        assert len(running) == 1, "one step runs in an SOP without branches"
        step = story.sop.step(running[0])
        if step.kind == "archive":
            break
        before = deepcopy(story.dossier)
        if choice == "junk":
            with pytest.raises(IllegalEvent):
                story.tell("dossier.cancelled", actor_of("satker_head"), {"request": HASH})
            assert story.dossier == before, "a refused event changes nothing"
        elif step.is_decision:
            story.decide(step.key, "return" if choice == "return" else "approve")
        else:
            story.submit(step.key)
    assert fold(story.sop, story.events) == story.dossier
    for run in story.dossier.runs:
        same = [r.iteration for r in story.dossier.runs if r.step == run.step]
        assert same == list(range(1, len(same) + 1))
    for key in story.dossier.settled:
        assert story.sop.ancestors(key) <= story.dossier.settled
