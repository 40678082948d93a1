"""Large files, a store that fails half-way, and files that are built to harm or to hide that they are not whole."""

from __future__ import annotations

import io
import random
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import pikepdf
import pytest
from PIL import Image

from archive_service.errors import ArchiveError, DocumentRefused, Unavailable
from archive_service.inspection import documents, inspect_document
from archive_service.inspection.formats import DOCX, JPEG, PDF, PNG, XLSX
from tests.inspection.test_documents import SOUND, edit_pdf, make_docx, make_image, make_pdf, with_part

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ALL = (PDF, JPEG, PNG, DOCX, XLSX)
NOISE = random.Random(1).randbytes(200_000)


def inspect(data: bytes, name: str) -> str:
    return inspect_document(io.BytesIO(data), size=len(data), file_name=name, accepted=ALL).media_type


class FailingStore(io.RawIOBase):
    """A source whose store stops answering after some reads."""

    def __init__(self, data: bytes, reads: int) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._reads = reads

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._data.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._data.seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._reads -= 1
        if self._reads < 0:
            raise Unavailable("store_unavailable", "The store does not answer.")
        return self._data.readinto(buffer)


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("reads", range(6))
def test_a_store_that_fails_never_makes_a_document_refused(
    kind: str, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "BUFFER_BYTES", 512)
    name, make, _ = SOUND[kind]
    data = make()
    source = cast(io.BytesIO, FailingStore(data, reads))
    with pytest.raises(ArchiveError) as caught:
        inspect_document(source, size=len(data), file_name=name, accepted=ALL)
    assert caught.value.code == "store_unavailable"


def large_pdf() -> bytes:
    return edit_pdf(lambda pdf: pdf.pages[0].obj.__setitem__("/Extra", pikepdf.Stream(pdf, NOISE)))


def large_png() -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (500, 400), NOISE).save(out, "PNG", compress_level=0)
    return out.getvalue()


def large_jpg() -> bytes:
    out = io.BytesIO()
    Image.frombytes("L", (500, 400), NOISE).save(out, "JPEG", quality=95)
    return out.getvalue()


LARGE: list[tuple[str, Callable[[], bytes], str]] = [
    ("a.pdf", large_pdf, PDF),
    ("a.png", large_png, PNG),
    ("a.jpg", large_jpg, JPEG),
    ("a.docx", lambda: with_part(make_docx(), "word/media/image1.jpeg", NOISE), DOCX),
]


@pytest.mark.parametrize(("name", "make", "media_type"), LARGE, ids=[entry[0] for entry in LARGE])
def test_a_file_larger_than_the_spool_is_still_identified(
    name: str, make: Callable[[], bytes], media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SPOOL_BYTES", 64 * 1024)
    monkeypatch.setattr(documents, "TAIL_BYTES", 16 * 1024)
    data = make()
    assert len(data) > documents.SPOOL_BYTES
    assert inspect(data, name) == media_type


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    packed = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def png_with(change: Callable[[bytes], bytes]) -> bytes:
    return png_of([(k, change(b) if k == b"IDAT" else b) for k, b in chunks_of(make_image("PNG"))])


def script() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def launch() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc.exe"))


def add_page_script(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1].obj["/AA"] = pikepdf.Dictionary(O=script())


def add_link(pdf: pikepdf.Pdf, action: pikepdf.Dictionary) -> None:
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
    pdf.pages[0].obj["/Annots"] = pikepdf.Array([link])


def add_chain(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.GoTo, Next=pikepdf.Array([launch()]))


def destroyed_end_of_stream() -> bytes:
    data = make_pdf()
    place = data.find(b"endstream")
    return data[: place - 20] + b"\0" * 40 + data[place + 20 :]


def packed_object_bomb() -> bytes:
    packed = zlib.compress(b"1 0 " + b" " * (100 * 1024 * 1024), 9)
    head = b"%PDF-1.5\n"
    body = b"2 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n" % len(packed)
    body += packed + b"\nendstream\nendobj\n"
    start = len(head) + len(body)
    rows = [(0, 0, 255), (2, 2, 0), (1, len(head), 0), (1, start, 0)]
    table = b"".join(bytes([kind]) + place.to_bytes(4, "big") + bytes([last]) for kind, place, last in rows)
    tail = b"3 0 obj\n<</Type/XRef/Size 4/W[1 4 1]/Root 1 0 R/Length %d>>\nstream\n" % len(table)
    return head + body + tail + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def with_parts(method: int, parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO(make_docx())
    with zipfile.ZipFile(out, "a", method) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def overlapping() -> bytes:
    """A second entry of the directory that unpacks the bytes of the first."""
    out = io.BytesIO(make_docx())
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("word/a.xml", b"x" * 100)
        again = zipfile.ZipInfo("word/b.xml")
        first = package.getinfo("word/a.xml")
        again.header_offset, again.CRC = first.header_offset, first.CRC
        again.file_size = again.compress_size = 100
        package.filelist.append(again)
    return out.getvalue()


HOSTILE: list[tuple[str, str, Callable[[], bytes], str]] = [
    ("script of a page", "a.pdf", lambda: edit_pdf(add_page_script), "pdf_active"),
    ("link that starts a program", "a.pdf", lambda: edit_pdf(lambda pdf: add_link(pdf, launch())), "pdf_active"),
    ("program behind another action", "a.pdf", lambda: edit_pdf(add_chain), "pdf_active"),
    ("end of a stream destroyed", "a.pdf", destroyed_end_of_stream, "pdf_broken"),
    ("packed objects without end", "a.pdf", packed_object_bomb, "pdf_broken"),
    ("png with half its pixels", "a.png", lambda: png_with(lambda b: b[: len(b) // 2]), "image_broken"),
    ("png with too many pixels", "a.png", lambda: png_with(lambda b: zlib.compress(b"\0" * 10**6)), "image_broken"),
    ("part packed in another way", "a.docx", lambda: with_parts(zipfile.ZIP_BZIP2, {"word/x": b"x"}), "office_broken"),
    ("parts without end", "a.docx", lambda: with_parts(0, {f"word/{n}": b"" for n in range(10_001)}), "archive_bomb"),
    ("parts that share bytes", "a.docx", overlapping, "archive_bomb"),
]


@pytest.mark.parametrize(("name", "make", "code"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_file_that_harms_or_hides_damage_is_refused(name: str, make: Callable[[], bytes], code: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        inspect(make(), name)
    assert caught.value.code == code


def test_a_link_with_a_script_that_a_person_must_click_is_no_reason_to_refuse() -> None:
    assert inspect(edit_pdf(lambda pdf: add_link(pdf, script())), "a.pdf") == PDF


def test_the_slips_of_scanners_are_no_reason_to_refuse() -> None:
    data, changed = re.subn(rb"\n0000(\d{6}) 00000 n", b"\n0000000000 00000 n", make_pdf(), count=1)
    assert changed == 1 and inspect(data, "a.pdf") == PDF


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"quality": 100, "subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_jpegs_of_every_make_are_taken(options: dict[str, int]) -> None:
    out = io.BytesIO()
    Image.frombytes("L", (400, 400), NOISE[:160_000]).convert("RGB").save(out, "JPEG", **options)
    assert inspect(out.getvalue(), "a.jpg") == JPEG


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pngs_of_every_depth_are_taken(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (37, 23)).save(out, "PNG")
    assert inspect(out.getvalue(), "a.png") == PNG


def test_the_identifier_is_not_loaded_before_a_worker_is_forked() -> None:
    script = "import sys, archive_service.inspection; sys.exit('pygfried' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
