"""Verification of a bundle, offline, in numbered steps: no database, no store, no network, no trust in what is read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

from archive_service.domain import canonical, manifest, working_time
from archive_service.domain.discrepancy import ERROR, Discrepancy
from archive_service.domain.dossier import Dossier
from archive_service.domain.note import NoteError, VerifierKey, parse_vkey
from archive_service.domain.sop import Sop, parse_sop
from archive_service.verifier import rules
from archive_service.verifier.container import Container, check_contents, is_no_bundle, open_container
from archive_service.verifier.evidence import Evidence, read_evidence
from archive_service.verifier.messages import STEPS, WORDS
from archive_service.verifier.report import Names, render_report, render_table

VALID = "VALID"
REDACTED = "VALID WITH REDACTIONS"
INVALID = "INVALID"
UNCONFIRMED = "CONSISTENT, ISSUER NOT CONFIRMED"
NO_BUNDLE = "NO BUNDLE"
EXIT_CODES = {VALID: 0, REDACTED: 0, INVALID: 1, NO_BUNDLE: 2, UNCONFIRMED: 3}
KEY_LIMIT_BYTES = 4096
SHOWN = 20

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
            "level": {"signed": self.verdict in (VALID, REDACTED), "witnesses": 0, "time_stamps": 0},
            "steps": [
                {
                    "step": number,
                    "id": step.id,
                    "proves": STEPS[step.id][1],
                    "state": step.state,
                    "discrepancies": [d.plain() for d in step.discrepancies],
                }
                for number, step in enumerate(self.steps, 1)
            ],
        }

    def lines(self, lang: str) -> List[str]:
        """The report for people; the last line is the verdict."""
        column = 0 if lang == "id" else 1
        if self.is_no_bundle:
            return [WORDS["no_bundle"][column], NO_BUNDLE]
        lines: List[str] = []
        for number, step in enumerate(self.steps, 1):
            mark = {PASSED: "✓", FAILED: "✗", SKIPPED: "–"}[step.state]
            note = f" ({WORDS['skipped'][column]})" if step.state == SKIPPED else ""
            lines.append(f"{number:2}. {mark} {STEPS[step.id][column]}{note}")
            for d in step.discrepancies[:SHOWN]:
                lines.append(f"      {'✗' if d.severity == ERROR else '·'} {d.code}: {d.place}: {d.text}")
            if len(step.discrepancies) > SHOWN:
                lines.append("      " + WORDS["more"][column] % (len(step.discrepancies) - SHOWN))
        if self.verdict == UNCONFIRMED:
            lines.append(WORDS["no_key"][column])
        if self.verdict in (VALID, REDACTED):
            lines.append(WORDS["level"][column])
        lines.append(self.verdict)
        return lines


class _Verification:
    """The state that steps hand on to each other."""

    def __init__(self, source: BinaryIO, size: int, pinned: Optional[VerifierKey]) -> None:
        self.report = Report(is_pinned=pinned is not None)
        self._source = source
        self._size = size
        self._pinned = pinned
        self._steps = {step.id: step for step in self.report.steps}
        self.container: Optional[Container] = None
        self.evidence = Evidence()
        self.dossier_id = ""
        self.sop: Optional[Sop] = None
        self.calendar: Optional[working_time.Calendar] = None
        self.definitions: Dict[str, Dict[str, Any]] = {}
        self.dossier: Optional[Dossier] = None

    def run(self, id: str, check: Callable[[], List[Discrepancy]]) -> bool:
        """Run one step; whether it passed. Whatever goes wrong on hostile input is a discrepancy, never an error."""
        step = self._steps[id]
        try:
            step.discrepancies = check()
        except Exception as exc:
            # the process edge of a verifier of untrusted files: no crafted input may crash it or pass unseen
            step.discrepancies = [Discrepancy("unreadable", id, f"{type(exc).__name__}: {str(exc)[:300]}")]
        step.state = FAILED if any(d.severity == ERROR for d in step.discrepancies) else PASSED
        return step.state == PASSED

    def verify(self) -> Report:
        """All steps in order; later ones are skipped when what they rest on cannot be read."""
        if is_no_bundle(self._source, self._size):
            self.report.is_no_bundle = True
            return self.report
        if not self.run("container", self._open):
            return self.report
        self.run("bag", self._check_bag)
        if not self.run("events", self._read):
            return self.report
        evidence = self.evidence
        self.run("chains", lambda: rules.check_chains(evidence, self.dossier_id))
        self.run("closing", lambda: rules.check_closing(evidence))
        self.run("checkpoint", lambda: rules.check_checkpoint(evidence, self._pinned))
        self.run("membership", lambda: rules.check_membership(evidence))
        if not self.run("registrations", self._check_registrations) or not self.run("moves", self._check_moves):
            return self.report
        sop, calendar, dossier, container = self.sop, self.calendar, self.dossier, self.container
        if sop is None or calendar is None or dossier is None or container is None:
            return self.report
        sizes = {path: entry.size for path, entry in container.entries.items()}
        self.run("authority", lambda: rules.check_authority(evidence, calendar.utc_offset_minutes))
        self.run("duties", lambda: rules.check_duties(sop, evidence.events))
        self.run("documents", lambda: rules.check_documents(dossier, sizes, container.digests))
        self.run("openings", lambda: rules.check_openings(evidence))
        self.run("time", lambda: rules.check_times(dossier, calendar))
        self.run("completeness", lambda: rules.check_completeness(dossier))
        self.run("deviations", lambda: rules.check_deviations(dossier, evidence.events, calendar))
        self.run("statement", lambda: rules.check_statement(dossier, evidence, calendar, self.definitions))
        self.run("report", self._check_report)
        return self.report

    def _open(self) -> List[Discrepancy]:
        try:
            self.container = open_container(self._source, self._size)
        except (ValueError, OverflowError) as exc:
            return [Discrepancy("container_damaged", "ZIP", str(exc))]
        folder = self.container.folder
        self.dossier_id = folder.partition("-")[2]
        if folder != manifest.bundle_name(self.dossier_id):
            return [Discrepancy("container_damaged", folder, "the folder is not named after a dossier")]
        return []

    def _check_bag(self) -> List[Discrepancy]:
        assert self.container is not None
        container = self.container
        found = check_contents(container)
        payload = [path for path in container.order if path.startswith("data/")]
        tags = [manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST]
        if container.order != [*tags, manifest.TAG_MANIFEST, *sorted(payload)]:
            found.append(
                Discrepancy("bag_order", "bag", "a bag file is missing or extra, or the files are not in order")
            )
        expected = {
            manifest.BAGIT: manifest.BAGIT_TEXT,
            manifest.MANIFEST: manifest.manifest_text((path, container.digests[path]) for path in payload),
            manifest.TAG_MANIFEST: manifest.manifest_text(
                (path, container.digests[path]) for path in tags if path in container.digests
            ),
            manifest.README: manifest.README_TEXT,
        }
        for path, text in expected.items():
            if path not in container.entries:
                found.append(Discrepancy("bag_file_missing", path, "the file is not in the bag"))
            elif container.read(path) != text.encode():
                found.append(Discrepancy("bag_file_differs", path, "the file is not what follows from the bag"))
        return found

    def _read(self) -> List[Discrepancy]:
        assert self.container is not None
        self.evidence, found = read_evidence(self.container)
        return found

    def _check_registrations(self) -> List[Discrepancy]:
        found = rules.check_registrations(self.evidence) + rules.check_pinned(self.evidence, self._pinned)
        if found:
            return found
        opened = self.evidence.events[0].payload
        sop = canonical.decode(self.evidence.definitions[opened["sop"]])
        calendar = canonical.decode(self.evidence.definitions[opened["calendar"]])
        self.sop, self.calendar = parse_sop(sop), working_time.parse_calendar(calendar)
        for kind, digest, value in (("sop", opened["sop"], sop), ("calendar", opened["calendar"], calendar)):
            self.definitions[kind] = {"key": value["key"], "version": value["version"], "digest": digest}
        for event in self.evidence.registrations:
            p = event.payload
            if event.type == "definition.registered":
                value = self.definitions[p["definition_kind"]]
                size = len(self.evidence.definitions[p["digest"]])
                if (p["key"], p["version"], p["size"]) != (value["key"], value["version"], size):
                    found.append(
                        Discrepancy(
                            "definition_unregistered", manifest.REGISTRATIONS, f"{p['key']} was registered otherwise"
                        )
                    )
        return found

    def _check_moves(self) -> List[Discrepancy]:
        assert self.sop is not None and self.container is not None
        self.dossier, found = rules.tell_dossier(self.sop, self.evidence.events)
        if found:
            return found
        return self._check_layout(self.dossier)

    def _check_layout(self, dossier: Dossier) -> List[Discrepancy]:
        """Every file is one that the evidence asks for, and the bag's information is what follows from it."""
        assert self.container is not None and self.sop is not None
        container = self.container
        due = set(manifest.document_names(dossier).values())
        due.update(
            [
                manifest.README,
                manifest.EVENTS,
                manifest.REGISTRATIONS,
                manifest.STATEMENT,
                manifest.OPENINGS,
                manifest.PROOFS,
                manifest.CHECKPOINT,
                manifest.KEYS,
                manifest.REPORT,
            ]
        )
        due.update(f"{manifest.PERSONS_FOLDER}{person}.jsonl" for person in self.evidence.persons)
        due.update(f"{manifest.DEFINITIONS_FOLDER}{digest}.json" for digest in self.evidence.definitions)
        payload = {path for path in container.order if path.startswith("data/")}
        found = [
            Discrepancy("file_extra", path, "nothing in the evidence asks for this file")
            for path in sorted(payload - due)
        ]
        found += [
            Discrepancy("file_missing", path, "the evidence asks for this file") for path in sorted(due - payload)
        ]
        info = manifest.bag_info_text(
            organization=self.sop.institution,
            dossier_id=dossier.id,
            bagged_on=self.evidence.events[-1].at[:10],
            payload=[container.entries[path].size for path in payload],
        )
        if manifest.BAG_INFO not in container.entries or container.read(manifest.BAG_INFO) != info.encode():
            found.append(
                Discrepancy("bag_file_differs", manifest.BAG_INFO, "the file is not what follows from the evidence")
            )
        return found

    def _check_report(self) -> List[Discrepancy]:
        assert self.container is not None and self.sop is not None
        text = render_report(canonical.decode(self.evidence.statement), self.sop, gather_names(self.evidence))
        if self.container.read(manifest.REPORT) != text.encode():
            return [Discrepancy("report_differs", manifest.REPORT, "rendered again it reads otherwise")]
        return []


