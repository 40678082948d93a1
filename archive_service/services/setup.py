"""What an empty archive starts with: keys and definitions in the log, the top work unit, one administrator."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import EventRow, UserRow
from archive_service.domain import permissions
from archive_service.services import definitions
from archive_service.services.actor import SETUP, office_date
from archive_service.services.people import append_assignment, append_person, save_stream_rows
from archive_service.services.users import add_user, make_secret


def register_ground(archive: Archive, session: Session, *, code: str, name: str) -> str:
    """Register both keys, the shipped definitions and the top work unit in this transaction; the unit's id."""
    unit = archive.log.make_id()
    writer = open_streams(session, archive.log, ["service", f"unit:{unit}"])
    for purpose, key in (("log", archive.log_key), ("receipt", archive.receipt_key)):
        writer.append("service", "key.registered", SETUP, {"purpose": purpose, "vkey": key.vkey})
    definitions.seed(archive, session, writer)
    payload = {"work_unit": unit, "code": code, "name": name, "parent": None}
    writer.append(f"unit:{unit}", "work_unit.created", SETUP, payload)
    save_stream_rows(session, archive, f"unit:{unit}")
    return unit


def is_set_up(archive: Archive) -> bool:
    """Whether the archive holds anything yet."""
    with archive.db.read() as session:
        return session.execute(select(EventRow.id).limit(1)).first() is not None


def bootstrap(archive: Archive, *, unit_code: str, unit_name: str) -> str | None:
    """Set up an empty archive: keys and definitions registered, the top unit, an administrator ``admin``.

    The administrator's one-time password; None when the archive was set up before. One transaction: all of it or nothing.
    """
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).limit(1)).first() is not None:
            return None
        unit = register_ground(archive, session, code=unit_code, name=unit_name)
        person = archive.log.make_id()
        writer = open_streams(session, archive.log, [f"person:{person}"])
        append_person(session, archive, writer, SETUP, person, "Administrator")
        append_assignment(
            session,
            archive,
            writer,
            SETUP,
            person=person,
            role=permissions.ADMINISTRATOR,
            work_unit=unit,
            from_on=office_date(writer.moment),
            to_on=None,
            lead=False,
        )
        password = make_secret(archive)[:20]
        add_user(archive, session, SETUP, person, "admin", password, "setup")
    return password
