"""``@operation(...)``: what a route takes and gives, declared once; it is checked, carried out and described from that.

The decorator reads query and body into models, answers a repeated ``Idempotency-Key`` with the first answer, puts an ``ETag`` on
what can be read, and answers ``If-None-Match`` with 304. ``api/openapi.py`` describes the same declaration to callers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from apiflask.scaffold import APIScaffold
from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from werkzeug.exceptions import UnsupportedMediaType

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Body, Query, read_bounded, read_json, read_query, require_raw
from archive_service.api.digests import read_digests
from archive_service.errors import Malformed
from archive_service.services import idempotency

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

KEPT_HEADERS = ("Content-Type", "Location")
"""Headers of an answer that are kept for a repeated request; the others are made anew."""


@dataclass(frozen=True)
class Text:
    """A body of some text that the route itself reads as ``data``: its media types, the first being the one to recommend."""

    media_types: tuple[str, ...]
    limit_bytes: int


@dataclass(frozen=True)
class Stream:
    """A body of any length, which the route takes as it streams."""


@dataclass(frozen=True)
class Operation:
    """What one route takes and gives. ``answer``: a model, the media types of bytes, or None for no content."""

    answer: type[BaseModel] | tuple[str, ...] | None
    status: int
    body: type[Body] | Text | Stream | None
    query: type[Query]
    takes_key: bool
    takes_match: bool
    is_open: bool
    is_download: bool
    refuses: frozenset[int]
    also: tuple[str, ...]
    also_at: tuple[int, ...]

    @property
    def is_tagged(self) -> bool:
        """Whether its answer carries an ETag: what somebody reads with a token, and no download, which makes its own."""
        return self.status == 200 and self.answer is not None and not self.is_open and not self.is_download


class NoQuery(Query):
    """No parameters."""


def operation(
    *,
    answer: type[BaseModel] | tuple[str, ...] | None = None,
    status: int = 200,
    body: type[Body] | Text | Stream | None = None,
    query: type[Query] = NoQuery,
    takes_key: bool = False,
    takes_match: bool = False,
    is_open: bool = False,
    is_download: bool = False,
    refuses: Collection[int] = (),
    also: tuple[str, ...] = (),
    also_at: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Make a view of a function: it gets ``body`` and ``query`` when declared, ``data`` for a Text body.

    ``takes_key``: honours Idempotency-Key. ``takes_match``: its If-Match is found by ``seen_states``. ``is_open``: needs no token.
    ``also``: further media types that the answer may have; ``also_at``: further statuses that it may come with. ``refuses``: statuses
    of errors besides those that follow from the rest.
    """
    declared = Operation(
        answer, status, body, query, takes_key, takes_match, is_open, is_download, frozenset(refuses), also, also_at
    )

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def run(**kwargs: Any) -> Response:
            parsed = read_query(declared.query)
            if declared.query is not NoQuery:
                kwargs["query"] = parsed
            sent = _read_body(declared, kwargs)
            if declared.takes_key and "Idempotency-Key" in request.headers:
                return _answer_once(request.headers["Idempotency-Key"], sent, lambda: _answer(view, kwargs))
            response = _answer(view, kwargs)
            return _tag(response) if declared.is_tagged else response

        run._operation = declared  # type: ignore[attr-defined]
        documented = APIScaffold().doc(operation_id=view.__name__, security=None if declared.is_open else "bearer")
        return documented(run)  # type: ignore[return-value]

    return decorate


def _answer(view: Callable[..., ResponseReturnValue], kwargs: dict[str, Any]) -> Response:
    answer = view(**kwargs)
    response: Response = current_app.make_response(answer)
    return response


def _read_body(declared: Operation, kwargs: dict[str, Any]) -> bytes:
    """Put the body into the view's arguments; what identifies it for an Idempotency-Key."""
    if isinstance(declared.body, Stream):
        require_raw()
        digests = read_digests()
        kwargs["digests"] = digests
        # the bytes come only once: what was said of them stands for them
        said = sorted(f"{name}={value.hex()}" for name, value in digests) or [f"size={request.content_length}"]
        return "\n".join(said).encode()
    if isinstance(declared.body, Text):
        if request.mimetype not in ("", *declared.body.media_types):
            raise UnsupportedMediaType(f"Send {declared.body.media_types[0]}.")
        kwargs["data"] = data = read_bounded(declared.body.limit_bytes)
        return data
    if declared.body is not None:
        kwargs["body"], data = read_json(declared.body)
        return data
    return b""


def _answer_once(key: str, sent: bytes, work: Callable[[], Response]) -> Response:
    archive = get_archive()
    asked = b"\n".join(
        [request.method.encode(), request.path.encode(), request.query_string, sha256(sent).hexdigest().encode()]
    )
    claim = idempotency.begin_request(archive, user=require_actor().user, key=key, request=asked)
    if isinstance(claim, idempotency.Answer):
        replayed = Response(claim.body, status=claim.status, headers=dict(claim.headers))
        replayed.headers["Idempotent-Replayed"] = "true"
        return replayed
    try:
        response = work()
    except BaseException:
        idempotency.release(archive, claim)
        raise
    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    idempotency.keep_answer(archive, claim, idempotency.Answer(response.status_code, kept, response.get_data()))
    return response


def with_state(state: str, answer: ResponseReturnValue) -> ResponseReturnValue:
    """The answer, whose ETag begins with the state (a leaf hash) that If-Match is compared with.

    The rest of an ETag covers what moves by itself, such as the clock of a running step: a caller who polls sees it move, and one
    who decides on a dossier is not refused because a second went by.
    """
    g.etag_state = state
    return answer


def _tag(response: Response) -> Response:
    if response.status_code != 200 or response.is_streamed:
        return response
    digest = sha256(response.get_data()).hexdigest()[:32]
    state = g.pop("etag_state", None)
    tag = digest if state is None else f"{state}.{digest}"
    response.set_etag(tag)
    if request.if_none_match.contains_weak(tag):
        headers = {name: response.headers[name] for name in ("ETag", "Link") if name in response.headers}
        return Response(status=304, headers=headers)
    return response


def seen_states() -> frozenset[str] | None:
    """The states that ``If-Match`` names; None when it is not there or takes any."""
    text = request.headers.get("If-Match")
    if text is None or text.strip() == "*":
        return None
    if '"' not in text:
        raise Malformed("etag_malformed", 'If-Match is an ETag in quotes, as an answer gave it, or "*".')
    return frozenset(tag.partition(".")[0] for tag in request.if_match.as_set())
