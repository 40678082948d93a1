"""Whom one trusts to have seen the log: a policy file (C2SP tlog-policy, as sigsum and torchwood read it).

``log VKEY [URL]``, ``witness NAME VKEY [URL]``, ``group NAME all|any|K NAME…``, ``quorum NAME|none``; blank lines and lines that begin
with # mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import AbstractSet, Dict, List, Mapping, Optional, Set, Tuple

from archive_service.domain.note import COSIGNATURE, ED25519, NoteError, VerifierKey, parse_vkey

POLICY_LIMIT_BYTES = 64 * 1024
LINES_LIMIT = 64
"""How many logs, witnesses and groups a policy may name of each."""
NOBODY = "none"
_SPACE = re.compile(r"[ \t]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class PolicyError(ValueError):
    """The text is no policy; the message names the line."""


@dataclass(frozen=True)
class Log:
    """A log that the policy accepts."""

    key: VerifierKey
    url: Optional[str] = None


@dataclass(frozen=True)
class Witness:
    """A witness under the name that groups know it by; ``url`` is its submission prefix."""

    name: str
    key: VerifierKey
    url: Optional[str] = None


@dataclass(frozen=True)
class Group:
    """At least ``threshold`` of the members, which are witnesses or groups."""

    threshold: int
    members: Tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses in the order of the file, and who must have cosigned; ``quorum`` is None when nobody must."""

    logs: Tuple[Log, ...]
    witnesses: Tuple[Witness, ...]
    groups: Mapping[str, Group]
    quorum: Optional[str]

    def is_satisfied(self, cosigned: AbstractSet[str]) -> bool:
        """Whether the witnesses of these names are enough."""
        return self.quorum is None or self._holds(self.quorum, cosigned)

    def _holds(self, name: str, cosigned: AbstractSet[str]) -> bool:
        # a group names what stands above it only, so this ends; each name is a member of one group only, so it stays small
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._holds(member, cosigned) for member in group.members) >= group.threshold


def parse_policy(text: str) -> Policy:
    """The policy in a text; PolicyError with the line of the first mistake."""
    if len(text.encode("utf-8", "surrogatepass")) > POLICY_LIMIT_BYTES:
        raise PolicyError("a policy has at most 64 KiB")
    if _FORBIDDEN.search(text):
        raise PolicyError("a policy has no control characters but tab and newline")
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = _SPACE.split(line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            continue
        try:
            reading.take(words)
        except (NoteError, PolicyError) as exc:
            raise PolicyError(f"line {number}: {exc}") from exc
    return reading.policy()


class _Reading:
    """A policy as far as it was read."""

    def __init__(self) -> None:
        self._logs: List[Log] = []
        self._witnesses: List[Witness] = []
        self._groups: Dict[str, Group] = {}
        self._members: Set[str] = set()
        self._quorums: List[str] = []

    def take(self, words: List[str]) -> None:
        kind, rest = words[0], words[1:]
        if kind == "log" and 1 <= len(rest) <= 2:
            key = parse_vkey(rest[0], ED25519)
            if any(log.key.public_key == key.public_key for log in self._logs):
                raise PolicyError("this log's key was named before")
            self._logs.append(Log(key, rest[1] if len(rest) == 2 else None))
        elif kind == "witness" and 2 <= len(rest) <= 3:
            key = parse_vkey(rest[1], COSIGNATURE)
            if any(witness.key.public_key == key.public_key for witness in self._witnesses):
                raise PolicyError("this witness's key was named before: it would count twice")
            self._require_new(rest[0])
            self._witnesses.append(Witness(rest[0], key, rest[2] if len(rest) == 3 else None))
        elif kind == "group" and len(rest) >= 3:
            self._take_group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            if rest[0] != NOBODY:
                self._require_known(rest[0])
            self._quorums.append(rest[0])
        else:
            raise PolicyError(f"{kind!r} with {len(rest)} words is nothing that a policy says")
        if max(len(self._logs), len(self._witnesses), len(self._groups)) > LINES_LIMIT:
            raise PolicyError(f"a policy names up to {LINES_LIMIT} logs, witnesses and groups")

    def _take_group(self, name: str, wanted: str, members: List[str]) -> None:
        self._require_new(name)
        for member in members:
            self._require_known(member)
            if member in self._members:
                raise PolicyError(f"{member!r} is a member already: it would count twice")
            self._members.add(member)
        if wanted not in ("all", "any") and not _NUMBER.fullmatch(wanted):
            raise PolicyError("a group takes all, any or a number")
        threshold = {"all": len(members), "any": 1}.get(wanted) or int(wanted)
        if threshold > len(members):
            raise PolicyError(f"a group of {len(members)} cannot have {threshold} cosigners")
        self._groups[name] = Group(threshold, tuple(members))

    def _require_new(self, name: str) -> None:
        if name == NOBODY or name in self._groups or any(w.name == name for w in self._witnesses):
            raise PolicyError(f"the name {name!r} is taken")

    def _require_known(self, name: str) -> None:
        if name not in self._groups and all(w.name != name for w in self._witnesses):
            raise PolicyError(f"{name!r} is not named on a line before")

    def policy(self) -> Policy:
        if len(self._quorums) != 1:
            raise PolicyError(f"a policy has one quorum line, this one {len(self._quorums)}")
        quorum = None if self._quorums[0] == NOBODY else self._quorums[0]
        return Policy(tuple(self._logs), tuple(self._witnesses), dict(self._groups), quorum)
