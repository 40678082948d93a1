"""The processes of a demo: one tree on the embedded default, or web, log, worker and beat on the servers that the settings name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from archive_service import wiring
from archive_service.cli import serve as serving
from archive_service.cli.children import start_child, stop_child
from archive_service.cli.production import make_keys, migrate
from archive_service.cli.sample_year import BEGINS, SampleClock, play_year, wib
from archive_service.config import Settings, load_settings
from archive_service.errors import Unavailable
from archive_service.services import setup

ORIGIN = "archive.local/demo"
MARKER = ".archive-demo"
UNTIL_UP_SECONDS = 60
ARCHIVE = (sys.executable, "-m", "archive_service.cli")
CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "tasks.app")


class Failed(Exception):
    """The demo cannot go on; the text says why."""


def empty_folder(folder: Path) -> None:
    """Make the demo's folder empty; refuse one that holds something else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise Unavailable("folder_not_empty", f"{folder} holds other things; name another folder with --data.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by archive-service demo; the next demo empties this folder.\n")


@dataclass
class DemoStack:
    """A demo archive, set up and running; ``password`` is its administrator's."""

    settings: Settings
    password: str
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Where its pages and API are."""
        return f"http://127.0.0.1:{self.settings.port}"

    def log_of(self, name: str) -> Path:
        """The file that a process writes to."""
        return self.settings.data_dir / f"{name}.log"

    def require_running(self) -> None:
        """Raise Failed with the last words of a process that has ended."""
        for name, child in self.children.items():
            if child.poll() is not None:
                words = self.log_of(name).read_text(errors="replace")[-1500:]
                raise Failed(f"The process {name} ended ({child.returncode}); its last words:\n{words}")

    def wait_until_up(self) -> None:
        """Return once the web process answers; Failed when it does not."""
        until = time.monotonic() + UNTIL_UP_SECONDS
        while time.monotonic() < until:
            self.require_running()
            try:
                if httpx.get(f"{self.base_url}/livez", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise Failed(f"The service did not start; see {self.log_of('web')}.")

    def wait(self) -> None:
        """Return never; Failed when a process ends."""
        while True:
            self.require_running()
            time.sleep(0.5)

    def stop(self) -> None:
        """End every process, the web process first."""
        for child in reversed(self.children.values()):
            stop_child(child)
        self.children.clear()


def _prepare(settings: Settings, year_password: str | None, receipt_key: Path) -> str | None:
    """The administrator's one-time password of an empty archive; with a sample year in it when its people get a password."""
    if year_password is None:
        return serving.prepare(settings)
    sample = SampleClock(wib(BEGINS))
    own = settings if settings.redis_url is None else settings.model_copy(update={"receipt_key_file": receipt_key})
    archive = wiring.build(own, evidence_clock=sample.now)
    try:
        password = setup.bootstrap(archive, unit_code=serving.UNIT_CODE, unit_name=serving.UNIT_NAME)
        if password is not None:
            play_year(archive, sample, password=year_password)
    finally:
        archive.db.close()
    wiring.demo_clock(settings).move_to(sample.moment)
    return password


def start_demo(*, data_dir: Path, port: int | None, year_password: str | None = None) -> DemoStack:
    """A new demo archive in an emptied folder, or in the empty database and bucket that the environment names, and its processes.

    ``year_password``: the password of the people of a sample year, which is in the archive then.
    """
    fixed: dict[str, Any] = {"demo": True, "log_origin": ORIGIN, "host": "127.0.0.1", "data_dir": data_dir}
    settings = load_settings(**fixed, **({} if port is None else {"port": port}))
    serving.require_free_port(settings.host, settings.port)
    empty_folder(settings.data_dir)
    keys = make_keys(settings.data_dir / "keys", ORIGIN)
    if settings.redis_url is not None:
        settings = settings.model_copy(update={"log_vkey": keys.log_vkey, "receipt_vkey": keys.receipt_vkey})
    if settings.database is not None:
        migrate(settings)
    if settings.s3_endpoint is not None:
        wiring.connect_s3(settings).set_up_bucket()
    password = _prepare(settings, year_password, keys.receipt_file)
    if password is None:
        raise Unavailable("not_empty", "The database holds an archive already; a demo begins with an empty one.")
    stack = DemoStack(settings, password)
    environment = {
        **os.environ,
        "ARCHIVE_DEMO": "1",
        "ARCHIVE_HOST": settings.host,
        "ARCHIVE_PORT": str(settings.port),
        "ARCHIVE_DATA_DIR": str(settings.data_dir.resolve()),
        "ARCHIVE_LOG_ORIGIN": ORIGIN,
    }
    # only who migrates may know the owner's role
    environment.pop("ARCHIVE_MIGRATION_DATABASE", None)

    def start(name: str, *command: str, **extra: str) -> None:
        stack.children[name] = start_child(command, log=stack.log_of(name), env={**environment, **extra})

    try:
        if settings.redis_url is None:
            start("web", *ARCHIVE, "serve-demo")
        else:
            environment |= {"ARCHIVE_LOG_VKEY": keys.log_vkey, "ARCHIVE_RECEIPT_VKEY": keys.receipt_vkey}
            start("log-keeper", *ARCHIVE, "log", "run", ARCHIVE_LOG_KEY_FILE=str(keys.log_file.resolve()))
            start("worker", *CELERY, "worker", "--loglevel", "WARNING")
            start("beat", *CELERY, "beat", "--loglevel", "WARNING")
            start("web", *ARCHIVE, "web", ARCHIVE_RECEIPT_KEY_FILE=str(keys.receipt_file.resolve()))
        stack.wait_until_up()
    except BaseException:
        stack.stop()
        raise
    return stack
