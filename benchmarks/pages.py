"""Pages of one unit's clerk in a small archive and in a great one: gunicorn, PostgreSQL, eight browsers that never pause."""

from __future__ import annotations

import http.client
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import func, select

from archive_service import wiring
from archive_service.app import create_app
from archive_service.cli.serve import Server
from archive_service.config import Settings
from archive_service.db.models import DossierRow, EventRow
from archive_service.services import sessions
from archive_service.web.auth import COOKIE
from benchmarks.crowd import NOW, PERIODS, Crowd
from benchmarks.quality import crowd_of
from benchmarks.uploads import rate
from servers.postgres import PostgresServer
from servers.processes import free_ports
from tests.databases import Cluster
from tests.office import TestClock, wib

CLIENTS = 8
EACH = 50
"""Readings of a page by each client, after ten that are not counted."""
WARM_UP = 10
READERS = ("hendra", "maya")
DEEP_OF_40 = 6
"""So many of forty dossiers are near their end: ten events a dossier, taken together."""
AIM_MS = 100
AIM_RATIO = 1.5


class StandingServer(Server):
    """The service under gunicorn at a moment that stands still, without the jobs' thread."""

    def load(self) -> Any:
        """Build the archive in the worker, with the crowd's time."""
        return create_app(wiring.build(self._settings, evidence_clock=TestClock(wib(NOW)).now))


def serve_pages(settings: Settings) -> None:
    """Run until killed; for a process of its own."""
    StandingServer(settings, is_whole=False).run()


@dataclass(frozen=True)
class Reading:
    """How long readings of a page took, in milliseconds, and how many bytes it has."""

    p50: float
    p95: float
    size: int


@contextmanager
def served(crowd: Crowd) -> Iterator[int]:
    """The port at which the crowd's pages are served."""
    port = free_ports(1)[0]
    settings = crowd.office.archive.settings.model_copy(update={"port": port})
    process = multiprocessing.get_context("spawn").Process(target=serve_pages, args=(settings,))
    process.start()
    try:
        until = time.monotonic() + 60
        while True:
            try:
                line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                line.request("GET", "/livez")
                if line.getresponse().read():
                    break
            except OSError:
                if time.monotonic() > until or not process.is_alive():
                    raise
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.join(30)


def read_page(line: http.client.HTTPConnection, path: str, cookie: str) -> tuple[float, int]:
    """Milliseconds until a page is there whole, and its size. RuntimeError unless it is shown."""
    started = time.perf_counter()
    line.request("GET", path, headers={"Cookie": f"{COOKIE}={cookie}", "Accept-Encoding": "gzip"})
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return (time.perf_counter() - started) * 1000, len(body)


def measure_page(port: int, path: str, cookies: list[str], clients: int = CLIENTS, each: int = EACH) -> Reading:
    """Readings of a page by clients that ask again at once."""
    taken: list[tuple[float, int]] = []
    lock = threading.Lock()

    def read(client: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        own = [read_page(line, path, cookies[client % len(cookies)]) for _ in range(WARM_UP + each)]
        with lock:
            taken.extend(own[WARM_UP:])

    rate(read, clients, each)
    found = [milliseconds for milliseconds, _ in taken]
    return Reading(statistics.median(found), statistics.quantiles(found, n=20)[-1], taken[0][1])


def paths_of(crowd: Crowd) -> dict[str, str]:
    """The pages that are asked for, by name: of one unit, which has a fortieth of the dossiers."""
    with crowd.office.archive.db.read() as session:
        dossier = session.execute(
            select(DossierRow.id).where(DossierRow.work_unit_id == crowd.units[0]).order_by(DossierRow.id).limit(1)
        ).scalar_one()
    year, quarter = PERIODS[-1]
    return {
        "home": "/",
        "list": "/dossiers",
        "dossier": f"/dossiers/{dossier}",
        "heat map": f"/quality?year={year}&quarter={quarter}",
    }


def _count_events(crowd: Crowd) -> int:
    with crowd.office.archive.db.read() as session:
        return int(session.execute(select(func.count()).select_from(EventRow)).scalar_one())


def measure_pages(sizes: tuple[int, int] = (1_000, 100_000)) -> None:
    """p95 of home, list, dossier and heat map for people of one unit, and how much slower the greater archive is."""
    found: list[dict[str, Reading]] = []
    with PostgresServer() as server:
        cluster = Cluster(server.url)
        for size in sizes:
            with crowd_of(cluster, size, size // 10, DEEP_OF_40) as crowd:
                office, held = crowd.office, _count_events(crowd)
                office.settle(*READERS)
                cookies = [
                    sessions.start_session(office.archive, office.actor(login), method="password") for login in READERS
                ]
                with psycopg.connect(crowd.owner_url, autocommit=True) as connection:
                    connection.execute("vacuum analyze")
                    connection.execute("checkpoint")
                with served(crowd) as port:
                    taken = {}
                    for name, path in paths_of(crowd).items():
                        taken[name] = measure_page(port, path, cookies)
                        alone = measure_page(port, path, cookies, clients=1)
                        print(
                            f"pages, {name}, {size} dossiers, {held} events: p50 {taken[name].p50:.0f} ms, "
                            f"p95 {taken[name].p95:.0f} ms with {CLIENTS} clients; p95 {alone.p95:.0f} ms alone; "
                            f"{taken[name].size / 1000:.0f} kB",
                            flush=True,
                        )
                found.append(taken)
    small, great = found
    for name in small:
        print(
            f"pages, {name}: p95 {small[name].p95:.0f} → {great[name].p95:.0f} ms (aim {AIM_MS}); "
            f"ratio {great[name].p95 / small[name].p95:.2f} (aim {AIM_RATIO})"
        )
