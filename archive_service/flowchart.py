"""An SOP's flowchart in the customary form (SOP AP, PermenPANRB 35/2012) as SVG: a row for each step, a lane for each performer.

Capsule: where the procedure begins and ends. Box: an activity. Diamond: a decision, with where it goes on (ya) and back (tidak). A dashed
symbol applies under a condition, and a dashed arrow passes it by. Beside the lanes stand the quality norms. Only presentation attributes
and ``currentColor``: it takes the page's colours, light or dark, and needs no style that a content security policy would refuse.

How lines keep clear of symbols, of words and of each other: the upper part of a row is a track for what leads to the row's own symbol, and
for nothing else; down or up over several rows a line runs in the corridor left of a lane, each in a track of its own; words stand between
a symbol and the corridor, below the symbol or beside the arrow's tip, where nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from archive_service.domain.sop import QUARTER, Condition, Sop, Step

FONT = 11
SMALL = 9
LINE = 14
PAD = 7
TRACK = 7
SHAPE_WIDTH = 54
BOX_HEIGHT, DIAMOND_HEIGHT = 26, 34
ABOVE, BELOW = 22, 14
ENTRY = 9
SIDE = 12
NUMBER, ACTIVITY, INPUTS, NORM, OUTPUTS = 42, 230, 150, 72, 150
LANE_LEAST = 104
NAMES = LINE + 2 * PAD
WORD_LIMIT = 12
HEADINGS = ("Kelengkapan", "Waktu", "Keluaran")


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle, from its left upper to its right lower corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Shape:
    """The symbol of a step: its row and lane by their number, its middle and its height."""

    step: str
    row: int
    lane: int
    middle: Point
    height: float

    @property
    def box(self) -> Box:
        """The rectangle that it fills."""
        (x, y), half = self.middle, self.height / 2
        return Box(x - SHAPE_WIDTH / 2, y - half, x + SHAPE_WIDTH / 2, y + half)


class Word(NamedTuple):
    """A short text beside a step's symbol, at the beginning or the tip of an arrow."""

    step: str
    text: str
    at: Point
    anchor: str

    @property
    def box(self) -> Box:
        """The rectangle that it fills, by the widest that its letters are taken to be."""
        width = text_width(self.text, SMALL)
        left = self.at.x - (width if self.anchor == "end" else 0)
        return Box(left, self.at.y - SMALL, left + width, self.at.y + 2)


class Arrow(NamedTuple):
    """A line from one step's symbol to another's, by its corners."""

    source: str
    target: str
    corners: tuple[Point, ...]
    is_dashed: bool


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
class Lane:
    """A performer's column: the corridor at its left, then the symbols' room."""

    title: str
    left: float = 0
    corridor: float = 0
    room: float = 0
    last: float = 0

    @property
    def middle(self) -> float:
        """Where its symbols stand."""
        return self.left + self.corridor + self.room / 2

    @property
    def right(self) -> float:
        """Where the next lane begins."""
        return self.left + self.corridor + self.room + self.last


@dataclass
class Layout:
    """Where everything stands, before it is written as SVG."""

    width: float = 0
    height: float = 0
    header: float = 0
    lanes: list[Lane] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


class _Line(NamedTuple):
    """An arrow before it has its place: ``side`` is below, left or right of its source."""

    source: str
    target: str
    side: str
    word: str
    is_dashed: bool
    corridor: int


def text_width(text: str, size: float) -> float:
    """How wide a text is at most, in a common sans-serif: there is no font to measure."""
    units = sum(
        0.34 if c in "iIjlt.,;:'!|()[]f/- " else 0.92 if c in "mwMW@%&" else 0.76 if c.isupper() else 0.6 for c in text
    )
    return units * size


def wrap(text: str, width: float) -> list[str]:
    """The text in lines that fit into so many pixels; a word that is too long is cut."""
    room = width - 2 * PAD
    lines: list[str] = [""]
    for word in text.split():
        while text_width(word, FONT) > room:
            cut = next(i for i in range(len(word), 0, -1) if i == 1 or text_width(word[:i] + "-", FONT) <= room)
            lines += [word[:cut] + "-"]
            word = word[cut:]
            lines.append("")
        if lines[-1] and text_width(f"{lines[-1]} {word}", FONT) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line] or [""]


