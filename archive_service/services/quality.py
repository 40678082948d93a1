"""Quality across dossiers: how often steps are on time and complete, what deviates, who is overdue; within one's scope, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from archive_service.archive import Archive
from archive_service.db import quality, queries, tally
from archive_service.db.paging import Page, PageRequest
from archive_service.db.quality import QualityFilter
from archive_service.errors import InvalidInput
from archive_service.services import reading, spreadsheet
from archive_service.services.actor import Actor
from archive_service.services.exports import export_table
from archive_service.services.reading import Content

LISTED = 20_000
"""Rows of a summary at most: three years of forty units with every step, several times over."""
RATES = ("on_time_rate", "complete_rate")


def fold_counts(archive: Archive) -> int:
    """Fold the numbers that changed since the last time; how many rows went."""
    folded = 0
    while True:
        with archive.db.write() as session:
            gone = tally.fold_tallies(session)
        folded += gone
        if gone == 0:
            return folded


def read_summary(
    archive: Archive, actor: Actor, *, wanted: QualityFilter, by: Sequence[str] = ("step",)
) -> list[dict[str, Any]]:
    """Every measure for each combination of ``by``, with the share that was on time and complete; an auditor's look is recorded."""
    reading.scope_of(actor)
    reading.record_read(archive, actor, "quality")
    return _summary(archive, actor, wanted, by)


def _summary(archive: Archive, actor: Actor, wanted: QualityFilter, by: Sequence[str]) -> list[dict[str, Any]]:
    scope = reading.scope_of(actor)
    if len(set(by)) != len(by) or not set(by) <= set(quality.GROUPS):
        raise InvalidInput(
            "group_unknown", f"Numbers are told apart by {', '.join(quality.GROUPS)}, each once.", field="by"
        )
    with archive.db.read() as session:
        found = quality.sum_counts(scope, session, wanted, by, LISTED + 1)
        if len(found) > LISTED:
            raise InvalidInput(
                "summary_too_long", "That is too much for one table: name a year, a unit or a step.", field="by"
            )
        units = {u["work_unit"]: u["name"] for u in queries.list_work_units(session)} if "work_unit" in by else {}
    for row in found:
        if "work_unit" in row:
            row["work_unit_name"] = units.get(row["work_unit"])
        row["on_time_rate"] = _rate(row["on_time"], row["late"])
        row["complete_rate"] = _rate(row["complete"], row["incomplete"])
    return found


def _rate(good: int, bad: int) -> float | None:
    return round(good / (good + bad), 4) if good + bad else None


