from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from archive_service.db.event_log import read_stream
from archive_service.db.models import PendingLoginRow, RecoveryCodeRow, SessionRow, TotpRow
from archive_service.errors import ArchiveError, Forbidden, NotFound, Unauthenticated, Unavailable
from archive_service.services import audit, logins, people, second_factor, sessions, users
from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office, register_passkey

OWN = "kata sandi saya sendiri"


class Timer:
    """The world's time, which authenticator apps and idle sessions go by."""

    def __init__(self, office: Office) -> None:
        self.moment = office.archive.timer()
        object.__setattr__(office.archive, "timer", lambda: self.moment)

    def pass_by(self, **length: float) -> None:
        self.moment += timedelta(**length)


@pytest.fixture
def timer(office: Office) -> Timer:
    return Timer(office)


def set_totp(office: Office, login: str, timer: Timer) -> tuple[pyotp.TOTP, list[str]]:
    """A confirmed authenticator app, and its recovery codes."""
    actor = office.actor(login)
    totp = pyotp.TOTP(second_factor.begin_totp(office.archive, actor, password=PASSWORD).secret)
    codes = second_factor.confirm_totp(office.archive, actor, code=totp.at(timer.moment))
    timer.pass_by(seconds=30)
    return totp, codes


def events_of(office: Office, login: str) -> list[Any]:
    with office.archive.db.read() as session:
        return read_stream(session, f"user:{office.actor(login).user}")


def log_in(office: Office, login: str = "maya") -> logins.Begun:
    return logins.log_in(office.archive, login=login, password=PASSWORD)


def refusal(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ArchiveError) as caught:
        call(*args, **kwargs)
    return caught.value.code


def test_the_app_is_asked_for_once_a_code_of_it_was_typed(lite: Office) -> None:
    timer = Timer(lite)
    maya = lite.actor("maya")
    assert refusal(second_factor.begin_totp, lite.archive, maya, password="bukan itu") == "password_refused"
    assert refusal(second_factor.confirm_totp, lite.archive, maya, code="123456") == "enrolment_missing"
    begun = second_factor.begin_totp(lite.archive, maya, password=PASSWORD)
    assert "<svg" in begun.qr and "issuer=Arsip%20dokumen" in begun.uri
    assert log_in(lite).cookie is not None, "not confirmed, not asked for"
    assert refusal(second_factor.confirm_totp, lite.archive, maya, code="12345") == "code_refused"
    again = second_factor.find_enrolment(lite.archive, maya)
    assert again is not None and again.secret == begun.secret
    before = log_in(lite).cookie or ""
    codes = second_factor.confirm_totp(lite.archive, maya, code=pyotp.TOTP(begun.secret).at(timer.moment))
    assert len(set(codes)) == 10 and second_factor.find_enrolment(lite.archive, maya) is None
    assert sessions.find_session_actor(lite.archive, before) is None, "sessions without the factor end"
    assert refusal(second_factor.begin_totp, lite.archive, maya, password=PASSWORD) == "second_factor_set"
    half = log_in(lite)
    assert half.cookie is None and half.asked == ("totp",) and half.pending is not None
    with lite.archive.db.read() as session:
        assert all(
            code.replace("-", "") not in str(row.code_hash)
            for code in codes
            for row in session.execute(select(RecoveryCodeRow)).scalars()
        )
    assert audit.check_archive(lite.archive).discrepancies == []


def test_a_code_counts_once_and_every_means_is_recorded(office: Office, timer: Timer) -> None:
    totp, codes = set_totp(office, "maya", timer)
    code = totp.at(timer.moment)
    cookie = logins.finish_with_code(
        office.archive, pending=log_in(office).pending or "", code=f" {code[:3]} {code[3:]} "
    )
    assert sessions.find_session_actor(office.archive, cookie) is not None
    second = log_in(office).pending or ""
    assert refusal(logins.finish_with_code, office.archive, pending=second, code=code) == "code_refused"
    logins.finish_with_code(office.archive, pending=second, code=codes[3].upper())
    third = log_in(office).pending or ""
    assert refusal(logins.finish_with_code, office.archive, pending=third, code=codes[3]) == "code_refused"
    assert refusal(logins.finish_with_code, office.archive, pending=second, code=codes[4]) == "login_expired"
    started = [e.payload for e in events_of(office, "maya") if e.type == "session.started"]
    assert [(p["method"], p["second"]) for p in started] == [("password", "totp"), ("password", "recovery_code")]
    timer.pass_by(seconds=61)
    # two steps behind is too old, one is not
    assert refusal(
        logins.finish_with_code, office.archive, pending=third, code=totp.at(timer.moment - timedelta(seconds=60))
    )
    logins.finish_with_code(office.archive, pending=third, code=totp.at(timer.moment - timedelta(seconds=30)))
    assert second_factor.read_status(office.archive, office.actor("maya")).recovery_codes == 9
    assert audit.check_archive(office.archive).discrepancies == []


