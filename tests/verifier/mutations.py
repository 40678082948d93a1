"""Seeded damage with an understanding of what it damages: JSON values, lines, notes; and a guard against whatever hangs."""

from __future__ import annotations

import copy
import json
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archive_service.domain import canonical

ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 - 1,
    -(2**53 - 1),
    "",
    "x",
    "0" * 64,
    "ab" * 16,
    "é" * 50,
    "\u202e\x1b[2J\n",
    "a" * 20_000,
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-02-30",
    "24:00",
    "99999999999999999999",
    [],
    {},
    [[]],
    [None] * 2000,
    {"a": {"a": {"a": {}}}},
    list(range(500)),
]
"""Values of every kind, at the edges of what a field may hold."""


class TookTooLong(BaseException):
    """Not an Exception, so that no verifier takes it for a discrepancy."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Break off what lasts longer, in this process and thread."""

    def stop(*_: object) -> None:
        raise TookTooLong(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key or index) in a value."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in items:
        found.append((value, key))
        _places(inner, found)
    return found


def _is_alike(one: Any, other: Any) -> bool:
    """Whether two values are of one kind: texts also of one length or pattern of digits, as ids, times and days are."""
    if type(one) is not type(other):
        return False
    return not isinstance(one, str) or len(one) == len(other) or one[:1].isdigit() == other[:1].isdigit()


def mutate_value(value: Any, chance: random.Random, times: int = 1, *, keeps_kind: bool = False) -> Any:
    """A copy with so many members replaced, removed, doubled, swapped with another, renamed or nudged.

    With ``keeps_kind`` a value gives way to one of its kind only, so that more of what is made gets past the schemas.
    """
    whole = [copy.deepcopy(value)]
    for _ in range(times):
        places = _places(whole, [])
        container, key = chance.choice(places)
        other, other_key = chance.choice(places)
        action = chance.choice(["odd", "odd", "odd", "remove", "double", "swap", "copy", "rename", "nudge", "nudge"])
        old = container[key]
        if keeps_kind:
            alike = [p for p in places if _is_alike(p[0][p[1]], old)]
            other, other_key = chance.choice(alike)
            action = chance.choice(["odd", "double", "swap", "copy", "copy", "nudge", "remove"])
            if action == "remove" and not isinstance(container, list):
                action = "odd"
        if action == "odd":
            odd = [v for v in ODD_VALUES if not keeps_kind or _is_alike(v, old)]
            container[key] = copy.deepcopy(chance.choice(odd or [old]))
        elif action == "remove" and container is not whole:
            del container[key]
        elif action == "double" and isinstance(container, list) and container is not whole:
            container.insert(key, copy.deepcopy(old))
        elif action == "swap":
            container[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(old)
        elif action == "copy":
            container[key] = copy.deepcopy(other[other_key])
        elif action == "rename" and isinstance(container, dict):
            container[chance.choice(["", "x", "v", f"{key} "])] = container.pop(key)
        elif isinstance(old, bool):
            container[key] = not old
        elif isinstance(old, int):
            container[key] = old + chance.choice([-1, 1, 1000, 10**9])
        elif isinstance(old, str) and old:
            place = chance.randrange(len(old))
            container[key] = old[:place] + chance.choice(["", "0", "9", "a", "-", old[place] * 2]) + old[place + 1 :]
    return whole[0]


def write_json(value: Any, chance: random.Random) -> bytes:
    """The value's bytes: mostly canonical, else as any other writer would write them."""
    if chance.random() < 0.9:
        try:
            return canonical.encode(value)
        except canonical.CanonicalError:
            pass
    return json.dumps(value, indent=chance.choice([None, None, 1])).encode("utf-8", "surrogatepass")


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """The bytes with runs overwritten, removed, doubled or brought from elsewhere, lines shuffled, or tricks put in."""
    changed = bytearray(data)
    tricks = [b"\n", b"\n\n", b"\r\n", b"\x00", b"\xff", b" ", b"=", b"+", b"9" * 5000, b"[" * 20_000, b"\xe2\x80\x94 "]
    for _ in range(chance.randint(1, 3)):
        place, length = chance.randrange(len(changed) + 1), chance.choice([1, 1, 2, 8, 60])
        action = chance.choice(["flip", "cut", "double", "trick", "lines", "end"])
        if action == "flip" and place < len(changed):
            changed[place] ^= 1 << chance.randrange(8)
        elif action == "cut":
            del changed[place : place + length]
        elif action == "double":
            changed[place:place] = changed[place : place + length]
        elif action == "trick":
            changed[place:place] = chance.choice(tricks)
        elif action == "lines":
            lines = bytes(changed).splitlines(keepends=True)
            chance.shuffle(lines)
            changed = bytearray(b"".join(lines))
        else:
            del changed[place:]
    return bytes(changed)
