"""Checkpoints and cosignatures that others made, byte for byte: sigsum-go's deterministic ones, and one of Go's checksum database.

Sources: sigsum-go, pkg/checkpoint/checkpoint_test.go (BSD-2-Clause); https://sum.golang.org/latest of 2024-09-23.
"""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import note
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from archive_service.domain.cosignature import cosigned_message, pack_cosignature, require_cosignature
from archive_service.signing import SigningKey, named
from archive_service.verifier import ed25519

SEED = bytes([17]) + bytes(31)
ROOT = bytes([28, 14, 71]) + bytes(29)
ORIGIN = "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69"
BODY = "10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
SIGNED = (
    f"{ORIGIN}\n{BODY}\n"
    f"\u2014 {ORIGIN} gJ2ho0n8F8olcerUF1FFdv235A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=\n"
)
COSIGNED = (
    "\u2014 example.org/witness "
    "ys8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9RsqNqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==\n"
)
SUMDB = """go.sum database tree
30055305
mXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=

\u2014 sum.golang.org Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=
"""
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


@pytest.fixture
def key() -> SigningKey:
    """The key of sigsum-go's tests, under the name that Sigsum gives it."""
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    digest = sha256(private.public_key().public_bytes_raw()).hexdigest()
    return named(private, f"sigsum.org/v1/tree/{digest}")


def test_our_checkpoint_is_sigsums_byte_for_byte(key: SigningKey) -> None:
    assert key.verifier_key.name == ORIGIN
    assert key.sign(format_checkpoint(Checkpoint(ORIGIN, 10, ROOT))) == SIGNED.encode()
    read = note.parse_note(SIGNED.encode())
    assert parse_checkpoint(read.text) == Checkpoint(ORIGIN, 10, ROOT)
    assert note.signed_by(read, key.verifier_key, ed25519.verify)


def test_our_cosignature_is_sigsums_byte_for_byte(key: SigningKey) -> None:
    witness = note.make_vkey("example.org/witness", key.verifier_key.public_key, note.COSIGNATURE)
    text = f"example.org/log\n{BODY}"
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    ours = pack_cosignature(witness, 1234, private.sign(cosigned_message(text, 1234)))
    assert note.format_signature_line(ours) == COSIGNED
    theirs = note.parse_note(f"{text}\n{COSIGNED}".encode()).signatures[0]
    assert require_cosignature(text, theirs, witness, ed25519.verify).time == 1234
    later = base64.b64decode(COSIGNED.split()[-1])
    moved = note.NoteSignature(theirs.name, theirs.key_id, (1235).to_bytes(8, "big") + later[12:])
    with pytest.raises(note.NoteError):
        require_cosignature(text, moved, witness, ed25519.verify)


def test_a_checkpoint_of_gos_checksum_database_is_read_and_verified() -> None:
    read = note.parse_note(SUMDB.encode())
    assert note.signed_by(read, note.parse_vkey(SUMDB_KEY), ed25519.verify)
    found = parse_checkpoint(read.text)
    assert (found.origin, found.size) == ("go.sum database tree", 30_055_305)
    assert format_checkpoint(found) == read.text
