"""Mail: what is urgent at once, the rest once a working day as the office opens; by SMTP, in jobs that try again.

A notice is mailed once. Only a worker that dies between the server's answer and its own commit mails it a second time, with the same
Message-ID, by which servers and readers know it again. Without ``ARCHIVE_SMTP_HOST`` there are no such jobs and nothing is missing:
the notices stand on the page.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.config import Settings
from archive_service.db import notices as rows
from archive_service.db import queries
from archive_service.db.models import DossierRow, NoticeRow, StepRunRow
from archive_service.errors import ArchiveError
from archive_service.services import notice_text
from archive_service.services.actor import assignments_in_force, office_date
from archive_service.services.notices import OF_RUNNING_STEP
from archive_service.services.reminders import office_calendar, office_hours

WAIT_SECONDS = 15
PAUSES = tuple(timedelta(seconds=s) for s in (30, 60, 300, 900, 3600, 10800))
"""Between the attempts at one mail: given up after some four hours, before the mail of the next day is due."""
WAITS_FOR = timedelta(days=30)
"""What could not be mailed for so long stays on the page alone."""
LISTED_LIMIT = 100
WAITING_AT_ONCE = 10_000

REFUSED = "address_refused"
NOT_TAKEN = "mail_refused"
GIVEN_UP = "mail_given_up"

LOG = structlog.get_logger("archive")


class MailRefused(Exception):
    """The server will never take this mail (5xx); ``code`` says whether for its address or for itself."""

    def __init__(self, code: str, answer: str) -> None:
        super().__init__(f"{code}: {answer}")
        self.code = code


class MailDelayed(Exception):
    """The server is away, or does not take this mail now: try again."""


def plan_digests(archive: Archive) -> int:
    """Queue the mail of the day for everyone for whom notices from before the office opened wait; how many were queued now.

    While the office is open on the calendar of the person's unit, and once a day: nothing on a closed day, nobody gets an empty one.
    """
    if archive.settings.smtp_host is None:
        return 0
    now = archive.log.clock()
    due: list[dict[str, Any]] = []
    with archive.db.read() as session:
        for person in rows.list_waiting_persons(session, now - WAITS_FOR, WAITING_AT_ONCE):
            try:
                digest = _find_digest(archive, session, person, now)
            except ArchiveError as exc:
                # one person's calendar must not keep the others' mail back
                LOG.error("digest.failed", person=person, code=exc.code, detail=exc.detail)
                continue
            if digest is not None:
                due.append(digest)
    planned = 0
    for args in due:
        key = f"digest:{args['person']}:{args['day']}"
        with archive.db.write() as session:
            planned += jobs.enqueue(session, archive.log.make_id, archive.timer(), "send_digest", key=key, args=args)
    return planned


def _find_digest(archive: Archive, session: Session, person: str, now: datetime) -> dict[str, Any] | None:
    """What goes into a person's mail of today; None while their office is closed, and when nothing waited as it opened."""
    held = assignments_in_force(session, person, now)
    unit = held[0].work_unit if held else queries.list_work_units(session, 1)[0]["work_unit"]
    hours = office_hours(office_calendar(archive, session, unit), now)
    if hours is None or not hours[0] <= now < hours[1]:
        return None
    waiting = session.execute(
        select(NoticeRow)
        .where(
            NoticeRow.person_id == person,
            NoticeRow.is_waiting,
            NoticeRow.created_at >= now - WAITS_FOR,
            NoticeRow.created_at < hours[0],
        )
        .order_by(NoticeRow.id)
    ).scalars()
    listed = [notice.id for notice in waiting.all() if _is_current(session, notice)]
    # the list is fixed here: one mail, whatever runs twice, and its Message-ID stands for one text
    return {"person": person, "day": office_date(hours[0]), "notices": listed} if listed else None


