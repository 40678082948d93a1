"""The writer: one pass from plan and store to the bundle's bytes, each byte hashed again on the way."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from stream_zip import NO_COMPRESSION_64, MemberFile, ZipIntegrityError, stream_zip

from archive_service.domain import canonical
from archive_service.errors import LogIntegrityError

MODIFIED_AT = datetime(1980, 1, 1)  # noqa: DTZ001 - a ZIP's times have no zone; this one means nothing
MODE = 0o100644
CHUNK_BYTES = 1024 * 1024

OpenObject = Callable[[str], Iterator[bytes]]
"""Digest → the bytes of that stored object in pieces."""


def write_bundle(plan: bytes, open_object: OpenObject) -> Iterator[bytes]:
    """The bytes of the bundle, in pieces and constant memory.

    LogIntegrityError ``object_damaged`` when stored bytes no longer hash to what the plan froze: the caller throws away
    what came so far.
    """
    whole = canonical.decode(plan)

    def members() -> Iterator[MemberFile]:
        for entry in whole["entries"]:
            method = NO_COMPRESSION_64(entry["size"], entry["crc32"])
            yield f"{whole['folder']}/{entry['path']}", MODIFIED_AT, MODE, method, _checked(entry, open_object)

    try:
        yield from stream_zip(members(), chunk_size=CHUNK_BYTES, extended_timestamps=False)
    except ZipIntegrityError as exc:
        raise LogIntegrityError("object_damaged", "A stored object no longer has its recorded size or CRC.") from exc


def _checked(entry: dict[str, Any], open_object: OpenObject) -> Iterator[bytes]:
    seen, size = sha256(), 0
    if "data" in entry:
        chunks = iter([base64.b64decode(entry["data"])])
    elif "deflated" in entry:
        chunks = iter([zlib.decompress(base64.b64decode(entry["deflated"]))])
    else:
        chunks = open_object(entry["object"])
    for chunk in chunks:
        seen.update(chunk)
        size += len(chunk)
        if size > entry["size"]:
            break
        yield chunk
    if seen.hexdigest() != entry["sha256"] or size != entry["size"]:
        raise LogIntegrityError(
            "object_damaged",
            f"The stored object {entry['sha256']} no longer matches its digest; restore it from a backup.",
            digest=entry["sha256"],
        )
