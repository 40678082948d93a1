"""A dossier as its events tell it: one fold and one state machine, used alike to serve people and to verify a bundle.

``find_refusal`` says whether an action may be done now; ``Dossier.apply`` takes an event and refuses one that was no legal move.
State is per step: there is no "current step".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from archive_service.domain import canonical, completeness, deviation, indicator, permissions
from archive_service.domain.completeness import Requirement
from archive_service.domain.deviation import Deviation, IllegalEvent, Ledger, Refusal
from archive_service.domain.event import Event
from archive_service.domain.indicator import IndicatorLedger
from archive_service.domain.sop import ATTACHMENT, OPENING, QUARTER, Sop, Step
from archive_service.domain.verdict import LATE, Interval

OPEN = "open"
CANCELLED = "cancelled"
SEALED = "sealed"

RUNNING = "running"
FINISHED = "finished"
SUPERSEDED = "superseded"
WAITING = "waiting"
SKIPPED = "skipped"

STEP_ACTIONS: FrozenSet[str] = frozenset(
    [
        "upload",
        "withdraw",
        "submit",
        "approve",
        "return",
        "archive",
        "reassign",
        "pause",
        "resume",
        "except_duty",
        "record_result",
    ]
)
AFTER_ACTIONS: FrozenSet[str] = frozenset(["explain", "accept_explanation", "return_explanation", "record_paper"])
"""What may still be done when the dossier is sealed: it goes to the stream ``after:<dossier>``."""
DOSSIER_ACTIONS: FrozenSet[str] = AFTER_ACTIONS | frozenset(
    [*indicator.ACTIONS, "request_cancellation", "confirm_cancellation", "attach", "adopt_calendar"]
)
ACTIONS: FrozenSet[str] = STEP_ACTIONS | DOSSIER_ACTIONS
AFTER_TYPES: FrozenSet[str] = deviation.EVENT_TYPES | {"dossier.judged_again", "document.paper_recorded"}
"""The events of ``after:<dossier>`` that belong to what people do with a sealed dossier."""
ATTACHMENTS_LIMIT = 32
PAPER_RECORDS_LIMIT = 2_000
"""How often an open dossier takes where papers lie: its bundle holds each record."""

_PERMISSION: Dict[str, str] = {
    "upload": "document.upload",
    "withdraw": "document.withdraw",
    "record_paper": "document.paper",
    "submit": "step.submit",
    "approve": "step.decide",
    "return": "step.decide",
    "archive": "dossier.archive",
    "reassign": "step.reassign",
    "request_cancellation": "dossier.cancel",
    "confirm_cancellation": "dossier.cancel",
    "explain": "deviation.explain",
    "attach": "deviation.explain",
    "accept_explanation": "explanation.judge",
    "return_explanation": "explanation.judge",
    "pause": "pause.grant",
    "resume": "pause.grant",
    "except_duty": "duty.except",
    "adopt_calendar": "verdict.judge_again",
    "list_indicator": "indicator.manage",
    "remove_indicator": "indicator.manage",
    "record_result": "indicator.manage",
    "answer_recommendation": "indicator.manage",
}
_FINISHING = ("submit", "approve", "return", "archive")
_KINDS_OF: Dict[str, Tuple[str, ...]] = {
    "submit": ("receive", "submit"),
    "approve": ("review", "approve"),
    "return": ("review", "approve"),
    "archive": ("archive",),
}


@dataclass(frozen=True)
class Version:
    """One received version of a document."""

    id: str
    document: str
    number: int
    step: str
    iteration: int
    kind: str
    digest: str
    crc32: str
    size: int
    media_type: str
    puid: str
    person: str
    begun_at: str
    received_at: str
    event_hash: str
    deviation: Optional[str] = None
    indicator: Optional[str] = None
    withdrawn_at: Optional[str] = None


@dataclass(frozen=True)
class PaperOriginal:
    """Whether a document has an original on paper, and where that lies: ruang, rak, boks, folder."""

    exists: bool
    room: Optional[str]
    shelf: Optional[str]
    box: Optional[str]
    folder: Optional[str]
    person: str
    at: str
    event_hash: str


@dataclass(frozen=True)
class Pause:
    """Time of an iteration that does not count, granted by another role than the performer's; without ``to_at`` it goes on."""

    id: str
    step: str
    iteration: int
    cause: str
    from_at: str
    to_at: Optional[str]
    granted_by: str
    event_hash: str


class Judgement(NamedTuple):
    """One verdict on an iteration: the payload of its ``step.judged`` and that event's leaf hash."""

    payload: Mapping[str, Any]
    event_hash: str


@dataclass
class Run:
    """One iteration of a step, from its start to its end."""

    step: str
    iteration: int
    role: str
    responsible: Optional[str]
    started_at: str
    start_hash: str
    state: str = RUNNING
    finished_at: Optional[str] = None
    finish_hash: Optional[str] = None
    outcome: Optional[str] = None
    performed_by: Optional[str] = None
    requirements: Tuple[Requirement, ...] = ()
    judgements: List[Judgement] = field(default_factory=list)
    pauses: List[Pause] = field(default_factory=list)
    transfer: Optional[Interval] = None
    acting: Optional[str] = None

    @property
    def judged(self) -> Optional[Mapping[str, Any]]:
        """The newest verdict's payload, or None."""
        return self.judgements[-1].payload if self.judgements else None

    @property
    def judged_hash(self) -> Optional[str]:
        """The leaf hash of the newest verdict's event, or None."""
        return self.judgements[-1].event_hash if self.judgements else None

    @property
    def is_held(self) -> bool:
        """Whether a pause without an end stands: nothing is due until it ends."""
        return any(pause.to_at is None for pause in self.pauses)

    def is_paused(self, at: str) -> bool:
        """Whether a pause covers the event time ``at``."""
        return any(p.from_at <= at and (p.to_at is None or at < p.to_at) for p in self.pauses)

    def excluded(self, until: str) -> List[Interval]:
        """What does not count of the time until then: the pauses, and how long the last upload was on its way."""
        found = [(p.from_at, p.to_at if p.to_at is not None else until) for p in self.pauses]
        found = [(from_at, to_at) for from_at, to_at in found if from_at < to_at]
        return found if self.transfer is None else [*found, self.transfer]


