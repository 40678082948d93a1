"""Reading indicators: a dossier's list with evidence and results, recommendations, and what somebody is in charge of."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import indicators as lookups
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.domain import indicator, permissions, statement
from archive_service.domain.action import Action
from archive_service.domain.dossier import Dossier
from archive_service.domain.indicator import Indicator, Recommendation, Result
from archive_service.domain.parts import Version
from archive_service.domain.refusal import find_refusal
from archive_service.services import reading
from archive_service.services.actor import Actor
from archive_service.services.indicators import texts_of
from archive_service.services.work import calendars_of, load_dossier

RESULT_TEXTS = ("recommendation", "obstacle", "follow_up")
Openings = dict[tuple[str, str], tuple[str, bytes]]


def read_indicators(archive: Archive, actor: Actor, *, dossier: str) -> tuple[dict[str, Any], str]:
    """The dossier's list with evidence and results, and the head of its stream; who only contributes gets their own indicators."""
    reading.require_readable(archive, actor, dossier=dossier, action="indicator.read")
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
        is_whole = actor.may("dossier.read") and reading.scope_of(actor).holds(state.work_unit)
        return describe_list(session, state, None if is_whole else actor.person), state.head


def describe_list(session: Session, state: Dossier, only: str | None = None) -> dict[str, Any]:
    """A dossier's list as plain data; ``only``: what this person is in charge of, and nothing of the others."""
    ledger = state.indicators
    summary = statement.indicator_summary(state)
    listed = [each for each in ledger.listed.values() if only is None or each.person == only]
    codes = [each.code for each in listed]
    results = [r for r in ledger.standing_results() if (r.code is None and only is None) or r.code in codes]
    openings = read_openings(session, [r.event_hash for r in results])
    persons = {each.person for each in listed if each.person} | {r.person for r in results}
    names = queries.names_of(session, persons)
    documents = {each.code: _evidence(state, each.code) for each in listed}
    return {
        "dossier": state.id,
        "asked": summary["asked"],
        "listed": len(listed),
        "with_evidence": sum(1 for found in documents.values() if found),
        "without": [code for code in summary["without"] if code in codes],
        "without_result": [code for code in summary["without_result"] if code in codes],
        "indicators": [
            {
                "code": each.code,
                "title": each.title,
                "unit": each.unit,
                "target": each.target,
                "achievement": each.achievement,
                "person": each.person,
                "person_name": names.get(each.person or ""),
                "at": each.at,
                "event": each.event_hash,
                "documents": [v.id for v in documents[each.code]],
                "results": [_result(r, openings, names) for r in results if r.code == each.code],
            }
            for each in listed
        ],
        "overall": [_result(r, openings, names) for r in results if r.code is None],
    }


def _evidence(state: Dossier, code: str) -> list[Version]:
    """The standing documents of an indicator, at whichever steps take evidence."""
    steps = [step.key for step in state.sop.steps if step.indicators == indicator.EVIDENCE]
    return [v for step in steps for v in state.standing_outputs(step) if v.indicator == code]


def _result(found: Result, openings: Openings, names: dict[str, str]) -> dict[str, Any]:
    return {
        "step": found.step,
        "iteration": found.iteration,
        "code": found.code,
        "achievement": found.achievement,
        **texts_of(openings, found.event_hash, RESULT_TEXTS),
        "person_name": names.get(found.person),
        "at": found.at,
        "event": found.event_hash,
    }


def read_recommendations(archive: Archive, actor: Actor, *, dossier: str) -> tuple[list[dict[str, Any]], str]:
    """The recommendations that a dossier began with and what became of them, and the head of its stream."""
    reading.require_readable(archive, actor, dossier=dossier)
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
        return describe_recommendations(session, state), state.head


def describe_recommendations(session: Session, state: Dossier) -> list[dict[str, Any]]:
    """Each recommendation that a dossier began with, as plain data."""
    carried = list(state.indicators.carried.values())
    events = [each.event_hash for each in carried] + [each.answer_hash for each in carried if each.answer_hash]
    openings = read_openings(session, events)
    names = queries.names_of(session, {each.answered_by for each in carried if each.answered_by})
    return [_recommendation(each, openings, names) for each in carried]


