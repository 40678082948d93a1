"""Who acts for whom (Pelimpahan, Plh./Plt.) as a person's stream tells it: proposed, confirmed by another person, then in force.

The same rules serve the service, which refuses, and the verifier, which finds a substitute without a confirmed proposal.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence

from archive_service.domain import permissions
from archive_service.domain.event import Event

PLH = "plh"
"""Pelaksana harian: for a holder who is away for a while; always with a last day."""
PLT = "plt"
"""Pelaksana tugas: for a holder who is away for good or an office without one; may be open-ended."""
MODES = (PLH, PLT)

ASSIGNMENT_CHANGED = "assignment_changed"
PASSWORD_RESET = "password_reset"
"""Why a decision is flagged: an administrator alone gave the authority, or set the password, after the dossier was opened."""

_FACTS = ("role", "work_unit", "from_on", "to_on")


class Hands(NamedTuple):
    """The two events that an acting assignment rests on."""

    proposal: Event
    confirmation: Event


def find_hands(chain: Sequence[Event], position: int) -> Optional[Hands]:
    """What the acting ``assignment.made`` at a position of a person's stream rests on; None when it is not founded.

    Founded: the proposal that it names stands before it in this stream with the same facts, was confirmed in between by another person,
    who is also the one that wrote the assignment, and nothing else came of it. Two administrators are no two hands.
    """
    made = chain[position]
    acting = made.payload["acting"]
    proposals = [e for e in chain[:position] if e.type == "delegation.proposed" and e.leaf_hash == acting["delegation"]]
    if not proposals:
        return None
    proposal = proposals[0]
    p = proposal.payload
    stated = [made.payload[name] for name in _FACTS] + [acting[name] for name in ("mode", "absent", "sops")]
    proposed = [p[name] for name in _FACTS] + [p[name] for name in ("mode", "absent", "sops")]
    answers = [e for e in chain[:position] if e.payload.get("proposal") == proposal.leaf_hash]
    uses = [e for e in chain[:position] if _names(e, proposal.leaf_hash)]
    if stated != proposed or made.payload["lead"] or uses or len(answers) != 1:
        return None
    confirmation = answers[0]
    is_confirmed = (
        confirmation.type == "delegation.confirmed"
        and confirmation.payload["delegation"] == p["delegation"]
        and confirmation.seq > proposal.seq
    )
    if {proposal.actor.get("role"), confirmation.actor.get("role")} == {permissions.ADMINISTRATOR}:
        return None
    persons = (proposal.person, confirmation.person, made.person)
    if not is_confirmed or None in persons or persons[0] == persons[1] or persons[1] != persons[2]:
        return None
    return Hands(proposal, confirmation)


def _names(event: Event, proposal: str) -> bool:
    if event.type != "assignment.made":
        return False
    acting: Optional[Mapping[str, Any]] = event.payload["acting"]
    return acting is not None and acting["delegation"] == proposal


def is_party(event: Event, substitute: str, facts: Mapping[str, Any]) -> bool:
    """Whether an event about a delegation was written by who may, as far as its actor says.

    The absent person, an administrator, or somebody with a role of an SOP in the same unit, whom the service held to be the superior; to
    confirm or decline also the substitute. That the role stood above the absent one's in the SOPs of the day is not in the event.
    """
    if event.person is None:
        return False
    if event.person == facts["absent"] or event.actor["role"] == permissions.ADMINISTRATOR:
        return True
    if event.person == substitute:
        is_answer = event.type in ("delegation.confirmed", "delegation.declined", "assignment.made")
        return is_answer or _is_superior(event, facts)
    return _is_superior(event, facts)


def _is_superior(event: Event, facts: Mapping[str, Any]) -> bool:
    role = event.actor["role"]
    is_sop_role = role is not None and permissions.role_class(role) == permissions.PERFORMER
    return is_sop_role and event.actor["work_unit"] == facts["work_unit"]


def is_administrators_doing(chain: Sequence[Event], position: int) -> bool:
    """Whether nobody but an administrator (and the one who profits) stands behind the assignment at this position of a person's stream.

    True for every assignment that an administrator made, and for a substitute's that an administrator proposed and the substitute alone
    confirmed, or two administrators; the archive's set-up is no administrator.
    """
    made = chain[position]
    if made.person is None:
        return False
    if made.payload["acting"] is None:
        return True
    hands = find_hands(chain, position)
    substitute = made.stream.partition(":")[2]
    return hands is None or not any(_vouches(event, substitute, hands.proposal.payload) for event in hands)


def _vouches(event: Event, substitute: str, facts: Mapping[str, Any]) -> bool:
    if event.person == facts["absent"]:
        return True
    return event.person != substitute and _is_superior(event, facts)
