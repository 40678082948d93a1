"""Dossiers: the list, one of them, a new one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from archive_service.db.listing import DossierFilter
from archive_service.db.paging import PageRequest
from archive_service.errors import ArchiveError, Conflict, DocumentRefused, Forbidden, InvalidInput, TooLarge
from archive_service.services import desk, dossiers, listing, live, partial_uploads, passkeys
from archive_service.services.fields import require_id
from archive_service.services.places import ATTACHMENT_MEDIA
from archive_service.web import narration
from archive_service.web.auth import FORM_LIMITS_BYTES, get_archive, require_actor
from archive_service.web.problems import sentence_for
from archive_service.web.wording import moment_text, word_for

WIB = ":00+07:00"
STATUS: tuple[tuple[type[ArchiveError], HTTPStatus], ...] = (
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DocumentRefused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Conflict, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
)
"""The refusals that belong beside the button that was pressed; every other error is a page of its own (app.py)."""
WHOLE_PAGE = "page"
STATES = ("open", "sealed", "cancelled")
LISTED = 50
REFUSALS = tuple(kind for kind, _ in STATUS)

blueprint = Blueprint("web_dossiers", __name__, template_folder="templates")


class Refused(NamedTuple):
    """A form that was refused: which one, and the sentence to show beside its button."""

    form: str
    sentence: str
    details: tuple[str, ...] = ()
    news: tuple[str, ...] = ()


@blueprint.get("/dossiers")
def list_dossiers() -> ResponseReturnValue:
    """The dossiers that one may read, newest first."""
    return dossiers_page(None)


def dossiers_page(done: str | None) -> Response:
    """The list of dossiers, narrowed by what its address asks for; a field that says nothing known narrows nothing."""
    actor, archive, asked = require_actor(), get_archive(), request.args
    units = desk.list_readable_units(archive, actor)
    chosen = {
        "unit": asked.get("unit", "") if asked.get("unit") in {u["work_unit"] for u in units} else "",
        "year": asked.get("year", "") if _number(asked.get("year", "")) else "",
        "quarter": asked.get("quarter", "") if asked.get("quarter") in ("1", "2", "3", "4") else "",
        "state": asked.get("state", "") if asked.get("state") in STATES else "",
        "late": "yes" if asked.get("late") == "yes" else "",
        "text": asked.get("text", "").strip().replace("\x00", "")[:200],
    }
    wanted = DossierFilter(
        status=chosen["state"] or None,
        work_unit=chosen["unit"] or None,
        year=_number(chosen["year"]) or None,
        quarter=_number(chosen["quarter"]) or None,
        late_at=archive.log.clock() if chosen["late"] else None,
        text=chosen["text"] or None,
    )
    found = listing.page_dossiers(archive, actor, wanted=wanted, page=PageRequest(LISTED, _after(asked.get("after"))))
    kept: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    page = render_template(
        "dossiers.html",
        dossiers=found.rows,
        next=None
        if found.next is None
        else url_for("web_dossiers.list_dossiers", **kept, after=f"{found.next[0]}~{found.next[1]}"),
        chosen=chosen,
        is_narrowed=bool(kept),
        is_further="after" in asked,
        units=units,
        states=STATES,
        done=done,
        may_open=actor.may("dossier.open"),
    )
    return make_response(page)


def _after(text: str | None) -> tuple[str, str] | None:
    """The key in an address; None for one that this list did not give, which then begins anew."""
    moment, _, dossier = (text or "").partition("~")
    try:
        return (datetime.fromisoformat(moment).astimezone(UTC).isoformat(), require_id("after", dossier))
    except (ValueError, OverflowError, InvalidInput):
        return None


@blueprint.get("/dossiers/<dossier>")
def dossier(dossier: str) -> ResponseReturnValue:
    """One dossier: what waits, steps, documents, decisions, deviations, audit records."""
    return dossier_page(dossier, None)


def dossier_page(dossier: str, refused: Refused | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The page of a dossier; a refused form gets its sentence, and what was typed stays in it."""
    g.shown_at = url_for("web_dossiers.dossier", dossier=dossier)
    facts = dossier_facts(dossier)
    narrowed = {name: request.args.get(name, "") for name in ("step", "person", "kind")}
    history = facts["d"]["history"]
    facts |= {
        "typed": request.form if refused else {},
        "done": request.args.get("done"),
        "standing": standing_text(facts["d"]),
        "narrowed": narrowed,
        "shown": narration.narrow(history, **narrowed),
        "people": sorted({entry["person"] for entry in history if entry["person"]}),
    }
    page = render_template("dossier.html", refused=refused, **facts)
    if refused is not None and f'id="problem-{refused.form}"' not in page:
        # the form is not there any more, as when somebody else finished the step: the sentence must not go with it
        page = render_template("dossier.html", refused=refused._replace(form=WHOLE_PAGE), **facts)
    return make_response(page, status)


