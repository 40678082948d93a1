"""The states of a dossier, and of a step and its iterations, as events, rows and statements have them."""

from __future__ import annotations

OPEN = "open"
CANCELLED = "cancelled"
SEALED = "sealed"

RUNNING = "running"
FINISHED = "finished"
SUPERSEDED = "superseded"
WAITING = "waiting"
SKIPPED = "skipped"
