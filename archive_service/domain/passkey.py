"""Passkeys: what a person's signature over a decision covers, and whether an assertion says what it must.

**The challenge** that the authenticator signs is the SHA-256 of these bytes, in this order:

1. the 27 ASCII bytes ``archive-service decision v1`` and one line feed;
2. the canonical JSON (RFC 8785 as restricted in canonical.py) of an object with exactly these members of the event to be:
   ``assignment`` (the actor's: leaf hash of the assignment that gives the role), ``claimed_at``, ``origin``, ``payload`` (all of it except
   ``assertion``), ``person`` (the actor's), ``stream`` and ``type``.

The payload names the step, its iteration, the decision and where it leads, the digest over all documents that were seen, the answers, the
gaps and the commitment to the reason; the stream names the dossier and the origin the log. So an assertion fits one decision of one person
in one log alone. ``id``, ``seq``, ``prev``, ``at``, ``user`` and ``head`` are not covered: they are not known when the person signs, and
the chain, the tree and the person's own stream vouch for them.

**The signature** is over ``authenticator_data ‖ SHA-256(client_data)`` (W3C Web Authentication Level 2, section 7.2, steps 11 to 20).
The sign counter is not relied on: passkeys that are kept in step between devices have none.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from archive_service.domain import canonical
from archive_service.domain.event import Event

DECISION_PREFIX = b"archive-service decision v1\n"
ES256 = "ES256"
EDDSA = "EdDSA"
REGISTERED = "passkey.registered"
REVOKED = "passkey.revoked"

CLIENT_DATA_WRONG = "assertion_client_data"
OTHER_CHALLENGE = "assertion_of_another"
OTHER_ORIGIN = "assertion_origin"
OTHER_RP = "assertion_rp"
NOT_VERIFIED = "assertion_unverified"
"""What is wrong with an assertion, as a verifier's codes say it; the signature itself is the verifier's to check."""

_USER_PRESENT, _USER_VERIFIED, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x40, 0x80
_BARE_LENGTH = 37
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?")


def decision_challenge(
    *,
    origin: str,
    stream: str,
    type: str,
    person: str,
    assignment: Optional[str],
    claimed_at: Optional[str],
    payload: Mapping[str, Any],
) -> bytes:
    """The 32 bytes that a person's authenticator signs to decide this; ``payload`` may hold an ``assertion``, which does not count."""
    covered = {
        "assignment": assignment,
        "claimed_at": claimed_at,
        "origin": origin,
        "payload": {name: value for name, value in payload.items() if name != "assertion"},
        "person": person,
        "stream": stream,
        "type": type,
    }
    return sha256(DECISION_PREFIX + canonical.encode(covered)).digest()


def challenge_of(event: Event) -> bytes:
    """The challenge that the assertion in a recorded decision must answer."""
    return decision_challenge(
        origin=event.origin,
        stream=event.stream,
        type=event.type,
        person=str(event.person),
        assignment=event.actor.get("assignment"),
        claimed_at=event.claimed_at,
        payload=event.payload,
    )


def active_passkeys(chain: Sequence[Event]) -> Dict[str, Event]:
    """The registrations in a person's stream that are not revoked by its end, by leaf hash, oldest first."""
    active: Dict[str, Event] = {}
    for event in chain:
        if event.type == REGISTERED:
            active[event.leaf_hash] = event
        elif event.type == REVOKED:
            active.pop(event.payload["passkey"], None)
    return active


def signed_bytes(assertion: Mapping[str, Any]) -> bytes:
    """The bytes that the assertion's signature is over."""
    return bytes.fromhex(assertion["authenticator_data"]) + sha256(assertion["client_data"].encode("utf-8")).digest()


def find_fault(assertion: Mapping[str, Any], rp_id: str, challenge: bytes) -> Optional[str]:
    """The code of the first thing wrong with an assertion for this challenge by a passkey of ``rp_id``, or None; its signature apart."""
    client = _read_client_data(assertion["client_data"])
    if client is None or client.get("type") != "webauthn.get" or client.get("crossOrigin", False) is not False:
        return CLIENT_DATA_WRONG
    if client.get("challenge") != urlsafe_b64encode(challenge).rstrip(b"=").decode("ascii"):
        return OTHER_CHALLENGE
    if not is_origin_under(client.get("origin"), rp_id):
        return OTHER_ORIGIN
    data = bytes.fromhex(assertion["authenticator_data"])
    if data[:32] != sha256(rp_id.encode("ascii")).digest():
        return OTHER_RP
    if len(data) < _BARE_LENGTH or (len(data) > _BARE_LENGTH and not data[32] & (_ATTESTED | _EXTENDED)):
        return OTHER_RP
    if data[32] & (_USER_PRESENT | _USER_VERIFIED) != (_USER_PRESENT | _USER_VERIFIED):
        return NOT_VERIFIED
    return None


def is_origin_under(origin: Any, rp_id: str) -> bool:
    """Whether a page's origin may use passkeys of this name: https at the name or below it, or plain http at ``localhost``."""
    matched = _ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
    if matched is None:
        return False
    scheme, host = matched.groups()
    is_near = host == rp_id or host.endswith("." + rp_id)
    return is_near and (scheme == "https" or host == "localhost" or host.endswith(".localhost"))


def _read_client_data(text: str) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(text, object_pairs_hook=_members_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _members_once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in an object")
    return members
