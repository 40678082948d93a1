"""Each day's last checkpoint goes to the auditors, once, and is the log's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from archive_service.runner import run_next_job
from archive_service.services import checkpoint_mail, log, users
from archive_service.services.actor import office_date
from tests.mail_server import MailServer
from tests.office import Office, open_office


@pytest.fixture
def server() -> Iterator[MailServer]:
    running = MailServer().start()
    yield running
    running.stop()


@pytest.fixture
def office(tmp_path: Path, server: MailServer) -> Iterator[Office]:
    made = open_office(
        tmp_path / "var",
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_security="none",
        mail_from="arsip@polman.example",
        public_url="https://arsip.polman.example",
        checkpoint_mail_to="notaris@example.org, auditor@example.org",
    )
    while log.sequence_pending(made.archive):
        pass
    log.CheckpointSigner(made.archive).sign()
    yield made
    made.archive.db.close()


def sent(server: MailServer) -> list[EmailMessage]:
    files = sorted(server.folder.glob("*.eml"))
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    return [m for m in found if isinstance(m, EmailMessage)]


def test_the_days_checkpoint_is_mailed_once_to_each(office: Office, server: MailServer) -> None:
    assert checkpoint_mail.plan_checkpoint_mails(office.archive) == 0
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    office.archive = replace(office.archive, timer=lambda: tomorrow)
    assert checkpoint_mail.plan_checkpoint_mails(office.archive) == 2
    assert checkpoint_mail.plan_checkpoint_mails(office.archive) == 0
    while run_next_job(office.archive):
        pass
    mails = sent(server)
    assert {m["To"] for m in mails} == {"notaris@example.org", "auditor@example.org"}
    with office.archive.db.read() as session:
        data = log.newest_checkpoint(session)
    day = office_date(datetime.now(UTC))
    for mail in mails:
        attached = next(mail.iter_attachments())
        assert attached.get_content() == data and attached.get_filename() == f"checkpoint-{day}.txt"
        text = mail.get_body(("plain",))
        assert text is not None and f"--since checkpoint-{day}.txt" in text.get_content()


def test_auditors_are_among_them_when_it_is_set_and_nobody_is_without_a_mail_server(office: Office) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    archive = replace(office.archive, timer=lambda: tomorrow)
    settings = archive.settings.model_copy(update={"mail_checkpoints": True, "checkpoint_mail_to": None})
    assert checkpoint_mail.plan_checkpoint_mails(replace(archive, settings=settings)) == 0
    admin = office.actor("admin")
    users.set_mail(office.archive, admin, user=admin.user, mail="admin@polman.example")
    assert checkpoint_mail.plan_checkpoint_mails(replace(archive, settings=settings)) == 0
    none = archive.settings.model_copy(update={"smtp_host": None})
    assert checkpoint_mail.plan_checkpoint_mails(replace(archive, settings=none)) == 0
