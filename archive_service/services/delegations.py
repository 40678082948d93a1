"""Pelimpahan (Plh./Plt.): somebody acts for an absent person, proposed by one hand and confirmed by another; open steps move.

Who proposes: the absent person, a superior, an administrator. Who confirms or declines: another person than the proposer who is the
substitute, the absent person, a superior or an administrator; two administrators are no two hands. A superior holds, in that unit, a role
that accepts the explanations of the absent person's role in the newest version of an SOP; SPMI, which only notes those of the Kepala
Satker, is nobody's superior.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from archive_service.archive import Archive
from archive_service.db.event_log import StreamWriter, open_streams, stream_head
from archive_service.db.models import AssignmentRow, DefinitionRow, DelegationRow, DossierRow, PersonRow, StepRunRow
from archive_service.domain import delegation as delegations
from archive_service.domain import permissions
from archive_service.domain.sop import Sop
from archive_service.domain.states import OPEN, RUNNING
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services.actor import Actor, Assignment, event_actor, in_force, office_date
from archive_service.services.fields import clean_text, require_date, require_id
from archive_service.services.notices import announce_step
from archive_service.services.people import append_assignment, require_compatible, save_stream_rows
from archive_service.services.work import DossierWork, calendars_of, fold_dossier, read_dossier_events, require_seen

LOG = structlog.get_logger("archive")
MOVED_AT_ONCE = 100
"""Dossiers whose steps move in the transaction that confirms or ends a delegation; the sweep takes the rest within a minute."""
SWEPT_AT_ONCE = 500
SOPS_LIMIT = 32

ABSENT = "absent"
SUBSTITUTE = "substitute"
SUPERIOR = "superior"
ADMINISTRATOR = "administrator"
PROPOSERS = frozenset([ABSENT, SUPERIOR, ADMINISTRATOR])
"""Who may propose, and end early what was confirmed."""
ANSWERERS = frozenset([ABSENT, SUBSTITUTE, SUPERIOR, ADMINISTRATOR])


class Standing(NamedTuple):
    """As what somebody stands to a delegation, and the assignment that makes them so."""

    name: str
    assignment: Assignment | None


class Place(NamedTuple):
    """What is represented: whose role in which unit."""

    absent: str
    role: str
    work_unit: str


def propose_delegation(
    archive: Archive,
    actor: Actor,
    *,
    substitute: str,
    assignment: str,
    mode: str,
    from_on: str,
    to_on: str | None,
    letter: str,
    letter_on: str,
    sops: Sequence[str] = (),
) -> str:
    """A proposal's id: ``substitute`` shall act under somebody else's ``assignment`` by the surat perintah of this number and date.

    ``mode``: ``plh`` (away for a while: the last day is named, and the assignment is in force all the time) or ``plt`` (away for good:
    the assignment may have ended, and the delegation may be open-ended). ``sops``: keys of the SOPs that it is limited to; none for all.
    """
    actor.require_reach("delegation.manage")
    substitute, assignment = require_id("substitute", substitute), require_id("assignment", assignment)
    letter, letter_on = clean_text("letter", letter, limit=100), require_date("letter_on", letter_on)
    from_on, to_on = require_date("from_on", from_on), None if to_on is None else require_date("to_on", to_on)
    if mode not in delegations.MODES:
        raise InvalidInput("mode_unknown", "mode is plh or plt.", field="mode")
    if to_on is None and mode == delegations.PLH:
        raise InvalidInput("last_day_missing", "A Plh. has a last day: say until when.", field="to_on")
    if to_on is not None and to_on < from_on:
        raise InvalidInput("dates_reversed", "to_on lies before from_on.", field="to_on")
    with archive.db.write() as session:
        row = session.get(AssignmentRow, assignment)
        if row is None:
            raise NotFound("assignment_unknown", "There is no such assignment.")
        if session.get(PersonRow, substitute) is None:
            raise NotFound("person_unknown", "There is no such person.")
        place = Place(row.person_id, row.role, row.work_unit_id)
        standing = _require_standing(archive, session, actor, place, substitute, PROPOSERS)
        known = {sop.key for sop in newest_sops(archive, session) if any(s.performer == row.role for s in sop.steps)}
        limited = sorted(set(sops))
        if len(limited) > SOPS_LIMIT or not set(limited) <= known:
            raise InvalidInput(
                "sop_unknown",
                f"sops takes keys of SOPs in which the role {row.role} performs steps: {', '.join(sorted(known))}.",
                field="sops",
            )
        stream = f"person:{substitute}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person, row.person_id])
        session.refresh(row)
        today = office_date(writer.moment)
        if letter_on > today:
            raise InvalidInput("letter_in_future", "The letter is dated later than today.", field="letter_on")
        _require_possible(session, place, row, substitute, mode, from_on, to_on, limited, today)
        proposal = writer.make_id()
        writer.append(
            stream,
            "delegation.proposed",
            event_actor(session, actor, standing.assignment),
            {
                "delegation": proposal,
                "mode": mode,
                "absent": row.person_id,
                "assignment": row.made_hash,
                "role": row.role,
                "work_unit": row.work_unit_id,
                "from_on": from_on,
                "to_on": to_on,
                "sops": limited,
                "letter_on": letter_on,
            },
            personal={"letter": letter},
        )
        save_stream_rows(session, archive, stream)
    return proposal


def confirm_delegation(archive: Archive, actor: Actor, *, delegation: str, seen: Collection[str] | None = None) -> str:
    """The id of the substitute's assignment, as another person than the proposer confirms it; running steps move if it is in force."""
    actor.require_reach("delegation.manage")
    with archive.db.write() as session:
        row = _get(session, actor, delegation)
        dossiers = _dossiers_of(session, row.absent, row.role, row.work_unit_id)
        streams = [f"person:{row.substitute}", *(f"dossier:{d}" for d in dossiers)]
        writer = open_streams(session, archive.log, streams, acting=[actor.person, row.absent])
        standing = _require_answerer(archive, session, actor, row)
        _require_state(session, row, seen)
        original = session.execute(
            select(AssignmentRow).where(AssignmentRow.made_hash == row.assignment_hash)
        ).scalar_one()
        _require_possible(
            session,
            _place(row),
            original,
            row.substitute,
            row.mode,
            row.from_on,
            row.to_on,
            row.sops.split(),
            office_date(writer.moment),
        )
        by_proposal = {"delegation": row.id, "proposal": row.proposal_hash}
        acting: dict[str, object] = {
            "mode": row.mode,
            "absent": row.absent,
            "delegation": row.proposal_hash,
            "sops": row.sops.split(),
        }
        substitute, role, work_unit, from_on, to_on = (
            row.substitute,
            row.role,
            row.work_unit_id,
            row.from_on,
            row.to_on,
        )
        _append(archive, session, writer, row, actor, standing, "delegation.confirmed", by_proposal)
        made = append_assignment(
            session,
            archive,
            writer,
            event_actor(session, actor, standing.assignment),
            person=substitute,
            role=role,
            work_unit=work_unit,
            from_on=from_on,
            to_on=to_on,
            lead=False,
            acting=acting,
        )
        _move_steps(archive, session, writer, dossiers)
    return made


