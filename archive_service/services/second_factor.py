"""The second factor of a log-in: an authenticator app (TOTP, RFC 6238) with recovery codes, or one of the person's passkeys.

Which passkeys there are is in passkeys.py. A code counts once: the time step of the last one that was taken is kept.
"""

from __future__ import annotations

import base64
import hmac
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.config import Settings
from archive_service.db.event_log import StreamWriter, open_streams
from archive_service.db.models import RecoveryCodeRow, TotpRow, UserRow
from archive_service.errors import Conflict, InvalidInput, NotFound, Unavailable
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import require_id
from archive_service.services.passkeys import active_rows, find_relying_party
from archive_service.services.people import save_stream_rows
from archive_service.services.users import end_open_sessions, hash_secret, require_own_password

TOTP = "totp"
PASSKEY = "passkey"
RECOVERY = "recovery_code"
STEP_SECONDS = 30
DRIFT = 1
"""How many time steps the app's clock may be off, either way."""
CODE_COUNT = 10
ISSUER = "Arsip dokumen"
_SEALED = "sealed:"


@dataclass(frozen=True)
class Status:
    """What a log-in has: ``is_due`` when a role of the person needs a second factor and there is none."""

    has_totp: bool
    passkeys: int
    recovery_codes: int
    is_required: bool

    @property
    def is_due(self) -> bool:
        """Whether the person must set a second factor before anything else."""
        return self.is_required and not self.has_totp and not self.passkeys

    @property
    def asked(self) -> tuple[str, ...]:
        """What is asked for after the password; nothing where the password is enough.

        Who registered a passkey in order to sign decisions is not asked for it at each log-in, unless a role needs a second factor.
        """
        if self.has_totp:
            return (TOTP, PASSKEY) if self.passkeys else (TOTP,)
        return (PASSKEY,) if self.is_required and self.passkeys else ()


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app is given: the secret as text, its address, and that as a QR code in SVG."""

    secret: str
    uri: str
    qr: str


def read_status(archive: Archive, actor: Actor) -> Status:
    """What the actor's log-in has, and whether it needs more."""
    with archive.db.read() as session:
        return status_of(archive, session, actor)


def status_of(archive: Archive, session: Session, actor: Actor) -> Status:
    """The same within a transaction."""
    row = session.get(TotpRow, actor.user)
    party = find_relying_party(archive.settings)
    usable = [] if party is None else [r for r in active_rows(session, actor.person) if r.rp_id == party.id]
    codes = session.execute(
        select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.user_id == actor.user)
    ).scalar_one()
    return Status(row is not None and row.is_confirmed, len(usable), codes, _is_required(archive, actor))


def _is_required(archive: Archive, actor: Actor) -> bool:
    roles = archive.settings.roles_with_second_factor
    return any(assignment.role in roles for assignment in actor.assignments)


def is_due(archive: Archive, actor: Actor) -> bool:
    """Whether the person must set a second factor before anything else; asks the database for those roles alone."""
    return _is_required(archive, actor) and read_status(archive, actor).is_due


# the authenticator app -------------------------------------------------------------------------------------------


def begin_totp(archive: Archive, actor: Actor, *, password: str) -> Enrolment:
    """A new secret for the actor's app; it counts once ``confirm_totp`` has seen a code of it."""
    require_own_password(archive, actor, password)
    secret = base64.b32encode(archive.make_secret(20)).decode()
    with archive.db.write() as session:
        row = session.get(TotpRow, actor.user)
        if row is not None and row.is_confirmed:
            raise Conflict("second_factor_set", "An authenticator app is set already; remove it first.")
        session.execute(delete(TotpRow).where(TotpRow.user_id == actor.user))
        session.add(
            TotpRow(
                user_id=actor.user,
                secret=_seal(archive.settings, actor.user, secret, archive.make_secret),
                is_confirmed=False,
                last_counter=0,
            )
        )
    return _enrolment(archive, actor, secret)


def find_enrolment(archive: Archive, actor: Actor) -> Enrolment | None:
    """The secret that waits for its first code, to be shown again; None when none does."""
    with archive.db.read() as session:
        row = session.get(TotpRow, actor.user)
        secret = None if row is None or row.is_confirmed else _unseal(archive.settings, actor.user, row.secret)
    return None if secret is None else _enrolment(archive, actor, secret)


def _enrolment(archive: Archive, actor: Actor, secret: str) -> Enrolment:
    with archive.db.read() as session:
        login = session.get_one(UserRow, actor.user).login
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    drawing = io.BytesIO()
    segno.make(uri, error="m").save(drawing, kind="svg", scale=4, light="#fff", dark="#000", xmldecl=False, svgns=True)
    return Enrolment(secret, uri, drawing.getvalue().decode())


def confirm_totp(archive: Archive, actor: Actor, *, code: str, keep: str | None = None) -> list[str]:
    """Take the app into use: the recovery codes, shown this once. Every other session of the log-in (but ``keep``'s id) ends."""
    with archive.db.write() as session:
        stream = f"user:{actor.user}"
        writer = open_streams(session, archive.log, [stream], acting=[actor.person])
        row = session.get(TotpRow, actor.user)
        if row is None or row.is_confirmed:
            raise Conflict("enrolment_missing", "No authenticator app waits for its first code; begin again.")
        counter = _match(archive, actor.user, row, code)
        if counter is None:
            raise InvalidInput(
                "code_refused", "The code is not right. Wait for the next one and type it.", field="code"
            )
        row.is_confirmed, row.last_counter = True, counter
        session.flush()
        by = event_actor(session, actor, None)
        writer.append(stream, "second_factor.set", by, {"user": actor.user, "means": TOTP})
        save_stream_rows(session, archive, stream)
        end_open_sessions(session, archive, writer, by, actor.user, but=keep)
        return _make_codes(session, archive, writer, by, actor.user)


