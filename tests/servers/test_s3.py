from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from servers.processes import StartFailed
from servers.s3 import S3Access, start_s3
from tests.s3 import ON_S3, plain_client

pytestmark = [ON_S3, pytest.mark.slow]
STARTER = """
import sys, time
from pathlib import Path
from servers.s3 import start_s3
server = start_s3(Path(sys.argv[1]))
print(server.process.pid, server.endpoint, server.access_key, server.secret_key, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    """Whether the process works still; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent is gone")
def test_a_second_server_runs_beside_the_first_and_dies_with_its_parent(s3_server: S3Access, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as parent:
        try:
            assert parent.stdout is not None
            pid, *access = parent.stdout.readline().split()
            second = S3Access(*access)
            assert second.endpoint != s3_server.endpoint
            for server in (second, s3_server):
                assert isinstance(plain_client(server).list_buckets(), list)
        finally:
            os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while is_running(int(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(int(pid))


def test_a_stopped_server_is_gone_and_a_second_stop_changes_nothing(tmp_path: Path) -> None:
    server = start_s3(tmp_path / "a folder" / ("deep" * 30))
    with server:
        assert plain_client(server).list_buckets() == []
    server.stop()
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        urllib3.PoolManager(retries=urllib3.Retry(0)).request("GET", server.endpoint)
    shutil.rmtree(tmp_path / "a folder")


def test_a_server_that_does_not_start_tells_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.s3._installed", lambda: Path(shutil.which("false") or "false"))
    with pytest.raises(StartFailed, match="SeaweedFS did not start"):
        start_s3(tmp_path)
