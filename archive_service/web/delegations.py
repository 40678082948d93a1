"""Who acts for whom (Pelimpahan, Plh./Plt.): propose, confirm, decline, withdraw, end; and what a performer attests."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.db.paging import PageRequest
from archive_service.errors import ArchiveError
from archive_service.services import attestations, delegation_reading, delegations
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, STATUS
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_delegations", __name__, template_folder="templates")

PROPOSAL = "proposal"
SHOWN = 100

ACTS: dict[str, tuple[Callable[..., object], str]] = {
    "confirmation": (delegations.confirm_delegation, "delegation_confirmed"),
    "refusal": (delegations.decline_delegation, "delegation_declined"),
    "withdrawal": (delegations.withdraw_delegation, "delegation_withdrawn"),
    "ending": (delegations.end_delegation, "delegation_ended"),
}
"""The last part of an address → what it does, and what the page says then."""


@blueprint.get("/delegations")
def list_delegations() -> ResponseReturnValue:
    """The newest delegations that one may read, and the form to propose one."""
    return _page(None, None)


@blueprint.post("/delegations")
def propose_delegation() -> ResponseReturnValue:
    """Propose that somebody acts for an absent person."""
    typed = request.form
    try:
        delegations.propose_delegation(
            get_archive(),
            require_actor(),
            substitute=typed.get("substitute", ""),
            assignment=typed.get("assignment", ""),
            mode=typed.get("mode", ""),
            from_on=typed.get("from_on", ""),
            to_on=typed.get("to_on") or None,
            letter=typed.get("letter", ""),
            letter_on=typed.get("letter_on", ""),
            sops=typed.getlist("sops"),
        )
    except REFUSALS as exc:
        return _page(PROPOSAL, exc)
    return _back("delegation_proposed")


@blueprint.post("/delegations/<delegation>/confirmation", endpoint="confirmation")
@blueprint.post("/delegations/<delegation>/refusal", endpoint="refusal")
@blueprint.post("/delegations/<delegation>/withdrawal", endpoint="withdrawal")
@blueprint.post("/delegations/<delegation>/ending", endpoint="ending")
def answer_delegation(delegation: str) -> ResponseReturnValue:
    """Confirm, decline, withdraw or end a delegation."""
    act, done = ACTS[str(request.endpoint).rpartition(".")[2]]
    try:
        act(get_archive(), require_actor(), delegation=delegation)
    except REFUSALS as exc:
        return _page(delegation, exc)
    return _back(done)


@blueprint.post("/attestations")
def attest() -> ResponseReturnValue:
    """Attest what a performer must know and be, for one assignment and SOP."""
    attestations.attest(
        get_archive(),
        require_actor(),
        assignment=request.form.get("assignment", ""),
        sop=request.form.get("sop", ""),
    )
    return make_response(redirect(url_for("web_home.home", done="attested"), HTTPStatus.SEE_OTHER))


def _page(form: str | None, error: ArchiveError | None) -> Response:
    g.shown_at = url_for("web_delegations.list_delegations")
    archive, actor = get_archive(), require_actor()
    found = delegation_reading.page_delegations(archive, actor, page=PageRequest(SHOWN))
    page = render_template(
        "delegations.html",
        delegations=found.rows,
        choices=delegation_reading.list_choices(archive, actor),
        typed=request.form if form == PROPOSAL else {},
        chosen_sops=request.form.getlist("sops") if form == PROPOSAL else [],
        done=request.args.get("done"),
        form=form,
        problem=None if error is None else sentence_for(error.code, error.detail),
        field=None if error is None else str(error.params.get("field", "")),
    )
    status = HTTPStatus.OK if error is None else next(s for kind, s in STATUS if isinstance(error, kind))
    return make_response(page, status)


def _back(done: str) -> Response:
    return make_response(redirect(url_for("web_delegations.list_delegations", done=done), HTTPStatus.SEE_OTHER))
