"""Search over dossiers, documents, events and people, within what the actor may read; an auditor's search is recorded with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from archive_service.archive import Archive
from archive_service.db import queries, search
from archive_service.db.event_log import read_openings
from archive_service.db.models import DossierRow, EventRow
from archive_service.db.paging import Page, PageRequest
from archive_service.db.queries import ReadScope
from archive_service.db.search import COUNTED, Reach
from archive_service.db.search_index import (
    DOCUMENT,
    DOSSIER,
    EVENT,
    KINDS,
    PERSON,
    add_entries,
    entry_of,
    forget_everything,
    words_in,
)
from archive_service.domain import words
from archive_service.domain.event import parse_event
from archive_service.errors import InvalidInput
from archive_service.services import reading
from archive_service.services.actor import Actor
from archive_service.services.fields import clean_text, require_id

REBUILD_EVENTS = 1000
"""Events that are indexed in one transaction."""


@dataclass(frozen=True)
class Group:
    """What was found of one kind: a page of it, and how many there are; ``is_more`` when they are more than ``count``."""

    kind: str
    count: int
    is_more: bool
    page: Page[dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """What a search gave: the words that it looked for, what is named by an id, digest or number, and the groups."""

    query: str
    terms: tuple[str, ...]
    identified: list[dict[str, Any]]
    groups: list[Group]


def reach_of(actor: Actor) -> dict[str, Reach]:
    """Kind → what the actor may find of it; a kind that they may read nothing of is not there."""
    reaches: dict[str, Reach] = {}
    for kind, action in ((DOSSIER, "dossier.read"), (DOCUMENT, "document.read"), (EVENT, "events.read")):
        if actor.may(action):
            reaches[kind] = Reach(reading.scope_of(actor, action))
    if DOCUMENT not in reaches and actor.may("document.read_own"):
        reaches[DOCUMENT] = Reach(reading.scope_of(actor, "document.read_own"), actor.person)
    if actor.may("people.read"):
        reaches[PERSON] = Reach(ReadScope(True))
    return reaches


def terms_of(query: str) -> tuple[str, ...]:
    """The words that a query looks for; InvalidInput ``query_too_long`` for more than a search takes."""
    terms = words.words_of(query)
    if len(terms) > words.TERMS_LIMIT:
        raise InvalidInput("query_too_long", f"Search for at most {words.TERMS_LIMIT} words at a time.", field="q")
    return tuple(terms)


def find(
    archive: Archive,
    actor: Actor,
    *,
    query: str,
    kind: str | None = None,
    work_unit: str | None = None,
    page: PageRequest,
) -> Found:
    """What begins with every word of the query, by kind, the newest first; an id, a digest or a number is found too.

    ``kind``: of this kind alone, for the pages that follow. InvalidInput for a query without a word, or with too many.
    """
    query = clean_text("q", query, limit=words.QUERY_CHARACTERS)
    terms = terms_of(query)
    if not terms:
        raise InvalidInput("query_empty", "Type a word or a number to search for.", field="q")
    if kind is not None and kind not in KINDS:
        raise InvalidInput("kind_unknown_search", f"A kind is one of: {', '.join(KINDS)}.", field="kind")
    unit = None if work_unit is None else require_id("work_unit", work_unit)
    reaches = reach_of(actor)
    reading.record_read(archive, actor, "search", query=query)
    with archive.db.read() as session:
        identified = _identify(session, reaches, query) if kind is None else {}
        groups = []
        for each in KINDS if kind is None else (kind,):
            if each not in reaches or (each == PERSON and unit is not None):
                continue
            entries, count = search.page_entries(session, reaches[each], each, terms, unit, page)
            ids = [row.event_hash if each == EVENT else row.subject for row in entries.rows]
            if each == PERSON and len(terms) == 1 and page.after is None:
                also = [p for p in search.find_logins(session, query.lower()) if p not in ids]
                ids, count = [*also, *ids], count + len(also)
            rows = search.SHOW[each](session, ids, terms)
            groups.append(Group(each, min(count, COUNTED), count > COUNTED, Page(rows, entries.next)))
        shown = [
            hit for each in KINDS if identified.get(each) for hit in search.SHOW[each](session, identified[each], ())
        ]
    return Found(query, terms, shown, groups)


def _identify(session: Any, reaches: dict[str, Reach], query: str) -> dict[str, list[str]]:
    """Kind → what an id, a digest, a leaf index or ``<dossier>#<seq>`` names, each once."""
    prefix, number, (dossier, seq) = words.hash_in(query), words.number_in(query), words.event_in(query)
    found = search.find_by_hash(session, reaches, prefix) if prefix else {}
    if EVENT in reaches and number >= 0:
        found.setdefault(EVENT, []).extend(search.find_by_index(session, reaches[EVENT], number))
    if EVENT in reaches and dossier:
        found.setdefault(EVENT, []).extend(search.find_by_seq(session, reaches[EVENT], dossier, seq))
    return {kind: list(dict.fromkeys(ids))[: search.IDENTIFIED] for kind, ids in found.items()}


def rebuild(archive: Archive, progress: Callable[[int, int], None] | None = None) -> int:
    """Throw the index away and make it again from events and openings, the oldest first; how many entries it has.

    What is searched meanwhile finds less. What is recorded meanwhile is indexed once: an entry names its event.
    """
    with archive.db.write() as session:
        forget_everything(session.connection())
    with archive.db.read() as session:
        size = queries.count_events(session)
    made = done = 0
    last = ""
    while True:
        with archive.db.read() as session:
            # ids sort by time
            rows = session.execute(
                select(EventRow.id, EventRow.leaf_hash)
                .where(EventRow.id > last)
                .order_by(EventRow.id)
                .limit(REBUILD_EVENTS)
            ).all()
        if not rows:
            return made
        last = rows[-1].id
        made += _index_again(archive, [row.leaf_hash for row in rows])
        done += len(rows)
        if progress is not None:
            progress(done, max(done, size))


def _index_again(archive: Archive, hashes: list[str]) -> int:
    with archive.db.write() as session:
        known = search.indexed_of(session, hashes)
        rows = dict(
            session.execute(select(EventRow.leaf_hash, EventRow.data).where(EventRow.leaf_hash.in_(hashes))).all()
        )
        events = [parse_event(rows[leaf]) for leaf in hashes if leaf in rows and leaf not in known]
        openings: dict[str, list[tuple[str, str]]] = {}
        for (leaf, field), (value, _) in sorted(read_openings(session, [e.leaf_hash for e in events]).items()):
            openings.setdefault(leaf, []).append((field, value))
        entries = [(event, entry_of(event)) for event in events if event.leaf_hash in openings]
        dossiers = {entry["dossier_id"] for _, entry in entries if entry is not None}
        units = dict(
            session.execute(select(DossierRow.id, DossierRow.work_unit_id).where(DossierRow.id.in_(dossiers))).all()
        )
        whole = [
            (
                {**entry, "event_hash": event.leaf_hash, "work_unit_id": units.get(entry["dossier_id"])},
                words_in(event, openings[event.leaf_hash]),
            )
            for event, entry in entries
            if entry is not None
        ]
        add_entries(session.connection(), whole)
    return len(whole)
