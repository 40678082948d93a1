"""Reading an SOP: every problem at once with its place, nothing but InvalidDefinition, and what the graph answers."""

from __future__ import annotations

import copy
import datetime
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archive_service
from archive_service.domain import canonical
from archive_service.domain.definition import DEPTH_LIMIT, plain
from archive_service.domain.sop import Sop, parse_sop
from archive_service.errors import InvalidDefinition

Definition = dict[str, Any]
SEED = Path(archive_service.__file__).parent / "data" / "sops" / "sop-spmi-601.toml"
WITH_DATES: Definition = tomllib.loads(SEED.read_text(encoding="utf-8"))
VALID: Definition = plain(WITH_DATES)


class DROP:
    """Instead of a value: take away what is there."""


def split_place(place: str) -> list[str | int]:
    """``steps[3].norm`` as the keys and indexes that lead there."""
    parts = re.findall(r"([^.\[\]]+)|\[(\d+)\]", place)
    return [name or int(index) for name, index in parts]


def change(definition: Definition, place: str, value: Any) -> None:
    """Put a value at a place, append it where the place ends with ``[+]``, or drop what is there."""
    if place.endswith("[+]"):
        value, place = [*get(definition, place[:-3]), value], place[:-3]
    *path, last = split_place(place)
    holder: Any = definition
    for part in path:
        holder = holder[part]
    if value is DROP:
        del holder[last]
    else:
        holder[last] = value


def get(definition: Definition, place: str) -> Any:
    found: Any = definition
    for part in split_place(place):
        found = found[part]
    return found


def damaged(*changes: tuple[str, Any]) -> Definition:
    definition = copy.deepcopy(VALID)
    for place, value in changes:
        change(definition, place, copy.deepcopy(value))
    return definition


def find_problems(definition: Any) -> list[tuple[str, str]]:
    try:
        parse_sop(definition)
    except InvalidDefinition as exc:
        return [(problem.place, problem.message) for problem in exc.problems]
    return []


def assert_problems(definition: Any, *expected: tuple[str, str]) -> None:
    """The places are exactly these, in whatever order, and each message holds its words."""
    found = find_problems(definition)
    assert sorted(place for place, _ in found) == sorted(place for place, _ in expected), found
    for place, words in expected:
        assert any(place == at and words in message for at, message in found), (place, words, found)


# ---- one damaged definition for each kind of problem

SEAL = {"kind": "second_seal", "title": "Segel", "evidence": "seal", "media": [], "min": 0, "max": 0}
CHECK = {"kind": "second_check", "title": "Periksa", "evidence": "decision", "media": [], "min": 0, "max": 0}
NOTE = {"kind": "note", "title": "Catatan", "evidence": "document", "media": ["text/plain"], "min": 0, "max": 1}
INFERENCE = {"field": "norm.text", "confidence": 50, "why": "Satu alasan."}