def remake_codes(archive: Archive, actor: Actor, *, password: str) -> list[str]:
    """New recovery codes, shown this once; the ones before are worth nothing any more."""
    require_own_password(archive, actor, password)
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, [f"user:{actor.user}"], acting=[actor.person])
        row = session.get(TotpRow, actor.user)
        if row is None or not row.is_confirmed:
            raise Conflict("second_factor_missing", "Recovery codes replace an authenticator app; set one first.")
        return _make_codes(session, archive, writer, event_actor(session, actor, None), actor.user)


def _make_codes(
    session: Session, archive: Archive, writer: StreamWriter, by: dict[str, object], user: str
) -> list[str]:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user))
    codes = []
    for _ in range(CODE_COUNT):
        # 80 random bits: nobody tries out their hash
        text = base64.b32encode(archive.make_secret(10)).decode().lower()
        codes.append("-".join(text[i : i + 4] for i in range(0, 16, 4)))
        session.add(RecoveryCodeRow(code_hash=_code_hash(user, text), user_id=user))
    writer.append(f"user:{user}", "recovery_codes.made", by, {"user": user, "count": CODE_COUNT})
    return codes


def remove_totp(archive: Archive, actor: Actor, *, user: str, password: str | None = None) -> None:
    """Take the authenticator app of a log-in away: one's own with the password, or as an administrator for who has lost it."""
    is_own = user == actor.user
    if is_own:
        require_own_password(archive, actor, password or "")
    assignment = None if is_own else actor.require("people.manage")
    with archive.db.write() as session:
        if session.execute(select(UserRow.id).where(UserRow.id == require_id("user", user))).first() is None:
            raise NotFound("user_unknown", "There is no such log-in.")
        writer = open_streams(session, archive.log, [f"user:{user}"], acting=[actor.person])
        by = event_actor(session, actor, assignment)
        if not drop_totp(session, archive, writer, by, user, "self" if is_own else "administrator"):
            raise Conflict("second_factor_missing", "This log-in has no authenticator app.")


def drop_totp(
    session: Session, archive: Archive, writer: StreamWriter, by: dict[str, object], user: str, whose: str
) -> bool:
    """Take the app of a log-in whose stream the writer holds away, with its recovery codes; whether there was one."""
    is_confirmed = session.execute(select(TotpRow.is_confirmed).where(TotpRow.user_id == user)).scalar_one_or_none()
    session.execute(delete(TotpRow).where(TotpRow.user_id == user))
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user))
    if not is_confirmed:
        return False
    payload = {"user": user, "means": TOTP, "by": whose}
    writer.append(f"user:{user}", "second_factor.removed", by, payload)
    save_stream_rows(session, archive, f"user:{user}")
    return True


# codes -----------------------------------------------------------------------------------------------------------


def take_code(archive: Archive, user: str, code: str) -> str | None:
    """What the code was (``totp`` or ``recovery_code``), used up by this; None when it is none of the log-in's, or was used before."""
    text = "".join(code.split()).replace("-", "").lower()[:64]
    with archive.db.write() as session:
        row = session.get(TotpRow, user)
        if row is None or not row.is_confirmed:
            return None
        counter = _match(archive, user, row, text)
        if counter is not None:
            # of two requests with one code the second finds the step taken
            taken = session.execute(
                update(TotpRow)
                .where(TotpRow.user_id == user, TotpRow.last_counter < counter)
                .values(last_counter=counter)
                .returning(TotpRow.user_id)
            )
            return TOTP if taken.first() is not None else None
        used = session.execute(
            delete(RecoveryCodeRow)
            .where(RecoveryCodeRow.code_hash == _code_hash(user, text), RecoveryCodeRow.user_id == user)
            .returning(RecoveryCodeRow.code_hash)
        )
        return RECOVERY if used.first() is not None else None


def _match(archive: Archive, user: str, row: TotpRow, code: str) -> int | None:
    """The time step that a code belongs to, when it is right and newer than the last one taken."""
    text = "".join(code.split())
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    totp = pyotp.TOTP(_unseal(archive.settings, user, row.secret))
    # the app's clock is the world's, also where a demo moves the clock of evidence
    now = _step(archive.timer())
    found = None
    for counter in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(counter), text) and counter > row.last_counter:
            found = counter
    return found


def _step(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_SECONDS


def _code_hash(user: str, text: str) -> str:
    return hash_secret(f"{user}:{text}")


# the secret at rest ------------------------------------------------------------------------------------------------


def _seal(settings: Settings, user: str, secret: str, make_secret: Callable[[int], bytes]) -> str:
    key = _key(settings)
    if key is None:
        return secret
    nonce = make_secret(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), user.encode())
    return _SEALED + base64.b64encode(sealed).decode()


def _unseal(settings: Settings, user: str, stored: str) -> str:
    if not stored.startswith(_SEALED):
        return stored
    key, data = _key(settings), base64.b64decode(stored[len(_SEALED) :])
    try:
        if key is None:
            raise InvalidTag
        return AESGCM(key).decrypt(data[:12], data[12:], user.encode()).decode()
    except InvalidTag as exc:
        raise Unavailable(
            "totp_key_wrong",
            "Second factors cannot be checked: the administrator must set ARCHIVE_TOTP_KEY_FILE right.",
        ) from exc


def _key(settings: Settings) -> bytes | None:
    if settings.totp_key_file is None:
        return None
    try:
        text = settings.totp_key_file.read_bytes().strip()
    except OSError as exc:
        raise Unavailable(
            "totp_key_wrong",
            "Second factors cannot be checked: the administrator must set ARCHIVE_TOTP_KEY_FILE right.",
        ) from exc
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"archive-service totp v1").derive(text)
