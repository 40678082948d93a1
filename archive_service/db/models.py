"""Tables, without behaviour.

Every column is declared ``evidenced`` (its value can be computed again from events, or checked against them: ``archive-service
log audit`` does) or ``operational`` (it helps the service to run and proves nothing).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID = String(32)
HASH = String(64)
KEY = String(64)
# by bytes on every database, so that a range of words is all those with a beginning
TOKEN = String(40).with_variant(String(40, collation="C"), "postgresql")
# SQLite numbers rows by INTEGER PRIMARY KEY alone, and its integers have 64 bits anyway
COUNT = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in and out, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite keeps the UTC wall time as text."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def evidenced(*args: Any, **kwargs: Any) -> Any:
    """A column whose value follows from events."""
    return mapped_column(*args, info={"declared": "evidenced"}, **kwargs)


def operational(*args: Any, **kwargs: Any) -> Any:
    """A column that only helps the service to run."""
    return mapped_column(*args, info={"declared": "operational"}, **kwargs)


class Base(DeclarativeBase):
    """The one metadata of all tables; constraints have the same names on every database, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def table_of(model: type[Base]) -> Table:
    """The table behind a mapped class, for statements that need no unit of work."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


# the log ---------------------------------------------------------------------------------------------------------


class StreamRow(Base):
    """The head of one hash chain; its row lock orders the writers of the stream."""

    __tablename__ = "stream"
    name: Mapped[str] = evidenced(String(80), primary_key=True)
    next_seq: Mapped[int] = evidenced(COUNT)
    head: Mapped[str] = evidenced(HASH)
    last_at: Mapped[datetime | None] = evidenced(UtcDateTime)


class EventRow(Base):
    """One event: the exact bytes, and what is needed to find them. INSERT only."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("stream", "seq"), UniqueConstraint("leaf_hash"))
    id: Mapped[str] = evidenced(ID, primary_key=True)
    stream: Mapped[str] = evidenced(String(80))
    seq: Mapped[int] = evidenced(COUNT)
    type: Mapped[str] = evidenced(KEY, index=True)
    at: Mapped[datetime] = evidenced(UtcDateTime)
    leaf_hash: Mapped[str] = evidenced(HASH)
    data: Mapped[bytes] = evidenced(LargeBinary)


class OpeningRow(Base):
    """Value and salt behind a commitment in an event. Rows may be erased, never changed."""

    __tablename__ = "opening"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    field: Mapped[str] = evidenced(KEY, primary_key=True)
    value: Mapped[str] = evidenced(Text)
    salt: Mapped[bytes] = evidenced(LargeBinary(32))


class LogPendingRow(Base):
    """An event that the sequencer has not numbered yet."""

    __tablename__ = "log_pending"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = operational(COUNT, primary_key=True, autoincrement=True)
    leaf_hash: Mapped[str] = operational(HASH)


class LogLeafRow(Base):
    """A leaf of the log's tree in its order. INSERT only."""

    __tablename__ = "log_leaf"
    leaf_index: Mapped[int] = evidenced(COUNT, primary_key=True, autoincrement=False)
    leaf_hash: Mapped[str] = evidenced(HASH, unique=True)


