"""Lists in pages: ``?limit=`` and an opaque ``?after=`` come in, ``next`` and a ``Link`` go out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from flask import request
from pydantic import Field

from archive_service.api.body import Answer, Digits, Query
from archive_service.db.paging import LIMIT, Key, Page, PageRequest
from archive_service.errors import InvalidInput
from archive_service.services.fields import require_id, require_key, require_moment

Check = Callable[[Any], str | int]


class PageQuery(Query):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=LIMIT, description="Rows in a page, at most."), Digits] = LIMIT
    after: Annotated[
        str | None, Field(max_length=500, description="The ``next`` of the page before; nothing for the first page.")
    ] = None


class PageAnswer(Answer):
    """A page of a list."""

    next: str | None = Field(description="Send this as ``after`` for the page that follows; null on the last one.")


def is_id(value: Any) -> str:
    """The id in a cursor."""
    return require_id("after", value)


def is_key(value: Any) -> str:
    """The key in a cursor."""
    return require_key("after", value)


def is_moment(value: Any) -> str:
    """The instant in a cursor."""
    return require_moment("after", value).isoformat()


def is_count(value: Any) -> int:
    """The number in a cursor."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**15:
        raise InvalidInput("number_expected", "This is no number of a cursor.")
    return value


def page_request(query: PageQuery, name: str, *checks: Check) -> PageRequest:
    """What to read for the list of this name; InvalidInput ``cursor_invalid`` for a cursor that this list did not give."""
    return PageRequest(query.limit, None if query.after is None else _decode(query.after, name, checks))


def _decode(text: str, name: str, checks: tuple[Check, ...]) -> Key:
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        of, *values = json.loads(raw)
        if of != name or len(values) != len(checks):
            raise ValueError("the cursor of another list")
        return tuple(check(value) for check, value in zip(checks, values, strict=True))
    except (ValueError, TypeError, RecursionError, InvalidInput) as exc:
        raise InvalidInput(
            "cursor_invalid", "after takes the next of a page of this very list; leave it out to begin anew."
        ) from exc


def page_answer(name: str, page: Page[Any]) -> tuple[Mapping[str, Any], int, Mapping[str, str]]:
    """The answer of a list: its rows under their name, ``next``, and the next page's address as a Link (RFC 8288)."""
    if page.next is None:
        return {name: page.rows, "next": None}, 200, {}
    raw = json.dumps([name, *page.next], separators=(",", ":")).encode()
    cursor = base64.urlsafe_b64encode(raw).decode("ascii")
    address = request.path + "?" + urlencode({**request.args.to_dict(), "after": cursor})
    return {name: page.rows, "next": cursor}, 200, {"Link": f'<{address}>; rel="next"'}
