"""Texts that people send: NFC, trimmed, bounded, without control characters, or refused with the field's name."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime

from archive_service.errors import InvalidInput

_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_ID = re.compile(r"[0-9a-f]{32}")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def clean_text(field: str, value: object, *, limit: int = 1000, lines: bool = False) -> str:
    """The text as it is kept: NFC and trimmed; InvalidInput when empty, too long or with control characters."""
    if not isinstance(value, str):
        raise InvalidInput("text_expected", f"{field} must be a text.", field=field)
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise InvalidInput("text_empty", f"{field} is empty; fill it in.", field=field)
    if len(text) > limit:
        raise InvalidInput("text_too_long", f"{field} is longer than {limit} characters.", field=field)
    allowed = {"\n", "\t"} if lines else set()
    if any((unicodedata.category(c) in ("Cc", "Cs") and c not in allowed) or c in _BIDI for c in text):
        raise InvalidInput("text_control", f"{field} holds control characters; type it again.", field=field)
    return text


def optional_text(field: str, value: object, *, limit: int = 1000, lines: bool = False) -> str | None:
    """The cleaned text, or None when nothing was sent."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return clean_text(field, value, limit=limit, lines=lines)


def require_key(field: str, value: object) -> str:
    """A key of lower-case letters, digits, ``_ . -``."""
    if isinstance(value, str) and _KEY.fullmatch(value):
        return value
    raise InvalidInput("key_expected", f"{field} takes 1 to 64 of a-z 0-9 _ . -", field=field)


def require_id(field: str, value: object) -> str:
    """An id in 32 hex digits."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise InvalidInput("id_expected", f"{field} must be an id of 32 hex digits.", field=field)


def require_date(field: str, value: object) -> str:
    """A real date ``YYYY-MM-DD``."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise InvalidInput("date_expected", f"{field} must be a date such as 2026-03-13.", field=field)


def require_moment(field: str, value: object) -> datetime:
    """An instant with its zone, in UTC."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(
            "time_expected", f"{field} must be a time with its zone such as 2026-03-13T09:00:00+07:00.", field=field
        )
    return moment.astimezone(UTC)