class LogTileRow(Base):
    """Up to 256 hashes of one tile of the tree (C2SP tlog-tiles)."""

    __tablename__ = "log_tile"
    level: Mapped[int] = evidenced(Integer, primary_key=True, autoincrement=False)
    tile_index: Mapped[int] = evidenced(COUNT, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = evidenced(LargeBinary)


class CheckpointRow(Base):
    """A signed tree head. INSERT only."""

    __tablename__ = "checkpoint"
    size: Mapped[int] = evidenced(COUNT, primary_key=True, autoincrement=False)
    root: Mapped[str] = evidenced(HASH)
    note: Mapped[bytes] = evidenced(LargeBinary)
    signed_at: Mapped[datetime] = operational(UtcDateTime)


class CosignatureRow(Base):
    """A witness's cosignature over a checkpoint: it proves itself under the witness's key. INSERT only."""

    __tablename__ = "cosignature"
    __table_args__ = (Index("ix_cosignature_vkey", "vkey", "size"),)
    size: Mapped[int] = operational(ForeignKey("checkpoint.size"), primary_key=True, autoincrement=False)
    vkey: Mapped[str] = operational(String(300), primary_key=True)
    line: Mapped[str] = operational(String(500))
    cosigned_at: Mapped[datetime] = operational(UtcDateTime)
    kept_at: Mapped[datetime] = operational(UtcDateTime)


class TimeStampRow(Base):
    """An authority's RFC 3161 response over a checkpoint: it proves itself. INSERT only."""

    __tablename__ = "time_stamp"
    __table_args__ = (Index("ix_time_stamp_authority", "authority", "size"),)
    size: Mapped[int] = operational(ForeignKey("checkpoint.size"), primary_key=True, autoincrement=False)
    authority: Mapped[str] = operational(String(500), primary_key=True)
    token: Mapped[bytes] = operational(LargeBinary)
    stamped_at: Mapped[datetime] = operational(UtcDateTime)
    is_verified: Mapped[bool] = operational(Boolean)
    kept_at: Mapped[datetime] = operational(UtcDateTime)


class VoucherRow(Base):
    """How asking a witness or a time-stamp authority went: when it is asked again, and what was wrong."""

    __tablename__ = "voucher"
    key: Mapped[str] = operational(String(500), primary_key=True)
    failures: Mapped[int] = operational(Integer)
    error: Mapped[str | None] = operational(String(500))
    asked_at: Mapped[datetime] = operational(UtcDateTime)
    answered_at: Mapped[datetime | None] = operational(UtcDateTime)
    ask_after: Mapped[datetime] = operational(UtcDateTime)


class SequencerRow(Base):
    """The one row that a sequencer locks before it numbers leaves: two of them take turns."""

    __tablename__ = "sequencer"
    id: Mapped[int] = operational(Integer, primary_key=True, autoincrement=False)
    turned_at: Mapped[datetime | None] = operational(UtcDateTime)
    # why the log signs nothing more, said to all processes; null while it signs
    stop_code: Mapped[str | None] = operational(KEY)
    stop_detail: Mapped[str | None] = operational(Text)
    stopped_at: Mapped[datetime | None] = operational(UtcDateTime)


class DefinitionRow(Base):
    """One version of an SOP or a calendar as canonical JSON. INSERT only."""

    __tablename__ = "definition"
    __table_args__ = (UniqueConstraint("kind", "key", "version"),)
    digest: Mapped[str] = evidenced(HASH, primary_key=True)
    kind: Mapped[str] = evidenced(KEY)
    key: Mapped[str] = evidenced(KEY)
    version: Mapped[int] = evidenced(Integer)
    data: Mapped[bytes] = evidenced(LargeBinary)
    event_hash: Mapped[str] = evidenced(HASH)


# people ----------------------------------------------------------------------------------------------------------


class WorkUnitRow(Base):
    """A satker or a unit within one."""

    __tablename__ = "work_unit"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    code: Mapped[str] = evidenced(KEY, unique=True)
    name: Mapped[str] = evidenced(String(200))
    parent_id: Mapped[str | None] = evidenced(ForeignKey("work_unit.id"))


class PersonRow(Base):
    """A human being; the name is an opening of the registering event."""

    __tablename__ = "person"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    registered_hash: Mapped[str] = evidenced(HASH)


class AssignmentRow(Base):
    """A role of a person in a work unit, from a day to a day."""

    __tablename__ = "assignment"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"), index=True)
    role: Mapped[str] = evidenced(KEY)
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"), index=True)
    from_on: Mapped[str] = evidenced(String(10))
    to_on: Mapped[str | None] = evidenced(String(10))
    lead: Mapped[bool] = evidenced(Boolean)
    made_hash: Mapped[str] = evidenced(HASH)
    ended_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    acting_mode: Mapped[str | None] = evidenced(KEY)
    acting_absent: Mapped[str | None] = evidenced(ForeignKey("person.id"), index=True)
    acting_delegation: Mapped[str | None] = evidenced(HASH)
    acting_sops: Mapped[str | None] = evidenced(Text)


class DelegationRow(Base):
    """A proposal that somebody acts for an absent person (Plh./Plt.), and what became of it."""

    __tablename__ = "delegation"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    mode: Mapped[str] = evidenced(KEY)
    substitute: Mapped[str] = evidenced(ForeignKey("person.id"), index=True)
    absent: Mapped[str] = evidenced(ForeignKey("person.id"), index=True)
    assignment_hash: Mapped[str] = evidenced(HASH)
    role: Mapped[str] = evidenced(KEY)
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"), index=True)
    from_on: Mapped[str] = evidenced(String(10))
    to_on: Mapped[str | None] = evidenced(String(10))
    sops: Mapped[str] = evidenced(Text)
    letter_on: Mapped[str] = evidenced(String(10))
    state: Mapped[str] = evidenced(KEY)
    proposed_by: Mapped[str] = evidenced(ForeignKey("person.id"))
    proposed_role: Mapped[str | None] = evidenced(KEY)
    proposed_at: Mapped[datetime] = evidenced(UtcDateTime)
    proposal_hash: Mapped[str] = evidenced(HASH, unique=True)
    answered_by: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    assignment_id: Mapped[str | None] = evidenced(ID)


class AttestationRow(Base):
    """That a person attested the qualifications and the first warning of an SOP for one of their assignments."""

    __tablename__ = "attestation"
    __table_args__ = (UniqueConstraint("assignment_id", "text_digest"),)
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    assignment_id: Mapped[str] = evidenced(ForeignKey("assignment.id"))
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"), index=True)
    sop_digest: Mapped[str] = evidenced(HASH)
    text_digest: Mapped[str] = evidenced(HASH)
    at: Mapped[datetime] = evidenced(UtcDateTime)


class PasskeyRow(Base):
    """A key that a person signs decisions with; the private half never leaves their device."""

    __tablename__ = "passkey"
    __table_args__ = (UniqueConstraint("credential"), UniqueConstraint("public_key"))
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"), index=True)
    credential: Mapped[str] = evidenced(HASH)
    algorithm: Mapped[str] = evidenced(KEY)
    public_key: Mapped[str] = evidenced(String(130))
    aaguid: Mapped[str | None] = evidenced(ID)
    rp_id: Mapped[str] = evidenced(String(253))
    registered_at: Mapped[datetime] = evidenced(UtcDateTime)
    revoked_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    credential_id: Mapped[str] = operational(Text)
    name: Mapped[str] = operational(String(100))


class PreparedPasskeyRow(Base):
    """The challenge of a registration that a person has begun; gone when it is used or has grown old."""

    __tablename__ = "prepared_passkey"
    id: Mapped[str] = operational(ID, primary_key=True)
    person_id: Mapped[str] = operational(ForeignKey("person.id"))
    challenge: Mapped[str] = operational(HASH)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class PreparedDecisionRow(Base):
    """A decision that a person is about to sign; gone when it is made or has grown old, and the reason with it."""

    __tablename__ = "prepared_decision"
    id: Mapped[str] = operational(ID, primary_key=True)
    person_id: Mapped[str] = operational(ForeignKey("person.id"))
    dossier_id: Mapped[str] = operational(ForeignKey("dossier.id"))
    wish: Mapped[str] = operational(Text)
    salt: Mapped[bytes] = operational(LargeBinary(32))
    challenge: Mapped[str] = operational(HASH)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class PartialUploadRow(Base):
    """An upload that is under way or was cut: what it will be, and how it ended. The bytes lie in a file until it is received."""

    __tablename__ = "partial_upload"
    __table_args__ = (Index("ix_partial_upload_owner", "dossier_id", "person_id"),)
    id: Mapped[str] = operational(ID, primary_key=True)
    person_id: Mapped[str] = operational(ForeignKey("person.id"))
    dossier_id: Mapped[str] = operational(ForeignKey("dossier.id"))
    step: Mapped[str] = operational(KEY)
    kind: Mapped[str] = operational(KEY)
    fields: Mapped[str] = operational(Text)
    file_name: Mapped[str] = operational(String(255))
    size: Mapped[int] = operational(COUNT)
    fingerprint: Mapped[str] = operational(HASH)
    begun_at: Mapped[datetime] = operational(UtcDateTime)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)
    answer: Mapped[str | None] = operational(Text)


