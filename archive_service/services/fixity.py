"""Stored bytes against recorded digests; locks on what is claimed; unclaimed objects swept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import DossierRow, LocationRow
from archive_service.domain import states
from archive_service.domain.deviation import DOCUMENT_DAMAGED, DueDeviation
from archive_service.errors import ArchiveError, NotFound
from archive_service.services.actor import RULES, WIB
from archive_service.services.retention import find_kept_until
from archive_service.services.work import hold_dossier

UNCLAIMED_AFTER = timedelta(days=1)
CHECK_EVERY = timedelta(days=30)
LOCK_WHILE_OPEN = timedelta(days=30)
LISTED = 64
LOCKED_AT_ONCE = 1000


def _is_intact(archive: Archive, location: LocationRow) -> bool:
    seen = sha256()
    try:
        for chunk in archive.store.read(location.key, location.version_id):
            seen.update(chunk)
    except NotFound:
        return False
    return seen.hexdigest() == location.digest


def find_damaged(archive: Archive, dossier: str, digests: Collection[str]) -> set[str]:
    """The digests of a dossier's documents that any stored copy no longer hashes to, or that have none.

    Unavailable when the store does not answer.
    """
    with archive.db.read() as session:
        rows = session.execute(
            select(LocationRow).where(LocationRow.dossier_id == dossier, LocationRow.digest.in_(list(digests)))
        ).scalars()
        locations = rows.all()
    damaged = {row.digest for row in locations if not _is_intact(archive, row)}
    return damaged | (set(digests) - {row.digest for row in locations})


def find_damaged_objects(archive: Archive, tick: Callable[[], None]) -> tuple[int, list[str]]:
    """How many claimed objects there are, and the keys of those whose bytes are gone or changed; ``tick`` is called before each."""
    with archive.db.read() as session:
        locations = session.execute(select(LocationRow).order_by(LocationRow.key)).scalars().all()
    damaged = []
    for row in locations:
        tick()
        if not _is_intact(archive, row):
            damaged.append(row.key)
    return len(locations), damaged


def lock_object(archive: Archive, lease: jobs.Lease, *, key: str, version_id: str) -> None:
    """Lock a claimed object for the time that dossiers stay open, or for the years of the schedule that its dossier's seal names.

    Running it again extends the lock; a store never shortens one.
    """
    until = archive.timer() + LOCK_WHILE_OPEN
    with archive.db.read() as session:
        row = session.get(LocationRow, (key, version_id))
        kept_until = None if row is None else find_kept_until(session, row.dossier_id)
    if kept_until is not None:
        # to the end of that day in the office's zone
        last = datetime.fromisoformat(kept_until).replace(tzinfo=UTC) + timedelta(days=1) - WIB
        until = max(until, last)
    archive.store.lock(key, version_id, until)
    with archive.db.write() as session:
        session.execute(
            update(LocationRow)
            .where(LocationRow.key == key, LocationRow.version_id == version_id)
            .values(locked_at=archive.timer())
        )
        jobs.finish(session, lease, archive.timer())


def enqueue_kept_locks(archive: Archive, session: Session, dossier: str) -> None:
    """Queue the lock of every object of a dossier that is sealed in this transaction under a retention schedule."""
    rows = session.execute(
        select(LocationRow.key, LocationRow.version_id)
        .where(LocationRow.dossier_id == dossier)
        .order_by(LocationRow.key)
    )
    for key, version_id in rows.all():
        jobs.enqueue(
            session,
            archive.log.make_id,
            archive.timer(),
            "lock_object",
            key=f"lock:{key}:sealed",
            args={"key": key, "version_id": version_id},
        )


def check_fixity(archive: Archive, lease: jobs.Lease, *, dossier: str) -> None:
    """Hash every object of a dossier again and record the result; a damaged document of an open dossier is a deviation."""
    with archive.db.read() as session:
        rows = session.execute(select(LocationRow).where(LocationRow.dossier_id == dossier)).scalars().all()
    try:
        failed = sorted({row.digest for row in rows if not _is_intact(archive, row)})
        result = "damaged" if failed else "intact"
    except ArchiveError:
        failed, result = [], "unreadable"
    # an event lists at most so many, and a deviation must follow from what is listed; the rest follow when these are mended
    facts_failed = failed[:LISTED]
    facts = {"dossier": dossier, "result": result, "documents": len(rows), "failed": facts_failed}
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
        status = session.execute(select(DossierRow.status).where(DossierRow.id == dossier)).scalar_one()
        if status == states.OPEN:
            work = hold_dossier(archive, session, dossier)
            if work.dossier.status != states.OPEN:
                # it was sealed while this waited for the lock: nothing may follow the seal in this stream
                raise jobs.NotYet(1)
            event = work.append("fixity.checked", RULES, facts)
            for version in work.dossier.versions:
                if version.digest in facts_failed and version.withdrawn_at is None:
                    run = work.dossier.find_run(version.step, version.iteration)
                    if run is None:
                        # an attachment of a deviation without a step, whose place is a step that was skipped
                        continue
                    work.record(
                        DueDeviation(
                            DOCUMENT_DAMAGED,
                            version.step,
                            version.iteration,
                            version.digest,
                            run.role,
                            run.responsible,
                            (event.leaf_hash,),
                        )
                    )
        else:
            writer = open_streams(session, archive.log, [f"after:{dossier}"])
            writer.append(f"after:{dossier}", "fixity.checked", RULES, facts)
        session.execute(update(LocationRow).where(LocationRow.dossier_id == dossier).values(checked_at=archive.timer()))
        jobs.finish(session, lease, archive.timer())


def plan_fixity(archive: Archive) -> int:
    """Queue a check for each dossier whose oldest check is due; how many were queued. The checks spread as the uploads did."""
    now = archive.timer()
    edge = now - CHECK_EVERY
    with archive.db.write() as session:
        due = session.execute(
            select(LocationRow.dossier_id)
            .where(
                ((LocationRow.checked_at.is_(None)) & (LocationRow.claimed_at < edge)) | (LocationRow.checked_at < edge)
            )
            .distinct()
            .order_by(LocationRow.dossier_id)
        ).scalars()
        day = now.strftime("%Y-%m-%d")
        return sum(
            jobs.enqueue(
                session,
                archive.log.make_id,
                now,
                "check_fixity",
                key=f"fixity:{dossier}:{day}",
                args={"dossier": dossier},
            )
            for dossier in due.all()
        )


def plan_locks(archive: Archive) -> int:
    """Queue the next lock of every claimed object whose last one is half over; how many were queued.

    Locks are short and rolling: what keeps an object is that the service goes on saying so, and an archive that is given up does not bind
    its store for ever.
    """
    now = archive.timer()
    with archive.db.write() as session:
        due = session.execute(
            select(LocationRow.key, LocationRow.version_id, LocationRow.locked_at)
            .where(LocationRow.locked_at < now - LOCK_WHILE_OPEN / 2)
            .order_by(LocationRow.key)
            .limit(LOCKED_AT_ONCE)
        ).all()
        return sum(
            jobs.enqueue(
                session,
                archive.log.make_id,
                now,
                "lock_object",
                key=f"lock:{row.key}:{row.locked_at:%Y-%m-%d}",
                args={"key": row.key, "version_id": row.version_id},
            )
            for row in due
        )


def sweep_unclaimed(archive: Archive) -> int:
    """Delete what no row claims after a day, a crash having come between upload and claim, or in the middle; how many there were."""
    edge = archive.timer() - UNCLAIMED_AFTER
    swept = archive.store.sweep_incoming(edge)
    for prefix in ("objects/", "bundles/"):
        for stored in list(archive.store.list_objects(prefix)):
            if stored.modified_at >= edge:
                continue
            with archive.db.read() as session:
                is_claimed = session.get(LocationRow, (stored.key, stored.version_id)) is not None
            if not is_claimed:
                archive.store.delete(stored.key, stored.version_id)
                swept += 1
    return swept
