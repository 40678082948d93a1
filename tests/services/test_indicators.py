"""Indicators: the list by hand and by table, evidence tagged by performers and contributors, results, recommendations carried over."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select, text

from archive_service.db.models import IndicatorResultRow, IndicatorRow, RecommendationRow
from archive_service.errors import ArchiveError, Forbidden, InvalidInput, NotFound
from archive_service.services import (
    audit,
    decisions,
    dossiers,
    indicator_reading,
    indicator_tables,
    indicators,
    people,
    reading,
    uploads,
    users,
)
from archive_service.services.indicators import IndicatorResult, ListedIndicator
from archive_service.services.work import load_dossier
from tests.office import PASSWORD, SAMPLES, Office, chunks_of, open_office

EVIDENCE = "04-data-dukung-iku-1.pdf"
LIST = [
    ListedIndicator("IKU-1", "Lulusan yang bekerja", "80", "%", "78,4", "citra"),
    ListedIndicator("IKU-2", "Mahasiswa di luar kampus", "30", "%", None, "sari"),
    ListedIndicator("IKU-3.1", "Dosen praktisi", "5", "orang"),
]


@pytest.fixture(scope="module")
def at_step_4(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a contributor in it and a dossier at step 4 that lists three indicators."""
    folder = tmp_path_factory.mktemp("indicators") / "var"
    shutil.copytree(office_template, folder)
    made = open_office(folder, "2026-03-12T09:00")
    add_contributor(made)
    dossier = made.play("3")
    made.at("2026-03-14T09:00")
    indicators.set_indicators(made.archive, made.actor("hendra"), dossier=dossier, indicators=LIST)
    made.archive.db.close()
    return folder, dossier


def add_contributor(office: Office, login: str = "citra") -> None:
    admin = office.actor("admin")
    person = people.register_person(office.archive, admin, name=login.title())
    users.create_user(office.archive, admin, person=person, login=login, password=PASSWORD)
    people.assign_role(
        office.archive, admin, person=person, role="contributor", work_unit=office.unit, from_on="2026-01-01"
    )
    office.persons[login] = person


@pytest.fixture
def staged(at_step_4: tuple[Path, str], tmp_path: Path) -> Iterator[tuple[Office, str]]:
    shutil.copytree(at_step_4[0], tmp_path / "staged")
    made = open_office(tmp_path / "staged", "2026-03-16T09:00")
    yield made, at_step_4[1]
    made.archive.db.close()


def send(
    office: Office, dossier: str, login: str, indicator: str | None, step: str = "4", **more: Any
) -> uploads.Received:
    return uploads.receive_document(
        office.archive,
        office.actor(login),
        dossier=dossier,
        step=step,
        kind=more.pop("kind", "measurement_data"),
        file_name=EVIDENCE,
        chunks=chunks_of((SAMPLES / EVIDENCE).read_bytes()),
        indicator=indicator,
        **more,
    )


def refused(call: Any, *args: Any, **kwargs: Any) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        call(*args, **kwargs)
    return caught.value


def problems_of(error: ArchiveError) -> list[tuple[Any, ...]]:
    found: Any = error.params["problems"]
    return [(p["row"], p["column"], p["code"]) for p in found]


def listed(office: Office, dossier: str, login: str = "wahyu") -> dict[str, Any]:
    return indicator_reading.read_indicators(office.archive, office.actor(login), dossier=dossier)[0]


def record(office: Office, dossier: str, *results: IndicatorResult, login: str = "bima") -> int:
    return indicators.record_results(
        office.archive, office.actor(login), dossier=dossier, step="6", results=list(results)
    )


# the list ----------------------------------------------------------------------------------------------------------


def test_a_list_is_one_event_for_each_indicator_and_listing_it_again_changes_nothing(
    staged: tuple[Office, str],
) -> None:
    office, dossier = staged
    again = indicators.set_indicators(office.archive, office.actor("bima"), dossier=dossier, indicators=LIST)
    assert (again.changed, again.unchanged) == (0, 3)
    one = [ListedIndicator(" iku-2 ", "Mahasiswa di luar kampus", "35", "%", None, "Sari")]
    changed = indicators.set_indicators(office.archive, office.actor("ratna"), dossier=dossier, indicators=one)
    assert (changed.changed, changed.unchanged) == (1, 0)
    found = listed(office, dossier)
    assert [(i["code"], i["target"], i["person_name"]) for i in found["indicators"]] == [
        ("IKU-1", "80", "Citra"),
        ("IKU-2", "35", "Sari"),
        ("IKU-3.1", "5", None),
    ]
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
    assert state.indicators.counts == {"indicator.set": 4}


