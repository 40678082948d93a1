"""The errors that services and adapters raise: stable codes, a sentence that says what to do, no HTTP.

Verdicts and discrepancies are data (domain/verdict.py, domain/discrepancy.py); what is here is control flow.
One table in app.py maps these classes to HTTP statuses.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple, Tuple


class ArchiveError(Exception):
    """A refusal with a stable snake_case ``code``, an English sentence and JSON-able ``params``."""

    def __init__(self, code: str, detail: str, **params: object) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.params = params


class InvalidInput(ArchiveError):
    """What was sent does not fit the rules of the field that it was sent for."""


class Malformed(ArchiveError):
    """What was sent cannot be read at all: no JSON, no digest, no entity tag."""


class Unauthenticated(ArchiveError):
    """Nobody is logged in, or the credentials do not hold."""


class Forbidden(ArchiveError):
    """The person is known and may not do this."""


class NotFound(ArchiveError):
    """There is no such thing, or none that the person may know of."""


class Conflict(ArchiveError):
    """The thing is not in a state that allows the action."""


class Stale(ArchiveError):
    """The thing has changed since the caller looked at it, and the caller said that it must not have."""


class TooLarge(ArchiveError):
    """More bytes than the configured limit."""


class RangeUnreachable(ArchiveError):
    """The wanted range begins behind the end; ``params['size']`` is where that is."""


class DocumentRefused(ArchiveError):
    """A received file is not what its step takes, or is not sound."""


class Unavailable(ArchiveError):
    """Busy or broken for now; ``params['retry_after_seconds']`` says when to try again."""


class LogIntegrityError(ArchiveError):
    """The log would fork, or stored evidence disagrees with itself: nothing is signed."""


class Problem(NamedTuple):
    """One thing wrong with a definition: where (a dotted path such as ``steps[3].norm.unit``) and what."""

    place: str
    message: str


class InvalidDefinition(ArchiveError):
    """A definition file with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Tuple[Problem, ...] = tuple(problems)
        listed = "; ".join(f"{p.place}: {p.message}" for p in self.problems)
        super().__init__("invalid_definition", f"The definition has {len(self.problems)} problem(s): {listed}")
