"""A bundle is valid; every damage is found and named, also when the forger has made everything else consistent."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import canonical, manifest
from archive_service.signing import named
from archive_service.verifier.messages import STEPS
from archive_service.verifier.verify import INVALID, NO_BUNDLE, REDACTED, UNCONFIRMED, VALID, check_bundle, verify_file
from tests.test_project import find_python
from tests.verifier.conftest import Sealed
from tests.verifier.forger import Files, Forger, check, pack, unpack, zip_up


def codes(bundle: bytes, sealed: Sealed) -> set[str]:
    report = check(bundle, sealed.key)
    assert report.verdict == INVALID and report.exit_code == 1
    return {d.code for d in report.discrepancies}


def test_a_bundle_of_the_service_is_valid_under_its_key(served: Sealed) -> None:
    report = check(served.bundle, served.key)
    assert (report.verdict, report.exit_code, report.discrepancies) == (VALID, 0, [])
    assert all(step.state == "passed" for step in report.steps) and len(report.steps) == len(STEPS)


def test_without_a_key_the_issuer_is_not_confirmed(served: Sealed) -> None:
    report = check(served.bundle, None)
    assert (report.verdict, report.exit_code) == (UNCONFIRMED, 3)


def test_the_forgers_own_consistent_bundle_fails_under_the_pinned_key(sealed: Sealed) -> None:
    forger = Forger.of(sealed.bundle, named(Ed25519PrivateKey.generate(), sealed.key.verifier_key.name))
    forger.registrations[0]["payload"]["vkey"] = forger.key.vkey
    bundle = forger.remake()
    assert check(bundle, None).verdict == UNCONFIRMED
    assert {"checkpoint_unsigned", "other_key"} <= codes(bundle, sealed)


def test_remaking_without_a_change_is_valid(sealed: Sealed) -> None:
    assert check(Forger.of(sealed.bundle, sealed.key).remake(), sealed.key).verdict == VALID


def test_tools_that_nobody_here_wrote_accept_the_bag(bundle_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle_file) as package:
        assert package.testzip() is None
        package.extractall(tmp_path / "out")
    folder = next((tmp_path / "out").iterdir())
    assert bagit.Bag(str(folder)).validate()
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        done = subprocess.run(["sha256sum", "-c", "--quiet", "--strict", name], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr
    if shutil.which("unzip"):
        assert subprocess.run(["unzip", "-tq", str(bundle_file)], capture_output=True).returncode == 0


def test_the_bag_fails_with_bagit_too_when_a_byte_changes(bundle_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle_file) as package:
        package.extractall(tmp_path / "out")
    folder = next((tmp_path / "out").iterdir())
    document = next((folder / "data" / "documents").iterdir())
    document.write_bytes(document.read_bytes() + b"!")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


# damaged containers ------------------------------------------------------------------------------------------------

CONTAINERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "appended byte": (lambda b: b + b"\0", "container_damaged"),
    "prepended byte": (lambda b: b"\0" + b, "container_damaged"),
    "cut off": (lambda b: b[:-1], "container_damaged"),
    "half": (lambda b: b[: len(b) // 2], "container_damaged"),
    "zip comment": (lambda b: b[:-2] + b"\x05\x00hello", "container_damaged"),
    "two bundles": (lambda b: b + b, "container_damaged"),
    "a hole before the directory": (lambda b: b[:-2000] + b"\0" * 8 + b[-2000:], "container_damaged"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_damaged_container_is_found(sealed: Sealed, name: str) -> None:
    damage, code = CONTAINERS[name]
    assert code in codes(damage(sealed.bundle), sealed)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 500, b"not a bundle at all", b"%PDF-1.7" + b"x" * 1000], ids=["empty", "zeros", "text", "pdf"]
)
def test_what_never_was_a_bundle_is_said_so(data: bytes) -> None:
    report = check_bundle(io.BytesIO(data), len(data), None)
    assert (report.verdict, report.exit_code) == (NO_BUNDLE, 2)


def members(files: Files, folder: str) -> list[tuple[str, bytes]]:
    return [(f"{folder}/{path}", data) for path, data in files.items()]


ZIPS: dict[str, Callable[[str, Files], list[tuple[str, bytes]]]] = {
    "path out of the bundle": lambda f, x: [*members(x, f), (f"{f}/../evil", b"x")],
    "absolute path": lambda f, x: [*members(x, f), ("/etc/passwd", b"x")],
    "same name twice": lambda f, x: [*members(x, f), (f"{f}/data/README.txt", b"x")],
    "same name in other case": lambda f, x: [*members(x, f), (f"{f}/data/readme.TXT", b"x")],
    "second folder": lambda f, x: [*members(x, f), ("other/data.txt", b"x")],
    "hidden file": lambda f, x: [*members(x, f), (f"{f}/data/.hidden", b"x")],
    "other folder name": lambda f, x: members(x, "dossier-" + "0" * 32),
    "a name with control characters": lambda f, x: [*members(x, f), (f"{f}/data/a\nb", b"x")],
}


@pytest.mark.parametrize("name", ZIPS)
def test_tricks_of_names_are_found(sealed: Sealed, name: str) -> None:
    folder, files = unpack(sealed.bundle)
    found = codes(zip_up(ZIPS[name](folder, files)), sealed)
    assert found & {"container_damaged", "bag_order", "chain_broken", "wrong_stream"}


# files changed, bag and container made consistent again --------------------------------------------------------------


def edit(path: str, change: Callable[[bytes], bytes]) -> Callable[[Files], None]:
    def do(files: Files) -> None:
        files[path] = change(files[path])

    return do


def first_document(files: Files) -> str:
    return next(path for path in sorted(files) if path.startswith(manifest.DOCUMENTS_FOLDER))


def change_document(files: Files) -> None:
    files[first_document(files)] += b" "


def drop_document(files: Files) -> None:
    del files[first_document(files)]


def swap_documents(files: Files) -> None:
    one, two = [p for p in sorted(files) if "formulation" in p]
    files[one], files[two] = files[two], files[one]


def drop_last_event(files: Files) -> None:
    files[manifest.EVENTS] = b"".join(files[manifest.EVENTS].splitlines(keepends=True)[:-1])


def drop_middle_event(files: Files) -> None:
    lines = files[manifest.EVENTS].splitlines(keepends=True)
    files[manifest.EVENTS] = b"".join(lines[:10] + lines[11:])


def swap_events(files: Files) -> None:
    lines = files[manifest.EVENTS].splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    files[manifest.EVENTS] = b"".join(lines)


def drop_person(files: Files) -> None:
    del files[next(p for p in sorted(files) if p.startswith(manifest.PERSONS_FOLDER))]


def drop_registration(files: Files) -> None:
    files[manifest.REGISTRATIONS] = b"".join(files[manifest.REGISTRATIONS].splitlines(keepends=True)[1:])


def change_definition(files: Files) -> None:
    path = next(p for p in sorted(files) if p.startswith(manifest.DEFINITIONS_FOLDER))
    files[path] = files[path].replace(b"15", b"16", 1)


def swap_openings(files: Files) -> None:
    openings = json.loads(files[manifest.OPENINGS])
    openings[0]["value"], openings[1]["value"] = "Orang Lain", openings[0]["value"]
    files[manifest.OPENINGS] = json.dumps(openings, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def proofs(change: Callable[[dict[str, object]], None]) -> Callable[[Files], None]:
    def do(files: Files) -> None:
        value = json.loads(files[manifest.PROOFS])
        change(value)
        files[manifest.PROOFS] = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    return do


def leaf(value: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = value["leaves"][20]  # type: ignore[index]
    return found


REPACKED: dict[str, tuple[Callable[[Files], None], str]] = {
    "document changed": (change_document, "document_damaged"),
    "document dropped": (drop_document, "file_missing"),
    "documents swapped": (swap_documents, "document_damaged"),
    "extra document": (lambda f: f.update({"data/documents/extra.pdf": b"x"}), "file_extra"),
    "extra evidence": (lambda f: f.update({"data/evidence/extra.json": b"{}"}), "file_extra"),
    "last event dropped": (drop_last_event, "not_sealed"),
    "middle event dropped": (drop_middle_event, "chain_broken"),
    "events swapped": (swap_events, "seq_differs"),
    "event with other bytes": (
        edit(manifest.EVENTS, lambda b: b.replace(b'"quarter":1', b'"quarter":2')),
        "chain_broken",
    ),
    "event with a space": (edit(manifest.EVENTS, lambda b: b.replace(b'"v":1', b'"v": 1', 1)), "event_invalid"),
    "event of another version": (edit(manifest.EVENTS, lambda b: b.replace(b'"v":1', b'"v":2', 1)), "event_invalid"),
    "event of an unknown type": (
        edit(manifest.EVENTS, lambda b: b.replace(b"step.started", b"step.invented", 1)),
        "event_invalid",
    ),
    "events with CRLF": (edit(manifest.EVENTS, lambda b: b.replace(b"\n", b"\r\n")), "event_invalid"),
    "events without the last newline": (edit(manifest.EVENTS, lambda b: b[:-1]), "evidence_unreadable"),
    "events gone": (edit(manifest.EVENTS, lambda b: b""), "stream_empty"),
    "person dropped": (drop_person, "head_unknown"),
    "registration dropped": (drop_registration, "registration_extra"),
    "definition changed": (change_definition, "definition_damaged"),
    "statement changed": (edit(manifest.STATEMENT, lambda b: b.replace(b'"late":1', b'"late":0')), "statement_digest"),
    "report changed": (edit(manifest.REPORT, lambda b: b.replace(b"terlambat", b"tepat    ")), "report_differs"),
    "readme changed": (edit(manifest.README, lambda b: b + b"Trust us.\n"), "bag_file_differs"),
    "bag info changed": (
        edit(manifest.BAG_INFO, lambda b: b.replace(b"2026-04-15", b"2026-04-14")),
        "bag_file_differs",
    ),
    "bagit version changed": (edit(manifest.BAGIT, lambda b: b.replace(b"1.0", b"0.97")), "bag_file_differs"),
    "openings swapped": (swap_openings, "opening_differs"),
    "openings no list": (edit(manifest.OPENINGS, lambda b: b"{}"), "opening_invalid"),
    "opening twice": (
        edit(manifest.OPENINGS, lambda b: b[:-1] + b"," + b[1 : b.index(b"}") + 1] + b"]"),
        "opening_invalid",
    ),
    "JSON with a byte order mark": (edit(manifest.OPENINGS, lambda b: b"\xef\xbb\xbf" + b), "evidence_unreadable"),
    "JSON with a duplicate key": (edit(manifest.PROOFS, lambda b: b'{"size":1,' + b[1:]), "evidence_unreadable"),
    "proof of another index": (proofs(lambda v: leaf(v).update(index=21)), "proof_invalid"),
    "proof cut": (proofs(lambda v: leaf(v)["path"].pop()), "not_in_log"),  # type: ignore[attr-defined]
    "proof lengthened": (proofs(lambda v: leaf(v)["path"].append("ab" * 32)), "not_in_log"),  # type: ignore[attr-defined]
    "proof of another event": (proofs(lambda v: leaf(v).update(event="ab" * 32)), "proof_missing"),
    "proof size changed": (proofs(lambda v: v.update(size=v["size"] + 1)), "tree_size_differs"),  # type: ignore[operator]
    "checkpoint of another log": (
        edit(manifest.CHECKPOINT, lambda b: b.replace(b"archive.test", b"archive.best")),
        "checkpoint_unsigned",
    ),
    "checkpoint of another size": (
        edit(manifest.CHECKPOINT, lambda b: b.replace(b"\n", b"\n9", 1)),
        "checkpoint_invalid",
    ),
    "checkpoint unsigned": (edit(manifest.CHECKPOINT, lambda b: b[: b.index(b"\n\n") + 2]), "checkpoint_invalid"),
    "keys swapped": (
        edit(manifest.KEYS, lambda b: b"\n".join(reversed(b.split(b"\n")[:2])) + b"\n"),
        "key_unregistered",
    ),
    "keys gone": (edit(manifest.KEYS, lambda b: b""), "keys_invalid"),
}


@pytest.mark.parametrize("name", REPACKED)
def test_a_change_under_a_consistent_bag_is_found(sealed: Sealed, name: str) -> None:
    change, code = REPACKED[name]
    folder, files = unpack(sealed.bundle)
    change(files)
    assert code in codes(pack(folder, files), sealed)


def test_a_bag_file_that_is_missing_is_found(sealed: Sealed) -> None:
    folder, files = unpack(sealed.bundle)
    for path in (manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST, manifest.TAG_MANIFEST):
        rest = {p: d for p, d in files.items() if p != path}
        assert "bag_order" in codes(pack(folder, rest, remake_bag=False), sealed)


def test_taking_openings_out_is_a_redaction_and_not_a_forgery(sealed: Sealed) -> None:
    forger = Forger.of(sealed.bundle, sealed.key)
    gone = [key for key in forger.openings if key[1] in ("name", "letter.sender", "reason", "file_name")]
    for key in gone:
        del forger.openings[key]
    report = check(forger.remake(), sealed.key)
    assert (report.verdict, report.exit_code) == (REDACTED, 0)
    assert {d.code for d in report.discrepancies} == {"redacted"} and len(report.discrepancies) == len(gone)


# everything made consistent again and signed with the real key: only the rules are left ------------------------------


def person_of(forger: Forger, login_step: str) -> str:
    found: str = forger.first("step.submitted", step=login_step)["actor"]["person"]
    return found


def act_as(forger: Forger, event: dict[str, object], other: dict[str, object]) -> None:
    event["actor"] = dict(other["actor"])  # type: ignore[call-overload]


def late_on_time(forger: Forger) -> None:
    forger.first("step.judged", step="4")["payload"]["time"]["result"] = "on_time"
    forger.events.remove(forger.first("deviation.explained"))
    forger.events.remove(forger.first("deviation.recorded"))


def less_time(forger: Forger) -> None:
    forger.first("step.judged", step="4")["payload"]["time"]["used_seconds"] -= 3600


def no_deviation(forger: Forger) -> None:
    forger.events.remove(forger.first("deviation.explained"))
    forger.events.remove(forger.first("deviation.recorded"))


def invented_deviation(forger: Forger) -> None:
    event = json.loads(json.dumps(forger.first("deviation.recorded")))
    event["id"] = forger.events[0]["id"][:-1] + "0"
    event["payload"].update(step="5", deviation=event["id"])
    event["at"] = forger.events[-2]["at"]
    event["payload"]["evidence"] = [forger.old_hashes[id(forger.events[5])]]
    forger.events.insert(len(forger.events) - 1, event)


def unjudged(forger: Forger) -> None:
    forger.events.remove(forger.first("step.judged", step="5"))


def same_person_decides(forger: Forger) -> None:
    wrote = forger.first("step.submitted", step="6")
    decided = forger.first("decision.made", step="7")
    for event in forger.events:
        if event["payload"].get("step") == "7" and event["type"] == "decision.made":
            role = event["actor"]
            event["actor"] = {**role, "person": wrote["actor"]["person"]}
    assert decided["actor"]["person"] == wrote["actor"]["person"]


def other_role(forger: Forger) -> None:
    act_as(forger, forger.first("step.submitted", step="2"), forger.first("step.submitted", step="3"))


def ended_assignment(forger: Forger) -> None:
    chain = forger.persons[person_of(forger, "6")]
    made = next(e for e in chain if e["type"] == "assignment.made")
    made["payload"]["to_on"] = "2026-03-20"


def future_assignment(forger: Forger) -> None:
    chain = forger.persons[person_of(forger, "6")]
    next(e for e in chain if e["type"] == "assignment.made")["payload"]["from_on"] = "2026-04-30"


def other_unit(forger: Forger) -> None:
    chain = forger.persons[person_of(forger, "6")]
    next(e for e in chain if e["type"] == "assignment.made")["payload"]["work_unit"] = forger.events[0]["id"]


def unknown_assignment(forger: Forger) -> None:
    forger.first("step.submitted", step="6")["actor"]["assignment"] = "ab" * 32


def unknown_head(forger: Forger) -> None:
    forger.first("step.submitted", step="6")["actor"]["head"] = "ab" * 32


def hidden_revocation(forger: Forger) -> None:
    """The person's stream had ended the assignment, and the act names the head from before."""
    chain = forger.persons[person_of(forger, "6")]
    made = next(e for e in chain if e["type"] == "assignment.made")
    ended = json.loads(json.dumps(made))
    ended.update(type="assignment.ended", id=made["id"][:-1] + ("0" if made["id"][-1] != "0" else "1"))
    ended["payload"] = {"assignment": made["payload"]["assignment"]}
    chain.append(ended)


