"""A sealed dossier made in memory from domain functions alone: no database, no store, no service.

It plays SOP-SPMI-601 by the book and writes every event itself, so a ``Tamper`` makes it a forger with the real key:
whatever it changes in an event before it is written, all that comes after is consistent with.
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.bundling.plan import BundledDocument, Evidence, make_plan
from archive_service.bundling.writer import write_bundle
from archive_service.domain import canonical, completeness, delegation, deviation, merkle, retention, statement
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.definition import plain
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import FIRST_PREV, Event, build_event, commitment, person_actor, service_actor
from archive_service.domain.parts import documents_digest
from archive_service.domain.passkey import decision_challenge
from archive_service.domain.sop import Sop, parse_sop
from archive_service.domain.verdict import format_time
from archive_service.domain.working_time import Calendar
from archive_service.signing import SigningKey, named
from tests.authenticator import SoftAuthenticator
from tests.domain.story import DATA, make_id

ORIGIN = "archive.test/log"
LOG_KEY = named(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32), ORIGIN)
RECEIPT_KEY = named(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32), ORIGIN)
SETUP = service_actor("setup")
RULES = service_actor("rules")
STAFF = {
    "ratna": "satker_head",
    "hendra": "section_head",
    "sari": "sakip_team",
    "agus": "sakip_team",
    "bima": "planning_officer",
    "maya": "data_officer",
}
FIRST_DAY = "2026-01-02T08:00"

Fields = dict[str, Any]
Tamper = Callable[["Builder", Fields], None]
"""Changes the members of an event that is about to be written."""


@cache
def shipped(name: str) -> bytes:
    """The canonical bytes of a shipped definition."""
    return canonical.encode(plain(tomllib.loads((DATA / name).read_text(encoding="utf-8"))))


@cache
def read_sop(data: bytes) -> Sop:
    """The SOP in these bytes."""
    return parse_sop(canonical.decode(data))


@cache
def read_calendar(data: bytes) -> Calendar:
    """The calendar in these bytes."""
    return parse_calendar(canonical.decode(data))


def wib(text: str) -> str:
    """The event time of a WIB time such as ``2026-04-06T09:00``."""
    return format_time(datetime.fromisoformat(f"{text}+07:00").astimezone(UTC))


@dataclass
class Builder:
    """An archive's log and one dossier in it."""

    tamper: Tamper | None = None
    without: frozenset[str] = frozenset()
    sop_data: bytes = field(default_factory=lambda: shipped("sops/sop-spmi-601.toml"))
    calendar_data: bytes = field(default_factory=lambda: shipped("calendars/id-government.toml"))
    schedule_data: bytes | None = None
    log_key: SigningKey = LOG_KEY
    streams: dict[str, list[Event]] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    openings: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    passkeys: dict[str, tuple[SoftAuthenticator, str]] = field(default_factory=dict)
    sealed_statement: bytes = b""
    now: str = field(default_factory=lambda: wib(FIRST_DAY))
    last_id: int = 0

    def __post_init__(self) -> None:
        self.sop = read_sop(self.sop_data)
        self.calendar = read_calendar(self.calendar_data)
        self.dossier = Dossier(self.sop)
        self.id = make_id(7)
        self.unit = make_id(8)

    @property
    def definitions(self) -> list[bytes]:
        """What the dossier rests on: SOP, calendar, and the schedule that its seal names."""
        return [self.sop_data, self.calendar_data, *([] if self.schedule_data is None else [self.schedule_data])]

    # the log -------------------------------------------------------------------------------------------------------

    def make_id(self) -> str:
        """A new id."""
        self.last_id += 1
        return make_id(1000 + self.last_id)

    def append(
        self,
        stream: str,
        type: str,
        actor: Mapping[str, Any],
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
        claimed_at: str | None = None,
    ) -> Event:
        """Write a stream's next event, as the tamper wants it."""
        chain = self.streams.setdefault(stream, [])
        whole = deepcopy(dict(payload))
        secrets: list[tuple[str, str, bytes]] = []
        for name, value in (personal or {}).items():
            *path, last = name.split(".")
            part = whole
            for step in path:
                part = part[step]
            salt = self.next_salt(name)
            part[f"{last}_commitment"] = None if value is None else commitment(name, value, salt)
            if value is not None:
                secrets.append((name, value, salt))
        fields: Fields = {
            "origin": ORIGIN,
            "id": self.make_id(),
            "stream": stream,
            "seq": len(chain),
            "prev": chain[-1].leaf_hash if chain else FIRST_PREV,
            "type": type,
            "actor": deepcopy(dict(actor)),
            "at": self.now,
            "payload": whole,
            "claimed_at": claimed_at,
            "on_behalf_of": None,
        }
        if self.tamper is not None:
            self.tamper(self, fields)
        event = build_event(**fields)
        self.openings.update({(event.leaf_hash, name): (value, salt) for name, value, salt in secrets})
        chain.append(event)
        self.leaves.append(bytes.fromhex(event.leaf_hash))
        if len(self.leaves) % 7 == 0:
            self.leaves.append(sha256(f"another dossier's event {len(self.leaves)}".encode()).digest())
        return event

    def at(self, moment: str) -> None:
        """Set the clock to this WIB time."""
        self.now = wib(moment)

    # people --------------------------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """Keys, definitions, the unit, an administrator and the staff."""
        self.append("service", "key.registered", SETUP, {"purpose": "log", "vkey": self.log_key.vkey})
        self.append("service", "key.registered", SETUP, {"purpose": "receipt", "vkey": RECEIPT_KEY.vkey})
        self.register_definitions()
        payload = {"work_unit": self.unit, "code": "polman-babel", "name": "Polman Babel", "parent": None}
        self.append(f"unit:{self.unit}", "work_unit.created", SETUP, payload)
        self.register("admin", SETUP)
        self.assign("admin", "administrator", SETUP)
        for login, role in STAFF.items():
            self.register(login, self.actor("admin", "administrator"))
            self.assign(login, role, self.actor("admin", "administrator"))

    def register_definitions(self) -> None:
        """Both definitions, each by an event."""
        for data in (self.sop_data, self.calendar_data):
            self.register_definition(data)

    def register_definition(self, data: bytes) -> None:
        """A definition, by an event."""
        value = canonical.decode(data)
        payload = {
            "definition_kind": value["kind"],
            "key": value["key"],
            "version": value["version"],
            "digest": sha256(data).hexdigest(),
            "size": len(data),
            "previous": None,
            "reason_commitment": None,
        }
        self.append("service", "definition.registered", SETUP, payload)

    def register(self, login: str, by: Mapping[str, Any]) -> None:
        """A new person."""
        person = self.persons[login] = self.make_id()
        self.append(f"person:{person}", "person.registered", by, {"person": person}, {"name": login.title()})

    def assign(
        self,
        login: str,
        role: str,
        by: Mapping[str, Any],
        *,
        unit: str | None = None,
        from_on: str = "2026-01-01",
        to_on: str | None = None,
    ) -> str:
        """A role for a person; the assignment's id."""
        payload = {
            "assignment": self.make_id(),
            "role": role,
            "work_unit": unit or self.unit,
            "from_on": from_on,
            "to_on": to_on,
            "lead": login == "sari",
            "acting": None,
        }
        event = self.append(f"person:{self.persons[login]}", "assignment.made", by, payload)
        self.made[(login, role)] = event.leaf_hash
        return str(payload["assignment"])

    def end(self, login: str, assignment: str) -> None:
        """The end of an assignment."""
        by = self.actor("admin", "administrator")
        self.append(f"person:{self.persons[login]}", "assignment.ended", by, {"assignment": assignment})

    def propose(self, login: str, absent: str, by: Mapping[str, Any], **changes: Any) -> Event:
        """A proposal that a person acts for another until May; ``changes`` are other facts."""
        payload = {
            "delegation": self.make_id(),
            "mode": "plh",
            "absent": self.persons[absent],
            "assignment": self.made[(absent, STAFF[absent])],
            "role": STAFF[absent],
            "work_unit": self.unit,
            "from_on": "2026-04-06",
            "to_on": "2026-04-30",
            "sops": [],
            "letter_on": "2026-04-02",
            **changes,
        }
        stream = f"person:{self.persons[login]}"
        return self.append(stream, "delegation.proposed", by, payload, {"letter": "ST-12/PL/2026"})

    def confirm(self, login: str, proposal: Event, by: Mapping[str, Any]) -> Event:
        """The confirmation of a proposal."""
        answer = {"delegation": proposal.payload["delegation"], "proposal": proposal.leaf_hash}
        return self.append(f"person:{self.persons[login]}", "delegation.confirmed", by, answer)

    def act_for(self, login: str, proposal: Event, by: Mapping[str, Any], **changes: Any) -> Event:
        """The substitute's assignment, which the person acts under from now on; ``changes`` are other facts."""
        p = proposal.payload
        acting = {"delegation": proposal.leaf_hash, **{name: p[name] for name in ("mode", "absent", "sops")}}
        payload = {
            "assignment": self.make_id(),
            "lead": False,
            "acting": acting,
            **{name: p[name] for name in ("role", "work_unit", "from_on", "to_on")},
            **changes,
        }
        event = self.append(f"person:{self.persons[login]}", "assignment.made", by, payload)
        self.made[(login, p["role"])] = event.leaf_hash
        return event

    def represent(self, login: str, absent: str) -> None:
        """From now on the substitute does what the absent person would do, and every step of theirs is moved at its start."""
        actor, start = self.actor, self.start_due
        because = self.made[(login, STAFF[absent])]

        def acting(name: str, role: str | None = None) -> dict[str, Any]:
            return actor(login, STAFF[absent]) if name == absent and role is None else actor(name, role)

        def start_and_move() -> None:
            start()
            for key in self.sop.order:
                run = self.dossier.running(key)
                if run is not None and run.responsible == self.persons[absent]:
                    self.move(key, login, because)

        self.actor = acting  # type: ignore[method-assign, assignment]
        self.start_due = start_and_move  # type: ignore[method-assign]

    def move(self, step: str, login: str, because: str, is_back: bool = False) -> None:
        """A step goes to a substitute, or back."""
        run = self.dossier.running(step)
        assert run is not None
        facts = {"step": step, "iteration": run.iteration, "responsible": self.persons[login]}
        self.tell("step.moved", RULES, {**facts, "because": because, "is_back": is_back})

    def actor(self, login: str, role: str | None = None) -> dict[str, Any]:
        """The person acting now, in their role."""
        role = role or STAFF[login]
        person = self.persons[login]
        return person_actor(
            person=person,
            user=make_id(50),
            role=role,
            work_unit=self.unit,
            assignment=self.made[(login, role)],
            head=self.streams[f"person:{person}"][-1].leaf_hash,
        )

    def responsible(self, role: str) -> str | None:
        """Who answers for the steps of a role."""
        return next(
            (self.persons[login] for login, held in STAFF.items() if held == role and role not in self.without), None
        )

    # the dossier ---------------------------------------------------------------------------------------------------

    def tell(
        self,
        type: str,
        actor: Mapping[str, Any],
        payload: Mapping[str, Any],
        personal: Mapping[str, str | None] | None = None,
        claimed_at: str | None = None,
    ) -> Event:
        """Write an event of the dossier and take it in."""
        event = self.append(f"dossier:{self.id}", type, actor, payload, personal, claimed_at)
        self.dossier.apply(event)
        return event

    def open(self, login: str = "maya", received_at: str = "2026-04-06T09:00") -> None:
        """Open the dossier."""
        letter = {"dated_on": "2026-04-03", "received_at": wib(received_at), "reply_due_on": None}
        payload = {
            "dossier": self.id,
            "sop": sha256(self.sop_data).hexdigest(),
            "calendar": sha256(self.calendar_data).hexdigest(),
            "work_unit": self.unit,
            "year": 2026,
            "quarter": 1,
            "letter": letter,
            "answers": [],
        }
        personal = {
            "title": "Pengukuran triwulan I",
            "letter.number": "0412/B1/TU/2026",
            "letter.sender": "Sekretariat",
            "letter.agenda_number": "SM-178",
        }
        self.tell("dossier.opened", self.actor(login), payload, personal, wib(received_at))
        self.start_due()

    def start_due(self) -> None:
        """Start what became due."""
        for key in [key for key in self.sop.order if key in self.dossier.pending_starts]:
            last = self.dossier.last_run(key)
            role = self.sop.step(key).performer
            payload = {
                "step": key,
                "iteration": 1 if last is None else last.iteration + 1,
                "started_at": self.dossier.pending_starts[key],
                "role": role,
                "responsible": self.responsible(role),
            }
            event = self.tell("step.started", RULES, payload)
            if event.payload["responsible"] is None:
                due = (deviation.NO_PERFORMER, key, event.payload["iteration"], None)
                self.record(deviation.DueDeviation(*due, role, None, (event.leaf_hash,)))

    def record(self, due: deviation.DueDeviation) -> None:
        """Record a deviation unless it is recorded already."""
        if any(d.key == due.key for d in self.dossier.deviations):
            return
        payload = {
            **due._asdict(),
            "deviation": self.make_id(),
            "evidence": list(due.evidence),
            "explain_by": statement.explain_by(self.sop, self.calendar, self.now),
        }
        self.tell("deviation.recorded", RULES, payload)

    def upload(self, login: str, step: str, kind: str, data: bytes | None = None, document: str | None = None) -> str:
        """A document comes in; the version's id."""
        run = self.dossier.running(step)
        assert run is not None
        data = data if data is not None else f"{kind} {step} {run.iteration} {self.last_id}".encode()
        digest = sha256(data).hexdigest()
        self.objects[digest] = data
        document, version = document or self.make_id(), self.make_id()
        rule = self.sop.step(step).output(kind)
        is_receipt = rule.evidence == "receipt"
        payload = {
            "document": document,
            "version": version,
            "number": len(self.dossier.versions_of(document)) + 1,
            "step": step,
            "iteration": run.iteration,
            "kind": kind,
            "digest": digest,
            "crc32": f"{zlib.crc32(data):08x}",
            "size": len(data),
            "media_type": rule.media[0],
            "puid": "fmt/18",
            "begun_at": self.now,
            "receipt": {} if is_receipt else None,
            "deviation": None,
            "indicator": None,
        }
        personal: dict[str, str | None] = {"file_name": f"{kind}.pdf"}
        if is_receipt:
            personal |= {"receipt.application": "e-SAKIP", "receipt.address": "https://e.test", "receipt.number": "T-1"}
        self.tell("document.received", self.actor(login), payload, personal)
        return version

    def withdraw(self, login: str, version: str) -> None:
        """Take a version back."""
        known = self.dossier.find_version(version)
        assert known is not None
        payload = {"step": known.step, "document": known.document, "version": version}
        self.tell("document.withdrawn", self.actor(login), payload, {"reason": "salah berkas"})

    def refuse(self, login: str, step: str) -> None:
        """A file was refused."""
        payload = {"step": step, "kind": None, "code": "file_too_large", "size": None, "digest": None}
        self.tell("document.refused", self.actor(login), payload, {"file_name": None})

    def facts(self, step: str) -> dict[str, Any]:
        """What finishing a step is bound to now."""
        run, bound = self.dossier.running(step), self.dossier.bound_documents(step)
        assert run is not None
        gaps = [r for r in completeness.required_inputs(self.dossier, step) if r.state == completeness.MISSING]
        return {
            "step": step,
            "iteration": run.iteration,
            "documents": len(bound),
            "documents_digest": documents_digest(bound),
            "gaps": len(gaps),
            "answers": [],
        }

    def submit(self, login: str, step: str) -> None:
        """Upload what a step leaves, submit it, judge it."""
        for rule in self.sop.step(step).file_outputs:
            standing = self.dossier.current_versions(step, rule.kind)
            self.upload(login, step, rule.kind, document=standing[0].document if standing else None)
        self.tell("step.submitted", self.actor(login), self.facts(step))
        self.start_due()
        self.judge()

    def decide(self, login: str, step: str, decision: str = "approve") -> None:
        """Decide a step, and judge it."""
        is_return = decision == "return"
        payload = {
            **self.facts(step),
            "decision": decision,
            "returns_to": self.sop.step(step).returns_to if is_return else None,
            "assertion": None,
        }
        reason = "Angka IKU 2 keliru." if is_return else None
        payload["assertion"] = self.sign(self.actor(login), login, payload, reason)
        made = self.tell("decision.made", self.actor(login), payload, {"reason": reason})
        self.flag(made.actor, step, made.leaf_hash)
        self.start_due()
        self.judge()

    def register_passkey(self, login: str, key: SoftAuthenticator) -> str:
        """A passkey that the person decides with from now on; the registration's leaf hash."""
        stream = f"person:{self.persons[login]}"
        event = self.append(stream, "passkey.registered", self.actor(login), key.registration())
        self.passkeys[login] = (key, event.leaf_hash)
        return event.leaf_hash

    def revoke_passkey(self, login: str, registered: str) -> None:
        """The person decides without it from now on."""
        self.append(f"person:{self.persons[login]}", "passkey.revoked", self.actor(login), {"passkey": registered})
        self.passkeys.pop(login, None)

    def sign(
        self, actor: Mapping[str, Any], login: str, payload: Fields, reason: str | None, claimed_at: str | None = None
    ) -> Fields | None:
        """The person's assertion over a decision that is about to be told; None without a passkey."""
        if login not in self.passkeys:
            return None
        key, registered = self.passkeys[login]
        promised = None if reason is None else commitment("reason", reason, self.next_salt("reason"))
        challenge = decision_challenge(
            origin=ORIGIN,
            stream=f"dossier:{self.id}",
            type="decision.made",
            person=actor["person"],
            assignment=actor["assignment"],
            claimed_at=claimed_at,
            payload={**payload, "reason_commitment": promised},
        )
        return key.assertion(challenge, registered)

    def next_salt(self, name: str) -> bytes:
        """The salt of a field of the next event."""
        return sha256(f"salt {len(self.leaves)} {name}".encode()).digest()

    def flag(self, actor: Mapping[str, Any], step: str, decision: str | None, *more: str) -> None:
        """Flag a decision where an administrator alone gave the authority for it since the opening, or for more reasons."""
        chain = self.streams[f"person:{actor['person']}"]
        position = next((i for i, e in enumerate(chain) if e.leaf_hash == actor["assignment"]), None)
        run = self.dossier.last_run(step)
        if position is None or run is None or chain[position].type != "assignment.made":
            return
        is_changed = chain[position].at > self.dossier.opened_at
        is_changed = is_changed and delegation.is_administrators_doing(chain, position)
        reasons = [*(["assignment_changed"] if is_changed else []), *more]
        if reasons:
            facts = {"step": step, "iteration": run.iteration, "person": actor["person"]}
            self.tell("decision.flagged", RULES, {**facts, "decision": decision, "reasons": reasons})

    def judge(self, damaged: list[str] | None = None) -> None:
        """Give every verdict that is due, and record what it shows."""
        for run in self.dossier.unjudged_runs():
            assert run.finished_at is not None
            judged = statement.judgement(
                self.dossier, run, self.calendar, run.requirements, damaged or [], run.finished_at
            )
            event = self.tell("step.judged", RULES, judged)
            for due in statement.deviations_of_judgement(run, run.requirements, judged, event.leaf_hash):
                self.record(due)

    def sweep(self) -> None:
        """Record every running step whose norm has passed."""
        for key in self.sop.order:
            run = self.dossier.running(key)
            if run is not None and statement.overdue(self.dossier, run, self.calendar, self.now):
                late = (deviation.NORM_PASSED, key, run.iteration, None)
                self.record(deviation.DueDeviation(*late, run.role, run.responsible, (run.start_hash,)))

    def explain(self, login: str, code: str = deviation.NORM_PASSED) -> None:
        """Explain the first open deviation of a code that this person may explain."""
        mine = [d for d in self.dossier.open_deviations() if d.responsible in (None, self.persons[login])]
        about = next(d for d in mine if d.code == code)
        payload = {"deviation": about.id, "number": len(about.explanations) + 1, "attachments": []}
        self.tell("deviation.explained", self.actor(login), payload, {"explanation": "Rapat\nditunda."})

    def reassign(self, login: str, step: str, to: str) -> None:
        """Hand a running step to another person."""
        run = self.dossier.running(step)
        assert run is not None
        payload = {"step": step, "iteration": run.iteration, "responsible": self.persons[to]}
        self.tell("step.reassigned", self.actor(login), payload, {"reason": "cuti"})

    def check_fixity(self, failed: list[str]) -> None:
        """The stored documents were hashed again."""
        facts = {
            "dossier": self.id,
            "result": "damaged" if failed else "intact",
            "documents": len(self.dossier.versions),
            "failed": failed,
        }
        event = self.tell("fixity.checked", RULES, facts)
        for v in self.dossier.versions:
            if v.digest in failed and v.withdrawn_at is None:
                run = next(r for r in self.dossier.runs if (r.step, r.iteration) == (v.step, v.iteration))
                due = (deviation.DOCUMENT_DAMAGED, v.step, v.iteration, v.digest)
                self.record(deviation.DueDeviation(*due, run.role, run.responsible, (event.leaf_hash,)))

    def seal(self, login: str = "maya", step: str = "11") -> None:
        """Archive the dossier."""
        run = self.dossier.running(step)
        assert run is not None
        self.flag(self.actor(login), step, None)
        closing = statement.Closing(step, self.now, self.persons[login])
        for due in statement.closing_deviations(self.dossier, closing, self.calendar):
            self.record(due)
        owed = statement.owed_at_seal(self.dossier, closing)
        if owed is not None:
            self.record(owed)
        definitions = [
            {
                "kind": value["kind"],
                "key": value["key"],
                "version": value["version"],
                "digest": sha256(data).hexdigest(),
            }
            for data in self.definitions
            for value in [canonical.decode(data)]
        ]
        kept = None
        if self.schedule_data is not None:
            kept = retention.stated(retention.parse_schedule(canonical.decode(self.schedule_data)), self.sop.key)
        calendars = {self.dossier.calendar_digest: self.calendar}
        built = statement.build_statement(self.dossier, calendars, definitions, closing, ORIGIN, retention=kept)
        self.sealed_statement = canonical.encode(built)
        payload = {
            "step": step,
            "iteration": run.iteration,
            "count": self.dossier.count + 1,
            "head": self.dossier.head,
            "statement_digest": sha256(self.sealed_statement).hexdigest(),
            "statement_size": len(self.sealed_statement),
            "retention": None if self.schedule_data is None else sha256(self.schedule_data).hexdigest(),
        }
        self.tell("dossier.sealed", self.actor(login), payload)

    # the bundle ----------------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """What goes into the bundle."""
        events = self.streams[f"dossier:{self.id}"]
        persons: dict[str, tuple[bytes, ...]] = {}
        for person in {e.person for e in events if e.person is not None}:
            heads = {e.actor["head"] for e in events if e.person == person}
            chain = self.streams.get(f"person:{person}", [])
            newest = max((i for i, e in enumerate(chain) if e.leaf_hash in heads), default=-1)
            persons[person] = tuple(e.data for e in chain[: newest + 1])
        registrations = [*self.streams["service"], *self.streams[f"unit:{self.unit}"]]
        hashes = [e.leaf_hash for e in [*events, *registrations]]
        hashes += [merkle.leaf_hash(data).hex() for chain_data in persons.values() for data in chain_data]
        places = {leaf.hex(): index for index, leaf in enumerate(self.leaves)}
        size = len(self.leaves)
        checkpoint = Checkpoint(ORIGIN, size, merkle.root_hash(self.leaves))
        return Evidence(
            origin=ORIGIN,
            dossier=self.id,
            events=[e.data for e in events],
            persons=persons,
            registrations=[e.data for e in registrations],
            definitions={sha256(data).hexdigest(): data for data in self.definitions},
            statement=self.sealed_statement,
            openings={key: value for key, value in self.openings.items() if key[0] in set(hashes)},
            positions={h: places[h] for h in hashes},
            proofs={h: merkle.inclusion_proof(places[h], size, self._node) for h in hashes},
            checkpoint=self.log_key.sign(format_checkpoint(checkpoint)),
            checkpoint_size=size,
            vkeys=[self.log_key.vkey, RECEIPT_KEY.vkey],
            documents=[
                BundledDocument(
                    v.id, v.digest, zlib.crc32(self.objects[v.digest]), len(self.objects[v.digest]), v.media_type
                )
                for v in self.dossier.versions
            ],
        )

    def _node(self, level: int, index: int) -> bytes:
        return merkle.root_hash(self.leaves[index << level : (index + 1) << level])

    def open_object(self, digest: str) -> Iterator[bytes]:
        """A document's bytes, in two pieces."""
        data = self.objects[digest]
        yield data[:5]
        yield data[5:]

    def bundle(self, evidence: Evidence | None = None) -> bytes:
        """The bundle's bytes."""
        return b"".join(write_bundle(make_plan(evidence or self.evidence()), self.open_object))

    # stories -------------------------------------------------------------------------------------------------------

    def play(self) -> Builder:
        """The whole procedure by the book, but for a late step 4 that is explained and a return by step 8."""
        self.play_to_step_4()
        self.play_from_step_5()
        return self

    def play_to_step_4(self) -> None:
        """From an empty log until step 4, late, is submitted and explained."""
        self.set_up()
        self.at("2026-04-06T09:05")
        self.open()
        self.at("2026-04-06T09:20")
        self.submit("ratna", "1")
        self.at("2026-04-06T09:30")
        self.submit("ratna", "2")
        self.at("2026-04-06T10:00")
        self.submit("hendra", "3")
        self.at("2026-04-10T10:00")
        self.submit("sari", "4")
        self.at("2026-04-10T10:30")
        self.explain("sari")

    def play_from_step_5(self) -> None:
        """The rest, with a return by step 8."""
        acts: list[tuple[str, Callable[[], None]]] = [
            ("2026-04-10T14:00", lambda: self.submit("sari", "5")),
            ("2026-04-13T09:00", lambda: self.submit("bima", "6")),
            ("2026-04-13T14:00", lambda: self.decide("sari", "7")),
            ("2026-04-14T09:00", lambda: self.decide("hendra", "8", "return")),
            ("2026-04-14T15:00", lambda: self.submit("bima", "6")),
            ("2026-04-15T09:00", lambda: self.decide("sari", "7")),
            ("2026-04-15T14:00", lambda: self.decide("hendra", "8")),
            ("2026-04-15T14:10", lambda: self.decide("ratna", "9")),
            ("2026-04-15T15:00", lambda: self.submit("maya", "10")),
            ("2026-04-15T15:10", lambda: self.seal()),  # looked up late: stories put another in its place
        ]
        for moment, act in acts:
            self.at(moment)
            act()
