from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import docx
import pikepdf
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from archive_service.errors import DocumentRefused
from archive_service.inspection import inspect_document, require_file_name
from archive_service.inspection.formats import DOCX, JPEG, PDF, PNG, XLSX

ALL = (PDF, JPEG, PNG, DOCX, XLSX)


def make_pdf(pages: int = 2) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for number in range(pages):
        canvas.drawString(100, 700, f"Halaman {number + 1}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def make_image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").save(out, kind)
    return out.getvalue()


def make_docx() -> bytes:
    out = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("Notula rapat")
    document.save(out)
    return out.getvalue()


def make_xlsx() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as workbook:
        workbook.add_worksheet("IKU").write(0, 0, "capaian")
    return out.getvalue()


SOUND: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "pdf": ("surat.pdf", make_pdf, PDF),
    "jpg": ("pindai.JPG", lambda: make_image("JPEG"), JPEG),
    "png": ("layar.png", lambda: make_image("PNG"), PNG),
    "docx": ("notula.docx", make_docx, DOCX),
    "xlsx": ("data.xlsx", make_xlsx, XLSX),
}


def edit_pdf(change: Callable[[pikepdf.Pdf], None], **save: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(make_pdf())) as pdf:
        change(pdf)
        pdf.save(out, **save)  # type: ignore[arg-type]
    return out.getvalue()


def add_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def add_launch(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc.exe"))


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return out.getvalue()


def without_part(data: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry, old.read(entry))
    return out.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 0xFF
    return bytes(changed)


def locked_pdf() -> bytes:
    return edit_pdf(lambda pdf: None, encryption=pikepdf.Encryption(owner="o", user="rahasia"))


REFUSED: list[tuple[str, str, Callable[[], bytes], str]] = [
    ("empty", "a.pdf", lambda: b"", "file_empty"),
    ("random text", "a.pdf", lambda: b"bukan apa-apa \x01\x02\x03" * 50, "kind_unknown"),
    ("windows program", "a.pdf", lambda: b"MZ" + b"\0" * 3000, "executable"),
    ("linux program", "a.pdf", lambda: b"\x7fELF" + b"\0" * 3000, "executable"),
    ("script", "a.pdf", lambda: b"#!/bin/sh\nrm -rf x\n", "executable"),
    ("program that hides a pdf", "a.pdf", lambda: b"MZ" + make_pdf(), "executable"),
    ("html", "a.pdf", lambda: b"<!DOCTYPE html><html><body><script>1</script></body></html>", "kind_not_accepted"),
    ("zip", "a.docx", lambda: with_part(b"", "a.txt", b"a"), "office_broken"),
    ("pdf named docx", "a.docx", make_pdf, "extension_mismatch"),
    ("pdf named exe", "a.exe", make_pdf, "extension_mismatch"),
    ("half a pdf", "a.pdf", lambda: make_pdf()[: len(make_pdf()) // 2], "pdf_broken"),
    ("locked pdf", "a.pdf", locked_pdf, "pdf_password"),
    ("pdf with a script", "a.pdf", lambda: edit_pdf(add_script), "pdf_active"),
    ("pdf that starts a program", "a.pdf", lambda: edit_pdf(add_launch), "pdf_active"),
    ("half a jpg", "a.jpg", lambda: make_image("JPEG")[:1500], "image_broken"),
    ("half a png", "a.png", lambda: make_image("PNG")[:-400], "image_broken"),
    ("docx with macros", "a.docx", lambda: with_part(make_docx(), "word/vbaProject.bin", b"x"), "executable"),
    ("docx bomb", "a.docx", lambda: with_part(make_docx(), "word/big.xml", b"\0" * 40_000_000), "archive_bomb"),
    ("docx cut off", "a.docx", lambda: make_docx()[:-200], "office_broken"),
    ("docx twice", "a.docx", lambda: with_part(make_docx(), "word/../evil.xml", b"x"), "office_broken"),
]


@pytest.mark.parametrize("kind", SOUND)
def test_files_as_offices_make_them_are_taken(kind: str) -> None:
    name, make, media_type = SOUND[kind]
    data = make()
    found = inspect_document(io.BytesIO(data), size=len(data), file_name=name, accepted=ALL)
    assert found.media_type == media_type
    assert found.puid.startswith(("fmt/", "x-fmt/")) and found.format_name


@pytest.mark.parametrize(("name", "make", "code"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_a_file_that_cannot_be_kept_is_refused(name: str, make: Callable[[], bytes], code: str) -> None:
    data = make()
    with pytest.raises(DocumentRefused) as caught:
        inspect_document(io.BytesIO(data), size=len(data), file_name=name, accepted=ALL)
    assert caught.value.code == code and caught.value.detail.endswith(".")


def test_a_kind_that_the_step_does_not_take_is_refused() -> None:
    data = make_xlsx()
    with pytest.raises(DocumentRefused) as caught:
        inspect_document(io.BytesIO(data), size=len(data), file_name="data.xlsx", accepted=[PDF])
    assert caught.value.code == "kind_not_accepted"
    assert caught.value.params == {"found": XLSX, "accepted": [PDF]}


def test_a_damaged_part_of_an_office_file_is_found() -> None:
    data = make_xlsx()
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entry = package.getinfo("xl/workbook.xml")
    bad = flipped(data, entry.header_offset + 30 + len(entry.filename) + 5)
    with pytest.raises(DocumentRefused) as caught:
        inspect_document(io.BytesIO(bad), size=len(bad), file_name="data.xlsx", accepted=ALL)
    assert caught.value.code in ("office_broken", "kind_not_accepted")


def test_an_image_of_too_many_pixels_is_refused_undecoded() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 11_000)).save(out, "PNG")
    with pytest.raises(DocumentRefused) as caught:
        inspect_document(out, size=len(out.getvalue()), file_name="besar.png", accepted=ALL)
    assert caught.value.code == "image_too_large"


@given(kind=st.sampled_from(sorted(SOUND)), cut=st.floats(0, 1), place=st.floats(0, 0.999), junk=st.binary(max_size=20))
def test_damaged_files_raise_nothing_but_a_refusal(kind: str, cut: float, place: float, junk: bytes) -> None:
    name, make, media_type = SOUND[kind]
    data = bytearray(make())
    data = data[: int(len(data) * cut)]
    if data:
        start = int(len(data) * place)
        data[start : start + len(junk)] = junk
    try:
        found = inspect_document(io.BytesIO(bytes(data)), size=len(data), file_name=name, accepted=ALL)
        assert found.media_type == media_type
    except DocumentRefused as exc:
        assert exc.code


@pytest.mark.parametrize(
    "name", ["surat.pdf", "Surat Permintaan (1).pdf", "naïve – ödé.pdf", "tanpa ekstensi", "a.tar.gz", "日本.pdf"]
)
def test_ordinary_names_are_kept(name: str) -> None:
    assert require_file_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "a\\b",
        "a\x00",
        "a\nb",
        "a\u202efdp.exe",
        " a",
        "a ",
        "a.",
        "con.pdf",
        "x" * 201,
        "C:a",
    ],
)
def test_tricky_names_are_refused(name: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        require_file_name(name)
    assert caught.value.code == "file_name_refused"


def test_names_are_kept_in_nfc() -> None:
    assert require_file_name("e\u0301.pdf") == "\u00e9.pdf"
