"""Rows that follow from events: what the write path saves and what ``archive-service log audit`` computes again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, update
from sqlalchemy.orm import Session

from archive_service.db.models import (
    ApiTokenRow,
    AssignmentRow,
    AttestationRow,
    Base,
    DecisionRow,
    DefinitionRow,
    DelegationRow,
    DeviationRow,
    DocumentVersionRow,
    DossierRow,
    ExplanationRow,
    FindingRow,
    FlagRow,
    IdentityRow,
    IndicatorResultRow,
    IndicatorRow,
    ObligationRow,
    PaperOriginalRow,
    PasskeyRow,
    PersonRow,
    RecommendationRow,
    SampleItemRow,
    SampleRow,
    SessionRow,
    StepRunRow,
    UnitDeviationRow,
    UserRow,
    VerdictRow,
    WorkUnitRow,
    table_of,
)
from archive_service.domain import completeness, reminder, statement, unit, verdict, working_time
from archive_service.domain.deviation import NORM_PASSED
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import Event
from archive_service.domain.parts import Run
from archive_service.domain.states import CANCELLED, OPEN, RUNNING

DELEGATION_STATES = {
    "delegation.confirmed": "confirmed",
    "delegation.declined": "declined",
    "delegation.withdrawn": "withdrawn",
}
"""Event type → what a proposal has come to."""

USER_COLUMNS: dict[str, Callable[[Event], dict[str, Any]]] = {
    # another address is not verified because the one before it was
    "user.mail_set": lambda event: {"mail_verified_at": None},
    "user.mail_verified": lambda event: {"mail_verified_at": _time(event.at)},
    "user.validity_set": lambda event: {
        "valid_from": event.payload["from_on"],
        "valid_until": event.payload["until_on"],
    },
    "second_factor.set": lambda event: {"second_factor_at": _time(event.at)},
    "second_factor.removed": lambda event: {"second_factor_at": None},
}
"""Event type → what it changes in a log-in's row."""

Rows = dict[tuple[type[Base], tuple[Any, ...]], dict[str, Any]]
"""(table, primary key) → evidenced columns."""
Beside = Callable[[type[Base], Mapping[str, Any]], dict[str, Any]]
"""(table, evidenced columns of a row) → operational columns that follow from the same state."""


def _time(text: str | None) -> datetime | None:
    return None if text is None else verdict.parse_time(text)


def _late_at(dossier: Dossier, run: Run, calendar: working_time.Calendar) -> datetime | None:
    """When one working second more is used than the norm gives; None while no time is due, and where the calendar ends before."""
    try:
        return _time(statement.due_time(dossier, run, calendar, beyond_seconds=1))
    except working_time.OutOfCalendar:
        return None


def _add(rows: Rows, table: type[Base], values: dict[str, Any]) -> None:
    key = tuple(values[column.name] for column in table_of(table).primary_key)
    rows[(table, key)] = values