def test_the_secret_of_what_waits_is_no_session_and_ends(lite: Office) -> None:
    timer = Timer(lite)
    totp, _ = set_totp(lite, "maya", timer)
    pending = log_in(lite).pending or ""
    assert sessions.find_session_actor(lite.archive, pending) is None
    with lite.archive.db.read() as session:
        assert session.execute(select(PendingLoginRow)).scalar_one().cookie_hash != pending
    for _ in range(logins.TRIES):
        assert refusal(logins.finish_with_code, lite.archive, pending=pending, code="000000x") == "code_refused"
    assert (
        refusal(logins.finish_with_code, lite.archive, pending=pending, code=totp.at(timer.moment)) == "login_expired"
    )
    assert [e.payload["reason"] for e in events_of(lite, "maya") if e.type == "login.refused"] == ["wrong_code"] * 5
    pending = log_in(lite).pending or ""
    for _ in range(logins.TRIES):
        refusal(logins.finish_with_code, lite.archive, pending=pending, code="1")
    # ten wrong codes, though the password was right in between: the log-in rests
    assert refusal(logins.log_in, lite.archive, login="maya", password=PASSWORD) == "login_refused"
    lite.clock.moment += users.LOCK_FOR + timedelta(minutes=1)
    pending = log_in(lite).pending or ""
    timer.pass_by(minutes=10)
    assert (
        refusal(logins.finish_with_code, lite.archive, pending=pending, code=totp.at(timer.moment)) == "login_expired"
    )
    assert logins.sweep_logins(lite.archive) >= 2
    with lite.archive.db.read() as session:
        assert session.execute(select(PendingLoginRow)).first() is None


def test_the_app_goes_with_the_password_or_by_an_administrator(lite: Office) -> None:
    timer = Timer(lite)
    maya, admin = lite.actor("maya"), lite.actor("admin")
    set_totp(lite, "maya", timer)
    codes = second_factor.remake_codes(lite.archive, maya, password=PASSWORD)
    assert len(codes) == 10
    assert refusal(second_factor.remove_totp, lite.archive, maya, user=maya.user, password="x") == "password_refused"
    assert refusal(second_factor.remove_totp, lite.archive, lite.actor("bima"), user=maya.user) == "role_forbidden"
    assert refusal(second_factor.remove_totp, lite.archive, admin, user="0" * 32) == "user_unknown"
    second_factor.remove_totp(lite.archive, admin, user=maya.user)
    assert refusal(second_factor.remove_totp, lite.archive, admin, user=maya.user) == "second_factor_missing"
    assert refusal(second_factor.remake_codes, lite.archive, maya, password=PASSWORD) == "second_factor_missing"
    assert log_in(lite).cookie is not None
    set_totp(lite, "maya", timer)
    second_factor.remove_totp(lite.archive, maya, user=maya.user, password=PASSWORD)
    removed = [e.payload["by"] for e in events_of(lite, "maya") if e.type == "second_factor.removed"]
    assert removed == ["administrator", "self"]


def test_a_secret_may_lie_sealed_under_a_key_that_the_database_does_not_hold(lite: Office, tmp_path: Any) -> None:
    timer = Timer(lite)
    key = tmp_path / "totp.key"
    key.write_text("rahasia yang panjang dan acak")
    lite.archive.settings.totp_key_file = key
    totp, _ = set_totp(lite, "maya", timer)
    with lite.archive.db.read() as session:
        stored = session.execute(select(TotpRow.secret)).scalar_one()
    assert stored.startswith("sealed:") and totp.secret not in stored
    assert second_factor.take_code(lite.archive, lite.actor("maya").user, totp.at(timer.moment)) == "totp"
    for wrong in (tmp_path / "none", None):
        lite.archive.settings.totp_key_file = wrong
        timer.pass_by(seconds=30)
        with pytest.raises(Unavailable):
            second_factor.take_code(lite.archive, lite.actor("maya").user, totp.at(timer.moment))


