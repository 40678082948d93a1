"""ECDSA over P-256 with SHA-256, verification in plain Python (FIPS 186-5 section 6.4.2): slow, dependency-free, strict about encodings."""

from __future__ import annotations

from hashlib import sha256
from typing import Optional, Tuple

# SP 800-186 section 3.2.1.3; the curve is y² = x³ − 3x + b over the integers modulo p, of prime order n
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

Point = Tuple[int, int, int]
"""Jacobian coordinates (X, Y, Z) with x = X/Z², y = Y/Z³; Z = 0 is the neutral element."""

_ZERO: Point = (1, 1, 0)
_BASE: Point = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)


def _double(p: Point) -> Point:
    x, y, z = p
    if z == 0 or y == 0:
        return _ZERO
    delta, gamma = z * z % _P, y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % _P, 2 * y * z % _P


def _add(p: Point, q: Point) -> Point:
    if p[2] == 0:
        return q
    if q[2] == 0:
        return p
    z1z1, z2z2 = p[2] * p[2] % _P, q[2] * q[2] % _P
    u1, u2 = p[0] * z2z2 % _P, q[0] * z1z1 % _P
    s1, s2 = p[1] * q[2] * z2z2 % _P, q[1] * p[2] * z1z1 % _P
    h, r = (u2 - u1) % _P, (s2 - s1) % _P
    if h == 0:
        # the same x: the formula below would give 0/0, so a doubling or the neutral element is asked for here
        return _double(p) if r == 0 else _ZERO
    hh = h * h % _P
    hhh, v = h * hh % _P, u1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - s1 * hhh) % _P, p[2] * q[2] * h % _P


def _multiply_two(a: int, p: Point, b: int, q: Point) -> Point:
    """a·p + b·q in one pass over the bits of both."""
    both = _add(p, q)
    result = _ZERO
    for place in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        result = _double(result)
        in_a, in_b = a >> place & 1, b >> place & 1
        if in_a or in_b:
            result = _add(result, both if in_a and in_b else p if in_a else q)
    return result


def _read_point(data: bytes) -> Optional[Point]:
    """The point of an uncompressed encoding (SEC 1 section 2.3.4), or None when it is another form or not on the curve."""
    if len(data) != 65 or data[0] != 4:
        return None
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    if x >= _P or y >= _P or (y * y - (x * x * x - 3 * x + _B)) % _P != 0:
        return None
    return x, y, 1


def is_public_key(data: bytes) -> bool:
    """Whether these are the 65 bytes 04 ‖ x ‖ y of a point on the curve."""
    return _read_point(data) is not None


def _read_integer(data: bytes, start: int) -> Optional[Tuple[int, int]]:
    """The DER INTEGER of at most 33 bytes at ``start``, not negative, and where it ends; None for any other encoding."""
    if len(data) < start + 3 or data[start] != 2 or not 1 <= data[start + 1] <= 33:
        return None
    end = start + 2 + data[start + 1]
    body = data[start + 2 : end]
    if end > len(data) or body[0] & 0x80:
        return None
    if body[0] == 0 and len(body) > 1 and not body[1] & 0x80:
        return None
    return int.from_bytes(body, "big"), end


def _read_signature(data: bytes) -> Optional[Tuple[int, int]]:
    """(r, s) of ``SEQUENCE { r INTEGER, s INTEGER }`` in DER (RFC 3279 section 2.2.3), or None for any other bytes."""
    # the longest has two integers of 33 bytes: its length fits the short form, and no other form is DER
    if not 8 <= len(data) <= 72 or data[0] != 0x30 or data[1] != len(data) - 2:
        return None
    r = _read_integer(data, 2)
    s = None if r is None else _read_integer(data, r[1])
    if r is None or s is None or s[1] != len(data):
        return None
    return r[0], s[0]


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the DER signature over the message is right; False for any other key or signature than canonical ones, never an error.

    ``public_key`` has 65 bytes, 04 ‖ x ‖ y. A signature with n − s instead of s is right as well, as the standard says:
    whoever needs one form only must not take a signature as a name for what it signs.
    """
    point, pair = _read_point(public_key), _read_signature(signature)
    if point is None or pair is None:
        return False
    r, s = pair
    if not (1 <= r < _N and 1 <= s < _N):
        return False
    digest = int.from_bytes(sha256(message).digest(), "big")
    inverse = pow(s, _N - 2, _N)
    x, _, z = _multiply_two(digest * inverse % _N, _BASE, r * inverse % _N, point)
    if z == 0:
        return False
    return x * pow(z * z, _P - 2, _P) % _P % _N == r
