"""The time verdict of one iteration of a step: limit, working time used, due, on time or late."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Dict

from archive_service.domain import working_time

if TYPE_CHECKING:
    from archive_service.domain.sop import Sop

ON_TIME = "on_time"
LATE = "late"


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
    """The working seconds that the SOP gives a step."""
    norm = sop.step(step_key).norm
    return working_time.limit_seconds(norm.amount, norm.unit, sop.time.day_minutes)


def due_time(sop: "Sop", step_key: str, calendar: working_time.Calendar, started_at: str) -> str:
    """The instant until which a step that started then is on time."""
    return format_time(working_time.due_at(calendar, parse_time(started_at), norm_seconds(sop, step_key)))


def judge_time(
    sop: "Sop",
    step_key: str,
    calendar: working_time.Calendar,
    calendar_digest: str,
    started_at: str,
    finished_at: str,
) -> Dict[str, Any]:
    """The time part of a ``step.judged`` event; late means used > limit, in whole working seconds."""
    limit = norm_seconds(sop, step_key)
    used = working_time.used_between(calendar, parse_time(started_at), parse_time(finished_at))
    return {
        "started_at": started_at,
        "finished_at": finished_at,
        "due_at": due_time(sop, step_key, calendar, started_at),
        "limit_seconds": limit,
        "used_seconds": used.seconds,
        "policy": sop.time.day_policy,
        "day_minutes": sop.time.day_minutes,
        "calendar": calendar_digest,
        "result": LATE if used.seconds > limit else ON_TIME,
    }
