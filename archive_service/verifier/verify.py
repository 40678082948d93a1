"""Verification of a bundle, offline, in numbered steps: no database, no store, no network, no trust in what is read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

from archive_service.domain import canonical, manifest
from archive_service.domain.discrepancy import ERROR, Discrepancy
from archive_service.domain.dossier import Dossier
from archive_service.domain.note import NoteError, VerifierKey, parse_vkey
from archive_service.domain.policy import POLICY_LIMIT_BYTES, Policy, parse_policy
from archive_service.domain.sop import Sop, parse_sop
from archive_service.verifier import proofs, rules
from archive_service.verifier.assertions import check_assertions
from archive_service.verifier.attestation import Attestation, check_attestation, describe
from archive_service.verifier.authority import check_authority
from archive_service.verifier.bag import check_bag, check_layout
from archive_service.verifier.container import Container, is_no_bundle, open_container
from archive_service.verifier.evidence import Evidence, read_evidence
from archive_service.verifier.messages import DISCREPANCIES, EXPLAINED, STEPS, WORDS
from archive_service.verifier.onefile import own_digest
from archive_service.verifier.report import Names, one_line, render_report, render_table

VALID = "VALID"
REDACTED = "VALID WITH REDACTIONS"
INVALID = "INVALID"
UNCONFIRMED = "CONSISTENT, ISSUER NOT CONFIRMED"
NO_BUNDLE = "NO BUNDLE"
EXIT_CODES = {VALID: 0, REDACTED: 0, INVALID: 1, NO_BUNDLE: 2, UNCONFIRMED: 3}
KEY_LIMIT_BYTES = 4096
SHOWN = 20
LINE_LIMIT = 400

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"


@dataclass
class StepResult:
    """One numbered step: its id, whether it passed, failed or could not be checked, and what it found."""

    id: str
    state: str = SKIPPED
    discrepancies: List[Discrepancy] = field(default_factory=list)


@dataclass
class Report:
    """What was verified, in order, and the verdict."""

    steps: List[StepResult] = field(default_factory=lambda: [StepResult(id) for id in STEPS])
    is_pinned: bool = False
    is_no_bundle: bool = False
    attestation: Attestation = field(default_factory=Attestation)
    contained_verifier: Optional[str] = None

    @property
    def discrepancies(self) -> List[Discrepancy]:
        """Everything found, in order."""
        return [d for step in self.steps for d in step.discrepancies]

    @property
    def verdict(self) -> str:
        """The last word."""
        if self.is_no_bundle:
            return NO_BUNDLE
        if any(step.state != PASSED for step in self.steps):
            return INVALID
        if not self.is_pinned:
            return UNCONFIRMED
        return REDACTED if self.discrepancies else VALID

    @property
    def exit_code(self) -> int:
        """0 valid, 1 discrepancies, 2 no bundle at all, 3 consistent but issuer not confirmed."""
        return EXIT_CODES[self.verdict]

    def plain(self) -> Dict[str, Any]:
        """The report as JSON-able data."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "level": {
                "signed": self.verdict in (VALID, REDACTED),
                "witnesses": len(self.attestation.witnesses),
                "witnesses_of": self.attestation.witnesses_of,
                "time_stamps": self.attestation.time_stamps,
            },
            "attestation": {
                "witnesses": self.attestation.witnesses,
                "unknown_cosigners": self.attestation.unknown,
                "openssl_commands": self.attestation.commands,
                "events": [interval.plain() for interval in self.attestation.intervals],
            },
            "steps": [
                {
                    "step": number,
                    "id": step.id,
                    "proves": EXPLAINED[step.id][1],
                    "state": step.state,
                    "discrepancies": [{**d.plain(), "means": DISCREPANCIES[d.code][1]} for d in step.discrepancies],
                }
                for number, step in enumerate(self.steps, 1)
            ],
            "verifier": {"sha256": own_digest(), "contained": self.contained_verifier},
        }

    def note_lines(self, column: int) -> List[str]:
        """What is worth knowing and is no fault: whether the verifier in the bundle is the one that runs."""
        contained = self.contained_verifier
        if contained is None:
            return []
        if contained == own_digest():
            return [WORDS["same_verifier"][column] % manifest.VERIFIER]
        return [WORDS["other_verifier"][column] % (manifest.VERIFIER, contained)]

    def lines(self, lang: str) -> List[str]:
        """The report for people; the last line is the verdict."""
        column = 0 if lang == "id" else 1
        if self.is_no_bundle:
            return [WORDS["no_bundle"][column], NO_BUNDLE]
        lines: List[str] = []
        for number, step in enumerate(self.steps, 1):
            mark = {PASSED: "✓", FAILED: "✗", SKIPPED: "–"}[step.state]
            note = f" ({WORDS['skipped'][column]})" if step.state == SKIPPED else ""
            lines.append(f"{number:2}. {mark} {EXPLAINED[step.id][column]}{note}")
            for d in step.discrepancies[:SHOWN]:
                lines.append("      " + _line(d, column))
            if len(step.discrepancies) > SHOWN:
                lines.append("      " + WORDS["more"][column] % (len(step.discrepancies) - SHOWN))
        lines += self.note_lines(column)
        if self.verdict == UNCONFIRMED:
            lines.append(WORDS["no_key"][column])
        lines += self._attested_lines(column)
        if self.verdict in (VALID, REDACTED):
            told = self.attestation
            level = WORDS["level"][column] % (len(told.witnesses), told.witnesses_of, told.time_stamps)
            lines.append(level)
        lines.append(self.verdict)
        return lines

    def _attested_lines(self, column: int) -> List[str]:
        """When each step was recorded, as far as others attest it, and what is left to the reader."""
        told = self.attestation
        lines: List[str] = []
        if any(each.after is not None or each.before is not None for each in told.intervals):
            lines += [one_line(line)[:LINE_LIMIT] for line in describe(told.intervals, WORDS, column)]
        elif told.intervals:
            lines.append(WORDS["claimed"][column].capitalize() + ".")
        if told.unknown:
            lines.append(one_line(WORDS["unknown_cosigners"][column] % ", ".join(told.unknown))[:LINE_LIMIT])
        if told.commands:
            lines.append(WORDS["check_time_stamps"][column])
            lines += ["  " + command for command in told.commands[:SHOWN]]
            if len(told.commands) > SHOWN:
                lines.append("  " + WORDS["more"][column] % (len(told.commands) - SHOWN))
        return lines


