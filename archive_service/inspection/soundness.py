"""Whether a PDF or an Office file can be opened whole, without a password, and does nothing by itself."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import pikepdf
import pikepdf.settings

from archive_service.errors import DocumentRefused

OBJECT_LIMIT = 50_000
ENTRY_LIMIT = 10_000
UNPACKED_LIMIT_BYTES = 1024**3
RATIO_LIMIT = 200
RATIO_FROM_BYTES = 16 * 1024 * 1024
DIRECTORY_LIMIT_BYTES = 4 * 1024 * 1024
STREAM_LIMIT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024

# What scanners and old writers get wrong without any doubt left of what was meant; qpdf's own words.
TRIVIA = (
    "extraneous whitespace seen before xref",
    "object has offset 0 - a common error handled correctly by qpdf",
    "expected endobj",
    "/Type key should be /Page",
)

# For the whole process: a packed object table of 700 KB can otherwise unpack to gigabytes.
pikepdf.settings.set_qpdf_limits(flate_max_memory=STREAM_LIMIT_BYTES, run_length_max_memory=STREAM_LIMIT_BYTES)


def require_sound_pdf(source: BinaryIO) -> None:
    """Refuse a PDF that is damaged (``pdf_broken``), locked (``pdf_password``) or acts by itself (``pdf_active``).

    No repair is tried: what one reader repairs another may not open in thirty years. Accepted are the few slips of
    ``TRIVIA``, and an owner's password that lets everybody read. Each object is read, so that damage between the pages
    shows, unless there are more than 50,000: then the pages and what draws them.
    """
    broken = DocumentRefused(
        "pdf_broken", "The PDF is damaged or cut off; print or save it as PDF again and send that."
    )
    try:
        source.seek(0)
        with pikepdf.open(source, attempt_recovery=False, suppress_warnings=True) as pdf:
            if len(pdf.pages) == 0:
                raise broken
            is_active = _is_active(pdf)
            if int(pdf.trailer["/Size"]) <= OBJECT_LIMIT:
                for _ in pdf.objects:
                    pass
            if any(all(slip not in str(warning) for slip in TRIVIA) for warning in pdf.get_warnings()):
                raise broken
            if is_active:
                raise DocumentRefused(
                    "pdf_active", "The PDF starts a program or script by itself; print it to a new PDF and send that."
                )
    except pikepdf.PasswordError as exc:
        raise DocumentRefused("pdf_password", "The PDF is locked with a password; save it without one.") from exc
    except DocumentRefused:
        raise
    except Exception as exc:
        # the parser is fed with hostile files: whatever it stumbles over, the file is not sound
        raise broken from exc


def _is_active(pdf: pikepdf.Pdf) -> bool:
    """Whether opening the file, or showing a page, runs a script; or anything in it starts a program (Launch).

    Scripts of form fields, which run when a person fills one in, are left alone (ISO 32000-2, 12.6.3 and 12.6.4).
    """
    root = pdf.Root
    names = root.get("/Names")
    is_active = isinstance(names, pikepdf.Dictionary) and "/JavaScript" in names
    is_active |= _runs(root.get("/OpenAction"), scripts=True) or _any_runs(root.get("/AA"), scripts=True)
    for page in pdf.pages:
        is_active |= _any_runs(page.obj.get("/AA"), scripts=True)
        page.obj.get("/Contents")
        annotations = page.obj.get("/Annots")
        for annotation in annotations if isinstance(annotations, pikepdf.Array) else ():
            if isinstance(annotation, pikepdf.Dictionary):
                is_active |= _runs(annotation.get("/A"), scripts=False)
                is_active |= _any_runs(annotation.get("/AA"), scripts=False)
    return is_active


def _any_runs(triggers: object, *, scripts: bool) -> bool:
    if not isinstance(triggers, pikepdf.Dictionary):
        return False
    return any(_runs(triggers.get(key), scripts=scripts) for key in triggers.keys())  # noqa: SIM118 - no mapping


def _runs(action: object, *, scripts: bool) -> bool:
    waiting = [action]
    for _ in range(1000):  # a chain of actions may lead back to itself
        if not waiting:
            return False
        current = waiting.pop()
        if isinstance(current, pikepdf.Array):
            waiting.extend(list(current)[:1000])
        elif isinstance(current, pikepdf.Dictionary):
            kind = str(current.get("/S"))
            if kind == "/Launch" or (scripts and (kind == "/JavaScript" or "/JS" in current)):
                return True
            waiting.append(current.get("/Next"))
    return True


class _BoundedReads(io.RawIOBase):
    """Refuses the one unbounded read of zipfile: the central directory, which it takes into memory whole."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._source.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        if size > DIRECTORY_LIMIT_BYTES:
            raise _bomb()
        return self._source.read(DIRECTORY_LIMIT_BYTES if size < 0 else size)


