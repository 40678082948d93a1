"""Who may do what a bundle tells: persons, their assignments in force, who granted them, and what follows from that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, Mapping, Optional, Sequence, Set, Tuple

from archive_service.domain import manifest, passkey, permissions, verdict
from archive_service.domain.delegation import ASSIGNMENT_CHANGED, find_hands, is_administrators_doing, is_party
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import Event
from archive_service.domain.sop import Sop
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.proofs import Found, place_of

CLOCK_SLACK = timedelta(seconds=5)
"""How far the clocks of machines that write different streams may differ; within one stream time never goes back."""

RULES = "rules"
SETUP = "setup"
KEYS = "keys"
_GRANTS: Dict[str, str] = {
    "person.registered": "people.manage",
    "assignment.made": "people.manage",
    "assignment.ended": "people.manage",
    "definition.registered": "definition.manage",
    "work_unit.created": "work_unit.manage",
}
"""Event types that authority rests on → what their actor must be allowed; an archive's set-up may write them all."""
_CALENDAR_GRANT = "calendar.edit"
"""What is enough to register a version of a calendar, though not of an SOP."""


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


def check_authority(evidence: Evidence, sop: Sop, utc_offset_minutes: int) -> Found:
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
        if actor["work_unit"] != work_unit and not permissions.is_office(actor["role"]):
            found.append(Discrepancy("other_work_unit", place))
        person = persons.get(str(event.person))
        if person is None:
            found.append(Discrepancy("head_unknown", place))
        else:
            found.extend(_check_act(person, event, sop, utc_offset_minutes))
    for name, person in sorted(persons.items()):
        path = f"{manifest.PERSONS_FOLDER}{name}.jsonl"
        if person.newest < 0:
            found.append(Discrepancy("person_extra", path))
        elif len(person.chain) > person.newest + 1:
            found.append(Discrepancy("person_stream_extra", path))
        found.extend(_check_excluded(person.chain))
    found.extend(_check_grants(evidence))
    found.extend(_check_moves(evidence, persons, sop, utc_offset_minutes))
    return found + _check_flags(evidence, persons)


def _check_act(person: _Person, event: Event, sop: Sop, utc_offset_minutes: int) -> Found:
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
    if not _covers(p, sop):
        found.append(Discrepancy("assignment_out_of_scope", place, sop.key))
    return found


def _covers(made: Mapping[str, Any], sop: Sop) -> bool:
    return made["acting"] is None or not made["acting"]["sops"] or sop.key in made["acting"]["sops"]


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
    for _, chain in sorted(evidence.persons.items()):
        for position, event in enumerate(chain):
            is_right, is_founded = _check_grant(chain, position)
            if not is_right:
                found.append(Discrepancy("grant_forbidden", place_of(event), event.type))
            elif not is_founded:
                found.append(Discrepancy("delegation_unfounded", place_of(event), event.type))
    for event in evidence.registrations:
        if not _is_granted(event):
            found.append(Discrepancy("grant_forbidden", place_of(event), event.type))
    return found


def _is_granted(event: Event) -> bool:
    action, actor = _GRANTS.get(event.type), event.actor
    if actor["kind"] == "service":
        # what the machine's operator does: begin the archive, and change its keys
        is_key = event.type in ("key.registered", "key.retired")
        return bool(actor["name"] == SETUP or (is_key and actor["name"] == KEYS))
    is_calendar = event.type == "definition.registered" and event.payload["definition_kind"] == "calendar"
    if is_calendar and permissions.is_allowed(actor["role"], _CALENDAR_GRANT):
        return True
    return action is not None and permissions.is_allowed(actor["role"], action)


def _check_grant(chain: Sequence[Event], position: int) -> Tuple[bool, bool]:
    """Whether who wrote this event of a person's stream may, and whether it rests on what it must rest on."""
    event = chain[position]
    p, person = event.payload, event.stream.partition(":")[2]
    if event.type == "assignment.attested":
        made = [e for e in chain[:position] if e.type == "assignment.made"]
        return event.person == person and any(e.payload["assignment"] == p["assignment"] for e in made), True
    if event.type in (passkey.REGISTERED, passkey.REVOKED):
        return event.person == person, True
    if event.type == "delegation.proposed":
        return is_party(event, person, p), True
    if event.type.startswith("delegation."):
        about = next((e for e in chain[:position] if e.leaf_hash == p["proposal"]), None)
        if about is None or about.type != "delegation.proposed":
            return True, False
        is_own = event.type == "delegation.withdrawn" and event.person == about.person
        return is_own or is_party(event, person, about.payload), True
    if event.type == "assignment.made" and p["acting"] is not None:
        hands = find_hands(chain, position)
        return hands is None or is_party(event, person, hands.proposal.payload), hands is not None
    if event.type == "assignment.ended":
        made = [e for e in chain[:position] if e.type == "assignment.made"]
        ended = next((e.payload for e in made if e.payload["assignment"] == p["assignment"]), None)
        if ended is not None and ended["acting"] is not None:
            facts = {"absent": ended["acting"]["absent"], "work_unit": ended["work_unit"]}
            return is_party(event, person, facts), True
    return _is_granted(event), True


