"""The rules of which the closed schemas are made: each limit, each word, and the sentence that names the place."""

from __future__ import annotations

import re
from typing import Any

import pytest

from archive_service.domain import canonical, event
from archive_service.domain.event import EventError, build_event, commitment, parse_event, service_actor
from tests.domain.story import make_id
from tests.domain.test_event import unit_event

HASH = "ab" * 32


def number(low: int, high: int) -> event.Rule:
    return event._integer(low, high)


@pytest.mark.parametrize("value", ["a", "abc", "é"])
def test_a_text_within_its_limit_is_taken(value: str) -> None:
    assert event._text(3)(value, "name") is None


@pytest.mark.parametrize("value", ["", "abcd", 1, None, ["a"]])
def test_a_text_outside_its_limit_is_named(value: Any) -> None:
    assert event._text(3)(value, "name") == "name is not a text of 1 to 3 characters"


@pytest.mark.parametrize("value", [2, 3, 5])
def test_an_integer_within_its_bounds_is_taken(value: int) -> None:
    assert number(2, 5)(value, "count") is None


@pytest.mark.parametrize("value", [1, 6, "3", None, True, 3.0])
def test_an_integer_outside_its_bounds_is_named(value: Any) -> None:
    assert number(2, 5)(value, "count") == "count is not an integer from 2 to 5"
    assert number(0, 5)(False, "count") == "count is not an integer from 0 to 5"


def test_true_and_false_are_the_only_truths() -> None:
    assert event._boolean(True, "x") is None and event._boolean(False, "x") is None
    for value in (0, 1, None, "true"):
        assert event._boolean(value, "x") == "x is neither true nor false"


def test_a_word_is_one_of_those_listed() -> None:
    rule = event._one_of("late", "on_time")
    assert rule("late", "r") is None and rule("on_time", "r") is None
    for value in ("Late", "", None, 1):
        assert rule(value, "r") == "r is none of late, on_time"


def test_null_is_taken_where_it_may_be_and_what_is_there_is_judged() -> None:
    rule = event._or_null(number(1, 2))
    assert rule(None, "n") is None and rule(2, "n") is None
    assert rule(3, "n") == "n is not an integer from 1 to 2"
    assert number(1, 2)(None, "n") is not None


def test_a_pattern_is_matched_whole() -> None:
    rule = event._matches(re.compile("[a-c]+"), "a word")
    assert rule("abc", "w") is None
    for value in ("abcd", "", 1, None):
        assert rule(value, "w") == "w is not a word"


@pytest.mark.parametrize("value", ["2024-02-29T00:00:00.000000Z", "2026-12-31T23:59:59.999999Z"])
def test_a_time_that_is_one_is_taken(value: str) -> None:
    assert event.TIME(value, "at") is None and event.DATE(value[:10], "on") is None


@pytest.mark.parametrize(
    "value", ["2023-02-29T00:00:00.000000Z", "2026-12-31T24:00:00.000000Z", "2026-12-31T23:59:60.000000Z", 5, None]
)
def test_a_time_that_is_none_is_named(value: Any) -> None:
    assert event.TIME(value, "at") == "at is not a UTC time YYYY-MM-DDTHH:MM:SS.ffffffZ"


@pytest.mark.parametrize("value", ["2023-02-29", "20260101", "2026-1-1", 5, None])
def test_a_date_that_is_none_is_named(value: Any) -> None:
    assert event.DATE(value, "on") == "on is not a date YYYY-MM-DD"


def test_a_list_is_bounded_and_the_place_of_what_is_wrong_is_named() -> None:
    rule = event._list_of(number(1, 9), 2)
    assert rule([], "l") is None and rule([1, 9], "l") is None
    assert rule([1, 2, 3], "l") == rule("ab", "l") == rule(None, "l") == "l is not a list of at most 2"
    assert rule([1, 0], "l") == "l[1] is not an integer from 1 to 9"
    assert rule([0, 1], "l") == "l[0] is not an integer from 1 to 9"


def test_an_object_has_exactly_its_members_and_each_is_judged() -> None:
    rule = event._object({"a": number(1, 2), "b": event._object({"c": event._boolean})})
    assert rule({"a": 1, "b": {"c": True}}, "p") is None
    assert rule([1], "p") == rule(None, "p") == "p is not an object"
    assert rule({"a": 1, "x": 2, "w": 3}, "p") == "p has other members than its schema: b, w, x"
    assert rule({"a": 5, "b": {"c": True}}, "p") == "p.a is not an integer from 1 to 2"
    assert rule({"a": 1, "b": {"c": 1}}, "p") == "p.b.c is neither true nor false"
    assert rule({"a": 1, "b": {}}, "p") == "p.b has other members than its schema: c"


