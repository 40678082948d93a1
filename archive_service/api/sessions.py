"""One's own browser sessions: listed, ended."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer
from archive_service.api.operation import operation
from archive_service.api.paging import PageAnswer, PageQuery, is_count, page_answer, page_request
from archive_service.db.paging import cut_grown
from archive_service.services import sessions

blueprint = APIBlueprint("api_sessions", __name__, url_prefix="/api/v1/sessions", tag="tokens")


class ListedSession(Answer):
    """A session: by which means it was begun, and from where it was used last."""

    session: str
    started_at: str
    seen_at: str
    method: str
    second: str | None
    agent: str | None
    address: str | None


class SessionPage(PageAnswer):
    """A page of one's own sessions that may still be used."""

    sessions: list[ListedSession]


@blueprint.get("")
@operation(answer=SessionPage, query=PageQuery)
def list_sessions(query: PageQuery) -> ResponseReturnValue:
    """Where one is logged in with a browser, the session used last first."""
    page = page_request(query, "sessions", is_count)
    return page_answer("sessions", cut_grown(sessions.list_sessions(get_archive(), require_actor()), page))


@blueprint.delete("/<id:session>")
@operation(status=204)
def end_session(session: str) -> ResponseReturnValue:
    """End one of one's own sessions; a second time changes nothing."""
    sessions.end_own_session(get_archive(), require_actor(), session=session)
    return "", 204
