"""Clocks: the machine's, and the demo's, which stands still until it is moved."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

from archive_service.errors import Conflict


def system_now() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


class DemoClock:
    """A clock for the demo alone: set by hand, it ticks one microsecond a reading; let go, it runs like any other."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._let_go_at: float | None = None
        self._lock = Lock()

    def now(self) -> datetime:
        """The demo's time, aware UTC, never twice the same."""
        with self._lock:
            if self._let_go_at is not None:
                return self._now + timedelta(seconds=time.monotonic() - self._let_go_at)
            self._now += timedelta(microseconds=1)
            return self._now

    def move_to(self, moment: datetime) -> None:
        """Go forward to this moment and stand still; Conflict for a step back."""
        with self._lock:
            if moment < self._now:
                raise Conflict("clock_backwards", "The demo clock goes forward only.")
            self._now, self._let_go_at = moment, None

    def let_go(self) -> None:
        """Run on from here at the pace of real time."""
        with self._lock:
            self._let_go_at = time.monotonic()
