"""The time verdict of one iteration of a step: limit, working time used, due, on time or late."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple

from archive_service.domain import working_time

if TYPE_CHECKING:
    from archive_service.domain.sop import Norm, Sop

Interval = Tuple[str, str]
"""Two event times, the first not after the second; the end is not part of it."""

ON_TIME = "on_time"
LATE = "late"


@lru_cache(maxsize=4096)
def parse_time(text: str) -> datetime:
    """The aware UTC datetime of an event's time ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def format_time(moment: datetime) -> str:
    """An event's time for an aware datetime; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is no evidence")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def local_date(moment: str, utc_offset_minutes: int) -> str:
    """The calendar date (``YYYY-MM-DD``) on which an event's time fell at the given offset."""
    return (parse_time(moment) + timedelta(minutes=utc_offset_minutes)).strftime("%Y-%m-%d")


def norm_seconds(sop: "Sop", step_key: str) -> int:
    """The working seconds that the SOP gives a step, a day being the policy's usual one: what is told before a step starts."""
    norm = sop.step(step_key).norm
    return working_time.limit_seconds(norm.amount, norm.unit, sop.time.day_minutes)


def limit_from(sop: "Sop", norm: "Norm", calendar: working_time.Calendar, started_at: str) -> int:
    """The working seconds that a norm of the SOP gives from an event's time on, under the SOP's policy for days."""
    return working_time.limit_of(
        calendar, parse_time(started_at), norm.amount, norm.unit, sop.time.day_policy, sop.time.day_minutes
    )


def due_time(
    sop: "Sop",
    norm: "Norm",
    calendar: working_time.Calendar,
    started_at: str,
    excluded: Sequence[Interval] = (),
    beyond_seconds: int = 0,
) -> str:
    """The instant until which something that started then is within the norm; ``excluded`` time does not count.

    ``beyond_seconds``: when so many working seconds more than the norm are used.
    """
    limit = limit_from(sop, norm, calendar, started_at) + beyond_seconds
    return format_time(working_time.due_at(calendar, parse_time(started_at), limit, without=_parsed(excluded)))


def used_time(
    calendar: working_time.Calendar, started_at: str, finished_at: str, excluded: Sequence[Interval] = ()
) -> working_time.Used:
    """The working time from one event's time to another, by day; ``excluded`` time does not count."""
    return working_time.used_between(
        calendar, parse_time(started_at), parse_time(finished_at), without=_parsed(excluded)
    )


def _parsed(excluded: Sequence[Interval]) -> List[Tuple[datetime, datetime]]:
    return [(parse_time(from_at), parse_time(to_at)) for from_at, to_at in excluded]


def judge_time(
    sop: "Sop",
    step_key: str,
    calendar: working_time.Calendar,
    calendar_digest: str,
    started_at: str,
    finished_at: str,
    excluded: Sequence[Interval] = (),
) -> Dict[str, Any]:
    """The time part of a ``step.judged`` event; late means used > limit, in whole working seconds.

    ``excluded`` are the pauses and the transfer of the last upload, as pairs of event times; ``excluded_seconds`` is what they took out.
    """
    norm = sop.step(step_key).norm
    limit = limit_from(sop, norm, calendar, started_at)
    used = used_time(calendar, started_at, finished_at, excluded).seconds
    gross = used_time(calendar, started_at, finished_at).seconds if excluded else used
    return {
        "started_at": started_at,
        "finished_at": finished_at,
        "due_at": due_time(sop, norm, calendar, started_at, excluded),
        "limit_seconds": limit,
        "used_seconds": used,
        "excluded_seconds": gross - used,
        "late_by_seconds": max(0, used - limit),
        "policy": sop.time.day_policy,
        "day_minutes": sop.time.day_minutes,
        "calendar": calendar_digest,
        "result": LATE if used > limit else ON_TIME,
    }
