"""Numbers across dossiers: exact after any history, exact while they are folded, and told only to who may read them."""

from __future__ import annotations

import csv
import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from archive_service.db.models import EventRow, QualityCountRow
from archive_service.db.paging import PageRequest
from archive_service.db.quality import BEHIND, QualityFilter
from archive_service.db.tally import read_tally
from archive_service.domain.event import parse_event
from archive_service.errors import ArchiveError, Forbidden, InvalidInput
from archive_service.services import audit, compliance, deviations, dossiers, people, quality, spreadsheet
from archive_service.services.work import load_dossier
from tests.office import Office
from tests.services.quality_recount import recount

ALL = QualityFilter()
WHO = {"1": "ratna", "2": "ratna", "3": "hendra", "4": "sari", "5": "sari", "6": "bima", "7": "sari", "8": "hendra"}
WHO |= {"9": "ratna", "10": "maya", "11": "maya"}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def require_exact(office: Office) -> None:
    with office.archive.db.read() as session:
        assert read_tally(session) == recount(office.archive, session)


class History:
    """Random acts of an office over some dossiers."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.random = office, Random(seed)
        self.opened: list[str] = []
        self.rounds: dict[str, int] = {}

    def act(self) -> None:
        office, random = self.office, self.random
        office.clock.moment += timedelta(minutes=random.choice((1, 5, 20, 90, 400, 1500)))
        if len(self.opened) < 3:
            self.open()
            return
        chosen = random.choice(self.opened)
        kind = random.choices(("step", "turn", "sweep", "explain", "cancel", "open", "fold"), (70, 8, 6, 8, 1, 4, 4))[0]
        # refused now and then, by a role, a state, a duty: the numbers must not notice
        with suppress(ArchiveError):
            getattr(self, kind)() if kind in ("turn", "sweep", "open", "fold") else getattr(self, kind)(chosen)

    def open(self) -> None:
        received = (self.office.clock.moment + timedelta(hours=7, minutes=-10)).strftime("%Y-%m-%dT%H:%M")
        self.opened.append(
            dossiers.open_dossier(
                self.office.archive,
                self.office.actor("maya"),
                sop="sop-spmi-601",
                work_unit=self.office.unit,
                year=self.random.choice((2025, 2026)),
                quarter=self.random.randint(1, 2),
                title="Uji",
                letter=dossiers.RequestLetter("1", "S", "2", "2026-03-12", f"{received}:00+07:00", None),
            )
        )

    def step(self, dossier: str) -> None:
        office = self.office
        with office.archive.db.read() as session:
            state = load_dossier(office.archive, session, dossier)
        (key,) = [k for k in state.sop.order if state.running(k)] or ("",)
        if key == "11":
            office.seal(dossier)
        elif key in ("7", "8", "9"):
            is_return = self.random.random() < 0.3
            office.decide(
                dossier, WHO[key], key, "return" if is_return else "approve", "Keliru." if is_return else None
            )
        elif key:
            run = state.running(key)
            assert run is not None
            again = 2 if key == "6" and run.iteration == 2 else 1
            office.submit(dossier, WHO[key], key, again)

    def turn(self) -> None:
        self.office.turn()

    def sweep(self) -> None:
        compliance.sweep_deadlines(self.office.archive)

    def fold(self) -> None:
        quality.fold_counts(self.office.archive)

    def explain(self, dossier: str) -> None:
        with self.office.archive.db.read() as session:
            owed = load_dossier(self.office.archive, session, dossier).open_deviations()
        logins = {person: login for login, person in self.office.persons.items()}
        for deviation in owed[:1]:
            if deviation.responsible is not None:
                deviations.explain_deviation(
                    self.office.archive,
                    self.office.actor(logins[deviation.responsible]),
                    dossier=dossier,
                    deviation=deviation.id,
                    explanation="Rapat.",
                )

    def cancel(self, dossier: str) -> None:
        dossiers.request_cancellation(self.office.archive, self.office.actor("maya"), dossier=dossier, reason="Ganda.")
        dossiers.confirm_cancellation(self.office.archive, self.office.actor("ratna"), dossier=dossier)


@pytest.mark.parametrize("seed", [1, 2])
def test_numbers_are_those_of_a_naive_recount_after_any_history(office: Office, seed: int) -> None:
    history = History(office, seed)
    for number in range(60):
        history.act()
        if number % 20 == 19:
            require_exact(office)
    quality.fold_counts(office.archive)
    require_exact(office)
    assert audit.check_archive(office.archive).discrepancies == []
    with office.archive.db.read() as session:
        assert (
            session.execute(
                select(func.count()).select_from(QualityCountRow).where(~QualityCountRow.is_folded)
            ).scalar_one()
            == 0
        )


def test_the_audit_finds_a_number_that_events_do_not_tell(office: Office) -> None:
    office.play("2")
    with office.forced() as connection:
        connection.execute(QualityCountRow.__table__.delete().where(QualityCountRow.step == "1"))  # type: ignore[attr-defined]
    found = {d.code for d in audit.check_archive(office.archive).discrepancies}
    assert found == {"count_differs"}


@pytest.fixture
def full(office: Office) -> Office:
    """A dossier at its end with a return and a late step, and one whose step 4 runs late."""
    office.play("10")
    office.turn()
    office.play("3")
    office.at("2026-03-31T11:00")
    return office


def test_a_summary_tells_rates_by_step(full: Office) -> None:
    found = quality.read_summary(full.archive, full.actor("nuraini"), wanted=ALL, by=("step",))
    rows = {row["step"]: row for row in found}
    assert (rows[None]["dossiers"], rows[None]["runs"], rows[None]["on_time_rate"]) == (2, 0, None)
    assert (rows["4"]["runs"], rows["4"]["late"], rows["4"]["on_time_rate"]) == (2, 1, 0.0)
    assert (rows["6"]["runs"], rows["6"]["sent_back"], rows["8"]["returns"]) == (2, 1, 1)
    (whole,) = quality.read_summary(full.archive, full.actor("nuraini"), wanted=ALL, by=())
    assert whole["dossiers"] == 2 and whole["late"] == sum(row["late"] for row in found)


def test_each_number_is_the_count_of_what_is_behind_it(full: Office) -> None:
    compliance.sweep_deadlines(full.archive)
    reader = full.actor("nuraini")
    (whole,) = quality.read_summary(full.archive, reader, wanted=ALL, by=())
    for measure in set(BEHIND) - {"deviations", "unexplained"}:
        page = quality.page_runs(full.archive, reader, wanted=ALL, measure=measure, page=PageRequest())
        assert len(page.rows) == whole[measure], measure
    for measure in ("deviations", "unexplained"):
        page = quality.page_runs(full.archive, reader, wanted=ALL, measure=measure, page=PageRequest())
        assert [row["step"] for row in page.rows] == [row["step"] for row in page.rows if row["step"]]
        assert 0 < len(page.rows) <= whole[measure]


def test_who_is_overdue_shows_before_and_after_the_sweep(full: Office) -> None:
    reader = full.actor("nuraini")
    for _ in range(2):
        page = quality.page_overdue(full.archive, reader, wanted=ALL, page=PageRequest())
        assert [(row["step"], row["responsible_name"]) for row in page.rows] == [("4", "Sari"), ("11", "Maya")]
        compliance.sweep_deadlines(full.archive)
    owed = quality.page_unexplained(full.archive, reader, wanted=ALL, page=PageRequest(1))
    assert owed.next is not None and owed.rows[0]["step"] == "4"
    rest = quality.page_unexplained(full.archive, reader, wanted=ALL, page=PageRequest(100, owed.next))
    (whole,) = quality.read_summary(full.archive, reader, wanted=ALL, by=())
    assert 1 + len(rest.rows) == whole["unexplained"]


def test_a_performer_sees_the_numbers_of_their_own_units_alone(full: Office) -> None:
    admin = full.actor("admin")
    other = people.create_work_unit(full.archive, admin, code="lain", name="Unit Lain", parent=full.unit)
    person = full.persons["agus"]
    for held in full.actor("agus").assignments:
        people.end_assignment(full.archive, admin, assignment=held.id)
    people.assign_role(
        full.archive, admin, person=person, role="sakip_team", work_unit=other, from_on="2026-01-01", lead=False
    )
    assert quality.read_summary(full.archive, full.actor("agus"), wanted=ALL, by=("step",)) == []
    assert quality.page_overdue(full.archive, full.actor("agus"), wanted=ALL, page=PageRequest()).rows == []
    assert quality.page_unexplained(full.archive, full.actor("agus"), wanted=ALL, page=PageRequest()).rows == []
    own = quality.page_runs(full.archive, full.actor("agus"), wanted=ALL, measure="runs", page=PageRequest())
    assert own.rows == []
    assert quality.read_summary(full.archive, full.actor("ratna"), wanted=ALL, by=("step",)) != []
    with pytest.raises(Forbidden):
        quality.read_summary(full.archive, full.actor("admin"), wanted=ALL)


def test_what_cannot_be_asked_is_refused_with_what_can(full: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = full.actor("nuraini")
    for by in (("colour",), ("step", "step")):
        with pytest.raises(InvalidInput) as caught:
            quality.read_summary(full.archive, reader, wanted=ALL, by=by)
        assert caught.value.code == "group_unknown" and "work_unit" in caught.value.detail
    with pytest.raises(InvalidInput) as caught:
        quality.page_runs(full.archive, reader, wanted=ALL, measure="dossiers", page=PageRequest())
    assert caught.value.code == "measure_unknown"
    with pytest.raises(InvalidInput) as caught:
        quality.export_summary(full.archive, reader, wanted=ALL, by=("step",), kind="ods")
    assert caught.value.code == "format_unknown"
    monkeypatch.setattr(quality, "LISTED", 3)
    with pytest.raises(InvalidInput) as caught:
        quality.read_summary(full.archive, reader, wanted=ALL, by=("step",))
    assert caught.value.code == "summary_too_long"


def test_an_auditors_looks_and_exports_are_recorded(full: Office) -> None:
    auditor = full.actor("wahyu")
    quality.read_summary(full.archive, auditor, wanted=ALL)
    quality.page_overdue(full.archive, auditor, wanted=ALL, page=PageRequest())
    content = quality.export_summary(full.archive, auditor, wanted=ALL, by=("step",), kind="xlsx")
    quality.read_summary(full.archive, full.actor("nuraini"), wanted=ALL)
    with full.archive.db.read() as session:
        rows = session.execute(select(EventRow.data).where(EventRow.type == "record.read").order_by(EventRow.seq))
        told = [parse_event(data).payload for data in rows.scalars()]
    assert [(p["what"], p["digest"]) for p in told] == [
        ("quality", None),
        ("quality", None),
        ("quality_export", content.digest),
    ]


def test_an_export_holds_the_summary_and_names_that_look_like_formulas_stay_texts(full: Office) -> None:
    people.create_work_unit(
        full.archive, full.actor("admin"), code="rumus", name='=HYPERLINK("http://x")', parent=full.unit
    )
    content = quality.export_summary(
        full.archive, full.actor("nuraini"), wanted=ALL, by=("work_unit", "step"), kind="csv"
    )
    data = b"".join(content.chunks)
    assert data.startswith(b"\xef\xbb\xbf") and content.media_type == "text/csv"
    table = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert table[0][:4] == ["work_unit", "step", "work_unit_name", "dossiers"] and table[0][-1] == "complete_rate"
    assert {row[2] for row in table[1:]} == {"Polman Babel"} and len(table) == 13
    assert b"".join(content.read_range(3, 9)) == data[3:12]


@pytest.mark.parametrize("text", ["=1+1", "+62", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    assert spreadsheet.safe_text(text) == "'" + text
    made_at = datetime(2026, 3, 31, tzinfo=UTC)
    table = spreadsheet.write_table("csv", [text], [[text, -5, None, 0.5]], title=text, made_at=made_at)
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert rows == [["'" + text], ["'" + text, "-5", "", "0.5"]]
    book = spreadsheet.write_table("xlsx", [text], [[text, -5, None, 0.5]], title=text, made_at=made_at)
    assert book == spreadsheet.write_table("xlsx", [text], [[text, -5, None, 0.5]], title=text, made_at=made_at)
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet and b"<v>-5</v>" in sheet


@pytest.mark.parametrize("text", ["", "Unit 1", "a=b", "1-2", "'=1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert spreadsheet.safe_text(text) == text
