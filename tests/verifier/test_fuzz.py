"""Thousands of damaged bundles, receipts, notes and logs: each gets an answer, in time, and no damage passes as whole."""

from __future__ import annotations

import io
import json
import os
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from archive_service.domain import canonical, manifest, merkle, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.event import FIRST_PREV
from archive_service.domain.note import parse_note
from archive_service.domain.receipt import format_receipt
from archive_service.verifier.documents import check_document
from archive_service.verifier.log_directory import DirectoryReader, LogUnreadable, check_log
from archive_service.verifier.verify import EXIT_CODES, INVALID, VALID, Report, check_bundle, read_keys
from tests.bundling.dossier_builder import LOG_KEY, ORIGIN, Builder, wib
from tests.log_maker import make_events
from tests.verifier import test_documents
from tests.verifier.forger import Files, pack, unpack
from tests.verifier.mutations import TookTooLong, limited, mutate_bytes, mutate_value, write_json

SEED = int(os.environ.get("ARCHIVE_FUZZ_SEED", "20260413"))
LIMIT_SECONDS = 10


@pytest.fixture(scope="module")
def small() -> bytes:
    """A bundle with a short file in the verifier's place: it is hashed like any other, and would be most of the work."""
    folder, files = unpack(Builder().play().bundle())
    return pack(folder, {**files, manifest.VERIFIER: b"#\n"})


