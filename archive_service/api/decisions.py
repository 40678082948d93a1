"""Finishing a step: submission, decision, archiving."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, read_json
from archive_service.services import decisions

blueprint = Blueprint("api_decisions", __name__, url_prefix="/api/v1/dossiers/<dossier>/steps/<step>")


class SubmissionBody(Body):
    """A submission; ``versions`` are the ids that it is meant to hold, all that stand when left out."""

    versions: list[str] | None = None
    accepts_gaps: bool = False


class DecisionBody(Body):
    """A decision on exactly these versions."""

    decision: Literal["approve", "return"]
    versions: list[str]
    reason: str | None = None
    returns_to: str | None = None
    accepts_gaps: bool = False


class ArchivingBody(Body):
    """The act that seals a dossier."""

    accepts_gaps: bool = False


@blueprint.post("/submission")
def submit_step(dossier: str, step: str) -> ResponseReturnValue:
    """Finish a step with its documents."""
    body = read_json(SubmissionBody)
    decisions.submit_step(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        versions=body.versions,
        accepts_gaps=body.accepts_gaps,
    )
    return "", 204


@blueprint.post("/decision")
def decide_step(dossier: str, step: str) -> ResponseReturnValue:
    """Approve or return."""
    body = read_json(DecisionBody)
    decisions.decide_step(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        decision=body.decision,
        versions=body.versions,
        reason=body.reason,
        returns_to=body.returns_to,
        accepts_gaps=body.accepts_gaps,
    )
    return "", 204


@blueprint.post("/archiving")
def archive_dossier(dossier: str, step: str) -> ResponseReturnValue:
    """Seal the dossier; the bundle is built afterwards."""
    body = read_json(ArchivingBody)
    digest = decisions.archive_dossier(
        get_archive(), require_actor(), dossier=dossier, step=step, accepts_gaps=body.accepts_gaps
    )
    return jsonify({"statement": digest}), 202
