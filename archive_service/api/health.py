"""Health: whether the process lives, and whether it can do its work."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.services import health

blueprint = APIBlueprint("api_health", __name__, tag="health")


class HealthCheck(Answer):
    """One thing that the service needs; ``age_seconds`` is how long the oldest event has waited for a signed checkpoint."""

    name: str
    ok: bool
    detail: str | None
    age_seconds: float | None


class Readiness(Answer):
    """Whether the service can do its work, and what it needs for that."""

    ready: bool
    checks: list[HealthCheck]


@blueprint.get("/livez")
@operation(answer=("text/plain",), is_open=True)
def live() -> ResponseReturnValue:
    """Whether the process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@operation(answer=Readiness, is_open=True, also_at=(503,))
def ready() -> ResponseReturnValue:
    """Whether database and store answer and the log keeps up: 200, or 503 with what is missing."""
    checks = health.check_health(get_archive())
    is_ready = all(check.is_ok for check in checks)
    shown = [{"name": c.name, "ok": c.is_ok, "detail": c.detail, "age_seconds": c.age_seconds} for c in checks]
    return jsonify({"ready": is_ready, "checks": shown}), 200 if is_ready else 503
