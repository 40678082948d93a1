"""A page asks the database as often for many dossiers as for few: what grows with the archive is a loop that asks in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Engine, event

from archive_service.services import obligations, people, sessions, users
from tests.api.roles import ROUTES
from tests.office import PASSWORD, Office
from tests.web.conftest import Browser

READERS = {"sari": "sakip_team", "wahyu": "auditor", "nuraini": "quality_checker", "admin": "administrator"}
ASKED_FOR = {
    "sari": ("/cari?q=surat",),
    "wahyu": ("/cari?q=surat", "/quality/deviations"),
    "nuraini": ("/quality/runs?measure=late", "/cari?q=surat"),
    "admin": ("/cari?q=surat",),
}
"""Pages that show nothing until they are asked for something."""
FILES = {"/quality/export", "/metrics", "/livez", "/readyz", "/verify.py", "/verify.py.sha256", "/periksa.sha256"}


def pages_of(login: str) -> list[str]:
    """Every page without a parameter that this person may read, of the list that holds all routes, and those asked for something."""
    rules = [name.removeprefix("GET ") for name in ROUTES if name.startswith("GET ")]
    plain = [
        rule for rule in rules if "<" not in rule and not rule.startswith(("/api/", "/log/")) and rule not in FILES
    ]
    return [rule for rule in plain if ROUTES[f"GET {rule}"].of(READERS[login]).own == 200] + list(ASKED_FOR[login])


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def ask_all(app: Flask, office: Office) -> dict[str, int]:
    """How many statements each page took; asked twice, so that what is read once a process is not counted."""
    found: dict[str, int] = {}
    for login in READERS:
        browser = Browser(app, office).settle(login)
        for path in pages_of(login):
            if browser.get(path).status_code != 200:
                # it leads on to another page of this list
                continue
            with counted() as sent:
                browser.page(path)
            found[f"{login} {path}"] = len(sent)
    return found


def grow(office: Office) -> None:
    """More of what pages list: dossiers in several stages, late steps, people with log-ins and roles, units, tokens, obligations, sessions."""
    archive, admin = office.archive, office.actor("admin")
    for until in ("4", "6", "3"):
        office.play(until)
    office.at("2026-04-15T10:00")
    for number in range(3):
        unit = people.create_work_unit(
            archive, admin, code=f"satker-{number}", name=f"Satker {number}", parent=office.unit
        )
        person = people.register_person(archive, admin, name=f"Pegawai {number}")
        users.create_user(archive, admin, person=person, login=f"pegawai{number}", password=PASSWORD)
        people.assign_role(archive, admin, person=person, role="sakip_team", work_unit=unit, from_on="2026-01-01")
        for login in READERS:
            users.create_token(archive, office.actor(login), name=f"skrip {number}", days=7)
            sessions.start_session(archive, office.actor(login), method="password")
    obligations.set_obligations(archive, admin, sop="sop-spmi-601", year=2026, quarter=2, due_on="2026-06-30")
    office.turn()


def test_no_page_asks_more_often_when_there_is_more(app: Flask, office: Office) -> None:
    office.play("5")
    obligations.set_obligations(
        office.archive, office.actor("admin"), sop="sop-spmi-601", year=2026, quarter=2, due_on="2026-06-30"
    )
    office.turn()
    few = ask_all(app, office)
    assert len(few) > 60, sorted(few)
    grow(office)
    many = ask_all(app, office)
    # one or two more where the first of a kind appears; three of everything would make three
    grown = {page: (few[page], many[page]) for page in few if many[page] > few[page] + 2}
    assert grown == {}
    assert max(many.values()) < 80, max(many, key=lambda page: many[page])


def test_a_dossiers_page_asks_a_bounded_number_of_times(app: Flask, office: Office) -> None:
    short, long = office.play("2"), office.play("9")
    browser = Browser(app, office).settle("sari")
    counts = []
    for dossier in (short, long):
        browser.page(f"/dossiers/{dossier}")
        with counted() as sent:
            browser.page(f"/dossiers/{dossier}")
        counts.append(len(sent))
        token = re.findall(r'data-token="([^"]+)"', browser.page(f"/dossiers/{dossier}"))[0]
        with counted() as sent:
            assert browser.get(f"/dossiers/{dossier}/pulse", query_string={"seen": token}).status_code == 204
        assert len(sent) <= 8, "many open pages ask this every few seconds"
    assert counts[1] <= counts[0] + 6 and counts[1] < 60