def answer(bundle: bytes) -> Report:
    """The report, within the time limit, whole in every form."""
    with limited(LIMIT_SECONDS):
        report = check_bundle(io.BytesIO(bundle), len(bundle), LOG_KEY.verifier_key)
        assert report.exit_code == EXIT_CODES[report.verdict]
        json.dumps(report.plain(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        assert report.lines("id")[-1] == report.lines("en")[-1] == report.verdict
    return report


def mutated_files(files: Files, chance: random.Random) -> Files:
    """The files with one of the evidence changed in its own terms."""
    path = chance.choice([p for p in files if p.startswith(manifest.EVIDENCE_FOLDER)])
    data = files[path]
    if path.endswith(".jsonl"):
        lines = data.split(b"\n")[:-1]
        number = chance.randrange(len(lines))
        lines[number] = write_json(mutate_value(json.loads(lines[number]), chance, chance.randint(1, 3)), chance)
        data = b"".join(line + b"\n" for line in lines)
    elif path.endswith(".json") and chance.random() < 0.9:
        data = write_json(mutate_value(json.loads(data), chance, chance.randint(1, 3)), chance)
    else:
        data = mutate_bytes(data, chance)
    return {**files, path: data}


def shallow(small: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Bundles in which one file of the evidence is another, with a bag that fits."""
    folder, files = unpack(small)
    chance = random.Random(seed)
    for _ in range(count):
        changed = mutated_files(files, chance)
        if changed != files:
            yield pack(folder, changed)


class Resigned:
    """A bundle's evidence, with all hashes above a change made again and signed by the log's real key."""

    def __init__(self, bundle: bytes) -> None:
        self.folder, self.files = unpack(bundle)
        persons = sorted(path for path in self.files if path.startswith(manifest.PERSONS_FOLDER))
        self.paths = [*persons, manifest.REGISTRATIONS, manifest.EVENTS]

    def remake(self, changed: Files) -> bytes:
        """The bundle of these files: chains, references, seal, openings, proofs and checkpoint follow from them."""
        files, renamed = dict(changed), {}
        for path in list(files):
            if path.startswith(manifest.DEFINITIONS_FOLDER):
                data = files.pop(path)
                digest = sha256(data).hexdigest()
                renamed[path[len(manifest.DEFINITIONS_FOLDER) : -len(".json")]] = digest
                files[f"{manifest.DEFINITIONS_FOLDER}{digest}.json"] = data
        leaves: list[bytes] = []
        for path in self.paths:
            made, prev = [], FIRST_PREV
            before = [merkle.leaf_hash(line).hex() for line in self.files[path].split(b"\n")[:-1]]
            for number, line in enumerate(files[path].split(b"\n")[:-1]):
                text = re.sub(rb"[0-9a-f]{64}", lambda m: renamed.get(m[0].decode(), m[0].decode()).encode(), line)
                data = self._follow(text, path, prev, files[manifest.STATEMENT])
                leaf = merkle.leaf_hash(data)
                prev = leaf.hex()
                if number < len(before):
                    renamed[before[number]] = prev
                made.append(data)
                leaves.append(leaf)
            files[path] = b"".join(data + b"\n" for data in made)
        openings = re.sub(
            rb"[0-9a-f]{64}", lambda m: renamed.get(m[0].decode(), m[0].decode()).encode(), files[manifest.OPENINGS]
        )
        try:
            listed = json.loads(openings)
            files[manifest.OPENINGS] = canonical.encode(sorted(listed, key=lambda o: (o["event"], o["field"])))
        except (ValueError, TypeError, KeyError):
            files[manifest.OPENINGS] = openings
        nodes: dict[tuple[int, int], bytes] = {}

        def node(level: int, index: int) -> bytes:
            if level == 0:
                return leaves[index]
            if (level, index) not in nodes:
                nodes[level, index] = merkle.node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
            return nodes[level, index]

        proofs = [
            {"event": leaf.hex(), "index": i, "path": [h.hex() for h in merkle.inclusion_proof(i, len(leaves), node)]}
            for i, leaf in enumerate(leaves)
        ]
        files[manifest.PROOFS] = canonical.encode({"size": len(leaves), "leaves": proofs})
        root = merkle.root_hash(leaves)
        files[manifest.CHECKPOINT] = LOG_KEY.sign(format_checkpoint(Checkpoint(ORIGIN, len(leaves), root)))
        return pack(self.folder, files)

    @staticmethod
    def _follow(line: bytes, path: str, prev: str, statement: bytes) -> bytes:
        """An event with the head before it, if it is still one that has such a member; a seal over this statement."""
        try:
            event = json.loads(line)
        except ValueError:
            return line
        if not isinstance(event, dict) or path == manifest.REGISTRATIONS:
            return line
        event["prev"] = prev
        payload = event.get("payload")
        if event.get("type") == "dossier.sealed" and isinstance(payload, dict):
            payload["head"] = prev
            payload["statement_digest"], payload["statement_size"] = sha256(statement).hexdigest(), len(statement)
        try:
            return canonical.encode(event)
        except canonical.CanonicalError:
            return line


def deep(small: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Bundles in which an event, a definition or the statement is another, and all that follows is right and really signed."""
    made = Resigned(small)
    chance = random.Random(seed)
    paths = [*made.paths, *(p for p in made.files if p.startswith(manifest.DEFINITIONS_FOLDER)), manifest.STATEMENT]
    for _ in range(count):
        files = dict(made.files)
        for _ in range(chance.choice([1, 1, 2])):
            path = chance.choice(paths)
            if path.endswith(".jsonl"):
                lines = files[path].split(b"\n")[:-1]
                number = chance.randrange(len(lines))
                try:
                    event = json.loads(lines[number])
                    event["payload"], event["actor"]
                except (ValueError, TypeError, KeyError):
                    continue
                # in the payload or the actor for the most part: the frame of an event has tests of its own
                part = chance.choice(["payload", "payload", "payload", "actor", "at", None])
                if part in ("payload", "actor"):
                    event[part] = mutate_value(event[part], chance, keeps_kind=chance.random() < 0.7)
                elif part == "at":
                    event["at"] = chance.choice(
                        ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", wib("2026-05-01T00:00")]
                    )
                else:
                    event = mutate_value(event, chance)
                lines[number] = write_json(event, chance)
                files[path] = b"".join(line + b"\n" for line in lines)
            else:
                value = json.loads(files[path])
                value = mutate_value(value, chance, chance.randint(1, 3), keeps_kind=chance.random() < 0.8)
                files[path] = write_json(value, chance)
        yield made.remake(files)


def log_folder(folder: Path) -> dict[str, bytes]:
    """The files of a small log: an entry bundle and a tile, a checkpoint, its key."""
    entries = [event.data for event in make_events(ORIGIN, 20, datetime(2026, 4, 13, tzinfo=UTC), streams=3)]
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    files = {
        "checkpoint": LOG_KEY.sign(format_checkpoint(Checkpoint(ORIGIN, 20, merkle.root_hash(leaves)))),
        "vkey": LOG_KEY.vkey.encode() + b"\n",
        f"checkpoints/{8:020d}": LOG_KEY.sign(format_checkpoint(Checkpoint(ORIGIN, 8, merkle.root_hash(leaves[:8])))),
        tiles.bundle_path(0, 20): tiles.format_entries(entries),
        tiles.tile_path(0, 0, 20): b"".join(leaves),
    }
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return files


def damage_bundles(small: bytes, seed: int, count: int) -> set[str]:
    """The steps at which the damage was found."""
    places: set[str] = set()
    for bundle in shallow(small, seed, count):
        assert answer(bundle).verdict == INVALID
    for bundle in deep(small, seed, count):
        # with the real key an issuer may well make another dossier that holds; it must then be one whose every step passed
        report = answer(bundle)
        assert report.verdict == INVALID or not [d for d in report.discrepancies if d.severity == "error"]
        places.update(step.id for step in report.steps if step.state == "failed")
    return places


def damage_receipts(seed: int, count: int) -> int:
    """How many were refused."""
    refused = 0
    chance = random.Random(seed)
    good = test_documents.KEY.sign(format_receipt(test_documents.SAID))
    key = [test_documents.KEY.verifier_key]
    document = test_documents.DOCUMENT
    for _ in range(count):
        changed = mutate_bytes(good, chance)
        with limited(LIMIT_SECONDS):
            report = check_document(io.BytesIO(document), len(document), changed, key)
        said = parse_note(changed) if report.verdict == VALID else None
        # another signature line may stand beside the real one: the text is the same
        assert said is None or said.text == format_receipt(test_documents.SAID)
        assert report.lines("en")[-1] == report.verdict
        refused += report.verdict == INVALID
    return refused


def damage_keys(seed: int, count: int) -> int:
    """How many texts hold no keys."""
    refused = 0
    chance = random.Random(seed)
    good = f"{LOG_KEY.vkey}\n{test_documents.KEY.vkey}\n".encode()
    for _ in range(count):
        text = mutate_bytes(good, chance).decode("utf-8", "surrogateescape")
        with limited(LIMIT_SECONDS):
            try:
                keys = read_keys(text)
            except (ValueError, OSError):
                refused += 1
                continue
        assert {key.public_key for key in keys} <= {k.verifier_key.public_key for k in (LOG_KEY, test_documents.KEY)}
    return refused


def damage_logs(folder: Path, seed: int, count: int) -> int:
    """How many were found invalid, or could not be read."""
    refused = 0
    chance = random.Random(seed)
    files = log_folder(folder)
    for _ in range(count):
        path = chance.choice(list(files))
        changed = mutate_bytes(files[path], chance)
        (folder / path).write_bytes(changed)
        with limited(LIMIT_SECONDS):
            try:
                report = check_log(DirectoryReader(str(folder)), [LOG_KEY.verifier_key])
            except LogUnreadable:
                report = None
        if report is not None and path != "vkey" and "checkpoint" not in path and changed != files[path]:
            assert report.verdict == INVALID, path
        if report is not None:
            assert report.lines("id")[-1] == report.verdict
        refused += report is None or report.verdict == INVALID
        (folder / path).write_bytes(files[path])
    return refused


def test_damaged_bundles_get_an_answer_in_time(small: bytes) -> None:
    assert len(damage_bundles(small, SEED, 40)) > 3


def test_damaged_receipts_and_keys_get_an_answer_in_time() -> None:
    assert damage_receipts(SEED, 300) > 250
    assert damage_keys(SEED, 500) > 200


def test_damaged_logs_get_an_answer_in_time(tmp_path: Path) -> None:
    assert damage_logs(tmp_path / "log", SEED, 60) > 40


@pytest.mark.full
@pytest.mark.parametrize("part", range(10))
def test_thousands_of_damaged_files_get_an_answer_in_time(small: bytes, tmp_path: Path, part: int) -> None:
    assert len(damage_bundles(small, SEED + 1 + part, 300)) > 6
    assert damage_receipts(SEED + 1 + part, 2000) > 1500
    assert damage_keys(SEED + 1 + part, 2000) > 800
    assert damage_logs(tmp_path / "log", SEED + 1 + part, 500) > 300


def test_what_is_whole_passes_the_same_way(small: bytes, tmp_path: Path) -> None:
    """The makers of damage damage nothing by themselves."""
    assert answer(Resigned(small).remake(unpack(small)[1])).verdict == VALID
    log_folder(tmp_path)
    assert check_log(DirectoryReader(str(tmp_path)), [LOG_KEY.verifier_key]).verdict == VALID
    with pytest.raises(TookTooLong), limited(0.05):
        while True:
            pass
