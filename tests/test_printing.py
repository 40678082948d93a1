"""What people type is shown as text and nothing else; the same record gives the same bytes, whatever it holds."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pytest

from archive_service.inspection import inspect_document
from archive_service.printing import print_form

MOMENT = datetime(2026, 3, 13, 2, 30, tzinfo=UTC)
MARKUP = (
    '#panic("x") #let a = 1; #import "@preview/x:1.0.0": y\n= Judul\n$ a^2 $ *tebal* _miring_ `kode` <label> @ref\n'
    '// komentar /* dan */ \\ \\u{41} #sys.inputs #read("/etc/passwd") ]]]) }'
)
TEXTS = {
    "markup": MARKUP,
    "quotes": '"dua" \'satu\' “buka” ‘tutup’ \\" \\n',
    "emoji": "baik 😀 👩‍👩‍👧 selesai",
    "arabic": "السلام عليكم ورحمة الله",
    "hebrew": "שלום",
    "han": "漢字かな한글",
    "marks": "a\u0301\u0323 e\u20dd",
    "private": "\ue000 \U0010fffd \u0378 \ufffe \ufeff \u00ad \u200b",
    "words": "kata " * 2_000,
    "unbroken": "x" * 10_000,
    "lines": "baris\n" * 1_600,
    "every sign": "".join(chr(code) for code in range(0x21, 0x2000) if not 0x7F <= code < 0xA0),
}


def record(value: str, **more: str) -> dict[str, Any]:
    return {
        "institution": "Politeknik",
        "owner": "Bagian Akademik",
        "address": ["Jalan Timah Raya", "polman@polman-babel.ac.id"],
        "sop": {"number": "SOP-SPMI-601", "title": "Pengukuran"},
        "step": {"key": "2", "activity": "Memberikan disposisi", "iteration": 2},
        "dossier": {"title": more.get("title", "Triwulan I"), "year": 2026, "quarter": 1, "work_unit": "Polman"},
        "form": {"title": "Lembar Disposisi"},
        "fields": [
            {"key": "text", "title": "Isi", "value": value},
            {"key": "note", "title": "Catatan", "value": None},
        ],
        "filled_by": {"name": more.get("name", "Ratna"), "role_title": "Kepala"},
    }


def attached(data: bytes) -> Any:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return json.loads(pdf.attachments["isian.json"].get_file().read_bytes())


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_becomes_a_sound_pdf_that_holds_it_as_data(name: str) -> None:
    given = record(TEXTS[name], title=TEXTS[name][:300], name=TEXTS[name][:100])
    data = print_form(given, MOMENT)
    assert data == print_form(given, MOMENT)
    assert attached(data) == given
    found = inspect_document(io.BytesIO(data), size=len(data), file_name="a.pdf", accepted=("application/pdf",))
    assert found.media_type == "application/pdf"
    with pikepdf.open(io.BytesIO(data)) as pdf:
        metadata = pdf.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")
        assert "Lembar Disposisi" in str(pdf.docinfo.Title)


def test_markup_of_typst_is_text() -> None:
    # had any of it been read as code, panic or read would have stopped it, and the next would not be the same length
    plain, markup = (print_form(record(text), MOMENT) for text in ("x", MARKUP))
    assert attached(markup)["fields"][0]["value"] == MARKUP and attached(plain)["fields"][0]["value"] == "x"


def test_another_moment_is_another_document() -> None:
    assert print_form(record("x"), MOMENT) != print_form(record("x"), datetime(2026, 3, 13, 2, 31, tzinfo=UTC))


def test_the_next_form_takes_a_moment() -> None:
    print_form(record("x"), MOMENT)
    begun = time.perf_counter()
    print_form(record("y"), MOMENT)
    assert time.perf_counter() - begun < 2


def test_the_compiler_is_loaded_by_who_fills_in_a_form_alone() -> None:
    program = "import sys; import archive_service.app, archive_service.services.forms; print('typst' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "False\n", ran.stderr
