"""Search: by words, ids, digests and numbers, within what one may read; erased with what it came from, and made again."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select

from archive_service.db.models import LogLeafRow, OpeningRow, SearchEntryRow, SearchTokenRow
from archive_service.db.paging import PageRequest
from archive_service.errors import InvalidInput
from archive_service.services import audit, dossiers, people, search, users
from archive_service.services.search import Found
from tests.office import PASSWORD, Office


def find(office: Office, login: str, query: str, **wanted: str) -> Found:
    return search.find(office.archive, office.actor(login), query=query, page=PageRequest(20), **wanted)


def counts(found: Found) -> dict[str, int]:
    return {group.kind: group.count for group in found.groups}


def open_elsewhere(office: Office) -> str:
    """A dossier of another unit, and its clerk ``lain``."""
    admin = office.actor("admin")
    unit = people.create_work_unit(office.archive, admin, code="mesin", name="Teknik Mesin")
    person = people.register_person(office.archive, admin, name="Lain")
    users.create_user(office.archive, admin, person=person, login="lain", password=PASSWORD)
    people.assign_role(office.archive, admin, person=person, role="data_officer", work_unit=unit, from_on="2026-01-01")
    return dossiers.open_dossier(
        office.archive,
        office.actor("lain"),
        sop="sop-spmi-601",
        work_unit=unit,
        year=2026,
        quarter=1,
        title="Pengukuran di bengkel Rahasia",
        letter=dossiers.RequestLetter("0999/X/2026", "Bengkel", "SM-1", "2026-03-12", "2026-03-12T09:00:00+07:00"),
    )


def test_words_in_any_case_and_order_find_what_begins_with_all_of_them(office: Office) -> None:
    dossier = office.play("4")
    found = find(office, "wahyu", "KINERJA pengukúran 2026")
    assert [hit["subject"] for hit in found.groups[0].page.rows] == [dossier]
    assert found.groups[0].page.rows[0]["title"] == "Pengukuran data kinerja triwulan I"
    assert counts(find(office, "wahyu", "0412/B1/TU")) == {"dossier": 1, "document": 0, "event": 0, "person": 0}
    assert counts(find(office, "wahyu", "0412/B2")) == {"dossier": 0, "document": 0, "event": 0, "person": 0}
    assert counts(find(office, "wahyu", "polman"))["dossier"] == 1
    files = find(office, "wahyu", "surat").groups[1]
    assert files.kind == "document" and files.count >= 1
    assert all("surat" in hit["title"] for hit in files.page.rows)
    assert [h["details"]["login"] for h in find(office, "wahyu", "wahyu").groups[3].page.rows] == ["wahyu"]


def test_another_units_data_neither_shows_nor_counts(office: Office) -> None:
    own = office.play("2")
    other = open_elsewhere(office)
    assert counts(find(office, "wahyu", "pengukuran"))["dossier"] == 2
    found = find(office, "maya", "pengukuran")
    assert counts(found)["dossier"] == 1 and found.groups[0].page.rows[0]["subject"] == own
    for query in ("rahasia", "0999", "bengkel", other[:20], other, "mesin"):
        told = find(office, "maya", query)
        assert told.identified == [] and set(counts(told).values()) == {0}, query
    assert "person" not in counts(found) and counts(find(office, "admin", "lain")) == {"person": 1}
    assert [h["subject"] for h in find(office, "lain", other[:20]).identified] == [other]
    assert find(office, "maya", f"{other[:20]}#0").identified == []


def test_ids_digests_and_numbers_are_found(lite: Office) -> None:
    dossier = lite.play("2")
    lite.turn()
    document = find(lite, "wahyu", "pdf").groups[1].page.rows[0]
    assert [h["subject"] for h in find(lite, "wahyu", document["digest"][:16]).identified] == [document["subject"]]
    (event,) = find(lite, "wahyu", f"{dossier}#3").identified
    assert event["seq"] == 3 and event["dossier"] == dossier
    assert [h["subject"] for h in find(lite, "wahyu", event["digest"]).identified] == [event["subject"]]
    with lite.archive.db.read() as session:
        rows = select(LogLeafRow.leaf_index).where(LogLeafRow.leaf_hash == event["digest"])
        index = session.execute(rows).scalar_one()
    assert [h["subject"] for h in find(lite, "wahyu", f"#{index}").identified] == [event["subject"]]
    # the first leaf is the setup's own
    assert find(lite, "wahyu", "#0").identified == []


def test_a_contributor_finds_what_they_sent_and_nothing_else(lite: Office) -> None:
    lite.play("2")
    admin = lite.actor("admin")
    citra = people.register_person(lite.archive, admin, name="Citra")
    users.create_user(lite.archive, admin, person=citra, login="citra", password=PASSWORD)
    people.assign_role(lite.archive, admin, person=citra, role="contributor", work_unit=lite.unit, from_on="2026-01-01")
    assert counts(find(lite, "citra", "pdf")) == {"document": 0}


def test_what_is_erased_is_found_no_more_and_the_index_is_made_again_without_it(office: Office) -> None:
    dossier = office.play("4")
    with office.archive.db.write() as session:
        (leaf,) = session.execute(select(SearchEntryRow.event_hash).where(SearchEntryRow.subject == dossier)).scalars()
        session.execute(delete(OpeningRow).where(OpeningRow.event_hash == leaf, OpeningRow.field == "title"))
    assert counts(find(office, "wahyu", "pengukuran data"))["dossier"] == 0
    assert counts(find(office, "wahyu", "0412"))["dossier"] == 1

    def words() -> set[tuple[str, str, str]]:
        with office.archive.db.read() as session:
            rows = session.execute(
                select(SearchEntryRow.event_hash, SearchTokenRow.token, SearchTokenRow.field).join(
                    SearchEntryRow, SearchEntryRow.id == SearchTokenRow.entry_id
                )
            )
            return {(row[0], row[1], row[2]) for row in rows}

    before = words()
    seen: list[tuple[int, int]] = []
    assert search.rebuild(office.archive, lambda done, size: seen.append((done, size))) > 10
    assert words() == before and seen[-1][0] == seen[-1][1]
    assert counts(find(office, "wahyu", "pengukuran data"))["dossier"] == 0


def test_an_auditors_search_is_recorded_with_its_words_behind_a_commitment(lite: Office) -> None:
    find(lite, "wahyu", "laporan rahasia")
    find(lite, "maya", "laporan")
    with lite.archive.db.read() as session:
        assert (
            session.execute(
                select(func.count()).select_from(OpeningRow).where(OpeningRow.field == "query")
            ).scalar_one()
            == 1
        )
        assert (
            session.execute(select(SearchTokenRow.token).where(SearchTokenRow.token.endswith("rahasia"))).first()
            is None
        )
    assert audit.check_archive(lite.archive).discrepancies == []


def test_pages_follow_each_other_without_repeating(lite: Office) -> None:
    lite.play("4")
    seen: list[str] = []
    page = PageRequest(2)
    while True:
        found = search.find(lite.archive, lite.actor("wahyu"), query="pdf", kind="document", page=page)
        seen += [hit["subject"] for hit in found.groups[0].page.rows]
        if found.groups[0].page.next is None:
            break
        page = PageRequest(2, found.groups[0].page.next)
    assert len(seen) == len(set(seen)) == found.groups[0].count > 2


WRONG = [("/// ", "query_empty"), ("a b c d e f g h i", "query_too_long"), ("", "text_empty")]


def test_a_query_without_words_or_with_too_many_is_refused(lite: Office) -> None:
    for query, code in WRONG:
        with pytest.raises(InvalidInput) as wrong:
            find(lite, "wahyu", query)
        assert wrong.value.code == code
    with pytest.raises(InvalidInput) as unknown:
        find(lite, "wahyu", "surat", kind="user")
    assert unknown.value.code == "kind_unknown_search"
