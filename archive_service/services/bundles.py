"""Bundles: plan frozen once, bytes built as often as needed, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.bundling.plan import BundledDocument, Evidence, make_plan, size_of_bundle
from archive_service.bundling.writer import write_bundle
from archive_service.db import queries
from archive_service.db.event_log import open_streams, read_events, read_openings, read_stream
from archive_service.db.models import BundleRow, EventRow, LocationRow, LogLeafRow, StatementRow
from archive_service.domain import merkle
from archive_service.domain.deviation import SOP_CHANGED
from archive_service.domain.event import Event, parse_event
from archive_service.errors import LogIntegrityError, NotFound
from archive_service.services.actor import RULES
from archive_service.services.attested import choose_checkpoint, gather_attested, is_worth_waiting
from archive_service.services.keys import log_keys_of, signers_of
from archive_service.services.log import covering_checkpoint, tile_reader
from archive_service.services.vouchers import attested_note

WAIT_SECONDS = 0.2
VOUCHERS_WAIT_SECONDS = 1.0
PROGRESS_EVERY = timedelta(seconds=2)
GIB = 1024**3


def build_bundle(archive: Archive, lease: jobs.Lease, *, dossier: str) -> None:
    """Build and store the bundle of a sealed dossier.

    Waits (NotYet) for the checkpoint that covers the seal; freezes the plan; writes the bytes; records ``bundle.stored``. Killed anywhere
    and run again it gives the same bytes and one event. A damaged document aborts it with the event ``bundle.failed``.
    """
    plan = _frozen_plan(archive, lease, dossier)
    key = f"bundles/{archive.log.make_id()}"
    try:
        with archive.store.begin(key, limit_bytes=size_of_bundle(plan)) as upload:
            last, size, written = archive.timer(), size_of_bundle(plan), 0
            for chunk in write_bundle(plan, lambda digest: open_object(archive, dossier, digest)):
                upload.append(chunk)
                written += len(chunk)
                last = _keep_lease(archive, lease, last, written * 100 // size)
            stored = upload.finish()
    except LogIntegrityError as exc:
        _record_failure(archive, lease, dossier, exc)
        raise
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
        row = session.get_one(BundleRow, dossier)
        if row.digest is None:
            plan_digest = sha256(plan).hexdigest()
            writer = open_streams(session, archive.log, [f"after:{dossier}"])
            writer.append(
                f"after:{dossier}",
                "bundle.stored",
                RULES,
                {"dossier": dossier, "digest": stored.digest_hex, "size": stored.size, "plan_digest": plan_digest},
            )
            row.digest, row.size, row.plan_digest = stored.digest_hex, stored.size, plan_digest
            session.add(
                LocationRow(
                    key=stored.key,
                    version_id=stored.version_id,
                    digest=stored.digest_hex,
                    dossier_id=dossier,
                    claimed_at=archive.timer(),
                )
            )
            now = archive.timer()
            jobs.enqueue(
                session,
                archive.log.make_id,
                now,
                "lock_object",
                key=f"lock:{stored.key}",
                args={"key": stored.key, "version_id": stored.version_id},
            )
        jobs.finish(session, lease, archive.timer())


def _keep_lease(archive: Archive, lease: jobs.Lease, last: datetime, progress: int) -> datetime:
    """Extend the lease well before it ends and tell how far the work is; LeaseLost stops a worker that was overtaken."""
    now = archive.timer()
    if now - last < min(lease.length / 4, PROGRESS_EVERY):
        return last
    with archive.db.write() as session:
        jobs.extend(session, lease, now, progress=min(progress, 99))
    return now


def open_object(archive: Archive, dossier: str, digest: str) -> Iterator[bytes]:
    """The stored bytes of a dossier's object in pieces; LogIntegrityError ``object_missing`` when it is gone."""
    with archive.db.read() as session:
        location = queries.find_location(session, dossier, digest)
    if location is None:
        raise LogIntegrityError("object_missing", f"The stored object {digest} is not known.", digest=digest)
    try:
        yield from archive.store.read(location.key, location.version_id)
    except NotFound as exc:
        raise LogIntegrityError("object_missing", f"The stored object {digest} is gone.", digest=digest) from exc


def _record_failure(archive: Archive, lease: jobs.Lease, dossier: str, error: LogIntegrityError) -> None:
    subject = error.params.get("digest")
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
        writer = open_streams(session, archive.log, [f"after:{dossier}"])
        writer.append(
            f"after:{dossier}",
            "bundle.failed",
            RULES,
            {"dossier": dossier, "code": error.code, "subject": subject if isinstance(subject, str) else None},
        )


def _frozen_plan(archive: Archive, lease: jobs.Lease, dossier: str) -> bytes:
    with archive.db.read() as session:
        row = session.get(BundleRow, dossier)
        if row is not None:
            return row.plan
        plan = make_plan(_gather(archive, session, dossier))
    with archive.db.write() as session:
        jobs.require_lease(session, lease)
        row = session.get(BundleRow, dossier)
        if row is None:
            session.add(BundleRow(dossier_id=dossier, plan=plan, frozen_at=archive.timer()))
            return plan
        return row.plan


