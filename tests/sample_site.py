"""A sample year of two units behind a real server, made once for whoever walks through the pages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from archive_service import wiring
from archive_service.app import create_app
from archive_service.archive import Archive
from archive_service.cli.sample_people import SAMPLE_UNITS, SampleUnit
from archive_service.cli.sample_year import BEGINS, SampleClock, SampleOffice, play_year, wib
from archive_service.config import load_settings
from archive_service.db.models import UserRow
from archive_service.runner import Runner
from archive_service.services import users

PASSWORD = "kata sandi untuk contoh"
ORIGIN = "archive.test/log"
TWO_UNITS = SAMPLE_UNITS[:2]


@dataclass
class SampleSite:
    """The archive at the end of its year, its application, and the sessions of those who look at it."""

    archive: Archive
    office: SampleOffice
    app: Flask
    url: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def cookie(self, login: str) -> str:
        """The session cookie of somebody who has chosen a password of their own; logged in once."""
        if login not in self.cookies:
            actor = self.office.actor(login)
            if users.is_password_due(self.archive, actor.user):
                users.set_password(self.archive, actor, user=actor.user, password=PASSWORD)
            with self.archive.db.read() as session:
                known = session.execute(select(UserRow.login).where(UserRow.id == actor.user)).scalar_one()
            client = self.app.test_client()
            page = client.get("/login").get_data(as_text=True)
            token = page.split('name="csrf" value="')[1].split('"')[0]
            sent = {"csrf": token, "login": known, "password": PASSWORD}
            answer = client.post("/login", data=sent, headers={"Origin": "http://localhost"})
            assert answer.status_code == 303, answer.get_data(as_text=True)
            cookie = client.get_cookie("archive_session")
            assert cookie is not None
            self.cookies[login] = cookie.value
        return self.cookies[login]


class _Quiet(WSGIRequestHandler):
    def log_request(self, *args: object) -> None:
        """Say nothing."""


def make_sample(folder: Path, units: Sequence[SampleUnit] = TWO_UNITS) -> SampleSite:
    """The sample year in a new folder, with the bundles of what was archived."""
    clock = SampleClock(wib(BEGINS))
    archive = wiring.build(
        load_settings(data_dir=folder, log_origin=ORIGIN, second_factor_roles=""), evidence_clock=clock.now
    )
    office = play_year(archive, clock, password=PASSWORD, units=units)
    runner = Runner(archive)
    for _ in range(50):
        if not runner.turn():
            break
    return SampleSite(archive, office, create_app(archive))


@contextmanager
def serve_sample(folder: Path) -> Iterator[SampleSite]:
    """The sample year on a port of this machine."""
    site = make_sample(folder)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, site.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        site.archive.db.close()
