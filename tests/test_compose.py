"""docker-compose.yml and Dockerfile: what can be known of them without Docker, and every process started by hand as they say."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import httpx
import psycopg
import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import make_url

from archive_service.cli.__main__ import COMMANDS, main
from archive_service.cli.children import start_child, stop_child
from archive_service.config import Settings
from servers.postgres import PostgresServer
from servers.processes import free_ports
from servers.redis import RedisServer
from servers.s3 import S3Access

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("archive-service:")}
LONG = {name for name, service in OURS.items() if service["restart"] == "unless-stopped"}
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``archive-service init`` makes."""
    folder: Path = tmp_path_factory.mktemp("made") / "new"
    result = CliRunner().invoke(main, ["init", str(folder), "--origin", "archive.example.ac.id/log"])
    assert result.exit_code == 0, result.output
    return folder


def variables(made: Path) -> dict[str, str]:
    lines = (made / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def filled_in(text: str, known: Mapping[str, str]) -> str:
    """The text as compose would fill it in."""

    def replace(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        if name in known:
            return known[name]
        assert kind == "-", f"{name} is set by nobody"
        return str(default)

    return VARIABLE.sub(replace, text)


def environment_of(service: str, known: Mapping[str, str]) -> dict[str, str]:
    return {name: filled_in(str(value), known) for name, value in SERVICES[service]["environment"].items()}


def test_it_keeps_to_the_compose_schema() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_variable_is_made_by_init_or_has_a_default(made: Path) -> None:
    known = variables(made)
    text = (ROOT / "docker-compose.yml").read_text()
    used = {match[0] for match in VARIABLE.findall(text)}
    assert used, "the file fills nothing in"
    filled_in(text, known)
    unused = set(known) - used - {"COMPOSE_PROFILES"}
    assert unused == set(), "init makes nothing that nobody uses"
    assert known["COMPOSE_PROFILES"] in SERVICES["silo"]["profiles"]


def test_secrets_are_readable_by_their_owner_alone_and_differ_each_time(made: Path, tmp_path: Path) -> None:
    for path in (made / ".env", made / "secrets" / "log.pem", made / "secrets" / "receipt.pem"):
        assert path.stat().st_mode & 0o077 == 0
    other = CliRunner().invoke(main, ["init", str(tmp_path), "--origin", "archive.example.ac.id/log"])
    assert other.exit_code == 0
    mine, theirs = variables(made), variables(tmp_path)
    same = {name for name in mine if mine[name] == theirs[name]}
    assert same == {"COMPOSE_PROFILES", "ARCHIVE_UID", "ARCHIVE_GID", "ARCHIVE_HTTP_PORT", "ARCHIVE_LOG_ORIGIN"}


def test_init_replaces_nothing(made: Path) -> None:
    before = (made / ".env").read_bytes()
    again = CliRunner().invoke(main, ["init", str(made), "--origin", "archive.example.ac.id/log"])
    assert again.exit_code == 2 and "never replaced" in again.output
    assert (made / ".env").read_bytes() == before
    bad = CliRunner().invoke(main, ["init", str(made.parent / "bad"), "--origin", "Not A Name"])
    assert bad.exit_code == 2 and not (made.parent / "bad").exists()


def test_every_setting_is_one_that_the_service_knows(made: Path) -> None:
    known = variables(made)
    fields = {f"ARCHIVE_{name.upper()}" for name in Settings.model_fields}
    for name in OURS:
        environment = environment_of(name, known)
        assert set(environment) <= fields, name
        assert Settings(**{key.removeprefix("ARCHIVE_").lower(): value for key, value in environment.items()})  # type: ignore[arg-type]


def test_every_setting_is_explained() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    explained = set(re.findall(r"`(ARCHIVE_[A-Z0-9_]+)`", text))
    fields = {f"ARCHIVE_{name.upper()}" for name in Settings.model_fields}
    assert fields - explained == set()
    assert explained - fields <= {"ARCHIVE_HTTP_PORT"}


def test_each_private_key_is_given_to_the_one_process_that_signs_with_it() -> None:
    holders = {name: set(service.get("secrets", [])) for name, service in OURS.items()}
    assert {n for n, keys in holders.items() if "log_key" in keys} == {"log"}
    assert {n for n, keys in holders.items() if "receipt_key" in keys} == {"web"}
    owners = {n for n, service in OURS.items() if "ARCHIVE_MIGRATION_DATABASE" in service["environment"]}
    assert owners == {"migrate"}


def test_nothing_is_published_but_nginx() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"nginx"}
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert [name for name, service in SERVICES.items() if "front" in service["networks"]] == ["nginx"]


def test_every_process_that_stays_has_a_health_check_and_every_image_a_version() -> None:
    for name, service in SERVICES.items():
        assert service["image"] == "archive-service:local" or re.search(r":.*\d", service["image"]), name
        if service["restart"] == "unless-stopped":
            assert service["healthcheck"]["test"], name


def test_our_processes_have_no_rights_that_they_do_not_need() -> None:
    for name, service in OURS.items():
        assert service["user"].startswith("${ARCHIVE_UID"), name
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", dockerfile, re.M) == ["archive"]
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == {"python:3.13-slim-bookworm"}


def test_every_volume_service_and_secret_that_is_named_exists() -> None:
    volumes = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if not v.startswith("./")}
    assert volumes == set(COMPOSE["volumes"])
    files = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if v.startswith("./")]
    assert files and all((ROOT / file).exists() for file in files)
    assert {n for s in SERVICES.values() for n in s.get("depends_on", {})} <= set(SERVICES)
    assert {n for s in SERVICES.values() for n in s.get("secrets", [])} == set(COMPOSE["secrets"])
    made_by_init = {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()}
    assert made_by_init == {"log.pem", "receipt.pem"}


