"""What binds the evidence together: chains, the seal, the signed tree, the definitions and keys that it rests on."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from archive_service.domain import calendar_definition, canonical, manifest, merkle, retention, working_time
from archive_service.domain.checkpoint import CheckpointError, parse_checkpoint
from archive_service.domain.cosignature import has_stamp, without_keys
from archive_service.domain.deviation import SOP_CHANGED
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import FIRST_PREV, Event
from archive_service.domain.note import NoteError, VerifierKey, format_vkey, parse_note, signed_by
from archive_service.domain.sop import Sop, parse_sop
from archive_service.errors import InvalidDefinition
from archive_service.verifier import ed25519
from archive_service.verifier.evidence import Evidence

Found = List[Discrepancy]


def place_of(event: Event) -> str:
    """Where an event stands, for people: its stream and number."""
    return f"{event.stream} #{event.seq}"


def check_chains(evidence: Evidence, dossier_id: str) -> Found:
    """Each stream is one unbroken chain from its beginning; ids are unique; time never goes backwards; one origin."""
    found: Found = []
    chains: List[Tuple[str, str, List[Event]]] = [(f"dossier:{dossier_id}", manifest.EVENTS, evidence.events)]
    for person, chain in sorted(evidence.persons.items()):
        chains.append((f"person:{person}", f"{manifest.PERSONS_FOLDER}{person}.jsonl", chain))
    for stream, path, events in chains:
        if not events:
            found.append(Discrepancy("stream_empty", path))
        prev, at = FIRST_PREV, ""
        for number, event in enumerate(events):
            place = f"{path} line {number + 1}"
            if event.stream != stream:
                found.append(Discrepancy("wrong_stream", place, event.stream))
            if event.seq != number:
                found.append(Discrepancy("seq_differs", place, f"{event.seq} ≠ {number}"))
            if event.prev != prev:
                found.append(Discrepancy("chain_broken", place))
            if event.at < at:
                found.append(Discrepancy("time_backwards", place, f"{event.at} < {at}"))
            prev, at = event.leaf_hash, event.at
    everything = evidence.all_events()
    ids: Set[str] = set()
    seats: Set[Tuple[str, int]] = set()
    for event in everything:
        place = place_of(event)
        if event.id in ids:
            found.append(Discrepancy("id_twice", place, event.id))
        if (event.stream, event.seq) in seats:
            found.append(Discrepancy("seq_twice", place))
        if event.type == "fixity.checked" and event.payload["dossier"] != dossier_id:
            found.append(Discrepancy("wrong_stream", place, event.payload["dossier"]))
        if event.claimed_at is not None and event.claimed_at > event.at:
            found.append(Discrepancy("claimed_in_future", place, f"{event.claimed_at} > {event.at}"))
        if evidence.events and event.origin != evidence.events[0].origin:
            found.append(Discrepancy("origin_differs", place, event.origin))
        ids.add(event.id)
        seats.add((event.stream, event.seq))
    return found


def check_closing(evidence: Evidence) -> Found:
    """The seal is the last event and counts all of them; its statement is the one in the bundle."""
    last = evidence.events[-1] if evidence.events else None
    if last is None or last.type != "dossier.sealed":
        return [Discrepancy("not_sealed", manifest.EVENTS)]
    found: Found = []
    p = last.payload
    if p["count"] != len(evidence.events) or p["head"] != last.prev:
        found.append(Discrepancy("closing_count", place_of(last), f"{p['count']} ≠ {len(evidence.events)}"))
    facts = (p["statement_digest"], p["statement_size"])
    if facts != (sha256(evidence.statement).hexdigest(), len(evidence.statement)):
        found.append(Discrepancy("statement_digest", manifest.STATEMENT))
    return found


def check_checkpoint(evidence: Evidence, pinned: Optional[VerifierKey]) -> Found:
    """The checkpoint is signed for this log and size: by the pinned key, or else, unconfirmed, by the bundle's own."""
    key = pinned or evidence.log_key
    if key is None:
        return [Discrepancy("no_key", manifest.KEYS)]
    found: Found = []
    log_keys = evidence.log_keys
    if log_keys and key not in log_keys:
        found.append(Discrepancy("other_key", manifest.KEYS, evidence.keys[0]))
    try:
        note = parse_note(evidence.checkpoint)
        checkpoint = parse_checkpoint(note.text)
        is_signed = signed_by(note, key, ed25519.verify)
        signers = [other for other in log_keys if signed_by(note, other, ed25519.verify)]
    except (NoteError, CheckpointError) as exc:
        return [*found, Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, str(exc))]
    if not is_signed and signers and key in log_keys:
        # the same log, before or after it changed its key: whoever verifies needs the other key, from where it is published
        found.append(Discrepancy("signed_by_other_key", manifest.CHECKPOINT, format_vkey(signers[0])))
    elif not is_signed:
        found.append(Discrepancy("checkpoint_unsigned", manifest.CHECKPOINT, key.name))
    # cosignatures may follow: whose they are is for a policy to say; anything else is by nobody who signs this log
    strays = [s for s in without_keys(note, [key, *log_keys]) if not has_stamp(s)]
    if strays:
        found.append(Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, f"a signature by {strays[0].name}"))
    origin = evidence.events[0].origin if evidence.events else ""
    if checkpoint.origin != origin or key.name != origin:
        found.append(Discrepancy("origin_differs", manifest.CHECKPOINT, checkpoint.origin))
    if checkpoint.size != evidence.tree_size:
        text = f"{evidence.tree_size} ≠ {checkpoint.size}"
        found.append(Discrepancy("tree_size_differs", manifest.PROOFS, text))
    return found


