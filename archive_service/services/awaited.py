"""What a person waits for, and what is waited for from them, beside the steps that they hold."""

from __future__ import annotations

from typing import Any

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.domain import permissions
from archive_service.services import reading
from archive_service.services.actor import Actor


def list_to_answer(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """The explanations that wait for this actor to accept them or to ask again, the longest waiting first.

    Who answers is what the SOP says of the step; nobody answers their own explanation.
    """
    if not actor.may("explanation.judge"):
        return []
    held = {(a.role, None if a.is_office else a.work_unit) for a in actor.holds("explanation.judge")}
    with archive.db.read() as session:
        waiting = queries.list_unanswered(reading.scope_of(actor), session)
        found = []
        for each in waiting:
            sop = archive.catalog.sop(session, each["sop"])
            is_known = each["step"] in sop.order
            role = sop.step(each["step"]).explanations_accepted_by if is_known else permissions.QUALITY_CHECKER
            unit = None if permissions.is_office(role) else each["work_unit"]
            if (role, unit) in held and each["explained_by"] != actor.person:
                found.append(each)
        names = queries.names_of(session, {each["explained_by"] for each in found if each["explained_by"]})
    return [{**each, "explained_by_name": names.get(each["explained_by"])} for each in found]


def list_returned(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """What this actor returned, with the reason, and who holds what came of it now; gone once it is back for a decision."""
    if not actor.may("step.decide"):
        return []
    with archive.db.read() as session:
        found = queries.list_returned(reading.scope_of(actor), session, actor.person)
        running = queries.running_steps(session, {each["dossier"] for each in found})
        persons = {run["responsible"] for runs in running.values() for run in runs if run["responsible"]}
        names = queries.names_of(session, persons)
    return [
        {
            **each,
            "running": [
                {**run, "responsible_name": names.get(run["responsible"])} for run in running.get(each["dossier"], [])
            ],
        }
        for each in found
    ]
