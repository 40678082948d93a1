"""Every evidenced column of every table: change it behind the service's back, and the audit says so."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Boolean

from archive_service import wiring
from archive_service.config import load_settings
from archive_service.db.models import Base
from archive_service.services import audit, users
from tests.full_archive import EVIDENCED, drop_guards, play_everything
from tests.office import make_office


def test_every_column_is_declared() -> None:
    undeclared = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.info.get("declared") not in ("evidenced", "operational")
    ]
    assert undeclared == []


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with something in every evidenced table."""
    folder: Path = tmp_path_factory.mktemp("full") / "var"
    office = make_office(folder)
    play_everything(office)
    office.archive.db.close()
    return folder


def check(folder: Path) -> audit.AuditReport:
    archive = wiring.build_for_audit(load_settings(data_dir=folder))
    try:
        return audit.check_archive(archive)
    finally:
        archive.db.close()


def test_an_untouched_archive_has_no_discrepancy(full: Path) -> None:
    report = check(full)
    assert report.discrepancies == []
    assert report.events > 80 and report.rows > 80


def test_every_evidenced_table_holds_something(full: Path) -> None:
    with sqlite3.connect(full / "archive.db") as connection:
        empty = [t for t, _ in EVIDENCED if connection.execute(f'select count(*) from "{t}"').fetchone()[0] == 0]
    assert empty == []


@pytest.fixture
def copy(full: Path, tmp_path: Path) -> Path:
    shutil.copytree(full, tmp_path / "var")
    return tmp_path / "var"


def tampered(value: object) -> object:
    if value is None:
        return "2026-01-01 00:00:00.000000"
    if isinstance(value, int):
        return value + 7
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    text = str(value)
    if text[:2] == "20" and text[4:5] == "-":
        return "2019" + text[4:]
    return ("0" if text[:1] != "0" else "1") + text[1:]


@pytest.mark.parametrize("table", sorted({t for t, _ in EVIDENCED}))
def test_a_changed_value_in_any_evidenced_column_is_found(copy: Path, table: str) -> None:
    unnoticed = []
    for column in [c for t, c in EVIDENCED if t == table]:
        with sqlite3.connect(copy / "archive.db") as connection:
            drop_guards(connection)
            rowid, value = connection.execute(f'select rowid, "{column}" from "{table}" order by rowid desc').fetchone()
            is_boolean = isinstance(Base.metadata.tables[table].columns[column].type, Boolean)
            # SQLite keeps it, and a driver reads it as true
            changed = "x" if is_boolean and value else tampered(value)
            connection.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (changed, rowid))
        if not check(copy).discrepancies:
            unnoticed.append(column)
        with sqlite3.connect(copy / "archive.db") as connection:
            drop_guards(connection)
            # an INTEGER PRIMARY KEY is the rowid itself: the row has moved with it
            moved = (
                tampered(rowid)
                if isinstance(value, int) and value == rowid and not _has(connection, table, rowid)
                else rowid
            )
            connection.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (value, moved))
    assert unnoticed == []
    assert check(copy).discrepancies == [], "every change was taken back"


def _has(connection: sqlite3.Connection, table: str, rowid: int) -> bool:
    return connection.execute(f'select 1 from "{table}" where rowid = ?', (rowid,)).fetchone() is not None


@pytest.mark.parametrize("table", sorted({t for t, _ in EVIDENCED}))
def test_a_dropped_row_is_found(copy: Path, table: str) -> None:
    with sqlite3.connect(copy / "archive.db") as connection:
        drop_guards(connection)
        connection.execute(f'delete from "{table}" where rowid = (select max(rowid) from "{table}")')
    assert check(copy).discrepancies


def test_an_opening_erased_without_its_event_is_found(copy: Path) -> None:
    with sqlite3.connect(copy / "archive.db") as connection:
        connection.execute("delete from opening where rowid = (select max(rowid) from opening)")
    assert [d.code for d in check(copy).discrepancies] == ["opening_missing"]


def test_a_former_mail_address_that_was_erased_is_no_discrepancy(tmp_path: Path) -> None:
    office = make_office(tmp_path / "var")
    maya = office.actor("maya")
    for mail in ("maya@lama.example", "maya@baru.example", None):
        users.set_mail(office.archive, maya, user=maya.user, mail=mail)
    assert audit.check_archive(office.archive).discrepancies == []
    office.archive.db.close()


def test_a_damaged_object_is_found_when_objects_are_hashed(copy: Path) -> None:
    objects = sorted((copy / "store" / "objects").iterdir())
    objects[0].chmod(0o600)
    objects[0].write_bytes(b"something else")
    archive = wiring.build_for_audit(load_settings(data_dir=copy))
    report = audit.check_archive(archive, with_objects=True)
    archive.db.close()
    assert [d.code for d in report.discrepancies] == ["object_damaged"]
