"""The pages: server-rendered HTML for whoever logs in; small scripts only make uploads and waiting visible."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_compress import Compress

from archive_service import i18n
from archive_service.archive import Archive
from archive_service.web import (
    account,
    admin,
    auditor,
    audits,
    auth,
    bundles,
    calendars,
    checkpoint,
    compliance,
    decisions,
    delegations,
    deviations,
    dossiers,
    findings,
    forms,
    guides,
    home,
    indicators,
    layout,
    live,
    notices,
    oidc,
    papers,
    passkeys,
    policy,
    previews,
    proof_page,
    proofs,
    quality,
    resets,
    reviews,
    samples,
    search,
    sessions,
    sops,
    static,
    tus,
    units,
    uploads,
    verifier,
)
from archive_service.web.headers import add_headers
from archive_service.web.problems import sentence_for

__all__ = ["add_headers", "content_security_policy", "error_page", "register"]

COMPRESSED = ["text/html", "text/css", "text/javascript", "image/svg+xml"]

content_security_policy = policy.content_security_policy


def register(app: Flask) -> None:
    """Add the pages, their languages, the guard in front of them and the throttle on logging in."""
    archive: Archive = app.extensions["archive"]
    i18n.register(app, archive.settings.language)
    modules = (
        sessions,
        oidc,
        resets,
        account,
        home,
        dossiers,
        uploads,
        tus,
        forms,
        papers,
        decisions,
        deviations,
        indicators,
        compliance,
        delegations,
        previews,
        reviews,
        bundles,
        live,
        proof_page,
        proofs,
        checkpoint,
        quality,
        sops,
        units,
        findings,
        auditor,
        samples,
        search,
        calendars,
        guides,
        audits,
        notices,
        passkeys,
        static,
        verifier,
        *admin.MODULES,
    )
    for module in modules:
        app.register_blueprint(module.blueprint)
    names = frozenset(module.blueprint.name for module in modules)

    @app.before_request
    def _guard() -> Response | None:
        return auth.guard() if request.blueprint in names else None

    # pages and what they are made of; never documents, bundles or JSON, whose bytes and lengths are somebody's evidence
    app.config.update(COMPRESS_MIMETYPES=COMPRESSED, COMPRESS_ALGORITHM="gzip", COMPRESS_STREAMS=False)
    Compress(app)
    app.after_request(auth.keep_visitor)
    sessions.throttle(app, archive.settings.redis_url)
    layout.register(app)


def error_page(status: HTTPStatus, code: str, detail: str) -> Response:
    """A plain sentence for people with the error's stable code; as JSON for a script of ours that asked for it."""
    sentence = sentence_for(code, detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        auth.forget_actor()
    if request.accept_mimetypes.best == "application/json":
        response = jsonify({"code": code, "sentence": sentence})
    elif status == HTTPStatus.UNAUTHORIZED:
        return sessions.ask_to_log_in()
    else:
        response = make_response(render_template("error.html", code=code, sentence=sentence, status=int(status)))
    response.status_code = int(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = str(sessions.THROTTLE_SECONDS)
    return response
