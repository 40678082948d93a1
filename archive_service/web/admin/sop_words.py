"""The fields of an SOP's definition as people call them."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext

FIELDS: dict[str, Any] = {
    "key": lazy_gettext("Key"),
    "number": lazy_gettext("Number"),
    "title": lazy_gettext("Title"),
    "institution": lazy_gettext("Institution"),
    "owner": lazy_gettext("Owner"),
    "document_address": lazy_gettext("Address"),
    "approved_by": lazy_gettext("Approved by"),
    "name": lazy_gettext("Name"),
    "made_on": lazy_gettext("Made on"),
    "revised_on": lazy_gettext("Revised on"),
    "effective_on": lazy_gettext("Effective on"),
    "legal_bases": lazy_gettext("Legal bases"),
    "qualifications": lazy_gettext("Qualifications"),
    "related": lazy_gettext("Related procedures"),
    "equipment": lazy_gettext("Equipment"),
    "warnings": lazy_gettext("Warnings"),
    "recording": lazy_gettext("Recording"),
    "remarks": lazy_gettext("Remarks"),
    "source": lazy_gettext("Source text"),
    "time": lazy_gettext("How time is counted"),
    "day_policy": lazy_gettext("What one day means"),
    "day_minutes": lazy_gettext("Working minutes of a day"),
    "provenance": lazy_gettext("Provenance"),
    "confidence": lazy_gettext("How sure"),
    "roles": lazy_gettext("Roles"),
    "team": lazy_gettext("a team"),
    "steps": lazy_gettext("Steps"),
    "questions": lazy_gettext("Questions"),
    "choices": lazy_gettext("Choices"),
    "asked_at": lazy_gettext("Asked at"),
    "explain_within": lazy_gettext("Time to explain"),
    "escalates_to": lazy_gettext("Escalates to"),
    "activity": lazy_gettext("Activity"),
    "performer": lazy_gettext("Performer"),
    "kind": lazy_gettext("Kind"),
    "after": lazy_gettext("Comes after"),
    "inputs": lazy_gettext("Required inputs"),
    "outputs": lazy_gettext("Outputs"),
    "norm": lazy_gettext("Time norm"),
    "amount": lazy_gettext("amount"),
    "unit": lazy_gettext("unit of time"),
    "text": lazy_gettext("text"),
    "separate_from": lazy_gettext("Not by who performed"),
    "explanations_accepted_by": lazy_gettext("Explanations accepted by"),
    "pauses_granted_by": lazy_gettext("Pauses granted by"),
    "returns_to": lazy_gettext("Returns to step"),
    "when": lazy_gettext("Only when"),
    "indicators": lazy_gettext("Indicators"),
    "inferred": lazy_gettext("What was taken to be so"),
    "why": lazy_gettext("Why"),
    "evidence": lazy_gettext("Evidence"),
    "media": lazy_gettext("Types of files"),
    "min": lazy_gettext("At least"),
    "max": lazy_gettext("At most"),
    "form": lazy_gettext("Form"),
    "fields": lazy_gettext("Fields of the form"),
    "from": lazy_gettext("From step"),
}
"""Field of a definition → its words; the names of people's own keys stand in brackets behind them."""


def sop_field_text(field: str) -> str:
    """A dotted field such as ``outputs[notula].min`` in words."""
    parts = re.findall(r"([A-Za-z_]+)(?:\[([^\]]*)\])?", field)
    return ", ".join(str(FIELDS.get(name, name)) + (f" ({of})" if of else "") for name, of in parts)