def test_the_image_is_built_from_files_that_are_there() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.M):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored, "the build context leaves it out"


def test_the_limit_of_nginx_lies_above_that_of_the_service() -> None:
    (size,) = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "deploy" / "nginx.conf").read_text())
    assert int(size) * 1024**2 > Settings.model_fields["document_limit_bytes"].default


def test_every_command_exists() -> None:
    for name, service in OURS.items():
        program, *arguments = service["command"]
        if program == "archive-service":
            command: Any = main
            for argument in arguments:
                command = command.get_command(click.Context(command), argument)
            assert command.callback is not None, name
        else:
            assert (program, arguments[:2]) == ("celery", ["--app", "tasks.app"]), name
    for service in OURS.values():
        test = service.get("healthcheck", {}).get("test", ["CMD", "archive-service", "health"])
        assert test[1] == "python" or test[2] in COMMANDS


class Installation:
    """The services of the compose file as processes here, on servers of the test's own."""

    def __init__(self, folder: Path, known: Mapping[str, str], places: Mapping[str, str]) -> None:
        self._folder = folder
        self._known = known
        self._places = places
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def _environment(self, service: str) -> dict[str, str]:
        environment = environment_of(service, self._known)
        for name, value in environment.items():
            for old, new in self._places.items():
                value = value.replace(old, new)
            environment[name] = value
        return {**os.environ, **environment}

    def _command(self, service: str) -> list[str]:
        program, *arguments = SERVICES[service]["command"]
        return [str(Path(sys.executable).parent / program), *arguments]

    def run(self, service: str) -> str:
        done = subprocess.run(
            self._command(service), env=self._environment(service), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{service}: {done.stdout}{done.stderr}"
        return done.stdout

    def check(self, service: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = SERVICES[service]["healthcheck"]["test"][1:]
        return subprocess.run(
            [str(Path(sys.executable).parent / program), *(self._moved(a) for a in arguments)],
            env=self._environment(service),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def _moved(self, text: str) -> str:
        return text.replace("127.0.0.1:8601", self._places["0.0.0.0:8601"])

    def start(self, service: str) -> None:
        environment = self._environment(service)
        if service == "web":
            environment["ARCHIVE_HOST"], environment["ARCHIVE_PORT"] = self._places["0.0.0.0:8601"].split(":")
        self.children[service] = start_child(
            self._command(service), log=self._folder / f"{service}.log", env=environment
        )

    def words(self) -> str:
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in self._folder.glob("*.log"))

    def stop(self) -> None:
        for child in self.children.values():
            stop_child(child, signal.SIGTERM, 10)


@pytest.fixture
def installation(made: Path, tmp_path: Path, s3_server: S3Access) -> Iterator[Installation]:
    known = dict(variables(made))
    known["ARCHIVE_S3_ACCESS_KEY"], known["ARCHIVE_S3_SECRET_KEY"] = s3_server.access_key, s3_server.secret_key
    (port,) = free_ports(1)
    with PostgresServer(is_durable=False) as postgres, RedisServer() as redis:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(
                f"CREATE ROLE archive_owner LOGIN CREATEROLE PASSWORD '{known['OWNER_PASSWORD']}'".encode()
            )
            connection.execute("CREATE DATABASE archive OWNER archive_owner")
        address = make_url(postgres.url)
        places = {
            "@postgres:5432": f"@127.0.0.1:{address.port}",
            f":{known['REDIS_PASSWORD']}@redis:6379": f"127.0.0.1:{redis.port}",
            "http://s3:9000": s3_server.endpoint,
            "/tmp/archive": str(tmp_path / "data"),
            "/run/secrets/receipt_key": str(made / "secrets" / "receipt.pem"),
            "/run/secrets/log_key": str(made / "secrets" / "log.pem"),
            "0.0.0.0:8601": f"127.0.0.1:{port}",
        }
        running = Installation(tmp_path, known, places)
        running.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        yield running
        running.stop()


@pytest.mark.full
@pytest.mark.xdist_group("s3")
def test_every_process_runs_with_the_arguments_of_the_compose_file(installation: Installation) -> None:
    url: str = installation.url  # type: ignore[attr-defined]
    assert "archive_app" in installation.run("migrate")
    assert "Object Lock" in installation.run("bucket")
    assert "password:" in installation.run("begin")
    assert "nothing was changed" in installation.run("begin")
    for service in sorted(LONG):
        installation.start(service)
    until = time.monotonic() + 60
    while True:
        try:
            answer = httpx.get(f"{url}/readyz", trust_env=False, timeout=10)
            signed = httpx.get(f"{url}/log/checkpoint", trust_env=False, timeout=10)
            if answer.status_code == 200 and signed.status_code == 200:
                break
        except httpx.TransportError:
            pass
        assert time.monotonic() < until, installation.words()
        time.sleep(0.2)
    assert answer.json()["ready"] is True
    assert signed.text.startswith("archive.example.ac.id/log\n")
    for service in sorted(LONG):
        checked = installation.check(service)
        assert checked.returncode == 0, f"{service}: {checked.stdout}{checked.stderr}"
    assert {n: c.poll() for n, c in installation.children.items()} == dict.fromkeys(LONG, None), installation.words()
