"""A draft from a table: what it says is taken, what it cannot tell is named with its row and column."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from archive_service.cli.__main__ import main
from archive_service.domain.sop import Sop, parse_sop, plain
from archive_service.drafting import draft_sop
from archive_service.errors import InvalidInput
from archive_service.inspection.tables import read_rows
from tests.sop_player import SOPS

SHIPPED = tomllib.loads((SOPS / "sop-spmi-601.toml").read_text(encoding="utf-8"))
TITLES = {role["key"]: role["title"] for role in SHIPPED["roles"]}
LANES = list(TITLES.values())


def table(*, has_symbols: bool = True) -> list[list[str]]:
    """The eleven rows of SOP-SPMI-601 under its own two-row heading, with a cross where the performer stands."""
    rows = [
        ["No.", "Langkah Kegiatan", "Pelaksana", "", "", "", "", "Standar Mutu", "", "", "Keterangan"],
        ["", "", *LANES, "Kelengkapan", "Waktu", "Keluaran (Output)", ""],
    ]
    for step in SHIPPED["steps"]:
        lanes = ["x" if has_symbols and TITLES[step["performer"]] == title else "" for title in LANES]
        inputs = "; ".join(rule["title"] for rule in step["inputs"])
        rows.append(
            [step["key"], step["activity"], *lanes, inputs, step["norm"]["text"], step["outputs"][0]["title"], ""]
        )
    return rows


def as_csv(rows: list[list[str]], delimiter: str = ";") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(rows: list[list[str]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("C1:G1")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def drafted(data: bytes) -> tuple[Sop, dict[str, Any], list[str]]:
    draft = draft_sop(read_rows(data), key="contoh", title="Contoh", source="tabel.csv", digest="0" * 64)
    mapping = tomllib.loads(draft.toml)
    return parse_sop(plain(mapping)), mapping, [f"{d.row} {d.column}: {d.text}" for d in draft.doubts]


@pytest.mark.parametrize(
    "make", [as_csv, as_xlsx, lambda rows: as_csv(rows, ",")], ids=["semicolons", "xlsx", "commas"]
)
def test_the_first_procedures_table_gives_what_its_text_says(make: Any) -> None:
    sop, _, _ = drafted(make(table()))
    known = parse_sop(plain(SHIPPED))
    assert sop.order == known.order
    for made, told in zip(sop.steps, known.steps, strict=True):
        assert (made.activity, made.norm) == (told.activity, told.norm)
        assert sop.role(made.performer).title == known.role(told.performer).title
        assert made.after == told.after
        assert [rule.title for rule in made.outputs] == [rule.title for rule in told.outputs][:1]
    assert [s.key for s in sop.steps if s.is_decision] == ["7", "8", "9"]
    assert [(r.kind, r.source) for r in sop.step("2").inputs] == [("surat_permintaan_laporan", "1")]
    assert [r.source for r in sop.step("1").inputs] == ["outside"]
    assert sop.step("5").inputs[0].source == "4", "'&' for 'dan'"


def test_lost_symbols_are_named_and_not_invented() -> None:
    _, mapping, doubts = drafted(as_csv(table(has_symbols=False)))
    assert sum("No performer is marked" in doubt for doubt in doubts) == 11
    assert mapping["roles"] == [{"key": "isi_pelaksana", "title": "ISI PELAKSANA", "team": False}]
    assert all(
        {"field": "performer", "confidence": 1, "why": "The table marks nobody."} in s["inferred"]
        for s in mapping["steps"]
    )


def test_what_cannot_be_told_is_named_with_row_and_column() -> None:
    rows = [
        ["No", "Uraian Kegiatan", "Pelaksana", "Kelengkapan", "Waktu", "Output"],
        ["1", "Menerima berkas", "Petugas", "Berkas", "15 menit", "Berkas"],
        ["2", "Memproses berkas", "Petugas", "Berkas; Surat kuasa", "secepatnya", "Hasil\nBerita acara"],
        ["2", "Memeriksa hasil", "Kepala", "Hasil", "1 minggu", "Paraf; Catatan"],
        ["", "", "", "Lampiran", "", ""],
        ["4", "Selesai", "Petugas", "", "dua (2) hari kerja", ""],
    ]
    sop, mapping, doubts = drafted(as_csv(rows))
    text = "\n".join(doubts)
    for wanted in (
        "3 Waktu: 'secepatnya' is no time",
        "3 Kelengkapan: No earlier step puts out 'Surat kuasa'",
        "4 No: The number 2 is there twice",
        "4 Waktu: '1 minggu' is taken as 5 working days",
        "4 Output: 'Catatan' beside a decision",
        "4 Kelengkapan: No earlier step puts out 'Lampiran'",
        "6 Output: The step leaves nothing",
        "6 Kegiatan: The last step is taken to archive",
        "6 Kelengkapan: The step needs nothing",
        "None institution: The table does not say it",
    ):
        assert wanted in text, wanted
    assert [(s.norm.amount, s.norm.unit) for s in sop.steps] == [(15, "minute"), (1, "day"), (5, "day"), (2, "day")]
    assert [rule["title"] for rule in mapping["steps"][1]["outputs"]] == ["Hasil", "Berita acara"]
    assert sop.steps[2].returns_to == "2" and sop.steps[3].kind == "archive"


@pytest.mark.parametrize(
    "rows", [[["Nama", "Alamat"], ["A", "B"]], [["No", "Kegiatan", "Pelaksana", "Kelengkapan", "Waktu", "Output"]]]
)
def test_a_table_without_the_usual_columns_or_without_a_step_is_refused(rows: list[list[str]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        drafted(as_csv(rows))
    assert refused.value.code == "table_columns"


def test_the_command_writes_a_file_that_the_check_accepts(tmp_path: Path) -> None:
    source, made = tmp_path / "tabel.xlsx", tmp_path / "contoh.toml"
    source.write_bytes(as_xlsx(table()))
    run = CliRunner().invoke(
        main, ["sop", "new", str(source), "--key", "contoh", "--title", "Contoh", "--output", str(made)]
    )
    assert run.exit_code == 0 and "open question(s)" in run.output and "? institution:" in run.output
    assert CliRunner().invoke(main, ["sop", "check", str(made)]).exit_code == 0
    drawn = CliRunner().invoke(main, ["sop", "flowchart", str(made)])
    assert drawn.exit_code == 0 and drawn.output.startswith("<svg ")
    again = CliRunner().invoke(
        main, ["sop", "new", str(source), "--key", "contoh", "--title", "Contoh", "--output", str(made)]
    )
    assert (again.exit_code, "is there already" in again.output) == (2, True)
    missing = CliRunner().invoke(main, ["sop", "new", str(tmp_path / "x.csv"), "--key", "x", "--title", "X"])
    assert (missing.exit_code, "Cannot read" in missing.output) == (2, True)
    broken = tmp_path / "rusak.xlsx"
    broken.write_bytes(b"PK\x03\x04 rusak")
    refused = CliRunner().invoke(main, ["sop", "new", str(broken), "--key", "x", "--title", "X"])
    assert refused.exit_code == 2 and not (Path.cwd() / "x.toml").exists()
    calendar = SOPS.parent / "calendars" / "id-government.toml"
    assert CliRunner().invoke(main, ["sop", "flowchart", str(calendar)]).exit_code == 2
