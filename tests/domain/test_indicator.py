"""The ledger of indicators, and what the state machine lets whom do about them."""

from __future__ import annotations

from typing import Any

import pytest

from archive_service.domain import completeness, statement
from archive_service.domain.action import Action
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.event import EVENT_TYPES
from archive_service.domain.indicator import EVENT_TYPES as LEDGER_TYPES
from archive_service.domain.manifest import EVENT_LIMITS
from archive_service.domain.permissions import ALLOWED, CONTRIBUTOR, excludes, is_allowed
from archive_service.domain.refusal import find_refusal
from tests.domain.story import HASH, PERSONS, RULES, UNIT, Story, actor_of, make_id

IN_CHARGE = make_id(300)
ME = actor_of(CONTRIBUTOR, IN_CHARGE)
TEAM = actor_of("sakip_team")
PLANNER = actor_of("planning_officer")


def listing(code: str = "IKU-1", **more: Any) -> dict[str, Any]:
    return {
        **{"code": code, "title": f"Indikator {code}", "unit": "%", "target": "80", "achievement": None},
        **{"person": IN_CHARGE, **more},
    }


def result(code: str | None = "IKU-1", **more: Any) -> dict[str, Any]:
    return {
        **{"step": "6", "iteration": 1, "code": code, "achievement": "80", "recommendation_commitment": HASH},
        **{"obstacle_commitment": None, "follow_up_commitment": None, **more},
    }


def carrying(event: str = "1" * 64, **more: Any) -> dict[str, Any]:
    return {"from_dossier": make_id(8), "from_event": event, "code": None, "recommendation_commitment": HASH, **more}


def story_at(step: str, *codes: str) -> Story:
    told = Story()
    told.open()
    for code in codes:
        told.tell("indicator.set", TEAM, listing(code))
    for key in told.sop.order[: told.sop.order.index(step)]:
        told.submit(key)
    return told


def refused(told: Story, type: str, actor: Any, payload: dict[str, Any]) -> str:
    with pytest.raises(IllegalEvent) as caught:
        told.tell(type, actor, payload)
    return caught.value.code


def received(told: Story, **more: Any) -> dict[str, Any]:
    return {
        **{"document": make_id(400), "version": told.make_id(), "number": 1, "step": "4", "iteration": 1},
        **{"kind": "measurement_data", "digest": HASH, "crc32": "0" * 8, "size": 1, "media_type": "application/pdf"},
        **{"puid": "fmt/18", "begun_at": told.at(), "file_name_commitment": HASH, "receipt": None},
        **{"deviation": None, "indicator": "IKU-1", **more},
    }


def test_events_of_the_ledger_are_events_of_a_dossier_alone() -> None:
    assert all(EVENT_TYPES[(type, 1)].streams == {"dossier"} for type in LEDGER_TYPES)
    bounded = LEDGER_TYPES - {"indicator.removed"}
    assert all(type in EVENT_LIMITS for type in bounded)


def test_a_contributor_may_send_evidence_and_nothing_else() -> None:
    assert ALLOWED[CONTRIBUTOR] == {"indicator.read", "document.upload", "document.withdraw", "document.read_own"}
    assert not is_allowed("contributor", "step.submit") and not is_allowed("contributor", "dossier.read")
    assert excludes("administrator", "contributor") and not excludes("contributor", "sakip_team")


def test_evidence_satisfies_the_requirement_of_its_indicator_and_no_other() -> None:
    told = story_at("4", "IKU-1", "IKU-2")
    assert states(told) == {"IKU-1": "missing", "IKU-2": "missing"}
    told.tell("document.received", ME, received(told))
    assert states(told) == {"IKU-1": "present", "IKU-2": "missing"}
    version = told.dossier.versions[-1]
    withdrawal = {"step": "4", "document": version.document, "version": version.id, "reason_commitment": HASH}
    told.tell("document.withdrawn", ME, withdrawal)
    assert states(told) == {"IKU-1": "missing", "IKU-2": "missing"}


def states(told: Story, step: str = "4") -> dict[str, str]:
    return {r.kind: r.state for r in completeness.required_of_indicators(told.dossier, step)}


def test_a_new_version_under_another_tag_is_evidence_for_that_one() -> None:
    told = story_at("4", "IKU-1", "IKU-2")
    told.tell("document.received", TEAM, received(told))
    told.tell("document.received", TEAM, received(told, number=2, indicator="IKU-2"))
    assert states(told) == {"IKU-1": "missing", "IKU-2": "present"}


