"""Verification of a whole published log (C2SP tlog-tiles) from its files alone, in one pass and little memory.

The entries are the truth: every leaf, tile and root is computed again from their bytes, and the published ones are compared with that. Memory
grows by a few hundred bytes for each stream and by eight bytes for each event, whatever the size of the log.
"""

from __future__ import annotations

import http.client
import os
import time
from array import array
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set, Tuple
from urllib.parse import urlsplit

from archive_service.domain import merkle, note, tiles
from archive_service.domain.checkpoint import Checkpoint, parse_checkpoint
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import FIRST_PREV, Event, EventError, parse_event
from archive_service.domain.note import VerifierKey
from archive_service.domain.policy import Policy
from archive_service.verifier import ed25519
from archive_service.verifier.attestation import Vouch, format_bound, take_cosignatures
from archive_service.verifier.messages import DISCREPANCIES, LOG_STEPS, WORDS
from archive_service.verifier.report import one_line

VALID = "VALID"
INVALID = "INVALID"
UNCONFIRMED = "CONSISTENT, ISSUER NOT CONFIRMED"
EXIT_CODES = {VALID: 0, INVALID: 1, UNCONFIRMED: 3}
SHOWN = 20
KEPT = 1000
"""So many discrepancies of a step are kept; of a log that is wrong from end to end the first ones say enough."""
LINE_LIMIT = 500
SIZE_LIMIT = 2**40
GAPS_LIMIT = 1000
"""So many missing bundles end the reading: a checkpoint alone could name a log of a billion of them."""
CONNECT_SECONDS = 60.0
ATTEMPTS = 5
CHECKPOINT_DIGITS = 20

Progress = Callable[[int, int], None]
"""(entries checked, entries in all): called after each bundle."""


class LogUnreadable(Exception):
    """The log cannot be read at all: no checkpoint, a server that refuses, a file that is too large."""


class Reader(Protocol):
    """Where a published log lies."""

    def read(self, path: str, limit_bytes: int) -> Optional[bytes]:
        """The bytes under a path below the log; None when nothing is there. LogUnreadable when it can't be told, or over the limit."""

    def list_checkpoints(self) -> Sequence[str]:
        """The names of the kept checkpoints below ``checkpoints/``, where a reader can list them."""


class DirectoryReader:
    """A log in a folder, as ``archive-service log export`` writes it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def read(self, path: str, limit_bytes: int) -> Optional[bytes]:
        """The bytes of a file."""
        place = os.path.join(self._folder, *path.split("/"))
        if os.path.exists(place) and not os.path.isfile(place):
            # a pipe or device in an exported folder might never end
            return None
        try:
            with open(place, "rb") as file:
                data = file.read(limit_bytes + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as exc:
            raise LogUnreadable(f"{path}: {exc.strerror}") from exc
        if len(data) > limit_bytes:
            raise LogUnreadable(f"{path} is larger than {limit_bytes} bytes")
        return data

    def list_checkpoints(self) -> Sequence[str]:
        """The files in ``checkpoints``."""
        try:
            return sorted(os.listdir(os.path.join(self._folder, "checkpoints")))
        except OSError:
            return []


class UrlReader:
    """A log over HTTP or HTTPS below an address such as ``https://archive.example.ac.id/log``; redirects are not followed."""

    def __init__(self, url: str, headers: Optional[Mapping[str, str]] = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise LogUnreadable(f"{url} is no address of a log")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=CONNECT_SECONDS)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "archive-service-verifier", **(headers or {})}

    def read(self, path: str, limit_bytes: int) -> Optional[bytes]:
        """The body of a GET; a server that is busy or hangs up is asked again a few times."""
        for attempt in range(ATTEMPTS):
            try:
                self._connection.request("GET", f"{self._prefix}/{path}", headers=self._headers)
                response = self._connection.getresponse()
                data = response.read(limit_bytes + 1)
            except (OSError, http.client.HTTPException) as exc:
                self._connection.close()
                if attempt == ATTEMPTS - 1:
                    raise LogUnreadable(f"{path}: {type(exc).__name__}: {exc}") from exc
                continue
            if len(data) > limit_bytes or response.status != 200:
                # what is left of the answer must not be taken for the next one
                self._connection.close()
            if response.status == 404:
                return None
            if response.status in (429, 503) and attempt < ATTEMPTS - 1:
                wait = response.headers.get("Retry-After", "1")
                time.sleep(min(int(wait) if wait.isdigit() else 1, 30))
                continue
            if response.status in (401, 403):
                raise LogUnreadable(f"{path}: the server asks for a token that may read the log ({response.status})")
            if response.status != 200:
                raise LogUnreadable(f"{path}: the server answered {response.status}")
            if len(data) > limit_bytes:
                raise LogUnreadable(f"{path} is larger than {limit_bytes} bytes")
            return data
        raise LogUnreadable(f"{path}: the server is busy")

    def list_checkpoints(self) -> Sequence[str]:
        """Nothing: a server lists no files."""
        return []

    def close(self) -> None:
        """Give the connection back; the next read makes a new one."""
        self._connection.close()