def _line(discrepancy: Discrepancy, column: int) -> str:
    """A discrepancy on one line of a terminal: what it quotes may hold line breaks and control sequences."""
    mark = "✗" if discrepancy.severity == ERROR else "·"
    line = f"{mark} {discrepancy.code}: {discrepancy.place}: {DISCREPANCIES[discrepancy.code][column]}"
    if discrepancy.text:
        line += f" ({discrepancy.text})"
    return one_line(line)[:LINE_LIMIT]


class _Verification:
    """The state that steps hand on to each other."""

    def __init__(
        self,
        source: BinaryIO,
        size: int,
        pinned: Optional[VerifierKey],
        policy: Optional[Policy],
        now: Optional[datetime],
    ) -> None:
        self.report = Report(is_pinned=pinned is not None)
        self._source = source
        self._size = size
        self._pinned = pinned
        self._policy = policy
        self._now = now
        self._steps = {step.id: step for step in self.report.steps}
        self.container: Optional[Container] = None
        self.evidence = Evidence()
        self.dossier_id = ""
        self.definitions: Optional[proofs.Definitions] = None
        self.dossier: Optional[Dossier] = None

    def run(self, id: str, check: Callable[[], List[Discrepancy]]) -> bool:
        """Run one step; whether it passed. Whatever goes wrong on hostile input is a discrepancy, never an error."""
        step = self._steps[id]
        try:
            step.discrepancies = check()
        except Exception as exc:  # noqa: BLE001
            # the process edge of a verifier of untrusted files: no crafted input may crash it or pass unseen
            step.discrepancies = [Discrepancy("unreadable", id, f"{type(exc).__name__}: {str(exc)[:300]}")]
        step.state = FAILED if any(d.severity == ERROR for d in step.discrepancies) else PASSED
        return step.state == PASSED

    def verify(self) -> Report:
        """All steps in order; later ones are skipped when what they rest on cannot be read."""
        if is_no_bundle(self._source, self._size):
            self.report.is_no_bundle = True
            return self.report
        self.run("container", self._open)
        container = self.container
        if container is None:
            return self.report
        self.run("bag", lambda: check_bag(container))
        self.report.contained_verifier = container.digests.get(manifest.VERIFIER)
        if not self.run("events", lambda: self._read(container)):
            return self.report
        evidence = self.evidence
        self.run("chains", lambda: proofs.check_chains(evidence, self.dossier_id))
        self.run("closing", lambda: proofs.check_closing(evidence))
        self._pin()
        self.run("checkpoint", lambda: proofs.check_checkpoint(evidence, self._pinned))
        self.run("membership", lambda: proofs.check_membership(evidence))
        self.run("attestation", self._check_attestation)
        self.run("openings", lambda: rules.check_openings(evidence))
        self.run("definitions", self._read_definitions)
        definitions = self.definitions
        if definitions is None:
            return self.report
        sop, calendars = definitions.sop, definitions.calendars
        self.run("registrations", lambda: proofs.check_registrations(evidence, definitions))
        self.run("authority", lambda: check_authority(evidence, sop, definitions.utc_offset_minutes))
        self.run("duties", lambda: rules.check_duties(sop, evidence.events))
        self.run("assertions", lambda: check_assertions(evidence))
        self.run("moves", lambda: self._tell(sop))
        dossier = self.dossier
        if dossier is None:
            return self.report
        self.run("documents", lambda: self._check_documents(container, dossier))
        if not self.run("time", lambda: rules.check_extent(dossier) or rules.check_times(dossier, calendars)):
            return self.report
        self.run("completeness", lambda: rules.check_completeness(dossier))
        self.run("deviations", lambda: rules.check_deviations(sop, evidence, calendars))
        if self.run("statement", lambda: self._check_statement(dossier, definitions)):
            # a report is rendered from a statement that holds: one of any other form says nothing
            self.run("report", lambda: self._check_report(container, sop))
        return self.report

    def _open(self) -> List[Discrepancy]:
        try:
            container = open_container(self._source, self._size)
        except (ValueError, OverflowError) as exc:
            return [Discrepancy("container_damaged", "ZIP", str(exc))]
        self.dossier_id = container.folder.partition("-")[2]
        if container.folder != manifest.bundle_name(self.dossier_id):
            return [Discrepancy("container_damaged", container.folder)]
        self.container = container
        return []

    def _read(self, container: Container) -> List[Discrepancy]:
        self.evidence, found = read_evidence(container)
        return found

    def _pin(self) -> None:
        """Without a pinned key: the one of the policy's logs that the bundle names, or else the first of them."""
        if self._pinned is None and self._policy is not None and self._policy.logs:
            keys = [log.key for log in self._policy.logs]
            self._pinned = next((key for key in keys if key in self.evidence.log_keys), keys[0])
            self.report.is_pinned = True

    def _check_attestation(self) -> List[Discrepancy]:
        self.report.attestation, found = check_attestation(self.evidence, self._policy, self._now)
        return found

    def _read_definitions(self) -> List[Discrepancy]:
        self.definitions, found = proofs.read_definitions(self.evidence)
        return found

    def _tell(self, sop: Sop) -> List[Discrepancy]:
        dossier, found = rules.tell_dossier(sop, self.evidence.events)
        self.dossier = None if found else dossier
        return found

    def _check_documents(self, container: Container, dossier: Dossier) -> List[Discrepancy]:
        sizes = {path: entry.size for path, entry in container.entries.items()}
        crcs = {path: entry.crc32 for path, entry in container.entries.items()}
        found = check_layout(container, self.evidence, dossier)
        return found + rules.check_documents(dossier, sizes, crcs, container.digests)

    def _check_statement(self, dossier: Dossier, definitions: proofs.Definitions) -> List[Discrepancy]:
        stated = definitions.retention
        return rules.check_statement(dossier, self.evidence, definitions.calendars, definitions.plain, stated)

    def _check_report(self, container: Container, sop: Sop) -> List[Discrepancy]:
        text = render_report(canonical.decode(self.evidence.statement), sop, gather_names(self.evidence))
        return [] if container.is_text(manifest.REPORT, text) else [Discrepancy("report_differs", manifest.REPORT)]


