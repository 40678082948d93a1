"""Decisions: approve a step or return it; list what was decided."""

from __future__ import annotations

from typing import Any, Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.db.paging import cut_grown
from archive_service.services import decisions, reading

blueprint = APIBlueprint("api_decisions", __name__, url_prefix="/api/v1/dossiers/<id:dossier>", tag="decisions")


class DecisionBody(Body):
    """A decision on exactly these versions."""

    decision: Literal["approve", "return"]
    versions: list[str]
    reason: str | None = None
    returns_to: str | None = None
    accepts_gaps: bool = False
    answers: dict[str, str] = Field(default_factory=dict)
    happened_at: str | None = None


class SignatureBody(Body):
    """A signature over a prepared decision: ``credential`` is what the browser gave, as ``PublicKeyCredential.toJSON()`` writes it."""

    preparation: str
    credential: dict[str, Any]


class PreparedDecision(Answer):
    """What a browser needs to sign: ``options`` for ``navigator.credentials.get`` (``parseRequestOptionsFromJSON``)."""

    preparation: str
    expires_at: str
    options: dict[str, Any]


class MadeDecision(Answer):
    """A decision that was made; ``flags`` say what an administrator had to do with the authority or the log-in of its maker.

    ``passkey`` names the key that its maker signed it with; null says that it is the service's word alone.
    """

    step: str
    iteration: int
    decision: str
    person: str | None
    at: str
    returns_to: str | None
    event: str
    reason: str | None
    passkey: str | None
    flags: list[str]


class DecisionPage(PageAnswer):
    """A page of a dossier's decisions, oldest first."""

    decisions: list[MadeDecision]


@blueprint.get("/decisions")
@operation(answer=DecisionPage, query=PageQuery)
def list_decisions(dossier: str, query: PageQuery) -> ResponseReturnValue:
    """The decisions of a dossier, oldest first."""
    page = page_request(query, "decisions", is_count)
    found = reading.read_dossier(get_archive(), require_actor(), dossier=dossier)
    return with_state(found["history"][-1]["event"], page_answer("decisions", cut_grown(found["decisions"], page)))


@blueprint.post("/steps/<key:step>/decision")
@operation(status=204, body=DecisionBody, takes_key=True, takes_match=True)
def decide_step(dossier: str, step: str, body: DecisionBody) -> ResponseReturnValue:
    """Approve or return, for whoever has no passkey."""
    decisions.decide_step(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        decision=body.decision,
        versions=body.versions,
        reason=body.reason,
        returns_to=body.returns_to,
        accepts_gaps=body.accepts_gaps,
        answers=body.answers,
        happened_at=body.happened_at,
        seen=seen_states(),
    )
    return "", 204


@blueprint.post("/steps/<key:step>/decision/preparation")
@operation(answer=PreparedDecision, status=201, body=DecisionBody, takes_match=True)
def prepare_decision(dossier: str, step: str, body: DecisionBody) -> ResponseReturnValue:
    """What to sign with a passkey, for ten minutes, to approve or return."""
    prepared = decisions.prepare_decision(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        decision=body.decision,
        versions=body.versions,
        reason=body.reason,
        returns_to=body.returns_to,
        accepts_gaps=body.accepts_gaps,
        answers=body.answers,
        happened_at=body.happened_at,
        seen=seen_states(),
    )
    return jsonify(prepared), 201


@blueprint.post("/steps/<key:step>/decision/signature")
@operation(status=204, body=SignatureBody, takes_key=True, takes_match=True)
def sign_decision(dossier: str, step: str, body: SignatureBody) -> ResponseReturnValue:
    """Approve or return with a signature over what was prepared."""
    decisions.sign_decision(
        get_archive(),
        require_actor(),
        dossier=dossier,
        step=step,
        preparation=body.preparation,
        credential=body.credential,
        seen=seen_states(),
    )
    return "", 204
