"""Decisions that persons signed with their passkeys: nobody else, and not the service either, can have made these."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Set, Tuple

from archive_service.domain import passkey
from archive_service.domain.discrepancy import Discrepancy
from archive_service.domain.event import Event
from archive_service.verifier import ed25519, p256
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.proofs import Found, place_of

SIGNATURE_WRONG = "assertion_signature"
FAULTS = (
    passkey.CLIENT_DATA_WRONG,
    passkey.OTHER_CHALLENGE,
    passkey.OTHER_ORIGIN,
    passkey.OTHER_RP,
    passkey.NOT_VERIFIED,
    SIGNATURE_WRONG,
)
"""Every code that ``find_problem`` gives."""


def find_problem(assertion: Mapping[str, Any], registration: Mapping[str, Any], challenge: bytes) -> Optional[str]:
    """The code of what is wrong with an assertion by the passkey of this registration for this challenge, or None."""
    fault = passkey.find_fault(assertion, registration["rp_id"], challenge)
    if fault is not None:
        return fault
    key, signature = bytes.fromhex(registration["public_key"]), bytes.fromhex(assertion["signature"])
    verify = p256.verify if registration["algorithm"] == passkey.ES256 else ed25519.verify
    return None if verify(key, passkey.signed_bytes(assertion), signature) else SIGNATURE_WRONG


def check_assertions(evidence: Evidence) -> Found:
    """Whoever had a passkey signed their decisions with it, and every assertion is theirs, over just this decision.

    Which passkeys a person had then is read from their stream up to the head that the decision names.
    """
    found = _check_keys(evidence.persons)
    for event in evidence.events:
        if event.type != "decision.made" or event.person is None:
            continue
        assertion = event.payload["assertion"]
        active = passkey.active_passkeys(_known_then(evidence.persons.get(event.person, ()), event))
        if assertion is None:
            if active:
                found.append(Discrepancy("assertion_missing", place_of(event)))
            continue
        registered = active.get(assertion["passkey"])
        if registered is None:
            found.append(Discrepancy("assertion_passkey", place_of(event), assertion["passkey"]))
            continue
        problem = find_problem(assertion, registered.payload, passkey.challenge_of(event))
        if problem is not None:
            found.append(Discrepancy(problem, place_of(event)))
    return found


def _known_then(chain: Sequence[Event], event: Event) -> Sequence[Event]:
    """A person's stream up to the head that their act names; nothing where it names none of it."""
    for position, each in enumerate(chain):
        if each.leaf_hash == event.actor["head"]:
            return chain[: position + 1]
    return ()


def _check_keys(persons: Mapping[str, Sequence[Event]]) -> Found:
    """Each passkey is registered once, for one person, and revoked once at most: with a shared one, one hand would sign for two."""
    found: Found = []
    owners: Dict[Tuple[str, str], str] = {}
    for person, chain in sorted(persons.items()):
        active: Set[str] = set()
        for event in chain:
            if event.type == passkey.REVOKED:
                if event.payload["passkey"] not in active:
                    found.append(Discrepancy("passkey_unfounded", place_of(event)))
                active.discard(event.payload["passkey"])
            elif event.type == passkey.REGISTERED:
                active.add(event.leaf_hash)
                names = [(name, event.payload[name]) for name in ("credential", "public_key")]
                known = {owners[name] for name in names if name in owners}
                if known == {person}:
                    found.append(Discrepancy("passkey_unfounded", place_of(event)))
                elif known:
                    found.append(Discrepancy("passkey_shared", place_of(event)))
                owners.update({name: owners.get(name, person) for name in names})
    return found
