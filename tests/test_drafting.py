"""A draft from a table: what it says is taken, what it cannot tell is named with its row and column."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from archive_service.cli.__main__ import main
from archive_service.domain.definition import plain
from archive_service.domain.sop import Sop, parse_sop
from archive_service.drafting import draft_sop
from archive_service.drafting.norms import read_norm
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


def drafted(data: bytes, title: str | None = "Contoh") -> tuple[Sop, dict[str, Any], list[str]]:
    draft = draft_sop(read_rows(data), key="contoh", title=title, source="tabel.csv", digest="0" * 64)
    mapping = tomllib.loads(draft.toml)
    return parse_sop(plain(mapping)), mapping, [f"{d.row} {d.column}: {d.text}" for d in draft.doubts]


HEADING = ["No", "Uraian Kegiatan", "Pelaksana", "Kelengkapan", "Waktu", "Output", "Keterangan"]


def rows_of(*rows: list[str]) -> list[list[str]]:
    """Rows under the usual heading, numbered; short ones are filled up."""
    return [HEADING, *([str(number), *row, *[""] * (6 - len(row))] for number, row in enumerate(rows, 1))]


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
    ("words", "amount", "unit", "is_doubtful"),
    [
        ("30 Menit", 30, "minute", False),
        ("±15 mnt.", 15, "minute", False),
        ("15'", 15, "minute", False),
        ("1 jam", 1, "hour", False),
        ("1,5 Jam", 90, "minute", False),
        ("1½ jam", 90, "minute", False),
        ("1 jam 30 menit", 90, "minute", False),
        ("tiga puluh lima menit", 35, "minute", False),
        ("lima belas (15) menit", 15, "minute", False),
        ("1 (satu) hari kerja", 1, "day", False),
        ("dua (2) hari kerja", 2, "day", False),
        ("Maks. 3 HK", 3, "day", False),
        ("paling lama 14 hari", 14, "day", False),
        ("1 – 2 hari", 2, "day", True),
        ("1 s.d. 2 hari", 2, "day", True),
        ("2 x 24 jam", 2, "day", True),
        ("1 minggu", 5, "day", True),
        ("setengah hari", 225, "minute", True),
        ("1 hari 4 jam", 690, "minute", True),
        ("90 detik", 2, "minute", True),
        ("5 menit/berkas", 5, "minute", True),
        ("3 hari kalender", 3, "day", True),
    ],
)
def test_times_as_offices_write_them(words: str, amount: int, unit: str, is_doubtful: bool) -> None:
    told = read_norm(words)
    assert told is not None
    assert (told.amount, told.unit, bool(told.doubt)) == (amount, unit, is_doubtful)


@pytest.mark.parametrize("words", ["", "secepatnya", "1 bulan", "0 hari", "99999999999 hari", "15", "hari", "١ hari"])
def test_what_is_no_time_is_none(words: str) -> None:
    assert read_norm(words) is None


@given(st.text(alphabet="0123456789 ,.'()½±-/xjamenithrsd\n", max_size=40))
def test_no_words_break_the_reading_of_times(words: str) -> None:
    told = read_norm(words)
    assert told is None or (1 <= told.amount <= 100_000 and told.unit in ("minute", "hour", "day"))


def test_a_bare_number_has_the_unit_of_its_heading() -> None:
    rows = rows_of(["Menerima surat", "Staf", "Surat", "15", "Surat"], ["Mengarsipkan", "Staf", "Surat", "5", "Arsip"])
    rows[0][4] = "Waktu (menit)"
    sop, _, _ = drafted(as_csv(rows))
    assert [(s.norm.amount, s.norm.unit, s.norm.text) for s in sop.steps] == [(15, "minute", "15"), (5, "minute", "5")]


def test_swimlanes_under_merged_headings_with_a_title_and_a_row_of_numbers() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["STANDAR OPERASIONAL PROSEDUR"],
        ["Nomor SOP", ":", "SOP-12/2026"],
        ["Nama SOP : Penanganan Surat"],
        ["No", "Kegiatan", "Pelaksana", None, None, "Mutu Baku", None, None, "Ket"],
        [None, None, "Petugas", "Pusat Penjaminan Mutu", "Kepala", "Persyaratan / Perlengkapan", "Waktu", "Output"],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, "Menerima surat", "◯", None, None, "Surat", "15 menit", "Surat tercatat", None],
        [2, "Telaah surat", None, "◇", None, "Surat tercatat", "1 hari", "Hasil telaah", "Tidak: kembali ke no. 1"],
        [3, "Menandatangani jawaban", None, "□", "□", "1. Hasil telaah\n2. Konsep jawaban", "2 jam", "Jawaban", None],
        [4, "Mengarsipkan", True, None, None, "Jawaban", "5 menit", "Arsip", None],
    ):
        sheet.append(row)
    for cells in ("A1:I1", "C4:E4", "F4:H4", "A4:A5", "B4:B5"):
        sheet.merge_cells(cells)
    out = io.BytesIO()
    book.save(out)
    sop, _, doubts = drafted(out.getvalue(), title=None)
    assert (sop.number, sop.title) == ("SOP-12/2026", "Penanganan Surat")
    assert [sop.role(s.performer).title for s in sop.steps] == [
        *("Petugas", "Pusat Penjaminan Mutu", "Pusat Penjaminan Mutu", "Petugas")
    ]
    assert [s.kind for s in sop.steps] == ["receive", "review", "approve", "archive"]
    assert (sop.step("2").returns_to, sop.step("3").returns_to) == ("1", "1")
    assert [(r.kind, r.source) for r in sop.step("1").inputs] == [("surat", "outside")]
    assert [o.title for o in sop.step("1").outputs] == ["Surat tercatat", "Surat"]
    assert "9 Pelaksana: Several performers are marked; Pusat Penjaminan Mutu is taken, not Kepala." in doubts
    assert not any(doubt.startswith("8 Kegiatan: A rejection") for doubt in doubts), (
        "the table's words name the way back"
    )
    assert any(doubt.startswith("9 Kegiatan: A rejection") for doubt in doubts)


def test_the_text_of_the_first_procedure_as_it_reached_us_is_read_as_it_is() -> None:
    sop, _, doubts = drafted((SOPS / "source" / "sop-spmi-601.txt").read_bytes())
    known = parse_sop(plain(SHIPPED))
    assert [(s.key, s.activity, s.norm) for s in sop.steps] == [(s.key, s.activity, s.norm) for s in known.steps]
    assert [[r.title for r in s.inputs] for s in sop.steps] == [[r.title for r in s.inputs] for s in known.steps]
    assert sum("No performer is marked" in doubt for doubt in doubts) == 11, "the symbols were lost"
    assert sop.number == "SOP-SPMI-601"


@pytest.mark.parametrize("name", ["pos-pengaduan", "pos-izin-penelitian"])
def test_the_tables_of_the_examples_give_their_steps(name: str) -> None:
    source = (SOPS / "examples" / "source" / f"{name}.txt").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in source.splitlines() if " | " in line]
    sop, _, doubts = drafted(as_csv(rows))
    known = parse_sop(plain(tomllib.loads((SOPS / "examples" / f"{name}.toml").read_text(encoding="utf-8"))))
    for made, told in zip(sop.steps, known.steps, strict=True):
        assert (made.key, made.activity, made.norm, made.kind) == (told.key, told.activity, told.norm, told.kind)
        assert (made.after, made.returns_to) == (told.after, told.returns_to)
        assert sop.role(made.performer).title == known.role(told.performer).title
        assert [(r.title, r.source) for r in made.inputs] == [(r.title, r.source) for r in told.inputs]
    if name == "pos-pengaduan":
        assert any("side by side" in doubt for doubt in doubts)
    else:
        assert "4 Kegiatan: This sounds as if it depended on something: see `when` and `[[questions]]`." in doubts


def test_columns_in_another_order_and_other_words_are_told() -> None:
    rows = [
        ["Output / Keluaran", "NO.", "WAKTU", "URAIAN PROSEDUR", "Aktor / Pelaksana", "Persyaratan/ Kelengkapan"],
        ["Surat tercatat", "1", "1 hari", "Menerima surat", "Staf", "Surat"],
        ["Output / Keluaran", "NO.", "WAKTU", "URAIAN PROSEDUR", "Aktor / Pelaksana", "Persyaratan/ Kelengkapan"],
        ["Arsip", "2", "1 jam", "Ménýimpan surat", "staf", "Surat Tercatat."],
    ]
    sop, _, _ = drafted(as_csv(rows, "\t"))
    assert [(s.key, s.kind, s.performer) for s in sop.steps] == [("1", "receive", "staf"), ("2", "archive", "staf")]
    assert sop.step("2").inputs[0].source == "1"


def test_whatever_a_table_holds_the_check_accepts_the_draft() -> None:
    rows = rows_of(
        ["Menyusun " + "kata " * 500, "P" * 600, "I" * 700, "1 hari " + "x" * 600, "O" * 700, "K" * 3000],
        ["Mene\u202erima\x07 a\u200b", "A\x01uditor", "x\x02", "1 hari", "y\u2028z"],
        ["Memeriksa me\u0301moire", "Quality Checker", ";".join(f"i{n}" for n in range(60)), "1 hari", "a;b;c"],
        ["Menyusun", "文書", "a", "1 hari", ";".join(f"o{n}" for n in range(60))],
        ["Selesai", "文書", "o1", "1 hari", "文書"],
    )
    rows[2][0], rows[3][0], rows[4][0] = "outside", "I.a", "I.a"
    sop, mapping, doubts = drafted(as_csv(rows))
    assert [s.key for s in sop.steps] == ["1", "2", "i.a", "i_a", "5"]
    assert {role["key"] for role in mapping["roles"]}.isdisjoint({"auditor", "quality_checker"})
    assert sum("longer is left out" in doubt for doubt in doubts) == 4 and "\u202e" not in sop.steps[1].activity
    assert sum("the others are left out" in doubt for doubt in doubts) == 2


@given(
    st.lists(
        st.lists(
            st.sampled_from(["", "1", "2a", "2b", "Menerima", "Memeriksa", "Arsip", "x", "Surat", "1 hari", "◇"]),
            min_size=7,
            max_size=7,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_rows_under_the_heading_give_a_draft_or_a_refusal(rows: list[list[str]]) -> None:
    try:
        draft = draft_sop(
            list(enumerate([HEADING, *rows], 1)), key="contoh", title="Contoh", source="t", digest="0" * 64
        )
    except InvalidInput as exc:
        assert exc.code == "table_columns"
        return
    parse_sop(plain(tomllib.loads(draft.toml)))
    assert not any("The check will refuse" in doubt.text for doubt in draft.doubts)


def test_a_file_with_any_name_is_named_as_the_source() -> None:
    rows = rows_of(["Menerima", "Staf", "Surat", "1 hari", "Surat"], ["Arsip", "Staf", "Surat", "1 hari", "Arsip"])
    name = 'SOP "Ré\n[steps]\n(1).xlsx'
    draft = draft_sop(list(enumerate(rows, 1)), key="contoh", title="Contoh", source=name, digest="0" * 64)
    assert tomllib.loads(draft.toml)["source"]["file"] == "SOP-R-steps-1-.xlsx"
    with pytest.raises(InvalidInput) as refused:
        draft_sop(list(enumerate(rows, 1)), key="Contoh POS", title="Contoh", source=name, digest="0" * 64)
    assert refused.value.code == "key_malformed"


def test_more_steps_than_a_procedure_may_have_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        drafted(as_csv(rows_of(*[["Menyusun", "Staf", "x", "1 hari", "x"]] * 201)))
    assert refused.value.code == "too_many_steps"


@pytest.mark.parametrize(
    "rows", [[["Nama", "Alamat"], ["A", "B"]], [["No", "Kegiatan", "Pelaksana", "Kelengkapan", "Waktu", "Output"]]]
)
def test_a_table_without_the_usual_columns_or_without_a_step_is_refused(rows: list[list[str]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        drafted(as_csv(rows))
    assert refused.value.code == "table_columns"


def test_the_command_takes_key_and_title_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [["Nama POS: Pengukuran Kinerja"], *table()]
    (tmp_path / "Tabel POS (1).csv").write_bytes(as_csv(rows))
    run = CliRunner().invoke(main, ["sop", "new", "Tabel POS (1).csv"])
    assert run.exit_code == 0 and "? title" not in run.output
    made = tomllib.loads((tmp_path / "tabel-pos-1.toml").read_text(encoding="utf-8"))
    assert (made["key"], made["title"]) == ("tabel-pos-1", "Pengukuran Kinerja")
    malformed = CliRunner().invoke(main, ["sop", "new", "Tabel POS (1).csv", "--key", "Dua kata"])
    assert malformed.exit_code == 2 and "key_malformed" in malformed.output and not list(tmp_path.glob("Dua*"))


def test_the_command_writes_a_file_that_the_check_accepts(tmp_path: Path) -> None:
    source, made = tmp_path / "tabel.xlsx", tmp_path / "contoh.toml"
    source.write_bytes(as_xlsx(table()))
    run = CliRunner().invoke(
        main, ["sop", "new", str(source), "--key", "contoh", "--title", "Contoh", "--output", str(made)]
    )
    assert run.exit_code == 0 and "open question(s)" in run.output and "? institution:" in run.output
    checked = CliRunner().invoke(main, ["sop", "check", str(made)])
    assert checked.exit_code == 0 and "? institution is still to be filled in: ISI NAMA INSTANSI" in checked.output
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
