"""The build plan: everything that goes into a bundle, frozen; whoever builds it, however often, gets the same bytes."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from archive_service.domain import canonical, manifest
from archive_service.domain.dossier import fold
from archive_service.domain.event import parse_event
from archive_service.domain.manifest import ZipEntry
from archive_service.domain.sop import parse_sop
from archive_service.errors import TooLarge
from archive_service.verifier.onefile import build_verifier
from archive_service.verifier.report import Names, render_report


@dataclass(frozen=True)
class BundledDocument:
    """A document version whose bytes come from the store."""

    version: str
    digest: str
    crc32: int
    size: int
    media_type: str


@dataclass(frozen=True)
class AttestedCheckpoint:
    """A checkpoint that others vouched for: the note with its cosignatures, time-stamp responses, the proof to the bundle's checkpoint."""

    note: bytes
    tokens: Sequence[bytes]
    consistency: Sequence[bytes]


@dataclass(frozen=True)
class Evidence:
    """What a bundle is made of. Events are exact bytes; ``positions`` and ``proofs`` are keyed by leaf hash (hex), ``attested`` by size."""

    origin: str
    dossier: str
    events: Sequence[bytes]
    persons: Mapping[str, Sequence[bytes]]
    registrations: Sequence[bytes]
    definitions: Mapping[str, bytes]
    statement: bytes
    openings: Mapping[tuple[str, str], tuple[str, bytes]]
    positions: Mapping[str, int]
    proofs: Mapping[str, Sequence[bytes]]
    checkpoint: bytes
    checkpoint_size: int
    vkeys: Sequence[str]
    documents: Sequence[BundledDocument]
    attested: Mapping[int, AttestedCheckpoint] = field(default_factory=dict)


def _lines(events: Sequence[bytes]) -> bytes:
    return b"".join(data + b"\n" for data in events)


def _openings(evidence: Evidence) -> bytes:
    listed = [
        {"event": event, "field": field, "value": value, "salt": salt.hex()}
        for (event, field), (value, salt) in sorted(evidence.openings.items())
    ]
    return canonical.encode(listed)


def _proofs(evidence: Evidence) -> bytes:
    leaves = [
        {"event": leaf_hash, "index": index, "path": [h.hex() for h in evidence.proofs[leaf_hash]]}
        for leaf_hash, index in sorted(evidence.positions.items(), key=lambda item: item[1])
    ]
    return canonical.encode({"size": evidence.checkpoint_size, "leaves": leaves})