SHAPES: list[tuple[str, Any, str, str]] = [
    ("title", DROP, "title", "is missing"),
    ("approved_by.nip", DROP, "approved_by.nip", "is missing"),
    ("steps[4].norm.unit", DROP, "steps[4].norm.unit", "is missing"),
    ("steps[4].outputs[0].max", DROP, "steps[4].outputs[0].max", "is missing"),
    ("note", "x", "note", "is unknown here"),
    ("time.offset", 7, "time.offset", "is unknown here"),
    ("steps[10].owner", "x", "steps[10].owner", "is unknown here"),
    ("steps[2].inputs[0].min", 1, "steps[2].inputs[0].min", "is unknown here"),
    ("schema", 2, "schema", "from 1 to 1"),
    ("kind", "calendar", "kind", 'must be one of "sop"'),
    ("version", 0, "version", "from 1 to 1000000"),
    ("version", True, "version", "not true or false"),
    ("version", 1.0, "version", "not a float"),
    ("version", None, "version", "nothing of TOML"),
    ("key", "SOP 601", "key", "must be a key"),
    ("number", 601, "number", "must be a text, not a whole number"),
    ("title", "", "title", "must not be empty"),
    ("title", " Pengukuran", "title", "white space"),
    ("title", "Pengukuran\u0000", "title", "control character"),
    ("title", "Peng\nukuran", "title", "control character"),
    ("title", "Peng\u202eukuran", "title", "control character"),
    ("title", "Pengukuran\ud800", "title", "control character"),
    ("title", "Pe\u0301ngukuran", "title", "NFC"),
    ("warnings[1]", "Pe\u0301nyimpangan", "warnings[1]", "NFC"),
    ("title", "x" * 501, "title", "at most 500"),
    ("owner", ["x"], "owner", "must be a text, not a list"),
    ("legal_bases", "x", "legal_bases", "must be a list, not a text"),
    ("legal_bases[2]", 3, "legal_bases[2]", "must be a text, not a whole number"),
    ("legal_bases", ["x"] * 101, "legal_bases", "from 0 to 100"),
    ("approved_by", "Direktur", "approved_by", "must be a table, not a text"),
    ("approved_by.nip", "1973", "approved_by.nip", "18 digits"),
    ("made_on", "7 Juni 2022", "made_on", "YYYY-MM-DD"),
    ("made_on", "20220607", "made_on", "YYYY-MM-DD"),
    ("made_on", "2022-06-31", "made_on", "YYYY-MM-DD"),
    ("made_on", "٢٠٢٢-٠٦-٠٧", "made_on", "YYYY-MM-DD"),
    ("made_on", 20220607, "made_on", "must be a date"),
    ("revised_on", "-", "revised_on", "YYYY-MM-DD"),
    ("effective_on", datetime.datetime(2022, 7, 1, tzinfo=datetime.UTC), "effective_on", "not a date with a time"),
    ("source.file", "../etc/passwd", "source.file", "without '..'"),
    ("source.sha256", "ab", "source.sha256", "64 lower-case hex digits"),
    ("time", DROP, "time", "is missing"),
    ("time.timezone", "UTC", "time.timezone", "Asia/Jakarta"),
    ("time.day_policy", "lunar_days", "time.day_policy", "working_minutes"),
    ("time.day_minutes", 450.0, "time.day_minutes", "not a float"),
    ("time.confidence", 0, "time.confidence", "from 1 to 100"),
    ("time.provenance", "guessed", "time.provenance", "must be one of"),
    ("roles[2].team", "yes", "roles[2].team", "must be true or false"),
    ("roles", DROP, "roles", "is missing"),
    ("steps", {}, "steps", "must be a list, not a table"),
    ("steps", [], "steps", "from 1 to 200"),
    ("steps[4]", "5", "steps[4]", "must be a table"),
    ("steps[0].kind", "check", "steps[0].kind", "must be one of"),
    ("steps[3].norm.unit", "week", "steps[3].norm.unit", 'must be one of "minute", "hour", "day", not "week"'),
    ("steps[3].norm.amount", 0, "steps[3].norm.amount", "from 1 to 100000"),
    ("steps[3].norm.amount", 2.0, "steps[3].norm.amount", "not a float"),
    ("steps[3].outputs[0].media[1]", "pdf", "steps[3].outputs[0].media[1]", "such as application/pdf"),
    ("steps[3].outputs[0].media[1]", "application/*", "steps[3].outputs[0].media[1]", "a media type"),
    ("steps[3].outputs[0].media[1]", "a/b;c=d", "steps[3].outputs[0].media[1]", "a media type"),
    ("steps[3].outputs[0].evidence", "file", "steps[3].outputs[0].evidence", "must be one of"),
    ("steps[3].outputs[0].max", 1001, "steps[3].outputs[0].max", "from 0 to 1000"),
    ("steps[6].inferred[0].confidence", 101, "steps[6].inferred[0].confidence", "from 1 to 100"),
    ("steps[6].inferred[0].confidence", 0, "steps[6].inferred[0].confidence", "from 1 to 100"),
    ("steps[6].inferred[0].field", "Performer", "steps[6].inferred[0].field", "a field of this step"),
    ("steps[6].when", "always", "steps[6].when", "must be a table"),
    ("steps[6].when", {"field": "quarter"}, "steps[6].when.equals", "is missing"),
    ("steps[6].when", {"field": "quarter", "equals": 4}, "steps[6].when.equals", "must be a text"),
    ("steps[6].when", {"field": "quarter", "equals": "4", "not": "x"}, "steps[6].when.not", "is unknown here"),
    ("steps[6].remarks", 1, "steps[6].remarks", "must be a text"),
    ("steps[6].separate_from", "6", "steps[6].separate_from", "must be a list"),
    ("steps[6].separate_from[0]", 6, "steps[6].separate_from[0]", "must be a text"),
    ("steps[10].key", "", "steps[10].key", "must be a key"),
]

