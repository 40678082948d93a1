"""Counts and sweep on both databases: folding at the same moment as writing, and an index behind each query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import event, text

from archive_service.db import quality, queries
from archive_service.db.models import QualityCountRow
from archive_service.db.paging import PageRequest
from archive_service.db.quality import QualityFilter
from archive_service.db.queries import ReadScope
from archive_service.db.tally import fold_tallies, read_tally
from archive_service.services import quality as services
from tests.db.test_races import all_at_once
from tests.office import Office
from tests.services.quality_recount import recount

ALL = ReadScope(True)


def open_some(office: Office, count: int) -> None:
    for _ in range(count):
        office.open(received_at="2026-03-12T08:50")


def fold_often(office: Office) -> None:
    for _ in range(8):
        with office.archive.db.write() as session:
            fold_tallies(session, 3)


def test_folding_at_once_while_others_write_counts_nothing_twice(office: Office) -> None:
    acts: list[Callable[[], object]] = [partial(open_some, office, 4) for _ in range(3)]
    acts += [partial(fold_often, office) for _ in range(3)]
    results = all_at_once(acts)
    assert results == [None] * 6
    with office.archive.db.read() as session:
        expected = recount(office.archive, session)
        assert sum(numbers.get("dossiers", 0) for numbers in expected.values()) == 12
        assert read_tally(session) == expected
    services.fold_counts(office.archive)
    with office.archive.db.read() as session:
        assert read_tally(session) == expected
        assert session.query(QualityCountRow).filter(~QualityCountRow.is_folded).count() == 0


def plan_of(office: Office, ask: Callable[[Any], object]) -> str:
    """How the database goes about the first statement of a query."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.lower().startswith("select"):
            asked.append((statement, parameters))

    engine = office.archive.db.engine
    with office.archive.db.read() as session:
        if engine.dialect.name == "postgresql":
            # with a handful of rows it would read the whole table
            session.execute(text("set local enable_seqscan = off"))
            session.execute(text("set local enable_bitmapscan = off"))
        event.listen(engine, "before_cursor_execute", note)
        try:
            ask(session)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        statement, parameters = asked[0]
        explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        rows = session.connection().exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row) for row in rows)


def test_an_index_is_behind_the_sweep_and_each_number(office: Office) -> None:
    open_some(office, 2)
    now, timer, page = office.clock.now() + timedelta(days=1), office.archive.timer(), PageRequest(5)
    own = ReadScope(False, frozenset([office.unit]))
    period, unit = QualityFilter(year=2026, quarter=1), QualityFilter(work_unit=office.unit)
    for index, ask in (
        ("ix_step_run_watched", lambda s: queries.list_late(s, now, timer, 100, None)),
        ("ix_step_run_watched", lambda s: queries.list_late(s, now, timer, 100, (now, "0" * 32))),
        ("ix_quality_count_period", lambda s: quality.sum_counts(ALL, s, period, (), 100)),
        ("ix_quality_count_unit", lambda s: quality.sum_counts(ALL, s, unit, ("year", "quarter"), 100)),
        ("ix_quality_count_unit", lambda s: quality.sum_counts(own, s, QualityFilter(), ("step",), 100)),
        ("ix_step_run_due", lambda s: quality.page_overdue(ALL, s, now, QualityFilter(), page)),
        ("ix_deviation_unexplained", lambda s: quality.page_unexplained(ALL, s, QualityFilter(), page)),
        ("ix_dossier_unit_period", lambda s: quality.page_runs(ALL, s, QualityFilter("x", "1", office.unit, 2026, 1), "late", page)),
        ("ix_quality_count_fresh", lambda s: s.execute(text("select id from quality_count where not is_folded order by id"))),
    ):  # fmt: skip
        assert index in plan_of(office, ask), index
