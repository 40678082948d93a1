from __future__ import annotations

import dataclasses
import json

import pytest

from archive_service.domain.discrepancy import ERROR, REDACTION, Discrepancy


def test_a_discrepancy_is_an_error_unless_it_says_otherwise() -> None:
    assert Discrepancy("chain_broken", "data/x line 3").severity == ERROR
    assert Discrepancy("redacted", "data/x", severity=REDACTION).severity == REDACTION


def test_a_discrepancy_is_plain_data() -> None:
    found = Discrepancy("illegal_move", "dossier #4", "why", params={"move": "step_waiting"})
    plain = found.plain()
    assert plain == {
        "code": "illegal_move",
        "severity": "error",
        "place": "dossier #4",
        "text": "why",
        "params": {"move": "step_waiting"},
    }
    assert json.loads(json.dumps(plain)) == plain


def test_a_discrepancy_does_not_change() -> None:
    found = Discrepancy("redacted", "x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.code = "other"  # type: ignore[misc]
    assert found == Discrepancy("redacted", "x") and found != Discrepancy("redacted", "y")
