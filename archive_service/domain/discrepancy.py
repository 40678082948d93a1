"""What a verifier reports: data with a stable code and a place, never an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping

ERROR = "error"
REDACTION = "redaction"


@dataclass(frozen=True)
class Discrepancy:
    """One disagreement between what a bundle says and what can be computed from it."""

    code: str
    place: str
    text: str = ""
    severity: str = ERROR
    params: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> Dict[str, Any]:
        """The discrepancy as JSON-able data."""
        return {
            "code": self.code,
            "severity": self.severity,
            "place": self.place,
            "text": self.text,
            "params": dict(self.params),
        }
