"""What must hold between the parts of a bundle's evidence: one function a rule, each giving discrepancies."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from archive_service.domain import (
    canonical,
    completeness,
    manifest,
    merkle,
    permissions,
    statement,
    verdict,
    working_time,
)
from archive_service.domain.checkpoint import CheckpointError, parse_checkpoint
from archive_service.domain.discrepancy import REDACTION, Discrepancy
from archive_service.domain.dossier import SEALED, Dossier, IllegalEvent, Run
from archive_service.domain.event import FIRST_PREV, SALT_BYTES, Event, commitment, commitments_in
from archive_service.domain.note import NoteError, VerifierKey, format_vkey, parse_note, signed_by
from archive_service.domain.sop import Sop
from archive_service.verifier import ed25519
from archive_service.verifier.evidence import Evidence

Found = List[Discrepancy]


def _place(event: Event) -> str:
    return f"{event.stream} #{event.seq}"


def check_chains(evidence: Evidence, dossier_id: str) -> Found:
    """Each stream is one unbroken chain from its beginning; ids are unique; time never goes backwards; one origin."""
    found: Found = []
    chains: List[Tuple[str, str, List[Event]]] = [(f"dossier:{dossier_id}", manifest.EVENTS, evidence.events)]
    for person, chain in sorted(evidence.persons.items()):
        chains.append((f"person:{person}", f"{manifest.PERSONS_FOLDER}{person}.jsonl", chain))
    for stream, path, events in chains:
        if not events:
            found.append(Discrepancy("stream_empty", path, "the stream holds no event"))
        prev, at = FIRST_PREV, ""
        for number, event in enumerate(events):
            place = f"{path} line {number + 1}"
            if event.stream != stream:
                found.append(Discrepancy("wrong_stream", place, f"the event is of {event.stream}"))
            if event.seq != number:
                found.append(Discrepancy("seq_differs", place, f"seq is {event.seq}, {number} was due"))
            if event.prev != prev:
                found.append(Discrepancy("chain_broken", place, "prev is not the hash of the event before"))
            if event.at < at:
                found.append(Discrepancy("time_backwards", place, "the event is older than the one before it"))
            prev, at = event.leaf_hash, event.at
    everything = evidence.all_events()
    seen: Set[str] = set()
    for event in everything:
        if event.id in seen:
            found.append(Discrepancy("id_twice", _place(event), "an event id is used twice"))
        seen.add(event.id)
    for event in everything:
        if evidence.events and event.origin != evidence.events[0].origin:
            found.append(Discrepancy("origin_differs", _place(event), f"the event is of the log {event.origin}"))
    return found


def check_closing(evidence: Evidence) -> Found:
    """The seal is the last event and counts all of them; its statement is the one in the bundle."""
    last = evidence.events[-1] if evidence.events else None
    if last is None or last.type != "dossier.sealed":
        return [
            Discrepancy("not_sealed", manifest.EVENTS, "the last event is no seal: events may be missing at the end")
        ]
    found: Found = []
    p = last.payload
    if p["count"] != len(evidence.events) or p["head"] != last.prev:
        found.append(Discrepancy("closing_count", _place(last), f"the seal counts {p['count']} events"))
    if (
        sha256(evidence.statement).hexdigest() != p["statement_digest"]
        or len(evidence.statement) != p["statement_size"]
    ):
        found.append(
            Discrepancy("statement_digest", manifest.STATEMENT, "the statement is not the one that was sealed")
        )
    return found


def check_checkpoint(evidence: Evidence, pinned: Optional[VerifierKey]) -> Found:
    """The checkpoint is signed by the pinned key (or, unconfirmed, by the one that the bundle names), for this log and size."""
    key = pinned or evidence.log_key
    if key is None:
        return [Discrepancy("no_key", manifest.KEYS, "there is no key to verify the checkpoint with")]
    try:
        note = parse_note(evidence.checkpoint)
        checkpoint = parse_checkpoint(note.text)
        is_signed = signed_by(note, key, ed25519.verify)
    except (NoteError, CheckpointError) as exc:
        return [Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, str(exc))]
    found: Found = []
    if not is_signed:
        found.append(Discrepancy("checkpoint_unsigned", manifest.CHECKPOINT, f"there is no signature by {key.name}"))
    if len(note.signatures) != 1:
        found.append(
            Discrepancy(
                "checkpoint_invalid", manifest.CHECKPOINT, "it carries signatures that nothing here vouches for"
            )
        )
    origin = evidence.events[0].origin if evidence.events else ""
    if checkpoint.origin != origin or key.name != origin:
        found.append(
            Discrepancy("origin_differs", manifest.CHECKPOINT, f"the checkpoint is of the log {checkpoint.origin}")
        )
    if checkpoint.size != evidence.tree_size:
        found.append(
            Discrepancy("tree_size_differs", manifest.PROOFS, "the proofs are for another size than the checkpoint's")
        )
    return found


def check_membership(evidence: Evidence) -> Found:
    """Every event is a leaf of the signed tree, once, in the order of its chain; nothing else is claimed to be."""
    found: Found = []
    try:
        root = parse_checkpoint(parse_note(evidence.checkpoint).text).root
    except (NoteError, CheckpointError) as exc:
        return [Discrepancy("checkpoint_invalid", manifest.CHECKPOINT, str(exc))]
    events = evidence.all_events()
    last: Dict[str, int] = {}
    for event in events:
        leaf = evidence.leaves.get(event.leaf_hash)
        if leaf is None:
            found.append(Discrepancy("proof_missing", _place(event), "there is no proof that this event is in the log"))
            continue
        try:
            merkle.require_inclusion(leaf.index, evidence.tree_size, bytes.fromhex(event.leaf_hash), leaf.path, root)
        except merkle.ProofError as exc:
            found.append(Discrepancy("not_in_log", _place(event), str(exc)))
        if leaf.index <= last.get(event.stream, -1):
            found.append(Discrepancy("leaf_order", _place(event), "the log's order disagrees with the chain"))
        last[event.stream] = leaf.index
    known = {event.leaf_hash for event in events}
    for leaf_hash in sorted(evidence.leaves.keys() - known):
        found.append(Discrepancy("proof_extra", manifest.PROOFS, f"{leaf_hash} belongs to no event in the bundle"))
    if len({event.leaf_hash for event in events}) != len(events):
        found.append(Discrepancy("event_twice", manifest.REGISTRATIONS, "an event is in the bundle twice"))
    return found


def check_registrations(evidence: Evidence) -> Found:
    """SOP, calendar, both keys and the work unit were registered by events, exactly these, and are what the dossier pins."""
    if not evidence.events or evidence.events[0].type != "dossier.opened":
        return [Discrepancy("not_opened_once", manifest.EVENTS, "the first event does not open the dossier")]
    found: Found = []
    opened = evidence.events[0].payload
    wanted = {("sop", opened["sop"]), ("calendar", opened["calendar"])}
    registered = {
        (e.payload["definition_kind"], e.payload["digest"])
        for e in evidence.registrations
        if e.type == "definition.registered"
    }
    keys = {(e.payload["purpose"], e.payload["vkey"]) for e in evidence.registrations if e.type == "key.registered"}
    units = [e.payload["work_unit"] for e in evidence.registrations if e.type == "work_unit.created"]
    if registered != wanted:
        found.append(
            Discrepancy(
                "definition_unregistered", manifest.REGISTRATIONS, "the pinned definitions are not the registered ones"
            )
        )
    if evidence.log_key is not None and keys != {("log", evidence.keys[0]), ("receipt", evidence.keys[1])}:
        found.append(
            Discrepancy("key_unregistered", manifest.REGISTRATIONS, "keys.txt names other keys than were registered")
        )
    if units != [opened["work_unit"]]:
        found.append(
            Discrepancy("unit_unregistered", manifest.REGISTRATIONS, "the dossier's work unit was not registered")
        )
    if len(evidence.registrations) != 5:
        found.append(
            Discrepancy(
                "registration_extra", manifest.REGISTRATIONS, "there are other events than the five that are due"
            )
        )
    leaves = [evidence.leaves[e.leaf_hash].index for e in evidence.registrations if e.leaf_hash in evidence.leaves]
    if leaves != sorted(leaves):
        found.append(Discrepancy("registration_order", manifest.REGISTRATIONS, "the events are not in the log's order"))
    opened_leaf = evidence.leaves.get(evidence.events[0].leaf_hash)
    if opened_leaf is not None and any(index > opened_leaf.index for index in leaves):
        found.append(
            Discrepancy(
                "registered_late", manifest.REGISTRATIONS, "something was registered after the dossier was opened"
            )
        )
    if evidence.definitions.keys() != {opened["sop"], opened["calendar"]}:
        found.append(
            Discrepancy(
                "definition_missing", manifest.DEFINITIONS_FOLDER, "there are other definitions than the pinned ones"
            )
        )
    for digest, data in sorted(evidence.definitions.items()):
        if sha256(data).hexdigest() != digest:
            found.append(
                Discrepancy(
                    "definition_damaged",
                    f"{manifest.DEFINITIONS_FOLDER}{digest}.json",
                    "the bytes do not hash to the name",
                )
            )
    return found


def check_pinned(evidence: Evidence, pinned: Optional[VerifierKey]) -> Found:
    """The pinned key is the log key that was registered."""
    if pinned is None or evidence.log_key is None:
        return []
    if format_vkey(pinned) != evidence.keys[0]:
        return [Discrepancy("other_key", manifest.KEYS, "the bundle names another log key than yours")]
    return []


def tell_dossier(sop: Sop, events: Sequence[Event]) -> Tuple[Dossier, Found]:
    """The dossier that the events tell, up to the first that is no legal move."""
    dossier = Dossier(sop)
    for event in events:
        try:
            dossier.apply(event)
        except IllegalEvent as exc:
            return dossier, [
                Discrepancy("illegal_move", _place(event), f"{exc.code}: {exc}", params={"move": exc.code})
            ]
    if dossier.status != SEALED:
        return dossier, [Discrepancy("not_sealed", manifest.EVENTS, "the events do not end with the seal")]
    return dossier, []


def check_authority(evidence: Evidence, utc_offset_minutes: int) -> Found:
    """Every act was done by a person under an assignment in force then, and every rule's consequence by the service."""
    found: Found = []
    newest: Dict[str, int] = {}
    for event in evidence.events:
        place = _place(event)
        if event.actor["kind"] == "service":
            if event.type not in permissions.SERVICE_EVENTS or event.actor["name"] != "rules":
                found.append(Discrepancy("service_acted", place, f"{event.type} takes a person"))
            continue
        action = permissions.ACTION_OF_EVENT.get(event.type)
        if action is None:
            found.append(Discrepancy("person_acted", place, f"{event.type} follows from rules, not from a person"))
            continue
        if event.on_behalf_of is not None and event.type != "document.received":
            found.append(Discrepancy("on_behalf_of", place, "nobody decides on behalf of another"))
        if not permissions.is_allowed(event.actor["role"], action):
            found.append(Discrepancy("role_forbidden", place, f"the role {event.actor['role']} may not do {action}"))
        found.extend(_check_assignment(evidence, event, newest, utc_offset_minutes))
    for person in sorted(evidence.persons.keys() - newest.keys()):
        found.append(
            Discrepancy(
                "person_extra", f"{manifest.PERSONS_FOLDER}{person}.jsonl", "this person did nothing in the dossier"
            )
        )
    for person, position in sorted(newest.items()):
        chain = evidence.persons.get(person, [])
        if len(chain) > position + 1:
            place = f"{manifest.PERSONS_FOLDER}{person}.jsonl"
            found.append(
                Discrepancy(
                    "person_stream_extra", place, "there are events after the newest head that the dossier names"
                )
            )
    return found


