"""What grows with the archive and what must not: the deadline sweep, one verdict, the numbers across dossiers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archive_service.db.paging import PageRequest
from archive_service.db.quality import QualityFilter
from archive_service.domain import completeness, verdict
from archive_service.services import compliance, quality
from archive_service.services.work import load_dossier
from benchmarks.crowd import PERIODS, Crowd, make_crowd
from servers.postgres import PostgresServer
from tests.databases import Cluster
from tests.office import make_office

LATE = 1000
REPEATED = 50


@contextmanager
def crowd_of(cluster: Cluster, count: int, late: int, deep: int = 0) -> Iterator[Crowd]:
    """An archive of that many open dossiers, gone afterwards; ``deep`` more of forty are near their end."""
    database = cluster.create()
    with tempfile.TemporaryDirectory(prefix="archive-crowd-") as folder:
        started = time.perf_counter()
        crowd = make_crowd(database, Path(folder) / "var", count, late, deep)
        print(f"  {count} dossiers made in {time.perf_counter() - started:.0f} s", flush=True)
        try:
            yield crowd
        finally:
            crowd.office.archive.db.close()
            cluster.drop(database)


def measure_sweep(sizes: tuple[int, ...] = (1_000, 10_000, 100_000)) -> None:
    """Seconds of one deadline sweep that finds 1,000 late steps, by the number of open dossiers."""
    seconds = []
    with PostgresServer() as server:
        cluster = Cluster(server.url)
        for size in sizes:
            with crowd_of(cluster, size, min(size, LATE)) as crowd:
                archive = crowd.office.archive
                started, worked = time.perf_counter(), time.process_time()
                found = compliance.sweep_deadlines(archive)
                seconds.append(time.perf_counter() - started)
                worked = time.process_time() - worked
                started = time.perf_counter()
                assert compliance.sweep_deadlines(archive) == 0
                idle = time.perf_counter() - started
            print(
                f"sweep, {size} open, {found} late: {seconds[-1]:.2f} s ({worked:.2f} of its own work); with nothing new {idle * 1000:.1f} ms",
                flush=True,
            )
    print(f"sweep growth: {seconds[-1] / seconds[0]:.2f} (aim 1.5)")


def measure_verdict() -> None:
    """Microseconds of one time verdict, and of one whole judgement of a step."""
    with tempfile.TemporaryDirectory(prefix="archive-verdict-") as folder:
        office = make_office(Path(folder) / "var")
        dossier = office.play("5")
        with office.archive.db.read() as session:
            state = load_dossier(office.archive, session, dossier)
            calendar = office.archive.catalog.calendar(session, state.calendar_digest)
        office.archive.db.close()
    run = next(run for run in state.runs if run.step == "4")
    assert run.finished_at is not None
    finished_at = run.finished_at

    def judge_time() -> object:
        return verdict.judge_time(state.sop, run.step, calendar, state.calendar_digest, run.started_at, finished_at)

    def judge_both() -> object:
        return judge_time(), completeness.judge(run.requirements, ())

    for name, act in (("time alone", judge_time), ("time and completeness", judge_both)):
        print(f"verdict of one step, {name}: {_quickest_seconds(act, 500) * 1e6:.0f} us")


def _quickest_seconds(act: Callable[[], object], times: int = REPEATED) -> float:
    """The quickest of several: what others do on the machine makes an act slower, never quicker."""
    act()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return min(taken)


def dashboard(crowd: Crowd) -> dict[str, Callable[[], object]]:
    """What a dashboard asks, by name."""
    archive, actor = crowd.office.archive, crowd.office.actor("nuraini")
    year, quarter = PERIODS[-1]
    period = QualityFilter(year=year, quarter=quarter)
    cell = QualityFilter(step="4", work_unit=crowd.units[3], year=year, quarter=quarter)
    page = PageRequest(50)
    return {
        "steps by units of a quarter": lambda: quality.read_summary(
            archive, actor, wanted=period, by=("sop", "work_unit", "step")
        ),
        "steps of one unit": lambda: quality.read_summary(
            archive, actor, wanted=QualityFilter(work_unit=crowd.units[3]), by=("step",)
        ),
        "trend by quarter": lambda: quality.read_summary(
            archive, actor, wanted=QualityFilter(), by=("year", "quarter")
        ),
        "overdue now": lambda: quality.page_overdue(archive, actor, wanted=QualityFilter(), page=page),
        "unexplained, oldest first": lambda: quality.page_unexplained(
            archive, actor, wanted=QualityFilter(), page=page
        ),
        "the first two behind a number": lambda: quality.page_runs(
            archive, actor, wanted=cell, measure="late", page=PageRequest(2)
        ),
    }


def measure_dashboard(sizes: tuple[int, int] = (1_000, 100_000)) -> None:
    """Milliseconds of each dashboard query, a tenth of the dossiers being late, and how much slower the greater archive answers."""
    taken: list[dict[str, float]] = []
    with PostgresServer() as server:
        cluster = Cluster(server.url)
        for size in sizes:
            with crowd_of(cluster, size, size // 10) as crowd:
                taken.append({name: _quickest_seconds(ask) for name, ask in dashboard(crowd).items()})
    small, great = taken
    for name in small:
        print(
            f"dashboard, {name}: {small[name] * 1000:.1f} ms at {sizes[0]}, {great[name] * 1000:.1f} ms at {sizes[1]}; "
            f"ratio {great[name] / small[name]:.2f}"
        )
    print(f"dashboard, all: ratio {sum(great.values()) / sum(small.values()):.2f} (aim 2)")
