"""One document: identified by content (PRONOM), matched with what its step takes, then checked for soundness."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from archive_service.errors import DocumentRefused, Unavailable
from archive_service.inspection.formats import DOCX, JPEG, MEDIA_TYPES, PDF, PNG, XLSX
from archive_service.inspection.images import require_sound_image
from archive_service.inspection.soundness import make_outline, require_sound_office, require_sound_pdf
from archive_service.inspection.source import BUFFER_BYTES, WatchedSource

# Siegfried maps what it identifies into memory, and a large file's beginning and end tell as much as all of it.
SPOOL_BYTES = 16 * 1024 * 1024
TAIL_BYTES = 4 * 1024 * 1024
PART_BYTES = 64 * 1024

EXTENSIONS: dict[str, frozenset[str]] = {
    PDF: frozenset(["pdf"]),
    JPEG: frozenset(["jpg", "jpeg", "jpe", "jfif"]),
    PNG: frozenset(["png"]),
    DOCX: frozenset(["docx"]),
    XLSX: frozenset(["xlsx"]),
}
"""What a file's name may end in, by what its content is."""

CHECKS: dict[str, Callable[[BinaryIO, int], None]] = {
    PDF: lambda source, size: require_sound_pdf(source),
    JPEG: lambda source, size: require_sound_image(source, "JPEG"),
    PNG: lambda source, size: require_sound_image(source, "PNG"),
    DOCX: lambda source, size: require_sound_office(source, size, "word/document.xml"),
    XLSX: lambda source, size: require_sound_office(source, size, "xl/workbook.xml"),
}
"""The check of soundness of each media type that can be kept."""

_EXECUTABLE = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"#!",
)
_ZIP = b"PK\x03\x04"
_BEGINNINGS = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG": PNG, _ZIP: DOCX}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class Inspection:
    """What a file is: media type, PRONOM id, PRONOM's name of the format."""

    media_type: str
    puid: str
    format_name: str


def inspect_document(source: BinaryIO, *, size: int, file_name: str, accepted: Sequence[str]) -> Inspection:
    """What the file is, when it is of an accepted media type and sound; DocumentRefused with a stable code otherwise.

    Reads at most 16 MiB into a temporary file for identification; the checks read the seekable source in ranges. An
    error of the source itself (a store that does not answer) comes out as it is: it says nothing of the file.
    """
    if size == 0:
        raise DocumentRefused("file_empty", "The file is empty; look at it on your computer and send it again.")
    watched = WatchedSource(source, size)
    try:
        with io.BufferedReader(watched, BUFFER_BYTES) as buffered:
            return _inspect(cast(BinaryIO, buffered), size, file_name, accepted)
    finally:
        if watched.failure is not None:
            raise watched.failure


def _inspect(source: BinaryIO, size: int, file_name: str, accepted: Sequence[str]) -> Inspection:
    first = source.read(1024 * 1024)
    if first.startswith(_EXECUTABLE):
        raise DocumentRefused("executable", "The file is a program, whatever its name says; programs are not kept.")
    if first.startswith(_OLE) and _ENCRYPTED_PACKAGE in first:
        raise DocumentRefused("office_password", "The file is locked with a password; save it without one.")
    found = _identify(source, size, is_zip=first.startswith(_ZIP))
    if found.media_type not in CHECKS:
        # PRONOM's signatures ask for the end of a file too: one that was cut off is told by its beginning and its check
        for beginning, media_type in _BEGINNINGS.items():
            if first.startswith(beginning) and media_type in accepted:
                CHECKS[media_type](source, size)
    if found.media_type not in accepted or found.media_type not in CHECKS:
        code = "kind_not_accepted" if found.puid != "UNKNOWN" else "kind_unknown"
        raise DocumentRefused(
            code,
            f"The content is {found.format_name or 'of an unknown format'}; this step takes: {', '.join(accepted)}.",
            found=found.media_type,
            accepted=list(accepted),
        )
    stem, dot, extension = file_name.rpartition(".")
    if stem and dot and extension.lower() not in EXTENSIONS[found.media_type]:
        raise DocumentRefused(
            "extension_mismatch",
            f"The name ends in .{extension}, the content is {found.format_name}; give it its right name.",
            found=found.media_type,
        )
    CHECKS[found.media_type](source, size)
    return found


def _identify(source: BinaryIO, size: int, *, is_zip: bool) -> Inspection:
    # Imported here, in the worker: the library brings a Go runtime, which does not survive a fork of its process.
    import pygfried

    with tempfile.NamedTemporaryFile(prefix="inspect-") as spool:
        if size > SPOOL_BYTES and is_zip:
            outline = io.BytesIO()
            make_outline(source, size, outline, part_bytes=PART_BYTES, limit_bytes=SPOOL_BYTES)
            _write(spool, outline.getvalue())
        else:
            head = min(size, SPOOL_BYTES - TAIL_BYTES) if size > SPOOL_BYTES else size
            _copy(source, 0, head, spool)
            _copy(source, max(head, size - TAIL_BYTES), size, spool)
        try:
            spool.flush()
            matches = pygfried.identify(spool.name, detailed=True)["files"][0]["matches"]
        except OSError as exc:
            raise _no_room(exc) from exc
    best = matches[0] if matches else {"id": "UNKNOWN", "format": "", "mime": ""}
    puid = str(best["id"]) or "UNKNOWN"
    media_type = MEDIA_TYPES.get(puid) or str(best["mime"]).partition(",")[0].strip()
    return Inspection(media_type, puid, f"{best['format']}".strip())


def _copy(source: BinaryIO, start: int, end: int, target: IO[bytes]) -> None:
    source.seek(start)
    while start < end and (chunk := source.read(min(1024 * 1024, end - start))):
        _write(target, chunk)
        start += len(chunk)


def _write(target: IO[bytes], data: bytes) -> None:
    try:
        target.write(data)
    except OSError as exc:
        raise _no_room(exc) from exc


def _no_room(exc: OSError) -> Unavailable:
    return Unavailable(
        "spool_unavailable",
        f"The file cannot be looked at ({exc.strerror or exc}): free space in the temporary folder, then try again.",
        retry_after_seconds=60,
    )
