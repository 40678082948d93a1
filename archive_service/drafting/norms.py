"""Time norms as Indonesian procedures write them: "30 menit", "1 (satu) hari kerja", "1,5 jam", "maks. 3 hari"."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import NamedTuple

DAY_MINUTES = 450
WEEK_DAYS = 5
AMOUNT_LIMIT = 100_000
UNITS = {
    **dict.fromkeys(("menit", "mnt", "mnit", "minutes", "min", "'"), "minute"),
    **dict.fromkeys(("jam", "j"), "hour"),
    **dict.fromkeys(("hari", "hr", "hk"), "day"),
    **dict.fromkeys(("minggu", "pekan"), "week"),
    "detik": "second",
}
_ONES = {
    word: number
    for number, word in enumerate(
        "nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas".split()  # noqa: SIM905
    )
}
_LEAD = re.compile(
    r"^(?:±|\+/-|[<≤~]|maks(?:imal|imum)?|max|paling (?:lama|lambat)|kurang lebih|lebih kurang|selama)[ .]*"
)
_RANGE = re.compile(r"^([0-9.,]+)\s*(?:-|–|—|s/d|s\.d\.?|sd|sampai(?: dengan)?)\s*([0-9.,]+)\s*")
_CLOCK_DAYS = re.compile(r"^([0-9]+)\s*[x×]\s*24\s*jam$")
_PART = re.compile(r"^([0-9]+(?:[.,][0-9]+)?)\s*('|[a-z]+)[ .,]*(?:dan |kerja ?|efektif ?)*")


class Told(NamedTuple):
    """A norm as an amount of a unit, and what is doubtful about it (empty when nothing is)."""

    amount: int
    unit: str
    doubt: str = ""


def read_norm(text: str, unit: str | None = None) -> Told | None:
    """The norm that the words tell, or None; ``unit`` is the one that the column's heading names for bare numbers."""
    rest = _plain(text)
    doubts: list[str] = []
    if clock := _CLOCK_DAYS.match(rest):
        return _bounded(int(clock[1]), "day", f"{text!r} is taken as {clock[1]} working days: is the calendar meant?")
    rest = _LEAD.sub("", rest)
    if spread := _RANGE.match(rest):
        doubts.append(f"{text!r} is a range: its upper end is taken.")
        rest = f"{spread[2]} {rest[spread.end() :]}"
    if unit is not None and re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", rest):
        rest = f"{rest} {unit}"
    parts: list[tuple[Decimal, str]] = []
    while (part := _PART.match(rest)) and part[2] in UNITS:
        parts.append((Decimal(part[1].replace(",", ".")), UNITS[part[2]]))
        rest = rest[part.end() :].strip()
    if not parts:
        return None
    rest = rest.strip(" .()")
    if rest:
        doubts.append(f"{rest[:60]!r} after the time is not understood.")
    return _sum(parts, text, doubts)


def _sum(parts: list[tuple[Decimal, str]], text: str, doubts: list[str]) -> Told | None:
    units = {unit for _, unit in parts}
    if "week" in units:
        days = sum(amount for amount, _ in parts) * WEEK_DAYS
        if len(parts) > 1 or days != int(days):
            return None
        return _bounded(int(days), "day", f"{text!r} is taken as {int(days)} working days.")
    if len(parts) == 1 and parts[0][0] == int(parts[0][0]) and "second" not in units:
        return _bounded(int(parts[0][0]), parts[0][1], " ".join(doubts))
    minutes_of = {"second": Decimal(1) / 60, "minute": Decimal(1), "hour": Decimal(60), "day": Decimal(DAY_MINUTES)}
    minutes = sum(amount * minutes_of[unit] for amount, unit in parts)
    if "day" in units or minutes != int(minutes):
        doubts.append(f"{text!r} is taken as {math.ceil(minutes)} working minutes.")
    return _bounded(math.ceil(minutes), "minute", " ".join(doubts))


def _bounded(amount: int, unit: str, doubt: str) -> Told | None:
    return Told(amount, unit, doubt) if 1 <= amount <= AMOUNT_LIMIT else None


def _plain(text: str) -> str:
    """The words in lower case, numbers in digits; a number in brackets only says the one before it again."""
    plain = " ".join(text.casefold().replace("½", " 1/2").replace("’", "'").replace("′", "'").split())
    plain = re.sub(r"(?<=[a-z0-9])\s*\((?:[a-z ]+|[0-9]+)\)", "", plain)
    plain = re.sub(r"\b([0-9]+) 1/2", r"\1,5", plain)
    plain = re.sub(r"(?<![0-9])1/2", "0,5", plain)
    words: list[str] = []
    for word in plain.replace("setengah", "0,5").split():
        number = _ONES.get(word)
        if number is not None:
            words.append(str(number))
        elif word in ("belas", "puluh") and words and words[-1].isdigit():
            words[-1] = str(int(words[-1]) + 10 if word == "belas" else int(words[-1]) * 10)
        else:
            words.append(word)
        if len(words) > 1 and words[-1].isdigit() and number and words[-2].isdigit() and int(words[-2]) % 10 == 0:
            words[-2:] = [str(int(words[-2]) + number)]
    return " ".join(words)
