"""An SOP's flowchart in the customary form (SOP AP, PermenPANRB 35/2012) as SVG: a row for each step, a lane for each performer.

Capsule: where the procedure begins and ends. Box: an activity. Diamond: a decision, with where it goes on (ya) and back (tidak). Beside
the lanes stand the quality norms. Only presentation attributes and ``currentColor``: it takes the page's colours, light or dark, and
needs no style that a content security policy would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from archive_service.domain.sop import Sop, Step

FONT = 11
LINE = 14
PAD = 7
LANE = 112
SHAPE_WIDTH, SHAPE_HEIGHT = 50, 26
ROW_LEAST = 62
GUTTER_STEP = 6
GUTTER_FIRST = 6
NUMBER, ACTIVITY, INPUTS, NORM, OUTPUTS = 38, 230, 150, 66, 150
CHARACTER = 5.7
"""The mean width of a letter at this size: what texts are wrapped by, since there is no font to measure."""


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


@dataclass(frozen=True)
class Shape:
    """The symbol of a step: its middle and its half size."""

    step: str
    middle: Point
    half_width: float
    half_height: float

    @property
    def top(self) -> Point:
        """Where an arrow comes in from above."""
        return Point(self.middle.x, self.middle.y - self.half_height)

    @property
    def bottom(self) -> Point:
        """Where an arrow goes out below."""
        return Point(self.middle.x, self.middle.y + self.half_height)

    def side(self, x: float) -> Point:
        """The left or right end, whichever is nearer to ``x``."""
        sign = -1 if x < self.middle.x else 1
        return Point(self.middle.x + sign * self.half_width, self.middle.y)


@dataclass
class Arrow:
    """A line from one shape to another, by its corners, with a word at its begin."""

    source: str
    target: str
    corners: list[Point]
    word: str = ""
    word_at: Point | None = None
    anchor: str = "start"


class Row(NamedTuple):
    """A step's row: where it lies, and its texts in lines."""

    y: float
    height: float
    step: Step
    activity: list[str]
    inputs: list[str]
    norm: list[str]
    outputs: list[str]


@dataclass
class Layout:
    """Where everything stands, before it is written as SVG."""

    width: float = 0
    height: float = 0
    header: float = 0
    lanes: list[tuple[float, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)


def wrap(text: str, width: float) -> list[str]:
    """The text in lines that fit into so many pixels; a word that is too long is cut."""
    most = max(4, int((width - 2 * PAD) / CHARACTER))
    lines: list[str] = [""]
    for word in text.split():
        while len(word) > most:
            if lines[-1]:
                lines.append("")
            lines[-1], word = word[: most - 1] + "-", word[most - 1 :]
            lines.append("")
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line] or [""]


def lay_out(sop: Sop) -> Layout:
    """Rows, lanes, shapes and arrows; no arrow leaves the lanes, and none crosses a shape but at its ends."""
    made = Layout()
    first_lane = NUMBER + ACTIVITY
    performers = [role for role in sop.roles if any(step.performer == role.key for step in sop.steps)]
    lane_of = {role.key: first_lane + LANE * index for index, role in enumerate(performers)}
    made.lanes = [(lane_of[role.key], role.title) for role in performers]
    after_lanes = first_lane + LANE * len(performers)
    made.width = after_lanes + INPUTS + NORM + OUTPUTS
    titles = [len(wrap(title, LANE)) for _, title in made.lanes]
    made.header = LINE + 2 * PAD + max(titles) * LINE + 2 * PAD
    y = made.header
    for key in sop.order:
        step = sop.step(key)
        texts = (
            wrap(_activity(sop, step), ACTIVITY),
            _listed([rule.title for rule in step.inputs], INPUTS),
            wrap(step.norm.text, NORM),
            _listed([rule.title for rule in step.outputs], OUTPUTS),
        )
        height = max(ROW_LEAST, max(len(lines) for lines in texts) * LINE + 2 * PAD)
        made.rows.append(Row(y, height, step, *texts))
        # the upper part of a row is where arrows come in
        middle = Point(lane_of[step.performer] + LANE / 2, y + 12 + (height - 12) / 2)
        made.shapes[key] = Shape(key, middle, SHAPE_WIDTH / 2, SHAPE_HEIGHT / 2 + (5 if step.is_decision else 0))
        y += height
    made.height = y + 1
    _draw_arrows(sop, made)
    return made


