"""Random samples of dossiers: the population frozen, the seed recorded, then the results; and how far an auditor has come with one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import open_streams, read_openings
from archive_service.db.models import (
    DefinitionRow,
    DossierRow,
    EventRow,
    SampleItemRow,
    SampleRow,
    StepRunRow,
    WorkUnitRow,
    table_of,
)
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.db.queries import ReadScope
from archive_service.domain import sample as samples
from archive_service.domain.event import parse_event
from archive_service.domain.states import CANCELLED, OPEN, SEALED
from archive_service.domain.verdict import format_time
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services import reading, spreadsheet
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import optional_text, require_id, require_key

RESULTS = ("looked", "fine", "finding")
POPULATION_LIMIT = 200_000
UNITS_LIMIT = 40
PERIODS_LIMIT = 16
_SEED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PERIOD = re.compile(r"([2-9][0-9]{3})-([1-4])")


@dataclass(frozen=True)
class PopulationFilter:
    """Which dossiers a sample is drawn from; nothing takes all. ``step``: those in which it was begun."""

    sop: str | None = None
    status: str | None = None
    step: str | None = None
    work_units: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()

    def checked(self) -> PopulationFilter:
        """The filter with every part looked at; InvalidInput with the field's name."""
        if self.status not in (None, OPEN, SEALED, CANCELLED):
            raise InvalidInput("status_unknown", "A dossier is open, sealed or cancelled.", field="status")
        if len(self.work_units) > UNITS_LIMIT or len(self.periods) > PERIODS_LIMIT:
            raise InvalidInput(
                "filter_too_wide",
                f"Name at most {UNITS_LIMIT} work units and {PERIODS_LIMIT} quarters, or none for all.",
            )
        if wrong := [period for period in self.periods if not _PERIOD.fullmatch(period)]:
            raise InvalidInput("period_malformed", f"{wrong[0]} is no quarter such as 2026-1.", field="periods")
        return PopulationFilter(
            None if self.sop is None else require_key("sop", self.sop),
            self.status,
            None if self.step is None else require_key("step", self.step),
            tuple(sorted({require_id("work_units", unit) for unit in self.work_units})),
            tuple(sorted(set(self.periods))),
        )

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the dossier table."""
        found: list[ColumnElement[bool]] = []
        if self.sop is not None:
            versions = select(DefinitionRow.digest).where(DefinitionRow.kind == "sop", DefinitionRow.key == self.sop)
            found.append(DossierRow.sop_digest.in_(versions))
        if self.status is not None:
            found.append(DossierRow.status == self.status)
        if self.step is not None:
            runs = select(1).where(StepRunRow.dossier_id == DossierRow.id, StepRunRow.step == self.step)
            found.append(exists(runs))
        if self.work_units:
            found.append(DossierRow.work_unit_id.in_(self.work_units))
        if self.periods:
            numbers = [int(year) * 10 + int(quarter) for year, quarter in (p.split("-") for p in self.periods)]
            found.append((DossierRow.year * 10 + DossierRow.quarter).in_(numbers))
        return found


def count_population(archive: Archive, actor: Actor, *, wanted: PopulationFilter) -> int:
    """How many dossiers a sample would be drawn from."""
    scope = reading.scope_of(actor, "sample.draw")
    conditions = wanted.checked().conditions()
    with archive.db.read() as session:
        found = select(func.count()).select_from(DossierRow).where(scope.condition(), *conditions)
        return session.execute(found).scalar_one()


def draw_sample(archive: Archive, actor: Actor, *, wanted: PopulationFilter, size: int, seed: str | None = None) -> str:
    """Draw a sample; its id. Population, seed and what was drawn are one event in the drawer's stream, written before anybody sees a result.

    Without ``seed`` the service makes one of 128 random bits. InvalidInput ``population_empty``, ``population_too_large``, ``seed_malformed``,
    ``size_out_of_range``.
    """
    assignment = actor.require("sample.draw")
    scope = reading.scope_of(actor, "sample.draw")
    wanted = wanted.checked()
    if isinstance(size, bool) or not 1 <= size <= samples.SIZE_LIMIT:
        raise InvalidInput("size_out_of_range", f"Draw 1 to {samples.SIZE_LIMIT} dossiers.", field="size")
    seed = seed or archive.log.make_salt()[:16].hex()
    if not _SEED.fullmatch(seed):
        raise InvalidInput("seed_malformed", "A seed has 1 to 64 of A-Z a-z 0-9 . _ -", field="seed")
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        population = samples.format_population(_population(session, scope, wanted))
        ids = samples.read_population(population)
        if not ids:
            raise InvalidInput("population_empty", "No dossier fits: widen the filter.")
        if len(ids) > POPULATION_LIMIT:
            raise InvalidInput("population_too_large", f"More than {POPULATION_LIMIT} dossiers fit: narrow the filter.")
        drawn = samples.draw(seed, ids, size)
        sample = writer.make_id()
        told = {**asdict(wanted), "work_units": list(wanted.work_units), "periods": list(wanted.periods)}
        payload = {
            "sample": sample,
            "seed": seed,
            "size": size,
            "of": len(ids),
            "population_digest": sha256(population).hexdigest(),
            "filter": told,
            "dossiers": drawn,
        }
        event = writer.append(stream, "sample.drawn", event_actor(session, actor, assignment), payload)
        connection = session.connection()
        connection.execute(
            insert(table_of(SampleRow)),
            {
                "id": sample,
                "user_id": actor.user,
                "person_id": actor.person,
                **{name: payload[name] for name in ("seed", "size", "of", "population_digest")},
                "wanted": wanted_text(told),
                "drawn_at": writer.moment,
                "event_hash": event.leaf_hash,
                "data": population,
            },
        )
        connection.execute(
            insert(table_of(SampleItemRow)),
            [{"sample_id": sample, "place": place, "dossier_id": id} for place, id in enumerate(drawn, start=1)],
        )
    return sample


def wanted_text(wanted: dict[str, Any]) -> str:
    """A filter as it stands in the sample's row."""
    return json.dumps(wanted, sort_keys=True, separators=(",", ":"))


