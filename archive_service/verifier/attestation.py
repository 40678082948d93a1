"""What others vouch for: cosigned and time-stamped checkpoints, and between which of their times each event was recorded.

A witness counts when the policy of the person who verifies names its key. A time-stamp counts by what it says: its authority's
signature is for ``openssl ts -verify`` to check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, Dict, List, Optional, Sequence, Tuple

from archive_service.domain import manifest, merkle
from archive_service.domain.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from archive_service.domain.cosignature import find_cosignature, has_stamp, without_keys
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import Event
from archive_service.domain.note import Note, NoteError, VerifierKey, parse_note, signed_by
from archive_service.domain.policy import Policy
from archive_service.domain.verdict import parse_time
from archive_service.verifier import ed25519
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.time_stamp import SHA256_OID, TokenError, openssl_command, parse_time_stamp

SLACK = timedelta(seconds=600)
"""By how much clocks may differ, and how long a checkpoint may be on its way to whoever attests it."""

WITNESS = "witness"
TIME_STAMP = "time_stamp"


@dataclass(frozen=True)
class Vouch:
    """Who vouched for a checkpoint, and when."""

    kind: str
    name: str
    at: datetime


@dataclass(frozen=True)
class Bound:
    """The earliest time at which somebody vouched for a checkpoint of this size, and all who vouched for it."""

    size: int
    at: datetime
    by: Tuple[str, ...]

    def plain(self) -> Dict[str, Any]:
        """The bound as JSON-able data."""
        return {"at": format_bound(self.at), "by": list(self.by), "size": self.size}


@dataclass(frozen=True)
class Interval:
    """Between which attested times an event was recorded; neither: its time is claimed."""

    event: Event
    after: Optional[Bound]
    before: Optional[Bound]

    def plain(self) -> Dict[str, Any]:
        """The interval as JSON-able data."""
        return {
            "stream": self.event.stream,
            "seq": self.event.seq,
            "type": self.event.type,
            "at": self.event.at,
            "is_attested": self.after is not None or self.before is not None,
            "after": None if self.after is None else self.after.plain(),
            "before": None if self.before is None else self.before.plain(),
        }


@dataclass
class Attestation:
    """What was found: the level, the interval of each of the dossier's events, and what a reader should look at."""

    witnesses: List[str] = field(default_factory=list)
    witnesses_of: int = 0
    time_stamps: int = 0
    unknown: List[str] = field(default_factory=list)
    commands: List[str] = field(default_factory=list)
    intervals: List[Interval] = field(default_factory=list)


