"""The schema: brought up to date by migrations, the application's role given no more than it needs, and both checked at start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.engine import URL

from archive_service.db.models import Base
from archive_service.db.session import Database
from archive_service.errors import InvalidInput, Unavailable

INSERT_ONLY = (
    "event",
    "log_leaf",
    "checkpoint",
    "cosignature",
    "time_stamp",
    "definition",
    "statement",
    "statement_again",
)
"""Tables of evidence: the application's role reads and adds, nothing else."""
ERASE_ONLY = ("opening",)
"""Tables whose rows it may also erase."""
VERSION_TABLE = "alembic_version"
MIGRATION_LOCK = 6_013_105_014_022
"""The advisory lock (any number that nobody else takes) under which one migration at a time runs."""


@cache
def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "archive_service:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def newest_version() -> str:
    """The schema that this version of the service works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current_version(connection: Connection) -> str | None:
    """The schema that the database has; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database) -> str:
    """Run the migrations that are missing, all in one transaction; the version that the schema has then.

    Unavailable ``schema_unknown`` for tables that no migration made, ``schema_newer`` for a schema of a later version.
    """
    with database.read() as session:
        if current_version(session.connection()) == newest_version():
            return newest_version()
    with database.engine.execution_options(archive_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        current = current_version(connection)
        if current == newest_version():
            return current
        if current is None and inspect(connection).has_table("event"):
            raise Unavailable(
                "schema_unknown",
                "This database was made by a version before the first release and cannot be brought up to date. Keep it as it is, "
                "and begin in a new folder (ARCHIVE_DATA_DIR) or database.",
            )
        _require_known(current)
        config = _config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        finally:
            config.attributes.clear()
    return newest_version()


def _require_known(current: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise Unavailable(
            "schema_newer",
            f"The database has schema {current}, which this version does not know: run the newer version.",
        )


def require_current(database: Database) -> None:
    """Raise Unavailable ``schema_outdated`` unless the schema is the one that this version works with."""
    with database.read() as session:
        current = current_version(session.connection())
    if current != newest_version():
        _require_known(current)
        raise Unavailable(
            "schema_outdated",
            f"The database has schema {current or 'none'}, {newest_version()} is needed: run `archive-service db migrate`.",
        )


def grants(tables: Mapping[str, object]) -> dict[str, str]:
    """Table → what the application's role may do with it."""
    rights = dict.fromkeys(tables, "SELECT, INSERT, UPDATE, DELETE")
    rights.update(dict.fromkeys(INSERT_ONLY, "SELECT, INSERT"))
    rights.update(dict.fromkeys(ERASE_ONLY, "SELECT, INSERT, DELETE"))
    rights[VERSION_TABLE] = "SELECT"
    return rights


def set_up_role(database: Database, application_url: str) -> str:
    """Make the application's role when it is missing, with the password of its URL, and give it exactly its rights; the role's name.

    InvalidInput when it is the role that owns the tables: who owns a table can take its guards away.
    """
    url = make_url(application_url)
    role = _require_role(url)
    with database.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if connection.execute(text("SELECT current_user")).scalar_one() == role:
            raise InvalidInput(
                "one_role",
                "ARCHIVE_DATABASE and ARCHIVE_MIGRATION_DATABASE name the same role: the service works under one that owns nothing.",
            )
        quote = connection.dialect.identifier_preparer.quote
        name = quote(role)
        if not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first():
            # CREATE ROLE takes no parameters: the server itself quotes the password
            made = connection.execute(
                text(
                    "SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L', CAST(:role AS text), CAST(:word AS text))"
                ),
                {"role": role, "word": str(url.password or "")},
            ).scalar_one()
            connection.exec_driver_sql(made.replace("%", "%%"))
        connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {name}")
        for table, rights in grants(Base.metadata.tables).items():
            connection.exec_driver_sql(f"GRANT {rights} ON {quote(table)} TO {name}")
        connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
    return role


def _require_role(url: URL) -> str:
    if not url.username:
        raise InvalidInput("role_missing", "ARCHIVE_DATABASE names no role: postgresql://role:password@host/name.")
    return url.username


def require_modest_role(database: Database) -> None:
    """Raise Unavailable ``role_too_mighty`` when the service's own role could change evidence (PostgreSQL)."""
    if database.engine.dialect.name != "postgresql":
        return
    with database.read() as session:
        for table in INSERT_ONLY:
            mighty = session.execute(
                text(
                    "SELECT has_table_privilege(:table, 'UPDATE') OR has_table_privilege(:table, 'DELETE') "
                    "OR has_table_privilege(:table, 'TRUNCATE') OR has_table_privilege(:table, 'TRIGGER')"
                ),
                {"table": table},
            ).scalar_one()
            if mighty:
                raise Unavailable(
                    "role_too_mighty",
                    f"The service's database role could change the table {table}. Run `archive-service db migrate` under the owner's role "
                    "(ARCHIVE_MIGRATION_DATABASE), and name another role in ARCHIVE_DATABASE.",
                )
