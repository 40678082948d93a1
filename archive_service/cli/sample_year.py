"""A sample year: six units of an invented office carry out SOP-SPMI-601 in four quarters, through the services, on a clock that is set.

Everything in it is recorded as it would be: who was late is late by the calendar, and what is in the log can be verified.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import select

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.cli.sample_people import LETTERS, SAMPLE_UNITS, Member, SampleUnit
from archive_service.db.models import AssignmentRow, DeviationRow, UserRow, WorkUnitRow
from archive_service.domain.sop import OutputRule, Sop
from archive_service.runner import LogKeeper, run_job_by_id
from archive_service.services import (
    compliance,
    decisions,
    delegations,
    deviations,
    dossiers,
    findings,
    indicators,
    obligations,
    people,
    quality,
    setup,
    uploads,
    users,
)
from archive_service.services.actor import Actor
from archive_service.services.work import load_dossier

SOP = "sop-spmi-601"
BEGINS = "2025-06-02T08:00"
ENDS = "2026-03-12T08:00"
QUARTERS = ((2025, 2), (2025, 3), (2025, 4), (2026, 1))
STARTS = {(2025, 2): "2025-06-16", (2025, 3): "2025-09-15", (2025, 4): "2025-12-01", (2026, 1): "2026-03-02"}
"""The Monday on which the first unit receives the letter of a quarter."""
DUE = {(2025, 2): "2025-07-11", (2025, 3): "2025-10-10", (2025, 4): "2026-01-09", (2026, 1): "2026-03-27"}
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV"}
HOURS = {
    "0": "0 09:10",
    "1": "0 09:20",
    "2": "0 09:30",
    "3": "0 14:00",
    "4": "2 10:00",
    "5": "3 09:00",
    "6": "3 15:00",
    "7": "4 09:00",
    "8": "4 10:00",
    "9": "4 10:10",
    "10": "4 11:00",
    "11": "4 11:10",
}
"""Step → the working day of its week and the hour at which it is done in time."""
INDICATORS_IN = frozenset(["gaps"])
"""The manner in which a list of indicators is measured, and the evidence of one is missing."""
INDICATORS = (
    ("IKU-1", "Lulusan yang mendapat pekerjaan layak, melanjutkan studi atau berwirausaha", "60", "57"),
    ("IKU-2", "Mahasiswa yang mendapat pengalaman di luar kampus", "30", "31"),
)
STAYS = frozenset(["build_bundle"])
"""Jobs that are left to whoever runs the archive afterwards."""


class Course(NamedTuple):
    """How one dossier goes: what is special about it, and after which step it stands still."""

    manner: str
    until: str = "11"
    week: int = 0


PLAN: dict[str, tuple[Course | None, Course | None, Course | None, Course | None]] = {
    "polman-babel": (Course("returned"), Course("on_time"), Course("late_explained"), None),
    "jur-elka": (Course("on_time"), Course("on_time"), Course("returned"), Course("returned_open", "8", 0)),
    "jur-mesin": (Course("late_explained"), Course("late", week=0), Course("late", "11", 0), Course("on_time", "5", 0)),
    "bag-keuangan": (Course("on_time"), Course("paused"), Course("substitute"), Course("paused_open", "3", 0)),
    "upt-perpustakaan": (Course("late"), Course("cancelled", "4"), Course("gaps"), Course("on_time", "1", 1)),
    "upt-tik": (None, Course("late_asked_again"), Course("on_time", "8"), Course("on_time", "9", 0)),
}
"""Unit → its course in each quarter of QUARTERS; None: never begun (the top unit's last quarter is left to whoever plays it)."""


@dataclass
class SampleClock:
    """A clock that stands still but for a microsecond a reading."""

    moment: datetime

    def now(self) -> datetime:
        """The time."""
        self.moment += timedelta(microseconds=1)
        return self.moment

    def go_to(self, moment: datetime) -> None:
        """Go forward; a moment that is past leaves the clock where it is."""
        self.moment = max(self.moment, moment)


def wib(text: str) -> datetime:
    """The instant of a WIB time such as ``2025-06-16T09:00``."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


def make_pdf(lines: Sequence[str]) -> bytes:
    """A one-page PDF with these lines: small, and readable in any viewer."""
    text = b"".join(
        b"(%s) Tj 0 -18 Td\n"
        % line.encode("latin-1", "replace").replace(b"\\", b"").replace(b"(", b"").replace(b")", b"")
        for line in lines
    )
    stream = b"BT /F1 12 Tf 60 780 Td\n" + text + b"ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(data)
    return data + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


@dataclass
class SampleOffice:
    """The archive with the units and people of the sample year, and the hand on its clock."""

    archive: Archive
    clock: SampleClock
    units: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    dossiers: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def actor(self, login: str) -> Actor:
        """The person as the service knows them now."""
        with self.archive.db.read() as session:
            if login not in self.users:
                row = session.execute(select(UserRow.id, UserRow.person_id).where(UserRow.login == login)).one()
                self.users[login], self.persons[login] = row.id, row.person_id
            return users.make_actor(session, self.users[login], self.persons[login], self.clock.now())

    def settle_jobs(self) -> None:
        """Run what is due, but for what is left to whoever runs the archive afterwards."""
        while True:
            with self.archive.db.read() as session:
                due = [j.id for j in jobs.list_due(session, self.archive.timer(), 100) if j.name not in STAYS]
            if not due:
                return
            for job in due:
                run_job_by_id(self.archive, job)

    def sweep(self) -> None:
        """Notice what time alone brings about."""
        compliance.sweep_deadlines(self.archive)
        obligations.sweep_obligations(self.archive)
        deviations.escalate_deviations(self.archive)
        delegations.sweep_delegations(self.archive)
        self.settle_jobs()


class Play:
    """One dossier of the year."""

    def __init__(
        self, office: SampleOffice, sop: Sop, unit: SampleUnit, period: tuple[int, int], course: Course
    ) -> None:
        self._office, self._sop, self._unit, self._course = office, sop, unit, course
        self._year, self._quarter = period
        self._monday = datetime.fromisoformat(STARTS[period]) + timedelta(weeks=course.week)
        self._dossier = ""
        self._shift = 0

    def _at(self, day: str) -> datetime:
        number, hour = day.split()
        date = self._monday + timedelta(days=int(number) + self._shift)
        return wib(f"{date.date().isoformat()}T{hour}")

    def acts(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """What happens and when, in the order of time."""
        manner, until = self._course.manner, int(self._course.until)
        yield self._at(HOURS["0"]), self._open
        for key in self._sop.order:
            if int(key) > until:
                break
            if key == "4":
                if manner.startswith("paused"):
                    yield self._at("1 09:00"), self._pause
                if manner.startswith(("late", "paused")):
                    self._shift = 7
            if key == "5" and manner.startswith("late"):
                yield self._at("2 13:30"), self._account
                yield self._at("2 14:30"), self._answer
            if key == "8" and manner.startswith("returned"):
                yield self._at(HOURS["8"]), lambda: self._decide("8", "return", LETTERS.return_reason)
                self._shift += 3
                yield self._at("4 13:30"), lambda: self._submit("6")
                self._shift += 1
                yield self._at("4 09:00"), lambda: self._decide("7", "approve")
                if manner == "returned_open":
                    return
            if key == "8" and manner == "substitute":
                yield self._at("4 08:00"), self._substitute
            yield self._at(HOURS[key]), self._act_of(key)
        if manner == "paused_open":
            yield self._at("1 09:00"), self._pause
        if manner == "cancelled":
            yield self._at("3 10:00"), self._request_cancellation
            yield self._at("3 14:00"), self._cancel

    def _act_of(self, key: str) -> Callable[[], None]:
        step = self._sop.step(key)
        if step.kind == "archive":
            return self._archive
        if step.is_decision:
            return lambda: self._decide(key, "approve")
        return lambda: self._submit(key)

    def _login(self, role: str, number: int = 0) -> str:
        return self._unit.logins(role)[number]

    def _open(self) -> None:
        received = self._office.clock.now() - timedelta(minutes=10)
        name = f"triwulan {ROMAN[self._quarter]} {self._year}"
        self._dossier = dossiers.open_dossier(
            self._office.archive,
            self._office.actor(self._login("data_officer")),
            sop=SOP,
            work_unit=self._office.units[self._unit.code],
            year=self._year,
            quarter=self._quarter,
            title=f"Pengukuran data kinerja {name}",
            letter=dossiers.RequestLetter(
                f"{400 + 10 * self._quarter}/B1/TU/{self._year}",
                LETTERS.sender,
                f"SM-{self._year}-{100 * self._quarter + self._unit.number:04}",
                received.date().isoformat(),
                received,
            ),
        )
        self._office.dossiers[self._unit.code, self._year, self._quarter] = self._dossier
        if self._course.manner in INDICATORS_IN:
            listed = [
                indicators.ListedIndicator(code, title, target, "persen", person=self._login("sakip_team", 1))
                for code, title, target, _ in INDICATORS
            ]
            actor = self._office.actor(self._login("data_officer"))
            indicators.set_indicators(self._office.archive, actor, dossier=self._dossier, indicators=listed)

    def _record_results(self, login: str) -> None:
        results = [
            indicators.IndicatorResult(code, achievement, *LETTERS.result) for code, _, _, achievement in INDICATORS
        ]
        indicators.record_results(
            self._office.archive, self._office.actor(login), dossier=self._dossier, step="6", results=results
        )

    def _submit(self, key: str) -> None:
        step, manner = self._sop.step(key), self._course.manner
        login = self._login(step.performer)
        for rule in step.file_outputs:
            self._upload(login, key, rule)
        if manner in INDICATORS_IN and key == "6":
            self._record_results(login)
        decisions.submit_step(
            self._office.archive,
            self._office.actor(login),
            dossier=self._dossier,
            step=key,
            accepts_gaps=manner == "gaps",
        )

    def _upload(self, login: str, key: str, rule: OutputRule) -> None:
        archive = self._office.archive
        with archive.db.read() as session:
            standing = load_dossier(archive, session, self._dossier).current_versions(key, rule.kind)
        round_ = " (perbaikan)" if standing else ""
        data = make_pdf(
            [
                rule.title + round_,
                self._unit.name,
                f"Triwulan {ROMAN[self._quarter]} {self._year}, langkah {key}",
                "Contoh: nama dan angka dalam dokumen ini rekaan.",
            ]
        )
        slug = rule.kind.replace("_", "-")
        uploads.receive_document(
            archive,
            self._office.actor(login),
            dossier=self._dossier,
            step=key,
            kind=rule.kind,
            file_name=f"{int(key):02}-{slug}-tw{self._quarter}-{self._year}.pdf",
            chunks=[data],
            document=standing[0].document if standing else None,
            # the second indicator's evidence never came
            indicator=INDICATORS[0][0] if key == "4" and self._course.manner in INDICATORS_IN else None,
            submission=uploads.SubmissionReceipt(
                LETTERS.application, LETTERS.address, f"{self._year}{self._quarter}{self._unit.number:03}"
            )
            if rule.evidence == "receipt"
            else None,
        )

    def _decide(self, key: str, decision: str, reason: str | None = None) -> None:
        archive, role = self._office.archive, self._sop.step(key).performer
        # two of the three decisions on the formulation are nobody's: the second of the team checks
        login = self._login(role)
        if key == "8" and self._course.manner == "substitute":
            login = self._login("sakip_team", 1)
        with archive.db.read() as session:
            seen = [v.id for v in load_dossier(archive, session, self._dossier).documents_to_decide(key)]
        decisions.decide_step(
            archive,
            self._office.actor(login),
            dossier=self._dossier,
            step=key,
            decision=decision,
            versions=seen,
            reason=reason,
        )

    def _archive(self) -> None:
        self._office.settle_jobs()
        actor = self._office.actor(self._login("data_officer"))
        decisions.archive_dossier(
            self._office.archive,
            actor,
            dossier=self._dossier,
            step="11",
            accepts_gaps=self._course.manner == "gaps",
        )

    def _pause(self) -> None:
        wanted = {"cause": "system_outage", "reason": LETTERS.pause_reason}
        pause = compliance.grant_pause(
            self._office.archive,
            self._office.actor(self._login("section_head")),
            dossier=self._dossier,
            step="4",
            to_at=None if self._course.manner == "paused_open" else self._office.clock.now() + timedelta(days=7),
            **wanted,
        )
        assert pause

    def _account(self) -> None:
        """The lead of the team accounts for the late step, where this one does."""
        if self._course.manner == "late":
            return
        self._office.settle_jobs()
        for deviation in self._open_deviations():
            deviations.explain_deviation(
                self._office.archive,
                self._office.actor(self._login("sakip_team")),
                dossier=self._dossier,
                deviation=deviation,
                explanation=LETTERS.late_reason,
            )

    def _answer(self) -> None:
        if self._course.manner == "late":
            return
        again = self._course.manner == "late_asked_again"
        for deviation in self._open_deviations():
            deviations.answer_explanation(
                self._office.archive,
                self._office.actor(self._login("section_head")),
                dossier=self._dossier,
                deviation=deviation,
                number=1,
                is_accepted=not again,
                reason=LETTERS.ask_again if again else None,
            )

    def _open_deviations(self) -> list[str]:
        archive = self._office.archive
        with archive.db.read() as session:
            return [d.id for d in load_dossier(archive, session, self._dossier).deviations if d.step == "4"]

    def _substitute(self) -> None:
        """The section head is away for two days; the second of the team stands in."""
        office = self._office
        with office.archive.db.read() as session:
            held = session.execute(
                select(AssignmentRow.id).where(
                    AssignmentRow.person_id == office.persons[self._login("section_head")],
                    AssignmentRow.role == "section_head",
                )
            ).scalar_one()
        day = (office.clock.moment + timedelta(hours=7)).date()
        proposal = delegations.propose_delegation(
            office.archive,
            office.actor(self._login("satker_head")),
            substitute=office.persons[self._login("sakip_team", 1)],
            assignment=held,
            mode="plh",
            from_on=day.isoformat(),
            to_on=(day + timedelta(days=1)).isoformat(),
            letter=LETTERS.order,
            letter_on=(day - timedelta(days=1)).isoformat(),
        )
        delegations.confirm_delegation(office.archive, office.actor("admin"), delegation=proposal)

    def _request_cancellation(self) -> None:
        actor = self._office.actor(self._login("data_officer"))
        dossiers.request_cancellation(
            self._office.archive, actor, dossier=self._dossier, reason=LETTERS.cancellation_reason
        )

    def _cancel(self) -> None:
        dossiers.confirm_cancellation(
            self._office.archive, self._office.actor(self._login("section_head")), dossier=self._dossier
        )


def _register(office: SampleOffice, units: Sequence[SampleUnit], password: str) -> None:
    admin = office.actor("admin")
    with office.archive.db.read() as session:
        top = session.execute(select(WorkUnitRow.id).where(WorkUnitRow.parent_id.is_(None))).scalar_one()
    for unit in units:
        if unit.number == 1:
            office.units[unit.code] = top
        else:
            office.units[unit.code] = people.create_work_unit(
                office.archive, admin, code=unit.code, name=unit.name, parent=top
            )
        for member in unit.members:
            _join(office, admin, member, office.units[unit.code], password)


def _join(office: SampleOffice, admin: Actor, member: Member, unit: str, password: str) -> None:
    person, user = users.register_with_login(
        office.archive, admin, name=member.name, login=member.login, password=password
    )
    office.persons[member.login], office.users[member.login] = person, user
    people.assign_role(
        office.archive,
        admin,
        person=person,
        role=member.role,
        work_unit=unit,
        from_on="2025-06-02",
        lead=member.lead,
    )


def _oblige(office: SampleOffice, period: tuple[int, int]) -> None:
    obligations.set_obligations(
        office.archive,
        office.actor("nuraini"),
        sop=SOP,
        year=period[0],
        quarter=period[1],
        due_on=DUE[period],
        basis="letter",
        letter=f"{400 + 10 * period[1]}/B1/TU/{period[0]}",
        work_units=list(office.units.values()),
    )


def _audit(office: SampleOffice) -> None:
    """The quality checker and the auditor look at two units in January: one finding is closed, one is being worked on, one is new."""
    archive, found = office.archive, []
    with archive.db.read() as session:
        for code in list(office.units):
            rows = session.execute(
                select(DeviationRow.id)
                .where(DeviationRow.dossier_id.in_([d for k, d in office.dossiers.items() if k[0] == code]))
                .order_by(DeviationRow.id)
            ).scalars()
            found.append((code, rows.all()))
    stages = 0
    for code, theirs in found:
        if not theirs or stages == 3:
            continue
        stages += 1
        finding = findings.propose_finding(
            archive,
            office.actor("nuraini"),
            work_unit=office.units[code],
            deviations=theirs[:2],
            text=LETTERS.candidate,
        )
        if stages == 3:
            continue
        auditor = office.actor("wahyu")
        findings.classify_finding(
            archive,
            auditor,
            finding=finding,
            classification="kts_minor" if stages == 1 else "observation",
            problem=LETTERS.problem,
            location=LETTERS.location,
            evidence=LETTERS.objective_evidence,
            reference=LETTERS.reference,
        )
        findings.state_cause(archive, auditor, finding=finding, cause=LETTERS.cause)
        pic = next(u for u in SAMPLE_UNITS if u.code == code).logins("section_head")[0]
        due_on = "2026-02-20" if stages == 1 else "2026-03-06"
        findings.set_action(
            archive, auditor, finding=finding, action=LETTERS.action, pic=office.persons[pic], due_on=due_on
        )
        if stages == 1:
            findings.finish_action(archive, office.actor(pic), finding=finding, note=LETTERS.action_note)
            findings.check_effect(archive, auditor, finding=finding, is_effective=True, note=LETTERS.effect_note)


def play_year(
    archive: Archive, clock: SampleClock, *, password: str, units: Sequence[SampleUnit] = SAMPLE_UNITS
) -> SampleOffice:
    """The office at the end of its year; the archive may be empty, or hold an administrator alone, and ``clock`` is its clock.

    Bundles are left to the archive's runner.
    """
    clock.go_to(wib(BEGINS))
    setup.bootstrap(archive, unit_code=SAMPLE_UNITS[0].code, unit_name=SAMPLE_UNITS[0].name)
    office = SampleOffice(archive, clock)
    _register(office, units, password)
    with archive.db.read() as session:
        sop = archive.catalog.sop(session, archive.catalog.newest(session, "sop", SOP).digest)
    acts: list[Iterator[tuple[datetime, int, Callable[[], None]]]] = []
    order = 0

    def numbered(
        source: Iterator[tuple[datetime, Callable[[], None]]],
    ) -> Iterator[tuple[datetime, int, Callable[[], None]]]:
        nonlocal order
        for moment, act in source:
            order += 1
            yield moment, order, act

    for index, period in enumerate(QUARTERS):
        opening = wib(f"{STARTS[period]}T07:45")
        acts.append(numbered(iter([(opening, partial(_oblige, office, period))])))
        for unit in units:
            course = PLAN[unit.code][index]
            if course is not None:
                acts.append(numbered(Play(office, sop, unit, period, course).acts()))
    looks = [wib(f"{DUE[p]}T17:00") + timedelta(days=1) for p in QUARTERS[:3]]
    acts.append(numbered(iter([(moment, office.sweep) for moment in looks])))
    acts.append(numbered(iter([(wib("2026-01-21T10:00"), lambda: _audit(office))])))
    end = wib(ENDS)
    for moment, _, act in heapq.merge(*acts):
        if moment < end:
            clock.go_to(moment)
            act()
    clock.go_to(end)
    office.sweep()
    keeper = LogKeeper(archive)
    while keeper.turn():
        pass
    while quality.fold_counts(archive):
        pass
    return office
