"""PostgreSQL databases for tests: cloned from a template, reached under the two roles that an institution would have."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import psycopg
from sqlalchemy import make_url

from archive_service.db import schema
from archive_service.db.session import Database

APPLICATION_ROLE = "archive_app"
APPLICATION_PASSWORD = "uji"


@dataclass(frozen=True)
class TestDatabase:
    """One database: ``url`` is the service's own, ``owner_url`` the migrations'."""

    __test__ = False
    name: str
    url: str
    owner_url: str


class Cluster:
    """A server on which this test run may make databases; ``url`` is a superuser's."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        # other test processes may use the same server
        self._prefix = f"archive_{secrets.token_hex(4)}"
        self._count = 0
        self.superuser_url = self._url.render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run a statement on the server itself."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, template: str = "template0") -> TestDatabase:
        """A new database, empty or a copy of another that nobody is connected to."""
        self._count += 1
        name = f"{self._prefix}_{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return TestDatabase(
            name,
            self._url.set(
                drivername="postgresql", database=name, username=self._role, password=APPLICATION_PASSWORD
            ).render_as_string(hide_password=False),
            self._url.set(drivername="postgresql", database=name).render_as_string(hide_password=False),
        )

    @property
    def _role(self) -> str:
        return f"{APPLICATION_ROLE}_{self._prefix[-8:]}"

    def drop(self, database: TestDatabase) -> None:
        """Drop a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


def migrate(database: TestDatabase) -> None:
    """What `archive-service db migrate` does."""
    owner = Database(database.owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        schema.upgrade(owner)
        schema.set_up_role(owner, database.url)
    finally:
        owner.close()
