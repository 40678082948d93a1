"""Passkeys: registered with the password typed again, and decisions that only their holder can make."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from archive_service.config import load_settings
from archive_service.db.models import NoticeRow, OpeningRow, PasskeyRow, PreparedDecisionRow, PreparedPasskeyRow
from archive_service.domain.event import Event
from archive_service.domain.passkey import challenge_of
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, decisions, passkeys, users
from archive_service.services.passkeys import RelyingParty, find_relying_party
from archive_service.services.work import load_dossier, read_dossier_events
from archive_service.verifier.assertions import find_problem
from tests.authenticator import PRESENT, SoftAuthenticator
from tests.office import PASSWORD, Office, open_office
from tests.office import register_passkey as register


def wish(office: Office, dossier: str, step: str = "7", **more: Any) -> dict[str, Any]:
    """What a person asks for who approves what stands."""
    with office.archive.db.read() as session:
        seen = [v.id for v in load_dossier(office.archive, session, dossier).documents_to_decide(step)]
    return {"dossier": dossier, "step": step, "decision": "approve", "versions": seen, **more}


def prepare(office: Office, login: str, dossier: str, step: str = "7", **more: Any) -> dict[str, Any]:
    return decisions.prepare_decision(office.archive, office.actor(login), **wish(office, dossier, step, **more))


def sign(office: Office, login: str, dossier: str, prepared: dict[str, Any], credential: Any, step: str = "7") -> None:
    decisions.sign_decision(
        office.archive,
        office.actor(login),
        dossier=dossier,
        step=step,
        preparation=prepared["preparation"],
        credential=credential,
    )


def made(office: Office, dossier: str) -> Event:
    """The newest decision of a dossier."""
    with office.archive.db.read() as session:
        events = read_dossier_events(office.archive, session, dossier)
    return next(e for e in reversed(events) if e.type == "decision.made")


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        act()
    return caught.value.code


@pytest.fixture(scope="module")
def folder_at_seven(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with a dossier at step 7, which sari decides."""
    folder = tmp_path_factory.mktemp("seven") / "var"
    shutil.copytree(office_template, folder)
    office = open_office(folder, "2026-03-12T09:00")
    dossier = office.play("6")
    office.archive.db.close()
    return folder, dossier


def copy_of(folder: Path, to: Path) -> Office:
    shutil.copytree(folder, to)
    return open_office(to, "2026-03-26T15:00")


@pytest.fixture
def at_seven(folder_at_seven: tuple[Path, str], tmp_path: Path) -> Iterator[tuple[Office, str]]:
    """An office on SQLite with a dossier at step 7."""
    office = copy_of(folder_at_seven[0], tmp_path / "var")
    yield office, folder_at_seven[1]
    office.archive.db.close()


