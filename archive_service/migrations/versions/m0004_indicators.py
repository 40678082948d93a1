"""Indicators of a dossier: the list, the results of each, recommendations of the period before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.String(length=32)
HASH = sa.String(length=64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add three tables; dossiers that are there have no list."""
    op.create_table(
        "indicator",
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("achievement", sa.String(length=100), nullable=True),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event_hash", HASH, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_indicator_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_indicator_person_id")),
        sa.PrimaryKeyConstraint("dossier_id", "code", name=op.f("pk_indicator")),
    )
    op.create_index("ix_indicator_person", "indicator", ["person_id"], unique=False)
    op.create_table(
        "indicator_result",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("step", HASH, nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("achievement", sa.String(length=100), nullable=True),
        sa.Column("has_recommendation", sa.Boolean(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_indicator_result_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_indicator_result_person_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_indicator_result")),
    )
    op.create_index(op.f("ix_indicator_result_dossier_id"), "indicator_result", ["dossier_id"], unique=False)
    op.create_table(
        "recommendation",
        sa.Column("event_hash", HASH, nullable=False),
        sa.Column("dossier_id", ID, nullable=False),
        sa.Column("from_dossier", ID, nullable=False),
        sa.Column("from_event", HASH, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", HASH, nullable=True),
        sa.Column("answered_by", ID, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answer_hash", HASH, nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_recommendation_answered_by")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_recommendation_dossier_id")),
        sa.PrimaryKeyConstraint("event_hash", name=op.f("pk_recommendation")),
    )
    op.create_index(op.f("ix_recommendation_dossier_id"), "recommendation", ["dossier_id"], unique=False)


def downgrade() -> None:
    """Refused: evidence is never dropped by a command."""
    raise NotImplementedError("indicators are evidence; there is no way back")
