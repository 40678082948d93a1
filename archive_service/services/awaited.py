"""What a person waits for, and what is waited for from them, beside the steps that they hold."""

from __future__ import annotations

from typing import Any

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.domain import permissions
from archive_service.domain.sop import Sop
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
        sops = {d["digest"] for d in queries.list_definitions(session) if d["kind"] == "sop"}
        # asked of the database, and not of what it answered: others' explanations must not push out this person's
        answerable = [
            _answerable(archive.catalog.sop(session, digest), digest, role, unit)
            for digest in sorted(sops)
            for role, unit in sorted(held, key=str)
        ]
        found = queries.list_unanswered(reading.scope_of(actor), session, answerable=answerable, person=actor.person)
        names = queries.names_of(session, {each["explained_by"] for each in found if each["explained_by"]})
    return [{**each, "explained_by_name": names.get(each["explained_by"])} for each in found]


def _answerable(sop: Sop, digest: str, role: str, unit: str | None) -> queries.Answerable:
    """What the holders of a role answer in a unit: steps that the SOP gives them; the quality checker also what is at no step."""
    steps = tuple(key for key in sop.order if sop.step(key).explanations_accepted_by == role)
    return queries.Answerable(digest, steps, tuple(sop.order) if role == permissions.QUALITY_CHECKER else None, unit)


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
