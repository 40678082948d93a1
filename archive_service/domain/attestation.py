"""What a performer attests once for each of their assignments: the SOP's qualifications and its first warning."""

from __future__ import annotations

from hashlib import sha256
from typing import Tuple

from archive_service.domain import canonical
from archive_service.domain.sop import Sop


def attested_text(sop: Sop) -> Tuple[str, ...]:
    """The sentences that are attested, in their order: every qualification, then the first warning."""
    return (*sop.qualifications, *sop.warnings[:1])


def text_digest(sop: Sop) -> str:
    """SHA-256 (hex) of the canonical list of these sentences: a new version with the same text is attested already."""
    return sha256(canonical.encode(list(attested_text(sop)))).hexdigest()