def gather_names(evidence: Evidence) -> Names:
    """The names behind the evidence's ids."""
    events = [*evidence.events, *(chain[0] for chain in evidence.persons.values() if chain), *evidence.registrations]
    return Names.gather(events, {key: value for key, (value, _) in evidence.openings.items()})


def check_bundle(
    source: BinaryIO,
    size: int,
    pinned: Optional[VerifierKey],
    policy: Optional[Policy] = None,
    now: Optional[datetime] = None,
) -> Report:
    """The report on a bundle in a seekable file of ``size`` bytes, against the log's key where one is pinned.

    ``policy`` says whose cosignatures count, and pins its logs' keys where no key is given; ``now`` is the time of the machine that
    verifies. Never raises on any content.
    """
    return _Verification(source, size, pinned, policy, now).verify()


def read_policy(path: str) -> Policy:
    """The witness policy in a file; ValueError or OSError when it cannot be used."""
    with open(path, "rb") as file:
        data = file.read(POLICY_LIMIT_BYTES + 1)
    return parse_policy(data.decode("utf-8"))


def read_keys(key: str) -> List[VerifierKey]:
    """The verifier keys in a text, or in the file of that name, one a line; ValueError when there is none, or one is not right."""
    if os.path.isfile(key):
        with open(key, "rb") as file:
            text = file.read(KEY_LIMIT_BYTES).decode("utf-8", "replace")
    else:
        text = key
    lines = text.strip().splitlines()
    if not lines:
        raise NoteError("the key is empty")
    return [parse_vkey(line.strip()) for line in lines]