# ---- what leads where


def _choices_of(sop: Sop, field: str) -> tuple[str, ...]:
    """The answers that a condition's question may have; none known for one that is answered in free words."""
    if field == QUARTER:
        return ("1", "2", "3", "4")
    return next((tuple(question.choices) for question in sop.questions if question.key == field), ())


def _word_of(condition: Condition) -> str:
    return condition.equals if len(condition.equals) <= WORD_LIMIT else "ya"


def _word_of_others(sop: Sop, condition: Condition) -> str:
    """What the arrow is called that passes a condition by: the other answer, where there is one alone."""
    others = [choice for choice in _choices_of(sop, condition.field) if choice != condition.equals]
    return others[0] if len(others) == 1 and len(others[0]) <= WORD_LIMIT else "lain"


def _can_all_be_skipped(sop: Sop, steps: Sequence[Step]) -> bool:
    """Whether there are answers for which none of the steps applies."""
    wanted: dict[str, set[str]] = {}
    for step in steps:
        if step.when is None:
            return False
        wanted.setdefault(step.when.field, set()).add(step.when.equals)
    known = {field: set(_choices_of(sop, field)) for field in wanted}
    return bool(steps) and not any(known[field] and answers >= known[field] for field, answers in wanted.items())


def _sources(sop: Sop, step: Step) -> dict[str, Condition | None]:
    """The steps from which an arrow leads to this one; with the condition whose step it passes by."""
    found: dict[str, Condition | None] = dict.fromkeys(step.after)
    waiting: list[tuple[Step, frozenset[Condition]]] = [(step, frozenset())]
    seen: set[str] = set()
    while waiting:
        current, skipped = waiting.pop()
        before = [sop.step(key) for key in current.after]
        if not _can_all_be_skipped(sop, before):
            continue
        for other in before:
            # when that one is skipped and this one for the same answer, nothing leads here
            if other.when is None or other.key in seen or other.when == step.when:
                continue
            seen.add(other.key)
            passed = skipped | {other.when}
            for key in other.after:
                if sop.step(key).when not in passed:
                    found.setdefault(key, other.when)
            waiting.append((other, passed))
    return found


def _lines_of(sop: Sop, lane_of: dict[str, int]) -> list[_Line]:
    order = list(sop.order)
    place = {key: index for index, key in enumerate(order)}
    sources_of = {step.key: _sources(sop, step) for step in sop.steps}
    lines: list[_Line] = []
    for key in order:
        step, lane = sop.step(key), lane_of[key]
        back = None
        if step.returns_to is not None:
            back = "right" if lane_of[step.returns_to] > lane else "left"
            lines.append(_Line(key, step.returns_to, back, "Tidak", False, lane + (back == "right")))
        for target in order[place[key] + 1 :]:
            if key not in sources_of[target]:
                continue
            passed = sources_of[target][key]
            word = "Ya" if step.is_decision else "" if passed is None else _word_of_others(sop, passed)
            side = "below"
            if place[target] > place[key] + 1:
                side = "right" if lane_of[target] >= lane else "left"
                if back is not None:  # a decision's two ways leave it at different sides
                    side = "left" if back == "right" else "right"
            corridor = -1 if side == "below" else lane + (side == "right")
            lines.append(_Line(key, target, side, word, passed is not None, corridor))
    return lines


# ---- where it stands


