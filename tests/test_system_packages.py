from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "install_system_packages.py"


def run_script(folder: Path, commands: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script where nothing is on PATH but these commands, each a line of shell."""
    for name, line in commands.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-S", SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=30
    )


def test_nothing_is_done_where_a_browser_is(tmp_path: Path) -> None:
    done = run_script(tmp_path, {"chromium": "exit 1", "apt-get": "exit 1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_apt_a_sentence_says_what_is_missing(tmp_path: Path) -> None:
    done = run_script(tmp_path, {})
    assert done.returncode == 0 and "No Chromium for the browser test" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")
def test_root_installs_chromium_and_hears_of_a_failure(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run_script(tmp_path, {"apt-get": f'echo "$@" >> {log}'})
    assert done.returncode == 0
    assert log.read_text().splitlines() == ["update -qq", "install -y --no-install-recommends chromium"]
    failed = run_script(tmp_path, {"apt-get": "echo no network >&2; exit 100"})
    assert failed.returncode == 0 and "no network" in failed.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root installs by itself")
def test_others_are_told_the_one_command(tmp_path: Path) -> None:
    done = run_script(tmp_path, {"apt-get": "exit 1"})
    assert done.returncode == 0 and "sudo apt-get install -y --no-install-recommends chromium" in done.stderr
