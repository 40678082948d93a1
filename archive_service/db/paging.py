"""Pages of a list by key: what comes after the last row seen, so that new rows neither repeat nor skip any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, or_

Row = TypeVar("Row")
Key = tuple[str | int, ...]

LIMIT = 200


@dataclass(frozen=True)
class PageRequest:
    """How many rows at most, and the key of the row that they come after; None from the beginning."""

    limit: int = LIMIT
    after: Key | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and the key to go on from; None at its end."""

    rows: list[Row]
    next: Key | None


def cut_page(rows: Sequence[Row], request: PageRequest, key_of: Callable[[Row], Key]) -> Page[Row]:
    """The page of rows that were read one more than asked for: the one too many says that there is another page."""
    kept = list(rows[: request.limit])
    return Page(kept, key_of(kept[-1]) if len(rows) > request.limit else None)


def cut_grown(rows: Sequence[Row], request: PageRequest) -> Page[Row]:
    """A page of a list that only grows at its end: its key is the count of rows seen."""
    start = 0 if request.after is None else int(request.after[0])
    end = start + request.limit
    return Page(list(rows[start:end]), (end,) if len(rows) > end else None)


def comes_after(
    columns: Sequence[Any], values: Sequence[Any] | None, *, descending: bool = False
) -> list[ColumnElement[bool]]:
    """The condition that a row lies behind these values in the order of the columns; nothing without values."""
    if values is None:
        return []
    cases: list[ColumnElement[bool]] = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [c == v for c, v in zip(columns[:place], values[:place], strict=True)]
        cases.append(and_(*same, column < value if descending else column > value))
    return [or_(*cases)]