@dataclass(frozen=True)
class Decision:
    """An approval or a return, bound to the exact versions that were seen."""

    event_hash: str
    step: str
    iteration: int
    decision: str
    person: str
    at: str
    documents_digest: str
    returns_to: Optional[str]
    passkey: Optional[str]
    """The leaf hash of the passkey that it was signed with; None for one without."""


@dataclass(frozen=True)
class Flag:
    """That whoever decided had their authority or password from an administrator since the opening; ``decision`` is None at a seal."""

    event_hash: str
    step: str
    iteration: int
    person: str
    decision: Optional[str]
    reasons: Tuple[str, ...]


class Action(NamedTuple):
    """What somebody wants to do: the words of ``ACTIONS``, who asks in which role, and the action's own facts."""

    name: str
    person: str
    role: Optional[str]
    work_unit: Optional[str]
    step: Optional[str] = None
    kind: Optional[str] = None
    document: Optional[str] = None
    version: Optional[str] = None
    documents_digest: Optional[str] = None
    accepts_gaps: bool = False
    has_reason: bool = False
    returns_to: Optional[str] = None
    deviation: Optional[str] = None
    number: Optional[int] = None
    answers: Tuple[Tuple[str, str], ...] = ()
    subject: Optional[str] = None
    pause: Optional[str] = None
    from_at: Optional[str] = None
    to_at: Optional[str] = None
    at: Optional[str] = None
    indicator: Optional[str] = None
    recommendation: Optional[str] = None


def documents_digest(versions: Iterable[Version]) -> str:
    """The digest that binds a submission or decision to exact versions: SHA-256 of their canonical list, ordered by id."""
    listed = [{"version": v.id, "digest": v.digest} for v in sorted(versions, key=lambda v: v.id)]
    return sha256(canonical.encode(listed)).hexdigest()