RULES: list[tuple[str, list[tuple[str, Any]], list[tuple[str, str]]]] = [
    (
        "a key that is not ASCII",
        [("steps[3].norm.catatanü", "x")],
        [("steps[3].norm", "no ASCII text")],
    ),
    ("roles repeat", [("roles[+]", VALID["roles"][0])], [("roles[5].key", 'repeats roles[0].key: "satker_head"')]),
    (
        "a role takes the key of an office role",
        [("roles[+]", {"key": "administrator", "title": "Admin", "team": False})],
        [("roles[5].key", "office role")],
    ),
    (
        "step keys repeat",
        [("steps[10].key", "9")],
        [("steps[10].key", 'repeats steps[8].key: "9"')],
    ),
    ("a step is called outside", [("steps[10].key", "outside")], [("steps[10].key", 'must not be "outside"')]),
    (
        "unknown performer",
        [("steps[0].performer", "rector")],
        [("steps[0].performer", 'no role of this SOP: "rector"')],
    ),
    (
        "an office role performs",
        [("steps[0].performer", "auditor")],
        [("steps[0].performer", "no role of this SOP")],
    ),
    (
        "unknown role accepts explanations",
        [("steps[5].explanations_accepted_by", "auditor")],
        [("steps[5].explanations_accepted_by", "neither a role of this SOP nor quality_checker")],
    ),
    (
        "unknown role grants pauses",
        [("steps[5].pauses_granted_by", "rector")],
        [("steps[5].pauses_granted_by", "neither a role of this SOP nor quality_checker")],
    ),
    (
        "performers accept their own explanations",
        [("steps[5].explanations_accepted_by", "planning_officer")],
        [("steps[5].explanations_accepted_by", "the performer's own role")],
    ),
    (
        "performers grant their own pauses",
        [("steps[5].pauses_granted_by", "planning_officer")],
        [("steps[5].pauses_granted_by", "the performer's own role")],
    ),
    ("unknown after", [("steps[4].after[0]", "40")], [("steps[4].after[0]", 'names no step: "40"')]),
    ("after repeats", [("steps[4].after[+]", "4")], [("steps[4].after[1]", "repeats steps[4].after[0]")]),
    ("a step waits for itself", [("steps[10].after[+]", "11")], [("steps[10].after", "part of a cycle: each of 11")]),
    (
        "steps wait for each other, and others behind them are never reached",
        [("steps[7].after[+]", "9")],
        [
            ("steps[7].after", "part of a cycle: each of 8, 9 waits for itself"),
            ("steps[8].after", "part of a cycle: each of 8, 9 waits for itself"),
            ("steps[9].after", "can never be reached: it waits for the cycle of 8, 9"),
            ("steps[10].after", "can never be reached"),
        ],
    ),
    (
        "no step is first",
        [("steps[0].after[+]", "11")],
        [(f"steps[{i}].after", "part of a cycle") for i in range(11)],
    ),
    ("from names no step", [("steps[4].inputs[0].from", "40")], [("steps[4].inputs[0].from", "names no step")]),
    ("from names a later step", [("steps[4].inputs[0].from", "6")], [("steps[4].inputs[0].from", "no earlier step")]),
    ("from names its own step", [("steps[4].inputs[0].from", "5")], [("steps[4].inputs[0].from", "no earlier step")]),
    (
        "from names a step that does not put out the kind",
        [("steps[4].inputs[0].from", "3")],
        [("steps[4].inputs[0].kind", 'is no output of step 3: "measurement_data"')],
    ),
    (
        "nothing takes a document from outside",
        [("steps[2].inputs[0].from", "outside")],
        [("steps[2].inputs[0].kind", "is from outside, but this step takes no file of the kind")],
    ),
    (
        "two inputs of one kind",
        [("steps[6].inputs[+]", VALID["steps"][6]["inputs"][0])],
        [("steps[6].inputs[1].kind", "repeats steps[6].inputs[0].kind")],
    ),
    (
        "two outputs of one kind",
        [("steps[3].outputs[+]", VALID["steps"][3]["outputs"][0])],
        [("steps[3].outputs[1].kind", 'repeats steps[3].outputs[0].kind: "measurement_data"')],
    ),
    ("returns to no step", [("steps[6].returns_to", "60")], [("steps[6].returns_to", "names no step")]),
    ("returns to a later step", [("steps[6].returns_to", "8")], [("steps[6].returns_to", "no earlier step")]),
    ("returns to itself", [("steps[6].returns_to", "7")], [("steps[6].returns_to", "no earlier step")]),
    (
        "a step returns that decides nothing",
        [("steps[5].returns_to", "4")],
        [("steps[5].returns_to", "review or approve step alone")],
    ),
    ("separate from no step", [("steps[6].separate_from[0]", "60")], [("steps[6].separate_from[0]", "names no step")]),
    (
        "separate from itself, and twice",
        [("steps[6].separate_from", ["7", "6", "6"])],
        [("steps[6].separate_from[0]", "names the step itself"), ("steps[6].separate_from[2]", "repeats")],
    ),
    (
        "a review without a decision",
        [("steps[6].outputs[0]", NOTE)],
        [("steps[6].outputs", "must hold 1 with the evidence decision (kind review), not 0")],
    ),
    (
        "an approval with two decisions",
        [("steps[7].outputs[+]", CHECK)],
        [("steps[7].outputs", "must hold 1 with the evidence decision (kind review), not 2")],
    ),
    (
        "a decision where nobody decides",
        [("steps[4].outputs[+]", CHECK)],
        [("steps[4].outputs", "must hold 0 with the evidence decision (kind submit), not 1")],
    ),
    (
        "an archive step without a seal",
        [("steps[10].outputs[0]", NOTE)],
        [("steps[10].outputs", "must hold 1 with the evidence seal (kind archive), not 0")],
    ),
    (
        "an archive step with two seals",
        [("steps[10].outputs[+]", SEAL)],
        [("steps[10].outputs", "must hold 1 with the evidence seal (kind archive), not 2")],
    ),
    (
        "a seal before the end",
        [("steps[9].outputs[+]", SEAL)],
        [("steps[9].outputs", "must hold 0 with the evidence seal (kind submit), not 1")],
    ),
    (
        "no archive step",
        [("steps[10].kind", "submit"), ("steps[10].outputs[0]", NOTE)],
        [("steps", "must hold one archive step")],
    ),
    (
        "two archive steps",
        [("steps[9].kind", "archive"), ("steps[9].outputs[+]", SEAL)],
        [("steps[10].kind", "is a second archive step, after 10")],
    ),
    (
        "the archive step waits for some only",
        [("steps[10].after", ["9"]), ("steps[10].inputs", []), ("steps[10].inferred", [])],
        [("steps[10].kind", "does not come last: it must wait for 10 too")],
    ),
    (
        "more files at least than at most",
        [("steps[3].outputs[0].min", 201)],
        [("steps[3].outputs[0].min", "max (200)")],
    ),
    (
        "files of no media type",
        [("steps[3].outputs[0].media", [])],
        [("steps[3].outputs[0].media", "must name the media types of a document")],
    ),
    (
        "a media type repeats",
        [("steps[9].outputs[1].media[2]", "image/png")],
        [("steps[9].outputs[1].media[2]", 'repeats steps[9].outputs[1].media[0]: "image/png"')],
    ),
    (
        "a receipt of which there may be none",
        [("steps[9].outputs[1].min", 0), ("steps[9].outputs[1].max", 0)],
        [("steps[9].outputs[1].max", "must be at least 1: a receipt has files")],
    ),
    (
        "a decision with files",
        [
            ("steps[6].outputs[0].media", ["application/pdf"]),
            ("steps[6].outputs[0].min", 1),
            ("steps[6].outputs[0].max", 1),
        ],
        [
            ("steps[6].outputs[0].media", "must be empty: a decision has no files"),
            ("steps[6].outputs[0].min", "must be 0"),
            ("steps[6].outputs[0].max", "must be 0"),
        ],
    ),
    (
        "an inference about nothing",
        [("steps[0].inferred[0].field", "outputs[1].media"), ("steps[1].inferred[0].field", "returns_to")],
        [
            ("steps[0].inferred[0].field", 'names nothing in this step: "outputs[1].media"'),
            ("steps[1].inferred[0].field", 'names nothing in this step: "returns_to"'),
        ],
    ),
    (
        "two inferences about one field",
        [("steps[0].inferred[+]", INFERENCE), ("steps[0].inferred[+]", INFERENCE)],
        [(f"steps[0].inferred[{len(VALID['steps'][0]['inferred']) + 1}].field", "repeats")],
    ),
    (
        "one text with several faults",
        [("title", " e\u0301\u0007 ")],
        [("title", "white space"), ("title", "NFC"), ("title", "control character")],
    ),
]


