from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from archive_service.db.models import LocationRow, StatementRow
from archive_service.domain import canonical, manifest
from archive_service.errors import Forbidden, NotFound
from archive_service.services import audit, reading, retention
from archive_service.verifier.verify import VALID, check_bundle
from tests.office import Office

SCHEDULE: dict[str, Any] = {
    "title": "JRA Polman Babel",
    "institution": "Politeknik Manufaktur Negeri Bangka Belitung",
    "version": 2,
    "is_example": False,
    "effective_on": "2026-01-01",
}


def bundle_of(office: Office, dossier: str) -> bytes:
    office.turn()
    office.turn()
    return b"".join(reading.read_bundle(office.archive, office.actor("wahyu"), dossier=dossier).chunks)


def test_a_seal_names_the_schedule_and_the_bundle_holds_and_proves_it(office: Office) -> None:
    office.at("2026-03-12T08:30")
    dossier = office.play("3")
    # registered while the dossier runs: the seal rests on it, not the opening
    digest = office.register("retention/contoh.toml", **SCHEDULE)
    office.finish(dossier)
    data = bundle_of(office, dossier)
    report = check_bundle(io.BytesIO(data), len(data), office.archive.log_key.verifier_key)
    assert report.verdict == VALID, report.lines("en")
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        names = {name.partition("/")[2]: name for name in bundle.namelist()}
        assert f"data/evidence/definitions/{digest}.json" in names
        text = bundle.read(names[manifest.REPORT]).decode()
    assert "nasib akhir: musnah" in text and "nasib akhir: permanen" in text
    with office.archive.db.read() as session:
        stated = canonical.decode(session.get_one(StatementRow, dossier).data)
        places = session.execute(select(LocationRow).where(LocationRow.dossier_id == dossier)).scalars().all()
    assert stated["retention"]["classification"] == "CONTOH-01"
    assert {"kind": "retention_schedule", "key": "jra", "version": 2, "digest": digest} in stated["definitions"]
    # the longest of its entries: ten years, to the end of the day in WIB
    until = datetime(2036, 3, 31, 17, tzinfo=UTC)
    locks = [office.archive.store.stat(place.key, place.version_id).locked_until for place in places]
    assert locks and set(locks) == {until}
    assert audit.check_archive(office.archive).discrepancies == []


@pytest.fixture
def house(lite: Office) -> Office:
    return lite


def test_an_example_and_one_of_another_time_or_procedure_bind_nothing(house: Office) -> None:
    with house.archive.db.read() as session:
        assert retention.find_schedule(house.archive, session, "sop-spmi-601", "2026-03-12") is None
    house.register("retention/contoh.toml", **{**SCHEDULE, "effective_on": "2027-01-01"})
    kept = house.register("retention/contoh.toml", **{**SCHEDULE, "version": 1, "key": "jra-lama"})
    with house.archive.db.read() as session:
        found = [
            retention.find_schedule(house.archive, session, sop, "2026-03-12")
            for sop in ("sop-spmi-601", "pos-pengaduan")
        ]
    assert [None if each is None else each.digest for each in found] == [kept, None]


def test_schedules_are_for_who_keeps_definitions(house: Office) -> None:
    listed = retention.list_schedules(house.archive, house.actor("admin"))
    assert [(s["key"], s["is_example"], s["uncovered"]) for s in listed] == [("jra", True, [])]
    with pytest.raises(Forbidden):
        retention.list_schedules(house.archive, house.actor("wahyu"))
    with house.archive.db.read() as session:
        sop = house.archive.catalog.newest(session, "sop", "sop-spmi-601").digest
    with pytest.raises(NotFound) as caught:
        retention.read_schedule(house.archive, house.actor("admin"), digest=sop)
    assert caught.value.code == "definition_unknown"
