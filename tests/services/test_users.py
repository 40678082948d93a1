from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import Type
from sqlalchemy import select

from archive_service.db import queries
from archive_service.db.event_log import read_stream
from archive_service.db.models import ApiTokenRow, SessionRow, UserRow
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from archive_service.services import logins, people, sessions, users
from tests.office import PASSWORD, Office


def types_of(office: Office, login: str) -> list[str]:
    with office.archive.db.read() as session:
        return [e.type for e in read_stream(session, f"user:{office.actor(login).user}")]


def test_a_token_is_stored_as_a_hash_and_gives_its_person(office: Office) -> None:
    token = users.create_token(office.archive, office.actor("maya"), name="laptop", days=30)
    assert users.find_token_actor(office.archive, token.secret).person == office.persons["maya"]
    with office.archive.db.read() as session:
        row = session.execute(select(ApiTokenRow)).scalar_one()
    assert token.secret not in (row.secret_hash, row.prefix) and len(row.secret_hash) == 64
    assert types_of(office, "maya")[-1] == "token.created"


def test_a_revoked_token_and_an_expired_one_are_refused(office: Office) -> None:
    maya = office.actor("maya")
    revoked = users.create_token(office.archive, maya, name="a", days=1)
    expired = users.create_token(office.archive, maya, name="b", days=1)
    users.revoke_token(office.archive, maya, token=revoked.id)
    office.clock.moment += timedelta(days=1, minutes=1)
    for secret in (revoked.secret, expired.secret, "ars_unknown"):
        with pytest.raises(Unauthenticated) as caught:
            users.find_token_actor(office.archive, secret)
        assert caught.value.code == "token_refused"
    assert types_of(office, "maya")[-1] == "token.revoked"


def test_nobody_else_revokes_a_token(office: Office) -> None:
    token = users.create_token(office.archive, office.actor("maya"), name="a", days=1)
    with pytest.raises(NotFound):
        users.revoke_token(office.archive, office.actor("bima"), token=token.id)
    users.revoke_token(office.archive, office.actor("admin"), token=token.id)
    with pytest.raises(Unauthenticated):
        users.find_token_actor(office.archive, token.secret)


def test_a_scoped_token_does_only_what_its_scopes_say(office: Office) -> None:
    token = users.create_token(office.archive, office.actor("maya"), name="a", days=1, scopes=["document"])
    actor = users.find_token_actor(office.archive, token.secret)
    assert actor.may("document.upload") and not actor.may("dossier.open")
    with pytest.raises(Forbidden) as caught:
        actor.require("dossier.open")
    assert caught.value.code == "scope_missing"
    with pytest.raises(Forbidden):
        users.create_token(office.archive, actor, name="wider", days=1)
    with pytest.raises(InvalidInput):
        users.create_token(office.archive, office.actor("maya"), name="a", days=1, scopes=["everything"])


def test_wrong_password_and_unknown_login_say_the_same(office: Office) -> None:
    said = []
    for login, password in (("maya", "salah salah salah"), ("nobody", PASSWORD), ("", "")):
        with pytest.raises(Unauthenticated) as caught:
            users.check_password(office.archive, login=login, password=password)
        said.append((caught.value.code, caught.value.detail))
    assert len(set(said)) == 1
    assert types_of(office, "maya")[-1] == "login.refused"


def test_unknown_logins_are_counted_by_the_minute_without_their_text(office: Office) -> None:
    for login in ("eve@evil", "mallory"):
        with pytest.raises(Unauthenticated):
            users.check_password(office.archive, login=login, password="x")
    assert users.write_unknown_logins(office.archive) == 0, "the minute is not over"
    office.clock.moment += timedelta(minutes=2)
    assert users.write_unknown_logins(office.archive) == 1
    with office.archive.db.read() as session:
        last = read_stream(session, "service")[-1]
    assert last.payload["count"] == 2 and b"eve" not in last.data and b"mallory" not in last.data


def test_ten_wrong_passwords_rest_the_login_for_a_while(office: Office) -> None:
    for _ in range(users.LOCK_AFTER):
        with pytest.raises(Unauthenticated):
            users.check_password(office.archive, login="maya", password="salah salah salah")
    with pytest.raises(Unauthenticated):
        users.check_password(office.archive, login="maya", password=PASSWORD)
    office.clock.moment += users.LOCK_FOR + timedelta(minutes=1)
    assert users.check_password(office.archive, login="maya", password=PASSWORD).person == office.persons["maya"]


