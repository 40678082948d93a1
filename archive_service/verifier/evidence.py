"""A bundle's evidence, parsed: events by stream, definitions, openings, proofs, checkpoint, keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from archive_service.domain import canonical, manifest
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import Event, EventError, parse_event
from archive_service.domain.note import VerifierKey, parse_vkey
from archive_service.verifier.container import Container, split_lines

_SIZE = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True)
class Leaf:
    """Where an event stands in the log's tree, and the proof of it."""

    index: int
    path: Tuple[bytes, ...]


@dataclass(frozen=True)
class Attested:
    """A checkpoint that others vouched for, as bytes: note, proof that the bundle's checkpoint continues it, time-stamp responses."""

    note: bytes
    consistency: Tuple[bytes, ...]
    tokens: Tuple[bytes, ...]


@dataclass
class Evidence:
    """Everything below ``data/evidence``; parts that could not be read stay empty and are discrepancies."""

    events: List[Event] = field(default_factory=list)
    persons: Dict[str, List[Event]] = field(default_factory=dict)
    registrations: List[Event] = field(default_factory=list)
    definitions: Dict[str, bytes] = field(default_factory=dict)
    openings: Dict[Tuple[str, str], Tuple[str, bytes]] = field(default_factory=dict)
    leaves: Dict[str, Leaf] = field(default_factory=dict)
    tree_size: int = 0
    checkpoint: bytes = b""
    statement: bytes = b""
    attested: Dict[int, Attested] = field(default_factory=dict)
    log_key: Optional[VerifierKey] = None
    log_keys: Tuple[VerifierKey, ...] = ()
    keys: Tuple[str, ...] = ()

    def all_events(self) -> List[Event]:
        """Every event in the bundle."""
        return [*self.events, *(e for chain in self.persons.values() for e in chain), *self.registrations]


def _events(container: Container, path: str, found: List[Discrepancy]) -> List[Event]:
    events: List[Event] = []
    try:
        lines = split_lines(container.read(path))
    except ValueError as exc:
        found.append(Discrepancy("evidence_unreadable", path, str(exc)))
        return events
    for number, line in enumerate(lines, 1):
        try:
            events.append(parse_event(line))
        except EventError as exc:
            place = f"{path} line {number}"
            found.append(Discrepancy("event_invalid", place, f"{exc.code}: {exc}", params={"rule": exc.code}))
    return events


def _count_lines(container: Container, path: str) -> int:
    return sum(chunk.count(b"\n") for chunk in container.chunks(path))


def _read_statement(evidence: Evidence, data: bytes, found: List[Discrepancy]) -> None:
    try:
        manifest.require_sparse(data)
    except ValueError as exc:
        found.append(Discrepancy("evidence_unreadable", manifest.STATEMENT, str(exc)))
        return
    evidence.statement = data


def _json(container: Container, path: str, found: List[Discrepancy]) -> Any:
    try:
        data = container.read(path)
        manifest.require_sparse(data)
        return canonical.decode(data)
    except ValueError as exc:
        found.append(Discrepancy("evidence_unreadable", path, str(exc)))
        return None


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and all(c in "0123456789abcdef" for c in value)


def _read_openings(value: Any, found: List[Discrepancy]) -> Dict[Tuple[str, str], Tuple[str, bytes]]:
    openings: Dict[Tuple[str, str], Tuple[str, bytes]] = {}
    keys: List[Tuple[str, str]] = []
    for item in value if isinstance(value, list) else []:
        is_right = (
            isinstance(item, dict)
            and item.keys() == {"event", "field", "value", "salt"}
            and all(isinstance(part, str) for part in item.values())
            and _is_hex(item["event"], 64)
            and _is_hex(item["salt"], 64)
        )
        if not is_right:
            found.append(
                Discrepancy("opening_invalid", manifest.OPENINGS, "an opening has event, field, value and salt")
            )
            break
        keys.append((item["event"], item["field"]))
        openings[keys[-1]] = (item["value"], bytes.fromhex(item["salt"]))
    if not isinstance(value, list) or keys != sorted(set(keys)):
        found.append(Discrepancy("opening_invalid", manifest.OPENINGS, "openings are a list in order, none twice"))
    return openings


def _read_proofs(value: Any, found: List[Discrepancy]) -> Tuple[int, Dict[str, Leaf]]:
    leaves: Dict[str, Leaf] = {}
    is_right = isinstance(value, dict) and value.keys() == {"size", "leaves"} and isinstance(value["leaves"], list)
    if not is_right or isinstance(value["size"], bool) or not isinstance(value["size"], int):
        found.append(Discrepancy("proof_invalid", manifest.PROOFS, "proofs have a size and leaves"))
        return 0, leaves
    last = -1
    for item in value["leaves"]:
        is_leaf = (
            isinstance(item, dict)
            and item.keys() == {"event", "index", "path"}
            and _is_hex(item["event"], 64)
            and isinstance(item["index"], int)
            and not isinstance(item["index"], bool)
            and item["index"] > last
            and isinstance(item["path"], list)
            and len(item["path"]) <= 64
            and all(_is_hex(h, 64) for h in item["path"])
            and item["event"] not in leaves
        )
        if not is_leaf:
            found.append(
                Discrepancy("proof_invalid", manifest.PROOFS, "a leaf has event, index and path, in order, none twice")
            )
            break
        last = item["index"]
        leaves[item["event"]] = Leaf(item["index"], tuple(bytes.fromhex(h) for h in item["path"]))
    return value["size"], leaves


