"""Findings of audits: a quality checker or an auditor proposes one from deviations; what it is and what helps is the auditor's to say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings, read_streams
from archive_service.db.models import (
    DeviationRow,
    DocumentVersionRow,
    DossierRow,
    EventRow,
    FindingRow,
    UnitDeviationRow,
    WorkUnitRow,
)
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.domain import finding as findings
from archive_service.domain import permissions
from archive_service.errors import InvalidInput, NotFound
from archive_service.services import reading
from archive_service.services.actor import Actor, Assignment, assignments_in_force
from archive_service.services.exports import export_table
from archive_service.services.fields import clean_text, optional_text, require_date, require_id, require_key
from archive_service.services.notices import notify
from archive_service.services.reading import Content
from archive_service.services.units import UnitWork, hold_unit, read_unit_events
from archive_service.services.work import error_of, require_seen

DEVIATIONS_LIMIT = 32
EVIDENCE_LIMIT = 16
SETTLED = (findings.CLOSED,)
_TEXT = 5_000
EXPORTED = 2_000
"""Findings in a spreadsheet at most."""
EXPORTED_TEXTS = ("text", "problem", "cause", "action", "done", "effect")
"""What a finding says, column by column: as proposed, as classified, its cause, the corrective action, what was done, what it brought."""


@dataclass(frozen=True)
class Reference:
    """What a finding rests on besides deviations: a dossier, one step of it, a document's digest, an event's leaf hash."""

    dossier: str
    step: str | None = None
    document: str | None = None
    event: str | None = None


@dataclass(frozen=True)
class FindingFilter:
    """Which findings; None takes all. ``is_settled``: closed ones, or those that are not."""

    work_unit: str | None = None
    state: str | None = None
    classification: str | None = None
    is_settled: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table of findings."""
        found: list[ColumnElement[bool]] = []
        if self.work_unit is not None:
            found.append(FindingRow.work_unit_id == require_id("work_unit", self.work_unit))
        if self.state is not None:
            found.append(FindingRow.state == self.state)
        if self.classification is not None:
            found.append(FindingRow.classification == self.classification)
        if self.is_settled is not None:
            found.append(FindingRow.state.in_(SETTLED) if self.is_settled else FindingRow.state.not_in(SETTLED))
        return found


def propose_finding(
    archive: Archive,
    actor: Actor,
    *,
    work_unit: str,
    deviations: Sequence[str],
    text: str,
    evidence: Sequence[Reference] = (),
) -> str:
    """A candidate finding of a work unit from deviations of its dossiers or of its own; the finding's id.

    Classifying it is an auditor's. An auditor may name no deviation, for what was found on the spot. ``evidence``: what else it rests on,
    in dossiers of this unit; NotFound ``evidence_unknown`` for what is not there.
    """
    assignment = actor.require("finding.propose")
    text = clean_text("text", text, limit=_TEXT, lines=True)
    wanted = list(dict.fromkeys(require_id("deviations", each) for each in deviations))
    if len(wanted) > DEVIATIONS_LIMIT:
        raise InvalidInput("too_many_deviations", f"A finding names at most {DEVIATIONS_LIMIT} deviations.")
    if len(evidence) > EVIDENCE_LIMIT:
        raise InvalidInput("too_much_evidence", f"A finding names at most {EVIDENCE_LIMIT} pieces of evidence.")
    if not wanted and assignment.role != permissions.AUDITOR and not _holds(actor, permissions.AUDITOR):
        raise InvalidInput("deviations_missing", "Name the deviations that the candidate rests on.", field="deviations")
    with archive.db.write() as session:
        work = hold_unit(archive, session, require_id("work_unit", work_unit), actor)
        payload = {
            "finding": work.writer.make_id(),
            "deviations": [_named(session, work_unit, each) for each in wanted],
            "evidence": [_referred(session, work_unit, each) for each in dict.fromkeys(evidence)],
        }
        work.act(actor, assignment, "finding.proposed", payload, {"text": text})
    return str(payload["finding"])


def _holds(actor: Actor, role: str) -> bool:
    return any(a.role == role for a in actor.assignments)


