"""Evidence tables take new rows only: every way around that we know is tried."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archive_service.services import log
from tests.office import open_office

TABLES = ("event", "log_leaf", "checkpoint", "definition", "statement")


@pytest.fixture(scope="module")
def played(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an office that has played a whole dossier."""
    folder: Path = tmp_path_factory.mktemp("played") / "var"
    shutil.copytree(office_template, folder)
    office = open_office(folder, "2026-03-12T09:00")
    office.play()
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    office.archive.db.close()
    return folder / "archive.db"


@pytest.fixture
def connection(played: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    shutil.copy(played, tmp_path / "archive.db")
    with closing(sqlite3.connect(tmp_path / "archive.db")) as opened:
        yield opened


def rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select * from {table} order by 1").fetchall()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "update {table} set {column} = {column}",
        "update or replace {table} set {column} = {column}",
        "update or ignore {table} set {column} = {column} where rowid = (select min(rowid) from {table})",
        "delete from {table}",
        "delete from {table} where rowid = (select min(rowid) from {table})",
        "insert or replace into {table} select * from {table}",
        "replace into {table} select * from {table} limit 1",
        "insert or ignore into {table} select * from {table}",
        "insert into {table} select * from {table} where true on conflict do update set {column} = excluded.{column}",
        "with doomed as (select rowid as r from {table}) delete from {table} where rowid in (select r from doomed)",
    ],
)
def test_no_statement_changes_or_drops_a_row(connection: sqlite3.Connection, table: str, statement: str) -> None:
    before = rows(connection, table)
    assert before
    column = connection.execute(f"select name from pragma_table_info('{table}') order by cid desc").fetchone()[0]
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement.format(table=table, column=column))
    connection.rollback()
    assert rows(connection, table) == before


def test_recursive_triggers_off_do_not_open_a_way(connection: sqlite3.Connection) -> None:
    connection.execute("pragma recursive_triggers = off")
    connection.execute("pragma foreign_keys = off")
    before = rows(connection, "event")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "insert or replace into event select id, stream, seq, type, at, leaf_hash, x'00' from event limit 1"
        )
    assert rows(connection, "event") == before


def test_an_event_cannot_take_the_place_of_another_in_its_stream(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "insert or replace into event select 'f' || substr(id, 2), stream, seq, type, at, 'x', data from event limit 1"
        )


def test_an_opening_is_erased_but_never_changed(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("update opening set value = 'another name'")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("insert or replace into opening select event_hash, field, 'another', salt from opening")
    connection.execute("delete from opening")
    assert rows(connection, "opening") == []
