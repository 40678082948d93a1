"""Conformance cases that nobody in this project wrote, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def vectors(name: str) -> Path:
    """The folder of a set of cases; the test is skipped, saying so, where they are not."""
    root = os.environ.get("ARCHIVE_TEST_VECTORS")
    folder = (Path(root) if root else Path(__file__).parents[2] / "shared" / "vectors") / name
    if not folder.is_dir():
        pytest.skip(f"the cases {name} are not here; ARCHIVE_TEST_VECTORS names the folder that holds them")
    return folder
