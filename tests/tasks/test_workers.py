"""Real workers on a real Redis and PostgreSQL: killed, stopped, cut off. One bundle, nothing lost, nothing done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
import redis
from sqlalchemy import select

from archive_service import jobs, wiring
from archive_service.cli.children import start_child, stop_child
from archive_service.db.event_log import read_stream
from archive_service.db.models import JobRow
from archive_service.services import audit, reading, uploads
from archive_service.storage.folder import INCOMING
from archive_service.verifier.verify import verify_file
from servers.redis import RedisServer
from tests.databases import Cluster, TestDatabase, migrate
from tests.office import SAMPLES, Office, chunks_of, make_office

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("celery")]

LEASE_SECONDS = 3
LARGE_BYTES = 160 * 1024 * 1024
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "tasks.app"]
DEMO = {"demo": True, "log_origin": "archive.test/demo"}


class Processes:
    """The processes of an office, each stopped at the end."""

    def __init__(self, office: Office, server: RedisServer) -> None:
        settings = office.archive.settings
        assert settings.database is not None
        self.office = office
        self.folder = settings.data_dir
        self._environment = {
            **os.environ,
            "ARCHIVE_DEMO": "1",
            "ARCHIVE_LOG_ORIGIN": DEMO["log_origin"],
            "ARCHIVE_DATA_DIR": str(settings.data_dir),
            "ARCHIVE_DATABASE": settings.database,
            "ARCHIVE_REDIS_URL": server.url,
            "ARCHIVE_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        self._children: list[subprocess.Popen[bytes]] = []

    def _start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}-{len(self._children)}.log"
        child = start_child(command, log=log, env={str(k): str(v) for k, v in self._environment.items()})
        self._children.append(child)
        return child

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", *CELERY, "worker", "--loglevel", "WARNING", "--concurrency", "1")

    def beat(self) -> subprocess.Popen[bytes]:
        return self._start("beat", *CELERY, "beat", "--loglevel", "WARNING")

    def log(self) -> subprocess.Popen[bytes]:
        return self._start("log-keeper", sys.executable, "-m", "archive_service.cli", "log", "run")

    def stop(self) -> None:
        for child in self._children:
            os.killpg(child.pid, signal.SIGCONT) if child.poll() is None else None
            stop_child(child, signal.SIGKILL)

    def words(self) -> str:
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in self.folder.glob("*.log"))


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[TestDatabase]:
    made = cluster.create()
    migrate(made)
    yield made
    cluster.drop(made)


@pytest.fixture(scope="module")
def shared(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for all tests here; each brings a dossier of its own."""
    office = make_office(tmp_path_factory.mktemp("office") / "var", database=database.url, **DEMO)
    yield office
    office.archive.db.close()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def processes(shared: Office, server: RedisServer) -> Iterator[Processes]:
    running = Processes(shared, server)
    running.log()
    yield running
    running.stop()