def _read_attested(container: Container, value: Any, found: List[Discrepancy]) -> Dict[int, Attested]:
    attested: Dict[int, Attested] = {}
    if not isinstance(value, dict) or len(value) > manifest.ATTESTED_LIMIT:
        text = f"an object of up to {manifest.ATTESTED_LIMIT} proofs"
        found.append(Discrepancy("consistency_invalid", manifest.CONSISTENCY, text))
        return attested
    for name, path in sorted(value.items(), key=lambda item: (len(item[0]), item[0])):
        is_right = (
            _SIZE.fullmatch(name) is not None
            and isinstance(path, list)
            and len(path) <= 64
            and all(_is_hex(h, 64) for h in path)
        )
        if not is_right:
            found.append(Discrepancy("consistency_invalid", manifest.CONSISTENCY, "a size has a list of hashes"))
            break
        size = int(name)
        tokens: List[bytes] = []
        try:
            note = container.read(manifest.attested_name(size))
            while (
                len(tokens) < manifest.TOKENS_LIMIT and manifest.token_name(size, len(tokens) + 1) in container.entries
            ):
                tokens.append(container.read(manifest.token_name(size, len(tokens) + 1)))
        except ValueError as exc:
            found.append(Discrepancy("evidence_unreadable", manifest.attested_name(size), str(exc)))
            break
        attested[size] = Attested(note, tuple(bytes.fromhex(h) for h in path), tuple(tokens))
    return attested


def read_evidence(container: Container) -> Tuple[Evidence, List[Discrepancy]]:
    """The evidence, and what of it could not be read."""
    found: List[Discrepancy] = []
    evidence = Evidence()
    try:
        container.require_bounded(manifest.EVIDENCE_FOLDER)
    except ValueError as exc:
        return evidence, [Discrepancy("too_much", manifest.EVIDENCE_FOLDER, str(exc))]
    # counted before any is parsed: what is over the limit costs nothing
    streams = [p for p in container.order if p.startswith(manifest.EVIDENCE_FOLDER) and p.endswith(".jsonl")]
    if sum(_count_lines(container, path) for path in streams) > manifest.EVENTS_LIMIT:
        found.append(Discrepancy("too_much", manifest.EVIDENCE_FOLDER, f"more than {manifest.EVENTS_LIMIT} events"))
        return evidence, found
    evidence.events = _events(container, manifest.EVENTS, found)
    evidence.registrations = _events(container, manifest.REGISTRATIONS, found)
    for path in container.order:
        if path.startswith(manifest.PERSONS_FOLDER) and path.endswith(".jsonl"):
            person = path[len(manifest.PERSONS_FOLDER) : -len(".jsonl")]
            evidence.persons[person] = _events(container, path, found)
        elif path.startswith(manifest.DEFINITIONS_FOLDER) and path.endswith(".json"):
            try:
                data = container.read(path)
                manifest.require_sparse(data)
                evidence.definitions[path[len(manifest.DEFINITIONS_FOLDER) : -len(".json")]] = data
            except ValueError as exc:
                found.append(Discrepancy("evidence_unreadable", path, str(exc)))
    evidence.openings = _read_openings(_json(container, manifest.OPENINGS, found), found)
    evidence.tree_size, evidence.leaves = _read_proofs(_json(container, manifest.PROOFS, found), found)
    evidence.attested = _read_attested(container, _json(container, manifest.CONSISTENCY, found), found)
    for path in (manifest.CHECKPOINT, manifest.STATEMENT, manifest.KEYS):
        try:
            data = container.read(path)
        except ValueError as exc:
            found.append(Discrepancy("evidence_unreadable", path, str(exc)))
            continue
        if path == manifest.CHECKPOINT:
            evidence.checkpoint = data
        elif path == manifest.STATEMENT:
            _read_statement(evidence, data, found)
        else:
            _read_keys(evidence, data, found)
    types = [event.type for event in evidence.all_events()]
    excess = manifest.find_excess(types, [len(chain) for chain in evidence.persons.values()])
    if excess is not None:
        found.append(Discrepancy("too_much", manifest.EVIDENCE_FOLDER, excess))
    return evidence, found


def _read_keys(evidence: Evidence, data: bytes, found: List[Discrepancy]) -> None:
    try:
        keys: Sequence[str] = [line.decode("utf-8") for line in split_lines(data)]
        parsed = [parse_vkey(key) for key in keys]
    except ValueError as exc:
        found.append(Discrepancy("keys_invalid", manifest.KEYS, str(exc)))
        return
    if not 2 <= len(parsed) <= 1 + manifest.LOG_KEYS_LIMIT or len(set(keys)) != len(keys):
        text = "there are the log's key, the receipts' key, and those that the log had before"
        found.append(Discrepancy("keys_invalid", manifest.KEYS, text))
        return
    log_keys = (parsed[0], *parsed[2:])
    if any(key.name != log_keys[0].name for key in log_keys):
        found.append(Discrepancy("keys_invalid", manifest.KEYS, "the keys of one log have one name"))
        return
    evidence.keys, evidence.log_key, evidence.log_keys = tuple(keys), log_keys[0], log_keys
