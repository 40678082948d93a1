"""Indicators of a dossier: the list, imported or typed; results at the step that formulates them; recommendations carried over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import indicators as lookups
from archive_service.db.event_log import read_openings
from archive_service.domain.action import Action
from archive_service.domain.event import INDICATOR
from archive_service.domain.indicator import ANSWERS, CARRIED_LIMIT, LISTED_LIMIT
from archive_service.errors import InvalidInput
from archive_service.services.actor import RULES, Actor, Assignment
from archive_service.services.fields import clean_text, optional_text
from archive_service.services.indicator_tables import HEADERS, Problem, TableRow, problems_error, read_table
from archive_service.services.work import DossierWork, acting_as, hold_dossier
from archive_service.verifier.report import ERASED

TEXT_LIMIT = 10_000
_LIMITS = {"code": 32, "title": 300, "unit": 50, "target": 100, "achievement": 100, "person": 200}
_NEEDED = frozenset(["code", "title", "target"])


@dataclass(frozen=True)
class ListedIndicator:
    """An indicator as somebody lists it; ``person`` is a log-in, the name of one person, or an id."""

    code: str
    title: str
    target: str
    unit: str | None = None
    achievement: str | None = None
    person: str | None = None


@dataclass(frozen=True)
class IndicatorResult:
    """What is recorded of an indicator, or of the dossier as a whole when there is no code."""

    code: str | None
    achievement: str | None = None
    recommendation: str | None = None
    obstacle: str | None = None
    follow_up: str | None = None


@dataclass(frozen=True)
class ListChange:
    """How many indicators were listed or changed, and how many stood so already."""

    changed: int
    unchanged: int


def clean_code(value: object) -> str:
    """An indicator's code as it is kept: capitals without white space around; InvalidInput ``indicator_code``."""
    code = value.strip().upper() if isinstance(value, str) else ""
    if INDICATOR(code, "") is not None:
        raise InvalidInput(
            "indicator_code", "A code has 1 to 32 letters, digits, dots and dashes, such as IKU-1.2.", field="code"
        )
    return code


def set_indicators(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    indicators: Sequence[ListedIndicator],
    seen: Collection[str] | None = None,
) -> ListChange:
    """List these indicators, or change those that are listed: one event for each that differs, all or none.

    Any performer of the dossier's unit may, until the results are submitted. InvalidInput ``indicators_invalid`` names every problem
    with its row (from 1) and field.
    """
    rows = [
        TableRow(
            number,
            {
                "code": each.code,
                "title": each.title,
                "target": each.target,
                "unit": each.unit or "",
                "achievement": each.achievement or "",
                "person": each.person or "",
            },
        )
        for number, each in enumerate(indicators, 1)
    ]
    return _list_rows(archive, actor, dossier, rows, {field: field for field in HEADERS}, "list", seen)


def import_indicators(
    archive: Archive, actor: Actor, *, dossier: str, table: bytes, file_name: str, seen: Collection[str] | None = None
) -> ListChange:
    """List the indicators of a CSV or XLSX table (``indicator_tables.HEADERS``); every problem by row and column, nothing half taken."""
    actor.require("indicator.manage")
    rows = read_table(table, file_name)
    return _list_rows(archive, actor, dossier, rows, HEADERS, "table", seen)


def _list_rows(
    archive: Archive,
    actor: Actor,
    dossier: str,
    rows: Sequence[TableRow],
    columns: dict[str, str],
    what: str,
    seen: Collection[str] | None,
) -> ListChange:
    if not 1 <= len(rows) <= LISTED_LIMIT:
        raise InvalidInput("too_many_indicators", f"List 1 to {LISTED_LIMIT} indicators at a time.")
    changed = 0
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = acting_as(work, actor, "indicator.manage")
        _require(work, actor, assignment, "list_indicator")
        payloads, problems = _clean_rows(session, rows, columns)
        if problems:
            raise problems_error(problems, what)
        for payload in payloads:
            known = work.dossier.indicators.listed.get(str(payload["code"]))
            if known is not None and all(getattr(known, name) == value for name, value in payload.items()):
                continue
            _require(work, actor, assignment, "list_indicator", code=str(payload["code"]))
            work.act(actor, assignment, "indicator.set", payload)
            changed += 1
    return ListChange(changed, len(rows) - changed)


def _clean_rows(
    session: Session, rows: Sequence[TableRow], columns: dict[str, str]
) -> tuple[list[dict[str, str | None]], list[Problem]]:
    """The payload of each row, and everything that is wrong with any of them."""
    persons = lookups.find_persons(session, {row.fields.get("person", "").strip() for row in rows} - {""})
    payloads: list[dict[str, str | None]] = []
    problems: list[Problem] = []
    taken: dict[str, int] = {}
    for row in rows:
        payload: dict[str, str | None] = {}
        for field, limit in _LIMITS.items():
            text = row.fields.get(field, "")
            try:
                if field == "code" and text.strip():
                    payload[field] = clean_code(text)
                elif field in _NEEDED:
                    payload[field] = clean_text(columns[field], text, limit=limit)
                else:
                    payload[field] = optional_text(columns[field], text, limit=limit)
            except InvalidInput as exc:
                problems.append(Problem(row.number, columns[field], exc.code, exc.detail))
        code, person = payload.get("code"), payload.get("person")
        if code is not None and code in taken:
            text = f"{code} stands in row {taken[code]} already; keep one of them."
            problems.append(Problem(row.number, columns["code"], "indicator_twice", text))
        elif code is not None:
            taken[code] = row.number
        if person is not None:
            found = persons.get(person, [])
            if len(found) == 1:
                payload["person"] = found[0]
            elif found:
                text = f"{len(found)} people are called {person}; give the log-in."
                problems.append(Problem(row.number, columns["person"], "person_ambiguous", text))
            else:
                text = f"Nobody is called {person}; give a log-in or a name as it is registered."
                problems.append(Problem(row.number, columns["person"], "person_unknown", text))
        payloads.append(payload)
    return payloads, problems