def _population(session: Session, scope: ReadScope, wanted: PopulationFilter) -> list[str]:
    rows = select(DossierRow.id).where(scope.condition(), *wanted.conditions()).limit(POPULATION_LIMIT + 1)
    return list(session.execute(rows).scalars())


def judge_item(
    archive: Archive,
    actor: Actor,
    *,
    sample: str,
    dossier: str,
    result: str,
    finding: str | None = None,
    note: str | None = None,
) -> None:
    """Say how one dossier of one's own sample was: looked at, fine, or with a finding; said again, the newest counts."""
    assignment = actor.require("sample.draw")
    if result not in RESULTS:
        raise InvalidInput("result_unknown", f"A result is one of: {', '.join(RESULTS)}.", field="result")
    text = optional_text("note", note, limit=2000, lines=True)
    wanted = None if finding is None else require_id("finding", finding)
    stream = f"user:{actor.user}"
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get(SampleRow, require_id("sample", sample))
        place = session.execute(
            select(SampleItemRow.place).where(SampleItemRow.sample_id == sample, SampleItemRow.dossier_id == dossier)
        ).scalar_one_or_none()
        if row is None or place is None:
            raise NotFound("sample_unknown", "There is no such sample, or this dossier was not drawn.")
        if row.user_id != actor.user:
            raise Conflict("sample_of_another", "Whoever drew a sample looks through it. Draw one of your own.")
        payload = {"sample": sample, "dossier": dossier, "result": result, "finding": wanted}
        event = writer.append(
            stream, "sample.item_judged", event_actor(session, actor, assignment), payload, personal={"note": text}
        )
        session.connection().execute(
            update(table_of(SampleItemRow))
            .where(SampleItemRow.sample_id == sample, SampleItemRow.place == place)
            .values(result=result, finding_id=wanted, judged_at=writer.moment, event_hash=event.leaf_hash)
        )


def page_samples(archive: Archive, actor: Actor, *, page: PageRequest) -> Page[dict[str, Any]]:
    """The samples that auditors drew, newest first, with how far each is looked through."""
    actor.require("sample.read")
    with archive.db.read() as session:
        rows = session.execute(
            _sample_columns()
            .where(*comes_after((SampleRow.id,), page.after, descending=True))
            .order_by(SampleRow.id.desc())
            .limit(page.limit + 1)
        ).all()
        cut = cut_page(rows, page, lambda row: (row.id,))
        done = _progress(session, [row.id for row in cut.rows])
        names = queries.names_of(session, {row.person_id for row in cut.rows})
    return Page([_listed(row, done, names, actor) for row in cut.rows], cut.next)


def _sample_columns() -> Any:
    # not the population: it has megabytes
    s = SampleRow
    return select(
        s.id, s.user_id, s.person_id, s.seed, s.size, s.of, s.population_digest, s.wanted, s.drawn_at, s.event_hash
    )


def _progress(session: Session, ids: Sequence[str]) -> dict[str, dict[str | None, int]]:
    found: dict[str, dict[str | None, int]] = {}
    rows = session.execute(
        select(SampleItemRow.sample_id, SampleItemRow.result, func.count())
        .where(SampleItemRow.sample_id.in_(ids))
        .group_by(SampleItemRow.sample_id, SampleItemRow.result)
    )
    for id, result, count in rows:
        found.setdefault(id, {})[result] = count
    return found


