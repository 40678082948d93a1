"""A connection to a running service: ARCHIVE_URL says where it is, ARCHIVE_TOKEN who one is."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx

from archive_service.errors import Conflict, InvalidInput, NotFound, Unauthenticated, Unavailable

CHUNK_BYTES = 1024 * 1024
WAIT_SECONDS = httpx.Timeout(30, read=300, write=300)


class Refused(Conflict):
    """The service answered with a problem: its code and its sentence."""


class Connection:
    """One person's requests to the service, until the command ends; every error has the problem's own sentence."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # no proxy, no netrc: a token goes to the address that was named and nowhere else
        self._client = httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS, trust_env=False)
        click.get_current_context().call_on_close(self._client.close)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer's JSON; None when it has none."""
        response = self._send(self._client.build_request(method, path, **kwargs))
        return response.json() if response.content else None

    def read_bytes(self, path: str) -> bytes:
        """The answer's bytes as they are: for what is small and no JSON."""
        return self._send(self._client.build_request("GET", path)).content

    def change(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a POST that changes something, under a key of its own: a network that fails in between does nothing twice."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        for _ in range(2):
            try:
                return self.call("POST", path, json=body, headers=key)
            except Unavailable as exc:
                broken = exc
        raise broken

    def rows(self, path: str, name: str, **wanted: str | int | None) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        query = {key: value for key, value in wanted.items() if value is not None}
        while True:
            page = self.call("GET", path, params=query, headers={"Accept": "application/json"})
            yield from page[name]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def upload(self, path: str, file: Path, query: dict[str, str]) -> Any:
        """The receipt of a file that was streamed with its digest; nothing is kept of one that changed or broke off on the way."""
        digest = hashlib.sha256()
        size = 0
        for chunk in _chunks_of(file):
            digest.update(chunk)
            size += len(chunk)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Content-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        with click.open_file(str(file), "rb") as source:
            request = self._client.build_request("POST", path, params=query, headers=headers, content=_read(source))
            return self._send(request).json()

    def download(self, path: str, target: Path) -> str:
        """Save the bytes; their SHA-256, which is what the service says of them. Nothing is left of bytes that differ."""
        partial = target.with_name(target.name + ".part")
        digest = hashlib.sha256()
        try:
            with self._client.stream("GET", path) as response:
                if response.status_code >= 400:
                    response.read()
                    raise _refusal(response)
                with partial.open("wb") as out:
                    for chunk in response.iter_raw(CHUNK_BYTES):
                        digest.update(chunk)
                        out.write(chunk)
                said = response.headers.get("Repr-Digest", "")
        except httpx.TransportError as exc:
            partial.unlink(missing_ok=True)
            raise _unreachable(self._client.base_url) from exc
        except OSError as exc:
            partial.unlink(missing_ok=True)
            raise NotFound("cannot_write", f"Cannot write {target}: {exc.strerror}.") from exc
        if said != f"sha-256=:{base64.b64encode(digest.digest()).decode()}:":
            partial.unlink(missing_ok=True)
            raise Refused("digest_mismatch", "The bytes changed on the way; nothing was kept. Try again.")
        partial.replace(target)
        return digest.hexdigest()

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._client.send(request)
        except httpx.TransportError as exc:
            raise _unreachable(self._client.base_url) from exc
        if response.status_code >= 400:
            raise _refusal(response)
        return response


def connect(*, with_token: bool = True) -> Connection:
    """The connection that the environment names."""
    url = os.environ.get("ARCHIVE_URL", "http://127.0.0.1:8601")
    if not url.startswith(("http://", "https://")):
        raise InvalidInput("bad_url", "ARCHIVE_URL must begin with http:// or https://.")
    token = os.environ.get("ARCHIVE_TOKEN")
    if with_token and not token:
        raise Unauthenticated(
            "token_missing", "Set ARCHIVE_TOKEN to an API token; `archive-service token create LOGIN` makes one."
        )
    if token is not None and not (token.isascii() and token.isprintable()):
        raise Unauthenticated("token_missing", "ARCHIVE_TOKEN holds no token.")
    return Connection(url, token if with_token else None)


def _read(source: Any) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def _chunks_of(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as source:
            yield from _read(source)
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc


def _unreachable(url: httpx.URL) -> Unavailable:
    return Unavailable("service_unreachable", f"No service answers at {url}; check ARCHIVE_URL and that it runs.")


def _refusal(response: httpx.Response) -> Refused:
    try:
        problem = response.json()
        detail, code = str(problem["detail"]), str(problem["code"])
        wrong = "; ".join(f"{e['place']}: {e['message']}" for e in problem.get("errors", []))
        wrong = wrong or "; ".join(f"{p['place']}: {p['message']}" for p in problem.get("problems", []))
        return Refused(code, f"{detail} {wrong}".strip() if wrong and wrong not in detail else detail)
    except (ValueError, KeyError, TypeError):
        return Refused(
            "unexpected_answer", f"The address answers, but not as this service does ({response.status_code})."
        )
