"""How property tests run here: repeatable in CI, and with a seed on screen everywhere else.

Warnings are errors (pyproject.toml). ``HYPOTHESIS_PROFILE=full`` tries ten times as many examples.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from xdist.workermanage import WorkerController

from archive_service.logs import set_up_logging
from archive_service.services import users
from servers.postgres import PostgresServer
from servers.s3 import S3Access, start_s3
from tests.databases import Cluster, TestDatabase, migrate
from tests.office import Office, make_office, open_office

# structlog's own default paints every exception with the values of its frames, for seconds
set_up_logging(sys.__stderr__)

# hashing a password is slow on purpose, and the same code with less memory (test_users.py holds the real parameters)
users._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
users.REFUSED_AFTER_SECONDS = 0.0
users._UNKNOWN = users._hasher.hash("nobody has this password")

# Two busy cores make single examples slow now and then: that is no failure.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("full", parent=settings.get_profile("local"), max_examples=1000)
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.register_profile("ci-full", parent=settings.get_profile("ci"), max_examples=1000)


def choose_profile() -> str:
    """The profile's name, from CI and HYPOTHESIS_PROFILE."""
    wanted = os.environ.get("HYPOTHESIS_PROFILE", "local")
    if not os.environ.get("CI"):
        return wanted
    return "ci-full" if wanted == "full" else "ci"


settings.load_profile(choose_profile())


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Gives every run a seed that it can be repeated with, the same in every pytest-xdist worker."""
    if config.getoption("hypothesis_seed") is None and not choose_profile().startswith("ci"):
        handed = getattr(config, "workerinput", {}).get("hypothesis_seed")
        config.option.hypothesis_seed = handed or str(secrets.randbelow(2**32))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Hands the seed to a pytest-xdist worker."""
    node.workerinput["hypothesis_seed"] = node.config.getoption("hypothesis_seed")


def pytest_report_header(config: pytest.Config) -> str:
    """The line that says how to repeat this run's property tests."""
    profile = choose_profile()
    seed = config.getoption("hypothesis_seed")
    if seed is None:
        return f"property tests: profile {profile}, the same examples every time"
    return f"property tests: profile {profile}, repeat with --hypothesis-seed={seed}"


@pytest.fixture(scope="session")
def office_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an office, made once: password hashing is slow on purpose."""
    folder: Path = tmp_path_factory.mktemp("template") / "var"
    make_office(folder).archive.db.close()
    return folder


@pytest.fixture
def lite(office_template: Path, tmp_path: Path) -> Iterator[Office]:
    """The office on SQLite alone: for what does not depend on the database."""
    shutil.copytree(office_template, tmp_path / "lite")
    made = open_office(tmp_path / "lite", "2026-03-12T09:00")
    yield made
    made.archive.db.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server: the one of TEST_DATABASE_URL (a superuser's), else one of this process's own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield Cluster(given)
        return
    with PostgresServer(is_durable=False) as server:
        yield Cluster(server.url)


@pytest.fixture(scope="session")
def postgres_template(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, TestDatabase]]:
    """The data folder and the database of an office on PostgreSQL, made once."""
    folder: Path = tmp_path_factory.mktemp("template") / "var"
    database = cluster.create()
    migrate(database)
    make_office(folder, database=database.url).archive.db.close()
    yield folder, database
    cluster.drop(database)


@pytest.fixture
def database_kind() -> str:
    """Which database a test's office lies on; folders that test both override this."""
    return "sqlite"


@pytest.fixture
def office(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[Office]:
    """An office of the test's own."""
    overrides: dict[str, object] = {}
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("office_template")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        template, original = request.getfixturevalue("postgres_template")
        database = cluster.create(template=original.name)
        overrides["database"] = database.url
    shutil.copytree(template, tmp_path / "var")
    made = open_office(tmp_path / "var", "2026-03-12T09:00", **overrides)
    if database_kind != "sqlite":
        made.owner_url = database.owner_url
    yield made
    made.archive.db.close()
    if database_kind != "sqlite":
        cluster.drop(database)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Access]:
    """The S3 server that TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY name, else one of the run's own."""
    endpoint = os.environ.get("TEST_S3_ENDPOINT")
    if endpoint:
        yield S3Access(endpoint.rstrip("/"), os.environ["TEST_S3_ACCESS_KEY"], os.environ["TEST_S3_SECRET_KEY"])
        return
    folder: Path = tmp_path_factory.mktemp("s3")
    with start_s3(folder) as server:
        yield server
    # pytest keeps the folders of three runs
    shutil.rmtree(folder, ignore_errors=True)
