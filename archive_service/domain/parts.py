"""What a dossier is made of: versions of documents, paper originals, iterations of steps with their pauses and verdicts, decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from archive_service.domain import canonical
from archive_service.domain.completeness import Requirement
from archive_service.domain.states import RUNNING
from archive_service.domain.verdict import Interval


@dataclass(frozen=True)
class Version:
    """One received version of a document."""

    id: str
    document: str
    number: int
    step: str
    iteration: int
    kind: str
    digest: str
    crc32: str
    size: int
    media_type: str
    puid: str
    person: str
    begun_at: str
    received_at: str
    event_hash: str
    deviation: Optional[str] = None
    indicator: Optional[str] = None
    withdrawn_at: Optional[str] = None


@dataclass(frozen=True)
class PaperOriginal:
    """Whether a document has an original on paper, and where that lies: ruang, rak, boks, folder."""

    exists: bool
    room: Optional[str]
    shelf: Optional[str]
    box: Optional[str]
    folder: Optional[str]
    person: str
    at: str
    event_hash: str


@dataclass(frozen=True)
class Pause:
    """Time of an iteration that does not count, granted by another role than the performer's; without ``to_at`` it goes on."""

    id: str
    step: str
    iteration: int
    cause: str
    from_at: str
    to_at: Optional[str]
    granted_by: str
    event_hash: str


class Judgement(NamedTuple):
    """One verdict on an iteration: the payload of its ``step.judged`` and that event's leaf hash."""

    payload: Mapping[str, Any]
    event_hash: str


@dataclass
class Run:
    """One iteration of a step, from its start to its end."""

    step: str
    iteration: int
    role: str
    responsible: Optional[str]
    started_at: str
    start_hash: str
    state: str = RUNNING
    finished_at: Optional[str] = None
    finish_hash: Optional[str] = None
    outcome: Optional[str] = None
    performed_by: Optional[str] = None
    requirements: Tuple[Requirement, ...] = ()
    judgements: List[Judgement] = field(default_factory=list)
    pauses: List[Pause] = field(default_factory=list)
    transfer: Optional[Interval] = None
    acting: Optional[str] = None

    @property
    def judged(self) -> Optional[Mapping[str, Any]]:
        """The newest verdict's payload, or None."""
        return self.judgements[-1].payload if self.judgements else None

    @property
    def judged_hash(self) -> Optional[str]:
        """The leaf hash of the newest verdict's event, or None."""
        return self.judgements[-1].event_hash if self.judgements else None

    @property
    def is_held(self) -> bool:
        """Whether a pause without an end stands: nothing is due until it ends."""
        return any(pause.to_at is None for pause in self.pauses)

    def is_paused(self, at: str) -> bool:
        """Whether a pause covers the event time ``at``."""
        return any(p.from_at <= at and (p.to_at is None or at < p.to_at) for p in self.pauses)

    def excluded(self, until: str) -> List[Interval]:
        """What does not count of the time until then: the pauses, and how long the last upload was on its way."""
        found = [(p.from_at, p.to_at if p.to_at is not None else until) for p in self.pauses]
        found = [(from_at, to_at) for from_at, to_at in found if from_at < to_at]
        return found if self.transfer is None else [*found, self.transfer]


@dataclass(frozen=True)
class Decision:
    """An approval or a return, bound to the exact versions that were seen."""

    event_hash: str
    step: str
    iteration: int
    decision: str
    person: str
    at: str
    documents_digest: str
    returns_to: Optional[str]
    passkey: Optional[str]
    """The leaf hash of the passkey that it was signed with; None for one without."""


@dataclass(frozen=True)
class Flag:
    """That whoever decided had their authority or password from an administrator since the opening; ``decision`` is None at a seal."""

    event_hash: str
    step: str
    iteration: int
    person: str
    decision: Optional[str]
    reasons: Tuple[str, ...]


def documents_digest(versions: Iterable[Version]) -> str:
    """The digest that binds a submission or decision to exact versions: SHA-256 of their canonical list, ordered by id."""
    listed = [{"version": v.id, "digest": v.digest} for v in sorted(versions, key=lambda v: v.id)]
    return sha256(canonical.encode(listed)).hexdigest()
