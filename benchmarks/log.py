"""The published log at size: verifying all of it, proving one event of it, and how it keeps up while events come.

LOG_EVENTS=100000 makes a smaller log than 1,000,000 events.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from archive_service import signing
from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.domain import merkle, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.event import Event, build_event, person_actor, service_actor
from archive_service.domain.ids import make_id
from archive_service.domain.log_proof import LogProof, format_log_proof
from archive_service.domain.verdict import format_time
from archive_service.services.actor import RULES
from archive_service.verifier.log_directory import DirectoryReader, check_log
from benchmarks.appends import archive_of
from benchmarks.stack import Bench

EVENTS = int(os.environ.get("LOG_EVENTS", "1000000"))
ORIGIN = "archive.local/bench"
START = datetime(2026, 3, 12, tzinfo=UTC)
PROOFS = 2000
APPEND_SECONDS = 10


def make_bytes(count: int) -> Iterator[bytes]:
    """So many events of the kinds and sizes that a dossier has, chained over a stream for each hundred."""
    ids = [make_id(START, sha256(str(n).encode()).digest()[:10]) for n in range(8)]
    person = person_actor(
        person=ids[0], user=ids[1], role="sakip_team", work_unit=ids[2], assignment="a" * 64, head="b" * 64
    )
    heads: dict[str, tuple[int, str]] = {}
    for number in range(count):
        moment = START + timedelta(milliseconds=number)
        dossier = make_id(START, sha256(b"d%d" % (number % max(1, count // 100))).digest()[:10])
        stream = f"dossier:{dossier}"
        seq, prev = heads.get(stream, (0, "0" * 64))
        event = _build(number, moment, stream, seq, prev, person, ids, dossier)
        heads[stream] = (seq + 1, event.leaf_hash)
        yield event.data


def _build(
    number: int, moment: datetime, stream: str, seq: int, prev: str, person: dict[str, object], ids: list[str], own: str
) -> Event:
    at, digest = format_time(moment), sha256(str(number).encode()).hexdigest()
    kind = number // 10_000 % 4
    if kind == 0:
        type_, actor, payload = (
            "document.received",
            person,
            {
                "document": ids[3], "version": ids[4], "number": 1, "step": "4", "iteration": 1, "kind": "data", "digest": digest,
                "crc32": digest[:8], "size": 123_456, "media_type": "application/pdf", "puid": "fmt/18", "begun_at": at,
                "file_name_commitment": digest, "receipt": None, "deviation": None, "indicator": None,
            },
        )  # fmt: skip
    elif kind == 1:
        payload = {"step": "4", "iteration": 1, "started_at": at, "role": "sakip_team", "responsible": ids[0]}
        type_, actor = "step.started", service_actor("rules")
    elif kind == 2:
        payload = {
            "step": "4", "iteration": 1, "documents": 2, "documents_digest": digest, "gaps": 0, "answers": []
        }  # fmt: skip
        type_, actor = "step.submitted", person
    else:
        payload = {"dossier": own, "result": "intact", "documents": 2, "failed": []}
        type_, actor = "fixity.checked", service_actor("rules")
    return build_event(
        origin=ORIGIN,
        id=make_id(moment, sha256(b"e%d" % number).digest()[:10]),
        stream=stream,
        seq=seq,
        prev=prev,
        type=type_,
        actor=actor,
        at=at,
        payload=payload,
    )


def write_log(folder: Path, count: int) -> signing.SigningKey:
    """A published log of so many events in a folder; its key."""
    key = signing.named(signing.load_or_create(folder.parent / "log.pem"), ORIGIN)
    stored: dict[tuple[int, int], bytes] = {}
    part: list[bytes] = []
    size = 0

    def put(path: str, data: bytes) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def flush() -> None:
        nonlocal size
        hashes = [merkle.leaf_hash(data) for data in part]
        stored.update(tiles.append_leaves(size, hashes, lambda level, index: stored[(level, index)]))
        put(tiles.bundle_path(size // 256, len(part)), tiles.format_entries(part))
        size += len(part)
        part.clear()

    for data in make_bytes(count):
        part.append(data)
        if len(part) == tiles.TILE_WIDTH:
            flush()
    if part:
        flush()
    for (level, index), content in stored.items():
        put(tiles.tile_path(level, index, len(content) // 32), content)
    root = merkle.root_from_nodes(size, tiles.node_reader(lambda level, index: stored[(level, index)]))
    put("checkpoint", key.sign(format_checkpoint(Checkpoint(ORIGIN, size, root))))
    put("vkey", f"{key.vkey}\n".encode())
    return key


def _bare_loop(entries: list[bytes]) -> float:
    """Seconds of CPU for hashing every leaf and every node, and nothing else."""
    started = time.process_time()
    level = [sha256(b"\x00" + entry).digest() for entry in entries]
    while len(level) > 1:
        above = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return time.process_time() - started


def measure_verification() -> None:
    """Tree-only verification / the bare hashing loop; full checks a second; memory; size and time of proofs."""
    with tempfile.TemporaryDirectory(prefix="archive-bench-log-") as made:
        folder = Path(made) / "log"
        key = write_log(folder, EVENTS)
        reader = DirectoryReader(str(folder))
        bare = 0.0
        size_bytes = 0
        # in slices, so that the loop's memory is no part of what it takes; a multiple of a whole subtree
        for first in range(0, EVENTS, 65_536):
            entries: list[bytes] = []
            for index in range(first // 256, -(-min(first + 65_536, EVENTS) // 256)):
                width = min(256, EVENTS - index * 256)
                data = reader.read(tiles.bundle_path(index, width), tiles.BUNDLE_LIMIT_BYTES) or b""
                size_bytes += len(data)
                entries += tiles.parse_entries(data, width)
            bare += _bare_loop(entries)
        print(f"log of {EVENTS} events, {size_bytes / EVENTS:.0f} bytes each; bare hashing loop: {bare:.2f} s")
        for is_tree_only, name in ((True, "tree only"), (False, "every event")):
            started = time.process_time()
            report = check_log(reader, [key.verifier_key], is_tree_only=is_tree_only)
            seconds = time.process_time() - started
            assert report.verdict == "VALID" and report.events == EVENTS, report.lines("en")
            aim = f"ratio to the loop {bare / seconds:.2f} (aim 0.5)" if is_tree_only else "aim 40000/s on a core"
            print(f"verifying, {name}: {seconds:.2f} s of CPU, {EVENTS / seconds:.0f}/s; {aim}")
        _measure_memory(folder, key)
        _measure_proofs(folder)


def _measure_memory(folder: Path, key: signing.SigningKey) -> None:
    program = (
        "import re, sys\n"
        "from archive_service.domain.note import parse_vkey\n"
        "from archive_service.verifier.log_directory import DirectoryReader, check_log\n"
        # VmHWM, not getrusage: that begins with what the process that started this one had
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "before = peak()\n"
        "report = check_log(DirectoryReader(sys.argv[1]), [parse_vkey(sys.argv[2])])\n"
        "print(report.verdict, report.streams, before, peak())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(folder), key.vkey], capture_output=True, text=True, check=True
    )
    verdict, streams, before, after = ran.stdout.split()
    assert verdict == "VALID"
    print(
        f"memory of a full verification: {int(after) / 1024:.0f} MiB ({int(before) / 1024:.0f} before it), {streams} streams"
    )


def _measure_proofs(folder: Path) -> None:
    reader = DirectoryReader(str(folder))

    def read_tile(level: int, index: int) -> bytes:
        width = min(256, (EVENTS >> 8 * level) - index * 256)
        return reader.read(tiles.tile_path(level, index, width), 8192) or b""

    head = reader.read("checkpoint", 65_536) or b""
    sizes, times, known = [], [], []
    for number in range(PROOFS):
        index = number * (EVENTS // PROOFS)
        started = time.perf_counter()
        # nothing kept from the proof before: five tiles are read for each
        path = merkle.inclusion_proof(index, EVENTS, tiles.node_reader(read_tile))
        times.append(time.perf_counter() - started)
        sizes.append(len(format_log_proof(LogProof(index, tuple(path), head))))
        known.append(len(path))
    print(
        f"proof of one of {EVENTS} events: {max(known)} hashes, a file of {max(sizes)} bytes without the event, "
        f"{statistics.median(times) * 1000:.2f} ms from tiles on disk (p99 {sorted(times)[PROOFS * 99 // 100] * 1000:.2f} ms)"
    )


def measure_pace(bench: Bench) -> None:
    """Latency of appends at 500 a second; how long an event waits for its number at 1,000 appends a second."""
    with archive_of(bench) as archive:
        for per_second in (500, 1000):
            _measure_pace(archive, per_second)


def _measure_pace(archive: Archive, per_second: int, writers: int = 8) -> None:
    """Writers that begin each append at its own moment, late ones at once; the log process numbers and signs meanwhile."""
    times: list[float] = []
    lags: list[float] = []
    pending: deque[tuple[float, str]] = deque()
    lock, stop = threading.Lock(), threading.Event()

    def write(number: int) -> None:
        dossier = archive.log.make_id()
        stream = f"after:{dossier}"
        facts = {"dossier": dossier, "result": "intact", "documents": 0, "failed": []}
        count = per_second * APPEND_SECONDS // writers
        for turn in range(count):
            due = started + (turn * writers + number) / per_second
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            begun = time.perf_counter()
            with archive.db.write() as session:
                event = open_streams(session, archive.log, [stream]).append(stream, "fixity.checked", RULES, facts)
            with lock:
                times.append(time.perf_counter() - begun)
                pending.append((time.perf_counter(), event.leaf_hash))

    def watch() -> None:
        """Every tenth of a second: how long the oldest of our events without a number has waited."""
        from archive_service.db.models import LogLeafRow

        while not stop.is_set() or pending:
            while pending:
                since, leaf_hash = pending[0]
                with archive.db.read() as session:
                    is_numbered = session.query(LogLeafRow.leaf_index).filter_by(leaf_hash=leaf_hash).first()
                if is_numbered is None:
                    break
                lags.append(time.perf_counter() - since)
                # those that came with it are passed over: the next look is at the newest known to be later
                with lock:
                    while pending and pending[0][0] <= since + 0.05:
                        pending.popleft()
            time.sleep(0.02)

    started = time.perf_counter() + 0.5
    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    watcher = threading.Thread(target=watch)
    for thread in (*threads, watcher):
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    stop.set()
    watcher.join(60)
    times.sort()
    print(
        f"appends at {per_second}/s asked, {len(times) / seconds:.0f}/s reached: median {times[len(times) // 2] * 1000:.1f} ms, "
        f"p99 {times[len(times) * 99 // 100] * 1000:.1f} ms (aim at 500/s: < 50 ms); "
        f"an event waits at most {max(lags, default=0):.2f} s for its number (aim at 1000/s: < 2 s)"
    )
