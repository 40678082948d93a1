"""Keys are changed with an overlap, and the log says so itself."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.cli.__main__ import main
from archive_service.domain import note
from archive_service.domain.verdict import parse_time
from archive_service.errors import Conflict, InvalidInput
from archive_service.services import audit, keys, log
from tests.office import ORIGIN, Office, open_office


def settle(office: Office) -> list[note.NoteSignature]:
    """The signatures on the newest checkpoint."""
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    with office.archive.db.read() as session:
        data = log.newest_checkpoint(session)
    assert data is not None
    return list(note.parse_note(data).signatures)


def do(office: Office, version: int) -> None:
    office.register("calendars/id-government.toml", version=version, title="Kalender yang dikoreksi")


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(main, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_an_embedded_log_signs_with_both_keys_for_the_overlap_and_then_with_the_new_one(tmp_path: Path) -> None:
    office = open_office(tmp_path / "var")
    first = office.archive.log_key
    assert [s.key_id for s in settle(office)] == [first.verifier_key.key_id]
    office.archive.db.close()
    told = run("keys", "rotate", "log", "--overlap", "30", "--data", str(tmp_path / "var"))
    assert first.vkey in told and "Restart" in told
    office = open_office(tmp_path / "var")
    second = office.archive.log_key
    assert second.vkey != first.vkey and second.vkey in told and second.verifier_key.name == ORIGIN
    assert [k.vkey for k in office.archive.former_log_keys] == [first.vkey]
    # the command's own clock is the machine's: the overlap ends thirty days after it
    with office.archive.db.read() as session:
        old, new = keys.list_keys(session, keys.LOG)
    assert (old.successor, new.successor, new.overlap_until) == (second.vkey, None, None)
    office.clock.moment = parse_time(str(old.overlap_until)) - timedelta(days=1)
    do(office, 2)
    assert [s.key_id for s in settle(office)] == [second.verifier_key.key_id, first.verifier_key.key_id]
    office.clock.moment += timedelta(days=2)
    do(office, 3)
    assert [s.key_id for s in settle(office)] == [second.verifier_key.key_id]
    # checkpoints of the first key alone are still the log's own
    assert audit.check_archive(office.archive).discrepancies == []
    listed = run("keys", "list", "--data", str(tmp_path / "var"))
    assert listed.count("in force") == 2 and listed.count("retired") == 1
    office.archive.db.close()


def test_a_rotation_that_was_cut_short_is_finished_by_running_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(tmp_path / "var", log_origin=None)
    office.archive.db.close()
    folder = tmp_path / "var" / "keys"

    def cut(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", cut)
        assert CliRunner().invoke(main, ["keys", "rotate", "log", "--data", str(tmp_path / "var")]).exit_code == 9
    run("keys", "rotate", "log", "--data", str(tmp_path / "var"))
    assert {path.name for path in folder.iterdir()} == {"log.pem", "log-former.pem", "origin", "receipt.pem"}
    # without a configured name, too, the log keeps the one that it began with
    again = open_office(tmp_path / "var", log_origin=None)
    assert again.archive.log.origin == office.archive.log.origin
    with again.archive.db.read() as session:
        assert len(keys.list_keys(session, keys.LOG)) == 2
    again.archive.db.close()


def test_a_key_of_another_name_known_before_or_without_a_predecessor_is_refused(tmp_path: Path) -> None:
    office = open_office(tmp_path / "var")
    other = signing.named(Ed25519PrivateKey.generate(), "other.test/log").vkey
    with pytest.raises(InvalidInput, match="stays"):
        keys.rotate_key(office.archive, purpose=keys.LOG, vkey=other, overlap_days=1)
    with pytest.raises(Conflict, match="before"):
        keys.rotate_key(office.archive, purpose=keys.LOG, vkey=office.archive.log_key.vkey, overlap_days=1)
    new = signing.named(Ed25519PrivateKey.generate(), ORIGIN).vkey
    with pytest.raises(InvalidInput, match="overlap"):
        keys.rotate_key(office.archive, purpose=keys.LOG, vkey=new, overlap_days=-1)
    office.archive.db.close()


def test_a_key_is_made_in_a_file_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "log-2.pem"
    vkey = run("keys", "make", str(path), "--origin", ORIGIN).strip()
    assert note.parse_vkey(vkey).name == ORIGIN and path.stat().st_mode & 0o777 == 0o600
    ran = CliRunner().invoke(main, ["keys", "make", str(path), "--origin", ORIGIN])
    assert ran.exit_code == 2 and "key_exists" in ran.output


def test_an_operator_changes_the_key_through_the_settings(tmp_path: Path) -> None:
    office = open_office(tmp_path / "var")
    first = office.archive.log_key
    settle(office)
    new = signing.named(signing.load_or_create(tmp_path / "log-2.pem"), ORIGIN)
    settings = office.archive.settings.model_copy(
        update={
            "log_vkey": new.vkey,
            "log_key_file": tmp_path / "log-2.pem",
            "former_log_key_file": tmp_path / "var" / "keys" / "log.pem",
            "receipt_vkey": office.archive.receipt_key.vkey,
        }
    )
    office.archive.db.close()
    from archive_service import wiring

    archive = wiring.build(settings, evidence_clock=office.clock.now)
    keys.rotate_key(archive, purpose=keys.LOG, vkey=new.vkey, overlap_days=7)
    office.archive = replace(archive, log=archive.log)
    assert [s.key_id for s in settle(office)] == [new.verifier_key.key_id, first.verifier_key.key_id]
    archive.db.close()


def test_a_checkpoint_kept_before_a_crash_stands_when_the_key_was_changed_after_it(tmp_path: Path) -> None:
    office = open_office(tmp_path / "var")
    settle(office)
    do(office, 2)
    while log.sequence_pending(office.archive):
        pass
    signer = log.CheckpointSigner(office.archive)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(office.archive.db, "write", None)
        with pytest.raises(TypeError):
            signer.sign()
    new = signing.named(Ed25519PrivateKey.generate(), ORIGIN)
    changed = replace(office.archive, log_key=new, former_log_keys=(office.archive.log_key,))
    assert log.CheckpointSigner(changed).sign() is not None
    with changed.db.read() as session:
        kept = note.parse_note(log.newest_checkpoint(session) or b"")
    # the bytes under lock were signed by the key of before the crash alone
    assert [s.key_id for s in kept.signatures] == [office.archive.log_key.verifier_key.key_id]
    assert audit.check_archive(changed).discrepancies == []
    office.archive.db.close()
