"""Somebody acts for somebody else: proposed by one hand, confirmed by another, limited, moved to and fro, and flagged where one hand did it all."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from archive_service.domain.dossier import Dossier
from archive_service.domain.note import parse_vkey
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, decisions, delegations, dossiers, people, reading, users
from archive_service.services.work import load_dossier
from archive_service.verifier.verify import VALID, check_bundle
from tests.office import PASSWORD, Office


@pytest.fixture
def database_kind() -> str:
    """Most of this is the same on both databases: one test below runs on either."""
    return "sqlite"


def told(office: Office, dossier: str) -> Dossier:
    with office.archive.db.read() as session:
        return load_dossier(office.archive, session, dossier)


def responsible(office: Office, dossier: str, step: str) -> str | None:
    run = told(office, dossier).running(step)
    assert run is not None
    return next((login for login, person in office.persons.items() if person == run.responsible), None)


def assignment_of(office: Office, login: str) -> str:
    return office.actor(login).assignments[0].id


def propose(
    office: Office,
    by: str = "hendra",
    substitute: str = "agus",
    absent: str = "hendra",
    from_on: str = "2026-03-12",
    to_on: str | None = "2026-03-20",
    mode: str = "plh",
    sops: tuple[str, ...] = (),
    **changes: str,
) -> str:
    facts = {"letter": "ST-12/PL/2026", "letter_on": "2026-03-11", "assignment": assignment_of(office, absent)}
    return delegations.propose_delegation(
        office.archive,
        office.actor(by),
        substitute=office.persons[substitute],
        mode=mode,
        from_on=from_on,
        to_on=to_on,
        sops=sops,
        **(facts | changes),
    )


def confirm(office: Office, delegation: str, by: str = "agus") -> str:
    return delegations.confirm_delegation(office.archive, office.actor(by), delegation=delegation)


def refusal(expected: type[ArchiveError], code: str, act: object) -> None:
    with pytest.raises(expected) as caught:
        act()  # type: ignore[operator]
    assert caught.value.code == code


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_open_steps_go_to_the_substitute_and_come_back(office: Office) -> None:
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    assert responsible(office, dossier, "3") == "hendra"
    proposed = propose(office, from_on="2026-03-13")
    assert responsible(office, dossier, "3") == "hendra"
    assignment = confirm(office, proposed)
    assert responsible(office, dossier, "3") == "agus"
    held = next(a for a in office.actor("agus").assignments if a.id == assignment)
    assert (held.role, held.acting_for) == ("section_head", office.persons["hendra"])
    # the day after the last one
    office.at("2026-03-21T00:01")
    assert delegations.sweep_delegations(office.archive) == 1
    assert responsible(office, dossier, "3") == "hendra"
    assert delegations.sweep_delegations(office.archive) == 0
    assert audit.check_archive(office.archive).discrepancies == []


def test_the_first_day_moves_what_is_open_and_a_new_step_goes_at_once(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    confirm(office, propose(office, from_on="2026-03-16", to_on="2026-03-31"))
    office.at("2026-03-13T09:20")
    office.submit(dossier, "ratna", "1")
    office.submit(dossier, "ratna", "2")
    assert (responsible(office, dossier, "3"), delegations.sweep_delegations(office.archive)) == ("hendra", 0)
    office.at("2026-03-16T08:00")
    assert delegations.sweep_delegations(office.archive) == 1
    assert responsible(office, dossier, "3") == "agus"
    office.submit(dossier, "agus", "3")
    step = next(e for e in told(office, dossier).runs if e.step == "3")
    assert step.performed_by == office.persons["agus"]
    second = office.open("maya", "2026-03-16T07:40")
    office.submit(second, "ratna", "1")
    office.submit(second, "ratna", "2")
    assert responsible(office, second, "3") == "agus"


def test_ended_early_the_step_goes_back_at_once(office: Office) -> None:
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    proposed = propose(office, from_on="2026-03-13")
    refusal(
        Conflict,
        "delegation_not_confirmed",
        lambda: delegations.end_delegation(office.archive, office.actor("hendra"), delegation=proposed),
    )
    confirm(office, proposed)
    refusal(
        Forbidden,
        "delegation_forbidden",
        lambda: delegations.end_delegation(office.archive, office.actor("agus"), delegation=proposed),
    )
    delegations.end_delegation(office.archive, office.actor("ratna"), delegation=proposed)
    assert responsible(office, dossier, "3") == "hendra"
    refusal(
        Conflict,
        "assignment_ended",
        lambda: delegations.end_delegation(office.archive, office.actor("hendra"), delegation=proposed),
    )
    assert not any(a.acting_for for a in office.actor("agus").assignments)


def test_an_administrator_who_ends_the_assignment_leaves_the_rest_to_the_sweep(office: Office) -> None:
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    made = confirm(office, propose(office, from_on="2026-03-13"))
    people.end_assignment(office.archive, office.actor("admin"), assignment=made)
    delegations.sweep_delegations(office.archive)
    assert responsible(office, dossier, "3") == "hendra"


def test_a_vacant_office_has_an_acting_holder_until_somebody_is_appointed(office: Office) -> None:
    office.at("2026-03-13T08:00")
    vacant = assignment_of(office, "hendra")
    people.end_assignment(office.archive, office.actor("admin"), assignment=vacant)
    refusal(
        Conflict,
        "assignment_not_held",
        lambda: propose(office, by="ratna", from_on="2026-03-13", assignment=vacant, absent="agus"),
    )
    proposed = propose(
        office, by="ratna", mode="plt", from_on="2026-03-13", to_on=None, assignment=vacant, absent="agus"
    )
    confirm(office, proposed)
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    assert responsible(office, dossier, "3") == "agus"
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=office.persons["bima"],
        role="section_head",
        work_unit=office.unit,
        from_on="2026-03-13",
    )
    delegations.end_delegation(office.archive, office.actor("ratna"), delegation=proposed)
    assert responsible(office, dossier, "3") == "bima"
    assert audit.check_archive(office.archive).discrepancies == []


def test_who_wrote_step_6_decides_step_8_not_even_as_a_substitute(office: Office) -> None:
    dossier = office.play("7", with_return=False)
    office.at("2026-03-27T10:00")
    proposed = propose(office, substitute="bima", from_on="2026-03-27", to_on="2026-03-31")
    confirm(office, proposed, "bima")
    assert responsible(office, dossier, "8") == "bima"
    refusal(Forbidden, "duty_conflict", lambda: office.decide(dossier, "bima", "8", "approve"))


def test_a_strangers_verifier_follows_substitutes_moves_and_flags(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    office.submit(dossier, "ratna", "1")
    # step 2 is the substitute's for a day, who uploads its output and no more
    confirm(office, propose(office, by="ratna", absent="ratna", from_on="2026-03-13", to_on="2026-03-13"))
    assert responsible(office, dossier, "2") == "agus"
    office.upload(dossier, "agus", "2")
    office.at("2026-03-16T09:00")
    delegations.sweep_delegations(office.archive)
    assert responsible(office, dossier, "2") == "ratna"
    decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="2")
    office.submit(dossier, "hendra", "3")
    for login, step in (("sari", "4"), ("sari", "5"), ("bima", "6")):
        office.submit(dossier, login, step)
    office.decide(dossier, "sari", "7", "approve")
    confirm(office, propose(office, from_on="2026-03-16"))
    assert responsible(office, dossier, "8") == "agus"
    office.decide(dossier, "agus", "8", "approve")
    assert told(office, dossier).flags == []
    ratna = office.actor("ratna")
    users.set_password(office.archive, office.actor("admin"), user=ratna.user, password=PASSWORD + "!")
    people.end_assignment(office.archive, office.actor("admin"), assignment=ratna.assignments[0].id)
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=ratna.person,
        role="satker_head",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    office.decide(dossier, "ratna", "9", "approve")
    assert [f.reasons for f in told(office, dossier).flags] == [("assignment_changed", "password_reset")]
    office.submit(dossier, "maya", "10")
    office.seal(dossier)
    office.turn()
    content = reading.read_bundle(office.archive, office.actor("wahyu"), dossier=dossier)
    data = b"".join(content.chunks)
    report = check_bundle(io.BytesIO(data), len(data), parse_vkey(office.archive.log_key.vkey))
    assert (report.verdict, report.discrepancies) == (VALID, [])
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_delegation_for_some_procedures_reaches_no_other(office: Office) -> None:
    shipped = office.register("sops/sop-spmi-601.toml", key="sop-lain", number="SOP-LAIN-1", version=1)
    assert shipped
    dossier = office.play("2")
    office.at("2026-03-13T09:40")
    confirm(office, propose(office, from_on="2026-03-13", sops=("sop-lain",)))
    assert responsible(office, dossier, "3") == "hendra"
    refusal(Forbidden, "assignment_out_of_scope", lambda: office.submit(dossier, "agus", "3"))
    # a second substitute may have what the first has not
    confirm(office, propose(office, substitute="bima", from_on="2026-03-13", sops=("sop-spmi-601",)), "bima")
    assert responsible(office, dossier, "3") == "bima"
    refusal(InvalidInput, "not_performer", lambda: _hand_over(office, dossier, "agus"))
    office.submit(dossier, "bima", "3")


def _hand_over(office: Office, dossier: str, to: str) -> None:
    dossiers.reassign_step(
        office.archive, office.actor("ratna"), dossier=dossier, step="3", person=office.persons[to], reason="cuti"
    )


def test_the_lead_of_a_team_is_represented_by_a_member(office: Office) -> None:
    dossier = office.play("3")
    office.at("2026-03-13T11:00")
    proposed = propose(office, by="sari", absent="sari", from_on="2026-03-13")
    confirm(office, proposed)
    assert responsible(office, dossier, "4") == "agus"
    delegations.end_delegation(office.archive, office.actor("sari"), delegation=proposed)
    assert responsible(office, dossier, "4") == "sari"


def test_one_hand_is_not_two(office: Office) -> None:
    office.at("2026-03-12T10:00")
    refusal(Forbidden, "delegation_forbidden", lambda: propose(office, by="agus"))
    refusal(Forbidden, "delegation_forbidden", lambda: propose(office, by="wahyu"))
    own = propose(office)
    refusal(Forbidden, "second_person_needed", lambda: confirm(office, own, "hendra"))
    refusal(Forbidden, "delegation_forbidden", lambda: confirm(office, own, "bima"))
    by_admin = propose(office, by="admin", substitute="bima")
    second = people.register_person(office.archive, office.actor("admin"), name="Admin Dua")
    users.create_user(office.archive, office.actor("admin"), person=second, login="dua", password=PASSWORD)
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=second,
        role="administrator",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    refusal(Forbidden, "second_person_needed", lambda: confirm(office, by_admin, "dua"))
    confirm(office, by_admin, "ratna")
    refusal(Conflict, "delegation_exists", lambda: confirm(office, own))
    assert [a.acting_for for a in office.actor("bima").assignments if a.acting_for] == [office.persons["hendra"]]


def test_a_proposal_is_answered_once(office: Office) -> None:
    office.at("2026-03-12T10:00")
    first = propose(office)
    delegations.decline_delegation(office.archive, office.actor("agus"), delegation=first)
    refusal(Conflict, "delegation_answered", lambda: confirm(office, first))
    second = propose(office)
    refusal(
        Forbidden,
        "delegation_forbidden",
        lambda: delegations.withdraw_delegation(office.archive, office.actor("ratna"), delegation=second),
    )
    delegations.withdraw_delegation(office.archive, office.actor("hendra"), delegation=second)
    refusal(Conflict, "delegation_answered", lambda: confirm(office, second))
    third = propose(office)
    delegations.withdraw_delegation(office.archive, office.actor("admin"), delegation=third)
    refusal(NotFound, "delegation_unknown", lambda: confirm(office, "0" * 32))
    assert audit.check_archive(office.archive).discrepancies == []


def test_what_makes_no_sense_is_refused(office: Office) -> None:
    office.at("2026-03-12T10:00")
    confirmed = confirm(office, propose(office))
    admin = {"assignment": office.actor("admin").assignments[0].id, "absent": "ratna"}
    for expected, code, changes in (
        (InvalidInput, "mode_unknown", {"mode": "plx"}),
        (InvalidInput, "last_day_missing", {"to_on": None}),
        (InvalidInput, "dates_reversed", {"from_on": "2026-04-02", "to_on": "2026-04-01"}),
        (InvalidInput, "sop_unknown", {"sops": ("sop-lain",)}),
        (InvalidInput, "letter_in_future", {"letter_on": "2026-03-13"}),
        (InvalidInput, "substitute_is_absent", {"substitute": "hendra"}),
        (Conflict, "delegation_over", {"from_on": "2026-03-01", "to_on": "2026-03-02"}),
        (Conflict, "delegation_exists", {"substitute": "bima"}),
        (Conflict, "roles_exclude", {"substitute": "admin", "from_on": "2026-04-01", "to_on": "2026-04-02"}),
        (NotFound, "assignment_unknown", {"assignment": "0" * 32}),
        (Conflict, "role_not_delegated", {"by": "admin", **admin}),
        (
            Conflict,
            "acting_not_delegated",
            {"by": "ratna", "absent": "agus", "assignment": confirmed, "substitute": "maya"},
        ),
    ):
        refusal(expected, code, lambda changes=changes: propose(office, **changes))
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=office.persons["bima"],
        role="section_head",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    theirs = next(a.id for a in office.actor("bima").assignments if a.role == "section_head")
    refusal(
        Conflict,
        "substitute_absent",
        lambda: propose(office, by="bima", absent="bima", substitute="hendra", assignment=theirs),
    )
    with pytest.raises(NotFound):
        delegations.propose_delegation(
            office.archive,
            office.actor("hendra"),
            substitute="0" * 32,
            assignment=assignment_of(office, "hendra"),
            mode="plh",
            from_on="2026-03-12",
            to_on="2026-03-13",
            letter="x",
            letter_on="2026-03-11",
        )


def test_a_decision_on_an_administrators_doing_is_flagged(office: Office) -> None:
    dossier = office.play("7", with_return=False)
    office.at("2026-03-27T10:00")
    admin = office.actor("admin")
    people.assign_role(
        office.archive,
        admin,
        person=office.persons["agus"],
        role="section_head",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    office.decide(dossier, "agus", "8", "approve")
    flag = told(office, dossier).flags[0]
    assert (flag.step, flag.person, flag.reasons) == ("8", office.persons["agus"], ("assignment_changed",))
    users.set_password(office.archive, admin, user=office.actor("ratna").user, password=PASSWORD + "!")
    # whoever is given a password must choose another: that takes no flag away
    users.set_password(office.archive, office.actor("ratna"), user=office.actor("ratna").user, password=PASSWORD)
    office.decide(dossier, "ratna", "9", "approve")
    assert told(office, dossier).flags[1].reasons == ("password_reset",)
    assert audit.check_archive(office.archive).discrepancies == []


def test_what_an_administrator_and_the_substitute_did_alone_is_flagged(office: Office) -> None:
    dossier = office.play("7", with_return=False)
    office.at("2026-03-27T10:00")
    confirm(office, propose(office, by="admin", from_on="2026-03-27", to_on="2026-03-31"))
    office.decide(dossier, "agus", "8", "return", "Angka keliru.")
    assert [f.reasons for f in told(office, dossier).flags] == [("assignment_changed",)]


def test_a_flag_stands_before_the_seal(office: Office) -> None:
    dossier = office.play("10")
    office.clock.moment += timedelta(minutes=5)
    users.set_password(office.archive, office.actor("admin"), user=office.actor("maya").user, password=PASSWORD + "!")
    office.seal(dossier)
    state = told(office, dossier)
    assert [(f.step, f.decision, f.reasons) for f in state.flags] == [("11", None, ("password_reset",))]
    office.turn()
    assert audit.check_archive(office.archive).discrepancies == []
