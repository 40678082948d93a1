"""Retention schedules: which one holds for a procedure, and until when what was sealed under one is kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.catalog import Definition
from archive_service.db.models import DefinitionRow, StatementRow
from archive_service.domain import canonical, retention
from archive_service.domain.retention import Schedule
from archive_service.errors import NotFound
from archive_service.services.actor import Actor


def find_schedule(archive: Archive, session: Session, sop: str, on: str) -> Definition | None:
    """The schedule that a seal of this SOP takes on that day: of each key the newest version in force; None when none covers it.

    An example covers nothing: nobody decreed what it says.
    """
    rows = session.execute(
        select(DefinitionRow.key, DefinitionRow.digest)
        .where(DefinitionRow.kind == retention.KIND)
        .order_by(DefinitionRow.key, DefinitionRow.version.desc())
    ).all()
    decided: set[str] = set()
    for key, digest in rows:
        schedule = archive.catalog.schedule(session, digest)
        if key in decided or schedule.effective_on > on:
            continue
        decided.add(key)
        if not schedule.is_example and schedule.covers(sop):
            return archive.catalog.get(session, digest)
    return None


def read_stated(archive: Archive, session: Session, digest: str | None, sop: str) -> dict[str, Any] | None:
    """What a statement says of retention by the schedule with this digest; None without one."""
    return None if digest is None else retention.stated(archive.catalog.schedule(session, digest), sop)


def find_kept_until(session: Session, dossier: str) -> str | None:
    """Until which day a sealed dossier's objects are kept by the schedule that its seal names; None without one."""
    data = session.execute(select(StatementRow.data).where(StatementRow.dossier_id == dossier)).scalar_one_or_none()
    return None if data is None else retention.kept_until(canonical.decode(data))


def list_schedules(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """Every version of every schedule, by key and the newest first, and which of the registered SOPs it covers not."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        rows = session.execute(
            select(DefinitionRow)
            .where(DefinitionRow.kind == retention.KIND)
            .order_by(DefinitionRow.key, DefinitionRow.version.desc())
        ).scalars()
        found = [(row, archive.catalog.schedule(session, row.digest)) for row in rows]
        sops = set(session.execute(select(DefinitionRow.key).where(DefinitionRow.kind == "sop")).scalars())
    newest: set[str] = set()
    listed = []
    for row, schedule in found:
        listed.append(
            {
                "key": row.key,
                "version": row.version,
                "digest": row.digest,
                "title": schedule.title,
                "institution": schedule.institution,
                "effective_on": schedule.effective_on,
                "is_example": schedule.is_example,
                "is_newest": row.key not in newest,
                "entries": len(schedule.entries),
                "uncovered": sorted(sop for sop in sops if not schedule.covers(sop)),
            }
        )
        newest.add(row.key)
    return listed


def read_schedule(archive: Archive, actor: Actor, *, digest: str) -> Schedule:
    """One version of a schedule."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        if archive.catalog.get(session, digest).kind != retention.KIND:
            raise NotFound("definition_unknown", "That definition is no retention schedule.")
        return archive.catalog.schedule(session, digest)
