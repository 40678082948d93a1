"""Every evidenced column of every table: change it behind the service's back, and the audit says so."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Boolean

from archive_service import wiring
from archive_service.config import load_settings
from archive_service.db.models import Base
from archive_service.services import (
    attestations,
    audit,
    compliance,
    delegations,
    dossiers,
    findings,
    indicator_reading,
    indicators,
    obligations,
    papers,
    passkeys,
    users,
)
from archive_service.services.work import load_dossier
from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office, make_office, register_passkey

TABLES = sorted(Base.metadata.tables)
EVIDENCED = [
    (table, column.name)
    for table in TABLES
    for column in Base.metadata.tables[table].columns
    if column.info["declared"] == "evidenced"
]


def test_every_column_is_declared() -> None:
    undeclared = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.info.get("declared") not in ("evidenced", "operational")
    ]
    assert undeclared == []


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with something in every evidenced table."""
    folder: Path = tmp_path_factory.mktemp("full") / "var"
    office = make_office(folder)
    owe(office)
    token = users.create_token(office.archive, office.actor("maya"), name="a", days=90)
    users.revoke_token(office.archive, office.actor("maya"), token=token.id)
    cookie = users.start_session(office.archive, login="maya", password=PASSWORD)
    users.end_session(office.archive, cookie=cookie)
    recommend(office, office.play("5"))
    office.play("10")
    office.turn()
    office.at("2026-03-31T10:12")
    office.seal(office.play("10"))
    settle(office)
    dossier = office.play()
    office.turn()
    office.answer(dossier, "hendra", "time_norm_passed", office.explain(dossier, "sari", "time_norm_passed"))
    office.register("calendars/id-government.toml", version=2, title="Kalender yang dikoreksi")
    compliance.judge_again(office.archive, office.actor("nuraini"), dossier=dossier, reason="SKB dikoreksi")
    settle(office)
    with office.archive.db.read() as session:
        document = load_dossier(office.archive, session, dossier).versions[0].document
    papers.record_paper(
        office.archive, office.actor("maya"), dossier=dossier, document=document, exists=True, room="A", box="7"
    )
    represent(office)
    settle(office)
    office.archive.db.close()
    return folder


def owe(office: Office) -> None:
    """A quarter that nobody started, its explanation, and a finding with its action."""
    checker, wahyu, ratna = (office.actor(login) for login in ("nuraini", "wahyu", "ratna"))
    obligations.set_obligations(
        office.archive, checker, sop="sop-spmi-601", year=2025, quarter=4, due_on="2026-03-12", letter="ST-1"
    )
    office.at("2026-03-13T07:45")
    obligations.sweep_obligations(office.archive)
    (missed,) = obligations.list_unit_deviations(office.archive, checker, work_unit=office.unit)
    place = {"work_unit": office.unit, "deviation": missed["deviation"]}
    obligations.explain_unit_deviation(office.archive, ratna, **place, explanation="Audit BPK.")
    made = findings.propose_finding(
        office.archive, checker, work_unit=office.unit, deviations=[missed["deviation"]], text="Tidak dilaksanakan."
    )
    findings.classify_finding(
        office.archive,
        wahyu,
        finding=made,
        classification="kts_minor",
        problem="a",
        location="b",
        evidence="c",
        reference="d",
    )
    findings.state_cause(office.archive, wahyu, finding=made, cause="Lupa.")
    findings.set_action(
        office.archive, wahyu, finding=made, action="Kalender.", pic=office.persons["bima"], due_on="2026-06-30"
    )


def represent(office: Office) -> None:
    """An attestation, and a substitute who decides with a password that an administrator set."""
    dossier = office.play("7", with_return=False)
    bima, hendra, agus = (office.actor(login) for login in ("bima", "hendra", "agus"))
    attestations.attest(office.archive, bima, assignment=bima.assignments[0].id, sop="sop-spmi-601")
    delegation = delegations.propose_delegation(
        office.archive,
        hendra,
        substitute=agus.person,
        assignment=hendra.assignments[0].id,
        mode="plh",
        from_on="2026-03-27",
        to_on="2026-04-03",
        letter="ST-12/PL/2026",
        letter_on="2026-03-26",
        sops=["sop-spmi-601"],
    )
    delegations.confirm_delegation(office.archive, agus, delegation=delegation)
    users.set_password(office.archive, office.actor("admin"), user=agus.user, password=PASSWORD)
    key = SoftAuthenticator()
    register_passkey(office, "agus", key)
    office.sign(dossier, "agus", "8", key)
    revoked = register_passkey(office, "bima", SoftAuthenticator(seed=2))
    passkeys.revoke_passkey(office.archive, office.actor("bima"), passkey=revoked, password=PASSWORD)