class UserRow(Base):
    """A log-in of a person."""

    __tablename__ = "user"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    created_hash: Mapped[str] = evidenced(HASH)
    login: Mapped[str] = operational(String(100), unique=True)
    password_hash: Mapped[str] = operational(String(200))
    failed_logins: Mapped[int] = operational(Integer, default=0)
    locked_until: Mapped[datetime | None] = operational(UtcDateTime)
    mail: Mapped[str | None] = operational(String(254))
    mail_verified_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    second_factor_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    valid_from: Mapped[str | None] = evidenced(String(10))
    valid_until: Mapped[str | None] = evidenced(String(10), index=True)


class TotpRow(Base):
    """The secret that a log-in shares with an authenticator app; ``is_confirmed`` once a code of it was typed."""

    __tablename__ = "totp"
    user_id: Mapped[str] = operational(ForeignKey("user.id"), primary_key=True)
    secret: Mapped[str] = operational(String(300))
    is_confirmed: Mapped[bool] = operational(Boolean)
    # the time step of the last code that was taken: none counts twice
    last_counter: Mapped[int] = operational(COUNT)


class RecoveryCodeRow(Base):
    """A code that replaces the authenticator app once; only its hash is kept, and it goes when it is used."""

    __tablename__ = "recovery_code"
    code_hash: Mapped[str] = operational(HASH, primary_key=True)
    user_id: Mapped[str] = operational(ForeignKey("user.id"), index=True)


class IdentityRow(Base):
    """That an OpenID Connect provider's account (issuer and subject) is this log-in's."""

    __tablename__ = "identity"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    user_id: Mapped[str] = evidenced(ForeignKey("user.id"), index=True)
    issuer: Mapped[str] = evidenced(String(300))
    linked_at: Mapped[datetime] = evidenced(UtcDateTime)
    unlinked_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    # SHA-256 over issuer and subject: one account is one log-in's; null when it is unlinked
    account_hash: Mapped[str | None] = operational(HASH, unique=True)