def decline_delegation(archive: Archive, actor: Actor, *, delegation: str, seen: Collection[str] | None = None) -> None:
    """Refuse a proposal, as somebody who might confirm it."""
    _close(archive, actor, delegation, seen, "delegation.declined")


def withdraw_delegation(
    archive: Archive, actor: Actor, *, delegation: str, seen: Collection[str] | None = None
) -> None:
    """Take a proposal back, as who made it or as an administrator."""
    _close(archive, actor, delegation, seen, "delegation.withdrawn")


def end_delegation(archive: Archive, actor: Actor, *, delegation: str, seen: Collection[str] | None = None) -> None:
    """End a confirmed delegation now, as the absent person, a superior or an administrator; the substitute's steps go back."""
    actor.require_reach("delegation.manage")
    with archive.db.write() as session:
        row = _get(session, actor, delegation)
        dossiers = _dossiers_of(session, row.substitute, row.role, row.work_unit_id)
        stream = f"person:{row.substitute}"
        streams = [stream, *(f"dossier:{d}" for d in dossiers)]
        writer = open_streams(session, archive.log, streams, acting=[actor.person])
        standing = _require_standing(archive, session, actor, _place(row), row.substitute, PROPOSERS)
        session.refresh(row)
        made = None if row.assignment_id is None else session.get(AssignmentRow, row.assignment_id)
        if made is None:
            raise Conflict("delegation_not_confirmed", "This delegation is not confirmed: withdraw or decline it.")
        if made.ended_at is not None:
            raise Conflict("assignment_ended", "This assignment has ended already.")
        require_seen(stream_head(session, stream), seen)
        by = event_actor(session, actor, standing.assignment)
        writer.append(stream, "assignment.ended", by, {"assignment": made.id})
        save_stream_rows(session, archive, stream)
        _move_steps(archive, session, writer, dossiers)