@dataclass
class Dossier:
    """One run of an SOP, as told by the events of its stream so far."""

    sop: Sop
    id: str = ""
    status: str = ""
    sop_digest: str = ""
    work_unit: str = ""
    year: int = 0
    quarter: int = 0
    letter: Mapping[str, Any] = field(default_factory=dict)
    opened_at: str = ""
    opened_by: str = ""
    opened_hash: str = ""
    ended_at: Optional[str] = None
    runs: List[Run] = field(default_factory=list)
    versions: List[Version] = field(default_factory=list)
    papers: Dict[str, PaperOriginal] = field(default_factory=dict)
    paper_records: int = 0
    decisions: List[Decision] = field(default_factory=list)
    flags: List[Flag] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    indicators: IndicatorLedger = field(default_factory=IndicatorLedger)
    answers: Dict[str, str] = field(default_factory=dict)
    exceptions: Set[Tuple[str, str]] = field(default_factory=set)
    calendars: List[str] = field(default_factory=list)
    skipped: Set[str] = field(default_factory=set)
    pending_skips: Dict[str, str] = field(default_factory=dict)
    cancellation: Optional[Tuple[str, str]] = None
    sealed: Optional[Mapping[str, Any]] = None
    pending_starts: Dict[str, str] = field(default_factory=dict)
    count: int = 0
    head: str = ""
    latest: str = ""
    settled: Set[str] = field(default_factory=set)

    # what the state machine and the pages ask ------------------------------------------------------------------

    @property
    def calendar_digest(self) -> str:
        """The calendar that verdicts are given by now: the one pinned at the opening, or the last that was adopted."""
        return self.calendars[-1]

    @property
    def deviations(self) -> List[Deviation]:
        """Every deviation, in the order of their recording."""
        return self.ledger.deviations

    def last_run(self, step_key: str) -> Optional[Run]:
        """The newest iteration of a step, or None when it never started."""
        for run in reversed(self.runs):
            if run.step == step_key:
                return run
        return None

    def running(self, step_key: str) -> Optional[Run]:
        """The iteration of a step that runs now, or None."""
        run = self.last_run(step_key)
        return run if run is not None and run.state == RUNNING else None

    def is_settled(self, step_key: str) -> bool:
        """Whether the step is done as things stand: finished, and not sent back since."""
        return step_key in self.settled

    def step_state(self, step_key: str) -> str:
        """``waiting``, ``running``, ``finished`` or ``skipped``."""
        if self.running(step_key) is not None:
            return RUNNING
        if step_key in self.skipped:
            return SKIPPED
        return FINISHED if self.is_settled(step_key) else WAITING

    def versions_of(self, document: str) -> List[Version]:
        """All versions of a document, oldest first."""
        return [v for v in self.versions if v.document == document]

    def current_versions(self, step_key: str, kind: str) -> List[Version]:
        """The newest standing version of each document of a kind at a step, in order of arrival of the documents."""
        newest: Dict[str, Version] = {}
        for version in self.versions:
            is_output = version.withdrawn_at is None and version.deviation is None
            if version.step == step_key and version.kind == kind and is_output:
                newest[version.document] = version
        return list(newest.values())

    def standing_outputs(self, step_key: str) -> List[Version]:
        """The current versions of all documents of a step."""
        kinds = [rule.kind for rule in self.sop.step(step_key).file_outputs]
        return [version for kind in kinds for version in self.current_versions(step_key, kind)]

    def documents_to_decide(self, step_key: str) -> List[Version]:
        """What a decision at a step is about: its document inputs, and the filled-in form of the decision itself."""
        found: List[Version] = []
        for rule in self.sop.step(step_key).inputs:
            source = step_key if rule.source == "outside" else rule.source
            found.extend(self.current_versions(source, rule.kind))
        run = self.running(step_key)
        own = self.standing_outputs(step_key) if run is not None else []
        known = {version.id for version in found}
        found.extend(v for v in own if run is not None and v.iteration == run.iteration and v.id not in known)
        return found

    def bound_documents(self, step_key: str) -> List[Version]:
        """The versions that finishing a step is bound to: what it decides on, or what it leaves."""
        step = self.sop.step(step_key)
        return self.documents_to_decide(step_key) if step.is_decision else self.standing_outputs(step_key)

    def approval_of(self, step_key: str) -> Optional[Decision]:
        """The approval with which a step was last finished, or None."""
        run = self.last_run(step_key)
        for decision in reversed(self.decisions):
            if run is not None and decision.event_hash == run.finish_hash and decision.decision == "approve":
                return decision
        return None

    def persons_of(self, step_key: str) -> Set[str]:
        """Every person who performed the step in any iteration: uploaded to it, recorded results, submitted it or decided it."""
        persons = {v.person for v in self.versions if v.step == step_key and v.deviation is None}
        persons.update(self.indicators.recorders.get(step_key, ()))
        persons.update(r.performed_by for r in self.runs if r.step == step_key and r.performed_by is not None)
        return persons

    def duty_conflict(self, step_key: str, person: str) -> Optional[str]:
        """The step whose performer may not perform this one too and whom ``person`` is, or None.

        Symmetric and over all iterations: whoever wrote a version must not judge it, in whichever order the two happen. A recorded
        exception for this step and person lifts it.
        """
        if (step_key, person) in self.exceptions:
            return None
        separate = set(self.sop.step(step_key).separate_from)
        separate.update(s.key for s in self.sop.steps if step_key in s.separate_from)
        for other in self.sop.order:
            if other in separate and person in self.persons_of(other):
                return other
        return None

    def open_deviations(self) -> List[Deviation]:
        """The deviations that an explanation is owed for."""
        return self.ledger.list_open()

    def find_pause(self, pause: Optional[str]) -> Optional[Pause]:
        """The pause with this id, or None."""
        return next((p for run in self.runs for p in run.pauses if p.id == pause), None)

    def find_run(self, step_key: Optional[str], iteration: Optional[int]) -> Optional[Run]:
        """That iteration of the step, or None."""
        return next((r for r in self.runs if (r.step, r.iteration) == (step_key, iteration)), None)

    def acceptor_of(self, found: Deviation) -> str:
        """The role that accepts the explanation of a deviation: the step's own data say, else the quality checker."""
        if found.step is None or found.step not in self.sop.order:
            return permissions.QUALITY_CHECKER
        return self.sop.step(found.step).explanations_accepted_by

    def attachments_of(self, deviation_id: str) -> List[Version]:
        """The standing attachments of a deviation, for its explanation, oldest first."""
        newest = {v.document: v for v in self.versions if v.deviation == deviation_id and v.withdrawn_at is None}
        return list(newest.values())

    def find_version(self, version: str) -> Optional[Version]:
        """The version with this id, or None."""
        return next((v for v in self.versions if v.id == version), None)

    def unjudged_runs(self) -> List[Run]:
        """Finished iterations that no verdict was given for yet by the calendar that holds now."""
        return [
            r
            for r in self.runs
            if r.state == FINISHED and (r.judged is None or r.judged["time"]["calendar"] != self.calendar_digest)
        ]

    # the fold --------------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Take the next event; IllegalEvent when it was no legal move."""
        if self.status in (SEALED, CANCELLED):
            raise IllegalEvent("after_the_end", f"{event.type} comes after the dossier has ended")
        if (event.type == "dossier.opened") != (self.status == ""):
            raise IllegalEvent("not_opened_once", "a dossier's stream begins with dossier.opened, and has it once")
        action = action_of(event)
        if action is not None:
            refusal = find_refusal(self, action)
            if refusal is not None:
                raise IllegalEvent(refusal.code, refusal.text)
        _FOLDS[event.type](self, event)
        self.count += 1
        self.head = self.latest = event.leaf_hash

    def apply_after(self, event: Event) -> None:
        """Take an event of the stream ``after:<dossier>``: of these, explanations and what comes of them change a sealed dossier."""
        if event.type not in AFTER_TYPES:
            return
        self.latest = event.leaf_hash
        action = action_of(event)
        refusal = find_refusal(self, action) if action is not None else None
        if refusal is not None:
            raise IllegalEvent(refusal.code, refusal.text)
        if event.type in deviation.EVENT_TYPES:
            self.ledger.apply(event)
        elif event.type == "document.paper_recorded":
            self._paper_recorded(event)

    def _opened(self, event: Event) -> None:
        p = event.payload
        if event.stream != f"dossier:{p['dossier']}":
            raise IllegalEvent("wrong_stream", "dossier.opened names another dossier than its stream")
        if event.claimed_at != p["letter"]["received_at"]:
            raise IllegalEvent("claimed_at", "dossier.opened claims another time than its letter's receipt")
        if p["letter"]["received_at"] > event.at:
            raise IllegalEvent("received_in_future", "the letter was received after the dossier was opened")
        self.id, self.status = p["dossier"], OPEN
        self.sop_digest, self.calendars = p["sop"], [p["calendar"]]
        self.work_unit, self.year, self.quarter = p["work_unit"], p["year"], p["quarter"]
        self.letter = p["letter"]
        self.opened_at, self.opened_hash, self.opened_by = event.at, event.leaf_hash, str(event.person)
        self._answer(OPENING, p["answers"])
        for key in self.sop.first_steps():
            self._make_due(key, p["letter"]["received_at"])

    def _step_started(self, event: Event) -> None:
        p = event.payload
        step = self.sop.step(p["step"]) if p["step"] in self.sop.order else None
        if step is None or p["step"] not in self.pending_starts:
            raise IllegalEvent("step_not_due", f"step {p['step']} was not due to start")
        previous = self.last_run(step.key)
        iteration = 1 if previous is None else previous.iteration + 1
        expected = (iteration, self.pending_starts[step.key], step.performer)
        if (p["iteration"], p["started_at"], p["role"]) != expected:
            raise IllegalEvent(
                "step_start_differs", f"step {step.key} starts with other facts than follow from the events before"
            )
        del self.pending_starts[step.key]
        self.skipped.discard(step.key)
        self.runs.append(Run(step.key, iteration, p["role"], p["responsible"], p["started_at"], event.leaf_hash))

    def _skipped(self, event: Event) -> None:
        p = event.payload
        if p["step"] not in self.pending_skips:
            raise IllegalEvent("step_not_skipped", f"step {p['step']} was not due to be skipped")
        when = self.sop.step(p["step"]).when
        if when is None or (p["question"], p["answer"]) != (when.field, self.answer_to(when.field)):
            raise IllegalEvent("step_skip_differs", f"step {p['step']} is skipped for another answer than was given")
        at = self.pending_skips.pop(p["step"])
        self.skipped.add(p["step"])
        self._settle(p["step"], at)

    def _reassigned(self, event: Event) -> None:
        run = self._running_now(event)
        run.responsible, run.acting = event.payload["responsible"], None

    def _moved(self, event: Event) -> None:
        p = event.payload
        run = self._running_now(event)
        if p["is_back"] == (run.acting is None):
            raise IllegalEvent("move_differs", "a step goes to a substitute once, and only back from one")
        run.responsible, run.acting = p["responsible"], None if p["is_back"] else p["because"]

    def _flagged(self, event: Event) -> None:
        p = event.payload
        run = self.find_run(p["step"], p["iteration"])
        if p["decision"] is None:
            is_about = run is not None and run.state == RUNNING and self.sop.step(run.step).kind == "archive"
        else:
            last = self.decisions[-1] if self.decisions else None
            is_about = last is not None and (last.event_hash, last.step, last.iteration, last.person) == (
                p["decision"],
                p["step"],
                p["iteration"],
                p["person"],
            )
        if not is_about or any((f.step, f.iteration) == (p["step"], p["iteration"]) for f in self.flags):
            raise IllegalEvent("flag_of_nothing", "a flag belongs to the decision just made, or to the seal to come")
        self.flags.append(
            Flag(event.leaf_hash, p["step"], p["iteration"], p["person"], p["decision"], tuple(p["reasons"]))
        )

    def _received(self, event: Event) -> None:
        p = event.payload
        if p["deviation"] is None:
            run = self._running_now(event)
            self._require_receipt(p["receipt"], self.sop.step(run.step).output(p["kind"]).evidence)
            step, iteration = run.step, run.iteration
        else:
            about = self.ledger.find(p["deviation"])
            if about is None or p["kind"] != ATTACHMENT:
                raise IllegalEvent("attachment_of_nothing", "an attachment belongs to a deviation of this dossier")
            self._require_receipt(p["receipt"], ATTACHMENT)
            if p["indicator"] is not None:
                raise IllegalEvent("indicator_not_taken", "an attachment of an explanation belongs to no indicator")
            step, iteration = p["step"], p["iteration"]
            place = (about.step or self.sop.order[0], about.iteration or 1)
            if (step, iteration) != place:
                raise IllegalEvent("attachment_elsewhere", "an attachment names another step than its deviation")
            if any(v.deviation != about.id for v in self.versions_of(p["document"])):
                # else an output's newest version would be an attachment, and the output be gone from the list of documents
                raise IllegalEvent("attachment_elsewhere", "an attachment names the document of something else")
        number = len(self.versions_of(p["document"])) + 1
        if p["number"] != number:
            raise IllegalEvent("version_number", f"version {p['number']} of a document follows {number - 1}")
        if any(v.id == p["version"] for v in self.versions):
            raise IllegalEvent("version_twice", "a version id is used twice")
        if p["begun_at"] > event.at:
            raise IllegalEvent("begun_in_future", "an upload began after it was received")
        self.versions.append(
            Version(
                id=p["version"],
                document=p["document"],
                number=number,
                step=step,
                iteration=iteration,
                kind=p["kind"],
                digest=p["digest"],
                crc32=p["crc32"],
                size=p["size"],
                media_type=p["media_type"],
                puid=p["puid"],
                person=str(event.person),
                begun_at=p["begun_at"],
                received_at=event.at,
                event_hash=event.leaf_hash,
                deviation=p["deviation"],
                indicator=p["indicator"],
            )
        )

    @staticmethod
    def _require_receipt(receipt: object, evidence: str) -> None:
        if (receipt is not None) != (evidence == "receipt"):
            raise IllegalEvent(
                "receipt_fields", "application, address and number belong to a receipt, and to nothing else"
            )

    def _withdrawn(self, event: Event) -> None:
        version = event.payload["version"]
        for index, v in enumerate(self.versions):
            if v.id == version:
                self.versions[index] = replace(v, withdrawn_at=event.at)

    def _paper_recorded(self, event: Event) -> None:
        p = event.payload
        place = (p["room"], p["shelf"], p["box"], p["folder"])
        if not p["exists"] and place != (None, None, None, None):
            raise IllegalEvent("paper_place_of_nothing", "a place is recorded for a paper original that there is not")
        self.paper_records += 1
        self.papers[p["document"]] = PaperOriginal(p["exists"], *place, str(event.person), event.at, event.leaf_hash)

    def _submitted(self, event: Event) -> None:
        run = self._running_now(event)
        requirements = completeness.required_inputs(self, run.step) + completeness.required_outputs(self, run.step)
        self._require_gaps(event, requirements)
        arrived = [v for v in self.standing_outputs(run.step) if v.iteration == run.iteration]
        if arrived:
            last = max(arrived, key=lambda v: (v.received_at, v.id))
            if last.begun_at < last.received_at:
                run.transfer = (last.begun_at, last.received_at)
        self._finish(run, event, "submitted", requirements)
        self._answer(run.step, event.payload["answers"])
        self._settle(run.step, event.at)

    def _decided(self, event: Event) -> None:
        p = event.payload
        run = self._running_now(event)
        made = {
            "type": "decision",
            "event": event.leaf_hash,
            "decision": p["decision"],
            "person": str(event.person),
        }
        requirements = completeness.required_inputs(self, run.step) + completeness.required_outputs(
            self, run.step, decision=made
        )
        self._require_gaps(event, requirements)
        self.decisions.append(
            Decision(
                event.leaf_hash,
                run.step,
                run.iteration,
                p["decision"],
                str(event.person),
                event.at,
                p["documents_digest"],
                p["returns_to"],
                None if p["assertion"] is None else p["assertion"]["passkey"],
            )
        )
        self._finish(run, event, "approved" if p["decision"] == "approve" else "returned", requirements)
        if p["decision"] == "approve":
            self._answer(run.step, p["answers"])
            self._settle(run.step, event.at)
        else:
            self._send_back(p["returns_to"], event)

    def _sealed(self, event: Event) -> None:
        p = event.payload
        run = self._running_now(event)
        if p["count"] != self.count + 1 or p["head"] != self.head:
            raise IllegalEvent("closing_count", "the seal counts other events than the stream holds")
        if self.pending_starts or self.pending_skips or self.unjudged_runs():
            raise IllegalEvent("sealed_too_early", "the dossier was sealed before every step was started and judged")
        requirements = completeness.required_inputs(self, run.step) + completeness.required_outputs(
            self, run.step, is_sealing=True
        )
        self._finish(run, event, "archived", requirements)
        self.settled.add(run.step)
        self.sealed = p
        self.status, self.ended_at = SEALED, event.at

    def _judged(self, event: Event) -> None:
        p = event.payload
        run = self.find_run(p["step"], p["iteration"])
        if run is None or run not in self.unjudged_runs() or p["number"] != len(run.judgements) + 1:
            raise IllegalEvent("not_to_judge", "only a finished iteration is judged, and once by each calendar")
        if p["time"]["calendar"] != self.calendar_digest:
            raise IllegalEvent("other_calendar", "a verdict is given by the calendar that the dossier has then")
        run.judgements.append(Judgement(p, event.leaf_hash))
        self._relieve(run)

    def _relieve(self, run: Run) -> None:
        is_late = run.judged is not None and run.judged["time"]["result"] == LATE
        self.ledger.relieve((deviation.NORM_PASSED, run.step, run.iteration, None), not is_late)

    def _deviation(self, event: Event) -> None:
        self.ledger.apply(event)
        run = self.find_run(event.payload["step"], event.payload["iteration"])
        if event.payload["code"] == deviation.NORM_PASSED and run is not None and run.judged is not None:
            self._relieve(run)

    def _about_deviation(self, event: Event) -> None:
        if event.type == "deviation.explained":
            standing = tuple(v.event_hash for v in self.attachments_of(event.payload["deviation"]))
            known = {hash for d in self.deviations for e in d.explanations for hash in e.attachments}
            if [h for h in standing if h not in known] != event.payload["attachments"]:
                raise IllegalEvent("attachments_differ", "an explanation names other attachments than stood then")
        if event.type == "deviation.escalated" and event.payload["role"] != self.sop.escalates_to:
            raise IllegalEvent("escalated_elsewhere", "a deviation escalates to the role that the SOP names")
        self.ledger.apply(event)

    def _paused(self, event: Event) -> None:
        p = event.payload
        run = self._running_now(event)
        if self.find_pause(p["pause"]) is not None:
            raise IllegalEvent("pause_twice", "a pause id is used twice")
        run.pauses.append(
            Pause(
                p["pause"],
                run.step,
                run.iteration,
                p["cause"],
                p["from_at"],
                p["to_at"],
                str(event.person),
                event.leaf_hash,
            )
        )

    def _resumed(self, event: Event) -> None:
        p = event.payload
        run = self.running(p["step"])
        for index, pause in enumerate([] if run is None else run.pauses):
            if run is not None and pause.id == p["pause"]:
                run.pauses[index] = replace(pause, to_at=p["to_at"])

    def _duty_excepted(self, event: Event) -> None:
        p = event.payload
        self._running_now(event)
        if self.duty_conflict(p["step"], p["person"]) != p["conflict"]:
            raise IllegalEvent("conflict_differs", "the exception names another conflict of duties than there is")
        self.exceptions.add((p["step"], p["person"]))

    def _calendar_adopted(self, event: Event) -> None:
        if event.payload["calendar"] in self.calendars:
            raise IllegalEvent("calendar_twice", "a dossier takes each calendar once")
        self.calendars.append(event.payload["calendar"])

    def _cancellation_requested(self, event: Event) -> None:
        self.cancellation = (event.leaf_hash, str(event.person))

    def _cancelled(self, event: Event) -> None:
        if self.cancellation is None or event.payload["request"] != self.cancellation[0]:
            raise IllegalEvent("cancellation_differs", "the confirmation names another request")
        self.status, self.ended_at = CANCELLED, event.at

    def _about_indicators(self, event: Event) -> None:
        p = event.payload
        if event.type == "indicator.result_recorded":
            self._running_now(event)
        if event.type == "recommendation.carried":
            if p["from_dossier"] == self.id:
                raise IllegalEvent("carried_from_itself", "recommendations come from an earlier dossier")
            if self.versions or any(run.state != RUNNING for run in self.runs):
                raise IllegalEvent("carried_late", "recommendations are carried over when a dossier is opened")
        self.indicators.apply(event)

    def _noted(self, event: Event) -> None:
        """A refusal or a fixity check changes nothing in the dossier."""

    def _running_now(self, event: Event) -> Run:
        run = self.running(event.payload["step"])
        if run is None or run.iteration != event.payload["iteration"]:
            raise IllegalEvent("step_not_running", f"step {event.payload['step']} does not run in that iteration")
        return run

    def _require_gaps(self, event: Event, requirements: Sequence[Requirement]) -> None:
        bound = self.bound_documents(event.payload["step"])
        gaps = sum(1 for r in requirements if r.state == completeness.MISSING)
        facts = (event.payload["documents"], event.payload["documents_digest"], event.payload["gaps"])
        if facts != (len(bound), documents_digest(bound), gaps):
            raise IllegalEvent("documents_changed", f"{event.type} is bound to other documents than stood then")

    def _finish(self, run: Run, event: Event, outcome: str, requirements: Sequence[Requirement]) -> None:
        if event.claimed_at is not None and event.claimed_at > event.at:
            raise IllegalEvent("claimed_in_future", "something is said to have happened after it was recorded")
        run.state, run.outcome = FINISHED, outcome
        # nobody waits any more for what the pause waited for
        run.pauses = [p if p.to_at is not None else replace(p, to_at=event.at) for p in run.pauses]
        run.finished_at, run.finish_hash, run.performed_by = event.at, event.leaf_hash, event.person
        run.requirements = tuple(requirements)

    def _settle(self, step_key: str, at: str) -> None:
        self.settled.add(step_key)
        for step in self.sop.steps:
            is_free = step.key not in self.settled and self.running(step.key) is None
            if step_key in step.after and is_free and all(key in self.settled for key in step.after):
                self._make_due(step.key, at)

    def _make_due(self, step_key: str, at: str) -> None:
        """A step that nothing stands before any more starts, or is skipped for an answer that was given."""
        when = self.sop.step(step_key).when
        if when is None or self.answer_to(when.field) == when.equals:
            self.pending_starts[step_key] = at
        else:
            self.pending_skips[step_key] = at

    def answer_to(self, question: str) -> Optional[str]:
        """What was answered to a question that conditions may ask, or None while it was not."""
        return str(self.quarter) if question == QUARTER else self.answers.get(question)

    def _answer(self, place: str, answers: Sequence[Mapping[str, str]]) -> None:
        given = [(each["question"], each["answer"]) for each in answers]
        refusal = answers_refusal(self.sop, place, given)
        if refusal is not None:
            raise IllegalEvent(refusal.code, refusal.text)
        self.answers.update(given)

    def _send_back(self, target: str, event: Event) -> None:
        again = {target} | {s.key for s in self.sop.steps if target in self.sop.ancestors(s.key)}
        self.settled -= again
        self.skipped -= again
        for run in self.runs:
            if run.step in again and run.state == RUNNING:
                run.state, run.finished_at, run.finish_hash = SUPERSEDED, event.at, event.leaf_hash
        for key in again:
            self.pending_starts.pop(key, None)
            self.pending_skips.pop(key, None)
        self.pending_starts[target] = event.at