def test_a_session_ends_at_logout_for_good(office: Office) -> None:
    cookie = logins.log_in(office.archive, login="maya", password=PASSWORD).cookie or ""
    found = sessions.find_session_actor(office.archive, cookie)
    assert found is not None and found.person == office.persons["maya"]
    sessions.end_session(office.archive, cookie=cookie)
    assert sessions.find_session_actor(office.archive, cookie) is None
    assert types_of(office, "maya")[-2:] == ["session.started", "session.ended"]
    with office.archive.db.read() as session:
        assert session.execute(select(SessionRow)).scalar_one().cookie_hash != cookie


def test_a_new_password_ends_every_session(office: Office) -> None:
    cookie = logins.log_in(office.archive, login="maya", password=PASSWORD).cookie or ""
    maya = office.actor("maya")
    with pytest.raises(Forbidden):
        users.set_password(office.archive, office.actor("bima"), user=maya.user, password="kata sandi yang baru")
    users.set_password(office.archive, maya, user=maya.user, password="kata sandi yang baru")
    assert sessions.find_session_actor(office.archive, cookie) is None
    with pytest.raises(Unauthenticated):
        users.check_password(office.archive, login="maya", password=PASSWORD)


def test_passwords_are_argon2id_and_not_short(office: Office) -> None:
    with office.archive.db.read() as session:
        hashes = session.execute(select(UserRow.password_hash)).scalars().all()
    assert all(h.startswith("$argon2id$") for h in hashes)
    # RFC 9106 section 4, the second recommended option
    assert (users.PROFILE.memory_cost, users.PROFILE.time_cost, users.PROFILE.type) == (65536, 3, Type.ID)
    with pytest.raises(InvalidInput):
        users.set_password(office.archive, office.actor("maya"), user=office.actor("maya").user, password="pendek")


def test_an_administrator_holds_no_sop_role(office: Office) -> None:
    admin = office.actor("admin")
    for person, role in ((admin.person, "data_officer"), (office.persons["maya"], "administrator")):
        with pytest.raises(Conflict) as caught:
            people.assign_role(
                office.archive, admin, person=person, role=role, work_unit=office.unit, from_on="2026-01-01"
            )
        assert caught.value.code == "roles_exclude"


def test_the_last_administrator_stays(office: Office) -> None:
    admin = office.actor("admin")
    with pytest.raises(Conflict) as caught:
        people.end_assignment(office.archive, admin, assignment=admin.assignments[0].id)
    assert caught.value.code == "last_administrator"


def test_an_ended_assignment_gives_no_authority_any_more(office: Office) -> None:
    maya = office.actor("maya")
    people.end_assignment(office.archive, office.actor("admin"), assignment=maya.assignments[0].id)
    office.at("2026-03-13T09:10")
    assert office.actor("maya").assignments == ()
    with pytest.raises(Forbidden):
        office.open("maya")
    with pytest.raises(Conflict):
        people.end_assignment(office.archive, office.actor("admin"), assignment=maya.assignments[0].id)


def test_an_assignment_holds_from_day_to_day(office: Office) -> None:
    admin = office.actor("admin")
    person = people.register_person(office.archive, admin, name="Plh. Sementara")
    users.create_user(office.archive, admin, person=person, login="plh", password=PASSWORD)
    people.assign_role(
        office.archive,
        admin,
        person=person,
        role="section_head",
        work_unit=office.unit,
        from_on="2026-03-16",
        to_on="2026-03-17",
    )
    held = []
    for day in ("2026-03-15T23:59", "2026-03-16T00:01", "2026-03-17T23:59", "2026-03-18T00:01"):
        office.at(day)
        held.append(len(office.actor("plh").assignments))
    assert held == [0, 1, 1, 0]


def test_roles_that_no_sop_names_are_refused(office: Office) -> None:
    with pytest.raises(InvalidInput) as caught:
        people.assign_role(
            office.archive,
            office.actor("admin"),
            person=office.persons["maya"],
            role="raja",
            work_unit=office.unit,
            from_on="2026-01-01",
        )
    assert caught.value.code == "role_unknown"


def test_only_administrators_manage_people(office: Office) -> None:
    for login in ("maya", "ratna", "wahyu", "nuraini"):
        with pytest.raises(Forbidden):
            people.register_person(office.archive, office.actor(login), name="Orang Baru")


def test_a_person_and_their_login_are_registered_together_or_not_at_all(office: Office) -> None:
    admin = office.actor("admin")

    def persons() -> int:
        with office.archive.db.read() as session:
            return len(queries.list_people(session))

    before = persons()
    with pytest.raises(Conflict) as caught:
        users.register_with_login(office.archive, admin, name="Sari Lain", login="sari", password=PASSWORD)
    assert caught.value.code == "login_taken" and persons() == before
    person, user = users.register_with_login(office.archive, admin, name="Sari Lain", login="sari2", password=PASSWORD)
    assert persons() == before + 1
    found = users.check_password(office.archive, login="sari2", password=PASSWORD)
    assert (found.person, found.user) == (person, user)
