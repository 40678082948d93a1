"""What a person finds on their desk: the steps that wait for them, and what they may do in a dossier right now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings, read_streams
from archive_service.db.queries import ReadScope
from archive_service.domain import completeness, permissions, verdict, working_time
from archive_service.domain.action import Action
from archive_service.domain.dossier import Dossier, fold
from archive_service.domain.event import Event
from archive_service.domain.parts import Decision, Version, documents_digest
from archive_service.domain.refusal import find_refusal
from archive_service.domain.sop import OPENING, OutputRule
from archive_service.domain.states import CANCELLED, RUNNING
from archive_service.errors import Forbidden
from archive_service.services import reading
from archive_service.services.actor import Actor, list_holders
from archive_service.services.forms import plain_form
from archive_service.services.indicator_reading import describe_list, describe_recommendations, find_acts
from archive_service.services.work import fold_dossier, read_dossier_events, unit_calendar

UPLOAD = "upload"
SUBMIT = "submit"
DECIDE = "decide"
ARCHIVE = "archive"
MINE_SHOWN = 10
OTHERS_SHOWN = 15
ALL_SHOWN = 200
"""So many steps, of each kind, where all are asked for."""


def read_person(archive: Archive, actor: Actor) -> dict[str, Any]:
    """The acting person's name and the roles that they hold, in the words of the SOPs that name them."""
    with archive.db.read() as session:
        name = queries.names_of(session, {actor.person}).get(actor.person)
        sops = [d["digest"] for d in queries.list_definitions(session) if d["kind"] == "sop"]
        titles = {role.key: role.title for digest in sops for role in archive.catalog.sop(session, digest).roles}
    return {
        "person": actor.person,
        "name": name,
        "roles": [{"role": a.role, "title": titles.get(a.role)} for a in actor.assignments],
        "is_performer": is_performer(actor),
        "may_audit": actor.may("log.audit"),
        "is_contributor": any(a.role == permissions.CONTRIBUTOR for a in actor.assignments),
    }


def is_performer(actor: Actor) -> bool:
    """Whether the actor holds any role that performs steps of an SOP."""
    return any(permissions.role_class(a.role) == permissions.PERFORMER for a in actor.assignments)


def list_openable(archive: Archive, actor: Actor) -> dict[str, Any]:
    """What a new dossier may be opened for: the units where the actor performs, and the newest version of each SOP."""
    actor.require("dossier.open")
    held = {a.work_unit for a in actor.holds("dossier.open")}
    with archive.db.read() as session:
        units = [unit for unit in queries.list_work_units(session) if unit["work_unit"] in held]
        newest = {d["key"]: d["digest"] for d in queries.list_definitions(session) if d["kind"] == "sop"}
        sops = [
            {
                "sop": key,
                "number": sop.number,
                "title": sop.title,
                "questions": [
                    {"key": q.key, "title": q.title, "choices": list(q.choices)} for q in sop.questions_at(OPENING)
                ],
            }
            for key, sop in ((key, archive.catalog.sop(session, digest)) for key, digest in newest.items())
        ]
    return {"work_units": units, "sops": sops}


