"""The sample documents: the same bytes as the script writes, sound files, and an index that fits them."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import tomllib
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import docx
import pikepdf
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "make_samples.py"
SAMPLES = ROOT / "archive_service" / "data" / "samples"
MARK = "CONTOH / SAMPLE"
PDFS = sorted(path.name for path in SAMPLES.glob("*.pdf"))
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_samples", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    return tomllib.loads((SAMPLES / "samples.toml").read_text("utf-8"))


def find_sample(index: dict[str, Any], kind: str, round_: int = 1) -> dict[str, Any]:
    (found,) = [s for s in index["samples"] if s["kind"] == kind and s["round"] == round_]
    return dict(found)


def test_regenerating_elsewhere_gives_the_committed_bytes() -> None:
    elsewhere = {"TZ": "America/St_Johns", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1", "LC_ALL": "C"}
    check = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"],
        env=os.environ | elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_check_names_what_is_missing_different_or_extra(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"1")
    (tmp_path / "other").write_bytes(b"2")
    (tmp_path / "extra").write_bytes(b"3")
    made = {"same": b"1", "other": b"0", "gone": b"4"}
    assert script.list_differences(tmp_path, made) == ["gone: missing", "other: differs", "extra: not a sample"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a",
        b"ab" * 70_000,
        b"\0" * 1_000,
        bytes(range(256)) * 3,
        random.Random(1).randbytes(5_000),
        SCRIPT.read_bytes(),
    ],
    ids=["empty", "one byte", "longer than the window", "one value", "every value", "noise", "text"],
)
def test_zlib_reads_what_deflate_writes(script: ModuleType, data: bytes) -> None:
    assert zlib.decompress(script.deflate(data)) == data


def test_all_samples_together_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in SAMPLES.iterdir()}
    assert sum(sizes.values()) < 600_000
    assert sizes["02-lembar-disposisi.jpg"] < 200_000


def test_index_and_files_agree(index: dict[str, Any]) -> None:
    listed = [s["file"] for s in index["samples"]]
    assert sorted(listed) == sorted(path.name for path in SAMPLES.iterdir() if path.name != "samples.toml")
    assert {(s["step"], s["kind"], s["round"]) for s in index["samples"]} == {
        ("1", "request_letter", 1),
        ("2", "disposition", 1),
        ("3", "follow_up", 1),
        ("4", "measurement_data", 1),
        ("5", "meeting_decision", 1),
        ("6", "formulation", 1),
        ("6", "formulation", 2),
        ("10", "submitted_report", 1),
        ("10", "submission_receipt", 1),
    }
    assert all(s["title"] and s["date"].startswith("2026-03-") for s in index["samples"])


def test_index_has_what_the_letter_and_the_receipt_carry(index: dict[str, Any]) -> None:
    assert {"number", "sender", "agenda_number", "date", "received_at"} <= find_sample(index, "request_letter").keys()
    assert {"application", "address", "number"} <= find_sample(index, "submission_receipt").keys()
    assert len(index["indicators"]) >= 8


@pytest.mark.parametrize("name", PDFS)
def test_pdf_is_sound_titled_indonesian_and_marked_on_every_page(name: str) -> None:
    with pikepdf.open(SAMPLES / name) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert str(pdf.Root.Lang) == "id-ID"
        assert str(pdf.docinfo["/Title"]) not in ("", "untitled")
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:202603")
        for page in pdf.pages:
            shown = [i.operands for i in pikepdf.parse_content_stream(page) if str(i.operator) == "Tj"]
            content = b"".join(bytes(operand) for operands in shown for operand in operands)
            assert MARK.encode() in content
            assert "/XObject" not in page.Resources
            for font in page.Resources.Font.values():
                assert "/FontFile2" in font.FontDescriptor
                assert "/ToUnicode" in font


def test_second_formulation_corrects_one_figure_of_the_first(script: ModuleType) -> None:
    wrong = script.WRONG_ACHIEVEMENTS
    right = {item.code: item.achieved for item in script.INDICATORS}
    assert list(wrong) == ["IKU 2"]
    assert wrong["IKU 2"] != right["IKU 2"]
    first, second = (SAMPLES / f"06-rumusan-capaian-kinerja{end}.pdf" for end in ("", "-perbaikan"))
    assert first.read_bytes() != second.read_bytes()


def test_pictures_open_with_their_sizes() -> None:
    with Image.open(SAMPLES / "02-lembar-disposisi.jpg") as scan:
        scan.load()
        assert (scan.format, scan.mode, scan.size, scan.info["dpi"]) == ("JPEG", "L", (1240, 1754), (150, 150))
    with Image.open(SAMPLES / "10-bukti-unggah.png") as screenshot:
        screenshot.load()
        assert (screenshot.format, screenshot.size) == ("PNG", (1200, 800))


def test_minutes_open_with_an_attendance_list_of_signatures() -> None:
    document = docx.Document(str(SAMPLES / "05-notula-rapat.docx"))
    attendance = document.tables[-1]
    assert [cell.text for cell in attendance.rows[0].cells] == ["No.", "Nama", "Jabatan", "Tanda tangan"]
    assert len(document.inline_shapes) == len(attendance.rows) - 1 == 8
    assert document.sections[0].header.paragraphs[0].text == MARK
    assert document.core_properties.created is not None
    assert document.core_properties.created.date().isoformat() == "2026-03-26"


def test_office_files_keep_no_clock_and_sound_entries() -> None:
    for name in ("04-data-capaian-kinerja.xlsx", "05-notula-rapat.docx"):
        with zipfile.ZipFile(SAMPLES / name) as package:
            assert package.testzip() is None
            assert {entry.date_time for entry in package.infolist()} == {(2026, 3, 26, 0, 0, 0)}
            assert package.namelist()[0] == "[Content_Types].xml"


def test_sheet_stores_formulas_with_the_results_of_the_index(index: dict[str, Any]) -> None:
    with zipfile.ZipFile(SAMPLES / "04-data-capaian-kinerja.xlsx") as package:
        sheet = ElementTree.fromstring(package.read("xl/worksheets/sheet1.xml"))
    cells = {cell.get("r"): cell for cell in sheet.iter(f"{SHEET}c")}
    for line, indicator in enumerate(index["indicators"], 5):
        assert str(cells[f"I{line}"].findtext(f"{SHEET}f")).startswith("ROUND(")
        assert Decimal(str(cells[f"I{line}"].findtext(f"{SHEET}v"))) == Decimal(indicator["achievement"])
        assert Decimal(str(cells[f"F{line}"].findtext(f"{SHEET}v"))) == Decimal(indicator["target"])
    assert cells["J12"].findtext(f"{SHEET}v") == "n/a"


def test_first_indicator_is_the_sum_of_its_supporting_data(script: ModuleType) -> None:
    first = script.INDICATORS[0]
    assert (first.counted, first.base) == (
        sum(sum(row[2:]) for row in script.GRADUATES),
        sum(row[1] for row in script.GRADUATES),
    )
