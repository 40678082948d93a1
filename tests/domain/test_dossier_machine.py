"""A dossier under random people, times, returns, pauses and faults: what a naive reader finds is recorded, and nothing else.

The reference below counts working minutes one by one and keeps its own books of what happened; it shares no rule with the domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from archive_service.domain.action import Action
from archive_service.domain.refusal import find_refusal
from archive_service.domain.states import RUNNING, SEALED
from archive_service.domain.verdict import format_time, parse_time
from archive_service.verifier.verify import INVALID
from tests.bundling.dossier_builder import LOG_KEY, Builder
from tests.verifier.forger import check

START = datetime(2026, 4, 6, 2, 0, tzinfo=UTC)
NORMS = {"1": 30, "2": 15, "3": 450, "4": 900, "5": 450, "6": 450, "7": 450, "8": 450, "9": 15, "10": 60, "11": 15}
WHO = {"1": "ratna", "2": "ratna", "3": "hendra", "4": "sari", "5": "sari", "6": "bima", "7": "sari"}
WHO |= {"8": "hendra", "9": "ratna", "10": "maya", "11": "maya"}
ROLE_OF = {"ratna": "satker_head", "hendra": "section_head", "sari": "sakip_team", "bima": "planning_officer"}
CLOSED = {(5, 1), (5, 14), (5, 15), (5, 27), (5, 28), (6, 1), (6, 16), (4, 3)}
ORDINARY = [(7 * 60 + 30, 12 * 60), (13 * 60, 16 * 60)]
FRIDAY = [(7 * 60 + 30, 11 * 60 + 30), (13 * 60, 16 * 60 + 30)]


MINUTES = st.one_of(st.integers(0, 40), st.integers(0, 40), st.integers(0, 600), st.integers(600, 3000))


def is_worked(moment: datetime) -> bool:
    """Whether the office works in the minute that begins then: no Ramadan lies in these months."""
    local = moment + timedelta(hours=7)
    if local.weekday() >= 5 or (local.month, local.day) in CLOSED:
        return False
    minute = local.hour * 60 + local.minute
    return any(low <= minute < high for low, high in (FRIDAY if local.weekday() == 4 else ORDINARY))


@dataclass
class Lap:
    """What the reference keeps of an iteration."""

    step: str
    number: int
    start: datetime
    end: datetime | None = None
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    seen_late: bool = False
    is_superseded: bool = False

    def used(self, now: datetime) -> int:
        """Working minutes, counted one by one."""
        until, at, count = self.end or now, self.start, 0
        while at < until:
            is_paused = any(low <= at and (high is None or at < high) for low, high in self.pauses)
            count += is_worked(at) and not is_paused
            at += timedelta(minutes=1)
        return count

    def is_late(self, now: datetime) -> bool:
        """Whether more than the norm is used."""
        return self.used(now) > NORMS[self.step]


class Dossiers(RuleBasedStateMachine):
    """One dossier, and the reference's own books of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.laps: list[Lap] = []
        self.expected: set[tuple[str, str | None, int | None, str | None]] = set()

    def lap(self, step: str) -> Lap:
        """The newest iteration of a step."""
        return next(lap for lap in reversed(self.laps) if lap.step == step)

    @property
    def running(self) -> str:
        """The step that runs: this procedure has one at a time."""
        return next(lap.step for lap in self.laps if lap.end is None)

    def begin(self, step: str) -> None:
        number = sum(lap.step == step for lap in self.laps) + 1
        self.laps.append(Lap(step, number, self.now))
        if step in self.unheld:
            self.expected.add(("no_performer", step, number, None))

    def finish(self, next_step: str | None) -> None:
        lap = self.lap(self.running)
        lap.end = self.now
        lap.pauses = [(low, high or self.now) for low, high in lap.pauses]
        if lap.is_late(self.now):
            self.expected.add(("time_norm_passed", lap.step, lap.number, None))
        if next_step is not None:
            self.begin(next_step)

    @initialize(unheld=st.sampled_from(["", "", "planning_officer"]))
    def open(self, unheld: str) -> None:
        self.unheld = {step for step, login in WHO.items() if ROLE_OF.get(login) == unheld}
        self.builder = Builder(without=frozenset([unheld]) if unheld else frozenset())
        self.builder.set_up()
        self.tick()
        self.builder.open()
        self.begin("1")

    def tick(self) -> None:
        self.builder.now = format_time(self.now)

    @property
    def is_open(self) -> bool:
        return self.builder.dossier.status != SEALED

    def wait(self, minutes: int) -> None:
        """Let time go by, no further than the reference's list of holidays reaches."""
        self.now = min(self.now + timedelta(minutes=minutes), datetime(2026, 6, 19, tzinfo=UTC))
        self.tick()

    @precondition(lambda self: self.is_open and self.running in ["1", "2", "3", "4", "5", "6", "10"])
    @rule(after=MINUTES)
    def submit(self, after: int) -> None:
        self.wait(after)
        step = self.running
        self.builder.submit(WHO[step], step)
        self.finish(str(int(step) + 1))

    @precondition(lambda self: self.is_open and self.running in ["7", "8", "9"])
    @rule(after=MINUTES, is_return=st.sampled_from([False, False, True]))
    def decide(self, after: int, is_return: bool) -> None:
        self.wait(after)
        step = self.running
        self.builder.decide(WHO[step], step, "return" if is_return else "approve")
        self.finish("6" if is_return else str(int(step) + 1))

    @precondition(lambda self: self.is_open and self.running in ["3", "4", "5", "6", "7", "8", "10"])
    @rule(length=st.one_of(st.none(), st.integers(1, 2000)), earlier=st.integers(0, 100))
    def pause(self, length: int | None, earlier: int) -> None:
        lap = self.lap(self.running)
        if any(high is None for _, high in lap.pauses):
            return
        low = max(lap.start, self.now - timedelta(minutes=earlier))
        high = None if length is None else low + timedelta(minutes=length)
        granter = self.builder.sop.step(lap.step).pauses_granted_by
        login = next(login for login, role in ROLE_OF.items() if role == granter)
        payload = {
            "pause": self.builder.make_id(),
            "step": lap.step,
            "iteration": lap.number,
            "cause": "outside_party",
            "from_at": format_time(low),
            "to_at": None if high is None else format_time(high),
        }
        self.builder.tell("pause.granted", self.builder.actor(login), payload, {"reason": "menunggu"})
        lap.pauses.append((low, high))

    @precondition(lambda self: self.is_open)
    @rule(after=MINUTES)
    def sweep(self, after: int) -> None:
        self.wait(after)
        self.builder.sweep()
        lap = self.lap(self.running)
        if lap.is_late(self.now):
            self.expected.add(("time_norm_passed", lap.step, lap.number, None))

    @precondition(lambda self: self.is_open and self.builder.dossier.versions)
    @rule(pick=st.randoms(use_true_random=False))
    def damage(self, pick: object) -> None:
        versions = self.builder.dossier.versions
        hit = versions[pick.randrange(len(versions))]  # type: ignore[attr-defined]
        self.builder.check_fixity([hit.digest])
        self.expected.add(("document_damaged", hit.step, hit.iteration, hit.digest))

    @precondition(lambda self: self.is_open and self.builder.dossier.open_deviations())
    @rule()
    def explain(self) -> None:
        owed = [d for d in self.builder.dossier.open_deviations() if d.responsible is not None]
        if owed:
            login = next(login for login, person in self.builder.persons.items() if person == owed[0].responsible)
            self.builder.explain(login, owed[0].code)

    @precondition(lambda self: self.is_open and self.running == "11")
    @rule(after=MINUTES)
    def seal(self, after: int) -> None:
        self.wait(after)
        self.builder.judge()
        lap = self.lap("11")
        lap.end = self.now
        if lap.is_late(self.now):
            self.expected.add(("time_norm_passed", "11", lap.number, None))
            lap.seen_late = True
        explained = {d.key for d in self.builder.dossier.deviations if d.explanations}
        relieved = {
            ("time_norm_passed", each.step, each.number, None) for each in self.laps if not each.is_late(self.now)
        }
        if self.expected - explained - relieved:
            self.expected.add(("sealed_with_open_deviations", None, None, None))
        self.builder.seal()

    @precondition(lambda self: not self.is_open)
    @rule(after=MINUTES)
    def try_after_the_seal(self, after: int) -> None:
        self.wait(after)
        login = WHO["11"]
        late = Action("upload", self.builder.persons[login], "data_officer", self.builder.unit, step="10", kind="x")
        refusal = find_refusal(self.builder.dossier, late)
        assert refusal is not None and refusal.code == "dossier_sealed"

    @invariant()
    def what_is_recorded_is_what_the_reference_found(self) -> None:
        if hasattr(self, "builder"):
            assert {d.key for d in self.builder.dossier.deviations} == self.expected

    @invariant()
    def iterations_and_clocks_are_the_references(self) -> None:
        if not hasattr(self, "builder"):
            return
        told = [(r.step, r.iteration, r.state == RUNNING) for r in self.builder.dossier.runs]
        assert told == [(lap.step, lap.number, lap.end is None) for lap in self.laps]
        for run, lap in zip(self.builder.dossier.runs, self.laps, strict=True):
            assert parse_time(run.started_at) == lap.start
            if run.judged is not None:
                assert run.judged["time"]["used_seconds"] == 60 * lap.used(self.now)

    def teardown(self) -> None:
        if hasattr(self, "builder") and not self.is_open:
            report = check(self.builder.bundle(), LOG_KEY)
            assert report.verdict != INVALID, [(d.code, d.place, d.text) for d in report.discrepancies]


TestDossiers = Dossiers.TestCase
# a quarter of other properties' examples: each of these is a whole dossier
TestDossiers.settings = settings(max_examples=max(20, settings().max_examples // 4), stateful_step_count=30)
