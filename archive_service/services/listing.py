"""Lists in pages, within one's scope; recorded where an auditor reads."""

from __future__ import annotations

from typing import Any

from archive_service.archive import Archive
from archive_service.db import listing, queries
from archive_service.db.event_log import stream_head
from archive_service.db.listing import DeviationFilter, DossierFilter
from archive_service.db.models import WorkUnitRow
from archive_service.db.paging import Page, PageRequest, cut_page
from archive_service.errors import NotFound
from archive_service.services import reading
from archive_service.services.actor import Actor


def page_dossiers(archive: Archive, actor: Actor, *, wanted: DossierFilter, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the dossiers that one may read, newest first."""
    where = [*wanted.conditions(), *listing.dossiers_after(page)]
    found = reading.list_dossiers(archive, actor, page.limit + 1, where)
    return cut_page(found, page, lambda row: (row["opened_at"], row["dossier"]))


def page_deviations(
    archive: Archive, actor: Actor, *, dossiers: DossierFilter, wanted: DeviationFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """A page of the deviations in all dossiers that one may read, newest first."""
    scope = reading.scope_of(actor)
    reading.record_read(archive, actor, "dossiers")
    with archive.db.read() as session:
        return listing.page_deviations(scope, session, dossiers, wanted, page)


def page_deviations_of(
    archive: Archive, actor: Actor, *, dossier: str, wanted: DeviationFilter, page: PageRequest
) -> Page[dict[str, Any]]:
    """A page of one dossier's deviations, newest first."""
    reading.require_readable(archive, actor, dossier=dossier)
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        return listing.page_deviations(reading.scope_of(actor), session, DossierFilter(dossier), wanted, page)


def read_deviation(archive: Archive, actor: Actor, *, dossier: str, deviation: str) -> tuple[dict[str, Any], str]:
    """One deviation of a dossier with its explanation, and the head of the dossier's stream."""
    reading.require_readable(archive, actor, dossier=dossier)
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        found = listing.page_deviations(
            reading.scope_of(actor), session, DossierFilter(dossier), DeviationFilter(deviation), PageRequest(1)
        )
        if not found.rows:
            raise NotFound("deviation_unknown", "This dossier has no such deviation.")
        return found.rows[0], stream_head(session, f"dossier:{dossier}")


def page_verdicts(archive: Archive, actor: Actor, *, dossier: str, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of one dossier's verdicts, in the order in which they were given."""
    reading.require_readable(archive, actor, dossier=dossier)
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        return listing.page_verdicts(session, dossier, page)


def page_jobs(archive: Archive, actor: Actor, *, dossier: str, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the work that is done, or to be done, for one dossier."""
    reading.require_readable(archive, actor, dossier=dossier)
    with archive.db.read() as session:
        return listing.page_jobs(session, dossier, page)


def read_job(archive: Archive, actor: Actor, *, job: str) -> dict[str, Any]:
    """One job of a dossier that one may read; NotFound for any other."""
    actor.require("dossier.read")
    with archive.db.read() as session:
        found = listing.find_job(session, job)
    if found is None or reading.find_readable(archive, actor, dossier=found[1]) is None:
        raise NotFound("job_unknown", "There is no such job.")
    return {**found[0], "dossier": found[1]}


def page_people(archive: Archive, actor: Actor, *, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of all persons."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        return listing.page_people(session, page)


def read_person(archive: Archive, actor: Actor, *, person: str) -> tuple[dict[str, Any], str]:
    """One person with log-ins and assignments, and the head of the person's stream."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        return reading.find_person(session, person)


def page_users(archive: Archive, actor: Actor, *, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of all log-ins."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        found = listing.page_users(session, page)
    for row in found.rows:
        row["mail"] = row["mail"] if _sees_mail(actor, row["user"]) else None
    return found


def _sees_mail(actor: Actor, user: str) -> bool:
    """Whether the actor sees a log-in's mail address: their own, or any as who sets them."""
    return user == actor.user or actor.may("people.manage")


def read_user(archive: Archive, actor: Actor, *, user: str) -> tuple[dict[str, Any], str]:
    """A log-in, one's own or as who may read people, and the event of its password."""
    if user != actor.user:
        actor.require("people.read")
        reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        found = listing.find_user(session, user)
        if found is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        found["mail"] = found["mail"] if _sees_mail(actor, user) else None
        return found, queries.password_event_of(session, user) or ""


def page_assignments(
    archive: Archive,
    actor: Actor,
    *,
    page: PageRequest,
    person: str | None = None,
    work_unit: str | None = None,
    role: str | None = None,
) -> Page[dict[str, Any]]:
    """A page of all assignments, ended ones too."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        return listing.page_assignments(session, page, person=person, work_unit=work_unit, role=role)


def read_assignment(archive: Archive, actor: Actor, *, assignment: str) -> tuple[dict[str, Any], str]:
    """An assignment, and the head of its person's stream."""
    actor.require("people.read")
    reading.record_read(archive, actor, "people")
    with archive.db.read() as session:
        found = listing.find_assignment(session, assignment)
        if found is None:
            raise NotFound("assignment_unknown", "There is no such assignment.")
        return found, stream_head(session, f"person:{found['person']}")


def page_work_units(archive: Archive, actor: Actor, *, page: PageRequest) -> Page[dict[str, Any]]:
    """A page of the work units: their names are known to everyone in the house."""
    with archive.db.read() as session:
        return listing.page_work_units(session, page)


def read_work_unit(archive: Archive, actor: Actor, *, work_unit: str) -> dict[str, Any]:
    """One work unit."""
    with archive.db.read() as session:
        found = queries.list_work_units(session, 1, [WorkUnitRow.id == work_unit])
    if not found:
        raise NotFound("work_unit_unknown", "There is no such work unit.")
    return found[0]