def test_a_type_names_its_streams_and_its_members() -> None:
    made = event._type(["unit", "service"], n=number(1, 2))
    assert made.streams == {"unit", "service"}
    assert made.payload({"n": 1}, "payload") is None
    assert made.payload({"n": 3}, "payload") == "payload.n is not an integer from 1 to 2"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"origin": "Archive"}, "origin", "origin is not the name of a log"),
        ({"origin": 5}, "origin", "origin is not the name of a log"),
        ({"stream": "unit:x"}, "stream", "stream is not the name of a stream"),
        ({"stream": f"unit:{make_id(1)}:{make_id(1)}"}, "stream", "stream is not the name of a stream"),
        ({"type": "work_unit.burnt"}, "type", "type is unknown"),
        ({"stream": "service"}, "stream", "a work_unit.created event does not belong into a service stream"),
        ({"seq": 1}, "chain", "prev is 64 zeros at seq 0 and nowhere else"),
        ({"prev": HASH}, "chain", "prev is 64 zeros at seq 0 and nowhere else"),
        ({"id": "x"}, "schema", "id is not a UUIDv7 in 32 lower-case hex digits"),
        ({"on_behalf_of": "x"}, "schema", "on_behalf_of is not a UUIDv7 in 32 lower-case hex digits"),
        ({"claimed_at": "x"}, "schema", "claimed_at is not a UTC time YYYY-MM-DDTHH:MM:SS.ffffffZ"),
    ],
)
def test_an_event_that_does_not_fit_says_where(changes: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(EventError) as caught:
        unit_event(**changes)
    assert (caught.value.code, str(caught.value)) == (code, words)


def bytes_with(**changes: Any) -> bytes:
    value = {**canonical.decode(unit_event().data), **changes}
    return canonical.encode({name: part for name, part in value.items() if part is not ...})


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"v": 2}, "version", "this format knows v = 1 alone"),
        ({"v": True}, "version", "this format knows v = 1 alone"),
        ({"stream": 5}, "stream", "stream is not the name of a stream"),
        ({"type": 5}, "type", "type is unknown"),
        ({"type": ["work_unit.created"]}, "type", "type is unknown"),
        ({"stream": ["service"]}, "stream", "stream is not the name of a stream"),
        (
            {"at": ...},
            "fields",
            "an event has exactly the members actor, at, claimed_at, id, on_behalf_of, origin, payload, prev, seq, stream, type, v",
        ),
    ],
)
def test_read_bytes_that_do_not_fit_say_where(changes: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_event(bytes_with(**changes))
    assert (caught.value.code, str(caught.value)) == (code, words)
    with pytest.raises(EventError, match="an event has exactly the members"):
        parse_event(b"[]")


def submitted(payload_bytes: int) -> Any:
    """A submission whose payload has this many bytes, by the length of its answers."""
    frame = {"step": "1", "iteration": 1, "documents": 0, "documents_digest": HASH, "gaps": 0}
    answers = [{"question": "q", "answer": "a"} for _ in range(20)]
    rest = payload_bytes - len(canonical.encode({**frame, "answers": answers}))
    for answer in answers:
        length = min(499, rest)
        answer["answer"] += "a" * length
        rest -= length
    return unit_event(
        stream=f"dossier:{make_id(2)}", type="step.submitted", payload={**frame, "answers": answers}, seq=1, prev=HASH
    )


def test_a_payload_has_at_most_eight_kibibytes() -> None:
    assert len(canonical.encode(submitted(8192).payload)) == 8192
    with pytest.raises(EventError) as caught:
        submitted(8193)
    assert caught.value.code == "payload_size"
    assert str(caught.value) == "the payload is over 8192 bytes: keep it as an object and name its digest"


def test_more_bytes_than_an_event_may_have_are_not_looked_at() -> None:
    with pytest.raises(EventError) as caught:
        parse_event(b" " * 65_536)
    assert (caught.value.code, str(caught.value)) == ("event_size", "an event has at most 65535 bytes")
    with pytest.raises(EventError) as caught:
        parse_event(b" " * 65_535)
    assert caught.value.code == "not_canonical"


def test_bytes_that_are_not_canonical_are_told_so_with_the_reason() -> None:
    with pytest.raises(EventError) as caught:
        parse_event(b"[1, 2]")
    assert (caught.value.code, str(caught.value)) == (
        "not_canonical",
        "the bytes are not the canonical form of their value",
    )
    with pytest.raises(EventError) as caught:
        unit_event(payload={"work_unit": make_id(2), "code": "a", "name": "e\u0301", "parent": None})
    assert (caught.value.code, str(caught.value)) == ("not_canonical", "value.payload.name is not in NFC")


def test_an_event_keeps_every_part_that_it_was_built_from() -> None:
    payload = {"work_unit": make_id(2), "code": "a", "name": "Unit", "parent": make_id(3)}
    made = build_event(
        origin="archive.test/log",
        id=make_id(1),
        stream=f"unit:{make_id(2)}",
        seq=7,
        prev=HASH,
        type="work_unit.created",
        actor=service_actor("setup"),
        at="2026-03-13T02:00:00.000000Z",
        payload=payload,
        on_behalf_of=make_id(4),
        claimed_at="2026-03-12T02:00:00.000000Z",
    )
    assert made == parse_event(made.data)
    assert (made.origin, made.id, made.stream, made.seq, made.prev) == (
        "archive.test/log",
        make_id(1),
        f"unit:{make_id(2)}",
        7,
        HASH,
    )
    assert (made.type, made.actor, made.at) == (
        "work_unit.created",
        {"kind": "service", "name": "setup"},
        "2026-03-13T02:00:00.000000Z",
    )
    assert (made.payload, made.on_behalf_of, made.claimed_at) == (payload, make_id(4), "2026-03-12T02:00:00.000000Z")
    assert made.person is None


def test_a_commitment_is_the_hmac_that_any_tool_computes() -> None:
    # printf 'title\\000Pengukuran Triwulan I' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
    made = commitment("title", "Pengukuran Triwulan I", bytes(range(32)))
    assert made == "f9a557f2412f2fec84870609a835b1c8375fdc83d07f27150b3dc363895957cd"
    with pytest.raises(ValueError, match=r"^a salt has 32 bytes$"):
        commitment("title", "x", b"")