def gather_names(evidence: Evidence) -> Names:
    """The names behind the evidence's ids."""
    events = [*evidence.events, *(chain[0] for chain in evidence.persons.values() if chain), *evidence.registrations]
    return Names.gather(events, {key: value for key, (value, _) in evidence.openings.items()})


def check_bundle(source: BinaryIO, size: int, pinned: Optional[VerifierKey]) -> Report:
    """The report on a bundle in a seekable file of ``size`` bytes, against the log's key where one is pinned; never raises on any content."""
    return _Verification(source, size, pinned).verify()


def read_key(key: str) -> VerifierKey:
    """The verifier key in a text, or in the file of that name; ValueError when there is none."""
    if os.path.isfile(key):
        with open(key, "rb") as file:
            text = file.read(KEY_LIMIT_BYTES).decode("utf-8", "replace")
    else:
        text = key
    lines = text.strip().splitlines()
    if not lines:
        raise NoteError("the key is empty")
    return parse_vkey(lines[0].strip())


def verify_file(path: str, key: Optional[str], lang: str, is_json: bool) -> Tuple[str, int]:
    """The report on a file as text (or JSON), and the exit code; a file or key that cannot be read gives a sentence and 2."""
    try:
        pinned = None if key is None else read_key(key)
    except ValueError as exc:
        return f"The verifier key cannot be used: {exc}.", 2
    try:
        with open(path, "rb") as source:
            report = check_bundle(source, os.fstat(source.fileno()).st_size, pinned)
    except OSError as exc:
        return f"Cannot read {path}: {exc.strerror}.", 2
    if is_json:
        return json.dumps(report.plain(), indent=2, ensure_ascii=False), report.exit_code
    return "\n".join(report.lines(lang)), report.exit_code


def render_bundle_table(path: str, lang: str) -> str:
    """The table of a bundle's report: step, who, norm, working time used, completeness, time; ValueError when it cannot be read."""
    with open(path, "rb") as source:
        container = open_container(source, os.fstat(source.fileno()).st_size)
        evidence, found = read_evidence(container)
    if found:
        raise ValueError(f"{found[0].place}: {found[0].text}")
    sop = parse_sop(canonical.decode(evidence.definitions[evidence.events[0].payload["sop"]]))
    return render_table(canonical.decode(evidence.statement), sop, gather_names(evidence), lang)