def check_membership(evidence: Evidence) -> Found:
    """Every event is a leaf of the signed tree, once, in the order of its stream; nothing else is claimed to be."""
    found: Found = []
    try:
        root = parse_checkpoint(parse_note(evidence.checkpoint).text).root
    except (NoteError, CheckpointError) as exc:
        return [Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, str(exc))]
    events = evidence.all_events()
    last: Dict[str, Tuple[int, int, str]] = {}
    for event in events:
        place, leaf = place_of(event), evidence.leaves.get(event.leaf_hash)
        if leaf is None:
            found.append(Discrepancy("proof_missing", place, event.leaf_hash))
            continue
        try:
            merkle.require_inclusion(leaf.index, evidence.tree_size, bytes.fromhex(event.leaf_hash), leaf.path, root)
        except merkle.ProofError as exc:
            found.append(Discrepancy("not_in_log", place, str(exc)))
        before = last.get(event.stream, (-1, -1, ""))
        if leaf.index <= before[0] or event.seq <= before[1] or event.at < before[2]:
            found.append(Discrepancy("leaf_order", place))
        last[event.stream] = (leaf.index, event.seq, event.at)
    known = {event.leaf_hash for event in events}
    found += [Discrepancy("proof_extra", manifest.PROOFS, h) for h in sorted(evidence.leaves.keys() - known)]
    if len(known) != len(events):
        found.append(Discrepancy("event_twice", manifest.EVIDENCE_FOLDER))
    return found


class Definitions(NamedTuple):
    """The definitions of a dossier, parsed: its SOP, and each calendar that it was judged by as its unit keeps it, by digest.

    ``retention`` is what the schedule that the seal names says of the SOP, None where it names none. ``plain`` names them as a
    statement does: kind, key, version, digest; in the order in which the dossier took them.
    """

    sop: Sop
    calendars: Dict[str, working_time.Calendar]
    plain: List[Dict[str, Any]]
    retention: Optional[Dict[str, Any]] = None

    @property
    def utc_offset_minutes(self) -> int:
        """The zone in which dates are reckoned: the first calendar's."""
        return next(iter(self.calendars.values())).utc_offset_minutes


def read_definitions(evidence: Evidence) -> Tuple[Optional[Definitions], Found]:
    """The definitions that the events pin, where the bundle holds exactly their bytes and they parse."""
    if not evidence.events or evidence.events[0].type != "dossier.opened":
        return None, [Discrepancy("not_opened_once", manifest.EVENTS)]
    opened = evidence.events[0].payload
    adopted = [e.payload["calendar"] for e in evidence.events if e.type == "calendar.adopted"]
    wanted = list(dict.fromkeys([opened["calendar"], *adopted]))
    schedule = _schedule_of(evidence)
    found: Found = []
    if evidence.definitions.keys() != {opened["sop"], *wanted, *([] if schedule is None else [schedule])}:
        found.append(Discrepancy("definition_missing", manifest.DEFINITIONS_FOLDER))
    for digest, data in sorted(evidence.definitions.items()):
        if sha256(data).hexdigest() != digest:
            found.append(Discrepancy("definition_damaged", _definition_path(digest)))
    if found:
        return None, found
    at = opened["sop"]
    calendars: Dict[str, working_time.Calendar] = {}
    try:
        sop = parse_sop(canonical.decode(evidence.definitions[at]))
        plain = [{"kind": "sop", "key": sop.key, "version": sop.version, "digest": at}]
        for at in wanted:
            calendar = calendar_definition.parse_calendar(canonical.decode(evidence.definitions[at]))
            calendars[at] = working_time.for_unit(calendar, opened["work_unit"])
            plain.append({"kind": "calendar", "key": calendar.key, "version": calendar.version, "digest": at})
        stated = None
        if schedule is not None:
            at = schedule
            parsed = retention.parse_schedule(canonical.decode(evidence.definitions[at]))
            stated = retention.stated(parsed, sop.key)
            if stated is None or parsed.is_example:
                return None, [Discrepancy("definition_invalid", _definition_path(at), f"{sop.key}: not covered")]
            plain.append({"kind": retention.KIND, "key": parsed.key, "version": parsed.version, "digest": at})
    except (canonical.CanonicalError, InvalidDefinition) as exc:
        return None, [Discrepancy("definition_invalid", _definition_path(at), str(exc))]
    return Definitions(sop, calendars, plain, stated), []


