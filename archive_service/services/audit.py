"""``archive-service log audit``: every evidenced column computed again from the events, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Integer, inspect, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import (
    ApiTokenRow,
    AssignmentRow,
    AttestationRow,
    Base,
    BundleRow,
    CheckpointRow,
    DecisionRow,
    DefinitionRow,
    DelegationRow,
    DeviationRow,
    DocumentVersionRow,
    DossierRow,
    EventRow,
    ExplanationRow,
    FindingRow,
    FlagRow,
    IdentityRow,
    IndicatorResultRow,
    IndicatorRow,
    LogLeafRow,
    LogPendingRow,
    LogTileRow,
    ObligationRow,
    OpeningRow,
    PaperOriginalRow,
    PasskeyRow,
    PersonRow,
    RecommendationRow,
    SampleItemRow,
    SampleRow,
    SessionRow,
    StatementAgainRow,
    StatementRow,
    StepRunRow,
    StreamRow,
    UnitDeviationRow,
    UserRow,
    VerdictRow,
    WorkUnitRow,
)
from archive_service.db.projection import Rows, rows_of_dossier, rows_of_stream, rows_of_unit
from archive_service.db.tally import Tally, add_up, read_tally, tally_of
from archive_service.domain import merkle, tiles
from archive_service.domain import sample as samples
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.dossier import fold
from archive_service.domain.event import (
    FIRST_PREV,
    Event,
    EventError,
    commitment,
    commitments_in,
    parse_event,
    stream_kind,
)
from archive_service.domain.verdict import parse_time
from archive_service.errors import ArchiveError, Unavailable
from archive_service.services import stored_evidence
from archive_service.services.log import require_own_checkpoint
from archive_service.services.stored_evidence import PublishedLog
from archive_service.services.work import calendars_of

PROJECTED: tuple[type[Base], ...] = (
    WorkUnitRow,
    PersonRow,
    AssignmentRow,
    DelegationRow,
    AttestationRow,
    PasskeyRow,
    UserRow,
    IdentityRow,
    ApiTokenRow,
    SessionRow,
    DefinitionRow,
    DossierRow,
    StepRunRow,
    DocumentVersionRow,
    PaperOriginalRow,
    DecisionRow,
    FlagRow,
    VerdictRow,
    DeviationRow,
    ExplanationRow,
    IndicatorRow,
    IndicatorResultRow,
    RecommendationRow,
    ObligationRow,
    UnitDeviationRow,
    FindingRow,
    SampleRow,
    SampleItemRow,
)
"""Tables whose evidenced columns are a projection of the streams."""


@dataclass(frozen=True)
class AuditFinding:
    """One disagreement: a stable code, where it is, what it says."""

    code: str
    place: str
    text: str


@dataclass
class AuditReport:
    """What was compared and what disagreed."""

    events: int = 0
    rows: int = 0
    objects: int | None = None
    discrepancies: list[AuditFinding] = field(default_factory=list)

    def add(self, code: str, place: str, text: str) -> None:
        """Note a disagreement."""
        self.discrepancies.append(AuditFinding(code, place, text))

    def plain(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        found = [{"code": d.code, "place": d.place, "text": d.text} for d in self.discrepancies]
        return {"events": self.events, "rows": self.rows, "objects": self.objects, "discrepancies": found}

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for d in self.discrepancies:
            yield f"{d.code}: {d.place}: {d.text}"
        objects = "objects not hashed" if self.objects is None else f"{self.objects} objects hashed"
        yield f"{self.events} events, {self.rows} rows computed again, {objects}: {len(self.discrepancies)} discrepancies"


def check_archive(
    archive: Archive, *, with_objects: bool = False, tick: Callable[[], None] = lambda: None
) -> AuditReport:
    """The report over the whole database as it stands in one transaction, and over the log that the store publishes.

    ``with_objects`` hashes every claimed object too; ``tick`` is called again and again on the way. Unavailable when database or store do
    not answer; nothing else is raised, whatever they hold.
    """
    report = AuditReport()
    published = stored_evidence.list_published(archive, tick)
    streams: dict[str, list[Event]] = {}
    with archive.db.read() as session:
        checks: dict[str, Callable[[], object]] = {
            "events": lambda: _check_events(session, report, archive.log.origin, streams),
            "streams": lambda: _check_streams(session, report, streams),
            "openings": lambda: _check_openings(session, report, streams),
            "tree": lambda: _check_tree(archive, session, report, streams, published),
            "definitions": lambda: _check_definitions(session, report, streams),
            "rows": lambda: _check_projection(archive, session, report, streams),
            "statements": lambda: _check_statements(session, report, streams),
            "samples": lambda: _check_samples(session, report, streams),
            "checkpoints": lambda: stored_evidence.check_kept_checkpoints(archive, session, report.add, published),
            "vouching": lambda: _count(report, stored_evidence.check_vouching(session, report.add)),
            "locations": lambda: stored_evidence.check_locations(session, report.add, streams),
        }
        for name, check in checks.items():
            tick()
            _check_readable(report, name, check)
    if with_objects:
        _check_readable(report, "objects", lambda: _check_objects(archive, report, tick))
    return report


def _check_readable(report: AuditReport, name: str, check: Callable[[], object]) -> None:
    try:
        check()
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as exc:
        # a value that its column cannot hold, written past the service: what it hides cannot be told
        report.add(
            "unreadable", name, f"a stored value is of another kind than its column: {type(exc).__name__}: {exc}"
        )
    except SQLAlchemyError as exc:
        raise Unavailable("database_unavailable", f"The database cannot be read: {type(exc).__name__}.") from exc


def _count(report: AuditReport, rows: int) -> None:
    report.rows += rows


def _check_objects(archive: Archive, report: AuditReport, tick: Callable[[], None]) -> None:
    report.objects = stored_evidence.check_objects(archive, report.add, tick)


def _check_events(session: Session, report: AuditReport, origin: str, streams: dict[str, list[Event]]) -> None:
    ids: set[str] = set()
    for row in session.execute(select(EventRow).order_by(EventRow.stream, EventRow.seq)).scalars():
        report.events += 1
        place = f"{row.stream} #{row.seq}"
        try:
            event = parse_event(row.data)
        except EventError as exc:
            report.add("event_invalid", place, str(exc))
            continue
        told = (event.id, event.stream, event.seq, event.type, parse_time(event.at), event.leaf_hash)
        if told != (row.id, row.stream, row.seq, row.type, row.at, row.leaf_hash):
            report.add("event_row_differs", place, "a column differs from the event's bytes")
        if event.origin != origin:
            report.add("origin_differs", place, f"the event is of the log {event.origin}")
        if event.id in ids:
            report.add("id_twice", place, f"another event has the id {event.id}")
        ids.add(event.id)
        chain = streams.setdefault(event.stream, [])
        prev = chain[-1].leaf_hash if chain else FIRST_PREV
        if event.seq != len(chain) or event.prev != prev:
            report.add("chain_broken", place, "seq or prev does not follow from the event before")
        if chain and event.at < chain[-1].at:
            report.add("time_backwards", place, "the event is older than the one before it")
        chain.append(event)


def _check_streams(session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    rows = {row.name: row for row in session.execute(select(StreamRow)).scalars()}
    for name, events in streams.items():
        row = rows.pop(name, None)
        last = events[-1]
        if row is None or (row.next_seq, row.head, row.last_at) != (len(events), last.leaf_hash, parse_time(last.at)):
            report.add("stream_differs", name, "the stream's row differs from its last event")
    for name, row in rows.items():
        if (row.next_seq, row.head, row.last_at) != (0, FIRST_PREV, None):
            report.add("stream_without_events", name, "the stream's row names events that are not there")


def _check_openings(session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    promised = {
        (event.leaf_hash, field): value
        for events in streams.values()
        for event in events
        for field, value in commitments_in(event.payload)
    }
    for row in session.execute(select(OpeningRow)).scalars():
        expected = promised.pop((row.event_hash, row.field), None)
        if expected is None or len(row.salt) != 32 or commitment(row.field, row.value, row.salt) != expected:
            report.add("opening_differs", f"{row.event_hash} {row.field}", "value and salt do not open the commitment")
    erased = {hash_and_field for events in streams.values() for hash_and_field in _erased(events)}
    for event_hash, name in sorted(promised.keys() - erased):
        report.add(
            "opening_missing", f"{event_hash} {name}", "value and salt are gone, and no event tells of an erasure"
        )


def _erased(events: list[Event]) -> Iterator[tuple[str, str]]:
    """What later events of the same stream say was erased: a log-in's former mail addresses."""
    mails = [event.leaf_hash for event in events if event.type == "user.mail_set"]
    for leaf_hash in mails[:-1]:
        yield leaf_hash, "mail"