def sealed(office: Office, *, large: Path | None = None) -> str:
    """A dossier that was just archived: its judging is over, its bundle is to be built."""
    dossier = office.play("3")
    office.at("2026-03-25T09:00")
    if large is not None:
        uploads.receive_document(
            office.archive,
            office.actor("agus"),
            dossier=dossier,
            step="4",
            kind="measurement_data",
            file_name="lampiran-besar.pdf",
            chunks=chunks_of(large.read_bytes(), 1024 * 1024),
        )
    office.finish(dossier)
    # the workers' clock: it stands after everything that was recorded so far
    clock = wiring.demo_clock(office.archive.settings)
    if office.clock.moment > clock.now():
        clock.move_to(office.clock.moment)
    return dossier


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound PDF whose bundle takes a while to write."""
    path: Path = tmp_path_factory.mktemp("large") / "large.pdf"
    with pikepdf.open(SAMPLES / "01-surat-permintaan-laporan.pdf") as pdf:
        pdf.Root.PieceInfo = pdf.make_indirect(pikepdf.Stream(pdf, os.urandom(1024 * 1024) * (LARGE_BYTES // 1024**2)))
        pdf.save(path, compress_streams=False)
    return path


def until(is_so: Callable[[], bool], processes: Processes, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it does not come to pass\n{processes.words()}"
        time.sleep(0.05)


def bundle_job(office: Office, dossier: str) -> JobRow:
    with office.archive.db.read() as session:
        return session.execute(select(JobRow).where(JobRow.idempotency_key == f"bundle:{dossier}")).scalar_one()


def require_one_good_bundle(office: Office, dossier: str, path: Path) -> None:
    with office.archive.db.read() as session:
        kinds = Counter(e.type for e in read_stream(session, f"after:{dossier}"))
    assert kinds == {"bundle.stored": 1}
    content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
    with path.open("wb") as file:
        file.writelines(content.chunks)
    assert verify_file(str(path), office.archive.log_key.vkey, "en", False)[1] == 0
    path.unlink()
    assert audit.check_archive(office.archive).discrepancies == []


def no_work_left(office: Office) -> bool:
    with office.archive.db.read() as session:
        return not session.execute(select(JobRow.id).where(JobRow.state != jobs.DONE)).first()


def is_writing_bundle(office: Office, dossier: str) -> bool:
    """Whether a worker has leased the job and put some of the bundle down."""
    if bundle_job(office, dossier).state != jobs.RUNNING:
        return False
    partial = office.archive.settings.data_dir / "store" / INCOMING
    return any(path.stat().st_size > LARGE_BYTES // 20 for path in partial.iterdir())


def test_a_worker_killed_in_the_middle_of_a_bundle_is_replaced_and_one_bundle_comes(
    processes: Processes, large: Path, tmp_path: Path
) -> None:
    office = processes.office
    dossier = sealed(office, large=large)
    processes.beat()
    worker = processes.worker()
    until(lambda: is_writing_bundle(office, dossier), processes)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    assert bundle_job(office, dossier).state == jobs.RUNNING
    processes.worker()
    until(lambda: no_work_left(office), processes)
    assert bundle_job(office, dossier).attempts >= 2
    require_one_good_bundle(office, dossier, tmp_path / "bundle.zip")


@pytest.mark.full
def test_a_worker_stopped_past_its_lease_throws_its_work_away_when_it_goes_on(
    processes: Processes, large: Path, tmp_path: Path
) -> None:
    office = processes.office
    dossier = sealed(office, large=large)
    processes.beat()
    sleeper = processes.worker()
    until(lambda: is_writing_bundle(office, dossier), processes)
    os.killpg(sleeper.pid, signal.SIGSTOP)
    token = bundle_job(office, dossier).lease_token
    processes.worker()
    until(lambda: bundle_job(office, dossier).state == jobs.DONE, processes)
    assert token is not None
    os.killpg(sleeper.pid, signal.SIGCONT)
    log = "\n".join(p.read_text(errors="replace") for p in processes.folder.glob("worker-*.log"))
    until(lambda: "job.lease_lost" in "".join(p.read_text() for p in processes.folder.glob("worker-*.log")), processes)
    assert "job.crashed" not in log
    require_one_good_bundle(office, dossier, tmp_path / "bundle.zip")


def test_an_emptied_redis_loses_no_work(processes: Processes, server: RedisServer, tmp_path: Path) -> None:
    office = processes.office
    processes.beat()
    processes.worker()
    dossier = sealed(office)
    with redis.Redis.from_url(server.url) as connection:
        for _ in range(20):
            connection.flushall()
            time.sleep(0.1)
    until(lambda: no_work_left(office), processes)
    require_one_good_bundle(office, dossier, tmp_path / "bundle.zip")


@pytest.mark.full
@pytest.mark.parametrize("seconds", [6, 60])
def test_work_waits_while_redis_is_gone_and_goes_on_by_itself(
    processes: Processes, server: RedisServer, tmp_path: Path, seconds: int
) -> None:
    office = processes.office
    worker, beat = processes.worker(), processes.beat()
    first = sealed(office)
    until(lambda: no_work_left(office), processes)
    server.halt()
    second = sealed(office)
    gone_at = datetime.now(UTC)
    while (datetime.now(UTC) - gone_at).total_seconds() < seconds:
        assert bundle_job(office, second).state != jobs.DONE
        time.sleep(0.2)
    server.start()
    until(lambda: no_work_left(office), processes, 120)
    assert worker.poll() is None and beat.poll() is None, "the same processes go on"
    for dossier in (first, second):
        require_one_good_bundle(office, dossier, tmp_path / "bundle.zip")


@pytest.mark.full
def test_two_beats_and_two_workers_do_everything_once(processes: Processes, tmp_path: Path) -> None:
    office = processes.office
    for _ in range(2):
        processes.beat()
        processes.worker()
    dossiers = [sealed(office) for _ in range(3)]
    until(lambda: no_work_left(office), processes)
    time.sleep(2)
    for dossier in dossiers:
        require_one_good_bundle(office, dossier, tmp_path / "bundle.zip")
        assert bundle_job(office, dossier).state == jobs.DONE
