"""Originals on paper: recorded per document, again and again, before and after the seal; in statement and report."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from archive_service.db.models import PaperOriginalRow, StatementRow
from archive_service.domain import canonical
from archive_service.errors import ArchiveError, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, papers, reading
from archive_service.services.work import load_dossier
from tests.office import Office

PLACE = {"room": "Ruang arsip", "shelf": "R-2", "box": "7", "folder": "Triwulan I 2026"}


def first_document(office: Office, dossier: str) -> str:
    with office.archive.db.read() as session:
        return load_dossier(office.archive, session, dossier).versions[0].document


def record(office: Office, dossier: str, login: str = "maya", **facts: Any) -> None:
    given = {"document": first_document(office, dossier), "exists": True, **PLACE, **facts}
    papers.record_paper(office.archive, office.actor(login), dossier=dossier, **given)


def test_the_newest_record_of_a_paper_counts_before_and_after_the_seal(office: Office) -> None:
    dossier = office.play("10", with_return=False)
    record(office, dossier)
    record(office, dossier, "hendra", box=" 8 ", folder="")
    office.at("2026-03-31T10:12")
    office.seal(dossier)
    with office.archive.db.read() as session:
        sealed = canonical.decode(session.get_one(StatementRow, dossier).data)
    known = {d["document"]: d["paper"] for d in sealed["documents"]}
    told = known.pop(first_document(office, dossier))
    assert (told["exists"], told["room"], told["box"], told["folder"]) == (True, "Ruang arsip", "8", None)
    # nothing recorded is not the same as no paper
    assert set(known.values()) == {None} and len(known) > 5
    record(office, dossier, exists=False, room=None, shelf=None, box=None, folder=None)
    found = reading.read_dossier(office.archive, office.actor("ratna"), dossier=dossier)
    assert found["documents"][0]["paper"]["exists"] is False and found["documents"][1]["paper"] is None
    with office.archive.db.read() as session:
        (row,) = session.execute(select(PaperOriginalRow)).scalars()
        assert (row.is_there, row.room, row.dossier_id) == (False, None, dossier)
    assert audit.check_archive(office.archive).discrepancies == []
    with office.forced() as connection:
        connection.execute(text("update paper_original set room = 'lain'"))
    assert [d.code for d in audit.check_archive(office.archive).discrepancies] == ["column_differs"]


def test_what_is_refused_of_papers(lite: Office) -> None:
    dossier = lite.play("1")
    refusals: list[tuple[dict[str, Any], type[ArchiveError], str]] = [
        ({"document": "0" * 32}, NotFound, "document_unknown"),
        ({"document": "x"}, InvalidInput, "id_expected"),
        ({"exists": False}, InvalidInput, "paper_place_of_nothing"),
        ({"box": "x" * 101}, InvalidInput, "text_too_long"),
        ({"login": "wahyu"}, Forbidden, "role_forbidden"),
        ({"login": "admin"}, Forbidden, "role_forbidden"),
    ]
    for facts, error, code in refusals:
        with pytest.raises(error) as refused:
            record(lite, dossier, **facts)
        assert refused.value.code == code


def test_papers_are_recorded_so_often_as_a_bundle_holds(lite: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    dossier = lite.play("1")
    monkeypatch.setattr("archive_service.domain.refusal.PAPER_RECORDS_LIMIT", 1)
    record(lite, dossier)
    with pytest.raises(ArchiveError) as full:
        record(lite, dossier)
    assert full.value.code == "papers_full"


def test_equipment_is_read_with_the_dossier(lite: Office) -> None:
    dossier = lite.play("2")
    found = reading.read_dossier(lite.archive, lite.actor("ratna"), dossier=dossier)["equipment"]
    assert [item["state"] for item in found] == [
        *("present", "present", "missing", "missing", "not_checked", "missing"),
    ]
