"""SOPs as administrators keep them: a text checked before it is registered, versions and who uses them, what changed between two."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.catalog import Definition, parse_definition
from archive_service.db.models import DefinitionRow, DossierRow, EventRow, WorkUnitRow
from archive_service.domain import canonical
from archive_service.domain import sop_difference as differences
from archive_service.domain.sop import Sop
from archive_service.domain.sop_difference import Difference
from archive_service.errors import InvalidDefinition, Problem
from archive_service.services import definitions
from archive_service.services.actor import Actor

TEXT_LIMIT_BYTES = 400 * 1024
_TABLE = re.compile(r"\s*\[\[?([A-Za-z0-9_.]+)\]\]?\s*(?:#.*)?")


@dataclass(frozen=True)
class Checked:
    """What a text is: the definition, or what is wrong with it, each problem with its line where it can be told."""

    definition: Definition | None
    problems: tuple[tuple[Problem, int | None], ...]
    sop: Sop | None = None
    newest: int | None = None
    differences: tuple[Difference, ...] = ()


def check_text(archive: Archive, actor: Actor, *, text: str, kind: str) -> Checked:
    """Check the TOML text of a definition of this kind without keeping anything; a new version of what is there is compared with it."""
    actor.require("definition.manage")
    try:
        definition = parse_registrable(text)
    except InvalidDefinition as exc:
        return Checked(None, tuple((problem, _line_of(text, problem)) for problem in exc.problems))
    if definition.kind != kind:
        problem = Problem("kind", f'must be "{kind}" here, not "{definition.kind}"')
        return Checked(None, ((problem, find_line(text, "kind")),))
    with archive.db.read() as session:
        newest = _newest(session, definition)
        if newest is not None and definition.version <= newest.version and definition.digest != newest.digest:
            problem = Problem("version", f"must be {newest.version + 1}: version {newest.version} is registered")
            return Checked(None, ((problem, find_line(text, "version")),), newest=newest.version)
        before = None if newest is None else canonical.decode(newest.data)
    found = () if before is None else tuple(differences.compare(before, canonical.decode(definition.data)))
    return Checked(
        definition,
        (),
        definitions.parse_sop_of(definition) if kind == "sop" else None,
        None if newest is None else newest.version,
        found,
    )


def parse_registrable(text: str) -> Definition:
    """The definition in a TOML text that may be registered: sound, and without a placeholder of a draft; InvalidDefinition otherwise."""
    if len(text.encode()) > TEXT_LIMIT_BYTES:
        raise InvalidDefinition([Problem("file", "is larger than 400 KiB")])
    definition = parse_definition(text)
    definitions.require_filled_in(definition)
    return definition


def register_text(archive: Archive, actor: Actor, *, text: str, kind: str) -> Definition:
    """Register the TOML text as a new version; InvalidDefinition with every problem, Conflict when that version is there already."""
    actor.require("definition.manage")
    checked = check_text(archive, actor, text=text, kind=kind)
    if checked.definition is None:
        raise InvalidDefinition([problem for problem, _ in checked.problems])
    definitions.register_definition(archive, actor, definition=checked.definition)
    return checked.definition


def _line_of(text: str, problem: Problem) -> int | None:
    """The line of a problem: what reads TOML tells its own."""
    told = re.search(r"\(at line ([0-9]+)", problem.message) if problem.place == "file" else None
    return find_line(text, problem.place) if told is None else int(told[1])


def find_line(text: str, place: str) -> int | None:
    """The line (from 1) where a problem's place such as ``steps[3].norm.unit`` stands in a TOML text, or where its table begins.

    It follows the headers of tables and the names of fields, so that a person finds the place; None when it cannot be told.
    """
    steps = [(name, None if index is None else int(index)) for name, index in _parts(place)]
    if not steps:
        return None
    lines = text.splitlines()
    counts: dict[str, int] = {}
    here: list[tuple[str, int | None]] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(lines, 1):
        header = _TABLE.fullmatch(line)
        if header is not None:
            here = _enter(header[1], line.lstrip().startswith("[["), counts)
            depth = _agreement(here, steps)
            if depth == len(here) and (best is None or depth > best[0]):
                best = (depth, number)
            continue
        key = line.partition("=")[0].strip()
        if "=" in line and _agreement(here, steps) == len(here) < len(steps) and steps[len(here)][0] == key:
            return number
    return None if best is None else best[1]


def _parts(place: str) -> list[tuple[str, str | None]]:
    found = [re.fullmatch(r"([A-Za-z_]+)(?:\[([0-9]+)\])?", part) for part in place.split(".")]
    return [(m[1], m[2]) for m in found if m] if all(found) else []


def _enter(name: str, is_list: bool, counts: dict[str, int]) -> list[tuple[str, int | None]]:
    """The place that a table header opens; entries of lists are numbered as they come."""
    if is_list:
        counts[name] = counts.get(name, -1) + 1
        for inner in [key for key in counts if key.startswith(name + ".")]:
            del counts[inner]
    path: list[tuple[str, int | None]] = []
    parts = name.split(".")
    for depth, part in enumerate(parts, 1):
        path.append((part, counts.get(".".join(parts[:depth]))))
    return path


def _agreement(here: list[tuple[str, int | None]], steps: list[tuple[str, int | None]]) -> int:
    depth = 0
    for mine, theirs in zip(here, steps, strict=False):
        if mine[0] != theirs[0] or (mine[1] is not None and theirs[1] is not None and mine[1] != theirs[1]):
            break
        depth += 1
    return depth


def list_versions(archive: Archive, actor: Actor, *, kind: str) -> list[dict[str, Any]]:
    """Every version of every definition of a kind, by key, newest first: when it was registered and how many dossiers use it."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        rows = session.execute(
            select(DefinitionRow, EventRow.at)
            .outerjoin(EventRow, EventRow.leaf_hash == DefinitionRow.event_hash)
            .where(DefinitionRow.kind == kind)
            .order_by(DefinitionRow.key, DefinitionRow.version.desc())
        ).all()
        used = count_dossiers(session, "calendar" if kind == "calendar" else "sop")
        seen: set[str] = set()
        found = []
        for row, at in rows:
            told = {
                "key": row.key,
                "version": row.version,
                "digest": row.digest,
                "registered_at": None if at is None else at.isoformat(),
                "is_newest": row.key not in seen,
                "dossiers": used.get(row.digest, {}),
            }
            seen.add(row.key)
            if kind == "sop":
                sop = archive.catalog.sop(session, row.digest)
                told |= {"number": sop.number, "title": sop.title, "steps": len(sop.steps), "roles": len(sop.roles)}
            found.append(told)
        return found