class PendingLoginRow(Base):
    """A log-in whose first factor was right and whose second one is awaited; only the hash of its cookie is kept."""

    __tablename__ = "pending_login"
    cookie_hash: Mapped[str] = operational(HASH, primary_key=True)
    user_id: Mapped[str] = operational(ForeignKey("user.id"))
    method: Mapped[str] = operational(KEY)
    tries: Mapped[int] = operational(Integer)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class PreparedLoginRow(Base):
    """The challenge of a log-in by passkey that a browser has begun; gone when it is used or has grown old."""

    __tablename__ = "prepared_login"
    id: Mapped[str] = operational(ID, primary_key=True)
    challenge: Mapped[str] = operational(HASH)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class OidcLoginRow(Base):
    """What was sent along to the OpenID Connect provider and must come back; gone when it is used or has grown old."""

    __tablename__ = "oidc_login"
    state_hash: Mapped[str] = operational(HASH, primary_key=True)
    nonce: Mapped[str] = operational(String(64))
    code_verifier: Mapped[str] = operational(String(128))
    place: Mapped[str] = operational(String(500))
    # who links an account of theirs; null for whoever logs in
    user_id: Mapped[str | None] = operational(ForeignKey("user.id"))
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class OneTimeLinkRow(Base):
    """A link that sets a password or verifies a mail address, once; only the hash of its secret is kept."""

    __tablename__ = "one_time_link"
    secret_hash: Mapped[str] = operational(HASH, primary_key=True)
    id: Mapped[str] = operational(ID)
    purpose: Mapped[str] = operational(KEY)
    user_id: Mapped[str] = operational(ForeignKey("user.id"), index=True)
    # the event that set the address which is verified
    mail_event: Mapped[str | None] = operational(HASH)
    made_at: Mapped[datetime] = operational(UtcDateTime)
    expires_at: Mapped[datetime] = operational(UtcDateTime, index=True)


class ApiTokenRow(Base):
    """A named, revocable credential; only the hash of its secret is kept."""

    __tablename__ = "api_token"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    user_id: Mapped[str] = evidenced(ForeignKey("user.id"), index=True)
    created_hash: Mapped[str] = evidenced(HASH)
    scopes: Mapped[str] = evidenced(String(500))
    expires_at: Mapped[datetime] = evidenced(UtcDateTime)
    revoked_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    secret_hash: Mapped[str] = operational(HASH, unique=True)
    prefix: Mapped[str] = operational(String(16))
    used_at: Mapped[datetime | None] = operational(UtcDateTime)


class SessionRow(Base):
    """A browser's log-in; only the hash of its cookie is kept."""

    __tablename__ = "session"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    user_id: Mapped[str] = evidenced(ForeignKey("user.id"), index=True)
    started_at: Mapped[datetime] = evidenced(UtcDateTime)
    ended_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    method: Mapped[str] = evidenced(KEY)
    second: Mapped[str | None] = evidenced(KEY)
    cookie_hash: Mapped[str] = operational(HASH, unique=True)
    seen_at: Mapped[datetime] = operational(UtcDateTime)
    # personal data: erased some time after the session's end
    agent: Mapped[str | None] = operational(String(300))
    address: Mapped[str | None] = operational(String(64))


class UnknownLoginRow(Base):
    """How many unknown log-ins were typed in a minute that is not written to the log yet."""

    __tablename__ = "unknown_login"
    minute: Mapped[datetime] = operational(UtcDateTime, primary_key=True)
    count: Mapped[int] = operational(Integer)


class ObligationRow(Base):
    """That a unit carries out a procedure in a period; ``is_watched`` until its due time was looked at."""

    __tablename__ = "obligation"
    __table_args__ = (
        Index("ix_obligation_watched", "is_watched", "due_at"),
        Index("ix_obligation_period", "year", "quarter", "work_unit_id"),
    )
    id: Mapped[str] = evidenced(ID, primary_key=True)
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"))
    sop: Mapped[str] = evidenced(KEY)
    year: Mapped[int] = evidenced(Integer)
    quarter: Mapped[int] = evidenced(Integer)
    due_at: Mapped[datetime] = evidenced(UtcDateTime)
    basis: Mapped[str] = evidenced(KEY)
    set_hash: Mapped[str] = evidenced(HASH)
    withdrawn_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    is_watched: Mapped[bool] = operational(Boolean, default=True)


class UnitDeviationRow(Base):
    """A procedure that a unit did not carry out, and what became of its explanation."""

    __tablename__ = "unit_deviation"
    __table_args__ = (Index("ix_unit_deviation_owed", "owed_until"),)
    id: Mapped[str] = evidenced(ID, primary_key=True)
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"), index=True)
    obligation_id: Mapped[str] = evidenced(ForeignKey("obligation.id"))
    code: Mapped[str] = evidenced(KEY)
    subject: Mapped[str] = evidenced(String(100))
    role: Mapped[str | None] = evidenced(KEY)
    responsible: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)
    state: Mapped[str] = evidenced(KEY)
    explain_by: Mapped[datetime | None] = evidenced(UtcDateTime)
    escalated_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    owed_until: Mapped[datetime | None] = evidenced(UtcDateTime)


