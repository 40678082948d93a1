"""The life of a deviation: found, explained by who answers for it, accepted or asked again, escalated; before and after the seal."""

from __future__ import annotations

from typing import Any

import pytest

from archive_service.domain.states import SEALED
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, decisions, deviations, dossiers, people, reading
from archive_service.services.work import load_dossier
from tests.office import Office

LATE = "time_norm_passed"


def late(office: Office) -> str:
    """A dossier whose step 4 was late and is judged."""
    dossier = office.play("4")
    office.turn()
    return dossier


def codes(office: Office, dossier: str) -> list[str]:
    with office.archive.db.read() as session:
        return [d.code for d in load_dossier(office.archive, session, dossier).deviations]


def test_an_explanation_is_returned_and_given_again_until_it_is_accepted(office: Office) -> None:
    dossier = late(office)
    assert office.explain(dossier, "sari", LATE, "Tidak sempat.") == 1
    with pytest.raises(Conflict) as twice:
        office.explain(dossier, "sari", LATE)
    assert twice.value.code == "deviation_explained"
    office.answer(dossier, "hendra", LATE, 1, "Sebutkan sebabnya.")
    assert office.find_deviation(dossier, LATE).state == "asked_again"
    assert office.explain(dossier, "sari", LATE, "Data IKU 3 baru datang 25 Maret.") == 2
    with pytest.raises(Conflict) as stale:
        office.answer(dossier, "hendra", LATE, 1)
    assert stale.value.code == "explanation_changed"
    office.answer(dossier, "hendra", LATE, 2)
    found = office.find_deviation(dossier, LATE)
    assert (found.state, [e.answer for e in found.explanations]) == ("accepted", ["returned", "accepted"])
    with pytest.raises(Conflict) as done:
        office.explain(dossier, "sari", LATE)
    assert done.value.code == "explanation_accepted"
    told = next(d for d in reading.read_dossier(office.archive, office.actor("sari"), dossier=dossier)["deviations"])
    assert [e["explanation"] for e in told["explanations"]] == ["Tidak sempat.", "Data IKU 3 baru datang 25 Maret."]
    assert told["explanations"][0]["reason"] == "Sebutkan sebabnya."


def test_only_the_role_that_the_sop_names_answers_and_never_its_own_explanation(lite: Office) -> None:
    dossier = late(lite)
    with pytest.raises(Forbidden) as other:
        lite.explain(dossier, "maya", LATE)
    assert other.value.code == "not_responsible"
    with pytest.raises(Conflict) as none:
        lite.answer(dossier, "hendra", LATE, 1)
    assert none.value.code == "nothing_to_accept"
    lite.explain(dossier, "sari", LATE)
    for login in ("ratna", "nuraini", "sari"):
        with pytest.raises(Forbidden) as wrong:
            lite.answer(dossier, login, LATE, 1)
        assert wrong.value.code == "not_acceptor"
    with pytest.raises(Forbidden):
        lite.answer(dossier, "wahyu", LATE, 1)
    people.assign_role(
        lite.archive,
        lite.actor("admin"),
        person=lite.persons["sari"],
        role="section_head",
        work_unit=lite.unit,
        from_on="2026-01-01",
    )
    with pytest.raises(Forbidden) as own:
        lite.answer(dossier, "sari", LATE, 1)
    assert own.value.code == "own_explanation"
    with pytest.raises(InvalidInput):
        lite.answer(dossier, "hendra", LATE, 1, "   ")
    with pytest.raises(NotFound):
        deviations.answer_explanation(
            lite.archive,
            lite.actor("hendra"),
            dossier=dossier,
            deviation="0" * 12 + "7" + "0" * 3 + "8" + "0" * 15,
            number=1,
            is_accepted=True,
        )


def test_the_heads_own_deviation_is_noted_by_the_quality_checker(lite: Office) -> None:
    lite.at("2026-03-13T09:10")
    dossier = lite.open()
    lite.at("2026-03-13T11:00")
    lite.submit(dossier, "ratna", "1")
    lite.turn()
    lite.explain(dossier, "ratna", LATE)
    lite.answer(dossier, "nuraini", LATE, 1)
    assert lite.find_deviation(dossier, LATE).state == "accepted"


def test_an_explanation_may_follow_the_seal(office: Office) -> None:
    dossier = office.play()
    office.turn()
    assert office.find_deviation(dossier, LATE).state == "unexplained"
    office.at("2026-04-01T09:00")
    assert office.explain(dossier, "sari", LATE) == 1
    office.answer(dossier, "hendra", LATE, 1)
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
    assert state.status == SEALED and office.find_deviation(dossier, LATE).state == "accepted"
    assert audit.check_archive(office.archive).discrepancies == []
    with pytest.raises(Conflict) as sealed:
        dossiers.request_cancellation(office.archive, office.actor("maya"), dossier=dossier, reason="salah")
    assert sealed.value.code == "dossier_sealed"


