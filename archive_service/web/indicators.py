"""Indicators: what somebody in charge sends, and on a dossier's page the list, its import, results and recommendations."""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, InvalidInput, NotFound
from archive_service.inspection.tables import TABLE_LIMIT_BYTES, XLSX
from archive_service.services import indicator_reading, indicator_tables, indicators, uploads
from archive_service.services.indicator_tables import CSV
from archive_service.services.live import LISTING
from archive_service.web.auth import FORM_LIMITS_BYTES, get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, STATUS, back_to, refuse, require_fresh
from archive_service.web.problems import sentence_for
from archive_service.web.uploads import file_chunks, upload_slot

blueprint = Blueprint("web_indicators", __name__)


@blueprint.get("/indicators")
def list_own() -> ResponseReturnValue:
    """What the person is in charge of in open dossiers, with a form to send evidence where that may be done now."""
    return _own_page(None)


def _own_page(error: ArchiveError | None) -> Response:
    g.shown_at = url_for("web_indicators.list_own")
    page = render_template(
        "indicators_own.html",
        dossiers=indicator_reading.list_own(get_archive(), require_actor()),
        problem=None if error is None else sentence_for(error.code, error.detail),
        done=request.args.get("done"),
        form_limit_bytes=FORM_LIMITS_BYTES["web_indicators.send_evidence"],
    )
    status = HTTPStatus.OK if error is None else next(s for kind, s in STATUS if isinstance(error, kind))
    return make_response(page, status)


def _own(done: str, act: Callable[[], object]) -> Response:
    try:
        act()
    except REFUSALS as exc:
        return _own_page(exc)
    return make_response(redirect(url_for("web_indicators.list_own", done=done), HTTPStatus.SEE_OTHER))


@blueprint.post("/indicators/<dossier>/documents")
def send_evidence(dossier: str) -> ResponseReturnValue:
    """Take a document for an indicator that the person is in charge of."""
    typed, sent = request.form, request.files.get("file")

    def act() -> None:
        if sent is None or not sent.filename:
            raise InvalidInput("file_missing", "Choose a file first.")
        with upload_slot():
            uploads.receive_document(
                get_archive(),
                require_actor(),
                dossier=dossier,
                step=typed.get("step", ""),
                kind=typed.get("kind", ""),
                file_name=sent.filename,
                chunks=file_chunks(sent.stream),
                document=typed.get("document") or None,
                indicator=typed.get("indicator", ""),
            )

    return _own("received", act)


@blueprint.post("/indicators/<dossier>/documents/<version>/withdrawal")
def withdraw_evidence(dossier: str, version: str) -> ResponseReturnValue:
    """Withdraw a document that the person sent for an indicator."""
    reason = request.form.get("reason", "")
    return _own(
        "withdrawn",
        lambda: uploads.withdraw_document(
            get_archive(), require_actor(), dossier=dossier, version=version, reason=reason
        ),
    )


@blueprint.get("/indicators/template/<kind>")
def template(kind: str) -> ResponseReturnValue:
    """An empty table to fill in, ``csv`` or ``xlsx``."""
    if kind not in ("csv", "xlsx"):
        raise NotFound("not_found", "There is no such page.")
    headers = {"Content-Disposition": f'attachment; filename="daftar-indikator.{kind}"'}
    return Response(indicator_tables.make_template(kind), mimetype=CSV if kind == "csv" else XLSX, headers=headers)


def _act(
    dossier: str,
    form: str,
    done: str,
    act: Callable[[], object],
    place: str = "indicators",
    types: Collection[str] = LISTING,
    **subject: str | None,
) -> Response:
    try:
        # what a colleague changed in the meantime is looked at again, and not written over
        require_fresh(dossier, types=types, **subject)
        act()
    except REFUSALS as exc:
        return refuse(dossier, form, exc)
    return back_to(dossier, place, done=done)


@blueprint.post("/dossiers/<dossier>/indicators")
def set_indicator(dossier: str) -> ResponseReturnValue:
    """List an indicator, or change a listed one."""
    typed = request.form
    listed = indicators.ListedIndicator(
        *(typed.get(name, "") for name in ("code", "title", "target", "unit", "achievement", "person"))
    )
    return _act(
        dossier,
        "indicator-set",
        "indicators_listed",
        lambda: indicators.set_indicators(get_archive(), require_actor(), dossier=dossier, indicators=[listed]),
        code=listed.code,
    )


@blueprint.post("/dossiers/<dossier>/indicators/import")
def import_indicators(dossier: str) -> ResponseReturnValue:
    """List the indicators of a table."""
    sent = request.files.get("file")

    def act() -> None:
        if sent is None or not sent.filename:
            raise InvalidInput("file_missing", "Choose a file first.")
        table = sent.stream.read(TABLE_LIMIT_BYTES + 1)
        indicators.import_indicators(
            get_archive(), require_actor(), dossier=dossier, table=table, file_name=sent.filename
        )

    return _act(dossier, "indicator-import", "indicators_listed", act)


@blueprint.post("/dossiers/<dossier>/indicators/removal")
def remove_indicator(dossier: str) -> ResponseReturnValue:
    """Take an indicator off the list."""
    code, reason = request.form.get("code", ""), request.form.get("reason", "")
    return _act(
        dossier,
        f"indicator-remove-{code}",
        "indicator_removed",
        lambda: indicators.remove_indicator(get_archive(), require_actor(), dossier=dossier, code=code, reason=reason),
        code=code,
    )


@blueprint.post("/dossiers/<dossier>/steps/<step>/results")
def record_result(dossier: str, step: str) -> ResponseReturnValue:
    """Record the result of one indicator, or of the dossier as a whole."""
    typed = request.form
    code = typed.get("code") or None
    result = indicators.IndicatorResult(
        code, *(typed.get(name) for name in ("achievement", "recommendation", "obstacle", "follow_up"))
    )
    return _act(
        dossier,
        f"result-{code or 'all'}",
        "result_recorded",
        lambda: indicators.record_results(get_archive(), require_actor(), dossier=dossier, step=step, results=[result]),
        code=code,
    )


@blueprint.post("/dossiers/<dossier>/recommendations/<recommendation>/answer")
def answer_recommendation(dossier: str, recommendation: str) -> ResponseReturnValue:
    """Say what became of a recommendation of the period before."""
    typed = request.form
    return _act(
        dossier,
        f"answer-{recommendation}",
        "recommendation_answered",
        lambda: indicators.answer_recommendation(
            get_archive(),
            require_actor(),
            dossier=dossier,
            recommendation=recommendation,
            state=typed.get("state", ""),
            note=typed.get("note", ""),
        ),
        "recommendations",
        ("recommendation.answered",),
        carried=recommendation,
    )