def recommend(office: Office, dossier: str) -> None:
    """An indicator with a result, and a dossier of the next quarter that begins with its recommendation."""
    sari, bima, maya = (office.actor(login) for login in ("sari", "bima", "maya"))
    listed = [indicators.ListedIndicator("IKU-1", "Lulusan bekerja", "80", "%", "78", "sari")]
    indicators.set_indicators(office.archive, sari, dossier=dossier, indicators=listed)
    results = [indicators.IndicatorResult("IKU-1", "79", "Magang."), indicators.IndicatorResult(None, "79")]
    indicators.record_results(office.archive, bima, dossier=dossier, step="6", results=results)
    letter = dossiers.RequestLetter("1", "S", "2", "2026-03-12", "2026-03-13T09:00:00+07:00")
    following = dossiers.open_dossier(
        office.archive,
        maya,
        sop="sop-spmi-601",
        work_unit=office.unit,
        year=2026,
        quarter=2,
        title="Triwulan II",
        letter=letter,
    )
    found, _ = indicator_reading.read_recommendations(office.archive, maya, dossier=following)
    answer = {"recommendation": found[0]["recommendation"], "state": "ongoing", "note": "Disusun."}
    indicators.answer_recommendation(office.archive, bima, dossier=following, **answer)


def settle(office: Office) -> None:
    import time

    from archive_service.runner import Runner

    runner = Runner(office.archive)
    for _ in range(100):
        did = runner.turn()
        if not did:
            time.sleep(0.3)
            if not runner.turn():
                return


def check(folder: Path) -> audit.AuditReport:
    archive = wiring.build_for_audit(load_settings(data_dir=folder))
    try:
        return audit.check_archive(archive)
    finally:
        archive.db.close()


def test_an_untouched_archive_has_no_discrepancy(full: Path) -> None:
    report = check(full)
    assert report.discrepancies == []
    assert report.events > 80 and report.rows > 80


def test_every_evidenced_table_holds_something(full: Path) -> None:
    with sqlite3.connect(full / "archive.db") as connection:
        empty = [t for t, _ in EVIDENCED if connection.execute(f'select count(*) from "{t}"').fetchone()[0] == 0]
    assert empty == []


@pytest.fixture
def copy(full: Path, tmp_path: Path) -> Path:
    shutil.copytree(full, tmp_path / "var")
    return tmp_path / "var"


def drop_guards(connection: sqlite3.Connection) -> None:
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {name}")


def tampered(value: object) -> object:
    if value is None:
        return "2026-01-01 00:00:00.000000"
    if isinstance(value, int):
        return value + 7
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    text = str(value)
    if text[:2] == "20" and text[4:5] == "-":
        return "2019" + text[4:]
    return ("0" if text[:1] != "0" else "1") + text[1:]


@pytest.mark.parametrize("table", sorted({t for t, _ in EVIDENCED}))
def test_a_changed_value_in_any_evidenced_column_is_found(copy: Path, table: str) -> None:
    unnoticed = []
    for column in [c for t, c in EVIDENCED if t == table]:
        with sqlite3.connect(copy / "archive.db") as connection:
            drop_guards(connection)
            rowid, value = connection.execute(f'select rowid, "{column}" from "{table}" order by rowid desc').fetchone()
            is_boolean = isinstance(Base.metadata.tables[table].columns[column].type, Boolean)
            # any number but 0 reads as true
            changed = int(not value) if is_boolean else tampered(value)
            connection.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (changed, rowid))
        if not check(copy).discrepancies:
            unnoticed.append(column)
        with sqlite3.connect(copy / "archive.db") as connection:
            drop_guards(connection)
            # an INTEGER PRIMARY KEY is the rowid itself: the row has moved with it
            moved = (
                tampered(rowid)
                if isinstance(value, int) and value == rowid and not _has(connection, table, rowid)
                else rowid
            )
            connection.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (value, moved))
    assert unnoticed == []
    assert check(copy).discrepancies == [], "every change was taken back"


def _has(connection: sqlite3.Connection, table: str, rowid: int) -> bool:
    return connection.execute(f'select 1 from "{table}" where rowid = ?', (rowid,)).fetchone() is not None


@pytest.mark.parametrize("table", sorted({t for t, _ in EVIDENCED} - {"opening"}))
def test_a_dropped_row_is_found(copy: Path, table: str) -> None:
    with sqlite3.connect(copy / "archive.db") as connection:
        drop_guards(connection)
        connection.execute(f'delete from "{table}" where rowid = (select max(rowid) from "{table}")')
    assert check(copy).discrepancies


def test_an_erased_opening_is_no_discrepancy(copy: Path) -> None:
    # the event keeps its commitment, the value is gone: that is what erasing means
    with sqlite3.connect(copy / "archive.db") as connection:
        connection.execute("delete from opening where rowid = (select max(rowid) from opening)")
    assert check(copy).discrepancies == []


def test_a_damaged_object_is_found_when_objects_are_hashed(copy: Path) -> None:
    objects = sorted((copy / "store" / "objects").iterdir())
    objects[0].chmod(0o600)
    objects[0].write_bytes(b"something else")
    archive = wiring.build_for_audit(load_settings(data_dir=copy))
    report = audit.check_archive(archive, with_objects=True)
    archive.db.close()
    assert [d.code for d in report.discrepancies] == ["object_damaged"]
