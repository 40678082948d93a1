"""Where the paper originals of documents lie."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.String(length=32)
PLACE = sa.String(length=100)


def upgrade() -> None:
    """Add the table; of documents that are there nothing is recorded yet."""
    op.create_table(
        "paper_original",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("is_there", sa.Boolean(), nullable=False),
        sa.Column("room", PLACE, nullable=True),
        sa.Column("shelf", PLACE, nullable=True),
        sa.Column("box", PLACE, nullable=True),
        sa.Column("folder", PLACE, nullable=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_paper_original_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_paper_original_person_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_paper_original")),
    )
    op.create_index(op.f("ix_paper_original_dossier_id"), "paper_original", ["dossier_id"], unique=False)


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("paper originals are evidence; there is no way back")
