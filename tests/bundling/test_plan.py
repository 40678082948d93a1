from __future__ import annotations

import io
import zlib
from dataclasses import replace
from hashlib import sha256

import pytest

from archive_service.bundling.plan import Evidence, make_plan, size_of_bundle, zip_entries
from archive_service.domain import canonical, manifest
from archive_service.domain.deviation import IllegalEvent
from archive_service.errors import TooLarge
from tests.bundling.dossier_builder import LOG_KEY, ORIGIN, RECEIPT_KEY, Builder
from tests.verifier.forger import unpack


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder().play()


@pytest.fixture(scope="module")
def evidence(builder: Builder) -> Evidence:
    return builder.evidence()


def test_the_same_evidence_gives_the_same_plan(builder: Builder, evidence: Evidence) -> None:
    assert make_plan(evidence) == make_plan(evidence) == make_plan(Builder().play().evidence())


def test_the_order_in_which_evidence_was_gathered_changes_nothing(evidence: Evidence) -> None:
    turned = replace(
        evidence,
        persons=dict(reversed(list(evidence.persons.items()))),
        registrations=list(reversed(evidence.registrations)),
        definitions=dict(reversed(list(evidence.definitions.items()))),
        openings=dict(reversed(list(evidence.openings.items()))),
        positions=dict(reversed(list(evidence.positions.items()))),
        proofs=dict(reversed(list(evidence.proofs.items()))),
        documents=list(reversed(evidence.documents)),
    )
    assert make_plan(turned) == make_plan(evidence)


def test_a_plan_names_every_file_with_size_and_digests(builder: Builder, evidence: Evidence) -> None:
    plan = canonical.decode(make_plan(evidence))
    assert plan["v"] == 1 and plan["folder"] == f"dossier-{builder.id}"
    paths = [entry["path"] for entry in plan["entries"]]
    assert paths[:4] == [manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST, manifest.TAG_MANIFEST]
    assert paths[4:] == sorted(paths[4:]) and len(set(paths)) == len(paths)
    for entry in plan["entries"]:
        assert entry.keys() in (
            {"path", "size", "sha256", "crc32", "data"},
            {"path", "size", "sha256", "crc32", "deflated"},
            {"path", "size", "sha256", "crc32", "object"},
        )
        assert ("object" in entry) == entry["path"].startswith(manifest.DOCUMENTS_FOLDER)
    objects = [entry for entry in plan["entries"] if "object" in entry]
    assert len(objects) == len(evidence.documents)
    for entry in objects:
        data = builder.objects[entry["object"]]
        facts = (len(data), sha256(data).hexdigest(), zlib.crc32(data))
        assert (entry["size"], entry["sha256"], entry["crc32"]) == facts


def test_evidence_goes_in_as_the_bytes_that_it_is(builder: Builder, evidence: Evidence) -> None:
    _, files = unpack(builder.bundle(evidence))
    assert files[manifest.EVENTS] == b"".join(data + b"\n" for data in evidence.events)
    assert files[manifest.STATEMENT] == evidence.statement
    assert files[manifest.CHECKPOINT] == evidence.checkpoint
    assert files[manifest.KEYS].decode() == f"{LOG_KEY.vkey}\n{RECEIPT_KEY.vkey}\n"
    for digest, data in evidence.definitions.items():
        assert files[f"{manifest.DEFINITIONS_FOLDER}{digest}.json"] == data
    for person, chain in evidence.persons.items():
        assert files[f"{manifest.PERSONS_FOLDER}{person}.jsonl"] == b"".join(data + b"\n" for data in chain)
    proofs = canonical.decode(files[manifest.PROOFS])
    assert proofs["size"] == evidence.checkpoint_size
    assert [leaf["index"] for leaf in proofs["leaves"]] == sorted(evidence.positions.values())
    openings = canonical.decode(files[manifest.OPENINGS])
    assert [(o["event"], o["field"]) for o in openings] == sorted(evidence.openings)
    assert ORIGIN in files[manifest.REPORT].decode()


def test_the_size_is_known_before_a_byte_is_written(builder: Builder, evidence: Evidence) -> None:
    plan = make_plan(evidence)
    assert size_of_bundle(plan) == len(builder.bundle(evidence))
    entries = zip_entries(canonical.decode(plan))
    assert entries[0].offset == 0
    assert [e.offset for e in entries[1:]] == [e.data_offset + e.size for e in entries[:-1]]


def test_a_size_beyond_four_gibibytes_is_reckoned(evidence: Evidence) -> None:
    large = replace(evidence.documents[0], size=6 * 1024**3)
    size = size_of_bundle(make_plan(replace(evidence, documents=[large, *evidence.documents[1:]])))
    assert size > 6 * 1024**3


def test_no_plan_is_made_of_a_dossier_that_is_none(evidence: Evidence) -> None:
    with pytest.raises(IllegalEvent):
        make_plan(replace(evidence, events=[*evidence.events[:4], *evidence.events[5:]]))


@pytest.mark.parametrize(
    "name", ["EVENTS_LIMIT", "PERSON_EVENTS_LIMIT", "EVIDENCE_LIMIT_BYTES", "EVIDENCE_TOTAL_LIMIT_BYTES"]
)
def test_no_plan_is_made_that_a_verifier_would_refuse(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(manifest, name, 1)
    with pytest.raises(TooLarge, match=r".") as caught:
        make_plan(evidence)
    assert caught.value.code == "bundle_too_large"


def test_a_plan_is_small_whatever_the_documents_are(evidence: Evidence) -> None:
    plan = make_plan(evidence)
    larger = [replace(document, size=document.size * 10**6) for document in evidence.documents]
    assert len(make_plan(replace(evidence, documents=larger))) < len(plan) + 2000
    assert io.BytesIO(plan).getbuffer().nbytes < 500_000
