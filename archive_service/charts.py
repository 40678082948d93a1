"""Charts as SVG text: pure functions of numbers; colours by class, so that dark mode and print follow the tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

CELL_WIDTH, CELL_HEIGHT, LABEL, HEAD = 76, 34, 220, 28
BAR_WIDTH, BAR_HEAD, BAR_FOOT = 130, 30, 190
LABEL_LENGTH = 30
BANDS = (0.5, 0.75, 0.9, 1.0)
"""The share from which on a cell has the next heat: the last is for all of them."""


@dataclass(frozen=True)
class Cell:
    """How many of how many, and the address of the dossiers behind it."""

    good: int
    of: int
    url: str | None = None

    @property
    def heat(self) -> int:
        """The heat from 0 to 4."""
        return sum(self.good >= band * self.of for band in BANDS) if self.of else 0

    @property
    def words(self) -> str:
        """The number with what it is out of: a share alone would make much of two dossiers."""
        return f"{self.good}/{self.of} · {100 * self.good // self.of}%" if self.of else "–"


def heat_map(
    rows: Sequence[tuple[str, str]],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
    *,
    name: str,
    title: str,
    description: str,
) -> str:
    """The SVG of a table of cells: ``rows`` are (key, label), a cell is at (row key, column); ``name`` is unique in the page."""
    parts = []
    for x, column in enumerate(columns):
        centre = LABEL + x * CELL_WIDTH + CELL_WIDTH // 2
        parts.append(f'<text class="chart-label" x="{centre}" y="18" text-anchor="middle">{escape(column)}</text>')
    for y, (key, label) in enumerate(rows):
        top = HEAD + y * CELL_HEIGHT
        shown = label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 1] + "…"
        whole = f"<title>{escape(label)}</title>" if shown != label else ""
        parts.append(f'<text class="chart-label" lang="id" x="0" y="{top + 22}">{whole}{escape(shown)}</text>')
        for x, column in enumerate(columns):
            parts.append(_cell(cells.get((key, column), Cell(0, 0)), f"{label}, {column}", LABEL + x * CELL_WIDTH, top))
    size = LABEL + len(columns) * CELL_WIDTH, HEAD + len(rows) * CELL_HEIGHT
    return _figure("map", name, title, description, size, parts)


def bar_chart(bars: Sequence[tuple[str, Cell]], *, name: str, title: str, description: str) -> str:
    """The SVG of shares side by side: a bar for each (label, cell), the number it stands for above it."""
    parts = [f'<line class="chart-axis" x1="0" x2="{len(bars) * BAR_WIDTH}" y1="{BAR_FOOT}" y2="{BAR_FOOT}"/>']
    for x, (label, cell) in enumerate(bars):
        height = (BAR_FOOT - BAR_HEAD) * cell.good // cell.of if cell.of else 0
        left, centre = x * BAR_WIDTH + BAR_WIDTH // 4, x * BAR_WIDTH + BAR_WIDTH // 2
        drawn = (
            f"<title>{escape(label)}: {cell.words}</title>"
            f'<rect class="heat-{cell.heat}" x="{left}" y="{BAR_FOOT - height}" width="{BAR_WIDTH // 2}" height="{height}"/>'
            f'<text class="chart-label" x="{centre}" y="{BAR_FOOT - height - 8}" text-anchor="middle">{cell.words}</text>'
            f'<text class="chart-label" x="{centre}" y="{BAR_FOOT + 20}" text-anchor="middle">{escape(label)}</text>'
        )
        parts.append(f"<a href={quoteattr(cell.url)}>{drawn}</a>" if cell.url else f"<g>{drawn}</g>")
    return _figure("bars", name, title, description, (len(bars) * BAR_WIDTH, BAR_FOOT + 32), parts)


def _cell(cell: Cell, place: str, left: int, top: int) -> str:
    heat = f"heat-{cell.heat}" if cell.of else "heat-none"
    drawn = (
        f"<title>{escape(place)}: {cell.words}</title>"
        f'<rect class="{heat}" x="{left}" y="{top}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}"/>'
        f'<text class="on-{heat}" x="{left + CELL_WIDTH // 2}" y="{top + 21}" text-anchor="middle">{cell.words}</text>'
    )
    return f"<a href={quoteattr(cell.url)}>{drawn}</a>" if cell.url and cell.of else f"<g>{drawn}</g>"


def _figure(kind: str, name: str, title: str, description: str, size: tuple[int, int], parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart {kind}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'role="group" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )
