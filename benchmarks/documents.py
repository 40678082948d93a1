"""Documents to send."""

from __future__ import annotations

import os
from collections.abc import Iterator

CHUNK = 1024**2


def pdf_chunks(size: int) -> Iterator[bytes]:
    """A sound one-page PDF whose one stream fills it up to about ``size`` bytes; no two are the same."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    ]
    head, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(head))
        head += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    offsets.append(len(head))
    block = os.urandom(8).hex().encode() + b" 0" * ((min(size, CHUNK) - 16) // 2)
    blocks = max(1, size // CHUNK)
    opening = head + b"4 0 obj\n<</Length %d>>\nstream\n" % (blocks * len(block))
    yield opening
    for _ in range(blocks):
        yield block
    start = len(opening) + blocks * len(block)
    tail = b"\nendstream\nendobj\n"
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    yield tail + table + b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (start + len(tail))
