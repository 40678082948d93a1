"""``make bench``: memory and time of a 1 GB upload through the running service, beside a plain copy and SHA-256 of the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx

SIZE = 1024**3
CHUNK = 1024**2
PASSWORD = "kata sandi panjang"


def pdf_chunks(size: int) -> Iterator[bytes]:
    """A sound one-page PDF whose one stream fills it up to about ``size`` bytes."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    ]
    head, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(head))
        head += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    offsets.append(len(head))
    blocks = size // CHUNK
    yield head + b"4 0 obj\n<</Length %d>>\nstream\n" % (blocks * CHUNK)
    for _ in range(blocks):
        yield b"0 " * (CHUNK // 2)
    start = len(head) + len(b"4 0 obj\n<</Length %d>>\nstream\n" % (blocks * CHUNK)) + blocks * CHUNK
    tail = b"\nendstream\nendobj\n"
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    yield tail + table + b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (start + len(tail))


def peak_kib(pid: int) -> int:
    """The largest resident set that a process had (VmHWM), in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise RuntimeError("the kernel does not tell")


def worker_of(pid: int) -> int:
    """The gunicorn worker below its master."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "log").open("w+")
    command = [sys.executable, "-m", "archive_service.cli", "run", "--port", str(port), "--data", str(folder / "var")]
    service = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        measure(f"http://127.0.0.1:{port}", service.pid, folder)
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def measure(url: str, pid: int, folder: Path) -> None:
    """Upload a small and then a 1 GB document and compare."""
    client = httpx.Client(base_url=url, timeout=600, trust_env=False)
    for _ in range(200):
        try:
            client.get("/livez")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    password = (folder / "log").read_text().split("password: ")[1].split()[0]

    def send(path: str, body: dict[str, object]) -> dict[str, str]:
        answer = client.post("/api/v1" + path, json=body)
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    def log_in(login: str, secret: str) -> None:
        token = send("/tokens", {"login": login, "password": secret, "name": "bench"})["token"]
        client.headers["Authorization"] = f"Bearer {token}"

    log_in("admin", password)
    unit = client.get("/api/v1/work-units").json()["work_units"][0]["work_unit"]
    person = send("/people", {"name": "Ratna", "login": "ratna", "password": PASSWORD})["person"]
    send(f"/people/{person}/assignments", {"role": "satker_head", "work_unit": unit, "from_on": "2020-01-01"})
    log_in("ratna", PASSWORD)
    letter = {
        "number": "1",
        "sender": "x",
        "agenda_number": "2",
        "dated_on": "2026-01-02",
        "received_at": "2026-11-02T09:00:00+07:00",
    }
    opening: dict[str, object] = {"work_unit": unit, "year": 2026, "quarter": 4, "title": "bench", "letter": letter}
    dossier = send("/dossiers", opening)["dossier"]
    path = f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=a.pdf"
    client.post(path, content=b"".join(pdf_chunks(CHUNK))).raise_for_status()
    worker = worker_of(pid)
    before = peak_kib(worker)
    started = time.perf_counter()
    client.post(path, content=pdf_chunks(SIZE)).raise_for_status()
    upload_seconds = time.perf_counter() - started
    grown = (peak_kib(worker) - before) / 1024
    started = time.perf_counter()
    seen = sha256()
    with (folder / "copy").open("wb") as out:
        for chunk in pdf_chunks(SIZE):
            seen.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    copy_seconds = time.perf_counter() - started
    print(
        f"1 GB upload: {upload_seconds:.2f} s; write + SHA-256 + fsync of the same bytes: {copy_seconds:.2f} s; ratio {upload_seconds / copy_seconds:.2f}"
    )
    print(f"memory of the worker: {before / 1024:.0f} MiB before, {grown:.1f} MiB more at its peak (limit 64)")
    sys.exit(0 if grown < 64 else 1)


if __name__ == "__main__":
    main()