def count_dossiers(session: Session, kind: str) -> dict[str, dict[str, int]]:
    """Digest → state → how many dossiers were opened by that version of an SOP, or of a calendar."""
    column = DossierRow.calendar_digest if kind == "calendar" else DossierRow.sop_digest
    found: dict[str, dict[str, int]] = {}
    for digest, status, count in session.execute(
        select(column, DossierRow.status, func.count()).group_by(column, DossierRow.status)
    ):
        found.setdefault(digest, {})[status] = count
    return found


def count_use(archive: Archive, actor: Actor) -> dict[str, dict[str, int]]:
    """Digest of a calendar → state → how many dossiers count by it, for who keeps calendars."""
    actor.require("calendar.edit")
    with archive.db.read() as session:
        return count_dossiers(session, "calendar")


def read_use(archive: Archive, actor: Actor, *, digest: str) -> list[dict[str, Any]]:
    """How many dossiers use a version, by work unit, year and quarter; the newest periods first."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        rows = session.execute(
            select(
                WorkUnitRow.name,
                DossierRow.work_unit_id,
                DossierRow.year,
                DossierRow.quarter,
                DossierRow.status,
                func.count().label("count"),
            )
            .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
            .where((DossierRow.sop_digest == digest) | (DossierRow.calendar_digest == digest))
            .group_by(WorkUnitRow.name, DossierRow.work_unit_id, DossierRow.year, DossierRow.quarter, DossierRow.status)
            .order_by(DossierRow.year.desc(), DossierRow.quarter.desc(), WorkUnitRow.name)
            .limit(200)
        ).all()
    return [
        {
            "work_unit_name": row.name,
            "work_unit": row.work_unit_id,
            "year": row.year,
            "quarter": row.quarter,
            "status": row.status,
            "count": row.count,
        }
        for row in rows
    ]


def compare_versions(
    archive: Archive, actor: Actor, *, key: str, before: int, after: int
) -> tuple[Sop, Sop, list[Difference]]:
    """Two versions of an SOP and what differs between them."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        old, new = (archive.catalog.version(session, "sop", key, version) for version in (before, after))
        sops = archive.catalog.sop(session, old.digest), archive.catalog.sop(session, new.digest)
    return *sops, differences.compare(canonical.decode(old.data), canonical.decode(new.data))


def read_text(archive: Archive, actor: Actor, *, digest: str) -> str:
    """A registered definition as TOML, for whoever writes the next version of it."""
    actor.require("definition.manage")
    with archive.db.read() as session:
        definition = archive.catalog.get(session, digest)
    return definitions.write_toml(definition)


def _newest(session: Session, definition: Definition) -> Definition | None:
    row = session.execute(
        select(DefinitionRow)
        .where(DefinitionRow.kind == definition.kind, DefinitionRow.key == definition.key)
        .order_by(DefinitionRow.version.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if row is None else Definition(row.kind, row.key, row.version, row.digest, row.data)
