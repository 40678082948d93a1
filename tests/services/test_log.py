from __future__ import annotations

import shutil
import threading

import pytest
from sqlalchemy import select, text, update

from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow, LogTileRow
from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import parse_checkpoint
from archive_service.errors import LogIntegrityError
from archive_service.services import audit, log
from archive_service.storage.folder import LOCKS
from archive_service.verifier import ed25519
from tests.office import Office


def settle(office: Office) -> log.CheckpointSigner:
    while log.sequence_pending(office.archive):
        pass
    signer = log.CheckpointSigner(office.archive)
    signer.sign()
    return signer


def test_every_event_is_a_leaf_in_the_order_of_its_chain_under_a_signed_root(office: Office) -> None:
    settle(office)
    with office.archive.db.read() as session:
        leaves = session.execute(select(LogLeafRow.leaf_hash).order_by(LogLeafRow.leaf_index)).scalars().all()
        events = session.execute(select(EventRow)).scalars().all()
        data = log.newest_checkpoint(session)
    assert data is not None
    signed = note.parse_note(data)
    assert note.signed_by(signed, office.archive.log_key.verifier_key, ed25519.verify)
    checkpoint = parse_checkpoint(signed.text)
    assert checkpoint.origin == "archive.test/log"
    assert (checkpoint.size, checkpoint.root) == (len(events), merkle.root_hash([bytes.fromhex(h) for h in leaves]))
    position = {leaf_hash: index for index, leaf_hash in enumerate(leaves)}
    for stream in {e.stream for e in events}:
        chain = sorted((e for e in events if e.stream == stream), key=lambda e: e.seq)
        order = [position[e.leaf_hash] for e in chain]
        assert order == sorted(order)


def test_nothing_new_is_signed_while_nothing_happens(office: Office) -> None:
    signer = settle(office)
    assert signer.sign() is None
    office.at("2026-03-13T09:10")
    office.open()
    assert log.sequence_pending(office.archive) > 0
    assert signer.sign() is not None


def test_a_shrunk_database_refuses_to_sign(office: Office) -> None:
    settle(office)
    with office.forced() as connection:
        connection.execute(text("delete from log_leaf where leaf_index >= 5"))
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(office.archive).sign()
    assert caught.value.code == "log_shrunk"


def test_an_edited_tree_refuses_to_sign(office: Office) -> None:
    settle(office)
    with office.forced() as connection:
        first = (LogTileRow.level == 0) & (LogTileRow.tile_index == 0)
        tile = connection.execute(select(LogTileRow.hashes).where(first)).scalar_one()
        connection.execute(update(LogTileRow).where(first).values(hashes=b"\0" * 32 + tile[32:]))
    office.at("2026-03-13T09:10")
    office.open()
    log.sequence_pending(office.archive)
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(office.archive).sign()
    assert caught.value.code == "log_forked"


def test_an_event_changed_before_signing_refuses_to_sign(office: Office) -> None:
    settle(office)
    office.at("2026-03-13T09:10")
    office.open()
    log.sequence_pending(office.archive)
    with office.forced() as connection:
        opened = EventRow.type == "dossier.opened"
        data = connection.execute(select(EventRow.data).where(opened)).scalar_one()
        connection.execute(update(EventRow).where(opened).values(data=data + b" "))
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(office.archive).sign()
    assert caught.value.code == "leaf_differs"


def test_a_crash_between_object_and_row_gives_the_same_checkpoint(office: Office) -> None:
    settle(office)
    with office.forced() as connection:
        connection.execute(text("delete from checkpoint"))
    signed = log.CheckpointSigner(office.archive).sign()
    assert signed is not None
    with office.archive.db.read() as session:
        assert session.execute(select(CheckpointRow.size)).scalars().all() == [signed.size]


def test_a_crash_before_the_lock_leaves_no_checkpoint_without_one(office: Office) -> None:
    settle(office)
    shutil.rmtree(office.archive.settings.data_dir / "store" / LOCKS)
    with office.forced() as connection:
        connection.execute(text("delete from checkpoint"))
    log.CheckpointSigner(office.archive).sign()
    store = office.archive.store
    newest = max(store.list_objects(log.CHECKPOINT_PREFIX), key=lambda o: o.key)
    assert store.stat(newest.key, newest.version_id).locked_until is not None


def test_another_log_key_is_noticed_before_signing(office: Office) -> None:
    from dataclasses import replace

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from archive_service.signing import named

    settle(office)
    stranger = replace(office.archive, log_key=named(Ed25519PrivateKey.generate(), "archive.test/log"))
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(stranger).sign()
    assert caught.value.code == "checkpoint_foreign"


def test_an_audit_of_a_running_log_waits_for_the_row_of_the_newest_checkpoint(office: Office) -> None:
    settle(office)
    with office.forced() as connection:
        connection.execute(text("delete from checkpoint"))
    later = threading.Timer(0.5, log.CheckpointSigner(office.archive).sign)
    later.start()
    try:
        assert audit.check_archive(office.archive).discrepancies == []
    finally:
        later.join()


def test_a_kept_checkpoint_without_its_row_is_found(office: Office) -> None:
    settle(office)
    with office.forced() as connection:
        connection.execute(text("delete from checkpoint"))
    stray = "log/checkpoints/no-number"
    with office.archive.store.begin(stray, limit_bytes=10) as upload:
        upload.append(b"x")
        upload.finish()
    found = audit.check_archive(office.archive).discrepancies
    assert [d.code for d in found] == ["kept_checkpoint_differs"] * 2 and stray in {d.place for d in found}