def test_roles_of_the_settings_need_a_second_factor(lite: Office) -> None:
    timer = Timer(lite)
    lite.archive.settings.second_factor_roles = "administrator, auditor"
    wahyu = lite.actor("wahyu")
    assert second_factor.is_due(lite.archive, wahyu) and not second_factor.is_due(lite.archive, lite.actor("maya"))
    assert log_in(lite, "wahyu").cookie is not None, "to set it, one must get in"
    users.set_password(lite.archive, wahyu, user=wahyu.user, password=PASSWORD)
    ask: dict[str, Any] = {"login": "wahyu", "password": PASSWORD, "name": "x", "days": 1}
    assert refusal(logins.create_token, lite.archive, code=None, **ask) == "second_factor_due"
    totp, _ = set_totp(lite, "wahyu", timer)
    assert not second_factor.is_due(lite.archive, wahyu)
    assert refusal(logins.create_token, lite.archive, code=None, **ask) == "code_missing"
    assert refusal(logins.create_token, lite.archive, code="1", **ask) == "code_refused"
    assert logins.create_token(lite.archive, code=totp.at(timer.moment), **ask).secret.startswith("ars_")
    lite.archive.settings.demo = True
    second_factor.remove_totp(lite.archive, wahyu, user=wahyu.user, password=PASSWORD)
    assert not second_factor.is_due(lite.archive, wahyu), "the demo's people have one published password"


def test_a_password_that_is_due_makes_no_token_until_it_is_ones_own(lite: Office) -> None:
    ask: dict[str, Any] = {"login": "maya", "password": PASSWORD, "code": None, "name": "x", "days": 1}
    assert refusal(logins.create_token, lite.archive, **ask) == "password_change_due"
    same = {"login": "maya", "password": PASSWORD, "code": None, "new": PASSWORD}
    assert refusal(logins.replace_password, lite.archive, **same) == "password_same"
    logins.replace_password(lite.archive, login="maya", password=PASSWORD, code=None, new=OWN)
    assert logins.create_token(lite.archive, **{**ask, "password": OWN}).secret
    token = users.create_token(lite.archive, lite.actor("maya"), name="sempit", days=1, scopes=["dossier"])
    narrow = users.find_token_actor(lite.archive, token.secret)
    assert refusal(users.set_password, lite.archive, narrow, user=narrow.user, password=PASSWORD) == "scope_missing"


def test_a_passkey_alone_logs_in_once_for_each_challenge(lite: Office) -> None:
    key = SoftAuthenticator()
    register_passkey(lite, "sari", key)
    prepared = logins.prepare_passkey(lite.archive)
    assert "allowCredentials" not in prepared["options"] or prepared["options"]["allowCredentials"] == []
    assert prepared["options"]["userVerification"] == "required"
    credential = key.assert_(prepared["options"])
    cookie = logins.log_in_with_passkey(lite.archive, preparation=prepared["preparation"], credential=credential)
    found = sessions.find_session_actor(lite.archive, cookie)
    assert found is not None and found.person == lite.persons["sari"]
    started = [e.payload for e in events_of(lite, "sari") if e.type == "session.started"][-1]
    assert (started["method"], started["second"]) == ("passkey", None)
    again = refusal(
        logins.log_in_with_passkey, lite.archive, preparation=prepared["preparation"], credential=credential
    )
    assert again == "preparation_expired"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"flags": 0x01},
        {"origin": "https://jahat.example"},
        {"rp_id": "jahat.example"},
    ],
    ids=["unregistered", "unverified", "other origin", "other site"],
)
def test_what_is_no_sound_passkey_logs_nobody_in(lite: Office, change: dict[str, Any]) -> None:
    register_passkey(lite, "sari", SoftAuthenticator())
    prepared = logins.prepare_passkey(lite.archive)
    credential = SoftAuthenticator(**change).assert_(prepared["options"])
    code = refusal(logins.log_in_with_passkey, lite.archive, preparation=prepared["preparation"], credential=credential)
    assert code == "passkey_login_refused"


