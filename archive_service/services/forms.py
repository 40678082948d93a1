"""Forms: what a person fills in becomes a PDF, which is taken in like any document."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db import queries
from archive_service.db.event_log import read_openings
from archive_service.domain.dossier import Dossier
from archive_service.domain.sop import Form
from archive_service.domain.verdict import format_time
from archive_service.errors import InvalidInput, NotFound
from archive_service.printing import print_form
from archive_service.services import reading
from archive_service.services.actor import Actor, Assignment
from archive_service.services.fields import optional_text
from archive_service.services.places import place_at_step
from archive_service.services.uploads import Received, receive_document
from archive_service.services.work import load_dossier

FORMAT = "archive-service form 1"
LINE_LIMIT = 500
TEXT_LIMIT = 10_000


def fill_form(
    archive: Archive,
    actor: Actor,
    *,
    dossier: str,
    step: str,
    kind: str,
    fields: Mapping[str, str],
    document: str | None = None,
) -> Received:
    """Make the PDF of a filled-in form and take it in as a document of that step and kind; the signed receipt.

    ``fields``: key → text of the form that the SOP's data give this output; ``document`` as for an upload. The PDF holds the fields as
    data too (``isian.json``). InvalidInput ``form_unknown``, ``form_field_unknown``, ``form_field_missing``, or what is wrong with a text.
    """
    moment = archive.log.clock()
    with archive.db.read() as session:
        state = load_dossier(archive, session, dossier)
        place = place_at_step(state, actor, step=step, kind=kind, document=document)
        form = state.sop.step(step).output(kind).form
        if form is None:
            raise InvalidInput(
                "form_unknown", f"Step {step} has no form for {kind}; upload a document instead.", field="kind"
            )
        texts = _clean_fields(form, fields)
        record = _record(session, state, actor, place.require(state), step, kind, form, texts, moment)
    return receive_document(
        archive,
        actor,
        dossier=dossier,
        step=step,
        kind=kind,
        file_name=_file_name(form, step),
        chunks=[print_form(record, moment)],
        document=document,
    )


def read_form(archive: Archive, actor: Actor, *, dossier: str, step: str, kind: str) -> dict[str, Any]:
    """What the form of an output asks, as plain data; NotFound ``form_unknown`` where it has none."""
    reading.require_readable(archive, actor, dossier=dossier)
    with archive.db.read() as session:
        sop = load_dossier(archive, session, dossier).sop
    rules = sop.step(step).outputs if step in sop.order else ()
    form = next((rule.form for rule in rules if rule.kind == kind), None)
    if form is None:
        raise NotFound("form_unknown", "There is no such form at this step.")
    return {"kind": kind, **plain_form(form)}


def plain_form(form: Form) -> dict[str, Any]:
    """A form's title and fields as plain data."""
    fields = [{"key": f.key, "title": f.title, "lines": f.lines, "required": f.required} for f in form.fields]
    return {"title": form.title, "fields": fields}


def _clean_fields(form: Form, fields: Mapping[str, str]) -> dict[str, str | None]:
    known = {field.key for field in form.fields}
    for key in fields:
        if key not in known:
            wanted = ", ".join(field.key for field in form.fields)
            shown = str(key)[:64].encode("ascii", "backslashreplace").decode()
            raise InvalidInput(
                "form_field_unknown", f"The form has no field {shown}; it asks for {wanted}.", field=shown
            )
    found: dict[str, str | None] = {}
    for field in form.fields:
        limit = LINE_LIMIT if field.lines == 1 else TEXT_LIMIT
        # browsers send the line breaks of a form as two signs
        value = fields.get(field.key)
        text = value.replace("\r\n", "\n") if isinstance(value, str) else value
        found[field.key] = optional_text(field.key, text, limit=limit, lines=field.lines > 1)
        if field.required and found[field.key] is None:
            raise InvalidInput("form_field_missing", f"Fill in: {field.title} ({field.key}).", field=field.key)
    return found


def _record(
    session: Session,
    state: Dossier,
    actor: Actor,
    assignment: Assignment,
    step: str,
    kind: str,
    form: Form,
    texts: Mapping[str, str | None],
    moment: datetime,
) -> dict[str, Any]:
    """Everything that the PDF says, as data."""
    sop, run = state.sop, state.running(step)
    assert run is not None
    title = read_openings(session, [state.opened_hash]).get((state.opened_hash, "title"))
    roles = {role.key: role.title for role in sop.roles}
    return {
        "format": FORMAT,
        "institution": sop.institution,
        "owner": sop.owner,
        "address": [] if sop.document_address is None else sop.document_address.split("\n"),
        "sop": {"digest": state.sop_digest, "number": sop.number, "title": sop.title, "version": sop.version},
        "step": {"key": step, "activity": sop.step(step).activity, "iteration": run.iteration},
        "dossier": {
            "id": state.id,
            "title": title[0] if title else "–",
            "year": state.year,
            "quarter": state.quarter,
            "work_unit": queries.name_of_work_unit(session, state.work_unit),
        },
        "form": {"kind": kind, "title": form.title},
        "fields": [{"key": f.key, "title": f.title, "value": texts[f.key]} for f in form.fields],
        "filled_by": {
            "person": actor.person,
            "name": queries.names_of(session, {actor.person}).get(actor.person, "–"),
            "role": assignment.role,
            "role_title": roles.get(assignment.role, assignment.role),
        },
        "filled_at": format_time(moment),
    }


def _file_name(form: Form, step: str) -> str:
    """A plain name after the form's title and its step."""
    plain = unicodedata.normalize("NFKD", form.title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80] or "formulir"
    return f"{words}-langkah-{step}.pdf"