def _check_tree(
    archive: Archive, session: Session, report: AuditReport, streams: dict[str, list[Event]], published: PublishedLog
) -> None:
    leaves = session.execute(select(LogLeafRow).order_by(LogLeafRow.leaf_index)).scalars().all()
    pending = set(session.execute(select(LogPendingRow.leaf_hash)).scalars())
    known = {event.leaf_hash: event for events in streams.values() for event in events}
    last_seq: dict[str, int] = {}
    for expected, leaf in enumerate(leaves):
        event = known.get(leaf.leaf_hash)
        if leaf.leaf_index != expected or event is None:
            report.add("leaf_differs", f"leaf {leaf.leaf_index}", "the leaf is out of order or has no event")
            continue
        if last_seq.get(event.stream, -1) + 1 != event.seq:
            report.add("leaf_order", f"leaf {leaf.leaf_index}", "the tree's order disagrees with the stream's chain")
        last_seq[event.stream] = event.seq
    missing = known.keys() - {leaf.leaf_hash for leaf in leaves} - pending
    for leaf_hash in sorted(missing):
        report.add("event_not_in_tree", leaf_hash, "the event is neither a leaf nor pending")
    for leaf_hash in sorted(pending - known.keys()):
        report.add("pending_without_event", leaf_hash, "what waits for its number is no event")
    hashes = [bytes.fromhex(leaf.leaf_hash) for leaf in leaves]
    rebuilt: dict[tuple[int, int], bytes] = {}
    for start in range(0, len(hashes), 4096):
        rebuilt.update(tiles.append_leaves(start, hashes[start : start + 4096], lambda level, i: rebuilt[(level, i)]))
    stored = {(row.level, row.tile_index): row.hashes for row in session.execute(select(LogTileRow)).scalars()}
    for key in sorted(rebuilt.keys() | stored.keys()):
        if rebuilt.get(key) != stored.get(key):
            report.add("tile_differs", f"tile {key[0]}/{key[1]}", "the tile differs from its leaves")
    entries = [known[leaf.leaf_hash].data if leaf.leaf_hash in known else None for leaf in leaves]
    stored_evidence.check_published(archive, report.add, published, rebuilt, entries)
    node = tiles.node_reader(lambda level, i: rebuilt[(level, i)])
    for row in session.execute(select(CheckpointRow).order_by(CheckpointRow.size)).scalars():
        try:
            checkpoint = require_own_checkpoint(archive, row.note)
        except ArchiveError as exc:
            report.add("checkpoint_damaged", f"checkpoint {row.size}", exc.detail)
            continue
        root = merkle.root_from_nodes(row.size, node) if row.size <= len(hashes) else None
        if (checkpoint.size, checkpoint.root.hex(), checkpoint.root) != (row.size, row.root, root):
            report.add("checkpoint_differs", f"checkpoint {row.size}", "the signed root is not the tree's")


