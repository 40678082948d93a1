"""What units owe a period: set once for all, not started is a deviation that somebody answers for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from archive_service.db.models import EventRow
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, dossiers, obligations, people
from tests.db.test_races import all_at_once
from tests.office import Office

SOP = "sop-spmi-601"


def set_quarter(office: Office, login: str = "nuraini", **changes: Any) -> int:
    facts: dict[str, Any] = {"sop": SOP, "year": 2026, "quarter": 1, "due_on": "2026-03-31", **changes}
    return obligations.set_obligations(office.archive, office.actor(login), **facts)


def states(office: Office, login: str = "nuraini") -> dict[str, str]:
    found = obligations.list_obligations(office.archive, office.actor(login), year=2026, quarter=1)
    return {row["work_unit_name"]: row["state"] for row in found}


def count(office: Office, type: str) -> int:
    with office.archive.db.read() as session:
        return session.execute(select(func.count()).select_from(EventRow).where(EventRow.type == type)).scalar_one()


def test_a_period_that_nobody_started_is_a_deviation_of_the_unit(office: Office) -> None:
    people.create_work_unit(office.archive, office.actor("admin"), code="lain", name="Unit Lain")
    assert (set_quarter(office), set_quarter(office)) == (2, 0)
    office.play("2")
    office.at("2026-03-31T23:59")
    assert obligations.sweep_obligations(office.archive) == 0
    assert states(office) == {"Polman Babel": "met", "Unit Lain": "open"}
    office.at("2026-04-01T00:00")
    assert [obligations.sweep_obligations(office.archive) for _ in range(2)] == [1, 0]
    assert states(office) == {"Polman Babel": "met", "Unit Lain": "not_started"}
    assert audit.check_archive(office.archive).discrepancies == []


def test_two_who_open_a_quarter_at_once_open_it_once(office: Office) -> None:
    done = all_at_once([lambda: set_quarter(office), lambda: set_quarter(office, "admin")])
    assert sorted(str(each) for each in done) == ["0", "1"] and count(office, "obligation.set") == 1


def missed(office: Office) -> str:
    """The deviation of the unit that started nothing."""
    set_quarter(office)
    office.at("2026-04-01T08:00")
    assert obligations.sweep_obligations(office.archive) == 1
    (found,) = obligations.list_unit_deviations(office.archive, office.actor("nuraini"), work_unit=office.unit)
    assert (found["subject"], found["responsible"]) == (f"{SOP}:2026-1", office.persons["ratna"])
    return str(found["deviation"])


def test_the_head_accounts_for_it_and_the_quality_checker_accepts(lite: Office) -> None:
    deviation = missed(lite)
    place = {"work_unit": lite.unit, "deviation": deviation}
    with pytest.raises(Forbidden) as other:
        obligations.explain_unit_deviation(lite.archive, lite.actor("hendra"), **place, explanation="Bukan saya")
    assert other.value.code == "not_responsible"
    assert obligations.explain_unit_deviation(lite.archive, lite.actor("ratna"), **place, explanation="Audit BPK.") == 1
    with pytest.raises(Forbidden) as own:
        obligations.answer_unit_explanation(lite.archive, lite.actor("ratna"), **place, number=1, is_accepted=True)
    assert own.value.code == "not_acceptor"
    checker = lite.actor("nuraini")
    obligations.answer_unit_explanation(
        lite.archive, checker, **place, number=1, is_accepted=False, reason="Sebut tanggalnya."
    )
    obligations.explain_unit_deviation(lite.archive, lite.actor("ratna"), **place, explanation="Audit BPK 2-30 Maret.")
    obligations.answer_unit_explanation(lite.archive, checker, **place, number=2, is_accepted=True)
    (found,) = obligations.list_unit_deviations(lite.archive, lite.actor("wahyu"), work_unit=lite.unit)
    assert (found["state"], [e["answer"] for e in found["explanations"]]) == ("accepted", ["returned", "accepted"])
    lite.open(received_at="2026-03-31T09:00")
    assert states(lite) == {"Polman Babel": "met"} and found["deviation"] == deviation, "the record stays"
    assert audit.check_archive(lite.archive).discrepancies == []


def test_what_nobody_explains_escalates_once(lite: Office) -> None:
    missed(lite)
    lite.at("2026-04-30T08:00")
    assert [obligations.sweep_obligations(lite.archive) for _ in range(2)] == [1, 0]
    (found,) = obligations.list_unit_deviations(lite.archive, lite.actor("ratna"), work_unit=lite.unit)
    assert found["escalated_at"] is not None and found["state"] == "unexplained"


def test_a_withdrawn_obligation_is_no_deviation(lite: Office) -> None:
    set_quarter(lite, basis="letter", letter="ST-9/2026")
    (owed,) = obligations.list_obligations(lite.archive, lite.actor("admin"), year=2026, quarter=1)
    obligations.withdraw_obligation(
        lite.archive, lite.actor("nuraini"), obligation=owed["obligation"], reason="Satker digabung."
    )
    with pytest.raises(InvalidInput) as twice:
        obligations.withdraw_obligation(
            lite.archive, lite.actor("nuraini"), obligation=owed["obligation"], reason="Lagi."
        )
    assert twice.value.code == "obligation_withdrawn"
    assert set_quarter(lite, due_on="2026-04-05") == 1, "it may be set again"
    lite.at("2026-04-02T08:00")
    assert obligations.sweep_obligations(lite.archive) == 0 and states(lite) == {"Polman Babel": "open"}
    lite.at("2026-04-06T08:00")
    (late,) = obligations.list_obligations(lite.archive, lite.actor("admin"), year=2026, quarter=1)
    with pytest.raises(Conflict) as due:
        obligations.withdraw_obligation(
            lite.archive, lite.actor("nuraini"), obligation=late["obligation"], reason="Terlambat."
        )
    assert due.value.code == "obligation_due"


def test_a_dossier_that_is_cancelled_meets_nothing(lite: Office) -> None:
    set_quarter(lite)
    dossier = lite.play("1")
    lite.at("2026-04-01T08:00")
    assert obligations.sweep_obligations(lite.archive) == 0 and states(lite) == {"Polman Babel": "met"}
    dossiers.request_cancellation(lite.archive, lite.actor("maya"), dossier=dossier, reason="Ganda.")
    dossiers.confirm_cancellation(lite.archive, lite.actor("ratna"), dossier=dossier)
    assert obligations.sweep_obligations(lite.archive) == 1 and states(lite) == {"Polman Babel": "not_started"}


def test_what_is_asked_wrongly_is_said_and_nothing_is_set(lite: Office) -> None:
    for login in ("maya", "wahyu"):
        with pytest.raises(Forbidden):
            set_quarter(lite, login)
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"quarter": 5}, "quarter_out_of_range"),
        ({"year": 1}, "year_out_of_range"),
        ({"basis": "rumour"}, "basis_unknown"),
        ({"due_on": "besok"}, "date_expected"),
        ({"due_on": "2026-03-11"}, "due_in_past"),
    ]
    for changes, code in wrongs:
        with pytest.raises(InvalidInput) as wrong:
            set_quarter(lite, **changes)
        assert wrong.value.code == code
    unknown: list[dict[str, Any]] = [
        {"sop": "sop-lain"},
        {"work_units": ["0" * 12 + "7" + "0" * 3 + "8" + "0" * 15]},
    ]
    for facts in unknown:
        with pytest.raises(NotFound):
            set_quarter(lite, **facts)
    with pytest.raises(NotFound):
        obligations.withdraw_obligation(lite.archive, lite.actor("nuraini"), obligation=lite.unit, reason="x")
    assert count(lite, "obligation.set") == 0
