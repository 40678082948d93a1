"""``create_app(archive)``: pages and API on one Flask application, and the one table from errors to HTTP statuses."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from apiflask import APIFlask
from flask import Response, request
from werkzeug.exceptions import HTTPException

from archive_service import __version__, api, web
from archive_service.archive import Archive
from archive_service.clock import DemoClock
from archive_service.errors import (
    ArchiveError,
    Conflict,
    DocumentRefused,
    Forbidden,
    InvalidDefinition,
    InvalidInput,
    LogIntegrityError,
    Malformed,
    NotFound,
    RangeUnreachable,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[ArchiveError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidDefinition: HTTPStatus.UNPROCESSABLE_ENTITY,
    DocumentRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    RangeUnreachable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    LogIntegrityError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The one place where an error becomes an HTTP status."""

LOG = structlog.get_logger("archive")


def create_app(archive: Archive, demo_clock: DemoClock | None = None) -> APIFlask:
    """The WSGI application over an archive; ``demo_clock`` adds the route that moves it, in demo mode alone."""
    app = APIFlask(
        "archive_service",
        title="Archive service",
        version=__version__,
        spec_path=api.SPEC_PATH,
        # its pages load their scripts from other people's servers
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
    )
    # bodies are read by the routes themselves: JSON is bounded in api/body.py, documents stream to the store
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["archive"] = archive
    api.register(app, demo_clock if archive.settings.demo else None)
    web.register(app)

    @app.errorhandler(ArchiveError)
    def _archive_error(error: ArchiveError) -> Response:
        status = next((STATUS[c] for c in type(error).__mro__ if c in STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
            LOG.error("request.failed", code=error.code, detail=error.detail, path=request.path)
        return _answer(status, error.code, error.detail, error.params)

    @app.errorhandler(HTTPException)
    def _http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        response = _answer(status, status.name.lower(), error.description or status.phrase, {})
        if error.get_response().headers.get("Allow"):
            response.headers["Allow"] = error.get_response().headers["Allow"]
        return response

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        LOG.exception("request.crashed", path=request.path)
        text = (
            "Something went wrong on our side; nothing was recorded. Try again, and tell the administrator if it stays."
        )
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", text, {})

    @app.after_request
    def _headers(response: Response) -> Response:
        return web.add_headers(response, web.content_security_policy(), is_secure=request.is_secure)

    return app


def _answer(status: HTTPStatus, code: str, detail: str, params: dict[str, object]) -> Response:
    if request.path.startswith(("/api/", "/log/", "/demo/")):
        return api.problem(status, code, detail, params)
    return web.error_page(status, code, detail)