def lay_out(sop: Sop) -> Layout:
    """Rows, lanes, symbols and arrows."""
    made = Layout()
    performers = [role for role in sop.roles if any(step.performer == role.key for step in sop.steps)]
    lane_of = {step.key: [role.key for role in performers].index(step.performer) for step in sop.steps}
    lines = _lines_of(sop, lane_of)
    tracks = _share_corridors(sop, lines)
    counts = [
        max((track + 1 for line, track in tracks.items() if line.corridor == corridor), default=0)
        for corridor in range(len(performers) + 1)
    ]
    x = float(NUMBER + ACTIVITY)
    for index, role in enumerate(performers):
        words = [line.word for line in lines if lane_of[line.source] == index and line.side != "below"]
        widest = max((text_width(word, SMALL) for word in words), default=0.0)
        tips = [_word_of(step.when) for step in sop.steps if step.when is not None and lane_of[step.key] == index]
        room_of_tips = 2 * max((text_width(word, SMALL) + 10 for word in tips), default=0.0)
        lane = Lane(role.title, x, TRACK * (counts[index] + 1) if counts[index] else 0)
        lane.room = max(LANE_LEAST - lane.corridor, SHAPE_WIDTH + 2 * max(SIDE, widest + 5), room_of_tips)
        if index == len(performers) - 1 and counts[index + 1]:
            lane.last = TRACK * (counts[index + 1] + 1)
        made.lanes.append(lane)
        x = lane.right
    made.width = x + INPUTS + NORM + OUTPUTS
    titles = max(len(wrap(lane.title, lane.right - lane.left)) for lane in made.lanes)
    made.header = NAMES + max(titles, 1) * LINE + 2 * PAD
    y = made.header
    for index, key in enumerate(sop.order):
        step = sop.step(key)
        texts = (
            wrap(_activity(sop, step), ACTIVITY),
            _listed([rule.title for rule in step.inputs], INPUTS),
            wrap(step.norm.text, NORM),
            _listed([rule.title for rule in step.outputs], OUTPUTS),
        )
        shape_height = DIAMOND_HEIGHT if step.is_decision else BOX_HEIGHT
        height = max(ABOVE + DIAMOND_HEIGHT + BELOW, max(len(text) for text in texts) * LINE + 2 * PAD)
        made.rows.append(Row(y, height, step, *texts))
        middle = Point(made.lanes[lane_of[key]].middle, y + ABOVE + (height - ABOVE - BELOW) / 2)
        made.shapes[key] = Shape(key, index, lane_of[key], middle, shape_height)
        y += height
    made.height = y + 1
    made.arrows = [_place(made, line, tracks.get(line, 0)) for line in lines]
    made.words = [*_words_of(made, lines), *_conditions_of(made)]
    return made


def _share_corridors(sop: Sop, lines: Iterable[_Line]) -> dict[_Line, int]:
    """A track for each line that runs in a corridor: none runs over another, but for those that lead to the same symbol."""
    place = {key: index for index, key in enumerate(sop.order)}
    bundles: dict[tuple[int, str, bool, bool], list[_Line]] = {}
    for line in lines:
        if line.corridor >= 0:
            goes_up = place[line.target] < place[line.source]
            bundles.setdefault((line.corridor, line.target, goes_up, line.is_dashed), []).append(line)
    taken: dict[int, list[tuple[int, int, int]]] = {}
    tracks: dict[_Line, int] = {}
    spans = [
        (min(rows), max(rows), bundle)
        for bundle in bundles.values()
        for rows in ([place[key] for line in bundle for key in (line.source, line.target)],)
    ]
    for first, last, bundle in sorted(spans, key=lambda span: (span[1] - span[0], span[0])):
        known = taken.setdefault(bundle[0].corridor, [])
        used = {track for track, begin, end in known if first <= end and begin <= last}
        track = next(number for number in range(len(used) + 1) if number not in used)
        known.append((track, first, last))
        tracks.update(dict.fromkeys(bundle, track))
    return tracks


def _corridor_x(made: Layout, corridor: int, track: int) -> float:
    """The short lines nearest to the symbols that they lead around."""
    if corridor == len(made.lanes):
        lane = made.lanes[-1]
        return lane.left + lane.corridor + lane.room + TRACK * (track + 1)
    lane = made.lanes[corridor]
    return lane.left + lane.corridor - TRACK * (track + 1)


def _place(made: Layout, line: _Line, track: int) -> Arrow:
    source, target = made.shapes[line.source], made.shapes[line.target]
    entry = made.rows[target.row].y + ENTRY
    if line.side == "below":
        start = Point(source.middle.x, source.box.bottom)
        x = start.x
    else:
        start = Point(source.box.left if line.side == "left" else source.box.right, source.middle.y)
        x = _corridor_x(made, line.corridor, track)
    tip = Point(target.middle.x, target.box.top)
    corners = (start, Point(x, start.y), Point(x, entry), Point(tip.x, entry), tip)
    return Arrow(line.source, line.target, _without_repeats(corners), line.is_dashed)