_FOLDS = {
    "dossier.opened": Dossier._opened,
    "step.started": Dossier._step_started,
    "step.skipped": Dossier._skipped,
    "step.reassigned": Dossier._reassigned,
    "step.moved": Dossier._moved,
    "document.received": Dossier._received,
    "document.withdrawn": Dossier._withdrawn,
    "document.refused": Dossier._noted,
    "document.paper_recorded": Dossier._paper_recorded,
    "step.submitted": Dossier._submitted,
    "decision.made": Dossier._decided,
    "decision.flagged": Dossier._flagged,
    "step.judged": Dossier._judged,
    "deviation.recorded": Dossier._deviation,
    "deviation.explained": Dossier._about_deviation,
    "explanation.accepted": Dossier._about_deviation,
    "explanation.returned": Dossier._about_deviation,
    "deviation.escalated": Dossier._about_deviation,
    "pause.granted": Dossier._paused,
    "pause.ended": Dossier._resumed,
    "duty.excepted": Dossier._duty_excepted,
    "calendar.adopted": Dossier._calendar_adopted,
    "dossier.cancellation_requested": Dossier._cancellation_requested,
    "dossier.cancelled": Dossier._cancelled,
    "dossier.sealed": Dossier._sealed,
    "fixity.checked": Dossier._noted,
    **dict.fromkeys(sorted(indicator.EVENT_TYPES), Dossier._about_indicators),
}


