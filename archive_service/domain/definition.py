"""Definitions as plain JSON-like data: readers that take a value, its place and the list of problems, so that all that is wrong shows at once.

A reader gives what it read, or ``BAD`` after adding a problem; tables and lists are read by readers of what they hold. Bytes that were
registered once are parsed again for decades: a reader may be relaxed here, and never be made stricter.
"""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Optional

from archive_service.errors import InvalidDefinition, Problem

DEPTH_LIMIT = 32

Reader = Callable[[Any, str, "list[Problem]"], Any]
"""Takes a value, its place and the list of problems; gives what it read, or BAD after adding a problem."""

BAD: Any = object()
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Controls, line separators, surrogates, and the marks that make a line read other than it is stored.
_HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a float"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a table"),
    (datetime.datetime, "a date with a time"),
    (datetime.date, "a date"),
)


def quote(text: str) -> str:
    """The text in quotes for a message, cut when it is long."""
    return json.dumps(text if len(text) <= 60 else text[:57] + "...")


def refuse(problems: list[Problem], place: str, message: str) -> Any:
    """BAD, after the problem was added."""
    problems.append(Problem(place or "file", message))
    return BAD


def refuse_type(problems: list[Problem], place: str, value: object, wanted: str) -> Any:
    """BAD, after the problem was added that the value is of another type."""
    given = next((name for kind, name in _TYPES if isinstance(value, kind)), "nothing of TOML")
    return refuse(problems, place, f"must be {wanted}, not {given}")


def text(limit: int, *, may_be_empty: bool = False, has_lines: bool = False) -> Reader:
    """What reads a text in NFC without hidden signs, of at most so many characters."""

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return refuse_type(problems, place, value, "a text")
        wrong = []
        if not value and not may_be_empty:
            wrong.append("must not be empty")
        if len(value) > limit:
            wrong.append(f"must have at most {limit} characters")
        if value != value.strip():
            wrong.append("must not begin or end with white space")
        if unicodedata.normalize("NFC", value) != value:
            wrong.append("must be in Unicode normal form NFC")
        if _HIDDEN.search(value) or ("\n" in value and not has_lines):
            wrong.append("must hold no control character")
        for message in wrong:
            refuse(problems, place, message)
        return BAD if wrong else value

    return read


def matching(pattern: re.Pattern[str], wanted: str) -> Reader:
    """What reads a text that matches as a whole; ``wanted`` says in words what it must be."""

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return refuse_type(problems, place, value, "a text")
        return value if pattern.fullmatch(value) else refuse(problems, place, f"must be {wanted}")

    return read


def event_word(rule: Callable[[Any, str], Optional[str]], wanted: str) -> Reader:
    """What reads a text that an event may hold by this rule of ``domain.event``."""

    # The events' own schema decides: what it refuses could never be recorded.
    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return refuse_type(problems, place, value, "a text")
        return value if rule(value, place) is None else refuse(problems, place, f"must be {wanted}")

    return read


def one_of(*words: str) -> Reader:
    """What reads one of these words."""

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return refuse_type(problems, place, value, "a text")
        wanted = ", ".join(map(quote, words))
        if value in words:
            return value
        return refuse(problems, place, f"must be one of {wanted}, not {quote(value)}")

    return read


def integer(low: int, high: int) -> Reader:
    """What reads a whole number of this range, both ends included."""

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            return refuse_type(problems, place, value, "a whole number")
        return value if low <= value <= high else refuse(problems, place, f"must be from {low} to {high}")

    return read


def boolean(value: Any, place: str, problems: list[Problem]) -> Any:
    """Reads true or false."""
    return value if isinstance(value, bool) else refuse_type(problems, place, value, "true or false")


def day(value: Any, place: str, problems: list[Problem]) -> Any:
    """Reads a day, a ``datetime.date`` or ``YYYY-MM-DD``, as its text."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return refuse_type(problems, place, value, "a date")
    try:
        # The pattern first: newer Pythons read "20220607" too, and the bytes must mean the same to all.
        if _DATE.fullmatch(value):
            return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    return refuse(problems, place, "must be a day of the calendar, YYYY-MM-DD")


def list_of(inner: Reader, low: int, high: int) -> Reader:
    """What reads a list of so many entries; one that is BAD stays in its place."""

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, list):
            return refuse_type(problems, place, value, "a list")
        if not low <= len(value) <= high:
            refuse(problems, place, f"must have from {low} to {high} entries, not {len(value)}")
        return [inner(item, f"{place}[{index}]", problems) for index, item in enumerate(value[:high])]

    return read


def table(required: Mapping[str, Reader], optional: Mapping[str, Reader]) -> Reader:
    """What reads a table with these fields and no others; a field that is BAD is left out."""

    known = {**required, **optional}

    def read(value: Any, place: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            return refuse_type(problems, place, value, "a table")
        prefix = f"{place}." if place else ""
        for name in value:
            if not isinstance(name, str) or not name.isascii():
                shown = quote(name) if isinstance(name, str) else type(name).__name__
                refuse(problems, place, f"has a key that is no ASCII text: {shown}")
            elif name not in known:
                message = f"is unknown here; known are {', '.join(known)}"
                refuse(problems, prefix + quote(name)[1:-1], message)
        found = {}
        for name, inner in known.items():
            if name in value:
                item = inner(value[name], prefix + name, problems)
                if item is not BAD:
                    found[name] = item
            elif name in required:
                refuse(problems, prefix + name, "is missing")
        return found

    return read


def plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which TOML's dates and times are ISO texts, so that it has canonical bytes; all else stays.

    Raises InvalidDefinition when it is nested deeper than canonical bytes may be.
    """
    return {key: _plain(value, 2) for key, value in mapping.items()}


def _plain(value: Any, level: int) -> Any:
    if isinstance(value, (dict, list)):
        if level > DEPTH_LIMIT:
            raise InvalidDefinition([Problem("file", f"must not be nested deeper than {DEPTH_LIMIT} levels")])
        if isinstance(value, dict):
            return {key: _plain(item, level + 1) for key, item in value.items()}
        return [_plain(item, level + 1) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value
