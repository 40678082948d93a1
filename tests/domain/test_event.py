"""Event bytes: written once, read strictly, hashed as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain import canonical, merkle
from archive_service.domain.event import (
    EVENT_TYPES,
    FIRST_PREV,
    EventError,
    build_event,
    commitment,
    commitments_in,
    parse_event,
    service_actor,
    stream_kind,
)
from tests.domain.story import Story, make_id

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def unit_event(**changes: Any) -> Any:
    facts: dict[str, Any] = {
        "origin": "archive.test/log",
        "id": make_id(1),
        "stream": f"unit:{make_id(2)}",
        "seq": 0,
        "prev": FIRST_PREV,
        "type": "work_unit.created",
        "actor": service_actor("setup"),
        "at": "2026-03-13T02:00:00.000000Z",
        "payload": {"work_unit": make_id(2), "code": "a", "name": "Unit", "parent": None},
    }
    facts.update(changes)
    return build_event(**facts)


def test_an_event_is_read_as_it_was_written_and_hashed_as_a_leaf() -> None:
    story = Story()
    story.play("9")
    assert len(story.events) > 20
    for event in story.events:
        again = parse_event(event.data)
        assert again == event
        assert again.leaf_hash == merkle.leaf_hash(event.data).hex()
        assert canonical.encode(json.loads(event.data)) == event.data


@given(st.data())
def test_a_changed_byte_is_refused_or_gives_another_hash(data: st.DataObject) -> None:
    whole = bytearray(unit_event().data)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = parse_event(bytes(whole))
    except EventError:
        return
    assert changed.leaf_hash != unit_event().leaf_hash and changed.data == bytes(whole)


@given(st.binary(max_size=300))
def test_hostile_bytes_raise_nothing_but_event_error(data: bytes) -> None:
    with pytest.raises(EventError):
        parse_event(data)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("unknown type", {"type": "work_unit.burnt"}, "type"),
    ("wrong stream", {"stream": "service"}, "stream"),
    ("no stream", {"stream": "unit:x"}, "stream"),
    ("origin with capitals", {"origin": "Archive"}, "origin"),
    ("id of another version", {"id": "0" * 32}, "schema"),
    ("negative seq", {"seq": -1}, "schema"),
    ("zeros later on", {"seq": 1}, "chain"),
    ("no zeros at first", {"prev": "ab" * 32}, "chain"),
    ("a day that is none", {"at": "2026-02-30T00:00:00.000000Z"}, "schema"),
    ("a time with a zone", {"at": "2026-02-20T00:00:00.000000+07"}, "schema"),
    ("other digits", {"at": "٢٠٢٦-02-20T00:00:00.000000Z"}, "schema"),
    ("unknown actor", {"actor": {"kind": "ghost"}}, "schema"),
    (
        "a member too many",
        {"payload": {"work_unit": make_id(2), "code": "a", "name": "x", "parent": None, "more": 1}},
        "schema",
    ),
    ("a member too few", {"payload": {"work_unit": make_id(2), "code": "a", "name": "x"}}, "schema"),
    (
        "not NFC",
        {"payload": {"work_unit": make_id(2), "code": "a", "name": "e\u0301", "parent": None}},
        "not_canonical",
    ),
    ("true for a number", {"seq": True}, "schema"),
]


@pytest.mark.parametrize(("changes", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_an_event_that_does_not_fit_is_refused_with_its_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(EventError) as caught:
        unit_event(**changes)
    assert caught.value.code == code


def test_a_large_payload_is_refused() -> None:
    with pytest.raises(EventError) as caught:
        parse_event(b" " * 70_000)
    assert caught.value.code == "event_size"


@given(
    field=st.sampled_from(["name", "letter.number"]), value=texts, other=texts, salt=st.binary(min_size=32, max_size=32)
)
def test_a_commitment_opens_with_its_own_value_field_and_salt_alone(
    field: str, value: str, other: str, salt: bytes
) -> None:
    made = commitment(field, value, salt)
    assert made == commitment(field, value, salt) and len(made) == 64
    assert made != commitment(field + "x", value, salt)
    assert (made == commitment(field, other, salt)) == (value == other)
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(field, value, salt[:-1])


def test_commitments_are_found_wherever_they_stand() -> None:
    found = commitments_in({"a_commitment": "x", "b": {"c_commitment": "y"}, "d_commitment": None})
    assert found == [("a", "x"), ("b.c", "y")]


def test_stream_names_are_of_known_kinds() -> None:
    assert stream_kind("service") == "service" and stream_kind(f"dossier:{make_id(1)}") == "dossier"
    for name in ("", "dossier", "dossier:", f"ghost:{make_id(1)}", f"dossier:{make_id(1)} ", "service:"):
        assert stream_kind(name) is None


def test_every_type_belongs_to_known_streams() -> None:
    kinds = {"service", "unit", "person", "user", "dossier", "after"}
    assert len(EVENT_TYPES) > 25
    assert all(event_type.streams and event_type.streams <= kinds for event_type in EVENT_TYPES.values())
