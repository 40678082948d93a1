"""A retention schedule (jadwal retensi arsip, JRA) as data: how records of a procedure are classified, kept and finally disposed of.

The words are the archive law's own (UU 43/2009, ANRI 6/2021): security classes and final dispositions stay in Indonesian, as a schedule
that was decreed has them. An institution's own schedule is data; nothing here knows a code or a number of years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Dict, List, Mapping, Optional, Tuple

from archive_service.domain.definition import (
    BAD,
    Reader,
    boolean,
    day,
    event_word,
    integer,
    list_of,
    one_of,
    refuse,
    table,
    text,
)
from archive_service.domain.event import KEY
from archive_service.errors import InvalidDefinition, Problem

KIND = "retention_schedule"
SECURITY = ("biasa", "terbatas", "rahasia", "sangat_rahasia")
DISPOSITIONS = ("musnah", "permanen", "dinilai_kembali")
YEARS_LIMIT = 100


@dataclass(frozen=True)
class Entry:
    """What holds for the records of an SOP, or for one kind of its outputs: classification, years, final disposition, legal basis."""

    sop: str
    classification: str
    title: str
    security: str
    access: str
    active_years: int
    inactive_years: int
    disposition: str
    basis: str
    kind: Optional[str] = None

    @property
    def years(self) -> int:
        """How long the records are kept, counted from the seal."""
        return self.active_years + self.inactive_years

    def plain(self) -> Dict[str, Any]:
        """The entry as a statement names it."""
        return {
            "kind": self.kind,
            "classification": self.classification,
            "title": self.title,
            "security": self.security,
            "access": self.access,
            "active_years": self.active_years,
            "inactive_years": self.inactive_years,
            "disposition": self.disposition,
            "basis": self.basis,
        }


@dataclass(frozen=True)
class Schedule:
    """One version of a schedule; ``is_example`` says that nobody decreed it: no seal takes anything from it."""

    key: str
    version: int
    title: str
    institution: str
    effective_on: str
    is_example: bool
    legal_bases: Tuple[str, ...]
    entries: Tuple[Entry, ...]

    def entries_of(self, sop: str) -> List[Entry]:
        """What holds for an SOP: of the records as a whole first, then of kinds of outputs; nothing where it is not covered."""
        found = [entry for entry in self.entries if entry.sop == sop]
        return sorted(found, key=lambda entry: (entry.kind is not None, entry.kind or ""))

    def covers(self, sop: str) -> bool:
        """Whether the schedule says anything of an SOP."""
        return bool(self.entries_of(sop))


_TITLE = text(500)
_WORD = event_word(KEY, "a key: a-z, 0-9, '_', '-' and '.', at most 64 characters")
_YEARS = integer(0, YEARS_LIMIT)
_ENTRY: Dict[str, Reader] = {
    "sop": _WORD,
    "classification": text(50),
    "title": _TITLE,
    "security": one_of(*SECURITY),
    "access": _TITLE,
    "active_years": _YEARS,
    "inactive_years": _YEARS,
    "disposition": one_of(*DISPOSITIONS),
    "basis": _TITLE,
}
_SCHEDULE = table(
    {
        "schema": integer(1, 1),
        "kind": one_of(KIND),
        "key": _WORD,
        "version": integer(1, 10**6),
        "title": _TITLE,
        "institution": _TITLE,
        "effective_on": day,
        "is_example": boolean,
        "legal_bases": list_of(_TITLE, 1, 32),
        "entries": list_of(table(_ENTRY, {"kind": _WORD}), 1, 500),
    },
    {},
)


def parse_schedule(mapping: Mapping[str, Any]) -> Schedule:
    """The schedule that plain JSON-like data defines; InvalidDefinition with every problem and its place.

    An SOP has one entry for its records as a whole, and at most one for each kind of output beside it.
    """
    problems: List[Problem] = []
    draft = _SCHEDULE(mapping, "", problems)
    if draft is not BAD:
        _check_entries(draft.get("entries") or [], problems)
    if problems:
        raise InvalidDefinition(problems)
    entries = tuple(Entry(**entry) for entry in draft["entries"])
    return Schedule(
        draft["key"],
        draft["version"],
        draft["title"],
        draft["institution"],
        draft["effective_on"],
        draft["is_example"],
        tuple(draft["legal_bases"]),
        entries,
    )


def _check_entries(entries: List[Any], problems: List[Problem]) -> None:
    seen: Dict[Tuple[str, Optional[str]], int] = {}
    read = [(i, entry) for i, entry in enumerate(entries) if entry is not BAD and "sop" in entry]
    for i, entry in read:
        about = (entry["sop"], entry.get("kind"))
        if about in seen:
            refuse(problems, f"entries[{i}]", f"repeats entries[{seen[about]}]: the same SOP and kind")
        seen.setdefault(about, i)
    for i, entry in read:
        if entry.get("kind") is not None and (entry["sop"], None) not in seen:
            refuse(problems, f"entries[{i}].sop", "has no entry for its records as a whole; add one without kind")


def stated(schedule: Schedule, sop: str) -> Optional[Dict[str, Any]]:
    """What a completeness statement says of retention by this schedule; None for an SOP that it does not cover."""
    entries = schedule.entries_of(sop)
    if not entries:
        return None
    return {**entries[0].plain(), "kinds": [entry.plain() for entry in entries[1:]]}


def kept_until(statement: Mapping[str, Any]) -> Optional[str]:
    """Until which day (``YYYY-MM-DD``) a sealed dossier is kept, going by its statement: the longest of its entries; None without any."""
    told = statement.get("retention")
    if told is None:
        return None
    years = max(each["active_years"] + each["inactive_years"] for each in [told, *told["kinds"]])
    sealed = date.fromisoformat(statement["sealed_at"][:10])
    try:
        return sealed.replace(year=sealed.year + years).isoformat()
    except ValueError:
        # sealed on 29 February, and the last year has none
        return sealed.replace(year=sealed.year + years, month=3, day=1).isoformat()
