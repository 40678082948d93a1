"""Forms that the SOP gives an output: filled in on the dossier's page, no script needed."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from archive_service.services import forms
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS, back_to, refuse

FIELD = "field-"

blueprint = Blueprint("web_forms", __name__, url_prefix="/dossiers/<dossier>/steps/<step>/forms")


@blueprint.post("/<form>")
def fill_form(dossier: str, step: str, form: str) -> ResponseReturnValue:
    """Make the PDF of a filled-in form and take it in like an upload."""
    typed = request.form.items()
    try:
        forms.fill_form(
            get_archive(),
            require_actor(),
            dossier=dossier,
            step=step,
            kind=form,
            fields={name.removeprefix(FIELD): value for name, value in typed if name.startswith(FIELD)},
            document=request.form.get("document") or None,
        )
    except REFUSALS as exc:
        return refuse(dossier, f"form-{step}-{form}", exc)
    return back_to(dossier, f"step-{step}", done="filled_in")