def _recommendation(each: Recommendation, openings: Openings, names: dict[str, str]) -> dict[str, Any]:
    note = None if each.answer_hash is None else texts_of(openings, each.answer_hash, ("note",))["note"]
    return {
        "recommendation": each.event_hash,
        "from_dossier": each.from_dossier,
        "from_event": each.from_event,
        "code": each.code,
        "text": texts_of(openings, each.event_hash, ("recommendation",))["recommendation"],
        "at": each.at,
        "state": each.state,
        "note": note,
        "answered_by_name": names.get(each.answered_by or ""),
        "answered_at": each.answered_at,
    }


def list_own(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """What the actor is in charge of in open dossiers: each dossier with their indicators, their documents, and what may be sent now."""
    scope = reading.scope_of(actor, "indicator.read")
    reading.record_read(archive, actor, "dossiers")
    found: list[dict[str, Any]] = []
    with archive.db.read() as session:
        for dossier in lookups.list_dossiers_in_charge(scope, session, actor.person):
            state = load_dossier(archive, session, dossier)
            found.append(_own_of(archive, session, state, actor))
    return found


def _own_of(archive: Archive, session: Session, state: Dossier, actor: Actor) -> dict[str, Any]:
    own = [v for v in state.versions if v.person == actor.person and v.indicator is not None]
    openings = read_openings(session, [state.opened_hash, *(v.event_hash for v in own)])
    calendar = calendars_of(archive, session, state)[state.calendar_digest]
    running = [
        run
        for step in state.sop.steps
        if step.indicators == indicator.EVIDENCE
        for run in [state.running(step.key)]
        if run is not None
    ]
    listed = [each for each in state.indicators.listed.values() if each.person == actor.person]
    return {
        "dossier": state.id,
        "title": openings.get((state.opened_hash, "title"), (None,))[0],
        "work_unit": state.work_unit,
        "year": state.year,
        "quarter": state.quarter,
        "steps": [
            {
                "step": run.step,
                "activity": state.sop.step(run.step).activity,
                "due_at": statement.due_time(state, run, calendar),
                "takes": [
                    {"kind": rule.kind, "title": rule.title, "media": list(rule.media)}
                    for rule in state.sop.step(run.step).file_outputs
                ],
            }
            for run in running
        ],
        "indicators": [
            {
                "code": each.code,
                "title": each.title,
                "unit": each.unit,
                "target": each.target,
                "has_evidence": bool(_evidence(state, each.code)),
                "may_send": [run.step for run in running if may_send(state, actor, run.step, each)],
                "documents": [
                    {
                        "version": v.id,
                        "document": v.document,
                        "number": v.number,
                        "step": v.step,
                        "kind": v.kind,
                        "file_name": openings.get((v.event_hash, "file_name"), (None,))[0],
                        "size": v.size,
                        "digest": v.digest,
                        "received_at": v.received_at,
                        "withdrawn_at": v.withdrawn_at,
                    }
                    for v in own
                    if v.indicator == each.code
                ],
            }
            for each in listed
        ],
    }


def may_send(state: Dossier, actor: Actor, step: str, each: Indicator) -> bool:
    """Whether the actor, as a contributor, may send evidence for an indicator at a step now."""
    rule = next(iter(state.sop.step(step).file_outputs), None)
    held = [a for a in actor.assignments if (a.role, a.work_unit) == (permissions.CONTRIBUTOR, state.work_unit)]
    if rule is None or not held:
        return False
    action = Action(
        "upload", actor.person, held[0].role, held[0].work_unit, step=step, kind=rule.kind, indicator=each.code
    )
    return find_refusal(state, action) is None


def find_acts(state: Dossier, actor: Actor) -> dict[str, Any]:
    """What a performer may do about indicators now: change the list, answer recommendations, record results at which step."""

    def may(name: str, **facts: Any) -> bool:
        actions = (
            Action(name, actor.person, a.role, a.work_unit, has_reason=True, **facts)
            for a in actor.holds("indicator.manage")
        )
        return any(find_refusal(state, action) is None for action in actions)

    first = next(iter(state.indicators.carried), None)
    takes = [step.key for step in state.sop.steps if step.indicators == indicator.RESULTS]
    return {
        "may_list": may("list_indicator", indicator=next(iter(state.indicators.listed), None)),
        "may_answer": first is not None and may("answer_recommendation", recommendation=first),
        "may_record": next((step for step in takes if may("record_result", step=step)), None),
    }