class FindingRow(Base):
    """A finding of an audit, as far as it has come."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_proposed", "proposed_at", "id"),)
    id: Mapped[str] = evidenced(ID, primary_key=True)
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"), index=True)
    state: Mapped[str] = evidenced(KEY)
    classification: Mapped[str | None] = evidenced(KEY)
    proposed_by: Mapped[str] = evidenced(ForeignKey("person.id"))
    proposed_at: Mapped[datetime] = evidenced(UtcDateTime)
    pic: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    due_on: Mapped[str | None] = evidenced(String(10))
    latest: Mapped[str] = evidenced(HASH)


class SampleRow(Base):
    """A random sample of dossiers that an auditor drew; ``data`` is the list that it was drawn from, its digest is in the event."""

    __tablename__ = "sample"
    __table_args__ = (Index("ix_sample_user", "user_id", "id"),)
    id: Mapped[str] = evidenced(ID, primary_key=True)
    user_id: Mapped[str] = evidenced(ForeignKey("user.id"))
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    seed: Mapped[str] = evidenced(String(64))
    size: Mapped[int] = evidenced(Integer)
    of: Mapped[int] = evidenced(COUNT)
    population_digest: Mapped[str] = evidenced(HASH)
    wanted: Mapped[str] = evidenced(Text)
    drawn_at: Mapped[datetime] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)
    data: Mapped[bytes] = evidenced(LargeBinary)


class SampleItemRow(Base):
    """One dossier of a sample, in the order of the draw, and what the auditor said of it last."""

    __tablename__ = "sample_item"
    sample_id: Mapped[str] = evidenced(ForeignKey("sample.id"), primary_key=True)
    place: Mapped[int] = evidenced(Integer, primary_key=True, autoincrement=False)
    dossier_id: Mapped[str] = evidenced(ID)
    result: Mapped[str | None] = evidenced(KEY)
    finding_id: Mapped[str | None] = evidenced(ID)
    judged_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    event_hash: Mapped[str | None] = evidenced(HASH)


# dossiers --------------------------------------------------------------------------------------------------------


class DossierRow(Base):
    """One run of an SOP for one work unit and period."""

    __tablename__ = "dossier"
    __table_args__ = (
        Index("ix_dossier_unit_period", "work_unit_id", "year", "quarter", "id"),
        Index("ix_dossier_unit_opened", "work_unit_id", "opened_at", "id"),
        Index(
            "ix_dossier_unit_open",
            "work_unit_id",
            "id",
            postgresql_where=text("status = 'open'"),
            sqlite_where=text("status = 'open'"),
        ),
    )
    id: Mapped[str] = evidenced(ID, primary_key=True)
    sop_digest: Mapped[str] = evidenced(ForeignKey("definition.digest"))
    calendar_digest: Mapped[str] = evidenced(ForeignKey("definition.digest"))
    work_unit_id: Mapped[str] = evidenced(ForeignKey("work_unit.id"))
    year: Mapped[int] = evidenced(Integer)
    quarter: Mapped[int] = evidenced(Integer)
    status: Mapped[str] = evidenced(KEY, index=True)
    opened_at: Mapped[datetime] = evidenced(UtcDateTime)
    opened_by: Mapped[str] = evidenced(ForeignKey("person.id"))
    opened_hash: Mapped[str] = evidenced(HASH)
    received_at: Mapped[datetime] = evidenced(UtcDateTime)
    ended_at: Mapped[datetime | None] = evidenced(UtcDateTime)


class StepRunRow(Base):
    """One iteration of a step."""

    __tablename__ = "step_run"
    __table_args__ = (
        Index("ix_step_run_due", "state", "due_at", "dossier_id", "step"),
        Index("ix_step_run_responsible", "responsible", "state"),
        Index("ix_step_run_acting", "acting_hash", "state"),
        Index("ix_step_run_watched", "is_watched", "late_at"),
        Index("ix_step_run_remind", "remind_at"),
        Index(
            "ix_step_run_running",
            "dossier_id",
            "role",
            "due_at",
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
    )
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), primary_key=True)
    step: Mapped[str] = evidenced(KEY, primary_key=True)
    iteration: Mapped[int] = evidenced(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = evidenced(KEY)
    role: Mapped[str] = evidenced(KEY)
    responsible: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    acting_hash: Mapped[str | None] = evidenced(HASH)
    started_at: Mapped[datetime] = evidenced(UtcDateTime)
    due_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    # the first instant at which more than the norm is used: due at the end of office hours, a step is late on the next morning
    late_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    # it runs in an open dossier, and that its norm has passed is not recorded: what the deadline sweep looks for
    is_watched: Mapped[bool] = evidenced(Boolean)
    # what the sweep could not record is tried again from then on
    look_again_at: Mapped[datetime | None] = operational(UtcDateTime)
    # when the next reminder falls due, before or after the norm; empty once none is left
    remind_at: Mapped[datetime | None] = operational(UtcDateTime)
    finished_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    outcome: Mapped[str | None] = evidenced(KEY)
    performed_by: Mapped[str | None] = evidenced(ForeignKey("person.id"))


class DocumentVersionRow(Base):
    """One received version of a document."""

    __tablename__ = "document_version"
    id: Mapped[str] = evidenced(ID, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    document_id: Mapped[str] = evidenced(ID, index=True)
    number: Mapped[int] = evidenced(Integer)
    step: Mapped[str] = evidenced(KEY)
    iteration: Mapped[int] = evidenced(Integer)
    kind: Mapped[str] = evidenced(KEY)
    digest: Mapped[str] = evidenced(HASH, index=True)
    crc32: Mapped[str] = evidenced(String(8))
    size: Mapped[int] = evidenced(COUNT)
    media_type: Mapped[str] = evidenced(String(200))
    puid: Mapped[str] = evidenced(String(32))
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    begun_at: Mapped[datetime] = evidenced(UtcDateTime)
    received_at: Mapped[datetime] = evidenced(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)
    deviation_id: Mapped[str | None] = evidenced(ID)
    indicator: Mapped[str | None] = evidenced(KEY)


class PaperOriginalRow(Base):
    """Whether a document has an original on paper, and where it lies, as was recorded last."""

    __tablename__ = "paper_original"
    document_id: Mapped[str] = evidenced(ID, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    is_there: Mapped[bool] = evidenced(Boolean)
    room: Mapped[str | None] = evidenced(String(100))
    shelf: Mapped[str | None] = evidenced(String(100))
    box: Mapped[str | None] = evidenced(String(100))
    folder: Mapped[str | None] = evidenced(String(100))
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)


class DecisionRow(Base):
    """An approval or a return."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_person", "person_id", "decision", "at"),)
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    step: Mapped[str] = evidenced(KEY)
    iteration: Mapped[int] = evidenced(Integer)
    decision: Mapped[str] = evidenced(KEY)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    documents_digest: Mapped[str] = evidenced(HASH)
    returns_to: Mapped[str | None] = evidenced(KEY)
    passkey_hash: Mapped[str | None] = evidenced(HASH)


