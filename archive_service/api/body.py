"""JSON bodies, bounded and checked by pydantic models; streams of documents, unread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import ClientDisconnected, UnsupportedMediaType

from archive_service.errors import InvalidInput, TooLarge

JSON_LIMIT_BYTES = 256 * 1024
CHUNK_BYTES = 1024 * 1024

Model = TypeVar("Model", bound="Body")


class Body(BaseModel):
    """A JSON body: unknown members are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


def read_json(model: type[Model]) -> Model:
    """The request's JSON body as this model; InvalidInput names each wrong member."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON with Content-Type: application/json.")
    data = request.stream.read(JSON_LIMIT_BYTES + 1)
    if len(data) > JSON_LIMIT_BYTES:
        raise TooLarge("body_too_large", f"A JSON body has at most {JSON_LIMIT_BYTES} bytes.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("not_json", "The body is no JSON.") from exc
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        errors = [
            {"place": ".".join(str(part) for part in error["loc"]), "message": error["msg"]} for error in exc.errors()
        ]
        raise InvalidInput("body_invalid", "The body does not fit; see errors.", errors=errors) from exc


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
