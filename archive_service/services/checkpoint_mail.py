"""Each day's last checkpoint mailed to auditors: kept outside of this system, it shows later that the log still contains it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db import notices as rows
from archive_service.db.models import AssignmentRow, CheckpointRow
from archive_service.domain import permissions
from archive_service.services import notice_text
from archive_service.services.actor import WIB, in_force, office_date
from archive_service.services.mail import PAUSES, MailDelayed, MailRefused, compose, deliver
from archive_service.services.vouchers import attested_note

LANGUAGES = ("id", "en")
"""An auditor from outside may read either: the mail and the page to sign are in both."""


def _words(language: str, facts: Mapping[str, object]) -> tuple[str, str, list[str]]:
    """In one language: the subject's beginning, the paragraph, and the words beside the lines to sign on."""
    _ = notice_text.translator(language)
    paragraph = [
        _("Attached: the last checkpoint of %(day)s, over %(size)s audit records.") % facts,
        _(
            "Keep the file outside of the archive, or print this page and sign it. At any time later, on a computer of your own:"
        ),
        f"  archive-service log verify {facts['place']} --key {_('KEY')} --since {facts['file']}",
        _("shows that the log still contains everything of that day."),
    ]
    return _("Log checkpoint %(day)s") % facts, "\n".join(paragraph), [_("Name"), _("Date"), _("Signature")]


def _page(facts: Mapping[str, object], note: str, digest: str) -> tuple[str, str]:
    """The mail's subject without the log's name, and its text: a page to print and sign."""
    subjects, paragraphs, labels = zip(*(_words(language, facts) for language in LANGUAGES), strict=True)
    lines = "   ".join(f"{' / '.join(words)}: ____________________" for words in zip(*labels, strict=True))
    return " / ".join(subjects), "\n\n".join([*paragraphs, f"{note}\nSHA-256 {digest}", f"{lines}\n"])


def plan_checkpoint_mails(archive: Archive) -> int:
    """Enqueue the mails of the last day before today that has a checkpoint; how many. Nobody is mailed twice for a day."""
    settings = archive.settings
    if settings.smtp_host is None or not (settings.mail_checkpoints or settings.checkpoint_receivers):
        return 0
    now, count = archive.timer(), 0
    with archive.db.write() as session:
        row = _last_before_today(session, now)
        if row is None:
            return 0
        day = office_date(row.signed_at)
        for address in _receivers(archive, session):
            # an address is personal data: the job's key holds its digest
            key = f"checkpoint-mail:{day}:{sha256(address.encode()).hexdigest()[:32]}"
            args = {"address": address, "size": row.size}
            count += jobs.enqueue(session, archive.log.make_id, now, "send_checkpoint", key=key, args=args)
    return count


def _last_before_today(session: Session, now: datetime) -> CheckpointRow | None:
    local = now + WIB
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) - WIB
    return session.execute(
        select(CheckpointRow)
        .where(CheckpointRow.signed_at < midnight, CheckpointRow.signed_at >= midnight - timedelta(days=7))
        .order_by(CheckpointRow.size.desc())
        .limit(1)
    ).scalar_one_or_none()


def _receivers(archive: Archive, session: Session) -> list[str]:
    found = set(archive.settings.checkpoint_receivers)
    if archive.settings.mail_checkpoints:
        auditors = select(AssignmentRow.person_id).where(
            AssignmentRow.role == permissions.AUDITOR, *in_force(archive.log.clock())
        )
        for person in session.execute(auditors.distinct()).scalars():
            address = rows.find_mail_address(session, person)
            if address is not None:
                found.add(address)
    return sorted(found)


def send_checkpoint(archive: Archive, lease: jobs.Lease, *, address: str, size: int) -> None:
    """Mail a checkpoint as an attachment, with a page to print and sign."""
    settings = archive.settings
    with archive.db.write() as session:
        # whoever has lost the lease sends nothing
        jobs.require_lease(session, lease)
        row = session.get_one(CheckpointRow, size)
        data, day = attested_note(session, row), office_date(row.signed_at)
    file = f"checkpoint-{day}.txt"
    facts = {"day": day, "size": size, "file": file, "place": f"{settings.public_url}/log"}
    subject, body = _page(facts, data.decode(), sha256(data).hexdigest())
    key = f"checkpoint-{day}-{sha256(address.encode()).hexdigest()[:16]}"
    message = compose(
        settings, to=address, subject=f"{subject}: {archive.log.origin}", body=body, key=key, at=archive.timer()
    )
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=file)
    try:
        deliver(settings, message)
    except MailRefused as exc:
        raise jobs.AttemptFailed(str(exc), None) from exc
    except MailDelayed as exc:
        pause = PAUSES[lease.attempts - 1] if lease.attempts <= len(PAUSES) else None
        raise jobs.AttemptFailed(f"mail_delayed: {exc}", pause) from exc
    with archive.db.write() as session:
        jobs.finish(session, lease, archive.timer())