def _check_assignment(evidence: Evidence, event: Event, newest: Dict[str, int], utc_offset_minutes: int) -> Found:
    found: Found = []
    place, actor = _place(event), event.actor
    chain = evidence.persons.get(str(event.person), [])
    position = next((i for i, e in enumerate(chain) if e.leaf_hash == actor["head"]), None)
    if position is None:
        return [Discrepancy("head_unknown", place, "the head that the actor names is not in the person's stream")]
    if position < newest.get(str(event.person), 0):
        found.append(Discrepancy("head_backwards", place, "the actor names an older head than before"))
    newest[str(event.person)] = max(position, newest.get(str(event.person), 0))
    if chain[position].at > event.at:
        found.append(Discrepancy("head_from_future", place, "the head that the actor names is newer than the act"))
    if position + 1 < len(chain) and chain[position + 1].at < event.at:
        found.append(
            Discrepancy("head_stale", place, "the actor names an older head than the person's stream had then")
        )
    if chain[0].type != "person.registered" or chain[0].payload.get("person") != event.person:
        found.append(
            Discrepancy("person_unregistered", place, "the person's stream does not begin with the registration")
        )
    known = chain[: position + 1]
    made = next((e for e in known if e.leaf_hash == actor["assignment"] and e.type == "assignment.made"), None)
    if made is None:
        return [
            *found,
            Discrepancy(
                "assignment_unknown", place, "the assignment that the actor names is not in the person's stream"
            ),
        ]
    p = made.payload
    if (p["role"], p["work_unit"]) != (actor["role"], actor["work_unit"]):
        found.append(Discrepancy("assignment_differs", place, "the assignment gives another role or unit"))
    day = verdict.local_date(event.at, utc_offset_minutes)
    is_ended = any(e.type == "assignment.ended" and e.payload["assignment"] == p["assignment"] for e in known)
    if is_ended or day < p["from_on"] or (p["to_on"] is not None and day > p["to_on"]):
        found.append(Discrepancy("assignment_not_in_force", place, f"the assignment did not hold on {day}"))
    return found