class FlagRow(Base):
    """That whoever decided had their authority or password from an administrator since the dossier's opening."""

    __tablename__ = "flag"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    step: Mapped[str] = evidenced(KEY)
    iteration: Mapped[int] = evidenced(Integer)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    decision_hash: Mapped[str | None] = evidenced(HASH)
    reasons: Mapped[str] = evidenced(String(200))


class VerdictRow(Base):
    """A judgement of one iteration, with everything that is needed to compute it again; the one with the highest number counts."""

    __tablename__ = "verdict"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    step: Mapped[str] = evidenced(KEY)
    iteration: Mapped[int] = evidenced(Integer)
    time_result: Mapped[str] = evidenced(KEY)
    used_seconds: Mapped[int] = evidenced(Integer)
    limit_seconds: Mapped[int] = evidenced(Integer)
    used_by_day: Mapped[str] = evidenced(Text)
    completeness_result: Mapped[str] = evidenced(KEY)
    requirements: Mapped[str] = evidenced(Text)
    number: Mapped[int] = evidenced(Integer)
    calendar_digest: Mapped[str] = evidenced(HASH)
    excluded_seconds: Mapped[int] = evidenced(Integer)


class DeviationRow(Base):
    """A departure from the SOP's norms."""

    __tablename__ = "deviation"
    __table_args__ = (
        Index("ix_deviation_owed", "owed_until"),
        Index(
            "ix_deviation_unexplained",
            "at",
            "id",
            postgresql_where=text("explained_at IS NULL"),
            sqlite_where=text("explained_at IS NULL"),
        ),
        Index(
            "ix_deviation_unanswered",
            "explained_at",
            "id",
            postgresql_where=text("state = 'explained'"),
            sqlite_where=text("state = 'explained'"),
        ),
        Index("ix_deviation_responsible", "responsible", "state", "at"),
    )
    id: Mapped[str] = evidenced(ID, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    code: Mapped[str] = evidenced(KEY)
    step: Mapped[str | None] = evidenced(KEY)
    iteration: Mapped[int | None] = evidenced(Integer)
    subject: Mapped[str | None] = evidenced(String(100))
    role: Mapped[str | None] = evidenced(KEY)
    responsible: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    explained_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    explained_by: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    event_hash: Mapped[str] = evidenced(HASH)
    state: Mapped[str] = evidenced(KEY)
    explain_by: Mapped[datetime | None] = evidenced(UtcDateTime)
    escalated_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    # until when an explanation is owed that did not escalate yet: what the sweep looks for
    owed_until: Mapped[datetime | None] = evidenced(UtcDateTime)


class ExplanationRow(Base):
    """One explanation of a deviation, and what was answered to it."""

    __tablename__ = "explanation"
    deviation_id: Mapped[str] = evidenced(ForeignKey("deviation.id"), primary_key=True)
    number: Mapped[int] = evidenced(Integer, primary_key=True, autoincrement=False)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)
    answer: Mapped[str | None] = evidenced(KEY)
    answered_by: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = evidenced(UtcDateTime)


class IndicatorRow(Base):
    """One performance indicator on a dossier's list, as it is listed now."""

    __tablename__ = "indicator"
    __table_args__ = (Index("ix_indicator_person", "person_id"),)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), primary_key=True)
    code: Mapped[str] = evidenced(String(32), primary_key=True)
    title: Mapped[str] = evidenced(String(300))
    unit: Mapped[str | None] = evidenced(String(50))
    target: Mapped[str] = evidenced(String(100))
    achievement: Mapped[str | None] = evidenced(String(100))
    person_id: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    event_hash: Mapped[str] = evidenced(HASH)


