"""Canonical JSON: RFC 8785 (JCS) restricted to values without floats, so that bytes and value determine each other.

Objects with ASCII keys, strings, integers within ±(2^53-1), booleans, null and arrays, nested at most 32 deep.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Dict, List, Tuple

INTEGER_LIMIT = 2**53 - 1
DEPTH_LIMIT = 32


class CanonicalError(ValueError):
    """The value or the bytes are outside the restricted canonical form."""


def _check(value: Any, depth: int) -> None:
    # bool is an int: it is asked for first
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        return
    if isinstance(value, int):
        if not -INTEGER_LIMIT <= value <= INTEGER_LIMIT:
            raise CanonicalError(f"the integer {value} is outside ±(2^53-1)")
        return
    if depth >= DEPTH_LIMIT:
        raise CanonicalError(f"nested deeper than {DEPTH_LIMIT}")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise CanonicalError(f"the key {key!r} is no ASCII text")
            _check(inner, depth + 1)
        return
    if isinstance(value, (list, tuple)):
        for inner in value:
            _check(inner, depth + 1)
        return
    raise CanonicalError(f"a {type(value).__name__} has no canonical form here")


def encode(value: Any) -> bytes:
    """The canonical bytes of a value (RFC 8785 section 3.2); CanonicalError when it has none.

    Keys are ASCII, so sorting by code point is the sorting by UTF-16 units that JCS asks for; without floats Python's own writer then
    writes exactly JCS.
    """
    _check(value, 0)
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise CanonicalError("a string holds a lone surrogate") from exc


def _refuse_number(text: str) -> Any:
    raise CanonicalError(f"the number {text[:40]} is no integer in plain digits")


def _integer(text: str) -> int:
    # 16 digits and a sign hold every allowed integer; longer ones would cost quadratic time
    if len(text) > 17:
        raise CanonicalError("an integer is outside ±(2^53-1)")
    return int(text)


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalError("an object has the same key twice")
    return found


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)


def _small_integer(text: str) -> int:
    value = _integer(text)
    if not -INTEGER_LIMIT <= value <= INTEGER_LIMIT:
        raise CanonicalError("an integer is outside ±(2^53-1)")
    return value


_QUICK_DECODER = json.JSONDecoder(parse_float=_refuse_number, parse_int=_small_integer, parse_constant=_refuse_number)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_refuse_number, parse_int=_integer, parse_constant=_refuse_number
)


def _decode_quickly(text: str) -> Any:
    """The object whose canonical text this is, or None where the thorough way has to look.

    In ASCII text with few brackets there can be no key outside ASCII and no deep nesting; a key that comes twice, an escape that need
    not be and any other spelling are not what the encoder writes again.
    """
    if text[:1] != "{" or not text.isascii() or text.count("{") + text.count("[") > DEPTH_LIMIT:
        return None
    try:
        # raw_decode: white space around the value is not canonical, and need not be looked for
        value, end = _QUICK_DECODER.raw_decode(text)
        return value if end == len(text) and _ENCODER.encode(value) == text else None
    except ValueError:
        return None


def decode(data: bytes) -> Any:
    """The value whose canonical bytes are exactly ``data``; CanonicalError for any other bytes."""
    try:
        quick = _decode_quickly(data.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise CanonicalError(f"no JSON in UTF-8: {exc}") from exc
    if quick is not None:
        return quick
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
    except CanonicalError:
        raise
    except RecursionError as exc:
        raise CanonicalError(f"nested deeper than {DEPTH_LIMIT}") from exc
    except ValueError as exc:
        raise CanonicalError(f"no JSON in UTF-8: {exc}") from exc
    if encode(value) != data:
        raise CanonicalError("the bytes are not the canonical form of their value")
    return value


def require_nfc(value: Any, place: str = "value") -> None:
    """Raise CanonicalError naming the first string or key that is not in Unicode's form NFC; asked for when writing only."""
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise CanonicalError(f"{place} is not in NFC")
    elif isinstance(value, dict):
        for key, inner in value.items():
            require_nfc(key, f"a key of {place}")
            require_nfc(inner, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            require_nfc(inner, f"{place}[{index}]")
