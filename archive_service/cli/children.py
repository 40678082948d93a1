"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# A program of its own instead of preexec_fn: Python code between fork and exec, beside other threads, can hang.
# Who cleans up at its exit leaves orphans when it is killed; the kernel does not: it sends the signal when the thread ends that
# started the child. After setuid, which takes the wish back.
_STARTER = """
import ctypes, os, sys
parent, signal, uid, gid = map(int, sys.argv[1:5])
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(1, signal, 0, 0, 0) != 0:
    sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
if os.getppid() != parent:
    sys.exit("the parent is gone")
os.execv(sys.argv[5], sys.argv[5:])
"""


def start_child(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    owner: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, its output added to ``log``; it gets ``death_signal`` when this process ends, however it ends.

    The first word of ``command`` is a path. ``owner`` is the uid and gid to run as, for root alone.
    """
    uid, gid = owner or (-1, -1)
    starter = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _STARTER,
        *(str(int(n)) for n in (os.getpid(), death_signal, uid, gid)),
    ]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*starter, *(str(part) for part in command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
            cwd=cwd,
            # Ctrl-C is for the parent, who then ends its children in order
            start_new_session=True,
        )


def stop_child(child: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
    """End a child and everything in its session; killed when it takes longer than ``seconds``. A second time changes nothing."""
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
