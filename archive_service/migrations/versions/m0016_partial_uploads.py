"""Uploads that go on after a cut line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"

ID = sa.String(length=32)
KEY = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table; what was under way before is sent again."""
    op.create_table(
        "partial_upload",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_partial_upload_person_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_partial_upload_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partial_upload")),
    )
    op.create_index("ix_partial_upload_owner", "partial_upload", ["dossier_id", "person_id"], unique=False)
    op.create_index(op.f("ix_partial_upload_expires_at"), "partial_upload", ["expires_at"], unique=False)


def downgrade() -> None:
    """Nothing of evidence lies in the table."""
    op.drop_table("partial_upload")
