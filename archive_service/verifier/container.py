"""The ZIP container: every byte outside the files is computed again from names, sizes and CRCs, and compared."""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import BinaryIO, Dict, Iterator, List, Tuple

from archive_service.domain import manifest
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.manifest import ZipEntry

CHUNK_BYTES = 1024 * 1024
ENTRY_LIMIT = 100_000
CENTRAL_LIMIT_BYTES = 64 * 1024 * 1024
COMMENT_LIMIT_BYTES = 65_535
END_RECORD_BYTES = 22


class Container:
    """The files of a bundle by their path below the bundle's folder, with the SHA-256 of each."""

    def __init__(self, source: BinaryIO, folder: str, entries: Dict[str, ZipEntry], order: List[str]) -> None:
        self._source = source
        self.folder = folder
        self.entries = entries
        self.order = order
        self.digests: Dict[str, str] = {}

    @property
    def payload(self) -> List[str]:
        """The paths below ``data/``, in the container's order."""
        return [path for path in self.order if path.startswith("data/")]

    def require_bounded(self, prefix: str) -> None:
        """Raise ValueError when the files below a folder are more bytes together than evidence may be."""
        sizes = [entry.size for path, entry in self.entries.items() if path.startswith(prefix)]
        if sum(sizes) > manifest.EVIDENCE_TOTAL_LIMIT_BYTES:
            raise ValueError(f"the files below {prefix} are larger than evidence may be")

    def is_text(self, path: str, text: str) -> bool:
        """Whether a file that was hashed holds exactly this text; it is not read for that, whatever its size."""
        return path in self.entries and self.digests.get(path) == sha256(text.encode()).hexdigest()

    def read(self, path: str) -> bytes:
        """All bytes of an evidence file; ValueError when it is not there or larger than evidence may be."""
        entry = self.entries.get(path)
        if entry is None:
            raise ValueError(f"{path} is not in the bundle")
        if entry.size > manifest.EVIDENCE_LIMIT_BYTES:
            raise ValueError(f"{path} is larger than evidence may be")
        self._source.seek(entry.data_offset)
        return self._source.read(entry.size)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file in pieces."""
        entry = self.entries[path]
        self._source.seek(entry.data_offset)
        rest = entry.size
        while rest:
            chunk = self._source.read(min(CHUNK_BYTES, rest))
            if not chunk:
                return
            rest -= len(chunk)
            yield chunk


def is_no_bundle(source: BinaryIO, size: int) -> bool:
    """Whether neither the first local header nor an end record is there: this was never a bundle.

    The end record is looked for where a ZIP may have it, before a comment of any length (APPNOTE.TXT 4.3.16).
    """
    source.seek(0)
    if source.read(4) == manifest.LOCAL_SIGNATURE:
        return False
    length = min(size, END_RECORD_BYTES + COMMENT_LIMIT_BYTES)
    source.seek(size - length)
    return manifest.END_SIGNATURE not in source.read(length)


def open_container(source: BinaryIO, size: int) -> Container:
    """The container in a file of ``size`` bytes; ValueError names the first byte run that is not as we write it."""
    if size < manifest.END_BYTES:
        raise ValueError("the file is too short for a bundle")
    source.seek(size - manifest.END_BYTES)
    count, central_size, central_offset = manifest.read_end_records(source.read(manifest.END_BYTES))
    if central_offset + central_size + manifest.END_BYTES != size:
        raise ValueError("the central directory does not lie right before the end records")
    if count > ENTRY_LIMIT or central_size > CENTRAL_LIMIT_BYTES:
        raise ValueError("the bundle names more files than it may")
    source.seek(central_offset)
    central = source.read(central_size)
    found: List[ZipEntry] = []
    position, offset = 0, 0
    while position < len(central):
        entry, position = manifest.read_central_entry(central, position)
        if entry.offset != offset:
            raise ValueError(f"{entry.name} does not begin where the file before it ends")
        if not manifest.NAME.fullmatch(entry.name) or len(entry.name) > 300:
            raise ValueError(f"{entry.name!r} is no name of a file in a bundle")
        offset = entry.data_offset + entry.size
        found.append(entry)
    if len(found) != count or offset != central_offset:
        raise ValueError("the files do not fill the container from its beginning to the central directory")
    folders = {entry.name.partition("/")[0] for entry in found}
    if len(folders) != 1 or len({entry.name.casefold() for entry in found}) != len(found):
        raise ValueError("a bundle has one folder and no name twice")
    for entry in found:
        source.seek(entry.offset)
        expected = manifest.local_header(entry)
        if source.read(len(expected)) != expected:
            raise ValueError(f"the header of {entry.name} has other bytes than follow from name, size and CRC")
    folder = folders.pop()
    entries = {entry.name[len(folder) + 1 :]: entry for entry in found}
    return Container(source, folder, entries, [entry.name[len(folder) + 1 :] for entry in found])


def check_contents(container: Container) -> List[Discrepancy]:
    """Hash every file once; a CRC that does not hold is a discrepancy. Fills ``container.digests``."""
    found: List[Discrepancy] = []
    for path, entry in container.entries.items():
        seen, crc, length = sha256(), 0, 0
        for chunk in container.chunks(path):
            seen.update(chunk)
            crc = zlib.crc32(chunk, crc)
            length += len(chunk)
        container.digests[path] = seen.hexdigest()
        if (crc, length) != (entry.crc32, entry.size):
            found.append(Discrepancy("file_damaged", path))
    return found


def split_lines(data: bytes) -> Tuple[bytes, ...]:
    """The lines of a file in which every line ends in one newline; ValueError otherwise, or when there are too many."""
    if data.count(b"\n") > manifest.EVENTS_LIMIT:
        raise ValueError(f"there are more than {manifest.EVENTS_LIMIT} lines")
    if data and not data.endswith(b"\n"):
        raise ValueError("the last line does not end")
    return tuple(data.split(b"\n")[:-1])
