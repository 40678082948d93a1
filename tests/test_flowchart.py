"""The flowchart: well-formed, whole, escaped, the same each time; arrows begin and end on shapes and cross none."""

from __future__ import annotations

import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archive_service.domain.sop import Sop, parse_sop, plain
from archive_service.flowchart import Point, Shape, draw_flowchart, lay_out, wrap

SOPS = sorted((Path(__file__).parent.parent / "archive_service" / "data" / "sops").glob("**/*.toml"))
SVG = "{http://www.w3.org/2000/svg}"


def sop_of(path: Path, **changes: object) -> Sop:
    return parse_sop(plain({**tomllib.loads(path.read_text(encoding="utf-8")), **changes}))


def touches(shape: Shape, point: Point) -> bool:
    return abs(point.x - shape.middle.x) <= shape.half_width and abs(point.y - shape.middle.y) <= shape.half_height


def crosses(shape: Shape, start: Point, end: Point) -> bool:
    """Whether a level or upright line runs through the inside of a shape's box."""
    (left, right), (top, bottom) = sorted((start.x, end.x)), sorted((start.y, end.y))
    inside = 0.5
    return (
        left < shape.middle.x + shape.half_width - inside
        and right > shape.middle.x - shape.half_width + inside
        and top < shape.middle.y + shape.half_height - inside
        and bottom > shape.middle.y - shape.half_height + inside
    )


@pytest.mark.parametrize("path", SOPS, ids=lambda path: path.stem)
def test_every_step_stands_in_its_performers_lane(path: Path) -> None:
    sop = sop_of(path)
    root = ElementTree.fromstring(draw_flowchart(sop))
    texts = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    drawn = [element.get("data-step") for element in root.iter() if element.get("data-step")]
    assert drawn == list(sop.order) and root.get("role") == "img"
    made = lay_out(sop)
    lanes = {title: x for x, title in made.lanes}
    for step in sop.steps:
        left = lanes[sop.role(step.performer).title]
        assert left < made.shapes[step.key].middle.x < left + 112
        assert step.activity.split()[0] in texts and step.norm.text in texts
    assert draw_flowchart(sop) == draw_flowchart(sop)


@pytest.mark.parametrize("path", SOPS, ids=lambda path: path.stem)
def test_arrows_join_shapes_stay_within_the_lanes_and_cross_nothing(path: Path) -> None:
    sop = sop_of(path)
    made = lay_out(sop)
    told = {(before, step.key) for step in sop.steps for before in step.after}
    told |= {(step.key, step.returns_to) for step in sop.steps if step.returns_to is not None}
    assert {(arrow.source, arrow.target) for arrow in made.arrows} == told
    left, right = made.lanes[0][0], made.lanes[-1][0] + 112
    for arrow in made.arrows:
        assert touches(made.shapes[arrow.source], arrow.corners[0])
        assert touches(made.shapes[arrow.target], arrow.corners[-1])
        for start, end in zip(arrow.corners, arrow.corners[1:], strict=False):
            assert start.x == end.x or start.y == end.y, "level or upright"
            assert left <= min(start.x, end.x) and max(start.x, end.x) <= right
            for shape in made.shapes.values():
                assert not crosses(shape, start, end), (arrow.source, arrow.target, shape.step)


def test_texts_of_the_definition_cannot_become_markup() -> None:
    sop = sop_of(SOPS[-1], title='<script>alert("x")</script> & "lagi"')
    root = ElementTree.fromstring(draw_flowchart(sop))
    assert root.find(f"{SVG}title") is not None and not list(root.iter(f"{SVG}script"))


def test_long_words_and_texts_are_wrapped() -> None:
    assert wrap("satu dua tiga", 60) == ["satu dua", "tiga"]
    assert (
        all(len(line) <= 10 for line in wrap("x" * 35, 72)) and "".join(wrap("x" * 35, 72)).replace("-", "") == "x" * 35
    )
    assert wrap("", 100) == [""]