def page_overdue(archive: Archive, actor: Actor, *, wanted: QualityFilter, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the steps that are late now, the longest due first."""
    scope = reading.scope_of(actor)
    reading.record_read(archive, actor, "quality")
    now = archive.log.clock()
    with archive.db.read() as session:
        return quality.page_overdue(scope, session, now, wanted, page)


def page_unexplained(
    archive: Archive, actor: Actor, *, wanted: QualityFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """A page of the deviations that an explanation is owed for, oldest first, with their age in days."""
    scope = reading.scope_of(actor)
    reading.record_read(archive, actor, "quality")
    with archive.db.read() as session:
        return quality.page_unexplained(scope, session, wanted, page)


AGES_DAYS = (7, 30, 90)
"""Where one age of an open deviation ends and the next begins."""


def count_by_age(archive: Archive, actor: Actor, *, wanted: QualityFilter) -> list[dict[str, Any]]:
    """How many deviations are not settled at each age, and how many of these nobody explained, the youngest first."""
    scope = reading.scope_of(actor)
    reading.record_read(archive, actor, "quality")
    now = archive.log.clock()
    with archive.db.read() as session:
        found = quality.count_by_age(scope, session, wanted, [now - timedelta(days=days) for days in AGES_DAYS])
    spans = zip((0, *(days + 1 for days in AGES_DAYS)), (*AGES_DAYS, None), strict=True)
    return [
        {"age": number, "from_days": first, "to_days": last, "open": count, "unexplained": owed}
        for number, ((first, last), (count, owed)) in enumerate(zip(spans, found, strict=True))
    ]


def page_not_settled(
    archive: Archive,
    actor: Actor,
    *,
    wanted: QualityFilter,
    age: int | None,
    is_owed: bool,
    page: PageRequest,
) -> Page[dict[str, Any]]:
    """A page of the deviations behind a number of ``count_by_age``, or of all ages; oldest first."""
    scope = reading.scope_of(actor)
    if age is not None and not 0 <= age <= len(AGES_DAYS):
        raise InvalidInput("age_unknown", f"An age is a number from 0 to {len(AGES_DAYS)}.", field="age")
    reading.record_read(archive, actor, "quality")
    now = archive.log.clock()
    newest = now - timedelta(days=AGES_DAYS[age - 1]) if age else None
    oldest = now - timedelta(days=AGES_DAYS[age]) if age is not None and age < len(AGES_DAYS) else None
    with archive.db.read() as session:
        return quality.page_not_settled(scope, session, wanted, page, newest, oldest, is_owed)


def page_runs(
    archive: Archive, actor: Actor, *, wanted: QualityFilter, measure: str, page: PageRequest
) -> Page[dict[str, Any]]:
    """A page of the iterations behind a number."""
    scope = reading.scope_of(actor)
    if measure not in quality.BEHIND:
        raise InvalidInput(
            "measure_unknown", f"What can be listed is one of: {', '.join(quality.BEHIND)}.", field="measure"
        )
    reading.record_read(archive, actor, "quality")
    with archive.db.read() as session:
        return quality.page_runs(scope, session, wanted, measure, page)


def export_summary(
    archive: Archive,
    actor: Actor,
    *,
    wanted: QualityFilter,
    by: Sequence[str],
    kind: str,
    heading: Callable[[str], str] = str,
) -> Content:
    """The summary as a spreadsheet; ``heading`` gives the words for a column's code. An auditor's export is recorded by its digest."""
    if kind not in spreadsheet.MEDIA_TYPES:
        raise InvalidInput("format_unknown", "A table is exported as csv or as xlsx.", field="format")
    rows = _summary(archive, actor, wanted, by)
    names = [*by, *(["work_unit_name"] if "work_unit" in by else []), *tally.MEASURES, *RATES]
    return export_table(archive, actor, rows, names, kind, heading, "quality")


def export_map(
    archive: Archive,
    actor: Actor,
    *,
    wanted: QualityFilter,
    measure: str,
    kind: str,
    heading: Callable[[str], str] = str,
) -> Content:
    """The heat map as a spreadsheet: a row for each SOP and work unit, a column for each step, in them the share of what was judged.

    ``measure``: ``on_time`` or ``complete``; a cell in which nothing was judged is empty.
    """
    cells = [
        cell for cell in _summary(archive, actor, wanted, ("sop", "work_unit", "step")) if cell["step"] is not None
    ]
    steps = sorted({cell["step"] for cell in cells}, key=lambda step: (len(step), step))
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        empty = {"sop": cell["sop"], "work_unit_name": cell["work_unit_name"], **dict.fromkeys(steps)}
        rows.setdefault((cell["sop"], cell["work_unit"]), empty)[cell["step"]] = cell[f"{measure}_rate"]
    names = ["sop", "work_unit_name", *steps]
    return export_table(
        archive,
        actor,
        list(rows.values()),
        names,
        kind,
        lambda name: f"{heading('step')} {name}" if name in steps else heading(name),
        f"{measure}_rate",
    )


def export_deviations(
    archive: Archive, actor: Actor, *, wanted: QualityFilter, kind: str, heading: Callable[[str], str] = str
) -> Content:
    """The deviations that are not settled as a spreadsheet, oldest first, at most as many as a table takes."""
    if kind not in spreadsheet.MEDIA_TYPES:
        raise InvalidInput("format_unknown", "A table is exported as csv or as xlsx.", field="format")
    page = PageRequest(LISTED)
    rows = page_not_settled(archive, actor, wanted=wanted, age=None, is_owed=False, page=page).rows
    names = ["work_unit_name", "year", "quarter", "step", "code", "state", "responsible_name", "at", "dossier"]
    return export_table(archive, actor, rows, names, kind, heading, "deviations")
