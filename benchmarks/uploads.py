"""Uploads over HTTP, beside the MinIO client's own puts of the same bytes to the same server."""

from __future__ import annotations

import http.client
import io
import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from minio import Minio

from benchmarks.documents import pdf_chunks
from benchmarks.stack import Bench, run_sql

LARGE = 1024**3
SMALL = 20_000
CLIENTS = 8
EACH = 40


def peak_mib(pid: int) -> float:
    """The largest resident set that a process had since the last ``reset_peak``, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell")


def reset_peak(pid: int) -> None:
    """Begin to measure the largest resident set anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def client_of(bench: Bench) -> Minio:
    """The MinIO client, as anyone would make it."""
    address = urlsplit(bench.s3.endpoint).netloc
    return Minio(address, bench.s3.access_key, bench.s3.secret_key, secure=False, region="us-east-1")


def measure_large(bench: Bench, folder: Path) -> None:
    """1 GB through the service / the client's own put."""
    path = folder / "large.pdf"
    with path.open("wb") as out:
        out.writelines(pdf_chunks(LARGE))
    size = path.stat().st_size
    token = bench.token_of("ratna")
    target = f"/api/v1/dossiers/{bench.open_dossier(bench.token_of('maya'))}/steps/1/documents?kind=request_letter&name=a.pdf"
    place = urlsplit(bench.stack.base_url).netloc
    post(http.client.HTTPConnection(place, timeout=600), target, token, b"".join(pdf_chunks(SMALL)))
    worker = bench.web_worker()
    minio = client_of(bench)
    minio.make_bucket("bench")
    through, direct, grown = [], [], 0.0
    for turn in range(3):
        before = peak_mib(worker)
        reset_peak(worker)
        started = time.perf_counter()
        with path.open("rb") as file:
            post(http.client.HTTPConnection(place, timeout=600), target, token, file, size)
        through.append(time.perf_counter() - started)
        grown = max(grown, peak_mib(worker) - before)
        started = time.perf_counter()
        minio.fput_object("bench", f"direct-{turn}", str(path))
        direct.append(time.perf_counter() - started)
    path.unlink()
    ours, theirs = statistics.median(through), statistics.median(direct)
    print(
        f"1 GB upload through the service: {ours:.2f} s; the MinIO client's own put: {theirs:.2f} s; ratio {ours / theirs:.2f}"
    )
    print(f"  memory of the web worker: {grown:.1f} MiB more at its peak (limit 64)")
    if grown > 64:
        raise SystemExit("the upload takes more memory than it may")


def post(
    line: http.client.HTTPConnection, target: str, token: str, body: object, size: int | None = None
) -> dict[str, str]:
    """Send one document; what the service answers. RuntimeError unless it is taken."""
    length = size if size is not None else len(body)  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/pdf", "Content-Length": str(length)}
    line.request("POST", target, body=body, headers=headers)  # type: ignore[arg-type]
    answer = line.getresponse()
    words = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {words[:500]!r}")
    found: dict[str, str] = json.loads(words)
    return found


def rate(work: Callable[[int], None], clients: int, each: int) -> float:
    """How many units a second ``clients`` threads do, each of them ``each``."""
    failed: list[BaseException] = []

    def run(client: int) -> None:
        try:
            work(client)
        except BaseException as exc:  # noqa: BLE001 - it belongs to the main thread, which fails on it
            failed.append(exc)

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return clients * each / (time.perf_counter() - started)


def measure_small(bench: Bench) -> None:
    """20 kB uploads a second with 8 clients / direct put and one INSERT."""
    opener, token = bench.token_of("maya"), bench.token_of("ratna")
    dossiers = [bench.open_dossier(opener) for _ in range(CLIENTS)]
    files = [[b"".join(pdf_chunks(SMALL)) for _ in range(EACH)] for _ in range(CLIENTS)]
    place = urlsplit(bench.stack.base_url).netloc

    def through(client: int) -> None:
        line = http.client.HTTPConnection(place, timeout=60)
        target = f"/api/v1/dossiers/{dossiers[client]}/steps/1/documents?kind=request_letter&name=a.pdf"
        document = post(line, target, token, files[client][0])["document"]
        for data in files[client][1:]:
            post(line, f"{target}&document={document}", token, data)

    run_sql(bench.owner_url, "create table if not exists plain_row (key text primary key, size bigint)")
    minio = client_of(bench)
    if not minio.bucket_exists("small"):
        minio.make_bucket("small")

    def direct(client: int) -> None:
        with psycopg.connect(bench.owner_url, autocommit=True) as connection:
            for number, data in enumerate(files[client]):
                key = f"{client}-{number}-{time.monotonic_ns()}"
                minio.put_object("small", key, io.BytesIO(data), len(data))
                connection.execute("insert into plain_row values (%s, %s)", (key, len(data)))

    through(0)
    ours = rate(through, CLIENTS, EACH)
    theirs = rate(direct, CLIENTS, EACH)
    print(
        f"20 kB uploads, {CLIENTS} clients: {ours:.0f}/s through the service; {theirs:.0f}/s direct put + INSERT; ratio {theirs / ours:.1f}"
    )
