"""The words by which dossiers, documents, people and events are found: derived from openings, in the transaction that writes them.

What is erased takes its words with it, by a trigger on ``opening``; the whole index can be thrown away and made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from archive_service.db.models import DossierRow, SearchEntryRow, SearchTokenRow, table_of
from archive_service.domain.event import Event, stream_kind
from archive_service.domain.words import words_of

DOSSIER = "dossier"
DOCUMENT = "document"
PERSON = "person"
EVENT = "event"
KINDS = (DOSSIER, DOCUMENT, EVENT, PERSON)
_MARKS = {DOSSIER: "d", DOCUMENT: "f", EVENT: "e", PERSON: "p"}

_ENTRY, _TOKEN, _DOSSIER = table_of(SearchEntryRow), table_of(SearchTokenRow), table_of(DossierRow)


def entry_of(event: Event) -> dict[str, Any] | None:
    """What the search may find by this event, without its work unit; None for what nobody searches, as the streams of log-ins."""
    kind = stream_kind(event.stream)
    if kind == "person" and event.type == "person.registered":
        return {"kind": PERSON, "subject": event.payload["person"], "dossier_id": None}
    if kind not in ("dossier", "after"):
        return None
    dossier = event.stream.partition(":")[2]
    if event.type == "dossier.opened":
        return {"kind": DOSSIER, "subject": dossier, "dossier_id": dossier}
    if event.type == "document.received":
        return {"kind": DOCUMENT, "subject": event.payload["version"], "dossier_id": dossier}
    return {"kind": EVENT, "subject": event.leaf_hash, "dossier_id": dossier}


def words_in(event: Event, openings: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(word, field) of an event's openings (field, value), each once."""
    found = [(word, field) for field, value in openings for word in words_of(value)]
    if event.type == "dossier.opened":
        found.append((str(event.payload["year"]), "year"))
    return list(dict.fromkeys(found))


def index_event(connection: Connection, event: Event, openings: Iterable[tuple[str, str]]) -> None:
    """Add the words of an event that was just written with these openings (field, value)."""
    entry = entry_of(event)
    if entry is None:
        return
    unit = event.payload.get("work_unit") if entry["kind"] == DOSSIER else None
    if unit is None and entry["dossier_id"] is not None:
        unit = connection.execute(
            select(_DOSSIER.c.work_unit_id).where(_DOSSIER.c.id == entry["dossier_id"])
        ).scalar_one_or_none()
    add_entry(connection, {**entry, "event_hash": event.leaf_hash, "work_unit_id": unit}, words_in(event, openings))


def token_of(kind: str, word: str) -> str:
    """A word as it stands in the index: behind a letter for its kind, so that what is common in one is known to be rare in another."""
    return f"{_MARKS[kind]}:{word}"


def add_entry(connection: Connection, entry: dict[str, Any], words: list[tuple[str, str]]) -> None:
    """Write an entry and its words."""
    made = connection.execute(insert(_ENTRY).returning(_ENTRY.c.id), entry).scalar_one()
    if words:
        connection.execute(
            insert(_TOKEN),
            [{"token": token_of(entry["kind"], word), "entry_id": made, "field": field} for word, field in words],
        )


def add_entries(connection: Connection, entries: list[tuple[dict[str, Any], list[tuple[str, str]]]]) -> None:
    """Write many entries and their words, whose events have no entry yet."""
    if not entries:
        return
    connection.execute(insert(_ENTRY), [entry for entry, _ in entries])
    hashes = [entry["event_hash"] for entry, _ in entries]
    ids = dict(
        connection.execute(select(_ENTRY.c.event_hash, _ENTRY.c.id).where(_ENTRY.c.event_hash.in_(hashes))).all()
    )
    words = [
        {"token": token_of(entry["kind"], word), "entry_id": ids[entry["event_hash"]], "field": field}
        for entry, found in entries
        for word, field in found
    ]
    if words:
        connection.execute(insert(_TOKEN), words)


def forget_everything(connection: Connection) -> None:
    """Empty the index."""
    connection.execute(delete(_TOKEN))
    connection.execute(delete(_ENTRY))