def _close(archive: Archive, actor: Actor, delegation: str, seen: Collection[str] | None, type: str) -> None:
    actor.require_reach("delegation.manage")
    with archive.db.write() as session:
        row = _get(session, actor, delegation)
        writer = open_streams(session, archive.log, [f"person:{row.substitute}"], acting=[actor.person])
        if type == "delegation.declined":
            standing = _require_answerer(archive, session, actor, row)
        elif actor.person == row.proposed_by:
            # who proposed may take it back even when what made them propose has ended
            own = _find_standing(archive, session, actor, _place(row), row.substitute, PROPOSERS)
            standing = own or Standing(SUPERIOR, None)
        else:
            standing = _require_standing(archive, session, actor, _place(row), row.substitute, [ADMINISTRATOR])
        _require_state(session, row, seen)
        _append(
            archive,
            session,
            writer,
            row,
            actor,
            standing,
            type,
            {"delegation": row.id, "proposal": row.proposal_hash},
        )


def sweep_delegations(archive: Archive) -> int:
    """Move steps to the substitutes whose first day has come, and back from those whose time is over; how many dossiers were touched."""
    with archive.db.read() as session:
        found = _list_due(archive, session)
    touched = 0
    for dossier in found[:SWEPT_AT_ONCE]:
        try:
            with archive.db.write() as session:
                writer = open_streams(session, archive.log, [f"dossier:{dossier}"])
                touched += _move_steps(archive, session, writer, [dossier])
        except ArchiveError as exc:
            # one dossier that cannot be told must not keep the others where they do not belong
            LOG.error("delegation.sweep_failed", dossier=dossier, code=exc.code, detail=exc.detail)
    return touched


def _list_due(archive: Archive, session: Session) -> list[str]:
    """The open dossiers with a running step that belongs to a substitute by now, or no longer does."""
    moment = archive.log.clock()
    here = and_(AssignmentRow.role == StepRunRow.role, AssignmentRow.work_unit_id == DossierRow.work_unit_id)
    own = aliased(AssignmentRow)
    day = office_date(moment)
    holds_it_anyway = exists().where(
        own.person_id == StepRunRow.responsible,
        own.role == StepRunRow.role,
        own.work_unit_id == DossierRow.work_unit_id,
        own.acting_absent.is_(None),
        own.ended_at.is_(None),
        own.from_on <= day,
        or_(own.to_on.is_(None), own.to_on >= day),
    )
    to_substitute: list[ColumnElement[bool]] = [
        AssignmentRow.acting_absent == StepRunRow.responsible,
        here,
        StepRunRow.acting_hash.is_(None),
        *in_force(moment),
    ]
    already_theirs: list[ColumnElement[bool]] = [
        AssignmentRow.person_id == StepRunRow.responsible,
        AssignmentRow.acting_absent.is_not(None),
        here,
        StepRunRow.acting_hash.is_(None),
        ~holds_it_anyway,
        *in_force(moment),
    ]
    back: list[ColumnElement[bool]] = [
        AssignmentRow.made_hash == StepRunRow.acting_hash,
        or_(AssignmentRow.ended_at.is_not(None), AssignmentRow.to_on < day),
    ]
    found: dict[str, None] = {}
    for join in (to_substitute, already_theirs, back):
        rows = session.execute(
            select(StepRunRow.dossier_id, DossierRow.sop_digest, AssignmentRow.acting_sops)
            .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
            .join(AssignmentRow, and_(*join))
            .where(StepRunRow.state == RUNNING, DossierRow.status == OPEN)
            .order_by(StepRunRow.dossier_id)
        )
        for dossier, digest, sops in rows:
            if not sops or archive.catalog.sop(session, digest).key in sops.split():
                found[dossier] = None
    return list(found)


