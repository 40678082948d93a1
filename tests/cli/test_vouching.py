"""``archive-service witness`` as another institution starts it, and what ``log status`` says."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive_service.cli.__main__ import main
from archive_service.domain.note import COSIGNATURE, parse_vkey
from servers.processes import free_ports
from tests.office import open_office
from tests.test_witness import KEY, ask, submission


def test_a_witness_is_started_prints_its_key_and_cosigns(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = ["--data", str(tmp_path / "w.db"), "--key", str(tmp_path / "w.pem")]
    command = [sys.executable, "-m", "archive_service.cli", "witness", *files, "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--log", KEY.vkey], stdout=subprocess.PIPE, text=True) as running:
        try:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            assert ask(port, "POST", "/add-checkpoint", submission(0, 3))[0] == 200
        finally:
            running.terminate()
        assert running.stdout is not None
        printed = running.stdout.read()
    if printed:
        assert parse_vkey(printed.strip().rpartition(" ")[2], COSIGNATURE).name.startswith("witness.local/")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--listen", "8602", "--log", KEY.vkey], "bad_listen"),
        (["--listen", "127.0.0.1:0"], "no_log"),
        (["--log", "nonsense"], "bad_vkey"),
        (["--log", KEY.vkey, "--name", "two words"], "bad_vkey"),
    ],
)
def test_a_witness_that_cannot_be_is_refused(arguments: list[str], code: str, tmp_path: Path) -> None:
    files = ["--data", str(tmp_path / "w.db"), "--key", str(tmp_path / "w.pem")]
    ran = CliRunner().invoke(main, ["witness", *files, *arguments])
    assert ran.exit_code == 2 and f"[{code}]" in ran.output


def test_the_status_says_which_level_is_reached(tmp_path: Path) -> None:
    open_office(tmp_path / "var").archive.db.close()
    ran = CliRunner().invoke(main, ["log", "status", "--data", str(tmp_path / "var")])
    assert ran.exit_code == 0 and "Level: not signed; witnesses 0 of 0; time stamps 0" in ran.output
    ran = CliRunner().invoke(main, ["log", "status", "--json", "--data", str(tmp_path / "var")])
    assert json.loads(ran.output)["level"]["is_signed"] is False


def test_a_policy_that_is_none_keeps_the_service_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy").write_text("quorum nobody\n")
    monkeypatch.setenv("ARCHIVE_WITNESS_POLICY", str(tmp_path / "policy"))
    ran = CliRunner().invoke(main, ["setup"], env={"ARCHIVE_DATA_DIR": str(tmp_path / "var")})
    assert ran.exit_code == 2 and "[bad_policy]" in ran.output and "line 1" in ran.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARCHIVE_TIME_STAMP_AUTHORITIES", "tsa.example"),
        ("ARCHIVE_CHECKPOINT_MAIL_TO", "nobody"),
        ("ARCHIVE_ATTESTATION_WAIT_SECONDS", "31"),
    ],
)
def test_bad_settings_are_named(name: str, value: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(main, ["setup"], env={"ARCHIVE_DATA_DIR": str(tmp_path / "var"), name: value})
    assert ran.exit_code == 2 and name in ran.output