def read_work(archive: Archive, actor: Actor, *, is_whole: bool = False) -> dict[str, Any]:
    """The running steps of the actor's units and the deviations that the actor must explain; the first of them, or all.

    ``mine`` are the steps that the actor may act on, with missing requirements and the reason of a return; ``others`` the rest.
    ``more_mine``, ``more_others``: how many steps of the actor's roles, and of others, are running beside those that are listed.
    """
    held = [a for a in actor.holds("step.submit") if permissions.role_class(a.role) == permissions.PERFORMER]
    if not held:
        raise Forbidden("role_forbidden", "None of your roles performs steps.")
    scope = ReadScope(False, frozenset(a.work_unit for a in held))
    roles = {(a.role, a.work_unit) for a in held}
    now = archive.log.clock()
    mine: list[dict[str, Any]] = []
    barred: list[dict[str, Any]] = []
    with archive.db.read() as session:
        # asked for apart: however much others hold, it must not push out what waits for this person
        waiting, held_count = queries.list_running(
            scope, session, held=roles, is_held=True, person=actor.person, limit=ALL_SHOWN if is_whole else MINE_SHOWN
        )
        others, others_count = queries.list_running(
            scope,
            session,
            held=roles,
            is_held=False,
            person=actor.person,
            limit=ALL_SHOWN if is_whole else OTHERS_SHOWN,
        )
        for run in [*waiting, *others]:
            sop = archive.catalog.sop(session, run["sop"])
            calendar = unit_calendar(archive, session, run["calendar"], run["work_unit"])
            run["activity"] = sop.step(run["step"]).activity
            run["role_title"] = sop.role(run["role"]).title
            run["limit_seconds"] = verdict.norm_seconds(sop, run["step"])
            run["used_seconds"] = _used(calendar, run["started_at"], now)
            run["barred"] = None
        streams = read_streams(session, {f"dossier:{run['dossier']}" for run in waiting})
        returns: dict[str, dict[str, Any]] = {}
        for run in waiting:
            state = fold(archive.catalog.sop(session, run["sop"]), streams[f"dossier:{run['dossier']}"])
            found = _acting(state, actor, run["step"])
            run["barred"] = found["barred"]
            if not found["acts"]:
                barred.append(run)
                continue
            run["acts"] = found["acts"]
            run["missing"] = [r.plain() for r in _checklist(state, run["step"]) if r.state == completeness.MISSING]
            decision = _return_to(state, run["step"])
            run["returned"] = None
            if decision is not None:
                run["returned"] = returns[decision.event_hash] = _plain_return(decision)
            mine.append(run)
        for (event_hash, field), (value, _) in read_openings(session, returns).items():
            if field == "reason":
                returns[event_hash]["reason"] = value
        unexplained = queries.list_unexplained(scope, session, actor.person)
        persons = {r["responsible"] for r in [*waiting, *others] if r["responsible"]}
        persons.update(found["person"] for found in returns.values())
        names = queries.names_of(session, persons)
    for run in [*waiting, *others]:
        run["responsible_name"] = names.get(run["responsible"])
        run["is_own"] = run["responsible"] == actor.person
    for found in returns.values():
        found["person_name"] = names.get(found["person"])
    return {
        "mine": mine,
        "others": [*barred, *others],
        "more_mine": held_count - len(waiting),
        "more_others": others_count - len(others),
        "unexplained": unexplained,
        "now": now,
    }


def _used(calendar: working_time.Calendar, started_at: datetime, now: datetime) -> int | None:
    """The working seconds used; None on days that the calendar does not know, which must not hide everything else."""
    try:
        return working_time.used_between(calendar, started_at, now).seconds
    except working_time.OutOfCalendar:
        return None


