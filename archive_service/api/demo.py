"""The demo's clock over HTTP, in demo mode alone: the application does not have this route otherwise."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.body import Body, read_json
from archive_service.clock import DemoClock
from archive_service.services.fields import require_moment


class ClockBody(Body):
    """Where the clock goes; with ``let_go`` it runs on from there."""

    at: str | None = None
    let_go: bool = False


def make_blueprint(clock: DemoClock) -> Blueprint:
    """The routes over this clock."""
    blueprint = Blueprint("api_demo", __name__, url_prefix="/demo")

    @blueprint.put("/clock")
    def move_clock() -> ResponseReturnValue:
        """Move the clock forward."""
        body, _ = read_json(ClockBody)
        if body.at is not None:
            clock.move_to(require_moment("at", body.at))
        if body.let_go:
            clock.let_go()
        return jsonify({"now": clock.now().isoformat()})

    return blueprint