def remove_indicator(
    archive: Archive, actor: Actor, *, dossier: str, code: str, reason: str, seen: Collection[str] | None = None
) -> None:
    """Take an indicator off the list, with a reason; documents that name it stay."""
    code, reason = clean_code(code), clean_text("reason", reason, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = acting_as(work, actor, "indicator.manage")
        _require(work, actor, assignment, "remove_indicator", code=code)
        work.act(actor, assignment, "indicator.removed", {"code": code}, {"reason": reason})


def record_results(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    results: Sequence[IndicatorResult],
    seen: Collection[str] | None = None,
) -> int:
    """Record achievement, recommendation, obstacle and follow-up at the step that formulates them; how many differ from what stood.

    One event for each, all or none. What an earlier iteration recorded stands until it is recorded anew.
    """
    if not 1 <= len(results) <= LISTED_LIMIT + 1:
        raise InvalidInput("too_many_indicators", f"Record 1 to {LISTED_LIMIT + 1} results at a time.")
    cleaned = [_clean_result(each, number) for number, each in enumerate(results, 1)]
    recorded = 0
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        performer = work.dossier.sop.step(step).performer if step in work.dossier.sop.order else None
        assignment = acting_as(work, actor, "indicator.manage", performer)
        for code, achievement, texts in cleaned:
            _require(work, actor, assignment, "record_result", code=code, step=step)
            if _stands(work, session, step, code, achievement, texts):
                continue
            run = work.dossier.running(step)
            assert run is not None
            payload = {"step": step, "iteration": run.iteration, "code": code, "achievement": achievement}
            work.act(actor, assignment, "indicator.result_recorded", payload, texts)
            recorded += 1
    return recorded


def _clean_result(each: IndicatorResult, number: int) -> tuple[str | None, str | None, dict[str, str | None]]:
    code = None if each.code is None else clean_code(each.code)
    achievement = optional_text("achievement", each.achievement, limit=100)
    texts = {
        name: optional_text(name, getattr(each, name), limit=TEXT_LIMIT, lines=True)
        for name in ("recommendation", "obstacle", "follow_up")
    }
    if code is not None and achievement is None:
        raise InvalidInput(
            "achievement_missing", f"Say what {code} achieved; the other fields may stay empty.", field="achievement"
        )
    if achievement is None and not any(texts.values()):
        raise InvalidInput("result_empty", f"Result {number} says nothing; fill in a field or leave it out.")
    return code, achievement, texts


def _stands(
    work: DossierWork,
    session: Session,
    step: str,
    code: str | None,
    achievement: str | None,
    texts: dict[str, str | None],
) -> bool:
    """Whether this very result is recorded already."""
    known = work.dossier.indicators.standing_result(step, code)
    if known is None or known.achievement != achievement:
        return False
    openings = read_openings(session, [known.event_hash])
    return all(openings.get((known.event_hash, name), (None,))[0] == text for name, text in texts.items())


def answer_recommendation(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    recommendation: str,
    state: str,
    note: str,
    seen: Collection[str] | None = None,
) -> None:
    """Say what became of a recommendation of the period before: ``done``, ``ongoing`` or ``dropped``, with a note; the newest counts."""
    if state not in ANSWERS:
        raise InvalidInput("answer_not_a_choice", f"state is one of: {', '.join(ANSWERS)}.", field="state")
    note = clean_text("note", note, limit=TEXT_LIMIT, lines=True)
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen)
        assignment = acting_as(work, actor, "indicator.manage")
        action = Action(
            "answer_recommendation",
            actor.person,
            assignment.role,
            assignment.work_unit,
            recommendation=recommendation,
        )
        work.require(action)
        payload = {"carried": recommendation, "state": state}
        work.act(actor, assignment, "recommendation.answered", payload, {"note": note})


def carry_recommendations(work: DossierWork) -> int:
    """Begin a dossier that was just opened with what its unit's last one of this SOP recommended and nobody closed; how many.

    Read from rows alone, so that a long or damaged old dossier delays nothing; an erased text says that it was.
    """
    made = work.dossier
    before = lookups.find_dossier_before(
        work.session, work_unit=made.work_unit, sop=made.sop.key, year=made.year, quarter=made.quarter
    )
    if before is None or all(step.indicators is None for step in made.sop.steps):
        return 0
    found = lookups.list_open_recommendations(work.session, before)[:CARRIED_LIMIT]
    for each in found:
        payload = {"from_dossier": before, "from_event": each.event_hash, "code": each.code}
        work.append("recommendation.carried", RULES, payload, {"recommendation": each.text or ERASED})
    return len(found)


def _require(
    work: DossierWork,
    actor: Actor,
    assignment: Assignment,
    name: str,
    *,
    code: str | None = None,
    step: str | None = None,
) -> None:
    work.require(
        Action(name, actor.person, assignment.role, assignment.work_unit, step=step, has_reason=True, indicator=code)
    )


def texts_of(openings: dict[tuple[str, str], Any], event_hash: str, names: Sequence[str]) -> dict[str, str | None]:
    """What stands behind the commitments of an event, where it was not erased."""
    return {name: openings[(event_hash, name)][0] if (event_hash, name) in openings else None for name in names}
