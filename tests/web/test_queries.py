"""A page asks the database as often for many dossiers as for few: what grows with the archive is a loop that asks in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Engine, event

from tests.office import Office
from tests.web.conftest import Browser

PAGES = {
    "sari": ("/", "/dossiers", "/quality", "/notices", "/obligations", "/findings", "/cari?q=surat", "/akun", "/sops", "/delegations"),
    "wahyu": ("/audit", "/audit/dibaca", "/sampel", "/findings", "/cari?q=surat", "/quality/deviations", "/audits", "/segel"),
    "nuraini": ("/quality", "/quality/runs?measure=late", "/quality/deviations", "/dossiers", "/calendars"),
    "admin": ("/admin", "/admin/orang", "/admin/akun", "/admin/sop", "/admin/token", "/admin/retensi", "/admin/saksi"),
}  # fmt: skip
GROWS = {
    # each step that may be one's own is folded from its dossier's events, at most fifty of them
    "sari /": 3,
}
"""Page → how many statements a further dossier may cost it, with the reason."""


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
    for login, paths in PAGES.items():
        browser = Browser(app, office).settle(login)
        for path in paths:
            browser.page(path)
            with counted() as sent:
                browser.page(path)
            found[f"{login} {path}"] = len(sent)
    return found


def test_no_page_asks_more_often_when_there_are_more_dossiers(app: Flask, office: Office) -> None:
    office.play("5")
    office.turn()
    few = ask_all(app, office)
    for until in ("4", "6", "3"):
        office.play(until)
    office.at("2026-04-15T10:00")
    office.turn()
    many = ask_all(app, office)
    grown = {page: (few[page], many[page]) for page in few if many[page] > few[page] + 3 * GROWS.get(page, 0)}
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