def open_log(place: str, headers: Optional[Mapping[str, str]] = None) -> Reader:
    """The reader of a log by its address or folder; LogUnreadable when there is no such folder."""
    if place.startswith(("http://", "https://")):
        return UrlReader(place, headers)
    if not os.path.isdir(place):
        raise LogUnreadable(f"{place} is no folder")
    return DirectoryReader(place)


@dataclass
class LogStep:
    """One step: what it proves is ``LOG_STEPS[id]``; ``count`` is over all discrepancies, of which the first ones are kept."""

    id: str
    discrepancies: List[Discrepancy] = field(default_factory=list)
    count: int = 0

    def add(self, code: str, place: str, text: str = "") -> None:
        """Note a discrepancy."""
        self.count += 1
        if len(self.discrepancies) < KEPT:
            self.discrepancies.append(Discrepancy(code, place, text))


@dataclass
class LogReport:
    """What a verification of a log found."""

    steps: Dict[str, LogStep] = field(default_factory=lambda: {id: LogStep(id) for id in LOG_STEPS})
    checkpoint: Optional[Checkpoint] = None
    events: int = 0
    streams: int = 0
    kept_checkpoints: int = 0
    continued: Optional[Dict[str, Any]] = None
    """The checkpoint of another log that this one's first event says it continues: its origin, size, root and key."""
    is_pinned: bool = False
    witnesses: Dict[str, datetime] = field(default_factory=dict)
    """Who of the policy cosigned the newest checkpoint, and when."""
    witnesses_of: int = 0
    unknown: List[str] = field(default_factory=list)
    """Cosigners that the policy does not name: they count for nothing."""

    @property
    def discrepancies(self) -> List[Discrepancy]:
        """Everything found, in order of the steps."""
        return [d for step in self.steps.values() for d in step.discrepancies]

    @property
    def verdict(self) -> str:
        """The last word."""
        if self.discrepancies:
            return INVALID
        return VALID if self.is_pinned else UNCONFIRMED

    @property
    def exit_code(self) -> int:
        """0 valid, 1 discrepancies, 3 consistent but issuer not confirmed."""
        return EXIT_CODES[self.verdict]

    def plain(self) -> Dict[str, Any]:
        """The report as JSON-able data."""
        head = self.checkpoint
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "checkpoint": None if head is None else {"origin": head.origin, "size": head.size, "root": head.root.hex()},
            "events": self.events,
            "streams": self.streams,
            "kept_checkpoints": self.kept_checkpoints,
            "continued": self.continued,
            "level": {
                "signed": self.verdict == VALID,
                "witnesses": len(self.witnesses),
                "witnesses_of": self.witnesses_of,
                "time_stamps": 0,
            },
            "witnesses": {name: format_bound(at) for name, at in sorted(self.witnesses.items())},
            "unknown_cosigners": self.unknown,
            "steps": [
                {
                    "step": number,
                    "id": step.id,
                    "proves": LOG_STEPS[step.id][1],
                    "state": "failed" if step.count else "passed",
                    "found": step.count,
                    "discrepancies": [{**d.plain(), "means": DISCREPANCIES[d.code][1]} for d in step.discrepancies],
                }
                for number, step in enumerate(self.steps.values(), 1)
            ],
        }

    def lines(self, lang: str) -> List[str]:
        """The report for people; the last line is the verdict."""
        column = 0 if lang == "id" else 1
        lines: List[str] = []
        if self.checkpoint is not None:
            head = (self.checkpoint.origin, self.checkpoint.size, self.events, self.streams, self.kept_checkpoints)
            lines.append(one_line(WORDS["log_head"][column] % head)[:LINE_LIMIT])
        if self.continued is not None:
            facts = (self.continued["origin"], self.continued["size"])
            lines.append(one_line(WORDS["log_continued"][column] % facts)[:LINE_LIMIT])
        for number, step in enumerate(self.steps.values(), 1):
            lines.append(f"{number}. {'✗' if step.count else '✓'} {LOG_STEPS[step.id][column]}")
            for d in step.discrepancies[:SHOWN]:
                text = f"✗ {d.code}: {d.place}: {DISCREPANCIES[d.code][column]}" + (f" ({d.text})" if d.text else "")
                lines.append("     " + one_line(text)[:LINE_LIMIT])
            if step.count > SHOWN:
                lines.append("     " + WORDS["more"][column] % (step.count - SHOWN))
        if self.verdict == UNCONFIRMED:
            lines.append(WORDS["log_no_key"][column])
        for name, at in sorted(self.witnesses.items()):
            lines.append(one_line(WORDS["log_seen"][column] % (name, format_bound(at)))[:LINE_LIMIT])
        if self.unknown:
            lines.append(one_line(WORDS["unknown_cosigners"][column] % ", ".join(self.unknown))[:LINE_LIMIT])
        if self.verdict == VALID:
            lines.append(WORDS["level"][column] % (len(self.witnesses), self.witnesses_of, 0))
        lines.append(self.verdict)
        return lines


