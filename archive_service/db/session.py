"""Connections and transactions: ``Database.write()`` and ``Database.read()``, and the schema with its guards.

SQLite: autocommit at the driver and an explicit BEGIN of ours, IMMEDIATE for write units, because a deferred transaction that
turns from reading to writing is refused at once (busy_timeout does not cover that upgrade).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import DDL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from archive_service.db.models import Base
from archive_service.errors import Unavailable

_INSERT_ONLY = {
    "event": ["NEW.id = id", "NEW.stream = stream AND NEW.seq = seq", "NEW.leaf_hash = leaf_hash"],
    "log_leaf": ["NEW.leaf_index = leaf_index", "NEW.leaf_hash = leaf_hash"],
    "checkpoint": ["NEW.size = size"],
    "definition": ["NEW.digest = digest", "NEW.kind = kind AND NEW.key = key AND NEW.version = version"],
    "statement": ["NEW.dossier_id = dossier_id"],
}
"""INSERT-only tables, and what makes a new row collide with one that is there.

The collision is checked BEFORE INSERT because ``INSERT OR REPLACE`` deletes the old row without firing its DELETE trigger.
"""
_ERASE_ONLY = ("opening",)


def _guards() -> list[str]:
    statements: list[str] = []
    for table, collisions in _INSERT_ONLY.items():
        for verb in ("UPDATE", "DELETE"):
            statements.append(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} takes new rows only'); END"
            )
        clash = " OR ".join(f"({c})" for c in collisions)
        statements.append(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {clash}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} has this row already'); END"
        )
    for table in _ERASE_ONLY:
        statements.append(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is erased, never changed'); END"
        )
        statements.append(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE "
            f"NEW.event_hash = event_hash AND NEW.field = field) BEGIN SELECT RAISE(ABORT, '{table} has this row already'); END"
        )
    return statements


for _statement in _guards():
    _guard = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(Base.metadata, "after_create", _guard.execute_if(dialect="sqlite"))


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=32, max_overflow=16)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _set_up(connection: sqlite3.Connection, record: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout = 20000")
            cursor.execute("PRAGMA journal_mode = WAL")
            # an acknowledged event must survive a power cut: NORMAL would let the last transactions go
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            is_write = connection.get_execution_options().get("archive_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


class Database:
    """One database by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._writer = self._engine.execution_options(archive_write=True)

    @property
    def name(self) -> str:
        """The database for people: product and version."""
        with self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                return "SQLite " + str(connection.execute(text("select sqlite_version()")).scalar())
            return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose transaction commits at the end of the block and rolls back on any error; Unavailable when the database is busy."""
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
        except OperationalError as exc:
            if "locked" in str(exc).lower():
                raise Unavailable(
                    "database_busy", "The database is busy; try again in a moment.", retry_after_seconds=2
                ) from exc
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading one consistent state."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def create_schema(self) -> None:
        """Make what tables are missing."""
        with self._writer.begin() as connection:
            Base.metadata.create_all(connection)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()