def _dossiers_of(session: Session, responsible: str, role: str, work_unit: str) -> list[str]:
    rows = session.execute(
        select(StepRunRow.dossier_id)
        .join(DossierRow, DossierRow.id == StepRunRow.dossier_id)
        .where(
            StepRunRow.responsible == responsible,
            StepRunRow.state == RUNNING,
            StepRunRow.role == role,
            DossierRow.work_unit_id == work_unit,
            DossierRow.status == OPEN,
        )
        .distinct()
        .order_by(StepRunRow.dossier_id)
        .limit(MOVED_AT_ONCE)
    ).scalars()
    return list(rows.all())


def _move_steps(archive: Archive, session: Session, writer: StreamWriter, dossiers: Sequence[str]) -> int:
    """Move what is to be moved in dossiers whose streams the writer holds; in how many something was."""
    touched = 0
    for id in dossiers:
        dossier = fold_dossier(archive, session, read_dossier_events(archive, session, id))
        if dossier.status != OPEN:
            continue
        work = DossierWork(archive, session, writer, dossier, calendars_of(archive, session, dossier), dossier.head)
        moved = [run for run in dossier.runs if run.state == RUNNING and work.move_step(run.step)]
        for run in moved:
            announce_step(archive, session, dossier, run, is_handed_over=True)
        touched += bool(moved)
    return touched


# who may, and what is possible -------------------------------------------------------------------------------------


def newest_sops(archive: Archive, session: Session) -> list[Sop]:
    """The newest version of every SOP."""
    rows = session.execute(
        select(DefinitionRow.key, DefinitionRow.digest)
        .where(DefinitionRow.kind == "sop")
        .order_by(DefinitionRow.key, DefinitionRow.version)
    )
    return [archive.catalog.sop(session, digest) for digest in dict(rows.all()).values()]


def superiors_of(archive: Archive, session: Session, role: str) -> frozenset[str]:
    """The roles of SOPs that a role answers to, in the newest version of any of them."""
    found = {above for sop in newest_sops(archive, session) for above in sop.superiors_of(role)}
    return frozenset(found - permissions.OFFICE_ROLES - {role})


def _find_standing(
    archive: Archive, session: Session, actor: Actor, place: Place, substitute: str, wanted: Collection[str]
) -> Standing | None:
    if ABSENT in wanted and actor.person == place.absent:
        own = (a for a in actor.assignments if (a.role, a.work_unit) == (place.role, place.work_unit))
        return Standing(ABSENT, next(own, None))
    above = superiors_of(archive, session, place.role) if SUPERIOR in wanted else frozenset()
    for assignment in actor.assignments:
        if assignment.role in above and assignment.work_unit == place.work_unit and assignment.acting_for is None:
            return Standing(SUPERIOR, assignment)
    if ADMINISTRATOR in wanted:
        for assignment in actor.assignments:
            if assignment.role == permissions.ADMINISTRATOR:
                return Standing(ADMINISTRATOR, assignment)
    if SUBSTITUTE in wanted and actor.person == substitute:
        return Standing(SUBSTITUTE, None)
    return None


def _require_standing(
    archive: Archive, session: Session, actor: Actor, place: Place, substitute: str, wanted: Collection[str]
) -> Standing:
    found = _find_standing(archive, session, actor, place, substitute, wanted)
    if found is None:
        raise Forbidden(
            "delegation_forbidden",
            "The absent person, their superior in this unit or an administrator does this; the substitute may confirm or decline.",
        )
    return found


def may_answer(archive: Archive, session: Session, actor: Actor, row: DelegationRow) -> bool:
    """Whether the actor may confirm or decline this proposal."""
    try:
        _require_answerer(archive, session, actor, row)
    except Forbidden:
        return False
    return True


