"""A work unit's stream under its lock: read what it tells, append, save the rows that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import StreamWriter, open_streams, read_stream
from archive_service.db.models import ObligationRow, UnitDeviationRow
from archive_service.db.projection import rows_of_unit, save_changes
from archive_service.domain import unit as units
from archive_service.domain.event import Event
from archive_service.domain.unit import Unit
from archive_service.errors import NotFound
from archive_service.services.actor import Actor, Assignment, event_actor


@dataclass
class UnitWork:
    """One transaction's hold on a work unit's stream."""

    archive: Archive
    session: Session
    writer: StreamWriter
    events: list[Event]
    unit: Unit

    def act(
        self,
        actor: Actor,
        assignment: Assignment,
        type: str,
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
    ) -> Event:
        """Append what a person did."""
        return self.append(type, event_actor(self.session, actor, assignment), payload, personal)

    def append(
        self,
        type: str,
        by: Mapping[str, Any],
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
    ) -> Event:
        """Append an event, take it into the unit, and save the rows that it changes."""
        before = rows_of_unit(self.events)
        event = self.writer.append(f"unit:{self.unit.id}", type, by, payload, personal=personal)
        self.unit.apply(event)
        self.events.append(event)
        extra = {"is_watched": True} if type == "obligation.set" else None
        save_changes(self.session, before, rows_of_unit(self.events), extra)
        return event


def hold_unit(archive: Archive, session: Session, work_unit: str, actor: Actor | None = None) -> UnitWork:
    """Lock a work unit's stream, and the authority of whoever acts on it; NotFound when there is no such unit."""
    writer = open_streams(session, archive.log, [f"unit:{work_unit}"], acting=[] if actor is None else [actor.person])
    events = read_unit_events(session, work_unit)
    return UnitWork(archive, session, writer, events, units.fold(events))


def read_unit_events(session: Session, work_unit: str) -> list[Event]:
    """The events of a work unit's stream; NotFound when there is none."""
    events = read_stream(session, f"unit:{work_unit}")
    if not events:
        raise NotFound("work_unit_unknown", "There is no such work unit.")
    return events


def look_again(session: Session, work_unit: str, year: int, quarter: int) -> None:
    """Have the obligations of a unit's quarter looked at again: the dossier that met one was cancelled."""
    session.execute(
        update(ObligationRow)
        .where(
            ObligationRow.work_unit_id == work_unit,
            ObligationRow.year == year,
            ObligationRow.quarter == quarter,
            ObligationRow.withdrawn_at.is_(None),
            ObligationRow.id.not_in(select(UnitDeviationRow.obligation_id)),
        )
        .values(is_watched=True)
    )
