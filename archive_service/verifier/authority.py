"""Who may do what a bundle tells: persons, their assignments in force, and who granted them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, Mapping, Sequence

from archive_service.domain import manifest, permissions, verdict
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import Event
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.proofs import Found, place_of

CLOCK_SLACK = timedelta(seconds=5)
"""How far the clocks of machines that write different streams may differ; within one stream time never goes back."""

RULES = "rules"
SETUP = "setup"
_GRANTS: Dict[str, str] = {
    "person.registered": "people.manage",
    "assignment.made": "people.manage",
    "assignment.ended": "people.manage",
    "definition.registered": "definition.manage",
    "work_unit.created": "work_unit.manage",
}
"""Event types that authority rests on → what their actor must be allowed; an archive's set-up may write them all."""


class _Person:
    """A person's stream, indexed: long ones are looked up in, not walked through for every act."""

    def __init__(self, person: str, chain: Sequence[Event]) -> None:
        self.chain = chain
        self.is_registered = bool(chain) and chain[0].type == "person.registered"
        self.is_registered = self.is_registered and chain[0].payload["person"] == person
        self.positions = {event.leaf_hash: position for position, event in enumerate(chain)}
        self.ended: Dict[str, int] = {}
        self.newest = -1
        for position, event in enumerate(chain):
            if event.type == "assignment.ended":
                self.ended.setdefault(event.payload["assignment"], position)


def check_authority(evidence: Evidence, utc_offset_minutes: int) -> Found:
    """Every act was done by a person under an assignment in force then, and every rule's consequence by the service."""
    found: Found = []
    persons = {person: _Person(person, chain) for person, chain in evidence.persons.items()}
    work_unit = evidence.events[0].payload.get("work_unit") if evidence.events else None
    for event in evidence.events:
        place, actor = place_of(event), event.actor
        if actor["kind"] == "service":
            if event.type not in permissions.SERVICE_EVENTS or actor["name"] != RULES:
                found.append(Discrepancy("service_acted", place, event.type))
            continue
        action = permissions.ACTION_OF_EVENT.get(event.type)
        if action is None:
            found.append(Discrepancy("person_acted", place, event.type))
            continue
        if event.on_behalf_of is not None and event.type != "document.received":
            found.append(Discrepancy("on_behalf_of", place, event.type))
        if not permissions.is_allowed(actor["role"], action):
            found.append(Discrepancy("role_forbidden", place, f"{actor['role']}: {action}"))
        is_office = permissions.role_class(str(actor["role"])) != permissions.PERFORMER
        if actor["work_unit"] != work_unit and not is_office:
            found.append(Discrepancy("other_work_unit", place))
        person = persons.get(str(event.person))
        if person is None:
            found.append(Discrepancy("head_unknown", place))
        else:
            found.extend(_check_act(person, event, utc_offset_minutes))
    for name, person in sorted(persons.items()):
        path = f"{manifest.PERSONS_FOLDER}{name}.jsonl"
        if person.newest < 0:
            found.append(Discrepancy("person_extra", path))
        elif len(person.chain) > person.newest + 1:
            found.append(Discrepancy("person_stream_extra", path))
        found.extend(_check_excluded(person.chain))
    return found + _check_grants(evidence)


def _check_act(person: _Person, event: Event, utc_offset_minutes: int) -> Found:
    found: Found = []
    place, actor, chain = place_of(event), event.actor, person.chain
    position = person.positions.get(actor["head"])
    if position is None:
        return [Discrepancy("head_unknown", place)]
    if position < person.newest:
        found.append(Discrepancy("head_backwards", place))
    person.newest = max(position, person.newest)
    at = verdict.parse_time(event.at)
    if verdict.parse_time(chain[position].at) - at > CLOCK_SLACK:
        found.append(Discrepancy("head_from_future", place))
    if position + 1 < len(chain) and at - verdict.parse_time(chain[position + 1].at) > CLOCK_SLACK:
        found.append(Discrepancy("head_stale", place))
    if not person.is_registered:
        found.append(Discrepancy("person_unregistered", place))
    made_at = person.positions.get(actor["assignment"])
    if made_at is None or made_at > position or chain[made_at].type != "assignment.made":
        return [*found, Discrepancy("assignment_unknown", place)]
    p = chain[made_at].payload
    if (p["role"], p["work_unit"]) != (actor["role"], actor["work_unit"]):
        found.append(Discrepancy("assignment_differs", place, str(p["role"])))
    day = verdict.local_date(event.at, utc_offset_minutes)
    is_ended = person.ended.get(p["assignment"], position + 1) <= position
    if is_ended or day < p["from_on"] or (p["to_on"] is not None and day > p["to_on"]):
        found.append(Discrepancy("assignment_not_in_force", place, day))
    return found


def _check_excluded(chain: Sequence[Event]) -> Found:
    """Nobody was given two roles for one time that exclude each other, such as administrator and performer."""
    held: Dict[str, Mapping[str, Any]] = {}
    for event in chain:
        p = event.payload
        if event.type == "assignment.ended":
            held.pop(p["assignment"], None)
        elif event.type == "assignment.made":
            for other in held.values():
                is_apart = (other["to_on"] is not None and other["to_on"] < p["from_on"]) or (
                    p["to_on"] is not None and p["to_on"] < other["from_on"]
                )
                if not is_apart and permissions.excludes(p["role"], other["role"]):
                    return [Discrepancy("roles_exclude", place_of(event), f"{other['role']}, {p['role']}")]
            held[p["assignment"]] = p
    return []


def _check_grants(evidence: Evidence) -> Found:
    """Persons, assignments, definitions, keys and units were written by who may, as far as their actor says."""
    found: Found = []
    for event in [*(e for _, chain in sorted(evidence.persons.items()) for e in chain), *evidence.registrations]:
        action, actor = _GRANTS.get(event.type), event.actor
        is_right = (
            actor["name"] == SETUP
            if actor["kind"] == "service"
            else action is not None and permissions.is_allowed(actor["role"], action)
        )
        if not is_right:
            found.append(Discrepancy("grant_forbidden", place_of(event), event.type))
    return found
