"""Dossiers: open, list, read, hand over, explain, cancel."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, read_json
from archive_service.services import dossiers, reading

blueprint = Blueprint("api_dossiers", __name__, url_prefix="/api/v1/dossiers")


class LetterBody(Body):
    """The letter that asks for the report."""

    number: str
    sender: str
    agenda_number: str
    dated_on: str
    received_at: str
    reply_due_on: str | None = None


class DossierBody(Body):
    """A dossier to open."""

    sop: str = "sop-spmi-601"
    work_unit: str
    year: int
    quarter: int
    title: str
    letter: LetterBody


class ReasonBody(Body):
    """A reason."""

    reason: str


class ResponsibleBody(Body):
    """Who answers for a step from now on, and why."""

    person: str
    reason: str


class ExplanationBody(Body):
    """An explanation of a deviation."""

    explanation: str


@blueprint.get("")
def list_dossiers() -> ResponseReturnValue:
    """The dossiers that one may read, newest first."""
    return jsonify({"dossiers": reading.list_dossiers(get_archive(), require_actor())})


@blueprint.post("")
def open_dossier() -> ResponseReturnValue:
    """A new dossier; step 1's clock starts when the letter was received."""
    body = read_json(DossierBody)
    letter = dossiers.RequestLetter(**body.letter.model_dump())
    dossier = dossiers.open_dossier(
        get_archive(),
        require_actor(),
        sop=body.sop,
        work_unit=body.work_unit,
        year=body.year,
        quarter=body.quarter,
        title=body.title,
        letter=letter,
    )
    response = jsonify({"dossier": dossier})
    response.headers["Location"] = f"/api/v1/dossiers/{dossier}"
    return response, 201


@blueprint.get("/<dossier>")
def read_dossier(dossier: str) -> ResponseReturnValue:
    """Everything about one dossier: steps, documents, decisions, verdicts, deviations, bundle."""
    return jsonify(reading.read_dossier(get_archive(), require_actor(), dossier=dossier))


@blueprint.get("/<dossier>/events")
def read_events(dossier: str) -> ResponseReturnValue:
    """The dossier's events: the exact bytes of each, one a line."""
    lines = reading.read_events(get_archive(), require_actor(), dossier=dossier)
    return Response(b"".join(line + b"\n" for line in lines), mimetype="application/jsonl")


@blueprint.put("/<dossier>/steps/<step>/responsible")
def reassign_step(dossier: str, step: str) -> ResponseReturnValue:
    """Another person answers for a running step."""
    body = read_json(ResponsibleBody)
    dossiers.reassign_step(
        get_archive(), require_actor(), dossier=dossier, step=step, person=body.person, reason=body.reason
    )
    return "", 204


@blueprint.post("/<dossier>/deviations/<deviation>/explanation")
def explain_deviation(dossier: str, deviation: str) -> ResponseReturnValue:
    """The explanation of whoever answers for a deviation."""
    text = read_json(ExplanationBody).explanation
    dossiers.explain_deviation(get_archive(), require_actor(), dossier=dossier, deviation=deviation, explanation=text)
    return "", 204


@blueprint.post("/<dossier>/cancellation")
def request_cancellation(dossier: str) -> ResponseReturnValue:
    """Ask to cancel a dossier."""
    reason = read_json(ReasonBody).reason
    dossiers.request_cancellation(get_archive(), require_actor(), dossier=dossier, reason=reason)
    return "", 204


@blueprint.post("/<dossier>/cancellation/confirmation")
def confirm_cancellation(dossier: str) -> ResponseReturnValue:
    """Confirm, as a second person, that a dossier is cancelled."""
    dossiers.confirm_cancellation(get_archive(), require_actor(), dossier=dossier)
    return "", 204