def _activity(sop: Sop, step: Step) -> str:
    if step.when is None:
        return step.activity
    asked = next((question.title for question in sop.questions if question.key == step.when.field), step.when.field)
    return f"{step.activity} [bila {asked}: {step.when.equals}]"


def _listed(titles: list[str], width: float) -> list[str]:
    return [line for title in titles for line in wrap(title, width)] or ["–"]


def _draw_arrows(sop: Sop, made: Layout) -> None:
    order = list(sop.order)
    used: dict[tuple[float, str], int] = {}

    def gutter(shape: Shape, side: str) -> float:
        """The next free line beside the shapes of a lane."""
        left = shape.middle.x - LANE / 2
        count = used[(left, side)] = used.get((left, side), -1) + 1
        offset = GUTTER_FIRST + GUTTER_STEP * (count % 3)
        return left + offset if side == "left" else left + LANE - offset

    for key in order:
        step, target = sop.step(key), made.shapes[key]
        entry = _row_top(made, key) + 6
        for before in step.after:
            source = made.shapes[before]
            arrow = Arrow(before, key, [])
            if order.index(before) == order.index(key) - 1:
                arrow.corners = [
                    source.bottom,
                    Point(source.middle.x, entry),
                    Point(target.middle.x, entry),
                    target.top,
                ]
            else:
                x = gutter(source, "right")
                out = source.side(x)
                arrow.corners = [out, Point(x, out.y), Point(x, entry), Point(target.middle.x, entry), target.top]
            if sop.step(before).is_decision:
                arrow.word, arrow.word_at = "Ya", Point(source.bottom.x + 4, source.bottom.y + 9)
            made.arrows.append(arrow)
        if step.returns_to is not None:
            back = made.shapes[step.returns_to]
            x = gutter(target, "left")
            out = target.side(x)
            into = back.side(x)
            made.arrows.append(
                Arrow(
                    key,
                    step.returns_to,
                    [out, Point(x, out.y), Point(x, into.y), into],
                    "Tidak",
                    Point(out.x - 2, out.y - 4),
                    "end",
                )
            )


def _row_top(made: Layout, key: str) -> float:
    return next(row.y for row in made.rows if row.step.key == key)


