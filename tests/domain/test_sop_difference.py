from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

from archive_service.domain.definition import plain
from archive_service.domain.sop_difference import ADDED, CHANGED, MOVED, REMOVED, Difference, compare

SHIPPED = Path(__file__).parents[2] / "archive_service" / "data" / "sops" / "sop-spmi-601.toml"


def both() -> tuple[dict[str, Any], dict[str, Any]]:
    mapping = plain(tomllib.loads(SHIPPED.read_text(encoding="utf-8")))
    return mapping, copy.deepcopy(mapping)


def test_the_same_differs_in_nothing_and_the_number_of_the_version_alone_is_none() -> None:
    old, new = both()
    new["version"] = 2
    assert compare(old, new) == []


def test_each_change_is_told_with_its_step_and_field() -> None:
    old, new = both()
    new["title"] = "Judul baru"
    new["steps"][3]["norm"]["amount"] = 3
    new["steps"][4]["outputs"][0]["min"] = 2
    new["steps"][9]["outputs"].pop(0)
    new["warnings"].append("Peringatan baru")
    found = compare(old, new)
    assert Difference(CHANGED, None, "title", old["title"], "Judul baru") in found
    assert Difference(CHANGED, "4", "norm.amount", "2", "3") in found
    assert Difference(ADDED, None, "warnings", None, "Peringatan baru") in found
    kind = old["steps"][4]["outputs"][0]["kind"]
    assert any(d.step == "5" and d.field == f"outputs[{kind}].min" and d.what == CHANGED for d in found)
    assert any(d.step == "10" and d.what == REMOVED and d.field.startswith("outputs[") for d in found)
    assert len(found) == 5


def test_steps_that_come_go_or_change_places_are_told_once() -> None:
    old, new = both()
    gone = new["steps"].pop(1)
    new["steps"].append({**gone, "key": "12", "activity": "Langkah tambahan"})
    new["steps"][2], new["steps"][3] = new["steps"][3], new["steps"][2]
    found = compare(old, new)
    assert Difference(REMOVED, "2", "", gone["activity"], None) in found
    assert Difference(ADDED, "12", "", None, "Langkah tambahan") in found
    assert [d.what for d in found] == [ADDED, REMOVED, MOVED]


def test_a_list_in_another_order_is_told_as_such() -> None:
    old, new = both()
    new["legal_bases"].reverse()
    assert [(d.what, d.field) for d in compare(old, new)] == [(MOVED, "legal_bases")]