def check_duties(sop: Sop, events: Sequence[Event]) -> Found:
    """Duties are separated by person, reckoned from the events alone: who performed what, over all iterations."""
    persons: Dict[str, Dict[str, str]] = {}
    for event in events:
        if event.type in ("document.received", "step.submitted", "decision.made", "dossier.sealed") and event.person:
            persons.setdefault(event.payload["step"], {}).setdefault(event.person, _place(event))
    found: Found = []
    for step in sop.steps:
        for other in step.separate_from:
            for person in sorted(persons.get(step.key, {}).keys() & persons.get(other, {}).keys()):
                place = persons[step.key][person]
                found.append(
                    Discrepancy("duty_conflict", place, f"one person performed step {other} and step {step.key}")
                )
    return found


def check_times(dossier: Dossier, calendar: working_time.Calendar) -> Found:
    """Every time verdict follows from start, finish, norm and calendar."""
    found: Found = []
    for run in dossier.runs:
        if run.judged is None or run.finished_at is None:
            continue
        expected = verdict.judge_time(
            dossier.sop, run.step, calendar, dossier.calendar_digest, run.started_at, run.finished_at
        )
        if run.judged["time"] != expected:
            found.append(
                Discrepancy("time_verdict_differs", _of(run), f"computed again: {expected['used_seconds']} s used")
            )
    return found


