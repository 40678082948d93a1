"""Tables that leave the service as spreadsheets; what an auditor takes along is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from archive_service.archive import Archive
from archive_service.errors import InvalidInput
from archive_service.services import reading, spreadsheet
from archive_service.services.actor import Actor
from archive_service.services.reading import Content


def export_table(
    archive: Archive,
    actor: Actor,
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    kind: str,
    heading: Callable[[str], str],
    title: str,
) -> Content:
    """Rows as a spreadsheet of ``kind`` (csv or xlsx) with these columns; an auditor's export is recorded by its digest.

    ``heading`` gives the words for a column's code and for the ``title``, which also names the file.
    """
    if kind not in spreadsheet.MEDIA_TYPES:
        raise InvalidInput("format_unknown", "A table is exported as csv or as xlsx.", field="format")
    data = spreadsheet.write_table(
        kind,
        [heading(name) for name in names],
        [[row[name] for name in names] for row in rows],
        title=heading(title),
        made_at=archive.log.clock(),
    )
    digest = sha256(data).hexdigest()
    reading.record_read(archive, actor, "quality_export", digest=digest)

    def read_range(offset: int, length: int) -> Iterator[bytes]:
        yield data[offset : offset + length]

    return Content(iter([data]), len(data), digest, spreadsheet.MEDIA_TYPES[kind], f"{title}.{kind}", read_range)
