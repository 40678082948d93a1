"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of the log's tree, as the text of a signed note."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")


class CheckpointError(ValueError):
    """The text is no checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """The head of the log at a size; ``root`` has 32 bytes."""

    origin: str
    size: int
    root: bytes


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text: three lines."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode('ascii')}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text; CheckpointError unless it is exactly what ``format_checkpoint`` writes (no extension lines)."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise CheckpointError("a checkpoint has three lines: origin, size, root")
    if not _SIZE.fullmatch(lines[1]) or not _ROOT.fullmatch(lines[2]):
        raise CheckpointError("size or root of the checkpoint cannot be read")
    checkpoint = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2]))
    if format_checkpoint(checkpoint) != text:
        raise CheckpointError("the checkpoint is not written canonically")
    return checkpoint
