"""Passkeys of persons, and decisions that are signed with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ID = sa.String(length=32)
HASH = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables and the decision's column; what was decided before was signed with none."""
    op.create_table(
        "passkey",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("credential", HASH, nullable=False),
        sa.Column("algorithm", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=130), nullable=False),
        sa.Column("aaguid", ID, nullable=True),
        sa.Column("rp_id", sa.String(length=253), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_passkey_person_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
        sa.UniqueConstraint("public_key", name=op.f("uq_passkey_public_key")),
    )
    op.create_index(op.f("ix_passkey_person_id"), "passkey", ["person_id"], unique=False)
    op.create_table(
        "prepared_passkey",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("challenge", HASH, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_prepared_passkey_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_passkey")),
    )
    op.create_index(op.f("ix_prepared_passkey_expires_at"), "prepared_passkey", ["expires_at"], unique=False)
    op.create_table(
        "prepared_decision",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("challenge", HASH, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_prepared_decision_person_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_prepared_decision_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_decision")),
    )
    op.create_index(op.f("ix_prepared_decision_expires_at"), "prepared_decision", ["expires_at"], unique=False)
    op.add_column("decision", sa.Column("passkey_hash", HASH, nullable=True))


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("passkeys are evidence; there is no way back")