def _named(session: Session, work_unit: str, deviation: str) -> dict[str, str | None]:
    row = session.execute(
        select(DeviationRow.dossier_id, DeviationRow.responsible)
        .join(DossierRow, DossierRow.id == DeviationRow.dossier_id)
        .where(DeviationRow.id == deviation, DossierRow.work_unit_id == work_unit)
    ).one_or_none()
    if row is not None:
        return {"dossier": row.dossier_id, "deviation": deviation, "responsible": row.responsible}
    own = session.execute(
        select(UnitDeviationRow.responsible).where(
            UnitDeviationRow.id == deviation, UnitDeviationRow.work_unit_id == work_unit
        )
    ).one_or_none()
    if own is None:
        raise NotFound("deviation_unknown", "This unit has no such deviation.")
    return {"dossier": None, "deviation": deviation, "responsible": own.responsible}


def _referred(session: Session, work_unit: str, reference: Reference) -> dict[str, str | None]:
    dossier = require_id("evidence", reference.dossier)
    unknown = NotFound("evidence_unknown", "This unit has no such dossier, document or event.")
    if queries.find_work_unit_of(session, dossier) != work_unit:
        raise unknown
    if reference.document is not None:
        there = select(DocumentVersionRow.id).where(
            DocumentVersionRow.dossier_id == dossier, DocumentVersionRow.digest == reference.document
        )
        if session.execute(there).first() is None:
            raise unknown
    if reference.event is not None:
        stream = session.execute(
            select(EventRow.stream).where(EventRow.leaf_hash == reference.event)
        ).scalar_one_or_none()
        if stream not in (f"dossier:{dossier}", f"after:{dossier}"):
            raise unknown
    step = None if reference.step is None else require_key("step", reference.step)
    return {"dossier": dossier, "step": step, "document": reference.document, "event": reference.event}


def _step(
    archive: Archive,
    actor: Actor,
    finding: str,
    type: str,
    payload: Mapping[str, Any],
    personal: Mapping[str, str | None],
    seen: Collection[str] | None,
) -> None:
    with archive.db.read() as session:
        row = session.get(FindingRow, require_id("finding", finding))
        if row is None:
            raise NotFound("finding_unknown", "There is no such finding.")
        unit = row.work_unit_id
    with archive.db.write() as session:
        work = hold_unit(archive, session, unit, actor)
        assignment = _acting(actor, type, unit)
        held = work.unit.findings.get(finding)
        if held is not None:
            require_seen(held.latest, seen)
        refusal = findings.find_refusal(
            work.unit.findings.get(finding), type, actor.person, is_auditor=assignment.role == permissions.AUDITOR
        )
        if refusal is not None:
            raise error_of(refusal)
        work.act(actor, assignment, type, {"finding": finding, **payload}, personal)
        _tell_pic(work, finding, type)


def _acting(actor: Actor, type: str, unit: str) -> Assignment:
    if type == "finding.action_done":
        held = actor.holds("finding.act")
        own = [a for a in held if a.role == permissions.AUDITOR or a.work_unit == unit]
        return own[0] if own else actor.require("finding.act", unit)
    return actor.require("finding.judge")


def _tell_pic(work: UnitWork, finding: str, type: str) -> None:
    pic = work.unit.findings[finding].pic
    if type == "finding.action_set" and pic is not None:
        key = f"finding_action:{finding}:{work.unit.findings[finding].actions}"
        notify(work.archive, work.session, person=pic, kind="finding_action", key=key, subject=finding)


def classify_finding(
    archive: Archive,
    actor: Actor,
    *,
    finding: str,
    classification: str,
    problem: str,
    location: str | None = None,
    evidence: str | None = None,
    reference: str | None = None,
    seen: Collection[str] | None = None,
) -> None:
    """Say what a finding is, with its problem, location, objective evidence and reference (PLOR); ``rejected`` needs the problem alone."""
    if classification not in findings.CLASSES:
        names = ", ".join(findings.CLASSES)
        raise InvalidInput("class_unknown", f"A finding is one of: {names}.", field="classification")
    parts = {
        "problem": clean_text("problem", problem, limit=_TEXT, lines=True),
        "location": optional_text("location", location, limit=_TEXT, lines=True),
        "evidence": optional_text("evidence", evidence, limit=_TEXT, lines=True),
        "reference": optional_text("reference", reference, limit=_TEXT, lines=True),
    }
    missing = [name for name, value in parts.items() if value is None]
    if missing and classification != findings.REJECTED:
        raise InvalidInput("plor_incomplete", f"Say the {', '.join(missing)} too.", field=missing[0])
    _step(archive, actor, finding, "finding.classified", {"classification": classification}, parts, seen)


