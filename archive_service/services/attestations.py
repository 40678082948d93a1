"""Attestations: a performer declares once for each assignment to meet an SOP's qualifications and to know its first warning.

Nothing is refused for want of one: who has not attested shows to auditors and quality checkers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import open_streams
from archive_service.db.models import AssignmentRow, AttestationRow, DefinitionRow
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.domain import permissions
from archive_service.domain.attestation import attested_text, text_digest
from archive_service.domain.sop import Sop
from archive_service.errors import Conflict, NotFound
from archive_service.services import reading
from archive_service.services.actor import Actor, event_actor, in_force, sops_of
from archive_service.services.fields import require_id, require_key
from archive_service.services.people import save_stream_rows


def attest(archive: Archive, actor: Actor, *, assignment: str, sop: str) -> str:
    """The id (leaf hash) of the event by which a performer attests the newest version of the SOP with this key for an assignment.

    Conflict ``attested_already`` when that text was attested for it before.
    """
    actor.require("attestation.make")
    assignment, sop = require_id("assignment", assignment), require_key("sop", sop)
    own = next((a for a in actor.assignments if a.id == assignment), None)
    if own is None:
        raise NotFound("assignment_unknown", "You have no such assignment in force.")
    stream = f"person:{actor.person}"
    with archive.db.write() as session:
        definition = archive.catalog.newest(session, "sop", sop)
        rules = archive.catalog.sop(session, definition.digest)
        if not any(step.performer == own.role for step in rules.steps) or not own.covers(sop):
            raise Conflict("nothing_to_attest", f"The role {own.role} performs no step of this SOP.")
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        digest = text_digest(rules)
        if digest in _attested(session, [assignment]).get(assignment, frozenset()):
            raise Conflict("attested_already", "You have attested this text for this role already.")
        event = writer.append(
            stream,
            "assignment.attested",
            event_actor(session, actor, own),
            {"assignment": assignment, "sop": definition.digest, "text_digest": digest},
        )
        save_stream_rows(session, archive, stream)
    return event.leaf_hash


def list_due(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """What the actor has still to attest: each of their assignments with each SOP in which its role performs steps, and the text."""
    held = [a for a in actor.assignments if permissions.role_class(a.role) == permissions.PERFORMER]
    if not held:
        return []
    with archive.db.read() as session:
        sops = _newest(archive, session)
        attested = _attested(session, [a.id for a in held])
        units = {unit["work_unit"]: unit["name"] for unit in queries.list_work_units(session)}
    return [
        {
            "assignment": a.id,
            "role": a.role,
            "role_title": sop.role(a.role).title,
            "work_unit": a.work_unit,
            "work_unit_name": units.get(a.work_unit),
            **_text(sop, digest),
        }
        for a in held
        for digest, sop in sops
        if a.covers(sop.key)
        and any(step.performer == a.role for step in sop.steps)
        and text_digest(sop) not in attested.get(a.id, frozenset())
    ]


def page_attestations(
    archive: Archive, actor: Actor, *, page: PageRequest, person: str | None = None
) -> Page[dict[str, Any]]:
    """A page of the performing assignments in force with what was attested for each; a performer sees their own alone."""
    if actor.may("attestation.read"):
        reading.record_read(archive, actor, "people")
    else:
        actor.require("attestation.make")
        if person not in (None, actor.person):
            actor.require("attestation.read")
        person = actor.person
    with archive.db.read() as session:
        rows = (
            session.execute(
                select(AssignmentRow)
                .where(
                    AssignmentRow.role.not_in([*permissions.OFFICE_ROLES, permissions.CONTRIBUTOR]),
                    *in_force(archive.log.clock()),
                )
                .where(*([] if person is None else [AssignmentRow.person_id == person]))
                .where(*comes_after((AssignmentRow.id,), page.after))
                .order_by(AssignmentRow.id)
                .limit(page.limit + 1)
            )
            .scalars()
            .all()
        )
        cut = cut_page(rows, page, lambda row: (row.id,))
        sops = _newest(archive, session)
        names = queries.names_of(session, {row.person_id for row in cut.rows})
        made = session.execute(
            select(AttestationRow).where(AttestationRow.assignment_id.in_([row.id for row in cut.rows]))
        ).scalars()
        given = {(row.assignment_id, row.text_digest): row for row in made}
    found = []
    for row in cut.rows:
        limited = sops_of(row)
        about = []
        for digest, sop in sops:
            if not any(step.performer == row.role for step in sop.steps) or (limited and sop.key not in limited):
                continue
            known = given.get((row.id, text_digest(sop)))
            about.append(
                {
                    "sop": sop.key,
                    "digest": digest,
                    "attested_at": None if known is None else known.at.isoformat(),
                    "event": None if known is None else known.event_hash,
                }
            )
        found.append(
            {
                "assignment": row.id,
                "person": row.person_id,
                "person_name": names.get(row.person_id),
                "role": row.role,
                "work_unit": row.work_unit_id,
                "sops": about,
            }
        )
    return Page(found, cut.next)


def _text(sop: Sop, digest: str) -> dict[str, Any]:
    return {
        "sop": sop.key,
        "digest": digest,
        "sop_number": sop.number,
        "sop_title": sop.title,
        "text": list(attested_text(sop)),
        "text_digest": text_digest(sop),
    }


def _newest(archive: Archive, session: Session) -> list[tuple[str, Sop]]:
    rows = session.execute(
        select(DefinitionRow.key, DefinitionRow.digest)
        .where(DefinitionRow.kind == "sop")
        .order_by(DefinitionRow.key, DefinitionRow.version)
    )
    return [(digest, archive.catalog.sop(session, digest)) for digest in dict(rows.all()).values()]


def _attested(session: Session, assignments: list[str]) -> dict[str, frozenset[str]]:
    """Assignment → digests of the texts that were attested for it."""
    rows = session.execute(
        select(AttestationRow.assignment_id, AttestationRow.text_digest).where(
            AttestationRow.assignment_id.in_(assignments)
        )
    )
    found: dict[str, set[str]] = {}
    for assignment, digest in rows:
        found.setdefault(assignment, set()).add(digest)
    return {assignment: frozenset(digests) for assignment, digests in found.items()}
