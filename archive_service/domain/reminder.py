"""When the person who holds a step is reminded of it: once before its norm is used up, and once after."""

from __future__ import annotations

from typing import Optional

from archive_service.domain import statement, verdict, working_time
from archive_service.domain.dossier import Dossier
from archive_service.domain.parts import Run
from archive_service.domain.states import OPEN, RUNNING

LEAD_SECONDS = 15 * 60
"""So much working time is left at the first reminder, at least; otherwise a quarter of the limit."""


def remind_time(dossier: Dossier, run: Run, calendar: working_time.Calendar) -> Optional[str]:
    """The event time of an iteration's first reminder, in the calendar of the dossier's unit; None when it needs none.

    A norm that is no longer than the lead has no reminder before: whoever gets such a step is told at once. Its first one is when it is
    late. None while the clock stands, once the iteration or the dossier has ended, and where the calendar ends before.
    """
    if run.state != RUNNING or dossier.status != OPEN:
        return None
    try:
        limit = verdict.limit_from(dossier.sop, dossier.sop.step(run.step).norm, calendar, run.started_at)
        lead = max(limit // 4, LEAD_SECONDS)
        return statement.due_time(dossier, run, calendar, beyond_seconds=1 if limit <= lead else -lead)
    except working_time.OutOfCalendar:
        return None