def _is_current(session: Session, notice: NoticeRow) -> bool:
    """Whether a notice is still news: what is said of a running step ends with the step, and with its being this person's."""
    if notice.kind not in OF_RUNNING_STEP:
        return True
    held = session.execute(
        select(StepRunRow.step)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .join(NoticeRow, rows.of_run())
        .where(NoticeRow.id == notice.id, rows.is_held())
    )
    return held.first() is not None


def send_mail(archive: Archive, lease: jobs.Lease, *, notice: str, dossier: str | None = None) -> None:
    """Mail one notice at once, unless it was mailed, is read, or is no news any more."""
    settings = archive.settings
    with archive.db.read() as session:
        row = session.get(NoticeRow, notice)
        is_due = row is not None and row.mailed_at is None and row.read_at is None and _is_current(session, row)
        if row is not None and is_due:
            facts = _facts(archive, session, row.person_id, [notice])
            address = rows.find_mail_address(session, row.person_id)
            name = queries.names_of(session, {row.person_id}).get(row.person_id)
    if row is None or not is_due or address is None or settings.smtp_host is None or not facts:
        _finish(archive, lease, [])
        return
    translate = notice_text.translator(settings.language)
    message = compose(
        settings,
        to=address,
        subject=notice_text.mail_subject(facts[0], translate),
        body=notice_text.mail_body(name, [(facts[0], link_of(settings, facts[0]))], settings.language, translate),
        key=f"notice-{notice}",
        at=archive.timer(),
    )
    _send(archive, lease, message, [notice])


def send_digest(archive: Archive, lease: jobs.Lease, *, person: str, day: str, notices: Sequence[str]) -> None:
    """Send somebody's mail of the day with these notices; those that were read or settled meanwhile are left out."""
    settings = archive.settings
    with archive.db.read() as session:
        found = session.execute(
            select(NoticeRow).where(NoticeRow.id.in_(notices), NoticeRow.is_waiting).order_by(NoticeRow.id)
        ).scalars()
        current = [row.id for row in found.all() if _is_current(session, row)]
        facts = _facts(archive, session, person, current[:LISTED_LIMIT])
        address = rows.find_mail_address(session, person)
        name = queries.names_of(session, {person}).get(person)
    if not facts or address is None or settings.smtp_host is None:
        _finish(archive, lease, [])
        return
    translate = notice_text.translator(settings.language)
    message = compose(
        settings,
        to=address,
        subject=notice_text.digest_subject(len(current), archive.log.clock(), settings.language, translate),
        body=notice_text.mail_body(
            name,
            [(each, link_of(settings, each)) for each in facts],
            settings.language,
            translate,
            left=len(current) - len(facts),
        ),
        key=f"digest-{day}-{person}",
        at=archive.timer(),
    )
    _send(archive, lease, message, current)


def _facts(archive: Archive, session: Session, person: str, notices: Sequence[str]) -> list[dict[str, Any]]:
    """What the mail says of these notices of a person."""
    found = rows.list_for_mail(session, person, notices)
    for row in found:
        sop = None if row["sop"] is None else archive.catalog.sop(session, row["sop"])
        has_step = sop is not None and row["step"] in sop.order
        row["activity"] = sop.step(row["step"]).activity if sop is not None and has_step else None
    return found


def link_of(settings: Settings, notice: dict[str, Any]) -> str:
    """The address that leads to what a notice is about: the very step, the dossier, or the list of notices."""
    if notice["dossier"] is None:
        return f"{settings.public_url}/notices"
    place = f"{settings.public_url}/dossiers/{notice['dossier']}"
    return place if notice["step"] is None else f"{place}/steps/{notice['step']}"


def compose(settings: Settings, *, to: str, subject: str, body: str, key: str, at: datetime) -> EmailMessage:
    """A mail in plain text; ``key`` makes its Message-ID, the same at every attempt."""
    host = urlsplit(settings.public_url or "").hostname or "archive.invalid"
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = settings.mail_from
    message["To"] = to
    # a line of its own would be a header of its own
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{key}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, charset="utf-8")
    # set_content takes away what was said of the content before
    message["Content-Language"] = settings.language
    return message


