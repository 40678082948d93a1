"""The versions of a document beside each other: who sent which and when, and what was decided on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import Event
from archive_service.domain.sop import Sop
from archive_service.domain.states import RUNNING
from archive_service.errors import NotFound
from archive_service.services import reading
from archive_service.services.actor import Actor
from archive_service.services.work import read_dossier_events


def read_versions(archive: Archive, actor: Actor, *, dossier: str, document: str) -> dict[str, Any]:
    """Every version of a document, the newest first, with the submissions and decisions that were bound to it.

    NotFound for a document that the dossier does not have. An auditor's look is recorded as one at the dossier.
    """
    reading.require_readable(archive, actor, dossier=dossier)
    reading.record_read(archive, actor, "dossier", dossier)
    with archive.db.read() as session:
        events = read_dossier_events(archive, session, dossier)
        state, bound = _follow(archive.catalog.sop(session, events[0].payload["sop"]), events)
        found = state.versions_of(document)
        if not found:
            raise NotFound("document_unknown", "This dossier has no such document.")
        openings = {k: v[0] for k, v in read_openings(session, [v.event_hash for v in found]).items()}
        names = queries.names_of(session, {v.person for v in found} | {e.person for e in events if e.person})
    newest = found[-1]
    run = state.find_run(newest.step, newest.iteration)
    return {
        "document": document,
        "step": newest.step,
        "kind": newest.kind,
        "versions": [
            {
                "version": v.id,
                "number": v.number,
                "file_name": openings.get((v.event_hash, "file_name")),
                "person_name": names.get(v.person),
                "received_at": v.received_at,
                "digest": v.digest,
                "size": v.size,
                "media_type": v.media_type,
                "withdrawn_at": v.withdrawn_at,
                "is_newest": v.id == newest.id,
                "is_draft": v.id == newest.id and run is not None and run.state == RUNNING,
                "bound": [{**one, "person_name": names.get(one["person"] or "")} for one in bound.get(v.id, [])],
            }
            for v in reversed(found)
        ],
    }


def _follow(sop: Sop, events: Sequence[Event]) -> tuple[Dossier, dict[str, list[dict[str, Any]]]]:
    """The dossier, and for each version the submissions and decisions that it stood at."""
    state = Dossier(sop)
    bound: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event.type in ("step.submitted", "decision.made"):
            step = event.payload["step"]
            told = {
                "step": step,
                "iteration": event.payload["iteration"],
                "at": event.at,
                "person": event.person,
                "act": event.payload.get("decision", "submitted"),
            }
            for version in state.bound_documents(step):
                bound.setdefault(version.id, []).append(told)
        state.apply(event)
    return state, bound
