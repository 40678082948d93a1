"""Forms of steps: what is asked, and the PDF that the service makes of what was filled in."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.api.uploads import Receipt, receipt_answer
from archive_service.services import forms

blueprint = APIBlueprint(
    "api_forms", __name__, url_prefix="/api/v1/dossiers/<id:dossier>/steps/<key:step>/forms/<key:form>", tag="documents"
)


class AskedField(Answer):
    """One question of a form."""

    key: str
    title: str
    lines: int
    required: bool


class AskedForm(Answer):
    """What a form asks."""

    kind: str
    title: str
    fields: list[AskedField]


class FormBody(Body):
    """A filled-in form: field to text; ``document`` to make it a new version of one."""

    fields: dict[str, str] = Field(max_length=100)
    document: str | None = None


@blueprint.get("")
@operation(answer=AskedForm)
def read_form(dossier: str, step: str, form: str) -> ResponseReturnValue:
    """What the form of this output asks; 404 where it has none."""
    return jsonify(forms.read_form(get_archive(), require_actor(), dossier=dossier, step=step, kind=form))


@blueprint.post("")
@operation(answer=Receipt, status=201, body=FormBody, takes_key=True)
def fill_form(dossier: str, step: str, form: str, body: FormBody) -> ResponseReturnValue:
    """Make the PDF of a filled-in form and take it in like an upload; the answer is a signed receipt.

    A decision that is made afterwards is bound to it.
    """
    received = forms.fill_form(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        kind=form,
        fields=body.fields,
        document=body.document,
    )
    return receipt_answer(dossier, received)
