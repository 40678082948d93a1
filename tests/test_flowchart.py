"""The flowchart: well-formed, whole, escaped, the same each time; arrows begin and end on symbols and cross neither these nor words."""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain.definition import plain
from archive_service.domain.sop import QUARTER, Condition, OutputRule, Question, RoleRule, Sop, Step, parse_sop
from archive_service.flowchart import Arrow, Box, Layout, Point, draw_flowchart, lay_out, text_width, wrap

SOPS = sorted((Path(__file__).parent.parent / "archive_service" / "data" / "sops").glob("**/*.toml"))
SVG = "{http://www.w3.org/2000/svg}"
EDGE = 0.5


def sop_of(path: Path, **changes: object) -> Sop:
    return parse_sop(plain({**tomllib.loads(path.read_text(encoding="utf-8")), **changes}))


SHIPPED = sop_of(next(path for path in SOPS if path.stem == "sop-spmi-601"))
PERMIT = sop_of(next(path for path in SOPS if path.stem == "pos-izin-penelitian"))
QUESTIONS = (
    Question("kind", "Jenis", ("Ya", "Tidak"), "opening"),
    Question("place", "Tempat", ("Dalam negeri", "Luar negeri", "Belum diketahui"), "opening"),
)


@st.composite
def sops(draw: Any) -> Sop:
    """Any order of up to twelve steps by up to five performers, with returns, branches, joins and conditions."""
    count, lanes = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    steps: list[Step] = []
    before: dict[str, set[str]] = {}
    for index in range(count):
        key, known = f"{index + 1}", [step.key for step in steps]
        after = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        if not after and known and draw(st.booleans()):
            after = [known[-1]]
        before[key] = set(after).union(*(before[other] for other in after))
        returns_to = draw(st.sampled_from(sorted(before[key]))) if before[key] and draw(st.booleans()) else None
        asked = draw(st.sampled_from(QUESTIONS)) if known and draw(st.integers(0, 2)) == 0 else None
        steps.append(
            replace(
                SHIPPED.steps[0],
                key=key,
                kind="review" if returns_to else "submit",
                performer=f"role_{draw(st.integers(1, lanes))}",
                after=tuple(after),
                inputs=(),
                outputs=(OutputRule("output", "Keluaran", "decision" if returns_to else "document", (), 0, 0),),
                inferred=(),
                returns_to=returns_to,
                when=None if asked is None else Condition(asked.key, draw(st.sampled_from(asked.choices))),
            )
        )
    roles = tuple(RoleRule(f"role_{index}", f"Pelaksana {index}", False) for index in range(1, lanes + 1))
    return replace(SHIPPED, steps=tuple(steps), roles=roles, questions=QUESTIONS)


def pieces(arrow: Arrow) -> list[tuple[Point, Point]]:
    return list(itertools.pairwise(arrow.corners))


def overlaps(box: Box, other: Box) -> bool:
    """Whether two rectangles share more than an edge; a line is a rectangle without width."""
    return (
        box.left < other.right - EDGE
        and other.left < box.right - EDGE
        and box.top < other.bottom - EDGE
        and other.top < box.bottom - EDGE
    )


def crosses(box: Box, start: Point, end: Point) -> bool:
    (left, right), (top, bottom) = sorted((start.x, end.x)), sorted((start.y, end.y))
    return left < box.right - EDGE and right > box.left + EDGE and top < box.bottom - EDGE and bottom > box.top + EDGE