def rows_of_dossier(dossier: Dossier, calendars: Mapping[str, working_time.Calendar]) -> Rows:
    """The rows that a dossier's events make; ``calendars`` are those that it was judged by, its work unit's own, by digest."""
    rows: Rows = {}
    if not dossier.status:
        return rows
    calendar = calendars[dossier.calendar_digest]
    _add(
        rows,
        DossierRow,
        {
            "id": dossier.id,
            "sop_digest": dossier.sop_digest,
            "calendar_digest": dossier.calendars[0],
            "work_unit_id": dossier.work_unit,
            "year": dossier.year,
            "quarter": dossier.quarter,
            "status": dossier.status,
            "opened_at": _time(dossier.opened_at),
            "opened_by": dossier.opened_by,
            "opened_hash": dossier.opened_hash,
            "received_at": _time(dossier.letter["received_at"]),
            "ended_at": _time(dossier.ended_at),
        },
    )
    recorded = {(d.step, d.iteration) for d in dossier.deviations if d.code == NORM_PASSED}
    for run in dossier.runs:
        is_running = run.state == RUNNING and dossier.status == OPEN
        _add(
            rows,
            StepRunRow,
            {
                "dossier_id": dossier.id,
                "step": run.step,
                "iteration": run.iteration,
                "state": run.state,
                "role": run.role,
                "responsible": run.responsible,
                "acting_hash": run.acting,
                "started_at": _time(run.started_at),
                "due_at": _time(statement.due_time(dossier, run, calendar)),
                "late_at": _late_at(dossier, run, calendar),
                "is_watched": is_running and (run.step, run.iteration) not in recorded,
                "finished_at": _time(run.finished_at),
                "outcome": run.outcome,
                "performed_by": run.performed_by,
            },
        )
        for judgement in run.judgements:
            judged = judgement.payload
            time, finished_at = judged["time"], str(judged["time"]["finished_at"])
            used = verdict.used_time(
                calendars[time["calendar"]], run.started_at, finished_at, run.excluded(finished_at)
            )
            marked = completeness.with_damage(run.requirements, set(judged["completeness"]["damaged"]))
            _add(
                rows,
                VerdictRow,
                {
                    "event_hash": judgement.event_hash,
                    "dossier_id": dossier.id,
                    "step": run.step,
                    "iteration": run.iteration,
                    "number": judged["number"],
                    "calendar_digest": time["calendar"],
                    "time_result": time["result"],
                    "used_seconds": time["used_seconds"],
                    "limit_seconds": time["limit_seconds"],
                    "excluded_seconds": time["excluded_seconds"],
                    "used_by_day": json.dumps(dict(used.by_day)),
                    "completeness_result": judged["completeness"]["result"],
                    "requirements": json.dumps([r.plain() for r in marked]),
                },
            )
    for v in dossier.versions:
        _add(
            rows,
            DocumentVersionRow,
            {
                "id": v.id,
                "dossier_id": dossier.id,
                "document_id": v.document,
                "number": v.number,
                "step": v.step,
                "iteration": v.iteration,
                "kind": v.kind,
                "digest": v.digest,
                "crc32": v.crc32,
                "size": v.size,
                "media_type": v.media_type,
                "puid": v.puid,
                "person_id": v.person,
                "begun_at": _time(v.begun_at),
                "received_at": _time(v.received_at),
                "withdrawn_at": _time(v.withdrawn_at),
                "event_hash": v.event_hash,
                "deviation_id": v.deviation,
                "indicator": v.indicator,
            },
        )
    for document, paper in dossier.papers.items():
        _add(
            rows,
            PaperOriginalRow,
            {
                "document_id": document,
                "dossier_id": dossier.id,
                "is_there": paper.exists,
                "room": paper.room,
                "shelf": paper.shelf,
                "box": paper.box,
                "folder": paper.folder,
                "person_id": paper.person,
                "at": _time(paper.at),
                "event_hash": paper.event_hash,
            },
        )
    for d in dossier.decisions:
        _add(
            rows,
            DecisionRow,
            {
                "event_hash": d.event_hash,
                "dossier_id": dossier.id,
                "step": d.step,
                "iteration": d.iteration,
                "decision": d.decision,
                "person_id": d.person,
                "at": _time(d.at),
                "documents_digest": d.documents_digest,
                "returns_to": d.returns_to,
                "passkey_hash": d.passkey,
            },
        )
    for flag in dossier.flags:
        _add(
            rows,
            FlagRow,
            {
                "event_hash": flag.event_hash,
                "dossier_id": dossier.id,
                "step": flag.step,
                "iteration": flag.iteration,
                "person_id": flag.person,
                "decision_hash": flag.decision,
                "reasons": " ".join(flag.reasons),
            },
        )
    for deviation in dossier.deviations:
        _add(
            rows,
            DeviationRow,
            {
                "id": deviation.id,
                "dossier_id": dossier.id,
                "code": deviation.code,
                "step": deviation.step,
                "iteration": deviation.iteration,
                "subject": deviation.subject,
                "role": deviation.role,
                "responsible": deviation.responsible,
                "at": _time(deviation.at),
                "explained_at": _time(deviation.explained_at),
                "explained_by": deviation.explained_by,
                "event_hash": deviation.event_hash,
                "state": deviation.state,
                "explain_by": _time(deviation.explain_by),
                "escalated_at": _time(deviation.escalated_at),
                "owed_until": _time(
                    deviation.explain_by
                    if deviation.is_open and deviation.escalated_at is None and dossier.status != CANCELLED
                    else None
                ),
            },
        )
        for explanation in deviation.explanations:
            _add(
                rows,
                ExplanationRow,
                {
                    "deviation_id": deviation.id,
                    "number": explanation.number,
                    "person_id": explanation.person,
                    "at": _time(explanation.at),
                    "event_hash": explanation.event_hash,
                    "answer": explanation.answer,
                    "answered_by": explanation.answered_by,
                    "answered_at": _time(explanation.answered_at),
                },
            )
    _add_indicators(rows, dossier)
    return rows


