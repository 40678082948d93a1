"""What a search finds: each query takes the reader's reach first, counts included; another unit's data neither shows nor counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.db.models import (
    AssignmentRow,
    DefinitionRow,
    DocumentVersionRow,
    DossierRow,
    EventRow,
    LogLeafRow,
    OpeningRow,
    SearchEntryRow,
    SearchTokenRow,
    UserRow,
    WorkUnitRow,
)
from archive_service.db.paging import Page, PageRequest, comes_after, cut_page
from archive_service.db.queries import ReadScope
from archive_service.db.search_index import DOCUMENT, DOSSIER, EVENT, PERSON, token_of
from archive_service.domain.event import parse_event
from archive_service.domain.words import ends_behind, excerpt, is_found, words_of

COUNTED = 1000
"""Results are counted up to here."""
RARE = 5000
"""A word with no more places than that is where a search begins; behind it every entry is looked at, the newest first."""
IDENTIFIED = 20


@dataclass(frozen=True)
class Reach:
    """What of a kind somebody may find: dossiers of a scope, or of these only what a person sent."""

    scope: ReadScope
    sender: str | None = None

    def condition(self) -> ColumnElement[bool]:
        """The reach as a condition on the entries."""
        within: ColumnElement[bool] = (
            true() if self.scope.is_all else SearchEntryRow.work_unit_id.in_(self.scope.work_units)
        )
        if self.sender is None:
            return within
        sent = select(DocumentVersionRow.id).where(DocumentVersionRow.person_id == self.sender)
        return and_(within, SearchEntryRow.subject.in_(sent))


def _has(kind: str, term: str) -> ColumnElement[bool]:
    column, first = SearchTokenRow.token, token_of(kind, term)
    return column == first if len(term) == 1 else and_(column >= first, column < ends_behind(first))


def find_units(session: Session, term: str) -> list[str]:
    """The work units with a word of this beginning in code or name."""
    rows = session.execute(select(WorkUnitRow.id, WorkUnitRow.code, WorkUnitRow.name))
    return [id for id, code, name in rows if any(is_found(word, [term]) for word in words_of(f"{code} {name}"))]


def _matching(session: Session, reach: Reach, kind: str, terms: Sequence[str], unit: str | None) -> Any:
    """The entries of a kind in which every term begins a word; None where one of them begins none."""
    entry, token = SearchEntryRow, SearchTokenRow
    where: list[ColumnElement[bool]] = [entry.kind == kind, reach.condition()]
    if unit is not None:
        where.append(entry.work_unit_id == unit)
    units = {term: find_units(session, term) if kind == DOSSIER else [] for term in terms}
    counts = {
        term: session.execute(
            select(func.count()).select_from(select(token.token).where(_has(kind, term)).limit(RARE + 1).subquery())
        ).scalar_one()
        for term in terms
        if not units[term]
    }
    rarest = min(counts, key=lambda term: counts[term], default=None)
    if rarest is not None and counts[rarest] == 0:
        return None
    if rarest is not None and counts[rarest] <= RARE:
        # a planner that trusts the limit would walk through all entries in search of a rare word
        places = select(token.entry_id).where(_has(kind, rarest)).distinct().cte("places")
        where.append(entry.id.in_(select(places.c.entry_id)))
    for term in terms:
        there = exists(select(1).where(token.entry_id == entry.id, _has(kind, term)))
        where.append(or_(there, entry.work_unit_id.in_(units[term])) if units[term] else there)
    return select(entry.id, entry.subject, entry.event_hash).where(*where)


def page_entries(
    session: Session, reach: Reach, kind: str, terms: Sequence[str], unit: str | None, page: PageRequest
) -> tuple[Page[Any], int]:
    """Entries of a kind in which every term begins a word, newest first, and how many there are (``COUNTED`` + 1: more than that)."""
    found = _matching(session, reach, kind, terms, unit)
    if found is None:
        return Page([], None), 0
    count = session.execute(select(func.count()).select_from(found.limit(COUNTED + 1).subquery())).scalar_one()
    rows = session.execute(
        found.where(*comes_after((SearchEntryRow.id,), page.after, descending=True))
        .order_by(SearchEntryRow.id.desc())
        .limit(page.limit + 1)
    ).all()
    return cut_page(rows, page, lambda row: (row.id,)), count


def find_logins(session: Session, term: str) -> list[str]:
    """The persons with a log-in of this beginning."""
    rows = session.execute(
        select(UserRow.person_id).where(UserRow.login >= term, UserRow.login < ends_behind(term)).limit(IDENTIFIED)
    )
    return list(rows.scalars())


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    # hex digits alone: every collation sorts them by their value, and "g" behind them
    return and_(column >= prefix, column < prefix + "g")


def find_by_hash(session: Session, reaches: dict[str, Reach], prefix: str) -> dict[str, list[str]]:
    """Kind → the dossiers, versions and leaf hashes whose id or digest begins like this, within reach."""
    found: dict[str, list[str]] = {}
    if DOSSIER in reaches:
        rows = select(DossierRow.id).where(_begins(DossierRow.id, prefix), reaches[DOSSIER].scope.condition())
        found[DOSSIER] = list(session.execute(rows.order_by(DossierRow.id).limit(IDENTIFIED)).scalars())
    if DOCUMENT in reaches:
        reach = reaches[DOCUMENT]
        version = DocumentVersionRow
        own = true() if reach.sender is None else version.person_id == reach.sender
        for column in (version.digest, version.id):
            rows = (
                select(version.id)
                .join(DossierRow, DossierRow.id == version.dossier_id)
                .where(_begins(column, prefix), reach.scope.condition(), own)
            )
            found.setdefault(DOCUMENT, []).extend(session.execute(rows.order_by(column).limit(IDENTIFIED)).scalars())
    if EVENT in reaches:
        hashes = select(EventRow.leaf_hash).where(_begins(EventRow.leaf_hash, prefix)).limit(IDENTIFIED)
        found[EVENT] = _readable(session, reaches[EVENT].scope, list(session.execute(hashes).scalars()))
    return found


def find_by_index(session: Session, reach: Reach, leaf_index: int) -> list[str]:
    """The event with this place in the log, within reach."""
    row = session.get(LogLeafRow, leaf_index)
    return [] if row is None else _readable(session, reach.scope, [row.leaf_hash])


def find_by_seq(session: Session, reach: Reach, prefix: str, seq: int) -> list[str]:
    """The events with this number in dossiers whose id begins like this, within reach."""
    dossiers = session.execute(
        select(DossierRow.id).where(_begins(DossierRow.id, prefix), reach.scope.condition()).limit(IDENTIFIED)
    ).scalars()
    streams = [f"dossier:{dossier}" for dossier in dossiers]
    return list(
        session.execute(select(EventRow.leaf_hash).where(EventRow.stream.in_(streams), EventRow.seq == seq)).scalars()
    )


def _readable(session: Session, scope: ReadScope, hashes: list[str]) -> list[str]:
    """Of these events those of dossiers in the scope; what happens to log-ins, people and units is not searched by its hash."""
    rows = session.execute(select(EventRow.leaf_hash, EventRow.stream).where(EventRow.leaf_hash.in_(hashes))).all()
    of = {leaf: stream.partition(":")[2] for leaf, stream in rows if stream.startswith(("dossier:", "after:"))}
    inside = set(
        session.execute(select(DossierRow.id).where(DossierRow.id.in_(of.values()), scope.condition())).scalars()
    )
    return [leaf for leaf in hashes if of.get(leaf) in inside]


# what is shown of a result ------------------------------------------------------------------------------------------


def show_dossiers(session: Session, ids: Sequence[str], terms: Sequence[str]) -> list[dict[str, Any]]:
    """Dossiers as results, in the order asked for."""
    rows = {
        row[0].id: row
        for row in session.execute(
            select(DossierRow, WorkUnitRow.name, DefinitionRow.key)
            .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
            .join(DefinitionRow, DefinitionRow.digest == DossierRow.sop_digest)
            .where(DossierRow.id.in_(ids))
        )
    }
    texts = _texts(session, [row[0].opened_hash for row in rows.values()])
    found = []
    for id in ids:
        row, unit, sop = rows[id]
        told = texts.get(row.opened_hash, {})
        found.append(
            _hit(
                DOSSIER,
                id,
                id,
                told.pop("title", None),
                at=row.opened_at.isoformat(),
                work_unit_name=unit,
                state=row.status,
                details={**told, "sop": sop, "period": f"{row.year}-{row.quarter}"},
            )
        )
    return found


def show_documents(session: Session, ids: Sequence[str], terms: Sequence[str]) -> list[dict[str, Any]]:
    """Versions of documents as results, in the order asked for."""
    title = OpeningRow
    rows = {
        row[0].id: row
        for row in session.execute(
            select(DocumentVersionRow, WorkUnitRow.name, title.value)
            .join(DossierRow, DossierRow.id == DocumentVersionRow.dossier_id)
            .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
            .outerjoin(title, (title.event_hash == DossierRow.opened_hash) & (title.field == "title"))
            .where(DocumentVersionRow.id.in_(ids))
        )
    }
    texts = _texts(session, [row[0].event_hash for row in rows.values()])
    names = queries.names_of(session, {row[0].person_id for row in rows.values()})
    found = []
    for id in ids:
        row, unit, dossier_title = rows[id]
        told = texts.get(row.event_hash, {})
        found.append(
            _hit(
                DOCUMENT,
                id,
                row.dossier_id,
                told.pop("file_name", None),
                at=row.received_at.isoformat(),
                work_unit_name=unit,
                person_name=names.get(row.person_id),
                step=row.step,
                digest=row.digest,
                state="withdrawn" if row.withdrawn_at else None,
                details={**told, "dossier": dossier_title or "", "kind": row.kind},
            )
        )
    return found


def show_people(session: Session, ids: Sequence[str], terms: Sequence[str]) -> list[dict[str, Any]]:
    """Persons as results: name, log-ins, roles that did not end."""
    names = queries.names_of(session, set(ids))
    logins: dict[str, list[str]] = {}
    for person, login in session.execute(select(UserRow.person_id, UserRow.login).where(UserRow.person_id.in_(ids))):
        logins.setdefault(person, []).append(login)
    roles: dict[str, list[str]] = {}
    rows = session.execute(
        select(AssignmentRow.person_id, AssignmentRow.role, WorkUnitRow.name)
        .join(WorkUnitRow, WorkUnitRow.id == AssignmentRow.work_unit_id)
        .where(AssignmentRow.person_id.in_(ids), AssignmentRow.ended_at.is_(None))
        .order_by(AssignmentRow.from_on, AssignmentRow.id)
    )
    for person, role, unit in rows:
        roles.setdefault(person, []).append(f"{role} ({unit})")
    return [
        _hit(
            PERSON,
            id,
            None,
            names.get(id),
            details={"login": ", ".join(logins.get(id, [])), "roles": ", ".join(roles.get(id, []))},
        )
        for id in ids
    ]


def show_events(session: Session, hashes: Sequence[str], terms: Sequence[str]) -> list[dict[str, Any]]:
    """Events of dossiers as results, with the texts that were given in them."""
    rows = {
        row.leaf_hash: row for row in session.execute(select(EventRow).where(EventRow.leaf_hash.in_(hashes))).scalars()
    }
    events = {leaf: parse_event(row.data) for leaf, row in rows.items()}
    texts = _texts(session, list(rows))
    names = queries.names_of(session, {e.person for e in events.values() if e.person})
    dossiers = {row.stream.partition(":")[2] for row in rows.values()}
    units = dict(
        session.execute(
            select(DossierRow.id, WorkUnitRow.name)
            .join(WorkUnitRow, WorkUnitRow.id == DossierRow.work_unit_id)
            .where(DossierRow.id.in_(dossiers))
        ).all()
    )
    found = []
    for leaf in hashes:
        event = events[leaf]
        dossier = event.stream.partition(":")[2]
        step = event.payload.get("step")
        found.append(
            _hit(
                EVENT,
                leaf,
                dossier,
                event.type,
                at=event.at,
                work_unit_name=units.get(dossier),
                person_name=names.get(event.person or ""),
                step=step if isinstance(step, str) else None,
                digest=leaf,
                seq=event.seq if event.stream.startswith("dossier:") else None,
                details={name: excerpt(text, terms) for name, text in texts.get(leaf, {}).items()},
            )
        )
    return found


SHOW = {DOSSIER: show_dossiers, DOCUMENT: show_documents, EVENT: show_events, PERSON: show_people}


def _texts(session: Session, hashes: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for (leaf, name), (value, _) in sorted(read_openings(session, hashes).items()):
        found.setdefault(leaf, {})[name] = value
    return found


def _hit(kind: str, subject: str, dossier: str | None, title: str | None, **facts: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("at", "work_unit_name", "person_name", "step", "digest", "state", "seq"))
    details = {name: text for name, text in facts.pop("details").items() if text}
    return {"kind": kind, "subject": subject, "dossier": dossier, "title": title, **blank, **facts, "details": details}


def indexed_of(session: Session, hashes: Sequence[str]) -> set[str]:
    """Of these events the ones that the index has."""
    rows = session.execute(select(SearchEntryRow.event_hash).where(SearchEntryRow.event_hash.in_(hashes)))
    return set(rows.scalars())