def test_a_missing_indicator_asks_for_consent_and_is_a_deviation_of_its_code() -> None:
    told = story_at("4", "IKU-1", "IKU-2")
    told.tell("document.received", ME, received(told))
    facts = {**told.finish_facts("4"), "answers": []}
    assert facts["gaps"] == 1
    action = Action("submit", PERSONS["sakip_team"], "sakip_team", UNIT, step="4")
    refusal = find_refusal(told.dossier, action._replace(documents_digest=facts["documents_digest"]))
    assert refusal is not None and (refusal.code, "IKU-2" in refusal.text) == ("inputs_missing", True)
    assert refused(told, "step.submitted", TEAM, {**facts, "gaps": 0}) == "documents_changed"
    told.tell("step.submitted", TEAM, facts)
    run = told.dossier.find_run("4", 1)
    assert run is not None
    assert completeness.gap_deviations(run.requirements) == [("indicator_missing", "IKU-2")]
    judged = completeness.judge(run.requirements, [HASH])
    assert (judged["required"], judged["present"], judged["missing"]) == (4, 1, 1)
    damaged = completeness.gap_deviations(completeness.with_damage(run.requirements, [HASH]))
    assert ("document_damaged", "indicator:IKU-1") in damaged


def test_a_dossier_without_a_list_says_that_nothing_was_listed() -> None:
    told = story_at("5")
    summary = statement.indicator_summary(told.dossier)
    assert (summary["asked"], summary["listed"], summary["with_evidence"], summary["without"]) == (True, 0, 0, [])
    assert completeness.required_of_indicators(told.dossier, "4") == []
    listed = statement.indicator_summary(story_at("5", "IKU-1", "IKU-2").dossier)
    assert (listed["listed"], listed["with_evidence"], listed["without"]) == (2, 0, ["IKU-1", "IKU-2"])
    assert listed["without_result"] == ["IKU-1", "IKU-2"]


@pytest.mark.parametrize(
    ("actor", "changes", "code"),
    [
        (ME, {"indicator": "IKU-2"}, "not_contributor"),
        (ME, {"indicator": None}, "not_contributor"),
        (ME, {"indicator": "IKU-9"}, "not_contributor"),
        (actor_of(CONTRIBUTOR, make_id(301)), {}, "not_contributor"),
        (actor_of(CONTRIBUTOR, IN_CHARGE, make_id(2)), {}, "other_work_unit"),
        (ME, {"step": "5", "kind": "meeting_decision"}, "not_performer"),
        (TEAM, {"indicator": "IKU-9"}, "indicator_unknown"),
        (actor_of("section_head"), {}, "not_performer"),
        (actor_of("auditor"), {}, "role_forbidden"),
        (ME, {"kind": "follow_up"}, "kind_not_taken"),
    ],
)
def test_who_may_send_what(actor: Any, changes: dict[str, Any], code: str) -> None:
    told = story_at("4", "IKU-1")
    told.tell("indicator.set", TEAM, listing("IKU-2", person=None))
    assert refused(told, "document.received", actor, received(told, **changes)) == code


def test_a_contributor_adds_no_version_to_anothers_document_and_withdraws_none() -> None:
    told = story_at("4", "IKU-1")
    told.tell("document.received", TEAM, received(told))
    version = told.dossier.versions[-1]
    assert refused(told, "document.received", ME, received(told, number=2)) == "not_contributor"
    withdrawal = {"step": "4", "document": version.document, "version": version.id, "reason_commitment": HASH}
    assert refused(told, "document.withdrawn", ME, withdrawal) == "not_contributor"


def test_documents_of_other_steps_and_attachments_belong_to_no_indicator() -> None:
    told = story_at("5", "IKU-1")
    sent = received(told, step="5", kind="meeting_decision")
    assert refused(told, "document.received", TEAM, sent) == "indicator_not_taken"


