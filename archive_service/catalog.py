"""Definitions: read from TOML, validated, turned into canonical bytes, pinned by digest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.db.models import DefinitionRow
from archive_service.domain import canonical, retention
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.definition import plain
from archive_service.domain.retention import Schedule, parse_schedule
from archive_service.domain.sop import Sop, parse_sop
from archive_service.domain.working_time import Calendar, for_unit
from archive_service.errors import InvalidDefinition, LogIntegrityError, NotFound, Problem

SEEDS = ("sops/sop-spmi-601.toml", "calendars/id-government.toml", "retention/contoh.toml")

_PLACEHOLDER = re.compile(r"\bISI [A-Z]{3}")
"""How a draft marks what somebody has to fill in (drafting/draft.py)."""


@dataclass(frozen=True)
class Definition:
    """One version of an SOP, calendar or retention schedule, as bytes that are hashed and pinned."""

    kind: str
    key: str
    version: int
    digest: str
    data: bytes

    def plain(self) -> dict[str, Any]:
        """Key, version and digest, as a statement names them."""
        return {"key": self.key, "version": self.version, "digest": self.digest}


def parse_definition(text: str) -> Definition:
    """The definition in a TOML text; InvalidDefinition with every problem and its place."""
    try:
        mapping = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise InvalidDefinition([Problem("file", f"is no TOML: {exc}")]) from exc
    return define(mapping)


def define(mapping: Mapping[str, Any]) -> Definition:
    """The definition that TOML-like data makes; InvalidDefinition with every problem and its place."""
    mapping = plain(mapping)
    kind = mapping.get("kind")
    if kind == "sop":
        parse_sop(mapping)
    elif kind == "calendar":
        parse_calendar(mapping)
    elif kind == retention.KIND:
        parse_schedule(mapping)
    else:
        raise InvalidDefinition([Problem("kind", f'must be "sop", "calendar" or "{retention.KIND}"')])
    data = canonical.encode(mapping)
    return Definition(kind, str(mapping["key"]), int(mapping["version"]), sha256(data).hexdigest(), data)


def list_placeholders(definition: Definition) -> list[Problem]:
    """Every place that a draft (``sop new``) left to be filled in: sound as a text, and nothing to be registered."""
    return [
        Problem(place, f"is still to be filled in: {text}")
        for place, text in _texts(canonical.decode(definition.data), "")
        if _PLACEHOLDER.search(text)
    ]


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]")
    elif isinstance(value, str):
        yield place, value


def load_definition(path: Path) -> Definition:
    """The definition in a file; NotFound when there is none."""
    try:
        return parse_definition(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {path}: {exc.strerror}. Check the name.") from exc
    except UnicodeDecodeError as exc:
        raise InvalidDefinition([Problem("file", "is not UTF-8 text")]) from exc


def seed_definitions() -> list[Definition]:
    """The definitions that the package ships."""
    data = resources.files("archive_service") / "data"
    return [parse_definition((data / name).read_text(encoding="utf-8")) for name in SEEDS]


class Catalog:
    """Parsed definitions by digest; a digest never changes its meaning, so they are kept for good."""

    def __init__(self) -> None:
        self._sops: dict[str, Sop] = {}
        self._calendars: dict[str, Calendar] = {}
        self._schedules: dict[str, Schedule] = {}
        self._lock = Lock()

    def get(self, session: Session, digest: str) -> Definition:
        """The registered definition with this digest; LogIntegrityError when its bytes do not hash to it."""
        row = session.get(DefinitionRow, digest)
        if row is None:
            raise NotFound("definition_unknown", f"No definition has the digest {digest}.")
        if sha256(row.data).hexdigest() != digest:
            raise LogIntegrityError("definition_damaged", f"The stored definition {row.key} does not match its digest.")
        return Definition(row.kind, row.key, row.version, row.digest, row.data)

    def sop(self, session: Session, digest: str) -> Sop:
        """The SOP with this digest."""
        with self._lock:
            known = self._sops.get(digest)
        if known is None:
            known = parse_sop(canonical.decode(self.get(session, digest).data))
            with self._lock:
                self._sops[digest] = known
        return known

    def schedule(self, session: Session, digest: str) -> Schedule:
        """The retention schedule with this digest."""
        with self._lock:
            known = self._schedules.get(digest)
        if known is None:
            known = parse_schedule(canonical.decode(self.get(session, digest).data))
            with self._lock:
                self._schedules[digest] = known
        return known

    def calendar(self, session: Session, digest: str, unit: str | None = None) -> Calendar:
        """The calendar with this digest, for that work unit when one is given: both made once and kept."""
        with self._lock:
            known = self._calendars.get(digest)
        if known is None:
            known = parse_calendar(canonical.decode(self.get(session, digest).data))
            with self._lock:
                self._calendars[digest] = known
        return known if unit is None else for_unit(known, unit)

    def version(self, session: Session, kind: str, key: str, version: int) -> Definition:
        """That version of a definition; NotFound when it is not registered."""
        digest = session.execute(
            select(DefinitionRow.digest).where(
                DefinitionRow.kind == kind, DefinitionRow.key == key, DefinitionRow.version == version
            )
        ).scalar_one_or_none()
        if digest is None:
            raise NotFound("definition_unknown", f"No version {version} of the {kind} {key} is registered.")
        return self.get(session, digest)

    def newest(self, session: Session, kind: str, key: str) -> Definition:
        """The newest version of a definition; NotFound when nothing of that key is registered."""
        digest = session.execute(
            select(DefinitionRow.digest)
            .where(DefinitionRow.kind == kind, DefinitionRow.key == key)
            .order_by(DefinitionRow.version.desc())
            .limit(1)
        ).scalar_one_or_none()
        if digest is None:
            raise NotFound("definition_unknown", f"No {kind} with the key {key} is registered.")
        return self.get(session, digest)