def make_plan(evidence: Evidence) -> bytes:
    """The plan as canonical JSON: ordered entries of path, size, digests, and the bytes or the object with them.

    The same evidence gives the same bytes. TooLarge ``bundle_too_large`` when it is more than a verifier would take.
    """
    events = [parse_event(data) for data in evidence.events]
    sop = parse_sop(canonical.decode(evidence.definitions[events[0].payload["sop"]]))
    dossier = fold(sop, events)
    registrations = sorted(evidence.registrations, key=lambda data: evidence.positions[parse_event(data).leaf_hash])
    chains = [[parse_event(data) for data in chain] for chain in evidence.persons.values()]
    everything = [*events, *(event for chain in chains for event in chain), *map(parse_event, registrations)]
    excess = manifest.find_excess([event.type for event in everything], [len(chain) for chain in chains])
    if excess is not None:
        raise TooLarge("bundle_too_large", f"The dossier has {excess}: no verifier would take its bundle.")
    statement = canonical.decode(evidence.statement)
    openings = {key: value for key, (value, _) in evidence.openings.items()}
    names = Names.gather(everything, openings)
    inline: dict[str, bytes] = {
        manifest.README: manifest.README_TEXT.encode(),
        manifest.VERIFIER: build_verifier(),
        manifest.EVENTS: _lines(evidence.events),
        manifest.REGISTRATIONS: _lines(registrations),
        manifest.STATEMENT: evidence.statement,
        manifest.OPENINGS: _openings(evidence),
        manifest.PROOFS: _proofs(evidence),
        manifest.CHECKPOINT: evidence.checkpoint,
        manifest.CONSISTENCY: canonical.encode(
            {str(size): [h.hex() for h in each.consistency] for size, each in evidence.attested.items()}
        ),
        manifest.KEYS: "".join(f"{vkey}\n" for vkey in evidence.vkeys).encode(),
        manifest.REPORT: render_report(statement, sop, names).encode(),
    }
    for size, attested in evidence.attested.items():
        inline[manifest.attested_name(size)] = attested.note
        for number, token in enumerate(attested.tokens, 1):
            inline[manifest.token_name(size, number)] = token
    for person, chain in evidence.persons.items():
        inline[f"{manifest.PERSONS_FOLDER}{person}.jsonl"] = _lines(chain)
    for digest, data in evidence.definitions.items():
        inline[f"{manifest.DEFINITIONS_FOLDER}{digest}.json"] = data
    evidence_sizes = [len(data) for path, data in inline.items() if path.startswith(manifest.EVIDENCE_FOLDER)]
    is_too_large = max(evidence_sizes) > manifest.EVIDENCE_LIMIT_BYTES
    if is_too_large or sum(evidence_sizes) > manifest.EVIDENCE_TOTAL_LIMIT_BYTES:
        raise TooLarge("bundle_too_large", "The dossier's evidence is larger than a verifier would read.")
    try:
        for path, data in inline.items():
            if path.startswith(manifest.EVIDENCE_FOLDER) and path.endswith(".json"):
                manifest.require_sparse(data)
    except ValueError as exc:
        raise TooLarge(
            "bundle_too_large", f"The dossier's evidence is more than a verifier would read: {exc}."
        ) from exc
    paths = manifest.document_names(dossier)
    entries = {path: _inline_entry(path, data) for path, data in inline.items()}
    for document in evidence.documents:
        path = paths[document.version]
        entries[path] = {
            "path": path,
            "size": document.size,
            "sha256": document.digest,
            "crc32": document.crc32,
            "object": document.digest,
        }
    payload = [entries[path] for path in sorted(entries)]
    info = manifest.bag_info_text(
        organization=sop.institution,
        dossier_id=evidence.dossier,
        bagged_on=events[-1].at[:10],
        payload=[entry["size"] for entry in payload],
    )
    tags = [
        _inline_entry(manifest.BAGIT, manifest.BAGIT_TEXT.encode()),
        _inline_entry(manifest.BAG_INFO, info.encode()),
        _inline_entry(manifest.MANIFEST, manifest.manifest_text((e["path"], e["sha256"]) for e in payload).encode()),
    ]
    tags.append(
        _inline_entry(manifest.TAG_MANIFEST, manifest.manifest_text((e["path"], e["sha256"]) for e in tags).encode())
    )
    return canonical.encode({"v": 1, "folder": manifest.bundle_name(evidence.dossier), "entries": [*tags, *payload]})


def _inline_entry(path: str, data: bytes) -> dict[str, Any]:
    # a plan is kept for ever: the verifier, the same in every plan of a version, is most of it and shrinks to a quarter
    is_deflated = path == manifest.VERIFIER
    return {
        "path": path,
        "size": len(data),
        "sha256": sha256(data).hexdigest(),
        "crc32": zlib.crc32(data),
        "deflated" if is_deflated else "data": base64.b64encode(zlib.compress(data, 9) if is_deflated else data).decode(
            "ascii"
        ),
    }


def zip_entries(plan: Mapping[str, Any]) -> list[ZipEntry]:
    """The container's entries in their order, each with its offset."""
    found: list[ZipEntry] = []
    offset = 0
    for entry in plan["entries"]:
        made = ZipEntry(f"{plan['folder']}/{entry['path']}", entry["size"], entry["crc32"], offset)
        offset = made.data_offset + made.size
        found.append(made)
    return found


def size_of_bundle(plan: bytes) -> int:
    """The size in bytes of the bundle that this plan makes."""
    entries = zip_entries(canonical.decode(plan))
    last = entries[-1]
    central = sum(manifest.CENTRAL_BYTES + len(entry.name) for entry in entries)
    return last.data_offset + last.size + central + manifest.END_BYTES
