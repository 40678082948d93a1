"""Editing a calendar: a new version by an event, who may, what is refused, and what stays as it was judged."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from archive_service.db.event_log import read_openings, read_stream
from archive_service.db.models import DefinitionRow
from archive_service.domain.calendars import Change
from archive_service.errors import Conflict, Forbidden, InvalidDefinition, InvalidInput, NotFound
from archive_service.services import audit, calendars, definitions
from tests.office import Office

KEY = "id-government"
CLOSED = {
    "on": "2026-07-13",
    "title": "Dies natalis",
    "kind": "institution",
    "decree": "SK Direktur 12/2026",
    "status": "decreed",
}


@pytest.fixture
def database_kind() -> str:
    """One database is enough for most of what follows; the last test takes both."""
    return "sqlite"


def newest(office: Office) -> dict[str, Any]:
    return calendars.read_calendar(office.archive, office.actor("nuraini"), key=KEY)


def edit(office: Office, *changes: Change, login: str = "nuraini", based_on: str | None = None) -> str:
    return calendars.edit_calendar(
        office.archive,
        office.actor(login),
        key=KEY,
        changes=changes,
        reason="Surat edaran direktur.",
        based_on=based_on or newest(office)["digest"],
    ).digest


def unit_day(office: Office, **changes: Any) -> Change:
    entry = {
        "unit": office.unit,
        "on": "2026-07-14",
        "title": "Wisuda",
        "decree": "ST 7/2026",
        "status": "decreed",
        "sessions": [],
    }
    return Change("set", "unit_days", {**entry, **changes})


def used(office: Office, day: str, unit: str | None = None, version: int | None = None) -> int:
    found = calendars.explain_used(
        office.archive,
        office.actor("maya"),
        key=KEY,
        started_at=f"{day}T00:00",
        finished_at=f"{day}T23:59",
        unit=unit,
        version=version,
    )
    seconds: int = found["seconds"]
    return seconds


def test_edit_makes_a_new_version_and_leaves_the_old_one(office: Office) -> None:
    first = newest(office)["digest"]
    digest = edit(office, Change("set", "closed_days", CLOSED))
    after = newest(office)
    assert (after["version"], after["digest"]) == (2, digest)
    assert (used(office, "2026-07-13"), used(office, "2026-07-13", version=1)) == (0, 450 * 60)
    with office.archive.db.read() as session:
        event = read_stream(session, "service")[-1]
        opened = read_openings(session, [event.leaf_hash])
    assert event.type == "definition.registered"
    assert (event.payload["previous"], event.payload["digest"]) == (first, digest)
    assert opened[(event.leaf_hash, "reason")][0] == "Surat edaran direktur."
    assert (event.actor["person"], event.actor["role"]) == (office.actor("nuraini").person, "quality_checker")


def test_versions_say_who_when_why_and_what(office: Office) -> None:
    edit(office, Change("set", "closed_days", CLOSED))
    edit(office, Change("remove", "closed_days", {"on": "2026-07-13"}), unit_day(office), login="admin")
    third, second, first = calendars.list_calendar(office.archive, office.actor("maya"), key=KEY)
    assert [v["version"] for v in (first, second, third)] == [1, 2, 3]
    assert (first["previous"], first["reason"], first["changes"], first["person"]) == (None, None, [], None)
    assert (second["previous"], second["role"]) == (first["digest"], "quality_checker")
    assert (second["reason"], second["person"]) == ("Surat edaran direktur.", office.actor("nuraini").person)
    assert second["changes"] == [{"what": "added", "table": "closed_days", "before": None, "after": CLOSED}]
    assert [(c["what"], c["table"]) for c in third["changes"]] == [("removed", "closed_days"), ("added", "unit_days")]
    assert third["person_name"] is not None
    compared = calendars.compare_versions(office.archive, office.actor("maya"), key=KEY, before=1, after=3)
    assert [(c["what"], c["table"]) for c in compared] == [("added", "unit_days")]
    (listed,) = calendars.list_calendars(office.archive, office.actor("maya"))
    assert (listed["key"], listed["version"], listed["versions"]) == (KEY, 3, 3)


def test_day_of_a_unit_counts_for_that_unit_alone(office: Office) -> None:
    edit(office, unit_day(office, sessions=[["08:00", "10:00"]]))
    assert used(office, "2026-07-14", unit=office.unit) == 2 * 3600
    assert used(office, "2026-07-14") == 450 * 60


def test_shift_and_special_period_may_be_set_and_removed(office: Office) -> None:
    shift = {
        "unit": office.unit,
        "from": "2026-07-20",
        "to": "2026-07-21",
        "title": "Jam pendek",
        "profile": "ramadan",
        "decree": "ST 8/2026",
        "status": "decreed",
    }
    edit(office, Change("set", "unit_shifts", shift))
    assert used(office, "2026-07-20", unit=office.unit) == 390 * 60
    edit(office, Change("set", "unit_shifts", {**shift, "to": "2026-07-20"}))
    assert used(office, "2026-07-21", unit=office.unit) == 450 * 60
    edit(office, Change("remove", "unit_shifts", {"unit": office.unit, "from": "2026-07-20"}))
    assert used(office, "2026-07-20", unit=office.unit) == 450 * 60
    ramadan = next(p for p in newest(office)["definition"]["special_periods"] if p["from"] == "2027-02-08")
    edit(office, Change("set", "special_periods", {**ramadan, "to": "2027-03-08", "status": "decreed"}))
    assert used(office, "2027-02-08") == 390 * 60
    edit(office, Change("remove", "special_periods", {"from": "2027-02-08"}))
    assert used(office, "2027-02-08") == 450 * 60


def test_edit_of_another_version_than_the_newest_is_refused(office: Office) -> None:
    first = newest(office)["digest"]
    second = edit(office, Change("set", "closed_days", CLOSED))
    with pytest.raises(Conflict) as caught:
        edit(office, unit_day(office), based_on=first)
    assert caught.value.code == "calendar_changed"
    assert caught.value.params == {"version": 2, "digest": second}


@pytest.mark.parametrize("login", ["maya", "ratna", "wahyu"])
def test_only_administrators_and_quality_checkers_edit(office: Office, login: str) -> None:
    with pytest.raises(Forbidden) as caught:
        edit(office, Change("set", "closed_days", CLOSED), login=login)
    assert caught.value.code == "role_forbidden"


REFUSED: dict[str, tuple[list[tuple[str, str, dict[str, Any]]], str]] = {
    "nothing named": ([], "nothing_changed"),
    "what it says already": (
        [
            (
                "set",
                "closed_days",
                {
                    "on": "2026-01-01",
                    "kind": "national",
                    "status": "decreed",
                    "decree": "SKB 1497/2025, 2/2025, 5/2025",
                    "title": "Tahun Baru 2026 Masehi",
                },
            )
        ],
        "nothing_changed",
    ),
    "no decree": ([("set", "closed_days", {**CLOSED, "decree": ""})], "decree_missing"),
    "no decree at all": (
        [("set", "closed_days", {k: v for k, v in CLOSED.items() if k != "decree"})],
        "decree_missing",
    ),
    "no title": ([("set", "closed_days", {**CLOSED, "title": None})], "field_missing"),
    "before the calendar": ([("set", "closed_days", {**CLOSED, "on": "2021-12-31"})], "outside_calendar"),
    "after the calendar": ([("set", "closed_days", {**CLOSED, "on": "2028-01-01"})], "outside_calendar"),
    "no date": ([("set", "closed_days", {**CLOSED, "on": "2026-02-30"})], "date_expected"),
    "date of a number": ([("set", "closed_days", {**CLOSED, "on": 20260713})], "date_expected"),
    "the same day twice": (
        [("set", "closed_days", CLOSED), ("set", "closed_days", {**CLOSED, "kind": "national"})],
        "date_twice",
    ),
    "set and removed": (
        [("set", "closed_days", CLOSED), ("remove", "closed_days", {"on": "2026-07-13"})],
        "date_twice",
    ),
    "nothing to remove": ([("remove", "closed_days", {"on": "2026-07-13"})], "nothing_to_remove"),
    "another table": ([("set", "profiles", {"key": "normal"})], "table_unknown"),
    "another action": ([("move", "closed_days", CLOSED)], "action_unknown"),
    "a field of another table": ([("set", "closed_days", {**CLOSED, "profile": "ramadan"})], "field_unknown"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED)
def test_change_that_cannot_be_made_is_refused(
    office: Office, changes: list[tuple[str, str, dict[str, Any]]], code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        edit(office, *(Change(*change) for change in changes))
    assert caught.value.code == code
    assert newest(office)["version"] == 1


def test_two_feasts_of_a_date_are_told_by_their_titles(office: Office) -> None:
    edit(office, Change("set", "closed_days", CLOSED), Change("set", "closed_days", {**CLOSED, "title": "Waisak"}))
    with pytest.raises(InvalidInput) as caught:
        edit(office, Change("remove", "closed_days", {"on": "2026-07-13"}))
    assert caught.value.code == "entry_ambiguous"
    edit(office, Change("remove", "closed_days", {"on": "2026-07-13", "title": "Waisak"}))
    assert used(office, "2026-07-13") == 0


def test_what_is_no_sound_calendar_is_refused_with_its_place(office: Office) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        edit(office, unit_day(office, sessions=[["10:00", "08:00"]]))
    assert caught.value.problems[0].place == "unit_days[0].sessions[0]"


def test_unknown_unit_and_empty_reason_are_refused(office: Office) -> None:
    with pytest.raises(NotFound) as caught:
        edit(office, unit_day(office, unit="0" * 32))
    assert caught.value.code == "work_unit_unknown"
    with pytest.raises(InvalidInput) as empty:
        calendars.edit_calendar(
            office.archive,
            office.actor("admin"),
            key=KEY,
            changes=[unit_day(office)],
            reason=" ",
            based_on=newest(office)["digest"],
        )
    assert empty.value.code == "text_empty"


@pytest.mark.parametrize(
    "ask",
    [
        lambda a, who: calendars.list_calendar(a, who, key="mars"),
        lambda a, who: calendars.read_calendar(a, who, key="mars"),
        lambda a, who: calendars.read_calendar(a, who, key=KEY, version=9),
        lambda a, who: calendars.explain_due(a, who, key=KEY, started_at="2026-07-13T08:00", limit="1d", unit="x"),
    ],
)
def test_what_is_not_there_is_not_found(office: Office, ask: Any) -> None:
    with pytest.raises(NotFound):
        ask(office.archive, office.actor("maya"))


def test_due_time_is_explained_with_the_days_until_then(office: Office) -> None:
    found = calendars.explain_due(
        office.archive, office.actor("maya"), key=KEY, started_at="2026-03-13T10:00", limit="1200m", unit="polman-babel"
    )
    assert (found["due_at"], found["limit_seconds"], found["version"]) == ("2026-03-25T10:00:00+07:00", 72_000, 1)
    assert found["work_unit"] == office.unit
    assert len(found["days"]) == 13


def test_quality_checker_registers_no_sop_and_no_whole_file(office: Office) -> None:
    with office.archive.db.read() as session:
        definition = office.archive.catalog.newest(session, "calendar", KEY)
    with pytest.raises(Forbidden):
        definitions.register_definition(office.archive, office.actor("nuraini"), definition=definition)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=False)
def test_the_audit_agrees_with_an_edited_calendar(office: Office, database_kind: str) -> None:
    before = office.play("3")
    edit(office, Change("set", "closed_days", CLOSED), unit_day(office))
    report = audit.check_archive(office.archive)
    assert report.discrepancies == []
    with office.archive.db.read() as session:
        rows = session.execute(select(DefinitionRow.version).where(DefinitionRow.kind == "calendar")).scalars().all()
    assert sorted(rows) == [1, 2]
    assert before
