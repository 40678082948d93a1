"""The level that the log has reached: who vouches for it besides its own signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, CosignatureRow, TimeStampRow
from archive_service.domain import note


def read_level(archive: Archive, session: Session, *, covering: int | None = None) -> dict[str, Any]:
    """Who vouches for the log: signed, witnesses ``k`` of ``n``, time-stamps.

    For the newest attested checkpoint; with ``covering`` (a leaf index) for the checkpoints that cover that leaf.
    """
    newest = session.execute(select(func.max(CheckpointRow.size))).scalar_one_or_none()
    sizes = _attested_from(session, covering)
    known = {} if archive.policy is None else {note.format_vkey(w.key): w.name for w in archive.policy.witnesses}
    cosigned = session.execute(select(CosignatureRow.vkey).where(sizes.of(CosignatureRow.size)).distinct()).scalars()
    names = sorted({known[vkey] for vkey in cosigned if vkey in known})
    stamped = session.execute(select(TimeStampRow.authority).where(sizes.of(TimeStampRow.size)).distinct()).scalars()
    return {
        "is_signed": newest is not None and (covering is None or newest > covering),
        "witnesses": len(names),
        "witnesses_of": len(known),
        "witness_names": names,
        "time_stamps": len(stamped.all()),
        "size": sizes.first,
        "has_quorum": archive.policy is not None and archive.policy.is_satisfied(set(names)),
    }


@dataclass(frozen=True)
class _Sizes:
    """Which attested checkpoints count: that of one size, or all from it on."""

    first: int | None
    is_open: bool

    def of(self, column: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        if self.first is None:
            return false()
        return column >= self.first if self.is_open else column == self.first


def _attested_from(session: Session, covering: int | None) -> _Sizes:
    if covering is None:
        tops = [session.execute(select(func.max(t.size))).scalar_one_or_none() for t in (CosignatureRow, TimeStampRow)]
        return _Sizes(max((size for size in tops if size is not None), default=None), False)
    lows = [
        session.execute(select(func.min(t.size)).where(t.size > covering)).scalar_one_or_none()
        for t in (CosignatureRow, TimeStampRow)
    ]
    return _Sizes(min((size for size in lows if size is not None), default=None), True)
