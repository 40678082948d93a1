from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Every test here runs on both databases."""
    kind: str = request.param
    return kind
