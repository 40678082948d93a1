"""Links that work once: to choose a new password, made by an administrator or mailed on request, and to verify a mail address.

Only hashes are kept. A link that goes by mail is made by the job that mails it, so that its secret never lies in the job table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import StreamWriter, open_streams, read_stream
from archive_service.db.models import OneTimeLinkRow, UserRow
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services import mail, notice_text, second_factor
from archive_service.services.actor import SETUP, Actor, event_actor
from archive_service.services.fields import clean_text, require_id
from archive_service.services.flags import tell_person
from archive_service.services.people import save_stream_rows
from archive_service.services.users import hash_secret, is_valid, make_secret, put_password

RESET = "reset"
RESET_MAIL = "reset_mail"
VERIFY = "verify"
BY_ADMINISTRATOR = timedelta(hours=24)
BY_MAIL = timedelta(hours=1)
TO_VERIFY = timedelta(days=3)
MAIL_EVERY = timedelta(minutes=5)
"""How often at most one log-in is mailed such a link."""
LINK_MADE = "reset_link_made"
"""The kind of notice to a person for whom an administrator made a link."""


@dataclass(frozen=True)
class OneTimeLink:
    """A link's secret, shown this once, and when it ends."""

    secret: str
    expires_at: datetime


def make_reset_link(archive: Archive, actor: Actor, *, user: str) -> OneTimeLink:
    """A link by which the holder chooses a new password for the log-in, for an administrator to hand over; those before end."""
    assignment = actor.require("people.manage")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        writer = open_streams(session, archive.log, [f"user:{user}"], acting=[actor.person])
        by = event_actor(session, actor, assignment)
        link, event_hash = _make_reset(session, archive, writer, by, user, RESET, "administrator", BY_ADMINISTRATOR)
        tell_person(archive, session, person=_person_of(session, user), kind=LINK_MADE, key=event_hash)
    return link


def rescue(archive: Archive, *, login: str) -> OneTimeLink:
    """A link for a log-in whose authenticator app goes with it: for who holds the server, when no administrator gets in any more."""
    login = clean_text("login", login, limit=100).lower()
    with archive.db.write() as session:
        user = session.execute(select(UserRow.id).where(UserRow.login == login)).scalar_one_or_none()
        if user is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        writer = open_streams(session, archive.log, [f"user:{user}"])
        second_factor.drop_totp(session, archive, writer, SETUP, user, "setup")
        link, event_hash = _make_reset(session, archive, writer, SETUP, user, RESET, "setup", BY_ADMINISTRATOR)
        tell_person(archive, session, person=_person_of(session, user), kind=LINK_MADE, key=event_hash)
    return link


def _person_of(session: Session, user: str) -> str:
    return session.execute(select(UserRow.person_id).where(UserRow.id == user)).scalar_one()


def _make_reset(
    session: Session,
    archive: Archive,
    writer: StreamWriter,
    by: dict[str, object],
    user: str,
    purpose: str,
    whose: str,
    length: timedelta,
) -> tuple[OneTimeLink, str]:
    link, link_id = _add(session, archive, user, purpose, length)
    payload = {"user": user, "link": link_id, "by": whose, "expires_at": format_time(link.expires_at)}
    return link, writer.append(f"user:{user}", "reset.made", by, payload).leaf_hash


def _add(
    session: Session, archive: Archive, user: str, purpose: str, length: timedelta, mail_event: str | None = None
) -> tuple[OneTimeLink, str]:
    """A new link in place of those of the same purpose."""
    session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == user, OneTimeLinkRow.purpose == purpose))
    secret, link_id, now = make_secret(archive), archive.log.make_id(), archive.timer()
    row = OneTimeLinkRow(
        secret_hash=hash_secret(secret),
        id=link_id,
        purpose=purpose,
        user_id=user,
        mail_event=mail_event,
        made_at=now,
        expires_at=now + length,
    )
    session.add(row)
    return OneTimeLink(secret, row.expires_at), link_id


def _dead() -> Conflict:
    return Conflict("link_dead", "This link was used, has expired or was replaced by a newer one. Ask for another.")


