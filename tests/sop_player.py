"""Plays any SOP from its data alone: people for its roles, a fitting file for each output, every step to the sealed bundle."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from archive_service.catalog import load_definition
from archive_service.domain.dossier import Dossier
from archive_service.domain.sop import OutputRule, Sop
from archive_service.domain.states import RUNNING, SKIPPED
from archive_service.errors import Conflict
from archive_service.runner import Runner
from archive_service.services import decisions, definitions, dossiers, people, reading, uploads, users
from archive_service.services.actor import Assignment
from archive_service.services.work import load_dossier
from archive_service.verifier.verify import Report, check_bundle
from tests.office import PASSWORD, ROLES, SAMPLES, Office, chunks_of

SOPS = SAMPLES.parent / "sops"
FILES = {
    "application/pdf": "04-data-dukung-iku-1.pdf",
    "image/png": "10-bukti-unggah.png",
    "image/jpeg": "02-lembar-disposisi.jpg",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "04-data-capaian-kinerja.xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "05-notula-rapat.docx",
}
STEP_TAKES = timedelta(minutes=8)


@dataclass
class Player:
    """One dossier of an SOP, and somebody for each of its roles."""

    office: Office
    path: Path
    logins: dict[str, str] = field(default_factory=dict)
    dossier: str = ""

    def __post_init__(self) -> None:
        definition = load_definition(self.path)
        admin = self.office.actor("admin")
        definitions.register_definition(self.office.archive, admin, definition=definition)
        with self.office.archive.db.read() as session:
            self.sop: Sop = self.office.archive.catalog.sop(session, definition.digest)
        known = {row.role: login for login, row in self._held()}
        for role in self.sop.roles:
            if role.key in known:
                self.logins[role.key] = known[role.key]
                continue
            login = f"{self.sop.key}-{role.key}".replace("_", "-")
            person = people.register_person(self.office.archive, admin, name=role.title)
            users.create_user(self.office.archive, admin, person=person, login=login, password=PASSWORD)
            people.assign_role(
                self.office.archive,
                admin,
                person=person,
                role=role.key,
                work_unit=self.office.unit,
                from_on="2026-01-01",
            )
            self.logins[role.key] = login

    def _held(self) -> list[tuple[str, Assignment]]:
        """Who holds what in the office already."""
        return [(login, held) for login in ROLES for held in self.office.actor(login).assignments]

    def open(self, answers: Mapping[str, str] | None = None) -> None:
        """Open the dossier as the performer of a first step."""
        self.office.at("2026-04-06T09:00")
        self.dossier = dossiers.open_dossier(
            self.office.archive,
            self.office.actor(self.logins[self.sop.step(self.sop.first_steps()[0]).performer]),
            sop=self.sop.key,
            work_unit=self.office.unit,
            year=2026,
            quarter=2,
            title=self.sop.title,
            letter=dossiers.RequestLetter("1", "Pengirim", "2", "2026-04-06", "2026-04-06T08:55:00+07:00"),
            answers=answers,
        )

    def state(self) -> Dossier:
        """The dossier now."""
        with self.office.archive.db.read() as session:
            return load_dossier(self.office.archive, session, self.dossier)

    def running(self) -> list[str]:
        """The steps that run now, in the SOP's order."""
        state = self.state()
        return [key for key in self.sop.order if state.step_state(key) == RUNNING]

    def skipped(self) -> list[str]:
        """The steps that were skipped."""
        state = self.state()
        return [key for key in self.sop.order if state.step_state(key) == SKIPPED]

    def finish(self, key: str, decision: str = "approve", answers: Mapping[str, str] | None = None) -> None:
        """Do what a running step asks for: files, a submission, a decision or the seal."""
        self.office.clock.moment += STEP_TAKES
        step, archive = self.sop.step(key), self.office.archive
        actor = self.office.actor(self.logins[step.performer])
        given = {q.key: q.choices[0] for q in self.sop.questions_at(key)} | dict(answers or {})
        if step.kind == "archive":
            decisions.archive_dossier(archive, actor, dossier=self.dossier, step=key)
            return
        if step.is_decision:
            decisions.decide_step(
                archive,
                actor,
                dossier=self.dossier,
                step=key,
                decision=decision,
                versions=[v.id for v in self.state().documents_to_decide(key)],
                reason="Perlu dilengkapi." if decision == "return" else None,
                answers=None if decision == "return" else given,
            )
            return
        for rule in step.file_outputs:
            standing = self.state().current_versions(key, rule.kind)
            for number in range(max(rule.minimum, 1)):
                self.upload(key, rule, standing[number].document if number < len(standing) else None)
        decisions.submit_step(archive, actor, dossier=self.dossier, step=key, answers=given)

    def upload(self, key: str, rule: OutputRule, document: str | None) -> None:
        """A small file of a type that the output takes."""
        name = next(FILES[media] for media in rule.media if media in FILES)
        receipt = uploads.SubmissionReceipt("Aplikasi", "https://contoh.test", "1")
        uploads.receive_document(
            self.office.archive,
            self.office.actor(self.logins[self.sop.step(key).performer]),
            dossier=self.dossier,
            step=key,
            kind=rule.kind,
            file_name=name,
            chunks=chunks_of((SAMPLES / name).read_bytes()),
            document=document,
            submission=receipt if rule.evidence == "receipt" else None,
        )

    def play(self, answers: Mapping[str, str] | None = None) -> None:
        """Finish what runs, the first in the SOP's order each time, until nothing runs."""
        while running := self.running():
            self.finish(running[0], answers={k: v for k, v in (answers or {}).items() if self.is_asked(running[0], k)})

    def is_asked(self, step: str, question: str) -> bool:
        """Whether the step asks this question."""
        return any(q.key == question for q in self.sop.questions_at(step))

    def verify(self) -> Report:
        """Build the bundle and verify it as a stranger with the log's key would."""
        runner = Runner(self.office.archive)
        for _ in range(100):
            runner.turn()
            try:
                content = reading.read_bundle(self.office.archive, self.office.actor("nuraini"), dossier=self.dossier)
                break
            except Conflict:
                self.office.clock.moment += timedelta(seconds=1)
        data = b"".join(content.chunks)
        return check_bundle(io.BytesIO(data), len(data), self.office.archive.log_key.verifier_key)

    def statement(self) -> dict[str, Any]:
        """The sealed statement."""
        from archive_service.db.models import StatementRow
        from archive_service.domain import canonical

        with self.office.archive.db.read() as session:
            found: dict[str, Any] = canonical.decode(session.get_one(StatementRow, self.dossier).data)
        return found
