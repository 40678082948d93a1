"""Words of the domain as people read them, through the catalogues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import format_decimal, gettext, lazy_gettext

WORDS: dict[str, Any] = {
    "open": lazy_gettext("running"),
    "sealed": lazy_gettext("archived"),
    "cancelled": lazy_gettext("cancelled"),
    "waiting": lazy_gettext("waiting"),
    "running": lazy_gettext("running"),
    "finished": lazy_gettext("finished"),
    "superseded": lazy_gettext("superseded"),
    "submitted": lazy_gettext("submitted"),
    "approved": lazy_gettext("approved"),
    "returned": lazy_gettext("returned"),
    "archived": lazy_gettext("archived"),
    "on_time": lazy_gettext("on time"),
    "late": lazy_gettext("late"),
    "complete": lazy_gettext("complete"),
    "gaps": lazy_gettext("gaps"),
    "approve": lazy_gettext("approve"),
    "return": lazy_gettext("return"),
    "time_norm_passed": lazy_gettext("time norm passed"),
    "input_missing": lazy_gettext("required input missing"),
    "output_missing": lazy_gettext("output missing"),
    "document_damaged": lazy_gettext("document damaged"),
    "no_performer": lazy_gettext("nobody holds the role"),
    "sealed_with_open_deviations": lazy_gettext("archived with unexplained deviations"),
    "dossier.opened": lazy_gettext("Dossier opened"),
    "step.started": lazy_gettext("Step started"),
    "step.reassigned": lazy_gettext("Step handed over"),
    "document.received": lazy_gettext("Document received"),
    "document.withdrawn": lazy_gettext("Document withdrawn"),
    "document.refused": lazy_gettext("Document refused"),
    "step.submitted": lazy_gettext("Step submitted"),
    "decision.made": lazy_gettext("Decision made"),
    "step.judged": lazy_gettext("Verdict given"),
    "deviation.recorded": lazy_gettext("Deviation recorded"),
    "deviation.explained": lazy_gettext("Deviation explained"),
    "dossier.cancellation_requested": lazy_gettext("Cancellation asked for"),
    "dossier.cancelled": lazy_gettext("Dossier cancelled"),
    "dossier.sealed": lazy_gettext("Dossier archived"),
    "fixity.checked": lazy_gettext("Documents checked"),
}
"""Codes of the domain → words; what is not here is shown as it is."""


def word_for(code: str | None) -> str:
    """The word for a code in the page's language."""
    if code is None:
        return ""
    return str(WORDS.get(code, code))


def minutes_text(seconds: int) -> str:
    """Working time in whole minutes, in words."""
    number: Callable[[int], str] = format_decimal
    return str(gettext("%(count)s min", count=number(seconds // 60)))


def size_text(count: int) -> str:
    """A size in bytes for people."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{format_decimal(round(count / step, 1))} {unit}"
    return f"{count} B"
