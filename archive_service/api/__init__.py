"""The HTTP API under ``/api/v1``: JSON in, JSON out, problem+json (RFC 9457) for every error."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from archive_service.api import auth, bundles, decisions, definitions, demo, dossiers, log, people, tokens, uploads
from archive_service.clock import DemoClock

OPEN_ENDPOINTS = frozenset(["api_tokens.create_token"])
"""Guarded blueprints' routes that take other credentials than a token."""


def register(app: Flask, demo_clock: DemoClock | None) -> None:
    """Add the API's routes; the demo clock's only when there is one."""
    guarded = (tokens, people, definitions, dossiers, uploads, decisions, bundles)
    for module in (*guarded, log):
        app.register_blueprint(module.blueprint)
    names = {module.blueprint.name for module in guarded}

    @app.before_request
    def _authenticate() -> None:
        if request.blueprint in names and request.endpoint not in OPEN_ENDPOINTS:
            auth.authenticate()

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
    retry_after = params.get("retry_after_seconds")
    if isinstance(retry_after, int):
        response.headers["Retry-After"] = str(retry_after)
    return response
