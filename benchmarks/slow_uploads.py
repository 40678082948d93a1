"""Pages while many people upload over slow lines: 64 at once, through the API and in resumable pieces."""

from __future__ import annotations

import base64
import http.client
import re
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from archive_service.cli.demo import PASSWORD
from benchmarks.documents import pdf_chunks
from benchmarks.stack import Bench

SLOW = 64
SIZE = 96_000
PIECE = 4_000
PAUSE_SECONDS = 0.5
"""A line of 8 kB a second: as slow as a phone at the edge of a cell."""
READ_SECONDS = 30
AIM_MS = 1000


@dataclass
class Line:
    """What the slow uploads of a run met."""

    received: int = 0
    refused: int = 0
    under_way: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    failed: list[BaseException] = field(default_factory=list)

    def begin(self, by: int) -> None:
        """Count an upload in or out."""
        with self.lock:
            self.under_way += by
            self.most = max(self.most, self.under_way)


@dataclass
class Reader:
    """A person's browser without a screen."""

    place: str
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text of an answer."""
        line = http.client.HTTPConnection(self.place, timeout=120)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookies, "Origin": f"http://{self.place}", **headers}
        if self.token:
            sent["X-CSRF-Token"] = self.token
        line.request(method, path, body=body, headers=sent)  # type: ignore[arg-type]
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        self.cookies |= dict(each.split(";")[0].split("=", 1) for each in answer.headers.get_all("Set-Cookie", []))
        return answer.status, dict(answer.headers.items()), text

    def log_in(self, login: str) -> None:
        """Begin a session. RuntimeError when the form is refused."""
        _, _, page = self.ask("GET", "/login")
        form = urlencode({"csrf": _token_in(page), "login": login, "password": PASSWORD})
        status, _, _ = self.ask("POST", "/login", form, **{"Content-Type": "application/x-www-form-urlencoded"})
        if status != 303:
            raise RuntimeError(f"log-in of {login}: {status}")
        self.token = _token_in(self.ask("GET", "/password")[2])


def _token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    if found is None:
        raise RuntimeError("the page has no form")
    return found[1]


def _trickle(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
        time.sleep(PAUSE_SECONDS)


def _send_whole(place: str, token: str, target: str, data: bytes) -> bool:
    sender = http.client.HTTPConnection(place, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/pdf", "Content-Length": str(len(data))}
    try:
        sender.request("POST", target, body=_trickle(data), headers=headers)
        status = sender.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        # refused at once, while the body was still being sent
        status = 503
    finally:
        sender.close()
    if status not in (201, 503):
        raise RuntimeError(f"{target}: {status}")
    return status == 201


def _send_pieces(reader: Reader, url: str, data: bytes) -> bool:
    _, there, _ = reader.ask("HEAD", url)
    offset = int(there["Upload-Offset"])
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(len(data) - offset),
    }
    try:
        status, _, text = reader.ask("PATCH", url, _trickle(data[offset:]), **headers)
    except (BrokenPipeError, ConnectionResetError):
        status, text = 503, ""
    if status not in (204, 503, 409):
        raise RuntimeError(f"{url}: {status} {text[:300]}")
    return status == 204


def _begin_pieces(reader: Reader, dossier: str, name: str, data: bytes) -> str:
    facts = {
        "filename": f"{name}.pdf",
        "fingerprint": f"{hash(name) & (2**256 - 1):064x}"[:64],
        "kind": "request_letter",
    }
    coded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in facts.items())
    told = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": coded}
    status, headers, text = reader.ask("POST", f"/dossiers/{dossier}/steps/1/uploads", **told)
    if status != 201:
        raise RuntimeError(f"begin: {status} {text[:300]}")
    return headers["Location"]


def measure_slow_uploads(bench: Bench) -> None:
    """Slowest and p95 reading of /livez and the start page while 64 slow uploads run; every one of them is received in the end."""
    place = urlsplit(bench.stack.base_url).netloc
    opener, token = bench.token_of("maya"), bench.token_of("ratna")
    clerk, reader = Reader(place), Reader(place)
    clerk.log_in("ratna")
    reader.log_in("maya")
    line, data = Line(), [b"".join(pdf_chunks(SIZE)) for _ in range(SLOW)]

    def upload(number: int, dossier: str) -> None:
        try:
            own = Reader(place, dict(clerk.cookies), clerk.token)
            pieces = _begin_pieces(own, dossier, f"slow-{number}", data[number]) if number % 2 else None
            target = f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=slow-{number}.pdf"
            until = time.monotonic() + 600
            while time.monotonic() < until:
                line.begin(1)
                try:
                    done = (
                        _send_pieces(own, pieces, data[number])
                        if pieces
                        else _send_whole(place, token, target, data[number])
                    )
                finally:
                    line.begin(-1)
                if done:
                    line.received += 1
                    return
                line.refused += 1
                time.sleep(5)
            raise RuntimeError("an upload was refused for ten minutes")
        except BaseException as exc:  # noqa: BLE001 - it belongs to the main thread, which fails on it
            line.failed.append(exc)

    dossiers = [bench.open_dossier(opener) for _ in range(SLOW)]
    threads = [threading.Thread(target=upload, args=(n, dossier)) for n, dossier in enumerate(dossiers)]
    quiet = _read(reader, 3)
    for thread in threads:
        thread.start()
    time.sleep(2)
    taken = _read(reader, READ_SECONDS)
    for thread in threads:
        thread.join()
    if line.failed:
        raise line.failed[0]
    for path, found in taken.items():
        print(
            f"slow uploads, {path}: p95 {statistics.quantiles(found, n=20)[-1]:.0f} ms, slowest {max(found):.0f} ms of {len(found)} "
            f"with up to {line.most} under way (aim {AIM_MS}); p95 {statistics.quantiles(quiet[path], n=20)[-1]:.0f} ms without"
        )
    print(f"slow uploads: {line.received} of {SLOW} received, {line.refused} asked to wait first")


def _read(reader: Reader, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each reading of the pages, one after another."""
    found: dict[str, list[float]] = {"/livez": [], "/": []}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path, taken in found.items():
            started = time.perf_counter()
            status, _, _ = reader.ask("GET", path)
            if status != 200:
                raise RuntimeError(f"{path}: {status}")
            taken.append((time.perf_counter() - started) * 1000)
        time.sleep(0.05)
    return found