def _add_indicators(rows: Rows, dossier: Dossier) -> None:
    for each in dossier.indicators.listed.values():
        _add(
            rows,
            IndicatorRow,
            {
                "dossier_id": dossier.id,
                "code": each.code,
                "title": each.title,
                "unit": each.unit,
                "target": each.target,
                "achievement": each.achievement,
                "person_id": each.person,
                "at": _time(each.at),
                "event_hash": each.event_hash,
            },
        )
    for result in dossier.indicators.results.values():
        _add(
            rows,
            IndicatorResultRow,
            {
                "event_hash": result.event_hash,
                "dossier_id": dossier.id,
                "step": result.step,
                "iteration": result.iteration,
                "code": result.code,
                "achievement": result.achievement,
                "has_recommendation": result.has_recommendation,
                "person_id": result.person,
                "at": _time(result.at),
            },
        )
    for carried in dossier.indicators.carried.values():
        _add(
            rows,
            RecommendationRow,
            {
                "event_hash": carried.event_hash,
                "dossier_id": dossier.id,
                "from_dossier": carried.from_dossier,
                "from_event": carried.from_event,
                "code": carried.code,
                "at": _time(carried.at),
                "state": carried.state,
                "answered_by": carried.answered_by,
                "answered_at": _time(carried.answered_at),
                "answer_hash": carried.answer_hash,
            },
        )


def rows_of_unit(events: Iterable[Event]) -> Rows:
    """The rows that the events of a work unit's stream make."""
    events = list(events)
    rows = rows_of_stream(events)
    state = unit.fold(events)
    for owed in state.obligations.values():
        _add(
            rows,
            ObligationRow,
            {
                "id": owed.id,
                "work_unit_id": state.id,
                "sop": owed.period.sop,
                "year": owed.period.year,
                "quarter": owed.period.quarter,
                "due_at": _time(owed.due_at),
                "basis": owed.basis,
                "set_hash": owed.set_hash,
                "withdrawn_at": _time(owed.withdrawn_at),
            },
        )
    for d in state.ledger.deviations:
        _add(
            rows,
            UnitDeviationRow,
            {
                "id": d.id,
                "work_unit_id": state.id,
                "obligation_id": state.obligation_of[d.id],
                "code": d.code,
                "subject": d.subject,
                "role": d.role,
                "responsible": d.responsible,
                "at": _time(d.at),
                "event_hash": d.event_hash,
                "state": d.state,
                "explain_by": _time(d.explain_by),
                "escalated_at": _time(d.escalated_at),
                "owed_until": _time(d.explain_by if d.is_open and d.escalated_at is None else None),
            },
        )
    for found in state.findings.values():
        _add(
            rows,
            FindingRow,
            {
                "id": found.id,
                "work_unit_id": state.id,
                "state": found.state,
                "classification": found.classification,
                "proposed_by": found.proposed_by,
                "proposed_at": _time(found.proposed_at),
                "pic": found.pic,
                "due_on": found.due_on,
                "latest": found.latest,
            },
        )
    return rows