def dossier_facts(dossier: str) -> dict[str, Any]:
    """What every page of a dossier is made from: the dossier as this actor has it on the desk, and the state that it was read in."""
    archive, actor = get_archive(), require_actor()
    # before the rest: what happens in between shows twice rather than never
    state = live.read_pulse(archive, actor, dossier=dossier).token
    return {
        "d": desk.read_desk(archive, actor, dossier=dossier),
        "page_state": state,
        "unfinished": (
            partial_uploads.list_unfinished(archive, actor, dossier=dossier) if actor.may("document.upload") else []
        ),
        "has_passkey": passkeys.has_passkey(archive, actor),
        "limit_bytes": archive.settings.document_limit_bytes,
        "attachment_media": ATTACHMENT_MEDIA,
        "form_limit_bytes": FORM_LIMITS_BYTES["web_uploads.receive_form"],
    }


def refuse(dossier: str, form: str, error: ArchiveError) -> Response:
    """The dossier's page again, with the error's sentence beside the button that was pressed."""
    refused, status = refusal_of(form, error)
    return dossier_page(dossier, refused, status)


def refusal_of(form: str, error: ArchiveError) -> tuple[Refused, HTTPStatus]:
    """What a page shows of an error beside the button of a form, and the status that it answers with."""
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    told = error.params.get("news")
    news = tuple(f"{narration.narrate(n)}, {moment_text(n['at'])}." for n in (told if isinstance(told, list) else []))
    return Refused(form, sentence_for(error.code, error.detail), details_of(error), news), status


def require_fresh(
    dossier: str, step: str | None = None, types: Collection[str] = live.MATTERS, **subject: str | None
) -> None:
    """Refuse a form that was made before somebody else changed its step, or its subject; a form without a state is taken as fresh."""
    seen = request.form.get("seen", "")
    if seen:
        live.require_fresh(
            get_archive(), require_actor(), dossier=dossier, seen=seen, step=step, types=types, subject=subject
        )


def standing_text(found: dict[str, Any]) -> str:
    """Where a dossier stands, in one sentence: which step runs, who holds it, until when; or how it ended."""
    running = [(step, step["iterations"][-1]) for step in found["steps"] if step["state"] == "running"]
    if found["status"] != "open" or not running:
        return str(word_for(found["status"]).capitalize()) + (
            f", {moment_text(found['ended_at'])}" if found["ended_at"] else ""
        )
    said = []
    for step, run in running:
        who = run["responsible_name"] or gettext("nobody")
        until = (
            gettext("the clock stands")
            if run["due_at"] is None
            else gettext("due %(time)s", time=moment_text(run["due_at"]))
        )
        said.append(gettext("Step %(step)s is with %(person)s, %(until)s", step=step["step"], person=who, until=until))
    return "; ".join(said)


def details_of(error: ArchiveError) -> tuple[str, ...]:
    """Each problem of a table or list in a line of its own; nothing for other errors."""
    found = error.params.get("problems")
    return tuple(
        gettext(
            "Row %(row)s, %(column)s: %(problem)s",
            row=p["row"],
            column=p["column"],
            problem=sentence_for(p["code"], p["message"]),
        )
        for p in (found if isinstance(found, list) else [])
    )


def back_to(dossier: str, place: str, done: str) -> Response:
    """A redirect to a place of the dossier's page, which says what was done."""
    address = url_for("web_dossiers.dossier", dossier=dossier, _anchor=place, done=done)
    return make_response(redirect(address, HTTPStatus.SEE_OTHER))


@blueprint.get("/dossiers/new")
def new_dossier() -> ResponseReturnValue:
    """The form for a new dossier."""
    return _form_page(None, HTTPStatus.OK)


@blueprint.post("/dossiers")
def open_dossier() -> ResponseReturnValue:
    """Open a dossier; step 1's clock starts when the letter was received."""
    typed = request.form
    try:
        opened = dossiers.open_dossier(
            get_archive(),
            require_actor(),
            sop=typed.get("sop", ""),
            work_unit=typed.get("work_unit", ""),
            year=_number(typed.get("year", "")),
            quarter=_number(typed.get("quarter", "")),
            title=typed.get("title", ""),
            letter=dossiers.RequestLetter(
                number=typed.get("number", ""),
                sender=typed.get("sender", ""),
                agenda_number=typed.get("agenda_number", ""),
                dated_on=typed.get("dated_on", ""),
                # the form's hours are the office's
                received_at=typed.get("received_at", "") + WIB,
                reply_due_on=typed.get("reply_due_on") or None,
            ),
            answers=_opening_answers(typed.get("sop", "")),
        )
    except (InvalidInput, Conflict) as exc:
        return _form_page(exc, next(status for kind, status in STATUS if isinstance(exc, kind)))
    return back_to(opened, "main", done="opened")


def _form_page(error: ArchiveError | None, status: HTTPStatus) -> Response:
    g.shown_at = url_for("web_dossiers.new_dossier")
    choices = desk.list_openable(get_archive(), require_actor())
    page = render_template(
        "new_dossier.html",
        choices=choices,
        typed=request.form,
        problem=None if error is None else sentence_for(error.code, error.detail),
        field=None if error is None else str(error.params.get("field", "")).removeprefix("letter."),
    )
    return make_response(page, status)


def _opening_answers(sop: str) -> dict[str, str]:
    """The answers to what this SOP asks; the form holds the questions of all."""
    prefix = f"answer-{sop}-"
    fields = {name: value for name, value in request.form.items() if name.startswith(prefix) and value}
    return {name.removeprefix(prefix): value for name, value in fields.items()}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