def action_of(event: Event) -> Optional[Action]:
    """The action of the state machine that an event records, or None for one that people do not take."""
    p = event.payload
    name = {
        "document.received": "upload",
        "document.withdrawn": "withdraw",
        "document.paper_recorded": "record_paper",
        "step.submitted": "submit",
        "step.reassigned": "reassign",
        "dossier.sealed": "archive",
        "dossier.cancellation_requested": "request_cancellation",
        "dossier.cancelled": "confirm_cancellation",
        "deviation.explained": "explain",
        "explanation.accepted": "accept_explanation",
        "explanation.returned": "return_explanation",
        "pause.granted": "pause",
        "pause.ended": "resume",
        "duty.excepted": "except_duty",
        "calendar.adopted": "adopt_calendar",
        "indicator.set": "list_indicator",
        "indicator.removed": "remove_indicator",
        "indicator.result_recorded": "record_result",
        "recommendation.answered": "answer_recommendation",
    }.get(event.type)
    if event.type == "document.received" and p["deviation"] is not None:
        name = "attach"
    if event.type == "decision.made":
        name = str(p["decision"])
    if name is None:
        return None
    return Action(
        name=name,
        person=str(event.person),
        role=event.actor.get("role"),
        work_unit=event.actor.get("work_unit"),
        step=p.get("step"),
        kind=p.get("kind"),
        document=p.get("document"),
        version=p.get("version"),
        documents_digest=p.get("documents_digest"),
        accepts_gaps=True,
        has_reason=p.get("reason_commitment") is not None,
        returns_to=p.get("returns_to"),
        deviation=p.get("deviation"),
        number=p.get("number") if name != "upload" else None,
        answers=tuple((each["question"], each["answer"]) for each in p.get("answers", ())),
        subject=p.get("person"),
        pause=p.get("pause"),
        from_at=p.get("from_at"),
        to_at=p.get("to_at"),
        at=event.at,
        indicator=p.get("indicator") if event.type == "document.received" else p.get("code"),
        recommendation=p.get("carried"),
    )


