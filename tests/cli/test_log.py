"""The commands around the published log, in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from archive_service.cli.__main__ import main
from archive_service.db.models import DossierRow
from archive_service.services import log, proofs
from tests.office import ORIGIN, Office, open_office


@pytest.fixture
def office(office_template: Path, tmp_path: Path) -> Office:
    """An office whose log is signed."""
    shutil.copytree(office_template, tmp_path / "var")
    made = open_office(tmp_path / "var", "2026-03-13T09:10")
    made.open()
    while log.sequence_pending(made.archive):
        pass
    assert log.CheckpointSigner(made.archive).sign() is not None
    return made


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env={"ARCHIVE_TOKEN": ""})


@pytest.fixture
def exported(office: Office, tmp_path: Path) -> Callable[[], Path]:
    def export() -> Path:
        ran = ask("log", "export", tmp_path / "log", "--data", office.archive.settings.data_dir)
        assert ran.exit_code == 0, ran.output
        assert "entries" in ran.output
        return tmp_path / "log"

    return export


def test_an_exported_log_is_verified_and_a_changed_one_is_not(
    office: Office, exported: Callable[[], Path], tmp_path: Path
) -> None:
    folder, key = exported(), office.archive.log_key.vkey
    ran = ask("log", "verify", folder, "--key", key, "--lang", "en")
    assert (ran.exit_code, ran.output.splitlines()[-1]) == (0, "VALID")
    assert ask("log", "verify", folder).exit_code == 3
    kept = tmp_path / "kept"
    shutil.copy(folder / "checkpoint", kept)
    assert ask("log", "verify", folder, "--key", key, "--since", kept, "--tree-only").exit_code == 0
    found = json.loads(ask("log", "verify", folder, "--key", folder / "vkey", "--json").output)
    assert found["verdict"] == "VALID" and found["checkpoint"]["origin"] == ORIGIN
    bundle = next((folder / "tile" / "entries" / "000.p").iterdir())
    data = bytearray(bundle.read_bytes())
    data[-9] ^= 1
    bundle.write_bytes(data)
    ran = ask("log", "verify", folder, "--key", key)
    assert (ran.exit_code, ran.output.splitlines()[-1]) == (1, "INVALID")
    assert "entry_differs" in ran.output and "root_differs" in ran.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["/nowhere"], "log_unreadable"),
        (["http://127.0.0.1:9/log"], "log_unreadable"),
        ([".", "--key", "no key"], "bad_vkey"),
        ([".", "--since", "/nowhere"], "file_not_found"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(arguments: list[str], code: str) -> None:
    ran = ask("log", "verify", *arguments)
    assert ran.exit_code == 2 and f"[{code}]" in ran.output, ran.output


def test_a_new_origin_is_begun_with_a_command_and_its_log_says_what_it_continues(
    office: Office, exported: Callable[[], Path], tmp_path: Path
) -> None:
    folder, new = exported(), tmp_path / "new"
    arguments = ["--checkpoint", folder / "checkpoint", "--key", folder / "vkey", "--reason", "loss", "--data", new]
    ran = ask("log", "new-origin", "archive.test/log2", *arguments)
    assert ran.exit_code == 0, ran.output
    assert "continues archive.test/log" in ran.output and "archive.test/log2+" in ran.output
    again = ask("log", "new-origin", "archive.test/log2", *arguments)
    assert again.exit_code == 2 and "[archive_begun]" in again.output
    # the command took the clock of this machine
    made = open_office(new, "2099-01-05T09:00", log_origin="archive.test/log2")
    made.turn()
    made.archive.db.close()
    assert ask("log", "export", tmp_path / "log2", "--data", new).exit_code == 0
    ran = ask("log", "verify", tmp_path / "log2", "--key", made.archive.log_key.vkey, "--lang", "en")
    assert ran.exit_code == 0 and "This log continues the log archive.test/log" in ran.output
    assert ask("log", "audit", "--data", new).exit_code == 0
    missing = ask("log", "new-origin", "archive.test/log3", *["--checkpoint", "/nowhere", *arguments[2:]])
    assert missing.exit_code == 2 and "[file_not_found]" in missing.output


def test_a_proof_file_is_checked_offline(office: Office, tmp_path: Path) -> None:
    with office.archive.db.read() as session:
        dossier = session.execute(select(DossierRow.id)).scalar_one()
    data = proofs.write_proof(office.archive, office.actor("maya"), dossier=dossier, seq=0)
    (tmp_path / "proof").write_bytes(data)
    ran = ask("event", "check-proof", tmp_path / "proof", "--key", office.archive.log_key.vkey)
    assert (ran.exit_code, ran.output.splitlines()[-1]) == (0, "VALID")
    assert "dossier.opened" in ran.output
    ran = ask("event", "check-proof", tmp_path / "proof", "--key", office.archive.receipt_key.vkey)
    assert ran.exit_code == 2 and "[proof_refused]" in ran.output
    assert (
        "[file_not_found]"
        in ask("event", "check-proof", tmp_path / "none", "--key", office.archive.log_key.vkey).output
    )
