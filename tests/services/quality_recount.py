"""Quality's numbers counted again, naively: event by event, with nothing of the service's own but its calendar's arithmetic."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import EventRow
from archive_service.domain import verdict, working_time
from archive_service.domain.event import parse_event

Numbers = dict[tuple[str, str, str, int, int], dict[str, int]]


def recount(archive: Archive, session: Session) -> Numbers:
    """What the counts must add up to, without zeros."""
    dossiers: dict[str, dict[str, list[Any]]] = {}
    for row in session.execute(select(EventRow).order_by(EventRow.stream, EventRow.seq)).scalars():
        # "after:" sorts before "dossier:": what follows a seal is put behind it
        kind, _, dossier = row.stream.partition(":")
        if kind in ("after", "dossier"):
            dossiers.setdefault(dossier, {"dossier": [], "after": []})[kind].append(parse_event(row.data))
    total: dict[tuple[str, str, str, int, int], Counter[str]] = {}
    for streams in dossiers.values():
        events = [*streams["dossier"], *streams["after"]]
        opened = events[0].payload
        sop = archive.catalog.sop(session, opened["sop"])
        calendar = archive.catalog.calendar(session, opened["calendar"])
        for (step, measure), number in _count(events, sop, calendar).items():
            cell = (sop.key, step, opened["work_unit"], opened["year"], opened["quarter"])
            total.setdefault(cell, Counter())[measure] += number
    found = {cell: {m: n for m, n in numbers.items() if n} for cell, numbers in total.items()}
    return {cell: numbers for cell, numbers in found.items() if numbers}


def _count(events: list[Any], sop: Any, calendar: Any) -> Counter[tuple[str, str]]:
    count: Counter[tuple[str, str]] = Counter({("", "dossiers"): 1})
    running: dict[str, tuple[int, str]] = {}
    passed: set[tuple[str, int]] = set()
    owed: dict[str, str] = {}
    open_: dict[str, str] = {}
    for event in events[1:]:
        p = event.payload
        if event.type == "step.started":
            count[p["step"], "runs"] += 1
            running[p["step"]] = (p["iteration"], p["started_at"])
        elif event.type in ("step.submitted", "decision.made"):
            del running[p["step"]]
            if p.get("decision") == "return":
                count[p["step"], "returns"] += 1
                count[p["returns_to"], "sent_back"] += 1
        elif event.type == "step.judged":
            count[p["step"], p["time"]["result"]] += 1
            count[p["step"], "used_seconds"] += p["time"]["used_seconds"]
            count[p["step"], "limit_seconds"] += p["time"]["limit_seconds"]
            count[p["step"], "complete" if p["completeness"]["result"] == "complete" else "incomplete"] += 1
        elif event.type == "deviation.recorded":
            step = p["step"] or ""
            count[step, "deviations"] += 1
            open_[p["deviation"]] = owed[p["deviation"]] = step
            if p["code"] == "time_norm_passed":
                passed.add((p["step"], p["iteration"]))
        elif event.type == "deviation.explained":
            del owed[p["deviation"]]
        elif event.type == "explanation.returned":
            owed[p["deviation"]] = open_[p["deviation"]]
        elif event.type == "explanation.accepted":
            del open_[p["deviation"]]
        elif event.type == "dossier.sealed":
            count["", "sealed"] += 1
            ((step, (_, started_at)),) = running.items()
            used = working_time.used_between(calendar, verdict.parse_time(started_at), verdict.parse_time(event.at))
            count[step, "late" if used.seconds > verdict.norm_seconds(sop, step) else "on_time"] += 1
            running.clear()
        elif event.type == "dossier.cancelled":
            count["", "cancelled"] += 1
            running.clear()
            owed.clear()
            open_.clear()
    for step, (iteration, _) in running.items():
        count[step, "running"] += 1
        count[step, "overdue"] += (step, iteration) in passed
    for step in open_.values():
        count[step, "open_deviations"] += 1
    for step in owed.values():
        count[step, "unexplained"] += 1
    return count