# what follows from authority ---------------------------------------------------------------------------------------


def _check_moves(evidence: Evidence, persons: Mapping[str, _Person], sop: Sop, utc_offset_minutes: int) -> Found:
    """Every step went to a substitute while their delegation held, and back when it was over, where their stream is in the bundle.

    A substitute who did nothing in the dossier has no stream here: that such a move was founded rests on the service's word.
    """
    reasons = {e.leaf_hash: (name, e) for name, person in persons.items() for e in person.chain}
    held: Dict[Tuple[str, int], Tuple[str, Optional[str]]] = {}
    found: Found = []
    unit = evidence.events[0].payload.get("work_unit") if evidence.events else None
    for event in evidence.events:
        p = event.payload
        if event.type == "step.started":
            held[(p["step"], p["iteration"])] = (p["role"], p["responsible"])
        if event.type not in ("step.reassigned", "step.moved"):
            continue
        key = (p["step"], p["iteration"])
        role, before = held.get(key, ("", None))
        held[key] = (role, p["responsible"])
        if event.type == "step.reassigned" or p["because"] not in reasons:
            continue
        name, reason = reasons[p["because"]]
        made = _assignment_behind(persons[name], reason)
        is_right = made is not None and (made["role"], made["work_unit"]) == (role, unit) and _covers(made, sop)
        if made is None or not is_right:
            found.append(Discrepancy("move_unfounded", place_of(event), p["because"]))
            continue
        day = verdict.local_date(event.at, utc_offset_minutes)
        is_past = made["to_on"] is not None and day > made["to_on"]
        is_ended = any(_ends(e, made) and _is_before(e, event) for e in persons[name].chain)
        if p["is_back"]:
            is_founded = before == name and (reason.type == "assignment.ended" or is_past)
        else:
            # a substitute for an office without a holder answers from the start: nobody else did before
            is_theirs = p["responsible"] == name and before in (made["acting"]["absent"], name)
            is_founded = is_theirs and reason.type == "assignment.made" and day >= made["from_on"]
            is_founded = is_founded and not is_past and not is_ended
        if not is_founded or verdict.parse_time(reason.at) - verdict.parse_time(event.at) > CLOCK_SLACK:
            found.append(Discrepancy("move_unfounded", place_of(event), p["because"]))
    return found


def _assignment_behind(person: _Person, reason: Event) -> Optional[Mapping[str, Any]]:
    """The substitute's assignment that an event gives or ends; None when it does neither."""
    if reason.type not in ("assignment.made", "assignment.ended"):
        return None
    made = (e.payload for e in person.chain if e.type == "assignment.made")
    found = next((p for p in made if p["assignment"] == reason.payload["assignment"]), None)
    return found if found is not None and found["acting"] is not None else None


def _ends(event: Event, made: Mapping[str, Any]) -> bool:
    return event.type == "assignment.ended" and bool(event.payload["assignment"] == made["assignment"])


def _is_before(event: Event, other: Event) -> bool:
    return verdict.parse_time(other.at) - verdict.parse_time(event.at) > CLOCK_SLACK


def _check_flags(evidence: Evidence, persons: Mapping[str, _Person]) -> Found:
    """Every decision under an assignment that an administrator alone gave after the opening is flagged so, and no other.

    That a password was set by an administrator stands in a log-in's stream, which no bundle holds: for that reason the service's word
    is all there is.
    """
    found: Found = []
    flags: Dict[Tuple[str, int], Event] = {}
    for event in evidence.events:
        if event.type == "decision.flagged":
            key = (event.payload["step"], event.payload["iteration"])
            if not event.payload["reasons"] or key in flags:
                found.append(Discrepancy("flag_unfounded", place_of(event)))
            flags[key] = event
    decided: Set[Tuple[str, int]] = set()
    opened_at = evidence.events[0].at if evidence.events else ""
    for event in evidence.events:
        person = persons.get(str(event.person))
        if event.type not in ("decision.made", "dossier.sealed") or person is None:
            continue
        key = (event.payload["step"], event.payload["iteration"])
        decided.add(key)
        flag = flags.get(key)
        made_at = person.positions.get(event.actor["assignment"])
        if made_at is None or person.chain[made_at].type != "assignment.made":
            continue
        is_changed = person.chain[made_at].at > opened_at and is_administrators_doing(person.chain, made_at)
        is_flagged = flag is not None and ASSIGNMENT_CHANGED in flag.payload["reasons"]
        if is_changed and not is_flagged:
            found.append(Discrepancy("flag_missing", place_of(event), ASSIGNMENT_CHANGED))
        elif flag is not None and ((is_flagged and not is_changed) or flag.payload["person"] != event.person):
            found.append(Discrepancy("flag_unfounded", place_of(flag), ASSIGNMENT_CHANGED))
    found.extend(Discrepancy("flag_unfounded", place_of(flags[key])) for key in sorted(flags.keys() - decided))
    return found
