from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive_service.domain import retention
from archive_service.errors import InvalidDefinition

SHIPPED = Path(__file__).parents[2] / "archive_service" / "data" / "retention" / "contoh.toml"


def shipped(**changes: Any) -> dict[str, Any]:
    return {**tomllib.loads(SHIPPED.read_text(encoding="utf-8")), **changes}


def test_the_shipped_schedule_is_sound_and_says_that_it_is_an_example() -> None:
    schedule = retention.parse_schedule(shipped())
    assert schedule.is_example and "CONTOH" in schedule.title
    whole, report = schedule.entries_of("sop-spmi-601")
    assert (whole.kind, report.kind) == (None, "submitted_report")
    assert not schedule.covers("pos-pengaduan") and retention.stated(schedule, "pos-pengaduan") is None


def test_everything_wrong_with_a_schedule_shows_at_once() -> None:
    entry = shipped()["entries"][0]
    broken = shipped(
        effective_on="kapan-kapan",
        entries=[
            {**entry, "disposition": "hilang", "active_years": -1},
            entry,
            {**entry, "sop": "lain", "kind": "notula"},
            entry,
        ],
    )
    with pytest.raises(InvalidDefinition) as caught:
        retention.parse_schedule(broken)
    assert [p.place for p in caught.value.problems] == [
        "effective_on",
        "entries[0].active_years",
        "entries[0].disposition",
        "entries[1]",
        "entries[3]",
        "entries[2].sop",
    ]


@pytest.mark.parametrize(
    ("sealed_at", "years", "until"),
    [
        ("2026-03-31T03:12:00Z", 10, "2036-03-31"),
        ("2028-02-29T03:12:00Z", 3, "2031-03-01"),
        ("2026-03-31", 0, "2026-03-31"),
    ],
)
def test_a_dossier_is_kept_for_the_longest_of_its_entries(sealed_at: str, years: int, until: str) -> None:
    told = {"active_years": 0, "inactive_years": 0, "kinds": [{"active_years": years, "inactive_years": 0}]}
    assert retention.kept_until({"sealed_at": sealed_at, "retention": told}) == until


def test_nothing_is_said_of_a_dossier_that_no_schedule_covered() -> None:
    assert retention.kept_until({"sealed_at": "2026-03-31", "retention": None}) is None