def _find(session: Session, archive: Archive, secret: str, purposes: tuple[str, ...]) -> OneTimeLinkRow:
    row = session.get(OneTimeLinkRow, hash_secret(secret))
    if row is None or row.purpose not in purposes or row.expires_at <= archive.timer():
        raise _dead()
    return row


def require_reset_link(archive: Archive, *, secret: str) -> str:
    """The log-in's name that a link sets the password of; Conflict ``link_dead`` for any other link."""
    with archive.db.read() as session:
        row = _find(session, archive, secret, (RESET, RESET_MAIL))
        return session.get_one(UserRow, row.user_id).login


def use_reset_link(archive: Archive, *, secret: str, password: str) -> None:
    """Set the password that the link's holder chose; every session of the log-in ends, and the link is used up.

    A second factor stays: whoever has only the mailbox does not get in.
    """
    with archive.db.read() as session:
        user = _find(session, archive, secret, (RESET, RESET_MAIL)).user_id
    with archive.db.write() as session:
        person = _person_of(session, user)
        writer = open_streams(session, archive.log, [f"user:{user}"], acting=[person])
        row = _find(session, archive, secret, (RESET, RESET_MAIL))
        by = event_actor(session, Actor(person, user, ()), None)
        writer.append(f"user:{user}", "reset.used", by, {"user": user, "link": row.id})
        put_password(session, archive, writer, by, user, password)
        session.execute(
            delete(OneTimeLinkRow).where(
                OneTimeLinkRow.user_id == user, OneTimeLinkRow.purpose.in_([RESET, RESET_MAIL])
            )
        )


# by mail ---------------------------------------------------------------------------------------------------------


def request_reset(archive: Archive, *, login: str) -> None:
    """Mail a link to the log-in's verified address, if there is such a log-in and address: nothing here tells which.

    A job is written for an unknown log-in, too, so that both take the same time; what was typed is not kept.
    """
    if archive.settings.smtp_host is None:
        raise Conflict("no_mail", "This service sends no mail. Ask the administrator for a link.")
    typed = login.strip().lower()[:100]
    with archive.db.write() as session:
        user = session.execute(select(UserRow.id).where(UserRow.login == typed)).scalar_one_or_none()
        _queue(session, archive, "mail_reset", user)


def request_verification(archive: Archive, actor: Actor) -> None:
    """Mail a link to one's own address that verifies it; Conflict where there is nothing to verify."""
    if archive.settings.smtp_host is None:
        raise Conflict("no_mail", "This service sends no mail. Ask the administrator for a link.")
    with archive.db.write() as session:
        row = session.get_one(UserRow, actor.user)
        if row.mail is None:
            raise InvalidInput("mail_missing", "Set a mail address first.", field="mail")
        if row.mail_verified_at is not None:
            raise Conflict("mail_verified", "Your mail address is verified already.")
        _queue(session, archive, "mail_verification", actor.user)


def _queue(session: Session, archive: Archive, name: str, user: str | None) -> None:
    key = f"{name}:{archive.log.make_id()}"
    jobs.enqueue(session, archive.log.make_id, archive.timer(), name, key=key, args={"user": user})


def mail_reset(archive: Archive, lease: jobs.Lease, *, user: str | None) -> None:
    """Make the link and mail it, where the log-in is there, valid, has a verified address and was not mailed one just now."""
    link, address = None, None
    with archive.db.write() as session:
        row = None if user is None else session.get(UserRow, user)
        if row is not None and row.mail is not None and row.mail_verified_at is not None:
            user = row.id
            writer = open_streams(session, archive.log, [f"user:{user}"])
            if is_valid(row, writer.moment) and not _is_recent(session, archive, user, RESET_MAIL):
                address = row.mail
                link, _ = _make_reset(session, archive, writer, SETUP, user, RESET_MAIL, "mail", BY_MAIL)
    if link is None or address is None or user is None:
        _finish(archive, lease)
        return
    _ = notice_text.translator(archive.settings.language)
    text = _("Somebody, probably you, asked for a new password for the document archive.")
    end = _("The link works once, within an hour. If it was not you, do nothing: your password stays as it is.")
    place = f"{archive.settings.public_url}/sandi-baru/{link.secret}"
    _send(archive, lease, address, _("A new password for the document archive"), [text, place, end], link, RESET_MAIL)


