"""Time-stamp tokens (RFC 3161), read strictly: which digest was stamped, when, by whose policy.

Whether the authority really signed it is for ``openssl ts -verify`` to say (``openssl_command``): nothing here does, or claims to.
Sources: RFC 3161 section 2.4.2, RFC 5652 sections 3, 5.1 and 5.2, X.690 (DER).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import List, Optional, Tuple

TOKEN_LIMIT_BYTES = 64 * 1024
ITEMS_LIMIT = 64

SHA256_OID = "2.16.840.1.101.3.4.2.1"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"

_INTEGER, _OCTETS, _NULL, _OID, _TIME, _SEQUENCE, _SET = 0x02, 0x04, 0x05, 0x06, 0x18, 0x30, 0x31
_EXPLICIT_0 = 0xA0
_GENERALIZED_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z")


class TokenError(ValueError):
    """The bytes are no time-stamp response as DER writes it."""


@dataclass(frozen=True)
class TimeStamp:
    """What a token says; ``at`` is aware UTC, ``serial`` a decimal number."""

    policy: str
    algorithm: str
    imprint: bytes
    serial: str
    at: datetime
    nonce: Optional[int] = None


Item = Tuple[int, bytes]
"""Tag and content of one DER value."""


def _read(data: bytes, position: int) -> Tuple[Item, int]:
    """The value at a position and the position behind it; lengths are minimal and definite, tags have one byte."""
    if position + 2 > len(data):
        raise TokenError("a value ends in its header")
    tag, length = data[position], data[position + 1]
    if tag & 0x1F == 0x1F:
        raise TokenError("a tag of several bytes")
    position += 2
    if length >= 0x80:
        count = length & 0x7F
        head = data[position : position + count]
        if not 1 <= count <= 4 or len(head) != count or head[0] == 0:
            raise TokenError("a length that DER does not write")
        length = int.from_bytes(head, "big")
        if length < 0x80:
            raise TokenError("a length that DER does not write")
        position += count
    if position + length > len(data):
        raise TokenError("a value is longer than what holds it")
    return (tag, data[position : position + length]), position + length


def _items(content: bytes) -> List[Item]:
    """The values that follow one another in a content, all of it."""
    found: List[Item] = []
    position = 0
    while position < len(content):
        if len(found) >= ITEMS_LIMIT:
            raise TokenError("too many values")
        item, position = _read(content, position)
        found.append(item)
    return found


def _require(item: Item, tag: int, what: str) -> bytes:
    if item[0] != tag:
        raise TokenError(f"{what} has the tag 0x{item[0]:02x}, not 0x{tag:02x}")
    return item[1]


def _sequence(item: Item, what: str, least: int) -> List[Item]:
    found = _items(_require(item, _SEQUENCE, what))
    if len(found) < least:
        raise TokenError(f"{what} has {len(found)} parts")
    return found


def _whole(data: bytes, what: str) -> Item:
    item, end = _read(data, 0)
    if end != len(data):
        raise TokenError(f"there are bytes behind {what}")
    return item


def _integer(item: Item, what: str) -> int:
    content = _require(item, _INTEGER, what)
    if not 1 <= len(content) <= 40:
        raise TokenError(f"{what} has {len(content)} bytes")
    if len(content) > 1 and (content[0], content[1] & 0x80) in ((0x00, 0x00), (0xFF, 0x80)):
        raise TokenError(f"{what} is not written as DER writes it")
    return int.from_bytes(content, "big", signed=True)


def _oid(item: Item, what: str) -> str:
    content = _require(item, _OID, what)
    if not 1 <= len(content) <= 64 or content[-1] & 0x80:
        raise TokenError(f"{what} is no object identifier")
    parts: List[int] = []
    value, is_first = 0, True
    for byte in content:
        if is_first and byte == 0x80:
            raise TokenError(f"{what} is no object identifier")
        value, is_first = (value << 7) | (byte & 0x7F), not byte & 0x80
        if is_first:
            parts.append(value)
            value = 0
    root = min(parts[0] // 40, 2)
    return ".".join(str(part) for part in [root, parts[0] - 40 * root, *parts[1:]])


def _time(item: Item) -> datetime:
    content = _require(item, _TIME, "genTime")
    match = _GENERALIZED_TIME.fullmatch(content.decode("ascii", "replace"))
    if match is None:
        raise TokenError("genTime is not written as DER writes it")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    microsecond = int(((match.group(7) or "") + "000000")[:6])
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, timezone.utc)
    except ValueError as exc:
        raise TokenError("genTime is no time") from exc


def parse_time_stamp(response: bytes) -> TimeStamp:
    """What a time-stamp response says; TokenError unless it was granted and is DER as the standards say, in bounds."""
    if len(response) > TOKEN_LIMIT_BYTES:
        raise TokenError(f"a response has at most {TOKEN_LIMIT_BYTES} bytes")
    parts = _sequence(_whole(response, "the response"), "the response", 1)
    status = _integer(_sequence(parts[0], "the status", 1)[0], "the status")
    if status not in (0, 1):
        raise TokenError(f"the authority refused with status {status}")
    if len(parts) != 2:
        raise TokenError("the response has no token")
    content_info = _sequence(parts[1], "the token", 2)
    if len(content_info) != 2 or _oid(content_info[0], "the token's type") != _SIGNED_DATA:
        raise TokenError("the token is no signed data")
    signed = _sequence(_whole(_require(content_info[1], _EXPLICIT_0, "the token"), "the token"), "signed data", 4)
    _integer(signed[0], "the version of the signed data")
    _require(signed[1], _SET, "the digest algorithms")
    _require(signed[-1], _SET, "the signers")
    encapsulated = _sequence(signed[2], "the content", 2)
    if len(encapsulated) != 2 or _oid(encapsulated[0], "the content's type") != _TST_INFO:
        raise TokenError("the content is no time-stamp")
    octets = _require(
        _whole(_require(encapsulated[1], _EXPLICIT_0, "the content"), "the content"), _OCTETS, "the content"
    )
    return _parse_info(octets)


def _parse_info(octets: bytes) -> TimeStamp:
    info = _sequence(_whole(octets, "the time-stamp"), "the time-stamp", 5)
    if _integer(info[0], "the version") != 1:
        raise TokenError("the time-stamp has another version")
    imprint = _sequence(info[2], "the imprint", 2)
    algorithm = _sequence(imprint[0], "the imprint's algorithm", 1)
    if len(imprint) != 2 or len(algorithm) > 2 or (len(algorithm) == 2 and algorithm[1] != (_NULL, b"")):
        raise TokenError("the imprint is not an algorithm and a digest")
    return TimeStamp(
        policy=_oid(info[1], "the policy"),
        algorithm=_oid(algorithm[0], "the imprint's algorithm"),
        imprint=_require(imprint[1], _OCTETS, "the imprint's digest"),
        serial=str(_integer(info[3], "the serial number")),
        at=_time(info[4]),
        nonce=next((_integer(item, "the nonce") for item in info[5:] if item[0] == _INTEGER), None),
    )


def openssl_command(checkpoint: str, token: str, at: datetime) -> str:
    """The line that has OpenSSL check an authority's signature over a kept checkpoint; CA.pem comes from the authority.

    The certificates must hold at the token's own time: they end long before a bundle is of no use any more.
    """
    attime = int(at.timestamp())
    return f"head -n 3 {checkpoint} | openssl ts -verify -data /dev/stdin -in {token} -CAfile CA.pem -attime {attime}"