def _words_of(made: Layout, lines: Sequence[_Line]) -> list[Word]:
    """The words at the beginnings of arrows; what leaves a symbol at one side together has one."""
    found: dict[tuple[str, str], Word] = {}
    for line in lines:
        if not line.word:
            continue
        box, middle = made.shapes[line.source].box, made.shapes[line.source].middle
        known = found.get((line.source, line.side))
        text = line.word if known is None or known.text == line.word else "lain"
        # a line that turns up at its end has its word below, one that turns down above
        y = middle.y + (SMALL + 2 if made.shapes[line.target].middle.y < middle.y else -4)
        if line.side == "below":
            word = Word(line.source, text, Point(middle.x + 4, box.bottom + SMALL + 1), "start")
        elif line.side == "left":
            word = Word(line.source, text, Point(box.left - 2, y), "end")
        else:
            word = Word(line.source, text, Point(box.right + 2, y), "start")
        found[(line.source, line.side)] = word
    return list(found.values())


def _conditions_of(made: Layout) -> list[Word]:
    """The answers for which conditional steps apply, beside the tips of the arrows to them."""
    return [
        Word(row.step.key, _word_of(row.step.when), Point(shape.middle.x + 7, row.y + ENTRY + SMALL + 2), "start")
        for row in made.rows
        for shape in (made.shapes[row.step.key],)
        if row.step.when is not None
    ]


def _without_repeats(corners: Sequence[Point]) -> tuple[Point, ...]:
    """The corners at which the line does turn."""
    found: list[Point] = []
    for index, point in enumerate(corners):
        if found and point == found[-1]:
            continue
        after = next((p for p in corners[index + 1 :] if p != point), None)
        is_straight = found and after and (found[-1].x == point.x == after.x or found[-1].y == point.y == after.y)
        if not is_straight:
            found.append(point)
    return tuple(found)


def _activity(sop: Sop, step: Step) -> str:
    if step.when is None:
        return step.activity
    titles = {question.key: question.title for question in sop.questions} | {QUARTER: "triwulan"}
    asked = titles.get(step.when.field, step.when.field).rstrip(" ?:")
    if asked.casefold().startswith("apakah "):
        asked = asked[len("apakah ") :]
    return f"{step.activity} (bila {asked}: {step.when.equals})"


def _listed(titles: list[str], width: float) -> list[str]:
    marked = [f"{index}. {title}" for index, title in enumerate(titles, 1)] if len(titles) > 1 else titles
    return [line for title in marked for line in wrap(title, width)] or ["–"]


# ---- as SVG