def service_decides(forger: Forger) -> None:
    forger.first("step.submitted", step="5")["actor"] = {"kind": "service", "name": "rules"}


def person_judges(forger: Forger) -> None:
    forger.first("step.judged", step="5")["actor"] = dict(forger.first("step.submitted", step="5")["actor"])


def time_backwards(forger: Forger) -> None:
    forger.first("step.judged", step="5")["at"] = "2026-03-01T00:00:00.000000Z"


def backdated_start(forger: Forger) -> None:
    forger.first("step.started", step="5")["payload"]["started_at"] = "2026-03-25T02:00:00.000000Z"


def other_documents(forger: Forger) -> None:
    forger.first("decision.made", step="9")["payload"]["documents_digest"] = "ab" * 32


def skipped_step(forger: Forger) -> None:
    forger.events = [e for e in forger.events if e["payload"].get("step") != "9"]


def unreasoned_return(forger: Forger) -> None:
    event = forger.first("decision.made", decision="return")
    event["payload"]["reason_commitment"] = None
    forger.openings.pop((forger.old_hashes[id(event)], "reason"))


def duplicate_id(forger: Forger) -> None:
    forger.events[7]["id"] = forger.events[6]["id"]


def other_origin(forger: Forger) -> None:
    forger.persons[person_of(forger, "6")][0]["origin"] = "archive.test/other"


