"""A checkpoint or receipt that was kept elsewhere against the log as it is now: each outcome, with its stable code."""

from __future__ import annotations

from sqlalchemy import delete, update

from archive_service.archive import Archive
from archive_service.db.models import EventRow, LogLeafRow, LogPendingRow, LogTileRow
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.services import comparing, publication, reading
from archive_service.services.log import CheckpointSigner, sequence_pending
from archive_service.web.wording import WORDS
from tests.office import Office


def sign_now(office: Office) -> bytes:
    while sequence_pending(office.archive):
        pass
    CheckpointSigner(office.archive).sign()
    return publication.read_checkpoint(office.archive)


def outcome(office: Office, data: bytes) -> str:
    return comparing.compare_note(office.archive, data).outcome


def signed(archive: Archive, size: int, root: bytes, origin: str | None = None) -> bytes:
    text = format_checkpoint(Checkpoint(origin or archive.log.origin, size, root))
    return archive.log_key.sign(text)


def test_a_kept_checkpoint_is_the_same_or_continued_with_a_proof(office: Office) -> None:
    kept = sign_now(office)
    assert outcome(office, kept) == "same"
    # pasted into a form: other line ends, and the last one lost
    assert outcome(office, kept.rstrip(b"\n").replace(b"\n", b"\r\n")) == "same"
    office.play("2")
    sign_now(office)
    found = comparing.compare_note(office.archive, kept)
    assert found.outcome == "continued" and found.is_good and len(found.proof) > 0
    assert found.size is not None and found.log_size is not None and found.size < found.log_size


def test_a_fork_and_a_log_that_lost_records_are_named_with_both_roots(office: Office) -> None:
    kept = sign_now(office)
    size = comparing.compare_note(office.archive, kept).size or 0
    fork = comparing.compare_note(office.archive, signed(office.archive, size, b"\x01" * 32))
    assert (fork.outcome, fork.is_alarming) == ("fork", True)
    assert fork.root == "01" * 32 and fork.log_root not in (None, fork.root)
    # one that is younger than the newest signed one, but not than the tree
    assert outcome(office, signed(office.archive, 1, b"\x02" * 32)) == "fork"
    shorter = comparing.compare_note(office.archive, signed(office.archive, size + 1, b"\x03" * 32))
    assert (shorter.outcome, shorter.is_alarming, shorter.log_size) == ("shorter", True, size)


def test_what_belongs_elsewhere_or_is_not_signed_says_nothing_against_the_log(lite: Office) -> None:
    kept = sign_now(lite)
    assert outcome(lite, signed(lite.archive, 3, b"\x00" * 32, "other.example/log")) == "other_log"
    text = format_checkpoint(Checkpoint(lite.archive.log.origin, 3, b"\x00" * 32))
    assert outcome(lite, lite.archive.receipt_key.sign(text)) == "not_signed"
    lines = kept.decode().split("\n")
    lines[1] = "1"
    assert outcome(lite, "\n".join(lines).encode()) == "forged"
    for nonsense in (b"", b"halo", b"\xff\xfe", lite.archive.log_key.sign("satu\ndua\n"), kept[:40], b"x" * 70_000):
        assert outcome(lite, nonsense) == "unreadable"


def test_a_log_whose_tiles_are_gone_is_damaged(lite: Office) -> None:
    kept = sign_now(lite)
    lite.play("2")
    sign_now(lite)
    with lite.forced() as connection:
        connection.execute(delete(LogTileRow).where(LogTileRow.level == 0))
    found = comparing.compare_note(lite.archive, kept)
    assert found.outcome == "damaged" and found.is_alarming and "tile_missing" in found.detail


def test_a_receipt_is_kept_waiting_or_lost(office: Office) -> None:
    dossier = office.play("1")
    wahyu = office.actor("wahyu")
    version = reading.read_dossier(office.archive, wahyu, dossier=dossier)["documents"][0]["version"]
    receipt = reading.read_receipt(office.archive, wahyu, dossier=dossier, version=version)
    assert outcome(office, receipt) == "receipt_waiting"
    sign_now(office)
    found = comparing.compare_note(office.archive, receipt)
    assert (found.outcome, found.dossier) == ("receipt_kept", dossier) and found.leaf_index is not None
    assert outcome(office, receipt.replace(b"size ", b"size 1")) == "forged"
    assert outcome(office, office.archive.log_key.sign(receipt.decode().partition("\n\n")[0] + "\n")) == "not_signed"
    with office.forced() as connection:
        connection.execute(update(EventRow).where(EventRow.leaf_hash == found.event).values(leaf_hash="f" * 64))
    assert outcome(office, receipt) == "receipt_lost"


def test_a_receipt_whose_leaf_is_gone_is_lost(lite: Office) -> None:
    dossier = lite.play("1")
    wahyu = lite.actor("wahyu")
    version = reading.read_dossier(lite.archive, wahyu, dossier=dossier)["documents"][0]["version"]
    receipt = reading.read_receipt(lite.archive, wahyu, dossier=dossier, version=version)
    sign_now(lite)
    with lite.forced() as connection:
        event = comparing.compare_note(lite.archive, receipt).event
        connection.execute(delete(LogLeafRow).where(LogLeafRow.leaf_hash == event))
        connection.execute(delete(LogPendingRow))
    assert outcome(lite, receipt) == "receipt_lost"


def test_every_outcome_has_words_of_its_own() -> None:
    outcomes = {value for name, value in vars(comparing).items() if name.isupper() and isinstance(value, str)}
    assert all(f"compared_{each}" in WORDS for each in outcomes) and len(outcomes) == 12
