"""Links that work once: an administrator's, by mail through a real SMTP server, and those that verify an address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from archive_service import runner
from archive_service.db.event_log import read_stream
from archive_service.db.models import JobRow, OneTimeLinkRow
from archive_service.errors import ArchiveError
from archive_service.services import audit, logins, notices, resets, sessions, users
from tests.mail_server import MailServer
from tests.office import PASSWORD, Office

NEW = "kata sandi yang baru"
URL = "https://arsip.polman.example"


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def server(running: MailServer, lite: Office) -> MailServer:
    for path in running.folder.glob("*.eml"):
        path.unlink()
    running.answer()
    settings = lite.archive.settings
    settings.smtp_host, settings.smtp_port, settings.smtp_security = "127.0.0.1", running.port, "none"
    settings.mail_from, settings.public_url = "arsip@polman.example", URL
    return running


def later(office: Office, after: timedelta) -> Any:
    return replace(office.archive, timer=lambda: datetime.now(UTC) + after)


def work_off(office: Office, after: timedelta = timedelta()) -> None:
    while runner.run_next_job(later(office, after)):
        pass


def secret_in(server: MailServer, path: str) -> str:
    """The secret of the link in the newest mail."""
    text = str(server.mails()[-1].get_content()).replace("\r\n", "\n")
    found = re.search(rf"^{URL}/{path}/([\w-]{{43}})$", text, re.M)
    assert found is not None, text
    return found[1]


def refusal(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ArchiveError) as caught:
        call(*args, **kwargs)
    return caught.value.code


def types_of(office: Office, login: str) -> list[str]:
    with office.archive.db.read() as session:
        return [e.type for e in read_stream(session, f"user:{office.actor(login).user}")]


def test_an_administrators_link_sets_a_password_once_and_ends_every_session(office: Office) -> None:
    archive, admin, maya = office.archive, office.actor("admin"), office.actor("maya")
    cookie = logins.log_in(archive, login="maya", password=PASSWORD).cookie or ""
    assert refusal(resets.make_reset_link, archive, office.actor("sari"), user=maya.user) == "role_forbidden"
    assert refusal(resets.make_reset_link, archive, admin, user="0" * 32) == "user_unknown"
    first = resets.make_reset_link(archive, admin, user=maya.user)
    link = resets.make_reset_link(archive, admin, user=maya.user)
    assert refusal(resets.require_reset_link, archive, secret=first.secret) == "link_dead", "replaced"
    assert resets.require_reset_link(archive, secret=link.secret) == "maya"
    assert sessions.find_session_actor(archive, cookie) is not None, "made is not used"
    assert refusal(resets.use_reset_link, archive, secret=link.secret, password="pendek") == "password_length"
    resets.use_reset_link(archive, secret=link.secret, password=NEW)
    assert sessions.find_session_actor(archive, cookie) is None
    assert refusal(resets.use_reset_link, archive, secret=link.secret, password=NEW) == "link_dead"
    assert refusal(resets.verify_mail, archive, secret=link.secret) == "link_dead"
    assert logins.log_in(archive, login="maya", password=NEW).cookie and not users.is_password_due(archive, maya.user)
    wanted = ["reset.made", "reset.made", "reset.used", "user.password_set", "session.ended", "session.started"]
    assert types_of(office, "maya")[-6:] == wanted
    assert "reset_link_made" in {n["kind"] for n in notices.list_notices(archive, maya)}
    assert audit.check_archive(archive).discrepancies == []


def test_a_link_ends_with_its_day(lite: Office) -> None:
    maya = lite.actor("maya")
    link = resets.make_reset_link(lite.archive, lite.actor("admin"), user=maya.user)
    with lite.archive.db.read() as session:
        assert session.execute(select(OneTimeLinkRow.secret_hash)).scalar_one() != link.secret
    tomorrow = later(lite, timedelta(hours=24, seconds=1))
    assert refusal(resets.use_reset_link, tomorrow, secret=link.secret, password=NEW) == "link_dead"
    assert logins.sweep_logins(tomorrow) == 1


def test_a_decision_after_an_administrators_link_is_flagged(lite: Office) -> None:
    dossier = lite.play("6")
    link = resets.make_reset_link(lite.archive, lite.actor("admin"), user=lite.actor("sari").user)
    resets.use_reset_link(lite.archive, secret=link.secret, password=NEW)
    lite.decide(dossier, "sari", "7", "approve")
    with lite.archive.db.read() as session:
        flagged = [
            e.payload["reasons"] for e in read_stream(session, f"dossier:{dossier}") if e.type == "decision.flagged"
        ]
    assert flagged == [["password_reset"]]


def test_the_server_rescues_a_log_in_that_nobody_gets_into(lite: Office) -> None:
    assert refusal(resets.rescue, lite.archive, login="tidak ada") == "user_unknown"
    link = resets.rescue(lite.archive, login="Admin")
    resets.use_reset_link(lite.archive, secret=link.secret, password=NEW)
    assert logins.log_in(lite.archive, login="admin", password=NEW).cookie


def test_an_address_is_verified_by_a_link_that_was_mailed_there(lite: Office, server: MailServer) -> None:
    archive, maya = lite.archive, lite.actor("maya")
    assert refusal(resets.request_verification, archive, maya) == "mail_missing"
    users.set_mail(archive, maya, user=maya.user, mail="maya@polman.example")
    resets.request_verification(archive, maya)
    work_off(lite)
    old = secret_in(server, "surel")
    resets.request_verification(archive, maya)
    work_off(lite)
    assert len(server.mails()) == 1, "not twice within five minutes"
    users.set_mail(archive, maya, user=maya.user, mail="maya@baru.example")
    assert refusal(resets.verify_mail, archive, secret=old) == "link_dead", "it was mailed to the former address"
    resets.request_verification(archive, maya)
    work_off(lite)
    secret = secret_in(server, "surel")
    assert server.mails()[-1]["To"] == "maya@baru.example"
    assert resets.require_verification_link(archive, secret=secret) == "maya@baru.example"
    resets.verify_mail(archive, secret=secret)
    assert refusal(resets.verify_mail, archive, secret=secret) == "link_dead"
    assert refusal(resets.request_verification, archive, maya) == "mail_verified"
    assert audit.check_archive(archive).discrepancies == []


def verify(office: Office, server: MailServer, login: str) -> None:
    actor = office.actor(login)
    users.set_mail(office.archive, actor, user=actor.user, mail=f"{login}@polman.example")
    resets.request_verification(office.archive, actor)
    work_off(office)
    resets.verify_mail(office.archive, secret=secret_in(server, "surel"))


def test_a_forgotten_password_is_replaced_by_mail_for_a_verified_address_alone(
    lite: Office, server: MailServer
) -> None:
    archive, sari = lite.archive, lite.actor("sari")
    verify(lite, server, "maya")
    users.set_mail(archive, sari, user=sari.user, mail="sari@polman.example")
    with archive.db.read() as session:
        before = len(session.execute(select(JobRow.id)).all())
    for login in ("maya", "sari", "wahyu", "tidak ada", "\x00" * 200):
        resets.request_reset(archive, login=login)
    with archive.db.read() as session:
        jobs = session.execute(select(JobRow.args).where(JobRow.name == "mail_reset")).scalars().all()
        assert len(session.execute(select(JobRow.id)).all()) == before + 5, "as much work for a name that is not there"
    assert "tidak" not in " ".join(jobs), "what was typed is not kept"
    work_off(lite)
    assert [m["To"] for m in server.mails()] == ["maya@polman.example", "maya@polman.example"]
    secret = secret_in(server, "sandi-baru")
    with archive.db.read() as session:
        assert secret not in " ".join(session.execute(select(JobRow.args)).scalars())
    cookie = logins.log_in(archive, login="maya", password=PASSWORD).cookie or ""
    resets.use_reset_link(archive, secret=secret, password=NEW)
    assert sessions.find_session_actor(archive, cookie) is None
    assert logins.log_in(archive, login="maya", password=NEW).cookie


def test_a_server_that_is_away_is_tried_again_and_given_up_soon(lite: Office, server: MailServer) -> None:
    verify(lite, server, "maya")
    server.answer(data="451 later")
    resets.request_reset(lite.archive, login="maya")
    for minutes in (0, 1, 3, 10):
        work_off(lite, timedelta(minutes=minutes))
    with lite.archive.db.read() as session:
        job = session.execute(select(JobRow).where(JobRow.name == "mail_reset")).scalar_one()
        assert (job.state, job.attempts) == ("failed", 3)
        assert session.execute(select(OneTimeLinkRow)).first() is None, "what was not mailed is no link"
    server.answer(maya="550 no such user")
    resets.request_reset(lite.archive, login="maya")
    work_off(lite)
    server.answer()
    lite.archive.settings.smtp_host = None
    assert refusal(resets.request_reset, lite.archive, login="maya") == "no_mail"
    assert refusal(resets.request_verification, lite.archive, lite.actor("sari")) == "no_mail"


def test_a_reset_ends_the_tokens_of_whoever_had_the_log_in_and_an_own_change_does_not(lite: Office) -> None:
    sari, admin = lite.actor("sari"), lite.actor("admin")

    def token() -> str:
        return users.create_token(lite.archive, lite.actor("sari"), name="skrip", days=7).secret

    mine = token()
    users.set_password(lite.archive, sari, user=sari.user, password=NEW)
    assert users.find_token_actor(lite.archive, mine).person == sari.person
    users.set_password(lite.archive, admin, user=sari.user, password=NEW + "!")
    assert refusal(users.find_token_actor, lite.archive, mine) == "token_refused"
    another = token()
    link = resets.make_reset_link(lite.archive, admin, user=sari.user)
    assert users.find_token_actor(lite.archive, another).person == sari.person, "a link alone ends nothing"
    resets.use_reset_link(lite.archive, secret=link.secret, password=NEW)
    assert refusal(users.find_token_actor, lite.archive, another) == "token_refused"
    assert types_of(lite, "sari").count("token.revoked") == 2


def test_of_two_who_use_one_link_at_once_one_sets_the_password(office: Office) -> None:
    sari = office.actor("sari")
    link = resets.make_reset_link(office.archive, office.actor("admin"), user=sari.user)

    def use(number: int) -> str:
        try:
            resets.use_reset_link(office.archive, secret=link.secret, password=f"{NEW} {number}")
        except ArchiveError as exc:
            return exc.code
        return "set"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == ["link_dead"] * 3 + ["set"]
    assert types_of(office, "sari").count("reset.used") == 1
