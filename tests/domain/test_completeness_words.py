"""What the statement says of each requirement, word for word: everything here is written out, nothing is computed."""

from __future__ import annotations

import json
import tomllib
from hashlib import sha256
from typing import Any

import pytest

from archive_service.domain import completeness
from archive_service.domain.completeness import Requirement
from archive_service.domain.definition import plain
from archive_service.domain.sop import parse_sop
from tests.domain.story import DATA, PERSONS, Story, actor_of, make_id, shipped_sop
from tests.domain.test_indicator import PLANNER, TEAM, received, result, story_at

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"

# step, direction, kind, from, evidence, what satisfies it
PROCEDURE = """
1 input request_letter outside document document
1 output request_letter - document document
2 input request_letter 1 document document
2 output disposition - form document
3 input disposition 2 form document
3 output follow_up - form document
4 input follow_up 3 form document
4 output measurement_data - document document
5 input measurement_data 4 document document
5 output meeting_decision - document document
6 input meeting_decision 5 document document
6 output formulation - document document
7 input formulation 6 document document
7 output formulation_check - decision decision
8 input formulation 6 document document
8 output section_approval - decision decision
9 input formulation 6 document document
9 output head_approval - decision decision
10 input head_approval 9 decision decision
10 output submitted_report - document document
10 output submission_receipt - receipt document
11 input submitted_report 10 document document
11 output archived_report - seal seal
"""


