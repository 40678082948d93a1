from typing import NamedTuple

from archive_service.errors import DocumentRefused


class Inspection(NamedTuple):
    media_type: str
    puid: str
    format_name: str


def require_file_name(n):
    if not n or "/" in n or any(ord(c) < 32 or ord(c) == 0x202E for c in n):
        raise DocumentRefused("file_name_refused", "x")
    return n


def inspect_document(source, *, size, file_name, accepted):
    d = source.read()
    if not d:
        raise DocumentRefused("file_empty", "x")
    k = {
        b"%PDF": "application/pdf",
        b"\xff\xd8\xff\xe0": "image/jpeg",
        b"\x89PNG": "image/png",
        b"PK\3\4": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        if b"xl/" in d
        else "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }.get(d[:4])
    if k not in accepted:
        raise DocumentRefused("kind_not_accepted", "x")
    if d[:4] == b"%PDF" and b"%%EOF" not in d[-100:]:
        raise DocumentRefused("pdf_broken", "x")
    return Inspection(k, "fmt/1", "x")