def format_bound(at: datetime) -> str:
    """An attested time as text."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def check_attestation(
    evidence: Evidence, policy: Optional[Policy], now: Optional[datetime]
) -> Tuple[Attestation, List[Discrepancy]]:
    """What others vouch for, and where it disagrees with itself, with the log, or with the times of events.

    ``now`` is the time of the machine that verifies, where it is known: nothing was attested after it.
    """
    attestation = Attestation(witnesses_of=0 if policy is None else len(policy.witnesses))
    found: List[Discrepancy] = []
    try:
        main_note = parse_note(evidence.checkpoint)
        main = parse_checkpoint(main_note.text)
    except (NoteError, CheckpointError) as exc:
        return attestation, [Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, str(exc))]
    vouches: Dict[int, List[Vouch]] = {}
    unknown: List[str] = []
    take_cosignatures(manifest.CHECKPOINT, main_note, policy, now, vouches.setdefault(main.size, []), unknown, found)
    for size, attested in sorted(evidence.attested.items()):
        path = manifest.attested_name(size)
        note = _read_checkpoint(path, attested.note, size, evidence.log_keys, main, attested.consistency, found)
        if note is None:
            continue
        mine = vouches.setdefault(size, [])
        take_cosignatures(path, note, policy, now, mine, unknown, found)
        for number, token in enumerate(attested.tokens, 1):
            _take_token(path, manifest.token_name(size, number), token, note, now, mine, attestation, found)
    attestation.unknown = sorted(set(unknown))
    bounds = _bounds(vouches)
    covered = [evidence.leaves[e.leaf_hash].index for e in evidence.events if e.leaf_hash in evidence.leaves]
    whole = [v for size, each in vouches.items() if covered and size > max(covered) for v in each]
    attestation.witnesses = sorted({v.name for v in whole if v.kind == WITNESS})
    attestation.time_stamps = len({(v.name, v.at) for v in whole if v.kind == TIME_STAMP})
    if policy is not None and not policy.is_satisfied(set(attestation.witnesses)):
        text = f"{len(attestation.witnesses)} / {len(policy.witnesses)}"
        found.append(Discrepancy("quorum_missed", manifest.CHECKPOINT, text))
    own = {event.leaf_hash for event in evidence.events}
    for event in evidence.all_events():
        leaf = evidence.leaves.get(event.leaf_hash)
        if leaf is None:
            continue
        interval = _bracket(event, leaf.index, bounds)
        found += _check_time(interval)
        if event.leaf_hash in own:
            attestation.intervals.append(interval)
    return attestation, found


def _read_checkpoint(
    path: str,
    data: bytes,
    size: int,
    log_keys: Sequence[VerifierKey],
    main: Checkpoint,
    proof: Sequence[bytes],
    found: List[Discrepancy],
) -> Optional[Note]:
    """The note of an attested checkpoint that is this log's and is continued by the bundle's; None with what is wrong."""
    try:
        note = parse_note(data)
        checkpoint = parse_checkpoint(note.text)
        signers = [key for key in log_keys if signed_by(note, key, ed25519.verify)]
        if not signers or (checkpoint.origin, checkpoint.size) != (main.origin, size) or size > main.size:
            raise NoteError("it is not signed as the checkpoint of this log and size")
        strays = [s for s in without_keys(note, log_keys) if not has_stamp(s)]
        if strays:
            raise NoteError(f"a signature by {strays[0].name}")
    except (NoteError, CheckpointError) as exc:
        found.append(Discrepancy("attested_invalid", path, str(exc)))
        return None
    try:
        merkle.require_consistency(size, main.size, proof, checkpoint.root, main.root)
    except merkle.ProofError as exc:
        found.append(Discrepancy("attested_forked", path, str(exc)))
        return None
    return note


def take_cosignatures(
    path: str,
    note: Note,
    policy: Optional[Policy],
    now: Optional[datetime],
    vouches: List[Vouch],
    unknown: List[str],
    found: List[Discrepancy],
) -> None:
    """Add whoever of the policy cosigned the checkpoint at ``path`` to ``vouches``, other cosigners to ``unknown``, and what is wrong to ``found``."""
    witnesses = () if policy is None else policy.witnesses
    for witness in witnesses:
        try:
            cosignature = find_cosignature(note, witness.key, ed25519.verify)
        except NoteError as exc:
            found.append(Discrepancy("cosignature_invalid", path, str(exc)))
            continue
        if cosignature is None:
            continue
        at = datetime.fromtimestamp(cosignature.time, timezone.utc)
        if now is not None and at > now + SLACK:
            found.append(Discrepancy("cosignature_future", path, f"{witness.name}: {format_bound(at)}"))
            continue
        vouches.append(Vouch(WITNESS, witness.name, at))
    strangers = [s for s in without_keys(note, [witness.key for witness in witnesses]) if has_stamp(s)]
    unknown += [f"{s.name}+{s.key_id.hex()}" for s in strangers]


def _take_token(
    checkpoint_path: str,
    path: str,
    token: bytes,
    note: Note,
    now: Optional[datetime],
    vouches: List[Vouch],
    attestation: Attestation,
    found: List[Discrepancy],
) -> None:
    try:
        stamp = parse_time_stamp(token)
    except TokenError as exc:
        found.append(Discrepancy("time_stamp_invalid", path, str(exc)))
        return
    if stamp.algorithm != SHA256_OID or stamp.imprint != sha256(note.text.encode("utf-8")).digest():
        found.append(Discrepancy("time_stamp_differs", path, stamp.imprint.hex()[:64]))
    elif now is not None and stamp.at > now + SLACK:
        found.append(Discrepancy("time_stamp_future", path, format_bound(stamp.at)))
    else:
        vouches.append(Vouch(TIME_STAMP, f"{path.rpartition('/')[2]} ({stamp.policy} #{stamp.serial})", stamp.at))
        attestation.commands.append(openssl_command(checkpoint_path, path, stamp.at))


def _bounds(vouches: Dict[int, List[Vouch]]) -> List[Bound]:
    """Of each attested checkpoint its earliest time, in the order of sizes."""
    return [
        Bound(size, min(v.at for v in each), tuple(sorted({v.name for v in each})))
        for size, each in sorted(vouches.items())
        if each
    ]


def _bracket(event: Event, index: int, bounds: Sequence[Bound]) -> Interval:
    after = next((bound for bound in reversed(bounds) if bound.size <= index), None)
    before = next((bound for bound in bounds if bound.size > index), None)
    return Interval(event, after, before)


def _check_time(interval: Interval) -> List[Discrepancy]:
    event, after, before = interval.event, interval.after, interval.before
    at, place = parse_time(event.at), f"{event.stream} #{event.seq}"
    if before is not None and at > before.at + SLACK:
        text = f"{event.at} > {format_bound(before.at)} ({', '.join(before.by)})"
        return [Discrepancy("time_contradicts_attestation", place, text)]
    if after is not None and at < after.at - SLACK:
        text = f"{event.at} < {format_bound(after.at)} ({', '.join(after.by)})"
        return [Discrepancy("time_contradicts_attestation", place, text)]
    return []


def describe(intervals: Sequence[Interval], words: Dict[str, Tuple[str, str]], column: int) -> List[str]:
    """The intervals for people: a line for each step of the dossier, from its first bound to its last."""
    groups: Dict[Optional[str], List[Interval]] = {}
    for interval in intervals:
        step = interval.event.payload.get("step")
        groups.setdefault(step if isinstance(step, str) else None, []).append(interval)
    lines: List[str] = []
    for key, members in groups.items():
        told = _told(members, words, column)
        if key is None:
            lines.append(words["attested_other"][column] % (len(members), told))
        else:
            lines.append(words["attested_step"][column] % (key, len(members), told))
    return lines


def _told(members: Sequence[Interval], words: Dict[str, Tuple[str, str]], column: int) -> str:
    lows, highs = [m.after for m in members], [m.before for m in members]
    low = None if None in lows else min((b for b in lows if b is not None), key=lambda b: b.at)
    high = None if None in highs else max((b for b in highs if b is not None), key=lambda b: b.at)
    by = ", ".join(sorted({name for bound in (low, high) if bound is not None for name in bound.by}))
    if low is not None and high is not None:
        return words["attested"][column] % (format_bound(low.at), format_bound(high.at), by)
    if low is not None:
        return words["attested_after"][column] % (format_bound(low.at), by)
    if high is not None:
        return words["attested_before"][column] % (format_bound(high.at), by)
    return words["claimed"][column]