@pytest.mark.parametrize(("place", "value", "at", "words"), SHAPES, ids=lambda value: str(value)[:40])
def test_damaged_field_is_refused_at_its_place(place: str, value: Any, at: str, words: str) -> None:
    assert_problems(damaged((place, value)), (at, words))


@pytest.mark.parametrize(("changes", "expected"), [each[1:] for each in RULES], ids=[each[0] for each in RULES])
def test_broken_rule_is_refused_at_its_place(changes: list[tuple[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert_problems(damaged(*changes), *expected)


@pytest.mark.parametrize("value", [None, [], "sop", 1, True, 1.5])
def test_what_is_no_table_at_all_is_refused(value: Any) -> None:
    assert_problems(value, ("file", "must be a table"))


def test_empty_table_lacks_every_required_key() -> None:
    optional = {"document_address", "revised_on", "remarks"}
    assert_problems({}, *((name, "is missing") for name in VALID if name not in optional))


def test_an_output_is_not_called_as_the_documents_of_explanations_are() -> None:
    change = ("steps[10].outputs[0].kind", "attachment")
    assert_problems(damaged(change), ("steps[10].outputs[0].kind", "explanations have documents of that kind"))


def test_equipment_names_kinds_that_steps_put_out() -> None:
    assert_problems(damaged(("equipment[1].kinds[0]", "memo")), ("equipment[1].kinds[0]", "is no output of this SOP"))


def test_all_problems_are_reported_at_once() -> None:
    changes: list[tuple[str, Any]] = [
        ("title", DROP),
        ("colour", "red"),
        ("made_on", "7 Juni 2022"),
        ("time.day_minutes", 450.0),
        ("roles[+]", VALID["roles"][0]),
        ("steps[0].performer", "rector"),
        ("steps[1].outputs[0].media[0]", "pdf"),
        ("steps[2].norm.unit", "week"),
        ("steps[3].outputs[0].min", 201),
        ("steps[4].inputs[0].from", "9"),
        ("steps[5].inferred[0].confidence", 101),
        ("steps[6].separate_from[0]", "60"),
        ("steps[7].returns_to", "10"),
        ("steps[8].outputs[+]", CHECK),
        ("steps[9].explanations_accepted_by", "auditor"),
        ("steps[10].pauses_granted_by", "data_officer"),
        ("steps[10].outputs[0].evidence", "document"),
    ]
    places = [
        "title",
        "colour",
        "made_on",
        "time.day_minutes",
        "roles[5].key",
        "steps[0].performer",
        "steps[1].outputs[0].media[0]",
        "steps[2].norm.unit",
        "steps[3].outputs[0].min",
        "steps[4].inputs[0].from",
        "steps[5].inferred[0].confidence",
        "steps[6].separate_from[0]",
        "steps[7].returns_to",
        "steps[8].outputs",
        "steps[9].explanations_accepted_by",
        "steps[10].pauses_granted_by",
        "steps[10].outputs",
        "steps[10].outputs[0].media",
        "steps[10].outputs[0].max",
    ]
    assert_problems(damaged(*changes), *((place, "") for place in places))


def test_refusal_counts_its_problems_and_names_their_places() -> None:
    with pytest.raises(
        InvalidDefinition, match=r"has 2 problem\(s\): colour: is unknown .+; title: is missing"
    ) as refusal:
        parse_sop(damaged(("title", DROP), ("colour", "red")))
    assert refusal.value.code == "invalid_definition"


@pytest.mark.parametrize(
    ("place", "value", "silent"),
    [
        ("steps[4].key", DROP, "steps[5].after[0]"),
        ("roles[0].key", 5, "steps[0].performer"),
        ("steps[4].after[0]", "40", "steps[10].kind"),
        ("steps[4].after", DROP, "steps[6].returns_to"),
        ("steps[3].outputs[0].kind", DROP, "steps[4].inputs[0].kind"),
        ("steps[5].performer", DROP, "steps[5].inferred[0].field"),
        ("steps[5].outputs", "none", "steps[5].inferred[4].field"),
        ("steps[10].kind", "store", "steps"),
        ("steps[10]", "archive", "steps"),
    ],
)
def test_what_only_follows_from_another_problem_is_not_reported(place: str, value: Any, silent: str) -> None:
    places = [at for at, _ in find_problems(damaged((place, value)))]
    assert places == [place]
    assert silent not in places


# ---- dates and the plain copy


def test_dates_are_read_as_texts_and_as_dates_alike() -> None:
    assert isinstance(WITH_DATES["made_on"], datetime.date)
    assert VALID["made_on"] == "2022-06-07"
    assert parse_sop(WITH_DATES) == parse_sop(VALID)


def test_plain_copy_changes_dates_and_times_alone() -> None:
    moment = datetime.datetime(2026, 3, 13, 10, tzinfo=datetime.UTC)
    given_table = {"a": [{"b": datetime.date(2026, 3, 13)}], "c": moment, "d": datetime.time(7, 30), "e": 1.5}
    kept = copy.deepcopy(given_table)
    assert plain(given_table) == {
        "a": [{"b": "2026-03-13"}],
        "c": "2026-03-13T10:00:00+00:00",
        "d": "07:30:00",
        "e": 1.5,
    }
    assert given_table == kept


def nest(levels: int) -> Definition:
    """A table in which the innermost list lies this many levels deep, the table itself being the first."""
    value: list[Any] = []
    for _ in range(levels - 2):
        value = [value]
    return {"a": value}


def test_plain_copy_is_as_deep_as_canonical_bytes_may_be() -> None:
    for deepest in (nest(DEPTH_LIMIT), {"a": nest(DEPTH_LIMIT - 1)}):
        assert canonical.decode(canonical.encode(plain(deepest))) == deepest
        with pytest.raises(InvalidDefinition, match="nested deeper than 32 levels"):
            plain({"a": deepest})


def test_nesting_without_end_is_refused_without_a_crash() -> None:
    assert_problems({**VALID, "extra": nest(100_000)}, ("extra", "is unknown here"))


def test_canonical_bytes_mean_the_same_sop() -> None:
    assert parse_sop(canonical.decode(canonical.encode(VALID))) == parse_sop(VALID)


# ---- whatever somebody writes


def list_places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield from list_places(value[key], (*path, key))


def follow(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def shape_of(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The path without its indexes: places of one shape hold values of one kind."""
    return tuple("" if isinstance(part, int) else part for part in path)


PLACES = list(list_places(VALID))[1:]
ALIKE = {shape_of(path): [p for p in PLACES if shape_of(p) == shape_of(path)] for path in PLACES}
WORDS = [
    *sorted({key for path in PLACES for key in path if isinstance(key, str)}),
    *map(str, range(12)),
    *("outside", "decision", "seal", "document", "form", "receipt", "review", "approve", "archive", "submit"),
    *("satker_head", "quality_checker", "auditor", "formulation", "minute", "text/plain", "2022-06-07"),
]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | st.sampled_from(WORDS), inner),
    max_leaves=6,
)


def mutate(definition: Definition, path: tuple[str | int, ...], operation: str, value: Any) -> None:
    holder: Any = definition
    for part in path[:-1]:
        holder = holder[part]
    last = path[-1]
    if operation == "replace":
        holder[last] = value
    elif operation == "delete":
        del holder[last]
    elif operation == "insert" and isinstance(holder, list):
        holder.insert(int(last), value)
    elif operation == "insert":
        holder[value if isinstance(value, str) else "extra"] = value


@st.composite
def mutations(draw: st.DrawFn) -> Definition:
    definition = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(PLACES))
        operation = draw(st.sampled_from(["replace", "delete", "insert", "move"]))
        value = draw(ANY_JSON)
        try:
            if operation == "move":
                # A part of the right shape at another place breaks rules rather than shapes.
                other = draw(st.sampled_from(ALIKE[shape_of(path)]))
                value, operation = copy.deepcopy(follow(VALID, other)), "replace"
            mutate(definition, path, operation, value)
        except (KeyError, IndexError, TypeError):
            continue  # An earlier mutation took that place away.
    return definition


def assert_usable(sop: Sop, definition: Definition) -> None:
    """Whatever parses has canonical bytes and answers every question that a dossier asks."""
    assert parse_sop(canonical.decode(canonical.encode(definition))) == sop
    assert sorted(sop.order) == sorted(step.key for step in sop.steps)
    assert sop.first_steps()
    (archive,) = (step for step in sop.steps if step.kind == "archive")
    assert sop.ancestors(archive.key) == set(sop.order) - {archive.key}
    for step in sop.steps:
        assert sop.role(step.performer) in sop.roles
        assert (step.decision_output is not None) == step.is_decision
        for rule in step.inputs:
            giver = step if rule.source == "outside" else sop.step(rule.source)
            assert giver.output(rule.kind).kind == rule.kind
        if step.returns_to is not None:
            assert sop.between(step.returns_to, step.key)[0] == step.returns_to


@given(mutations())
def test_any_mutation_parses_or_is_an_invalid_definition(definition: Definition) -> None:
    try:
        sop = parse_sop(definition)
    except InvalidDefinition as exc:
        assert exc.problems
        assert all(problem.place and problem.message for problem in exc.problems)
        assert str(exc).isprintable()
    else:
        assert_usable(sop, definition)


@given(ANY_JSON)
def test_any_json_parses_or_is_an_invalid_definition(value: Any) -> None:
    assert find_problems(value)


# ---- what the graph answers


def make_definition(after: list[list[int]]) -> Definition:
    """An SOP of the steps s0, s1, … each after the named ones, and an archive step after all; listed backwards."""
    steps = []
    for index, before in enumerate(after):
        step = copy.deepcopy(VALID["steps"][5])
        step.update(key=f"s{index}", after=[f"s{i}" for i in before], inputs=[], inferred=[])
        steps.append(step)
    last = copy.deepcopy(VALID["steps"][10])
    last.update(key="archive", after=[step["key"] for step in steps], inputs=[], inferred=[])
    return {**copy.deepcopy(VALID), "steps": [last, *reversed(steps)], "equipment": []}


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 8))
    return [sorted(draw(st.sets(st.integers(0, index - 1)))) if index else [] for index in range(size)]


def find_ancestors(after: list[list[int]], index: int) -> set[int]:
    """The slow reference."""
    return set(after[index]).union(*(find_ancestors(after, i) for i in after[index]))


@given(graphs())
def test_order_and_ancestors_agree_with_a_slow_reference(after: list[list[int]]) -> None:
    sop = parse_sop(make_definition(after))
    position = {key: i for i, key in enumerate(sop.order)}
    assert len(position) == len(after) + 1
    for index in range(len(after)):
        key, ancestors = f"s{index}", {f"s{i}" for i in find_ancestors(after, index)}
        assert sop.ancestors(key) == ancestors
        assert all(position[before] < position[key] for before in ancestors)
        direct = {f"s{i}" for i, before in enumerate(after) if index in before} | {"archive"}
        assert set(sop.successors(key)) == direct
        assert (key in sop.first_steps()) == (not after[index])
        for other in range(len(after)):
            between = sop.between(f"s{other}", key)
            wanted = {
                f"s{i}"
                for i in range(len(after))
                if (i == index or i in find_ancestors(after, index))
                and (i == other or other in find_ancestors(after, i))
            }
            assert set(between) == wanted
            assert list(between) == sorted(between, key=position.__getitem__)


def test_order_is_stable_where_steps_are_free() -> None:
    definition = make_definition([[], [], [0], []])
    assert parse_sop(definition).order == ("s3", "s1", "s0", "s2", "archive")


def test_steps_that_join_and_part_are_read() -> None:
    sop = parse_sop(make_definition([[], [0], [0], [1, 2]]))
    assert sop.first_steps() == ("s0",)
    assert set(sop.successors("s0")) == {"s1", "s2", "archive"}
    assert sop.between("s1", "s3") == ("s1", "s3")
    assert sop.between("s1", "s2") == ()


def test_unknown_names_are_key_errors() -> None:
    sop = parse_sop(VALID)
    for ask in (sop.step, sop.role, sop.successors, sop.ancestors, sop.step("6").output):
        with pytest.raises(KeyError):
            ask("none")
    for first, last in (("none", "6"), ("6", "none")):
        with pytest.raises(KeyError):
            sop.between(first, last)


def test_optional_fields_are_kept_when_given() -> None:
    sop = parse_sop(
        damaged(
            ("revised_on", "2024-02-29"),
            ("remarks", ""),
            ("steps[3].when", {"field": "quarter", "equals": "4"}),
            ("steps[3].remarks", "Bila perlu"),
        )
    )
    assert (sop.revised_on, sop.remarks) == ("2024-02-29", "")
    condition = sop.step("4").when
    assert condition is not None
    assert (condition.field, condition.equals) == ("quarter", "4")
    assert sop.step("4").remarks == "Bila perlu"


def test_optional_fields_may_be_left_out() -> None:
    sop = parse_sop(damaged(("document_address", DROP), ("steps[6].returns_to", DROP), ("steps[6].inferred", [])))
    assert (sop.document_address, sop.revised_on, sop.remarks) == (None, None, None)
    assert sop.step("7").returns_to is None
    assert sop.step("7").when is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("title", "x" * 500),
        ("recording", "x" * 2000),
        ("legal_bases", []),
        ("legal_bases", ["x"] * 100),
        ("version", 10**6),
        ("time.day_minutes", 1440),
        ("time.confidence", 100),
        ("steps[3].norm.amount", 100_000),
        ("steps[3].outputs[0].max", 1000),
        ("steps[3].outputs[0].min", 0),
        ("steps[3].outputs[0].min", 200),
        ("steps[3].inferred[0].confidence", 1),
        ("key", "a" * 64),
    ],
    ids=lambda value: str(value)[:40],
)
def test_largest_and_smallest_values_are_taken(place: str, value: Any) -> None:
    assert find_problems(damaged((place, value))) == []


def test_sop_cannot_be_changed() -> None:
    sop = parse_sop(VALID)
    with pytest.raises(AttributeError):
        sop.title = "x"  # type: ignore[misc]
    assert isinstance(sop.steps, tuple)
    assert hash(sop.step("4")) == hash(parse_sop(VALID).step("4"))