def _send(archive: Archive, lease: jobs.Lease, message: EmailMessage, notices: Sequence[str]) -> None:
    with archive.db.write() as session:
        # whoever has lost the lease sends nothing
        jobs.require_lease(session, lease)
    try:
        deliver(archive.settings, message)
    except MailRefused as exc:
        _give_up(archive, notices, exc.code)
        raise jobs.AttemptFailed(str(exc), None) from exc
    except MailDelayed as exc:
        if lease.attempts <= len(PAUSES):
            raise jobs.AttemptFailed(f"mail_delayed: {exc}", PAUSES[lease.attempts - 1]) from exc
        _give_up(archive, notices, GIVEN_UP)
        raise jobs.AttemptFailed(f"{GIVEN_UP}: {exc}", None) from exc
    _finish(archive, lease, notices)


def _finish(archive: Archive, lease: jobs.Lease, notices: Sequence[str]) -> None:
    with archive.db.write() as session:
        session.execute(
            update(NoticeRow)
            .where(NoticeRow.id.in_(notices))
            .values(mailed_at=archive.log.clock(), is_waiting=False, mail_error=None)
        )
        jobs.finish(session, lease, archive.timer())


def _give_up(archive: Archive, notices: Sequence[str], code: str) -> None:
    """Note at the notices why they were not mailed; what only the server's absence kept back goes with the next mail of the day."""
    with archive.db.write() as session:
        session.execute(
            update(NoticeRow)
            .where(NoticeRow.id.in_(notices), NoticeRow.mailed_at.is_(None))
            .values(mail_error=code, is_waiting=NoticeRow.read_at.is_(None) if code == GIVEN_UP else False)
        )


def deliver(settings: Settings, message: EmailMessage) -> None:
    """Hand a mail to the configured server; MailRefused for good, MailDelayed for now."""
    try:
        server = _connected(settings)
        try:
            server.send_message(message)
        except BaseException:
            server.close()
            raise
    except smtplib.SMTPRecipientsRefused as exc:
        code, answer = next(iter(exc.recipients.values()))
        if 500 <= code < 600:
            raise MailRefused(REFUSED, _said(code, answer)) from exc
        raise MailDelayed(_said(code, answer)) from exc
    except smtplib.SMTPDataError as exc:
        if 500 <= exc.smtp_code < 600:
            raise MailRefused(NOT_TAKEN, _said(exc.smtp_code, exc.smtp_error)) from exc
        raise MailDelayed(_said(exc.smtp_code, exc.smtp_error)) from exc
    except smtplib.SMTPResponseException as exc:
        # log-in, sender or greeting: what an operator sets right, so the mail waits
        raise MailDelayed(_said(exc.smtp_code, exc.smtp_error)) from exc
    except (smtplib.SMTPException, OSError) as exc:
        raise MailDelayed(f"{type(exc).__name__}: the mail could not be handed over") from exc
    # the mail is taken: what goes wrong in parting must not send it again
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _said(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"[:300]


def _connected(settings: Settings) -> smtplib.SMTP:
    host, name = str(settings.smtp_host), socket.gethostname()
    server: smtplib.SMTP
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        server = smtplib.SMTP_SSL(host, settings.smtp_port, name, timeout=WAIT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, settings.smtp_port, name, timeout=WAIT_SECONDS)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user is not None:
            server.login(settings.smtp_user, _password(settings))
    except BaseException:
        server.close()
        raise
    return server


def _password(settings: Settings) -> str:
    if settings.smtp_password_file is not None:
        return settings.smtp_password_file.read_text(encoding="utf-8").strip()
    return "" if settings.smtp_password is None else settings.smtp_password.get_secret_value()