def _schedule_of(evidence: Evidence) -> Optional[str]:
    """The digest of the retention schedule that the seal names, or None."""
    last = evidence.events[-1]
    found: Optional[str] = last.payload["retention"] if last.type == "dossier.sealed" else None
    return found


def _definition_path(digest: str) -> str:
    return f"{manifest.DEFINITIONS_FOLDER}{digest}.json"


def check_registrations(evidence: Evidence, definitions: Definitions) -> Found:
    """What the dossier rests on was registered before it did: exactly its definitions, both keys and the work unit.

    Besides these there are the registrations that a deviation names as its evidence: of newer versions of its SOP.
    """
    found: Found = []
    opened = evidence.events[0]
    cited = {h for e in evidence.events if e.payload.get("code") == SOP_CHANGED for h in e.payload["evidence"]}
    registrations = [e for e in evidence.registrations if e.leaf_hash not in cited]
    wanted = {
        (each["kind"], each["key"], each["version"], each["digest"], len(evidence.definitions[each["digest"]]))
        for each in definitions.plain
    }
    registered = {
        (p["definition_kind"], p["key"], p["version"], p["digest"], p["size"])
        for p in (e.payload for e in registrations if e.type == "definition.registered")
    }
    keys = {(e.payload["purpose"], e.payload["vkey"]) for e in registrations if e.type == "key.registered"}
    retired = [e for e in registrations if e.type == "key.retired"]
    succeeding = {e.payload["successor"] for e in retired}
    units = [(e.payload["work_unit"], e.stream) for e in registrations if e.type == "work_unit.created"]
    unit = opened.payload["work_unit"]
    if registered != wanted:
        found.append(Discrepancy("definition_unregistered", manifest.REGISTRATIONS))
    purposes = ["log", "receipt", *("log" for _ in evidence.keys[2:])]
    if evidence.log_key is not None and keys != set(zip(purposes, evidence.keys)):
        found.append(Discrepancy("key_unregistered", manifest.REGISTRATIONS))
    if any(e.payload["successor"] not in evidence.keys for e in retired):
        found.append(Discrepancy("registration_extra", manifest.REGISTRATIONS, "key.retired"))
    if units != [(unit, f"unit:{unit}")]:
        found.append(Discrepancy("unit_unregistered", manifest.REGISTRATIONS))
    expected = len(wanted) + len(purposes) + 1 + len(retired)
    if len(registrations) != expected:
        found.append(Discrepancy("registration_extra", manifest.REGISTRATIONS, f"{len(registrations)} ≠ {expected}"))
    leaves = [evidence.leaves[e.leaf_hash].index for e in evidence.registrations if e.leaf_hash in evidence.leaves]
    if leaves != sorted(leaves):
        found.append(Discrepancy("registration_order", manifest.REGISTRATIONS))
    adopted = {e.payload["calendar"]: e for e in evidence.events if e.type == "calendar.adopted"}
    for event in registrations:
        if event.type == "key.retired" or event.payload.get("vkey") in succeeding:
            # a log changes its keys while dossiers run: the key before names the next one
            continue
        digest = event.payload.get("digest", "")
        # a schedule may be newer than the dossier: the seal rests on it
        rests = evidence.events[-1] if digest == _schedule_of(evidence) else adopted.get(digest, opened)
        leaf, before = evidence.leaves.get(event.leaf_hash), evidence.leaves.get(rests.leaf_hash)
        if leaf is not None and before is not None and leaf.index > before.index:
            found.append(Discrepancy("registered_late", manifest.REGISTRATIONS))
    return found
