"""Audits of the whole archive: asked for, and what they found; for auditors and administrators."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.services import audits

blueprint = APIBlueprint("api_audits", __name__, url_prefix="/api/v1/log/audits", tag="log")


class AuditBody(Body):
    """What an audit looks at beside the database and the published log."""

    with_objects: bool = Field(False, description="Hash every stored object again, too: this may take hours.")


class AuditDiscrepancy(Answer):
    """What disagrees: a stable code, and where."""

    code: str
    place: str


class AuditOutcome(Answer):
    """One audit; ``listed`` are the first of its discrepancies, ``objects`` is null where none were hashed."""

    at: str
    event: str
    requested_by: str | None
    events: int
    rows: int
    objects: int | None
    discrepancies: int
    listed: list[AuditDiscrepancy]


class AuditList(Answer):
    """The newest audits, the newest first."""

    audits: list[AuditOutcome]


@blueprint.get("")
@operation(answer=AuditList)
def list_audits() -> ResponseReturnValue:
    """What the newest audits found."""
    return jsonify({"audits": audits.list_audits(get_archive(), require_actor())})


@blueprint.post("")
@operation(status=204, body=AuditBody)
def request_audit(body: AuditBody) -> ResponseReturnValue:
    """Have the archive audited now; the outcome is listed, and told in notices, when it is done."""
    audits.request_audit(get_archive(), require_actor(), with_objects=body.with_objects)
    return "", 204
