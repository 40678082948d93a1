"""Identifiers: UUIDv7 (RFC 9562 section 5.7) as 32 lower-case hex digits."""

from __future__ import annotations

from datetime import datetime

RANDOM_BYTES = 10


def make_id(moment: datetime, random: bytes) -> str:
    """A UUIDv7 of the millisecond of ``moment`` and 74 of the 80 bits in ``random``; both are arguments, so tests can stand still."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes")
    milliseconds = int(moment.timestamp() * 1000)
    noise = int.from_bytes(random, "big")
    high = (noise >> 62) & 0xFFF
    low = noise & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    return f"{value:032x}"