def runs_over(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two pieces lie on the same line and share more than a point."""
    for across, along in ((0, 1), (1, 0)):
        lines = {point[across] for point in (*one, *other)}
        if len(lines) == 1:
            first, second = (sorted(point[along] for point in piece) for piece in (one, other))
            return max(first[0], second[0]) < min(first[1], second[1])
    return False


def require_clear(made: Layout) -> None:
    left, right = made.lanes[0].left, made.lanes[-1].right
    words = [word.box for word in made.words]
    for arrow in made.arrows:
        source, target = made.shapes[arrow.source], made.shapes[arrow.target]
        begin, tip = arrow.corners[0], arrow.corners[-1]
        ends = [(source.middle.x, source.box.bottom), (source.box.left, source.middle.y)]
        assert begin in [*ends, (source.box.right, source.middle.y)], "it begins at a tip of its source's symbol"
        assert tip == (target.middle.x, target.box.top) and arrow.corners[-2].y < tip.y, (
            "it ends on its target from above"
        )
        for start, end in pieces(arrow):
            assert (start.x == end.x) != (start.y == end.y), "level or upright"
            assert left < min(start.x, end.x) and max(start.x, end.x) < right
            for shape in made.shapes.values():
                assert not crosses(shape.box, start, end), (arrow, shape)
            for word in made.words:
                assert not crosses(word.box, start, end), (arrow, word)
    for one, other in itertools.combinations(made.arrows, 2):
        if one.source != other.source and one.target != other.target:
            assert not any(runs_over(a, b) for a in pieces(one) for b in pieces(other)), (one, other)
    for index, box in enumerate(words):
        lane = made.lanes[made.shapes[made.words[index].step].lane]
        assert lane.left <= box.left and box.right <= lane.right
        assert not any(overlaps(box, shape.box) for shape in made.shapes.values())
        assert not any(overlaps(box, other) for other in words[:index])
    for shape in made.shapes.values():
        row = made.rows[shape.row]
        lane = made.lanes[shape.lane]
        assert lane.left < shape.box.left and shape.box.right < lane.right
        assert row.y < shape.box.top and shape.box.bottom < row.y + row.height


@pytest.mark.parametrize("path", SOPS, ids=lambda path: path.stem)
def test_every_step_stands_in_its_performers_lane(path: Path) -> None:
    sop = sop_of(path)
    root = ElementTree.fromstring(draw_flowchart(sop))
    texts = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    drawn = [element.get("data-step") for element in root.iter() if element.get("data-step")]
    assert drawn == list(sop.order) and root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == f"{sop.number} {sop.title}"
    made = lay_out(sop)
    for step in sop.steps:
        assert made.lanes[made.shapes[step.key].lane].title == sop.role(step.performer).title
        assert step.activity.split()[0] in texts and step.norm.text in texts
        assert f"{step.key} {step.activity}" in str(root.findtext(f"{SVG}desc"))
    for role in sop.roles:
        assert all(word in texts for word in role.title.split())
    assert draw_flowchart(sop) == draw_flowchart(sop)


@pytest.mark.parametrize("path", SOPS, ids=lambda path: path.stem)
def test_arrows_lead_where_the_definition_says(path: Path) -> None:
    sop = sop_of(path)
    made = lay_out(sop)
    told = {(before, step.key) for step in sop.steps for before in step.after}
    told |= {(step.key, step.returns_to) for step in sop.steps if step.returns_to is not None}
    assert {(arrow.source, arrow.target) for arrow in made.arrows if not arrow.is_dashed} == told
    require_clear(made)


def test_symbols_are_capsule_box_and_diamond() -> None:
    root = ElementTree.fromstring(draw_flowchart(SHIPPED))
    found = {str(e.get("data-step")): (e.tag.removeprefix(SVG), e.get("rx")) for e in root.iter() if e.get("data-step")}
    assert {key for key, (tag, _) in found.items() if tag == "polygon"} == {"7", "8", "9"}
    assert {key for key, (tag, rx) in found.items() if tag == "rect" and rx != "0"} == {"1", "11"}
    words = {(word.step, word.text) for word in lay_out(SHIPPED).words}
    assert words == {(key, word) for key in ("7", "8", "9") for word in ("Ya", "Tidak")}


def test_a_condition_is_dashed_and_passed_by() -> None:
    made = lay_out(PERMIT)
    assert [(a.source, a.target) for a in made.arrows if a.is_dashed] == [("2", "4")]
    assert {(w.step, w.text) for w in made.words} >= {("2", "Tidak"), ("3", "Ya")}
    root = ElementTree.fromstring(draw_flowchart(PERMIT))
    (dashed,) = [e for e in root.iter() if e.get("data-step") and e.get("stroke-dasharray")]
    assert dashed.get("data-step") == "3"
    assert "melibatkan manusia: Ya)" in " ".join(" ".join(row.activity) for row in made.rows)


def test_of_two_ways_one_is_always_taken_and_nothing_passes_them_by() -> None:
    way = Condition("humans_involved", "Tidak")
    other = replace(PERMIT.step("3"), key="3b", when=way)
    steps = [*PERMIT.steps[:3], other, replace(PERMIT.step("4"), after=("3", "3b")), *PERMIT.steps[4:]]
    made = lay_out(replace(PERMIT, steps=tuple(steps)))
    assert not any(arrow.is_dashed for arrow in made.arrows)
    assert {(w.step, w.text) for w in made.words} >= {("3", "Ya"), ("3b", "Tidak")}
    require_clear(made)


def test_a_step_of_one_quarter_alone_is_told_by_the_quarter() -> None:
    yearly = replace(PERMIT.step("3"), when=Condition(QUARTER, "4"))
    made = lay_out(replace(PERMIT, steps=(*PERMIT.steps[:2], yearly, *PERMIT.steps[3:])))
    assert {(w.step, w.text) for w in made.words} >= {("2", "lain"), ("3", "4")}
    assert "(bila triwulan: 4)" in " ".join(made.rows[2].activity)


@given(sops())
def test_lines_keep_clear_of_symbols_words_and_each_other_in_any_procedure(sop: Sop) -> None:
    made = lay_out(sop)
    require_clear(made)
    joined = {(arrow.source, arrow.target) for arrow in made.arrows}
    for step in sop.steps:
        assert step.returns_to is None or (step.key, step.returns_to) in joined
        for before in step.after:
            assert (before, step.key) in joined
    ElementTree.fromstring(draw_flowchart(sop))


def test_texts_of_the_definition_cannot_become_markup() -> None:
    hostile = "<script>alert(\"x\")</script> & 'lagi' ]]>"
    steps = tuple(replace(step, activity=hostile, key=f"{step.key}") for step in SHIPPED.steps)
    roles = tuple(replace(role, title=hostile) for role in SHIPPED.roles)
    root = ElementTree.fromstring(draw_flowchart(replace(SHIPPED, title=hostile, steps=steps, roles=roles)))
    assert str(root.findtext(f"{SVG}title")).endswith(hostile)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        *("svg", "title", "desc", "defs", "marker", "path", "g", "rect", "text", "polygon", "polyline")
    }


def test_nothing_in_it_needs_a_style_a_script_or_another_file() -> None:
    names = {name for e in ElementTree.fromstring(draw_flowchart(SHIPPED)).iter() for name in e.attrib}
    assert not names & {"style", "class", "href"} and not any(name.startswith("on") for name in names)
    colours = {
        e.get(name) for e in ElementTree.fromstring(draw_flowchart(SHIPPED)).iter() for name in ("fill", "stroke")
    }
    assert colours == {None, "none", "currentColor"}


def test_steps_that_all_wait_for_all_before_them_take_no_longer_than_others() -> None:
    keys = [f"{index}" for index in range(60)]
    steps = tuple(
        replace(SHIPPED.steps[0], key=key, after=tuple(keys[:index]), when=Condition("kind", key) if index else None)
        for index, key in enumerate(keys)
    )
    made = lay_out(replace(SHIPPED, steps=steps))
    assert len(made.arrows) >= 60 * 59 // 2


def test_long_words_and_texts_are_wrapped() -> None:
    assert wrap("satu dua tiga", 64) == ["satu dua", "tiga"]
    cut = wrap("x" * 35, 72)
    assert all(text_width(line, 11) <= 58 for line in cut) and "".join(cut).replace("-", "") == "x" * 35
    assert wrap("", 100) == [""]
