"""Findings: software proposes, the auditor says what it is, what caused it and whether the action worked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, findings, people
from tests.office import Office

LATE = "time_norm_passed"
PLOR = {
    "problem": "Langkah 4 terlambat.",
    "location": "Tim SAKIP",
    "evidence": "Putaran 1.",
    "reference": "Peringatan 2",
}


def proposed(office: Office, login: str = "nuraini") -> str:
    dossier = office.play("4")
    office.turn()
    deviation = office.find_deviation(dossier, LATE).id
    return findings.propose_finding(
        office.archive, office.actor(login), work_unit=office.unit, deviations=[deviation], text="Terlambat lagi."
    )


def classify(office: Office, finding: str, login: str = "wahyu", classification: str = "kts_minor") -> None:
    findings.classify_finding(
        office.archive, office.actor(login), finding=finding, classification=classification, **PLOR
    )


def state(office: Office, finding: str) -> str:
    return str(findings.read_finding(office.archive, office.actor("wahyu"), finding=finding)["state"])


def test_a_finding_goes_from_candidate_to_a_checked_effect(office: Office) -> None:
    finding = proposed(office)
    wahyu, bima = office.actor("wahyu"), office.persons["bima"]
    with pytest.raises(Forbidden):
        classify(office, finding, "nuraini")
    classify(office, finding)
    with pytest.raises(Conflict) as early:
        findings.set_action(office.archive, wahyu, finding=finding, action="Latih tim.", pic=bima, due_on="2026-05-01")
    assert early.value.code == "finding_elsewhere"
    findings.state_cause(office.archive, wahyu, finding=finding, cause="Data IKU terlambat.")
    findings.set_action(office.archive, wahyu, finding=finding, action="Latih tim.", pic=bima, due_on="2026-05-01")
    with pytest.raises(Forbidden) as other:
        findings.finish_action(office.archive, office.actor("maya"), finding=finding, note="Sudah.")
    assert other.value.code == "not_pic"
    findings.finish_action(office.archive, office.actor("bima"), finding=finding, note="Pelatihan 20 April.")
    findings.check_effect(office.archive, wahyu, finding=finding, is_effective=False, note="Masih terlambat.")
    findings.set_action(office.archive, wahyu, finding=finding, action="Tenggat awal.", pic=bima, due_on="2026-07-01")
    findings.finish_action(office.archive, wahyu, finding=finding, note="Terlihat di triwulan II.")
    findings.check_effect(office.archive, wahyu, finding=finding, is_effective=True, note="Tepat waktu.")
    told = findings.read_finding(office.archive, office.actor("bima"), finding=finding)
    assert (told["state"], told["classification"], told["acts"]) == ("closed", "kts_minor", [])
    assert [s["texts"] for s in told["steps"]][1] == PLOR
    assert audit.check_archive(office.archive).discrepancies == []


@pytest.mark.parametrize("classification", ["positive", "rejected"])
def test_what_is_no_nonconformity_needs_no_action(lite: Office, classification: str) -> None:
    finding = proposed(lite)
    classify(lite, finding, classification=classification)
    assert state(lite, finding) == "closed"


def test_an_auditor_opens_a_finding_without_a_candidate_and_others_do_not(lite: Office) -> None:
    own = findings.propose_finding(
        lite.archive, lite.actor("wahyu"), work_unit=lite.unit, deviations=[], text="Di lapangan."
    )
    assert state(lite, own) == "candidate"
    with pytest.raises(InvalidInput) as empty:
        findings.propose_finding(lite.archive, lite.actor("nuraini"), work_unit=lite.unit, deviations=[], text="x")
    assert empty.value.code == "deviations_missing"
    with pytest.raises(Forbidden):
        findings.propose_finding(lite.archive, lite.actor("maya"), work_unit=lite.unit, deviations=[], text="x")
    with pytest.raises(NotFound):
        findings.propose_finding(
            lite.archive, lite.actor("nuraini"), work_unit=lite.unit, deviations=[lite.unit], text="x"
        )


def test_an_auditor_who_answers_for_a_deviation_does_not_judge_it(lite: Office) -> None:
    finding = proposed(lite)
    people.assign_role(
        lite.archive,
        lite.actor("admin"),
        person=lite.persons["sari"],
        role="auditor",
        work_unit=lite.unit,
        from_on="2026-01-01",
    )
    with pytest.raises(Forbidden) as own:
        classify(lite, finding, "sari")
    assert own.value.code == "own_finding"


WRONG: list[tuple[Callable[[Office, str], object], str]] = [
    (lambda o, f: classify(o, f, classification="parah"), "class_unknown"),
    (
        lambda o, f: findings.classify_finding(
            o.archive, o.actor("wahyu"), finding=f, classification="kts_major", problem="x"
        ),
        "plor_incomplete",
    ),
    (
        lambda o, f: findings.set_action(
            o.archive, o.actor("wahyu"), finding=f, action="x", pic=o.unit, due_on="2026-05-01"
        ),
        "pic_unknown",
    ),
]


@pytest.mark.parametrize(("act", "code"), WRONG, ids=[code for _, code in WRONG])
def test_what_is_incomplete_is_said(lite: Office, act: Callable[[Office, str], object], code: str) -> None:
    finding = proposed(lite)
    with pytest.raises(InvalidInput) as wrong:
        act(lite, finding)
    assert wrong.value.code == code and state(lite, finding) == "candidate"


def test_an_unknown_finding_is_not_found(lite: Office) -> None:
    with pytest.raises(NotFound):
        findings.state_cause(lite.archive, lite.actor("wahyu"), finding=lite.unit, cause="x")
    with pytest.raises(NotFound):
        findings.read_finding(lite.archive, lite.actor("bima"), finding=lite.unit)