def fold(sop: Sop, events: Iterable[Event], after: Iterable[Event] = ()) -> Dossier:
    """The dossier that these events of its stream tell, from the first on; ``after`` are those of ``after:<dossier>``."""
    dossier = Dossier(sop)
    for event in events:
        dossier.apply(event)
    for event in after:
        dossier.apply_after(event)
    return dossier


def answers_refusal(sop: Sop, place: str, answers: Sequence[Tuple[str, str]]) -> Optional[Refusal]:
    """Why these answers are not what is asked at a place (a step, or the opening), or None when they are."""
    asked = {question.key: question for question in sop.questions_at(place)}
    given = [question for question, _ in answers]
    for question, answer in answers:
        if question not in asked or given.count(question) > 1:
            return Refusal("answer_unknown", f"The question {question} is not asked here.")
        if answer not in asked[question].choices:
            choices = ", ".join(asked[question].choices)
            return Refusal("answer_not_a_choice", f"Answer {question} with one of: {choices}.")
    missing = [question for question in asked if question not in given]
    if missing:
        return Refusal("answer_missing", f"Answer this first: {asked[missing[0]].title} ({missing[0]}).")
    return None


def find_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    """Why the action is refused as the dossier stands, or None when it may be done."""
    if action.name not in ACTIONS:
        raise ValueError(f"unknown action {action.name}")
    if not permissions.is_allowed(action.role, _PERMISSION[action.name]):
        return Refusal(
            "role_forbidden", f"The role {action.role or 'none'} may not do this; ask a performer of the step."
        )
    if action.work_unit != dossier.work_unit and not permissions.is_office(action.role):
        return Refusal("other_work_unit", "The dossier belongs to another work unit than your role.")
    if dossier.status == SEALED and action.name == "attach":
        return Refusal("dossier_sealed", "The dossier is sealed: it takes explanations in words alone, no attachments.")
    if dossier.status == SEALED and action.name not in AFTER_ACTIONS:
        return Refusal("dossier_sealed", "The dossier is sealed: nothing in it changes any more.")
    if dossier.status == CANCELLED:
        return Refusal("dossier_cancelled", "The dossier was cancelled: nothing in it changes any more.")
    if action.name in STEP_ACTIONS:
        return _step_refusal(dossier, action)
    return _dossier_refusal(dossier, action)


