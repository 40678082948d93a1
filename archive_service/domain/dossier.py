"""A dossier as its events tell it: one fold and one state machine, used alike to serve people and to verify a bundle.

``find_refusal`` says whether an action may be done now; ``Dossier.apply`` takes an event and refuses one that was no legal move.
State is per step: there is no "current step".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from archive_service.domain import completeness, deviation, indicator, permissions
from archive_service.domain.action import AFTER_TYPES, action_of
from archive_service.domain.completeness import Requirement
from archive_service.domain.deviation import Deviation, IllegalEvent, Ledger
from archive_service.domain.event import Event
from archive_service.domain.indicator import IndicatorLedger
from archive_service.domain.parts import Decision, Flag, Judgement, PaperOriginal, Pause, Run, Version, documents_digest
from archive_service.domain.refusal import answers_refusal, find_refusal
from archive_service.domain.sop import ATTACHMENT, OPENING, QUARTER, Sop
from archive_service.domain.states import CANCELLED, FINISHED, OPEN, RUNNING, SEALED, SKIPPED, SUPERSEDED, WAITING
from archive_service.domain.verdict import LATE


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


def fold(sop: Sop, events: Iterable[Event], after: Iterable[Event] = ()) -> Dossier:
    """The dossier that these events of its stream tell, from the first on; ``after`` are those of ``after:<dossier>``."""
    dossier = Dossier(sop)
    for event in events:
        dossier.apply(event)
    for event in after:
        dossier.apply_after(event)
    return dossier
