"""Child processes that never outlive their parent, and ports that are free."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

UNTIL_READY_SECONDS = 60


class StartFailed(Exception):
    """A server did not start; the text holds its last words."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_child(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """A child in a session of its own whose output goes to ``log``; it gets ``death_signal`` when this process ends, however it ends."""

    def die_with_parent() -> None:
        # supervisors that clean up at exit leave orphans when they are killed; the kernel does not
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, int(death_signal))

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=die_with_parent,
            **options,
        )


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


def stop_child(child: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
    """End a child and everything in its session; killed when it takes longer than ``seconds``."""
    if child.poll() is None:
        child.send_signal(by)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # nobody of that session is left
        return