def draw_flowchart(sop: Sop) -> str:
    """The flowchart as an SVG document of its own, which may also stand inside a page; its words are the SOP's, in its language."""
    made = lay_out(sop)
    told = "; ".join(
        f"{row.step.key} {row.step.activity} ({sop.role(row.step.performer).title})"
        + (f", bila tidak kembali ke {row.step.returns_to}" if row.step.returns_to else "")
        for row in made.rows
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="id" viewBox="0 0 {made.width:g} {made.height:g}" '
        f'width="{made.width:g}" height="{made.height:g}" aria-labelledby="flowchart-title flowchart-desc" '
        f'font-family="Arial, Liberation Sans, Helvetica, sans-serif" font-size="{FONT}" fill="currentColor" stroke="none">',
        f'<title id="flowchart-title">{escape(f"{sop.number} {sop.title}")}</title>',
        f'<desc id="flowchart-desc">{escape(told)}</desc>',
        '<defs><marker id="flowchart-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ]
    parts += _grid(made)
    parts += _texts(made)
    parts += [line for row in made.rows for line in _symbol(sop, made.shapes[row.step.key], row.step)]
    for arrow in made.arrows:
        points = " ".join(f"{x:g},{y:g}" for x, y in arrow.corners)
        dashes = ' stroke-dasharray="4 3"' if arrow.is_dashed else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.2"{dashes} '
            f'marker-end="url(#flowchart-tip)" data-from={quoteattr(arrow.source)} data-to={quoteattr(arrow.target)}/>'
        )
    for word in made.words:
        parts.append(
            f'<text x="{word.at.x:g}" y="{word.at.y:g}" font-size="{SMALL}" text-anchor="{word.anchor}">'
            f"{escape(word.text)}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _norms(made: Layout) -> list[tuple[float, float]]:
    """Left edge and width of the three columns of norms."""
    x = made.lanes[-1].right
    return [(x, INPUTS), (x + INPUTS, NORM), (x + INPUTS + NORM, OUTPUTS)]


def _grid(made: Layout) -> list[str]:
    first, after = made.lanes[0].left, made.lanes[-1].right
    parts = [
        '<g fill="none" stroke="currentColor" stroke-width="0.7" opacity="0.55">',
        f'<rect x="0.5" y="0.5" width="{made.width - 1:g}" height="{made.height - 1:g}"/>',
    ]
    parts += [f'<path d="M{x:g} 0 V{made.height:g}"/>' for x in (NUMBER, first, after)]
    inner = [lane.left for lane in made.lanes[1:]] + [x for x, _ in _norms(made)[1:]]
    parts += [f'<path d="M{x:g} {NAMES:g} V{made.height:g}"/>' for x in inner]
    parts.append(f'<path d="M{first:g} {NAMES:g} H{made.width:g}"/>')
    parts += [f'<path d="M0 {row.y:g} H{made.width:g}"/>' for row in made.rows]
    return [*parts, "</g>"]


def _texts(made: Layout) -> list[str]:
    norms = _norms(made)
    first, after = made.lanes[0].left, made.lanes[-1].right
    parts = _centred(["No."], 0, NUMBER, made.header / 2 + 4, bold=True)
    parts += _centred(["Kegiatan"], NUMBER, ACTIVITY, made.header / 2 + 4, bold=True)
    parts += _centred(["Pelaksana"], first, after - first, PAD + FONT, bold=True)
    parts += _centred(["Mutu Baku"], after, made.width - after, PAD + FONT, bold=True)
    for lane in made.lanes:
        width = lane.right - lane.left
        parts += _centred(wrap(lane.title, width), lane.left, width, NAMES + PAD + FONT)
    for (x, width), word in zip(norms, HEADINGS, strict=True):
        parts += _centred([word], x, width, NAMES + PAD + FONT)
    for row in made.rows:
        y = row.y + PAD + FONT
        parts += _centred(wrap(row.step.key, NUMBER), 0, NUMBER, y)
        parts += _lines(row.activity, NUMBER + PAD, y)
        parts += _lines(row.inputs, norms[0][0] + PAD, y)
        parts += _centred(row.norm, *norms[1], y)
        parts += _lines(row.outputs, norms[2][0] + PAD, y)
    return parts


def _centred(lines: list[str], x: float, width: float, y: float, *, bold: bool = False) -> list[str]:
    return _lines(lines, x + width / 2, y, anchor="middle", bold=bold)


def _lines(lines: list[str], x: float, y: float, *, anchor: str = "start", bold: bool = False) -> list[str]:
    weight = ' font-weight="bold"' if bold else ""
    return [
        f'<text x="{x:g}" y="{y + index * LINE:g}" text-anchor="{anchor}"{weight}>{escape(line)}</text>'
        for index, line in enumerate(lines)
    ]


def _symbol(sop: Sop, shape: Shape, step: Step) -> list[str]:
    (x, y), box = shape.middle, shape.box
    dashes = ' stroke-dasharray="4 3"' if step.when is not None else ""
    drawn = f'fill="none" stroke="currentColor" stroke-width="1.5"{dashes} data-step={quoteattr(step.key)}'
    if step.is_decision:
        points = f"{x:g},{box.top:g} {box.right:g},{y:g} {x:g},{box.bottom:g} {box.left:g},{y:g}"
        parts = [f'<polygon points="{points}" {drawn}/>']
    else:
        is_end = not step.after or step.kind == "archive"
        round_by = shape.height / 2 if is_end else 0
        parts = [
            f'<rect x="{box.left:g}" y="{box.top:g}" width="{SHAPE_WIDTH:g}" height="{shape.height:g}" '
            f'rx="{round_by:g}" {drawn}/>'
        ]
    if text_width(step.key, SMALL) <= SHAPE_WIDTH / 2:
        parts.append(
            f'<text x="{x:g}" y="{y + 3:g}" font-size="{SMALL}" text-anchor="middle">{escape(step.key)}</text>'
        )
    return parts