def _dossier_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    if action.name == "request_cancellation":
        if dossier.cancellation is not None:
            return Refusal(
                "cancellation_requested", "Somebody has asked for this already; a second person confirms it."
            )
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a cancellation needs a reason.")
        return None
    if action.name == "confirm_cancellation":
        if dossier.cancellation is None:
            return Refusal("no_cancellation_requested", "Nobody has asked to cancel this dossier.")
        if dossier.cancellation[1] == action.person:
            return Refusal("second_person_needed", "Another person than the one who asked confirms a cancellation.")
        return None
    if action.name == "adopt_calendar":
        return None if action.has_reason else Refusal("reason_missing", "Say why: judging again needs a reason.")
    if action.name == "record_paper":
        if action.document is None or not dossier.versions_of(action.document):
            return Refusal("document_unknown", "This dossier has no such document.")
        if dossier.status == OPEN and dossier.paper_records >= PAPER_RECORDS_LIMIT:
            return Refusal("papers_full", "This dossier takes no more records of papers until it is sealed.")
        return None
    if action.name in indicator.ACTIONS:
        duties = [(step.key, step.indicators) for step in dossier.sop.steps if step.indicators is not None]
        return indicator.find_refusal(
            dossier.indicators,
            action.name,
            code=action.indicator,
            recommendation=action.recommendation,
            has_reason=action.has_reason,
            is_asked=bool(duties),
            is_frozen=any(duty == indicator.RESULTS and dossier.is_settled(key) for key, duty in duties),
        )
    about = dossier.ledger.find(action.deviation)
    if action.name == "attach":
        refusal = deviation.find_refusal(about, "explain", action.person, action.role, "")
        if refusal is None and about is not None and len(dossier.attachments_of(about.id)) >= ATTACHMENTS_LIMIT:
            return Refusal("too_many_documents", f"An explanation has at most {ATTACHMENTS_LIMIT} attachments.")
        return refusal
    return deviation.find_refusal(
        about,
        action.name,
        action.person,
        action.role,
        "" if about is None else dossier.acceptor_of(about),
        number=action.number,
        has_reason=action.has_reason,
    )


def _step_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    if action.step not in dossier.sop.order or action.step is None:
        return Refusal("step_unknown", "The SOP has no such step.")
    step = dossier.sop.step(action.step)
    if action.name in ("pause", "resume"):
        return _pause_refusal(dossier, action, step)
    if action.name == "except_duty":
        return _exception_refusal(dossier, action, step)
    if action.name == "reassign":
        leaders = dossier.sop.leaders()
        run = dossier.running(step.key)
        is_theirs = run is not None and run.responsible == action.person
        if action.role not in leaders and not is_theirs:
            return Refusal(
                "not_performer", "The responsible person hands a step over, or a leader who approves in this SOP."
            )
    elif action.role == permissions.CONTRIBUTOR:
        refusal = _contribution_refusal(dossier, action, step)
        if refusal is not None:
            return refusal
    elif action.role != step.performer:
        return Refusal("not_performer", f"Step {step.key} is performed by {step.performer}.")
    if action.name in _KINDS_OF and step.kind not in _KINDS_OF[action.name]:
        return Refusal("wrong_kind_of_step", f"Step {step.key} is a {step.kind} step: it does not take this action.")
    run = dossier.running(step.key)
    if run is None:
        return _not_running(dossier, step)
    if action.name == "reassign":
        return None if action.has_reason else Refusal("reason_missing", "Say why: handing a step over needs a reason.")
    conflict = dossier.duty_conflict(step.key, action.person)
    if conflict is not None:
        return Refusal("duty_conflict", f"You performed step {conflict}; another person performs step {step.key}.")
    if action.name == "upload":
        return _upload_refusal(dossier, action)
    if action.name == "withdraw":
        return _withdrawal_refusal(dossier, action, run)
    if action.name == "record_result":
        return indicator.result_refusal(dossier.indicators, step.indicators, action.indicator)
    return _finish_refusal(dossier, action)


def _not_running(dossier: Dossier, step: Step) -> Refusal:
    if dossier.is_settled(step.key):
        return Refusal("step_finished", f"Step {step.key} is finished.")
    return Refusal("step_waiting", f"Step {step.key} has not started: the steps before it are not finished.")


