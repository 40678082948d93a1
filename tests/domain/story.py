"""Dossier events made by hand: a story that a test tells without database, clock or store."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from archive_service.domain.completeness import MISSING, required_inputs
from archive_service.domain.definition import plain
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import FIRST_PREV, Event, build_event, person_actor, service_actor
from archive_service.domain.parts import documents_digest
from archive_service.domain.sop import Sop, parse_sop

DATA = Path(__file__).parents[2] / "archive_service" / "data"
UNIT = f"{1:012x}7000" + "8" + "0" * 15
HASH = "ab" * 32


def make_id(number: int) -> str:
    """A well-formed id."""
    return f"{number:012x}7000" + "8" + "0" * 15


PERSONS = {
    role: make_id(100 + index)
    for index, role in enumerate(["satker_head", "section_head", "sakip_team", "planning_officer", "data_officer"])
}
RULES = service_actor("rules")


@cache
def shipped_sop() -> Sop:
    """SOP-SPMI-601 as the package ships it."""
    return parse_sop(plain(tomllib.loads((DATA / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8"))))


def actor_of(role: str | None, person: str | None = None, unit: str = UNIT) -> dict[str, Any]:
    """A person acting in a role."""
    who = person or PERSONS.get(role or "", make_id(99))
    return person_actor(
        person=who,
        user=make_id(50),
        role=role,
        work_unit=None if role is None else unit,
        assignment=None if role is None else HASH,
        head=HASH,
    )


@dataclass
class Story:
    """A dossier and the events that tell it."""

    sop: Sop = field(default_factory=shipped_sop)
    events: list[Event] = field(default_factory=list)
    minute: int = 0
    next_id: int = 1000

    def __post_init__(self) -> None:
        self.dossier = Dossier(self.sop)
        self.id = make_id(7)

    def make_id(self) -> str:
        """A new id."""
        self.next_id += 1
        return make_id(self.next_id)

    def at(self) -> str:
        """The time of the next event: a minute after the last."""
        day, rest = divmod(self.minute, 24 * 60)
        return f"2026-04-{6 + day:02d}T{rest // 60:02d}:{rest % 60:02d}:00.000000Z"

    def build(
        self, type: str, actor: Mapping[str, Any], payload: Mapping[str, Any], claimed_at: str | None = None
    ) -> Event:
        """The next event, not yet told."""
        last = self.events[-1] if self.events else None
        return build_event(
            origin="archive.test/log",
            id=self.make_id(),
            stream=f"dossier:{self.id}",
            seq=len(self.events),
            prev=FIRST_PREV if last is None else last.leaf_hash,
            type=type,
            actor=actor,
            at=self.at(),
            payload=payload,
            claimed_at=claimed_at,
        )

    def tell(
        self, type: str, actor: Mapping[str, Any], payload: Mapping[str, Any], claimed_at: str | None = None
    ) -> Event:
        """Build the next event and take it in; IllegalEvent leaves the story as it was."""
        event = self.build(type, actor, payload, claimed_at)
        self.dossier.apply(event)
        self.events.append(event)
        self.minute += 1
        return event

    def open(self) -> None:
        """Open the dossier and start its first steps."""
        received = "2026-04-06T00:00:00.000000Z"
        letter = {
            "number_commitment": HASH,
            "sender_commitment": HASH,
            "agenda_number_commitment": HASH,
            "dated_on": "2026-04-05",
            "received_at": received,
            "reply_due_on": None,
        }
        payload = {
            "dossier": self.id,
            "sop": HASH,
            "calendar": HASH,
            "work_unit": UNIT,
            "year": 2026,
            "quarter": 1,
            "title_commitment": HASH,
            "letter": letter,
            "answers": [],
        }
        self.tell("dossier.opened", actor_of("data_officer"), payload, received)
        self.start_due()

    def start_due(self) -> None:
        """Start what became due."""
        for key in [k for k in self.sop.order if k in self.dossier.pending_starts]:
            last = self.dossier.last_run(key)
            role = self.sop.step(key).performer
            self.tell(
                "step.started",
                RULES,
                {
                    "step": key,
                    "iteration": 1 if last is None else last.iteration + 1,
                    "started_at": self.dossier.pending_starts[key],
                    "role": role,
                    "responsible": PERSONS.get(role),
                },
            )

    def receive(self, step: str, kind: str, actor: Mapping[str, Any], document: str | None = None) -> str:
        """A document comes in; the version's id."""
        run = self.dossier.running(step)
        document = document or self.make_id()
        version = self.make_id()
        evidence = next((o.evidence for o in self.sop.step(step).outputs if o.kind == kind), "document")
        receipt = {"application_commitment": HASH, "address_commitment": HASH, "number_commitment": HASH}
        self.tell(
            "document.received",
            actor,
            {
                "document": document,
                "version": version,
                "number": len(self.dossier.versions_of(document)) + 1,
                "step": step,
                "iteration": run.iteration if run else 1,
                "kind": kind,
                "digest": sha256(version.encode()).hexdigest(),
                "crc32": "00000000",
                "size": 10,
                "media_type": "application/pdf",
                "puid": "fmt/18",
                "begun_at": self.at(),
                "file_name_commitment": HASH,
                "receipt": receipt if evidence == "receipt" else None,
                "deviation": None,
                "indicator": None,
            },
        )
        return version

    def finish_facts(self, step: str) -> dict[str, Any]:
        """What a submission or decision is bound to now."""
        run = self.dossier.running(step)
        bound = self.dossier.bound_documents(step)
        gaps = [r for r in required_inputs(self.dossier, step) if r.state == MISSING]
        return {
            "step": step,
            "iteration": run.iteration if run else 1,
            "documents": len(bound),
            "documents_digest": documents_digest(bound),
            "gaps": len(gaps),
            "answers": [],
        }

    def submit(self, step: str, actor: Mapping[str, Any] | None = None) -> Event:
        """Upload what the step needs and submit it."""
        by = actor or actor_of(self.sop.step(step).performer)
        for rule in self.sop.step(step).file_outputs:
            for _ in range(max(rule.minimum, 1)):
                standing = self.dossier.current_versions(step, rule.kind)
                self.receive(step, rule.kind, by, standing[0].document if standing else None)
        event = self.tell("step.submitted", by, self.finish_facts(step))
        self.start_due()
        return event

    def decide(self, step: str, decision: str, actor: Mapping[str, Any] | None = None) -> Event:
        """Decide a step."""
        is_return = decision == "return"
        event = self.tell(
            "decision.made",
            actor or actor_of(self.sop.step(step).performer, self.decider(step)),
            {
                **self.finish_facts(step),
                "decision": decision,
                "reason_commitment": HASH if is_return else None,
                "returns_to": self.sop.step(step).returns_to if is_return else None,
                "assertion": None,
            },
        )
        self.start_due()
        return event

    def decider(self, step: str) -> str:
        """A person who decides this step and performs nothing else."""
        return make_id(200 + int(step))

    def play(self, until: str) -> None:
        """Finish every step before ``until``, so that it runs."""
        self.open()
        for key in self.sop.order:
            if key == until:
                return
            step = self.sop.step(key)
            if step.is_decision:
                self.decide(key, "approve")
            else:
                self.submit(key)

    def judge_all(self) -> None:
        """Mark every finished iteration judged (what the verdict says does not matter to the state machine)."""
        for run in self.dossier.unjudged_runs():
            moment = run.finished_at or self.at()
            time = {
                "started_at": run.started_at,
                "finished_at": moment,
                "due_at": moment,
                "limit_seconds": 1,
                "used_seconds": 0,
                "excluded_seconds": 0,
                "late_by_seconds": 0,
                "policy": "working_minutes",
                "day_minutes": 450,
                "calendar": HASH,
                "result": "on_time",
            }
            completeness = {
                "result": "complete",
                "required": 2,
                "present": 2,
                "missing": 0,
                "damaged": [],
                "requirements_digest": HASH,
            }
            payload = {
                "step": run.step,
                "iteration": run.iteration,
                "number": len(run.judgements) + 1,
                "time": time,
                "completeness": completeness,
            }
            self.tell("step.judged", RULES, payload)

    def seal(self) -> Event:
        """Seal the dossier."""
        self.judge_all()
        run = self.dossier.running("11")
        payload = {
            "step": "11",
            "iteration": run.iteration if run else 1,
            "count": self.dossier.count + 1,
            "head": self.dossier.head,
            "statement_digest": HASH,
            "statement_size": 10,
            "retention": None,
        }
        return self.tell("dossier.sealed", actor_of("data_officer"), payload)