def rows_of_stream(events: Iterable[Event]) -> Rows:
    """The rows that the events of a person's, user's, unit's or the service's stream make."""
    rows: Rows = {}
    for event in events:
        p = event.payload
        if event.type == "work_unit.created":
            _add(
                rows,
                WorkUnitRow,
                {"id": p["work_unit"], "code": p["code"], "name": p["name"], "parent_id": p["parent"]},
            )
        elif event.type == "person.registered":
            _add(rows, PersonRow, {"id": p["person"], "registered_hash": event.leaf_hash})
        elif event.type == "assignment.made":
            _add(
                rows,
                AssignmentRow,
                {
                    "id": p["assignment"],
                    "person_id": event.stream.partition(":")[2],
                    "role": p["role"],
                    "work_unit_id": p["work_unit"],
                    "from_on": p["from_on"],
                    "to_on": p["to_on"],
                    "lead": p["lead"],
                    "made_hash": event.leaf_hash,
                    "ended_at": None,
                    **_acting_columns(p["acting"]),
                },
            )
            if p["acting"] is not None:
                _answer(rows, p["acting"]["delegation"], {"assignment_id": p["assignment"]})
        elif event.type == "assignment.ended":
            rows[(AssignmentRow, (p["assignment"],))]["ended_at"] = _time(event.at)
        elif event.type == "assignment.attested":
            _add(
                rows,
                AttestationRow,
                {
                    "event_hash": event.leaf_hash,
                    "assignment_id": p["assignment"],
                    "person_id": event.stream.partition(":")[2],
                    "sop_digest": p["sop"],
                    "text_digest": p["text_digest"],
                    "at": _time(event.at),
                },
            )
        elif event.type == "passkey.registered":
            _add(
                rows,
                PasskeyRow,
                {
                    "event_hash": event.leaf_hash,
                    "person_id": event.stream.partition(":")[2],
                    **{name: p[name] for name in ("credential", "algorithm", "public_key", "aaguid", "rp_id")},
                    "registered_at": _time(event.at),
                    "revoked_at": None,
                },
            )
        elif event.type == "passkey.revoked":
            rows[(PasskeyRow, (p["passkey"],))]["revoked_at"] = _time(event.at)
        elif event.type == "delegation.proposed":
            _add(rows, DelegationRow, _delegation(event))
        elif event.type in DELEGATION_STATES:
            answered = {"answered_by": event.person, "answered_at": _time(event.at)}
            _answer(rows, p["proposal"], {"state": DELEGATION_STATES[event.type], **answered})
        elif event.type == "user.created":
            _add(
                rows,
                UserRow,
                {
                    "id": p["user"],
                    "person_id": p["person"],
                    "created_hash": event.leaf_hash,
                    "mail_verified_at": None,
                    "second_factor_at": None,
                    "valid_from": None,
                    "valid_until": None,
                },
            )
        elif event.type in USER_COLUMNS:
            rows[(UserRow, (p["user"],))].update(USER_COLUMNS[event.type](event))
        elif event.type == "identity.linked":
            _add(
                rows,
                IdentityRow,
                {
                    "event_hash": event.leaf_hash,
                    "user_id": p["user"],
                    "issuer": p["issuer"],
                    "linked_at": _time(event.at),
                    "unlinked_at": None,
                },
            )
        elif event.type == "identity.unlinked":
            rows[(IdentityRow, (p["identity"],))]["unlinked_at"] = _time(event.at)
        elif event.type == "token.created":
            _add(
                rows,
                ApiTokenRow,
                {
                    "id": p["token"],
                    "user_id": event.stream.partition(":")[2],
                    "created_hash": event.leaf_hash,
                    "scopes": " ".join(p["scopes"]),
                    "expires_at": _time(p["expires_at"]),
                    "revoked_at": None,
                },
            )
        elif event.type == "sample.drawn":
            _add_sample(rows, event)
        elif event.type == "sample.item_judged":
            item = next(
                row
                for (table, key), row in rows.items()
                if table is SampleItemRow and key[0] == p["sample"] and row["dossier_id"] == p["dossier"]
            )
            item.update(
                result=p["result"], finding_id=p["finding"], judged_at=_time(event.at), event_hash=event.leaf_hash
            )
        elif event.type == "token.revoked":
            rows[(ApiTokenRow, (p["token"],))]["revoked_at"] = _time(event.at)
        elif event.type == "session.started":
            _add(
                rows,
                SessionRow,
                {
                    "id": p["session"],
                    "user_id": event.stream.partition(":")[2],
                    "started_at": _time(event.at),
                    "ended_at": None,
                    "method": p["method"],
                    "second": p["second"],
                },
            )
        elif event.type == "session.ended":
            rows[(SessionRow, (p["session"],))]["ended_at"] = _time(event.at)
        elif event.type == "definition.registered":
            _add(
                rows,
                DefinitionRow,
                {
                    "digest": p["digest"],
                    "kind": p["definition_kind"],
                    "key": p["key"],
                    "version": p["version"],
                    "event_hash": event.leaf_hash,
                },
            )
    return rows


