"""Every attack of the list has a test that is there: take one away, and this fails."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.attacks.attack_list import ATTACKS, NAMED, VOUCHED

LISTED = (*ATTACKS, *VOUCHED)


def parameters_of(function: Any) -> set[str] | None:
    """The ids that a test is run with, for one that is parametrised by texts, integers or named ids; None for one that is not."""
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        return None
    names = marks[0].kwargs.get("ids") or marks[0].args[1]
    return {str(name) for name in names}


@pytest.mark.parametrize("test", sorted({test for each in LISTED for test in each.tests}))
def test_what_the_list_names_is_there(test: str) -> None:
    path, _, rest = test.partition("::")
    name, _, parameter = rest.partition("[")
    function = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    if parameter:
        assert parameter[:-1] in (parameters_of(function) or set())


def test_every_attack_that_was_named_is_listed_once() -> None:
    assert sorted(each.attack for each in LISTED) == sorted(NAMED)
    assert all(each.tests and each.discrepancy and each.outside for each in LISTED)