def state_cause(
    archive: Archive, actor: Actor, *, finding: str, cause: str, seen: Collection[str] | None = None
) -> None:
    """State the root cause (akar masalah); stated again, the newest counts."""
    text = {"cause": clean_text("cause", cause, limit=_TEXT, lines=True)}
    _step(archive, actor, finding, "finding.cause_stated", {}, text, seen)


def set_action(
    archive: Archive,
    actor: Actor,
    *,
    finding: str,
    action: str,
    pic: str,
    due_on: str,
    seen: Collection[str] | None = None,
) -> None:
    """Set the corrective action with the person in charge and its date."""
    text = {"action": clean_text("action", action, limit=_TEXT, lines=True)}
    pic, due_on = require_id("pic", pic), require_date("due_on", due_on)
    with archive.db.read() as session:
        if not assignments_in_force(session, pic, archive.log.clock()):
            raise InvalidInput("pic_unknown", "The person in charge holds no role now; name another one.", field="pic")
    _step(archive, actor, finding, "finding.action_set", {"pic": pic, "due_on": due_on}, text, seen)


def finish_action(
    archive: Archive, actor: Actor, *, finding: str, note: str, seen: Collection[str] | None = None
) -> None:
    """Say that the corrective action is done, as the person in charge or an auditor."""
    text = {"note": clean_text("note", note, limit=_TEXT, lines=True)}
    _step(archive, actor, finding, "finding.action_done", {}, text, seen)


def check_effect(
    archive: Archive,
    actor: Actor,
    *,
    finding: str,
    is_effective: bool,
    note: str,
    seen: Collection[str] | None = None,
) -> None:
    """Say whether the action worked: it closes the finding, or a new action is due."""
    text = {"note": clean_text("note", note, limit=_TEXT, lines=True)}
    _step(archive, actor, finding, "finding.effect_checked", {"is_effective": is_effective}, text, seen)


