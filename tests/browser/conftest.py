"""A real service in demo mode, and a real Chromium in front of it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from archive_service.cli import serve as serving
from archive_service.cli.demo import ORIGIN, PASSWORD, PEOPLE
from archive_service.config import load_settings
from tests.cli.test_commands import free_port

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


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG: the service must not outlive a test run that was killed
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class DemoService:
    """A running demo service with the demo's people in it, and the hand on its clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = load_settings(demo=True, log_origin=ORIGIN, data_dir=folder, port=self.port)
        password = serving.prepare(settings)
        environment = {
            **os.environ,
            "ARCHIVE_DEMO": "1",
            "ARCHIVE_PORT": str(self.port),
            "ARCHIVE_DATA_DIR": str(folder),
            "ARCHIVE_LOG_ORIGIN": ORIGIN,
        }
        self.output = folder / "service.log"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "archive_service.cli", "serve-demo"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=_die_with_parent,
            )
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        try:
            self._wait_until_up()
            body = {"login": "admin", "password": password, "name": "uji"}
            token = self._client.post("/api/v1/tokens", json=body).raise_for_status().json()["token"]
            self._client.headers["Authorization"] = f"Bearer {token}"
        except BaseException:
            self.stop()
            raise

    def _wait_until_up(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self._client.get("/livez").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self.output.read_text(errors="replace"))

    def at(self, moment: str) -> None:
        """Move the demo clock forward to this WIB time."""
        self._client.put("/demo/clock", json={"at": f"{moment}:00+07:00"}).raise_for_status()

    def set_up_people(self) -> None:
        """Register the demo's people with their roles."""
        unit = self._client.get("/api/v1/work-units").raise_for_status().json()["work_units"][0]["work_unit"]
        for member in PEOPLE:
            person = {"name": member.name, "login": member.login, "password": PASSWORD}
            made = self._client.post("/api/v1/people", json=person).raise_for_status().json()["person"]
            role = {"role": member.role, "work_unit": unit, "from_on": "2026-01-01", "lead": member.lead}
            self._client.post(f"/api/v1/people/{made}/assignments", json=role).raise_for_status()

    def key(self) -> str:
        """The verifier key that the log publishes."""
        return self._client.get("/log/vkey").raise_for_status().text.splitlines()[0]

    def stop(self) -> None:
        """Stop the service that this object started."""
        self._client.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DemoService]:
    find_chromium()
    (tmp_path / "var").mkdir()
    running = DemoService(tmp_path / "var")
    yield running
    running.stop()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()
