"""Gaps: a missing input does not block whoever goes on knowingly, and is a deviation; a missing output blocks."""

from __future__ import annotations

import tomllib

import pytest

from archive_service.domain import completeness
from archive_service.domain.action import Action
from archive_service.domain.definition import plain
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.parts import documents_digest
from archive_service.domain.refusal import find_refusal
from archive_service.domain.sop import Sop, parse_sop
from tests.domain.story import DATA, PERSONS, UNIT, Story, actor_of


def sop_with_optional_memo() -> Sop:
    """Step 2 also wants a memo from outside, whose upload is optional: the only way an input can be missing."""
    value = plain(tomllib.loads((DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8")))
    step = value["steps"][1]
    step["inputs"].append({"kind": "memo", "title": "Memo", "from": "outside"})
    memo = {"kind": "memo", "title": "Memo", "evidence": "document", "media": ["application/pdf"], "min": 0, "max": 1}
    step["outputs"].append(memo)
    return parse_sop(value)


@pytest.fixture
def story() -> Story:
    told = Story(sop_with_optional_memo())
    told.open()
    told.submit("1")
    told.receive("2", "disposition", actor_of("satker_head"))
    return told


def submit_action(story: Story, *, accepts_gaps: bool) -> Action:
    digest = documents_digest(story.dossier.bound_documents("2"))
    role = "satker_head"
    return Action("submit", PERSONS[role], role, UNIT, step="2", documents_digest=digest, accepts_gaps=accepts_gaps)


def test_a_missing_input_stops_whoever_does_not_know_of_it(story: Story) -> None:
    refusal = find_refusal(story.dossier, submit_action(story, accepts_gaps=False))
    assert refusal is not None and refusal.code == "inputs_missing" and "memo" in refusal.text
    assert find_refusal(story.dossier, submit_action(story, accepts_gaps=True)) is None


def test_going_on_with_a_gap_is_recorded_judged_and_a_deviation(story: Story) -> None:
    story.tell("step.submitted", actor_of("satker_head"), story.finish_facts("2"))
    assert story.events[-1].payload["gaps"] == 1
    run = story.dossier.last_run("2")
    assert run is not None and run.outcome == "submitted"
    judged = completeness.judge(run.requirements, [])
    assert (judged["result"], judged["required"], judged["present"], judged["missing"]) == ("gaps", 3, 2, 1)
    # what need not be there and is not counts neither as present nor as missing
    assert [r.state for r in run.requirements] == ["present", "missing", "present", "optional"]
    assert completeness.gap_deviations(run.requirements) == [("input_missing", "memo")]


def test_a_gap_cannot_be_hidden_in_the_event(story: Story) -> None:
    with pytest.raises(IllegalEvent) as caught:
        story.tell("step.submitted", actor_of("satker_head"), {**story.finish_facts("2"), "gaps": 0})
    assert caught.value.code == "documents_changed"


def test_nothing_missing_and_nothing_checked_do_not_look_alike() -> None:
    nothing = completeness.judge([], [])
    assert (nothing["required"], nothing["result"]) == (0, "nothing_required")
    story = Story()
    story.open()
    story.submit("1")
    run = story.dossier.last_run("1")
    assert run is not None
    judged = completeness.judge(run.requirements, [])
    assert (judged["result"], judged["required"]) == ("complete", 2)
    assert judged["requirements_digest"] != completeness.judge([], [])["requirements_digest"]


def test_a_damaged_document_is_a_gap_of_every_requirement_that_rests_on_it() -> None:
    story = Story()
    story.open()
    story.submit("1")
    run = story.dossier.last_run("1")
    assert run is not None
    digests = completeness.digests_of(run.requirements)
    assert len(digests) == 1
    judged = completeness.judge(run.requirements, digests)
    assert (judged["result"], judged["present"], judged["damaged"]) == ("gaps", 0, digests)
    marked = completeness.with_damage(run.requirements, set(digests))
    assert [code for code, _ in completeness.gap_deviations(marked)] == ["document_damaged"] * 2


def test_a_requirement_says_how_many_of_how_many_stand_and_too_few_are_a_gap(story: Story) -> None:
    value = plain(tomllib.loads((DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8")))
    value["steps"][0]["outputs"][0]["min"] = 2
    told = Story(parse_sop(value))
    told.open()
    told.receive("1", "request_letter", actor_of("satker_head"))
    needed, left = (f(told.dossier, "1")[0] for f in (completeness.required_inputs, completeness.required_outputs))
    for requirement in (needed, left):
        assert (requirement.state, requirement.minimum, len(requirement.satisfied_by)) == ("missing", 2, 1)
        assert requirement.media == ("application/pdf", "image/jpeg", "image/png")
        assert requirement.satisfied_by[0]["digest"] == told.dossier.versions[0].digest
    told.receive("1", "request_letter", actor_of("satker_head"))
    assert completeness.required_inputs(told.dossier, "1")[0].state == "present"


def test_the_form_of_an_approval_is_named_beside_the_decision_and_counts_for_nothing_alone() -> None:
    told = Story()
    told.play("8")
    by = actor_of("section_head", told.decider("8"))
    told.receive("8", "section_approval", by)
    assert completeness.required_outputs(told.dossier, "8")[0].state == "missing"
    form = told.dossier.versions[-1]
    told.decide("8", "approve")
    run = told.dossier.last_run("8")
    assert run is not None
    satisfied = run.requirements[-1].satisfied_by
    assert [item["type"] for item in satisfied] == ["decision", "document"] and satisfied[1]["digest"] == form.digest
    assert completeness.count_of(satisfied, "decision") == 1
    marked = completeness.with_damage(run.requirements, {form.digest})
    assert [r.state for r in marked] == ["present", "damaged"]
