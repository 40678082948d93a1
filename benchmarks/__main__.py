"""``make bench``: every figure, or those that are named: large, small, appends, sequencing, pace, sweep, verdict,
dashboard, search, pages, slow, log (LOG_EVENTS=100000 for a smaller one)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import appends, log, pages, quality, search, slow_uploads, stack, uploads
from benchmarks.stack import Bench

ON_THE_STACK: dict[str, Callable[[Bench, Path], None]] = {
    "large": uploads.measure_large,
    "small": lambda bench, _: uploads.measure_small(bench),
    "appends": lambda bench, _: appends.measure_appends(bench),
    "slow": lambda bench, _: slow_uploads.measure_slow_uploads(bench),
    "pace": lambda bench, _: log.measure_pace(bench),
    "sequencing": lambda bench, _: appends.measure_sequencing(bench),
}
"""Figures of a running installation."""
ON_A_DATABASE: dict[str, Callable[[], None]] = {
    "sweep": quality.measure_sweep,
    "verdict": quality.measure_verdict,
    "dashboard": quality.measure_dashboard,
    "search": search.measure_search,
    "pages": pages.measure_pages,
    "log": log.measure_verification,
}
"""Figures that make archives of their own."""


def main(names: list[str]) -> int:
    """Measure and print; exit status 2 for an unknown name."""
    known = [*ON_THE_STACK, *ON_A_DATABASE]
    if unknown := set(names) - set(known):
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = [name for name in known if not names or name in names]
    if any(name in ON_THE_STACK for name in wanted):
        with tempfile.TemporaryDirectory(prefix="archive-bench-") as made, stack.running() as bench:
            for name in wanted:
                if name in ON_THE_STACK:
                    ON_THE_STACK[name](bench, Path(made))
    for name in wanted:
        if name in ON_A_DATABASE:
            ON_A_DATABASE[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