def test_a_decision_is_signed_with_ed25519_too(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator("EdDSA")
    passkey = register(office, "sari", key)
    office.sign(dossier, "sari", "7", key)
    assert made(office, dossier).payload["assertion"]["passkey"] == passkey


def test_a_decision_is_signed_and_what_is_signed_is_what_is_recorded(office: Office) -> None:
    dossier, key = office.play("6"), SoftAuthenticator()
    passkey = register(office, "sari", key)
    assert code_of(lambda: office.decide(dossier, "sari", "7", "approve")) == "passkey_needed"
    prepared = prepare(office, "sari", dossier, reason="Sudah sesuai.")
    assert prepared["options"]["rpId"] == "localhost" and prepared["options"]["userVerification"] == "required"
    sign(office, "sari", dossier, prepared, key.assert_(prepared["options"]))
    event = made(office, dossier)
    assertion = event.payload["assertion"]
    assert assertion["passkey"] == passkey
    assert find_problem(assertion, key.registration(), challenge_of(event)) is None
    with office.archive.db.read() as session:
        opening = session.execute(select(OpeningRow.value).where(OpeningRow.event_hash == event.leaf_hash)).scalar_one()
        left = session.execute(select(func.count()).select_from(PreparedDecisionRow)).scalar_one()
        state = load_dossier(office.archive, session, dossier)
    assert (opening, left, state.decisions[-1].passkey) == ("Sudah sesuai.", 0, passkey)
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_return_is_signed_too_and_a_second_time_is_refused(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator()
    register(office, "sari", key)
    prepared = prepare(office, "sari", dossier, decision="return", reason="Angka keliru.")
    credential = key.assert_(prepared["options"])
    sign(office, "sari", dossier, prepared, credential)
    assert made(office, dossier).payload["returns_to"] == "6"
    assert code_of(lambda: sign(office, "sari", dossier, prepared, credential)) == "preparation_expired"


def test_without_a_passkey_the_decision_says_so_and_nothing_can_be_prepared(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    assert code_of(lambda: prepare(office, "sari", dossier)) == "passkey_missing"
    office.decide(dossier, "sari", "7", "approve")
    assert made(office, dossier).payload["assertion"] is None


def test_a_revoked_passkey_signs_nothing_and_asks_for_nothing(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator()
    passkey = register(office, "sari", key)
    prepared = prepare(office, "sari", dossier)
    sari = office.actor("sari")
    wrong = lambda: passkeys.revoke_passkey(office.archive, sari, passkey=passkey, password="not the password")  # noqa: E731
    assert code_of(wrong) == "password_refused"
    others = lambda: passkeys.revoke_passkey(office.archive, office.actor("bima"), passkey=passkey, password=PASSWORD)  # noqa: E731
    assert code_of(others) == "passkey_unknown"
    for _ in range(2):
        passkeys.revoke_passkey(office.archive, sari, passkey=passkey, password=PASSWORD)
    assert (
        code_of(lambda: sign(office, "sari", dossier, prepared, key.assert_(prepared["options"])))
        == "assertion_refused"
    )
    assert [p["revoked_at"] is None for p in passkeys.list_passkeys(office.archive, sari)] == [False]
    office.decide(dossier, "sari", "7", "approve")
    assert made(office, dossier).payload["assertion"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 2}, "none of your active passkeys"),
        ({"origin": "https://phishing.example"}, "origin"),
        ({"rp_id": "phishing.example"}, "RP ID"),
        ({"flags": PRESENT}, "User verification"),
        ({"flags": 0x04}, "User was not present"),
        ({"cross_origin": True}, "assertion_client_data"),
        ({"more_client_data": {"x": "y" * 2000}}, "client_data"),
    ],
)
def test_a_signature_that_a_verifier_would_not_take_is_refused(
    at_seven_once: Any, changes: dict[str, Any], said: str
) -> None:
    office, dossier, prepared, _ = at_seven_once
    with pytest.raises(InvalidInput) as caught:
        sign(office, "sari", dossier, prepared, SoftAuthenticator(**changes).assert_(prepared["options"]))
    assert caught.value.code == "assertion_refused" and said in caught.value.detail


@pytest.mark.parametrize(
    "place", ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature"]
)
@pytest.mark.parametrize("value", [None, 5, "", "AAAA", "é", {"a": 1}])
def test_no_malformed_credential_is_more_than_refused(at_seven_once: Any, place: str, value: object) -> None:
    office, dossier, prepared, good = at_seven_once
    credential = json.loads(json.dumps(good))
    (credential if place in credential else credential["response"])[place] = value
    assert code_of(lambda: sign(office, "sari", dossier, prepared, credential)) == "assertion_refused"


@pytest.fixture(scope="module")
def at_seven_once(
    folder_at_seven: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, str, dict[str, Any], dict[str, Any]]]:
    """One office for all refusals: they change nothing."""
    office, dossier = copy_of(folder_at_seven[0], tmp_path_factory.mktemp("once") / "var"), folder_at_seven[1]
    key = SoftAuthenticator()
    register(office, "sari", key)
    prepared = prepare(office, "sari", dossier)
    yield office, dossier, prepared, key.assert_(prepared["options"])
    office.archive.db.close()