def _listed(row: Any, done: dict[str, dict[str | None, int]], names: dict[str, str], actor: Actor) -> dict[str, Any]:
    results = done.get(row.id, {})
    return {
        "sample": row.id,
        "person_name": names.get(row.person_id),
        "is_own": row.user_id == actor.user,
        "seed": row.seed,
        "size": row.size,
        "of": row.of,
        "population_digest": row.population_digest,
        "filter": json.loads(row.wanted),
        "drawn_at": row.drawn_at.isoformat(),
        "event": row.event_hash,
        "drawn": sum(results.values()),
        "looked_at": sum(count for result, count in results.items() if result is not None),
        "fine": results.get("fine", 0),
        "findings": results.get("finding", 0),
    }


def read_sample(archive: Archive, actor: Actor, *, sample: str) -> dict[str, Any]:
    """One sample with its dossiers in the order of the draw; whether the drawer has opened each since is told from the record of reads."""
    actor.require("sample.read")
    with archive.db.read() as session:
        row = session.execute(_sample_columns().where(SampleRow.id == sample)).one_or_none()
    if row is None:
        raise NotFound("sample_unknown", "There is no such sample.")
    reading.record_read(archive, actor, "sample")
    with archive.db.read() as session:
        done = _progress(session, [sample])
        names = queries.names_of(session, {row.person_id})
        opened = _opened_since(session, row.user_id, row.event_hash)
        items = _items(session, sample, opened)
    return {**_listed(row, done, names, actor), "items": items}


def _opened_since(session: Session, user: str, event_hash: str) -> set[str]:
    """The dossiers that a log-in's record says were read after an event of its stream."""
    stream = f"user:{user}"
    drawn = select(EventRow.seq).where(EventRow.leaf_hash == event_hash).scalar_subquery()
    rows = session.execute(
        select(EventRow.data).where(EventRow.stream == stream, EventRow.seq > drawn, EventRow.type == "record.read")
    ).scalars()
    read = (parse_event(data).payload["dossier"] for data in rows)
    return {dossier for dossier in read if dossier is not None}


def _items(session: Session, sample: str, opened: set[str]) -> list[dict[str, Any]]:
    rows = session.execute(
        select(SampleItemRow, DossierRow, WorkUnitRow.name)
        .join(DossierRow, DossierRow.id == SampleItemRow.dossier_id)
        .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
        .where(SampleItemRow.sample_id == sample)
        .order_by(SampleItemRow.place)
    ).all()
    hashes = [dossier.opened_hash for _, dossier, _ in rows] + [
        item.event_hash for item, _, _ in rows if item.event_hash
    ]
    texts = {key: value for key, (value, _) in read_openings(session, hashes).items()}
    return [
        {
            "place": item.place,
            "dossier": item.dossier_id,
            "title": texts.get((dossier.opened_hash, "title")),
            "work_unit": dossier.work_unit_id,
            "work_unit_name": unit,
            "year": dossier.year,
            "quarter": dossier.quarter,
            "status": dossier.status,
            "is_opened": item.dossier_id in opened,
            "result": item.result,
            "finding": item.finding_id,
            "note": texts.get((item.event_hash or "", "note")),
            "judged_at": None if item.judged_at is None else format_time(item.judged_at),
        }
        for item, dossier, unit in rows
    ]


def read_population(archive: Archive, actor: Actor, *, sample: str) -> bytes:
    """The frozen list that a sample was drawn from, as its digest in the event says."""
    actor.require("sample.read")
    with archive.db.read() as session:
        data = session.execute(select(SampleRow.data).where(SampleRow.id == sample)).scalar_one_or_none()
    if data is None:
        raise NotFound("sample_unknown", "There is no such sample.")
    reading.record_read(archive, actor, "sample_export", digest=sha256(data).hexdigest())
    return data


def export_sample(
    archive: Archive, actor: Actor, *, sample: str, kind: str, headings: Sequence[str], words: Any
) -> tuple[bytes, str]:
    """A sample as a spreadsheet (bytes, file name) with these eight headings; ``words`` turns codes into words."""
    found = read_sample(archive, actor, sample=sample)
    rows: list[list[spreadsheet.Cell]] = [
        [
            item["place"],
            item["dossier"],
            item["title"],
            item["work_unit_name"],
            f"{item['year']}-{item['quarter']}",
            words(item["status"]),
            words(item["result"]) if item["result"] else None,
            item["note"],
        ]
        for item in found["items"]
    ]
    kind = "csv" if kind == "csv" else "xlsx"
    data = spreadsheet.write_table(
        kind, headings, rows, title=f"{found['sample']} seed {found['seed']}", made_at=archive.log.clock()
    )
    reading.record_read(archive, actor, "sample_export", digest=sha256(data).hexdigest())
    return data, f"sample-{sample}.{kind}"