class IndicatorResultRow(Base):
    """What a step recorded of an indicator, or of the dossier as a whole (no code): the newest of each iteration."""

    __tablename__ = "indicator_result"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    step: Mapped[str] = evidenced(KEY)
    iteration: Mapped[int] = evidenced(Integer)
    code: Mapped[str | None] = evidenced(String(32))
    achievement: Mapped[str | None] = evidenced(String(100))
    has_recommendation: Mapped[bool] = evidenced(Boolean)
    person_id: Mapped[str] = evidenced(ForeignKey("person.id"))
    at: Mapped[datetime] = evidenced(UtcDateTime)


class RecommendationRow(Base):
    """A recommendation of the period before, with what became of it."""

    __tablename__ = "recommendation"
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), index=True)
    from_dossier: Mapped[str] = evidenced(ID)
    from_event: Mapped[str] = evidenced(HASH)
    code: Mapped[str | None] = evidenced(String(32))
    at: Mapped[datetime] = evidenced(UtcDateTime)
    state: Mapped[str | None] = evidenced(KEY)
    answered_by: Mapped[str | None] = evidenced(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = evidenced(UtcDateTime)
    answer_hash: Mapped[str | None] = evidenced(HASH)


class QualityCountRow(Base):
    """Numbers to be added up over dossiers: each change of a dossier adds a row, and a sweep makes one row of all those of a cell.

    A cell is SOP, step, work unit and quarter; the step is empty for what is said of the whole dossier. Only sums mean anything.
    """

    __tablename__ = "quality_count"
    __table_args__ = (
        Index("ix_quality_count_period", "year", "quarter", "work_unit_id"),
        Index("ix_quality_count_unit", "work_unit_id", "year", "quarter"),
        Index(
            "ix_quality_count_fresh",
            "id",
            postgresql_where=text("NOT is_folded"),
            sqlite_where=text("NOT is_folded"),
        ),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = operational(COUNT, primary_key=True, autoincrement=True)
    is_folded: Mapped[bool] = operational(Boolean)
    sop: Mapped[str] = evidenced(KEY)
    step: Mapped[str] = evidenced(KEY)
    work_unit_id: Mapped[str] = evidenced(ID)
    year: Mapped[int] = evidenced(Integer)
    quarter: Mapped[int] = evidenced(Integer)
    dossiers: Mapped[int] = evidenced(COUNT)
    sealed: Mapped[int] = evidenced(COUNT)
    cancelled: Mapped[int] = evidenced(COUNT)
    runs: Mapped[int] = evidenced(COUNT)
    running: Mapped[int] = evidenced(COUNT)
    overdue: Mapped[int] = evidenced(COUNT)
    on_time: Mapped[int] = evidenced(COUNT)
    late: Mapped[int] = evidenced(COUNT)
    used_seconds: Mapped[int] = evidenced(COUNT)
    limit_seconds: Mapped[int] = evidenced(COUNT)
    complete: Mapped[int] = evidenced(COUNT)
    incomplete: Mapped[int] = evidenced(COUNT)
    returns: Mapped[int] = evidenced(COUNT)
    sent_back: Mapped[int] = evidenced(COUNT)
    deviations: Mapped[int] = evidenced(COUNT)
    open_deviations: Mapped[int] = evidenced(COUNT)
    unexplained: Mapped[int] = evidenced(COUNT)


class StatementRow(Base):
    """The completeness statement that was frozen at sealing."""

    __tablename__ = "statement"
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), primary_key=True)
    digest: Mapped[str] = evidenced(HASH)
    data: Mapped[bytes] = evidenced(LargeBinary)


class StatementAgainRow(Base):
    """The statement of a sealed dossier, judged again by another calendar. INSERT only."""

    __tablename__ = "statement_again"
    __table_args__ = (UniqueConstraint("dossier_id", "calendar_digest"),)
    event_hash: Mapped[str] = evidenced(HASH, primary_key=True)
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"))
    calendar_digest: Mapped[str] = evidenced(ForeignKey("definition.digest"))
    digest: Mapped[str] = evidenced(HASH)
    data: Mapped[bytes] = evidenced(LargeBinary)


class BundleRow(Base):
    """The bundle of a sealed dossier; its frozen plan makes the bytes the same whoever builds them."""

    __tablename__ = "bundle"
    dossier_id: Mapped[str] = evidenced(ForeignKey("dossier.id"), primary_key=True)
    plan_digest: Mapped[str | None] = evidenced(HASH)
    digest: Mapped[str | None] = evidenced(HASH)
    size: Mapped[int | None] = evidenced(COUNT)
    plan: Mapped[bytes] = operational(LargeBinary)
    frozen_at: Mapped[datetime] = operational(UtcDateTime)


# what is searched ------------------------------------------------------------------------------------------------


