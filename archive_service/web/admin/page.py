"""What the pages of administration are made with: a refused form shows its page again, with the sentence and what was typed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from http import HTTPStatus

from flask import Response, g, make_response, redirect, render_template, request, url_for

from archive_service.db.paging import Key, PageRequest
from archive_service.errors import ArchiveError
from archive_service.web.dossiers import REFUSALS, STATUS
from archive_service.web.problems import sentence_for

SHOWN = 50


def show(template: str, at: str, error: ArchiveError | None = None, /, **values: object) -> Response:
    """A page whose own address is ``at``; with an error its sentence, what was typed, and the error's status."""
    g.shown_at = at
    status = HTTPStatus.OK
    if error is not None:
        status = next((s for kind, s in STATUS if isinstance(error, kind)), HTTPStatus.UNPROCESSABLE_ENTITY)
    page = render_template(
        f"admin/{template}",
        problem=None if error is None else sentence_for(error.code, error.detail),
        wrong=None if error is None else str(error.params.get("field", "")),
        typed=request.form if error is not None else {},
        done=request.args.get("done"),
        **values,
    )
    return make_response(page, status)


def act(do: Callable[[], object], again: Callable[[ArchiveError], Response], to: str) -> Response:
    """Do what a form asks for and go on to ``to``; refused, the page of the form is shown again."""
    try:
        do()
    except REFUSALS as exc:
        return again(exc)
    return make_response(redirect(to, HTTPStatus.SEE_OTHER))


def asked_page(*, of: int = 1) -> PageRequest:
    """Which page of a list the address asks for: ``after`` holds the key, ``of`` texts; what is not ours begins anew."""
    text = request.args.get("after", "")
    try:
        key = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
    except ValueError:
        return PageRequest(SHOWN)
    is_key = (
        isinstance(key, list) and len(key) == of and all(isinstance(part, str) and len(part) <= 300 for part in key)
    )
    return PageRequest(SHOWN, tuple(key) if is_key else None)


def next_url(endpoint: str, key: Key | None, **values: object) -> str | None:
    """The address of the page that follows; None after the last one."""
    if key is None:
        return None
    after = base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode("ascii")
    kept = {name: value for name, value in values.items() if value}
    return url_for(endpoint, after=after, **kept)  # type: ignore[arg-type]


def find_in(text: str, known: set[str]) -> str | None:
    """The text when it is one of these, else None: a filter of the address bar that names nothing filters nothing."""
    return text if text in known else None
