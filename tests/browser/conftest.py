"""A real service in demo mode, on either wiring, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from archive_service.cli.demo import PASSWORD
from archive_service.cli.demo_stack import DemoStack, start_demo
from archive_service.cli.sample_people import PEOPLE
from archive_service.services.fixity import LOCK_WHILE_OPEN
from servers.__main__ import start_servers
from servers.s3 import S3Access
from tests.cli.test_commands import free_port
from tests.s3 import ON_S3, plain_client

LOCKED_WITHIN_SECONDS = 30
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """The path of this machine's Chromium; without one a skip that says what to do, and a failure in CI."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    text = "No Chromium on this machine: run `python3 scripts/install_system_packages.py` as root, or install chromium."
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


class DemoOffice:
    """A running demo with the demo's people in it, and the hand on its clock."""

    def __init__(self, stack: DemoStack) -> None:
        self.stack = stack
        self.url = stack.base_url
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        token = self._call("POST", "/api/v1/tokens", login="admin", password=stack.password, name="uji")["token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        self.at("2026-03-12T08:30")
        unit = self._call("GET", "/api/v1/work-units")["work_units"][0]["work_unit"]
        for member in PEOPLE:
            made = self._call("POST", "/api/v1/people", name=member.name, login=member.login, password=PASSWORD)
            role = {"role": member.role, "work_unit": unit, "from_on": "2026-01-01", "lead": member.lead}
            self._call("POST", f"/api/v1/people/{made['person']}/assignments", **role)

    def _call(self, method: str, path: str, **body: object) -> dict[str, Any]:
        found: dict[str, Any] = self._client.request(method, path, json=body or None).raise_for_status().json()
        return found

    def at(self, moment: str) -> None:
        """Move the demo clock forward to this WIB time."""
        self._client.put("/demo/clock", json={"at": f"{moment}:00+07:00"}).raise_for_status()

    def key(self) -> str:
        """The verifier key that the log publishes."""
        return self._client.get("/log/vkey").raise_for_status().text.splitlines()[0]

    def close(self) -> None:
        """Close the connection to the service."""
        self._client.close()


class Production:
    """The servers of a production wiring, as whoever runs them sees what the service left on them."""

    def __init__(self, settings: dict[str, str], s3: S3Access) -> None:
        self._settings = settings
        self._s3 = s3

    def require_used(self, office: DemoOffice) -> None:
        """Fails unless all of production's processes run and evidence lies on PostgreSQL and, locked, in the bucket."""
        office.stack.require_running()
        assert set(office.stack.children) == {"log-keeper", "worker", "beat", "web"}
        assert office.stack.settings.database is not None
        assert not [*office.stack.settings.data_dir.rglob("*.sqlite*"), *office.stack.settings.data_dir.rglob("*.db")]
        with psycopg.connect(self._settings["ARCHIVE_MIGRATION_DATABASE"]) as connection:
            asked = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()"
            assert "archive_app" in {name for (name,) in connection.execute(asked)}
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone() is not None
            kept = "SELECT l.key, l.version_id, l.digest FROM location l JOIN document_version v ON v.digest = l.digest"
            objects = connection.execute(kept).fetchall()
        assert objects
        client = plain_client(self._s3)
        bucket = self._settings["ARCHIVE_S3_BUCKET"]
        assert client.get_object_lock_config(bucket) is not None
        for key, version, digest in objects:
            answer = client.get_object(bucket, key, version_id=version)
            try:
                assert sha256(answer.read()).hexdigest() == digest, key
            finally:
                answer.close()
                answer.release_conn()
            # the rolling lock of open dossiers: no schedule but the example is registered, which locks nothing for longer
            assert self._locked_until(bucket, key, version) > datetime.now(UTC) + LOCK_WHILE_OPEN / 2, key

    def _locked_until(self, bucket: str, key: str, version: str) -> datetime:
        until = time.monotonic() + LOCKED_WITHIN_SECONDS
        while time.monotonic() < until:
            metadata = plain_client(self._s3).stat_object(bucket, key, version_id=version).metadata
            found = (metadata or {}).get("x-amz-object-lock-retain-until-date")
            if found:
                return datetime.fromisoformat(found)
            time.sleep(0.2)
        pytest.fail(f"{key} is not locked")


@pytest.fixture(params=["embedded", pytest.param("production", marks=[pytest.mark.full, ON_S3])])
def production(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production | None]:
    """PostgreSQL, Redis and an S3 server named in the environment, or nothing at all for the embedded default."""
    find_chromium()
    if request.param == "embedded":
        yield None
        return
    with ExitStack() as stack:
        settings, s3 = start_servers(stack)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield Production(settings, s3)


@pytest.fixture
def service(production: Production | None, tmp_path: Path) -> Iterator[DemoOffice]:
    """The service with the demo's people, as a demo starts it on this wiring."""
    stack = start_demo(data_dir=tmp_path / "var", port=free_port())
    try:
        office = DemoOffice(stack)
        yield office
        office.close()
    finally:
        stack.stop()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()