def test_every_problem_of_a_list_is_named_and_nothing_is_taken(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    wrong = [
        ListedIndicator("IKU 9", "T", "1"),
        ListedIndicator("IKU-9", "", "", person="tidak ada"),
        ListedIndicator("IKU-8", "T" * 301, "1"),
        ListedIndicator("IKU-8", "T", "1"),
    ]
    error = refused(indicators.set_indicators, office.archive, office.actor("sari"), dossier=dossier, indicators=wrong)
    assert error.code == "indicators_invalid"
    assert problems_of(error) == [
        (1, "code", "indicator_code"),
        (2, "title", "text_empty"),
        (2, "target", "text_empty"),
        (2, "person", "person_unknown"),
        (3, "title", "text_too_long"),
        (4, "code", "indicator_twice"),
    ]
    assert listed(office, dossier)["listed"] == 3


def test_a_name_of_two_people_is_no_name(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    people.register_person(office.archive, office.actor("admin"), name="Bima")
    row = [ListedIndicator("IKU-9", "T", "1", person="Bima")]
    error = refused(indicators.set_indicators, office.archive, office.actor("sari"), dossier=dossier, indicators=row)
    assert problems_of(error) == [(1, "person", "person_ambiguous")]
    row = [ListedIndicator("IKU-9", "T", "1", person="bima")]
    indicators.set_indicators(office.archive, office.actor("sari"), dossier=dossier, indicators=row)
    assert listed(office, dossier)["indicators"][-1]["person"] == office.persons["bima"]


@pytest.mark.parametrize("login", ["citra", "wahyu", "nuraini", "admin"])
def test_only_performers_of_the_unit_change_the_list(staged: tuple[Office, str], login: str) -> None:
    office, dossier = staged
    for call, more in (
        (indicators.set_indicators, {"indicators": LIST}),
        (indicators.import_indicators, {"table": b"x", "file_name": "x.csv"}),
        (indicators.remove_indicator, {"code": "IKU-1", "reason": "x"}),
        (indicators.record_results, {"step": "6", "results": [IndicatorResult(None, "1")]}),
        (indicators.answer_recommendation, {"recommendation": "0" * 64, "state": "done", "note": "x"}),
    ):
        error = refused(call, office.archive, office.actor(login), dossier=dossier, **more)
        assert (type(error), error.code) == (Forbidden, "role_forbidden")


def test_an_indicator_is_taken_out_with_a_reason_until_its_results_are_submitted(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    sari = office.actor("sari")
    gone = {"dossier": dossier, "code": "IKU-3.1", "reason": "Tidak diukur triwulan ini."}
    indicators.remove_indicator(office.archive, sari, **gone)
    assert [i["code"] for i in listed(office, dossier)["indicators"]] == ["IKU-1", "IKU-2"]
    assert refused(indicators.remove_indicator, office.archive, sari, **gone).code == "indicator_unknown"
    assert refused(indicators.remove_indicator, office.archive, sari, **{**gone, "reason": " "}).code == "text_empty"
    play_to_step_7(office, dossier)
    left = {**gone, "code": "IKU-1"}
    assert refused(indicators.remove_indicator, office.archive, sari, **left).code == "indicators_frozen"
    error = refused(indicators.set_indicators, office.archive, sari, dossier=dossier, indicators=LIST)
    assert error.code == "indicators_frozen"


def play_to_step_7(office: Office, dossier: str, *results: IndicatorResult) -> None:
    """Whatever is missing is gone past knowingly."""
    office.at("2026-03-25T10:00")
    for login, step in (("sari", "4"), ("sari", "5"), ("bima", "6")):
        office.upload(dossier, login, step)
        if step == "6" and results:
            record(office, dossier, *results)
        decisions.submit_step(office.archive, office.actor(login), dossier=dossier, step=step, accepts_gaps=True)


# tables ------------------------------------------------------------------------------------------------------------


def sheet(*rows: list[Any]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.active["D2"].number_format = "0%"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


HEADING: list[Any] = ["No", "Kode", "Indikator Kinerja", "Target", "Satuan", "Capaian", "Penanggung  Jawab"]
ROWS: list[list[Any]] = [
    [1, "IKU-1", "Lulusan", 0.8, None, 78.4, "citra"],
    [2, "S.2", "Dosen; praktisi", 5, "orang", None, None],
]


@pytest.mark.parametrize("kind", ["xlsx", "semicolons", "commas", "bom"])
def test_a_table_is_taken_as_xlsx_and_as_csv(staged: tuple[Office, str], kind: str) -> None:
    office, dossier = staged
    if kind == "xlsx":
        data = sheet(HEADING, *ROWS)
    else:
        sign = "," if kind == "commas" else ";"
        rows: list[list[Any]] = [list(HEADING), *ROWS]
        text = [["" if c is None else f'"{c}"' for c in row] for row in rows]
        text[1][3], text[1][5] = '"80%"', '"78,4"'
        data = ("\n".join(sign.join(row) for row in text) + "\n\n").encode("utf-8-sig" if kind == "bom" else "utf-8")
    change = indicators.import_indicators(
        office.archive, office.actor("sari"), dossier=dossier, table=data, file_name="iku.xlsx"
    )
    assert (change.changed, change.unchanged) == (2, 0)
    found = {i["code"]: i for i in listed(office, dossier)["indicators"]}
    assert (found["IKU-1"]["title"], found["IKU-1"]["target"], found["IKU-1"]["achievement"]) == (
        *("Lulusan", "80%"),
        "78,4",
    )
    assert (found["S.2"]["title"], found["S.2"]["unit"], found["S.2"]["person"]) == ("Dosen; praktisi", "orang", None)


def test_every_problem_of_a_table_is_named_by_row_and_column(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    table = "Kode;Indikator;Target;Penanggung jawab\n\nIKU-7;;5;siapa\nIKU-7;T;6;\n"
    error = refused(
        indicators.import_indicators,
        *(office.archive, office.actor("sari")),
        dossier=dossier,
        table=table.encode(),
        file_name="iku.csv",
    )
    assert problems_of(error) == [
        (3, "Indikator", "text_empty"),
        (3, "Penanggung jawab", "person_unknown"),
        (4, "Kode", "indicator_twice"),
    ]
    assert listed(office, dossier)["listed"] == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "table_empty"),
        (b"Kode;Indikator;Target\n", "table_empty"),
        (b";;\n;;\n", "table_empty"),
        (b"Kode;Indikator\nIKU-1;T\n", "indicators_invalid"),
        (b"Kode;Kode;Indikator;Target;Sasaran\n1;1;T;1;1\n", "indicators_invalid"),
        ("Kode;Indikator;Target\nIKU-1;Café;1".encode("latin-1"), "table_encoding"),
        (b"Kode;Indikator;Target\nIKU-1;T\0;1", "table_encoding"),
        (b"Kode;Indikator;Target\n" + b"IKU-1;T;1\n" * 201, "too_many_indicators"),
        (b"Kode;Indikator;Target\n" + b"\n" * 2001, "table_too_long"),
        (b'Kode;Indikator;Target\nIKU-1;"' + b"T" * 140_000 + b'";1\n', "table_unreadable"),
        (b"PK\x03\x04 nothing", "kind_unknown"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        indicator_tables.read_table(data, "iku.csv")
    assert caught.value.code == code


def test_the_heading_names_missing_unknown_and_double_columns() -> None:
    with pytest.raises(InvalidInput) as caught:
        indicator_tables.read_table(b"Kode;Kode;Indikator;Sasaran\n1;1;T;1\n", "iku.csv")
    assert problems_of(caught.value) == [
        (1, "Kode", "column_twice"),
        (1, "Sasaran", "column_unknown"),
        (1, "Target", "column_missing"),
    ]


def test_a_table_has_a_bounded_size() -> None:
    assert refused(indicator_tables.read_table, b"x" * (2 * 1024 * 1024 + 1), "iku.csv").code == "table_too_large"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_template_is_a_table_without_rows(kind: str) -> None:
    data = indicator_tables.make_template(kind)
    assert refused(indicator_tables.read_table, data, f"t.{kind}").detail.startswith(
        "The table has a heading and no row"
    )


# evidence ----------------------------------------------------------------------------------------------------------


def test_a_contributor_sends_evidence_for_their_own_indicators_alone(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    sent = send(office, dossier, "citra", "iku-1")
    assert [i["documents"] for i in listed(office, dossier)["indicators"]] == [[sent.version], [], []]
    for indicator in ("IKU-2", "IKU-3.1", None, "IKU-9"):
        error = refused(send, office, dossier, "citra", indicator)
        assert (type(error), error.code) == (Forbidden, "not_contributor"), indicator
    other = send(office, dossier, "sari", "IKU-1")
    assert refused(send, office, dossier, "citra", "IKU-1", document=other.document).code == "not_contributor"
    new = send(office, dossier, "citra", "IKU-1", document=sent.document)
    assert new.number == 2
    again = send(office, dossier, "citra", None, document=sent.document)
    assert again.number == 3
    assert set(listed(office, dossier)["indicators"][0]["documents"]) == {other.version, again.version}
    uploads.withdraw_document(
        office.archive, office.actor("citra"), dossier=dossier, version=again.version, reason="Salah berkas."
    )
    withdrawal = {"dossier": dossier, "reason": "Keliru."}
    citra = office.actor("citra")
    error = refused(uploads.withdraw_document, office.archive, citra, version=other.version, **withdrawal)
    assert error.code == "not_contributor"
    uploads.withdraw_document(office.archive, citra, version=new.version, **withdrawal)
    assert refused(decisions.submit_step, office.archive, citra, dossier=dossier, step="4").code == "role_forbidden"


def test_a_contributor_sends_nothing_while_the_step_does_not_run(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    error = refused(send, office, dossier, "citra", "IKU-1", "3", kind="follow_up")
    assert error.code == "not_performer"
    play_to_step_7(office, dossier)
    assert refused(send, office, dossier, "citra", "IKU-1").code == "step_finished"


def test_a_contributor_reads_their_own_and_nothing_else_of_a_dossier(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    sent, other = send(office, dossier, "citra", "IKU-1"), send(office, dossier, "sari", "IKU-1")
    citra = office.actor("citra")
    found = listed(office, dossier, "citra")
    assert ([i["code"] for i in found["indicators"]], found["listed"], found["without"]) == (["IKU-1"], 1, [])
    content = reading.read_document(office.archive, citra, dossier=dossier, version=sent.version)
    assert b"".join(content.chunks) == (SAMPLES / EVIDENCE).read_bytes()
    assert reading.read_receipt(office.archive, citra, dossier=dossier, version=sent.version) == sent.receipt_note
    for read_one in (reading.read_document, reading.read_receipt):
        error = refused(read_one, office.archive, citra, dossier=dossier, version=other.version)
        assert (type(error), error.code) == (NotFound, "version_unknown")
    for read in (
        reading.read_dossier,
        reading.read_events,
        reading.read_bundle,
        indicator_reading.read_recommendations,
    ):
        assert refused(read, office.archive, citra, dossier=dossier).code == "role_forbidden"
    (own,) = indicator_reading.list_own(office.archive, citra)
    assert (own["dossier"], own["steps"][0]["step"]) == (dossier, "4")
    assert [(i["code"], i["may_send"], len(i["documents"])) for i in own["indicators"]] == [("IKU-1", ["4"], 1)]
    assert indicator_reading.list_own(office.archive, office.actor("maya")) == []


def test_a_tag_is_taken_only_where_evidence_is_and_for_what_is_listed(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    assert refused(send, office, dossier, "sari", "IKU-9").code == "indicator_unknown"
    assert refused(send, office, dossier, "sari", "tidak sah!").code == "indicator_code"
    office.upload(dossier, "sari", "4")
    decisions.submit_step(office.archive, office.actor("sari"), dossier=dossier, step="4", accepts_gaps=True)
    error = refused(send, office, dossier, "sari", "IKU-1", "5", kind="meeting_decision")
    assert (type(error), error.code) == (InvalidInput, "indicator_not_taken")


def test_indicators_without_evidence_are_named_and_are_deviations(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    send(office, dossier, "citra", "IKU-1")
    office.at("2026-03-16T10:00")
    office.upload(dossier, "sari", "4")
    sari = office.actor("sari")
    error = refused(decisions.submit_step, office.archive, sari, dossier=dossier, step="4")
    assert error.code == "inputs_missing" and "IKU-2" in error.detail and "IKU-1" not in error.detail
    decisions.submit_step(office.archive, sari, dossier=dossier, step="4", accepts_gaps=True)
    office.turn()
    found = reading.read_dossier(office.archive, office.actor("wahyu"), dossier=dossier)
    gaps = [(d["code"], d["step"], d["subject"]) for d in found["deviations"] if d["code"] == "indicator_missing"]
    assert gaps == [("indicator_missing", "4", "IKU-2"), ("indicator_missing", "4", "IKU-3.1")]
    step = next(s for s in found["steps"] if s["step"] == "4")
    assert [
        (r["kind"], r["state"]) for r in step["iterations"][0]["requirements"] if r["direction"] == "indicator"
    ] == [
        ("IKU-1", "present"),
        ("IKU-2", "missing"),
        ("IKU-3.1", "missing"),
    ]


# results -----------------------------------------------------------------------------------------------------------


def test_results_are_recorded_at_step_6_by_its_performer_and_missing_ones_are_deviations(
    staged: tuple[Office, str],
) -> None:
    office, dossier = staged
    error = refused(record, office, dossier, IndicatorResult("IKU-1", "79"))
    assert error.code == "step_waiting"
    first = IndicatorResult("IKU-1", "78,4 %", "Perbanyak magang.", "Data alumni kurang.", "Tracer study Juni.")
    whole = IndicatorResult(None, None, "Rapat bulanan.")
    play_to_step_7(office, dossier, first, whole)
    office.turn()
    found = listed(office, dossier)
    assert found["without_result"] == ["IKU-2", "IKU-3.1"]
    result = found["indicators"][0]["results"][0]
    assert (result["achievement"], result["recommendation"], result["obstacle"], result["follow_up"]) == (
        *("78,4 %", "Perbanyak magang."),
        *("Data alumni kurang.", "Tracer study Juni."),
    )
    assert found["overall"][0]["recommendation"] == "Rapat bulanan."
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
    gaps = [(d.step, d.subject) for d in state.deviations if d.code == "indicator_result_missing"]
    assert gaps == [("6", "IKU-2"), ("6", "IKU-3.1")]
    assert refused(record, office, dossier, first).code == "step_finished"


def test_a_result_stands_in_the_next_round_and_is_recorded_anew_only_where_it_differs(
    staged: tuple[Office, str],
) -> None:
    office, dossier = staged
    results = [IndicatorResult(code, "10", f"Rekomendasi {code}.") for code in ("IKU-1", "IKU-2", "IKU-3.1")]
    play_to_step_7(office, dossier, *results)
    office.decide(dossier, "sari", "7", "return", "Angka IKU 2 keliru.")
    assert record(office, dossier, *results) == 0
    assert record(office, dossier, results[0], IndicatorResult("IKU-2", "11")) == 1
    found = listed(office, dossier)
    assert found["without_result"] == []
    assert [(r["results"][0]["iteration"], r["results"][0]["achievement"]) for r in found["indicators"]] == [
        *((1, "10"), (2, "11"), (1, "10")),
    ]
    with office.archive.db.read() as session:
        rows = session.execute(select(IndicatorResultRow.code, IndicatorResultRow.iteration)).all()
    assert sorted(rows) == [("IKU-1", 1), ("IKU-2", 1), ("IKU-2", 2), ("IKU-3.1", 1)]


def test_a_result_says_something_of_an_indicator_on_the_list(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    assert refused(record, office, dossier, IndicatorResult("IKU-1", " ", "R")).code == "achievement_missing"
    assert refused(record, office, dossier, IndicatorResult(None)).code == "result_empty"
    assert refused(record, office, dossier).code == "too_many_indicators"
    office.upload(dossier, "sari", "4")
    sari = office.actor("sari")
    decisions.submit_step(office.archive, sari, dossier=dossier, step="4", accepts_gaps=True)
    office.submit(dossier, "sari", "5")
    assert refused(record, office, dossier, IndicatorResult("IKU-9", "1")).code == "indicator_unknown"
    assert refused(record, office, dossier, IndicatorResult("IKU-1", "1"), login="sari").code == "not_performer"
    error = refused(
        indicators.record_results,
        *(office.archive, sari),
        dossier=dossier,
        step="5",
        results=[IndicatorResult("IKU-1", "1")],
    )
    assert error.code == "step_finished"


# recommendations ---------------------------------------------------------------------------------------------------


def open_next(office: Office, quarter: int = 2, year: int = 2026) -> str:
    return dossiers.open_dossier(
        office.archive,
        office.actor("maya"),
        sop="sop-spmi-601",
        work_unit=office.unit,
        year=year,
        quarter=quarter,
        title="Triwulan berikut",
        letter=dossiers.RequestLetter("1", "S", "2", "2026-03-26", "2026-03-26T09:00:00+07:00"),
    )


def recommended(office: Office, dossier: str) -> list[dict[str, Any]]:
    return indicator_reading.read_recommendations(office.archive, office.actor("wahyu"), dossier=dossier)[0]


def answer(office: Office, dossier: str, recommendation: str, state: str) -> None:
    indicators.answer_recommendation(
        office.archive,
        office.actor("bima"),
        dossier=dossier,
        recommendation=recommendation,
        state=state,
        note=f"Catatan {state}.",
    )


def test_the_next_period_begins_with_what_was_recommended_and_is_not_closed(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    results = [IndicatorResult(code, "10", f"Rekomendasi {code}.") for code in ("IKU-1", "IKU-2", "IKU-3.1")]
    play_to_step_7(office, dossier, *results, IndicatorResult(None, "bagus"))
    with office.forced() as connection:
        connection.execute(
            text("delete from opening where field = 'recommendation' and value = 'Rekomendasi IKU-3.1.'")
        )
    office.at("2026-03-26T10:00")
    second = open_next(office)
    found = recommended(office, second)
    assert [(r["code"], r["text"], r["state"], r["from_dossier"]) for r in found] == [
        ("IKU-1", "Rekomendasi IKU-1.", None, dossier),
        ("IKU-2", "Rekomendasi IKU-2.", None, dossier),
        ("IKU-3.1", "[dihapus]", None, dossier),
    ]
    assert recommended(office, open_next(office, 1)) == []
    answer(office, second, found[0]["recommendation"], "ongoing")
    answer(office, second, found[0]["recommendation"], "done")
    answer(office, second, found[1]["recommendation"], "ongoing")
    assert [(r["state"], r["note"]) for r in recommended(office, second)] == [
        *(("done", "Catatan done."), ("ongoing", "Catatan ongoing."), (None, None)),
    ]
    third = open_next(office, 1, 2027)
    assert [(r["code"], r["from_event"]) for r in recommended(office, third)] == [
        (r["code"], r["recommendation"]) for r in found[1:]
    ]
    assert refused(answer, office, third, found[0]["recommendation"], "done").code == "recommendation_unknown"
    assert refused(answer, office, third, found[0]["recommendation"], "later").code == "answer_not_a_choice"


def test_the_audit_computes_lists_results_and_recommendations_again(staged: tuple[Office, str]) -> None:
    office, dossier = staged
    play_to_step_7(office, dossier, IndicatorResult("IKU-1", "10", "R."))
    office.at("2026-03-26T10:00")
    open_next(office)
    office.turn()
    assert audit.check_archive(office.archive).discrepancies == []
    with office.forced() as connection:
        for row, column in (
            (IndicatorRow, "target"),
            (IndicatorResultRow, "achievement"),
            (RecommendationRow, "state"),
        ):
            connection.execute(text(f"update {row.__tablename__} set {column} = 'x'"))
    found = {(d.code, d.place.split()[0]) for d in audit.check_archive(office.archive).discrepancies}
    assert found == {("column_differs", t) for t in ("indicator", "indicator_result", "recommendation")}


def test_both_databases_hold_a_list_its_results_and_what_is_carried_over(office: Office) -> None:
    add_contributor(office)
    dossier = office.play("3")
    office.at("2026-03-16T09:00")
    indicators.set_indicators(office.archive, office.actor("hendra"), dossier=dossier, indicators=LIST)
    send(office, dossier, "citra", "IKU-1")
    play_to_step_7(office, dossier, IndicatorResult("IKU-1", "10", "R."))
    office.at("2026-03-26T10:00")
    second = open_next(office)
    found = recommended(office, second)
    assert [(r["code"], r["text"]) for r in found] == [("IKU-1", "R.")]
    answer(office, second, found[0]["recommendation"], "dropped")
    assert recommended(office, open_next(office, 3)) == []
    assert audit.check_archive(office.archive).discrepancies == []
