"""Definitions enter the archive: registered once, each version by an event, never changed."""

from __future__ import annotations

from typing import Any

import tomli_w
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.catalog import Definition, list_placeholders, seed_definitions
from archive_service.db.event_log import StreamWriter, open_streams
from archive_service.db.models import DefinitionRow
from archive_service.domain import canonical
from archive_service.domain.sop import Sop, parse_sop
from archive_service.errors import Conflict, InvalidDefinition
from archive_service.services.actor import SETUP, Actor, event_actor


def register_definition(archive: Archive, actor: Actor, *, definition: Definition) -> None:
    """Keep a new version of an SOP, calendar or retention schedule. The same bytes again change nothing.

    Conflict when that version exists with other bytes, InvalidDefinition while a draft's placeholders are not filled in.
    """
    assignment = actor.require("definition.manage")
    require_filled_in(definition)
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, ["service"], acting=[actor.person])
        is_new = _register(session, writer, event_actor(session, actor, assignment), definition)
        if is_new and definition.kind == "sop":
            jobs.enqueue(
                session,
                archive.log.make_id,
                archive.timer(),
                "note_sop_change",
                key=f"sop:{definition.digest}",
                args={"digest": definition.digest},
            )


def seed(archive: Archive, session: Session, writer: StreamWriter) -> None:
    """Register the definitions that the package ships and that the archive does not have yet."""
    for definition in seed_definitions():
        _register(session, writer, SETUP, definition)


def _register(session: Session, writer: StreamWriter, actor: dict[str, Any], definition: Definition) -> bool:
    previous = session.execute(
        select(DefinitionRow.digest)
        .where(DefinitionRow.kind == definition.kind, DefinitionRow.key == definition.key)
        .order_by(DefinitionRow.version.desc())
        .limit(1)
    ).scalar_one_or_none()
    return append_definition(session, writer, actor, definition, previous=previous, reason=None)


def append_definition(
    session: Session,
    writer: StreamWriter,
    actor: dict[str, Any],
    definition: Definition,
    *,
    previous: str | None,
    reason: str | None,
) -> bool:
    """Write a version into the service's stream, which the writer holds, and its row; False for bytes that it has already."""
    known = session.execute(
        select(DefinitionRow.digest).where(
            DefinitionRow.kind == definition.kind,
            DefinitionRow.key == definition.key,
            DefinitionRow.version == definition.version,
        )
    ).scalar_one_or_none()
    if known == definition.digest:
        return False
    if known is not None:
        raise Conflict(
            "version_exists",
            f"Version {definition.version} of {definition.key} is registered with other content; give the change a new version.",
        )
    event = writer.append(
        "service",
        "definition.registered",
        actor,
        {
            "definition_kind": definition.kind,
            "key": definition.key,
            "version": definition.version,
            "digest": definition.digest,
            "size": len(definition.data),
            "previous": previous,
        },
        personal={"reason": reason},
    )
    session.add(
        DefinitionRow(
            digest=definition.digest,
            kind=definition.kind,
            key=definition.key,
            version=definition.version,
            data=definition.data,
            event_hash=event.leaf_hash,
        )
    )
    session.flush()
    return True


def require_filled_in(definition: Definition) -> None:
    """Raise InvalidDefinition with every place that a draft left to be filled in; such a text would be evidence for ever."""
    problems = list_placeholders(definition)
    if problems:
        raise InvalidDefinition(problems)


def parse_sop_of(definition: Definition) -> Sop:
    """The SOP that a definition is, registered or not."""
    return parse_sop(canonical.decode(definition.data))


def write_toml(definition: Definition) -> str:
    """A definition as TOML text; dates stand as texts, which mean the same."""
    return tomli_w.dumps(canonical.decode(definition.data))