def may_end(archive: Archive, session: Session, actor: Actor, row: DelegationRow) -> bool:
    """Whether the actor may end this delegation early."""
    return _find_standing(archive, session, actor, _place(row), row.substitute, PROPOSERS) is not None


def _require_answerer(archive: Archive, session: Session, actor: Actor, row: DelegationRow) -> Standing:
    standing = _require_standing(archive, session, actor, _place(row), row.substitute, ANSWERERS)
    if row.proposed_by == actor.person:
        raise Forbidden("second_person_needed", "Another person than the one who proposed it confirms or declines.")
    if standing.name == ADMINISTRATOR and row.proposed_role == permissions.ADMINISTRATOR:
        raise Forbidden(
            "second_person_needed",
            "An administrator proposed this: the substitute, the absent person or a superior confirms or declines it.",
        )
    return standing


def _get(session: Session, actor: Actor, delegation: str) -> DelegationRow:
    row = session.get(DelegationRow, require_id("delegation", delegation))
    if row is None or not is_visible(actor, row):
        raise NotFound("delegation_unknown", "There is no such delegation.")
    return row


def is_visible(actor: Actor, row: DelegationRow) -> bool:
    """Whether the actor may know of a delegation: an office role, somebody of the unit, or somebody it names."""
    is_named = actor.person in (row.substitute, row.absent, row.proposed_by)
    is_near = any(a.work_unit == row.work_unit_id for a in actor.assignments)
    return is_named or is_near or actor.may("delegation.read")


def _place(row: DelegationRow) -> Place:
    return Place(row.absent, row.role, row.work_unit_id)


def _require_state(session: Session, row: DelegationRow, seen: Collection[str] | None) -> None:
    session.refresh(row)
    if row.state != "proposed":
        raise Conflict("delegation_answered", f"This delegation is {row.state} already.")
    require_seen(stream_head(session, f"person:{row.substitute}"), seen)


def _append(
    archive: Archive,
    session: Session,
    writer: StreamWriter,
    row: DelegationRow,
    actor: Actor,
    standing: Standing,
    type: str,
    payload: dict[str, str],
) -> None:
    stream = f"person:{row.substitute}"
    writer.append(stream, type, event_actor(session, actor, standing.assignment), payload)
    save_stream_rows(session, archive, stream)


def _require_possible(
    session: Session,
    place: Place,
    original: AssignmentRow,
    substitute: str,
    mode: str,
    from_on: str,
    to_on: str | None,
    sops: Sequence[str],
    today: str,
) -> None:
    if permissions.role_class(place.role) != permissions.PERFORMER:
        raise Conflict("role_not_delegated", "Only roles of an SOP are delegated: an administrator gives office roles.")
    if original.acting_absent is not None:
        raise Conflict(
            "acting_not_delegated", "What somebody does as a substitute is not handed on: delegate the role itself."
        )
    if substitute == place.absent:
        raise InvalidInput("substitute_is_absent", "Name another person than the absent one.", field="substitute")
    if to_on is not None and to_on < today:
        raise Conflict("delegation_over", "The last day has passed: propose it anew.")
    is_within = original.from_on <= from_on and (original.to_on is None or (to_on or "") <= original.to_on)
    if mode == delegations.PLH and (original.ended_at is not None or not is_within):
        raise Conflict(
            "assignment_not_held",
            "A Plh. stands in for somebody who holds the role all that time: shorten the dates, or make it a Plt.",
        )
    require_compatible(session, substitute, place.role, from_on, to_on)
    others = session.execute(
        select(AssignmentRow).where(
            AssignmentRow.acting_absent.in_([place.absent, substitute]),
            AssignmentRow.role == place.role,
            AssignmentRow.work_unit_id == place.work_unit,
            AssignmentRow.ended_at.is_(None),
        )
    ).scalars()
    for other in others:
        is_apart = (other.to_on is not None and other.to_on < from_on) or (to_on is not None and to_on < other.from_on)
        limited = (other.acting_sops or "").split()
        if is_apart or (sops and limited and not set(sops) & set(limited)):
            continue
        if other.acting_absent == substitute:
            raise Conflict("substitute_absent", "The substitute is represented by somebody in that time: name another.")
        raise Conflict("delegation_exists", "Somebody acts for this person in that time already: end that first.")