def _check_definitions(session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    sizes = {
        event.payload["digest"]: event.payload["size"]
        for event in streams.get("service", [])
        if event.type == "definition.registered"
    }
    for row in session.execute(select(DefinitionRow)).scalars():
        if sha256(row.data).hexdigest() != row.digest or sizes.get(row.digest, len(row.data)) != len(row.data):
            report.add(
                "definition_damaged", row.digest, f"the bytes of {row.key} version {row.version} do not hash to it"
            )


def _check_projection(archive: Archive, session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    expected: Rows = {}
    tallies: list[Tally] = []
    for name, events in streams.items():
        kind = stream_kind(name)
        try:
            if kind == "dossier":
                after = streams.get(f"after:{name.partition(':')[2]}", [])
                state = fold(archive.catalog.sop(session, events[0].payload["sop"]), events, after)
                rows = rows_of_dossier(state, calendars_of(archive, session, state))
                expected.update(rows)
                tallies.append(tally_of(rows, state.sop.key))
            elif kind == "unit":
                expected.update(rows_of_unit(events))
            elif kind != "after":
                expected.update(rows_of_stream(events))
        except (IllegalEvent, ArchiveError, KeyError, ValueError) as exc:
            report.add("stream_untellable", name, f"the events do not tell a state: {exc}")
    actual: Rows = {}
    for table in PROJECTED:
        columns = [c for c in inspect(table).columns if c.info["declared"] == "evidenced" and c.name != "data"]
        for row in session.execute(select(*(_as_stored(column) for column in columns))).mappings():
            values = {column.name: row[column.name] for column in columns}
            key = tuple(values[c.name] for c in inspect(table).primary_key)
            actual[(table, key)] = values
    report.rows += len(expected)
    for table, key in sorted(expected.keys() | actual.keys(), key=lambda k: (k[0].__tablename__, str(k[1]))):
        place = f"{table.__tablename__} {'/'.join(str(part) for part in key)}"
        want, have = expected.get((table, key)), actual.get((table, key))
        if want is None:
            report.add("row_without_event", place, "no event tells of this row")
        elif have is None:
            report.add("row_missing", place, "events tell of this row, and it is not there")
        else:
            for name in want:
                if want[name] != have[name]:
                    report.add("column_differs", f"{place} {name}", f"is {have[name]!r}, the events say {want[name]!r}")
    _check_tally(session, report, add_up(tallies))


def _as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """The column as it is compared: SQLite takes any value for a truth value, and the driver would read 2 and 'x' as true."""
    return type_coerce(column, Integer).label(column.name) if isinstance(column.type, Boolean) else column


def _check_tally(session: Session, report: AuditReport, want: Tally) -> None:
    have = read_tally(session)
    report.rows += len(want)
    for cell in sorted(want.keys() | have.keys()):
        numbers, counted = want.get(cell, {}), have.get(cell, {})
        for measure in sorted(numbers.keys() | counted.keys()):
            if numbers.get(measure, 0) != counted.get(measure, 0):
                place = f"quality_count {'/'.join(str(part) for part in cell)} {measure}"
                text = f"adds up to {counted.get(measure, 0)}, the events say {numbers.get(measure, 0)}"
                report.add("count_differs", place, text)


def _check_samples(session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    drawn = {
        event.payload["sample"]: event.payload
        for name, events in streams.items()
        if stream_kind(name) == "user"
        for event in events
        if event.type == "sample.drawn"
    }
    for id, data in session.execute(select(SampleRow.id, SampleRow.data)):
        told = drawn.get(id)
        if told is None:
            continue
        if sha256(data).hexdigest() != told["population_digest"]:
            report.add("sample_differs", id, "the list that it was drawn from is not the one that was recorded")
        elif samples.draw(told["seed"], samples.read_population(data), told["size"]) != told["dossiers"]:
            report.add("sample_differs", id, "the seed draws other dossiers from the list than were recorded")


def _check_statements(session: Session, report: AuditReport, streams: dict[str, list[Event]]) -> None:
    promised = {
        name.partition(":")[2]: events[-1].payload["statement_digest"]
        for name, events in streams.items()
        if events[-1].type == "dossier.sealed"
    }
    for row in session.execute(select(StatementRow)).scalars():
        report.rows += 1
        if promised.pop(row.dossier_id, None) != row.digest or sha256(row.data).hexdigest() != row.digest:
            report.add("statement_differs", row.dossier_id, "the statement is not the one that was sealed")
    for dossier in promised:
        report.add("statement_missing", dossier, "the statement that was sealed is not there")
    again = {
        event.leaf_hash: (event.payload["dossier"], event.payload["calendar"], event.payload["statement_digest"])
        for name, events in streams.items()
        if stream_kind(name) == "after"
        for event in events
        if event.type == "dossier.judged_again"
    }
    for second in session.execute(select(StatementAgainRow)).scalars():
        report.rows += 1
        told = again.pop(second.event_hash, None)
        is_same = told == (second.dossier_id, second.calendar_digest, second.digest)
        if not is_same or sha256(second.data).hexdigest() != second.digest:
            report.add("statement_differs", second.dossier_id, "the second statement is not the one that was recorded")
    for dossier, _, _ in again.values():
        report.add("statement_missing", dossier, "the second statement that was recorded is not there")
    stored = {
        event.payload["dossier"]: (event.payload["digest"], event.payload["size"], event.payload["plan_digest"])
        for name, events in streams.items()
        if stream_kind(name) == "after"
        for event in events
        if event.type == "bundle.stored"
    }
    for bundle in session.execute(select(BundleRow)).scalars():
        report.rows += 1
        if bundle.plan_digest is not None and sha256(bundle.plan).hexdigest() != bundle.plan_digest:
            report.add("plan_differs", bundle.dossier_id, "the plan is not the one that the bundle was built by")
        if stored.pop(bundle.dossier_id, (None, None, None)) != (bundle.digest, bundle.size, bundle.plan_digest):
            report.add("bundle_differs", bundle.dossier_id, "the bundle's row is not what the event says")
    for dossier in stored:
        report.add("bundle_missing", dossier, "an event tells of a bundle whose row is not there")