def test_the_list_changes_until_its_results_are_submitted() -> None:
    told = story_at("6", "IKU-1")
    removal = {"code": "IKU-1", "reason_commitment": HASH}
    assert refused(told, "indicator.removed", TEAM, {**removal, "code": "IKU-2"}) == "indicator_unknown"
    told.tell("indicator.removed", TEAM, removal)
    told.tell("indicator.set", TEAM, listing())
    told.submit("6")
    for type, payload in (("indicator.set", listing()), ("indicator.removed", removal)):
        assert refused(told, type, TEAM, payload) == "indicators_frozen"
    told.decide("7", "return")
    told.tell("indicator.set", TEAM, listing(target="90"))


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (actor_of("auditor"), "role_forbidden"),
        (ME, "role_forbidden"),
        (actor_of("sakip_team", None, make_id(2)), "other_work_unit"),
    ],
)
def test_only_performers_of_the_unit_list(actor: Any, code: str) -> None:
    assert refused(story_at("2"), "indicator.set", actor, listing()) == code


def test_results_are_recorded_while_their_step_runs_by_its_performer() -> None:
    told = story_at("5", "IKU-1")
    assert refused(told, "indicator.result_recorded", PLANNER, result()) == "step_waiting"
    assert refused(told, "indicator.result_recorded", TEAM, result(step="5")) == "results_not_taken"
    told.submit("5")
    assert refused(told, "indicator.result_recorded", TEAM, result()) == "not_performer"
    assert refused(told, "indicator.result_recorded", PLANNER, result("IKU-2")) == "indicator_unknown"
    assert refused(told, "indicator.result_recorded", PLANNER, result(iteration=2)) == "step_not_running"
    assert refused(told, "indicator.result_recorded", PLANNER, result(achievement=None)) == "achievement_missing"
    told.tell("indicator.result_recorded", PLANNER, result())
    told.tell("indicator.result_recorded", PLANNER, result(None, achievement=None))
    assert states(told, "6") == {"IKU-1": "present"}
    told.submit("6")
    assert refused(told, "indicator.result_recorded", PLANNER, result()) == "step_finished"


def test_recording_results_is_performing_the_step() -> None:
    told = story_at("6", "IKU-1")
    other = actor_of("planning_officer", make_id(310))
    told.tell("indicator.result_recorded", other, result())
    assert told.dossier.duty_conflict("7", make_id(310)) == "6"


def test_recommendations_are_carried_over_at_the_opening_once_each() -> None:
    told = Story()
    told.open()
    carried = told.tell("recommendation.carried", RULES, carrying())
    assert refused(told, "recommendation.carried", RULES, carrying()) == "carried_twice"
    itself = carrying("2" * 64, from_dossier=told.id)
    assert refused(told, "recommendation.carried", RULES, itself) == "carried_from_itself"
    answer = {"carried": carried.leaf_hash, "state": "done", "note_commitment": HASH}
    assert refused(told, "recommendation.answered", ME, answer) == "role_forbidden"
    assert refused(told, "recommendation.answered", TEAM, {**answer, "carried": HASH}) == "recommendation_unknown"
    told.submit("1")
    assert refused(told, "recommendation.carried", RULES, carrying("2" * 64)) == "carried_late"
    for state, is_closed in (("done", True), ("ongoing", False), ("dropped", True)):
        told.tell("recommendation.answered", TEAM, {**answer, "state": state})
        assert told.dossier.indicators.carried[carried.leaf_hash].is_closed is is_closed
    assert statement.indicator_summary(told.dossier)["recommendations"][0]["state"] == "dropped"


def test_a_dossier_takes_a_bounded_number_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    from archive_service.domain import indicator

    monkeypatch.setattr(indicator, "LISTED_LIMIT", 2)
    told = story_at("2", "IKU-1", "IKU-2")
    assert refused(told, "indicator.set", TEAM, listing("IKU-3")) == "too_many_indicators"
    monkeypatch.setitem(indicator._LIMITS, "indicator.set", 2)
    assert refused(told, "indicator.set", TEAM, listing("IKU-1")) == "dossier_full"
    monkeypatch.setitem(indicator._LIMITS, "recommendation.carried", 0)
    fresh = Story()
    fresh.open()
    assert refused(fresh, "recommendation.carried", RULES, carrying()) == "dossier_full"


def test_an_sop_that_asks_for_no_indicators_takes_no_list() -> None:
    from dataclasses import replace

    sop = Story().sop
    plain = replace(sop, steps=tuple(replace(step, indicators=None) for step in sop.steps))
    told = Story(sop=plain)
    told.open()
    assert refused(told, "indicator.set", TEAM, listing()) == "indicators_not_asked"
    assert statement.indicator_summary(told.dossier)["asked"] is False
