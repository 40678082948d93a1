"""Mails through a real SMTP server: at once or once a day, taken, refused, put off, gone; and none at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from archive_service import jobs, runner
from archive_service.config import load_settings
from archive_service.db.event_log import read_openings, read_stream
from archive_service.db.models import JobRow, NoticeRow
from archive_service.db.paging import PageRequest
from archive_service.errors import Forbidden, InvalidInput, NotFound
from archive_service.services import audit, listing, mail, notices, reminders, users
from tests.certificates import make_certificate
from tests.mail_server import MailServer
from tests.office import PASSWORD, Office

URL = "https://arsip.polman.example"
FROM = "arsip@polman.example"
WHOLE = {"smtp_host": "smtp.example", "mail_from": FROM, "public_url": URL}


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def server(running: MailServer) -> MailServer:
    for path in running.folder.glob("*.eml"):
        path.unlink()
    running.answer()
    return running


@pytest.fixture
def office(lite: Office, server: MailServer) -> Office:
    """An office with mail, where everybody has an address."""
    settings = lite.archive.settings
    settings.smtp_host, settings.smtp_port, settings.smtp_security = "127.0.0.1", server.port, "none"
    settings.mail_from, settings.public_url = FROM, URL
    for login in ("ratna", "hendra", "sari", "bima", "maya"):
        actor = lite.actor(login)
        users.set_mail(lite.archive, actor, user=actor.user, mail=f"{login}@polman.example")
    return lite


def work_off(office: Office, after: timedelta = timedelta()) -> None:
    """Run the jobs that are due so long from now."""
    later = replace(office.archive, timer=lambda: datetime.now(UTC) + after)
    while runner.run_next_job(later):
        pass


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def mail_job(office: Office) -> JobRow:
    with office.archive.db.read() as session:
        return session.execute(select(JobRow).where(JobRow.name.in_(["send_mail", "send_digest"]))).scalars().one()


def notice_rows(office: Office) -> list[NoticeRow]:
    with office.archive.db.read() as session:
        return list(session.execute(select(NoticeRow).order_by(NoticeRow.created_at)).scalars())


def test_a_short_step_is_mailed_at_once_with_a_link_to_that_very_step(office: Office, server: MailServer) -> None:
    dossier = office.play("1")
    work_off(office)
    work_off(office)
    (message,) = server.mails()
    assert (message["To"], message["From"]) == ("ratna@polman.example", FROM)
    assert message["Subject"].startswith("Langkah 2 menjadi tugas Anda: ")
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "id")
    body = text_of(message)
    assert body.startswith("Yth. Ratna,\n") and f"  {URL}/dossiers/{dossier}/steps/2\n" in body
    assert "Pengukuran data kinerja triwulan I, Polman Babel" in body
    assert "  Sampai kapan: Jumat, 13 Maret 2026 09.35 WIB\n" in body
    (notice,) = [n for n in notice_rows(office) if n.step == "2"]
    assert message["Message-ID"] == f"<notice-{notice.id}@arsip.polman.example>" and notice.mailed_at is not None


def test_the_rest_goes_once_a_working_day_as_the_office_opens(office: Office, server: MailServer) -> None:
    office.play("3")
    work_off(office)
    assert server.mails() == [], "what was urgent is done already"
    # Sari got step 4 on Friday; nothing goes on Friday, on the weekend, and before the office opens on Monday
    for moment in ("2026-03-13T15:00", "2026-03-14T09:00", "2026-03-15T09:00", "2026-03-16T07:59"):
        office.at(moment)
        assert mail.plan_digests(office.archive) == 0, moment
    office.at("2026-03-16T08:00:30")
    assert [mail.plan_digests(office.archive) for _ in range(3)] == [1, 0, 0]
    work_off(office)
    assert mail.plan_digests(office.archive) == 0
    (message,) = server.mails()
    assert message["To"] == "sari@polman.example", "nobody else gets an empty one"
    assert message["Subject"] == "Pekerjaan Anda Senin, 16 Maret 2026: 1 pemberitahuan"
    assert "Langkah 4 menjadi tugas Anda: " in text_of(message) and "/steps/4\n" in text_of(message)
    office.at("2026-03-17T08:00:30")
    assert mail.plan_digests(office.archive) == 0


def test_no_digest_on_closed_days_and_the_overdue_in_that_of_the_next_working_day(
    office: Office, server: MailServer
) -> None:
    office.play("3")
    office.at("2026-03-17T12:31")
    reminders.sweep_reminders(office.archive)
    work_off(office)
    before = len(server.mails())
    for day in range(18, 25):
        office.at(f"2026-03-{day}T09:00")
        assert mail.plan_digests(office.archive) == 0, day
    office.at("2026-03-25T07:31")
    assert mail.plan_digests(office.archive) == 2
    work_off(office)
    texts = {message["To"]: text_of(message) for message in server.mails()[before:]}
    assert texts.keys() == {"sari@polman.example", "hendra@polman.example"}
    assert "Waktu baku langkah 4 sudah terlampaui" in texts["sari@polman.example"]
    assert "yang penjelasannya Anda tanggapi, sudah terlampaui" in texts["hendra@polman.example"]


def test_what_was_read_or_is_done_is_mailed_no_more(office: Office, server: MailServer) -> None:
    dossier = office.play("3")
    work_off(office)
    before = len(server.mails())
    notices.mark_read(office.archive, office.actor("sari"))
    office.at("2026-03-16T09:00")
    assert mail.plan_digests(office.archive) == 0
    office.submit(dossier, "sari", "4")
    office.submit(dossier, "sari", "5")
    office.at("2026-03-17T09:00")
    assert mail.plan_digests(office.archive) == 1, "Bima's step 6"
    office.submit(dossier, "bima", "6")
    work_off(office)
    assert len(server.mails()) == before, "it was done while its mail waited"


def test_a_refused_address_is_final_and_said_at_the_notice(office: Office, server: MailServer) -> None:
    server.answer(ratna="550 5.1.1 no such user here")
    office.at("2026-03-13T09:10")
    dossier = office.open()
    work_off(office)
    row = mail_job(office)
    assert (row.state, row.attempts) == (jobs.FAILED, 1)
    assert row.error == "address_refused: 550 5.1.1 no such user here"
    listed = listing.page_jobs(office.archive, office.actor("ratna"), dossier=dossier, page=PageRequest(50)).rows
    assert [(job["state"], job["error"]) for job in listed if job["name"] == "send_mail"] == [
        ("failed", "address_refused")
    ]
    (notice,) = notice_rows(office)
    assert (notice.mailed_at, notice.mail_error, notice.is_waiting) == (None, "address_refused", False)
    work_off(office, timedelta(days=1))
    office.at("2026-03-16T09:00")
    assert mail.plan_digests(office.archive) == 0 and server.mails() == []


def test_a_mail_that_is_put_off_is_sent_once_it_is_taken(office: Office, server: MailServer) -> None:
    server.answer(ratna="451 4.7.1 greylisted, come back")
    office.at("2026-03-13T09:10")
    office.open()
    work_off(office)
    row = mail_job(office)
    assert (row.state, row.error) == (jobs.READY, "mail_delayed: 451 4.7.1 greylisted, come back")
    work_off(office, timedelta(seconds=20))
    assert mail_job(office).attempts == 1, "not before its pause is over"
    server.answer()
    work_off(office, timedelta(seconds=40))
    work_off(office, timedelta(hours=1))
    assert mail_job(office).state == jobs.DONE and len(server.mails()) == 1


def test_a_refused_text_is_final_too(office: Office, server: MailServer) -> None:
    server.answer(data="554 5.7.1 looks like spam")
    office.at("2026-03-13T09:10")
    office.open()
    work_off(office)
    assert mail_job(office).state == jobs.FAILED and notice_rows(office)[0].mail_error == "mail_refused"


def test_a_server_that_stays_away_is_given_up_and_the_notice_goes_with_the_next_mail_of_the_day(
    office: Office, server: MailServer
) -> None:
    office.archive.settings.smtp_port = 1
    office.at("2026-03-13T09:10")
    office.open()
    for hours in range(12):
        work_off(office, timedelta(hours=hours))
    row = mail_job(office)
    assert (row.state, row.attempts) == (jobs.FAILED, len(mail.PAUSES) + 1)
    assert row.error is not None and row.error.startswith("mail_given_up: ConnectionRefusedError")
    (notice,) = notice_rows(office)
    assert notice.is_waiting and notice.mail_error == "mail_given_up"
    office.archive.settings.smtp_port = server.port
    office.at("2026-03-16T08:01")
    assert mail.plan_digests(office.archive) == 1
    work_off(office)
    assert len(server.mails()) == 1 and notice_rows(office)[0].mail_error is None


def test_a_worker_without_its_lease_sends_nothing(office: Office, server: MailServer) -> None:
    office.at("2026-03-13T09:10")
    office.open()
    with office.archive.db.write() as session:
        old = jobs.take(session, office.archive.log.make_id, datetime.now(UTC), length=timedelta(seconds=-1))
    assert old is not None and old.name == "send_mail"
    work_off(office)
    with pytest.raises(jobs.LeaseLost):
        mail.send_mail(office.archive, replace(old, token="0" * 32), **old.args)
    assert len(server.mails()) == 1


def test_a_worker_that_dies_after_the_servers_answer_sends_the_same_message_id_again(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.at("2026-03-13T09:10")
    office.open()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(mail, "_finish", die)
        work_off(office)
    work_off(office, timedelta(hours=1))
    first, second = server.mails()
    assert first["Message-ID"] == second["Message-ID"]


def test_nobody_without_an_address_holds_anything_up(office: Office, server: MailServer) -> None:
    actor = office.actor("ratna")
    users.set_mail(office.archive, actor, user=actor.user, mail=None)
    office.at("2026-03-13T09:10")
    office.open()
    work_off(office)
    assert mail_job(office).state == jobs.DONE and server.mails() == [] and notice_rows(office)[0].mailed_at is None


@pytest.mark.parametrize(
    "address",
    ["sari", "sari@polman", "a@b.example, c@d.example", "Sari <sari@polman.example>", "sari@polman.example\nBcc: x@y.example",
     "sari@polman.example\r\nBcc: x@y.example", "sa ri@polman.example", '"sari"@polman.example', "sári@polman.example"],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(lite: Office, address: str) -> None:
    actor = lite.actor("sari")
    with pytest.raises(InvalidInput) as caught:
        users.set_mail(lite.archive, actor, user=actor.user, mail=address)
    assert caught.value.code in ("mail_malformed", "text_control")


def test_a_subject_of_several_lines_stays_one_header(office: Office) -> None:
    message = mail.compose(
        office.archive.settings,
        to="sari@polman.example",
        subject="Langkah 4\r\nBcc: x@y.example",
        body="Isi\n",
        key="k",
        at=datetime.now(UTC),
    )
    assert message["Subject"] == "Langkah 4 Bcc: x@y.example" and message["Bcc"] is None


def test_an_address_is_in_the_log_as_a_commitment_and_the_former_one_is_erased(lite: Office) -> None:
    maya, admin = lite.actor("maya"), lite.actor("admin")
    users.set_mail(lite.archive, maya, user=maya.user, mail="maya@lama.example")
    users.set_mail(lite.archive, admin, user=maya.user, mail="maya@baru.example")
    users.set_mail(lite.archive, maya, user=maya.user, mail="maya@baru.example")
    with lite.archive.db.read() as session:
        events = [e for e in read_stream(session, f"user:{maya.user}") if e.type == "user.mail_set"]
        opened = read_openings(session, [e.leaf_hash for e in events])
    assert [e.payload["by"] for e in events] == ["self", "administrator"]
    assert b"lama.example" not in events[0].data
    assert [value for value, _ in opened.values()] == ["maya@baru.example"]
    users.set_mail(lite.archive, maya, user=maya.user, mail="")
    assert users.find_mail(lite.archive, maya) is None
    with pytest.raises(Forbidden):
        users.set_mail(lite.archive, maya, user=lite.actor("sari").user, mail="x@y.example")
    with pytest.raises(NotFound):
        users.set_mail(lite.archive, admin, user="0" * 32, mail=None)
    made = users.create_user(
        lite.archive, admin, person=maya.person, login="maya2", password=PASSWORD, mail="maya@dua.example"
    )
    assert users.find_mail(lite.archive, replace(maya, user=made)) == "maya@dua.example"
    assert audit.check_archive(lite.archive).discrepancies == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"smtp_host": "smtp.example"}, "needs ARCHIVE_MAIL_FROM, and ARCHIVE_PUBLIC_URL"),
        (
            {"smtp_host": "smtp.example", "mail_from": "Arsip <a@b.example>", "public_url": URL},
            "must be a plain address",
        ),
        ({"public_url": "arsip.example"}, "must be the address that people open"),
        ({"smtp_user": "arsip"}, "set together"),
        ({"smtp_user": "a", "smtp_password": "b", "smtp_password_file": "c"}, "set one of them"),
        ({"smtp_user": "a", "smtp_password": "b", "smtp_security": "none", "smtp_host": "h"}, "ARCHIVE_MAIL_FROM"),
        ({"smtp_user": "a", "smtp_password": "b", "smtp_security": "none", **WHOLE}, "in the clear"),
        ({"smtp_security": "ssl"}, "ARCHIVE_SMTP_SECURITY"),
    ],
)
def test_half_a_mail_setting_is_refused_at_start(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        load_settings(**settings)


def test_what_a_compose_file_leaves_empty_is_not_set() -> None:
    empty = load_settings(smtp_host="", smtp_user="", smtp_password="", mail_from="", public_url="")
    assert (empty.smtp_host, empty.smtp_password, empty.public_url) == (None, None, None)
    assert load_settings(public_url=f"{URL}/").public_url == URL


def test_starttls_and_log_in_and_no_password_to_a_server_with_another_certificate(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "password").write_text("rahasia\n")
    settings = office.archive.settings
    secured = MailServer(certificate=certificate, login="arsip:rahasia").start()
    try:
        settings.smtp_host, settings.smtp_port, settings.smtp_security = "localhost", secured.port, "starttls"
        settings.smtp_user, settings.smtp_password_file = "arsip", tmp_path / "password"
        office.at("2026-03-13T09:10")
        office.open()
        work_off(office)
        assert (mail_job(office).error or "").startswith("mail_delayed: SSLCertVerificationError")
        assert secured.mails() == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        work_off(office, timedelta(minutes=1))
        assert len(secured.mails()) == 1
        (tmp_path / "password").write_text("lain\n")
        message = mail.compose(settings, to="a@b.example", subject="x", body="x", key="k", at=datetime.now(UTC))
        with pytest.raises(mail.MailDelayed, match="535"):
            mail.deliver(settings, message)
    finally:
        secured.stop()


def test_mail_jobs_carry_ids_alone(office: Office) -> None:
    office.at("2026-03-13T09:10")
    dossier = office.open()
    assert json.loads(mail_job(office).args).keys() == {"notice", "dossier"}
    assert mail_job(office).dossier_id == dossier


def test_a_calendar_that_fails_for_one_keeps_no_others_mail_back(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.play("3")
    for login in ("sari", "bima"):
        with office.archive.db.write() as session:
            notices.notify(
                office.archive, session, person=office.persons[login], kind="decision_flagged", key=f"flag:{login}"
            )
    real = mail._find_digest

    def fail(archive: object, session: object, person: str, now: object) -> object:
        if person == office.persons["sari"]:
            raise NotFound("definition_unknown", "No calendar is registered.")
        return real(archive, session, person, now)  # type: ignore[arg-type]

    monkeypatch.setattr(mail, "_find_digest", fail)
    office.at("2026-03-16T08:01")
    assert mail.plan_digests(office.archive) == 1
    work_off(office)
    (message,) = server.mails()
    assert message["To"] == "bima@polman.example" and f"  {URL}/notices\n" in text_of(message)
    assert "Sebuah keputusan diberi tanda\n" in text_of(message)
