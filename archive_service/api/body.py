"""What a request brings: JSON and queries, bounded and checked by pydantic models; streams of documents, unread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.exceptions import ClientDisconnected, UnsupportedMediaType

from archive_service.errors import InvalidInput, Malformed, TooLarge

JSON_LIMIT_BYTES = 256 * 1024
CHUNK_BYTES = 1024 * 1024
RAW_REFUSED = ("multipart/",)
"""Types of a body that wraps a file: stored as it came, it would not be the document."""

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """A JSON body: unknown members are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """The parameters after the ``?``: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A JSON answer, as the API's description promises it: tests hold every answer to it."""

    model_config = ConfigDict(extra="forbid")


def _digits(value: object) -> object:
    # pydantic alone takes " 5", "5.0" and "1_000" for numbers
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise ValueError("must be a number in digits")
    return value


Digits = BeforeValidator(_digits)
Year = Annotated[int, Field(ge=2000, le=9999), Digits]
Quarter = Annotated[int, Field(ge=1, le=4), Digits]
Count = Annotated[int, Field(ge=1, le=10**15 - 1), Digits]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""An id in a query."""


def read_json(model: type[Model]) -> tuple[Model, bytes]:
    """The request's JSON body as this model, and its bytes; InvalidInput names each wrong member, Malformed is no JSON at all."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON with Content-Type: application/json.")
    data = read_bounded(JSON_LIMIT_BYTES)
    try:
        value = json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_members_once)
    except (ValueError, RecursionError) as exc:
        raise Malformed("not_json", "The body is no JSON.") from exc
    return _fit(model, value, "body_invalid", "The body does not fit; see errors."), data


def read_query(model: type[Model]) -> Model:
    """The request's query as this model; InvalidInput names each wrong parameter."""
    twice = sorted(name for name, values in request.args.lists() if len(values) > 1)
    if twice:
        errors = [{"place": name, "message": "is given more than once"} for name in twice]
        raise InvalidInput("query_invalid", "The query does not fit; see errors.", errors=errors)
    return _fit(model, request.args.to_dict(), "query_invalid", "The query does not fit; see errors.")


def read_bounded(limit_bytes: int) -> bytes:
    """The whole body; TooLarge when it has more bytes than that."""
    data = request.stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise TooLarge("body_too_large", f"This body has at most {limit_bytes} bytes.")
    return data


def require_raw() -> None:
    """Refuse a body that is wrapped as a form: the document's own bytes are wanted."""
    if request.mimetype.startswith(RAW_REFUSED):
        raise UnsupportedMediaType("Send the file's bytes as the body, not as a form.")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the file's bytes as they are, without Content-Encoding.")


def read_chunks() -> Iterator[bytes]:
    """The request's raw body in pieces of at most 1 MiB; ClientDisconnected when the line is cut before its end."""
    expected = request.content_length
    seen = 0
    while True:
        chunk = request.stream.read(CHUNK_BYTES)
        if not chunk:
            break
        seen += len(chunk)
        yield chunk
    if expected is not None and seen != expected:
        raise ClientDisconnected("The upload was cut off; nothing was kept. Send it again.")


def _fit(model: type[Model], value: Any, code: str, text: str) -> Model:
    errors = [{"place": place, "message": "holds a character that no text may hold"} for place in _unfit(value, "")]
    if not errors:
        try:
            return model.model_validate(value)
        except ValidationError as exc:
            errors = [{"place": ".".join(str(part) for part in e["loc"]), "message": e["msg"]} for e in exc.errors()]
    raise InvalidInput(code, text, errors=errors[:100])


def _unfit(value: Any, place: str) -> Iterator[str]:
    """Where texts hold NUL, which PostgreSQL cannot store, or half a surrogate pair, which is no Unicode."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            yield place
    elif isinstance(value, dict):
        for name, member in value.items():
            # the name itself goes into the answer, so it is made printable
            inner = name.encode("ascii", "backslashreplace").decode()
            yield from _unfit(name, f"{place}.{inner}".lstrip("."))
            yield from _unfit(member, f"{place}.{inner}".lstrip("."))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _unfit(member, f"{place}.{index}".lstrip("."))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in an object")
    return members