def _pause_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    if action.role != step.pauses_granted_by:
        return Refusal("not_pause_granter", f"A pause of step {step.key} is granted by {step.pauses_granted_by}.")
    run = dossier.running(step.key)
    if run is None:
        return _not_running(dossier, step)
    if action.person == run.responsible or action.person in dossier.persons_of(step.key):
        return Refusal("own_pause", "Nobody stops the clock of their own step: another person does.")
    at = str(action.at)
    if action.name == "pause":
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a pause needs a reason.")
        if run.is_held:
            return Refusal("pause_open", "This step is paused already: end that pause first.")
        if action.from_at is None or not run.started_at <= action.from_at <= at:
            return Refusal("pause_outside", "A pause begins after the step did, and not later than now.")
        if action.to_at is not None and action.to_at <= action.from_at:
            return Refusal("pause_backwards", "A pause ends after it began.")
        return None
    pause = next((p for p in run.pauses if p.id == action.pause), None)
    if pause is None:
        return Refusal("pause_unknown", "This step has no such pause.")
    if pause.to_at is not None and pause.to_at <= at:
        return Refusal("pause_over", "This pause is over already.")
    if action.to_at is None or not pause.from_at < action.to_at <= at:
        return Refusal("pause_outside", "A pause ends after it began, and not later than now.")
    return None


def _exception_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    if action.role not in dossier.sop.leaders():
        return Refusal("not_leader", "An exception from the separation of duties is made by the head who approves.")
    if dossier.running(step.key) is None:
        return _not_running(dossier, step)
    if action.subject is None or dossier.duty_conflict(step.key, action.subject) is None:
        return Refusal("no_duty_conflict", "That person may perform this step: no exception is needed.")
    return None if action.has_reason else Refusal("reason_missing", "Say why: an exception needs a reason.")


def _contribution_refusal(dossier: Dossier, action: Action, step: Step) -> Optional[Refusal]:
    """Contributors perform no step: they send documents for the indicators that they are in charge of, and withdraw their own."""
    if step.indicators != indicator.EVIDENCE:
        return Refusal("not_performer", f"Step {step.key} is performed by {step.performer}.")
    if action.name == "withdraw":
        version = dossier.find_version(action.version) if action.version is not None else None
        is_own = version is not None and version.person == action.person
        return None if is_own else Refusal("not_contributor", "You withdraw only what you sent yourself.")
    if action.name != "upload" or not dossier.indicators.is_in_charge(action.indicator, action.person):
        return Refusal("not_contributor", "You send documents for the indicators that you are in charge of alone.")
    if any(v.person != action.person for v in dossier.versions_of(action.document or "")):
        return Refusal("not_contributor", "That document is somebody else's: send yours as a new document.")
    return None


def _upload_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    assert action.step is not None
    refusal = indicator.tag_refusal(dossier.indicators, dossier.sop.step(action.step).indicators, action.indicator)
    if refusal is not None:
        return refusal
    rule = next((r for r in dossier.sop.step(action.step).file_outputs if r.kind == action.kind), None)
    if rule is None:
        return Refusal("kind_not_taken", f"Step {action.step} takes no document of the kind {action.kind}.")
    standing = {v.document for v in dossier.current_versions(action.step, rule.kind)}
    known = dossier.versions_of(action.document) if action.document is not None else []
    if known:
        if known[0].step != action.step or known[0].kind != rule.kind:
            return Refusal("document_elsewhere", "That document belongs to another step or kind.")
        if action.document in standing:
            return None
    if len(standing) >= rule.maximum:
        return Refusal(
            "too_many_documents",
            f"Step {action.step} takes at most {rule.maximum} documents of this kind: send a new version.",
        )
    return None


def _withdrawal_refusal(dossier: Dossier, action: Action, run: Run) -> Optional[Refusal]:
    version = dossier.find_version(action.version) if action.version is not None else None
    if version is None or version.step != action.step or version.document != action.document:
        return Refusal("version_unknown", "This step has no such version of that document.")
    if version.withdrawn_at is not None:
        return Refusal("version_withdrawn", "This version was withdrawn already.")
    if version.deviation is not None:
        about = dossier.ledger.find(version.deviation)
        given = [h for each in (about.explanations if about is not None else ()) for h in each.attachments]
        if version.event_hash in given or version.person != action.person:
            return Refusal(
                "attachment_stays",
                "An attachment stays when its explanation is given; before that, whoever sent it withdraws it.",
            )
    if version.iteration != run.iteration:
        return Refusal(
            "version_submitted", "This version was submitted in an earlier iteration and stays; send a new version."
        )
    return None if action.has_reason else Refusal("reason_missing", "Say why: a withdrawal needs a reason.")


def _finish_refusal(dossier: Dossier, action: Action) -> Optional[Refusal]:
    assert action.step is not None
    step = dossier.sop.step(action.step)
    if action.name == "return":
        if step.returns_to is None:
            return Refusal("no_return", f"Step {step.key} does not send anything back.")
        if action.returns_to != step.returns_to:
            return Refusal("wrong_return", f"Step {step.key} returns to step {step.returns_to}.")
        if not action.has_reason:
            return Refusal("reason_missing", "Say why: a return needs a reason.")
    elif action.returns_to is not None:
        return Refusal("wrong_return", "Only a return names a step to go back to.")
    if action.name != "return":
        refusal = answers_refusal(dossier.sop, step.key, action.answers)
        if refusal is not None:
            return refusal
    elif action.answers:
        return Refusal("answer_unknown", "A return answers no questions.")
    if not step.is_decision and step.kind != "archive":
        missing = [r.kind for r in completeness.required_outputs(dossier, step.key) if r.state == completeness.MISSING]
        if missing:
            return Refusal("outputs_missing", f"Step {step.key} still lacks its output: {', '.join(missing)}.")
    gaps = [r.kind for r in completeness.required_inputs(dossier, step.key) if r.state == completeness.MISSING]
    if gaps and not action.accepts_gaps:
        return Refusal(
            "inputs_missing", f"Step {step.key} lacks its input: {', '.join(gaps)}. Go on with a gap only knowingly."
        )
    if step.kind != "archive" and action.documents_digest != documents_digest(dossier.bound_documents(step.key)):
        return Refusal("documents_changed", "The documents have changed since you looked: look again, then decide.")
    return None
