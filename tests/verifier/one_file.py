"""The one-file verifier beside the package: a process of its own that answers what it finds, to be compared."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from archive_service.verifier.onefile import build_verifier
from archive_service.verifier.verify import Report
from tests.test_project import find_python

LIMIT_SECONDS = 60
DRIVER = """
import json, runpy, sys
runpy.run_path(sys.argv[1], run_name="one_file")["load_main"]()
from archive_service.domain.note import parse_vkey
from archive_service.verifier import verify
assert verify.__file__ == sys.argv[1], verify.__file__
for line in sys.stdin:
    path, key = json.loads(line)
    with open(path, "rb") as source:
        size = source.seek(0, 2)
        report = verify.check_bundle(source, size, None if key is None else parse_vkey(key))
    print(json.dumps([report.plain(), report.lines("id"), report.lines("en")]), flush=True)
"""


class OneFile:
    """A running ``verify.py``, on the oldest Python that it is written for where this machine has one; without site-packages."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "verify.py"
        self.path.write_bytes(build_verifier())
        python = str(find_python("3.9") or sys.executable)
        self._process = subprocess.Popen(
            [python, "-I", "-S", "-B", "-c", DRIVER, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End the process, which waits for nothing."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def report_on(self, bundle: bytes, key: str | None) -> Any:
        """What it says of a bundle: the JSON, and the lines in both languages."""
        assert self._process.stdin is not None and self._process.stdout is not None
        path = self.path.with_name("bundle.zip")
        path.write_bytes(bundle)
        self._process.stdin.write(json.dumps([str(path), key]).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], LIMIT_SECONDS)
        assert ready, f"verify.py did not answer within {LIMIT_SECONDS} s"
        return json.loads(self._process.stdout.readline())


@cache
def one_file() -> OneFile:
    """The one of this test process."""
    return OneFile()


_SEEN: set[str] = set()


def require_same(bundle: bytes, key: str | None, report: Report) -> None:
    """Fail unless the one file says the same of this bundle: every time in the long suite, else once for each outcome."""
    plain = report.plain()
    codes = sorted({d.code for d in report.discrepancies})
    outcome = json.dumps([plain["verdict"], [step["state"] for step in plain["steps"]], codes])
    if outcome in _SEEN and os.environ.get("HYPOTHESIS_PROFILE") != "full":
        return
    _SEEN.add(outcome)
    said = json.loads(json.dumps([plain, report.lines("id"), report.lines("en")]))
    assert one_file().report_on(bundle, key) == said
