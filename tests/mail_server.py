"""A real SMTP server in a process of its own (aiosmtpd), and the program that it runs: ``python -m tests.mail_server FOLDER …``.

Every mail that it takes becomes a file. What it answers to an address stands in ``answers.json`` and may change while it runs.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import sys
import tempfile
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from archive_service.cli.children import start_child, stop_child
from servers.processes import free_ports, wait_until_ready

OK = "250 OK"


class MailServer:
    """A running server: what it took, and what it is to answer."""

    def __init__(self, *, certificate: Path | None = None, login: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="archive-smtp-"))
        self._options = [str(certificate or "-"), login or "-"]
        (self.port,) = free_ports(1)
        self._child: Any = None

    def start(self) -> Self:
        """Start it and wait for its greeting."""
        log = self.folder / "log"
        command = [sys.executable, "-m", "tests.mail_server", str(self.folder), str(self.port), *self._options]
        self._child = start_child(command, log=log, cwd=Path(__file__).parents[1])
        wait_until_ready(self._child, self._answers, log, "the SMTP server")
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                return line.recv(4) == b"220 "
        except OSError:
            return False

    def stop(self) -> None:
        """End it; what it took stays."""
        if self._child is not None:
            stop_child(self._child, signal.SIGKILL)
            self._child = None

    def answer(self, **answers: str) -> None:
        """What it answers from now on: to ``RCPT TO`` by the address's local part, and to ``DATA`` as ``data``."""
        fresh = self.folder / "answers.new"
        fresh.write_text(json.dumps(answers))
        fresh.replace(self.folder / "answers.json")

    def mails(self) -> list[EmailMessage]:
        """The mails that it took, in their order."""
        found = [path.read_bytes() for path in sorted(self.folder.glob("*.eml"))]
        return [
            m
            for m in (message_from_bytes(data, policy=policy.default) for data in found)
            if isinstance(m, EmailMessage)
        ]


def serve(folder: Path, port: int, certificate: str, login: str) -> None:
    """Take mails until killed."""
    from aiosmtpd.controller import UnthreadedController
    from aiosmtpd.smtp import AuthResult

    class Handler:
        def answers(self) -> dict[str, str]:
            path = folder / "answers.json"
            return dict(json.loads(path.read_text())) if path.exists() else {}

        async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
            answer = self.answers().get(address.partition("@")[0], OK)
            if answer == OK:
                envelope.rcpt_tos.append(address)
            return answer

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            answer = self.answers().get("data", OK)
            if answer == OK:
                count = len(list(folder.glob("*.eml")))
                partial = folder / "partial"
                partial.write_bytes(envelope.content)
                partial.rename(folder / f"{count:04}.eml")
            return answer

    options: dict[str, Any] = {}
    if certificate != "-":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        options = {"tls_context": context, "require_starttls": True}
    if login != "-":

        def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            return AuthResult(success=f"{data.login.decode()}:{data.password.decode()}" == login, handled=False)

        options |= {"authenticator": authenticate, "auth_required": True}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    controller: Any = UnthreadedController(Handler(), hostname="127.0.0.1", port=port, loop=loop, **options)
    controller.begin()
    loop.run_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