def shipped_source() -> dict[str, Any]:
    """The shipped procedure as it stands in its file, to change something in it."""
    return dict(plain(tomllib.loads((DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8"))))


@pytest.fixture
def whole() -> Story:
    """The procedure, played to its last step."""
    told = Story()
    told.play("11")
    return told


def asked(told: Story, step: str) -> list[Requirement]:
    run = told.dossier.last_run(step)
    if run is not None and run.finished_at is not None:
        return list(run.requirements)
    inputs = completeness.required_inputs(told.dossier, step)
    return [*inputs, *completeness.required_outputs(told.dossier, step, is_sealing=True)]


def test_every_requirement_of_the_procedure_is_named_in_order(whole: Story) -> None:
    lines = [
        f"{step} {r.direction} {r.kind} {r.source or '-'} {r.evidence} {' '.join(i['type'] for i in r.satisfied_by)}"
        for step in whole.sop.order
        for r in asked(whole, step)
    ]
    assert lines == PROCEDURE.strip().splitlines()
    assert {r.state for step in whole.sop.order for r in asked(whole, step)} == {"present"}
    assert {r.minimum for step in whole.sop.order for r in asked(whole, step)} == {1}
    assert completeness.digests_of(asked(whole, "10")) == [v.digest for v in whole.dossier.versions[-2:]]


def test_a_document_and_a_decision_are_said_with_their_evidence(whole: Story) -> None:
    letter = whole.dossier.versions[0]
    words = shipped_sop().step("2").inputs[0].title
    assert words and next(r.plain() for r in asked(whole, "2")) == {
        "direction": "input",
        "kind": "request_letter",
        "title": words,
        "from": "1",
        "evidence": "document",
        "state": "present",
        "minimum": 1,
        "media": [PDF, JPEG, PNG],
        "satisfied_by": [{"type": "document", "version": letter.id, "digest": letter.digest, "media_type": PDF}],
    }
    decided = next(e for e in whole.events if e.type == "decision.made" and e.payload["step"] == "9")
    approval = {
        "type": "decision",
        "event": decided.leaf_hash,
        "decision": "approve",
        "person": make_id(209),
    }
    assert next(r.plain() for r in asked(whole, "10")) == {
        "direction": "input",
        "kind": "head_approval",
        "title": shipped_sop().step("10").inputs[0].title,
        "from": "9",
        "evidence": "decision",
        "state": "present",
        "minimum": 1,
        "media": [PDF],
        "satisfied_by": [approval],
    }
    made = [r.plain() for r in asked(whole, "9")][1]
    assert (made["direction"], made["kind"], made["from"], made["title"]) == (
        "output",
        "head_approval",
        None,
        shipped_sop().step("9").outputs[0].title,
    )


def test_the_end_of_the_procedure_is_the_seal_and_nothing_before_it() -> None:
    told = Story()
    told.play("11")
    (waiting,) = completeness.required_outputs(told.dossier, "11")
    assert (waiting.state, waiting.satisfied_by, waiting.minimum, waiting.media) == ("missing", (), 1, ())
    (sealing,) = completeness.required_outputs(told.dossier, "11", is_sealing=True)
    assert (sealing.state, sealing.satisfied_by, sealing.evidence) == ("present", ({"type": "seal"},), "seal")


def test_an_output_waits_for_its_documents_and_a_decision_for_the_act() -> None:
    told = Story()
    told.play("7")
    (check,) = completeness.required_outputs(told.dossier, "7")
    assert (check.state, check.satisfied_by) == ("missing", ())
    act = {"type": "decision", "event": "e", "decision": "return", "person": "p"}
    (made,) = completeness.required_outputs(told.dossier, "7", decision=act)
    assert (made.state, made.satisfied_by) == ("present", (act,))
    early = Story()
    early.open()
    (needed,), (left,) = (f(early.dossier, "1") for f in (completeness.required_inputs, completeness.required_outputs))
    assert [(r.state, r.satisfied_by) for r in (needed, left)] == [("missing", ())] * 2
    # step 2 has not begun: what step 1 did not finish does not stand for its input
    early.receive("1", "request_letter", actor_of("satker_head"))
    (later,) = completeness.required_inputs(early.dossier, "2")
    assert (later.state, later.satisfied_by) == ("missing", ())
    assert completeness.required_outputs(early.dossier, "2")[0].state == "missing"


def test_a_return_asks_for_a_fresh_output_and_takes_the_approval_away() -> None:
    told = Story()
    told.play("9")
    old = told.dossier.versions[-1].digest
    told.decide("9", "return")
    back = told.sop.step("9").returns_to
    assert back is not None
    (stale,) = completeness.required_outputs(told.dossier, back)
    assert (stale.state, [i["digest"] for i in stale.satisfied_by]) == ("missing", [old])
    (unapproved,) = completeness.required_inputs(told.dossier, "10")
    assert (unapproved.state, unapproved.satisfied_by) == ("missing", ())
    told.submit(back)
    fresh = told.dossier.last_run(back)
    assert fresh is not None and [r.state for r in fresh.requirements] == ["present", "present"]


def test_an_output_that_may_stay_away_is_optional_until_it_is_there() -> None:
    value = shipped_source()
    value["steps"][4]["outputs"][0]["min"] = 0
    told = Story(parse_sop(value))
    told.play("5")
    (left,) = completeness.required_outputs(told.dossier, "5")
    assert (left.state, left.minimum) == ("optional", 0)
    # whoever waits for it waits for one
    (needed,) = completeness.required_inputs(told.dossier, "6")
    assert (needed.state, needed.minimum) == ("missing", 1)
    told.receive("5", "meeting_decision", actor_of("sakip_team"))
    (left,) = completeness.required_outputs(told.dossier, "5")
    assert (left.state, left.minimum, len(left.satisfied_by)) == ("present", 0, 1)


def test_two_of_two_are_enough_and_one_of_two_is_not() -> None:
    value = shipped_source()
    value["steps"][0]["outputs"][0]["min"] = 2
    told = Story(parse_sop(value))
    told.open()
    for expected in ("missing", "present", "present"):
        told.receive("1", "request_letter", actor_of("satker_head"))
        assert completeness.required_outputs(told.dossier, "1")[0].state == expected
    told.tell("step.submitted", actor_of("satker_head"), told.finish_facts("1"))
    told.start_due()
    (passed_on,) = completeness.required_inputs(told.dossier, "2")
    assert (passed_on.state, passed_on.minimum, len(passed_on.satisfied_by)) == ("present", 2, 3)


def test_each_indicator_is_asked_for_by_its_code_with_its_evidence() -> None:
    told = story_at("4", "IKU-1", "IKU-2")
    told.tell("document.received", TEAM, received(told, indicator="IKU-1"))
    sent = told.dossier.versions[-1]
    first, second = completeness.required_of_indicators(told.dossier, "4")
    assert first.plain() == {
        "direction": "indicator",
        "kind": "IKU-1",
        "title": told.dossier.indicators.listed["IKU-1"].title,
        "from": None,
        "evidence": "document",
        "state": "present",
        "minimum": 1,
        "media": [],
        "satisfied_by": [
            {"type": "document", "version": sent.id, "digest": sent.digest, "media_type": sent.media_type}
        ],
    }
    assert (second.kind, second.state, second.satisfied_by) == ("IKU-2", "missing", ())
    assert completeness.required_inputs(told.dossier, "4")[-2:] == [first, second]


def test_each_result_is_asked_for_by_its_code_with_the_act_that_gave_it() -> None:
    told = story_at("6", "IKU-1", "IKU-2")
    event = told.tell("indicator.result_recorded", PLANNER, result())
    first, second = completeness.required_of_indicators(told.dossier, "6")
    assert first.plain() == {
        "direction": "indicator_result",
        "kind": "IKU-1",
        "title": told.dossier.indicators.listed["IKU-1"].title,
        "from": None,
        "evidence": "result",
        "state": "present",
        "minimum": 1,
        "media": [],
        "satisfied_by": [{"type": "result", "event": event.leaf_hash, "person": PERSONS["planning_officer"]}],
    }
    assert (second.direction, second.kind, second.state, second.satisfied_by) == (
        "indicator_result",
        "IKU-2",
        "missing",
        (),
    )


def document(digest: str) -> dict[str, str]:
    return {"type": "document", "version": "v", "digest": digest, "media_type": PDF}


def requirement(state: str = "present", *items: dict[str, str], **more: str) -> Requirement:
    facts = {"direction": "input", "kind": "letter", "title": "Surat", "evidence": "document", **more}
    return Requirement(
        facts["direction"], facts["kind"], facts["title"], None, facts["evidence"], state, items, 1, (PDF,)
    )


@pytest.mark.parametrize(
    ("evidence", "items", "count"),
    [
        ("document", ["document", "document"], 2),
        ("form", ["document"], 1),
        ("receipt", ["document", "decision"], 1),
        ("decision", ["decision", "document"], 1),
        ("decision", ["document"], 0),
        ("seal", ["seal"], 1),
        ("seal", ["document"], 0),
        ("result", ["result", "document", "document"], 1),
        ("document", [], 0),
    ],
)
def test_documents_and_acts_are_counted_apart(evidence: str, items: list[str], count: int) -> None:
    assert completeness.count_of([{"type": type} for type in items], evidence) == count


def test_a_judgement_counts_what_was_due_and_binds_every_word_of_it() -> None:
    asked_for = [
        requirement("present", document("aa"), document("bb")),
        requirement("missing", kind="memo"),
        requirement("optional", kind="note"),
        requirement("not_applicable", kind="reply"),
        requirement("present", document("cc"), kind="photo"),
    ]
    words = [{**r.plain(), "state": "damaged" if r.kind == "photo" else r.state} for r in asked_for]
    data = json.dumps(words, sort_keys=True, separators=(",", ":")).encode()
    assert completeness.judge(asked_for, ["cc", "zz", "cc"]) == {
        "result": "gaps",
        "required": 3,
        "present": 1,
        "missing": 1,
        "damaged": ["cc", "zz"],
        "requirements_digest": sha256(data).hexdigest(),
    }


def test_results_have_three_words() -> None:
    assert completeness.result_of([requirement("present", document("aa"))]) == "complete"
    assert completeness.result_of([requirement("present", document("aa")), requirement("missing")]) == "gaps"
    assert completeness.result_of([requirement("damaged", document("aa"))]) == "gaps"
    assert completeness.result_of([requirement("optional"), requirement("not_applicable")]) == "nothing_required"
    assert completeness.result_of([requirement("optional"), requirement("present", document("aa"))]) == "complete"


def test_damage_marks_only_what_was_present_and_rests_on_it() -> None:
    before = [
        requirement("present", document("aa"), document("bb")),
        requirement("present", document("cc")),
        requirement("missing", document("bb")),
        requirement("present", {"type": "seal"}, evidence="seal"),
    ]
    after = completeness.with_damage(before, {"bb"})
    assert [r.state for r in after] == ["damaged", "present", "missing", "present"]
    assert [r.satisfied_by for r in after] == [r.satisfied_by for r in before]
    assert completeness.gap_deviations(after) == [("document_damaged", "input:letter"), ("input_missing", "letter")]
    lost = requirement("missing", direction="output", kind="report")
    assert completeness.gap_deviations([lost]) == [("output_missing", "report")]


def test_each_digest_is_named_once_in_order_and_acts_have_none() -> None:
    asked_for = [
        requirement("present", document("bb"), {"type": "decision", "digest": "no"}),
        requirement("present", document("aa"), document("bb")),
    ]
    assert completeness.digests_of(asked_for) == ["bb", "aa"]


def test_what_a_skipped_step_would_have_left_is_not_asked_for() -> None:
    told = Story()
    told.play("6")
    assert completeness.required_inputs(told.dossier, "6")[0].state == "present"
    told.dossier.skipped.add("5")
    (needed,) = completeness.required_inputs(told.dossier, "6")
    assert (needed.state, needed.source) == ("not_applicable", "5")
    assert completeness.judge([needed], []) == {
        **completeness.judge([], []),
        "requirements_digest": completeness.judge([needed], [])["requirements_digest"],
    }


def test_the_form_of_an_approval_goes_with_it_to_the_step_that_waits_for_it() -> None:
    told = Story()
    told.play("9")
    by = actor_of("satker_head", told.decider("9"))
    told.receive("9", "head_approval", by)
    told.decide("9", "return", by)
    for step in ("6", "7", "8"):
        if told.sop.step(step).is_decision:
            told.decide(step, "approve")
        else:
            told.submit(step)
    told.decide("9", "approve", by)
    # the form of the iteration that was returned stands for nothing
    assert [i["type"] for i in completeness.required_inputs(told.dossier, "10")[0].satisfied_by] == ["decision"]
    again = Story()
    again.play("9")
    again.receive("9", "head_approval", by)
    again.decide("9", "approve", by)
    approval, form = completeness.required_inputs(again.dossier, "10")[0].satisfied_by
    sent = again.dossier.versions[-1]
    assert (approval["type"], form["digest"], form["version"]) == ("decision", sent.digest, sent.id)
    assert completeness.required_inputs(again.dossier, "10")[0].state == "present"
