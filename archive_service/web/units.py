"""What work units owe each period: one page and its forms."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import obligations, reading
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, STATUS
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_units", __name__)


def _number(name: str, default: int) -> int:
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else default


def _status(error: ArchiveError | None) -> HTTPStatus:
    return HTTPStatus.OK if error is None else next(status for kind, status in STATUS if isinstance(error, kind))


def _obligations_page(error: ArchiveError | None) -> Response:
    archive, actor = get_archive(), require_actor()
    now = archive.log.clock()
    year, quarter = _number("year", now.year), _number("quarter", (now.month - 1) // 3 + 1)
    found = obligations.list_obligations(archive, actor, year=year, quarter=quarter)
    g.shown_at = url_for("web_units.list_obligations")
    missed = {
        unit: {d["deviation"]: d for d in obligations.list_unit_deviations(archive, actor, work_unit=unit)}
        for unit in {o["work_unit"] for o in found if o["deviation"]}
    }
    page = render_template(
        "obligations.html",
        year=year,
        quarter=quarter,
        obligations=found,
        missed=missed,
        person=actor.person,
        roles={a.role for a in actor.assignments},
        sops=[s for s in reading.list_sops(archive, actor) if s["is_newest"]],
        may_manage=actor.may("obligation.manage"),
        problem=None if error is None else sentence_for(error.code, error.detail),
        typed=request.form if error is not None else {},
        done=request.args.get("done"),
    )
    return make_response(page, _status(error))


@blueprint.get("/obligations")
def list_obligations() -> ResponseReturnValue:
    """What the units owe in a quarter: met, open, not started."""
    return _obligations_page(None)


def _try(act: Callable[[], object], show: Callable[[ArchiveError | None], Response], to: str) -> Response:
    try:
        act()
    except REFUSALS as exc:
        return show(exc)
    return make_response(redirect(to, HTTPStatus.SEE_OTHER))


@blueprint.post("/obligations")
def set_obligations() -> ResponseReturnValue:
    """Open a quarter for all units."""
    form = request.form
    year, quarter = _number("year", 0), _number("quarter", 0)
    return _try(
        lambda: obligations.set_obligations(
            get_archive(),
            require_actor(),
            sop=form.get("sop", ""),
            year=year,
            quarter=quarter,
            due_on=form.get("due_on", ""),
            basis="letter" if form.get("letter") else "calendar",
            letter=form.get("letter") or None,
        ),
        _obligations_page,
        url_for("web_units.list_obligations", year=year, quarter=quarter, done="obligations_set"),
    )


@blueprint.post("/obligations/<work_unit>/<deviation>/explanation")
def explain(work_unit: str, deviation: str) -> ResponseReturnValue:
    """Account for a procedure that was not carried out."""
    return _try(
        lambda: obligations.explain_unit_deviation(
            get_archive(),
            require_actor(),
            work_unit=work_unit,
            deviation=deviation,
            explanation=request.form.get("explanation", ""),
        ),
        _obligations_page,
        url_for("web_units.list_obligations", done="explained", **_period()),
    )


@blueprint.post("/obligations/<work_unit>/<deviation>/answer")
def answer(work_unit: str, deviation: str) -> ResponseReturnValue:
    """Accept such an explanation, or ask again."""
    return _try(
        lambda: obligations.answer_unit_explanation(
            get_archive(),
            require_actor(),
            work_unit=work_unit,
            deviation=deviation,
            number=_number("number", 0),
            is_accepted=request.form.get("answer") == "accept",
            reason=request.form.get("reason"),
        ),
        _obligations_page,
        url_for("web_units.list_obligations", done="accepted", **_period()),
    )


def _period() -> dict[str, Any]:
    return {name: request.form[name] for name in ("year", "quarter") if name in request.form}