def read_key(key: str) -> VerifierKey:
    """The first verifier key in a text, or in the file of that name; ValueError when there is none."""
    return read_keys(key)[0]


def open_file(path: str, lang: str) -> BinaryIO:
    """An ordinary file, opened; ValueError for a device or pipe, which might never end, OSError when it cannot be opened."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(WORDS["not_a_file"][0 if lang == "id" else 1])
    return open(path, "rb")


def verify_file(
    path: str, key: Optional[str], lang: str, is_json: bool, policy: Optional[str] = None
) -> Tuple[str, int]:
    """The report on a file as text (or JSON), and the exit code; an unreadable file or key gives a sentence and 2."""
    column = 0 if lang == "id" else 1
    try:
        pinned = None if key is None else read_key(key)
    except (OSError, ValueError) as exc:
        return WORDS["bad_key"][column] % exc, 2
    try:
        trusted = None if policy is None else read_policy(policy)
    except (OSError, ValueError) as exc:
        return WORDS["bad_policy"][column] % exc, 2
    now = datetime.now(timezone.utc)
    try:
        with open_file(path, lang) as source:
            report = check_bundle(source, os.fstat(source.fileno()).st_size, pinned, trusted, now)
    except (OSError, ValueError) as exc:
        return WORDS["bad_file"][column] % (path, getattr(exc, "strerror", None) or exc), 2
    if is_json:
        return json.dumps(report.plain(), indent=2, ensure_ascii=False), report.exit_code
    return "\n".join(report.lines(lang)), report.exit_code


def render_bundle_table(path: str, lang: str) -> str:
    """The table of a bundle's report: step, who, norm, working time used, completeness, time.

    ValueError when it cannot be read.
    """
    with open(path, "rb") as source:
        container = open_container(source, os.fstat(source.fileno()).st_size)
        evidence, found = read_evidence(container)
    if found:
        raise ValueError(f"{found[0].place}: {found[0].text}")
    sop = parse_sop(canonical.decode(evidence.definitions[evidence.events[0].payload["sop"]]))
    return render_table(canonical.decode(evidence.statement), sop, gather_names(evidence), lang)