def open_package(source: BinaryIO, size: int) -> zipfile.ZipFile:
    """The Office file as a ZIP within bounds: ``archive_bomb``, ``office_password`` and ``office_broken`` otherwise."""
    try:
        source.seek(0)
        package = zipfile.ZipFile(_BoundedReads(source))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as exc:
        raise _broken() from exc
    _require_bounded(package.infolist(), size)
    return package


def require_sound_office(source: BinaryIO, size: int, main_part: str) -> None:
    """Refuse an Office file that is damaged, locked, holds macros or unpacks to more than it should.

    Codes ``office_broken``, ``office_password``, ``executable``, ``archive_bomb``.
    """
    try:
        with open_package(source, size) as package:
            names = [entry.filename for entry in package.infolist()]
            if main_part not in names or "[Content_Types].xml" not in names or len(set(names)) != len(names):
                raise _broken()
            if any(name.lower().endswith(("vbaproject.bin", ".exe", ".dll")) for name in names):
                raise DocumentRefused("executable", "The Office file holds macros or programs; save it without them.")
            for _ in _unpack(package):
                pass
    except DocumentRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as exc:
        raise _broken() from exc


def make_outline(source: BinaryIO, size: int, target: BinaryIO, *, part_bytes: int, limit_bytes: int) -> None:
    """Write the Office file without its large parts: enough to identify one that is itself too large to copy."""
    try:
        with open_package(source, size) as package, zipfile.ZipFile(target, "w") as outline:
            for entry in package.infolist():
                is_small = entry.file_size <= min(part_bytes, limit_bytes)
                limit_bytes -= entry.file_size if is_small else 0
                outline.writestr(zipfile.ZipInfo(entry.filename), package.read(entry) if is_small else b"")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as exc:
        raise _broken() from exc


def _unpack(package: zipfile.ZipFile) -> Iterator[bytes]:
    for entry in package.infolist():
        with package.open(entry) as part:
            left = entry.file_size
            while chunk := part.read(_CHUNK_BYTES):
                left -= len(chunk)
                yield chunk
            if left:
                raise zipfile.BadZipFile("a part is shorter than announced")


def _broken() -> DocumentRefused:
    return DocumentRefused("office_broken", "The Office file is damaged or cut off; open it, save it again, send that.")


def _bomb() -> DocumentRefused:
    return DocumentRefused(
        "archive_bomb", "The file unpacks to far more than it should; save it again without large parts."
    )


def _require_bounded(entries: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRY_LIMIT or unpacked > max(UNPACKED_LIMIT_BYTES, 2 * size):
        raise _bomb()
    if any(e.file_size > RATIO_FROM_BYTES and e.file_size > RATIO_LIMIT * max(1, e.compress_size) for e in entries):
        raise _bomb()
    if unpacked > RATIO_FROM_BYTES and unpacked > RATIO_LIMIT * size:
        raise _bomb()
    end = 0
    for entry in sorted(entries, key=lambda e: e.header_offset):
        if entry.header_offset < end:  # parts that share bytes: the densest bombs are made so
            raise _bomb()
        end = entry.header_offset + 30 + entry.compress_size
    if any(entry.flag_bits & 1 for entry in entries):
        raise DocumentRefused("office_password", "The file is locked with a password; save it without one.")
    # ISO/IEC 29500-2 allows these two alone; the others of zipfile unpack without a bound
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise _broken()
    if any(entry.filename.startswith("/") or ".." in entry.filename.split("/") for entry in entries):
        raise DocumentRefused("office_broken", "The Office file names parts outside itself; save it again.")