def test_a_passkey_of_another_account_or_person_is_refused(lite: Office) -> None:
    timer = Timer(lite)
    key, other = SoftAuthenticator(), SoftAuthenticator(seed=2)
    register_passkey(lite, "sari", key)
    register_passkey(lite, "agus", other)
    prepared = logins.prepare_passkey(lite.archive)
    credential = key.assert_(prepared["options"])
    credential["response"]["userHandle"] = "AAAA"
    refused = refusal(
        logins.log_in_with_passkey, lite.archive, preparation=prepared["preparation"], credential=credential
    )
    assert refused == "passkey_login_refused"
    set_totp(lite, "sari", timer)
    half = log_in(lite, "sari")
    assert half.asked == ("totp", "passkey")
    for made, code in ((other, "passkey_login_refused"), (key, None)):
        prepared = logins.prepare_passkey(lite.archive)
        call: dict[str, Any] = {
            "pending": half.pending or "",
            "preparation": prepared["preparation"],
            "credential": made.assert_(prepared["options"]),
        }
        if code is not None:
            assert refusal(logins.finish_with_passkey, lite.archive, **call) == code
        else:
            assert sessions.find_session_actor(lite.archive, logins.finish_with_passkey(lite.archive, **call))
    started = [e.payload for e in events_of(lite, "sari") if e.type == "session.started"][-1]
    assert (started["method"], started["second"]) == ("password", "passkey")


def test_whoever_signs_with_a_passkey_is_asked_for_it_only_where_a_role_needs_it(lite: Office) -> None:
    register_passkey(lite, "wahyu", SoftAuthenticator())
    assert log_in(lite, "wahyu").cookie is not None
    lite.archive.settings.second_factor_roles = "auditor"
    assert log_in(lite, "wahyu").asked == ("passkey",)


def test_sessions_are_listed_and_ended(lite: Office) -> None:
    device = sessions.Device("Mozilla/5.0 (Windows NT 10.0) Chrome/109.0", "192.0.2.7")
    first = logins.log_in(lite.archive, login="maya", password=PASSWORD, device=device).cookie or ""
    second, third = log_in(lite).cookie or "", log_in(lite).cookie or ""
    maya, sari = lite.actor("maya"), lite.actor("sari")
    listed = sessions.list_sessions(lite.archive, maya)
    assert len(listed) == 3 and {s["address"] for s in listed} == {"192.0.2.7", None}
    own = sessions.find_session(lite.archive, second) or ""
    assert refusal(sessions.end_own_session, lite.archive, sari, session=own) == "session_unknown"
    sessions.end_own_session(lite.archive, maya, session=own)
    sessions.end_own_session(lite.archive, maya, session=own)
    assert sessions.find_session_actor(lite.archive, second) is None
    assert sessions.end_sessions(lite.archive, maya, user=maya.user, keep=first) == 1
    assert sessions.find_session_actor(lite.archive, third) is None
    with pytest.raises(Forbidden):
        sessions.end_sessions(lite.archive, sari, user=maya.user)
    with pytest.raises(NotFound):
        sessions.end_sessions(lite.archive, lite.actor("admin"), user="0" * 32)
    assert sessions.end_sessions(lite.archive, lite.actor("admin"), user=maya.user) == 1
    assert sessions.find_session_actor(lite.archive, first) is None
    assert sessions.list_sessions(lite.archive, maya) == []


def test_a_session_ends_idle_and_ends_old_and_use_keeps_it_alive(lite: Office) -> None:
    timer = Timer(lite)
    lite.archive.settings.session_idle_minutes, lite.archive.settings.session_hours = 30, 4
    cookie = log_in(lite).cookie or ""
    for _ in range(6):
        timer.pass_by(minutes=29)
        # what any request does, of an upload, too
        assert sessions.find_session_actor(lite.archive, cookie) is not None
    with lite.archive.db.read() as session:
        assert session.execute(select(SessionRow.seen_at)).scalar_one() == timer.moment
    timer.pass_by(seconds=59)
    sessions.find_session_actor(lite.archive, cookie)
    with lite.archive.db.read() as session:
        assert session.execute(select(SessionRow.seen_at)).scalar_one() < timer.moment, "at most once a minute"
    lite.clock.moment += timedelta(hours=4, seconds=1)
    assert sessions.find_session_actor(lite.archive, cookie) is None, "too old"
    other = log_in(lite).cookie or ""
    timer.pass_by(minutes=31)
    assert sessions.find_session_actor(lite.archive, other) is None, "idle"
    timer.pass_by(days=31)
    assert sessions.forget_traces(lite.archive) == 0