@dataclass(frozen=True)
class _Target:
    """A checkpoint that has to be a prefix."""

    place: str
    size: int
    root: bytes


def check_log(
    reader: Reader,
    keys: Sequence[VerifierKey] = (),
    *,
    since: Optional[bytes] = None,
    policy: Optional[Policy] = None,
    now: Optional[datetime] = None,
    is_tree_only: bool = False,
    progress: Optional[Progress] = None,
) -> LogReport:
    """The report on a published log: signed by one of the keys where any are pinned, whole, and holding ``since`` as a prefix.

    ``since`` is an older checkpoint that was kept elsewhere. ``policy`` says whose cosignatures on the newest checkpoint count, and pins its
    logs' keys where none are given; ``now`` is the time of the machine that verifies, where it is known. ``is_tree_only`` leaves the
    events' own content out. LogUnreadable when the log cannot be read; nothing else is raised on any content.
    """
    pinned = keys or ([] if policy is None else [log.key for log in policy.logs])
    return _Check(reader, pinned, is_tree_only, progress).run(since, policy, now)


class _Check:
    """One pass over a log."""

    def __init__(
        self, reader: Reader, keys: Sequence[VerifierKey], is_tree_only: bool, progress: Optional[Progress]
    ) -> None:
        self.report = LogReport(is_pinned=bool(keys))
        self._reader = reader
        self._keys = list(keys)
        self._is_tree_only = is_tree_only
        self._progress = progress
        self._levels: List[bytearray] = []
        self._targets: List[_Target] = []
        self._kept: List[Tuple[str, note.Note]] = []
        self._registered: List[VerifierKey] = []
        self._streams: Dict[str, Tuple[int, str, str]] = {}
        self._has_gap = False
        self._ids: List["array[int]"] = [array("Q") for _ in range(256)]

    def _add(self, step: str, code: str, place: str, text: str = "") -> None:
        self.report.steps[step].add(code, place, text)

    def run(self, since: Optional[bytes], policy: Optional[Policy], now: Optional[datetime]) -> LogReport:
        """Everything, in one pass over the entries."""
        data = self._reader.read("checkpoint", note.NOTE_LIMIT_BYTES)
        if data is None:
            raise LogUnreadable("there is no checkpoint")
        if not self._keys:
            self._keys = self._own_keys()
        head = self._read_checkpoint("checkpoint", "checkpoint", data)
        if head is None:
            return self.report
        if head.size > SIZE_LIMIT:
            raise LogUnreadable(f"the checkpoint names {head.size} entries: more than anybody has")
        self.report.checkpoint = head
        self._count_witnesses(note.parse_note(data), policy, now)
        self._gather_targets(head, since)
        self._walk(head)
        root = tiles.fold_tiles([bytes(tile) for tile in self._levels])
        if root != head.root:
            self._add("tree", "root_differs", "checkpoint", f"{root.hex()} ≠ {head.root.hex()}")
        self._check_partial_tiles()
        self._check_ids(head)
        self._check_signatures(head)
        self.report.streams = len(self._streams)
        return self.report

    # checkpoints

    def _own_keys(self) -> List[VerifierKey]:
        """The log's own keys: what it says of itself, which confirms no issuer."""
        data = self._reader.read("vkey", note.NOTE_LIMIT_BYTES) or b""
        found: List[VerifierKey] = []
        for line in data.decode("utf-8", "replace").splitlines():
            try:
                found.append(note.parse_vkey(line.strip()))
            except note.NoteError:
                continue
        return found

    def _read_checkpoint(self, step: str, place: str, data: bytes) -> Optional[Checkpoint]:
        """The checkpoint in a note that one of the keys signed for this log; None, and a discrepancy, otherwise."""
        try:
            parsed = note.parse_note(data)
            checkpoint = parse_checkpoint(parsed.text)
            own = [key for key in self._keys if key.name == checkpoint.origin]
            # every key's line is looked at: a wrong one is no less wrong beside a right one
            signed = [note.signed_by(parsed, key, ed25519.verify) for key in own]
        except ValueError as exc:
            self._add(step, "checkpoint_invalid", place, str(exc))
            return None
        if not any(signed):
            code = "checkpoint_unsigned" if self._keys else "no_key"
            self._add(step, code, place, ", ".join(key.name for key in self._keys))
        return checkpoint

    def _count_witnesses(self, head: note.Note, policy: Optional[Policy], now: Optional[datetime]) -> None:
        """Who of the policy cosigned the newest checkpoint; fewer than its quorum is a discrepancy."""
        vouches: List[Vouch] = []
        found: List[Discrepancy] = []
        take_cosignatures("checkpoint", head, policy, now, vouches, self.report.unknown, found)
        for discrepancy in found:
            self._add("checkpoint", discrepancy.code, discrepancy.place, discrepancy.text)
        self.report.witnesses = {vouch.name: vouch.at for vouch in vouches}
        if policy is None:
            return
        self.report.witnesses_of = len(policy.witnesses)
        if not policy.is_satisfied(set(self.report.witnesses)):
            self._add("checkpoint", "quorum_missed", "checkpoint", f"{len(vouches)} / {len(policy.witnesses)}")

    def _gather_targets(self, head: Checkpoint, since: Optional[bytes]) -> None:
        """The older checkpoints that must be prefixes: the one that was kept elsewhere, and those kept beside the log."""
        if since is not None:
            older = self._read_checkpoint("prefix", "--since", since)
            if older is not None:
                self._expect(head, "--since", older)
        for name in self._reader.list_checkpoints():
            place = f"checkpoints/{name}"
            data = self._reader.read(place, note.NOTE_LIMIT_BYTES) or b""
            try:
                parsed = note.parse_note(data)
                kept = parse_checkpoint(parsed.text)
            except ValueError as exc:
                self._add("prefix", "checkpoint_invalid", place, str(exc))
                continue
            self.report.kept_checkpoints += 1
            if name != f"{kept.size:0{CHECKPOINT_DIGITS}d}":
                self._add("prefix", "checkpoint_invalid", place, f"it is of size {kept.size}")
            self._expect(head, place, kept)
            self._kept.append((place, parsed))
        self._targets.sort(key=lambda target: target.size, reverse=True)
        self._meet_targets()

    def _expect(self, head: Checkpoint, place: str, older: Checkpoint) -> None:
        if older.origin != head.origin:
            self._add("prefix", "origin_differs", place, older.origin)
        elif older.size > head.size:
            self._add("prefix", "log_shrunk", place, f"{older.size} > {head.size}")
        else:
            self._targets.append(_Target(place, older.size, older.root))

    def _meet_targets(self) -> None:
        """Compare those checkpoints that end where the tree now ends."""
        while self._targets and self._targets[-1].size == self.report.events:
            target = self._targets.pop()
            if tiles.fold_tiles([bytes(tile) for tile in self._levels]) != target.root:
                self._add("prefix", "no_prefix", target.place, f"{target.size}")

    def _check_signatures(self, head: Checkpoint) -> None:
        """Every kept checkpoint is signed by a key that is pinned, or that an event of this log registered for it: keys change."""
        known = [*self._keys, *self._registered]
        keys = list({key.public_key: key for key in known if key.name == head.origin}.values())
        for place, parsed in self._kept:
            try:
                # every key's line is looked at, as for the newest checkpoint
                signed = [note.signed_by(parsed, key, ed25519.verify) for key in keys]
            except ValueError as exc:
                self._add("prefix", "checkpoint_invalid", place, str(exc))
                continue
            # without the events nobody knows what keys the log had before
            if keys and not any(signed) and not self._is_tree_only:
                self._add("prefix", "checkpoint_unsigned", place, head.origin)

    # entries and tiles

    def _walk(self, head: Checkpoint) -> None:
        gaps = 0
        for index in range(-(-head.size // tiles.TILE_WIDTH)):
            width = min(tiles.TILE_WIDTH, head.size - index * tiles.TILE_WIDTH)
            entries = self._read_bundle(index, width)
            if entries is None:
                gaps += 1
                if gaps > GAPS_LIMIT:
                    return
                self._skip(index, width)
            else:
                self._take(index, entries, head.origin)
            if self._progress is not None:
                self._progress(self.report.events, head.size)

    def _find_bundle(self, index: int, width: int) -> Optional[List[bytes]]:
        """The entries of a bundle: of a partial one, or of the whole one that has taken its place since; ValueError for a malformed one."""
        data = self._reader.read(tiles.bundle_path(index, width), tiles.BUNDLE_LIMIT_BYTES)
        if data is not None:
            return tiles.parse_entries(data, width)
        if width < tiles.TILE_WIDTH:
            data = self._reader.read(tiles.bundle_path(index, tiles.TILE_WIDTH), tiles.BUNDLE_LIMIT_BYTES)
        return None if data is None else tiles.parse_entries(data, tiles.TILE_WIDTH)[:width]

    def _read_bundle(self, index: int, width: int) -> Optional[List[bytes]]:
        path = tiles.bundle_path(index, width)
        try:
            entries = self._find_bundle(index, width)
        except ValueError as exc:
            self._add("tree", "entries_invalid", path, str(exc))
            return None
        if entries is None:
            self._add("tree", "entries_missing", path)
        return entries

    def _read_tile(self, level: int, index: int, width: int) -> Optional[bytes]:
        path, whole = tiles.tile_path(level, index, width), tiles.tile_path(level, index, tiles.TILE_WIDTH)
        limit_bytes = tiles.TILE_WIDTH * merkle.HASH_BYTES
        data = self._reader.read(path, limit_bytes)
        if data is not None and len(data) != width * merkle.HASH_BYTES:
            self._add("tree", "tile_differs", path, f"it has {len(data)} bytes")
            return None
        if data is None and path != whole:
            data = self._reader.read(whole, limit_bytes)
            data = None if data is None else data[: width * merkle.HASH_BYTES]
        if data is None:
            self._add("tree", "tile_missing", path)
        return data

    def _skip(self, index: int, width: int) -> None:
        """Go on behind a bundle that is not there, on the hashes of its tile: what comes after can still be compared."""
        tile = self._read_tile(0, index, width) or bytes(width * merkle.HASH_BYTES)
        self._has_gap = True
        self._streams.clear()
        self._append(0, tile[: width * merkle.HASH_BYTES])
        self.report.events += width
        self._targets = [target for target in self._targets if target.size >= self.report.events]
        self._meet_targets()

    def _take(self, index: int, entries: List[bytes], origin: str) -> None:
        hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
        content = b"".join(hashes)
        if len(entries) == tiles.TILE_WIDTH:
            self._compare(0, index, content)
        if not self._is_tree_only:
            first = self.report.events
            for number, entry in enumerate(entries, first):
                self._check_event(number, entry, origin)
        # a kept checkpoint may end within this bundle
        done = 0
        while self._targets and self._targets[-1].size <= self.report.events + len(entries) - done:
            upto = self._targets[-1].size - self.report.events + done
            self._append(0, content[done * merkle.HASH_BYTES : upto * merkle.HASH_BYTES])
            self.report.events += upto - done
            done = upto
            self._meet_targets()
        self._append(0, content[done * merkle.HASH_BYTES :])
        self.report.events += len(entries) - done

    def _append(self, level: int, hashes: bytes) -> None:
        """Put hashes behind the rightmost tile of a level; a tile that is full moves up as one hash."""
        if not hashes:
            return
        if len(self._levels) == level:
            self._levels.append(bytearray())
        tile = self._levels[level]
        tile += hashes
        if len(tile) < tiles.TILE_WIDTH * merkle.HASH_BYTES:
            return
        full = bytes(tile)
        tile.clear()
        if level:
            # the span of a full tile at this level, over the leaves that it ends with
            self._compare(level, self._index_above(level), full)
        self._append(level + 1, tiles.perfect_root(full))

    def _index_above(self, level: int) -> int:
        """The index of the tile of this level that became full now: as many are full above it."""
        index, scale = 0, 1
        for above in self._levels[level + 1 :]:
            index += len(above) // merkle.HASH_BYTES * scale
            scale *= tiles.TILE_WIDTH
        return index

    def _compare(self, level: int, index: int, content: bytes) -> None:
        width = len(content) // merkle.HASH_BYTES
        published = self._read_tile(level, index, width)
        if published is None or published == content:
            return
        wrong = next(i for i in range(width) if published[i * 32 : i * 32 + 32] != content[i * 32 : i * 32 + 32])
        path = tiles.tile_path(level, index, width)
        code, text = ("entry_differs", f"leaf {index * 256 + wrong}") if level == 0 else ("tile_differs", f"{wrong}")
        self._add("tree", code, path, text)

    def _check_partial_tiles(self) -> None:
        for level, tile in enumerate(self._levels):
            if tile:
                self._compare(level, self._index_above(level), bytes(tile))

    # events

    def _check_event(self, number: int, data: bytes, origin: str) -> None:
        try:
            event = parse_event(data)
        except EventError as exc:
            self._add("log_events", "event_invalid", f"leaf {number}", str(exc))
            # its stream cannot be told: the next event of it breaks the chain, which says so
            return
        if event.origin != origin:
            self._add("log_events", "origin_differs", f"leaf {number}", event.origin)
        if event.claimed_at is not None and event.claimed_at > event.at:
            self._add("log_events", "claimed_in_future", f"leaf {number}", f"{event.claimed_at} > {event.at}")
        low = int(event.id[16:], 16)
        self._ids[low & 0xFF].append(low)
        self._follow(number, event)
        if event.type == "key.registered" and event.payload["purpose"] == "log":
            self._register(event)
        if number == 0 and event.type == "log.continued":
            self.report.continued = self._continued(event)

    def _register(self, event: Event) -> None:
        try:
            self._registered.append(note.parse_vkey(event.payload["vkey"]))
        except note.NoteError:
            # a key that cannot be read signed nothing
            return

    def _follow(self, number: int, event: Event) -> None:
        known = self._streams.get(event.stream)
        if known is None and self._has_gap:
            known = (event.seq, event.prev, "")
        seq, prev, at = known or (0, FIRST_PREV, "")
        place = f"leaf {number} {event.stream} #{event.seq}"
        if event.seq != seq:
            self._add("log_chains", "seq_differs", place, f"{event.seq} ≠ {seq}")
        elif event.prev != prev:
            self._add("log_chains", "chain_broken", place)
        if event.at < at:
            self._add("log_chains", "time_backwards", place, f"{event.at} < {at}")
        self._streams[event.stream] = (event.seq + 1, event.leaf_hash, event.at)

    def _continued(self, event: Event) -> Optional[Dict[str, Any]]:
        """What the first event says of the log before: its checkpoint has to be signed by the key that is named."""
        told = {name: event.payload[name] for name in ("origin", "size", "root", "vkey")}
        try:
            parsed = note.parse_note(event.payload["checkpoint"].encode("utf-8"))
            older = parse_checkpoint(parsed.text)
            key = note.parse_vkey(told["vkey"])
            is_right = note.signed_by(parsed, key, ed25519.verify) and key.name == older.origin
        except ValueError as exc:
            self._add("log_events", "continued_invalid", "leaf 0", str(exc))
            return None
        if not is_right or (older.origin, older.size, older.root.hex()) != (told["origin"], told["size"], told["root"]):
            self._add("log_events", "continued_invalid", "leaf 0")
        return told

    def _check_ids(self, head: Checkpoint) -> None:
        """No id twice. What is kept of each is its random end alone; where two ends agree, the whole ids are read again."""
        suspects: Set[int] = set()
        for bucket in self._ids:
            seen: Set[int] = set()
            if len(set(bucket)) == len(bucket):
                continue
            for low in bucket:
                if low in seen:
                    suspects.add(low)
                seen.add(low)
        if not suspects:
            return
        places: Dict[str, int] = {}
        for index in range(-(-head.size // tiles.TILE_WIDTH)):
            width = min(tiles.TILE_WIDTH, head.size - index * tiles.TILE_WIDTH)
            for offset, entry in enumerate(self._read_again(index, width)):
                try:
                    event = parse_event(entry)
                except EventError:
                    continue
                if int(event.id[16:], 16) not in suspects:
                    continue
                number = index * tiles.TILE_WIDTH + offset
                first = places.setdefault(event.id, number)
                if first != number:
                    self._add("log_events", "id_twice", f"leaf {number}", f"{event.id}, leaf {first}")

    def _read_again(self, index: int, width: int) -> List[bytes]:
        try:
            return self._find_bundle(index, width) or []
        except ValueError:
            return []
