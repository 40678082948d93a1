"""A document and its receipt: what holds, what does not, and what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.cli.__main__ import main as command_line
from archive_service.domain.note import NOTE_LIMIT_BYTES, Note, NoteSignature, format_note, parse_note
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.signing import SigningKey, named
from archive_service.verifier.command import main, verify_document
from archive_service.verifier.messages import DOCUMENT_STEPS, DOCUMENT_WORDS
from archive_service.verifier.onefile import build_verifier
from archive_service.verifier.verify import INVALID, UNCONFIRMED, VALID
from tests.office import SAMPLES, make_office
from tests.test_project import find_python

ORIGIN = "archive.test/log"
KEY = named(Ed25519PrivateKey.from_private_bytes(b"\x05" * 32), f"{ORIGIN}/receipt")
LOG_KEY = named(Ed25519PrivateKey.from_private_bytes(b"\x06" * 32), ORIGIN)
DOCUMENT = b"%PDF-1.7 a letter" * 1000
SAID = Receipt(
    ORIGIN,
    f"dossier:{'0a' * 16}",
    3,
    "ab" * 32,
    sha256(DOCUMENT).hexdigest(),
    len(DOCUMENT),
    "2026-04-13T08:00:00.000000Z",
)


class Folder:
    """A document and its receipt as files."""

    def __init__(self, folder: Path) -> None:
        self.document, self.receipt = folder / "letter.pdf", folder / "letter.receipt"
        self.document.write_bytes(DOCUMENT)
        self.receipt.write_bytes(KEY.sign(format_receipt(SAID)))

    def verdict(self, key: str | None = KEY.vkey) -> str:
        return str(self.report(key)["verdict"])

    def report(self, key: str | None = KEY.vkey) -> dict[str, object]:
        text, code = verify_document(str(self.document), str(self.receipt), key, "en", True)
        report: dict[str, object] = json.loads(text)
        assert report["exit_code"] == code
        for lang in ("id", "en"):
            lines, again = verify_document(str(self.document), str(self.receipt), key, lang, False)
            assert again == code and lines.splitlines()[-1] == report["verdict"]
        return report

    def codes(self, key: str | None = KEY.vkey) -> list[str]:
        report = self.report(key)
        assert report["verdict"] == INVALID
        steps = report["steps"]
        assert isinstance(steps, list)
        return [d["code"] for step in steps for d in step["discrepancies"]]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_document_of_a_receipt_is_valid_under_the_receipt_key(folder: Folder) -> None:
    report = folder.report()
    assert (report["verdict"], report["receipt"]) == (VALID, dict(vars(SAID)))
    text, code = verify_document(str(folder.document), str(folder.receipt), KEY.vkey, "en", False)
    lines = text.splitlines()
    assert code == 0 and [line[:2].strip() for line in lines[:4]] == ["1", "2", "3", "4"]
    assert lines[4].startswith("Proved: ") and SAID.digest in lines[4] and SAID.at in lines[4]
    assert lines[5].startswith("Not proved: ") and SAID.event_hash in lines[5]
    assert lines[6].startswith("Level: signed")


def test_without_a_key_it_is_nobodys_receipt(folder: Folder) -> None:
    assert folder.verdict(None) == UNCONFIRMED
    text, code = verify_document(str(folder.document), str(folder.receipt), None, "en", False)
    assert code == 3 and "nothing shows whose it is" in text and "Proved: " not in text
    folder.document.write_bytes(b"other")
    assert folder.verdict(None) == INVALID


def test_the_keys_as_the_service_publishes_them_will_do(folder: Folder, tmp_path: Path) -> None:
    published = tmp_path / "vkey"
    published.write_text(f"{LOG_KEY.vkey}\n{KEY.vkey}\n")
    assert folder.verdict(str(published)) == VALID
    assert folder.verdict(f"{LOG_KEY.vkey}\n{KEY.vkey}") == VALID


def test_another_document_is_found(folder: Folder) -> None:
    folder.document.write_bytes(DOCUMENT[:-1] + b"x")
    assert folder.codes() == ["document_digest"]
    for changed in (DOCUMENT + b"x", DOCUMENT[:-1], b""):
        folder.document.write_bytes(changed)
        assert folder.codes() == ["document_size", "document_digest"]


def signed(key: SigningKey, **changes: object) -> bytes:
    return key.sign(format_receipt(replace(SAID, **changes)))  # type: ignore[arg-type]


def with_text(change: tuple[str, str]) -> bytes:
    note = parse_note(KEY.sign(format_receipt(SAID)))
    return format_note(note.text.replace(*change), note.signatures)


def test_a_receipt_by_another_key_is_found(folder: Folder) -> None:
    other = named(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32), KEY.verifier_key.name)
    folder.receipt.write_bytes(signed(other))
    assert folder.codes() == ["receipt_unsigned"]
    assert folder.verdict(other.vkey) == VALID
    # the real key's name and id over another key's signature
    bad = NoteSignature(KEY.verifier_key.name, KEY.verifier_key.key_id, bytes(64))
    folder.receipt.write_bytes(format_note(format_receipt(SAID), [bad]))
    assert folder.codes() == ["receipt_invalid"]


def test_a_receipt_is_signed_by_the_receipt_key_of_its_own_archive(folder: Folder) -> None:
    folder.receipt.write_bytes(signed(LOG_KEY))
    assert folder.codes(f"{LOG_KEY.vkey}\n{KEY.vkey}") == ["origin_differs"]
    folder.receipt.write_bytes(signed(KEY, origin="other.test/log"))
    assert folder.codes() == ["origin_differs"]


@pytest.mark.parametrize(
    "change", [("size 17000", "size 17001"), ("seq 3", "seq 4"), ("2026", "2025"), ("ab" * 32, "ac" * 32)]
)
def test_a_changed_receipt_is_found(folder: Folder, change: tuple[str, str]) -> None:
    folder.receipt.write_bytes(with_text(change))
    assert "receipt_invalid" in folder.codes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"hello\n",
        b"\xff" * 100,
        DOCUMENT,
        b"x" * (NOTE_LIMIT_BYTES + 1),
        b"\n\n" * 30_000,
        KEY.sign("archive.test/log\n5\n" + "A" * 43 + "=\n"),
        KEY.sign(format_receipt(SAID).replace("size 17000", "size 017000")),
        KEY.sign(format_receipt(SAID).replace("size 17000", "size " + "9" * 40)),
        KEY.sign(format_receipt(SAID) + "more\n"),
        KEY.sign(format_receipt(SAID).replace(" v1", " v2")),
        KEY.sign(format_receipt(SAID)).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + KEY.sign(format_receipt(SAID)),
        KEY.sign(format_receipt(SAID)) * 2,
        KEY.sign(format_receipt(SAID)) + KEY.sign(format_receipt(SAID)).splitlines(keepends=True)[-1] * 16,
    ],
)
def test_what_is_no_receipt_is_said_so(folder: Folder, data: bytes) -> None:
    folder.receipt.write_bytes(data)
    assert folder.codes() == ["receipt_invalid"]


def test_a_signature_twice_is_found(folder: Folder) -> None:
    note: Note = parse_note(KEY.sign(format_receipt(SAID)))
    folder.receipt.write_bytes(format_note(note.text, note.signatures * 2))
    assert folder.codes() == ["receipt_invalid"]


def test_files_and_keys_that_cannot_be_read_are_a_sentence(folder: Folder, tmp_path: Path) -> None:
    missing, document, receipt = str(tmp_path / "missing"), str(folder.document), str(folder.receipt)
    for path, note, key in (
        (missing, receipt, KEY.vkey),
        (document, missing, KEY.vkey),
        (str(tmp_path), receipt, KEY.vkey),
        (document, str(tmp_path), KEY.vkey),
        (document, receipt, "nonsense"),
        (document, receipt, f"{KEY.vkey}\nnonsense"),
    ):
        for lang in ("id", "en"):
            text, code = verify_document(path, note, key, lang, False)
            assert code == 2 and len(text.splitlines()) == 1 and text.endswith(".")


def test_the_one_file_and_both_commands_say_the_same(folder: Folder, tmp_path: Path) -> None:
    verifier = tmp_path / "verify.py"
    verifier.write_bytes(build_verifier())
    python = str(find_python("3.9") or sys.executable)
    for data, code in ((folder.receipt.read_bytes(), 0), (with_text(("seq 3", "seq 4")), 1), (b"no", 1)):
        folder.receipt.write_bytes(data)
        arguments = [str(folder.document), "--receipt", str(folder.receipt), "--key", KEY.vkey, "--json"]
        alone = subprocess.run(
            [python, "-I", "-S", verifier, *arguments], capture_output=True, timeout=60, encoding="utf-8"
        )
        ours = CliRunner().invoke(command_line, ["verify", *arguments])
        assert (alone.returncode, alone.stdout, alone.stderr) == (code, ours.stdout, "")
        assert ours.exit_code == code


def test_a_receipt_that_the_service_gave_verifies(tmp_path: Path) -> None:
    office = make_office(tmp_path / "var")
    office.at("2026-03-13T09:10")
    dossier = office.open()
    received = office.upload(dossier, "ratna", "1")[0]
    path, receipt = SAMPLES / office.samples[("1", 1)][0]["file"], tmp_path / "receipt"
    receipt.write_bytes(received.receipt_note)
    key = office.archive.receipt_key.vkey
    office.archive.db.close()
    assert verify_document(str(path), str(receipt), key, "en", False)[1] == 0
    assert verify_document(__file__, str(receipt), key, "en", False)[1] == 1


def test_every_sentence_is_in_both_languages() -> None:
    for table in (DOCUMENT_STEPS, DOCUMENT_WORDS):
        assert all(len(words) == 2 and all(words) and words[0] != words[1] for words in table.values())
    for indonesian, english in DOCUMENT_WORDS.values():
        assert indonesian.count("%") == english.count("%")


def test_the_command_ends_with_the_verdict(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder.document), "--receipt", str(folder.receipt), "--key", KEY.vkey]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == VALID
