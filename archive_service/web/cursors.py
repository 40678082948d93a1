"""Where a page of a list goes on: a key in an address, read back with care."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request, url_for

from archive_service.db.paging import Key, Page, PageRequest
from archive_service.errors import InvalidInput
from archive_service.services.fields import require_id, require_moment

SHOWN = 25
_MARK = "~"

Check = Callable[[str], str | int]


def is_id(text: str) -> str:
    """The id in a cursor."""
    return require_id("after", text)


def is_moment(text: str) -> str:
    """The instant in a cursor."""
    return require_moment("after", text).isoformat()


def is_count(text: str) -> int:
    """The number in a cursor."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidInput("cursor_invalid", "This page's address was cut off; begin the list anew.")
    return int(text)


def asked_page(*checks: Check, limit: int = SHOWN) -> PageRequest:
    """What the address asks for; the first page for an address that this list did not give."""
    parts = request.args.get("after", "").split(_MARK)
    if len(parts) != len(checks):
        return PageRequest(limit)
    try:
        after: Key = tuple(check(part) for check, part in zip(checks, parts, strict=True))
    except InvalidInput:
        return PageRequest(limit)
    return PageRequest(limit, after)


def next_url(page: Page[Any], **changes: str) -> str | None:
    """The address of the page that follows, with everything else that this one was asked for; None at the end."""
    if page.next is None:
        return None
    kept = {name: value for name, value in request.args.items() if name not in ("after", "done", "lang", "theme")}
    kept |= {**changes, "after": _MARK.join(str(part) for part in page.next)}
    return url_for(str(request.endpoint), **{**(request.view_args or {}), **kept})
