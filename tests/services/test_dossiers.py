from __future__ import annotations

import pytest

from archive_service.catalog import parse_definition
from archive_service.domain.states import CANCELLED, RUNNING
from archive_service.errors import Conflict, Forbidden, InvalidInput
from archive_service.services import definitions, dossiers, reading
from archive_service.services.work import load_dossier, read_dossier_events
from tests.domain.story import DATA
from tests.office import Office


def test_step_one_starts_when_the_letter_was_received(office: Office) -> None:
    office.at("2026-03-13T09:10")
    found = reading.read_dossier(office.archive, office.actor("maya"), dossier=office.open())
    first = found["steps"][0]
    assert first["state"] == RUNNING
    assert first["iterations"][0]["started_at"] == "2026-03-13T02:00:00.000000Z"
    assert first["iterations"][0]["responsible"] == office.persons["ratna"]
    assert found["letter"]["number"] == "0412/B1/TU/2026"


def test_the_letters_time_is_claimed_and_its_words_stay_out_of_the_chain(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    with office.archive.db.read() as session:
        opened = read_dossier_events(office.archive, session, dossier)[0]
    assert opened.claimed_at == "2026-03-13T02:00:00.000000Z"
    for word in (b"0412/B1", b"Sekretariat", b"Pengukuran data", b"SM-178"):
        assert word not in opened.data


def test_a_letter_from_the_future_is_refused(office: Office) -> None:
    office.at("2026-03-13T09:10")
    with pytest.raises(InvalidInput) as caught:
        office.open(received_at="2026-03-13T10:00")
    assert caught.value.code == "received_in_future"


@pytest.mark.parametrize("login", ["wahyu", "nuraini", "admin"])
def test_only_performers_open_dossiers(office: Office, login: str) -> None:
    office.at("2026-03-13T09:10")
    with pytest.raises(Forbidden):
        office.open(login)


def test_a_team_has_its_lead_as_responsible_person(office: Office) -> None:
    dossier = office.play("3")
    with office.archive.db.read() as session:
        run = load_dossier(office.archive, session, dossier).running("4")
    assert run is not None and run.responsible == office.persons["sari"]


def test_handing_a_step_over_is_an_event_with_a_reason(office: Office) -> None:
    dossier = office.play("3")
    dossiers.reassign_step(
        office.archive,
        office.actor("sari"),
        dossier=dossier,
        step="4",
        person=office.persons["agus"],
        reason="Dinas luar",
    )
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
        last = read_dossier_events(office.archive, session, dossier)[-1]
    run = state.running("4")
    assert run is not None and run.responsible == office.persons["agus"]
    assert last.type == "step.reassigned" and b"Dinas" not in last.data


def test_a_step_is_handed_over_to_a_holder_of_its_role_only(office: Office) -> None:
    dossier = office.play("3")
    with pytest.raises(InvalidInput) as caught:
        dossiers.reassign_step(
            office.archive, office.actor("ratna"), dossier=dossier, step="4", person=office.persons["maya"], reason="x"
        )
    assert caught.value.code == "not_performer"


def test_a_cancellation_takes_a_second_person(office: Office) -> None:
    dossier = office.play("2")
    dossiers.request_cancellation(office.archive, office.actor("hendra"), dossier=dossier, reason="Surat dicabut")
    with pytest.raises(Forbidden) as caught:
        dossiers.confirm_cancellation(office.archive, office.actor("hendra"), dossier=dossier)
    assert caught.value.code == "second_person_needed"
    dossiers.confirm_cancellation(office.archive, office.actor("ratna"), dossier=dossier)
    with office.archive.db.read() as session:
        assert load_dossier(office.archive, session, dossier).status == CANCELLED
    with pytest.raises(Conflict) as ended:
        office.submit(dossier, "hendra", "3")
    assert ended.value.code == "dossier_cancelled"


def test_a_later_version_of_the_sop_leaves_open_dossiers_alone(office: Office) -> None:
    dossier = office.play("1")
    text = (DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8")
    changed = text.replace("version = 1\n", "version = 2\n", 1).replace('text = "15 menit"', 'text = "20 menit"', 1)
    changed = changed.replace("amount = 15", "amount = 20", 1)
    definition = parse_definition(changed)
    definitions.register_definition(office.archive, office.actor("admin"), definition=definition)
    old = reading.read_dossier(office.archive, office.actor("maya"), dossier=dossier)
    office.at("2026-03-13T09:40")
    new = reading.read_dossier(office.archive, office.actor("maya"), dossier=office.open())
    assert old["sop"]["digest"] != new["sop"]["digest"] == definition.digest
    norms = [(s["step"], s["norm_seconds"]) for s in old["steps"]]
    assert norms != [(s["step"], s["norm_seconds"]) for s in new["steps"]]


def test_a_registered_version_cannot_be_given_other_content(office: Office) -> None:
    text = (DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8")
    other = parse_definition(text.replace("Pengukuran Data Kinerja Satuan Kerja", "Pengukuran Lain", 1))
    with pytest.raises(Conflict) as caught:
        definitions.register_definition(office.archive, office.actor("admin"), definition=other)
    assert caught.value.code == "version_exists"