def check_completeness(dossier: Dossier) -> Found:
    """Every completeness verdict follows from what stood when the iteration finished; every finished iteration has one."""
    found: Found = []
    for run in dossier.runs:
        if run.judged is None:
            if run.outcome not in (None, "archived"):
                found.append(Discrepancy("verdict_missing", _of(run), "the finished iteration was not judged"))
            continue
        damaged = run.judged["completeness"]["damaged"]
        if run.judged["completeness"] != completeness.judge(run.requirements, damaged):
            found.append(Discrepancy("completeness_verdict_differs", _of(run), "the requirements say otherwise"))
        if not set(damaged) <= set(completeness.digests_of(run.requirements)):
            found.append(Discrepancy("completeness_verdict_differs", _of(run), "damage is claimed of other documents"))
    return found


def _of(run: Run) -> str:
    return f"step {run.step} iteration {run.iteration}"


def check_deviations(dossier: Dossier, events: Sequence[Event], calendar: working_time.Calendar) -> Found:
    """Every recorded deviation follows from the evidence, and every one that follows is recorded."""
    found: Found = []
    due = _due_deviations(dossier, events, calendar)
    recorded = {d.key for d in dossier.deviations}
    for key in sorted(due.keys() - recorded, key=str):
        found.append(
            Discrepancy(
                "deviation_missing",
                f"{key[0]} step {key[1]} iteration {key[2]}",
                "it follows from the evidence and is not recorded",
            )
        )
    hashes = {e.leaf_hash for e in events}
    for d in dossier.deviations:
        place = f"{d.code} step {d.step} iteration {d.iteration}"
        if d.key not in due and not _is_early_lateness(dossier, d.code, d.step, d.iteration, d.at, calendar):
            found.append(Discrepancy("deviation_unfounded", place, "nothing in the evidence shows it"))
        if not d.evidence or not set(d.evidence) <= hashes:
            found.append(Discrepancy("deviation_evidence", place, "it names events that are not there"))
        expected = due.get(d.key)
        if expected is not None and d.role not in (expected, None):
            found.append(Discrepancy("deviation_role", place, f"the role {d.role} does not answer for it"))
    return found


