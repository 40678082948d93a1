"""The clock of a step stopped and started again; verdicts by another calendar; exceptions from separate duties."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from archive_service.services import compliance, dossiers
from archive_service.services.live import MATTERS
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, WIB, back_to, refuse, require_fresh

blueprint = Blueprint("web_compliance", __name__, url_prefix="/dossiers/<dossier>")


def _moment(name: str) -> str | None:
    """A time of the form's, in the office's zone; None for an empty field."""
    typed = request.form.get(name, "")
    return typed + WIB if typed else None


@blueprint.post("/steps/<step>/pause")
def grant_pause(dossier: str, step: str) -> ResponseReturnValue:
    """Stop the clock of a running step."""
    try:
        require_fresh(dossier, step)
        compliance.grant_pause(
            get_archive(),
            require_actor(),
            dossier=dossier,
            step=step,
            cause=request.form.get("cause", ""),
            reason=request.form.get("reason", ""),
            from_at=_moment("from_at"),
            to_at=_moment("to_at"),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"pause-{step}", exc)
    return back_to(dossier, f"step-{step}", done="paused")


@blueprint.post("/pauses/<pause>/end")
def end_pause(dossier: str, pause: str) -> ResponseReturnValue:
    """Let the clock run again."""
    try:
        require_fresh(dossier, types=("pause.ended",), pause=pause)
        compliance.end_pause(get_archive(), require_actor(), dossier=dossier, pause=pause)
    except REFUSALS as exc:
        return refuse(dossier, f"resume-{pause}", exc)
    return back_to(dossier, "main", done="resumed")


@blueprint.post("/verdicts/again")
def judge_again(dossier: str) -> ResponseReturnValue:
    """Judge by the newest version of the calendar."""
    try:
        require_fresh(dossier, types=("dossier.judged_again", "calendar.adopted"))
        compliance.judge_again(get_archive(), require_actor(), dossier=dossier, reason=request.form.get("reason", ""))
    except REFUSALS as exc:
        return refuse(dossier, "again", exc)
    return back_to(dossier, "steps", done="judged_again")


@blueprint.post("/steps/<step>/exception")
def except_duty(dossier: str, step: str) -> ResponseReturnValue:
    """Let a person perform a step that separate duties bar them from."""
    try:
        require_fresh(dossier, step, types=MATTERS | {"duty.excepted"})
        dossiers.except_duty(
            get_archive(),
            require_actor(),
            dossier=dossier,
            step=step,
            person=request.form.get("person", ""),
            reason=request.form.get("reason", ""),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"except-{step}", exc)
    return back_to(dossier, f"step-{step}", done="excepted")