def list_readable_units(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """The work units whose dossiers the actor may read."""
    scope = reading.scope_of(actor)
    with archive.db.read() as session:
        return [unit for unit in queries.list_work_units(session) if scope.holds(unit["work_unit"])]


def may_decide(archive: Archive, actor: Actor, *, dossier: str, step: str) -> bool:
    """Whether this actor may approve or return a step now; False also for what they may not read."""
    if not actor.may("step.decide") or reading.find_readable(archive, actor, dossier=dossier) is None:
        return False
    with archive.db.read() as session:
        state = fold_dossier(archive, session, read_dossier_events(archive, session, dossier))
    return step in state.sop.order and DECIDE in _acting(state, actor, step)["acts"]


def read_desk(archive: Archive, actor: Actor, *, dossier: str) -> dict[str, Any]:
    """``reading.read_dossier`` (which checks and records the read) with what this actor may do, and texts where they belong."""
    found, state, events, openings, names = reading.read_whole(archive, actor, dossier=dossier)
    with archive.db.read() as session:
        now = verdict.format_time(archive.log.clock())
        for step in found["steps"]:
            rule = state.sop.step(step["step"])
            step.update(_acting(state, actor, step["step"]))
            step["returned"] = _return_of(session, state, step["step"])
            step["returns_to"] = rule.returns_to
            step["indicators"] = rule.indicators
            step["questions"] = [
                {"key": q.key, "title": q.title, "choices": list(q.choices)}
                for q in state.sop.questions_at(step["step"])
            ]
            step.update(_clock_acts(state, actor, step["step"], now))
            step["exceptable"] = _exceptable(session, state, actor, step["step"], now)
            step["bound"] = [v.id for v in state.bound_documents(step["step"])] if step["acts"] else []
            step["takes"] = [
                {
                    "kind": r.kind,
                    "title": r.title,
                    "evidence": r.evidence,
                    "media": list(r.media),
                    "minimum": r.minimum,
                    "maximum": r.maximum,
                    "standing": [v.id for v in _standing(state, step["step"], r)],
                    "form": None if r.form is None else plain_form(r.form),
                }
                for r in rule.file_outputs
            ]
            if step["returned"]:
                step["returned"]["person_name"] = names.get(step["returned"]["person"])
        found["indicators"] = {**describe_list(session, state), **find_acts(state, actor)}
        found["recommendations"] = describe_recommendations(session, state)
    by_event = {e.leaf_hash: e for e in events}
    _add_document_facts(found, state, actor, by_event, openings)
    _add_deviation_facts(found, state, actor, events, openings, names)
    found["may_judge_again"] = actor.may("verdict.judge_again") and state.status != CANCELLED
    for index, entry in enumerate(found["history"]):
        # what follows the seal has a chain and proofs of its own
        entry["is_provable"] = entry["seq"] == index
        entry.update(history_facts(by_event[entry["event"]], openings))
    return found


def _standing(state: Dossier, step: str, rule: OutputRule) -> list[Version]:
    """The documents of a kind that a step holds now; of a decision's form only that of the running iteration counts."""
    standing = state.current_versions(step, rule.kind)
    run = state.running(step)
    if rule.evidence != "decision" or run is None:
        return standing
    return [version for version in standing if version.iteration == run.iteration]


def _checklist(state: Dossier, step: str) -> list[completeness.Requirement]:
    return completeness.required_inputs(state, step) + completeness.required_outputs(state, step)


def _acting(state: Dossier, actor: Actor, step_key: str) -> dict[str, Any]:
    """``acts``: what the actor may do at a step now; ``barred``: the code of what stands in the way of a performer of it."""
    step = state.sop.step(step_key)
    place = (step.performer, state.work_unit)
    held = [a for a in actor.assignments if (a.role, a.work_unit) == place and a.covers(state.sop.key)]
    if not held or state.running(step_key) is None:
        return {"acts": [], "barred": None}
    name = "approve" if step.is_decision else ARCHIVE if step.kind == "archive" else SUBMIT
    action = Action(
        name,
        actor.person,
        held[0].role,
        held[0].work_unit,
        step=step_key,
        documents_digest=documents_digest(state.bound_documents(step_key)),
        accepts_gaps=True,
        # whatever is answered: the page asks
        answers=tuple((question.key, question.choices[0]) for question in state.sop.questions_at(step_key)),
    )
    refusal = find_refusal(state, action)
    if refusal is not None and refusal.code != "outputs_missing":
        return {"acts": [], "barred": refusal.code}
    acts = {"approve": [DECIDE], ARCHIVE: [ARCHIVE], SUBMIT: [UPLOAD, SUBMIT]}[name]
    if step.is_decision and step.file_outputs:
        acts = [UPLOAD, *acts]
    # a person who may not finish the step yet, for want of its output, still uploads
    return {"acts": [act for act in acts if refusal is None or act == UPLOAD], "barred": None}


def _return_of(session: Session, state: Dossier, step: str) -> dict[str, Any] | None:
    """The return that started the running iteration of a step, with its reason; None when none did."""
    decision = _return_to(state, step)
    if decision is None:
        return None
    reason = read_openings(session, [decision.event_hash]).get((decision.event_hash, "reason"))
    return {**_plain_return(decision), "reason": reason[0] if reason else None}


def _return_to(state: Dossier, step: str) -> Decision | None:
    run = state.running(step)
    if run is None:
        return None
    for decision in reversed(state.decisions):
        if decision.returns_to == step and decision.at == run.started_at:
            return decision
    return None


def _plain_return(decision: Decision) -> dict[str, Any]:
    return {"step": decision.step, "person": decision.person, "at": decision.at, "reason": None}


def _add_document_facts(
    found: dict[str, Any],
    state: Dossier,
    actor: Actor,
    by_event: dict[str, Event],
    openings: dict[tuple[str, str], str],
) -> None:
    """Receipt fields, why a version was withdrawn, and whether the actor may withdraw it."""
    reasons = {
        e.payload["version"]: openings.get((e.leaf_hash, "reason"))
        for e in by_event.values()
        if e.type == "document.withdrawn"
    }
    titles = {(s.key, r.kind): r.title for s in state.sop.steps for r in s.outputs}
    for entry, version in zip(found["documents"], state.versions, strict=True):
        entry["title"] = titles.get((version.step, version.kind))
        run = state.find_run(version.step, version.iteration)
        entry["is_draft"] = run is not None and run.state == RUNNING
        entry["is_newest"] = state.versions_of(version.document)[-1].id == version.id
        paper = Action("record_paper", actor.person, None, None, document=version.document)
        entry["may_record_paper"] = entry["is_newest"] and _may(state, actor, "document.paper", paper)
        entry["withdrawal_reason"] = reasons.get(version.id)
        entry["submission"] = {
            name: openings[(version.event_hash, f"receipt.{name}")]
            for name in ("application", "address", "number")
            if (version.event_hash, f"receipt.{name}") in openings
        }
        entry["may_withdraw"] = any(
            find_refusal(
                state,
                Action(
                    "withdraw",
                    actor.person,
                    a.role,
                    a.work_unit,
                    step=version.step,
                    document=version.document,
                    version=version.id,
                    has_reason=True,
                ),
            )
            is None
            for a in actor.holds("document.withdraw")
        )


def _add_deviation_facts(
    found: dict[str, Any],
    state: Dossier,
    actor: Actor,
    events: list[Event],
    openings: dict[tuple[str, str], str],
    names: dict[str, str],
) -> None:
    """The explanation of each deviation, and whether the actor may give it."""
    explanations = {
        e.payload["deviation"]: openings.get((e.leaf_hash, "explanation"))
        for e in events
        if e.type == "deviation.explained"
    }
    for entry, deviation in zip(found["deviations"], state.deviations, strict=True):
        entry["explanation"] = explanations.get(deviation.id)
        entry["explained_by_name"] = names.get(deviation.explained_by or "")
        entry["may_explain"] = _may(
            state, actor, "deviation.explain", Action("explain", actor.person, None, None, deviation=deviation.id)
        )
        attach = Action("attach", actor.person, None, None, deviation=deviation.id)
        entry["may_attach"] = _may(state, actor, "deviation.explain", attach)
        known = {version for given in entry["explanations"] for version in given["attachments"]}
        entry["waiting"] = [v.id for v in state.attachments_of(deviation.id) if v.id not in known]
        answer = Action("accept_explanation", actor.person, None, None, deviation=deviation.id)
        entry["may_answer"] = _may(state, actor, "explanation.judge", answer)


def _may(state: Dossier, actor: Actor, permission: str, action: Action) -> bool:
    """Whether the actor may do this under any of the assignments that allow it at all."""
    return any(
        find_refusal(state, action._replace(role=a.role, work_unit=a.work_unit)) is None
        for a in actor.holds(permission)
    )


def _clock_acts(state: Dossier, actor: Actor, step_key: str, now: str) -> dict[str, Any]:
    """Whether the actor may stop the clock of a step now, and which pauses they may end."""
    run = state.running(step_key)
    if run is None:
        return {"may_pause": False, "may_resume": []}
    pause = Action("pause", actor.person, None, None, step=step_key, has_reason=True, from_at=now, at=now)
    end = Action("resume", actor.person, None, None, step=step_key, to_at=now, at=now)
    return {
        "may_pause": _may(state, actor, "pause.grant", pause),
        "may_resume": [p.id for p in run.pauses if _may(state, actor, "pause.grant", end._replace(pause=p.id))],
    }


def _exceptable(session: Session, state: Dossier, actor: Actor, step_key: str, now: str) -> list[dict[str, Any]]:
    """The holders of a running step's role whom the actor may except, where separate duties leave nobody to perform it."""
    run = state.running(step_key)
    if run is None or not any(a.role in state.sop.leaders() for a in actor.holds("duty.except")):
        return []
    holders = list_holders(session, run.role, state.work_unit, verdict.parse_time(now))
    if any(state.duty_conflict(step_key, person) is None for person in holders):
        return []
    names = queries.names_of(session, set(holders))
    return [{"person": person, "name": names.get(person)} for person in holders]


def history_facts(event: Event, openings: dict[tuple[str, str], str]) -> dict[str, Any]:
    """What an audit record says, as far as words on a page need it."""
    p = event.payload
    return {
        "step": p.get("step"),
        "iteration": p.get("iteration"),
        "decision": p.get("decision"),
        "returns_to": p.get("returns_to"),
        "code": p.get("code"),
        "result": p["time"]["result"] if event.type == "step.judged" else p.get("result"),
        "completeness": p["completeness"]["result"] if event.type == "step.judged" else None,
        "file_name": openings.get((event.leaf_hash, "file_name")),
        "number": p.get("number") if event.type == "document.received" else None,
    }
