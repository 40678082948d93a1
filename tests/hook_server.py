"""A real HTTP server in a process of its own that is told of notices: ``python -m tests.hook_server FOLDER PORT``.

Every request becomes a file; the statuses that it answers with stand in ``statuses``, one a line, the last one for good.
"""

from __future__ import annotations

import json
import signal
import socket
import ssl
import sys
import tempfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from archive_service.cli.children import start_child, stop_child
from servers.processes import free_ports, wait_until_ready


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class HookServer:
    """A running server."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self._certificate = str(certificate or "-")
        self.folder = Path(tempfile.mkdtemp(prefix="archive-hooks-"))
        (self.port,) = free_ports(1)
        place = "http://127.0.0.1" if certificate is None else "https://localhost"
        self.url = f"{place}:{self.port}/hooks?of=archive"
        self._child: Any = None

    def start(self) -> Self:
        """Start it and wait until it listens."""
        log = self.folder / "log"
        command = [sys.executable, "-m", "tests.hook_server", str(self.folder), str(self.port), self._certificate]
        self._child = start_child(command, log=log, cwd=Path(__file__).parents[1])
        wait_until_ready(self._child, self._listens, log, "the HTTP server")
        return self

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it."""
        stop_child(self._child, signal.SIGKILL)

    def answer(self, *statuses: int) -> None:
        """The statuses of the next answers; the last one stays."""
        (self.folder / "statuses").write_text("\n".join(str(s) for s in statuses))

    def received(self) -> list[Received]:
        """Every request, in order."""
        found = [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]
        return [Received(f["path"], f["headers"], f["body"].encode()) for f in found]


def serve(folder: Path, port: int, certificate: str) -> None:
    """Answer until killed."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            facts = {"path": self.path, "headers": dict(self.headers), "body": body}
            count = len(list(folder.glob("*.json")))
            (folder / f"{count:04}.json").write_text(json.dumps(facts))
            path = folder / "statuses"
            statuses = path.read_text().split() if path.exists() else ["204"]
            if len(statuses) > 1:
                path.write_text("\n".join(statuses[1:]))
            self.send_response(int(statuses[0]))
            if statuses[0] == "302":
                self.send_header("Location", f"http://127.0.0.1:{port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if certificate != "-":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
