"""The service's keys: registered in the log, changed with an overlap in which both sign, named for those who verify."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import EventRow
from archive_service.domain import note
from archive_service.domain.event import Event, parse_event, service_actor
from archive_service.domain.verdict import format_time, parse_time
from archive_service.errors import Conflict, InvalidInput
from archive_service.verifier import ed25519

LOG = "log"
RECEIPT = "receipt"
OVERLAP_LIMIT_DAYS = 3660
OPERATOR = service_actor("keys")


@dataclass(frozen=True)
class RegisteredKey:
    """A key as the log knows it; ``overlap_until`` is set once another has followed it."""

    purpose: str
    vkey: str
    registered_at: str
    successor: str | None = None
    overlap_until: str | None = None


def list_keys(session: Session, purpose: str | None = None) -> list[RegisteredKey]:
    """The keys that the log's events name, in the order of their registration."""
    found: dict[str, RegisteredKey] = {}
    for event in _key_events(session):
        p = event.payload
        if event.type == "key.registered":
            found[p["vkey"]] = RegisteredKey(p["purpose"], p["vkey"], event.at)
        elif p["vkey"] in found:
            old = found[p["vkey"]]
            found[p["vkey"]] = RegisteredKey(
                old.purpose, old.vkey, old.registered_at, p["successor"], p["overlap_until"]
            )
    return [key for key in found.values() if purpose in (None, key.purpose)]


def _key_events(session: Session) -> list[Event]:
    rows = session.execute(
        select(EventRow.data)
        .where(EventRow.stream == "service", EventRow.type.in_(["key.registered", "key.retired"]))
        .order_by(EventRow.seq)
    ).scalars()
    return [parse_event(data) for data in rows]


def rotate_key(archive: Archive, *, purpose: str, vkey: str, overlap_days: int) -> RegisteredKey:
    """Register a new key and retire the one before it: for the overlap checkpoints are signed with both. The retired key as it stands.

    Conflict ``key_known`` when the new key was registered before.
    """
    if not 0 <= overlap_days <= OVERLAP_LIMIT_DAYS:
        raise InvalidInput("bad_overlap", f"The overlap is 0 to {OVERLAP_LIMIT_DAYS} days.")
    new = note.parse_vkey(vkey)
    name = archive.log.origin if purpose == LOG else f"{archive.log.origin}/receipt"
    if new.name != name:
        raise InvalidInput("bad_vkey", f"The new key is named {new.name}; the {purpose} key's name stays {name}.")
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, ["service"])
        known = list_keys(session)
        current = [key for key in known if key.purpose == purpose and key.successor is None]
        if any(key.vkey == vkey for key in known):
            raise Conflict("key_known", "This key was registered before. Make a new one.")
        if len(current) != 1:
            raise Conflict("not_set_up", "There is no key to follow: set the archive up first (archive-service setup).")
        until = format_time(writer.moment + timedelta(days=overlap_days))
        writer.append("service", "key.registered", OPERATOR, {"purpose": purpose, "vkey": vkey})
        payload = {"purpose": purpose, "vkey": current[0].vkey, "successor": vkey, "overlap_until": until}
        writer.append("service", "key.retired", OPERATOR, payload)
    return RegisteredKey(purpose, current[0].vkey, current[0].registered_at, vkey, until)


def is_overlapping(archive: Archive, session: Session, vkey: str) -> bool:
    """Whether a former log key still signs beside the one that followed it."""
    now = archive.log.clock()
    for key in list_keys(session, LOG):
        if key.vkey == vkey and key.overlap_until is not None:
            return now < parse_time(key.overlap_until)
    return False


def signers_of(notes: Iterable[bytes], keys: Iterable[note.VerifierKey]) -> list[str]:
    """Of these log keys the ones that signed any of the notes, in the order given."""
    parsed = [note.parse_note(data) for data in notes]
    return [note.format_vkey(key) for key in keys if any(note.signed_by(n, key, ed25519.verify) for n in parsed)]


def log_keys_of(archive: Archive) -> list[note.VerifierKey]:
    """The keys that may have signed checkpoints of this log, the newest first."""
    return [archive.log_key.verifier_key, *(key.verifier_key for key in reversed(archive.former_log_keys))]
