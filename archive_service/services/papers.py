"""Originals on paper: whether a document has one beside its file, and where it lies (ruang, rak, boks, folder)."""

from __future__ import annotations

from collections.abc import Collection

from archive_service.archive import Archive
from archive_service.domain.action import Action
from archive_service.domain.manifest import EVENTS_LIMIT
from archive_service.domain.states import SEALED
from archive_service.errors import Conflict, InvalidInput
from archive_service.services.actor import Actor
from archive_service.services.fields import optional_text, require_id
from archive_service.services.work import acting_as, hold_dossier

PLACE_LIMIT = 100


def record_paper(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    document: str,
    exists: bool,
    room: str | None = None,
    shelf: str | None = None,
    box: str | None = None,
    folder: str | None = None,
    seen: Collection[str] | None = None,
) -> None:
    """Record that a document has an original on paper and where it lies, or that it has none; the newest record counts.

    Whoever performs in the unit may, at any time, in a sealed dossier too: papers are moved. What is known at the seal is in the bundle.
    """
    typed = {"room": room, "shelf": shelf, "box": box, "folder": folder}
    place = {name: optional_text(name, value, limit=PLACE_LIMIT) for name, value in typed.items()}
    if not exists and any(place.values()):
        raise InvalidInput("paper_place_of_nothing", "Leave the place empty where there is no original on paper.")
    with archive.db.write() as session:
        work = hold_dossier(archive, session, dossier, actor, seen, with_after=True)
        assignment = acting_as(work, actor, "document.paper")
        document = require_id("document", document)
        work.require(Action("record_paper", actor.person, assignment.role, assignment.work_unit, document=document))
        if work.dossier.status != SEALED and work.dossier.count >= EVENTS_LIMIT // 2:
            raise Conflict("papers_full", "This dossier takes no more records of papers until it is sealed.")
        payload = {"document": document, "exists": exists, **place}
        work.act(actor, assignment, "document.paper_recorded", payload)
