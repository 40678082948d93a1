from __future__ import annotations

import pytest

from archive_service.domain.states import SEALED
from archive_service.errors import Conflict, Forbidden, InvalidInput
from archive_service.services import decisions, deviations, reading
from archive_service.services.work import load_dossier, read_dossier_events
from tests.office import Office


def test_a_step_without_its_output_cannot_be_submitted(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    with pytest.raises(Conflict) as caught:
        decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="1")
    assert caught.value.code == "outputs_missing"


def test_nobody_approves_what_they_have_not_seen(office: Office) -> None:
    dossier = office.play("6")
    with pytest.raises(Conflict) as caught:
        decisions.decide_step(
            office.archive, office.actor("sari"), dossier=dossier, step="7", decision="approve", versions=[]
        )
    assert caught.value.code == "documents_changed"


def test_a_return_needs_a_reason(office: Office) -> None:
    dossier = office.play("6")
    with pytest.raises(InvalidInput) as caught:
        office.decide(dossier, "sari", "7", "return")
    assert caught.value.code == "reason_missing"


def test_who_wrote_the_formulation_cannot_check_it(office: Office) -> None:
    from archive_service.services import people

    dossier = office.play("6")
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=office.persons["bima"],
        role="sakip_team",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    with pytest.raises(Forbidden) as caught:
        office.decide(dossier, "bima", "7", "approve")
    assert caught.value.code == "duty_conflict"


def test_a_whole_dossier_is_sealed_with_its_statement(office: Office) -> None:
    dossier = office.play()
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
        events = read_dossier_events(office.archive, session, dossier)
    assert state.status == SEALED
    assert events[-1].type == "dossier.sealed"
    assert events[-1].payload["count"] == len(events)
    assert events[-1].payload["head"] == events[-2].leaf_hash
    assert [r.iteration for r in state.runs if r.step == "6"] == [1, 2]


def test_sealing_with_an_unexplained_deviation_is_a_deviation_itself(office: Office) -> None:
    found = reading.read_dossier(office.archive, office.actor("maya"), dossier=office.play())
    codes = [d["code"] for d in found["deviations"]]
    assert codes == ["time_norm_passed", "sealed_with_open_deviations"]


def test_an_explained_deviation_is_not_open_at_sealing(office: Office) -> None:
    dossier = office.play("10")
    office.turn()
    late = reading.read_dossier(office.archive, office.actor("sari"), dossier=dossier)["deviations"][0]
    assert (late["code"], late["step"], late["responsible"]) == ("time_norm_passed", "4", office.persons["sari"])
    with pytest.raises(Forbidden):
        deviations.explain_deviation(
            office.archive, office.actor("maya"), dossier=dossier, deviation=late["deviation"], explanation="Bukan saya"
        )
    deviations.explain_deviation(
        office.archive, office.actor("sari"), dossier=dossier, deviation=late["deviation"], explanation="Libur panjang"
    )
    office.at("2026-03-31T10:12")
    office.seal(dossier)
    found = reading.read_dossier(office.archive, office.actor("maya"), dossier=dossier)
    assert [d["code"] for d in found["deviations"]] == ["time_norm_passed"]


def test_the_late_step_and_the_working_time_are_as_reckoned_by_hand(office: Office) -> None:
    found = reading.read_dossier(office.archive, office.actor("maya"), dossier=office.play())
    four = found["steps"][3]["iterations"][0]
    assert (four["used_seconds"], four["limit_seconds"], four["time"]) == (1200 * 60, 900 * 60, "late")
    assert four["used_by_day"] == {
        "2026-03-13": 270 * 60,
        "2026-03-16": 390 * 60,
        "2026-03-17": 390 * 60,
        "2026-03-25": 150 * 60,
    }


def test_a_damaged_document_blocks_the_seal_until_it_is_restored(office: Office) -> None:
    from archive_service.db.models import LocationRow

    dossier = office.play("10")
    with office.archive.db.read() as session:
        location = session.query(LocationRow).first()
        assert location is not None
    path = office.archive.settings.data_dir / "store" / location.key
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[:-1] + b"!")
    office.at("2026-03-31T10:12")
    with pytest.raises(Conflict) as caught:
        office.seal(dossier)
    assert caught.value.code == "documents_damaged"
    path.write_bytes(whole)
    office.seal(dossier)
    with office.archive.db.read() as session:
        assert load_dossier(office.archive, session, dossier).status == SEALED
