"""Finishing a step: submit, approve, return, archive."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from archive_service.services import decisions
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, WIB, back_to, refusal_of, refuse, require_fresh
from archive_service.web.passkeys import read_credential
from archive_service.web.reviews import review_page

blueprint = Blueprint("web_decisions", __name__, url_prefix="/dossiers/<dossier>/steps/<step>")


def _accepts_gaps() -> bool:
    return request.form.get("accepts_gaps") == "yes"


def _answers() -> dict[str, str]:
    """Question → choice, of the fields ``answer-<question>`` that were filled in."""
    fields = {name: value for name, value in request.form.items() if name.startswith("answer-") and value}
    return {name.removeprefix("answer-"): value for name, value in fields.items()}


def _happened_at() -> str | None:
    typed = request.form.get("happened_at", "")
    return typed + WIB if typed else None


@blueprint.post("/submission")
def submit_step(dossier: str, step: str) -> ResponseReturnValue:
    """Submit a step with exactly the versions that its page showed."""
    try:
        require_fresh(dossier, step)
        decisions.submit_step(
            get_archive(),
            require_actor(),
            dossier=dossier,
            step=step,
            versions=request.form.getlist("version"),
            accepts_gaps=_accepts_gaps(),
            answers=_answers(),
            happened_at=_happened_at(),
        )
    except REFUSALS as exc:
        return refuse(dossier, f"submit-{step}", exc)
    return back_to(dossier, "main", done="submitted")


@blueprint.post("/decision")
def decide_step(dossier: str, step: str) -> ResponseReturnValue:
    """Approve or return, on exactly the versions that the page showed."""
    wanted = request.form.get("decision", "")
    try:
        require_fresh(dossier, step)
        if "preparation" in request.form:
            decisions.sign_decision(
                get_archive(),
                require_actor(),
                dossier=dossier,
                step=step,
                preparation=request.form["preparation"],
                credential=read_credential(),
            )
        else:
            decisions.decide_step(get_archive(), require_actor(), dossier=dossier, step=step, **_wish(wanted))
    except REFUSALS as exc:
        if request.form.get("from") == "review":
            return review_page(dossier, step, *refusal_of(f"decide-{step}", exc))
        return refuse(dossier, f"decide-{step}", exc)
    return back_to(dossier, "main", done="returned" if wanted == "return" else "approved")


@blueprint.post("/decision/preparation")
def prepare_decision(dossier: str, step: str) -> ResponseReturnValue:
    """What the script needs to sign the decision in the form, as JSON."""
    wish = _wish(request.form.get("decision", ""))
    require_fresh(dossier, step)
    return jsonify(decisions.prepare_decision(get_archive(), require_actor(), dossier=dossier, step=step, **wish))


def _wish(wanted: str) -> dict[str, Any]:
    """The decision in the form."""
    return {
        "decision": "return" if wanted == "return" else "approve",
        "versions": request.form.getlist("version"),
        "reason": request.form.get("reason"),
        "accepts_gaps": _accepts_gaps(),
        "answers": {} if wanted == "return" else _answers(),
        "happened_at": _happened_at(),
    }


@blueprint.post("/archiving")
def archive_dossier(dossier: str, step: str) -> ResponseReturnValue:
    """Seal the dossier; its bundle is built afterwards."""
    try:
        decisions.archive_dossier(
            get_archive(), require_actor(), dossier=dossier, step=step, accepts_gaps=_accepts_gaps()
        )
    except REFUSALS as exc:
        return refuse(dossier, f"archive-{step}", exc)
    return back_to(dossier, "main", done="archived")
