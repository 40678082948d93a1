"""Cosignatures: what a witness signs, and what is never taken for it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import note
from archive_service.domain.cosignature import (
    cosigned_message,
    find_cosignature,
    pack_cosignature,
    require_cosignature,
    unpack_cosignature,
)
from archive_service.domain.note import COSIGNATURE, Note, NoteError, NoteSignature
from archive_service.verifier import ed25519

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = note.make_vkey("witness.example.com/w1", PUBLIC, COSIGNATURE)
TIME = 1679315147


def cosign(time: int = TIME, text: str = TEXT) -> NoteSignature:
    return pack_cosignature(KEY, time, PRIVATE.sign(cosigned_message(text, time)))


def test_the_message_is_the_specifications() -> None:
    assert cosigned_message(TEXT, TIME) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()


def test_the_specifications_example_line_has_its_time() -> None:
    line = "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    found = unpack_cosignature(note.parse_signature_line(line))
    assert (found.name, found.key_id.hex(), found.time) == ("witness.example.com/w1", "8d66cf3f", TIME)


def test_the_key_id_is_of_type_4_and_the_key_is_read_as_such_alone() -> None:
    assert KEY.key_id == sha256(b"witness.example.com/w1\n\x04" + PUBLIC).digest()[:4]
    vkey = note.format_vkey(KEY)
    assert note.parse_vkey(vkey, COSIGNATURE) == KEY
    with pytest.raises(NoteError, match="another type"):
        note.parse_vkey(vkey)
    with pytest.raises(NoteError, match="another type"):
        note.parse_vkey(note.format_vkey(note.make_vkey("log", PUBLIC)), COSIGNATURE)


def test_a_line_goes_there_and_back() -> None:
    signature = cosign()
    assert note.parse_signature_line(note.format_signature_line(signature)[:-1]) == signature
    assert require_cosignature(TEXT, signature, KEY, ed25519.verify).time == TIME


def test_a_signature_over_the_note_is_no_cosignature_nor_the_other_way() -> None:
    plain = note.make_vkey(KEY.name, PUBLIC)
    bare = PRIVATE.sign(TEXT.encode())
    # 0x01 presented as 0x04: under the cosigner's id
    with pytest.raises(NoteError):
        require_cosignature(TEXT, NoteSignature(KEY.name, KEY.key_id, bare), KEY, ed25519.verify)
    with pytest.raises(NoteError):
        require_cosignature(TEXT, NoteSignature(KEY.name, KEY.key_id, bytes(7) + b"\x01" + bare), KEY, ed25519.verify)
    # 0x04 presented as 0x01: under the id of a key that signs notes
    with pytest.raises(NoteError):
        note.signed_by(
            Note(TEXT, (NoteSignature(plain.name, plain.key_id, cosign().signature),)), plain, ed25519.verify
        )
    assert not note.signed_by(Note(TEXT, (cosign(),)), plain, ed25519.verify)
    with pytest.raises(NoteError):
        pack_cosignature(plain, TIME, bare)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[:7] + bytes([b[7] ^ 1]) + b[8:],
        lambda b: b[:-1] + bytes([b[-1] ^ 1]),
        lambda b: b[:-1],
        lambda b: b + b"\0",
    ],
)
def test_another_time_or_signature_is_refused(change: object) -> None:
    signature = cosign()
    changed = NoteSignature(signature.name, signature.key_id, change(signature.signature))  # type: ignore[operator]
    with pytest.raises(NoteError):
        find_cosignature(Note(TEXT, (changed,)), KEY, ed25519.verify)


@pytest.mark.parametrize("time", [0, 2**63, 2**64 - 1])
def test_no_time_and_none_beyond_all_dates(time: int) -> None:
    with pytest.raises(NoteError, match="time"):
        unpack_cosignature(cosign(time))


def test_a_witness_that_signed_twice_counts_once_at_its_earliest_time() -> None:
    found = find_cosignature(Note(TEXT, (cosign(TIME + 9), cosign(TIME))), KEY, ed25519.verify)
    assert found is not None and found.time == TIME
    stranger = note.make_vkey("other", PUBLIC, COSIGNATURE)
    assert find_cosignature(Note(TEXT, (cosign(),)), stranger, ed25519.verify) is None