def _gather(archive: Archive, session: Session, dossier: str) -> Evidence:
    events = read_stream(session, f"dossier:{dossier}")
    if not events or events[-1].type != "dossier.sealed":
        raise NotFound("not_sealed", "Only a sealed dossier has a bundle.")
    opened = events[0].payload
    persons = _persons(session, events)
    calendars = [e.payload["calendar"] for e in events if e.type == "calendar.adopted"]
    schedule = events[-1].payload["retention"]
    digests = [opened["sop"], opened["calendar"], *calendars, *([] if schedule is None else [schedule])]
    registrations = queries.find_registrations(session, digests)
    changes = [h for e in events if e.payload.get("code") == SOP_CHANGED for h in e.payload["evidence"]]
    registrations += [e.data for e in read_events(session, changes)]
    registrations += session.execute(
        select(EventRow.data).where(
            EventRow.stream == f"unit:{opened['work_unit']}", EventRow.type == "work_unit.created"
        )
    ).scalars()
    everything = events + [e for chain in persons.values() for e in chain] + [parse_event(d) for d in registrations]
    positions = _positions(session, [e.leaf_hash for e in everything])
    last = max(positions.values(), default=0)
    covering = covering_checkpoint(session, last)
    if covering is None or len(positions) < len({e.leaf_hash for e in everything}):
        raise jobs.NotYet(WAIT_SECONDS)
    if is_worth_waiting(archive, session, last, covering):
        raise jobs.NotYet(VOUCHERS_WAIT_SECONDS)
    checkpoint = choose_checkpoint(session, last, covering)
    attested = gather_attested(session, [positions[e.leaf_hash] for e in events], last, checkpoint)
    main = attested_note(session, checkpoint)
    vkeys = _vkeys(archive, [main, *(each.note for each in attested.values())])
    registrations = [data for data in registrations if _is_due(data, vkeys)]
    wanted = {e.leaf_hash for e in [*events, *(e for chain in persons.values() for e in chain)]}
    wanted.update(parse_event(data).leaf_hash for data in registrations)
    positions = {h: i for h, i in positions.items() if h in wanted}
    node = tile_reader(session)
    openings = read_openings(session, positions)
    return Evidence(
        origin=archive.log.origin,
        dossier=dossier,
        events=tuple(e.data for e in events),
        persons={person: tuple(e.data for e in chain) for person, chain in persons.items()},
        registrations=tuple(registrations),
        definitions={digest: archive.catalog.get(session, digest).data for digest in digests},
        statement=session.get_one(StatementRow, dossier).data,
        openings=dict(openings.items()),
        positions=positions,
        proofs={h: tuple(merkle.inclusion_proof(i, checkpoint.size, node)) for h, i in positions.items()},
        checkpoint=main,
        checkpoint_size=checkpoint.size,
        vkeys=vkeys,
        attested=attested,
        documents=tuple(
            BundledDocument(p["version"], p["digest"], int(p["crc32"], 16), p["size"], p["media_type"])
            for p in (e.payload for e in events if e.type == "document.received")
        ),
    )


def _vkeys(archive: Archive, notes: list[bytes]) -> tuple[str, ...]:
    """The key that signed the bundle's checkpoint (the newest), the receipts' key, and the log's keys before it that signed others."""
    newest, *former = signers_of(notes, log_keys_of(archive))
    first = signers_of(notes[:1], log_keys_of(archive))[0]
    if first != newest:
        newest, former = first, [newest, *(key for key in former if key != first)]
    return newest, archive.receipt_key.vkey, *reversed(former)


def _is_due(registration: bytes, vkeys: tuple[str, ...]) -> bool:
    """Whether an event that registered something belongs to a bundle with these keys."""
    event = parse_event(registration)
    if event.type == "key.registered":
        return event.payload["vkey"] in vkeys
    return event.type != "key.retired" or event.payload["successor"] in vkeys


def _persons(session: Session, events: list[Event]) -> dict[str, list[Event]]:
    """Each acting person's stream of authority, up to the newest head that an event of the dossier names."""
    heads: dict[str, set[str]] = {}
    for event in events:
        if event.person is not None:
            heads.setdefault(event.person, set()).add(str(event.actor["head"]))
    found: dict[str, list[Event]] = {}
    for person in sorted(heads):
        chain = read_stream(session, f"person:{person}")
        newest = max((e.seq for e in chain if e.leaf_hash in heads[person]), default=-1)
        found[person] = chain[: newest + 1]
    return found


def _positions(session: Session, leaf_hashes: list[str]) -> dict[str, int]:
    rows = session.execute(
        select(LogLeafRow.leaf_hash, LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash.in_(leaf_hashes))
    )
    return dict(rows.all())
