"""Notices: what one is told, newest first; mark them as read."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import notices

blueprint = APIBlueprint("api_notices", __name__, url_prefix="/api/v1/notices", tag="notices")


class NoticesQuery(PageQuery):
    """Which notices."""

    unread: Literal["true", "false"] | None = None


class ReadNotice(Answer):
    """Something that one is told; ``title`` and ``activity`` are null where one may not read the dossier any more."""

    notice: str
    kind: str = Field(description="An open set: step_yours, step_returned, due_soon, overdue, others_overdue, …")
    dossier: str | None
    title: str | None
    work_unit_name: str | None
    step: str | None
    iteration: int | None
    activity: str | None
    subject: str | None = Field(description="The id or code of what it is about.")
    due_at: str | None
    step_state: str | None
    created_at: str
    is_urgent: bool
    read_at: str | None
    mailed_at: str | None
    mail_error: str | None = Field(description="Why it was not mailed: address_refused, mail_refused, mail_given_up.")


class NoticePage(PageAnswer):
    """A page of one's own notices, newest first."""

    notices: list[ReadNotice]


class CountRead(Answer):
    """How many notices were unread before."""

    read: int


@blueprint.get("")
@operation(answer=NoticePage, query=NoticesQuery)
def list_notices(query: NoticesQuery) -> ResponseReturnValue:
    """One's own notices, newest first."""
    is_unread = None if query.unread is None else query.unread == "true"
    page = page_request(query, "notices", is_id)
    return page_answer("notices", notices.page_notices(get_archive(), require_actor(), page=page, is_unread=is_unread))


@blueprint.post("/<id:notice>/read")
@operation(status=204, refuses=[404])
def mark_notice_read(notice: str) -> ResponseReturnValue:
    """Mark one notice as read; a second time changes nothing."""
    notices.mark_read(get_archive(), require_actor(), notices=[notice])
    return "", 204


@blueprint.post("/read")
@operation(answer=CountRead)
def mark_all_notices_read() -> ResponseReturnValue:
    """Mark all of one's notices as read."""
    return jsonify({"read": notices.mark_read(get_archive(), require_actor())})
