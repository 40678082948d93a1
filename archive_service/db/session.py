"""Connections and transactions: ``Database.write()`` and ``Database.read()`` on SQLite and PostgreSQL.

SQLite: autocommit at the driver and an explicit BEGIN of ours, IMMEDIATE for write units, because a deferred transaction that
turns from reading to writing is refused at once (busy_timeout does not cover that upgrade). PostgreSQL: write units are READ COMMITTED, so
that what is read after a row lock is what the lock's last holder committed; read units are REPEATABLE READ, one consistent state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from archive_service.db.models import Base, table_of
from archive_service.errors import ArchiveError, Conflict, Unavailable

LOCK_WAIT_SECONDS = 20
CONNECT_SECONDS = 10
IDLE_SECONDS = 60
"""A process that was stopped in the middle of a transaction gives its locks back after that time."""


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=32, max_overflow=16)

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000}")
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


def _postgresql_engine(url: str) -> Engine:
    return create_engine(
        url,
        pool_size=32,
        max_overflow=16,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "archive-service",
            "options": f"-c lock_timeout={LOCK_WAIT_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s -c timezone=UTC -c synchronous_commit=on",
        },
    )


def _translate(exc: DBAPIError) -> ArchiveError | None:
    """The error that a caller can do something about, or None for a bug of ours."""
    state = getattr(exc.orig, "sqlstate", None)
    if isinstance(exc, IntegrityError):
        # 23505: two transactions wrote the same unique value at the same moment; SQLite lets one write at a time
        if state == "23505":
            return Conflict(
                "changed_meanwhile", "Somebody did the same at the same moment; look at how it stands now and repeat."
            )
        return None
    # 55P03 lock_not_available, 40P01 deadlock_detected, 40001 serialization_failure
    if state in ("55P03", "40P01", "40001") or (state is None and "locked" in str(exc).lower()):
        return Unavailable("database_busy", "The database is busy; try again in a moment.", retry_after_seconds=2)
    # 57P0x: the server is going down; no state at all: the line to it broke or was never there
    is_gone = exc.connection_invalidated or (isinstance(state, str) and state.startswith(("08", "57P", "53")))
    if is_gone or (state is None and isinstance(exc, OperationalError | InterfaceError) and _is_psycopg(exc)):
        return Unavailable(
            "database_unavailable",
            "The database does not answer; nothing was recorded. Try again, and tell the administrator if it stays.",
            retry_after_seconds=10,
        )
    return None


def _is_psycopg(exc: DBAPIError) -> bool:
    return type(exc.orig).__module__.startswith("psycopg")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as exc:
        raise Unavailable(
            "database_busy", "The database is busy; try again in a moment.", retry_after_seconds=2
        ) from exc
    except DBAPIError as exc:
        error = _translate(exc)
        if error is None:
            raise
        raise error from exc


class Database:
    """One database by its SQLAlchemy URL: ``sqlite:///…`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str) -> None:
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgresql_engine(url)
        self._writer = self.engine.execution_options(archive_write=True)
        self._reader = self.engine
        if self.engine.dialect.name == "postgresql":
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def name(self) -> str:
        """The database for people: product and version."""
        with _translated(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                return "SQLite " + str(connection.execute(text("select sqlite_version()")).scalar())
            return "PostgreSQL " + str(connection.execute(text("show server_version")).scalar())

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose transaction commits at the end of the block and rolls back on any error.

        Unavailable when the database is busy or gone; Conflict when somebody else wrote the same unique value at the same moment.
        """
        with _translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading one consistent state; Unavailable when the database is gone."""
        with _translated(), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def insert_unless_there(session: Session, table: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique value of it is taken, waiting for whoever is inserting it now; whether it was inserted."""
    target = table_of(table)
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(target) if is_postgresql else sqlite.insert(target)
    key = next(iter(target.primary_key.columns))
    statement = insert.values(**values).on_conflict_do_nothing().returning(key)
    return session.execute(statement).first() is not None
