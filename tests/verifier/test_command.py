"""The command on a log's folder: told apart from a bundle, the same from the one file, and no folder that holds it up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.cli.__main__ import main as command_line
from archive_service.domain import merkle, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.signing import named
from archive_service.verifier.command import main, verify_anything
from archive_service.verifier.onefile import build_verifier
from archive_service.verifier.verify import INVALID, UNCONFIRMED, VALID
from tests.log_maker import make_events
from tests.test_project import find_python

ORIGIN = "archive.test/log"
KEY = named(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32), ORIGIN)
COUNT = 600


def sign(size: int, leaves: list[bytes]) -> bytes:
    return KEY.sign(format_checkpoint(Checkpoint(ORIGIN, size, merkle.root_hash(leaves[:size]))))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log's folder, written from the specification: two full tiles, the partial ones, a checkpoint and one before it."""
    entries = [event.data for event in make_events(ORIGIN, COUNT, datetime(2026, 4, 13, tzinfo=UTC), streams=7)]
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    above = [merkle.root_hash(leaves[first : first + 256]) for first in range(0, COUNT - 255, 256)]
    folder = tmp_path / "log"
    files = {"checkpoint": sign(COUNT, leaves), "vkey": KEY.vkey.encode() + b"\n"}
    for index in range(-(-COUNT // 256)):
        part = slice(index * 256, min(index * 256 + 256, COUNT))
        width = part.stop - part.start
        files[tiles.bundle_path(index, width)] = tiles.format_entries(entries[part])
        files[tiles.tile_path(0, index, width)] = b"".join(leaves[part])
    files[tiles.tile_path(1, 0, len(above))] = b"".join(above)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (tmp_path / "earlier").write_bytes(sign(300, leaves))
    (tmp_path / "forked").write_bytes(sign(300, [*leaves[1:], leaves[0]]))
    return folder


def verdict(log: Path, key: str | None, since: str | None = None) -> str:
    text, code = verify_anything(str(log), since=since, key=key, lang="en", is_json=True)
    report = json.loads(text)
    assert report["exit_code"] == code
    return str(report["verdict"])


def test_a_folder_is_verified_as_a_log(log: Path) -> None:
    assert verdict(log, KEY.vkey) == VALID
    assert verdict(log, None) == UNCONFIRMED
    assert verdict(log, KEY.vkey, str(log.parent / "earlier")) == VALID
    assert verdict(log, KEY.vkey, str(log.parent / "forked")) == INVALID


def test_the_one_file_and_the_command_say_the_same_of_a_log(log: Path, tmp_path: Path) -> None:
    verifier = tmp_path / "verify.py"
    verifier.write_bytes(build_verifier())
    python = str(find_python("3.9") or sys.executable)
    for since, code, form in (("earlier", 0, "--json"), ("forked", 1, "--json"), ("forked", 1, "--lang=en")):
        arguments = [str(log), "--key", KEY.vkey, "--since", str(tmp_path / since), form]
        alone = subprocess.run(
            [python, "-I", "-S", verifier, *arguments], capture_output=True, timeout=60, encoding="utf-8"
        )
        ours = CliRunner().invoke(command_line, ["verify", *arguments])
        assert (alone.returncode, alone.stderr) == (code, "")
        assert (ours.exit_code, ours.stdout) == (code, alone.stdout)


def test_what_is_no_log_is_a_sentence(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        [str(tmp_path)],
        [str(log), "--key", "nonsense"],
        [str(log), "--since", str(tmp_path / "missing")],
        [str(log), "--since", str(tmp_path)],
        ["http://"],
        ["https://[nonsense"],
        ["http://127.0.0.1:99999/log"],
        ["http://127.0.0.1:9/log"],
    ):
        for lang in ("id", "en"):
            assert main([*arguments, "--lang", lang]) == 2
            assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_checkpoint_of_a_billion_entries_with_nothing_behind_it_is_soon_answered(log: Path) -> None:
    root = sha256(b"none").digest()
    for size in (2**30, 2**40):
        (log / "checkpoint").write_bytes(KEY.sign(format_checkpoint(Checkpoint(ORIGIN, size, root))))
        begun = time.process_time()
        assert verdict(log, KEY.vkey) == INVALID
        assert time.process_time() - begun < 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("name", ["checkpoint", "vkey", "tile/0/000", "tile/entries/001", "checkpoints/1"])
def test_a_pipe_in_the_folder_is_not_waited_for(log: Path, name: str) -> None:
    path = log / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    _, code = verify_anything(str(log), key=None, lang="en", is_json=True)
    assert code in (1, 2)
