"""An archive with many dossiers, made in a minute: a few are played through the services, the others are copies of those.

A copy has ids, work unit, quarter and chain of its own: every event is hashed again over its new bytes, its rows are the projection's with
the new ids in them (compared with a real fold of the first copy of each kind), and its numbers are added to those that quality reads.

Corners that are cut, none of which the measured code sees: copies are not in the log's tree, their documents have no place in the store,
the assignments that their actors name are those of the first work unit, and a verdict's ``requirements_digest`` is the original's. All copies
of a kind have the same times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert, inspect

from archive_service.db.event_log import read_openings, read_stream
from archive_service.db.models import (
    Base,
    DecisionRow,
    DeviationRow,
    DocumentVersionRow,
    DossierRow,
    EventRow,
    ExplanationRow,
    OpeningRow,
    QualityCountRow,
    StepRunRow,
    StreamRow,
    VerdictRow,
    table_of,
)
from archive_service.db.projection import Rows, rows_of_dossier
from archive_service.db.tally import CELL, MEASURES, Tally, add_up, tally_of
from archive_service.domain import canonical, merkle
from archive_service.domain.dossier import Dossier, fold
from archive_service.domain.event import Event, parse_event
from archive_service.domain.verdict import parse_time
from archive_service.services import compliance, deviations, people
from archive_service.services.work import calendars_of, load_dossier
from tests.databases import TestDatabase, migrate
from tests.office import Office, make_office

UNITS = 40
PERIODS = [(year, quarter) for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)]
NOW = "2026-03-31T10:10"
"""When everything is measured: the late ones are late by then, and the others are not."""
EACH_COPY = 5000
_TABLES: tuple[type[Base], ...] = (
    StreamRow,
    EventRow,
    OpeningRow,
    DossierRow,
    StepRunRow,
    DocumentVersionRow,
    DecisionRow,
    VerdictRow,
    DeviationRow,
    ExplanationRow,
)


@dataclass
class Text:
    """A text with places for the tokens that differ from copy to copy."""

    parts: list[str]

    def fill(self, tokens: dict[str, str]) -> str:
        """The text of one copy."""
        filled = self.parts.copy()
        filled[1::2] = [tokens[token] for token in filled[1::2]]
        return "".join(filled)


@dataclass
class Kind:
    """One dossier that was played, ready to be copied."""

    events: list[Event]
    texts: list[Text]
    ids: list[str]
    digests: dict[str, list[tuple[str, str]]]
    openings: list[tuple[str, str, str, bytes]]
    rows: list[tuple[type[Base], dict[str, Any]]]
    tally: Tally
    unit: str
    is_checked: bool = False


def make_kind(office: Office, dossier: str) -> Kind:
    """The kind of a dossier that was played in this office."""
    archive = office.archive
    with archive.db.read() as session:
        events = read_stream(session, f"dossier:{dossier}")
        state = load_dossier(archive, session, dossier)
        rows = rows_of_dossier(state, calendars_of(archive, session, state))
        openings = [
            (leaf, name, value, salt)
            for (leaf, name), (value, salt) in read_openings(session, [e.leaf_hash for e in events]).items()
        ]
    ids = {dossier, *(e.id for e in events), *(d.id for d in state.deviations)}
    ids |= {v.id for v in state.versions} | {v.document for v in state.versions}
    digests = _bound_digests(state, events)
    tokens = [*ids, *digests, *(e.leaf_hash for e in events), state.work_unit]
    pattern = re.compile(f'({"|".join(tokens)}|"year":{state.year}|"quarter":{state.quarter})')
    cut = [Text(pattern.split(e.data.decode())) for e in events]
    told = [
        (table, {name: _cut(value, pattern) for name, value in _complete(table, values).items()})
        for (table, _), values in rows.items()
    ]
    return Kind(events, cut, sorted(ids), digests, openings, told, tally_of(rows, state.sop.key), state.work_unit)


def _complete(table: type[Base], values: dict[str, Any]) -> dict[str, Any]:
    return {column.name: values.get(column.name) for column in inspect(table).columns}


def _cut(value: Any, pattern: re.Pattern[str]) -> Any:
    return Text(pattern.split(value)) if isinstance(value, str) and pattern.search(value) else value


def _bound_digests(state: Dossier, events: list[Event]) -> dict[str, list[tuple[str, str]]]:
    """Each digest that binds an act to documents, with the versions that it is made of."""
    found: dict[str, list[tuple[str, str]]] = {}
    again = Dossier(state.sop)
    for event in events:
        if "documents_digest" in event.payload:
            bound = again.bound_documents(event.payload["step"])
            found[event.payload["documents_digest"]] = [(v.id, v.digest) for v in bound]
        again.apply(event)
    return found


@dataclass
class Crowd:
    """An office on PostgreSQL that is being filled."""

    office: Office
    owner_url: str
    units: list[str] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    count: int = 0
    tally: Tally = field(default_factory=dict)

    def play(self) -> None:
        """Play one dossier of each kind, and make the work units. Whatever sweeps comes before the kinds that are not to be swept."""
        office = self.office
        admin = office.actor("admin")
        made = [
            people.create_work_unit(office.archive, admin, code=f"unit-{n:02}", name=f"Unit {n}", parent=office.unit)
            for n in range(1, UNITS)
        ]
        self.units = [office.unit, *made]
        played = {"deep": office.play("10"), "deep explained": office.play("10")}
        office.turn()
        self._explain(played["deep explained"])
        played["recorded"] = office.play("3")
        office.turn()
        office.at("2026-03-20T10:00")
        compliance.sweep_deadlines(office.archive)
        office.at("2026-03-31T08:00")
        played["middle"] = office.open(received_at="2026-03-31T07:50")
        for login, step in (("ratna", "1"), ("ratna", "2"), ("hendra", "3")):
            office.submit(played["middle"], login, step)
        office.turn()
        played["middle late"] = office.play("3")
        office.turn()
        office.at("2026-03-31T10:05")
        played["start"] = office.open(received_at="2026-03-31T10:00")
        played["start late"] = office.open(received_at="2026-03-31T09:00")
        office.at(NOW)
        self.kinds = {name: make_kind(office, dossier) for name, dossier in played.items()}

    def _explain(self, dossier: str) -> None:
        with self.office.archive.db.read() as session:
            found = load_dossier(self.office.archive, session, dossier).deviations[0]
        deviations.explain_deviation(
            self.office.archive,
            self.office.actor("sari"),
            dossier=dossier,
            deviation=found.id,
            explanation="Data dari unit lain datang terlambat.",
        )

    def fill(self, count: int, late: int, deep: int) -> None:
        """Add copies: ``late`` whose running step is late and not recorded, the others in every stage; several to a unit and quarter.

        ``deep``: of forty dossiers of a unit, how many more are near their end.
        """
        with psycopg.connect(self.owner_url) as connection:
            for start in range(0, count, EACH_COPY):
                rows: dict[type[Base], list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
                for number in range(start, min(count, start + EACH_COPY)):
                    kind = self.kinds[_kind_of(number, count, late, deep)]
                    year, quarter = PERIODS[number // UNITS % len(PERIODS)]
                    for table, values in self.copy(kind, self.units[number % UNITS], year, quarter):
                        rows[table].append(tuple(values[c.name] for c in inspect(table).columns))
                for table, found in rows.items():
                    names = ", ".join(c.name for c in inspect(table).columns)
                    with connection.cursor().copy(
                        f"COPY {table.__tablename__} ({names}) FROM STDIN".encode()
                    ) as target:
                        for row in found:
                            target.write_row(row)
            connection.commit()
        with self.office.archive.db.write() as session:
            counted = [
                {**dict.fromkeys(MEASURES, 0), **dict(zip(CELL, cell, strict=True)), **numbers, "is_folded": True}
                for cell, numbers in self.tally.items()
            ]
            session.connection().execute(insert(table_of(QualityCountRow)).inline(), counted)
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
            # else the server writes the load to disk while it is measured
            connection.execute("checkpoint")

    def copy(self, kind: Kind, unit: str, year: int, quarter: int) -> Iterator[tuple[type[Base], dict[str, Any]]]:
        """The rows of one more dossier of a kind."""
        first = kind.events[0].payload
        tokens = {kind.unit: unit, f'"year":{first["year"]}': f'"year":{year}'}
        tokens[f'"quarter":{first["quarter"]}'] = f'"quarter":{quarter}'
        for old in kind.ids:
            self.count += 1
            tokens[old] = f"{old[:17]}{self.count:015x}"
        for digest, bound in kind.digests.items():
            tokens[digest] = _bind(sorted((tokens[version], of) for version, of in bound))
        copied = []
        for event, text in zip(kind.events, kind.texts, strict=True):
            data = text.fill(tokens).encode()
            tokens[event.leaf_hash] = merkle.leaf_hash(data).hex()
            copied.append(data)
            yield (
                EventRow,
                {
                    "id": tokens[event.id],
                    "stream": f"dossier:{tokens[first['dossier']]}",
                    "seq": event.seq,
                    "type": event.type,
                    "at": parse_time(event.at),
                    "leaf_hash": tokens[event.leaf_hash],
                    "data": data,
                },
            )
        last = kind.events[-1]
        yield (
            StreamRow,
            {
                "name": f"dossier:{tokens[first['dossier']]}",
                "next_seq": last.seq + 1,
                "head": tokens[last.leaf_hash],
                "last_at": parse_time(last.at),
            },
        )
        for leaf, name, value, salt in kind.openings:
            yield OpeningRow, {"event_hash": tokens[leaf], "field": name, "value": value, "salt": salt}
        rows: Rows = {}
        for table, values in kind.rows:
            filled = {name: v.fill(tokens) if isinstance(v, Text) else v for name, v in values.items()}
            if table is DossierRow:
                filled |= {"year": year, "quarter": quarter}
            rows[(table, tuple(filled[c.name] for c in inspect(table).primary_key))] = filled
            yield table, filled
        moved = {(sop, step, unit, year, quarter): n for (sop, step, *_), n in kind.tally.items()}
        for cell, numbers in moved.items():
            counted = self.tally.setdefault(cell, {})
            for measure, number in numbers.items():
                counted[measure] = counted.get(measure, 0) + number
        if not kind.is_checked:
            self._check(copied, rows, moved)
            kind.is_checked = True

    def _check(self, copied: list[bytes], rows: Rows, moved: Tally) -> None:
        """Fail unless the copy is what its own events tell."""
        archive = self.office.archive
        with archive.db.read() as session:
            events = [parse_event(data) for data in copied]
            state = fold(archive.catalog.sop(session, events[0].payload["sop"]), events)
            told = rows_of_dossier(state, calendars_of(archive, session, state))
        assert told.keys() == rows.keys()
        for key, values in told.items():
            assert values == {name: rows[key][name] for name in values}, key
        assert add_up([tally_of(told, state.sop.key)]) == add_up([moved])


def _bind(versions: list[tuple[str, str]]) -> str:
    return sha256(canonical.encode([{"version": v, "digest": d} for v, d in versions])).hexdigest()


def _kind_of(number: int, count: int, late: int, deep: int) -> str:
    """The stage of a dossier: the last ones are late, the first of each unit and quarter is near its end."""
    if number >= count - late:
        return "start late" if number % 2 else "middle late"
    if number < UNITS * len(PERIODS) or number % 40 == 7 or number // UNITS % 40 < deep:
        return "deep" if number % 3 else "deep explained"
    if number % 40 == 8:
        return "recorded"
    return "middle" if number % 7 == 0 else "start"


def make_crowd(database: TestDatabase, folder: Path, count: int, late: int, deep: int = 0) -> Crowd:
    """An office with so many dossiers, all open, ``late`` of them late at ``NOW`` and not recorded."""
    migrate(database)
    crowd = Crowd(make_office(folder, database=database.url), database.owner_url)
    crowd.play()
    crowd.fill(count, late, deep)
    return crowd
