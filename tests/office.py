"""A real archive in a temporary folder, with the people of an office and a clock that the test sets."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, select, text

from archive_service import wiring
from archive_service.archive import Archive
from archive_service.catalog import define
from archive_service.config import load_settings
from archive_service.db import queries
from archive_service.db.models import UserRow
from archive_service.domain.deviation import Deviation
from archive_service.runner import Runner
from archive_service.services import (
    decisions,
    definitions,
    deviations,
    dossiers,
    passkeys,
    people,
    setup,
    uploads,
    users,
)
from archive_service.services.actor import Actor
from archive_service.services.work import load_dossier
from tests.authenticator import SoftAuthenticator

SAMPLES = Path(__file__).parent.parent / "archive_service" / "data" / "samples"
ORIGIN = "archive.test/log"
PASSWORD = "kata sandi untuk uji"
ROLES = {
    "ratna": "satker_head",
    "hendra": "section_head",
    "sari": "sakip_team",
    "agus": "sakip_team",
    "bima": "planning_officer",
    "maya": "data_officer",
    "wahyu": "auditor",
    "nuraini": "quality_checker",
}


def wib(text: str) -> datetime:
    """The instant of a WIB time such as ``2026-03-13T09:00``."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


@dataclass
class TestClock:
    """A clock that stands still but for a microsecond a reading."""

    __test__ = False
    moment: datetime

    def now(self) -> datetime:
        """The time."""
        self.moment += timedelta(microseconds=1)
        return self.moment


