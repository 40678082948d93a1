"""What the servers share: free ports, and waiting until one answers."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from archive_service.cli.children import stop_child

UNTIL_READY_SECONDS = 60


class StartFailed(Exception):
    """A server did not start; the text holds its last words."""


def free_ports(count: int) -> list[int]:
    """Different TCP ports on 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        # all held until all are chosen, so that they differ
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def wait_until_ready(child: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path, what: str) -> None:
    """Return once ``is_ready`` answers True; StartFailed with the log's end when the child ends or the time is over."""
    until = time.monotonic() + UNTIL_READY_SECONDS
    while time.monotonic() < until and child.poll() is None:
        if is_ready():
            return
        time.sleep(0.05)
    stop_child(child, signal.SIGKILL)
    words = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise StartFailed(f"{what} did not start. Its last words:\n{words}")
