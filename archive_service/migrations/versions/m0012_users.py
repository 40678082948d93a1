"""Log-ins: second factors, passkeys and OpenID Connect as means, one-time links, validity in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.String(length=32)
HASH = sa.String(length=64)
KEY = sa.String(length=64)
DATE = sa.String(length=10)
MOMENT = sa.DateTime(timezone=True)
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns and tables; every session so far was begun with a password alone."""
    for column in (
        sa.Column("mail_verified_at", MOMENT, nullable=True),
        sa.Column("second_factor_at", MOMENT, nullable=True),
        sa.Column("valid_from", DATE, nullable=True),
        sa.Column("valid_until", DATE, nullable=True),
    ):
        op.add_column("user", column)
    op.create_index(op.f("ix_user_valid_until"), "user", ["valid_until"], unique=False)
    with op.batch_alter_table("session") as table:
        table.add_column(sa.Column("method", KEY, nullable=False, server_default="password"))
        table.add_column(sa.Column("second", KEY, nullable=True))
        table.add_column(sa.Column("agent", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("address", sa.String(length=64), nullable=True))
    with op.batch_alter_table("session") as table:
        table.alter_column("method", server_default=None)
    op.create_table(
        "totp",
        _user(),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_counter", COUNT, nullable=False),
        _belongs("totp"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", HASH, nullable=False),
        _user(),
        _belongs("recovery_code"),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"], unique=False)
    op.create_table(
        "identity",
        sa.Column("event_hash", HASH, nullable=False),
        _user(),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("unlinked_at", MOMENT, nullable=True),
        sa.Column("account_hash", HASH, nullable=True),
        _belongs("identity"),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_identity")),
        sa.UniqueConstraint("account_hash", name=op.f("uq_identity_account_hash")),
    )
    op.create_index(op.f("ix_identity_user_id"), "identity", ["user_id"], unique=False)
    op.create_table(
        "pending_login",
        sa.Column("cookie_hash", HASH, nullable=False),
        _user(),
        sa.Column("method", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _belongs("pending_login"),
        sa.PrimaryKeyConstraint("cookie_hash", name=op.f("pk_pending_login")),
    )
    op.create_table(
        "prepared_login",
        sa.Column("id", ID, nullable=False),
        sa.Column("challenge", HASH, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_login")),
    )
    op.create_table(
        "oidc_login",
        sa.Column("state_hash", HASH, nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("code_verifier", sa.String(length=128), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        _belongs("oidc_login"),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oidc_login")),
    )
    op.create_table(
        "one_time_link",
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("purpose", KEY, nullable=False),
        _user(),
        sa.Column("mail_event", HASH, nullable=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _belongs("one_time_link"),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_one_time_link")),
    )
    op.create_index(op.f("ix_one_time_link_user_id"), "one_time_link", ["user_id"], unique=False)
    for table_name in ("pending_login", "prepared_login", "oidc_login", "one_time_link"):
        op.create_index(op.f(f"ix_{table_name}_expires_at"), table_name, ["expires_at"], unique=False)


def _user() -> sa.Column[str]:
    return sa.Column("user_id", ID, nullable=False)


def _belongs(table_name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f(f"fk_{table_name}_user_id"))


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("log-ins are evidence; there is no way back")