class SearchEntryRow(Base):
    """What a search may find, by the event that tells of it; derived from openings, made again by ``archive-service search rebuild``."""

    __tablename__ = "search_entry"
    __table_args__ = (
        Index("ix_search_entry_kind", "kind", "id"),
        Index("ix_search_entry_unit", "kind", "work_unit_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = operational(COUNT, primary_key=True, autoincrement=True)
    kind: Mapped[str] = operational(KEY)
    event_hash: Mapped[str] = operational(HASH, unique=True)
    subject: Mapped[str] = operational(HASH)
    dossier_id: Mapped[str | None] = operational(ID)
    work_unit_id: Mapped[str | None] = operational(ID)


class SearchTokenRow(Base):
    """One word of an entry, normalised. It goes with the opening that it came from (a trigger on ``opening``)."""

    __tablename__ = "search_token"
    __table_args__ = (Index("ix_search_token_entry", "entry_id", "token"),)
    token: Mapped[str] = operational(TOKEN, primary_key=True)
    entry_id: Mapped[int] = operational(
        ForeignKey("search_entry.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    field: Mapped[str] = operational(KEY, primary_key=True)


# how the service runs --------------------------------------------------------------------------------------------


class LocationRow(Base):
    """Where an object lies; events name digests, never places."""

    __tablename__ = "location"
    key: Mapped[str] = operational(String(200), primary_key=True)
    version_id: Mapped[str] = operational(String(200), primary_key=True)
    digest: Mapped[str] = operational(HASH, index=True)
    dossier_id: Mapped[str] = operational(ID, index=True)
    claimed_at: Mapped[datetime] = operational(UtcDateTime)
    locked_at: Mapped[datetime | None] = operational(UtcDateTime)
    checked_at: Mapped[datetime | None] = operational(UtcDateTime)


class JobRow(Base):
    """Work to be done: the record, whoever runs it."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_ready", "state", "run_after"),)
    id: Mapped[str] = operational(ID, primary_key=True)
    name: Mapped[str] = operational(KEY)
    args: Mapped[str] = operational(Text)
    idempotency_key: Mapped[str] = operational(String(200), unique=True)
    dossier_id: Mapped[str | None] = operational(ID, index=True)
    state: Mapped[str] = operational(KEY)
    run_after: Mapped[datetime] = operational(UtcDateTime)
    attempts: Mapped[int] = operational(Integer, default=0)
    lease_token: Mapped[str | None] = operational(ID)
    lease_until: Mapped[datetime | None] = operational(UtcDateTime)
    progress: Mapped[int] = operational(Integer, default=0)
    error: Mapped[str | None] = operational(Text)
    created_at: Mapped[datetime] = operational(UtcDateTime)
    finished_at: Mapped[datetime | None] = operational(UtcDateTime)


class NoticeRow(Base):
    """Something that a person is told: on their page, and by mail where there is mail. Its key makes it once, whatever runs twice."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_person", "person_id", "id"),
        Index(
            "ix_notice_unread",
            "person_id",
            postgresql_where=text("read_at IS NULL"),
            sqlite_where=text("read_at IS NULL"),
        ),
        # what the daily digest looks for: neither mailed nor read nor given up
        Index("ix_notice_waiting", "is_waiting", "created_at"),
    )
    id: Mapped[str] = operational(ID, primary_key=True)
    person_id: Mapped[str] = operational(ForeignKey("person.id"))
    kind: Mapped[str] = operational(KEY)
    key: Mapped[str] = operational(String(200), unique=True)
    dossier_id: Mapped[str | None] = operational(ID)
    step: Mapped[str | None] = operational(KEY)
    iteration: Mapped[int | None] = operational(Integer)
    subject: Mapped[str | None] = operational(String(100))
    created_at: Mapped[datetime] = operational(UtcDateTime)
    is_urgent: Mapped[bool] = operational(Boolean)
    is_waiting: Mapped[bool] = operational(Boolean)
    read_at: Mapped[datetime | None] = operational(UtcDateTime)
    mailed_at: Mapped[datetime | None] = operational(UtcDateTime)
    mail_error: Mapped[str | None] = operational(KEY)


class WebhookRow(Base):
    """An address that is told of notices, signed with a secret that both sides know."""

    __tablename__ = "webhook"
    id: Mapped[str] = operational(ID, primary_key=True)
    url: Mapped[str] = operational(String(2000))
    secret: Mapped[str] = operational(String(100))
    kinds: Mapped[str] = operational(String(1000))
    is_active: Mapped[bool] = operational(Boolean)
    created_at: Mapped[datetime] = operational(UtcDateTime)
    delivered_at: Mapped[datetime | None] = operational(UtcDateTime)
    error: Mapped[str | None] = operational(KEY)


class IdempotencyRow(Base):
    """The answer that a request with this ``Idempotency-Key`` got; asked again, it gets the same one."""

    __tablename__ = "idempotency"
    user_id: Mapped[str] = operational(ForeignKey("user.id"), primary_key=True)
    key: Mapped[str] = operational(String(200), primary_key=True)
    request_digest: Mapped[str] = operational(HASH)
    status: Mapped[int | None] = operational(Integer)
    headers: Mapped[str | None] = operational(Text)
    body: Mapped[bytes | None] = operational(LargeBinary)
    created_at: Mapped[datetime] = operational(UtcDateTime, index=True)
