"""The obligations of a quarter for all work units at once: a table of units and procedures to tick, and withdrawals."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import obligations
from archive_service.web.admin.page import act, show
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS

blueprint = Blueprint("web_admin_obligations", __name__, url_prefix="/admin/kewajiban")


def _number(name: str, default: int) -> int:
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else default


def _period() -> tuple[int, int]:
    now = get_archive().log.clock()
    year, quarter = _number("year", now.year), _number("quarter", (now.month - 1) // 3 + 1)
    return year, quarter if quarter in (1, 2, 3, 4) else 1


def _page(error: ArchiveError | None = None, form: str | None = None) -> Response:
    year, quarter = _period()
    found = obligations.read_quarter(get_archive(), require_actor(), year=year, quarter=quarter)
    return show(
        "obligations.html",
        url_for("web_admin_obligations.show_quarter", year=year, quarter=quarter),
        error,
        year=year,
        quarter=quarter,
        q=found,
        form=form,
        ticked=set(request.form.getlist("cells")) if error is not None else None,
        made=_number("made", 0),
        stood=_number("stood", 0),
    )


@blueprint.get("")
def show_quarter() -> ResponseReturnValue:
    """What every unit owes in a quarter, by procedure."""
    return _page()


@blueprint.post("")
def set_quarter() -> ResponseReturnValue:
    """Set what was ticked."""
    form = request.form
    year, quarter = _period()
    cells = [(unit, sop) for unit, _, sop in (cell.partition(":") for cell in form.getlist("cells"))]
    try:
        made, stood = obligations.set_quarter(
            get_archive(),
            require_actor(),
            cells=cells,
            year=year,
            quarter=quarter,
            due_on=form.get("due_on", ""),
            letter=form.get("letter") or None,
        )
    except REFUSALS as exc:
        return _page(exc, "set")
    to = url_for(
        "web_admin_obligations.show_quarter", year=year, quarter=quarter, made=made, stood=stood, done="quarter_set"
    )
    return make_response(redirect(to, HTTPStatus.SEE_OTHER))


@blueprint.post("/<obligation>/tarik")
def withdraw(obligation: str) -> ResponseReturnValue:
    """Withdraw an obligation, with a reason."""
    year, quarter = _period()
    return act(
        lambda: obligations.withdraw_obligation(
            get_archive(), require_actor(), obligation=obligation, reason=request.form.get("reason", "")
        ),
        lambda error: _page(error, obligation),
        url_for("web_admin_obligations.show_quarter", year=year, quarter=quarter, done="obligation_withdrawn"),
    )
