"""A real service in demo mode, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from archive_service.cli.demo import PASSWORD
from archive_service.cli.demo_stack import DemoStack, start_demo
from archive_service.cli.sample_people import PEOPLE
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


class DemoOffice:
    """A running demo with the demo's people in it, and the hand on its clock."""

    def __init__(self, stack: DemoStack) -> None:
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


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DemoOffice]:
    find_chromium()
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
