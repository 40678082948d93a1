"""``Content-Digest`` and ``Repr-Digest`` (RFC 9530): what a sender says of the bytes, checked while they stream."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator

from flask import request

from archive_service.errors import InvalidInput, Malformed

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
HEADERS = ("Content-Digest", "Repr-Digest")
"""Both, because without a Content-Encoding the content is the representation."""
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):")


def read_digests() -> frozenset[tuple[str, bytes]]:
    """The (algorithm, digest) pairs that the request names; Malformed unless each header can be read and checked."""
    found: set[tuple[str, bytes]] = set()
    for header in HEADERS:
        text = request.headers.get(header)
        if text is not None:
            found.update(_parse(header, text))
    return frozenset(found)


def _parse(header: str, text: str) -> Iterator[tuple[str, bytes]]:
    known = 0
    for member in text.split(","):
        match = _MEMBER.fullmatch(member.strip(" \t"))
        if match is None:
            raise Malformed("digest_malformed", f"{header} is sha-256=:BASE64: (RFC 9530); sha-512 is taken too.")
        name, value = match.groups()
        if name not in ALGORITHMS:
            continue
        known += 1
        try:
            digest = base64.b64decode(value, validate=True)
        except ValueError as exc:
            raise Malformed("digest_malformed", f"{header} holds no base64.") from exc
        if len(digest) != ALGORITHMS[name]().digest_size:
            raise Malformed("digest_malformed", f"{header} holds no {name} digest.")
        yield name, digest
    if not known:
        # silently checking nothing would look like a check that held
        raise Malformed("digest_unknown", f"{header} names no digest that is checked here: sha-256 or sha-512.")


def check_chunks(chunks: Iterable[bytes], digests: frozenset[tuple[str, bytes]]) -> Iterator[bytes]:
    """The same chunks; InvalidInput ``digest_mismatch`` after the last one when they are not what was announced.

    Raised before the upload is finished, so that nothing is kept.
    """
    # the same digest in both headers is computed once
    running = {name: ALGORITHMS[name]() for name, _ in digests}
    for chunk in chunks:
        for hasher in running.values():
            hasher.update(chunk)
        yield chunk
    for name, digest in sorted(digests):
        if running[name].digest() != digest:
            raise InvalidInput(
                "digest_mismatch",
                "The bytes that arrived are not the ones that you announced; nothing was kept. Send the file again.",
                algorithm=name,
                received=running[name].hexdigest(),
            )


def repr_digest(digest_hex: str) -> str:
    """The ``Repr-Digest`` of bytes with this SHA-256."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(digest_hex)).decode('ascii')}:"
