"""Clocks: the machine's, and the demo's, which stands still until it is moved."""

from __future__ import annotations

import json
import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from archive_service.errors import Conflict

DEMO_START = datetime(2026, 3, 12, 1, 0, tzinfo=UTC)


def system_now() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


class DemoClock:
    """A clock for the demo alone: set by hand, it ticks one microsecond a reading; let go, it runs like any other.

    It lies in a file, so that every process of the demo reads the same one.
    """

    def __init__(self, path: Path, start: datetime = DEMO_START) -> None:
        self._path = path
        self._start = start
        self._read: tuple[datetime, float | None] | None = None
        self._ticks = 0
        self._lock = Lock()

    def now(self) -> datetime:
        """The demo's time, aware UTC, never twice the same in one process."""
        with self._lock:
            known = self._load()
            if known != self._read:
                self._read, self._ticks = known, 0
            set_to, let_go_at = known
            self._ticks += 1
            if let_go_at is not None:
                return set_to + timedelta(seconds=time.time() - let_go_at)
            return set_to + timedelta(microseconds=self._ticks)

    def move_to(self, moment: datetime) -> None:
        """Go forward to this moment and stand still; Conflict for a step back."""
        if moment < self.now():
            raise Conflict("clock_backwards", "The demo clock goes forward only.")
        self._save(moment, None)

    def let_go(self) -> None:
        """Run on from here at the pace of real time."""
        self._save(self.now(), time.time())

    def _load(self) -> tuple[datetime, float | None]:
        try:
            known = json.loads(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return self._start, None
        return datetime.fromisoformat(known["set_to"]), known["let_go_at"]

    def _save(self, set_to: datetime, let_go_at: float | None) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        fresh.write_text(json.dumps({"set_to": set_to.isoformat(), "let_go_at": let_go_at}), encoding="ascii")
        # other processes see the old time or the new one, never half of it
        os.replace(fresh, self._path)