def draw_flowchart(sop: Sop) -> str:
    """The flowchart as an SVG document of its own, which may also stand inside a page."""
    made = lay_out(sop)
    title = f"{sop.number} {sop.title}"
    told = "; ".join(
        f"{step.key} {step.activity} ({sop.role(step.performer).title})" for step in (row.step for row in made.rows)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="id" viewBox="0 0 {made.width:g} {made.height:g}" '
        f'width="{made.width:g}" height="{made.height:g}" aria-labelledby="flowchart-title flowchart-desc" '
        f'font-family="sans-serif" font-size="{FONT}" fill="currentColor" stroke="none">',
        f'<title id="flowchart-title">{escape(title)}</title>',
        f'<desc id="flowchart-desc">{escape(told)}</desc>',
        '<defs><marker id="flowchart-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ]
    parts += _grid(made)
    parts += [_symbol(sop, made.shapes[row.step.key], row.step) for row in made.rows]
    for arrow in made.arrows:
        points = " ".join(f"{x:g},{y:g}" for x, y in _without_repeats(arrow.corners))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.2" '
            f'marker-end="url(#flowchart-tip)" data-from={quoteattr(arrow.source)} data-to={quoteattr(arrow.target)}/>'
        )
        if arrow.word and arrow.word_at is not None:
            x, y = arrow.word_at
            parts.append(f'<text x="{x:g}" y="{y:g}" font-size="8" text-anchor="{arrow.anchor}">{arrow.word}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _without_repeats(corners: list[Point]) -> list[Point]:
    return [point for index, point in enumerate(corners) if index == 0 or point != corners[index - 1]]


def _grid(made: Layout) -> list[str]:
    lanes_from = NUMBER + ACTIVITY
    lanes_to = lanes_from + LANE * len(made.lanes)
    names = LINE + 2 * PAD
    edges = [
        0,
        NUMBER,
        lanes_from,
        *(x for x, _ in made.lanes[1:]),
        lanes_to,
        lanes_to + INPUTS,
        lanes_to + INPUTS + NORM,
    ]
    tops = {0.0, float(NUMBER), float(lanes_from), float(lanes_to)}
    parts = [
        '<g fill="none" stroke="currentColor" stroke-width="0.7" opacity="0.55">',
        f'<rect x="0.5" y="0.5" width="{made.width - 1:g}" height="{made.height - 1:g}"/>',
    ]
    for x in edges[1:]:
        parts.append(f'<path d="M{x:g} {0 if float(x) in tops else names:g} V{made.height:g}"/>')
    parts.append(f'<path d="M{lanes_from:g} {names:g} H{made.width:g}"/>')
    parts += [f'<path d="M0 {row.y:g} H{made.width:g}"/>' for row in made.rows]
    parts.append("</g>")
    parts += _text_at(["No."], 0, NUMBER, made.header / 2 + 4, bold=True)
    parts += _text_at(["Kegiatan"], NUMBER, ACTIVITY, made.header / 2 + 4, bold=True)
    parts += _text_at(["Pelaksana"], lanes_from, LANE * len(made.lanes), PAD + FONT, bold=True)
    parts += _text_at(["Mutu Baku"], lanes_to, INPUTS + NORM + OUTPUTS, PAD + FONT, bold=True)
    for x, title in made.lanes:
        parts += _text_at(wrap(title, LANE), x, LANE, names + PAD + FONT)
    for x, width, word in (
        (lanes_to, INPUTS, "Kelengkapan"),
        (lanes_to + INPUTS, NORM, "Waktu"),
        (lanes_to + INPUTS + NORM, OUTPUTS, "Keluaran"),
    ):
        parts += _text_at([word], x, width, names + PAD + FONT)
    for row in made.rows:
        y = row.y + PAD + FONT
        parts += _text_at([row.step.key], 0, NUMBER, y)
        parts += _lines(row.activity, NUMBER + PAD, y)
        parts += _lines(row.inputs, lanes_to + PAD, y)
        parts += _text_at(row.norm, lanes_to + INPUTS, NORM, y)
        parts += _lines(row.outputs, lanes_to + INPUTS + NORM + PAD, y)
    return parts


def _text_at(lines: list[str], x: float, width: float, y: float, *, bold: bool = False) -> list[str]:
    """Lines in the middle of a column."""
    return _lines(lines, x + width / 2, y, anchor="middle", bold=bold)


def _lines(lines: list[str], x: float, y: float, *, anchor: str = "start", bold: bool = False) -> list[str]:
    weight = ' font-weight="bold"' if bold else ""
    return [
        f'<text x="{x:g}" y="{y + index * LINE:g}" text-anchor="{anchor}"{weight}>{escape(line)}</text>'
        for index, line in enumerate(lines)
    ]


def _symbol(sop: Sop, shape: Shape, step: Step) -> str:
    (x, y), wide, high = shape.middle, shape.half_width, shape.half_height
    dashes = ' stroke-dasharray="4 3"' if step.when is not None else ""
    drawn = f'fill="none" stroke="currentColor" stroke-width="1.5"{dashes} data-step={quoteattr(step.key)}'
    if step.is_decision:
        points = f"{x:g},{y - high:g} {x + wide:g},{y:g} {x:g},{y + high:g} {x - wide:g},{y:g}"
        return f'<polygon points="{points}" {drawn}/>'
    is_end = step.key in sop.first_steps() or step.kind == "archive"
    round_by = high if is_end else 0
    return f'<rect x="{x - wide:g}" y="{y - high:g}" width="{2 * wide:g}" height="{2 * high:g}" rx="{round_by:g}" {drawn}/>'
