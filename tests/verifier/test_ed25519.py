from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archive_service.verifier import ed25519

# RFC 8032 section 7.1, tests 1, 2, 3 and SHA(abc): public key, message, signature
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032_verify(public: str, message: str, signature: str) -> None:
    assert ed25519.verify(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
def test_what_cryptography_signs_verifies_and_a_flipped_bit_does_not(
    seed: bytes, message: bytes, data: st.DataObject
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ed25519.verify(public, message, signature)
    place = data.draw(st.integers(0, 63))
    flipped = bytearray(signature)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    assert not ed25519.verify(public, message, bytes(flipped))
    assert not ed25519.verify(public, message + b"x", signature)


@given(public=st.binary(max_size=40), message=st.binary(max_size=10), signature=st.binary(max_size=70))
def test_bad_input_of_any_length_is_false(public: bytes, message: bytes, signature: bytes) -> None:
    assert ed25519.verify(public, message, signature) is False


def test_a_second_form_of_a_good_signature_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"m")
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519.verify(public, b"m", signature[:32] + s.to_bytes(32, "little"))


def test_points_that_are_not_written_canonically_are_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    signature = key.sign(b"m")
    for y in (2**255 - 19, 2**255 - 18, 2**255 - 1):
        assert not ed25519.verify(y.to_bytes(32, "little"), b"m", signature)
    minus_zero = (1 | 1 << 255).to_bytes(32, "little")
    assert not ed25519.verify(minus_zero, b"m", signature)
