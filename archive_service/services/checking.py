"""What the server finds when it verifies a dossier itself: the verifier over the bundle, or over the events of an open dossier.

It is the server's word about itself: whoever doubts the server runs the verifier elsewhere.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings, read_stream
from archive_service.db.models import EventRow, LogLeafRow, LogPendingRow
from archive_service.domain import merkle
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.dossier import fold
from archive_service.domain.event import FIRST_PREV, Event, EventError, commitment, commitments_in, parse_event
from archive_service.errors import ArchiveError, NotFound
from archive_service.services import log, reading
from archive_service.services.actor import Actor
from archive_service.services.work import calendars_of
from archive_service.verifier import rules
from archive_service.verifier.messages import EXPLAINED
from archive_service.verifier.verify import FAILED, PASSED, SKIPPED, check_bundle

HERE_LIMIT_BYTES = 256 * 1024 * 1024
"""A larger bundle is verified elsewhere: here somebody waits for the page."""
OPEN_STEPS = ("chain", "membership", "openings", "moves", "duties", "time", "locations")


@dataclass
class CheckedStep:
    """One thing that was checked: its code, its sentence in both languages where the verifier has one, and what was wrong."""

    id: str
    state: str
    problems: list[str] = field(default_factory=list)
    texts: tuple[str, str] | None = None


@dataclass
class Checked:
    """The report: of a bundle (``verdict`` is the verifier's) or of an open dossier (``intact`` or ``broken``)."""

    is_bundle: bool
    verdict: str
    steps: list[CheckedStep]
    events: int = 0
    covered_by: int | None = None
    digest: str | None = None
    waiting: int = 0
    """Records that the next checkpoint will cover, and this one does not."""


class _Stored(io.RawIOBase):
    """A stored object as a file that can be read from any place."""

    def __init__(self, content: reading.Content) -> None:
        self._content = content
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._content.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._content.size - self._at)
        if wanted <= 0:
            return 0
        data = b"".join(self._content.read_range(self._at, wanted))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def check_dossier(archive: Archive, actor: Actor, *, dossier: str) -> Checked:
    """The report on a dossier: on its bundle where there is one of at most ``HERE_LIMIT_BYTES``, else on its events as they are stored."""
    reading.require_readable(archive, actor, dossier=dossier, action="events.read")
    with archive.db.read() as session:
        row = queries.find_bundle(session, dossier)
    if row is not None and row.digest is not None and row.size is not None and row.size <= HERE_LIMIT_BYTES:
        return _check_bundle(archive, actor, dossier)
    reading.record_read(archive, actor, "events", dossier)
    return _check_events(archive, dossier)


def _check_bundle(archive: Archive, actor: Actor, dossier: str) -> Checked:
    content = reading.read_bundle(archive, actor, dossier=dossier)
    # reads of a mebibyte: the verifier asks for single headers, and a store in another house answers each in a round trip
    source = cast(BinaryIO, io.BufferedReader(_Stored(content), 1024 * 1024))
    report = check_bundle(source, content.size, archive.log_key.verifier_key, archive.policy, archive.log.clock())
    steps = [
        CheckedStep(
            step.id,
            step.state,
            [f"{d.code}: {d.place}" + (f" ({d.text})" if d.text else "") for d in step.discrepancies],
            EXPLAINED[step.id],
        )
        for step in report.steps
    ]
    return Checked(True, report.verdict, steps, digest=content.digest)


def _check_events(archive: Archive, dossier: str) -> Checked:
    """Chain, membership, openings, legal moves, duties and times of the events that the database holds."""
    steps: list[CheckedStep] = []
    events: list[Event] = []

    def run(id: str, check: Callable[[], list[str]]) -> None:
        if id != "chain" and any(step.id == "chain" and step.state == FAILED for step in steps):
            steps.append(CheckedStep(id, SKIPPED))
            return
        try:
            problems = check()
        except (ArchiveError, IllegalEvent, EventError, KeyError, ValueError) as exc:
            problems = [str(exc)]
        steps.append(CheckedStep(id, FAILED if problems else PASSED, problems[:20]))

    covered: int | None = None
    waiting: list[int] = []
    with archive.db.read() as session:
        rows = session.execute(
            select(EventRow).where(EventRow.stream == f"dossier:{dossier}").order_by(EventRow.seq)
        ).scalars()
        stored = list(rows)
        if not stored:
            raise NotFound("dossier_unknown", "There is no such dossier.")

        def chain() -> list[str]:
            prev, problems = FIRST_PREV, []
            for place, row in enumerate(stored):
                event = parse_event(row.data)
                if (event.seq, event.prev, event.leaf_hash) != (place, prev, row.leaf_hash):
                    problems.append(f"#{place}: {row.leaf_hash}")
                prev = event.leaf_hash
                events.append(event)
            return problems

        def membership() -> list[str]:
            nonlocal covered
            hashes = [event.leaf_hash for event in events]
            places = dict(
                session.execute(
                    select(LogLeafRow.leaf_hash, LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash.in_(hashes))
                ).all()
            )
            pending = set(
                session.execute(select(LogPendingRow.leaf_hash).where(LogPendingRow.leaf_hash.in_(hashes))).scalars()
            )
            found = log.newest_row(session)
            covered = 0 if found is None else found.size
            inside = {leaf: index for leaf, index in places.items() if index < covered}
            waiting.extend(event.seq for event in events if event.leaf_hash not in inside)
            if found is not None and inside:
                log.require_own_checkpoint(archive, found.note)
                node, root = log.tile_reader(session), bytes.fromhex(found.root)
                for leaf, index in inside.items():
                    path = merkle.inclusion_proof(index, found.size, node)
                    merkle.require_inclusion(index, found.size, bytes.fromhex(leaf), path, root)
            # what is numbered or waits for its number comes under the next checkpoint; what is neither never will
            lost = [event.seq for event in events if event.leaf_hash not in places and event.leaf_hash not in pending]
            return [f"#{seq} is not in the log" for seq in lost]

        def openings() -> list[str]:
            opened = read_openings(session, [event.leaf_hash for event in events])
            problems = []
            for event in events:
                for name, promised in commitments_in(event.payload):
                    value = opened.get((event.leaf_hash, name))
                    if value is not None and commitment(name, value[0], value[1]) != promised:
                        problems.append(f"#{event.seq} {name}")
            return problems

        def moves() -> list[str]:
            sop = archive.catalog.sop(session, events[0].payload["sop"])
            return [f"{d.code}: {d.place}" for d in rules.tell_dossier(sop, events)[1] if d.code != "not_sealed"]

        def duties() -> list[str]:
            sop = archive.catalog.sop(session, events[0].payload["sop"])
            return [f"{d.code}: {d.place}" for d in rules.check_duties(sop, events)]

        def time() -> list[str]:
            sop = archive.catalog.sop(session, events[0].payload["sop"])
            after = read_stream(session, f"after:{dossier}") if events[-1].type == "dossier.sealed" else []
            state = fold(sop, events, after)
            return [f"{d.code}: {d.place}" for d in rules.check_times(state, calendars_of(archive, session, state))]

        def locations() -> list[str]:
            digests = [e.payload["digest"] for e in events if e.type == "document.received"]
            return [digest for digest in digests if queries.find_location(session, dossier, digest) is None]

        for id, check in zip(OPEN_STEPS, (chain, membership, openings, moves, duties, time, locations), strict=True):
            run(id, check)
    is_intact = all(step.state == PASSED for step in steps)
    return Checked(False, "intact" if is_intact else "broken", steps, len(stored), covered, waiting=len(waiting))