def test_what_nobody_explains_in_time_escalates_once(office: Office) -> None:
    dossier = late(office)
    found = office.find_deviation(dossier, LATE)
    assert found.explain_by is not None
    assert deviations.escalate_deviations(office.archive) == 0
    # three working days of 450 minutes after Wednesday 25 March 2026, 10.00
    office.at("2026-03-30T09:59")
    assert deviations.escalate_deviations(office.archive) == 0
    office.at("2026-03-30T10:01")
    assert deviations.escalate_deviations(office.archive) == 1
    assert deviations.escalate_deviations(office.archive) == 0
    found = office.find_deviation(dossier, LATE)
    assert (found.escalated_to, found.state) == ("quality_checker", "unexplained")
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_changed_sop_is_a_deviation_of_every_dossier_that_goes_on_by_the_old_one(lite: Office) -> None:
    before, done = lite.play("2"), lite.play()
    lite.turn()
    newer = lite.register("sops/sop-spmi-601.toml", version=2, title="Pengukuran Data Kinerja, revisi")
    lite.turn()
    assert codes(lite, before).count("sop_changed") == 1 and "sop_changed" not in codes(lite, done)
    found = lite.find_deviation(before, "sop_changed")
    assert (found.subject, found.responsible) == (newer, lite.persons["hendra"])
    lite.at("2026-04-07T09:00")
    after = lite.open(received_at="2026-04-07T08:30")
    lite.turn()
    assert "sop_changed" not in codes(lite, after)


def test_a_decision_on_nothing_is_a_deviation_of_its_own(lite: Office) -> None:
    rules = tomllib_of("sops/sop-spmi-601.toml")
    for step in rules["steps"]:
        if step["key"] == "6":
            step["outputs"][0]["min"] = 0
    lite.register("sops/sop-spmi-601.toml", version=2, steps=rules["steps"])
    dossier = lite.play("5")
    lite.at("2026-03-26T15:00")
    decisions.submit_step(lite.archive, lite.actor("bima"), dossier=dossier, step="6")
    decisions.decide_step(
        lite.archive, lite.actor("sari"), dossier=dossier, step="7", decision="approve", versions=[], accepts_gaps=True
    )
    assert "decision_without_document" in codes(lite, dossier)
    lite.turn()
    assert "input_missing" in codes(lite, dossier)


def test_what_is_said_to_have_happened_before_its_step_began_is_out_of_order(lite: Office) -> None:
    dossier = lite.play("2")
    lite.at("2026-03-13T10:00")
    lite.upload(dossier, "hendra", "3")
    with pytest.raises(InvalidInput) as future:
        decisions.submit_step(
            lite.archive, lite.actor("hendra"), dossier=dossier, step="3", happened_at="2026-03-13T10:30:00+07:00"
        )
    assert future.value.code == "happened_in_future"
    decisions.submit_step(
        lite.archive, lite.actor("hendra"), dossier=dossier, step="3", happened_at="2026-03-13T09:25:00+07:00"
    )
    assert "wrong_order" in codes(lite, dossier)
    found = lite.find_deviation(dossier, "wrong_order")
    assert (found.step, found.responsible) == ("3", lite.persons["hendra"])


def test_where_separate_duties_leave_nobody_the_head_excepts_a_person_and_answers_for_it(lite: Office) -> None:
    for login in ("bima", "agus"):
        people.assign_role(
            lite.archive,
            lite.actor("admin"),
            person=lite.persons[login],
            role="planning_officer" if login == "agus" else "sakip_team",
            work_unit=lite.unit,
            from_on="2026-01-01",
        )
    dossier = lite.play("6")
    lite.at("2026-03-27T09:00")
    with pytest.raises(Forbidden) as barred:
        lite.decide(dossier, "bima", "7", "approve")
    assert barred.value.code == "duty_conflict"
    except_bima = {"dossier": dossier, "step": "7", "person": lite.persons["bima"], "reason": "Tim lain sakit."}
    with pytest.raises(Conflict) as others:
        dossiers.except_duty(lite.archive, lite.actor("ratna"), **except_bima)
    assert others.value.code == "others_may"
    for login in ("sari", "agus"):
        held = next(a for a in lite.actor(login).assignments if a.role == "sakip_team")
        people.end_assignment(lite.archive, lite.actor("admin"), assignment=held.id)
    with pytest.raises(Forbidden) as not_head:
        dossiers.except_duty(lite.archive, lite.actor("hendra"), **except_bima)
    assert not_head.value.code == "not_leader"
    with pytest.raises(Conflict) as needless:
        dossiers.except_duty(lite.archive, lite.actor("ratna"), **{**except_bima, "person": lite.persons["maya"]})
    assert needless.value.code == "no_duty_conflict"
    dossiers.except_duty(lite.archive, lite.actor("ratna"), **except_bima)
    lite.decide(dossier, "bima", "7", "approve")
    found = lite.find_deviation(dossier, "duty_exception")
    assert (found.step, found.subject, found.responsible) == ("7", lite.persons["bima"], lite.persons["ratna"])
    with pytest.raises(Conflict) as again:
        dossiers.except_duty(lite.archive, lite.actor("ratna"), **except_bima)
    assert again.value.code == "step_finished"


def tomllib_of(name: str) -> dict[str, Any]:
    import tomllib

    from tests.office import SAMPLES

    return tomllib.loads((SAMPLES.parent / name).read_text(encoding="utf-8"))
