"""One POST to a server that an operator named, within bounds: no redirect, no proxy, no answer without an end."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from urllib.parse import urlsplit


class Unreachable(Exception):
    """The server gave no answer that could be read; the text says what happened."""


@dataclass(frozen=True)
class Answer:
    """What the server said; ``body`` is at most what was asked for."""

    status: int
    content_type: str
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], *, limit_bytes: int, seconds: float) -> Answer:
    """The answer to a POST, within ``seconds`` from beginning to end; Unreachable when there is none, or a longer one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise Unreachable("the address cannot be read") from exc
    if parts.scheme not in ("http", "https") or not host:
        raise Unreachable("the address is not http or https")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    # a server that answers a byte at a time keeps within every timeout but this one
    cut = Timer(seconds, _cut, [connection])
    cut.daemon = True
    cut.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {"User-Agent": "archive-service", **headers})
        response = connection.getresponse()
        data = response.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise Unreachable(f"the answer is longer than {limit_bytes} bytes")
        return Answer(response.status, response.headers.get_content_type(), data)
    except (OSError, http.client.HTTPException, ValueError, UnicodeError) as exc:
        raise Unreachable(f"{type(exc).__name__}: {exc}"[:200]) from exc
    finally:
        cut.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    line = connection.sock
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