def test_where_sessions_were_used_is_forgotten(lite: Office) -> None:
    timer = Timer(lite)
    logins.log_in(lite.archive, login="maya", password=PASSWORD, device=sessions.Device("x", "192.0.2.7"))
    assert sessions.forget_traces(lite.archive) == 0
    timer.pass_by(days=31)
    assert sessions.forget_traces(lite.archive) == 1
    with lite.archive.db.read() as session:
        row = session.execute(select(SessionRow)).scalar_one()
    assert (row.agent, row.address) == (None, None)


def test_a_log_in_is_good_for_its_days_alone(office: Office) -> None:
    admin, wahyu = office.actor("admin"), office.actor("wahyu")
    people_of = people.register_person(office.archive, admin, name="Auditor Luar")
    user = users.create_user(office.archive, admin, person=people_of, login="luar", password=PASSWORD)
    for call, code in (
        ({"user": user, "from_on": "2026-03-13", "until_on": "2026-03-12"}, "dates_reversed"),
        ({"user": user, "until_on": "kapan-kapan"}, "date_expected"),
        ({"user": admin.user, "until_on": "2026-03-13"}, "own_validity"),
        ({"user": "0" * 32}, "user_unknown"),
    ):
        assert refusal(users.set_validity, office.archive, admin, **call) == code
    assert refusal(users.set_validity, office.archive, wahyu, user=user) == "role_forbidden"
    users.set_validity(office.archive, admin, user=user, from_on="2026-03-13", until_on="2026-03-14")
    users.set_validity(office.archive, admin, user=user, from_on="2026-03-13", until_on="2026-03-14")
    assert len([e for e in events_of(office, "luar") if e.type == "user.validity_set"]) == 1
    assert refusal(logins.log_in, office.archive, login="luar", password=PASSWORD) == "access_not_begun"
    assert refusal(logins.log_in, office.archive, login="luar", password="salah") == "login_refused"
    office.at("2026-03-13T00:00")
    cookie = log_in(office, "luar").cookie or ""
    token = users.create_token(office.archive, office.actor("luar"), name="x", days=30)
    assert users.end_expired_access(office.archive) == 0
    office.at("2026-03-14T23:59")
    assert users.find_token_actor(office.archive, token.secret).user == user
    office.at("2026-03-15T00:00")
    assert sessions.find_session_actor(office.archive, cookie) is None
    assert refusal(users.find_token_actor, office.archive, token.secret) == "access_ended"
    assert refusal(logins.log_in, office.archive, login="luar", password=PASSWORD) == "access_ended"
    assert users.end_expired_access(office.archive) == 1 and users.end_expired_access(office.archive) == 0
    kinds = [(e.type, e.payload.get("reason")) for e in events_of(office, "luar")][-2:]
    assert kinds == [("session.ended", "expired"), ("token.revoked", None)]
    users.set_validity(office.archive, admin, user=user)
    assert refusal(users.find_token_actor, office.archive, token.secret) == "token_refused"
    cookie = log_in(office, "luar").cookie or ""
    users.set_validity(office.archive, admin, user=user, until_on="2026-03-14")
    assert sessions.find_session_actor(office.archive, cookie) is None
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_refused_log_in_takes_as_long_for_a_name_that_is_not_there(
    lite: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = users._hasher

    class Counting:
        def verify(self, hashed: str, password: str) -> bool:
            verified.append(hashed.rsplit("$", 2)[0])
            return real.verify(hashed, password)

    monkeypatch.setattr(users, "_hasher", Counting())
    said = set()
    for login, password in (
        ("maya", "salah sama sekali"),
        ("tidak ada", "salah sama sekali"),
        ("\x00", ""),
        ("x" * 999, "x"),
    ):
        with pytest.raises(Unauthenticated) as caught:
            logins.log_in(lite.archive, login=login, password=password)
        said.add((caught.value.code, caught.value.detail, tuple(caught.value.params)))
    assert len(said) == 1
    monkeypatch.setattr(users, "REFUSED_AFTER_SECONDS", 0.15)
    for login in ("maya", "tidak ada"):
        begun = time.monotonic()
        refusal(logins.log_in, lite.archive, login=login, password="salah")
        assert time.monotonic() - begun >= 0.15, "whatever is written about it takes no other time"
    del verified[4:]
    assert len(verified) == 4 and len(set(verified)) == 1, "one verification each, under the same parameters"
