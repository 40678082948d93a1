"""Each day's last checkpoint mailed to auditors: kept outside of this system, it shows later that the log still contains it."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db import notices as rows
from archive_service.db.models import AssignmentRow, CheckpointRow
from archive_service.domain import permissions
from archive_service.services.actor import WIB, in_force, office_date
from archive_service.services.mail import PAUSES, MailDelayed, MailRefused, compose, deliver
from archive_service.services.vouchers import attested_note

SUBJECT = "Segel log {day} / Log checkpoint {day}: {origin}"
BODY = """Terlampir segel log terakhir tanggal {day}: {size} catatan audit.
Simpan berkas ini di luar sistem arsip, atau cetak halaman ini lalu tanda tangani. Kapan pun kemudian, di komputer sendiri:
  archive-service log verify {place} --key KUNCI --since {file}
membuktikan bahwa log masih memuat semua yang ada pada hari itu.

Attached: the last checkpoint of {day}, over {size} audit records.
Keep the file outside of the archive, or print this page and sign it. At any time later, on a computer of your own:
  archive-service log verify {place} --key KEY --since {file}
shows that the log still contains everything of that day.

{note}
SHA-256 {digest}

Nama / Name: ____________________   Tanggal / Date: ____________   Tanda tangan / Signature: ____________________
"""


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
    body = BODY.format(
        day=day,
        size=size,
        file=file,
        place=f"{settings.public_url}/log",
        note=data.decode(),
        digest=sha256(data).hexdigest(),
    )
    key = f"checkpoint-{day}-{sha256(address.encode()).hexdigest()[:16]}"
    subject = SUBJECT.format(day=day, origin=archive.log.origin)
    message = compose(settings, to=address, subject=subject, body=body, key=key, at=archive.timer())
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
