"""Pauses: time of a running step that does not count, granted by the role that the SOP names."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states
from archive_service.services import compliance

blueprint = APIBlueprint("api_pauses", __name__, url_prefix="/api/v1/dossiers/<id:dossier>", tag="steps")


class PauseBody(Body):
    """Why and from when a step's clock stands; from now and until it is ended where no time is given."""

    cause: Literal["outside_party", "force_majeure", "system_outage", "official_duty", "other"]
    reason: str
    from_at: str | None = None
    to_at: str | None = None


class PauseEndBody(Body):
    """When the clock runs again: a moment in the past, or now."""

    to_at: str | None = None


class GrantedPause(Answer):
    """The id of a pause: it is ended by it."""

    pause: str


@blueprint.post("/steps/<key:step>/pauses")
@operation(answer=GrantedPause, status=201, body=PauseBody, takes_key=True, takes_match=True)
def grant_pause(dossier: str, step: str, body: PauseBody) -> ResponseReturnValue:
    """Stop the clock of a running step."""
    pause = compliance.grant_pause(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        cause=body.cause,
        reason=body.reason,
        from_at=body.from_at,
        to_at=body.to_at,
        seen=seen_states(),
    )
    return jsonify({"pause": pause}), 201


@blueprint.post("/pauses/<id:pause>/end")
@operation(status=204, body=PauseEndBody, takes_key=True, takes_match=True)
def end_pause(dossier: str, pause: str, body: PauseEndBody) -> ResponseReturnValue:
    """Let the clock of a paused step run again."""
    compliance.end_pause(
        get_archive(), require_actor(), dossier=dossier, pause=pause, to_at=body.to_at, seen=seen_states()
    )
    return "", 204