def mail_verification(archive: Archive, lease: jobs.Lease, *, user: str) -> None:
    """Make the link that verifies the log-in's address and mail it there, unless it is verified or was mailed just now."""
    link, address = None, None
    with archive.db.write() as session:
        row = session.get_one(UserRow, user)
        is_needed = row.mail is not None and row.mail_verified_at is None
        if is_needed and not _is_recent(session, archive, user, VERIFY):
            address = row.mail
            link, _ = _add(session, archive, user, VERIFY, TO_VERIFY, _mail_event(session, user))
    if link is None or address is None:
        _finish(archive, lease)
        return
    _ = notice_text.translator(archive.settings.language)
    text = _("Follow this link to say that this address is yours; then a forgotten password can be replaced by mail.")
    end = _("The link works for three days. If you do not know of this, do nothing.")
    place = f"{archive.settings.public_url}/surel/{link.secret}"
    _send(archive, lease, address, _("Is this your address?"), [text, place, end], link, VERIFY)


def _mail_event(session: Session, user: str) -> str:
    return [e.leaf_hash for e in read_stream(session, f"user:{user}") if e.type == "user.mail_set"][-1]


def _is_recent(session: Session, archive: Archive, user: str, purpose: str) -> bool:
    recent = select(OneTimeLinkRow.id).where(
        OneTimeLinkRow.user_id == user,
        OneTimeLinkRow.purpose == purpose,
        OneTimeLinkRow.made_at > archive.timer() - MAIL_EVERY,
    )
    return session.execute(recent).first() is not None


def _send(
    archive: Archive,
    lease: jobs.Lease,
    address: str,
    subject: str,
    paragraphs: list[str],
    link: OneTimeLink,
    purpose: str,
) -> None:
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
    body = "\n\n".join(paragraphs) + "\n"
    message = mail.compose(
        archive.settings,
        to=address,
        subject=subject,
        body=body,
        key=f"{purpose}-{lease.job_id}-{lease.attempts}",
        at=archive.timer(),
    )
    try:
        mail.deliver(archive.settings, message)
    except mail.MailRefused as exc:
        _forget(archive, link)
        raise jobs.AttemptFailed(str(exc), None) from exc
    except mail.MailDelayed as exc:
        _forget(archive, link)
        # whoever waits for it asks again: hours later it would only be odd
        pause = mail.PAUSES[lease.attempts - 1] if lease.attempts <= 2 else None
        raise jobs.AttemptFailed(f"mail_delayed: {exc}", pause) from exc
    _finish(archive, lease)


def _forget(archive: Archive, link: OneTimeLink) -> None:
    with archive.db.write() as session:
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.secret_hash == hash_secret(link.secret)))


def _finish(archive: Archive, lease: jobs.Lease) -> None:
    with archive.db.write() as session:
        jobs.finish(session, lease, archive.timer())


def require_verification_link(archive: Archive, *, secret: str) -> str:
    """The address that a link verifies; Conflict ``link_dead`` for any other link."""
    with archive.db.read() as session:
        row = _find(session, archive, secret, (VERIFY,))
        return session.get_one(UserRow, row.user_id).mail or ""


def verify_mail(archive: Archive, *, secret: str) -> None:
    """Record that whoever reads the address's mail followed the link; Conflict ``link_dead`` when the address was changed since."""
    with archive.db.read() as session:
        user = _find(session, archive, secret, (VERIFY,)).user_id
    with archive.db.write() as session:
        person = _person_of(session, user)
        stream = f"user:{user}"
        writer = open_streams(session, archive.log, [stream], acting=[person])
        row = _find(session, archive, secret, (VERIFY,))
        if row.mail_event is None or row.mail_event != _mail_event(session, user):
            raise _dead()
        by = event_actor(session, Actor(person, user, ()), None)
        writer.append(stream, "user.mail_verified", by, {"user": user, "mail": row.mail_event})
        save_stream_rows(session, archive, stream)
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == user, OneTimeLinkRow.purpose == VERIFY))