def list_findings(
    archive: Archive, actor: Actor, *, work_unit: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """The newest findings of the units within the actor's reach."""
    return page_findings(archive, actor, wanted=FindingFilter(work_unit), page=PageRequest(limit)).rows


def page_findings(archive: Archive, actor: Actor, *, wanted: FindingFilter, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the findings of the units within the actor's reach, newest first; an auditor's look is recorded."""
    actor.require("finding.read")
    reading.record_read(archive, actor, "findings")
    return peek_findings(archive, actor, wanted=wanted, page=page)


def peek_findings(archive: Archive, actor: Actor, *, wanted: FindingFilter, page: PageRequest) -> Page[dict[str, Any]]:
    """The same for a page that only leads to findings: nothing is recorded."""
    actor.require("finding.read")
    key = (FindingRow.proposed_at, FindingRow.id)
    after = None if page.after is None else (datetime.fromisoformat(str(page.after[0])), page.after[1])
    with archive.db.read() as session:
        rows = session.execute(
            _within(actor)
            .where(*wanted.conditions(), *comes_after(key, after, descending=True))
            .order_by(*(column.desc() for column in key))
            .limit(page.limit + 1)
        ).all()
        cut = cut_page(rows, page, lambda row: (row[0].proposed_at.isoformat(), row[0].id))
        names = queries.names_of(session, {p for row, _ in cut.rows for p in (row.proposed_by, row.pic) if p})
    return Page([_listed(row, unit, names) for row, unit in cut.rows], cut.next)


def export_findings(
    archive: Archive,
    actor: Actor,
    *,
    wanted: FindingFilter,
    kind: str,
    heading: Callable[[str], str] = str,
    word: Callable[[str], str] = str,
) -> Content:
    """The findings as a spreadsheet, newest first, with what each says, its cause, its corrective action, who does it and until when.

    ``heading`` and ``word`` give the words for a column's code and for a state or classification.
    """
    rows = peek_findings(archive, actor, wanted=wanted, page=PageRequest(EXPORTED)).rows
    with archive.db.read() as session:
        streams = read_streams(session, {f"unit:{row['work_unit']}" for row in rows})
        events = {e.leaf_hash: e for found in streams.values() for e in found if e.type in findings.EVENT_TYPES}
        openings = read_openings(session, events)
    told: dict[str, dict[str, str]] = {}
    place = {leaf_hash: at for at, leaf_hash in enumerate(events)}
    # in the order of their events: what was set again replaces what stood before
    for (leaf_hash, field), (value, _) in sorted(openings.items(), key=lambda item: place[item[0][0]]):
        event = events[leaf_hash]
        name = {"finding.action_done": "done", "finding.effect_checked": "effect"}.get(event.type, field)
        told.setdefault(event.payload["finding"], {})[name] = value
    table = [
        {
            **row,
            **{name: told.get(row["finding"], {}).get(name) for name in EXPORTED_TEXTS},
            "state": word(row["state"]),
            "classification": word(row["classification"]) if row["classification"] else None,
        }
        for row in rows
    ]
    names = ["work_unit_name", "state", "classification", "proposed_at", "proposed_by_name", *EXPORTED_TEXTS]
    return export_table(archive, actor, table, [*names, "pic_name", "due_on", "finding"], kind, heading, "findings")


def count_open(archive: Archive, actor: Actor) -> int:
    """How many findings within the actor's reach are not closed."""
    actor.require("finding.read")
    with archive.db.read() as session:
        found = _within(actor).where(FindingRow.state.not_in(SETTLED)).with_only_columns(func.count())
        return session.execute(found).scalar_one()


def _within(actor: Actor) -> Select[FindingRow, str]:
    held = actor.holds("finding.read")
    found = select(FindingRow, WorkUnitRow.name).join(WorkUnitRow, WorkUnitRow.id == FindingRow.work_unit_id)
    if any(permissions.is_office(a.role) for a in held):
        return found
    # what is only proposed, or was rejected, is between the checker and the auditor
    told = FindingRow.classification.is_not(None) & (FindingRow.classification != findings.REJECTED)
    return found.where(FindingRow.work_unit_id.in_({a.work_unit for a in held}), told)


def _listed(row: FindingRow, unit: str, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "finding": row.id,
        "work_unit": row.work_unit_id,
        "work_unit_name": unit,
        "state": row.state,
        "classification": row.classification,
        "proposed_by_name": names.get(row.proposed_by),
        "proposed_at": row.proposed_at.isoformat(),
        "pic": row.pic,
        "pic_name": names.get(row.pic or ""),
        "due_on": row.due_on,
        "latest": row.latest,
    }


def read_finding(archive: Archive, actor: Actor, *, finding: str) -> dict[str, Any]:
    """One finding with all its steps and texts; NotFound outside the actor's reach."""
    actor.require("finding.read")
    with archive.db.read() as session:
        one = session.execute(_within(actor).where(FindingRow.id == finding)).one_or_none()
        if one is None:
            raise NotFound("finding_unknown", "There is no such finding.")
        row, unit = one
        found = _listed(row, unit, queries.names_of(session, {p for p in (row.proposed_by, row.pic) if p}))
    reading.record_read(archive, actor, "finding")
    with archive.db.read() as session:
        events = [e for e in read_unit_events(session, found["work_unit"]) if e.payload.get("finding") == finding]
        openings = {k: v[0] for k, v in read_openings(session, [e.leaf_hash for e in events]).items()}
        names = queries.names_of(session, {e.person for e in events if e.person})
    steps = [
        {
            "type": e.type,
            "at": e.at,
            "person_name": names.get(e.person or ""),
            "event": e.leaf_hash,
            "texts": {field: text for (hash, field), text in sorted(openings.items()) if hash == e.leaf_hash},
            "is_effective": e.payload.get("is_effective"),
        }
        for e in events
    ]
    deviations = [{"dossier": d["dossier"], "deviation": d["deviation"]} for d in events[0].payload["deviations"]]
    evidence = [dict(each) for each in events[0].payload["evidence"]]
    is_auditor = actor.may("finding.judge")
    state = {"finding.action_done": actor.may("finding.act") and (is_auditor or found["pic"] == actor.person)}
    acts = [
        type for type, states in findings.MOVES_FROM.items() if found["state"] in states and state.get(type, is_auditor)
    ]
    return {**found, "deviations": deviations, "evidence": evidence, "steps": steps, "acts": acts}
