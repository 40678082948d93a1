"""``make bench``: every figure, or those that are named: large, small, appends, sequencing."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import appends, stack, uploads


def main(names: list[str]) -> int:
    """Measure and print; exit status 2 for an unknown name."""
    with tempfile.TemporaryDirectory(prefix="archive-bench-") as made, stack.running() as bench:
        folder = Path(made)
        figures: dict[str, Callable[[], None]] = {
            "large": lambda: uploads.measure_large(bench, folder),
            "small": lambda: uploads.measure_small(bench),
            "appends": lambda: appends.measure_appends(bench),
            "sequencing": lambda: appends.measure_sequencing(bench),
        }
        if unknown := set(names) - set(figures):
            print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(figures)}", file=sys.stderr)
            return 2
        for name, measure in figures.items():
            if not names or name in names:
                measure()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
