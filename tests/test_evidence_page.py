"""docs/evidence.md is the format: its example is worked out with coreutils and OpenSSL, and is what the code writes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import parse_checkpoint
from archive_service.domain.event import EVENT_TYPES, parse_event
from archive_service.verifier import ed25519

PAGE = Path(__file__).parents[1] / "docs" / "evidence.md"
BLOCKS = re.compile(r"^```sh\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The folder in which the page's commands ran in one shell, what they printed, and what the page says that they print."""
    missing = [tool for tool in ("openssl", "sha256sum", "basenc") if shutil.which(tool) is None]
    assert not missing, f"the page's commands need {missing}"
    folder = tmp_path_factory.mktemp("evidence")
    blocks = BLOCKS.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) >= 5
    script = "set -eu\n" + "".join(commands for commands, _ in blocks)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, "".join(printed for _, printed in blocks)


def test_the_commands_print_what_the_page_says(worked: tuple[Path, str, str]) -> None:
    _, printed, promised = worked
    assert printed == promised


def test_the_example_is_what_the_code_writes(worked: tuple[Path, str, str]) -> None:
    folder, printed, _ = worked
    events = [parse_event((folder / f"{i}.json").read_bytes()) for i in range(3)]
    assert [e.leaf_hash for e in events] == printed.splitlines()[:3]
    assert events[2].prev == events[0].leaf_hash and events[2].stream == events[0].stream
    root = merkle.root_hash([bytes.fromhex(e.leaf_hash) for e in events])
    line = re.search(r"^LINE='(.*)'$", PAGE.read_text(encoding="utf-8"), re.M)
    assert line is not None
    text = (folder / "body").read_text(encoding="utf-8")
    signed = note.parse_note(f"{text}\n{line[1]}\n".encode())
    checkpoint = parse_checkpoint(signed.text)
    assert (checkpoint.size, checkpoint.root) == (3, root)
    assert note.signed_by(signed, note.parse_vkey(events[0].payload["vkey"]), ed25519.verify)
    assert checkpoint.origin == events[0].origin and ("key.registered", 1) in EVENT_TYPES