def on_behalf(forger: Forger) -> None:
    forger.first("decision.made", step="9")["on_behalf_of"] = person_of(forger, "6")


def other_work_unit(forger: Forger) -> None:
    next(e for e in forger.registrations if e["type"] == "work_unit.created")["payload"]["work_unit"] = forger.events[
        0
    ]["id"]


def later_sop(forger: Forger) -> None:
    event = next(e for e in forger.registrations if e["type"] == "definition.registered")
    event["payload"]["version"] = 9


def completeness_claimed(forger: Forger) -> None:
    forger.rejudges = False
    forger.first("step.judged", step="5")["payload"]["completeness"]["present"] = 1


def damage_claimed(forger: Forger) -> None:
    forger.first("step.judged", step="5")["payload"]["completeness"]["damaged"] = ["ab" * 32]


FORGERIES: dict[str, tuple[Callable[[Forger], None], str]] = {
    "late step called on time": (late_on_time, "time_verdict_differs"),
    "working time shortened": (less_time, "time_verdict_differs"),
    "deviation left out": (no_deviation, "deviation_missing"),
    "deviation invented": (invented_deviation, "deviation_unfounded"),
    "verdict left out": (unjudged, "illegal_move"),
    "author decides": (same_person_decides, "illegal_move"),
    "wrong role": (other_role, "illegal_move"),
    "assignment had ended": (ended_assignment, "assignment_not_in_force"),
    "assignment not begun": (future_assignment, "assignment_not_in_force"),
    "assignment of another unit": (other_unit, "assignment_differs"),
    "assignment never made": (unknown_assignment, "assignment_unknown"),
    "head never was": (unknown_head, "head_unknown"),
    "revocation hidden": (hidden_revocation, "head_stale"),
    "service acts as a person": (service_decides, "illegal_move"),
    "person judges": (person_judges, "person_acted"),
    "time goes backwards": (time_backwards, "time_backwards"),
    "start backdated": (backdated_start, "illegal_move"),
    "decision on other documents": (other_documents, "illegal_move"),
    "step skipped": (skipped_step, "illegal_move"),
    "return without reason": (unreasoned_return, "illegal_move"),
    "event id twice": (duplicate_id, "id_twice"),
    "event of another log": (other_origin, "origin_differs"),
    "decision on behalf": (on_behalf, "on_behalf_of"),
    "unit never created": (other_work_unit, "unit_unregistered"),
    "definition registered otherwise": (later_sop, "definition_unregistered"),
    "completeness misstated": (completeness_claimed, "completeness_verdict_differs"),
    "damage of other documents": (damage_claimed, "completeness_verdict_differs"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_breach_of_the_rules_signed_with_the_real_key_is_found(sealed: Sealed, name: str) -> None:
    change, code = FORGERIES[name]
    forger = Forger.of(sealed.bundle, sealed.key)
    change(forger)
    folder_is_right = True
    try:
        bundle = forger.remake()
    except ValueError:
        # the forger's own tools refuse to tell such a dossier: he writes the events alone into the old bundle
        folder_is_right = False
        folder, files = unpack(sealed.bundle)
        files[manifest.EVENTS] = b"".join(canonical.encode(e) + b"\n" for e in forger.events)
        bundle = pack(folder, files)
    found = codes(bundle, sealed)
    assert code in found, (found, folder_is_right)


# the command's pure entry ------------------------------------------------------------------------------------------


def test_the_report_in_both_languages_ends_with_the_verdict(bundle_file: Path, served: Sealed, tmp_path: Path) -> None:
    key = tmp_path / "vkey"
    key.write_text(served.key.vkey + "\n")
    for lang, word in (("id", "Setiap jejak audit"), ("en", "Every stream")):
        text, code = verify_file(str(bundle_file), str(key), lang, False)
        assert (code == 0 and text.splitlines()[-1] == VALID and word in text and "claimed" in text) or "klaim" in text
    text, code = verify_file(str(bundle_file), served.key.vkey, "en", True)
    report = json.loads(text)
    assert (code, report["verdict"], len(report["steps"])) == (0, VALID, len(STEPS))


@pytest.mark.parametrize(("path", "key"), [("missing.zip", None), ("missing.zip", "nonsense"), (".", None)])
def test_a_file_or_key_that_cannot_be_read_is_a_sentence(path: str, key: str | None) -> None:
    text, code = verify_file(path, key, "en", False)
    assert code == 2 and text.endswith(".") and len(text.splitlines()) == 1


def test_the_verifier_runs_on_the_standard_library_alone(bundle_file: Path, served: Sealed, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "archive_service"
    target = tmp_path / "alone" / "archive_service"
    target.mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(source / name, target / name)
    for name in ("domain", "verifier"):
        shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        f"import sys; sys.path.insert(0, {str(target.parent)!r})\n"
        "from archive_service.verifier.verify import verify_file\n"
        "text, code = verify_file(*sys.argv[1:3], 'en', False)\n"
        "print(text.splitlines()[-1])\n"
        "sys.exit(code)\n"
    )
    # and on the oldest Python that it is written for, where this machine has one
    for python in {sys.executable, str(find_python("3.9") or sys.executable)}:
        command = [python, "-I", "-S", "-B", "-W", "error", "-c", program, str(bundle_file), served.key.vkey]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, VALID, "")