Key = Tuple[str, Optional[str], Optional[int], Optional[str]]


def _due_deviations(dossier: Dossier, events: Sequence[Event], calendar: working_time.Calendar) -> Dict[Key, str]:
    due: Dict[Key, str] = {}
    responsible = {e.leaf_hash: e.payload["responsible"] for e in events if e.type == "step.started"}
    for run in dossier.runs:
        if responsible.get(run.start_hash) is None:
            due[(statement.NO_PERFORMER, run.step, run.iteration, None)] = run.role
        if run.finished_at is None or (run.judged is None and run.outcome != "archived"):
            continue
        damaged: Sequence[str] = () if run.judged is None else run.judged["completeness"]["damaged"]
        judged = statement.judgement(dossier, run, calendar, run.requirements, damaged, run.finished_at)
        for d in statement.deviations_of_judgement(run, run.requirements, judged, ""):
            due[d.key] = run.role
    failed = {digest for e in events if e.type == "fixity.checked" for digest in e.payload["failed"]}
    for v in dossier.versions:
        if v.digest in failed and v.withdrawn_at is None:
            role = dossier.sop.step(v.step).performer
            due[(statement.DOCUMENT_DAMAGED, v.step, v.iteration, v.digest)] = role
    others = [d for d in dossier.deviations if d.code != statement.SEALED_WITH_OPEN]
    if any(d.explained_at is None for d in others):
        archive_step = dossier.sop.step(dossier.sop.order[-1])
        due[(statement.SEALED_WITH_OPEN, None, None, None)] = archive_step.performer
    return due


def _is_early_lateness(
    dossier: Dossier,
    code: str,
    step: Optional[str],
    iteration: Optional[int],
    at: str,
    calendar: working_time.Calendar,
) -> bool:
    """Whether a norm had passed when the sweep said so, in an iteration that was never judged because it was sent back."""
    run = next((r for r in dossier.runs if (r.step, r.iteration) == (step, iteration)), None)
    if code != statement.NORM_PASSED or run is None:
        return False
    return statement.overdue(dossier, run, calendar, min(at, run.finished_at or at))


def check_statement(
    dossier: Dossier, evidence: Evidence, calendar: working_time.Calendar, definitions: Mapping[str, Dict[str, Any]]
) -> Found:
    """The completeness statement, built again from the events, has the same bytes."""
    last = evidence.events[-1]
    closing = statement.Closing(last.payload["step"], last.at, str(last.person))
    built = statement.build_statement(dossier, calendar, dict(definitions), closing, last.origin)
    if canonical.encode(built) != evidence.statement:
        return [Discrepancy("statement_differs", manifest.STATEMENT, "built again from the events it reads otherwise")]
    return []


def check_openings(evidence: Evidence) -> Found:
    """Every opening opens a commitment of an event in the bundle; commitments without one were redacted."""
    found: Found = []
    promised = {
        (e.leaf_hash, field): value for e in evidence.all_events() for field, value in commitments_in(e.payload)
    }
    for key, (value, salt) in sorted(evidence.openings.items()):
        place = f"{manifest.OPENINGS} {key[0][:16]}… {key[1]}"
        if key not in promised:
            found.append(Discrepancy("opening_extra", place, "it opens no commitment in the bundle"))
        elif len(salt) != SALT_BYTES or commitment(key[1], value, salt) != promised[key]:
            found.append(Discrepancy("opening_differs", place, "value and salt do not open the commitment"))
    for key in sorted(promised.keys() - evidence.openings.keys()):
        place = f"{manifest.OPENINGS} {key[0][:16]}… {key[1]}"
        found.append(Discrepancy("redacted", place, "the value was taken out", severity=REDACTION))
    return found


def check_documents(dossier: Dossier, sizes: Mapping[str, int], digests: Mapping[str, str]) -> Found:
    """Each received version is there with its size and digest; ``sizes`` and ``digests`` are of the bundle's files by path."""
    found: Found = []
    names = manifest.document_names(dossier)
    for v in dossier.versions:
        path = names[v.id]
        if path not in sizes:
            found.append(Discrepancy("document_missing", path, "a received version is not in the bundle"))
        elif (sizes[path], digests.get(path)) != (v.size, v.digest):
            found.append(Discrepancy("document_damaged", path, "the bytes are not the ones that were received"))
    return found
