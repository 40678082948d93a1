"""Random samples that anybody can draw again: what is drawn follows from the seed and the list alone.

The population is a text: the ids in their order, each on a line of its own. Its SHA-256 is in the event with the seed, before
a result is seen. An id's ticket is SHA-256 of the seed, a line feed and the id; the sample is the ids with the smallest tickets, in the order of
their tickets. docs/auditing.md does it with coreutils.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Iterable, List

SIZE_LIMIT = 150
"""So many ids fit into the event."""


def format_population(ids: Iterable[str]) -> bytes:
    """The frozen list: sorted, each id once, each with a line feed."""
    return "".join(f"{id}\n" for id in sorted(set(ids))).encode("ascii")


def read_population(data: bytes) -> List[str]:
    """The ids of a frozen list."""
    return data.decode("ascii").splitlines()


def ticket(seed: str, id: str) -> str:
    """What an id is drawn by."""
    return sha256(f"{seed}\n{id}".encode()).hexdigest()


def draw(seed: str, population: Iterable[str], size: int) -> List[str]:
    """The sample, in the order of the draw; the whole population where it is no larger."""
    return sorted(population, key=lambda id: ticket(seed, id))[:size]