@dataclass
class Office:
    """The archive, its clock and its people."""

    archive: Archive
    clock: TestClock
    unit: str
    persons: dict[str, str] = field(default_factory=dict)
    samples: dict[tuple[str, int], list[dict[str, str]]] = field(default_factory=dict)
    owner_url: str | None = None

    def at(self, text: str) -> None:
        """Set the clock to this WIB time."""
        self.clock.moment = wib(text)

    def actor(self, login: str) -> Actor:
        """The person as the service knows them now."""
        with self.archive.db.read() as session:
            row = session.execute(select(UserRow).where(UserRow.login == login)).scalar_one()
            return users.make_actor(session, row.id, row.person_id, self.clock.now())

    def settle(self, *logins: str) -> None:
        """Let people choose their passwords themselves, as they must before anything else."""
        for actor in map(self.actor, logins):
            if users.is_password_due(self.archive, actor.user):
                users.set_password(self.archive, actor, user=actor.user, password=PASSWORD)

    @contextmanager
    def forced(self) -> Iterator[Connection]:
        """A connection to the database past every guard, as its owner might have it; commits at the end."""
        if self.owner_url is None:
            engine = create_engine(self.archive.settings.database_url)
        else:
            engine = create_engine(self.owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
        with engine.begin() as connection:
            if self.owner_url is None:
                for (name,) in connection.execute(text("select name from sqlite_master where type = 'trigger'")).all():
                    connection.execute(text(f"drop trigger {name}"))
            else:
                connection.execute(text("set session_replication_role = replica"))
            yield connection
        engine.dispose()

    def turn(self, runner: Runner | None = None) -> None:
        """Let the runner do all that is due."""
        runner = runner or Runner(self.archive)
        for _ in range(50):
            if not runner.turn():
                return

    def open(self, login: str = "maya", received_at: str = "2026-03-13T09:00") -> str:
        """A new dossier for the first quarter of 2026."""
        return dossiers.open_dossier(
            self.archive,
            self.actor(login),
            sop="sop-spmi-601",
            work_unit=self.unit,
            year=2026,
            quarter=1,
            title="Pengukuran data kinerja triwulan I",
            letter=dossiers.RequestLetter(
                "0412/B1/TU/2026", "Sekretariat", "SM-178", "2026-03-12", f"{received_at}:00+07:00", "2026-04-10"
            ),
        )

    def upload(self, dossier: str, login: str, step: str, round: int = 1) -> list[uploads.Received]:
        """Send the samples of a step."""
        sent = []
        for entry in self.samples[(step, round)]:
            data = (SAMPLES / entry["file"]).read_bytes()
            submission = None
            if entry["kind"] == "submission_receipt":
                submission = uploads.SubmissionReceipt(entry["application"], entry["address"], entry["number"])
            sent.append(
                uploads.receive_document(
                    self.archive,
                    self.actor(login),
                    dossier=dossier,
                    step=step,
                    kind=entry["kind"],
                    file_name=entry["file"],
                    chunks=chunks_of(data),
                    submission=submission,
                )
            )
        return sent

    def submit(self, dossier: str, login: str, step: str, round: int = 1) -> None:
        """Send the samples of a step and submit it."""
        self.upload(dossier, login, step, round)
        decisions.submit_step(self.archive, self.actor(login), dossier=dossier, step=step)

    def decide(self, dossier: str, login: str, step: str, decision: str, reason: str | None = None) -> None:
        """Decide on what stands now."""
        with self.archive.db.read() as session:
            seen = [v.id for v in load_dossier(self.archive, session, dossier).documents_to_decide(step)]
        decisions.decide_step(
            self.archive,
            self.actor(login),
            dossier=dossier,
            step=step,
            decision=decision,
            versions=seen,
            reason=reason,
        )

    def sign(
        self, dossier: str, login: str, step: str, key: SoftAuthenticator, decision: str = "approve", **wish: Any
    ) -> None:
        """Decide on what stands now, with a passkey."""
        with self.archive.db.read() as session:
            seen = [v.id for v in load_dossier(self.archive, session, dossier).documents_to_decide(step)]
        prepared = decisions.prepare_decision(
            self.archive, self.actor(login), dossier=dossier, step=step, decision=decision, versions=seen, **wish
        )
        decisions.sign_decision(
            self.archive,
            self.actor(login),
            dossier=dossier,
            step=step,
            preparation=prepared["preparation"],
            credential=key.assert_(prepared["options"]),
        )

    def play(self, until: str = "11", *, with_return: bool = True) -> str:
        """A dossier played up to and including this step, on the demo's hours; step 4 is late."""
        self.at("2026-03-13T09:10")
        dossier = self.open()
        self._play(dossier, "1", until, with_return)
        return dossier

    def finish(self, dossier: str, first: str = "4") -> None:
        """Play a dossier whose step ``first`` is running to its end."""
        self._play(dossier, first, "11", True)

    def _play(self, dossier: str, first: str, until: str, with_return: bool) -> None:
        acts: list[tuple[str, str, Callable[[str], object]]] = [
            ("1", "2026-03-13T09:20", lambda d: self.submit(d, "ratna", "1")),
            ("2", "2026-03-13T09:30", lambda d: self.submit(d, "ratna", "2")),
            ("3", "2026-03-13T10:00", lambda d: self.submit(d, "hendra", "3")),
            ("4", "2026-03-25T10:00", lambda d: self.submit(d, "sari", "4")),
            ("5", "2026-03-26T09:00", lambda d: self.submit(d, "sari", "5")),
            ("6", "2026-03-26T15:00", lambda d: self.submit(d, "bima", "6")),
            ("7", "2026-03-27T09:00", lambda d: self.decide(d, "sari", "7", "approve")),
        ]
        if with_return:
            acts += [
                ("8", "2026-03-27T14:00", lambda d: self.decide(d, "hendra", "8", "return", "Angka IKU 2 keliru.")),
                ("8", "2026-03-30T10:00", lambda d: self.submit(d, "bima", "6", 2)),
                ("8", "2026-03-30T14:00", lambda d: self.decide(d, "sari", "7", "approve")),
            ]
        acts += [
            ("8", "2026-03-31T09:00", lambda d: self.decide(d, "hendra", "8", "approve")),
            ("9", "2026-03-31T09:10", lambda d: self.decide(d, "ratna", "9", "approve")),
            ("10", "2026-03-31T10:00", lambda d: self.submit(d, "maya", "10")),
            ("11", "2026-03-31T10:12", lambda d: self.seal(d)),
        ]
        for step, moment, act in acts:
            if int(first) <= int(step) <= int(until):
                self.at(moment)
                act(dossier)

    def register(self, name: str, **changes: Any) -> str:
        """A changed version of a shipped definition, registered by the administrator; its digest."""
        mapping = tomllib.loads((SAMPLES.parent / name).read_text(encoding="utf-8"))
        definition = define({**mapping, **changes})
        definitions.register_definition(self.archive, self.actor("admin"), definition=definition)
        return definition.digest

    def find_deviation(self, dossier: str, code: str) -> Deviation:
        """The first deviation of a code."""
        with self.archive.db.read() as session:
            return next(d for d in load_dossier(self.archive, session, dossier).deviations if d.code == code)

    def explain(self, dossier: str, login: str, code: str, text: str = "Rapat ditunda karena libur.") -> int:
        """Explain the first deviation of a code; the explanation's number."""
        return deviations.explain_deviation(
            self.archive,
            self.actor(login),
            dossier=dossier,
            deviation=self.find_deviation(dossier, code).id,
            explanation=text,
        )

    def answer(self, dossier: str, login: str, code: str, number: int, reason: str | None = None) -> None:
        """Accept the explanation of a code, or ask again where a reason is given."""
        deviations.answer_explanation(
            self.archive,
            self.actor(login),
            dossier=dossier,
            deviation=self.find_deviation(dossier, code).id,
            number=number,
            is_accepted=reason is None,
            reason=reason,
        )

    def seal(self, dossier: str) -> str:
        """Archive a dossier."""
        return decisions.archive_dossier(self.archive, self.actor("maya"), dossier=dossier, step="11")


def register_passkey(office: Office, login: str, key: SoftAuthenticator, name: str = "Laptop") -> str:
    """A person's new passkey, named by the leaf hash of its registration."""
    actor = office.actor(login)
    prepared = passkeys.prepare_passkey(office.archive, actor, password=PASSWORD)
    return passkeys.register_passkey(
        office.archive,
        actor,
        preparation=prepared["preparation"],
        name=name,
        credential=key.register(prepared["options"]),
    )


def chunks_of(data: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    """The data in pieces."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _load_samples() -> dict[tuple[str, int], list[dict[str, str]]]:
    index = tomllib.loads((SAMPLES / "samples.toml").read_text(encoding="utf-8"))
    samples: dict[tuple[str, int], list[dict[str, str]]] = {}
    for entry in index["samples"]:
        samples.setdefault((str(entry["step"]), int(entry.get("round", 1))), []).append(entry)
    return samples


def open_office(folder: Path, start: str = "2026-03-12T08:00", **overrides: Any) -> Office:
    """The office whose archive lies in this folder; an empty folder becomes a new archive with an administrator alone.

    ``overrides`` are settings that differ from the embedded default.
    """
    clock = TestClock(wib(start))
    archive = wiring.build(
        load_settings(**{"data_dir": folder, "log_origin": ORIGIN, "second_factor_roles": "", **overrides}),
        evidence_clock=clock.now,
    )
    setup.bootstrap(archive, unit_code="polman-babel", unit_name="Polman Babel")
    with archive.db.read() as session:
        unit = queries.list_work_units(session)[0]["work_unit"]
        persons = dict(session.execute(select(UserRow.login, UserRow.person_id)).all())
    return Office(archive, clock, unit, persons, _load_samples())


def make_office(folder: Path, **overrides: Any) -> Office:
    """A new office with its people, set up on 12 March 2026."""
    office = open_office(folder, **overrides)
    admin = office.actor("admin")
    for login, role in ROLES.items():
        person = people.register_person(office.archive, admin, name=login.title())
        users.create_user(office.archive, admin, person=person, login=login, password=PASSWORD)
        people.assign_role(
            office.archive,
            admin,
            person=person,
            role=role,
            work_unit=office.unit,
            from_on="2026-01-01",
            lead=login == "sari",
        )
        office.persons[login] = person
    return office