def test_a_signature_fits_what_was_prepared_alone(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator()
    register(office, "sari", key)
    first, second = prepare(office, "sari", dossier), prepare(office, "sari", dossier, reason="Lain.")
    assert code_of(lambda: sign(office, "sari", dossier, second, key.assert_(first["options"]))) == "assertion_refused"
    assert (
        code_of(lambda: sign(office, "sari", dossier, first, key.assert_(first["options"]), "8"))
        == "preparation_expired"
    )
    assert code_of(lambda: sign(office, "bima", dossier, first, key.assert_(first["options"]))) == "preparation_expired"
    assert code_of(lambda: sign(office, "wahyu", dossier, first, key.assert_(first["options"]))) == "role_forbidden"
    # the service itself moves the signature to another decision: what would be recorded is not what was signed
    with office.archive.db.write() as session:
        row = session.get_one(PreparedDecisionRow, first["preparation"])
        row.wish = json.dumps({**json.loads(row.wish), "decision": "return", "reason": "x"})
    assert code_of(lambda: sign(office, "sari", dossier, first, key.assert_(first["options"]))) == "decision_changed"


def test_what_is_not_signed_in_time_is_forgotten_with_its_reason(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator()
    register(office, "sari", key)
    begun = passkeys.prepare_passkey(office.archive, office.actor("sari"), password=PASSWORD)
    prepared = prepare(office, "sari", dossier, reason="Rahasia.")
    later = replace(office.archive, timer=lambda: office_timer() + timedelta(minutes=10, seconds=1))
    office_timer = office.archive.timer
    with pytest.raises(Conflict) as caught:
        decisions.sign_decision(
            later,
            office.actor("sari"),
            dossier=dossier,
            step="7",
            preparation=prepared["preparation"],
            credential=key.assert_(prepared["options"]),
        )
    assert caught.value.code == "preparation_expired"
    with pytest.raises(Conflict) as caught:
        passkeys.register_passkey(
            later,
            office.actor("sari"),
            preparation=begun["preparation"],
            name="Terlambat",
            credential=SoftAuthenticator(seed=9).register(begun["options"]),
        )
    assert caught.value.code == "preparation_expired"
    assert passkeys.sweep_prepared(office.archive) == 0
    assert passkeys.sweep_prepared(later) == 2
    with office.archive.db.read() as session:
        assert session.execute(select(PreparedDecisionRow.id)).all() == []
        assert session.execute(select(PreparedPasskeyRow.id)).all() == []


def test_documents_that_changed_after_the_preparation_refuse_the_signature(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    key = SoftAuthenticator()
    register(office, "sari", key)
    with pytest.raises(Conflict) as caught:
        prepare(office, "sari", dossier, versions=[])
    assert caught.value.code == "documents_changed"
    prepared = prepare(office, "sari", dossier)
    with pytest.raises(ArchiveError) as stale:
        decisions.sign_decision(
            office.archive,
            office.actor("sari"),
            dossier=dossier,
            step="7",
            preparation=prepared["preparation"],
            credential=key.assert_(prepared["options"]),
            seen=["0" * 64],
        )
    assert stale.value.code == "precondition_failed"


# registration ----------------------------------------------------------------------------------------------------


def test_a_registration_is_an_event_and_told_to_the_person_and_the_auditors(lite: Office) -> None:
    key = SoftAuthenticator()
    passkey = register(lite, "sari", key, "Kunci USB")
    with lite.archive.db.read() as session:
        row = session.get_one(PasskeyRow, passkey)
        told = session.execute(select(NoticeRow.person_id, NoticeRow.kind, NoticeRow.subject)).all()
    assert (row.person_id, row.public_key, row.name) == (lite.persons["sari"], key.public_key.hex(), "Kunci USB")
    assert set(told) == {
        (lite.persons["sari"], "passkey_registered", None),
        (lite.persons["wahyu"], "passkey_registered_of", lite.persons["sari"]),
    }
    (listed,) = passkeys.list_passkeys(lite.archive, lite.actor("sari"))
    assert (listed["passkey"], listed["rp_id"], listed["revoked_at"]) == (passkey, "localhost", None)
    assert passkeys.list_passkeys(lite.archive, lite.actor("bima")) == []


def test_nobody_registers_without_the_password_or_with_a_narrow_token(lite: Office) -> None:
    sari = lite.actor("sari")
    with pytest.raises(InvalidInput) as wrong:
        passkeys.prepare_passkey(lite.archive, sari, password="not the password")
    assert wrong.value.code == "password_refused"
    narrow = replace(sari, scopes=frozenset(["step"]))
    with pytest.raises(Forbidden) as forbidden:
        passkeys.prepare_passkey(lite.archive, narrow, password=PASSWORD)
    assert forbidden.value.code == "scope_missing"


@pytest.mark.parametrize(
    "changes", [{"origin": "https://phishing.example"}, {"rp_id": "phishing.example"}, {"flags": PRESENT}]
)
def test_a_passkey_of_another_site_or_without_verification_is_refused(lite: Office, changes: dict[str, Any]) -> None:
    assert code_of(lambda: register(lite, "sari", SoftAuthenticator(**changes))) == "passkey_refused"
    assert passkeys.list_passkeys(lite.archive, lite.actor("sari")) == []


def test_no_malformed_registration_is_more_than_refused(lite: Office) -> None:
    prepared = passkeys.prepare_passkey(lite.archive, lite.actor("sari"), password=PASSWORD)
    good = SoftAuthenticator().register(prepared["options"])
    for place in ("id", "rawId", "type", "response", "clientDataJSON", "attestationObject"):
        for value in (None, 5, "", "AAAA", "é", {"a": 1}):
            credential = json.loads(json.dumps(good))
            (credential if place in credential else credential["response"])[place] = value
            act = lambda c=credential: passkeys.register_passkey(  # noqa: E731
                lite.archive, lite.actor("sari"), preparation=prepared["preparation"], name="x", credential=c
            )
            assert code_of(act) == "passkey_refused", (place, value)


def test_one_passkey_is_one_persons(lite: Office) -> None:
    key = SoftAuthenticator()
    passkey = register(lite, "sari", key)
    assert code_of(lambda: register(lite, "bima", key)) == "passkey_known"
    passkeys.revoke_passkey(lite.archive, lite.actor("sari"), passkey=passkey, password=PASSWORD)
    assert code_of(lambda: register(lite, "bima", key)) == "passkey_known"


def test_a_registration_belongs_to_whoever_began_it(lite: Office) -> None:
    prepared = passkeys.prepare_passkey(lite.archive, lite.actor("sari"), password=PASSWORD)
    act = lambda: passkeys.register_passkey(  # noqa: E731
        lite.archive,
        lite.actor("bima"),
        preparation=prepared["preparation"],
        name="x",
        credential=SoftAuthenticator().register(prepared["options"]),
    )
    assert code_of(act) == "preparation_expired"


def test_nobody_keeps_more_passkeys_than_anybody_needs(lite: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "LIMIT", 2)
    register(lite, "sari", SoftAuthenticator(seed=1))
    register(lite, "sari", SoftAuthenticator(seed=2))
    assert code_of(lambda: register(lite, "sari", SoftAuthenticator(seed=3))) == "too_many_passkeys"


@pytest.mark.parametrize(
    ("address", "party"),
    [
        (None, RelyingParty("localhost", "http://localhost:8601")),
        ("https://Arsip.example.ac.id", RelyingParty("arsip.example.ac.id", "https://arsip.example.ac.id")),
        ("https://arsip.example.ac.id:443/x", RelyingParty("arsip.example.ac.id", "https://arsip.example.ac.id")),
        ("https://arsip.example.ac.id:8443", RelyingParty("arsip.example.ac.id", "https://arsip.example.ac.id:8443")),
        ("http://localhost:8080", RelyingParty("localhost", "http://localhost:8080")),
        ("http://arsip.example.ac.id", None),
        ("https://127.0.0.1", None),
        ("http://127.0.0.1:8601", None),
        ("https://[::1]", None),
    ],
)
def test_passkeys_need_https_and_a_name(address: str | None, party: RelyingParty | None) -> None:
    assert find_relying_party(load_settings(public_url=address)) == party


def test_at_an_address_that_browsers_refuse_the_service_says_so(lite: Office) -> None:
    archive = replace(lite.archive, settings=load_settings(public_url="http://192.0.2.1"))
    act = lambda: passkeys.prepare_passkey(archive, lite.actor("sari"), password=PASSWORD)  # noqa: E731
    assert code_of(act) == "passkeys_unavailable"


def test_passkeys_of_another_address_are_said_to_be_elsewhere(at_seven: tuple[Office, str]) -> None:
    office, dossier = at_seven
    register(office, "sari", SoftAuthenticator())
    archive = replace(office.archive, settings=load_settings(public_url="https://arsip.example.ac.id"))
    act = lambda: decisions.prepare_decision(archive, office.actor("sari"), **wish(office, dossier))  # noqa: E731
    assert code_of(act) == "passkey_elsewhere"


def test_an_unknown_passkey_is_not_found(lite: Office) -> None:
    with pytest.raises(NotFound):
        passkeys.revoke_passkey(lite.archive, lite.actor("sari"), passkey="0" * 64, password=PASSWORD)


def test_a_wrong_password_counts_as_a_failed_log_in(lite: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "LOCK_AFTER", 2)
    sari = lite.actor("sari")
    for _ in range(2):
        with pytest.raises(InvalidInput):
            passkeys.prepare_passkey(lite.archive, sari, password="not the password")
    assert code_of(lambda: passkeys.prepare_passkey(lite.archive, sari, password=PASSWORD)) == "password_refused"
