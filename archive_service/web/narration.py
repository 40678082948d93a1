"""Audit records told as people tell them: who did what, at which step, in one sentence."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask_babel import gettext, lazy_gettext

from archive_service.web.problems import sentence_for
from archive_service.web.wording import WORDS, word_for

SENTENCES: dict[str, Any] = {
    "dossier.opened": lazy_gettext("%(person)s opened the dossier"),
    "step.started": lazy_gettext("Step %(step)s began"),
    "step.skipped": lazy_gettext("Step %(step)s was skipped by its condition"),
    "step.reassigned": lazy_gettext("%(person)s handed step %(step)s over"),
    "step.moved": lazy_gettext("Step %(step)s moved by delegation"),
    "document.received": lazy_gettext("%(person)s sent %(file)s for step %(step)s"),
    "document.withdrawn": lazy_gettext("%(person)s withdrew a document of step %(step)s"),
    "document.refused": lazy_gettext("A file of %(person)s for step %(step)s was refused"),
    "document.paper_recorded": lazy_gettext("%(person)s recorded where the paper original lies"),
    "step.submitted": lazy_gettext("%(person)s submitted step %(step)s"),
    "approve": lazy_gettext("%(person)s approved at step %(step)s"),
    "return": lazy_gettext("%(person)s returned step %(step)s to step %(to)s"),
    "decision.flagged": lazy_gettext("A decision at step %(step)s was flagged"),
    "step.judged": lazy_gettext("Step %(step)s was judged"),
    "deviation.recorded": lazy_gettext("A deviation was recorded"),
    "deviation.explained": lazy_gettext("%(person)s explained a deviation"),
    "explanation.accepted": lazy_gettext("%(person)s accepted an explanation"),
    "explanation.returned": lazy_gettext("%(person)s asked for an explanation again"),
    "deviation.escalated": lazy_gettext("A deviation without explanation went to the next higher role"),
    "pause.granted": lazy_gettext("%(person)s stopped the clock of step %(step)s"),
    "pause.ended": lazy_gettext("The clock of step %(step)s ran again"),
    "duty.excepted": lazy_gettext("%(person)s granted an exception from separate duties at step %(step)s"),
    "calendar.adopted": lazy_gettext("%(person)s had the newer calendar taken"),
    "dossier.judged_again": lazy_gettext("%(person)s had it judged again"),
    "dossier.cancellation_requested": lazy_gettext("%(person)s asked to cancel the dossier"),
    "dossier.cancelled": lazy_gettext("%(person)s confirmed the cancellation"),
    "dossier.sealed": lazy_gettext("%(person)s archived the dossier"),
    "fixity.checked": lazy_gettext("Every document was hashed again"),
    "indicator.set": lazy_gettext("%(person)s listed indicator %(code)s"),
    "indicator.removed": lazy_gettext("%(person)s took indicator %(code)s off the list"),
    "indicator.result_recorded": lazy_gettext("%(person)s recorded the result of indicator %(code)s"),
    "recommendation.carried": lazy_gettext("A recommendation of the last period was carried over"),
    "recommendation.answered": lazy_gettext("%(person)s answered a recommendation"),
}
"""Event type, or decision, → what happened; a type that is not here keeps its name."""

KINDS: dict[str, tuple[str, ...]] = {
    "documents": ("document.",),
    "decisions": ("step.submitted", "decision.", "dossier."),
    "time": ("step.started", "step.judged", "step.skipped", "step.moved", "pause.", "calendar."),
    "deviations": ("deviation.", "explanation.", "duty."),
    "indicators": ("indicator.", "recommendation."),
}
"""What the history can be narrowed to → how the types of its records begin."""


def narrate(entry: dict[str, Any]) -> str:
    """One record as a sentence without its full stop: who, what, where."""
    pattern = (
        SENTENCES.get(entry["decision"] or "") if entry["type"] == "decision.made" else SENTENCES.get(entry["type"])
    )
    if pattern is None:
        return word_for(entry["type"])
    said = str(pattern) % {
        "person": entry["person"] or gettext("somebody"),
        "step": entry["step"] or "–",
        "to": entry["returns_to"] or "–",
        "file": entry["file_name"] or gettext("a document"),
        "code": entry["code"] or "–",
    }
    return said + _added(entry)


def _added(entry: dict[str, Any]) -> str:
    parts: list[str] = []
    if (entry["iteration"] or 1) > 1:
        parts.append(gettext("round %(round)s", round=entry["iteration"]))
    if (entry["number"] or 1) > 1:
        parts.append(gettext("version %(number)s", number=entry["number"]))
    if entry["code"] and not entry["type"].startswith("indicator."):
        parts.append(word_for(entry["code"]) if entry["code"] in WORDS else sentence_for(entry["code"]))
    parts.extend(word_for(entry[name]) for name in ("result", "completeness") if entry[name])
    return f" ({', '.join(map(str, parts))})" if parts else ""


def by_day(history: list[dict[str, Any]], days_of: Any) -> list[tuple[Any, list[dict[str, Any]]]]:
    """The records under the day on which they were made, in the office's zone, the newest day first."""
    newest = sorted(history, key=lambda entry: entry["at"], reverse=True)
    return [(day, list(entries)) for day, entries in groupby(newest, key=lambda entry: days_of(entry["at"]))]


def narrow(history: list[dict[str, Any]], *, step: str, person: str, kind: str) -> list[dict[str, Any]]:
    """The records of a step, a person and a kind; an empty word narrows nothing."""
    begins = KINDS.get(kind, ("",))
    return [
        entry
        for entry in history
        if step in ("", entry["step"]) and person in ("", entry["person"]) and entry["type"].startswith(begins)
    ]
