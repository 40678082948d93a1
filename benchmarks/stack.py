"""The real stack for measuring: servers of this run's own, and the processes of an installation on them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from archive_service.cli.demo import PASSWORD, Play
from archive_service.cli.demo_stack import DemoStack, start_demo
from archive_service.cli.sample_people import PEOPLE
from servers.__main__ import start_servers
from servers.processes import free_ports
from servers.s3 import S3Access

APPLICATION = "/api/v1"


@dataclass
class Bench:
    """A running installation, with its servers' addresses."""

    stack: DemoStack
    s3: S3Access
    owner_url: str
    play: Play
    unit: str

    def token_of(self, login: str) -> str:
        """A token of one of the demo's people."""
        body = {"login": login, "password": PASSWORD, "name": "bench", "days": 30}
        answer = httpx.post(f"{self.stack.base_url}{APPLICATION}/tokens", json=body, trust_env=False, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["token"])

    def open_dossier(self, token: str) -> str:
        """A new dossier whose step 1 waits for its letter."""
        letter = {
            "number": "1",
            "sender": "x",
            "agenda_number": "2",
            "dated_on": "2026-03-11",
            "received_at": "2026-03-12T08:00:00+07:00",
        }
        body = {"work_unit": self.unit, "year": 2026, "quarter": 1, "title": "bench", "letter": letter}
        answer = httpx.post(
            f"{self.stack.base_url}{APPLICATION}/dossiers",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["dossier"])

    def web_worker(self) -> int:
        """The process id of the gunicorn worker."""
        master = self.stack.children["web"].pid
        return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables as long as it lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def running() -> Iterator[Bench]:
    """The stack, with the demo's people registered."""
    with ExitStack() as cleanup:
        environment, s3 = start_servers(cleanup)
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="archive-bench-")))
        # 8 clients come from one address; the figures after these make archives of their own, with nothing of this stack
        cleanup.enter_context(_environment({**environment, "ARCHIVE_TOKEN_TRIES_PER_MINUTE": "0"}))
        stack = start_demo(data_dir=folder / "demo", port=free_ports(1)[0])
        cleanup.callback(stack.stop)
        play = Play(stack.base_url, stack.password, [])
        play.at("2026-03-12T08:30")
        unit = play.set_up_people()
        yield Bench(stack, s3, environment["ARCHIVE_MIGRATION_DATABASE"], play, unit)


def members() -> list[str]:
    """The demo's log-ins."""
    return [member.login for member in PEOPLE]


def run_sql(url: str, statement: str) -> None:
    """Run a statement as the owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
