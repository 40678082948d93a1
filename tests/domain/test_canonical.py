from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain import canonical
from archive_service.domain.canonical import CanonicalError
from tests.vectors import vectors

ascii_keys = st.text(st.characters(max_codepoint=127), max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ascii_keys, inner, max_size=5), max_leaves=25
)


@given(values)
def test_the_bytes_are_those_of_rfc_8785_and_give_the_value_back(value: Any) -> None:
    data = canonical.encode(value)
    assert data == rfc8785.dumps(value)
    assert canonical.decode(data) == value


@given(values, st.data())
def test_any_other_bytes_are_refused_or_mean_something_else(value: Any, data: st.DataObject) -> None:
    whole = bytearray(canonical.encode(value))
    place = data.draw(st.integers(0, len(whole)))
    whole[place:place] = data.draw(st.binary(min_size=1, max_size=3))
    try:
        other = canonical.decode(bytes(whole))
    except CanonicalError:
        return
    assert canonical.encode(other) == bytes(whole) and json.dumps(other) != json.dumps(value)


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_nothing_but_canonical_error(data: bytes) -> None:
    with contextlib.suppress(CanonicalError):
        assert canonical.encode(canonical.decode(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"1\n",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1,}',
        b"[1,]",
        b"01",
        b"-0",
        b"1.0",
        b"1e3",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"'a'",
        b'"a',
        b'{"\xc3\xa9":1}',
        b"{1:1}",
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"nul",
        b"true false",
        "1".encode("utf-16"),
    ],
)
def test_bytes_outside_the_canonical_form_are_refused(data: bytes) -> None:
    with pytest.raises(CanonicalError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 1.0, math.nan, math.inf, "\ud800", {"é": 1}, {1: 1}, b"x", {1, 2}, object()],
)
def test_values_outside_the_canonical_form_are_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical.encode(value)


def test_nesting_is_bounded() -> None:
    assert canonical.decode(b"[" * 32 + b"]" * 32) is not None
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(CanonicalError):
        canonical.encode(deep)


def nested(depth: int, is_list: bool) -> Any:
    value: Any = [] if is_list else {}
    for _ in range(depth - 1):
        value = [value] if is_list else {"a": value}
    return value


@pytest.mark.parametrize("is_list", [True, False])
def test_the_deepest_nesting_is_thirty_two(is_list: bool) -> None:
    assert canonical.decode(canonical.encode(nested(32, is_list))) == nested(32, is_list)
    with pytest.raises(CanonicalError, match=r"^nested deeper than 32$"):
        canonical.encode(nested(33, is_list))


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1])
def test_the_largest_integers_are_taken(value: int) -> None:
    assert canonical.encode([value]) == str([value]).encode()
    assert canonical.decode(str(value).encode()) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([2**53], "the integer 9007199254740992 is outside ±(2^53-1)"),
        ({"a": [1.0]}, "a float has no canonical form here"),
        ((b"x",), "a bytes has no canonical form here"),
        ({"é": 1}, "the key 'é' is no ASCII text"),
        ({"a": {1: 1}}, "the key 1 is no ASCII text"),
        (["\ud800"], "a string holds a lone surrogate"),
    ],
)
def test_a_refused_value_is_named(value: Any, words: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical.encode(value)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[1.5]", "the number 1.5 is no integer in plain digits"),
        (b"1." + b"5" * 60, "the number 1." + "5" * 38 + " is no integer in plain digits"),
        (b"NaN", "the number NaN is no integer in plain digits"),
        (b"1" * 18, "an integer is outside ±(2^53-1)"),
        (b"-" + b"1" * 17, "an integer is outside ±(2^53-1)"),
        (b"1" * 17, "the integer 11111111111111111 is outside ±(2^53-1)"),
        (b'{"a":1,"a":1}', "an object has the same key twice"),
        (b"[" * 100_000, "nested deeper than 32"),
        (b"[1, 2]", "the bytes are not the canonical form of their value"),
    ],
)
def test_refused_bytes_are_told_why(data: bytes, words: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical.decode(data)
    assert str(caught.value) == words
    with pytest.raises(CanonicalError, match=r"^no JSON in UTF-8: "):
        canonical.decode(b"\xff" + data)


def test_control_characters_have_their_one_escape() -> None:
    text = "".join(chr(i) for i in range(32)) + '"\\\x7f\u2028é'
    assert canonical.encode(text) == rfc8785.dumps(text)
    assert canonical.decode(canonical.encode(text)) == text


def test_text_that_is_not_nfc_is_refused_when_writing_only() -> None:
    decomposed = "e\u0301"
    with pytest.raises(CanonicalError, match=r"value\.a\[1\] is not in NFC"):
        canonical.require_nfc({"a": ["x", decomposed]})
    with pytest.raises(CanonicalError, match="a key of value is not in NFC"):
        canonical.require_nfc({decomposed: 1})
    with pytest.raises(CanonicalError, match=r"^line\[0\]\.b is not in NFC$"):
        canonical.require_nfc(({"b": decomposed},), "line")
    assert canonical.decode(canonical.encode(decomposed)) == decomposed


def test_the_vectors_of_rfc_8785_within_the_restriction() -> None:
    folder = vectors("jcs")
    outside = {
        "values": "floats",
        "structures": "floats",
        "arrays": "floats",
        "weird": "keys beyond ASCII",
        "french": "keys beyond ASCII",
    }
    seen = 0
    for path in sorted((folder / "input").glob("*.json")):
        expected = (folder / "output" / path.name).read_bytes()
        value = json.loads(path.read_bytes())
        try:
            assert canonical.encode(value) == expected
            assert canonical.decode(expected) == value
        except CanonicalError:
            assert path.stem in outside, f"{path.name} is refused and nobody said why"
        seen += 1
    assert seen == 6