def _add_sample(rows: Rows, event: Event) -> None:
    p = event.payload
    told = {name: p[name] for name in ("seed", "size", "of", "population_digest")}
    who = {"user_id": event.stream.partition(":")[2], "person_id": event.person}
    wanted = json.dumps(p["filter"], sort_keys=True, separators=(",", ":"))
    made = {"drawn_at": _time(event.at), "event_hash": event.leaf_hash, "wanted": wanted}
    _add(rows, SampleRow, {"id": p["sample"], **who, **told, **made})
    for place, dossier in enumerate(p["dossiers"], start=1):
        blank = dict.fromkeys(("result", "finding_id", "judged_at", "event_hash"))
        _add(rows, SampleItemRow, {"sample_id": p["sample"], "place": place, "dossier_id": dossier, **blank})


def _acting_columns(acting: Mapping[str, Any] | None) -> dict[str, Any]:
    acting = acting or {}
    return {
        "acting_mode": acting.get("mode"),
        "acting_absent": acting.get("absent"),
        "acting_delegation": acting.get("delegation"),
        "acting_sops": " ".join(acting["sops"]) if acting else None,
    }


def _delegation(event: Event) -> dict[str, Any]:
    p = event.payload
    return {
        "id": p["delegation"],
        "mode": p["mode"],
        "substitute": event.stream.partition(":")[2],
        "absent": p["absent"],
        "assignment_hash": p["assignment"],
        "role": p["role"],
        "work_unit_id": p["work_unit"],
        "from_on": p["from_on"],
        "to_on": p["to_on"],
        "sops": " ".join(p["sops"]),
        "letter_on": p["letter_on"],
        "state": "proposed",
        "proposed_by": event.person,
        "proposed_role": event.actor.get("role"),
        "proposed_at": _time(event.at),
        "proposal_hash": event.leaf_hash,
        "answered_by": None,
        "answered_at": None,
        "assignment_id": None,
    }


def _answer(rows: Rows, proposal: str, values: dict[str, Any]) -> None:
    """Put what became of a proposal into its row."""
    for (table, _), row in rows.items():
        if table is DelegationRow and row["proposal_hash"] == proposal:
            row.update(values)


def reminders_of(dossier: Dossier, calendar: working_time.Calendar) -> Beside:
    """The operational column of a step's iteration whose row is being written: when its first reminder falls due."""

    def beside(table: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
        if table is not StepRunRow:
            return {}
        run = dossier.find_run(values["step"], values["iteration"])
        return {"remind_at": None if run is None else _time(reminder.remind_time(dossier, run, calendar))}

    return beside


def save_changes(
    session: Session,
    before: Rows,
    after: Rows,
    extra: dict[str, Any] | None = None,
    beside: Beside = lambda table, values: {},
) -> None:
    """Write the difference between two projections: new rows, changed columns. ``extra`` are operational columns of new rows.

    ``beside`` gives the operational columns that are written whenever a row is.
    """
    # tables, not mapped classes: the unit of work would take longer than the database
    connection = session.connection()
    for (table, key), values in after.items():
        known = before.get((table, key))
        if known is None:
            connection.execute(insert(table_of(table)).inline(), {**values, **(extra or {}), **beside(table, values)})
        elif known != values:
            changed = {name: value for name, value in values.items() if known[name] != value}
            changed.update(beside(table, values))
            connection.execute(update(table_of(table)).where(*_is_row(table, key)).values(**changed))
    for table, key in before.keys() - after.keys():
        connection.execute(delete(table_of(table)).where(*_is_row(table, key)))


def _is_row(table: type[Base], key: tuple[Any, ...]) -> list[ColumnElement[bool]]:
    return [column == part for column, part in zip(table_of(table).primary_key, key, strict=True)]
