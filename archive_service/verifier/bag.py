"""The BagIt bag: each of its files regenerated and compared, none missing, none extra (RFC 8493)."""

from __future__ import annotations

from typing import List

from archive_service.domain import manifest
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.dossier import Dossier
from archive_service.verifier.container import Container, check_contents
from archive_service.verifier.evidence import Evidence

ALWAYS_THERE = (
    manifest.README,
    manifest.VERIFIER,
    manifest.EVENTS,
    manifest.REGISTRATIONS,
    manifest.STATEMENT,
    manifest.OPENINGS,
    manifest.PROOFS,
    manifest.CHECKPOINT,
    manifest.CONSISTENCY,
    manifest.KEYS,
    manifest.REPORT,
)
"""The payload files that every bundle has; documents, persons and definitions come on top, as the evidence asks for them."""
_TAGS = [manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST]


def check_bag(container: Container) -> List[Discrepancy]:
    """Every file is hashed, the bag's own files are what follows from that, and all stand in their order."""
    found = check_contents(container)
    payload, digests = container.payload, container.digests
    if container.order != [*_TAGS, manifest.TAG_MANIFEST, *sorted(payload)]:
        found.append(Discrepancy("bag_order", container.folder))
    expected = {
        manifest.BAGIT: manifest.BAGIT_TEXT,
        manifest.MANIFEST: manifest.manifest_text((path, digests[path]) for path in payload),
        manifest.TAG_MANIFEST: manifest.manifest_text((path, digests[path]) for path in _TAGS if path in digests),
        manifest.README: manifest.README_TEXT,
    }
    for path, text in expected.items():
        if path not in container.entries:
            found.append(Discrepancy("bag_file_missing", path))
        elif not container.is_text(path, text):
            found.append(Discrepancy("bag_file_differs", path))
    return found


def check_layout(container: Container, evidence: Evidence, dossier: Dossier) -> List[Discrepancy]:
    """Every file is one that the evidence asks for, none is missing, and bag-info.txt is what follows from it."""
    due = set(ALWAYS_THERE)
    due.update(manifest.document_names(dossier).values())
    due.update(f"{manifest.PERSONS_FOLDER}{person}.jsonl" for person in evidence.persons)
    due.update(f"{manifest.DEFINITIONS_FOLDER}{digest}.json" for digest in evidence.definitions)
    due.update(manifest.attested_name(size) for size in evidence.attested)
    due.update(
        manifest.token_name(size, number)
        for size, attested in evidence.attested.items()
        for number in range(1, len(attested.tokens) + 1)
    )
    payload = set(container.payload)
    found = [Discrepancy("file_extra", path) for path in sorted(payload - due)]
    found += [Discrepancy("file_missing", path) for path in sorted(due - payload)]
    info = manifest.bag_info_text(
        organization=dossier.sop.institution,
        dossier_id=dossier.id,
        bagged_on=evidence.events[-1].at[:10],
        payload=[container.entries[path].size for path in payload],
    )
    if not container.is_text(manifest.BAG_INFO, info):
        found.append(Discrepancy("bag_file_differs", manifest.BAG_INFO))
    return found
