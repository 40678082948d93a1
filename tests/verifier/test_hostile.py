"""Bundles made to exhaust, confuse or fool whoever verifies them: bounded work, one line for one discrepancy."""

from __future__ import annotations

import io
import json
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive_service.domain import canonical, manifest
from archive_service.verifier import rules
from archive_service.verifier.assertions import FAULTS
from archive_service.verifier.messages import DISCREPANCIES, STEPS, WORDS
from archive_service.verifier.verify import INVALID, VALID, check_bundle, verify_file
from tests.bundling.dossier_builder import LOG_KEY, Builder, shipped, wib
from tests.domain.story import make_id
from tests.verifier import one_file
from tests.verifier.forger import Files, check, pack, unpack

SOURCES = Path(rules.__file__).parent


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return Builder().play().bundle()


def repacked(bundle: bytes, change: Callable[[Files], None]) -> bytes:
    folder, files = unpack(bundle)
    change(files)
    return pack(folder, files)


def codes(bundle: bytes) -> set[str]:
    report = check(bundle, LOG_KEY)
    assert (report.verdict, report.exit_code) == (INVALID, 1)
    return {d.code for d in report.discrepancies}


@pytest.fixture
def own_limits(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """For limits set lower in this process: the one-file verifier knows nothing of them and is not asked."""
    monkeypatch.setattr(one_file, "require_same", lambda *_: None)
    return monkeypatch


NESTED = b"[" * 100_000 + b"]" * 100_000
BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "deep JSON": (manifest.OPENINGS, NESTED, "evidence_unreadable"),
    "deep proofs": (manifest.PROOFS, b'{"leaves":' + NESTED + b',"size":1}', "evidence_unreadable"),
    "huge integer": (manifest.PROOFS, b'{"leaves":[],"size":' + b"9" * 100_000 + b"}", "evidence_unreadable"),
    "float": (manifest.PROOFS, b'{"leaves":[],"size":1.0}', "evidence_unreadable"),
    "size is true": (manifest.PROOFS, b'{"leaves":[],"size":true}', "proof_invalid"),
    "proofs are a list": (manifest.PROOFS, b"[]", "proof_invalid"),
    "leaves are null": (manifest.PROOFS, b'{"leaves":null,"size":1}', "proof_invalid"),
    "leaf is a number": (manifest.PROOFS, b'{"leaves":[1],"size":1}', "proof_invalid"),
    "openings of numbers": (manifest.OPENINGS, b"[1,2]", "opening_invalid"),
    "lone surrogate": (manifest.OPENINGS, rb'["\ud800"]', "evidence_unreadable"),
    "not UTF-8": (manifest.OPENINGS, b'["\xff"]', "evidence_unreadable"),
    "no JSON": (manifest.STATEMENT, b"hello", "statement_digest"),
    "empty keys": (manifest.KEYS, b"\n\n", "keys_invalid"),
    "keys not UTF-8": (manifest.KEYS, b"\xff\n\xff\n", "keys_invalid"),
    "empty checkpoint": (manifest.CHECKPOINT, b"", "checkpoint_invalid"),
    "checkpoint of zeros": (manifest.CHECKPOINT, b"\0" * 200, "checkpoint_invalid"),
    "empty lines": (manifest.EVENTS, b"\n\n\n", "event_invalid"),
    "events of arrays": (manifest.EVENTS, b"[]\n{}\nnull\n", "event_invalid"),
    "too many lines": (manifest.EVENTS, b"\n" * 60_000, "too_much"),
    "too many objects": (manifest.PROOFS, b'{"leaves":[' + b"{}," * 500_000 + b'{}],"size":1}', "evidence_unreadable"),
    "too many arrays": (manifest.OPENINGS, b"[" + b"[]," * 500_000 + b"[]]", "evidence_unreadable"),
    "a dense statement": (manifest.STATEMENT, b"[" + b"[]," * 500_000 + b"[]]", "evidence_unreadable"),
    "a dense definition": (
        f"{manifest.DEFINITIONS_FOLDER}{'ab' * 32}.json",
        b"[" + b"[]," * 500_000 + b"[]]",
        "evidence_unreadable",
    ),
    "registrations gone": (manifest.REGISTRATIONS, b"", "registration_extra"),
    "definitions of nothing": (f"{manifest.DEFINITIONS_FOLDER}{'ab' * 32}.json", b"{}", "definition_missing"),
    "person of no id": (f"{manifest.PERSONS_FOLDER}nobody.jsonl", b"", "stream_empty"),
    "folder in a folder": (f"{manifest.PERSONS_FOLDER}a/b.jsonl", b"", "stream_empty"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_evidence_of_another_form_is_a_discrepancy(bundle: bytes, name: str) -> None:
    path, data, code = BAD_FILES[name]
    assert code in codes(repacked(bundle, lambda files: files.update({path: data})))


def test_many_lines_in_many_files_are_counted_before_one_is_parsed(bundle: bytes) -> None:
    def change(files: Files) -> None:
        files.update({f"{manifest.PERSONS_FOLDER}{n:032x}.jsonl": b"{}\n" * 10_000 for n in range(50)})

    large = repacked(bundle, change)
    begun = time.process_time()
    assert codes(large) == {"too_much"}
    assert time.process_time() - begun < 3


def test_evidence_larger_than_evidence_may_be_is_not_read(bundle: bytes, own_limits: pytest.MonkeyPatch) -> None:
    large = repacked(bundle, lambda files: files.update({manifest.STATEMENT: b" " * 1_000_000}))
    own_limits.setattr(manifest, "EVIDENCE_LIMIT_BYTES", 999_999)
    assert "evidence_unreadable" in codes(large)
    own_limits.setattr(manifest, "EVIDENCE_TOTAL_LIMIT_BYTES", 100_000)
    assert "too_much" in codes(bundle)


def test_a_large_document_is_verified_in_little_memory(bundle: bytes) -> None:
    builder = Builder()
    builder.play_to_step_4()
    builder.at("2026-04-10T13:00")
    builder.upload("sari", "5", "meeting_decision", bytes(24 * 1024 * 1024))
    builder.play_from_step_5()
    large = builder.bundle()
    tracemalloc.start()
    report = check(large, LOG_KEY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.verdict == VALID
    # check() itself wraps the bytes in a file: that copy-free view is not counted, buffers and evidence are
    assert peak < 8 * 1024 * 1024


def test_a_bundle_of_very_many_events_ends_in_bounded_time() -> None:
    builder = Builder()
    builder.play_to_step_4()
    builder.at("2026-04-10T13:00")
    for _ in range(150):
        builder.withdraw("sari", builder.upload("sari", "5", "meeting_decision", b"again"))
    builder.play_from_step_5()
    data = builder.bundle()
    begun = time.process_time()
    assert check(data, LOG_KEY).verdict == VALID
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("types", "persons", "what"),
    [
        (["document.refused"] * (manifest.EVENTS_LIMIT + 1), [], "events"),
        (["document.received"] * (manifest.EVENT_LIMITS["document.received"] + 1), [], "document.received"),
        (["assignment.made"], [manifest.PERSON_EVENTS_LIMIT + 1], "one person"),
        (["dossier.opened"], [3], None),
    ],
)
def test_how_much_a_bundle_may_hold_is_limited(types: list[str], persons: list[int], what: str | None) -> None:
    found = manifest.find_excess(types, persons)
    assert found is None if what is None else found is not None and what in found


def test_too_many_events_of_a_kind_are_said_before_they_are_told(bundle: bytes, own_limits: pytest.MonkeyPatch) -> None:
    own_limits.setitem(manifest.EVENT_LIMITS, "step.started", 3)
    assert codes(bundle) == {"too_much"}


def test_iterations_that_last_centuries_are_not_reckoned(bundle: bytes, own_limits: pytest.MonkeyPatch) -> None:
    own_limits.setattr(rules, "RUN_DAYS_LIMIT", 1)
    assert codes(bundle) == {"too_much"}


def test_a_dossier_outside_its_calendar_is_a_discrepancy() -> None:
    value = canonical.decode(shipped("calendars/id-government.toml"))
    value["covers_from"] = "2026-04-08"
    value["closed_days"] = [day for day in value["closed_days"] if day["on"] >= "2026-04-08"]
    value["special_periods"] = [period for period in value["special_periods"] if period["from"] >= "2026-04-08"]
    value["profiles"] = [profile for profile in value["profiles"] if not profile["key"].endswith("1995")]
    builder = Builder(calendar_data=canonical.encode(value))
    # the forger reckons with a calendar that covers the first steps, and pins one that does not
    builder.calendar = Builder().calendar
    report = check(builder.play().bundle(), LOG_KEY)
    assert (report.verdict, next(s.id for s in report.steps if s.state == "failed")) == (INVALID, "time")


# what a report says ------------------------------------------------------------------------------------------------


def evil_openings(files: Files) -> None:
    listed = json.loads(files[manifest.OPENINGS])
    listed[0]["field"] = "name\n\x1b[2J\x1b[1;32m✓ all is well\u202e\nVALID"
    files[manifest.OPENINGS] = canonical.encode(sorted(listed, key=lambda item: (item["event"], item["field"])))


@pytest.mark.parametrize("lang", ["id", "en"])
def test_what_a_bundle_says_cannot_write_on_the_terminal(bundle: bytes, lang: str) -> None:
    data = repacked(bundle, evil_openings)
    lines = check(data, LOG_KEY).lines(lang)
    assert lines[-1] == INVALID and VALID not in lines
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", "".join(lines))
    assert max(map(len, lines)) <= 420


def test_a_report_shows_a_bounded_part_of_what_it_found(bundle: bytes) -> None:
    def change(files: Files) -> None:
        files.update({f"data/documents/x{n}.pdf": b"x" for n in range(60)})

    report = check(repacked(bundle, change), LOG_KEY)
    assert sum(d.code == "file_extra" for d in report.discrepancies) == 60
    text = "\n".join(report.lines("en"))
    assert text.count("file_extra") == 20 and "and 40 more" in text


def test_every_code_in_the_sources_is_explained_in_both_languages() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py") if path.name != "messages.py")
    used = set(re.findall(r'(?:Discrepancy\(|_add\(\s*"[a-z_]+",)\s*"([a-z_]+)"', sources))
    assert len(used) > 60 and used <= set(DISCREPANCIES)
    used |= set(FAULTS)
    assert [code for code in DISCREPANCIES if f'"{code}"' not in sources and code not in FAULTS] == []
    for table in (DISCREPANCIES, STEPS, WORDS):
        assert all(len(words) == 2 and all(words) and words[0] != words[1] for words in table.values())


def test_both_languages_and_json_end_with_the_same_verdict(bundle: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    for data, code in ((bundle, 0), (repacked(bundle, evil_openings), 1), (b"no", 2)):
        path.write_bytes(data)
        texts = {lang: verify_file(str(path), LOG_KEY.vkey, lang, False) for lang in ("id", "en")}
        assert {found[1] for found in texts.values()} == {code}
        assert texts["id"][0] != texts["en"][0]
        assert texts["id"][0].splitlines()[-1] == texts["en"][0].splitlines()[-1]
        report = json.loads(verify_file(str(path), LOG_KEY.vkey, "id", True)[0])
        assert (report["exit_code"], report["verdict"]) == (code, texts["en"][0].splitlines()[-1])


def test_steps_are_numbered_and_the_level_is_said(bundle: bytes) -> None:
    report = check(bundle, LOG_KEY)
    lines = report.lines("en")
    assert [line[:2].strip() for line in lines if line[2:4] == ". "] == [str(n) for n in range(1, len(STEPS) + 1)]
    assert lines[-2:] == ["Level: signed; witnesses 0 of 0; time stamps 0.", "VALID"]
    assert "Times are claimed by the issuer." in lines


@pytest.mark.parametrize(
    "key", ["", "\n", "nonsense", "archive.test/log+00000000+AAAA", "a" * 10_000, "archive.test/log+zz+\x00"]
)
def test_a_key_that_is_none_is_a_sentence(tmp_path: Path, bundle: bytes, key: str) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle)
    for lang in ("id", "en"):
        text, code = verify_file(str(path), key, lang, False)
        assert code == 2 and len(text.splitlines()) == 1


def test_never_raises_when_the_source_fails_later(bundle: bytes) -> None:
    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads > 60:
                raise OSError(5, "Input/output error")
            return super().read(size)

    report = check_bundle(Failing(bundle), len(bundle), LOG_KEY.verifier_key)
    assert report.verdict == INVALID and "unreadable" in {d.code for d in report.discrepancies}


def test_random_members_of_events_never_crash(bundle: bytes) -> None:
    folder, files = unpack(bundle)
    lines = files[manifest.EVENTS].splitlines()
    odd: list[Any] = [None, True, 0, -1, 2**53, "", "x" * 300, [], {}, [[]], wib("2026-01-01T00:00"), make_id(5)]
    for number in range(0, len(lines), 9):
        event = json.loads(lines[number])
        for name in [*event, *(f"payload.{key}" for key in event["payload"]), *(f"actor.{k}" for k in event["actor"])]:
            changed = json.loads(lines[number])
            part: dict[str, Any] = changed
            *path, last = name.split(".")
            for step in path:
                part = part[step]
            part[last] = odd[(number + len(name)) % len(odd)]
            try:
                data = canonical.encode(changed)
            except canonical.CanonicalError:
                data = json.dumps(changed).encode()
            if data == lines[number]:
                continue
            whole = [*lines[:number], data, *lines[number + 1 :]]
            files[manifest.EVENTS] = b"".join(line + b"\n" for line in whole)
            assert check(pack(folder, files), LOG_KEY).exit_code == 1
