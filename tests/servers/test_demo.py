"""``make demo STACK=real``: the whole play on PostgreSQL, Redis, S3, Celery and a log process, verified."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archive_service.verifier.verify import verify_file


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_the_demo_holds_on_the_real_stack(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "servers", sys.executable, "-m", "archive_service.cli", "demo", "--exit"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHIVE_")}
    folder = tmp_path / "demo"
    ran = subprocess.run(
        [*command, "--port", "0", "--data", str(folder)], capture_output=True, text=True, timeout=300, env=environment
    )
    words = "".join(p.read_text(errors="replace")[-1500:] for p in folder.glob("*.log"))
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:] + words
    for part in ("PostgreSQL 18", "S3 store", "Celery", "log process"):
        assert part in ran.stdout
    vkey = str(folder / "vkey")
    assert verify_file(str(folder / "bundle.zip"), vkey, "en", False)[1] == 0
    assert verify_file(str(folder / "bundle-damaged.zip"), vkey, "en", False)[1] == 1
