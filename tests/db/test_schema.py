"""The schema: the same on both databases as migrations make it, and the service's own role can change no evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, DateTime, Integer, create_engine, func, inspect, make_url, select, text

from archive_service import wiring
from archive_service.config import load_settings
from archive_service.db import schema
from archive_service.db.models import Base, CheckpointRow, CosignatureRow, TimeStampRow
from archive_service.db.session import Database
from archive_service.errors import InvalidInput, Unavailable
from archive_service.services import compliance, log
from tests.databases import Cluster, TestDatabase, migrate
from tests.office import Office


@pytest.fixture
def database_kind() -> str:
    return "postgresql"


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[TestDatabase]:
    database = cluster.create()
    yield database
    cluster.drop(database)


def driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def both(empty: TestDatabase, tmp_path: Path) -> Iterator[tuple[Connection, Connection]]:
    """SQLite's and PostgreSQL's schemas, each made by the migrations."""
    migrate(empty)
    lite = Database(f"sqlite:///{tmp_path / 'archive.db'}")
    schema.upgrade(lite)
    post = create_engine(driver(empty.owner_url))
    with lite.engine.connect() as left, post.connect() as right:
        yield left, right
    lite.close()
    post.dispose()


def described(connection: Connection) -> dict[str, object]:
    found = inspect(connection)
    tables: dict[str, object] = {}
    for table in sorted(set(found.get_table_names()) - {schema.VERSION_TABLE}):
        columns = {c["name"]: (_kind(c["type"]), c["nullable"]) for c in found.get_columns(table)}
        foreign = {
            (k["name"], tuple(k["constrained_columns"]), k["referred_table"]) for k in found.get_foreign_keys(table)
        }
        unique = {(u["name"], tuple(u["column_names"])) for u in found.get_unique_constraints(table)}
        indexes = {
            (i["name"], tuple(i["column_names"]))
            for i in found.get_indexes(table)
            if (i["name"], tuple(i["column_names"])) not in unique
        }
        key = tuple(found.get_pk_constraint(table)["constrained_columns"])
        tables[table] = (columns, key, foreign, unique, indexes)
    return tables


def _kind(type: object) -> str:
    if isinstance(type, BigInteger | Integer):
        return "integer"
    if isinstance(type, DateTime):
        return "moment"
    # SQLite compares by bytes anyway
    name = str(type).lower().removesuffix(' collate "c"')
    return {"bytea": "bytes", "blob": "bytes"}.get(name, name)


def test_migrations_make_equal_schemas_on_both_databases(both: tuple[Connection, Connection]) -> None:
    lite, post = both
    assert described(lite) == described(post)
    assert set(described(lite)) == set(Base.metadata.tables)


def test_migrations_make_what_the_models_say(both: tuple[Connection, Connection]) -> None:
    for connection in both:
        context = MigrationContext.configure(connection, opts={"compare_type": connection.dialect.name == "postgresql"})
        assert compare_metadata(context, Base.metadata) == []


def test_sizes_beyond_two_gigabytes_fit(both: tuple[Connection, Connection]) -> None:
    types = {c["name"]: c["type"] for c in inspect(both[1]).get_columns("document_version")}
    assert isinstance(types["size"], BigInteger)


def test_migrating_twice_changes_nothing(empty: TestDatabase) -> None:
    migrate(empty)
    migrate(empty)
    with psycopg.connect(empty.owner_url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(schema.newest_version(),)]


def test_a_service_without_its_schema_says_which_command_makes_it(empty: TestDatabase, tmp_path: Path) -> None:
    with psycopg.connect(empty.owner_url) as connection:
        connection.execute("create role bare login password 'uji'")
    settings = load_settings(
        data_dir=tmp_path, database=empty.url.replace(empty.url.split("//")[1].split(":")[0], "bare")
    )
    with pytest.raises(Unavailable) as caught:
        wiring.build(settings)
    with psycopg.connect(empty.owner_url) as connection:
        connection.execute("drop role bare")
    assert caught.value.code == "schema_outdated" and "archive-service db migrate" in caught.value.detail


def test_a_schema_of_a_later_version_is_left_alone(empty: TestDatabase, tmp_path: Path) -> None:
    migrate(empty)
    with psycopg.connect(empty.owner_url) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(Unavailable) as caught:
        wiring.build(load_settings(data_dir=tmp_path, database=empty.url))
    assert caught.value.code == "schema_newer"
    with pytest.raises(Unavailable):
        migrate(empty)


def test_tables_that_no_migration_made_are_left_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'archive.db'}")
    with database.engine.connect() as connection:
        connection.execute(text("create table event (id text)"))
        connection.commit()
    with pytest.raises(Unavailable) as caught:
        schema.upgrade(database)
    database.close()
    assert caught.value.code == "schema_unknown"


def test_the_owner_is_no_role_to_serve_under(empty: TestDatabase, tmp_path: Path) -> None:
    migrate(empty)
    with pytest.raises(Unavailable) as caught:
        wiring.build(load_settings(data_dir=tmp_path, database=empty.owner_url))
    assert caught.value.code == "role_too_mighty"
    owner = Database(driver(empty.owner_url))
    with pytest.raises(InvalidInput) as refused:
        schema.set_up_role(owner, empty.owner_url)
    owner.close()
    assert refused.value.code == "one_role"


def test_a_password_with_every_odd_sign_logs_in(cluster: Cluster, empty: TestDatabase) -> None:
    word = "a%b'c\"d$e\\f:g%%s"
    url = psycopg.conninfo.conninfo_to_dict(empty.url)
    owner = Database(driver(empty.owner_url))
    schema.upgrade(owner)
    asked = make_url(empty.url).set(username="odd_signs", password=word).render_as_string(hide_password=False)
    schema.set_up_role(owner, asked)
    owner.close()
    with psycopg.connect(
        host=str(url["host"]), port=url["port"], dbname=empty.name, user="odd_signs", password=word
    ) as c:
        assert c.execute("select count(*) from event").fetchone() == (0,)
    with psycopg.connect(empty.owner_url) as connection:
        connection.execute("drop owned by odd_signs")
        connection.execute("drop role odd_signs")


@pytest.fixture
def played(office: Office) -> Office:
    dossier = office.play()
    office.register("calendars/id-government.toml", version=2, title="Kalender yang dikoreksi")
    compliance.judge_again(office.archive, office.actor("nuraini"), dossier=dossier, reason="SKB dikoreksi")
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    vouch(office)
    return office


def vouch(office: Office) -> None:
    """Rows of what others say about the log."""
    with office.archive.db.write() as session:
        size = session.execute(select(func.max(CheckpointRow.size))).scalar_one()
        now = office.archive.timer()
        session.add(CosignatureRow(size=size, vkey="w+0+A", line="w", cosigned_at=now, kept_at=now))
        stamp = {"token": b"t", "stamped_at": now, "is_verified": False, "kept_at": now}
        session.add(TimeStampRow(size=size, authority="https://tsa.test", **stamp))


def rows(office: Office, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(str(office.owner_url)) as connection:
        return connection.execute(f"select * from {table} order by 1".encode()).fetchall()


CHANGES = [
    "update {table} set {column} = {column}",
    "delete from {table}",
    "truncate {table}",
    "truncate {table} cascade",
    "insert into {table} select * from {table} on conflict ({key}) do update set {column} = excluded.{column}",
    "alter table {table} disable trigger all",
    "drop table {table} cascade",
    "create or replace function archive_refuse_change() returns trigger language plpgsql as $$ begin return new; end $$",
]


def test_no_statement_of_the_services_role_changes_evidence(played: Office) -> None:
    for table in schema.INSERT_ONLY:
        require_kept_from_the_service(played, table)


def require_kept_from_the_service(played: Office, table: str) -> None:
    before = rows(played, table)
    assert before, table
    with psycopg.connect(played.archive.settings.database_url.replace("+psycopg", "")) as connection:
        found = inspect(Base.metadata.tables[table])
        key, column = ", ".join(c.name for c in found.primary_key.columns), list(found.columns)[-1].name
        for change in CHANGES:
            statement = change.format(table=table, key=key, column=column)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
    assert rows(played, table) == before


def test_the_owner_too_meets_a_guard(played: Office) -> None:
    for table in schema.INSERT_ONLY:
        require_guarded_from_the_owner(played, table)


def require_guarded_from_the_owner(played: Office, table: str) -> None:
    before = rows(played, table)
    column = list(Base.metadata.tables[table].columns)[-1].name
    with psycopg.connect(str(played.owner_url)) as connection:
        for statement in (
            f"update {table} set {column} = {column}",
            f"delete from {table}",
            f"truncate {table} cascade",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(statement.encode())
            connection.rollback()
    assert rows(played, table) == before


def test_an_opening_is_erased_but_never_changed(played: Office) -> None:
    with psycopg.connect(played.archive.settings.database_url.replace("+psycopg", "")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update opening set value = 'another name'")
        connection.rollback()
        connection.execute("delete from opening")
    assert rows(played, "opening") == []
