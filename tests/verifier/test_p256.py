from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from archive_service.verifier import ed25519, p256
from tests.vectors import vectors

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
KEY = ec.derive_private_key(0x0123456789ABCDEF, ec.SECP256R1())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


PUBLIC = point(KEY)


def sign(message: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def accepted_by_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def test_the_vectors_of_rfc_6979_verify() -> None:
    # RFC 6979 section A.2.5, curve P-256 with SHA-256
    public = bytes.fromhex(
        "04"
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    )
    sample = encode_dss_signature(
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )
    test = encode_dss_signature(
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    )
    assert p256.verify(public, b"sample", sample)
    assert p256.verify(public, b"test", test)
    assert not p256.verify(public, b"sample", test)


@given(
    number=st.integers(1, ORDER - 1), message=st.binary(max_size=200), place=st.integers(0, 71), bit=st.integers(0, 7)
)
def test_what_cryptography_signs_verifies_and_a_flipped_bit_does_not(
    number: int, message: bytes, place: int, bit: int
) -> None:
    key = ec.derive_private_key(number, ec.SECP256R1())
    public, signature = point(key), sign(message, key)
    assert p256.is_public_key(public)
    assert p256.verify(public, message, signature)
    flipped = bytearray(signature)
    flipped[place % len(signature)] ^= 1 << bit
    assert not p256.verify(public, message, bytes(flipped))
    assert not accepted_by_cryptography(public, message, bytes(flipped))
    assert not p256.verify(public, message + b"x", signature)


@given(public=st.binary(max_size=70), message=st.binary(max_size=10), signature=st.binary(max_size=80))
def test_bad_input_of_any_length_is_false(public: bytes, message: bytes, signature: bytes) -> None:
    assert p256.verify(public, message, signature) is False
    assert p256.verify(PUBLIC, message, signature) is False


@given(signature=st.binary(max_size=75), head=st.sampled_from([b"", b"\x30", b"\x30\x06\x02", b"\x30\x44\x02\x20"]))
def test_any_signature_is_judged_as_by_cryptography(signature: bytes, head: bytes) -> None:
    assert p256.verify(PUBLIC, b"m", head + signature) == accepted_by_cryptography(PUBLIC, b"m", head + signature)


@pytest.mark.parametrize(
    ("r", "s"),
    [(r, s) for r in (0, 1, ORDER - 1, ORDER, ORDER + 1, FIELD, 2**256 - 1) for s in (0, 1, ORDER - 1, ORDER, 2**256)],
)
def test_edge_numbers_are_judged_as_by_cryptography(r: int, s: int) -> None:
    for message in (b"", b"m"):
        signature = encode_dss_signature(r, s)
        assert p256.verify(PUBLIC, message, signature) == accepted_by_cryptography(PUBLIC, message, signature)


def test_numbers_out_of_range_are_refused() -> None:
    r, s = decode_dss_signature(sign(b"m"))
    assert p256.verify(PUBLIC, b"m", encode_dss_signature(r, ORDER - s))
    for bad in ((0, s), (r, 0), (r + ORDER, s), (r, s + ORDER), (ORDER, s), (r, ORDER)):
        assert not p256.verify(PUBLIC, b"m", encode_dss_signature(*bad))


def short_signature() -> bytes:
    """A signature whose r has its highest bit set and whose s has not, so that both forms of an integer are there."""
    for number in range(1000):
        signature = sign(b"m%d" % number)
        r, s = decode_dss_signature(signature)
        if r >> 255 and not s >> 255:
            return b"m%d" % number + b"|" + signature
    raise AssertionError("no such signature in a thousand")


def test_other_encodings_than_der_are_refused() -> None:
    message, signature = short_signature().split(b"|", 1)
    r, s = decode_dss_signature(signature)
    assert p256.verify(PUBLIC, message, signature)
    r_der, s_der = b"\x02\x21\x00" + r.to_bytes(32, "big"), signature[4 + 33 :]
    assert signature == b"\x30" + bytes([len(r_der + s_der)]) + r_der + s_der
    bad = [
        signature + b"\x00",
        signature[:-1],
        b"\x31" + signature[1:],
        b"\x30\x81" + signature[1:],
        b"\x30\x80" + signature[2:] + b"\x00\x00",
        b"\x30\x82\x00" + signature[1:],
        b"\x30" + bytes([len(r_der + s_der) + 1]) + r_der + s_der + b"\x00",
        b"\x30" + bytes([len(r_der + s_der) - 1]) + b"\x02\x20" + r.to_bytes(32, "big") + s_der,
        b"\x30" + bytes([len(r_der + s_der) + 1]) + b"\x02\x22\x00\x00" + r.to_bytes(32, "big") + s_der,
        b"\x30" + bytes([len(r_der + s_der) + 1]) + r_der + b"\x02" + bytes([s_der[1] + 1]) + b"\x00" + s_der[2:],
        b"\x30" + bytes([len(r_der + s_der) + 1]) + b"\x02\x81\x21\x00" + r.to_bytes(32, "big") + s_der,
        b"\x30" + bytes([len(r_der + s_der)]) + b"\x03" + r_der[1:] + s_der,
        b"\x30\x04\x02\x00\x02\x00",
        b"\x30" + bytes([len(r_der)]) + r_der,
        b"\x30" + bytes([len(r_der + s_der + s_der)]) + r_der + s_der + s_der,
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        b"",
    ]
    for one in bad:
        assert not p256.verify(PUBLIC, message, one)


def test_keys_that_are_not_an_uncompressed_point_on_the_curve_are_refused() -> None:
    signature = sign(b"m")
    x, y = PUBLIC[1:33], PUBLIC[33:]
    compressed = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    off = (int.from_bytes(y, "big") ^ 1).to_bytes(32, "big")
    hybrid = bytes([6 + (y[-1] & 1)]) + x + y
    for public in (compressed, hybrid, x + y, b"\x04" + x + off, b"\x00", b"\x04" + bytes(64), PUBLIC + b"\x00"):
        assert not p256.is_public_key(public)
        assert not p256.verify(public, b"m", signature)
    # a coordinate written as x + p: the point with the smallest x that leaves room for it
    x_small = next(i for i in range(100) if pow(i**3 - 3 * i + p256._B, (FIELD - 1) // 2, FIELD) == 1)
    y_small = pow(x_small**3 - 3 * x_small + p256._B, (FIELD + 1) // 4, FIELD)
    assert p256.is_public_key(b"\x04" + x_small.to_bytes(32, "big") + y_small.to_bytes(32, "big"))
    assert not p256.is_public_key(b"\x04" + (x_small + FIELD).to_bytes(32, "big") + y_small.to_bytes(32, "big"))


def test_keys_for_which_the_sum_meets_itself_are_judged_alike() -> None:
    """The base point, its negative and small multiples drive the addition into doubling and the neutral element."""
    digest = int.from_bytes(sha256(b"m").digest(), "big")
    for number in (1, 2, 3, ORDER - 1, ORDER - 2, digest % ORDER, -digest % ORDER, pow(digest, -1, ORDER)):
        key = ec.derive_private_key(number, ec.SECP256R1())
        assert p256.verify(point(key), b"m", sign(b"m", key))
        for r, s in ((1, 1), (digest % ORDER, 1), (-digest % ORDER, 1), (-digest * pow(number, -1, ORDER) % ORDER, 1)):
            signature = encode_dss_signature(r, s)
            assert p256.verify(point(key), b"m", signature) == accepted_by_cryptography(point(key), b"m", signature)


def test_what_openssl_signs_verifies(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here")

    def run(*words: str) -> bytes:
        return subprocess.run([openssl, *words], cwd=tmp_path, check=True, capture_output=True, timeout=30).stdout

    run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem")
    public = run("ec", "-in", "key.pem", "-pubout", "-outform", "DER")[-65:]
    (tmp_path / "m").write_bytes(b"a decision")
    signature = run("dgst", "-sha256", "-sign", "key.pem", "m")
    assert p256.verify(public, b"a decision", signature)
    assert not p256.verify(public, b"another decision", signature)


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in json.loads((vectors("wycheproof") / name).read_text())["testGroups"]:
        for case in group["tests"]:
            yield group, case


def test_wycheproof_p256_cases_are_judged_as_they_say() -> None:
    wrong = [
        (case["tcId"], case["comment"])
        for group, case in cases("ecdsa_secp256r1_sha256_test.json")
        if p256.verify(
            bytes.fromhex(group["publicKey"]["uncompressed"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        )
        != (case["result"] == "valid")
    ]
    assert wrong == []


def test_wycheproof_ed25519_cases_are_judged_as_they_say() -> None:
    wrong = [
        (case["tcId"], case["comment"])
        for group, case in cases("ed25519_test.json")
        if ed25519.verify(
            bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        )
        != (case["result"] == "valid")
    ]
    assert wrong == []
