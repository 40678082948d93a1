from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain import note
from archive_service.domain.checkpoint import Checkpoint, CheckpointError, format_checkpoint, parse_checkpoint
from archive_service.domain.note import NoteError
from archive_service.domain.receipt import Receipt, ReceiptError, format_receipt, parse_receipt
from archive_service.signing import SigningKey, load_or_create, named
from archive_service.verifier import ed25519

# The example of golang.org/x/mod/sumdb/note: a key, a text and its signature that nobody here made.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = (
    TEXT
    + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return named(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32), "archive.test/log")


def test_the_example_of_the_go_library_verifies() -> None:
    assert note.signed_by(note.parse_note(SIGNED.encode()), note.parse_vkey(VKEY), ed25519.verify)
    assert note.format_vkey(note.parse_vkey(VKEY)) == VKEY


def test_the_example_with_another_text_does_not_verify() -> None:
    changed = SIGNED.replace("answer", "Answer").encode()
    with pytest.raises(NoteError):
        note.signed_by(note.parse_note(changed), note.parse_vkey(VKEY), ed25519.verify)


def test_a_note_that_we_sign_verifies_and_another_key_says_nothing(key: SigningKey) -> None:
    parsed = note.parse_note(key.sign("one\n\ntwo\n"))
    assert parsed.text == "one\n\ntwo\n"
    assert note.signed_by(parsed, key.verifier_key, ed25519.verify)
    other = named(Ed25519PrivateKey.generate(), "archive.test/log")
    assert not note.signed_by(parsed, other.verifier_key, ed25519.verify)
    assert note.format_note(parsed.text, parsed.signatures) == key.sign("one\n\ntwo\n")


def test_a_signature_twice_is_refused(key: SigningKey) -> None:
    signed = note.parse_note(key.sign("a\n"))
    twice = note.parse_note(note.format_note("a\n", signed.signatures * 2))
    with pytest.raises(NoteError, match="twice"):
        note.signed_by(twice, key.verifier_key, ed25519.verify)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[:-1],
        lambda b: b + b"\n",
        lambda b: b + b"x\n",
        lambda b: b.replace(b"\n\n", b"\n"),
        lambda b: b.replace("\u2014".encode(), b"-"),
        lambda b: b.replace(b"\n", b"\r\n"),
        lambda b: b.replace(b"a\n", b"a\t\n", 1),
        lambda b: b"\xff" + b,
        lambda b: b.replace(b"=\n", b"\n") if b"=\n" in b else b[:-2] + b"\n",
        lambda b: b + b.splitlines(keepends=True)[-1] * 70,
        lambda b: b"x" * 70_000 + b,
        lambda b: b"",
        lambda b: b"a\n\n",
    ],
)
def test_bytes_that_are_no_note_are_refused(key: SigningKey, change: object) -> None:
    with pytest.raises(NoteError):
        note.parse_note(change(key.sign("a\n")))  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        VKEY[:-4],
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
        VKEY.replace("PeterNeumann", "PeterNeuman"),
        VKEY.replace("c74f20a3", "C74F20A3"),
        "a+00000000+" + base64.b64encode(b"\x04" + b"x" * 32).decode(),
        VKEY + "=",
    ],
)
def test_texts_that_are_no_key_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        note.parse_vkey(text)


def test_a_name_with_a_plus_or_a_space_is_no_key() -> None:
    for name in ("a+b", "a b", "", "a\n"):
        with pytest.raises(NoteError):
            note.make_vkey(name, b"x" * 32)


@given(st.binary(max_size=300))
def test_hostile_bytes_raise_nothing_but_note_error(data: bytes) -> None:
    with contextlib.suppress(NoteError):
        assert note.parse_note(data).signatures


@given(st.integers(0, 2**50), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_was_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("archive.test/log", size, root)
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 42 + "==\n",
        "o\n1\n" + "A" * 42 + "B=\n",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 43 + "=\nextension\n",
        "o\n1\n" + "A" * 43 + "=",
        "o\n99999999999999999999\n" + "A" * 43 + "=\n",
    ],
)
def test_texts_that_are_no_checkpoint_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


RECEIPT = Receipt(
    "archive.test/log", "dossier:" + "0" * 32, 7, "ab" * 32, "cd" * 32, 12345, "2026-03-13T02:20:00.000001Z"
)


def test_a_receipt_is_read_as_it_was_written() -> None:
    assert parse_receipt(format_receipt(RECEIPT)) == RECEIPT


@pytest.mark.parametrize(
    "change",
    [("receipt v1", "receipt v2"), ("seq 7", "seq 07"), ("sha256:", ""), ("size ", "size  "), ("\nat", "\n\nat")],
)
def test_texts_that_are_no_receipt_are_refused(change: tuple[str, str]) -> None:
    with pytest.raises(ReceiptError):
        parse_receipt(format_receipt(RECEIPT).replace(*change, 1))


def test_a_key_file_is_private_kept_and_never_overwritten(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "log.pem"
    first = load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = load_or_create(path)
    assert first.private_bytes_raw() == again.private_bytes_raw()
