"""The HTTP API under ``/api/v1``: JSON in, JSON out, problem+json (RFC 9457) for every error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from flask import Response, jsonify, request

from archive_service.api import (
    assignments,
    attachments,
    attestations,
    audits,
    auth,
    bundles,
    calendars,
    decisions,
    definitions,
    delegations,
    demo,
    deviations,
    documents,
    dossiers,
    events,
    findings,
    forms,
    health,
    indicators,
    jobs,
    log,
    notices,
    obligations,
    openapi,
    passkeys,
    paths,
    pauses,
    people,
    quality,
    samples,
    search,
    sessions,
    steps,
    throttle,
    tokens,
    uploads,
    users,
    verdicts,
    vouching,
    webhooks,
    work_units,
)
from archive_service.archive import Archive
from archive_service.clock import DemoClock

SPEC_PATH = "/api/v1/openapi.json"
GUARDED = (
    tokens,
    work_units,
    people,
    users,
    sessions,
    passkeys,
    assignments,
    delegations,
    attestations,
    audits,
    definitions,
    calendars,
    dossiers,
    steps,
    uploads,
    attachments,
    forms,
    documents,
    decisions,
    verdicts,
    pauses,
    deviations,
    indicators,
    quality,
    obligations,
    findings,
    search,
    samples,
    events,
    jobs,
    notices,
    webhooks,
    bundles,
    vouching,
)
OPEN = (log, health)


def register(app: APIFlask, demo_clock: DemoClock | None) -> None:
    """Add the API's routes and their description; the demo clock's route only when there is one."""
    archive: Archive = app.extensions["archive"]
    paths.register(app)
    app.config["SECURITY_SCHEMES"] = {"bearer": {"type": "http", "scheme": "bearer", "description": "An API token."}}
    app.config["SERVERS"] = [{"url": "/"}]
    for module in (*GUARDED, *OPEN):
        app.register_blueprint(module.blueprint)
    throttle.register(app, archive.settings)
    names = {module.blueprint.name for module in GUARDED}

    @app.before_request
    def _authenticate() -> None:
        # before anything of the request is read; what is refused here costs nothing
        view = app.view_functions.get(request.endpoint or "")
        if request.blueprint in names and not view._operation.is_open:  # type: ignore[union-attr]
            auth.authenticate()

    @app.spec_processor
    def _describe(spec: Any) -> dict[str, Any]:
        return openapi.describe(app, spec)

    if demo_clock is not None:
        app.register_blueprint(demo.make_blueprint(demo_clock))


def problem(status: HTTPStatus, code: str, detail: str, params: dict[str, object]) -> Response:
    """A problem+json answer (RFC 9457): ``type`` is a URN of the stable code, the params are extension members."""
    facts = {name: value for name, value in params.items() if name not in ("type", "title", "status", "detail", "code")}
    response = jsonify(
        {
            "type": f"urn:archive-service:{code}",
            "title": status.phrase,
            "status": int(status),
            "detail": detail,
            "code": code,
            **facts,
        }
    )
    response.status_code = int(status)
    response.mimetype = "application/problem+json"
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        response.headers["Content-Range"] = f"bytes */{params['size']}"
    retry_after = params.get("retry_after_seconds")
    if isinstance(retry_after, int):
        response.headers["Retry-After"] = str(retry_after)
    return response
